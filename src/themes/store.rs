//! SQL of themes.

use super::model::Example;
use crate::store::{Db, Tx, sql};
use crate::types::{Duration, Id, Instant};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A theme as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ThemeRow {
    pub id: Id,
    pub name: String,
    pub named_by: Option<String>,
    pub terms: Json<Vec<String>>,
    pub centroid: Json<Vec<(String, f64)>>,
    pub merged_into: Option<Id>,
    pub created_at: Instant,
    pub updated_at: Instant,
}

/// All themes, merged ones too: what is like them belongs to what they were merged into.
pub async fn all(db: &Db) -> Result<Vec<ThemeRow>> {
    const SQL: &str = "SELECT id, name, named_by, terms, centroid, merged_into, created_at, updated_at FROM themes ORDER BY id";
    sql!(db.read(), fetch_all::<ThemeRow>, SQL)
}

pub async fn get(tx: &mut Tx, id: &Id) -> Result<Option<ThemeRow>> {
    const SQL: &str = "SELECT id, name, named_by, terms, centroid, merged_into, created_at, updated_at FROM themes WHERE id = $1";
    sql!(tx.on(), fetch_optional::<ThemeRow>, SQL, id)
}

pub async fn put(tx: &mut Tx, row: &ThemeRow) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO themes (id, name, named_by, terms, centroid, merged_into, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, named_by = excluded.named_by, terms = excluded.terms, centroid = excluded.centroid,
           merged_into = excluded.merged_into, updated_at = excluded.updated_at",
        &row.id,
        &row.name,
        row.named_by.as_deref(),
        Json(&row.terms.0),
        Json(&row.centroid.0),
        row.merged_into.as_ref(),
        row.created_at,
        row.updated_at
    )?;
    Ok(())
}

pub async fn move_centre(tx: &mut Tx, id: &Id, centre: &[(String, f64)], now: Instant) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE themes SET centroid = $2, updated_at = $3 WHERE id = $1", id, Json(centre), now)?;
    Ok(())
}

/// A text that themes are found in.
#[derive(sqlx::FromRow)]
pub struct TextRow {
    pub id: Id,
    pub comment: Option<String>,
    pub categories: Json<Vec<String>>,
    pub theme: Option<Id>,
}

/// Complaints since then, newest first. Praise has no themes here, whatever it is given by; reports of harm and private data are for the safety team, not for examples.
pub async fn texts(db: &Db, since: Instant, most: i64) -> Result<Vec<TextRow>> {
    sql!(
        db.read(),
        fetch_all::<TextRow>,
        "SELECT id, comment, categories, theme FROM feedback
         WHERE created_at >= $1 AND state <> 'spam' AND (rating IS NULL OR rating <> 'up') AND (stars IS NULL OR stars <= 3)
           AND (score IS NULL OR score <= 0.6) AND (sentiment IS NULL OR sentiment < 0.3 OR rating = 'down' OR flag IS NOT NULL)
           AND (flag IS NULL OR flag NOT IN ('harmful', 'private_data'))
         ORDER BY created_at DESC LIMIT $2",
        since,
        most
    )
}

/// Whether something came in that nobody looked at yet.
pub async fn anything_new(db: &Db) -> Result<bool> {
    Ok(sql!(db.read(), fetch_optional::<(Id,)>, "SELECT id FROM feedback WHERE examined_at IS NULL LIMIT 1")?.is_some())
}

/// What came in before that moment has been looked at.
pub async fn examined(tx: &mut Tx, until: Instant, now: Instant) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE feedback SET examined_at = $2 WHERE examined_at IS NULL AND updated_at <= $1", until, now)?;
    Ok(())
}

pub async fn assign(tx: &mut Tx, feedback: &Id, theme: Option<&Id>) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE feedback SET theme = $2 WHERE id = $1", feedback, theme)?;
    Ok(())
}

pub async fn assign_all(tx: &mut Tx, from: &Id, to: &Id) -> Result<u64> {
    sql!(tx.on(), execute, "UPDATE feedback SET theme = $2 WHERE theme = $1", from, to)
}

/// Takes the right to look for themes until then, unless another replica has it.
pub async fn lease(db: &Db, holder: &str, now: Instant, until: Instant) -> Result<bool> {
    let n = sql!(
        db.write(),
        execute,
        "INSERT INTO settings (name, value) VALUES ('themes_lease', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value
         WHERE CAST(SUBSTR(settings.value, 1, 20) AS BIGINT) < $2 OR SUBSTR(settings.value, 22) = $3",
        format!("{:020} {holder}", until.0),
        now.0,
        holder
    )?;
    Ok(n == 1)
}

/// How often a theme was meant, by step of a span.
#[derive(sqlx::FromRow)]
pub struct StepRow {
    pub theme: Id,
    pub step: i64,
    pub n: i64,
}

/// Counts by theme and step from `from` on; steps are numbered from 0.
pub async fn steps(db: &Db, from: Instant, step: Duration) -> Result<Vec<StepRow>> {
    sql!(
        db.read(),
        fetch_all::<StepRow>,
        "SELECT theme, (created_at - $1) / $2 AS step, COUNT(*) AS n FROM feedback
         WHERE theme IS NOT NULL AND created_at >= $1 AND state <> 'spam' GROUP BY 1, 2",
        from,
        step.0
    )
}

/// All complaints since then.
pub async fn complaints(db: &Db, from: Instant) -> Result<i64> {
    const SQL: &str =
        "SELECT COUNT(*) FROM feedback WHERE created_at >= $1 AND state <> 'spam' AND (rating = 'down' OR stars <= 2 OR flag IS NOT NULL
        OR (rating IS NULL AND stars IS NULL AND theme IS NOT NULL))";
    Ok(sql!(db.read(), fetch_one::<(i64,)>, SQL, from)?.0)
}

/// How many people a theme is from, as far as they are known; who is not counts each time.
#[derive(sqlx::FromRow)]
pub struct PeopleRow {
    pub theme: Id,
    pub n: i64,
}

/// People of all themes since then, or of only `one`.
pub async fn people(db: &Db, from: Instant, one: Option<&Id>) -> Result<Vec<PeopleRow>> {
    sql!(
        db.read(),
        fetch_all::<PeopleRow>,
        "SELECT theme, COUNT(DISTINCT COALESCE(user_id, session_id))
           + CAST(SUM(CASE WHEN user_id IS NULL AND session_id IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS n
         FROM feedback WHERE theme IS NOT NULL AND created_at >= $1 AND ($2 IS NULL OR theme = $2) GROUP BY 1",
        from,
        one
    )
}

/// What was answered where a theme is complained of, and how often.
#[derive(sqlx::FromRow)]
pub struct AboutRow {
    pub theme: Id,
    pub prompt: Option<String>,
    pub route: Option<String>,
    pub variant: Option<String>,
    pub n: i64,
}

/// What all themes since then are about, or only `one`.
pub async fn about(db: &Db, from: Instant, one: Option<&Id>) -> Result<Vec<AboutRow>> {
    sql!(
        db.read(),
        fetch_all::<AboutRow>,
        "SELECT theme, prompt, route, variant, COUNT(*) AS n FROM feedback
         WHERE theme IS NOT NULL AND created_at >= $1 AND ($2 IS NULL OR theme = $2) GROUP BY 1, 2, 3, 4",
        from,
        one
    )
}

/// What some of them said. Reports of harm and private data that joined by hand stay out.
pub async fn examples(db: &Db, theme: &Id, most: i64) -> Result<Vec<Example>> {
    sql!(
        db.read(),
        fetch_all::<Example>,
        "SELECT id, comment FROM feedback WHERE theme = $1 AND comment IS NOT NULL AND state <> 'spam' AND (flag IS NULL OR flag NOT IN ('harmful', 'private_data'))
         ORDER BY created_at DESC LIMIT $2",
        theme,
        most
    )
}

/// Open issues that were made of themes: theme, number, title.
pub async fn issues(db: &Db) -> Result<Vec<(Id, i64, String)>> {
    const SQL: &str =
        "SELECT theme, number, title FROM issues WHERE theme IS NOT NULL AND state NOT IN ('closed', 'wont_fix') ORDER BY number";
    sql!(db.read(), fetch_all::<(Id, i64, String)>, SQL)
}
