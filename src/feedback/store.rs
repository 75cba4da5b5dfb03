//! SQL of feedback: writing it, finding it, tying it to its calls.

pub mod channels;
pub mod decisions;
pub mod numbers;

use super::model::triage::{Said, State, Suggestion, Triage};
use super::model::{Feedback, FeedbackFilter, Flag, LOW_SCORE, MOOD, Rating, ThemeRef, since_span};
use crate::issues::model::{Kind, Severity};
use crate::store::{Db, Side, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::QueryBuilder;
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What is written for one piece of feedback.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Id,
    pub now: Instant,
    /// When it was given, which may be long before it came in.
    pub created_at: Instant,
    /// The same value again updates: idempotency key, token and user, or channel and external id.
    pub dedupe: String,
    pub request: Option<Id>,
    pub request_id: Option<String>,
    pub session_id: Option<String>,
    pub user_id: Option<String>,
    pub rating: Option<Rating>,
    pub stars: Option<i64>,
    pub score: Option<f64>,
    /// `None` leaves what was said before, an empty list takes it back.
    pub categories: Option<Vec<String>>,
    pub flag: Option<Flag>,
    pub comment: Option<String>,
    /// The comment given before is taken back.
    pub no_comment: bool,
    pub correction: Option<String>,
    /// The correction given before is taken back.
    pub no_correction: bool,
    pub metadata: Option<serde_json::Value>,
    pub channel: String,
    /// Who may read its status again: digest of the token, or `key:<name>`.
    pub reporter: String,
    pub sentiment: Option<f64>,
    pub language: Option<&'static str>,
    pub spam: f64,
    pub state: State,
    pub severity: Option<Severity>,
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
    metadata: Option<Json<serde_json::Value>>,
    channel: String,
    route: Option<String>,
    variant: Option<String>,
    prompt: Option<String>,
    sentiment: Option<f64>,
    spam: f64,
    theme: Option<Id>,
    theme_name: Option<String>,
    state: State,
    severity: Option<Severity>,
    kind: Option<Kind>,
    assignee: Option<String>,
    issue: Option<Id>,
    revision: i64,
}

impl Row {
    fn feedback(self) -> Feedback {
        let low = self.score.filter(|score| *score < LOW_SCORE).map(|_| Rating::Down);
        let suggested = Suggestion::of(Said {
            rating: self.rating.or(low),
            stars: self.stars,
            categories: &self.categories.0,
            flag: self.flag,
            comment: self.comment.as_deref(),
            sentiment: self.sentiment,
        });
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
            metadata: self.metadata.map(|m| m.0),
            channel: self.channel,
            route: self.route,
            variant: self.variant,
            prompt: self.prompt,
            sentiment: self.sentiment,
            spam: self.spam,
            theme: self.theme.zip(self.theme_name).map(|(id, name)| ThemeRef { id, name }),
            triage: Triage { state: self.state, severity: self.severity, kind: self.kind, assignee: self.assignee, issue: self.issue },
            suggested,
            revision: self.revision,
            restricted: false,
        }
    }
}

const SELECT: &str = "SELECT f.id, f.created_at, f.updated_at, COALESCE(r.caller_id, r.id, f.request_id) AS request_id, r.id AS request,
    COALESCE(f.session_id, r.session_id) AS session_id, COALESCE(f.user_id, r.user_id) AS user_id, f.rating, f.stars, f.score, f.categories, f.flag,
    f.comment, f.correction, f.metadata, f.channel, f.route, f.variant, f.prompt, f.sentiment, f.spam, f.theme, t.name AS theme_name, f.state, f.severity, f.kind,
    f.assignee, f.issue, f.revision
    FROM feedback f LEFT JOIN requests r ON r.id = f.request LEFT JOIN themes t ON t.id = f.theme";

/// Inserts, or updates what the same reporter said before; parts not given this time stay unless they are taken back, and so does what people decided,
/// unless a flag is new. Gives the id it is stored under.
pub async fn upsert(tx: &mut Tx, e: &Entry) -> Result<Id> {
    let row = sql!(
        tx.on(),
        fetch_one::<(Id,)>,
        "INSERT INTO feedback (id, created_at, updated_at, dedupe, request, request_id, session_id, user_id, rating, stars, score, categories, flag,
           comment, correction, metadata, channel, reporter, sentiment, language, spam, state, severity, revision, linked)
         VALUES ($1, $19, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $20, $21, $22, $23, $24, 0, $25)
         ON CONFLICT (dedupe) DO UPDATE SET updated_at = excluded.updated_at, rating = COALESCE(excluded.rating, feedback.rating),
           stars = COALESCE(excluded.stars, feedback.stars), score = COALESCE(excluded.score, feedback.score),
           categories = CASE WHEN $18 THEN excluded.categories ELSE feedback.categories END, flag = COALESCE(excluded.flag, feedback.flag),
           comment = CASE WHEN $26 THEN excluded.comment ELSE feedback.comment END,
           correction = CASE WHEN $27 THEN excluded.correction ELSE feedback.correction END,
           metadata = COALESCE(excluded.metadata, feedback.metadata),
           sentiment = CASE WHEN $26 THEN excluded.sentiment ELSE feedback.sentiment END,
           language = CASE WHEN $26 THEN excluded.language ELSE feedback.language END,
           spam = CASE WHEN $26 THEN excluded.spam ELSE feedback.spam END,
           state = CASE WHEN excluded.flag IS NOT NULL AND feedback.flag IS NULL THEN 'new'
             WHEN feedback.revision = 0 AND feedback.state = 'done' THEN excluded.state ELSE feedback.state END,
           severity = CASE WHEN excluded.flag IS NOT NULL AND feedback.flag IS NULL THEN COALESCE(excluded.severity, feedback.severity)
             ELSE feedback.severity END,
           examined_at = NULL
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
        Json(e.categories.as_deref().unwrap_or_default()),
        e.flag,
        e.comment.as_deref(),
        e.correction.as_deref(),
        e.metadata.as_ref().map(Json),
        &e.channel,
        &e.reporter,
        e.categories.is_some(),
        e.created_at,
        e.sentiment,
        e.language,
        e.spam,
        e.state,
        e.severity,
        e.request.is_none() && e.request_id.is_none(),
        e.no_comment || e.comment.is_some(),
        e.no_correction || e.correction.is_some()
    )?;
    if let Some(categories) = &e.categories {
        sql!(tx.on(), execute, "DELETE FROM feedback_categories WHERE feedback = $1", &row.0)?;
        for category in categories {
            sql!(
                tx.on(),
                execute,
                "INSERT INTO feedback_categories (category, feedback) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                category,
                &row.0
            )?;
        }
    }
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

/// What was stored under what makes a repeat the same.
pub async fn find(db: &Db, dedupe: &str) -> Result<Option<Id>> {
    let row = sql!(db.read(), fetch_optional::<(Id,)>, "SELECT id FROM feedback WHERE dedupe = $1", dedupe)?;
    Ok(row.map(|(id,)| id))
}

/// What decides who may read its status, and what that status is.
#[derive(sqlx::FromRow)]
pub struct StatusRow {
    pub reporter: String,
    pub state: State,
    pub assignee: Option<String>,
    pub issue_state: Option<crate::issues::model::State>,
    /// What users are told of its issue.
    pub public: Option<Json<crate::issues::model::PublicNote>>,
}

/// Its reporter and its status.
pub async fn status(db: &Db, id: &Id) -> Result<Option<StatusRow>> {
    sql!(
        db.read(),
        fetch_optional::<StatusRow>,
        "SELECT f.reporter, f.state, f.assignee, i.state AS issue_state, i.public FROM feedback f LEFT JOIN issues i ON i.id = f.issue WHERE f.id = $1",
        id
    )
}

/// What a list shows, to whom, when.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub filter: &'a FeedbackFilter,
    /// Only of this request.
    pub request: Option<&'a Id>,
    /// Who asks, for `me`.
    pub me: &'a str,
    /// Whether words of sensitive reports may be searched.
    pub sensitive: bool,
    pub now: Instant,
}

/// Comments with these words, by the index of words: the condition, up to what is bound, and that.
enum Words {
    Match(String),
    Like(String),
}

impl Words {
    /// `SQLite`'s index knows triples of letters: fewer are looked for in every row.
    fn on_sqlite(words: &str) -> Self {
        if words.chars().count() < 3 { Self::on_postgres(words) } else { Self::Match(format!("\"{}\"", words.replace('"', "\"\""))) }
    }

    fn on_postgres(words: &str) -> Self {
        Self::Like(format!("%{}%", words.replace(['%', '_', '\\'], "_")))
    }
}

/// Puts the conditions of a filter behind `WHERE 1 = 1`.
macro_rules! narrow {
    ($q:ident, $w:ident, $words:expr, $like:literal) => {{
        let filter = $w.filter;
        let given = |value: &'_ Option<String>| value.clone().filter(|v| !v.is_empty());
        if let Some(request) = $w.request {
            $q.push(" AND f.request = ").push_bind(request.to_string());
        }
        match given(&filter.state).as_deref() {
            None if $w.request.is_none() => drop($q.push(" AND f.state <> 'spam'")),
            None | Some("all") => {}
            Some(state) => drop($q.push(" AND f.state = ").push_bind(state.to_owned())),
        }
        match filter.kind.as_deref() {
            Some("up") => drop($q.push(" AND f.rating = 'up'")),
            Some("down") => drop($q.push(" AND f.rating = 'down'")),
            Some("flag") => drop($q.push(" AND f.flag IS NOT NULL")),
            _ => {}
        }
        match filter.mood.as_deref() {
            Some("negative") => drop($q.push(" AND f.sentiment <= ").push_bind(MOOD.0)),
            Some("positive") => drop($q.push(" AND f.sentiment >= ").push_bind(MOOD.1)),
            _ => {}
        }
        match given(&filter.assignee).as_deref() {
            None => {}
            Some("none") => drop($q.push(" AND f.assignee IS NULL")),
            Some("me") => drop($q.push(" AND f.assignee = ").push_bind($w.me.to_owned())),
            Some(who) => drop($q.push(" AND f.assignee = ").push_bind(who.to_owned())),
        }
        for (column, value) in [
            ("f.route", &filter.route),
            ("f.variant", &filter.variant),
            ("f.prompt", &filter.prompt),
            ("f.severity", &filter.severity),
            ("f.kind", &filter.sort),
            ("f.theme", &filter.theme),
            ("f.issue", &filter.issue),
            ("f.channel", &filter.channel),
        ] {
            if let Some(value) = given(value) {
                $q.push(format!(" AND {column} = ")).push_bind(value);
            }
        }
        if let Some(user) = given(&filter.user) {
            $q.push(" AND f.user_id = ").push_bind(user);
        }
        if let Some(category) = given(&filter.category) {
            $q.push(" AND EXISTS (SELECT 1 FROM feedback_categories c WHERE c.feedback = f.id AND c.category = ")
                .push_bind(category)
                .push(")");
        }
        if let Some(span) = filter.since.as_deref().and_then(since_span) {
            $q.push(" AND f.created_at >= ").push_bind($w.now.minus(span).0);
        }
        if let Some(words) = given(&filter.q) {
            match $words(&words) {
                Words::Like(pattern) => drop($q.push(concat!(" AND f.comment ", $like, " ")).push_bind(pattern)),
                Words::Match(phrase) => drop(
                    $q.push(" AND f.number IN (SELECT rowid FROM feedback_words WHERE feedback_words MATCH ").push_bind(phrase).push(")"),
                ),
            }
            if !$w.sensitive {
                // Who may not read a report may not find out what stands in it either.
                $q.push(" AND (f.flag IS NULL OR f.flag NOT IN ('harmful', 'private_data'))");
            }
        }
    }};
}

/// The newest feedback that passes the filter, below the cursor.
pub async fn list(db: &Db, wanted: Wanted<'_>, cursor: Option<&str>, limit: i64) -> Result<Vec<Feedback>> {
    macro_rules! build {
        ($db:ty, $on:expr, $words:expr, $like:literal) => {{
            let mut q = QueryBuilder::<$db>::new(SELECT);
            q.push(" WHERE 1 = 1");
            if let Some(cursor) = cursor {
                q.push(" AND f.id < ").push_bind(cursor);
            }
            narrow!(q, wanted, $words, $like);
            q.push(" ORDER BY f.id DESC LIMIT ").push_bind(limit);
            q.build_query_as::<Row>().fetch_all($on).await
        }};
    }
    let rows = match db.read() {
        Side::Sqlite(on) => build!(sqlx::Sqlite, on, Words::on_sqlite, "LIKE"),
        Side::Postgres(on) => build!(sqlx::Postgres, on, Words::on_postgres, "ILIKE"),
    }?;
    Ok(rows.into_iter().map(Row::feedback).collect())
}

/// How many pass the filter, `most` at most.
pub async fn count(db: &Db, wanted: Wanted<'_>, most: i64) -> Result<i64> {
    macro_rules! build {
        ($db:ty, $on:expr, $words:expr, $like:literal) => {{
            let mut q = QueryBuilder::<$db>::new("SELECT COUNT(*) FROM (SELECT 1 FROM feedback f WHERE 1 = 1");
            narrow!(q, wanted, $words, $like);
            q.push(" LIMIT ").push_bind(most).push(") counted");
            q.build_query_as::<(i64,)>().fetch_one($on).await
        }};
    }
    let (n,) = match db.read() {
        Side::Sqlite(on) => build!(sqlx::Sqlite, on, Words::on_sqlite, "LIKE"),
        Side::Postgres(on) => build!(sqlx::Postgres, on, Words::on_postgres, "ILIKE"),
    }?;
    Ok(n)
}

/// How a call was rated last.
pub async fn rating_of(db: &Db, request: &Id) -> Result<Option<Rating>> {
    const SQL: &str = "SELECT rating FROM feedback WHERE request = $1 AND rating IS NOT NULL ORDER BY updated_at DESC LIMIT 1";
    Ok(sql!(db.read(), fetch_optional::<(Rating,)>, SQL, request)?.map(|(rating,)| rating))
}

/// How a user rated the newest rated one of their newest fifty calls.
pub async fn newest_rating(db: &Db, user: &str) -> Result<Option<Rating>> {
    // Their newest of every segment of the log, and of those the newest.
    const SQLITE: &str =
        "SELECT f.rating FROM (SELECT r.id FROM request_segments s CROSS JOIN requests r ON r.id IN (SELECT x.id FROM requests x
           WHERE x.segment = s.id AND x.user_id = $1 ORDER BY x.id DESC LIMIT 50) ORDER BY r.id DESC LIMIT 50) r JOIN feedback f ON f.request = r.id
         WHERE f.rating IS NOT NULL ORDER BY r.id DESC, f.updated_at DESC LIMIT 1";
    const POSTGRES: &str =
        "SELECT f.rating FROM (SELECT id FROM requests WHERE user_id = $1 ORDER BY id DESC LIMIT 50) r JOIN feedback f ON f.request = r.id
         WHERE f.rating IS NOT NULL ORDER BY r.id DESC, f.updated_at DESC LIMIT 1";
    let text = match db {
        Db::Sqlite { .. } => SQLITE,
        Db::Postgres(_) => POSTGRES,
    };
    Ok(sql!(db.read(), fetch_optional::<(Rating,)>, text, user)?.map(|(rating,)| rating))
}

/// When the earliest of some feedback was given.
pub async fn first_given(tx: &mut Tx, ids: &[Id]) -> Result<Option<Instant>> {
    let mut first: Option<Instant> = None;
    for id in ids {
        if let Some((at,)) = sql!(tx.on(), fetch_optional::<(Instant,)>, "SELECT created_at FROM feedback WHERE id = $1", id)? {
            first = Some(first.map_or(at, |f| f.min(at)));
        }
    }
    Ok(first)
}

/// Requests between two ids (inclusive) about which something harmful or private was reported.
pub async fn sensitive_requests(db: &Db, from: &Id, to: &Id) -> Result<Vec<Id>> {
    let rows = sql!(
        db.read(),
        fetch_all::<(Id,)>,
        "SELECT request FROM feedback WHERE flag IN ('harmful', 'private_data') AND request >= $1 AND request <= $2",
        from,
        to
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Copies what calls tell to feedback that came in before them, or of only `one`. Gives how many were tied.
///
/// By the caller's id it looks only into segments of the log from `segment` on.
pub async fn link(db: &Db, since: Instant, one: Option<&Id>, segment: i64) -> Result<u64> {
    sql!(
        db.write(),
        execute,
        "UPDATE feedback SET request = m.id, route = m.route, variant = m.variant, prompt = m.prompt, model = m.model, linked = TRUE,
           user_id = COALESCE(feedback.user_id, m.user_id), session_id = COALESCE(feedback.session_id, m.session_id)
         FROM (SELECT f.id AS feedback, r.id, r.user_id, r.session_id, k.route, k.variant, k.prompt, k.model FROM feedback f JOIN requests r ON r.id =
             COALESCE((SELECT r1.id FROM requests r1 WHERE r1.id = f.request),
               (SELECT MAX((SELECT r2.id FROM requests r2 WHERE r2.segment = s.id AND r2.caller_id = f.request_id ORDER BY r2.id DESC LIMIT 1))
                 FROM request_segments s WHERE s.id >= $3),
               (SELECT r3.id FROM requests r3 WHERE r3.id = f.request_id))
             LEFT JOIN request_kinds k ON k.id = r.kind
           WHERE NOT f.linked AND f.updated_at >= $1 AND ($2 IS NULL OR f.id = $2)) m
         WHERE feedback.id = m.feedback",
        since,
        one,
        segment
    )
}
