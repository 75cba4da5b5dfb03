//! The feedback page: the list at the left, what was said and the request it is about at the right.

use super::requests::{conversation, encode};
use super::shell::Ctx;
use crate::islands::inbox::InboxList;
use crate::parts::items::{Ago, FeedbackIcon};
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use hypercare::feedback::model::{CATEGORIES, Feedback, FeedbackFilter, category_label};
use hypercare::feedback::service;
use hypercare::identity::model::Permission;
use hypercare::server::App;
use hypercare::telemetry::model::RequestDetail;
use hypercare::types::{Fault, Id, Instant, Page, PageRequest};
use leptos::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Open {
    item: Option<String>,
}

fn query(filter: &FeedbackFilter) -> String {
    let pairs =
        [("kind", &filter.kind), ("route", &filter.route), ("variant", &filter.variant), ("category", &filter.category), ("q", &filter.q)];
    let set =
        pairs.into_iter().filter_map(|(name, value)| value.as_deref().filter(|v| !v.is_empty()).map(|v| format!("{name}={}", encode(v))));
    set.collect::<Vec<_>>().join("&")
}

struct Inbox {
    page: Page<Feedback>,
    open: Option<(Feedback, Option<RequestDetail>)>,
    filter: FeedbackFilter,
    now: Instant,
}

async fn inbox(ctx: Ctx, Query(filter): Query<FeedbackFilter>, Query(page): Query<PageRequest>, Query(open): Query<Open>) -> Response {
    match load(&ctx, filter, &page, open.item).await {
        Ok(inbox) => ctx.page("Feedback", "/feedback", Box::new(move || view_of(inbox).into_any())),
        Err(fault) => ctx.fault(&fault),
    }
}

async fn load(ctx: &Ctx, filter: FeedbackFilter, page: &PageRequest, item: Option<String>) -> Result<Inbox, Fault> {
    let actor = ctx.actor();
    let found = service::list(&ctx.app, &actor, &filter, page).await?;
    let open = match item {
        Some(id) => Some(service::get(&ctx.app, &actor, &Id::from_text(id)).await?),
        None => found.items.first().cloned(),
    };
    let open = match open {
        None => None,
        Some(feedback) => {
            let request = match &feedback.request {
                Some(id) if actor.may(Permission::ReadTraffic) => {
                    hypercare::telemetry::service::get_request(&ctx.app, &actor, id).await.ok()
                }
                _ => None,
            };
            Some((feedback, request))
        }
    };
    Ok(Inbox { page: found, open, filter, now: ctx.app.now() })
}

fn view_of(inbox: Inbox) -> impl IntoView {
    let Inbox { page, open, filter, now } = inbox;
    let current = query(&filter);
    let open_id = open.as_ref().map(|(f, _)| f.id.clone());
    let older = page.next_cursor.map(|cursor| {
        let join = if current.is_empty() { "" } else { "&" };
        view! { <a class="btn" href=format!("/feedback?{current}{join}cursor={cursor}")>"Older"</a> }
    });
    view! {
        <div class="page-head"><h1>"Feedback"</h1>{chips(&filter)}</div>
        {search(&filter)}
        <div class="split-layout">
            <div class="stack"><InboxList items=page.items open=open_id filter=filter query=current.clone() now=now/>{older}</div>
            {open.map(|(feedback, request)| item(feedback, request, now))}
        </div>
    }
}

fn chips(filter: &FeedbackFilter) -> impl IntoView + use<> {
    let kind = filter.kind.clone().unwrap_or_default();
    let chip = |word: &'static str, label: &'static str| {
        let on = kind == word;
        let href = query(&FeedbackFilter { kind: (!word.is_empty()).then(|| word.to_owned()), ..filter.clone() });
        view! { <a class=if on { "chip on" } else { "chip" } href=format!("/feedback?{href}") aria-current=on.then_some("true")>{label}</a> }
    };
    view! { <nav class="chips" aria-label="Kind of feedback">{chip("", "All")}{chip("down", "Thumbs down")}{chip("up", "Thumbs up")}{chip("flag", "Flags")}</nav> }
}

fn search(filter: &FeedbackFilter) -> impl IntoView + use<> {
    let value = |v: &Option<String>| v.clone().unwrap_or_default();
    let category = value(&filter.category);
    let options = CATEGORIES.map(|(word, label)| view! { <option value=word selected=category == word>{label}</option> });
    let reset = (!query(filter).is_empty()).then(|| view! { <a class="btn quiet" href="/feedback">"Show all"</a> });
    view! {
        <form class="filters" action="/feedback" aria-label="Filters">
            <input type="hidden" name="kind" value=value(&filter.kind)/>
            <label>"Words"<input class="input" name="q" type="search" value=value(&filter.q)/></label>
            <label>"Category"<select class="input" name="category"><option value="">"All"</option>{options.collect_view()}</select></label>
            <label>"Route"<input class="input" name="route" value=value(&filter.route)/></label>
            <label>"Variant"<input class="input" name="variant" value=value(&filter.variant)/></label>
            <button class="btn">"Filter"</button>{reset}
        </form>
    }
}

fn item(f: Feedback, request: Option<RequestDetail>, now: Instant) -> impl IntoView {
    let (heading, at) = (f.heading(), f.created_at);
    let from = [Some(f.channel.clone()), f.user.clone().map(|u| format!("user {u}")), f.route.clone()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ");
    let categories = f.categories.iter().map(|c| view! { <span class="badge plain">{category_label(c)}</span> }).collect_view();
    let stars = f.stars.map(|n| view! { <span class="badge plain">{format!("{n} of 5 stars")}</span> });
    let flag = f.flag.map(|flag| view! { <span class="badge bad">{flag.label()}</span> });
    let link = f.request.clone().map(|id| view! { <a class="btn primary" href=format!("/requests/{id}")>"Open the request"</a> });
    let waiting = f.request.is_none().then(
        || view! { <p class="muted">"The request it is about has not arrived in the log. It will be tied to it as soon as it does."</p> },
    );
    view! {
        <div class="stack">
            <section class="card stack" aria-label="What was said">
                <div class="row wide">
                    <h2 class="row"><FeedbackIcon feedback=f.clone()/>{heading}</h2>
                    <span class="small muted"><Ago at=at now=now/>" · "{from}</span>
                </div>
                {f.comment.map(|c| view! { <blockquote>{c}</blockquote> })}
                {f.correction.map(|c| view! { <p><b>"Should have been: "</b>{c}</p> })}
                <div class="chips">{flag}{stars}{categories}</div>
                {waiting}
                <div class="row">{link}</div>
            </section>
            {request.map(|d| view! { <section class="card" aria-label="The conversation"><header><h2>"What the model saw and said"</h2></header>{conversation(&d)}</section> })}
        </div>
    }
}

/// The feedback page.
pub fn router() -> Router<App> {
    Router::new().route("/feedback", get(inbox))
}
