//! The feedback page: the list at the left, what was said and the request it is about at the right. A decision takes one key, or one button.

pub(super) mod decide;
mod import;
mod item;

use super::requests::encode;
use super::shell::Ctx;
use crate::islands::inbox::InboxList;
use crate::pages::asked::Query;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use hypercare::feedback::model::triage::{State, View};
use hypercare::feedback::model::{CATEGORIES, Feedback, FeedbackFilter};
use hypercare::feedback::service::{self, triage};
use hypercare::identity::model::Permission;
use hypercare::issues::model::{Clocks, Kind, Severity};
use hypercare::server::App;
use hypercare::types::{Fault, Id, Instant, Page, PageRequest};
use item::Item;
use leptos::prelude::*;
use serde::Deserialize;

/// Largest file that can be imported, in bytes.
const MAX_FILE: usize = 32 * 1024 * 1024;

#[derive(Deserialize)]
struct Open {
    item: Option<String>,
}

/// A filter as a query string, without `?`. The state is always there: without one the page shows what is to triage.
fn query(filter: &FeedbackFilter) -> String {
    let state = filter.state.clone().unwrap_or_default();
    let parts = filter.parts();
    let others = parts.iter().filter(|(name, value)| *name != "state" && value.as_deref().is_some_and(|v| !v.is_empty()));
    let others = others.map(|(name, value)| format!("&{name}={}", encode(value.as_deref().unwrap_or_default())));
    format!("state={}{}", encode(&state), others.collect::<String>())
}

struct Inbox {
    page: Page<Feedback>,
    open: Option<Item>,
    filter: FeedbackFilter,
    waiting: i64,
    views: Vec<View>,
    clocks: Clocks,
    may: bool,
    me: String,
    now: Instant,
}

async fn inbox(ctx: Ctx, Query(mut filter): Query<FeedbackFilter>, Query(page): Query<PageRequest>, Query(open): Query<Open>) -> Response {
    // A link to one piece shows it among its neighbours, decided or not.
    if open.item.is_none() && filter.state.is_none() {
        filter.state = Some(State::New.as_str().to_owned());
    }
    match load(&ctx, filter, &page, open.item).await {
        Ok(inbox) => ctx.page("Feedback", "/feedback", Box::new(move || view_of(inbox).into_any())),
        Err(fault) => ctx.fault(&fault),
    }
}

async fn load(ctx: &Ctx, filter: FeedbackFilter, page: &PageRequest, item: Option<String>) -> Result<Inbox, Fault> {
    let actor = ctx.actor();
    let found = service::list(&ctx.app, &actor, &filter, page).await?;
    let open = item.map(Id::from_text).or_else(|| found.items.first().map(|f| f.id.clone()));
    let open = match open {
        Some(id) => Some(item::load(ctx, &id).await?),
        None => None,
    };
    let to_triage = FeedbackFilter { state: Some(State::New.as_str().to_owned()), ..FeedbackFilter::default() };
    Ok(Inbox {
        page: found,
        open,
        waiting: service::count(&ctx.app, &actor, &to_triage).await?,
        views: triage::views(&ctx.app, &actor).await?,
        clocks: hypercare::issues::service::clocks(&ctx.app).await?,
        may: actor.may(Permission::Triage),
        me: actor.name(),
        filter,
        now: ctx.app.now(),
    })
}

/// The part at the right alone, for going through the list without loading the page anew.
async fn pane(ctx: Ctx, Path(id): Path<String>, Query(filter): Query<FeedbackFilter>) -> Response {
    match item::load(&ctx, &Id::from_text(id)).await {
        Ok(found) => {
            let (may, now) = (ctx.actor().may(Permission::Triage), ctx.app.now());
            let html = Owner::new_root(None).with(|| item::view_of(found, &query(&filter), may, now).into_any().to_html());
            ([("cache-control", "no-store")], Html(html)).into_response()
        }
        Err(fault) => hypercare::server::ApiError(fault).into_response(),
    }
}

fn view_of(inbox: Inbox) -> impl IntoView {
    let Inbox { page, open, filter, waiting, views, clocks, may, me, now } = inbox;
    let current = query(&filter);
    let open_id = open.as_ref().map(|item| item.feedback.id.clone());
    let older = page.next_cursor.as_ref().map(|cursor| {
        view! { <a class="btn" href=format!("/feedback?{current}&cursor={cursor}")>"Older"</a> }
    });
    let heading = match waiting {
        0 => "nothing to triage".to_owned(),
        10_000.. => "more than 10,000 to triage".to_owned(),
        n => format!("{} to triage", crate::parts::format::grouped(n)),
    };
    let pane = open.map(|item| item::view_of(item, &current, may, now).into_any());
    let import = may.then(|| view! { <a class="btn quiet" href="/feedback/import">"Import"</a> });
    view! {
        <div class="page-head"><h1>"Feedback"<span class="muted">" · "{heading}</span></h1>{import}</div>
        <div class="row">{chips(&filter)}{saved(&views, &me, &current, may)}</div>
        {search(&filter)}
        <div class="split-layout">
            <div class="stack">
                <InboxList items=page.items open=open_id filter=filter query=current.clone() next=page.next_cursor me=me clocks=clocks may=may now=now/>
                {older}
                {may.then(|| bulk(&current))}
            </div>
            <div id="pane" class="stack" aria-live="off">{pane}</div>
        </div>
    }
}

fn chips(filter: &FeedbackFilter) -> impl IntoView + use<> {
    let given = |v: &Option<String>| v.clone().filter(|v| !v.is_empty());
    let (state, kind, assignee) = (given(&filter.state), given(&filter.kind), given(&filter.assignee));
    let chip = |label: &'static str, to: (Option<&str>, Option<&str>, Option<&str>)| {
        let own = |v: Option<&str>| v.map(str::to_owned);
        let on = (state.as_deref(), kind.as_deref(), assignee.as_deref()) == to;
        let to = FeedbackFilter { state: own(to.0), kind: own(to.1), assignee: own(to.2), ..filter.clone() };
        let class = if on { "chip on" } else { "chip" };
        view! { <a class=class href=format!("/feedback?{}", query(&to)) aria-current=on.then_some("true")>{label}</a> }
    };
    view! {
        <nav class="chips" aria-label="Kind of feedback">
            {chip("To triage", (Some("new"), None, None))}{chip("Mine", (None, None, Some("me")))}{chip("In review", (Some("review"), None, None))}
            {chip("Thumbs down", (None, Some("down"), None))}{chip("Thumbs up", (None, Some("up"), None))}{chip("Flags", (None, Some("flag"), None))}
            {chip("All", (None, None, None))}{chip("Spam", (Some("spam"), None, None))}
        </nav>
    }
}

/// Filters with a name, and the way to give this one a name.
fn saved(views: &[View], me: &str, current: &str, may: bool) -> impl IntoView + use<> {
    let links = views
        .iter()
        .map(|v| {
            let on = v.query == current;
            let remove = (v.owner == me).then(|| {
                view! { <form method="post" action=format!("/feedback/views/{}/delete", v.id)><button class="btn quiet" aria-label=format!("Forget the view {}", v.name)>"×"</button></form> }
            });
            let title = if v.shared { format!("Shared by {}", v.owner) } else { "Only you see it".to_owned() };
            let class = if on { "chip on" } else { "chip" };
            view! { <span class="row tight"><a class=class href=format!("/feedback?{}", v.query) title=title aria-current=on.then_some("true")>{v.name.clone()}</a>{remove}</span> }
        })
        .collect_view();
    let save = may.then(|| {
        view! {
            <details class="more"><summary class="small">"Save this view"</summary>
                <form method="post" action="/feedback/views" class="row">
                    <input type="hidden" name="query" value=current.to_owned()/>
                    <input class="input short" name="name" required maxlength="60" aria-label="Name of the view" placeholder="Name"/>
                    <label class="check"><input type="checkbox" name="shared" value="on"/>"For everybody"</label>
                    <button class="btn">"Save"</button>
                </form>
            </details>
        }
    });
    view! { <nav class="chips" aria-label="Saved views">{links}</nav>{save} }
}

fn search(filter: &FeedbackFilter) -> impl IntoView + use<> {
    let value = |v: &Option<String>| v.clone().unwrap_or_default();
    let select = |label: &'static str, name: &'static str, chosen: &Option<String>, choices: Vec<(String, String)>| {
        let chosen = value(chosen);
        let options = choices
            .into_iter()
            .map(|(word, label)| view! { <option value=word.clone() selected=chosen == word>{label}</option> })
            .collect_view();
        view! { <label>{label}<select class="input" name=name><option value="">"All"</option>{options}</select></label> }
    };
    let text = |label: &'static str, name: &'static str, v: &Option<String>| {
        view! { <label>{label}<input class="input" name=name value=value(v)/></label> }
    };
    let words = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    let severities = Severity::ALL.iter().map(|s| (s.as_str().to_owned(), s.label().to_owned())).collect();
    let kinds = Kind::ALL.iter().map(|k| (k.as_str().to_owned(), k.label().to_owned())).collect();
    let narrow = FeedbackFilter { state: None, kind: None, q: None, category: None, ..filter.clone() };
    let more = narrow.parts().iter().any(|(_, v)| v.as_deref().is_some_and(|v| !v.is_empty()));
    let reset = (query(filter) != "state=new").then(|| view! { <a class="btn quiet" href="/feedback">"Clear"</a> });
    view! {
        <form class="filters" action="/feedback" aria-label="Filters">
            <input type="hidden" name="state" value=value(&filter.state)/><input type="hidden" name="kind" value=value(&filter.kind)/>
            <label>"Words"<input class="input" name="q" type="search" value=value(&filter.q)/></label>
            {select("Category", "category", &filter.category, words(&CATEGORIES))}
            {select("Since", "since", &filter.since, words(&[("1h", "Last hour"), ("24h", "Last 24 hours"), ("7d", "Last 7 days"), ("30d", "Last 30 days")]))}
            <details class="more filters-more" open=more><summary class="small">"More filters"</summary>
                <div class="filters">
                    {select("Severity", "severity", &filter.severity, severities)}{select("Type", "type", &filter.sort, kinds)}
                    {select("Mood", "mood", &filter.mood, words(&[("negative", "Sounds unhappy"), ("positive", "Sounds happy")]))}
                    {text("Route", "route", &filter.route)}{text("Variant", "variant", &filter.variant)}{text("Prompt version", "prompt", &filter.prompt)}
                    {text("Assigned to", "assignee", &filter.assignee)}{text("Came in by", "channel", &filter.channel)}{text("User", "user", &filter.user)}
                    <input type="hidden" name="theme" value=value(&filter.theme)/><input type="hidden" name="issue" value=value(&filter.issue)/>
                </div>
            </details>
            <button class="btn">"Filter"</button>{reset}
        </form>
    }
}

/// What is done with everything that is ticked.
fn bulk(current: &str) -> impl IntoView + use<> {
    let severities = Severity::ALL
        .iter()
        .map(|s| view! { <button class="btn quiet" name="severity" value=s.as_str()>{s.label()}</button> })
        .collect_view();
    view! {
        <form method="post" action="/feedback/decide" id="bulk" class="card stack bulk" aria-label="With all that are ticked">
            <input type="hidden" name="back" value=current.to_owned()/>
            <div class="row"><b class="small">"Ticked:"</b>
                <button class="btn" name="state" value="done">"Done"</button><button class="btn" name="state" value="review">"To review"</button>
                <button class="btn" name="assignee" value="me">"Take"</button><button class="btn quiet" name="state" value="spam">"Spam"</button>
                <button class="btn quiet" formaction="/issues/new">"Make issue"</button>
            </div>
            <div class="row"><b class="small">"Severity:"</b>{severities}</div>
            <div class="row"><button class="btn quiet" formaction="/feedback/undo">"Undo my last decision"</button></div>
        </form>
    }
}

/// The feedback pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/feedback", get(inbox))
        .route("/feedback/pane/{id}", get(pane))
        .route("/feedback/decide", post(decide::decide))
        .route("/feedback/undo", post(decide::undo))
        .route("/feedback/views", post(decide::save_view))
        .route("/feedback/views/{id}/delete", post(decide::delete_view))
        .route("/feedback/import", get(import::form).post(import::import).layer(DefaultBodyLimit::max(MAX_FILE)))
}
