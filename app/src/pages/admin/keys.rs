//! Keys of applications: make, show once, revoke.

use crate::islands::copy::CopyFrom;
use crate::pages::asked::Form;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::{KeySummary, Scope};
use hypercare::identity::service::{self, NewKey};
use hypercare::server::App;
use hypercare::types::{Fault, Id, Instant};
use leptos::prelude::*;

#[derive(Clone, Debug, Default)]
struct Typed {
    name: String,
    scopes: Vec<String>,
    routes: String,
}

/// What the page shows besides the keys.
#[derive(Default)]
struct Shown {
    typed: Typed,
    fault: Option<Fault>,
    made: Option<(KeySummary, String)>,
}

async fn keys(ctx: Ctx) -> Response {
    show(&ctx, Shown { typed: Typed { scopes: vec!["gateway".into(), "feedback".into()], ..Typed::default() }, ..Shown::default() }).await
}

async fn show(ctx: &Ctx, shown: Shown) -> Response {
    let status = shown.fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match service::list_keys(&ctx.app, &ctx.actor()).await {
        Ok(keys) => {
            let now = ctx.app.now();
            ctx.page_with(status, "Keys", "/admin/keys", Box::new(move || page(keys, shown, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn page(keys: Vec<KeySummary>, shown: Shown, now: Instant) -> impl IntoView {
    let none = keys.is_empty().then(|| view! { <p class="empty">"No keys yet. An app needs one to call models or to send feedback."</p> });
    let made = shown.made.map(|(key, secret)| {
        view! {
            <section class="card made" role="status">
                <h2>{format!("The key {} is ready", key.name)}</h2>
                <p>"Copy its secret now. It is not stored and cannot be shown again."</p>
                <div class="copied"><input class="input mono secret" id="new-secret" readonly value=secret aria-label="Secret of the new key"/><CopyFrom id="new-secret".to_owned()/></div>
            </section>
        }
    });
    let rows = keys.into_iter().map(|k| row(k, now).into_any());
    view! {
        <div class="page-head"><h1>"Keys"</h1></div>
        {made}
        <div class="detail-grid">
            <section class="card flush"><div class="scroll"><table><caption class="visually-hidden">"Keys by name"</caption>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Begins with"</th><th scope="col">"May"</th><th scope="col">"Routes"</th><th scope="col">"Made"</th><th scope="col"><span class="visually-hidden">"Revoke"</span></th></tr></thead>
                <tbody>{rows.collect_view()}</tbody></table></div>{none}</section>
            {form(shown.typed, shown.fault.as_ref())}
        </div>
    }
}

fn row(k: KeySummary, now: Instant) -> impl IntoView {
    let scopes = k.scopes.iter().map(|s| view! { <span class="badge plain">{s.as_str()}</span> }).collect_view();
    let routes = if k.routes.is_empty() { "all".to_owned() } else { k.routes.join(", ") };
    let last = match k.revoked_at {
        Some(at) => view! { <span class="badge bad" title=at.rfc3339()>"revoked"</span> }.into_any(),
        None => view! {
            <details class="confirm"><summary class="btn quiet">"Revoke"</summary>
                <form method="post" action=format!("/admin/keys/{}/revoke", k.id)><p class="small">{format!("Apps that use {} are refused at once.", k.name)}</p><button class="btn danger">{format!("Revoke {}", k.name)}</button></form>
            </details>
        }
        .into_any(),
    };
    view! { <tr><td><b>{k.name}</b></td><td class="mono">{k.hint}</td><td class="chips">{scopes}</td><td>{routes}</td><td class="muted nowrap"><Ago at=k.created_at now=now/></td><td>{last}</td></tr> }
}

fn form(typed: Typed, fault: Option<&Fault>) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let whole = fault.filter(|_| fields.is_empty()).map(ToString::to_string);
    let words = [("gateway", "call models"), ("feedback", "send feedback"), ("read", "read everything"), ("admin", "change everything")];
    let scopes = words.map(|(word, label)| {
        let checked = typed.scopes.iter().any(|s| s == word);
        view! { <label class="check"><input type="checkbox" name="scope" value=word checked=checked/>{label}</label> }
    });
    view! {
        <section class="card"><header><h2>"New key"</h2></header>
            <form method="post" action="/admin/keys" class="stack">
                <FormError message=whole/>
                <Field label="Name" id="key-name" error=fields.get("name").cloned() help="The app that will use it"><input class="input" id="key-name" name="name" required maxlength="100" value=typed.name/></Field>
                <fieldset class="checks"><legend>"It may"</legend>{scopes.collect_view()}{fields.get("scopes").cloned().map(|why| view! { <span class="field-error" role="alert">{why}</span> })}</fieldset>
                <Field label="Only these routes" id="key-routes" help="Names with commas between; empty for all"><input class="input" id="key-routes" name="routes" value=typed.routes/></Field>
                <button class="btn primary">"Make the key"</button>
            </form>
        </section>
    }
}

async fn create(ctx: Ctx, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let mut typed = Typed::default();
    for (key, value) in pairs {
        match key.as_str() {
            "name" => typed.name = value,
            "scope" => typed.scopes.push(value),
            "routes" => typed.routes = value,
            _ => {}
        }
    }
    let new = NewKey {
        name: typed.name.clone(),
        scopes: typed.scopes.iter().filter_map(|s| Scope::parse(s)).collect(),
        routes: typed.routes.split(',').map(|r| r.trim().to_owned()).filter(|r| !r.is_empty()).collect(),
        ..NewKey::default()
    };
    match service::create_key(&ctx.app, &ctx.actor(), new).await {
        Ok(made) => show(&ctx, Shown { made: Some(made), ..Shown::default() }).await,
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, Shown { typed, fault: Some(fault), ..Shown::default() }).await,
    }
}

async fn revoke(ctx: Ctx, Path(id): Path<String>) -> Response {
    match service::revoke_key(&ctx.app, &ctx.actor(), &Id::from_text(id)).await {
        Ok(()) => redirect("/admin/keys", "The key is revoked."),
        Err(fault) => ctx.fault(&fault),
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new().route("/admin/keys", get(keys).post(create)).route("/admin/keys/{id}/revoke", post(revoke))
}
