//! Objects that are kept in files elsewhere (in Git, say): pages and REST only read them, and say why.

use super::Actor;
use super::store;
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Instant};
use serde::Serialize;

/// Why an object is read-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Lock {
    /// `route`, `prompt`, `survey`, `provider` or `model`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Why, with the place to change it at.
    pub reason: String,
    /// Since when.
    pub at: Instant,
}

/// The object's lock, if it has one.
pub async fn of(app: &App, kind: &str, name: &str) -> Result<Option<Lock>, Fault> {
    Ok(store::lock(app.db(), kind, name).await?)
}

/// Refuses a change of a locked object. Only the declarative file changes it.
pub async fn check(tx: &mut Tx, actor: &Actor, kind: &str, name: &str) -> Result<(), Fault> {
    if matches!(actor, Actor::Operator) {
        return Ok(());
    }
    match store::lock_in(tx, kind, name).await? {
        Some(lock) => Err(Fault::Forbidden(format!("This {kind} is read-only here: {}", lock.reason))),
        None => Ok(()),
    }
}

/// Locks an object, or with no reason lets it go. Tells whether anything changed.
pub async fn set(app: &App, tx: &mut Tx, kind: &str, name: &str, reason: Option<&str>) -> Result<bool, Fault> {
    let before = store::lock_in(tx, kind, name).await?.map(|lock| lock.reason);
    if before.as_deref() == reason {
        return Ok(false);
    }
    store::put_lock(tx, kind, name, reason, app.now()).await?;
    Ok(true)
}
