//! Providers: which there are, how they are doing, a test call, and a switch that keeps calls away.

use crate::pages::asked::Form;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::format;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::gateway::{Health, Probe, TargetHealth};
use hypercare::identity::model::Permission;
use hypercare::providers::model::{ProviderSummary, Timeouts};
use hypercare::providers::presets::{self, Preset};
use hypercare::providers::service::{self, NewProvider};
use hypercare::server::App;
use hypercare::types::Fault;
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is typed into the form of a new provider.
#[derive(Clone, Debug, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    preset: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    base_url: String,
    #[serde(default)]
    key: String,
}

/// What the page shows besides the providers.
#[derive(Default)]
struct Shown {
    typed: Typed,
    fault: Option<Fault>,
    /// A test call: of which provider's which model, and how it went.
    tested: Option<(String, String, Probe)>,
}

type Healths = BTreeMap<(String, String), TargetHealth>;

async fn providers(ctx: Ctx) -> Response {
    show(&ctx, Shown::default()).await
}

async fn show(ctx: &Ctx, shown: Shown) -> Response {
    let status = shown.fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match load(ctx).await {
        Ok(providers) => {
            let health = ctx.app.snapshot().health();
            ctx.page_with(status, "Providers", "/admin/providers", Box::new(move || page(providers, &health, shown).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

async fn load(ctx: &Ctx) -> Result<Vec<ProviderSummary>, Fault> {
    let actor = ctx.actor();
    // Programs may read providers with a key of scope `read`; the page is the admins'.
    actor.require(Permission::WriteProviders)?;
    service::list(&ctx.app, &actor).await
}

/// The targets of all routes, each with how it is doing.
fn targets(health: &Healths) -> impl IntoView + use<> {
    let none = health.is_empty().then(|| view! { <p class="empty">"No route calls a provider yet."</p> });
    let rows = health.iter().map(|((provider, model), health)| {
        let (class, words) = match health.breaker {
            _ if health.draining => ("badge watch", "drained: gets no new calls".to_owned()),
            Health::Closed => ("badge ok", "takes calls".to_owned()),
            Health::HalfOpen => ("badge watch", "one call tries whether it is back".to_owned()),
            Health::Open(wait) => ("badge bad", format!("failed too often, tried again in {} s", (wait / 1_000_000) + 1)),
        };
        let answers = health.latency_us.map_or("–".to_owned(), |us| {
            let (number, unit) = format::duration_parts(us);
            format!("{number} {unit}")
        });
        view! { <tr><td>{provider.clone()}</td><td class="mono small">{model.clone()}</td><td><span class=class>{words}</span></td><td class="num">{answers}</td><td class="num">{health.waiting}</td></tr> }.into_any()
    });
    view! {
        <section class="card flush"><div class="scroll"><table><caption class="card-caption">"Health of what routes call, as this server sees it"</caption>
            <thead><tr><th scope="col">"Provider"</th><th scope="col">"Model"</th><th scope="col">"State"</th><th scope="col" class="num">"Answers begin after"</th><th scope="col" class="num">"Waiting"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{none}</section>
    }
}

fn page(providers: Vec<ProviderSummary>, health: &Healths, shown: Shown) -> impl IntoView + use<> {
    let none =
        providers.is_empty().then(|| view! { <p class="empty">"No providers yet. Add one below, or with a file and hypercare apply."</p> });
    let rows = providers.into_iter().map(|provider| row(provider, health).into_any()).collect_view();
    view! {
        <div class="page-head"><h1>"Providers"</h1><span class="small muted">"also changed with "<code>"hypercare apply"</code></span></div>
        {shown.tested.map(|(provider, model, probe)| result(&provider, &model, probe))}
        <section class="card flush"><div class="scroll"><table><caption class="visually-hidden">"Providers"</caption>
            <thead><tr><th scope="col">"Name"</th><th scope="col">"Address"</th><th scope="col">"Keys"</th><th scope="col" class="num">"First byte within"</th><th scope="col" class="num">"In flight at most"</th><th scope="col"><span class="visually-hidden">"Test and drain"</span></th></tr></thead>
            <tbody>{rows}</tbody></table></div>{none}</section>
        {targets(health)}
        {form(shown.typed, shown.fault.as_ref())}
    }
}

fn result(provider: &str, model: &str, probe: Probe) -> impl IntoView + use<> {
    let (class, head) = if probe.ok {
        ("card made", format!("{provider} answered after {} ms", probe.duration_ms))
    } else {
        ("card failed", format!("{provider} did not answer as it should"))
    };
    let status = probe.status.map(|status| format!("Status {status}. "));
    view! {
        <section class=class role="status"><h2>{head}</h2>
            <p>{status}{format!("{model}: ")}<span class="said">{probe.message}</span></p></section>
    }
}

fn row(p: ProviderSummary, health: &Healths) -> impl IntoView + use<> {
    let keys = if p.key_hints.is_empty() { "none".to_owned() } else { p.key_hints.join(", ") };
    let sample = p.sample.then(|| view! { <span class="badge watch">"sample, answers are made up"</span> });
    let drained = p.draining.then(|| view! { <span class="badge watch">"drained"</span> });
    let (switch, words, consequence) = if p.draining {
        ("Let calls in", format!("Let calls to {} in again", p.name), "It gets calls again at once.")
    } else {
        (
            "Drain",
            format!("Drain {}", p.name),
            "It gets no new calls at once; those under way are finished. Routes go on to their stand-ins.",
        )
    };
    let models: Vec<&String> = health.keys().filter(|(provider, _)| *provider == p.name).map(|(_, model)| model).collect();
    let first = models.first().map(|model| (*model).clone()).unwrap_or_default();
    let list = format!("models-of-{}", p.id);
    let known = models.into_iter().map(|model| view! { <option value=model.clone()></option> }).collect_view();
    let (test, drain) = (format!("/admin/providers/{}/test", encode(&p.name)), format!("/admin/providers/{}/draining", encode(&p.name)));
    view! {
        <tr><td><b>{p.name.clone()}</b>" "{sample}{drained}</td><td class="mono"><span class="clip">{p.base_url}</span></td><td class="mono">{keys}</td><td class="num">{p.timeouts.first_byte_ms / 1_000}" s"</td><td class="num">{p.max_in_flight}</td>
            <td><div class="row actions">
                <details class="confirm"><summary class="btn quiet">"Test"</summary>
                    <form method="post" action=test><label class="small">"Model"<input class="input mono" name="model" list=list.clone() required maxlength="200" value=first/></label><datalist id=list>{known}</datalist>
                        <p class="small">"Makes one small call; the provider may bill it."</p><button class="btn primary">{format!("Test {}", p.name)}</button></form></details>
                <details class="confirm"><summary class="btn quiet">{switch}</summary>
                    <form method="post" action=drain><input type="hidden" name="draining" value=(!p.draining).to_string()/><p class="small">{consequence}</p>
                        <label class="small">"Reason"<input class="input" name="reason" maxlength="1000"/></label><button class="btn danger">{words}</button></form></details>
            </div></td></tr>
    }
}

fn form(typed: Typed, fault: Option<&Fault>) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let whole = fault.filter(|_| fields.is_empty()).map(ToString::to_string);
    let error = |names: &[&str]| names.iter().find_map(|name| fields.get(*name).cloned());
    let options = presets::ALL
        .iter()
        .map(|preset| view! { <option value=preset.name selected=preset.name == typed.preset>{preset.title}</option> })
        .collect_view();
    view! {
        <section class="card" id="new-provider"><header><h2>"Add a provider"</h2></header>
            <form method="post" action="/admin/providers" class="stack fields">
                <FormError message=whole/>
                <Field label="Vendor" id="p-preset" error=error(&["preset", "kind"]) help="Says the dialect, the address and the prices"><select class="input" id="p-preset" name="preset">{options}</select></Field>
                <Field label="Name" id="p-name" error=error(&["name"]) help="What routes call it; empty takes the vendor's"><input class="input" id="p-name" name="name" maxlength="100" value=typed.name/></Field>
                <Field label="Key" id="p-key" error=error(&["api_keys"]) help="Stored encrypted and never shown again; empty for a model of your own"><input class="input mono" id="p-key" name="key" type="password" autocomplete="off"/></Field>
                <Field label="Address" id="p-url" error=error(&["base_url"]) help="Empty takes the vendor's; Azure and Bedrock need yours"><input class="input mono" id="p-url" name="base_url" value=typed.base_url/></Field>
                <div class="wide"><button class="btn primary">"Add the provider"</button></div>
            </form>
        </section>
    }
}

async fn add(ctx: Ctx, Form(typed): Form<Typed>) -> Response {
    let name = if typed.name.trim().is_empty() { typed.preset.clone() } else { typed.name.trim().to_owned() };
    let key = typed.key.trim();
    let new = NewProvider {
        name: name.clone(),
        preset: Some(typed.preset.clone()).filter(|preset| !preset.is_empty()),
        kind: None,
        base_url: typed.base_url.trim().to_owned(),
        api_keys: Some(if key.is_empty() { Vec::new() } else { vec![key.to_owned()] }),
        timeouts: Timeouts::default(),
        max_in_flight: 500,
        sample: false,
        draining: None,
        responses_api: None,
    };
    match service::add(&ctx.app, &ctx.actor(), &new).await {
        Ok(()) => {
            let hint = Preset::named(&typed.preset).filter(|preset| !preset.key_env.is_empty() && key.is_empty());
            let words = if hint.is_some() { "has no key yet." } else { "can be called now. Test it, then put it into a route." };
            redirect("/admin/providers", &format!("{name} {words}"))
        }
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, Shown { typed, fault: Some(fault), ..Shown::default() }).await,
    }
}

#[derive(Deserialize)]
struct Drain {
    draining: bool,
    #[serde(default)]
    reason: String,
}

async fn drain(ctx: Ctx, Path(name): Path<String>, Form(drain): Form<Drain>) -> Response {
    match service::set_draining(&ctx.app, &ctx.actor(), &name, drain.draining, &drain.reason).await {
        Ok(_) if drain.draining => redirect("/admin/providers", &format!("{name} gets no new calls.")),
        Ok(_) => redirect("/admin/providers", &format!("{name} gets calls again.")),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Test {
    model: String,
}

async fn test(ctx: Ctx, Path(name): Path<String>, Form(test): Form<Test>) -> Response {
    match service::test(&ctx.app, &ctx.actor(), &name, &test.model).await {
        Ok(probe) => show(&ctx, Shown { tested: Some((name, test.model, probe)), ..Shown::default() }).await,
        Err(fault) => ctx.fault(&fault),
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/admin/providers", get(providers).post(add))
        .route("/admin/providers/{name}/draining", post(drain))
        .route("/admin/providers/{name}/test", post(test))
}
