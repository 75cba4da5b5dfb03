//! SQL of what people decide about feedback, and of the filters they keep.

use crate::feedback::model::triage::{State, Triage, View};
use crate::issues::model::{Kind, Severity};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Where a piece of feedback stands.
#[derive(sqlx::FromRow)]
pub struct Standing {
    pub state: State,
    pub severity: Option<Severity>,
    pub kind: Option<Kind>,
    pub assignee: Option<String>,
    pub issue: Option<Id>,
    pub revision: i64,
}

impl Standing {
    pub fn triage(&self) -> Triage {
        Triage { state: self.state, severity: self.severity, kind: self.kind, assignee: self.assignee.clone(), issue: self.issue.clone() }
    }
}

pub async fn standing(tx: &mut Tx, id: &Id) -> Result<Option<Standing>> {
    const SQL: &str = "SELECT state, severity, kind, assignee, issue, revision FROM feedback WHERE id = $1";
    sql!(tx.on(), fetch_optional::<Standing>, SQL, id)
}

/// Makes a decision, if nobody made one since that revision.
pub async fn decide(tx: &mut Tx, id: &Id, triage: &Triage, revision: i64, now: Instant) -> Result<bool> {
    let n = sql!(
        tx.on(),
        execute,
        "UPDATE feedback SET state = $3, severity = $4, kind = $5, assignee = $6, issue = $7, decided_at = $8, revision = revision + 1
         WHERE id = $1 AND revision = $2",
        id,
        revision,
        triage.state,
        triage.severity,
        triage.kind,
        triage.assignee.as_deref(),
        triage.issue.as_ref(),
        now
    )?;
    Ok(n == 1)
}

/// A decision as it is kept.
#[derive(sqlx::FromRow)]
pub struct DecisionRow {
    pub batch: Id,
    pub feedback: Id,
    pub at: Instant,
    pub actor: String,
    pub revision: i64,
    pub before: Json<Triage>,
    pub after: Json<Triage>,
    pub undone: bool,
}

pub async fn insert(tx: &mut Tx, d: &DecisionRow) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO feedback_decisions (id, batch, feedback, at, actor, revision, before, after, undone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        Id::new(),
        &d.batch,
        &d.feedback,
        d.at,
        &d.actor,
        d.revision,
        Json(&d.before.0),
        Json(&d.after.0),
        d.undone
    )?;
    Ok(())
}

/// Decisions about a piece of feedback after a revision, in order.
pub async fn since(tx: &mut Tx, id: &Id, revision: i64) -> Result<Vec<DecisionRow>> {
    const SQL: &str = "SELECT batch, feedback, at, actor, revision, before, after, undone FROM feedback_decisions
        WHERE feedback = $1 AND revision > $2 ORDER BY revision";
    sql!(tx.on(), fetch_all::<DecisionRow>, SQL, id, revision)
}

/// All decisions about a piece of feedback, newest first.
pub async fn of(db: &Db, id: &Id) -> Result<Vec<DecisionRow>> {
    const SQL: &str = "SELECT batch, feedback, at, actor, revision, before, after, undone FROM feedback_decisions
        WHERE feedback = $1 ORDER BY revision DESC LIMIT 100";
    sql!(db.read(), fetch_all::<DecisionRow>, SQL, id)
}

/// The decisions of a batch.
pub async fn of_batch(tx: &mut Tx, batch: &Id) -> Result<Vec<DecisionRow>> {
    const SQL: &str =
        "SELECT batch, feedback, at, actor, revision, before, after, undone FROM feedback_decisions WHERE batch = $1 ORDER BY id";
    sql!(tx.on(), fetch_all::<DecisionRow>, SQL, batch)
}

/// The last batch of somebody that was not taken back.
pub async fn last_batch(tx: &mut Tx, actor: &str) -> Result<Option<Id>> {
    const SQL: &str = "SELECT batch FROM feedback_decisions WHERE actor = $1 AND NOT undone ORDER BY id DESC LIMIT 1";
    Ok(sql!(tx.on(), fetch_optional::<(Id,)>, SQL, actor)?.map(|(id,)| id))
}

pub async fn mark_undone(tx: &mut Tx, batch: &Id) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE feedback_decisions SET undone = TRUE WHERE batch = $1", batch)?;
    Ok(())
}

/// Views that somebody sees: their own and shared ones, by name.
pub async fn views(db: &Db, owner: &str) -> Result<Vec<View>> {
    const SQL: &str = "SELECT id, name, query, owner, shared, created_at FROM feedback_views WHERE owner = $1 OR shared ORDER BY name, id";
    sql!(db.read(), fetch_all::<View>, SQL, owner)
}

pub async fn put_view(tx: &mut Tx, view: &View) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO feedback_views (id, name, query, owner, shared, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query, shared = excluded.shared",
        &view.id,
        &view.name,
        &view.query,
        &view.owner,
        view.shared,
        view.created_at
    )?;
    Ok(())
}

pub async fn delete_view(tx: &mut Tx, id: &Id, owner: &str) -> Result<u64> {
    sql!(tx.on(), execute, "DELETE FROM feedback_views WHERE id = $1 AND owner = $2", id, owner)
}
