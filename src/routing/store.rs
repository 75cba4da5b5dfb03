//! SQL of routes.

use super::allocation::Runs;
use super::model::{Failover, Options, Route, ScheduleState, ScheduledSplit, SplitChange, StickyBy, Variant};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};

type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(Clone, sqlx::FromRow)]
pub struct RouteRow {
    id: Id,
    name: String,
    sticky_by: StickyBy,
    variants: Json<Vec<Variant>>,
    failover: Json<Failover>,
    options: Json<Options>,
    pub allocation: Json<Runs>,
    revision: i64,
    updated_at: Instant,
    updated_by: String,
}

impl RouteRow {
    /// The row of a route with these bucket owners.
    pub fn new(route: Route, allocation: Runs) -> Self {
        Self {
            id: route.id,
            name: route.name,
            sticky_by: route.sticky_by,
            variants: Json(route.variants),
            failover: Json(route.failover),
            options: Json(route.options),
            allocation: Json(allocation),
            revision: route.revision,
            updated_at: route.updated_at,
            updated_by: route.updated_by,
        }
    }

    /// The route without its bucket owners.
    pub fn route(self) -> Route {
        Route {
            id: self.id,
            name: self.name,
            sticky_by: self.sticky_by,
            variants: self.variants.0,
            failover: self.failover.0,
            options: self.options.0,
            revision: self.revision,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        }
    }
}

pub async fn all(db: &Db) -> Result<Vec<RouteRow>> {
    const SQL: &str =
        "SELECT id, name, sticky_by, variants, failover, options, allocation, revision, updated_at, updated_by FROM routes ORDER BY name";
    sql!(db.read(), fetch_all::<RouteRow>, SQL)
}

pub async fn by_name(db: &Db, name: &str) -> Result<Option<RouteRow>> {
    const SQL: &str =
        "SELECT id, name, sticky_by, variants, failover, options, allocation, revision, updated_at, updated_by FROM routes WHERE name = $1";
    sql!(db.read(), fetch_optional::<RouteRow>, SQL, name)
}

pub async fn by_name_in(tx: &mut Tx, name: &str) -> Result<Option<RouteRow>> {
    const SQL: &str =
        "SELECT id, name, sticky_by, variants, failover, options, allocation, revision, updated_at, updated_by FROM routes WHERE name = $1";
    sql!(tx.on(), fetch_optional::<RouteRow>, SQL, name)
}

pub async fn insert(tx: &mut Tx, row: &RouteRow) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO routes (id, name, sticky_by, variants, failover, options, allocation, revision, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &row.id,
        &row.name,
        row.sticky_by,
        &row.variants,
        &row.failover,
        &row.options,
        &row.allocation,
        row.revision,
        row.updated_at,
        &row.updated_by
    )?;
    Ok(())
}

/// Writes the route if its revision is still the one before `row.revision`; tells whether it was.
pub async fn update(tx: &mut Tx, row: &RouteRow) -> Result<bool> {
    let touched = sql!(
        tx.on(),
        execute,
        "UPDATE routes SET sticky_by = $2, variants = $3, failover = $4, options = $5, allocation = $6, revision = $7, updated_at = $8,
           updated_by = $9
         WHERE id = $1 AND revision = $7 - 1",
        &row.id,
        row.sticky_by,
        &row.variants,
        &row.failover,
        &row.options,
        &row.allocation,
        row.revision,
        row.updated_at,
        &row.updated_by
    )?;
    Ok(touched == 1)
}

pub async fn delete(tx: &mut Tx, route: &Id) -> Result<()> {
    sql!(tx.on(), execute, "DELETE FROM routes WHERE id = $1", route)?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    revision: i64,
    at: Instant,
    actor: String,
    reason: String,
    before: Json<Vec<(String, f64)>>,
    after: Json<Vec<(String, f64)>>,
}

impl ChangeRow {
    fn change(self) -> SplitChange {
        SplitChange {
            revision: self.revision,
            at: self.at,
            by: self.actor,
            reason: self.reason,
            before: self.before.0,
            after: self.after.0,
        }
    }
}

pub async fn insert_change(tx: &mut Tx, route: &Id, change: &SplitChange) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO split_changes (route_id, revision, at, actor, reason, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        route,
        change.revision,
        change.at,
        &change.by,
        &change.reason,
        Json(&change.before),
        Json(&change.after)
    )?;
    Ok(())
}

pub async fn changes(db: &Db, route: &Id, limit: i64) -> Result<Vec<SplitChange>> {
    const SQL: &str =
        "SELECT revision, at, actor, reason, before, after FROM split_changes WHERE route_id = $1 ORDER BY revision DESC LIMIT $2";
    Ok(sql!(db.read(), fetch_all::<ChangeRow>, SQL, route, limit)?.into_iter().map(ChangeRow::change).collect())
}

#[derive(sqlx::FromRow)]
struct NamedChangeRow {
    name: String,
    #[sqlx(flatten)]
    change: ChangeRow,
}

/// Changes of all routes since an instant, oldest first, with the route's name: markers of charts.
pub async fn changes_since(db: &Db, since: Instant) -> Result<Vec<(String, SplitChange)>> {
    const SQL: &str = "SELECT r.name, c.revision, c.at, c.actor, c.reason, c.before, c.after FROM split_changes c
        JOIN routes r ON r.id = c.route_id WHERE c.at >= $1 ORDER BY c.at LIMIT 100";
    Ok(sql!(db.read(), fetch_all::<NamedChangeRow>, SQL, since)?.into_iter().map(|row| (row.name, row.change.change())).collect())
}

/// What a route may point to.
#[derive(Debug, Default)]
pub struct References {
    /// Names of providers.
    pub providers: BTreeSet<String>,
    /// Versions and labels by prompt.
    pub prompts: BTreeMap<String, (BTreeSet<u32>, BTreeSet<String>)>,
}

/// What exists within this transaction: every provider, and of prompts those named.
pub async fn references(tx: &mut Tx, prompts: &BTreeSet<&str>) -> Result<References> {
    let providers = sql!(tx.on(), fetch_all::<(String,)>, "SELECT name FROM providers")?;
    let mut known = References { providers: providers.into_iter().map(|(name,)| name).collect(), prompts: BTreeMap::new() };
    for name in prompts {
        let versions = sql!(
            tx.on(),
            fetch_all::<(i64,)>,
            "SELECT v.version FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id WHERE p.name = $1",
            *name
        )?;
        let labels = sql!(
            tx.on(),
            fetch_all::<(String,)>,
            "SELECT l.label FROM prompts p JOIN prompt_labels l ON l.prompt_id = p.id WHERE p.name = $1",
            *name
        )?;
        if !versions.is_empty() {
            let versions = versions.into_iter().map(|(version,)| u32::try_from(version).unwrap_or(u32::MAX)).collect();
            known.prompts.insert((*name).to_owned(), (versions, labels.into_iter().map(|(label,)| label).collect()));
        }
    }
    Ok(known)
}

#[derive(sqlx::FromRow)]
struct ScheduledRow {
    id: Id,
    route: String,
    due_at: Instant,
    weights: Json<BTreeMap<String, f64>>,
    reason: String,
    made_by: String,
    made_at: Instant,
    state: ScheduleState,
    outcome: String,
}

impl ScheduledRow {
    fn scheduled(self) -> ScheduledSplit {
        let Self { id, route, due_at, weights, reason, made_by, made_at, state, outcome } = self;
        ScheduledSplit { id, route, due_at, weights: weights.0, reason, made_by, made_at, state, outcome }
    }
}

pub async fn insert_scheduled(tx: &mut Tx, route: &Id, split: &ScheduledSplit) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO scheduled_splits (id, route_id, due_at, weights, reason, made_by, made_at, state, outcome)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &split.id,
        route,
        split.due_at,
        Json(&split.weights),
        &split.reason,
        &split.made_by,
        split.made_at,
        split.state,
        &split.outcome
    )?;
    Ok(())
}

/// Changes of a route that are to come, the next one first, and behind them the newest of those that were.
pub async fn scheduled(db: &Db, route: &Id) -> Result<Vec<ScheduledSplit>> {
    let sql = "SELECT s.id, r.name AS route, s.due_at, s.weights, s.reason, s.made_by, s.made_at, s.state, s.outcome
        FROM scheduled_splits s JOIN routes r ON r.id = s.route_id WHERE s.route_id = $1
        ORDER BY CASE WHEN s.state = 'waiting' THEN 0 ELSE 1 END, s.due_at DESC LIMIT 20";
    Ok(sql!(db.read(), fetch_all::<ScheduledRow>, sql, route)?.into_iter().map(ScheduledRow::scheduled).collect())
}

/// Changes whose time has come.
pub async fn due(db: &Db, now: Instant) -> Result<Vec<ScheduledSplit>> {
    let sql = "SELECT s.id, r.name AS route, s.due_at, s.weights, s.reason, s.made_by, s.made_at, s.state, s.outcome
        FROM scheduled_splits s JOIN routes r ON r.id = s.route_id WHERE s.state = 'waiting' AND s.due_at <= $1 ORDER BY s.due_at LIMIT 50";
    Ok(sql!(db.read(), fetch_all::<ScheduledRow>, sql, now)?.into_iter().map(ScheduledRow::scheduled).collect())
}

pub async fn scheduled_in(tx: &mut Tx, id: &Id) -> Result<Option<ScheduledSplit>> {
    let sql = "SELECT s.id, r.name AS route, s.due_at, s.weights, s.reason, s.made_by, s.made_at, s.state, s.outcome
        FROM scheduled_splits s JOIN routes r ON r.id = s.route_id WHERE s.id = $1";
    Ok(sql!(tx.on(), fetch_optional::<ScheduledRow>, sql, id)?.map(ScheduledRow::scheduled))
}

/// Ends a change that waits; tells whether it did: another replica may have been faster.
pub async fn end_scheduled(tx: &mut Tx, id: &Id, state: ScheduleState, outcome: &str) -> Result<bool> {
    const SQL: &str = "UPDATE scheduled_splits SET state = $2, outcome = $3 WHERE id = $1 AND state = 'waiting'";
    Ok(sql!(tx.on(), execute, SQL, id, state, outcome)? == 1)
}

/// Notes why a change did not come into force.
pub async fn fail_scheduled(tx: &mut Tx, id: &Id, why: &str) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE scheduled_splits SET state = 'failed', outcome = $2 WHERE id = $1", id, why)?;
    Ok(())
}
