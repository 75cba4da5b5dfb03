//! Who a request comes from: extractors, cookies, log-in over JSON.

use super::model::{AuditFilter, Person, Scope};
use super::{Actor, audit, service};
use crate::server::{ApiError, App, Query};
use crate::types::{Fault, Id, PageRequest};
use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE as COOKIE_HEADER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{delete, get, post, put};
use serde::Deserialize;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Name of the session cookie.
pub const COOKIE: &str = "hypercare_session";

/// The value of a cookie of that name.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE_HEADER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The secret of `Authorization: Bearer …` or `x-api-key`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = authorization.and_then(|text| {
        let (scheme, secret) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    // Clients of Anthropic, Google and Azure each have a header of their own.
    let named = || ["x-api-key", "x-goog-api-key", "api-key"].into_iter().find_map(|name| headers.get(name));
    bearer.or_else(|| named().and_then(|value| value.to_str().ok()).map(str::trim))
}

/// The address a request came from.
pub fn source_ip(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
}

/// A person who is signed in. Without one, a page sends to the log-in and comes back afterwards; anything else is 401.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Person);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let person = match cookie(&parts.headers, COOKIE) {
            Some(token) => service::person_of_session(app, token).await.map_err(|fault| ApiError(fault).into_response())?,
            None => None,
        };
        person.map(Self).ok_or_else(|| {
            if parts.method == Method::GET {
                let here = parts.uri.path_and_query().map_or("/", |p| p.as_str());
                let next: String = form_urlencode(here);
                Redirect::to(&format!("/login?next={next}")).into_response()
            } else {
                ApiError(Fault::Unauthorised("Please sign in.".to_owned())).into_response()
            }
        })
    }
}

fn form_urlencode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Who calls the control plane: a person by cookie, or a key of scope `read` or `admin`.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(secret) = bearer(&parts.headers) {
            let snapshot = app.snapshot();
            let key = snapshot.key(secret).ok_or_else(|| Fault::Unauthorised("This key is unknown or revoked.".to_owned()))?;
            return Ok(Self(Actor::Key { name: key.name.clone(), scopes: key.scopes.clone() }));
        }
        if let Some(token) = cookie(&parts.headers, COOKIE)
            && let Some(person) = service::person_of_session(app, token).await?
        {
            return Ok(Self(Actor::Person(person)));
        }
        Err(ApiError(Fault::Unauthorised("Please sign in, or send a key of scope `read` or `admin`.".to_owned())))
    }
}

#[derive(Deserialize)]
struct Login {
    email: String,
    password: String,
}

async fn login(
    State(app): State<App>,
    address: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    crate::server::Body(login): crate::server::Body<Login>,
) -> Result<Response, ApiError> {
    let ip = address.map(|info| info.0.0.ip());
    let (person, token) = service::login(&app, &login.email, &login.password, ip).await?;
    Ok(([(SET_COOKIE, service::session_cookie(&app, &token))], Json(person)).into_response())
}

async fn me(caller: Caller) -> Response {
    match caller.0 {
        Actor::Person(person) => Json(person).into_response(),
        other => Json(serde_json::json!({ "name": other.name() })).into_response(),
    }
}

async fn keys(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let items = service::list_keys(&app, &caller.0).await?;
    Ok(Json(serde_json::json!({ "items": items, "next_cursor": null })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    name: String,
    scopes: Vec<Scope>,
    #[serde(default)]
    routes: Vec<String>,
    #[serde(default)]
    limits: super::model::KeyLimits,
}

async fn create_key(
    State(app): State<App>,
    caller: Caller,
    crate::server::Body(key): crate::server::Body<KeyBody>,
) -> Result<Response, ApiError> {
    let new = service::NewKey { name: key.name, scopes: key.scopes, routes: key.routes, limits: key.limits };
    let (summary, secret) = service::create_key(&app, &caller.0, new).await?;
    let mut body = serde_json::to_value(summary).map_err(Fault::internal)?;
    body["secret"] = secret.into();
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

async fn revoke_key(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    service::revoke_key(&app, &caller.0, &Id::from_text(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn users(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let items = service::list_people(&app, &caller.0).await?;
    Ok(Json(serde_json::json!({ "items": items, "next_cursor": null })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserBody {
    email: String,
    role: super::model::Role,
    password: String,
}

async fn create_user(
    State(app): State<App>,
    caller: Caller,
    crate::server::Body(user): crate::server::Body<UserBody>,
) -> Result<Response, ApiError> {
    let person = service::add_person(&app, &caller.0, &user.email, user.role, &user.password).await?;
    Ok((StatusCode::CREATED, Json(person)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SafetyBody {
    safety: bool,
}

async fn set_safety(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    crate::server::Body(to): crate::server::Body<SafetyBody>,
) -> Result<StatusCode, ApiError> {
    service::set_safety(&app, &caller.0, &Id::from_text(id), to.safety).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn audit_log(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<AuditFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Response, ApiError> {
    Ok(Json(audit::list(&app, &caller.0, &filter, &page).await?).into_response())
}

#[derive(Deserialize)]
struct As {
    #[serde(default)]
    format: String,
}

async fn export_audit(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<AuditFilter>,
    Query(wanted): Query<As>,
) -> Result<Response, ApiError> {
    let (format, kind, name) = match wanted.format.as_str() {
        "" | "csv" => (audit::Format::Csv, "text/csv; charset=utf-8", "audit.csv"),
        "ndjson" => (audit::Format::Ndjson, "application/x-ndjson", "audit.ndjson"),
        _ => return Err(Fault::field("format", "must be csv or ndjson").into()),
    };
    let lines = audit::export(&app, &caller.0, filter, format).await?;
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))];
    Ok((headers, axum::body::Body::from_stream(lines)).into_response())
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/keys", get(keys).post(create_key))
        .route("/keys/{id}", delete(revoke_key))
        .route("/users", get(users).post(create_user))
        .route("/users/{id}/safety", put(set_safety))
        .route("/audit", get(audit_log))
        .route("/audit/export", get(export_audit))
}
