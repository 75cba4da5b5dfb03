//! Routes over JSON.

use super::model::RouteDraft;
use super::service::{self, schedule};
use crate::identity::http::Caller;
use crate::server::{ApiError, App, Body, Query, unreadable};
use crate::types::{Fault, Id, Instant};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::Deserialize;
use serde_json::{Map, Value, json};
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

#[derive(Default, Deserialize)]
struct Why {
    #[serde(default)]
    reason: String,
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(why): Query<Why>,
    Body(draft): Body<RouteDraft>,
) -> Result<Response, ApiError> {
    let route = service::save(&app, &caller.0, draft, None, &why.reason).await?;
    Ok((StatusCode::CREATED, tagged(route)).into_response())
}

/// A route as it was read may be sent back changed: what only we write is left out, and the revision it was read at says whether somebody else was sooner.
fn draft_of(mut as_read: Map<String, Value>) -> Result<(RouteDraft, Option<i64>), Fault> {
    for ours in ["id", "updated_at", "updated_by"] {
        as_read.remove(ours);
    }
    let revision = match as_read.remove("revision") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_i64().ok_or_else(|| Fault::field("revision", "must be the route's revision as it was read"))?),
    };
    let draft = serde_json::from_value(Value::Object(as_read)).map_err(|e| unreadable(&e))?;
    Ok((draft, revision))
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(why): Query<Why>,
    Body(as_read): Body<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let (mut draft, read) = draft_of(as_read)?;
    if !draft.name.is_empty() && draft.name != name {
        return Err(Fault::field("name", "cannot be changed: apps send it").into());
    }
    draft.name = name;
    let revision = match if_match(&headers)?.or(read) {
        Some(revision) => revision,
        None => service::get(&app, &caller.0, &draft.name).await?.revision,
    };
    Ok(tagged(service::save(&app, &caller.0, draft, Some(revision), &why.reason).await?))
}

async fn remove(State(app): State<App>, caller: Caller, Path(name): Path<String>, Query(why): Query<Why>) -> Result<StatusCode, ApiError> {
    service::delete(&app, &caller.0, &name, &why.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    variant: String,
    #[serde(default)]
    reason: String,
}

async fn switch(State(app): State<App>, caller: Caller, Path(name): Path<String>, Body(to): Body<Switch>) -> Result<Response, ApiError> {
    Ok(tagged(service::switch_over(&app, &caller.0, &name, &to.variant, &to.reason).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    weights: BTreeMap<String, f64>,
    due_at: Instant,
    #[serde(default)]
    reason: String,
}

async fn scheduled(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    let items = schedule::list(&app, &caller.0, &name).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

async fn plan(State(app): State<App>, caller: Caller, Path(name): Path<String>, Body(to): Body<Planned>) -> Result<Response, ApiError> {
    let planned = schedule::plan(&app, &caller.0, &name, &to.weights, to.due_at, &to.reason).await?;
    Ok((StatusCode::CREATED, Json(planned)).into_response())
}

async fn cancel(State(app): State<App>, caller: Caller, Path((_, id)): Path<(String, String)>) -> Result<Response, ApiError> {
    Ok(Json(schedule::cancel(&app, &caller.0, &Id::from_text(id)).await?).into_response())
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/routes", get(list).post(create))
        .route("/routes/{name}", get(one).put(replace).delete(remove))
        .route("/routes/{name}/history", get(history))
        .route("/routes/{name}/split", put(set_split))
        .route("/routes/{name}/revert", post(revert))
        .route("/routes/{name}/switch", post(switch))
        .route("/routes/{name}/schedule", get(scheduled).post(plan))
        .route("/routes/{name}/schedule/{id}", delete(cancel))
}
