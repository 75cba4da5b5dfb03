//! Providers and models, as they are.

use crate::pages::shell::Ctx;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use hypercare::catalog::model::Model;
use hypercare::gateway::{Health, TargetHealth};
use hypercare::identity::model::Permission;
use hypercare::providers::model::ProviderSummary;
use hypercare::server::App;
use hypercare::types::Fault;
use leptos::prelude::*;
use std::collections::BTreeMap;

async fn providers(ctx: Ctx) -> Response {
    match load(&ctx).await {
        Ok((providers, models)) => {
            let health = ctx.app.snapshot().health();
            ctx.page("Providers", "/admin/providers", Box::new(move || page(providers, models, &health).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

async fn load(ctx: &Ctx) -> Result<(Vec<ProviderSummary>, Vec<Model>), Fault> {
    let actor = ctx.actor();
    // Programs may read providers with a key of scope `read`; the page is the admins'.
    actor.require(Permission::WriteProviders)?;
    Ok((hypercare::providers::service::list(&ctx.app, &actor).await?, hypercare::catalog::service::list(&ctx.app, &actor).await?))
}

/// The targets of all routes, each with how it is doing.
fn targets(health: &BTreeMap<(String, String), TargetHealth>) -> impl IntoView + use<> {
    let none = health.is_empty().then(|| view! { <p class="empty">"No route calls a provider yet."</p> });
    let rows = health.iter().map(|((provider, model), health)| {
        let (class, words) = match health.breaker {
            _ if health.draining => ("badge watch", "drained: gets no new calls".to_owned()),
            Health::Closed => ("badge ok", "takes calls".to_owned()),
            Health::HalfOpen => ("badge watch", "one call tries whether it is back".to_owned()),
            Health::Open(wait) => ("badge bad", format!("failed too often, tried again in {} s", (wait / 1_000_000) + 1)),
        };
        view! { <tr><td>{provider.clone()}</td><td>{model.clone()}</td><td><span class=class>{words}</span></td></tr> }.into_any()
    });
    view! {
        <section class="card flush"><div class="scroll"><table><caption class="card-caption">"Health of what routes call, as this server sees it"</caption>
            <thead><tr><th scope="col">"Provider"</th><th scope="col">"Model"</th><th scope="col">"State"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{none}</section>
    }
}

fn page(providers: Vec<ProviderSummary>, models: Vec<Model>, health: &BTreeMap<(String, String), TargetHealth>) -> impl IntoView + use<> {
    let none = providers.is_empty().then(|| view! { <p class="empty">"No providers yet. Add one to a file and run hypercare apply."</p> });
    let rows = providers.into_iter().map(|p| {
        let keys = if p.key_hints.is_empty() { "none".to_owned() } else { p.key_hints.join(", ") };
        let sample = p.sample.then(|| view! { <span class="badge watch">"sample, answers are made up"</span> });
        view! { <tr><td><b>{p.name}</b>" "{sample}</td><td class="mono"><span class="clip">{p.base_url}</span></td><td class="mono">{keys}</td><td class="num">{p.timeouts.first_byte_ms / 1_000}" s"</td><td class="num">{p.max_in_flight}</td></tr> }.into_any()
    });
    let price = |n: Option<f64>| n.map_or("–".to_owned(), |n| format!("{n}"));
    let no_models = models.is_empty().then(|| view! { <p class="empty">"No prices yet: calls are logged with a cost of 0."</p> });
    let model_rows = models.into_iter().map(|m| {
        view! {
            <tr><td>{m.provider}</td><td>{m.name}</td><td class="num">{m.context_window.map_or("–".to_owned(), |n| crate::parts::format::grouped(i64::from(n)))}</td>
                <td class="num">{price(m.price.map(|p| p.input))}</td><td class="num">{price(m.price.and_then(|p| p.cached_input))}</td><td class="num">{price(m.price.map(|p| p.output))}</td></tr>
        }
        .into_any()
    });
    view! {
        <div class="page-head"><h1>"Providers"</h1><span class="small muted">"changed with "<code>"hypercare apply"</code></span></div>
        <section class="card flush"><div class="scroll"><table><caption class="visually-hidden">"Providers"</caption>
            <thead><tr><th scope="col">"Name"</th><th scope="col">"Address"</th><th scope="col">"Keys"</th><th scope="col" class="num">"First byte within"</th><th scope="col" class="num">"In flight at most"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{none}</section>
        {targets(health)}
        <section class="card flush"><div class="scroll"><table><caption class="card-caption">"Models and prices, USD per million tokens"</caption>
            <thead><tr><th scope="col">"Provider"</th><th scope="col">"Model"</th><th scope="col" class="num">"Context, tokens"</th><th scope="col" class="num">"Input"</th><th scope="col" class="num">"Cached input"</th><th scope="col" class="num">"Output"</th></tr></thead>
            <tbody>{model_rows.collect_view()}</tbody></table></div>{no_models}</section>
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new().route("/admin/providers", get(providers))
}
