//! Labels on the page of a prompt: where they point, the way back, who has to agree.

use super::one::Around;
use crate::pages::asked::Form;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, redirect};
use crate::parts::format;
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use hypercare::prompts::model::{LabelGuard, Moved, Prompt};
use hypercare::prompts::service::labels::{self, Move};
use hypercare::server::App;
use leptos::prelude::*;
use serde::Deserialize;

/// Where each label points, what that reaches, and the way back.
pub(super) fn label_card(prompt: &Prompt, around: &Around) -> impl IntoView + use<> {
    let base = format!("/prompts/{}", encode(&prompt.name));
    let rows = prompt.labels.iter().map(|label| {
        let protected = prompt.guard.protected.contains(&label.label);
        let uses = around.uses.iter().filter(|u| u.pin == label.label);
        let uses = uses.map(|u| format!("{} ({} of {} %)", u.route, u.variant, format::share(u.share))).collect::<Vec<_>>();
        let uses = if uses.is_empty() { "no route uses it".to_owned() } else { format!("used by {}", uses.join(", ")) };
        let former = around.history.iter().find(|c| c.label == label.label).and_then(|c| c.before);
        let back = former.filter(|_| around.may).map(|version| {
            view! {
                <form method="post" action=format!("{base}/rollback")><input type="hidden" name="label" value=label.label.clone()/>
                    <button class="btn" aria-label=format!("Roll {} back to version {version}", label.label)>{format!("Roll back to {version}")}</button></form>
            }
        });
        view! {
            <li class="row wide">
                <span><b>{label.label.clone()}</b>{format!(" → version {}", label.version)}{protected.then(|| view! { " " <span class="badge plain">"protected"</span> })}
                    <br/><span class="small muted"><Ago at=label.moved_at now=around.now/>" · "{label.moved_by.clone()}" · "{uses}</span></span>{back}
            </li>
        }
        .into_any()
    });
    let empty =
        prompt.labels.is_empty().then(|| view! { <p class="muted">"No label yet. Routes use a prompt by a label or by a version."</p> });
    let pinned: Vec<String> = around
        .uses
        .iter()
        .filter(|u| u.pin.parse::<u32>().is_ok())
        .map(|u| format!("{} ({}) uses version {}", u.route, u.variant, u.pin))
        .collect();
    let pinned = (!pinned.is_empty()).then(|| view! { <p class="small muted">{pinned.join("; ")}"."</p> });
    view! {
        <section class="card stack" aria-label="Labels"><h2>"Labels"</h2><ul class="plain-list">{rows.collect_view()}</ul>{empty}{pinned}{history(around)}</section>
    }
}

fn history(around: &Around) -> impl IntoView + use<> {
    let rows = around.history.iter().take(20).map(|c| {
        let from = c.before.map_or_else(|| "new".to_owned(), |v| v.to_string());
        view! { <li><b>{c.label.clone()}</b>{format!(" {from} → {}", c.after)}<span class="small muted">" · "<Ago at=c.at now=around.now/>" · "{c.actor.clone()}{(!c.reason.is_empty()).then(|| format!(" · {}", c.reason))}</span></li> }.into_any()
    });
    (!around.history.is_empty()).then(|| view! { <details class="more"><summary>"History of labels"</summary><ul class="plain-list">{rows.collect_view()}</ul></details> })
}

/// Moves that wait for a second person.
pub(super) fn waiting_card(prompt: &Prompt, around: &Around) -> impl IntoView + use<> {
    let rows =
        around.approvals.iter().map(|a| super::approvals::waiting(a, around.may, &around.me, around.now).into_any()).collect::<Vec<_>>();
    let name = prompt.name.clone();
    (!rows.is_empty()).then(move || view! { <section class="card stack" aria-label=format!("Approvals of {name}")><h2>"Waits for approval"</h2><ul class="plain-list">{rows}</ul></section> })
}

pub(super) fn move_form(prompt: &Prompt) -> impl IntoView + use<> {
    let options = prompt
        .versions
        .iter()
        .map(|v| view! { <option value=v.version.to_string()>{format!("Version {}", v.version)}</option> })
        .collect_view();
    let known = prompt.labels.iter().map(|l| view! { <option value=l.label.clone()></option> }).collect_view();
    let speed = if prompt.guard.protected.is_empty() { "in force within a second" } else { "protected labels wait for a second person" };
    view! {
        <section class="card">
            <header><h2>"Move a label"</h2></header>
            <form method="post" action=format!("/prompts/{}/label", encode(&prompt.name)) class="stack">
                <Field label="Label" id="label"><input class="input" id="label" name="label" list="labels" required placeholder="production"/><datalist id="labels">{known}</datalist></Field>
                <Field label="Points to" id="version"><select class="input" id="version" name="version">{options}</select></Field>
                <Field label="Reason" id="reason"><input class="input" id="reason" name="reason" placeholder="Why now?" maxlength="1000"/></Field>
                <div class="row"><button class="btn">"Move the label"</button><span class="small muted">{speed}</span></div>
            </form>
        </section>
    }
}

/// Which labels need a second person.
pub(super) fn guard_form(prompt: &Prompt, around: &Around) -> impl IntoView + use<> {
    let protected = prompt.guard.protected.join(", ");
    let (gated, action) = (prompt.guard.gated, format!("/prompts/{}/protection", encode(&prompt.name)));
    around.may_protect.then(move || {
        view! {
            <details class="card more"><summary><h2>"Protection"</h2></summary>
                <form method="post" action=action class="stack">
                    <Field label="Protected labels" id="protected" help="Separated by commas. They move only when somebody else approves; the way back to an approved version stays open.">
                        <input class="input" id="protected" name="protected" value=protected placeholder="production"/>
                    </Field>
                    <label class="check"><input type="checkbox" name="gated" value="yes" checked=gated/>"Only versions that passed every saved case with checks"</label>
                    <div class="row"><button class="btn">"Save protection"</button></div>
                </form>
            </details>
        }
    })
}

fn moved(prompt: &str, moved: &Moved) -> Response {
    let words = match moved {
        Moved::Now(label) => format!("{} now points to version {}.", label.label, label.version),
        Moved::Waits { approval } => format!("{} is protected: somebody else has to approve version {}.", approval.label, approval.version),
    };
    redirect(&format!("/prompts/{}", encode(prompt)), &words)
}

#[derive(Deserialize)]
struct To {
    label: String,
    version: u32,
    #[serde(default)]
    reason: String,
}

async fn move_label(ctx: Ctx, Path(prompt): Path<String>, Form(to): Form<To>) -> Response {
    let to = Move { prompt: &prompt, label: &to.label, version: to.version, reason: &to.reason };
    match labels::set_label(&ctx.app, &ctx.actor(), to).await {
        Ok(done) => moved(&prompt, &done),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Back {
    label: String,
}

async fn roll_back(ctx: Ctx, Path(prompt): Path<String>, Form(back): Form<Back>) -> Response {
    match labels::roll_back(&ctx.app, &ctx.actor(), &prompt, &back.label, "").await {
        Ok(done) => moved(&prompt, &done),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Guard {
    #[serde(default)]
    protected: String,
    gated: Option<String>,
}

async fn protect(ctx: Ctx, Path(prompt): Path<String>, Form(guard): Form<Guard>) -> Response {
    let protected = guard.protected.split(',').map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    let guard = LabelGuard { protected, gated: guard.gated.is_some() };
    match labels::set_guard(&ctx.app, &ctx.actor(), &prompt, guard).await {
        Ok(guard) if guard.protected.is_empty() => redirect(&format!("/prompts/{}", encode(&prompt)), "No label is protected."),
        Ok(guard) => redirect(&format!("/prompts/{}", encode(&prompt)), &format!("Protected: {}.", guard.protected.join(", "))),
        Err(fault) => ctx.fault(&fault),
    }
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/prompts/{name}/label", post(move_label))
        .route("/prompts/{name}/rollback", post(roll_back))
        .route("/prompts/{name}/protection", post(protect))
}
