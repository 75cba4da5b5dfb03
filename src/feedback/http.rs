//! Feedback over HTTP: the data plane (keys and tokens, from any allowed origin) and the control plane.

use super::model::FeedbackFilter;
use super::service::{self, NewFeedback};
use crate::identity::Actor;
use crate::identity::http::{Caller, bearer};
use crate::server::{ApiError, App, Body};
use crate::types::{Fault, Id, PageRequest};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

/// The application behind a key, if one was sent; an unknown one is an error rather than nobody.
fn application(app: &App, headers: &HeaderMap) -> Result<Option<Actor>, Fault> {
    let Some(secret) = bearer(headers) else { return Ok(None) };
    let snapshot = app.snapshot();
    let key = snapshot.key(secret).ok_or_else(|| Fault::Unauthorised("This key is unknown or revoked.".to_owned()))?;
    Ok(Some(Actor::Key { name: key.name.clone(), scopes: key.scopes.clone() }))
}

async fn submit(State(app): State<App>, headers: HeaderMap, body: Result<Body<NewFeedback>, ApiError>) -> Response {
    let answer = async {
        let Body(new) = body?;
        let actor = application(&app, &headers)?;
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

async fn status(State(app): State<App>, headers: HeaderMap, Path(id): Path<String>, Query(query): Query<Token>) -> Response {
    let answer = async {
        let actor = application(&app, &headers)?;
        let id = Id::from_text(id);
        let status = service::status(&app, actor.as_ref(), query.token.as_deref(), &id).await?;
        Ok::<_, ApiError>(Json(json!({ "id": id, "status": status })).into_response())
    };
    open_to_browsers(answer.await.unwrap_or_else(IntoResponse::into_response))
}

async fn preflight() -> Response {
    open_to_browsers(StatusCode::NO_CONTENT.into_response())
}

/// The widget runs on the application's own pages. A token is good for one answer and no cookie is read here, so any origin may post.
fn open_to_browsers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, authorization, x-api-key"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// The data plane of this room.
pub fn data_plane() -> axum::Router<App> {
    axum::Router::new().route("/v1/feedback", post(submit).options(preflight)).route("/v1/feedback/{id}", get(status).options(preflight))
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

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new().route("/feedback", get(list)).route("/feedback/{id}", get(one))
}
