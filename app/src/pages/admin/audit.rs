//! Who changed what, when and why. Nobody can edit it.

use crate::pages::asked::Query;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, FormError, log_and_status};
use crate::parts::items::When;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use hypercare::identity::audit;
use hypercare::identity::model::{ACTIONS, AuditEntry, AuditFilter, FieldChange, action_words};
use hypercare::server::App;
use hypercare::types::{Fault, Page, PageRequest};
use leptos::prelude::*;
use serde_json::Value;

/// Fields of a change shown at once; the others are behind the raw entry.
const SHOWN: usize = 8;
/// Longest value shown of a field.
const MAX_VALUE: usize = 160;

async fn list(ctx: Ctx, Query(filter): Query<AuditFilter>, Query(page): Query<PageRequest>) -> Response {
    let paged = page.cursor.is_some();
    match audit::list(&ctx.app, &ctx.actor(), &filter, &page).await {
        Ok(entries) => ctx.page("Audit", "/admin/audit", Box::new(move || view_of(entries, &filter, paged, None).into_any())),
        Err(fault @ Fault::Invalid(_)) => {
            let (status, none) = (log_and_status(&fault), Page { items: Vec::new(), next_cursor: None });
            ctx.page_with(status, "Audit", "/admin/audit", Box::new(move || view_of(none, &filter, paged, Some(fault)).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

/// The filter as part of an address.
fn query(filter: &AuditFilter) -> String {
    let pairs = [
        ("actor", &filter.actor),
        ("action", &filter.action),
        ("object", &filter.object),
        ("since", &filter.since),
        ("until", &filter.until),
    ];
    let set =
        pairs.into_iter().filter_map(|(name, value)| value.as_deref().filter(|v| !v.is_empty()).map(|v| format!("{name}={}", encode(v))));
    set.collect::<Vec<_>>().join("&")
}

fn view_of(page: Page<AuditEntry>, filter: &AuditFilter, paged: bool, fault: Option<Fault>) -> impl IntoView + use<> {
    let current = query(filter);
    let older = page.next_cursor.map(|c| view! { <a class="btn" href=format!("/admin/audit?{current}&cursor={c}")>"Older"</a> });
    let newest = paged.then(|| view! { <a class="btn quiet" href=format!("/admin/audit?{current}")>"Newest"</a> });
    let words = if current.is_empty() { "Nothing was changed yet." } else { "No change passes this filter." };
    let empty = (page.items.is_empty() && fault.is_none()).then(|| view! { <p class="empty">{words}</p> });
    let message = fault.map(|fault| fault.fields().into_iter().map(|(field, why)| format!("{field} {why}.")).collect::<Vec<_>>().join(" "));
    let rows = page.items.into_iter().map(|e| row(e).into_any());
    let export = |format: &str, words: &'static str| {
        view! { <a class="btn" href=format!("/api/v1/audit/export?format={format}&{current}") download="">{words}</a> }
    };
    view! {
        <div class="page-head"><h1>"Audit"</h1><span class="row">{export("csv", "Export CSV")}{export("ndjson", "Export JSON lines")}</span></div>
        {filters(filter)}
        <FormError message=message/>
        <section class="card flush"><div class="scroll"><table><caption class="visually-hidden">"Changes, newest first"</caption>
            <thead><tr><th scope="col">"When"</th><th scope="col">"Who"</th><th scope="col">"What"</th><th scope="col">"To"</th><th scope="col">"Why"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{empty}</section>
        <nav class="row" aria-label="Pages">{newest}{older}</nav>
    }
}

fn filters(filter: &AuditFilter) -> impl IntoView + use<> {
    let value = |v: &Option<String>| v.clone().unwrap_or_default();
    let chosen = value(&filter.action);
    let rooms = [
        ("routing.", "everything about routes"),
        ("prompts.", "everything about prompts"),
        ("providers.", "everything about providers"),
        ("identity.", "everything about people and keys"),
    ];
    let options = rooms
        .into_iter()
        .chain(ACTIONS)
        .map(|(name, words)| view! { <option value=name selected=chosen == name>{words}</option> }.into_any());
    let options = options.collect_view();
    let reset = (!query(filter).is_empty()).then(|| view! { <a class="btn quiet" href="/admin/audit">"Show all"</a> });
    view! {
        <form class="filters" action="/admin/audit" aria-label="Filters">
            <label>"Who"<input class="input" name="actor" value=value(&filter.actor) placeholder="ann@example.org"/></label>
            <label>"What"<select class="input" name="action"><option value="">"Anything"</option>{options}</select></label>
            <label>"To"<input class="input" name="object" value=value(&filter.object)/></label>
            <label>"Since (UTC)"<input class="input" name="since" value=value(&filter.since) placeholder="24h or 2026-11-24 08:30"/></label>
            <label>"Until (UTC)"<input class="input" name="until" value=value(&filter.until)/></label>
            <button class="btn">"Filter"</button>{reset}
        </form>
    }
}

fn row(e: AuditEntry) -> impl IntoView {
    let mut changes = e.changes();
    let more = changes.len().saturating_sub(SHOWN);
    changes.truncate(SHOWN);
    let words = action_words(&e.action).to_owned();
    let side = |title: &'static str, value: Option<Value>| {
        value.map(|v| view! { <p class="small"><b>{title}</b></p><pre class="raw" tabindex="0">{serde_json::to_string_pretty(&v).unwrap_or_default()}</pre> })
    };
    let detail = (e.before.is_some() || e.after.is_some()).then(|| {
        let more = (more > 0).then(|| view! { <li class="muted">{format!("and {more} more fields")}</li> });
        let lines = changes.into_iter().map(|change| field(change).into_any()).collect_view();
        view! {
            <details><summary class="small">"What changed"</summary><ul class="plain-list small">{lines}{more}</ul>
                <details><summary class="small muted">"As it is stored"</summary>{side("Before", e.before)}{side("After", e.after)}</details></details>
        }
    });
    view! { <tr><td class="nowrap"><When at=e.at/></td><td>{e.actor}</td><td>{words}<br/><span class="small muted mono">{e.action}</span></td><td><b>{e.object}</b>{detail}</td><td>{e.reason}</td></tr> }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() > MAX_VALUE { text.chars().take(MAX_VALUE).chain(['…']).collect() } else { text }
}

fn field(change: FieldChange) -> impl IntoView {
    let before = change.before.map(|v| view! { <del>{shown(&v)}</del>" " });
    let after = change.after.map(|v| view! { <ins>{shown(&v)}</ins> });
    view! { <li><span class="mono">{change.path}</span>": "{before}{after}</li> }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new().route("/admin/audit", get(list))
}
