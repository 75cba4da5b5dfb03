//! Routes over JSON.

use super::service;
use crate::identity::http::Caller;
use crate::server::{ApiError, App, Body};
use crate::types::Fault;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{ETAG, IF_MATCH};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let items = service::list(&app, &caller.0).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

fn tagged(route: super::model::Route) -> Response {
    ([(ETAG, format!("\"{}\"", route.revision))], Json(route)).into_response()
}

async fn one(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(tagged(service::get(&app, &caller.0, &name).await?))
}

async fn history(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    let items = service::history(&app, &caller.0, &name).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    weights: BTreeMap<String, f64>,
    #[serde(default)]
    reason: String,
}

fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Fault> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"');
    if text == "*" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Fault::field("If-Match", "must be the ETag of the route as it was read"))
}

async fn set_split(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(split): Body<Split>,
) -> Result<Response, ApiError> {
    let revision = if_match(&headers)?;
    Ok(tagged(service::set_split(&app, &caller.0, &name, &split.weights, &split.reason, revision).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revert {
    revision: i64,
    #[serde(default)]
    reason: String,
}

async fn revert(State(app): State<App>, caller: Caller, Path(name): Path<String>, Body(to): Body<Revert>) -> Result<Response, ApiError> {
    Ok(tagged(service::revert(&app, &caller.0, &name, to.revision, &to.reason).await?))
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/routes", get(list))
        .route("/routes/{name}", get(one))
        .route("/routes/{name}/history", get(history))
        .route("/routes/{name}/split", put(set_split))
        .route("/routes/{name}/revert", post(revert))
}
