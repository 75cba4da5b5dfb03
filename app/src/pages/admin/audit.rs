//! Who changed what, when and why. Nobody can edit it.

use crate::pages::shell::Ctx;
use crate::parts::items::When;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use hypercare::identity::model::AuditEntry;
use hypercare::server::App;
use hypercare::types::{Page, PageRequest};
use leptos::prelude::*;

async fn audit(ctx: Ctx, Query(page): Query<PageRequest>) -> Response {
    match hypercare::identity::service::list_audit(&ctx.app, &ctx.actor(), &page).await {
        Ok(entries) => ctx.page("Audit", "/admin/audit", Box::new(move || view_of(entries).into_any())),
        Err(fault) => ctx.fault(&fault),
    }
}

fn view_of(page: Page<AuditEntry>) -> impl IntoView {
    let older = page.next_cursor.map(|c| view! { <a class="btn" href=format!("/admin/audit?cursor={c}")>"Older"</a> });
    let empty = page.items.is_empty().then(|| view! { <p class="empty">"Nothing was changed yet."</p> });
    let rows = page.items.into_iter().map(|e| {
        let side = |title: &'static str, value: Option<serde_json::Value>| {
            value.map(|v| view! { <p class="small"><b>{title}</b></p><pre class="raw" tabindex="0">{serde_json::to_string_pretty(&v).unwrap_or_default()}</pre> })
        };
        let detail = (e.before.is_some() || e.after.is_some())
            .then(|| view! { <details><summary class="small">"Before and after"</summary>{side("Before", e.before)}{side("After", e.after)}</details> });
        view! { <tr><td class="nowrap"><When at=e.at/></td><td>{e.actor}</td><td class="mono">{e.action}</td><td><b>{e.object}</b>{detail}</td><td>{e.reason}</td></tr> }.into_any()
    });
    view! {
        <div class="page-head"><h1>"Audit"</h1></div>
        <section class="card flush"><div class="scroll"><table><caption class="visually-hidden">"Changes, newest first"</caption>
            <thead><tr><th scope="col">"When"</th><th scope="col">"Who"</th><th scope="col">"What"</th><th scope="col">"To"</th><th scope="col">"Why"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{empty}</section>
        <nav class="row" aria-label="Pages">{older}</nav>
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new().route("/admin/audit", get(audit))
}
