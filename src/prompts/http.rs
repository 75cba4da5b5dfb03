//! Prompts over JSON.

use super::model::VersionContent;
use super::service;
use crate::identity::http::Caller;
use crate::server::{ApiError, App, Body};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Search {
    q: Option<String>,
}

async fn list(State(app): State<App>, caller: Caller, Query(search): Query<Search>) -> Result<Response, ApiError> {
    let items = service::list(&app, &caller.0, search.q.as_deref()).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

async fn one(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(Json(service::get(&app, &caller.0, &name).await?).into_response())
}

async fn create_version(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Body(content): Body<VersionContent>,
) -> Result<Response, ApiError> {
    let version = service::create_version(&app, &caller.0, &name, content).await?;
    Ok((StatusCode::CREATED, Json(version)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    version: u32,
    #[serde(default)]
    reason: String,
}

async fn set_label(
    State(app): State<App>,
    caller: Caller,
    Path((name, label)): Path<(String, String)>,
    Body(to): Body<Move>,
) -> Result<Response, ApiError> {
    Ok(Json(service::set_label(&app, &caller.0, &name, &label, to.version, &to.reason).await?).into_response())
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/prompts", get(list))
        .route("/prompts/{name}", get(one))
        .route("/prompts/{name}/versions", post(create_version))
        .route("/prompts/{name}/labels/{label}", put(set_label))
}
