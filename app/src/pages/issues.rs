//! Issues: what is wrong, who has it, why it happened, and whether the fix helped.

mod daily;
mod new;
mod one;
mod status;

use super::requests::encode;
use super::shell::Ctx;
use crate::pages::asked::Query;
use crate::parts::format;
use crate::parts::items::Ago;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::issues::model::{Issue, IssueFilter, Severity};
use hypercare::issues::service;
use hypercare::server::App;
use hypercare::types::{Fault, Instant, Page, PageRequest};
use leptos::prelude::*;

fn query(filter: &IssueFilter) -> String {
    let pairs =
        [("state", &filter.state), ("severity", &filter.severity), ("type", &filter.kind), ("owner", &filter.owner), ("q", &filter.q)];
    let set =
        pairs.into_iter().filter_map(|(name, value)| value.as_deref().filter(|v| !v.is_empty()).map(|v| format!("{name}={}", encode(v))));
    set.collect::<Vec<_>>().join("&")
}

async fn list(ctx: Ctx, Query(filter): Query<IssueFilter>, Query(page): Query<PageRequest>) -> Response {
    let loaded = async {
        let actor = ctx.actor();
        let page = service::list(&ctx.app, &actor, &filter, &page).await?;
        Ok::<_, Fault>((page, service::counts(&ctx.app, &actor).await?))
    };
    match loaded.await {
        Ok((page, counts)) => {
            let (now, may) = (ctx.app.now(), ctx.actor().may(Permission::Triage));
            ctx.page("Issues", "/issues", Box::new(move || list_view(page, counts, &filter, may, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn list_view(page: Page<Issue>, counts: (i64, i64, i64), filter: &IssueFilter, may: bool, now: Instant) -> impl IntoView + use<> {
    let (open, critical, overdue) = counts;
    let heading = match (open, critical, overdue) {
        (0, ..) => "none open".to_owned(),
        (open, 0, 0) => format!("{} open", format::grouped(open)),
        (open, critical, 0) => format!("{} open, {critical} critical", format::grouped(open)),
        (open, critical, overdue) => format!("{} open, {critical} critical, {overdue} overdue", format::grouped(open)),
    };
    let current = query(filter);
    let chip = |label: &'static str, state: &str, owner: Option<&str>| {
        let own = |v: Option<&str>| v.map(str::to_owned);
        let on = filter.state.as_deref().filter(|s| !s.is_empty()).unwrap_or("open") == state && filter.owner.as_deref() == owner;
        let to = IssueFilter { state: Some(state.to_owned()), owner: own(owner), ..filter.clone() };
        let class = if on { "chip on" } else { "chip" };
        view! { <a class=class href=format!("/issues?{}", query(&to)) aria-current=on.then_some("true")>{label}</a> }
    };
    let older = page.next_cursor.map(|cursor| view! { <a class="btn" href=format!("/issues?{current}&cursor={cursor}")>"Older"</a> });
    let empty = page.items.is_empty().then(
        || view! { <p class="empty">"No issues here. An issue is made from feedback (key i in the inbox), from a theme, or by hand."</p> },
    );
    let rows: Vec<_> = page.items.iter().map(|issue| row(issue, now).into_any()).collect();
    let severity = filter.severity.clone().unwrap_or_default();
    let severities = Severity::ALL
        .iter()
        .map(|s| view! { <option value=s.as_str() selected=severity == s.as_str()>{s.label()}</option> })
        .collect_view();
    view! {
        <div class="page-head"><h1>"Issues"<span class="muted">" · "{heading}</span></h1>
            <div class="row"><a class="btn quiet" href="/issues/standup">"Stand-up"</a><a class="btn quiet" href="/decisions">"Decisions"</a>
            <a class="btn quiet" href="/status">"Public page"</a>{may.then(|| view! { <a class="btn primary" href="/issues/new">"New issue"</a> })}</div></div>
        <nav class="chips" aria-label="Which issues">{chip("Open", "open", None)}{chip("Mine", "open", Some("me"))}{chip("Nobody’s", "open", Some("none"))}{chip("Watching a fix", "monitoring", None)}{chip("Closed", "closed", None)}{chip("All", "all", None)}</nav>
        <form class="filters" action="/issues" aria-label="Filters">
            <input type="hidden" name="state" value=filter.state.clone().unwrap_or_default()/>
            <label>"Words"<input class="input" name="q" type="search" value=filter.q.clone().unwrap_or_default()/></label>
            <label>"Severity"<select class="input" name="severity"><option value="">"All"</option>{severities}</select></label>
            <button class="btn">"Filter"</button>
        </form>
        <section class="card flush" aria-label="Issues">{empty}
            {(!rows.is_empty()).then(|| view! { <div class="scroll"><table data-list="issues"><caption class="visually-hidden">"Issues, newest first"</caption><thead><tr><th scope="col">"Issue"</th><th scope="col">"Severity"</th><th scope="col">"State"</th><th scope="col">"Owner"</th><th scope="col" class="num">"Feedback"</th><th scope="col">"Changed"</th></tr></thead><tbody>{rows}</tbody></table></div> })}
        </section>
        {older}
    }
}

fn row(issue: &Issue, now: Instant) -> impl IntoView + use<> {
    let href = format!("/issues/{}", issue.number);
    let owner = issue.owner.clone().map_or_else(|| view! { <span class="muted">"nobody"</span> }.into_any(), IntoAny::into_any);
    view! {
        <tr>
            <td><a class="link" href=href>{format!("#{} ", issue.number)}{issue.title.clone()}</a>{clock(issue, now)}{issue.can_close().then(|| view! { " "<span class="badge ok">"can be closed"</span> })}{(!issue.blocked.is_empty()).then(|| view! { " "<span class="badge watch">"blocked"</span> })}</td>
            <td><span class=issue.severity.badge()>{issue.severity.label()}</span></td><td>{issue.state.label()}</td><td>{owner}</td>
            <td class="num">{format::grouped(issue.feedback)}</td><td class="muted nowrap"><Ago at=issue.updated_at now=now ago=true/></td>
        </tr>
    }
}

/// How long it may still wait for somebody, or how long it is overdue.
fn clock(issue: &Issue, now: Instant) -> Option<AnyView> {
    if issue.is_overdue(now) {
        return Some(view! { " "<span class="badge bad">{format!("overdue by {}", format::age(issue.due_at, now))}</span> }.into_any());
    }
    let waits = issue.state.is_open() && issue.acknowledged_at.is_none();
    waits.then(|| view! { " "<span class="badge watch">{format!("to take within {}", format::age(now, issue.due_at))}</span> }.into_any())
}

/// Issues, the stand-up, decisions, and the public page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/issues", get(list).post(new::create))
        .route("/issues/new", get(new::form).post(new::from_ticked))
        .route("/issues/join", post(new::join))
        .route("/issues/standup", get(daily::standup))
        .route("/issues/clocks", get(daily::clocks).post(daily::set_clocks))
        .route("/issues/{id}", get(one::show).post(one::update))
        .route("/issues/{id}/notes", post(one::add_note))
        .route("/decisions", get(daily::decisions).post(daily::decide))
        .route("/status", get(status::page))
}
