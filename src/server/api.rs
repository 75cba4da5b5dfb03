//! The router of everything that is not a page, and the shape of its errors.

use super::{App, csrf};
use crate::types::Fault;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::json;
use tower_http::timeout::RequestBodyTimeoutLayer;

/// A [`Fault`] as JSON: `{"error": {"code", "message", "fields"}}`.
#[derive(Debug)]
pub struct ApiError(pub Fault);

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let fault = self.0;
        if let Fault::Internal(cause) = &fault {
            tracing::error!(error = %cause, "an internal error was answered");
        }
        let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({ "error": { "code": fault.code(), "message": fault.to_string(), "fields": fault.fields() } });
        let mut response = (status, Json(body)).into_response();
        if let Fault::Throttled(seconds) = fault {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(app): State<App>) -> Response {
    let database = crate::identity::store::config_version(app.db()).await;
    let body = json!({
        "ready": true,
        "snapshot": app.snapshot().version(),
        "database": if database.is_ok() { "ok" } else { "away: calls go on from the snapshot, the log goes to the spool" },
        "spool_bytes": app.spooled_bytes(),
    });
    Json(body).into_response()
}

async fn no_such_call() -> ApiError {
    ApiError(Fault::NotFound("There is no such call. The list is in the documentation.".to_owned()))
}

async fn replicas(State(app): State<App>, caller: crate::identity::http::Caller) -> Result<Response, ApiError> {
    Ok(Json(super::replicas::list(&app, &caller.0).await?).into_response())
}

async fn export_config(State(app): State<App>, caller: crate::identity::http::Caller) -> Result<Response, ApiError> {
    let text = super::export::config(&app, &caller.0).await?;
    Ok(([(axum::http::header::CONTENT_TYPE, "application/toml; charset=utf-8")], text).into_response())
}

fn control_plane() -> Router<App> {
    Router::new()
        .merge(crate::identity::http::routes())
        .merge(crate::providers::http::routes())
        .merge(crate::catalog::http::routes())
        .merge(crate::prompts::http::routes())
        .merge(crate::routing::http::routes())
        .merge(crate::telemetry::http::routes())
        .merge(crate::feedback::http::routes())
        .merge(crate::themes::http::routes())
        .merge(crate::issues::http::routes())
        .merge(crate::surveys::http::routes())
        .merge(crate::notify::http::routes())
        .route("/replicas", get(replicas))
        .route("/export/config", get(export_config))
        .fallback(no_such_call)
}

/// Everything over HTTP: data plane, control plane, health, and the pages given. (Calls are taken before, in the [lanes](super::lanes).)
pub fn router(app: App, pages: Router<App>) -> Router {
    Router::new()
        .nest("/api/v1", control_plane())
        .merge(crate::feedback::http::data_plane())
        .merge(crate::issues::http::data_plane())
        .merge(crate::surveys::http::data_plane())
        .merge(pages)
        .layer(middleware::from_fn_with_state(app.clone(), csrf::same_site_only))
        .merge(crate::gateway::http::rest())
        .route("/api/openapi.json", get(super::openapi::openapi))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(crate::telemetry::prometheus::metrics))
        // Who sends half a body and then nothing is let go, as with calls.
        .layer(RequestBodyTimeoutLayer::new(app.settings().request_idle))
        .with_state(app)
}
