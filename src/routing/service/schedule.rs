//! Changes of splits at a time to come.

use super::{check_weights, get, no_route, set_split};
use crate::identity::model::{Permission, Person, Role};
use crate::identity::service::{Change, record};
use crate::identity::{Actor, locks};
use crate::routing::model::{ScheduleState, ScheduledSplit};
use crate::routing::store::{self, RouteRow};
use crate::server::App;
use crate::types::{Duration, Fault, Id, Instant};
use std::collections::BTreeMap;

/// How far ahead a change may be.
const FURTHEST: Duration = Duration::DAY.times(366);

/// Changes of a route that are to come, the next one first, and the newest of those that were.
pub async fn list(app: &App, actor: &Actor, route: &str) -> Result<Vec<ScheduledSplit>, Fault> {
    let route = get(app, actor, route).await?;
    Ok(store::scheduled(app.db(), &route.id).await?)
}

/// Plans a change of the split; at `due_at` it is as if somebody saved it then.
pub async fn plan(
    app: &App,
    actor: &Actor,
    route: &str,
    weights: &BTreeMap<String, f64>,
    due_at: Instant,
    reason: &str,
) -> Result<ScheduledSplit, Fault> {
    actor.require(Permission::WriteRoutes)?;
    let now = app.now();
    if due_at <= now || due_at > now.plus(FURTHEST) {
        return Err(Fault::field("due_at", "Please give a time from now on, within a year."));
    }
    if reason.chars().count() > 1_000 {
        return Err(Fault::field("reason", "Please keep the reason within 1,000 characters."));
    }
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "route", route).await?;
    let known = store::by_name_in(&mut tx, route).await?.map(RouteRow::route).ok_or_else(|| no_route(route))?;
    check_weights(&known, weights)?;
    let split = ScheduledSplit {
        id: Id::new(),
        route: known.name.clone(),
        due_at,
        weights: weights.clone(),
        reason: reason.trim().to_owned(),
        made_by: actor.name(),
        made_at: now,
        state: ScheduleState::Waiting,
        outcome: String::new(),
    };
    store::insert_scheduled(&mut tx, &known.id, &split).await?;
    record(app, &mut tx, actor, Change::new("routing.schedule.create", route).reason(&split.reason).after(&split)).await?;
    tx.commit().await?;
    Ok(split)
}

/// Calls a change off that has not come yet.
pub async fn cancel(app: &App, actor: &Actor, id: &Id) -> Result<ScheduledSplit, Fault> {
    actor.require(Permission::WriteRoutes)?;
    let mut tx = app.db().begin().await?;
    let before = store::scheduled_in(&mut tx, id).await?;
    let before = before.ok_or_else(|| Fault::NotFound("There is no such change to come.".to_owned()))?;
    let outcome = format!("called off by {}", actor.name());
    if !store::end_scheduled(&mut tx, id, ScheduleState::Cancelled, &outcome).await? {
        return Err(Fault::Conflict("It is too late: this change came into force, or was called off, a moment ago.".to_owned()));
    }
    record(app, &mut tx, actor, Change::new("routing.schedule.cancel", &before.route).before(&before)).await?;
    tx.commit().await?;
    Ok(ScheduledSplit { state: ScheduleState::Cancelled, outcome, ..before })
}

/// Puts into force what is due. Every replica looks; the first one takes it.
pub(crate) async fn run_due(app: &App) -> Result<(), Fault> {
    for split in store::due(app.db(), app.now()).await? {
        let mut tx = app.db().begin().await?;
        let taken = store::end_scheduled(&mut tx, &split.id, ScheduleState::Done, "").await?;
        tx.commit().await?;
        if taken {
            put_into_force(app, &split).await?;
        }
    }
    Ok(())
}

async fn put_into_force(app: &App, split: &ScheduledSplit) -> Result<(), Fault> {
    let reason = format!("{} (planned {})", split.reason, split.made_at.rfc3339());
    let saved = set_split(app, &planner(&split.made_by), &split.route, &split.weights, reason.trim(), None).await;
    let Err(fault) = saved else { return Ok(()) };
    tracing::error!(route = split.route, error = ?fault, "a planned change of a split could not be put into force");
    let mut tx = app.db().begin().await?;
    store::fail_scheduled(&mut tx, &split.id, &fault.to_string()).await?;
    tx.commit().await?;
    Ok(())
}

/// In the name of whoever planned it: what they were allowed to do then, the audit log says they did.
fn planner(name: &str) -> Actor {
    let epoch = Instant(0);
    Actor::Person(Person {
        id: Id::new(),
        email: name.to_owned(),
        role: Role::Admin,
        safety: false,
        created_at: epoch,
        last_login_at: None,
        disabled_at: None,
    })
}
