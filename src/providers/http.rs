//! Providers over JSON.

use super::model::ProviderSummary;
use crate::gateway::Probe;
use crate::identity::http::Caller;
use crate::server::Body;
use crate::server::{ApiError, App};
use axum::Json;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::{Value, json};

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let items = super::service::list(&app, &caller.0).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draining {
    draining: bool,
    #[serde(default)]
    reason: String,
}

async fn drain(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<Draining>,
) -> Result<Json<ProviderSummary>, ApiError> {
    Ok(Json(super::service::set_draining(&app, &caller.0, &name, body.draining, &body.reason).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    model: String,
}

async fn test(State(app): State<App>, caller: Caller, Path(name): Path<String>, Body(body): Body<Test>) -> Result<Json<Probe>, ApiError> {
    Ok(Json(super::service::test(&app, &caller.0, &name, &body.model).await?))
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/providers", get(list))
        .route("/providers/{name}/draining", put(drain))
        .route("/providers/{name}/test", post(test))
}
