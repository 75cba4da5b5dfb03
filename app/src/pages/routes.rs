//! The route list and the page of one route with its split.

use super::requests::encode;
use super::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::islands::split::{SplitEditor, SplitRow};
use crate::parts::format;
use crate::parts::items::{Ago, When, series_colour};
use axum::Router;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::routing::model::{Route, SplitChange, StickyBy, shares};
use hypercare::routing::service;
use hypercare::server::App;
use hypercare::telemetry::model::{Overview, Range};
use hypercare::types::{Fault, Instant};
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

fn shares_of(route: &Route) -> Vec<f64> {
    shares(&route.variants.iter().map(|v| v.weight).collect::<Vec<_>>())
}

async fn list(ctx: Ctx) -> Response {
    match service::list(&ctx.app, &ctx.actor()).await {
        Ok(routes) => {
            let now = ctx.app.now();
            ctx.page("Routes", "/routes", Box::new(move || list_view(routes, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn bar(route: &Route) -> impl IntoView + use<> {
    let parts = route.variants.iter().zip(shares_of(route)).enumerate().filter(|(_, (_, share))| *share > 0.0);
    let parts = parts.map(|(i, (v, share))| {
        view! { <div style=format!("flex:{share};background:{}", series_colour(i))><span>{format!("{} {} %", v.name, format::share(share))}</span></div> }.into_any()
    });
    view! { <div class="split-bar">{parts.collect_view()}</div> }
}

fn list_view(routes: Vec<Route>, now: Instant) -> impl IntoView {
    let empty = routes.is_empty().then(|| {
        view! { <p class="empty">"No routes yet. A route is the model name an app sends; it divides calls between variants. Make one with "<code>"hypercare apply"</code>"."</p> }
    });
    let rows = routes.into_iter().map(|r| {
        view! {
            <tr>
                <td><a class="link" href=format!("/routes/{}", encode(&r.name))>{r.name.clone()}</a></td>
                <td class="bar-cell">{bar(&r)}</td><td>{sticky_words(r.sticky_by)}</td>
                <td class="muted nowrap"><Ago at=r.updated_at now=now/>" · "{r.updated_by.clone()}</td>
            </tr>
        }
        .into_any()
    });
    view! {
        <div class="page-head"><h1>"Routes"</h1></div>
        <section class="card flush"><div class="scroll"><table>
            <caption class="visually-hidden">"Routes by name"</caption>
            <thead><tr><th scope="col">"Route"</th><th scope="col">"Split"</th><th scope="col">"Sticky"</th><th scope="col">"Changed"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{empty}</section>
    }
}

fn sticky_words(by: StickyBy) -> &'static str {
    match by {
        StickyBy::User => "sticky by user",
        StickyBy::Session => "sticky by conversation",
        StickyBy::Request => "every call drawn anew",
    }
}

/// What a route's page shows beside the route.
struct Around {
    history: Vec<SplitChange>,
    hour: Overview,
    may_change: bool,
    now: Instant,
}

async fn around(ctx: &Ctx, name: &str) -> Result<(Route, Around), Fault> {
    let actor = ctx.actor();
    let route = service::get(&ctx.app, &actor, name).await?;
    let history = service::history(&ctx.app, &actor, name).await?;
    let hour = hypercare::telemetry::service::overview(&ctx.app, &actor, Range::Hour, Some(name)).await?;
    Ok((route, Around { history, hour, may_change: actor.may(Permission::WriteRoutes), now: ctx.app.now() }))
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
    let reason = typed.map(|t| t.reason).unwrap_or_default();
    let editor = view! { <SplitEditor route=route.name.clone() rows=rows sticky=sticky/> };
    let (action, revision) = (format!("/routes/{}/split", encode(&route.name)), route.revision);
    let saving = around.may_change.then(|| {
        view! {
            <section class="card stack">
                <h2>"Save"</h2>
                <FormError message=message/>
                {theirs}
                <Field label="Reason" id="reason"><input class="input" id="reason" name="reason" placeholder="Why now?" maxlength="1000" value=reason/></Field>
                <div class="row"><button class="btn primary">"Save, in force within 1 s"</button><a class="btn quiet" href=format!("/routes/{}", encode(&route.name))>"Cancel"</a></div>
                <p class="small muted">"Last change "<Ago at=route.updated_at now=around.now/>" ago by "{route.updated_by.clone()}</p>
            </section>
        }
    });
    let locked =
        (!around.may_change).then(|| view! { <section class="card"><p class="muted">"Only admins change the split."</p></section> });
    view! {
        <div class="page-head"><h1><a class="muted" href="/routes">"Routes"</a><span class="muted">" / "</span>{route.name.clone()}</h1><a class="btn" href=format!("/requests?route={}", encode(&route.name))>"Requests"</a></div>
        <form method="post" action=action class="detail-grid">
            <input type="hidden" name="revision" value=revision.to_string()/>
            <section class="card">{editor}</section>
            {saving}{locked}
        </form>
        {history(&route, around)}
    }
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
        <section class="card"><header><h2>"History"</h2></header><div class="scroll"><table><caption class="visually-hidden">"Changes of the split, newest first"</caption>
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
    revision: Option<i64>,
}

fn read(pairs: Vec<(String, String)>) -> Result<Typed, (Typed, Fault)> {
    let mut typed = Typed { shares: BTreeMap::new(), texts: BTreeMap::new(), reason: String::new(), revision: None };
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
        } else if key == "revision" {
            typed.revision = value.parse().ok();
        }
    }
    let sum: f64 = typed.shares.values().sum();
    if wrong.is_empty() && (sum - 100.0).abs() > 0.05 {
        wrong.insert("sum".to_owned(), format!("The shares sum to {} %, not to 100 %. Nothing was saved.", format::share(sum)));
    }
    if wrong.is_empty() { Ok(typed) } else { Err((typed, Fault::Invalid(wrong))) }
}

async fn set_split(ctx: Ctx, Path(name): Path<String>, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let typed = match read(pairs) {
        Ok(typed) => typed,
        Err((typed, fault)) => return show(&ctx, &name, Some(typed), Some(fault)).await,
    };
    match service::set_split(&ctx.app, &ctx.actor(), &name, &typed.shares, &typed.reason, typed.revision).await {
        Ok(_) => redirect(&format!("/routes/{}", encode(&name)), "Saved. The new split is in force."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, &name, Some(typed), Some(fault)).await,
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

/// The route pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/routes", get(list))
        .route("/routes/{name}", get(one))
        .route("/routes/{name}/split", post(set_split))
        .route("/routes/{name}/revert", post(revert))
}
