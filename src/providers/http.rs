//! Providers over JSON.

use crate::identity::http::Caller;
use crate::server::{ApiError, App};
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let items = super::service::list(&app, &caller.0).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })))
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new().route("/providers", get(list))
}
