//! Issues over JSON, and what other trackers tell.

use super::model::{Clocks, IssueFilter};
use super::service::{self, NewIssue, Update, alerts, daily, trackers};
use crate::identity::http::Caller;
use crate::notify::signature::Signed;
use crate::server::{ApiError, App, Body, Query};
use crate::types::{Fault, Id, Instant, PageRequest};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<IssueFilter>,
    Query(page): Query<PageRequest>,
) -> Result<Response, ApiError> {
    Ok(Json(service::list(&app, &caller.0, &filter, &page).await?).into_response())
}

async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewIssue>) -> Result<Response, ApiError> {
    Ok((StatusCode::CREATED, Json(service::create(&app, &caller.0, new).await?)).into_response())
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, ApiError> {
    let number = service::number_of(&app, &caller.0, &id).await?;
    let issue = service::get(&app, &caller.0, number).await?;
    let timeline = service::timeline(&app, &caller.0, &issue).await?;
    let mut answer = serde_json::to_value(&issue).map_err(Fault::internal)?;
    if let Some(object) = answer.as_object_mut() {
        object.insert("timeline".to_owned(), serde_json::to_value(timeline).map_err(Fault::internal)?);
    }
    Ok(Json(answer).into_response())
}

async fn update(State(app): State<App>, caller: Caller, Path(id): Path<String>, Body(new): Body<Update>) -> Result<Response, ApiError> {
    let number = service::number_of(&app, &caller.0, &id).await?;
    Ok(Json(service::update(&app, &caller.0, number, new).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    words: String,
    link: Option<String>,
}

async fn note(State(app): State<App>, caller: Caller, Path(id): Path<String>, Body(note): Body<Note>) -> Result<Response, ApiError> {
    let number = service::number_of(&app, &caller.0, &id).await?;
    service::add_note(&app, &caller.0, number, &note.words, note.link.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Join {
    feedback: Vec<Id>,
}

async fn join(State(app): State<App>, caller: Caller, Path(id): Path<String>, Body(join): Body<Join>) -> Result<Response, ApiError> {
    let number = service::number_of(&app, &caller.0, &id).await?;
    Ok(Json(service::join(&app, &caller.0, number, &join.feedback).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Proposed {
    feedback: Vec<Id>,
    theme: Option<Id>,
}

async fn propose(State(app): State<App>, caller: Caller, Body(of): Body<Proposed>) -> Result<Response, ApiError> {
    Ok(Json(service::propose(&app, &caller.0, &of.feedback, of.theme.as_ref()).await?).into_response())
}

#[derive(Deserialize)]
struct Since {
    since: Option<Instant>,
}

async fn standup(State(app): State<App>, caller: Caller, Query(q): Query<Since>) -> Result<Response, ApiError> {
    Ok(Json(daily::standup(&app, &caller.0, q.since).await?).into_response())
}

async fn decisions(State(app): State<App>, caller: Caller, Query(page): Query<PageRequest>) -> Result<Response, ApiError> {
    Ok(Json(daily::decisions(&app, &caller.0, &page).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    title: String,
    #[serde(default)]
    why: String,
    issue: Option<i64>,
}

async fn decide(State(app): State<App>, caller: Caller, Body(new): Body<Decide>) -> Result<Response, ApiError> {
    let decision = daily::decide(&app, &caller.0, &new.title, &new.why, new.issue).await?;
    Ok((StatusCode::CREATED, Json(decision)).into_response())
}

async fn clocks(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    caller.0.require(crate::identity::model::Permission::ReadFeedback)?;
    Ok(Json(service::clocks(&app).await?).into_response())
}

async fn set_clocks(State(app): State<App>, caller: Caller, Body(new): Body<Clocks>) -> Result<Response, ApiError> {
    Ok(Json(service::set_clocks(&app, &caller.0, new).await?).into_response())
}

async fn tracker(State(app): State<App>, Path(channel): Path<String>, headers: HeaderMap, body: Bytes) -> Result<Response, ApiError> {
    let number = trackers::take(&app, &channel, Signed::of(&headers), &body).await?;
    Ok(Json(json!({ "issue": number })).into_response())
}

async fn alert(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (actor, told) = crate::feedback::http::read(&app, request).await?;
    let actor = actor.ok_or_else(|| Fault::Unauthorised("Send a key as `Authorization: Bearer …`.".to_owned()))?;
    Ok(Json(json!({ "issues": alerts::take(&app, &actor, told).await? })).into_response())
}

async fn known_issues(State(app): State<App>) -> Response {
    Json(service::public::known(&app)).into_response()
}

/// What needs no account: trackers sign, and the public page is public.
pub fn data_plane() -> axum::Router<App> {
    axum::Router::new()
        .route("/v1/trackers/{channel}", post(tracker))
        .route("/v1/alerts", post(alert))
        .route("/v1/status", get(known_issues))
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/issues", get(list).post(create))
        .route("/issues/proposal", post(propose))
        .route("/issues/standup", get(standup))
        .route("/issues/clocks", get(clocks).put(set_clocks))
        .route("/issues/{id}", get(one).patch(update))
        .route("/issues/{id}/notes", post(note))
        .route("/issues/{id}/feedback", post(join))
        .route("/decisions", get(decisions).post(decide))
}
