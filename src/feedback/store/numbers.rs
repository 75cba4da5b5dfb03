//! Numbers drawn from feedback.

use crate::store::{Db, sql};
use crate::types::{Duration, Instant};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

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
        "SELECT f.created_at - f.created_at % $1 AS start, COALESCE(f.route, '') AS route, COALESCE(f.variant, '') AS variant,
           CAST(SUM(CASE WHEN f.rating = 'up' THEN 1 ELSE 0 END) AS BIGINT) AS up, CAST(SUM(CASE WHEN f.rating = 'down' THEN 1 ELSE 0 END) AS BIGINT) AS down,
           COUNT(f.flag) AS flags
         FROM feedback f WHERE f.created_at >= $2 AND f.created_at < $3 AND ($4 IS NULL OR f.route = $4) AND f.state <> 'spam' GROUP BY 1, 2, 3",
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
        "SELECT f.prompt, f.categories, CAST(SUM(CASE WHEN f.rating = 'up' THEN 1 ELSE 0 END) AS BIGINT) AS up,
           CAST(SUM(CASE WHEN f.rating = 'down' THEN 1 ELSE 0 END) AS BIGINT) AS down, COUNT(f.flag) AS flags, COUNT(*) AS n
         FROM feedback f
         WHERE f.created_at >= $1 AND f.created_at < $2 AND SUBSTR(f.prompt, 1, $4) = $3 AND f.state <> 'spam' GROUP BY 1, 2",
        from,
        to,
        start,
        i32::try_from(start.chars().count()).unwrap_or(i32::MAX)
    )
}

/// How much was reported, by what is wrong.
pub async fn count_flags(db: &Db) -> Result<Vec<(String, i64)>> {
    sql!(
        db.read(),
        fetch_all::<(String, i64)>,
        "SELECT flag, COUNT(*) FROM feedback WHERE flag IS NOT NULL AND state <> 'spam' GROUP BY 1 ORDER BY 1"
    )
}

/// How much feedback there is by rating; what has none is `none`.
pub async fn count_all(db: &Db) -> Result<Vec<(String, i64)>> {
    sql!(db.read(), fetch_all::<(String, i64)>, "SELECT COALESCE(rating, 'none'), COUNT(*) FROM feedback GROUP BY 1 ORDER BY 1")
}

/// Answers complained of by category, in two spans.
#[derive(sqlx::FromRow)]
pub struct CategoryRow {
    pub category: String,
    pub before: i64,
    pub now: i64,
}

/// Answers that were complained of by category: from `from` to `middle`, and since `middle`. An answer counts once in each.
///
/// Grouped by an expression: by the column, `SQLite` walks all categories there ever were for the sake of their order, ten times as long.
pub async fn categories(db: &Db, from: Instant, middle: Instant) -> Result<Vec<CategoryRow>> {
    sql!(
        db.read(),
        fetch_all::<CategoryRow>,
        "SELECT c.category || '' AS category, COUNT(DISTINCT CASE WHEN f.created_at < $2 THEN COALESCE(f.request, f.id) END) AS before,
           COUNT(DISTINCT CASE WHEN f.created_at >= $2 THEN COALESCE(f.request, f.id) END) AS now
         FROM feedback f JOIN feedback_categories c ON c.feedback = f.id
         WHERE f.created_at >= $1 AND f.state <> 'spam' AND (f.rating IS NULL OR f.rating <> 'up') GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 50",
        from,
        middle
    )
}

/// Reports of harm or private data that nobody has decided about.
pub async fn waiting_reports(db: &Db) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM feedback WHERE flag IN ('harmful', 'private_data') AND state = 'new'";
    Ok(sql!(db.read(), fetch_one::<(i64,)>, SQL)?.0)
}
