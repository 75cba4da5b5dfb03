//! SQL of requests to move protected labels.

use super::Result;
use crate::prompts::model::{Approval, ApprovalState};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};

pub async fn insert(tx: &mut Tx, prompt: &Id, approval: &Approval) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO approvals (id, prompt_id, label, version, reason, asked_by, asked_at, state, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &approval.id,
        prompt,
        &approval.label,
        approval.version,
        &approval.reason,
        &approval.asked_by,
        approval.asked_at,
        approval.state,
        &approval.note
    )?;
    Ok(())
}

/// Decides a request that is open; tells whether it was.
pub async fn decide(tx: &mut Tx, id: &Id, state: ApprovalState, by: &str, at: Instant, note: &str) -> Result<bool> {
    const SQL: &str = "UPDATE approvals SET state = $2, decided_by = $3, decided_at = $4, note = $5 WHERE id = $1 AND state = 'open'";
    Ok(sql!(tx.on(), execute, SQL, id, state, by, at, note)? == 1)
}

/// Open requests for the same label are over when a new one is made or the label moves otherwise.
pub async fn withdraw_all(tx: &mut Tx, prompt: &Id, label: &str, by: &str, at: Instant) -> Result<u64> {
    const SQL: &str = "UPDATE approvals SET state = 'withdrawn', decided_by = $3, decided_at = $4
        WHERE prompt_id = $1 AND label = $2 AND state = 'open'";
    sql!(tx.on(), execute, SQL, prompt, label, by, at)
}

pub async fn one(tx: &mut Tx, id: &Id) -> Result<Option<Approval>> {
    const SQL: &str =
        "SELECT a.id, p.name AS prompt, a.label, a.version, a.reason, a.asked_by, a.asked_at, a.state, a.decided_by, a.decided_at, a.note
        FROM approvals a JOIN prompts p ON p.id = a.prompt_id WHERE a.id = $1";
    sql!(tx.on(), fetch_optional::<Approval>, SQL, id)
}

/// Requests, newest first: those still open, or those of one prompt.
pub async fn list(db: &Db, open_only: bool, prompt: Option<&str>, limit: i64) -> Result<Vec<Approval>> {
    const SQL: &str =
        "SELECT a.id, p.name AS prompt, a.label, a.version, a.reason, a.asked_by, a.asked_at, a.state, a.decided_by, a.decided_at, a.note
        FROM approvals a JOIN prompts p ON p.id = a.prompt_id
        WHERE ($1 = 0 OR a.state = 'open') AND ($2 IS NULL OR p.name = $2) ORDER BY a.id DESC LIMIT $3";
    sql!(db.read(), fetch_all::<Approval>, SQL, i64::from(open_only), prompt, limit)
}
