//! Every call there is, to read: the OpenAPI document as a page.

use super::shell::{Look, document};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use hypercare::server::App;
use hypercare::server::openapi::{OPERATIONS, Operation};
use leptos::prelude::*;

async fn docs(State(app): State<App>, look: Look) -> Response {
    let base = app.settings().public_url().clone();
    document(StatusCode::OK, "API", &look, Box::new(move || view_of(&base).into_any()))
}

/// Headings in the order of the list.
fn tags() -> Vec<&'static str> {
    let mut tags: Vec<&str> = Vec::new();
    for operation in OPERATIONS.iter() {
        if !tags.contains(&operation.tag.as_str()) {
            tags.push(&operation.tag);
        }
    }
    tags
}

fn view_of(base: &str) -> impl IntoView + use<> {
    let links = tags().into_iter().map(|tag| view! { <a class="chip" href=format!("#{}", tag.to_lowercase())>{tag}</a> }.into_any());
    let sections = tags().into_iter().map(|tag| {
        let rows = OPERATIONS.iter().filter(|o| o.tag == tag).map(|o| operation(o, base).into_any()).collect_view();
        view! { <section class="card stack" id=tag.to_lowercase() aria-label=tag><h2>{tag}</h2>{rows}</section> }.into_any()
    });
    let base = base.to_owned();
    view! {
        <main class="page docs" id="main">
            <div class="page-head"><h1><a class="muted" href="/">"hypercare"</a><span class="muted">" / "</span>"API"</h1><a class="btn" href="/api/openapi.json">"OpenAPI document"</a></div>
            <p>"Every call goes to "<code>{base}</code>" with a key as "<code>"Authorization: Bearer …"</code>" or "<code>"x-api-key"</code>". Errors have a stable code and a sentence."</p>
            <nav class="chips" aria-label="Parts">{links.collect_view()}</nav>
            {sections.collect_view()}
        </main>
    }
}

fn operation(o: &'static Operation, base: &str) -> impl IntoView + use<> {
    let query = o.query.iter().map(|(name, words)| {
        let words = if words.is_empty() { "Only those with this value." } else { words };
        view! { <dt class="mono">{name.clone()}</dt><dd>{words.to_owned()}</dd> }.into_any()
    });
    let query = (!o.query.is_empty()).then(|| view! { <h3>"Behind the ?"</h3><dl class="facts">{query.collect_view()}</dl> });
    let example = |title: &'static str, text: &Option<String>| {
        let text = text.as_deref().map(|text| {
            serde_json::from_str::<serde_json::Value>(text)
                .ok()
                .and_then(|v| serde_json::to_string_pretty(&v).ok())
                .unwrap_or_else(|| text.to_owned())
        });
        text.map(|text| view! { <h3>{title}</h3><pre class="raw" tabindex="0">{text}</pre> })
    };
    let statuses = [o.status].iter().chain(&o.errors).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let note = (!o.note.is_empty()).then(|| view! { <p>{o.note.clone()}</p> });
    view! {
        <details class="more operation">
            <summary><span class="badge plain mono">{o.method.to_uppercase()}</span>" "<code>{o.path.clone()}</code><br/><span class="small muted">{o.summary.clone()}</span></summary>
            <div class="stack">{note}<p class="small muted">{format!("Needs {}. Answers: {statuses}.", o.needs.words())}</p>
                {query}{example("Body", &o.body)}{example("Answer", &o.answer)}
                <h3>"In a terminal"</h3><pre class="raw" tabindex="0">{o.curl(base)}</pre></div>
        </details>
    }
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/docs", get(docs))
}
