//! Models over JSON.

use super::service::{Listed, ModelFilter};
use crate::identity::http::Caller;
use crate::server::{ApiError, App, Query};
use crate::types::{Page, PageRequest};
use axum::Json;
use axum::extract::State;
use axum::routing::get;

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<ModelFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Page<Listed>>, ApiError> {
    Ok(Json(super::service::search(&app, &caller.0, &filter, &page).await?))
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new().route("/models", get(list))
}
