//! SQL of feedback.

use super::model::{Feedback, FeedbackFilter, Flag, Rating};
use crate::store::{Db, Side, Tx, sql};
use crate::types::{Duration, Id, Instant};
use sqlx::QueryBuilder;
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What is written for one piece of feedback.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Id,
    pub now: Instant,
    /// The same value again updates: idempotency key, or token and user.
    pub dedupe: String,
    pub request: Option<Id>,
    pub request_id: Option<String>,
    pub session_id: Option<String>,
    pub user_id: Option<String>,
    pub rating: Option<Rating>,
    pub stars: Option<i64>,
    pub score: Option<f64>,
    pub categories: Vec<String>,
    pub flag: Option<Flag>,
    pub comment: Option<String>,
    pub correction: Option<String>,
    pub metadata: Option<serde_json::Value>,
    pub channel: &'static str,
    /// Who may read its status again: digest of the token, or `key:<name>`.
    pub reporter: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Id,
    created_at: Instant,
    updated_at: Instant,
    request_id: Option<String>,
    request: Option<Id>,
    session_id: Option<String>,
    user_id: Option<String>,
    rating: Option<Rating>,
    stars: Option<i64>,
    score: Option<f64>,
    categories: Json<Vec<String>>,
    flag: Option<Flag>,
    comment: Option<String>,
    correction: Option<String>,
    channel: String,
    route: Option<String>,
    variant: Option<String>,
    prompt: Option<String>,
}

impl Row {
    fn feedback(self) -> Feedback {
        Feedback {
            id: self.id,
            created_at: self.created_at,
            updated_at: self.updated_at,
            request_id: self.request_id,
            request: self.request,
            session_id: self.session_id,
            user: self.user_id,
            rating: self.rating,
            stars: self.stars,
            score: self.score,
            categories: self.categories.0,
            flag: self.flag,
            comment: self.comment,
            correction: self.correction,
            channel: self.channel,
            route: self.route,
            variant: self.variant,
            prompt: self.prompt,
        }
    }
}

const SELECT: &str = "SELECT f.id, f.created_at, f.updated_at, COALESCE(r.caller_id, r.id, f.request_id) AS request_id, r.id AS request,
    COALESCE(f.session_id, r.session_id) AS session_id, COALESCE(f.user_id, r.user_id) AS user_id, f.rating, f.stars, f.score, f.categories, f.flag,
    f.comment, f.correction, f.channel, k.route, k.variant, k.prompt
    FROM feedback f LEFT JOIN requests r ON r.id = f.request LEFT JOIN request_kinds k ON k.id = r.kind";

/// Inserts, or updates what the same reporter said before; parts not given this time stay. Gives the id it is stored under.
pub async fn upsert(tx: &mut Tx, e: &Entry) -> Result<Id> {
    let row = sql!(
        tx.on(),
        fetch_one::<(Id,)>,
        "INSERT INTO feedback (id, created_at, updated_at, dedupe, request, request_id, session_id, user_id, rating, stars, score, categories, flag,
           comment, correction, metadata, channel, reporter)
         VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (dedupe) DO UPDATE SET updated_at = excluded.updated_at, rating = COALESCE(excluded.rating, feedback.rating),
           stars = COALESCE(excluded.stars, feedback.stars), score = COALESCE(excluded.score, feedback.score),
           categories = CASE WHEN $18 THEN excluded.categories ELSE feedback.categories END, flag = COALESCE(excluded.flag, feedback.flag),
           comment = COALESCE(excluded.comment, feedback.comment), correction = COALESCE(excluded.correction, feedback.correction),
           metadata = COALESCE(excluded.metadata, feedback.metadata)
         RETURNING id",
        &e.id,
        e.now,
        &e.dedupe,
        e.request.as_ref(),
        e.request_id.as_deref(),
        e.session_id.as_deref(),
        e.user_id.as_deref(),
        e.rating,
        e.stars,
        e.score,
        Json(&e.categories),
        e.flag,
        e.comment.as_deref(),
        e.correction.as_deref(),
        e.metadata.as_ref().map(Json),
        e.channel,
        &e.reporter,
        !e.categories.is_empty()
    )?;
    Ok(row.0)
}

/// One piece of feedback.
pub async fn get(db: &Db, id: &Id) -> Result<Option<Feedback>> {
    macro_rules! build {
        ($db:ty, $on:expr) => {{
            let mut q = QueryBuilder::<$db>::new(SELECT);
            q.push(" WHERE f.id = ").push_bind(id);
            q.build_query_as::<Row>().fetch_optional($on).await
        }};
    }
    let row = match db.read() {
        Side::Sqlite(on) => build!(sqlx::Sqlite, on),
        Side::Postgres(on) => build!(sqlx::Postgres, on),
    }?;
    Ok(row.map(Row::feedback))
}

/// Who may read its status.
pub async fn reporter(db: &Db, id: &Id) -> Result<Option<String>> {
    Ok(sql!(db.read(), fetch_optional::<(String,)>, "SELECT reporter FROM feedback WHERE id = $1", id)?.map(|(r,)| r))
}

/// The newest feedback that passes the filter, below the cursor; of one request when `request` is given.
pub async fn list(db: &Db, filter: &FeedbackFilter, request: Option<&Id>, cursor: Option<&str>, limit: i64) -> Result<Vec<Feedback>> {
    macro_rules! build {
        ($db:ty, $on:expr) => {{
            let mut q = QueryBuilder::<$db>::new(SELECT);
            q.push(" WHERE 1 = 1");
            if let Some(cursor) = cursor {
                q.push(" AND f.id < ").push_bind(cursor);
            }
            if let Some(request) = request {
                q.push(" AND f.request = ").push_bind(request);
            }
            match filter.kind.as_deref() {
                Some("up") => q.push(" AND f.rating = 'up'"),
                Some("down") => q.push(" AND f.rating = 'down'"),
                Some("flag") => q.push(" AND f.flag IS NOT NULL"),
                _ => &mut q,
            };
            if let Some(route) = filter.route.as_deref().filter(|v| !v.is_empty()) {
                q.push(" AND k.route = ").push_bind(route);
            }
            if let Some(variant) = filter.variant.as_deref().filter(|v| !v.is_empty()) {
                q.push(" AND k.variant = ").push_bind(variant);
            }
            if let Some(category) = filter.category.as_deref().filter(|v| !v.is_empty()) {
                // Categories are safe words in a JSON list; the quotes make it match whole words on both engines.
                let quoted = format!("%\"{}\"%", category.replace(['%', '_', '"', '\\'], "_"));
                q.push(" AND CAST(f.categories AS TEXT) LIKE ").push_bind(quoted);
            }
            if let Some(words) = filter.q.as_deref().filter(|v| !v.is_empty()) {
                let pattern = format!("%{}%", words.to_lowercase().replace(['%', '_', '\\'], "_"));
                q.push(" AND LOWER(COALESCE(f.comment, '')) LIKE ").push_bind(pattern);
            }
            q.push(" ORDER BY f.id DESC LIMIT ").push_bind(limit);
            q.build_query_as::<Row>().fetch_all($on).await
        }};
    }
    let rows = match db.read() {
        Side::Sqlite(on) => build!(sqlx::Sqlite, on),
        Side::Postgres(on) => build!(sqlx::Postgres, on),
    }?;
    Ok(rows.into_iter().map(Row::feedback).collect())
}

/// Ties feedback that came before its request's log entry to it. Gives how many were tied.
pub async fn link(db: &Db, since: Instant) -> Result<u64> {
    sql!(
        db.write(),
        execute,
        "UPDATE feedback SET request = (SELECT r.id FROM requests r WHERE r.caller_id = feedback.request_id OR r.id = feedback.request_id
           ORDER BY r.id DESC LIMIT 1)
         WHERE request IS NULL AND request_id IS NOT NULL AND created_at >= $1
           AND EXISTS (SELECT 1 FROM requests r WHERE r.caller_id = feedback.request_id OR r.id = feedback.request_id)",
        since
    )
}

/// Thumbs and flags of one step of a chart and one variant.
#[derive(sqlx::FromRow)]
pub struct ThumbsRow {
    pub start: Instant,
    pub route: String,
    pub variant: String,
    pub up: i64,
    pub down: i64,
    pub flags: i64,
}

/// Thumbs and flags by `step` and variant from `from` (inclusive) to `to` (exclusive).
pub async fn thumbs(db: &Db, step: Duration, from: Instant, to: Instant, route: Option<&str>) -> Result<Vec<ThumbsRow>> {
    sql!(
        db.read(),
        fetch_all::<ThumbsRow>,
        "SELECT f.created_at - f.created_at % $1 AS start, COALESCE(k.route, '') AS route, COALESCE(k.variant, '') AS variant,
           CAST(SUM(CASE WHEN f.rating = 'up' THEN 1 ELSE 0 END) AS BIGINT) AS up, CAST(SUM(CASE WHEN f.rating = 'down' THEN 1 ELSE 0 END) AS BIGINT) AS down,
           COUNT(f.flag) AS flags
         FROM feedback f LEFT JOIN requests r ON r.id = f.request LEFT JOIN request_kinds k ON k.id = r.kind
         WHERE f.created_at >= $2 AND f.created_at < $3 AND ($4 IS NULL OR k.route = $4) GROUP BY 1, 2, 3",
        step.0,
        from,
        to,
        route
    )
}

/// What was said of versions of a prompt, summed up by what was complained of.
#[derive(sqlx::FromRow)]
pub struct PromptRow {
    /// `name@version`.
    pub prompt: String,
    pub categories: Json<Vec<String>>,
    pub up: i64,
    pub down: i64,
    pub flags: i64,
    pub n: i64,
}

/// What was said of the versions of a prompt; `start` is how their names begin (`name@`).
pub async fn of_prompt(db: &Db, from: Instant, to: Instant, start: &str) -> Result<Vec<PromptRow>> {
    sql!(
        db.read(),
        fetch_all::<PromptRow>,
        "SELECT k.prompt, f.categories, CAST(SUM(CASE WHEN f.rating = 'up' THEN 1 ELSE 0 END) AS BIGINT) AS up,
           CAST(SUM(CASE WHEN f.rating = 'down' THEN 1 ELSE 0 END) AS BIGINT) AS down, COUNT(f.flag) AS flags, COUNT(*) AS n
         FROM feedback f JOIN requests r ON r.id = f.request JOIN request_kinds k ON k.id = r.kind
         WHERE f.created_at >= $1 AND f.created_at < $2 AND SUBSTR(k.prompt, 1, $4) = $3 GROUP BY 1, 2",
        from,
        to,
        start,
        i32::try_from(start.chars().count()).unwrap_or(i32::MAX)
    )
}

/// How much feedback there is by rating; what has none is `none`.
pub async fn count_all(db: &Db) -> Result<Vec<(String, i64)>> {
    sql!(db.read(), fetch_all::<(String, i64)>, "SELECT COALESCE(rating, 'none'), COUNT(*) FROM feedback GROUP BY 1 ORDER BY 1")
}
