//! Themes over JSON.

use super::service;
use crate::feedback::model::since_span;
use crate::identity::http::Caller;
use crate::server::{ApiError, App, Body, Query};
use crate::types::{Duration, Fault, Id};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Over {
    since: Option<String>,
}

impl Over {
    fn span(&self) -> Result<Duration, Fault> {
        match self.since.as_deref().filter(|s| !s.is_empty()) {
            None => Ok(Duration::DAY),
            Some(word) => since_span(word).ok_or_else(|| Fault::field("since", "must be a span like 1h, 24h or 7d")),
        }
    }
}

async fn list(State(app): State<App>, caller: Caller, Query(over): Query<Over>) -> Result<Response, ApiError> {
    let items = service::list(&app, &caller.0, over.span()?).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>, Query(over): Query<Over>) -> Result<Response, ApiError> {
    Ok(Json(service::get(&app, &caller.0, &Id::from_text(id), over.span()?).await?).into_response())
}

async fn refresh(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    Ok(Json(service::refresh(&app, &caller.0).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

async fn rename(State(app): State<App>, caller: Caller, Path(id): Path<String>, Body(to): Body<Name>) -> Result<Response, ApiError> {
    service::rename(&app, &caller.0, &Id::from_text(id), &to.name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    into: Id,
}

async fn merge(State(app): State<App>, caller: Caller, Path(id): Path<String>, Body(to): Body<Target>) -> Result<Response, ApiError> {
    service::merge(&app, &caller.0, &Id::from_text(id), &to.into).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    name: String,
    feedback: Vec<Id>,
}

async fn split(State(app): State<App>, caller: Caller, Path(id): Path<String>, Body(new): Body<Split>) -> Result<Response, ApiError> {
    let id = service::split(&app, &caller.0, &Id::from_text(id), &new.name, &new.feedback).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/themes", get(list))
        .route("/themes/refresh", post(refresh))
        .route("/themes/{id}", get(one).patch(rename))
        .route("/themes/{id}/merge", post(merge))
        .route("/themes/{id}/split", post(split))
}
