//! The overview: is it well, and what do users say right now.

use super::shell::Ctx;
use crate::islands::feed::FeedbackFeed;
use crate::islands::overview::OverviewBoard;
use crate::islands::verdict::Verdict;
use crate::pages::asked::Query;
use crate::parts::format;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use hypercare::feedback::model::experience::Experience;
use hypercare::feedback::model::{Feedback, FeedbackFilter};
use hypercare::identity::model::{Permission, Role};
use hypercare::issues::model::{Issue, IssueFilter, Severity};
use hypercare::server::App;
use hypercare::telemetry::model::{Overview, Range};
use hypercare::themes::model::Theme;
use hypercare::types::{Duration, Fault, PageRequest};
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
        Ok(loaded) => {
            let admin = ctx.person.role == Role::Admin;
            ctx.page("Overview", "/", Box::new(move || page(loaded, admin).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

struct Loaded {
    overview: Overview,
    experience: Experience,
    feedback: Vec<Feedback>,
    /// The themes that most is said of in this span.
    themes: Vec<Theme>,
    /// The worst open issues, newest first.
    issues: Vec<Issue>,
}

/// Rows of the small lists.
const FEW: usize = 4;

async fn load(ctx: &Ctx, range: Range) -> Result<Loaded, Fault> {
    let actor = ctx.actor();
    let overview = hypercare::telemetry::service::overview(&ctx.app, &actor, range, None).await?;
    let experience = hypercare::feedback::service::experience::of_overview(&ctx.app, &actor, &overview).await?;
    let newest = PageRequest { limit: Some(6), cursor: None };
    let feedback = hypercare::feedback::service::list(&ctx.app, &actor, &FeedbackFilter::default(), &newest).await?;
    let span = Duration::MINUTE.times(range.minutes());
    let mut themes = hypercare::themes::service::busiest(&ctx.app, &actor, span).await?;
    themes.sort_by_key(|theme| !theme.is_rising());
    themes.truncate(FEW);
    let many = PageRequest { limit: Some(100), cursor: None };
    let mut issues = hypercare::issues::service::list(&ctx.app, &actor, &IssueFilter::default(), &many).await?.items;
    issues.retain(|issue| matches!(issue.severity, Severity::Critical | Severity::High));
    issues.sort_by_key(|issue| (issue.severity, std::cmp::Reverse(issue.number)));
    issues.truncate(FEW);
    Ok(Loaded { overview, experience, feedback: feedback.items, themes, issues })
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

fn page(loaded: Loaded, admin: bool) -> impl IntoView {
    let Loaded { overview, experience, feedback, themes, issues } = loaded;
    let (range, now, never) = (overview.range, overview.at, overview.now.requests + overview.before.requests == 0);
    let ranges = Range::ALL.map(|r| {
        let class = if r == range { "chip on" } else { "chip" };
        view! { <a class=class href=format!("/?range={}", r.as_str()) aria-current=(r == range).then_some("true")>{r.label()}</a> }
    });
    view! {
        <div class="page-head"><h1>"Overview"</h1><nav class="chips" aria-label="Time range">{ranges.collect_view()}</nav></div>
        {never.then(|| first_call(admin))}
        <Verdict experience=experience/>
        <div class="overview-grid">
            <div class="stack wide-part"><OverviewBoard overview=overview/></div>
            <div class="stack">
                <section class="card feed-card">
                    <header><h2>"Feedback, live"</h2><a class="small muted" href="/feedback">"Open inbox →"</a></header>
                    <FeedbackFeed items=feedback now=now/>
                </section>
                {said_most(&themes)}
                {worst(&issues)}
            </div>
        </div>
    }
}

/// What most is said of, rising first.
fn said_most(themes: &[Theme]) -> impl IntoView + use<> {
    let empty = themes.is_empty().then(|| view! { <p class="empty">"Complaints that are alike will appear here as themes."</p> });
    let rows = themes
        .iter()
        .map(|t| {
            let rising = t.is_rising().then(|| view! { <span class="badge bad">"rising"</span> });
            view! { <a class="list-item" href=format!("/themes/{}", t.id)><span class="row wide"><b>{t.name.clone()}</b>{rising}</span><span class="small muted">{format!("{} pieces, {} % of complaints", format::grouped(t.count), format::percent(t.share))}</span></a> }.into_any()
        })
        .collect::<Vec<_>>();
    view! { <section class="card feed-card"><header><h2>"Themes"</h2><a class="small muted" href="/themes">"All →"</a></header>{rows}{empty}</section> }
}

/// The worst issues that are open.
fn worst(issues: &[Issue]) -> impl IntoView + use<> {
    let empty = issues.is_empty().then(|| view! { <p class="empty">"No critical or high issue is open."</p> });
    let rows = issues
        .iter()
        .map(|i| {
            let owner = i.owner.clone().unwrap_or_else(|| "nobody has it".to_owned());
            view! { <a class="list-item" href=format!("/issues/{}", i.number)><span class="row wide"><b>{format!("#{} {}", i.number, i.title)}</b><span class=i.severity.badge()>{i.severity.label()}</span></span><span class="small muted">{format!("{} · {owner}", i.state.label())}</span></a> }.into_any()
        })
        .collect::<Vec<_>>();
    view! { <section class="card feed-card"><header><h2>"Worst open issues"</h2><a class="small muted" href="/issues">"All →"</a></header>{rows}{empty}</section> }
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
