//! The overview: is it well, and what do users say right now.

use super::shell::Ctx;
use crate::islands::feed::FeedbackFeed;
use crate::islands::overview::OverviewBoard;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use hypercare::feedback::model::{Feedback, FeedbackFilter};
use hypercare::identity::model::{Permission, Role};
use hypercare::server::App;
use hypercare::telemetry::model::{Overview, Range};
use hypercare::types::{Fault, PageRequest};
use leptos::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Span {
    range: Option<String>,
}

async fn overview(ctx: Ctx, Query(span): Query<Span>) -> Response {
    if !ctx.person.role.may(Permission::ReadTraffic) {
        return waiting_room(&ctx);
    }
    let range = span.range.as_deref().and_then(Range::parse).unwrap_or_default();
    match load(&ctx, range).await {
        Ok((overview, feedback)) => {
            let admin = ctx.person.role == Role::Admin;
            ctx.page("Overview", "/", Box::new(move || page(overview, feedback, admin).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

async fn load(ctx: &Ctx, range: Range) -> Result<(Overview, Vec<Feedback>), Fault> {
    let actor = ctx.actor();
    let overview = hypercare::telemetry::service::overview(&ctx.app, &actor, range, None).await?;
    let newest = PageRequest { limit: Some(6), cursor: None };
    let feedback = hypercare::feedback::service::list(&ctx.app, &actor, &FeedbackFilter::default(), &newest).await?;
    Ok((overview, feedback.items))
}

fn waiting_room(ctx: &Ctx) -> Response {
    ctx.page(
        "Welcome",
        "/",
        Box::new(|| {
            view! {
                <div class="page-head"><h1>"Welcome"</h1></div>
                <section class="card empty-page">
                    <h2>"Nothing to review yet"</h2>
                    <p>"Your review queues will appear here when a team lead sets them up. You need to do nothing until then."</p>
                </section>
            }
            .into_any()
        }),
    )
}

fn page(overview: Overview, feedback: Vec<Feedback>, admin: bool) -> impl IntoView {
    let (range, now, never) = (overview.range, overview.at, overview.now.requests + overview.before.requests == 0);
    let ranges = Range::ALL.map(|r| {
        let class = if r == range { "chip on" } else { "chip" };
        view! { <a class=class href=format!("/?range={}", r.as_str()) aria-current=(r == range).then_some("true")>{r.label()}</a> }
    });
    view! {
        <div class="page-head"><h1>"Overview"</h1><nav class="chips" aria-label="Time range">{ranges.collect_view()}</nav></div>
        {never.then(|| first_call(admin))}
        <div class="overview-grid">
            <div class="stack wide-part"><OverviewBoard overview=overview/></div>
            <section class="card feed-card">
                <header><h2>"Feedback, live"</h2><a class="small muted" href="/feedback">"Open inbox →"</a></header>
                <FeedbackFeed items=feedback now=now/>
            </section>
        </div>
    }
}

fn first_call(admin: bool) -> impl IntoView {
    let next = if admin {
        view! { <a class="btn primary" href="/admin/connect">"Connect an app"</a> }.into_any()
    } else {
        view! { <p class="muted">"An admin can show you how to connect an app."</p> }.into_any()
    };
    view! {
        <section class="card empty-page">
            <h2>"No calls in this time"</h2>
            <p>"Point an app at this address and its calls appear here within a second, with latency, cost and what users think of the answers."</p>
            {next}
        </section>
    }
}

/// The overview.
pub fn router() -> Router<App> {
    Router::new().route("/", get(overview))
}
