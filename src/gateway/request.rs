//! What a call says about itself, beside its body.

use super::error::GatewayError;
use crate::types::Id;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use hypercare_wire::chat::ChatRequest;
use serde_json::Value;
use std::collections::HashMap;

/// Longest `x-hypercare-metadata`, in bytes.
const MAX_METADATA: usize = 4 * 1024;
/// Longest name of a user or session.
const MAX_NAME: usize = 256;

/// Who calls, in which conversation, with which values.
#[derive(Debug, Default)]
pub(super) struct CallContext {
    pub user: Option<String>,
    pub session: Option<String>,
    pub user_agent: Option<String>,
    pub metadata: Option<Value>,
    pub variables: HashMap<String, Value>,
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty())
}

/// The caller's `x-request-id` if it is at most 64 safe characters, else our own id.
pub(super) fn request_id(headers: &HeaderMap, id: &Id) -> String {
    let safe = |text: &&str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    header(headers, "x-request-id").filter(safe).map_or_else(|| id.to_string(), str::to_owned)
}

impl CallContext {
    /// Reads headers first, then what a plain SDK can send in the body (`user`, `metadata`).
    pub fn read(headers: &HeaderMap, chat: &ChatRequest<'_>) -> Result<Self, GatewayError> {
        let mut context = Self::default();
        context.user_agent = header(headers, USER_AGENT.as_str()).map(|agent| agent.chars().take(200).collect());
        context.user = name(header(headers, "x-hypercare-user").or(chat.user.as_deref()), "user")?;
        context.session = name(header(headers, "x-hypercare-session"), "x-hypercare-session")?;
        let mut metadata = serde_json::Map::new();
        if chat.has_metadata() {
            let given = chat.metadata().map_err(|e| GatewayError::bad_request("invalid_request", "metadata", e.to_string()))?;
            metadata.extend(given);
        }
        if let Some(text) = header(headers, "x-hypercare-metadata") {
            let given = object(text, "x-hypercare-metadata")?;
            if let Some((key, _)) = given.iter().find(|(_, value)| !value.is_string()) {
                return Err(GatewayError::bad_request("invalid_request", "x-hypercare-metadata", format!("`{key}` must be text")));
            }
            metadata.extend(given);
        }
        if let Some(Value::String(session)) = metadata.remove("session_id")
            && context.session.is_none()
        {
            context.session = name(Some(&session), "metadata.session_id")?;
        }
        match metadata.remove("prompt_variables") {
            Some(Value::Object(variables)) => context.variables.extend(variables),
            // OpenAI's own metadata takes only text, so variables come as JSON in text there.
            Some(Value::String(text)) => context.variables.extend(object(&text, "metadata.prompt_variables")?),
            Some(_) => return Err(GatewayError::bad_request("invalid_request", "metadata.prompt_variables", "must be an object")),
            None => {}
        }
        if let Some(text) = header(headers, "x-hypercare-prompt-variables") {
            context.variables.extend(object(text, "x-hypercare-prompt-variables")?);
        }
        context.metadata = (!metadata.is_empty()).then_some(Value::Object(metadata));
        Ok(context)
    }
}

fn name(text: Option<&str>, field: &str) -> Result<Option<String>, GatewayError> {
    match text {
        Some(text) if text.chars().count() > MAX_NAME => {
            Err(GatewayError::bad_request("invalid_request", field, format!("must have at most {MAX_NAME} characters")))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

fn object(text: &str, field: &str) -> Result<serde_json::Map<String, Value>, GatewayError> {
    if text.len() > MAX_METADATA && field == "x-hypercare-metadata" {
        return Err(GatewayError::bad_request("invalid_request", field, "must be at most 4 KiB"));
    }
    serde_json::from_str(text).map_err(|e| GatewayError::bad_request("invalid_request", field, format!("must be a JSON object: {e}")))
}
