//! The request list and the page of one request.

use super::prompts::save_form;
use super::shell::Ctx;
use crate::pages::asked::Query;
use crate::parts::format;
use crate::parts::items::{Ago, FeedbackIcon, OutcomeBadge, When, series_colour};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use hypercare::feedback::model::Feedback;
use hypercare::identity::model::Permission;
use hypercare::server::App;
use hypercare::telemetry::model::{RequestDetail, RequestFilter, RequestSummary};
use hypercare::types::{Id, Instant, Page, PageRequest};
use leptos::prelude::*;
use serde_json::Value;

/// A text as part of an address.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b"-._~".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn query(filter: &RequestFilter) -> String {
    let pairs = [
        ("route", &filter.route),
        ("variant", &filter.variant),
        ("status", &filter.status),
        ("user", &filter.user),
        ("session", &filter.session),
        ("prompt", &filter.prompt),
        ("id", &filter.id),
    ];
    let set =
        pairs.into_iter().filter_map(|(name, value)| value.as_deref().filter(|v| !v.is_empty()).map(|v| format!("{name}={}", encode(v))));
    set.collect::<Vec<_>>().join("&")
}

async fn list(ctx: Ctx, Query(filter): Query<RequestFilter>, Query(page): Query<PageRequest>) -> Response {
    match hypercare::telemetry::service::list_requests(&ctx.app, &ctx.actor(), &filter, &page).await {
        Ok(found) => {
            let (now, app, paged) = (ctx.app.now(), ctx.app.clone(), page.cursor.is_some());
            ctx.page("Requests", "/requests", Box::new(move || list_view(found, filter, paged, now, &app).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn list_view(found: Page<RequestSummary>, filter: RequestFilter, paged: bool, now: Instant, app: &App) -> impl IntoView + use<> {
    let current = query(&filter);
    let older = found.next_cursor.clone().map(|cursor| {
        let join = if current.is_empty() { "" } else { "&" };
        view! { <a class="btn" href=format!("/requests?{current}{join}cursor={cursor}")>"Older"</a> }
    });
    let newest = paged.then(|| view! { <a class="btn quiet" href=format!("/requests?{current}")>"Newest"</a> });
    let empty = found.items.is_empty().then(|| {
        view! { <p class="empty">"No request matches. Calls appear here within a second of their end; take a filter away, or connect an app."</p> }
    });
    let rows = found.items.into_iter().map(|r| {
        let colour = r.route.as_ref().zip(r.variant.as_ref()).map(|(route, variant)| app.snapshot().variant_place(route, variant));
        row(r, colour, now).into_any()
    });
    view! {
        <div class="page-head"><h1>"Requests"</h1></div>
        {filters(&filter)}
        <section class="card flush">
            <div class="scroll"><table class="requests">
                <caption class="visually-hidden">"Requests, newest first"</caption>
                <thead><tr>
                    <th scope="col">"When"</th><th scope="col">"Asked"</th><th scope="col">"Variant"</th><th scope="col">"Result"</th>
                    <th scope="col" class="num">"Latency"</th><th scope="col" class="num">"First token"</th><th scope="col" class="num">"Tokens in / out"</th>
                    <th scope="col" class="num">"Cost, USD"</th><th scope="col">"User"</th>
                </tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table></div>
            {empty}
        </section>
        <nav class="row" aria-label="Pages">{newest}{older}</nav>
    }
}

fn filters(filter: &RequestFilter) -> impl IntoView + use<> {
    let value = |v: &Option<String>| v.clone().unwrap_or_default();
    let status = value(&filter.status);
    let option = |word: &'static str, label: &'static str| view! { <option value=word selected=status == word>{label}</option> };
    let reset = (!query(filter).is_empty()).then(|| view! { <a class="btn quiet" href="/requests">"Show all"</a> });
    view! {
        <form class="filters" action="/requests" aria-label="Filters">
            <label>"Result"<select class="input" name="status">{option("", "All")}{option("ok", "Ok")}{option("error", "Failed or hung up")}</select></label>
            <label>"Route"<input class="input" name="route" value=value(&filter.route)/></label>
            <label>"Variant"<input class="input" name="variant" value=value(&filter.variant)/></label>
            <label>"Prompt"<input class="input" name="prompt" value=value(&filter.prompt) placeholder="name@version"/></label>
            <label>"User"<input class="input" name="user" value=value(&filter.user)/></label>
            <label>"Session"<input class="input" name="session" value=value(&filter.session)/></label>
            <label>"Request id"<input class="input" name="id" value=value(&filter.id)/></label>
            <button class="btn">"Filter"</button>{reset}
        </form>
    }
}

/// What a call was that answered no user.
fn aside(endpoint: &str) -> Option<(&'static str, &'static str)> {
    match endpoint.split('.').next() {
        Some("shadow") => Some(("copy", "A copy for a shadow variant: nobody saw the answer")),
        Some("playground") => Some(("tried out", "A call from the playground: no user saw the answer")),
        _ => None,
    }
}

fn row(r: RequestSummary, colour: Option<usize>, now: Instant) -> impl IntoView {
    let variant = r.variant.clone().map(|name| {
        let style = format!("background:{}", series_colour(colour.unwrap_or(0)));
        view! { <span class="row"><i class="swatch" style=style></i>{name}</span> }
    });
    let asked = r.preview.clone().filter(|p| !p.is_empty()).unwrap_or_else(|| "(no text)".to_owned());
    view! {
        <tr>
            <td class="nowrap muted"><Ago at=r.started_at now=now/></td>
            <td class="asked"><a class="link clip" href=format!("/requests/{}", r.id)>{asked}</a><span class="small muted">{r.prompt}</span></td>
            <td>{variant}{aside(&r.endpoint).map(|(word, why)| view! { <span class="badge plain" title=why>{word}</span> })}</td>
            <td><OutcomeBadge outcome=r.outcome status=r.status/></td>
            <td class="num nowrap">{format::duration(r.duration_us)}</td>
            <td class="num nowrap">{r.first_token_us.map_or(format::NONE.to_owned(), format::duration)}</td>
            <td class="num nowrap">{format!("{} / {}", format::count(r.input_tokens), format::count(r.output_tokens))}</td>
            <td class="num">{format::usd(r.cost)}</td>
            <td class="small"><span class="clip">{r.user_id}</span></td>
        </tr>
    }
}

async fn one(ctx: Ctx, Path(id): Path<String>) -> Response {
    let actor = ctx.actor();
    let detail = match hypercare::telemetry::service::get_request(&ctx.app, &actor, &Id::from_text(id)).await {
        Ok(detail) => detail,
        Err(fault) => return ctx.fault(&fault),
    };
    match hypercare::feedback::service::of_request(&ctx.app, &actor, &detail.summary.id).await {
        Ok(feedback) => {
            let (now, may_save) = (ctx.app.now(), actor.may(Permission::WritePrompts));
            ctx.page("Request", "/requests", Box::new(move || detail_view(detail, feedback, may_save, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn detail_view(d: RequestDetail, feedback: Vec<Feedback>, may_save: bool, now: Instant) -> impl IntoView {
    let s = d.summary.clone();
    let save = may_save.then(|| save_form(&s.id, s.prompt.as_deref()));
    view! {
        <div class="page-head">
            <h1><a class="muted" href="/requests">"Requests"</a><span class="muted">" / "</span><span class="mono">{s.id.short().to_owned()}</span></h1>
            <span class="row">{save}<OutcomeBadge outcome=s.outcome status=s.status/></span>
        </div>
        <div class="detail-grid">
            <div class="stack">
                <section class="card stack" aria-label="Conversation"><header><h2>"Conversation"</h2><When at=s.started_at/></header>{conversation(&d)}</section>
                {feedback_card(feedback, now)}
                {raw_card(&d)}
            </div>
            <div class="stack">{facts(&d)}{timing(&d)}</div>
        </div>
    }
}

fn words_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let part = |p: &Value| {
                p.get("text").and_then(Value::as_str).map_or_else(|| format!("[{}]", p["type"].as_str().unwrap_or("part")), str::to_owned)
            };
            parts.iter().map(part).collect::<Vec<_>>().join("\n")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What the model saw and what it said, as bubbles. Also the right side of the feedback page.
pub fn conversation(d: &RequestDetail) -> impl IntoView + use<> {
    let seen = d.upstream_body.as_ref().or(d.request_body.as_ref());
    let body: Value = seen.and_then(|b| serde_json::from_str(b).ok()).unwrap_or_default();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let bubbles = messages.into_iter().map(|m| {
        let role = m["role"].as_str().unwrap_or("unknown").to_owned();
        let class = match role.as_str() {
            "user" => "bubble user",
            "assistant" => "bubble",
            _ => "bubble instructions",
        };
        view! { <div class=class><span class="small muted">{role}</span><p>{words_of(&m["content"])}</p></div> }.into_any()
    });
    let answer = d.response_text.clone().map(|text| {
        let s = &d.summary;
        let facts = [s.prompt.clone(), s.variant.clone(), s.model.clone(), Some(format::duration(s.duration_us)), Some(format!("{} USD", format::usd(s.cost)))];
        let facts = facts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        view! { <div class="bubble under-review"><span class="small muted">"assistant"</span><p>{text}</p><span class="small muted">{facts}</span></div> }
    });
    let failed = d.error_message.clone().map(|why| view! { <p class="form-error">{why}</p> });
    view! { <div class="conversation">{bubbles.collect_view()}{answer}{failed}</div> }
}

fn facts(d: &RequestDetail) -> impl IntoView + use<> {
    let s = &d.summary;
    let link = |name: &'static str, value: &Option<String>| {
        value
            .clone()
            .map(|v| (name, view! { <a class="link" href=format!("/requests?{}={}", name, encode(&v))>{v.clone()}</a> }.into_any()))
    };
    let prompt = s.prompt.clone().map(|p| {
        let name = p.rsplit_once('@').map_or(p.as_str(), |(name, _)| name).to_owned();
        ("Prompt", view! { <a class="link" href=format!("/prompts/{}", encode(&name))>{p}</a> }.into_any())
    });
    let route =
        s.route.clone().map(|r| ("Route", view! { <a class="link" href=format!("/routes/{}", encode(&r))>{r.clone()}</a> }.into_any()));
    let text = |name: &'static str, value: Option<String>| value.map(|v| (name, view! { <span>{v}</span> }.into_any()));
    let tokens_of = |name, n: i64| text(name, (n > 0).then(|| format::grouped(n)));
    let tokens = format!("{} in, {} out", format::grouped(s.input_tokens), format::grouped(s.output_tokens));
    let tokens = if d.estimated { format!("{tokens} (estimated: the provider did not count)") } else { tokens };
    let rows = [
        text("Request id", Some(s.request_id.clone())),
        d.shadow_of
            .clone()
            .map(|id| ("Copy of", view! { <a class="link" href=format!("/requests/{id}")>"the call that was answered"</a> }.into_any())),
        route,
        link("variant", &s.variant).map(|(_, v)| ("Variant", v)),
        prompt,
        text("Provider", s.provider.clone()),
        text("Model", s.model.clone()),
        text("Key", d.key_name.clone()),
        link("user", &s.user_id).map(|(_, v)| ("User", v)),
        link("session", &s.session_id).map(|(_, v)| ("Session", v)),
        text("Tokens", Some(tokens)),
        tokens_of("Cached input", d.cached_input_tokens),
        tokens_of("Written to the cache", d.cache_write_tokens),
        tokens_of("Reasoning", d.reasoning_tokens),
        tokens_of("Sound heard", d.audio_input_tokens),
        tokens_of("Sound said", d.audio_output_tokens),
        text("Service", d.tier.clone()),
        text("Cost", Some(format!("{} USD", format::usd(s.cost)))),
        text("Finish reason", d.finish_reason.clone()),
        text("Confidence", d.confidence.map(|c| format!("{} %", format::percent(c)))),
        text("Status", Some(s.status.to_string())),
        text("Error", s.error_code.clone()),
        text("Source", d.source_ip.clone()),
        text("Client", d.user_agent.clone()),
        text("Provider's id", d.upstream_id.clone()),
        text("Metadata", (!d.metadata.is_null()).then(|| d.metadata.to_string())),
    ];
    let rows = rows.into_iter().flatten().map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> });
    view! { <section class="card"><header><h2>"Facts"</h2></header><dl class="facts">{rows.collect_view()}</dl></section> }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a width")]
fn timing(d: &RequestDetail) -> impl IntoView + use<> {
    let total = d.summary.duration_us.max(1) as f64;
    let bar = |label: String, us: i64, class: &'static str| {
        let width = format!("width:{:.1}%", (us as f64 / total * 100.0).clamp(0.5, 100.0));
        view! { <div class="timing"><span class="small">{label}</span><span class="track"><i class=class style=width></i></span><span class="small num">{format::duration(us)}</span></div> }
            .into_any()
    };
    let attempts = d.attempts.iter().map(|a| {
        let result = a.error.clone().unwrap_or_else(|| a.status.map_or("answered".to_owned(), |s| s.to_string()));
        bar(format!("{} · {} · {result}", a.provider, a.model), a.duration_us, if a.error.is_some() { "bad" } else { "" })
    });
    view! {
        <section class="card">
            <header><h2>"Time"</h2><span class="small muted">{format::duration(d.summary.duration_us)}</span></header>
            {attempts.collect_view()}
            {d.summary.first_token_us.map(|us| bar("First token".to_owned(), us, ""))}
            {bar("Spent here".to_owned(), d.overhead_us, "ok")}
        </section>
    }
}

fn feedback_card(feedback: Vec<Feedback>, now: Instant) -> impl IntoView {
    let empty = feedback.is_empty().then(|| view! { <p class="muted">"Nobody has said anything about this answer yet."</p> });
    let items = feedback.into_iter().map(|f| {
        let words = f.comment.clone().map(|c| format!("“{c}”"));
        let (heading, at, id) = (f.heading(), f.updated_at, f.id.clone());
        view! {
            <a class="list-item" href=format!("/feedback?item={id}")>
                <span class="row wide"><span class="row"><FeedbackIcon feedback=f/><b>{heading}</b></span><span class="small muted"><Ago at=at now=now/></span></span>
                {words}
            </a>
        }
        .into_any()
    });
    view! { <section class="card"><header><h2>"Feedback on this answer"</h2></header>{empty}{items.collect_view()}</section> }
}

fn pretty(body: &str) -> String {
    serde_json::from_str::<Value>(body).ok().and_then(|v| serde_json::to_string_pretty(&v).ok()).unwrap_or_else(|| body.to_owned())
}

fn raw_card(d: &RequestDetail) -> impl IntoView + use<> {
    let raw = |title: &'static str, body: &Option<String>| {
        body.as_ref().map(|b| view! { <details><summary>{title}</summary><pre class="raw" tabindex="0">{pretty(b)}</pre></details> })
    };
    view! {
        <section class="card stack">
            <header><h2>"Bodies"</h2></header>
            {raw("As the app sent it", &d.request_body)}
            {raw("As the provider got it", &d.upstream_body)}
            {raw("As the provider answered", &d.response_body)}
        </section>
    }
}

/// The request pages.
pub fn router() -> Router<App> {
    Router::new().route("/requests", get(list)).route("/requests/{id}", get(one))
}
