//! What a call says about itself, beside its body.

use super::error::GatewayError;
use crate::prompts::render::Variables;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderName};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest `x-hypercare-metadata`, in bytes.
const MAX_METADATA: usize = 4 * 1024;
/// Longest metadata in a body, in bytes.
const MOST_METADATA: usize = 64 * 1024;
/// What is kept of a user agent, in bytes: `to_str` lets ASCII through only, so no letter is cut.
const MAX_AGENT: usize = 200;
/// Longest name of a user or session.
const MAX_NAME: usize = 256;

/// Who calls, in which conversation, with which values.
#[derive(Debug, Default)]
pub(super) struct CallContext {
    pub user: Option<Arc<str>>,
    pub session: Option<Arc<str>>,
    pub user_agent: Option<String>,
    /// A JSON object.
    pub metadata: Option<Box<RawValue>>,
    pub variables: Variables,
}

// Names are made once: looking up by text parses it every time.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const USER: HeaderName = HeaderName::from_static("x-hypercare-user");
const SESSION: HeaderName = HeaderName::from_static("x-hypercare-session");
const METADATA: HeaderName = HeaderName::from_static("x-hypercare-metadata");
const VARIABLES: HeaderName = HeaderName::from_static("x-hypercare-prompt-variables");

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty())
}

/// The caller's `x-request-id` if it is at most 64 safe characters.
pub(super) fn caller_id(headers: &HeaderMap) -> Option<&str> {
    let safe = |text: &&str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    header(headers, REQUEST_ID).filter(safe)
}

impl CallContext {
    /// Reads headers first, then what a plain SDK can send in the body (`user`, `metadata`).
    pub fn read(headers: &HeaderMap, body_user: Option<&str>, body_metadata: &[(Cow<'_, str>, &RawValue)]) -> Result<Self, GatewayError> {
        let mut context = Self {
            user_agent: header(headers, USER_AGENT).map(|agent| agent[..agent.len().min(MAX_AGENT)].to_owned()),
            user: name(header(headers, USER).or(body_user), "user")?,
            session: name(header(headers, SESSION), "x-hypercare-session")?,
            ..Self::default()
        };
        let given = header(headers, METADATA).map(metadata_header).transpose()?.unwrap_or_default();
        let mut kept: Vec<(&str, &RawValue)> = Vec::new();
        let in_header = given.iter().map(|(key, value)| (key.as_ref(), *value));
        for (key, value) in body_metadata.iter().map(|(key, value)| (key.as_ref(), *value)).chain(in_header) {
            match key {
                "session_id" if value.get().starts_with('"') => {
                    let session = text(value, "metadata.session_id")?;
                    if context.session.is_none() {
                        context.session = name(Some(&session), "metadata.session_id")?;
                    }
                }
                "prompt_variables" if value.get().starts_with('{') => {
                    context.variables.append(&mut object(value.get(), "metadata.prompt_variables")?);
                }
                // OpenAI's own metadata takes only text, so variables come as JSON in text there.
                "prompt_variables" if value.get().starts_with('"') => {
                    context.variables.append(&mut object(&text(value, "metadata.prompt_variables")?, "metadata.prompt_variables")?);
                }
                "prompt_variables" => {
                    return Err(GatewayError::bad_request("invalid_request", "metadata.prompt_variables", "must be an object"));
                }
                _ => {
                    // The header wins over the body.
                    kept.retain(|(earlier, _)| *earlier != key);
                    kept.push((key, value));
                }
            }
        }
        if let Some(variables) = header(headers, VARIABLES) {
            context.variables.append(&mut object(variables, "x-hypercare-prompt-variables")?);
        }
        if !kept.is_empty() {
            context.metadata = Some(joined(&kept)?);
        }
        Ok(context)
    }
}

fn joined(fields: &[(&str, &RawValue)]) -> Result<Box<RawValue>, GatewayError> {
    let map: BTreeMap<&str, &RawValue> = fields.iter().copied().collect();
    let refused = |why: String| GatewayError::bad_request("invalid_request", "metadata", why);
    let raw = serde_json::value::to_raw_value(&map).map_err(|e| refused(e.to_string()))?;
    if raw.get().len() > MOST_METADATA {
        return Err(refused(format!("must be at most {} KiB", MOST_METADATA / 1024)));
    }
    Ok(raw)
}

fn text<'a>(value: &'a RawValue, field: &str) -> Result<Cow<'a, str>, GatewayError> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let read = serde_json::from_str::<Text<'a>>(value.get());
    read.map(|t| t.0).map_err(|e| GatewayError::bad_request("invalid_request", field, e.to_string()))
}

fn name(text: Option<&str>, field: &str) -> Result<Option<Arc<str>>, GatewayError> {
    match text {
        Some(text) if text.len() > MAX_NAME && text.chars().count() > MAX_NAME => {
            Err(GatewayError::bad_request("invalid_request", field, format!("must have at most {MAX_NAME} characters")))
        }
        other => Ok(other.map(Into::into)),
    }
}

/// `x-hypercare-metadata`: a JSON object of text.
fn metadata_header(text: &str) -> Result<BTreeMap<Cow<'_, str>, &RawValue>, GatewayError> {
    const FIELD: &str = "x-hypercare-metadata";
    if text.len() > MAX_METADATA {
        return Err(GatewayError::bad_request("invalid_request", FIELD, "must be at most 4 KiB"));
    }
    let given: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text)
        .map_err(|e| GatewayError::bad_request("invalid_request", FIELD, format!("must be a JSON object: {e}")))?;
    match given.iter().find(|(_, value)| !value.get().starts_with('"')) {
        Some((key, _)) => Err(GatewayError::bad_request("invalid_request", FIELD, format!("`{key}` must be text"))),
        None => Ok(given),
    }
}

fn object(text: &str, field: &str) -> Result<Variables, GatewayError> {
    serde_json::from_str(text).map_err(|e| GatewayError::bad_request("invalid_request", field, format!("must be a JSON object: {e}")))
}
