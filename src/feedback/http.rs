//! Feedback over HTTP: the data plane (keys and tokens, from any allowed origin) and the control plane.

use super::model::FeedbackFilter;
use super::model::triage::Patch;
use super::service::intake::{self, Delivery};
use super::service::{self, triage};
use crate::identity::Actor;
use crate::identity::http::{Caller, bearer, source_ip};
use crate::notify::signature::Signed;
use crate::server::{ApiError, App, Body, Query, whole_body};
use crate::telemetry::model::Range;
use crate::types::{Fault, Id, PageRequest};
use axum::Json;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CONTENT_TYPE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;

/// Largest file of rows, in bytes: 100,000 rows of an ordinary export.
const MAX_FILE: usize = 32 * 1024 * 1024;

/// The application behind a key, if one was sent; an unknown one is an error rather than nobody.
pub(crate) fn application(app: &App, headers: &HeaderMap) -> Result<Option<Actor>, Fault> {
    let Some(secret) = bearer(headers) else { return Ok(None) };
    let snapshot = app.snapshot();
    let key = snapshot.key(secret).ok_or_else(|| Fault::Unauthorised("This key is unknown or revoked.".to_owned()))?;
    Ok(Some(Actor::Key { name: key.name.clone(), scopes: key.scopes.clone() }))
}

/// A sender with the key or address it came from.
pub(crate) async fn read<T: DeserializeOwned>(app: &App, request: Request) -> Result<(Option<Actor>, T), ApiError> {
    let (parts, body) = request.into_parts();
    let actor = application(app, &parts.headers)?;
    service::hold(app, actor.as_ref(), source_ip(&parts))?;
    let Body(new) = Body::from_request(Request::from_parts(parts, body), app).await?;
    Ok((actor, new))
}

async fn submit(State(app): State<App>, request: Request) -> Response {
    let answer = async {
        let (actor, new) = read(&app, request).await?;
        let stored = service::submit(&app, actor.as_ref(), new).await?;
        let status = if stored.created { StatusCode::CREATED } else { StatusCode::OK };
        Ok::<_, ApiError>((status, Json(json!({ "id": stored.id, "request_id": stored.request_id }))).into_response())
    };
    open_to_browsers(answer.await.unwrap_or_else(IntoResponse::into_response))
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
}

async fn status(State(app): State<App>, headers: HeaderMap, Path(id): Path<String>, query: Result<Query<Token>, ApiError>) -> Response {
    let answer = async {
        let Query(query) = query?;
        let actor = application(&app, &headers)?;
        let id = Id::from_text(id);
        Ok::<_, ApiError>(Json(service::status(&app, actor.as_ref(), query.token.as_deref(), &id).await?).into_response())
    };
    open_to_browsers(answer.await.unwrap_or_else(IntoResponse::into_response))
}

/// A file of rows (`text/csv`) or a list of them (JSON) from another system.
async fn intake(State(app): State<App>, Path(channel): Path<String>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let actor = application(&app, &parts.headers)?;
    service::hold(&app, actor.as_ref(), source_ip(&parts))?;
    let body = whole_body(body, MAX_FILE).await?;
    let csv = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|t| t.starts_with("text/csv"));
    let delivery = Delivery { channel: &channel, csv, body: &body, signed: Signed::of(&parts.headers) };
    Ok(Json(intake::take(&app, actor.as_ref(), delivery).await?).into_response())
}

pub(crate) async fn preflight() -> Response {
    open_to_browsers(StatusCode::NO_CONTENT.into_response())
}

/// The widget runs on the application's own pages. A token is good for one answer and no cookie is read here, so any origin may post.
pub(crate) fn open_to_browsers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, authorization, x-api-key"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// The data plane of this room.
pub fn data_plane() -> axum::Router<App> {
    axum::Router::new()
        .route("/v1/feedback", post(submit).options(preflight))
        .route("/v1/feedback/{id}", get(status).options(preflight))
        .route("/v1/intake/{channel}", post(intake))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<FeedbackFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Response, ApiError> {
    Ok(Json(service::list(&app, &caller.0, &filter, &page).await?).into_response())
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, ApiError> {
    Ok(Json(service::get(&app, &caller.0, &Id::from_text(id)).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    ids: Vec<Id>,
    set: Patch,
    #[serde(default)]
    seen: triage::Seen,
}

/// Each piece has a result of its own: `done`, or among `clashes` with who was first and what they decided.
async fn decide(State(app): State<App>, caller: Caller, Body(new): Body<Decision>) -> Result<Response, ApiError> {
    Ok(Json(triage::decide(&app, &caller.0, &new.ids, &new.set, &new.seen).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TakeBack {
    batch: Option<Id>,
}

async fn undo(State(app): State<App>, caller: Caller, Body(which): Body<TakeBack>) -> Result<Response, ApiError> {
    Ok(Json(triage::undo(&app, &caller.0, which.batch.as_ref()).await?).into_response())
}

async fn history(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, ApiError> {
    let items = triage::history(&app, &caller.0, &Id::from_text(id)).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

async fn views(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let items = triage::views(&app, &caller.0).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewView {
    name: String,
    query: String,
    #[serde(default)]
    shared: bool,
}

async fn save_view(State(app): State<App>, caller: Caller, Body(new): Body<NewView>) -> Result<Response, ApiError> {
    let view = triage::save_view(&app, &caller.0, &new.name, &new.query, new.shared).await?;
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

async fn delete_view(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, ApiError> {
    triage::delete_view(&app, &caller.0, &Id::from_text(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct Span {
    range: Option<String>,
}

async fn experience(State(app): State<App>, caller: Caller, Query(span): Query<Span>) -> Result<Response, ApiError> {
    let range = match span.range.as_deref() {
        None => Range::default(),
        Some(word) => Range::parse(word).ok_or_else(|| Fault::field("range", "must be 1h, 6h, 24h or 7d"))?,
    };
    Ok(Json(service::experience::experience(&app, &caller.0, range).await?).into_response())
}

async fn channels(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let items = intake::channels(&app, &caller.0).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct NewChannel {
    label: String,
    secret: String,
    mapping: BTreeMap<String, String>,
}

async fn save_channel(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Body(new): Body<NewChannel>,
) -> Result<Response, ApiError> {
    Ok(Json(intake::save_channel(&app, &caller.0, &name, &new.label, &new.secret, new.mapping).await?).into_response())
}

async fn delete_channel(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    intake::delete_channel(&app, &caller.0, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/feedback", get(list))
        .route("/feedback/experience", get(experience))
        .route("/feedback/triage", post(decide))
        .route("/feedback/undo", post(undo))
        .route("/feedback/views", get(views).post(save_view))
        .route("/feedback/views/{id}", delete(delete_view))
        .route("/feedback/channels", get(channels))
        .route("/feedback/channels/{name}", put(save_channel).delete(delete_channel))
        .route("/feedback/{id}", get(one))
        .route("/feedback/{id}/history", get(history))
}
