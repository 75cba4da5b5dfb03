//! Prompts over JSON.

use super::diff;
use super::model::cases::CaseContent;
use super::model::{LabelGuard, Moved, VersionContent};
use super::service;
use super::service::cases::{self, Candidate};
use super::service::labels::{self, Move, Verdict};
use crate::gateway::playground;
use crate::identity::http::Caller;
use crate::server::{ApiError, App, Body, Query};
use crate::types::{Fault, Id, PageRequest};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use hypercare_wire::dialect::Dialect;
use serde::{Deserialize, Serialize};
use serde_json::json;

fn items(items: impl Serialize) -> Response {
    Json(json!({ "items": items, "next_cursor": null })).into_response()
}

#[derive(Deserialize)]
struct Search {
    q: Option<String>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(search): Query<Search>,
    Query(page): Query<PageRequest>,
) -> Result<Response, ApiError> {
    Ok(Json(service::list(&app, &caller.0, search.q.as_deref(), &page).await?).into_response())
}

async fn one(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(Json(service::get(&app, &caller.0, &name).await?).into_response())
}

async fn create_version(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Body(content): Body<VersionContent>,
) -> Result<Response, ApiError> {
    let version = service::create_version(&app, &caller.0, &name, content).await?;
    Ok((StatusCode::CREATED, Json(version)).into_response())
}

#[derive(Deserialize)]
struct Between {
    from: u32,
    to: u32,
}

async fn difference(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(between): Query<Between>,
) -> Result<Response, ApiError> {
    let prompt = service::get(&app, &caller.0, &name).await?;
    let missing = |number: u32| Fault::NotFound(format!("`{name}` has no version {number}."));
    let from = prompt.version(between.from).ok_or_else(|| missing(between.from))?;
    let to = prompt.version(between.to).ok_or_else(|| missing(between.to))?;
    Ok(items(diff::versions(&from.content, &to.content)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    version: u32,
    #[serde(default)]
    reason: String,
}

fn moved(moved: Moved) -> Response {
    let status = if matches!(moved, Moved::Waits { .. }) { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, Json(moved)).into_response()
}

async fn set_label(
    State(app): State<App>,
    caller: Caller,
    Path((prompt, label)): Path<(String, String)>,
    Body(to): Body<To>,
) -> Result<Response, ApiError> {
    let to = Move { prompt: &prompt, label: &label, version: to.version, reason: &to.reason };
    Ok(moved(labels::set_label(&app, &caller.0, to).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    #[serde(default)]
    reason: String,
}

async fn roll_back(
    State(app): State<App>,
    caller: Caller,
    Path((prompt, label)): Path<(String, String)>,
    Body(why): Body<Why>,
) -> Result<Response, ApiError> {
    Ok(moved(labels::roll_back(&app, &caller.0, &prompt, &label, &why.reason).await?))
}

async fn history(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(items(labels::history(&app, &caller.0, &name).await?))
}

async fn set_guard(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Body(guard): Body<LabelGuard>,
) -> Result<Response, ApiError> {
    Ok(Json(labels::set_guard(&app, &caller.0, &name, guard).await?).into_response())
}

#[derive(Deserialize)]
struct Which {
    /// `open`, or all.
    state: Option<String>,
    prompt: Option<String>,
}

async fn approvals(State(app): State<App>, caller: Caller, Query(which): Query<Which>) -> Result<Response, ApiError> {
    let open_only = match which.state.as_deref() {
        None | Some("all" | "") => false,
        Some("open") => true,
        Some(_) => return Err(Fault::field("state", "must be open or all").into()),
    };
    Ok(items(labels::list_approvals(&app, &caller.0, open_only, which.prompt.as_deref()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    #[serde(default)]
    note: String,
}

async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((id, verdict)): Path<(String, String)>,
    Body(said): Body<Note>,
) -> Result<Response, ApiError> {
    let verdict = match verdict.as_str() {
        "approve" => Verdict::Approve,
        "reject" => Verdict::Reject,
        "withdraw" => Verdict::Withdraw,
        _ => return Err(Fault::NotFound("A request can be approved, rejected or withdrawn.".to_owned()).into()),
    };
    Ok(Json(labels::decide(&app, &caller.0, &Id::from_text(id), verdict, &said.note).await?).into_response())
}

async fn list_cases(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(items(cases::list(&app, &caller.0, &name).await?))
}

async fn save_case(
    State(app): State<App>,
    caller: Caller,
    Path((prompt, name)): Path<(String, String)>,
    Body(content): Body<CaseContent>,
) -> Result<Response, ApiError> {
    Ok(Json(cases::save(&app, &caller.0, &prompt, &name, content).await?).into_response())
}

async fn delete_case(State(app): State<App>, caller: Caller, Path((prompt, name)): Path<(String, String)>) -> Result<StatusCode, ApiError> {
    cases::delete(&app, &caller.0, &prompt, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunOn {
    version: u32,
    provider: String,
    model: String,
}

async fn list_runs(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, ApiError> {
    Ok(items(cases::runs(&app, &caller.0, &name).await?))
}

async fn run(State(app): State<App>, caller: Caller, Path(name): Path<String>, Body(on): Body<RunOn>) -> Result<Response, ApiError> {
    let run = cases::run(&app, &caller.0, &name, on.version, (&on.provider, &on.model)).await?;
    Ok((StatusCode::CREATED, Json(run)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    /// The prompt's name; none sends the messages as they are.
    #[serde(default)]
    prompt: String,
    /// A saved version.
    version: Option<u32>,
    /// Or one that is being written.
    draft: Option<Box<VersionContent>>,
    provider: String,
    model: String,
    messages: Vec<serde_json::Value>,
    #[serde(default)]
    variables: std::collections::BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    checks: Vec<super::model::cases::Check>,
    /// Whether the answer comes as it is made, as a stream of chat completions.
    #[serde(default)]
    stream: bool,
}

async fn try_out(State(app): State<App>, caller: Caller, Body(asked): Body<Tried>) -> Result<Response, ApiError> {
    let candidate = match (asked.version, asked.draft) {
        (Some(_), Some(_)) => return Err(Fault::field("draft", "give a version or a draft, not both").into()),
        (Some(version), None) => Candidate::Version(version),
        (None, Some(draft)) => Candidate::Draft(draft),
        (None, None) => Candidate::Nothing,
    };
    let case = CaseContent { messages: asked.messages, variables: asked.variables, checks: asked.checks, request: None };
    let target = (asked.provider.as_str(), asked.model.as_str());
    if !asked.stream {
        return Ok(Json(cases::try_out(&app, &caller.0, &asked.prompt, &candidate, target, &case).await?).into_response());
    }
    let mut prepared = cases::prepare(&app, &caller.0, &asked.prompt, &candidate, target, &case).await?;
    prepared.stream = true;
    let (id, answered) = playground::call(&app, prepared).await;
    let mut response = answered.unwrap_or_else(|error| error.answer(Dialect::OpenAi));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert("x-request-id", id);
    }
    Ok(response)
}

/// The control plane of this room, below `/api/v1`.
pub fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/prompts", get(list))
        .route("/prompts/{name}", get(one))
        .route("/prompts/{name}/versions", post(create_version))
        .route("/prompts/{name}/diff", get(difference))
        .route("/prompts/{name}/history", get(history))
        .route("/prompts/{name}/protection", put(set_guard))
        .route("/prompts/{name}/labels/{label}", put(set_label))
        .route("/prompts/{name}/labels/{label}/rollback", post(roll_back))
        .route("/prompts/{name}/cases", get(list_cases))
        .route("/prompts/{name}/cases/{case}", put(save_case).delete(delete_case))
        .route("/prompts/{name}/runs", get(list_runs).post(run))
        .route("/approvals", get(approvals))
        .route("/approvals/{id}/{verdict}", post(decide))
        .route("/playground", post(try_out))
}
