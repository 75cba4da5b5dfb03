//! SQL of the data plane: only answers kept for callers who ask again with the same `Idempotency-Key`. No other call touches the database.

use crate::store::{Db, sql};
use crate::types::Instant;
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// An answer as it was given.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AnswerRow {
    /// Hash of what was asked.
    pub request_hash: String,
    pub status: i64,
    /// Names and values.
    pub headers: Json<Vec<(String, String)>>,
    pub body: Vec<u8>,
}

/// The answer of that id, if it is younger than `since`.
pub async fn answer(db: &Db, id: &str, since: Instant) -> Result<Option<AnswerRow>> {
    const SQL: &str = "SELECT request_hash, status, headers, body FROM idempotent_answers WHERE id = $1 AND created_at > $2";
    sql!(db.read(), fetch_optional::<AnswerRow>, SQL, id, since)
}

/// Keeps an answer, in place of an older one.
pub async fn keep_answer(db: &Db, id: &str, row: &AnswerRow, at: Instant) -> Result<()> {
    let mut tx = db.begin().await?;
    sql!(
        tx.on(),
        execute,
        "INSERT INTO idempotent_answers (id, request_hash, status, headers, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET request_hash = excluded.request_hash, status = excluded.status, headers = excluded.headers,
           body = excluded.body, created_at = excluded.created_at",
        id,
        &row.request_hash,
        row.status,
        &row.headers,
        &row.body,
        at
    )?;
    tx.commit().await
}

/// Lets go of a part of the answers that are older than `before`; tells how many.
pub async fn forget_answers(db: &Db, before: Instant) -> Result<u64> {
    const SQL: &str = "DELETE FROM idempotent_answers WHERE id IN (SELECT id FROM idempotent_answers WHERE created_at <= $1 ORDER BY created_at LIMIT 500)";
    let mut tx = db.begin().await?;
    let gone = sql!(tx.on(), execute, SQL, before)?;
    tx.commit().await?;
    Ok(gone)
}
