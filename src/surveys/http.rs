//! Surveys over HTTP: the data plane (keys and tokens, from any origin) and the control plane.

use super::model::SurveyDraft;
use super::service;
use super::service::asking::{self, Ask, NewAnswer};
use crate::feedback::http::{application, open_to_browsers, preflight, read};
use crate::feedback::service::hold;
use crate::identity::http::{Caller, source_ip};
use crate::server::{ApiError, App, Body, Query};
use crate::types::Id;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

async fn next(State(app): State<App>, ask: Result<Query<Ask>, ApiError>, request: Request) -> Response {
    let answer = async {
        let Query(ask) = ask?;
        let (parts, _) = request.into_parts();
        let actor = application(&app, &parts.headers)?;
        hold(&app, actor.as_ref(), source_ip(&parts))?;
        let question = asking::next(&app, actor.as_ref(), ask).await?;
        Ok::<_, ApiError>(question.map_or_else(|| StatusCode::NO_CONTENT.into_response(), |question| Json(question).into_response()))
    };
    let mut response = open_to_browsers(answer.await.unwrap_or_else(IntoResponse::into_response));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(State(app): State<App>, Path(id): Path<String>, request: Request) -> Response {
    let answer = async {
        let (_, new) = read::<NewAnswer>(&app, request).await?;
        let stored = asking::answer(&app, &Id::from_text(id), new).await?;
        let status = if stored.created { StatusCode::CREATED } else { StatusCode::OK };
        Ok::<_, ApiError>((status, Json(json!({ "id": stored.id }))).into_response())
    };
    open_to_browsers(answer.await.unwrap_or_else(IntoResponse::into_response))
}

/// The data plane of this room.
pub fn data_plane() -> axum::Router<App> {
    axum::Router::new()
        .route("/v1/surveys/next", get(next).options(preflight))
        .route("/v1/surveys/{id}/answers", post(answer).options(preflight))
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    let items = service::list(&app, &caller.0).await?;
    Ok(Json(json!({ "items": items, "next_cursor": null })).into_response())
}

async fn create(State(app): State<App>, caller: Caller, Body(draft): Body<SurveyDraft>) -> Result<Response, ApiError> {
    Ok((StatusCode::CREATED, Json(service::save(&app, &caller.0, draft, None).await?)).into_response())
}

async fn one(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(Json(service::get(&app, &caller.0, &name).await?).into_response())
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Body(draft): Body<SurveyDraft>,
) -> Result<Response, ApiError> {
    Ok(Json(service::replace(&app, &caller.0, &name, draft).await?).into_response())
}

async fn delete(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    service::delete(&app, &caller.0, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new().route("/surveys", get(list).post(create)).route("/surveys/{name}", get(one).put(replace).delete(delete))
}
