//! What every page stands in: the document, navigation, top bar, messages; and who is looking.

use super::assets;
use crate::islands::live::LiveDot;
use crate::islands::page_tools::PageTools;
use crate::parts::icon::Icon;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hydration_context::SsrSharedContext;
use hypercare::identity::http::cookie;
use hypercare::identity::model::{Permission, Person};
use hypercare::identity::{Actor, SignedIn};
use hypercare::server::App;
use hypercare::types::Fault;
use leptos::nonce::{Nonce, provide_nonce};
use leptos::prelude::*;
use std::sync::Arc;

const FLASH: &str = "hypercare_flash";
const THEME: &str = "hypercare_theme";

/// Who looks at a page, and how.
pub struct Ctx {
    /// The product.
    pub app: App,
    /// Who is signed in.
    pub person: Person,
    flash: Option<String>,
    look: Look,
}

/// What the document needs to know of the request.
#[derive(Clone, Debug, Default)]
pub struct Look {
    theme: Option<&'static str>,
    path: String,
}

impl Look {
    /// As the request asks for it.
    pub fn of(parts: &Parts) -> Self {
        let path = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        Self { theme: cookie(&parts.headers, THEME).and_then(known_theme), path }
    }
}

fn known_theme(word: &str) -> Option<&'static str> {
    ["light", "dark"].into_iter().find(|theme| *theme == word)
}

impl FromRequestParts<App> for Look {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl FromRequestParts<App> for Ctx {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let SignedIn(person) = SignedIn::from_request_parts(parts, app).await?;
        let flash = cookie(&parts.headers, FLASH).filter(|text| !text.is_empty()).map(percent_decode);
        Ok(Self { app: app.clone(), person, flash, look: Look::of(parts) })
    }
}

fn percent_encode(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() || b == b'-' { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: String = rest.by_ref().take(2).map(char::from).collect();
            bytes.extend(u8::from_str_radix(&digits, 16));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Ctx {
    /// The person as services know them.
    pub fn actor(&self) -> Actor {
        Actor::Person(self.person.clone())
    }

    /// A page under this title; `active` is its place in the navigation.
    pub fn page(&self, title: &str, active: &'static str, body: AnyViewFn) -> Response {
        self.page_with(StatusCode::OK, title, active, body)
    }

    /// [`Ctx::page`] with a status of its own.
    pub fn page_with(&self, status: StatusCode, title: &str, active: &'static str, body: AnyViewFn) -> Response {
        let (person, flash, look) = (self.person.clone(), self.flash.clone(), self.look.clone());
        let shown_flash = flash.is_some();
        let heading = title.to_owned();
        let mut response = document(status, title, &self.look, Box::new(move || frame(person, flash, look, heading, active, body)));
        if shown_flash {
            response
                .headers_mut()
                .append(SET_COOKIE, HeaderValue::from_static("hypercare_flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
        }
        response
    }

    /// A page that says what went wrong.
    pub fn fault(&self, fault: &Fault) -> Response {
        let status = log_and_status(fault);
        let (title, words) = (fault_title(fault), fault.to_string());
        self.page_with(
            status,
            title,
            "",
            Box::new(move || {
                view! { <div class="page-head"><h1>{title}</h1></div><section class="card"><p>{words}</p><p><a class="link" href="/">"Go to the overview"</a></p></section> }.into_any()
            }),
        )
    }
}

/// A view that is made when the document is.
pub type AnyViewFn = Box<dyn FnOnce() -> AnyView + Send>;

/// The status of a fault; our own troubles are logged with their cause.
pub fn log_and_status(fault: &Fault) -> StatusCode {
    if let Fault::Internal(cause) = fault {
        tracing::error!(error = %cause, "a page could not be made");
    }
    StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn fault_title(fault: &Fault) -> &'static str {
    match fault {
        Fault::NotFound(_) => "Not found",
        Fault::Forbidden(_) | Fault::Unauthorised(_) => "Not allowed",
        Fault::Conflict(_) => "Changed meanwhile",
        Fault::Invalid(_) => "Please check",
        Fault::Throttled(_) => "Too many tries",
        Fault::Internal(_) => "Something went wrong",
    }
}

/// Goes on to another page, which shows the message once.
pub fn redirect(to: &str, message: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::from_str(to) {
        headers.insert(LOCATION, to);
    }
    let flash = format!("{FLASH}={}; Path=/; Max-Age=30; HttpOnly; SameSite=Lax", percent_encode(message));
    if let Some(flash) = HeaderValue::from_str(&flash).ok().filter(|_| !message.is_empty()) {
        headers.append(SET_COOKIE, flash);
    }
    response
}

/// `Set-Cookie` for the chosen theme; empty follows the system.
pub fn theme_cookie(word: &str) -> String {
    match known_theme(word) {
        Some(theme) => format!("{THEME}={theme}; Path=/; Max-Age=31536000; SameSite=Lax"),
        None => format!("{THEME}=; Path=/; Max-Age=0; SameSite=Lax"),
    }
}

/// The whole HTML document around a body.
pub fn document(status: StatusCode, title: &str, look: &Look, body: AnyViewFn) -> Response {
    write(status, "en", format!("{title} · hypercare"), look, assets::has_scripts(), body)
}

/// A document for somebody who is not of this house and came by a link that is nobody else's business: without scripts, in their language; neither
/// found by search engines nor named to where one goes from here.
pub fn private_document(status: StatusCode, lang: &'static str, title: &str, look: &Look, body: AnyViewFn) -> Response {
    let mut response = write(status, lang, title.to_owned(), look, false, body);
    keep_private(&mut response);
    response
}

/// Keeps an answer's address to whoever has it.
pub fn keep_private(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn write(status: StatusCode, lang: &'static str, title: String, look: &Look, scripts: bool, body: AnyViewFn) -> Response {
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let theme = look.theme;
    let (html, nonce) = owner.with(|| {
        provide_nonce();
        let nonce = use_context::<Nonce>().map(|n| n.to_string()).unwrap_or_default();
        let style = format!("/pkg/hypercare.css?v={}", *assets::VERSION);
        let scripts = scripts.then(|| {
            let options = LeptosOptions::builder().output_name("hypercare").build();
            view! { <HydrationScripts options=options islands=true/> }
        });
        let html = view! {
            <html lang=lang data-theme=theme>
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="color-scheme" content="light dark"/>
                    <title>{title}</title>
                    <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                    <link rel="stylesheet" href=style/>
                    {scripts}
                </head>
                <body>{body()}</body>
            </html>
        }
        .to_html();
        (html, nonce)
    });
    let mut response = (status, format!("<!doctype html>{html}")).into_response();
    secure(response.headers_mut(), &nonce);
    response
}

fn secure(headers: &mut HeaderMap, nonce: &str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// A place in the navigation: group, words, address, and what one must be allowed to.
const PLACES: [(&str, &str, &str, Permission); 15] = [
    ("Watch", "Overview", "/", Permission::ReadTraffic),
    ("Watch", "Requests", "/requests", Permission::ReadTraffic),
    ("Listen", "Feedback", "/feedback", Permission::ReadFeedback),
    ("Listen", "Themes", "/themes", Permission::ReadFeedback),
    ("Listen", "Surveys", "/surveys", Permission::ReadFeedback),
    ("Listen", "Issues", "/issues", Permission::ReadFeedback),
    ("Improve", "Prompts", "/prompts", Permission::ReadConfig),
    ("Improve", "Routes", "/routes", Permission::ReadConfig),
    ("Admin", "Connect an app", "/admin/connect", Permission::ReadConfig),
    ("Admin", "Providers", "/admin/providers", Permission::WriteProviders),
    ("Admin", "Models", "/admin/models", Permission::ReadConfig),
    ("Admin", "Keys", "/admin/keys", Permission::ManageKeys),
    ("Admin", "People", "/admin/people", Permission::ManagePeople),
    ("Admin", "Channels", "/admin/channels", Permission::ManageChannels),
    ("Admin", "Audit", "/admin/audit", Permission::ReadAudit),
];

fn places(person: &Person, active: &'static str) -> impl IntoView + use<> {
    let mut group = "";
    let role = person.role;
    PLACES
        .into_iter()
        .filter(|(.., permission)| role.may(*permission))
        .map(|(heading, words, href, _)| {
            let title = (heading != group).then(|| view! { <h2>{heading}</h2> });
            group = heading;
            view! { {title}<a href=href aria-current=(href == active).then_some("page")>{words}</a> }.into_any()
        })
        .collect_view()
}

fn brand() -> impl IntoView {
    view! { <a class="brand" href="/"><Icon name="pulse"/>"hypercare"</a> }
}

fn who(person: &Person, look: &Look) -> impl IntoView + use<> {
    let theme = look.theme.unwrap_or_default();
    let choice = |word: &'static str, label: &'static str| {
        view! { <button class="btn quiet" name="theme" value=word aria-pressed=(theme == word).to_string()>{label}</button> }
    };
    view! {
        <div class="who small">
            <form method="post" action="/theme" class="row theme" aria-label="Theme">
                <input type="hidden" name="back" value=look.path.clone()/>
                {choice("", "System")}{choice("light", "Light")}{choice("dark", "Dark")}
            </form>
            <p class="clip"><b>{person.email.clone()}</b><br/><span class="muted">{person.role.label()}</span></p>
            <form method="post" action="/logout"><button class="btn quiet">"Sign out"</button></form>
        </div>
    }
}

fn frame(person: Person, flash: Option<String>, look: Look, _title: String, active: &'static str, body: AnyViewFn) -> AnyView {
    let live = person.role.may(Permission::ReadTraffic).then(|| view! { <LiveDot/> });
    let search = person.role.may(Permission::ReadTraffic).then(|| {
        view! {
            <form class="searchbox" role="search" action="/search">
                <Icon name="search"/>
                <input id="search" name="q" type="search" placeholder="Request id, prompt, route or page" aria-label="Search"/>
                <kbd>"Ctrl K"</kbd>
            </form>
        }
    });
    view! {
        <a class="skip" href="#main">"Skip to the page"</a>
        <div class="app">
            <nav class="nav" aria-label="Main">{brand()}{places(&person, active)}{who(&person, &look)}</nav>
            <header class="topbar">
                <details class="menu">
                    <summary class="btn"><Icon name="menu"/>"Menu"</summary>
                    <nav class="menu-panel" aria-label="Menu">{places(&person, active)}{who(&person, &look)}</nav>
                </details>
                {search}
                <span class="topbar-end">{live}</span>
            </header>
            <main class="page" id="main" tabindex="-1">
                {flash.map(|words| view! { <p class="flash" role="status"><Icon name="ok"/>{words}</p> })}
                {body()}
            </main>
        </div>
        <PageTools/>
    }
    .into_any()
}

/// Without a page of that address.
pub async fn no_such_page(ctx: Result<Ctx, Response>, request: Request) -> Response {
    match ctx {
        Ok(ctx) => ctx.fault(&Fault::NotFound(format!("There is no page {}.", request.uri().path()))),
        Err(response) => response,
    }
}

/// A labelled field with the sentence that says what is wrong with it.
#[component]
pub fn Field(
    /// The label.
    label: &'static str,
    /// The id of the input inside.
    id: &'static str,
    /// What is wrong, if anything.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// A word of help.
    #[prop(optional)]
    help: &'static str,
    /// The input.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {children()}
            {(!help.is_empty()).then(|| view! { <span class="small muted">{help}</span> })}
            {error.map(|why| view! { <span class="field-error" role="alert"><Icon name="error"/>{why}</span> })}
        </div>
    }
}

/// What is wrong with the form as a whole.
#[component]
pub fn FormError(
    /// The sentence.
    message: Option<String>,
) -> impl IntoView {
    message.map(|words| view! { <p class="form-error" role="alert"><Icon name="error"/>{words}</p> })
}
