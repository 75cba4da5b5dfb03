//! Errors, read and written.

use crate::error::openai_error;
use crate::form::{ErrorKind, Failure};
use serde_json::Value;

/// Reads an error's body; what is no envelope is told by its status alone.
pub fn read_error(status: u16, body: &[u8]) -> Failure {
    let said = crate::error::read_upstream_error(body);
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |key: &str| body.get("error").and_then(|e| e.get(key)).and_then(Value::as_str).map(str::to_owned);
    let name = text("type");
    let by_name = |name: &Option<String>| name.as_deref().and_then(ErrorKind::of_name);
    // OpenAI calls nearly everything `invalid_request_error`: the status says more, where it is an error's.
    let kind = match by_name(&name).or_else(|| by_name(&said.code)) {
        Some(kind) if kind != ErrorKind::InvalidRequest || status < 400 => kind,
        _ if status < 400 => ErrorKind::Api,
        _ => ErrorKind::of_status(status),
    };
    Failure {
        kind,
        message: said.message.unwrap_or_else(|| format!("the provider answered {status}")),
        code: said.code,
        param: text("param"),
        request_id: None,
    }
}

/// Writes an error's body.
pub fn write_error(failure: &Failure) -> Vec<u8> {
    openai_error(&failure.message, failure.kind.name(), failure.param.as_deref(), failure.code.as_deref())
}
