//! People and their roles.

use crate::pages::asked::Form;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::{Person, Role};
use hypercare::identity::service;
use hypercare::server::App;
use hypercare::types::{Fault, Id, Instant};
use leptos::prelude::*;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    password: String,
}

async fn people(ctx: Ctx) -> Response {
    show(&ctx, Typed::default(), None).await
}

async fn show(ctx: &Ctx, typed: Typed, fault: Option<Fault>) -> Response {
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match service::list_people(&ctx.app, &ctx.actor()).await {
        Ok(people) => {
            let (now, me) = (ctx.app.now(), ctx.person.id.clone());
            ctx.page_with(status, "People", "/admin/people", Box::new(move || page(people, typed, fault, &me, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn roles(chosen: &str) -> impl IntoView + use<> {
    let chosen = chosen.to_owned();
    Role::ALL.map(|r| view! { <option value=r.as_str() selected=chosen == r.as_str()>{r.label()}</option> }).collect_view()
}

fn page(people: Vec<Person>, typed: Typed, fault: Option<Fault>, me: &Id, now: Instant) -> impl IntoView + use<> {
    let rows: Vec<_> = people.into_iter().map(|p| row(p, me, now).into_any()).collect();
    view! {
        <div class="page-head"><h1>"People"</h1></div>
        <div class="detail-grid">
            <section class="card flush"><div class="scroll"><table><caption class="visually-hidden">"People by address"</caption>
                <thead><tr><th scope="col">"E-mail address"</th><th scope="col">"Role"</th><th scope="col" title="Reads what was reported as harmful or as private data">"Safety team"</th><th scope="col">"Last signed in"</th><th scope="col"><span class="visually-hidden">"Access"</span></th></tr></thead>
                <tbody>{rows}</tbody></table></div></section>
            {form(typed, fault.as_ref())}
        </div>
    }
}

fn row(p: Person, me: &Id, now: Instant) -> impl IntoView + use<> {
    let (role_action, access_action) = (format!("/admin/people/{}/role", p.id), format!("/admin/people/{}/access", p.id));
    let safety_action = format!("/admin/people/{}/safety", p.id);
    // An admin reads everything, an annotator no feedback at all: neither has to be asked.
    let safety = matches!(p.role, Role::Product | Role::Viewer).then(|| {
        let (value, words) = if p.safety { ("off", "Take out") } else { ("on", "Add") };
        view! { <form method="post" action=safety_action class="row">{p.safety.then(|| view! { <span class="badge info">"member"</span> })}<button class="btn quiet" name="safety" value=value aria-label=format!("Safety team: {words} {}", p.email)>{words}</button></form> }
    });
    let always = (p.role == Role::Admin).then(|| view! { <span class="muted small">"always"</span> });
    let off = p.disabled_at.is_some();
    let access = if p.id == *me {
        view! { <span class="muted small">"you"</span> }.into_any()
    } else {
        let (value, words) = if off { ("on", "Let in again") } else { ("off", "Lock out") };
        view! { <form method="post" action=access_action><button class="btn quiet" name="access" value=value aria-label=format!("{words}: {}", p.email)>{words}</button></form> }.into_any()
    };
    let seen = p.last_login_at.map_or_else(|| "never".into_any(), |at| view! { <Ago at=at now=now/> }.into_any());
    view! {
        <tr>
            <td><b>{p.email.clone()}</b>{off.then(|| view! { " "<span class="badge bad">"locked out"</span> })}</td>
            <td><form method="post" action=role_action class="row"><select class="input" name="role" aria-label=format!("Role of {}", p.email)>{roles(p.role.as_str())}</select><button class="btn quiet" aria-label=format!("Change the role of {}", p.email)>"Change"</button></form></td>
            <td>{safety}{always}</td><td class="muted nowrap">{seen}</td><td>{access}</td>
        </tr>
    }
}

fn form(typed: Typed, fault: Option<&Fault>) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let whole = fault.filter(|_| fields.is_empty()).map(ToString::to_string);
    let role = if typed.role.is_empty() { "product".to_owned() } else { typed.role };
    view! {
        <section class="card"><header><h2>"Add a person"</h2></header>
            <form method="post" action="/admin/people" class="stack">
                <FormError message=whole/>
                <Field label="E-mail address" id="new-email" error=fields.get("email").cloned()><input class="input" id="new-email" name="email" type="email" required autocomplete="off" value=typed.email/></Field>
                <Field label="Role" id="new-role" error=fields.get("role").cloned()><select class="input" id="new-role" name="role">{roles(&role)}</select></Field>
                <Field label="First password" id="new-password" error=fields.get("password").cloned() help="At least 10 characters"><input class="input" id="new-password" name="password" type="password" required autocomplete="new-password"/></Field>
                <button class="btn primary">"Add the person"</button>
            </form>
        </section>
    }
}

async fn add(ctx: Ctx, Form(typed): Form<Typed>) -> Response {
    let result = match Role::parse(&typed.role) {
        Some(role) => service::add_person(&ctx.app, &ctx.actor(), &typed.email, role, &typed.password).await,
        None => Err(Fault::field("role", "Please choose a role.")),
    };
    match result {
        Ok(person) => redirect("/admin/people", &format!("{} can sign in now.", person.email)),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => show(&ctx, typed, Some(fault)).await,
    }
}

#[derive(Deserialize)]
struct NewRole {
    role: String,
}

async fn set_role(ctx: Ctx, Path(id): Path<String>, Form(new): Form<NewRole>) -> Response {
    let result = match Role::parse(&new.role) {
        Some(role) => service::set_role(&ctx.app, &ctx.actor(), &Id::from_text(id), role).await,
        None => Err(Fault::field("role", "Please choose a role.")),
    };
    match result {
        Ok(()) => redirect("/admin/people", "The role is changed."),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Access {
    access: String,
}

async fn set_access(ctx: Ctx, Path(id): Path<String>, Form(to): Form<Access>) -> Response {
    match service::set_disabled(&ctx.app, &ctx.actor(), &Id::from_text(id), to.access == "off").await {
        Ok(()) => redirect("/admin/people", if to.access == "off" { "Locked out; open sessions have ended." } else { "Let in again." }),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Safety {
    safety: String,
}

async fn set_safety(ctx: Ctx, Path(id): Path<String>, Form(to): Form<Safety>) -> Response {
    match service::set_safety(&ctx.app, &ctx.actor(), &Id::from_text(id), to.safety == "on").await {
        Ok(()) if to.safety == "on" => redirect("/admin/people", "They now read what was reported as harmful or as private data."),
        Ok(()) => redirect("/admin/people", "They no longer read what was reported as harmful or as private data."),
        Err(fault) => ctx.fault(&fault),
    }
}

/// The page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/admin/people", get(people).post(add))
        .route("/admin/people/{id}/role", post(set_role))
        .route("/admin/people/{id}/safety", post(set_safety))
        .route("/admin/people/{id}/access", post(set_access))
}
