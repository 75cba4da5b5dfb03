//! Channels over JSON.

use super::service::{self, NewChannel};
use crate::identity::http::Caller;
use crate::server::{ApiError, App, Body};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use serde_json::json;

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let items = service::list(&app, &caller.0).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

async fn save(State(app): State<App>, caller: Caller, Path(name): Path<String>, Body(new): Body<NewChannel>) -> Result<Response, ApiError> {
    let (channel, secret) = service::save(&app, &caller.0, &name, new).await?;
    let mut answer = serde_json::to_value(channel).map_err(crate::types::Fault::internal)?;
    if let (Some(secret), Some(object)) = (secret, answer.as_object_mut()) {
        object.insert("secret".to_owned(), secret.into());
    }
    Ok(Json(answer).into_response())
}

async fn delete(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    service::delete(&app, &caller.0, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn deliveries(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    let items = service::deliveries(&app, &caller.0, &name).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/channels", get(list))
        .route("/channels/{name}", put(save).delete(delete))
        .route("/channels/{name}/deliveries", get(deliveries))
}
