//! The morning: what changed, what is stuck, who has what. And what was decided.

use super::clock;
use crate::pages::asked::{Form, Query};
use crate::pages::fields;
use crate::pages::shell::{Ctx, FormError, log_and_status, redirect};
use crate::parts::items::{Ago, When};
use axum::http::StatusCode;
use axum::response::Response;
use hypercare::identity::model::Permission;
use hypercare::issues::model::{Clocks, Issue};
use hypercare::issues::service::daily::Standup;
use hypercare::issues::service::{self, daily};
use hypercare::types::{Fault, Instant, PageRequest};
use leptos::prelude::*;
use serde::Deserialize;

/// Lines of news on the page.
const SHOWN: usize = 100;

pub async fn standup(ctx: Ctx) -> Response {
    match daily::standup(&ctx.app, &ctx.actor(), None).await {
        Ok(standup) => {
            let now = ctx.app.now();
            ctx.page("Stand-up", "/issues", Box::new(move || standup_view(standup, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn lines(issues: &[Issue], now: Instant) -> impl IntoView + use<> {
    let rows = issues.iter().map(|i| {
        view! { <li class="row"><span class=i.severity.badge()>{i.severity.label()}</span><a class="link" href=format!("/issues/{}", i.number)>{format!("#{} {}", i.number, i.title)}</a><span class="small muted">{i.state.label()}</span>{clock(i, now)}{(!i.blocked.is_empty()).then(|| view! { <span class="small muted">"blocked: "{i.blocked.clone()}</span> })}</li> }
    });
    view! { <ul class="plain-list">{rows.collect_view()}</ul> }
}

fn standup_view(s: Standup, now: Instant) -> impl IntoView {
    let part = |title: &'static str, issues: &[Issue], none: &'static str| {
        let body = if issues.is_empty() { view! { <p class="muted">{none}</p> }.into_any() } else { lines(issues, now).into_any() };
        view! { <section class="card stack"><header><h2>{title}</h2><span class="muted">{issues.len()}</span></header>{body}</section> }
    };
    let owners = s
        .by_owner
        .iter()
        .map(|(who, issues)| {
            let name = if who.is_empty() { "Nobody yet".to_owned() } else { who.clone() };
            view! { <section class="card stack"><header><h2>{name}</h2><span class="muted">{issues.len()}</span></header>{lines(issues, now)}</section> }
        })
        .collect_view();
    let news = s
        .news
        .iter()
        .take(SHOWN)
        .map(|n| {
            view! { <li><a class="link" href=format!("/issues/{}", n.number)>{format!("#{} {}", n.number, n.title)}</a>": "{n.words.clone()}<br/><span class="small muted">{n.actor.clone()}" · "<Ago at=n.at now=now ago=true/></span></li> }
        })
        .collect_view();
    let quiet = s.news.is_empty().then(|| view! { <p class="muted">"Nothing happened since then."</p> });
    view! {
        <div class="page-head"><h1><a class="muted" href="/issues">"Issues"</a><span class="muted">" / "</span>"Stand-up"</h1><span class="muted small">"since "<When at=s.since/></span></div>
        <div class="two-columns">
            {part("Overdue", &s.overdue, "Everything was taken in time.")}{part("Blocked", &s.blocked, "Nothing waits for anything.")}
            {part("Can be closed", &s.can_close, "No fix is proven yet.")}{part("New", &s.opened, "Nothing new.")}{part("Closed", &s.closed, "Nothing was closed.")}
        </div>
        <h2>"Who has what"</h2>
        <div class="two-columns">{owners}</div>
        <section class="card stack"><header><h2>"What happened"</h2></header>{quiet}<ul class="plain-list small">{news}</ul></section>
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Typed {
    #[serde(default)]
    title: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    issue: String,
}

pub async fn decisions(ctx: Ctx, Query(page): Query<PageRequest>) -> Response {
    show_decisions(&ctx, &page, Typed::default(), None).await
}

async fn show_decisions(ctx: &Ctx, page: &PageRequest, typed: Typed, fault: Option<Fault>) -> Response {
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match daily::decisions(&ctx.app, &ctx.actor(), page).await {
        Ok(found) => {
            let may = ctx.actor().may(Permission::Triage);
            let wrong = fault.as_ref().map(Fault::fields).unwrap_or_default();
            let whole = fault.filter(|_| wrong.is_empty()).map(|f| f.to_string());
            ctx.page_with(status, "Decisions", "/issues", Box::new(move || {
                let rows = found.items.iter().map(|d| {
                    let issue = d.issue.map(|n| view! { " · "<a class="link" href=format!("/issues/{n}")>{format!("#{n}")}</a> });
                    view! { <li><b>{d.title.clone()}</b><p class="answer">{d.why.clone()}</p><span class="small muted">{d.actor.clone()}" · "<When at=d.at/>{issue}</span></li> }
                }).collect_view();
                let empty = found.items.is_empty().then(|| view! { <p class="empty">"No decisions yet. Fixes write themselves here; others are added by hand."</p> });
                let older = found.next_cursor.clone().map(|c| view! { <a class="btn" href=format!("/decisions?cursor={c}")>"Older"</a> });
                let title = fields::needed("What was decided", "title", "title", typed.title, wrong.get("title").cloned(), "");
                let why = fields::area("Why", "why", "why", typed.why, wrong.get("why").cloned());
                let issue = fields::text("Issue number", "issue", "issue", typed.issue, wrong.get("issue").cloned(), "");
                let form = may.then(|| view! {
                    <section class="card"><header><h2>"Write a decision down"</h2></header><form method="post" action="/decisions" class="stack">
                        <FormError message=whole/>
                        {title}
                        {why}
                        {issue}
                        <button class="btn primary">"Write it down"</button>
                    </form></section>
                });
                view! {
                    <div class="page-head"><h1><a class="muted" href="/issues">"Issues"</a><span class="muted">" / "</span>"Decisions"</h1></div>
                    <div class="detail-grid"><section class="card stack">{empty}<ul class="timeline">{rows}</ul>{older}</section>{form}</div>
                }.into_any()
            }))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

pub async fn decide(ctx: Ctx, Form(typed): Form<Typed>) -> Response {
    let issue = typed.issue.trim().trim_start_matches('#');
    let decided = async {
        let issue =
            if issue.is_empty() { None } else { Some(issue.parse().map_err(|_| Fault::field("issue", "must be a number like 12"))?) };
        daily::decide(&ctx.app, &ctx.actor(), &typed.title, &typed.why, issue).await
    };
    match decided.await {
        Ok(_) => redirect("/decisions", "Written down."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show_decisions(&ctx, &PageRequest::default(), typed, Some(fault)).await,
    }
}

#[derive(Debug, Deserialize)]
pub struct Minutes {
    critical: String,
    high: String,
    medium: String,
    low: String,
}

pub async fn clocks(ctx: Ctx) -> Response {
    if let Err(fault) = ctx.actor().require(Permission::Triage) {
        return ctx.fault(&fault);
    }
    match service::clocks(&ctx.app).await {
        Ok(c) => {
            let typed = Minutes {
                critical: c.critical.to_string(),
                high: c.high.to_string(),
                medium: c.medium.to_string(),
                low: c.low.to_string(),
            };
            show_clocks(&ctx, typed, None)
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn show_clocks(ctx: &Ctx, typed: Minutes, fault: Option<Fault>) -> Response {
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    ctx.page_with(status, "Clocks", "/issues", Box::new(move || {
        let wrong = fault.as_ref().map(Fault::fields).unwrap_or_default();
        let error = |name: &str| wrong.get(name).cloned();
        view! {
            <div class="page-head"><h1><a class="muted" href="/issues">"Issues"</a><span class="muted">" / "</span>"Clocks"</h1></div>
            <section class="card"><form method="post" action="/issues/clocks" class="stack">
                <p class="muted">"How many minutes feedback and issues of a severity may wait until somebody takes them. After that they are shown as overdue."</p>
                <div class="fields">
                    {fields::needed("Critical", "critical", "critical", typed.critical, error("critical"), "")}
                    {fields::needed("High", "high", "high", typed.high, error("high"), "")}
                    {fields::needed("Medium", "medium", "medium", typed.medium, error("medium"), "")}
                    {fields::needed("Low", "low", "low", typed.low, error("low"), "")}
                </div>
                <button class="btn primary">"Save"</button>
            </form></section>
        }.into_any()
    }))
}

pub async fn set_clocks(ctx: Ctx, Form(typed): Form<Minutes>) -> Response {
    let number = |field: &str, text: &str| text.trim().parse::<u32>().map_err(|_| Fault::field(field, "must be whole minutes"));
    let saved = async {
        let new = Clocks {
            critical: number("critical", &typed.critical)?,
            high: number("high", &typed.high)?,
            medium: number("medium", &typed.medium)?,
            low: number("low", &typed.low)?,
        };
        service::set_clocks(&ctx.app, &ctx.actor(), new).await
    };
    match saved.await {
        Ok(_) => redirect("/issues/clocks", "Saved."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show_clocks(&ctx, typed, Some(fault)),
    }
}
