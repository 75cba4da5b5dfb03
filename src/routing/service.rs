//! What may happen to routes.

pub mod schedule;

use super::allocation::reallocate;
use super::model::{Choose, Route, RouteDraft, SplitChange, StickyBy};
use super::rules::Condition;
use super::store::{self, References, RouteRow};
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::identity::{Actor, locks};
use crate::prompts::model::{Pin, PromptRef};
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Id};
use std::collections::{BTreeMap, BTreeSet};

/// All routes, by name.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Route>, Fault> {
    actor.require(Permission::ReadConfig)?;
    Ok(store::all(app.db()).await?.into_iter().map(RouteRow::route).collect())
}

/// One route.
pub async fn get(app: &App, actor: &Actor, name: &str) -> Result<Route, Fault> {
    actor.require(Permission::ReadConfig)?;
    Ok(store::by_name(app.db(), name).await?.ok_or_else(|| no_route(name))?.route())
}

/// Its newest hundred changes of the split, newest first.
pub async fn history(app: &App, actor: &Actor, name: &str) -> Result<Vec<SplitChange>, Fault> {
    let route = get(app, actor, name).await?;
    Ok(store::changes(app.db(), &route.id, 100).await?)
}

fn no_route(name: &str) -> Fault {
    Fault::NotFound(format!("There is no route `{name}`."))
}

/// Changes the split. With `if_match`, only if the route is still at that revision; otherwise the conflict says who changed it, when and to what.
pub async fn set_split(
    app: &App,
    actor: &Actor,
    name: &str,
    weights: &BTreeMap<String, f64>,
    reason: &str,
    if_match: Option<i64>,
) -> Result<Route, Fault> {
    actor.require(Permission::WriteRoutes)?;
    if reason.chars().count() > 1_000 {
        return Err(Fault::field("reason", "Please keep the reason within 1,000 characters."));
    }
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "route", name).await?;
    let row = store::by_name_in(&mut tx, name).await?.ok_or_else(|| no_route(name))?;
    let before = row.clone().route();
    if if_match.is_some_and(|revision| revision != before.revision) {
        return Err(conflict(&before));
    }
    check_weights(&before, weights)?;
    let mut after = before.clone();
    for variant in &mut after.variants {
        if let Some(weight) = weights.get(&variant.name) {
            variant.weight = *weight;
        }
    }
    let after = change_route(app, &mut tx, actor, &row, after, reason).await?;
    tx.commit().await?;
    app.reload().await?;
    Ok(after)
}

fn conflict(route: &Route) -> Fault {
    let split: Vec<String> = split_of(route).iter().map(|(name, weight)| format!("{name} {weight}")).collect();
    let (by, at) = (&route.updated_by, route.updated_at.rfc3339());
    Fault::Conflict(format!("{by} changed this route at {at}. It is now: {}. Nothing of yours was saved.", split.join(", ")))
}

fn check_weights(route: &Route, weights: &BTreeMap<String, f64>) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    let known: BTreeSet<&str> = route.variants.iter().map(|v| v.name.as_str()).collect();
    for (name, weight) in weights {
        if !known.contains(name.as_str()) {
            wrong.insert(format!("weights.{name}"), format!("`{}` has no variant of that name", route.name));
        } else if !weight.is_finite() || *weight < 0.0 {
            wrong.insert(format!("weights.{name}"), "must be a number of 0 or more".to_owned());
        }
    }
    for name in known.iter().filter(|name| !weights.contains_key(**name)) {
        wrong.insert(format!("weights.{name}"), "is missing: name every variant".to_owned());
    }
    if wrong.is_empty() && weights.values().sum::<f64>() <= 0.0 {
        wrong.insert("weights".to_owned(), "at least one must be above 0".to_owned());
    }
    Fault::check(wrong)
}

fn split_of(route: &Route) -> Vec<(String, f64)> {
    route.variants.iter().map(|v| (v.name.clone(), v.weight)).collect()
}

/// Puts the weights back that were in force before the change that made `revision`.
pub async fn revert(app: &App, actor: &Actor, name: &str, revision: i64, reason: &str) -> Result<Route, Fault> {
    actor.require(Permission::WriteRoutes)?;
    let changes = history(app, actor, name).await?;
    let change = changes.into_iter().find(|c| c.revision == revision);
    let change = change.ok_or_else(|| Fault::NotFound(format!("The history of `{name}` has no change {revision}.")))?;
    let mut weights: BTreeMap<String, f64> = change.before.into_iter().collect();
    for variant in get(app, actor, name).await?.variants {
        weights.entry(variant.name).or_insert(0.0);
    }
    let reason = if reason.trim().is_empty() { format!("revert of change {revision}") } else { reason.to_owned() };
    set_split(app, actor, name, &weights, &reason, None).await
}

/// Sends everything to one variant, at once: for the night in which nothing else helps. The history has the way back.
pub async fn switch_over(app: &App, actor: &Actor, name: &str, variant: &str, reason: &str) -> Result<Route, Fault> {
    let route = get(app, actor, name).await?;
    if !route.variants.iter().any(|v| v.name == variant) {
        return Err(Fault::field("variant", format!("`{name}` has no variant `{variant}`")));
    }
    let weights = route.variants.iter().map(|v| (v.name.clone(), if v.name == variant { 100.0 } else { 0.0 })).collect();
    let reason = if reason.trim().is_empty() { format!("emergency: everything to {variant}") } else { reason.to_owned() };
    set_split(app, actor, name, &weights, &reason, None).await
}

/// Makes a route, or changes the one of that name if it is still at `if_match`; none: only if there is none yet.
pub async fn save(app: &App, actor: &Actor, new: RouteDraft, if_match: Option<i64>, reason: &str) -> Result<Route, Fault> {
    actor.require(Permission::WriteRoutes)?;
    let name = new.name.clone();
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "route", &name).await?;
    match (store::by_name_in(&mut tx, &name).await?.map(RouteRow::route), if_match) {
        (Some(_), None) => return Err(Fault::field("name", format!("There is a route `{name}` already."))),
        (Some(route), Some(revision)) if route.revision != revision => return Err(conflict(&route)),
        (None, Some(_)) => return Err(no_route(&name)),
        _ => {}
    }
    put_for(app, &mut tx, actor, new, reason).await?;
    tx.commit().await?;
    app.reload().await?;
    get(app, actor, &name).await
}

/// Deletes a route: its calls are refused from then on. What was logged stays.
pub async fn delete(app: &App, actor: &Actor, name: &str, reason: &str) -> Result<(), Fault> {
    actor.require(Permission::WriteRoutes)?;
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "route", name).await?;
    let before = store::by_name_in(&mut tx, name).await?.ok_or_else(|| no_route(name))?.route();
    store::delete(&mut tx, &before.id).await?;
    record(app, &mut tx, actor, Change::new("routing.route.delete", name).reason(reason.trim()).before(&before)).await?;
    tx.commit().await?;
    app.reload().await
}

/// Makes or changes a route within a transaction. Tells whether anything changed.
pub async fn put(app: &App, tx: &mut Tx, actor: &Actor, new: RouteDraft) -> Result<bool, Fault> {
    put_for(app, tx, actor, new, "").await
}

async fn put_for(app: &App, tx: &mut Tx, actor: &Actor, new: RouteDraft, reason: &str) -> Result<bool, Fault> {
    actor.require(Permission::WriteRoutes)?;
    let named = new.variants.iter().filter_map(|v| v.prompt.as_deref()).filter_map(PromptRef::parse).map(|p| p.name).collect();
    let known = store::references(tx, &named).await?;
    check(&new, &known)?;
    let options = new.options();
    let Some(row) = store::by_name_in(tx, &new.name).await? else {
        let route = Route {
            id: Id::new(),
            name: new.name,
            sticky_by: new.sticky_by,
            variants: new.variants,
            failover: new.failover,
            options,
            revision: 1,
            updated_at: app.now(),
            updated_by: actor.name(),
        };
        let allocation = reallocate(&Vec::new(), &split_of(&route));
        store::insert(tx, &RouteRow::new(route.clone(), allocation)).await?;
        record(app, tx, actor, Change::new("routing.route.create", &route.name).reason(reason.trim()).after(&route)).await?;
        return Ok(true);
    };
    let before = row.clone().route();
    let after = Route { sticky_by: new.sticky_by, variants: new.variants, failover: new.failover, options, ..before.clone() };
    if after == before {
        return Ok(false);
    }
    change_route(app, tx, actor, &row, after, reason).await?;
    Ok(true)
}

async fn change_route(app: &App, tx: &mut Tx, actor: &Actor, row: &RouteRow, mut after: Route, reason: &str) -> Result<Route, Fault> {
    let before = row.clone().route();
    after.revision = before.revision + 1;
    after.updated_at = app.now();
    after.updated_by = actor.name();
    let (was, is) = (split_of(&before), split_of(&after));
    let allocation = reallocate(&row.allocation.0, &is);
    if !store::update(tx, &RouteRow::new(after.clone(), allocation)).await? {
        return Err(Fault::Conflict("Somebody else changed this route in the same moment. Please look at it and try again.".to_owned()));
    }
    if was != is {
        let change = SplitChange {
            revision: after.revision,
            at: after.updated_at,
            by: after.updated_by.clone(),
            reason: reason.trim().to_owned(),
            before: was,
            after: is,
        };
        store::insert_change(tx, &after.id, &change).await?;
    }
    record(app, tx, actor, Change::new("routing.route.change", &after.name).reason(reason.trim()).before(&before).after(&after)).await?;
    Ok(after)
}

fn check(new: &RouteDraft, known: &References) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    if new.name.is_empty() || new.name.contains('/') || new.name.chars().count() > 100 {
        wrong.insert("name".to_owned(), "must have 1 to 100 characters and no `/`".to_owned());
    }
    if new.variants.is_empty() {
        wrong.insert("variants".to_owned(), "at least one is needed".to_owned());
    }
    let mut names = BTreeSet::new();
    for (i, variant) in new.variants.iter().enumerate() {
        let mut bad = |field: &str, why: String| {
            wrong.insert(format!("variants[{i}].{field}"), why);
        };
        if variant.name.is_empty() || variant.name.chars().count() > 100 {
            bad("name", "must have 1 to 100 characters".to_owned());
        }
        if !names.insert(variant.name.as_str()) {
            bad("name", format!("`{}` is there twice", variant.name));
        }
        if !variant.weight.is_finite() || variant.weight < 0.0 {
            bad("weight", "must be a number of 0 or more".to_owned());
        }
        if !known.providers.contains(&variant.provider) {
            bad("provider", format!("there is no provider `{}`", variant.provider));
        }
        if let Some(prompt) = &variant.prompt {
            let why = match PromptRef::parse(prompt) {
                None => Some("must be name@label or name@version".to_owned()),
                Some(PromptRef { name, pin }) => known.missing(name, &pin),
            };
            if let Some(why) = why {
                bad("prompt", why);
            }
        }
    }
    if !new.variants.is_empty() && new.variants.iter().map(|v| v.weight).sum::<f64>() <= 0.0 {
        wrong.entry("variants".to_owned()).or_insert_with(|| "at least one weight must be above 0".to_owned());
    }
    for (i, target) in new.failover.targets.iter().enumerate() {
        if !known.providers.contains(&target.provider) {
            wrong.insert(format!("failover.targets[{i}].provider"), format!("there is no provider `{}`", target.provider));
        }
    }
    check_options(new, &names, &mut wrong);
    if new.failover.total_ms == Some(0) {
        wrong.insert("failover.total_ms".to_owned(), "must be at least 1 millisecond".to_owned());
    }
    if new.failover.retries > 10 {
        wrong.insert("failover.retries".to_owned(), "must be at most 10".to_owned());
    }
    Fault::check(wrong)
}

fn check_options(new: &RouteDraft, names: &BTreeSet<&str>, wrong: &mut BTreeMap<String, String>) {
    for (i, rule) in new.rules.iter().enumerate() {
        if let Err(why) = Condition::compile(&rule.when) {
            wrong.insert(format!("rules[{i}].when"), why.to_string());
        }
        if !names.contains(rule.variant.as_str()) {
            wrong.insert(format!("rules[{i}].variant"), format!("there is no variant `{}`", rule.variant));
        }
    }
    for (i, variant) in new.shadow.iter().enumerate() {
        if !names.contains(variant.as_str()) {
            wrong.insert(format!("shadow[{i}]"), format!("there is no variant `{variant}`"));
        } else if new.shadow[..i].contains(variant) {
            wrong.insert(format!("shadow[{i}]"), format!("`{variant}` is there twice"));
        }
    }
    if new.choose != Choose::Split && new.sticky_by != StickyBy::Request {
        wrong.insert("choose".to_owned(), "a variant chosen call by call cannot be sticky: say `sticky_by = \"request\"`".to_owned());
    }
}

impl References {
    fn missing(&self, name: &str, pin: &Pin<'_>) -> Option<String> {
        let Some((versions, labels)) = self.prompts.get(name) else { return Some(format!("there is no prompt `{name}`")) };
        match pin {
            Pin::Version(n) if !versions.contains(n) => Some(format!("`{name}` has no version {n}")),
            Pin::Label(label) if !labels.contains(*label) => Some(format!("`{name}` has no label `{label}`")),
            _ => None,
        }
    }
}
