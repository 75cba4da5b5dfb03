//! The page of one route: its split, what is planned, the way out in an emergency, the history.

use super::{shares_of, sticky_words};
use crate::islands::split::{SplitEditor, SplitRow};
use crate::pages::asked::Form;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::format;
use crate::parts::items::{Ago, When};
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::locks::{self, Lock};
use hypercare::identity::model::Permission;
use hypercare::routing::model::{Choose, Route, ScheduleState, ScheduledSplit, SplitChange, shares};
use hypercare::routing::service::{self, schedule};
use hypercare::server::{App, Replicas, replicas};
use hypercare::telemetry::model::{Overview, Range};
use hypercare::types::{Fault, Id, Instant};
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a route's page shows beside the route.
struct Around {
    history: Vec<SplitChange>,
    scheduled: Vec<ScheduledSplit>,
    hour: Overview,
    replicas: Replicas,
    lock: Option<Lock>,
    /// Whether this person may change it, and nothing is locked.
    may_change: bool,
    now: Instant,
}

async fn around(ctx: &Ctx, name: &str) -> Result<(Route, Around), Fault> {
    let actor = ctx.actor();
    let route = service::get(&ctx.app, &actor, name).await?;
    let history = service::history(&ctx.app, &actor, name).await?;
    let hour = hypercare::telemetry::service::overview(&ctx.app, &actor, Range::Hour, Some(name)).await?;
    let scheduled = schedule::list(&ctx.app, &actor, name).await?;
    let replicas = replicas::list(&ctx.app, &actor).await?;
    let lock = locks::of(&ctx.app, "route", name).await?;
    let may_change = lock.is_none() && actor.may(Permission::WriteRoutes);
    Ok((route, Around { history, scheduled, hour, replicas, lock, may_change, now: ctx.app.now() }))
}

async fn one(ctx: Ctx, Path(name): Path<String>) -> Response {
    show(&ctx, &name, None, None).await
}

/// The page; with what was typed and why it was not saved after a failed save.
async fn show(ctx: &Ctx, name: &str, typed: Option<Typed>, fault: Option<Fault>) -> Response {
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match around(ctx, name).await {
        Ok((route, around)) => {
            let title = route.name.clone();
            ctx.page_with(status, &title, "/routes", Box::new(move || one_view(route, around, typed, fault).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn rows(route: &Route, hour: &Overview, typed: Option<&Typed>) -> Vec<SplitRow> {
    let percent = |share: Option<f64>| share.map_or(format::NONE.to_owned(), |s| format!("{} %", format::percent(s)));
    let of = |variant: &str| hour.variants.iter().find(|s| s.variant == variant).map(|s| s.totals.clone()).unwrap_or_default();
    route
        .variants
        .iter()
        .zip(shares_of(route))
        .map(|(v, current)| {
            let totals = of(&v.name);
            let detail =
                [Some(v.provider.clone()), Some(v.model.clone()), v.prompt.clone()].into_iter().flatten().collect::<Vec<_>>().join(" · ");
            SplitRow {
                name: v.name.clone(),
                detail,
                current,
                typed: typed.and_then(|t| t.shares.get(&v.name)).copied().unwrap_or(current),
                text: typed.and_then(|t| t.texts.get(&v.name)).cloned().unwrap_or_else(|| format::share(current)),
                errors: percent(totals.error_rate()),
                thumbs: percent(totals.thumbs_up_share()),
                per_minute: totals.requests as f64 / 60.0,
            }
        })
        .collect()
}

fn one_view(route: Route, around: Around, typed: Option<Typed>, fault: Option<Fault>) -> impl IntoView {
    let rows = rows(&route, &around.hour, typed.as_ref());
    let sticky = format!("{} · {} requests in the last hour", sticky_words(route.sticky_by), format::count(around.hour.now.requests));
    let message = fault
        .as_ref()
        .map(|f| if f.fields().is_empty() { f.to_string() } else { f.fields().values().cloned().collect::<Vec<_>>().join(" ") });
    let conflict = matches!(fault, Some(Fault::Conflict(_)));
    let theirs = conflict.then(|| both_sides(&rows));
    let (reason, due): (String, String) = typed.map(|t| (t.reason, t.due)).unwrap_or_default();
    let later = !due.is_empty();
    let editor = view! { <SplitEditor route=route.name.clone() rows=rows sticky=sticky/> };
    let (action, revision) = (format!("/routes/{}/split", encode(&route.name)), route.revision);
    let saving = around.may_change.then(|| {
        view! {
            <section class="card stack">
                <h2>"Save"</h2>
                <FormError message=message/>
                {theirs}
                <Field label="Reason" id="reason"><input class="input" id="reason" name="reason" placeholder="Why now?" maxlength="1000" value=reason/></Field>
                <details class="more" open=later><summary>"Later"</summary>
                    <Field label="Comes into force at (UTC)" id="due_at" help="Empty: now"><input class="input" id="due_at" name="due_at" type="datetime-local" value=due/></Field>
                </details>
                <div class="row"><button class="btn primary">"Save, in force within 1 s"</button><a class="btn quiet" href=format!("/routes/{}", encode(&route.name))>"Cancel"</a></div>
                <p class="small muted">"Last change "<Ago at=route.updated_at now=around.now ago=true/>" by "{route.updated_by.clone()}</p>
                {in_force(&around.replicas)}
            </section>
        }
    });
    let locked = (!around.may_change).then(|| match &around.lock {
        Some(lock) => {
            view! { <section class="card"><p class="note" role="note"><b>"Read-only here."</b>" "{lock.reason.clone()}</p></section> }
                .into_any()
        }
        None => view! { <section class="card"><p class="muted">"Only admins change the split."</p></section> }.into_any(),
    });
    let change =
        around.may_change.then(|| view! { <a class="btn" href=format!("/routes/{}/edit", encode(&route.name))>"Change the route"</a> });
    view! {
        <div class="page-head"><h1><a class="muted" href="/routes">"Routes"</a><span class="muted">" / "</span>{route.name.clone()}</h1><span class="row">{change}<a class="btn" href=format!("/requests?route={}", encode(&route.name))>"Requests"</a></span></div>
        <form method="post" action=action class="detail-grid slim-side">
            <input type="hidden" name="revision" value=revision.to_string()/>
            <section class="card">{editor}</section>
            {saving}{locked}
        </form>
        <div class="two-columns">{emergency(&route, &around)}{decides(&route)}</div>
        {planned(&route, &around)}
        {history(&route, around)}
    }
}

/// Whether every server has it in force.
fn in_force(replicas: &Replicas) -> impl IntoView + use<> {
    let (there, all) = (replicas.in_force(), replicas.items.len().max(1));
    let there = there.max(usize::from(replicas.items.is_empty()));
    let (class, words) = if there == all {
        ("badge ok", if all == 1 { "in force".to_owned() } else { format!("in force on all {all} servers") })
    } else {
        ("badge watch", format!("in force on {there} of {all} servers"))
    };
    view! { <p><span class=class>{words}</span></p> }
}

/// One click that sends everything to one variant.
fn emergency(route: &Route, around: &Around) -> impl IntoView + use<> {
    let action = format!("/routes/{}/switch", encode(&route.name));
    let buttons = route.variants.iter().zip(shares_of(route)).map(|(v, share)| {
        let there = (share - 100.0).abs() < 0.005;
        view! { <button class="btn danger" name="variant" value=v.name.clone() disabled=there>{format!("Everything to {}", v.name)}</button> }.into_any()
    });
    let buttons = buttons.collect::<Vec<_>>();
    (around.may_change && route.variants.len() > 1).then(move || {
        view! {
            <section class="card stack"><header><h2>"Emergency"</h2></header>
                <form method="post" action=action class="row">{buttons}</form>
                <p class="small muted">"At once, for everybody. The history below has the way back. To leave a whole provider, drain it under Providers."</p>
            </section>
        }
    })
}

/// How it treats its calls, in words.
fn decides(route: &Route) -> impl IntoView + use<> {
    let options = &route.options;
    let chosen = match options.choose {
        Choose::Split => "by the split above",
        Choose::LeastLatency => "whichever answers soonest now",
        Choose::Cheapest => "whichever costs least for the call",
    };
    let rules = options
        .rules
        .iter()
        .map(|rule| view! { <li><code>{rule.when.clone()}</code>" → "{rule.variant.clone()}</li> }.into_any())
        .collect::<Vec<_>>();
    let targets =
        route.failover.targets.iter().map(|t| view! { <li>{format!("{} · {}", t.provider, t.model)}</li> }.into_any()).collect::<Vec<_>>();
    let targets = if targets.is_empty() {
        view! { <p class="muted">"nowhere: an error goes to the caller"</p> }.into_any()
    } else {
        view! { <ol class="small">{targets}</ol> }.into_any()
    };
    let shadow = (!options.shadow.is_empty()).then(|| view! { <dt>"Copies to"</dt><dd>{options.shadow.join(", ")}</dd> });
    let rules = (!rules.is_empty()).then(|| view! { <dt>"Rules first"</dt><dd><ol class="small">{rules}</ol></dd> });
    view! {
        <section class="card"><header><h2>"How it decides"</h2></header>
            <dl class="facts">{rules}<dt>"A variant is chosen"</dt><dd>{chosen}</dd><dt>"When it fails"</dt><dd>{targets}</dd>{shadow}
            <dt>"Bodies in the log"</dt><dd>{if options.log_bodies { "kept" } else { "not kept" }}</dd></dl></section>
    }
}

/// Changes that are to come, and the newest of those that were.
fn planned(route: &Route, around: &Around) -> impl IntoView + use<> {
    let name = encode(&route.name);
    let rows = around.scheduled.iter().map(|s| {
        let weights: Vec<f64> = s.weights.values().copied().collect();
        let split = s.weights.keys().zip(shares(&weights)).map(|(v, share)| format!("{v} {} %", format::share(share))).collect::<Vec<_>>().join(", ");
        let (class, word) = match s.state {
            ScheduleState::Waiting => ("badge info", "waits"),
            ScheduleState::Done => ("badge ok", "done"),
            ScheduleState::Failed => ("badge bad", "failed"),
            ScheduleState::Cancelled => ("badge plain", "called off"),
        };
        let cancel = (around.may_change && s.state == ScheduleState::Waiting).then(|| {
            view! { <form method="post" action=format!("/routes/{name}/schedule/{}/cancel", s.id)><button class="btn quiet">"Call off"</button></form> }
        });
        view! { <tr><td class="nowrap"><When at=s.due_at/></td><td>{split}</td><td>{s.made_by.clone()}</td><td>{s.reason.clone()}</td><td><span class=class>{word}</span>" "<span class="small muted">{s.outcome.clone()}</span></td><td>{cancel}</td></tr> }.into_any()
    });
    let rows = rows.collect::<Vec<_>>();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="card"><header><h2>"Planned"</h2></header><div class="scroll"><table class="history"><caption class="visually-hidden">"Planned changes of the split"</caption>
                <thead><tr><th scope="col">"When"</th><th scope="col">"Split"</th><th scope="col">"Who"</th><th scope="col">"Why"</th><th scope="col">"State"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody></table></div></section>
        }
    })
}

fn both_sides(rows: &[SplitRow]) -> impl IntoView + use<> {
    let lines = rows
        .iter()
        .map(|r| view! { <tr><th scope="row">{r.name.clone()}</th><td class="num">{format::share(r.current)}" %"</td><td class="num">{format::share(r.typed)}" %"</td></tr> })
        .collect_view();
    view! {
        <table><caption class="small muted">"In force now, and what you typed. Save again to put yours into force."</caption>
            <thead><tr><th scope="col">"Variant"</th><th scope="col" class="num">"Now"</th><th scope="col" class="num">"Yours"</th></tr></thead><tbody>{lines}</tbody></table>
    }
}

fn history(route: &Route, around: Around) -> AnyView {
    let text = |weights: &[(String, f64)]| {
        let percents = shares(&weights.iter().map(|(_, w)| *w).collect::<Vec<_>>());
        weights.iter().zip(percents).map(|((name, _), share)| format!("{name} {} %", format::share(share))).collect::<Vec<_>>().join(", ")
    };
    let name = encode(&route.name);
    let may = around.may_change;
    if around.history.is_empty() {
        return view! { <section class="card"><header><h2>"History"</h2></header><p class="muted">"The split has not changed yet."</p></section> }.into_any();
    }
    let rows = around.history.into_iter().map(|c| {
        let revert = may.then(|| {
            view! {
                <form method="post" action=format!("/routes/{name}/revert")><input type="hidden" name="revision" value=c.revision.to_string()/><button class="btn quiet" aria-label=format!("Revert change {}", c.revision)>"Revert"</button></form>
            }
        });
        view! { <tr><td class="nowrap"><When at=c.at/></td><td>{c.by.clone()}</td><td>{text(&c.before)}" → "{text(&c.after)}</td><td>{c.reason.clone()}</td><td>{revert}</td></tr> }.into_any()
    });
    view! {
        <section class="card"><header><h2>"History"</h2></header><div class="scroll"><table class="history"><caption class="visually-hidden">"Changes of the split, newest first"</caption>
            <thead><tr><th scope="col">"When"</th><th scope="col">"Who"</th><th scope="col">"What"</th><th scope="col">"Why"</th><th scope="col"><span class="visually-hidden">"Undo"</span></th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div></section>
    }
    .into_any()
}

/// What was typed into the split form.
struct Typed {
    shares: BTreeMap<String, f64>,
    texts: BTreeMap<String, String>,
    reason: String,
    /// When it is to come into force, as it was typed; empty: now.
    due: String,
    revision: Option<i64>,
}

fn read(pairs: Vec<(String, String)>) -> (Typed, Result<(), Fault>) {
    let mut typed = Typed { shares: BTreeMap::new(), texts: BTreeMap::new(), reason: String::new(), due: String::new(), revision: None };
    let mut wrong = BTreeMap::new();
    for (key, value) in pairs {
        if let Some(variant) = key.strip_prefix("share.") {
            match format::parse_percent(&value) {
                Some(share) => {
                    typed.shares.insert(variant.to_owned(), share);
                }
                None => {
                    wrong.insert(variant.to_owned(), format!("`{value}` is not a number of percent for {variant}."));
                }
            }
            typed.texts.insert(variant.to_owned(), value);
        } else if key == "reason" {
            typed.reason = value;
        } else if key == "due_at" {
            typed.due = value;
        } else if key == "revision" {
            typed.revision = value.parse().ok();
        }
    }
    let sum: f64 = typed.shares.values().sum();
    if wrong.is_empty() && (sum - 100.0).abs() > 0.05 {
        wrong.insert("sum".to_owned(), format!("The shares sum to {} %, not to 100 %. Nothing was saved.", format::share(sum)));
    }
    (typed, Fault::check(wrong))
}

async fn set_split(ctx: Ctx, Path(name): Path<String>, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let (typed, held) = read(pairs);
    if let Err(fault) = held {
        return show(&ctx, &name, Some(typed), Some(fault)).await;
    }
    if !typed.due.trim().is_empty() {
        return plan(&ctx, &name, typed).await;
    }
    match service::set_split(&ctx.app, &ctx.actor(), &name, &typed.shares, &typed.reason, typed.revision).await {
        Ok(_) => redirect(&format!("/routes/{}", encode(&name)), "Saved. The new split is in force."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, &name, Some(typed), Some(fault)).await,
    }
}

async fn plan(ctx: &Ctx, name: &str, typed: Typed) -> Response {
    let planned = match format::parse_utc(&typed.due) {
        Some(due) => schedule::plan(&ctx.app, &ctx.actor(), name, &typed.shares, due, &typed.reason).await,
        None => Err(Fault::field("due_at", "Please give a date and a time.")),
    };
    match planned {
        Ok(planned) => redirect(&format!("/routes/{}", encode(name)), &format!("Planned for {}.", format::utc(planned.due_at))),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(ctx, name, Some(typed), Some(fault)).await,
    }
}

async fn cancel(ctx: Ctx, Path((name, id)): Path<(String, String)>) -> Response {
    match schedule::cancel(&ctx.app, &ctx.actor(), &Id::from_text(id)).await {
        Ok(_) => redirect(&format!("/routes/{}", encode(&name)), "Called off. The split stays as it is."),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Switch {
    variant: String,
}

async fn switch(ctx: Ctx, Path(name): Path<String>, Form(to): Form<Switch>) -> Response {
    match service::switch_over(&ctx.app, &ctx.actor(), &name, &to.variant, "").await {
        Ok(_) => redirect(
            &format!("/routes/{}", encode(&name)),
            &format!("Everything goes to {} now. The history has the way back.", to.variant),
        ),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Revert {
    revision: i64,
}

async fn revert(ctx: Ctx, Path(name): Path<String>, Form(to): Form<Revert>) -> Response {
    match service::revert(&ctx.app, &ctx.actor(), &name, to.revision, "").await {
        Ok(_) => redirect(&format!("/routes/{}", encode(&name)), "Reverted. The split before that change is in force."),
        Err(fault) => ctx.fault(&fault),
    }
}

/// The pages of one route.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/routes/{name}", get(one))
        .route("/routes/{name}/split", post(set_split))
        .route("/routes/{name}/revert", post(revert))
        .route("/routes/{name}/switch", post(switch))
        .route("/routes/{name}/schedule/{id}/cancel", post(cancel))
}
