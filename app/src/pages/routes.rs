//! Routes: the list, one route with its split, and the form of a route.

mod editor;
mod one;

use super::requests::encode;
use super::shell::Ctx;
use crate::pages::asked::Query;
use crate::parts::format;
use crate::parts::items::{Ago, series_colour};
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use hypercare::identity::model::Permission;
use hypercare::routing::model::{Route, StickyBy, shares};
use hypercare::routing::service;
use hypercare::server::App;
use hypercare::types::Instant;
use leptos::prelude::*;
use serde::Deserialize;

/// Rows of a page.
const ROWS: usize = 100;

fn shares_of(route: &Route) -> Vec<f64> {
    shares(&route.variants.iter().map(|v| v.weight).collect::<Vec<_>>())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    /// The last name of the page before.
    after: String,
}

async fn list(ctx: Ctx, Query(search): Query<Search>) -> Response {
    match service::list(&ctx.app, &ctx.actor()).await {
        Ok(mut routes) => {
            let words = search.q.trim().to_lowercase();
            routes.retain(|route| route.name.to_lowercase().contains(&words) && *route.name > *search.after);
            let may = ctx.actor().may(Permission::WriteRoutes);
            let now = ctx.app.now();
            ctx.page("Routes", "/routes", Box::new(move || list_view(routes, search, may, now).into_any()))
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

fn list_view(mut routes: Vec<Route>, search: Search, may: bool, now: Instant) -> impl IntoView {
    let Search { q, after } = search;
    let empty = routes.is_empty().then(|| {
        let words = if q.is_empty() && after.is_empty() {
            "No routes yet. A route is the model name an app sends; it divides calls between variants."
        } else {
            "No route has these words in its name."
        };
        view! { <p class="empty">{words}</p> }
    });
    let more = routes.len() > ROWS;
    routes.truncate(ROWS);
    let next = routes.last().filter(|_| more).map(|last| {
        view! { <a class="btn" href=format!("/routes?q={}&after={}", encode(&q), encode(&last.name))>"Further"</a> }
    });
    let first = (!after.is_empty()).then(|| view! { <a class="btn quiet" href=format!("/routes?q={}", encode(&q))>"First page"</a> });
    let rows = routes.into_iter().map(|r| row(&r, now).into_any());
    let new = may.then(|| view! { <a class="btn primary" href="/routes/new">"New route"</a> });
    view! {
        <div class="page-head"><h1>"Routes"</h1>{new}</div>
        <form class="filters" action="/routes" aria-label="Filters"><label>"Name"<input class="input" type="search" name="q" value=q/></label><button class="btn">"Search"</button></form>
        <section class="card flush"><div class="scroll"><table>
            <caption class="visually-hidden">"Routes by name"</caption>
            <thead><tr><th scope="col">"Route"</th><th scope="col">"Split"</th><th scope="col">"Sticky"</th><th scope="col">"Changed"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{empty}</section>
        <nav class="row" aria-label="Pages">{first}{next}</nav>
    }
}

fn row(r: &Route, now: Instant) -> impl IntoView + use<> {
    view! {
        <tr>
            <td><a class="link" href=format!("/routes/{}", encode(&r.name))>{r.name.clone()}</a></td>
            <td class="bar-cell">{bar(r)}</td><td>{sticky_words(r.sticky_by)}</td>
            <td class="muted nowrap"><Ago at=r.updated_at now=now/>" · "{r.updated_by.clone()}</td>
        </tr>
    }
}

fn sticky_words(by: StickyBy) -> &'static str {
    match by {
        StickyBy::User => "sticky by user",
        StickyBy::Session => "sticky by conversation",
        StickyBy::Request => "every call drawn anew",
    }
}

/// The route pages.
pub fn router() -> Router<App> {
    Router::new().route("/routes", get(list)).merge(editor::router()).merge(one::router())
}
