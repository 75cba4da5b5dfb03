//! Two versions side by side in words.

use super::one::part_view;
use super::trail;
use crate::pages::asked::Query;
use crate::pages::requests::encode;
use crate::pages::shell::Ctx;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use hypercare::prompts::diff;
use hypercare::prompts::model::Prompt;
use hypercare::prompts::service;
use hypercare::server::App;
use hypercare::types::Fault;
use leptos::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Between {
    from: Option<u32>,
    /// Instead of `from`: where that label points now.
    label: Option<String>,
    to: Option<u32>,
}

async fn compare(ctx: Ctx, Path(name): Path<String>, Query(between): Query<Between>) -> Response {
    let prompt = match service::get(&ctx.app, &ctx.actor(), &name).await {
        Ok(prompt) => prompt,
        Err(fault) => return ctx.fault(&fault),
    };
    let newest = prompt.versions.first().map_or(1, |v| v.version);
    let to = between.to.unwrap_or(newest);
    let labelled = between.label.and_then(|label| prompt.labels.iter().find(|l| l.label == label).map(|l| l.version));
    let from = between.from.or(labelled).unwrap_or_else(|| to.saturating_sub(1).max(1));
    match [from, to].into_iter().find(|number| prompt.version(*number).is_none()) {
        Some(missing) => ctx.fault(&Fault::NotFound(format!("{name} has no version {missing}."))),
        None => ctx.page("Compare", "/prompts", Box::new(move || view_of(&prompt, from, to).into_any())),
    }
}

fn view_of(prompt: &Prompt, from: u32, to: u32) -> impl IntoView + use<> {
    let parts = match (prompt.version(from), prompt.version(to)) {
        (Some(from), Some(to)) => diff::versions(&from.content, &to.content),
        _ => Vec::new(),
    };
    let same = parts.iter().all(|part| !part.changed).then(|| view! { <p class="muted">"Both say the same."</p> });
    let choice = |chosen: u32| {
        let option = |v: u32| view! { <option value=v.to_string() selected=v == chosen>{format!("Version {v}")}</option> };
        prompt.versions.iter().map(|v| option(v.version)).collect_view()
    };
    let action = format!("/prompts/{}/compare", encode(&prompt.name));
    view! {
        <div class="page-head">{trail(&prompt.name, "Compare")}</div>
        <form class="filters" action=action aria-label="Versions">
            <label>"From"<select class="input" name="from">{choice(from)}</select></label>
            <label>"To"<select class="input" name="to">{choice(to)}</select></label>
            <button class="btn">"Compare"</button>
        </form>
        <section class="card stack" aria-label="Changes"><h2>{format!("Version {from} → version {to}")}</h2>{same}{parts.into_iter().map(|part| part_view(part).into_any()).collect_view()}</section>
    }
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/prompts/{name}/compare", get(compare))
}
