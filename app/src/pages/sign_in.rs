//! Signing in and out, the first run, and the choice of theme.

use super::shell::{AnyViewFn, Ctx, Field, FormError, Look, document, log_and_status, redirect, theme_cookie};
use crate::pages::asked::{Form, Query};
use crate::parts::icon::Icon;
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hypercare::identity::http::{COOKIE, cookie};
use hypercare::identity::service;
use hypercare::server::App;
use hypercare::types::Fault;
use leptos::prelude::*;
use serde::Deserialize;
use std::net::SocketAddr;

#[derive(Default, Deserialize)]
struct Where {
    #[serde(default)]
    next: String,
    #[serde(default)]
    token: String,
}

#[derive(Default, Deserialize)]
struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    token: String,
}

/// Only places of our own: `//evil.example` and `https:…` are not.
fn safe_next(next: &str) -> &str {
    if next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r']) { next } else { "/" }
}

/// A page of who is not signed in.
pub fn panel(title: &'static str, body: AnyView) -> AnyView {
    view! {
        <main class="sign-in">
            <section class="card stack">
                <p class="brand"><Icon name="pulse"/>"hypercare"</p>
                <h1>{title}</h1>
                {body}
            </section>
        </main>
    }
    .into_any()
}

fn form(action: &'static str, button: &'static str, typed: Credentials, fault: Option<&Fault>) -> AnyViewFn {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let whole = fault.filter(|_| fields.is_empty()).map(ToString::to_string);
    let title = if action == "/setup" { "Become the first admin" } else { "Sign in" };
    Box::new(move || {
        let new = if action == "/setup" { "new-password" } else { "current-password" };
        panel(
            title,
            view! {
                <form method="post" action=action class="stack">
                    <FormError message=whole/>
                    <input type="hidden" name="next" value=typed.next/>
                    <input type="hidden" name="token" value=typed.token/>
                    <Field label="E-mail address" id="email" error=fields.get("email").cloned()>
                        <input class="input" id="email" name="email" type="email" autocomplete="username" required value=typed.email/>
                    </Field>
                    <Field label="Password" id="password" error=fields.get("password").cloned()>
                        <input class="input" id="password" name="password" type="password" autocomplete=new required/>
                    </Field>
                    <button class="btn primary">{button}</button>
                </form>
            }
            .into_any(),
        )
    })
}

async fn login_page(State(app): State<App>, look: Look, Query(to): Query<Where>) -> Response {
    if service::setup_pending(&app).await.unwrap_or(false) {
        let body: AnyViewFn = Box::new(|| {
            let words = "Nobody can sign in yet. Open the set-up link that the server printed when it started.";
            panel("Set up hypercare", view! { <p>{words}</p> }.into_any())
        });
        return document(StatusCode::OK, "Set up", &look, body);
    }
    document(StatusCode::OK, "Sign in", &look, form("/login", "Sign in", Credentials { next: to.next, ..Credentials::default() }, None))
}

async fn login(
    State(app): State<App>,
    look: Look,
    address: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    Form(typed): Form<Credentials>,
) -> Response {
    let ip = address.map(|info| info.0.0.ip());
    match service::login(&app, &typed.email, &typed.password, ip).await {
        Ok((_, token)) => signed_in(&app, &token, safe_next(&typed.next)),
        Err(fault) => document(log_and_status(&fault), "Sign in", &look, form("/login", "Sign in", typed, Some(&fault))),
    }
}

fn signed_in(app: &App, token: &str, to: &str) -> Response {
    with_cookie(redirect(to, ""), &service::session_cookie(app, token))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

async fn setup_page(look: Look, Query(to): Query<Where>) -> Response {
    document(
        StatusCode::OK,
        "Set up",
        &look,
        form("/setup", "Create the admin", Credentials { token: to.token, ..Credentials::default() }, None),
    )
}

async fn setup(State(app): State<App>, look: Look, Form(typed): Form<Credentials>) -> Response {
    match service::complete_setup(&app, &typed.token, &typed.email, &typed.password).await {
        Ok((_, token)) => signed_in(&app, &token, "/"),
        Err(fault) => document(log_and_status(&fault), "Set up", &look, form("/setup", "Create the admin", typed, Some(&fault))),
    }
}

async fn logout(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Some(token) = cookie(&headers, COOKIE)
        && let Err(fault) = service::logout(&app, token).await
    {
        log_and_status(&fault);
    }
    with_cookie(redirect("/login", ""), &service::clear_cookie(&app))
}

#[derive(Deserialize)]
struct Theme {
    #[serde(default)]
    theme: String,
    #[serde(default)]
    back: String,
}

async fn theme(Form(choice): Form<Theme>) -> Response {
    with_cookie(redirect(safe_next(&choice.back), ""), &theme_cookie(&choice.theme))
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

/// Goes to what the words name: a page, a route, a prompt, or a request by id; else to the requests of that user.
async fn search(ctx: Ctx, Query(search): Query<Search>) -> Response {
    let words = search.q.trim().to_owned();
    if words.is_empty() {
        return redirect("/requests", "");
    }
    for page in ["requests", "feedback", "prompts", "routes"] {
        if words.eq_ignore_ascii_case(page) {
            return redirect(&format!("/{page}"), "");
        }
    }
    let path = super::requests::encode(&words);
    let actor = ctx.actor();
    if hypercare::routing::service::get(&ctx.app, &actor, &words).await.is_ok() {
        return redirect(&format!("/routes/{path}"), "");
    }
    if hypercare::prompts::service::get(&ctx.app, &actor, &words).await.is_ok() {
        return redirect(&format!("/prompts/{path}"), "");
    }
    let id = hypercare::types::Id::from_text(words);
    if hypercare::telemetry::service::get_request(&ctx.app, &actor, &id).await.is_ok() {
        return redirect(&format!("/requests/{path}"), "");
    }
    redirect(&format!("/requests?user={path}"), "Nothing has that name or id. These are the requests of a user of that name.")
        .into_response()
}

/// Signing in and out.
pub fn router() -> Router<App> {
    Router::new()
        .route("/login", get(login_page).post(login))
        .route("/setup", get(setup_page).post(setup))
        .route("/logout", post(logout))
        .route("/theme", post(theme))
        .route("/search", get(search))
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        assert_eq!(safe_next("/requests?status=error"), "/requests?status=error");
        for evil in ["//evil.example", "https://evil.example", "/\\evil.example", "", "javascript:alert(1)"] {
            assert_eq!(safe_next(evil), "/", "{evil}");
        }
    }
}
