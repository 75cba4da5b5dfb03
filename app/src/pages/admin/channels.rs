//! Where feedback comes in from other systems, and where news go to.

use crate::islands::copy::CopyFrom;
use crate::pages::asked::Form;
use crate::pages::feedback::decide::{Pairs, all};
use crate::pages::fields::{self, choices};
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, FormError, log_and_status, redirect};
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::feedback::service::intake;
use hypercare::identity::model::Permission;
use hypercare::notify::model::{Channel, ChannelKind, Delivery, EVENTS};
use hypercare::notify::service::{self, NewChannel};
use hypercare::server::App;
use hypercare::types::{Fault, Instant};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Which form was refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Out,
    In,
}

/// What the page shows besides the channels.
#[derive(Default)]
struct Shown {
    refused: Option<(Side, Pairs, Fault)>,
    /// A secret that was just made: of which channel.
    made: Option<(String, String)>,
}

impl Shown {
    fn value(&self, side: Side, name: &str) -> String {
        self.typed(side).and_then(|pairs| all(pairs, name).next()).unwrap_or_default().to_owned()
    }

    fn typed(&self, side: Side) -> Option<&Pairs> {
        self.refused.as_ref().filter(|(of, ..)| *of == side).map(|(_, pairs, _)| pairs)
    }

    fn error(&self, side: Side, field: &str) -> Option<String> {
        self.refused.as_ref().filter(|(of, ..)| *of == side).and_then(|(.., fault)| fault.fields().get(field).cloned())
    }

    /// What is wrong with the whole.
    fn whole(&self, side: Side) -> Option<String> {
        let (.., fault) = self.refused.as_ref().filter(|(of, ..)| *of == side)?;
        fault.fields().is_empty().then(|| fault.to_string())
    }
}

struct Loaded {
    out: Vec<(Channel, Vec<Delivery>)>,
    intake: Vec<intake::Channel>,
    address: String,
    now: Instant,
}

async fn load(ctx: &Ctx) -> Result<Loaded, Fault> {
    let (app, actor) = (&ctx.app, ctx.actor());
    actor.require(Permission::ManageChannels)?;
    let mut out = Vec::new();
    for channel in service::list(app, &actor).await? {
        let deliveries = service::deliveries(app, &actor, &channel.name).await?;
        out.push((channel, deliveries));
    }
    Ok(Loaded { out, intake: intake::channels(app, &actor).await?, address: app.settings().public_url(), now: app.now() })
}

async fn channels(ctx: Ctx) -> Response {
    show(&ctx, Shown::default()).await
}

async fn show(ctx: &Ctx, shown: Shown) -> Response {
    let status = shown.refused.as_ref().map_or(StatusCode::OK, |(.., fault)| log_and_status(fault));
    match load(ctx).await {
        Ok(loaded) => ctx.page_with(status, "Channels", "/admin/channels", Box::new(move || page(&loaded, &shown).into_any())),
        Err(fault) => ctx.fault(&fault),
    }
}

fn page(l: &Loaded, shown: &Shown) -> impl IntoView + use<> {
    let made = shown.made.clone().map(|(name, secret)| {
        view! {
            <section class="card made" role="status"><h2>{format!("The secret of {name}")}</h2>
                <p>"Copy it now: it cannot be shown again. What is sent there is signed with it (Standard Webhooks)."</p>
                <div class="copied"><input class="input mono secret" id="new-secret" readonly value=secret aria-label="Secret of the channel"/><CopyFrom id="new-secret".to_owned()/></div></section>
        }
    });
    let out = l.out.iter().map(|(channel, deliveries)| outgoing(channel, deliveries, l.now).into_any()).collect::<Vec<_>>();
    let incoming_rows = l.intake.iter().map(|channel| incoming(channel, &l.address).into_any()).collect::<Vec<_>>();
    let no_out = out.is_empty().then(|| view! { <p class="empty">"No news go out yet. A webhook or e-mail address added here is told of new issues, reports of harm, and what has been fixed."</p> });
    let no_in = incoming_rows.is_empty().then(|| view! { <p class="empty">"Nothing is set up. Any system with a key that may send feedback can post to a channel of any name; set one up here to give it a secret of its own or to say where our fields are found in what it sends."</p> });
    view! {
        <div class="page-head"><h1>"Channels"</h1></div>
        {made}
        <div class="detail-grid">
            <section class="card stack"><header><h2>"News go to"</h2></header>{no_out}{out}</section>
            {outgoing_form(shown)}
            <div class="stack">
                <section class="card stack"><header><h2>"Feedback comes in from"</h2></header>{no_in}{incoming_rows}</section>
                {alerts(&l.address)}
            </div>
            {incoming_form(shown)}
        </div>
    }
}

fn outgoing(c: &Channel, deliveries: &[Delivery], now: Instant) -> impl IntoView + use<> {
    let to = if c.kind == ChannelKind::Email { c.to.join(", ") } else { c.url.clone() };
    let told =
        EVENTS.iter().filter(|(word, _)| c.events.iter().any(|e| e == word)).map(|(_, label)| (*label).to_owned()).collect::<Vec<_>>();
    let disabled = c
        .disabled
        .clone()
        .map(|why| view! { <p><span class="badge bad">"switched off"</span>" "{why}" Save it again to switch it on."</p> });
    let rows = deliveries
        .iter()
        .take(5)
        .map(|d| {
            let (class, state) = match (d.delivered_at, d.next_at) {
                (Some(_), _) => ("badge ok", "delivered"),
                (None, Some(_)) if d.attempts == 0 => ("badge", "on its way"),
                (None, Some(_)) => ("badge watch", "will be tried again"),
                (None, None) => ("badge bad", "given up"),
            };
            view! { <li class="row"><span class=class>{state}</span><span class="mono">{d.event.clone()}</span><span class="muted"><Ago at=d.created_at now=now ago=true/>" · "{format!("{} tries", d.attempts)}" · "{d.answer.clone()}</span></li> }.into_any()
        })
        .collect::<Vec<_>>();
    let history = (!rows.is_empty())
        .then(|| view! { <details class="small"><summary>"Newest deliveries"</summary><ul class="plain-list">{rows}</ul></details> });
    view! {
        <article class="stack channel">
            <div class="row wide"><h3>{c.name.clone()}" "<span class="badge plain">{c.kind.label()}</span></h3>{remove(&format!("/admin/channels/out/{}/delete", encode(&c.name)), &c.name, "Nothing more is sent there.")}</div>
            <p class="small mono break">{to}</p>
            <p class="small muted">{told.join(" · ")}</p>
            {disabled}{history}
        </article>
    }
}

fn remove(action: &str, name: &str, what: &'static str) -> impl IntoView + use<> {
    let (action, label) = (action.to_owned(), format!("Remove {name}"));
    view! {
        <details class="confirm"><summary class="btn quiet">"Remove"</summary>
            <form method="post" action=action><p class="small">{what}</p><button class="btn danger">{label}</button></form></details>
    }
}

/// How other systems' alerts become issues.
fn alerts(address: &str) -> impl IntoView + use<> {
    let lines = format!(
        "receivers:\n  - name: hypercare\n    webhook_configs:\n      - url: {address}/v1/alerts\n        send_resolved: true\n        http_config:\n          authorization:\n            credentials: hc-…"
    );
    view! {
        <section class="card stack"><header><h2>"Alerts become issues"</h2></header>
            <p>"Prometheus' Alertmanager and Grafana can send their alerts here, with a key that may send feedback. Each alert makes one issue; when it stops, and when it fires again, the issue says so."</p>
            <p class="small muted">"The label severity (critical, high, medium, low, warning, info) sets how bad it is; route and variant say where. In Grafana: a contact point of kind webhook with the same address, and the key as its authorization header."</p>
            <pre class="raw" id="alertmanager" tabindex="0">{lines}</pre>
            <CopyFrom id="alertmanager".to_owned()/>
        </section>
    }
}

fn incoming(c: &intake::Channel, address: &str) -> impl IntoView + use<> {
    let how = if c.signed { "signed with its secret, or with a key" } else { "with a key that may send feedback" };
    let mapping = c.mapping.iter().map(|(ours, theirs)| format!("{ours} = {theirs}")).collect::<Vec<_>>().join(", ");
    let mapping = (!mapping.is_empty()).then(|| view! { <p class="small mono break">{mapping}</p> });
    view! {
        <article class="stack channel">
            <div class="row wide"><h3>{c.label.clone()}</h3>{remove(&format!("/admin/channels/in/{}/delete", encode(&c.name)), &c.name, "What came in by it stays.")}</div>
            <p class="small"><span class="mono break">{format!("POST {address}/v1/intake/{}", c.name)}</span>" "<span class="muted">{how}</span></p>
            {mapping}
        </article>
    }
}

fn outgoing_form(s: &Shown) -> impl IntoView + use<> {
    let (value, error) = (|name| s.value(Side::Out, name), |field| s.error(Side::Out, field));
    let kinds = choices(ChannelKind::ALL, ChannelKind::as_str, ChannelKind::label);
    let typed = s.typed(Side::Out).cloned();
    let events = EVENTS.map(|(word, label)| {
        let checked = typed.as_ref().is_none_or(|pairs| all(pairs, "event").any(|e| e == word));
        view! { <label class="check"><input type="checkbox" name="event" value=word checked=checked/>{label}</label> }
    });
    let inside = typed.as_ref().is_some_and(|pairs| all(pairs, "allow_private").any(|v| v == "on"));
    let wrong = error("events").map(|why| view! { <span class="field-error" role="alert">{why}</span> });
    view! {
        <section class="card"><header><h2>"Tell somebody"</h2></header>
            <form method="post" action="/admin/channels/out" class="stack">
                <FormError message=s.whole(Side::Out)/>
                {fields::needed("Name", "out-name", "name", value("name"), error("name"), "Like on-call")}
                {fields::select("By", "out-kind", "kind", kinds, &value("kind"), error("kind"))}
                {fields::text("Address of the webhook", "out-url", "url", value("url"), error("url"), "For a webhook: https://…")}
                {fields::text("Recipients", "out-to", "to", value("to"), error("to"), "For e-mail: addresses with commas between; the word reporters writes to whoever reported what is fixed")}
                {fields::text("Secret", "out-secret", "secret", value("secret"), error("secret"), "For a webhook; empty makes one, or keeps the one it has")}
                <fieldset class="checks"><legend>"About"</legend>{events.collect_view()}{wrong}</fieldset>
                <label class="check"><input type="checkbox" name="allow_private" value="on" checked=inside/>"The webhook is inside our own network"</label>
                <button class="btn primary">"Save"</button>
            </form>
        </section>
    }
}

fn incoming_form(s: &Shown) -> impl IntoView + use<> {
    let (value, error) = (|name| s.value(Side::In, name), |field| s.error(Side::In, field));
    view! {
        <section class="card"><header><h2>"Take feedback in"</h2></header>
            <form method="post" action="/admin/channels/in" class="stack">
                <FormError message=s.whole(Side::In)/>
                {fields::needed("Name", "in-name", "name", value("name"), error("channel"), "Part of its address, like zendesk")}
                {fields::text("Words on screen", "in-label", "label", value("label"), error("label"), "")}
                {fields::text("Secret", "in-secret", "secret", value("secret"), error("secret"), "What the system signs with (Standard Webhooks, GitHub, Jira, Linear); empty keeps the one it has")}
                {fields::area("Where our fields are found", "in-mapping", "mapping", value("mapping"), error("mapping"))}
                <p class="small muted">"A line each, like "<span class="mono">"external_id = ticket.id"</span>" and "<span class="mono">"comment = ticket.description"</span>"; empty when they have our names."</p>
                <button class="btn primary">"Save"</button>
            </form>
        </section>
    }
}

/// `on-call, ann@example.org` as a list.
fn list(text: &str) -> Vec<String> {
    text.split([',', ';', ' ']).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

async fn save_outgoing(ctx: Ctx, Form(form): Form<Pairs>) -> Response {
    let text = |name: &str| all(&form, name).next().unwrap_or_default().trim().to_owned();
    let kind = ChannelKind::parse(&text("kind")).unwrap_or(ChannelKind::Webhook);
    let email = kind == ChannelKind::Email;
    let new = NewChannel {
        kind,
        url: text("url"),
        to: list(&text("to")),
        secret: if email { String::new() } else { text("secret") },
        allow_private: all(&form, "allow_private").any(|v| v == "on"),
        events: all(&form, "event").map(str::to_owned).collect(),
    };
    let name = text("name");
    match service::save(&ctx.app, &ctx.actor(), &name, new).await {
        Ok((_, Some(secret))) => show(&ctx, Shown { made: Some((name, secret)), ..Shown::default() }).await,
        Ok((_, None)) => redirect("/admin/channels", "Saved."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, Shown { refused: Some((Side::Out, form, fault)), ..Shown::default() }).await,
    }
}

/// `ours = theirs`, a line each.
fn mapping(text: &str) -> Result<BTreeMap<String, String>, Fault> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (ours, theirs) = line
                .split_once('=')
                .ok_or_else(|| Fault::field("mapping", format!("`{line}` is not like comment = ticket.description")))?;
            Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
        })
        .collect()
}

async fn save_incoming(ctx: Ctx, Form(form): Form<Pairs>) -> Response {
    let text = |name: &str| all(&form, name).next().unwrap_or_default().trim().to_owned();
    let saved = async {
        let fields = mapping(&text("mapping"))?;
        intake::save_channel(&ctx.app, &ctx.actor(), &text("name"), &text("label"), &text("secret"), fields).await
    };
    match saved.await {
        Ok(_) => redirect("/admin/channels", "Saved."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, Shown { refused: Some((Side::In, form, fault)), ..Shown::default() }).await,
    }
}

async fn delete_outgoing(ctx: Ctx, Path(name): Path<String>) -> Response {
    gone(&ctx, service::delete(&ctx.app, &ctx.actor(), &name).await)
}

async fn delete_incoming(ctx: Ctx, Path(name): Path<String>) -> Response {
    gone(&ctx, intake::delete_channel(&ctx.app, &ctx.actor(), &name).await)
}

fn gone(ctx: &Ctx, result: Result<(), Fault>) -> Response {
    match result {
        Ok(()) => redirect("/admin/channels", "Removed."),
        Err(fault) => ctx.fault(&fault),
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/admin/channels", get(channels))
        .route("/admin/channels/out", post(save_outgoing))
        .route("/admin/channels/in", post(save_incoming))
        .route("/admin/channels/out/{name}/delete", post(delete_outgoing))
        .route("/admin/channels/in/{name}/delete", post(delete_incoming))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_a_line_each_and_a_wrong_one_is_named() {
        let read = mapping("external_id = ticket.id\n\n comment=ticket.text ").expect("two lines");
        assert_eq!(
            read.into_iter().collect::<Vec<_>>(),
            [("comment".to_owned(), "ticket.text".to_owned()), ("external_id".to_owned(), "ticket.id".to_owned())]
        );
        assert!(mapping("external_id").expect_err("no equals sign").fields()["mapping"].contains("external_id"));
        assert_eq!(list(" ann@x.example;reporters, bob@x.example"), ["ann@x.example", "reporters", "bob@x.example"]);
    }
}
