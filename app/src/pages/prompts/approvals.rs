//! Moves of protected labels that wait for a second person.

use crate::pages::asked::Form;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, redirect};
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::prompts::model::Approval;
use hypercare::prompts::service::labels::{self, Verdict};
use hypercare::server::App;
use hypercare::types::{Id, Instant};
use leptos::prelude::*;
use serde::Deserialize;

async fn list(ctx: Ctx) -> Response {
    match labels::list_approvals(&ctx.app, &ctx.actor(), true, None).await {
        Ok(waiting) => {
            let (now, may, me) = (ctx.app.now(), ctx.actor().may(Permission::WritePrompts), ctx.actor().name());
            ctx.page("Approvals", "/prompts", Box::new(move || list_view(&waiting, may, &me, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn list_view(approvals: &[Approval], may: bool, me: &str, now: Instant) -> impl IntoView + use<> {
    let rows = approvals.iter().map(|a| waiting(a, may, me, now).into_any()).collect::<Vec<_>>();
    let empty = rows.is_empty().then(|| {
        view! { <p class="empty">"Nothing waits for approval. Who moves a protected label asks here."</p> }
    });
    view! {
        <div class="page-head"><h1><a class="muted" href="/prompts">"Prompts"</a><span class="muted">" / "</span>"Approvals"</h1></div>
        <section class="card">{empty}<ul class="plain-list">{rows}</ul></section>
    }
}

/// One of them, with what this person may do about it.
pub(super) fn waiting(a: &Approval, may: bool, me: &str, now: Instant) -> impl IntoView + use<> {
    let base = format!("/prompts/{}", encode(&a.prompt));
    let mine = a.asked_by == me;
    let button = |verdict: &'static str, words: &'static str, class: &'static str| {
        view! { <button class=class name="verdict" value=verdict>{words}</button> }
    };
    let decide = may.then(|| {
        let buttons = if mine {
            view! { {button("withdraw", "Take it back", "btn")}<span class="small muted">"Somebody else has to approve it."</span> }
                .into_any()
        } else {
            view! { {button("approve", "Approve", "btn primary")}{button("reject", "Reject", "btn")} }.into_any()
        };
        let note =
            (!mine).then(|| view! { <input class="input" name="note" aria-label="Note" placeholder="Note (optional)" maxlength="1000"/> });
        view! { <form method="post" action=format!("/prompts/approvals/{}", a.id) class="row">{note}{buttons}</form> }
    });
    let reason = if a.reason.is_empty() { "No reason given.".to_owned() } else { a.reason.clone() };
    let changes = format!("{base}/compare?label={}&to={}", encode(&a.label), a.version);
    view! {
        <li class="stack">
            <div><a class="link" href=base>{a.prompt.clone()}</a>": "<b>{a.label.clone()}</b>{format!(" to version {}", a.version)}
                <br/><span class="small muted">"asked by "{a.asked_by.clone()}" "<Ago at=a.asked_at now=now ago=true/>" · "{reason}</span></div>
            <a class="link small" href=changes>"What changes"</a>
            {decide}
        </li>
    }
}

#[derive(Deserialize)]
struct Said {
    verdict: String,
    #[serde(default)]
    note: String,
}

async fn decide(ctx: Ctx, Path(id): Path<String>, Form(said): Form<Said>) -> Response {
    let (verdict, word) = match said.verdict.as_str() {
        "approve" => (Verdict::Approve, "Approved"),
        "withdraw" => (Verdict::Withdraw, "Taken back"),
        _ => (Verdict::Reject, "Rejected"),
    };
    match labels::decide(&ctx.app, &ctx.actor(), &Id::from_text(id), verdict, &said.note).await {
        Ok(a) => redirect(&format!("/prompts/{}", encode(&a.prompt)), &format!("{word}: {} to version {}.", a.label, a.version)),
        Err(fault) => ctx.fault(&fault),
    }
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/prompts/approvals", get(list)).route("/prompts/approvals/{id}", post(decide))
}
