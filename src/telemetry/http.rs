//! The log, the numbers and the live feed over HTTP.

use super::live::{LiveEvent, Numbered};
use super::model::{Range, RequestFilter};
use super::service;
use crate::identity::http::Caller;
use crate::identity::model::Permission;
use crate::server::{ApiError, App, Query};
use crate::types::{Fault, Id, PageRequest};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use tokio_stream::wrappers::BroadcastStream;

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<RequestFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Response, ApiError> {
    Ok(Json(service::list_requests(&app, &caller.0, &filter, &page).await?).into_response())
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, ApiError> {
    Ok(Json(service::get_request(&app, &caller.0, &Id::from_text(id)).await?).into_response())
}

#[derive(Deserialize)]
struct Span {
    range: Option<String>,
    route: Option<String>,
}

async fn metrics(State(app): State<App>, caller: Caller, Query(span): Query<Span>) -> Result<Response, ApiError> {
    let range = match span.range.as_deref() {
        None => Range::default(),
        Some(word) => Range::parse(word).ok_or_else(|| Fault::field("range", "must be one of 1h, 6h, 24h, 7d"))?,
    };
    Ok(Json(service::overview(&app, &caller.0, range, span.route.as_deref()).await?).into_response())
}

async fn live(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, ApiError> {
    caller.0.require(Permission::ReadTraffic)?;
    let sensitive = caller.0.may(Permission::ReadSensitive);
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let (missed, receiver) = app.live().listen(last);
    // A listener too slow for the backlog skips ahead; the next event is as good as the lost ones were.
    let fresh = BroadcastStream::new(receiver).filter_map(|event| async { event.ok() });
    let events = stream::iter(missed).chain(fresh).take_until(app.stopping());
    Ok(Sse::new(to_sse(events, sensitive)).keep_alive(KeepAlive::default()).into_response())
}

/// As its listener may see it.
fn to_sse(events: impl Stream<Item = Numbered>, sensitive: bool) -> impl Stream<Item = Result<Event, Infallible>> {
    events.filter_map(move |numbered| async move {
        let (name, data) = match &numbered.event {
            LiveEvent::Metrics(metrics) => ("metrics", serde_json::to_string(metrics.as_ref())),
            LiveEvent::Feedback(feedback) => ("feedback", serde_json::to_string(&feedback.as_ref().clone().for_reader(sensitive))),
            LiveEvent::Config { kind, name } => ("config", serde_json::to_string(&json!({ "kind": kind, "name": name }))),
            LiveEvent::Alert { title, link } => ("alert", serde_json::to_string(&json!({ "title": title, "link": link }))),
            LiveEvent::Issue { number, title, state } => {
                ("issue", serde_json::to_string(&json!({ "number": number, "title": title, "state": state })))
            }
        };
        Some(Ok(Event::default().id(numbered.number.to_string()).event(name).data(data.ok()?)))
    })
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/requests", get(list))
        .route("/requests/{id}", get(one))
        .route("/metrics", get(metrics))
        .route("/live", get(live))
}
