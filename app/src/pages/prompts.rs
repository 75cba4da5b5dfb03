//! Prompts: the list, one prompt, its versions compared, what waits for a second person, saved cases, the playground.

mod approvals;
mod cases;
mod compare;
mod editor;
mod labels;
mod one;
mod playground;

pub(super) use cases::save_form;

use super::requests::encode;
use super::shell::Ctx;
use crate::pages::asked::Query;
use crate::parts::items::Ago;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use hypercare::identity::model::Permission;
use hypercare::prompts::model::PromptSummary;
use hypercare::prompts::service::{self, labels as label_service};
use hypercare::server::App;
use hypercare::types::{Instant, Page, PageRequest};
use leptos::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Search {
    q: Option<String>,
}

/// What the list shows.
struct List {
    page: Page<PromptSummary>,
    q: Option<String>,
    paged: bool,
    waiting: usize,
    may: bool,
    now: Instant,
}

async fn list(ctx: Ctx, Query(search): Query<Search>, Query(page): Query<PageRequest>) -> Response {
    let q = search.q.filter(|q| !q.trim().is_empty());
    let actor = ctx.actor();
    let found = service::list(&ctx.app, &actor, q.as_deref(), &page).await;
    let waiting = label_service::list_approvals(&ctx.app, &actor, true, None).await;
    match found.and_then(|found| Ok((found, waiting?.len()))) {
        Ok((found, waiting)) => {
            let may = ctx.person.role.may(Permission::WritePrompts);
            let list = List { page: found, q, paged: page.cursor.is_some(), waiting, may, now: ctx.app.now() };
            ctx.page("Prompts", "/prompts", Box::new(move || list_view(list).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn list_view(list: List) -> impl IntoView {
    let List { page, q, paged, waiting, may, now } = list;
    let empty = page.items.is_empty().then(|| {
        let words = if q.is_some() {
            "No prompt has these words in its name or newest version."
        } else {
            "No prompts yet. A prompt is text in front of what users say; routes choose which version is used."
        };
        view! { <p class="empty">{words}</p> }
    });
    let search = q.as_deref().map(|q| format!("q={}&", encode(q))).unwrap_or_default();
    let next =
        page.next_cursor.map(|cursor| view! { <a class="btn" href=format!("/prompts?{search}cursor={}", encode(&cursor))>"Further"</a> });
    let first = paged.then(|| view! { <a class="btn quiet" href=format!("/prompts?{search}")>"First page"</a> });
    let rows = page.items.into_iter().map(|p| row(p, now).into_any());
    let approvals = (waiting > 0).then(|| {
        let words = if waiting == 1 { "1 waits for approval".to_owned() } else { format!("{waiting} wait for approval") };
        view! { <a class="btn" href="/prompts/approvals">{words}</a> }
    });
    view! {
        <div class="page-head"><h1>"Prompts"</h1><span class="row">{approvals}{may.then(|| view! { <a class="btn primary" href="/prompts/new">"New prompt"</a> })}</span></div>
        <form class="filters" action="/prompts" aria-label="Filters"><label>"Name or text"<input class="input" type="search" name="q" value=q.unwrap_or_default()/></label><button class="btn">"Search"</button></form>
        <section class="card flush"><div class="scroll"><table>
            <caption class="visually-hidden">"Prompts by name"</caption>
            <thead><tr><th scope="col">"Name"</th><th scope="col" class="num">"Versions"</th><th scope="col">"Labels"</th><th scope="col">"Newest note"</th><th scope="col">"Changed"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{empty}</section>
        <nav class="row" aria-label="Pages">{first}{next}</nav>
    }
}

fn row(p: PromptSummary, now: Instant) -> impl IntoView {
    let labels = p.labels.iter().map(|l| view! { <span class="badge info">{format!("{} → {}", l.label, l.version)}</span> }).collect_view();
    view! {
        <tr>
            <td><a class="link" href=format!("/prompts/{}", encode(&p.name))>{p.name.clone()}</a></td>
            <td class="num">{p.latest_version}</td><td class="chips">{labels}</td><td class="muted">{p.latest_note}</td>
            <td class="nowrap muted"><Ago at=p.updated_at now=now/></td>
        </tr>
    }
}

/// The way back at the head of a page about one prompt.
fn trail(name: &str, here: &'static str) -> impl IntoView + use<> {
    let href = format!("/prompts/{}", encode(name));
    view! {
        <h1><a class="muted" href="/prompts">"Prompts"</a><span class="muted">" / "</span><a class="muted" href=href>{name.to_owned()}</a><span class="muted">" / "</span>{here}</h1>
    }
}

/// The prompt pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/prompts", get(list))
        .merge(editor::router())
        .merge(approvals::router())
        .merge(one::router())
        .merge(labels::router())
        .merge(compare::router())
        .merge(cases::router())
        .merge(playground::router())
}
