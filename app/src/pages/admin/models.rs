//! Models: what they can and cost, known without being told or set by an admin.

use crate::pages::asked::{Form, Query};
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::format;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::catalog::builtin;
use hypercare::catalog::model::{Model, Price};
use hypercare::catalog::service::{self, Listed, ModelFilter};
use hypercare::identity::model::Permission;
use hypercare::providers::model::ProviderSummary;
use hypercare::server::App;
use hypercare::types::{Fault, Page, PageRequest};
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is typed into the form of a price.
#[derive(Clone, Debug, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    provider: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    input: String,
    #[serde(default)]
    output: String,
    #[serde(default)]
    cached_input: String,
    #[serde(default)]
    cache_write: String,
    #[serde(default)]
    cache_write_1h: String,
    #[serde(default)]
    audio_input: String,
    #[serde(default)]
    audio_output: String,
    #[serde(default)]
    context_window: String,
    #[serde(default)]
    max_output_tokens: String,
}

/// What the address asks for.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    search: Option<String>,
    #[serde(default)]
    vendor: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
    /// The model whose price is to be set: its provider and name.
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    model: Option<String>,
}

struct Shown {
    filter: ModelFilter,
    models: Page<Listed>,
    providers: Vec<ProviderSummary>,
    typed: Typed,
    fault: Option<Fault>,
    may_write: bool,
    from: usize,
    /// ISO 8601, UTC.
    today: String,
}

async fn models(ctx: Ctx, Query(asked): Query<Asked>) -> Response {
    show(&ctx, asked, Typed::default(), None).await
}

async fn show(ctx: &Ctx, asked: Asked, typed: Typed, fault: Option<Fault>) -> Response {
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match load(ctx, asked, typed, fault).await {
        Ok(shown) => ctx.page_with(status, "Models", "/admin/models", Box::new(move || page(shown).into_any())),
        Err(fault) => ctx.fault(&fault),
    }
}

async fn load(ctx: &Ctx, asked: Asked, typed: Typed, fault: Option<Fault>) -> Result<Shown, Fault> {
    let actor = ctx.actor();
    let filter = ModelFilter { search: asked.search, vendor: asked.vendor };
    let from = asked.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let models = service::search(&ctx.app, &actor, &filter, &PageRequest { limit: Some(100), cursor: asked.cursor }).await?;
    let providers = hypercare::providers::service::list(&ctx.app, &actor).await?;
    let typed = match (asked.provider, asked.model) {
        (Some(provider), Some(name)) if fault.is_none() => {
            let now = service::get(&ctx.app, &actor, &provider, &name).await?;
            prefilled(now.as_ref(), provider, name)
        }
        _ => typed,
    };
    Ok(Shown {
        filter,
        models,
        providers,
        typed,
        fault,
        may_write: actor.require(Permission::WriteProviders).is_ok(),
        from,
        today: ctx.app.now().rfc3339().chars().take(10).collect(),
    })
}

/// The form with what holds now.
fn prefilled(now: Option<&Listed>, provider: String, name: String) -> Typed {
    let known = now.and_then(|m| m.price.clone());
    let priced = known.is_some();
    let price = known.unwrap_or_default();
    let number = |n: Option<f64>| n.map(|n| n.to_string()).unwrap_or_default();
    let whole = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    Typed {
        input: number(priced.then_some(price.input)),
        output: number(priced.then_some(price.output)),
        cached_input: number(price.cached_input),
        cache_write: number(price.cache_write),
        cache_write_1h: number(price.cache_write_1h),
        audio_input: number(price.audio_input),
        audio_output: number(price.audio_output),
        context_window: whole(now.and_then(|m| m.context_window)),
        max_output_tokens: whole(now.and_then(|m| m.max_output_tokens)),
        provider,
        name,
    }
}

fn page(shown: Shown) -> impl IntoView {
    let source = builtin::source();
    let known = format!(
        "{} models known without being told, from {} {} of {}",
        builtin::all().len(),
        "LiteLLM's public list",
        source.version,
        source.date
    );
    let Shown { filter, models, providers, typed, fault, may_write, from, today } = shown;
    let next = models.next_cursor.clone().map(|cursor| query(&filter, Some(&cursor)));
    let none = models.items.is_empty().then(|| view! { <p class="empty">"No model of that name. Try a shorter one, or all vendors."</p> });
    let first = (from > 0).then(|| view! { <a class="btn quiet" href=query(&filter, None)>"Back to the first"</a> });
    let next = next.map(|href| view! { <a class="btn" rel="next" href=href>"More models"</a> });
    let back = query(&filter, None);
    let rows = models.items.into_iter().map(|model| row(model, may_write, &back, &today).into_any()).collect_view();
    let form = may_write.then(|| form(&providers, typed, fault.as_ref()));
    view! {
        <div class="page-head"><h1>"Models"</h1><span class="small muted">{known}</span></div>
        {search(&filter)}
        {form}
            <section class="card flush"><div class="scroll"><table><caption class="card-caption">"Prices in USD per million tokens"</caption>
                <thead><tr><th scope="col">"Model"</th><th scope="col">"Of"</th><th scope="col" class="num">"Reads"</th><th scope="col" class="num">"Writes"</th><th scope="col" class="num">"Input"</th><th scope="col" class="num">"Cached"</th><th scope="col" class="num">"Output"</th><th scope="col"><span class="visually-hidden">"Change"</span></th></tr></thead>
                <tbody>{rows}</tbody></table></div>{none}</section>
        <nav class="row" aria-label="Pages">{first}{next}</nav>
    }
}

fn query(filter: &ModelFilter, cursor: Option<&str>) -> String {
    let pairs = [("search", filter.search.as_deref()), ("vendor", filter.vendor.as_deref()), ("cursor", cursor)];
    let pairs: Vec<String> = pairs
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encode(value.filter(|value| !value.is_empty())?))))
        .collect();
    if pairs.is_empty() { "/admin/models".to_owned() } else { format!("/admin/models?{}", pairs.join("&")) }
}

fn search(filter: &ModelFilter) -> impl IntoView + use<> {
    let chosen = filter.vendor.clone().unwrap_or_default();
    let mut vendors: Vec<&str> = builtin::all().iter().map(|known| known.vendor.as_str()).collect();
    vendors.dedup();
    let options =
        vendors.into_iter().map(|vendor| view! { <option value=vendor selected=vendor == chosen>{vendor}</option> }).collect_view();
    view! {
        <form method="get" action="/admin/models" class="filters" role="search">
            <label>"Part of a name"<input class="input" type="search" name="search" value=filter.search.clone().unwrap_or_default()/></label>
            <label>"Vendor"<select class="input" name="vendor"><option value="">"All"</option>{options}</select></label>
            <button class="btn">"Search"</button>
        </form>
    }
}

fn row(model: Listed, may_write: bool, back: &str, today: &str) -> impl IntoView + use<> {
    let tokens = |n: Option<u32>| n.map_or("–".to_owned(), |n| format::count(i64::from(n)));
    let price = |n: Option<f64>| n.map_or("–".to_owned(), |n| n.to_string());
    let whose = match (&model.provider, model.vendor) {
        (Some(provider), Some(vendor)) if provider != vendor => format!("{provider} ({vendor})"),
        (Some(provider), _) => provider.clone(),
        (None, vendor) => vendor.unwrap_or("–").to_owned(),
    };
    let own = model.own.then(|| view! { <span class="badge">"yours"</span> });
    let goes = model.deprecated.map(|date| {
        let (class, words) = if date < today { ("badge bad", "gone since") } else { ("badge watch", "goes") };
        view! { <span class=class>{format!("{words} {date}")}</span> }
    });
    let can = model.abilities.split_whitespace().map(|word| word.replace('_', " ")).collect::<Vec<_>>().join(", ");
    let further = model.price.as_ref().map(further).filter(|lines| !lines.is_empty());
    let further = further.map(|lines| view! { <div class="small muted">{lines.join(" · ")}</div> });
    let change = model.provider.clone().filter(|_| may_write).map(|provider| {
        let joint = if back.contains('?') { '&' } else { '?' };
        let href = format!("{back}{joint}provider={}&model={}#model-form", encode(&provider), encode(&model.name));
        let label = format!("Change {}", model.name);
        let undo = model.own.then(|| {
            view! {
                <form method="post" action="/admin/models/remove"><input type="hidden" name="provider" value=provider.clone()/><input type="hidden" name="name" value=model.name.clone()/>
                    <button class="btn quiet" title="What is known without being told holds again">"Remove yours"</button></form>
            }
        });
        view! { <a class="btn quiet" href=href aria-label=label>"Change"</a>{undo} }
    });
    view! {
        <tr><td><b class="mono small">{model.name}</b>" "{own}{goes}<div class="small muted">{can}</div>{further}</td><td>{whose}</td><td class="num">{tokens(model.context_window)}</td><td class="num">{tokens(model.max_output_tokens)}</td>
            <td class="num">{price(model.price.as_ref().map(|p| p.input))}</td><td class="num">{price(model.price.as_ref().and_then(|p| p.cached_input))}</td><td class="num">{price(model.price.as_ref().map(|p| p.output))}</td><td><div class="row actions">{change}</div></td></tr>
    }
}

/// What a call costs at times, beside the usual prices.
fn further(price: &Price) -> Vec<String> {
    let kinds = [
        (price.cache_write, "written to the cache"),
        (price.cache_write_1h, "written for an hour"),
        (price.audio_input, "sound in the input"),
        (price.audio_output, "sound in the output"),
    ];
    let kinds = kinds.into_iter().filter_map(|(usd, what)| Some(format!("{what} {}", usd?)));
    let long = price.long.as_ref().map(|long| {
        let above = format::count(i64::try_from(long.above.unwrap_or_default()).unwrap_or(i64::MAX));
        format!("above {above} input tokens {} in, {} out", long.input, long.output)
    });
    let tiers = price.tiers.iter().map(|(tier, price)| format!("{} {} in, {} out", tier.name(), price.input, price.output));
    kinds.chain(long).chain(tiers).collect()
}

fn form(providers: &[ProviderSummary], typed: Typed, fault: Option<&Fault>) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let whole = fault.filter(|_| fields.is_empty()).map(ToString::to_string);
    let error = |name: &str| fields.get(name).cloned();
    let open = fault.is_some() || !typed.name.is_empty();
    let options = providers
        .iter()
        .map(|p| view! { <option value=p.name.clone() selected=p.name == typed.provider>{p.name.clone()}</option> })
        .collect_view();
    view! {
        <details class="card more" id="model-form" open=open><summary><h2>"Say what a model costs"</h2></summary>
            <form method="post" action="/admin/models" class="stack fields">
                <FormError message=whole/>
                <Field label="Provider" id="m-provider" error=error("provider")><select class="input" id="m-provider" name="provider" required>{options}</select></Field>
                <Field label="Model" id="m-name" error=error("name") help="The provider's name for it"><input class="input mono" id="m-name" name="name" required maxlength="200" value=typed.name/></Field>
                <Field label="Input" id="m-input" error=error("input") help="USD per million tokens; empty leaves the price as it is known; long inputs and other kinds of service keep theirs"><input class="input" id="m-input" name="input" inputmode="decimal" value=typed.input/></Field>
                <Field label="Output" id="m-output" error=error("output")><input class="input" id="m-output" name="output" inputmode="decimal" value=typed.output/></Field>
                <Field label="Input read from the cache" id="m-cached" error=error("cached_input")><input class="input" id="m-cached" name="cached_input" inputmode="decimal" value=typed.cached_input/></Field>
                <Field label="Input written to the cache" id="m-write" error=error("cache_write")><input class="input" id="m-write" name="cache_write" inputmode="decimal" value=typed.cache_write/></Field>
                <Field label="Input written to the cache for an hour" id="m-hour" error=error("cache_write_1h")><input class="input" id="m-hour" name="cache_write_1h" inputmode="decimal" value=typed.cache_write_1h/></Field>
                <Field label="Sound in the input" id="m-heard" error=error("audio_input")><input class="input" id="m-heard" name="audio_input" inputmode="decimal" value=typed.audio_input/></Field>
                <Field label="Sound in the output" id="m-said" error=error("audio_output")><input class="input" id="m-said" name="audio_output" inputmode="decimal" value=typed.audio_output/></Field>
                <Field label="Tokens it can read" id="m-context" error=error("context_window")><input class="input" id="m-context" name="context_window" inputmode="numeric" value=typed.context_window/></Field>
                <Field label="Tokens it can write" id="m-max" error=error("max_output_tokens")><input class="input" id="m-max" name="max_output_tokens" inputmode="numeric" value=typed.max_output_tokens/></Field>
                <div class="wide"><button class="btn primary">"Save"</button></div>
            </form>
        </details>
    }
}

/// The form as a model; every field that does not hold by name.
fn read(typed: &Typed) -> Result<Model, Fault> {
    let mut wrong = BTreeMap::new();
    let mut number = |field: &str, text: &str| -> Option<f64> {
        let text = text.trim().replace(',', ".");
        if text.is_empty() {
            return None;
        }
        let read = text.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        if read.is_none() {
            wrong.insert(field.to_owned(), "Please write a number of 0 or more, like 0.15.".to_owned());
        }
        read
    };
    let (input, output) = (number("input", &typed.input), number("output", &typed.output));
    let (cached_input, cache_write) = (number("cached_input", &typed.cached_input), number("cache_write", &typed.cache_write));
    let cache_write_1h = number("cache_write_1h", &typed.cache_write_1h);
    let (audio_input, audio_output) = (number("audio_input", &typed.audio_input), number("audio_output", &typed.audio_output));
    let mut whole = |field: &str, text: &str| -> Option<u32> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
        if text.is_empty() {
            return None;
        }
        let read = text.parse::<u32>().ok().filter(|n| *n > 0);
        if read.is_none() {
            wrong.insert(field.to_owned(), "Please write a whole number of 1 or more.".to_owned());
        }
        read
    };
    let context_window = whole("context_window", &typed.context_window);
    let max_output_tokens = whole("max_output_tokens", &typed.max_output_tokens);
    if input.is_some() != output.is_some() && wrong.is_empty() {
        let missing = if input.is_none() { "input" } else { "output" };
        wrong.insert(missing.to_owned(), "A price needs both input and output.".to_owned());
    }
    Fault::check(wrong)?;
    let price = input.zip(output).map(|(input, output)| Price {
        input,
        output,
        cached_input,
        cache_write,
        cache_write_1h,
        audio_input,
        audio_output,
        ..Price::default()
    });
    Ok(Model { provider: typed.provider.clone(), name: typed.name.trim().to_owned(), context_window, max_output_tokens, price })
}

async fn set(ctx: Ctx, Form(typed): Form<Typed>) -> Response {
    let result = match read(&typed) {
        Ok(model) => service::set(&ctx.app, &ctx.actor(), &model).await,
        Err(fault) => ctx.actor().require(Permission::WriteProviders).and(Err(fault)),
    };
    match result {
        Ok(()) => redirect(&format!("/admin/models?search={}", encode(&typed.name)), "Saved. It holds for calls from now on."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, Asked::default(), typed, Some(fault)).await,
    }
}

#[derive(Deserialize)]
struct Removed {
    provider: String,
    name: String,
}

async fn unset(ctx: Ctx, Form(removed): Form<Removed>) -> Response {
    match service::unset(&ctx.app, &ctx.actor(), &removed.provider, &removed.name).await {
        Ok(()) => redirect("/admin/models", "What is known without being told holds again."),
        Err(fault) => ctx.fault(&fault),
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new().route("/admin/models", get(models).post(set)).route("/admin/models/remove", post(unset))
}
