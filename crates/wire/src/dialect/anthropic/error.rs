//! Errors, read and written: `{"type":"error","error":{"type","message"},"request_id"}`.

use crate::dialect::json::{Json, Members};
use crate::form::{ErrorKind, Failure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Said {
    r#type: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    error: Option<Said>,
    request_id: Option<String>,
}

/// Reads an error's body; what is no envelope is told by its status alone.
pub fn read_error(status: u16, body: &[u8]) -> Failure {
    let envelope = serde_json::from_slice(body).unwrap_or(Envelope { error: None, request_id: None });
    let (name, message) = envelope.error.map_or((None, None), |e| (e.r#type, e.message));
    let by_status = if status < 400 { ErrorKind::Api } else { ErrorKind::of_status(status) };
    Failure {
        kind: name.as_deref().and_then(ErrorKind::of_name).unwrap_or(by_status),
        message: message.unwrap_or_else(|| format!("the provider answered {status}")),
        code: None,
        param: None,
        request_id: envelope.request_id,
    }
}

fn envelope(kind: ErrorKind, message: &str, request_id: Option<&String>) -> Json {
    let mut body = Members::of_type("error").with_json("error", &Members::of_type(kind.name()).with("message", message).finish());
    body.some("request_id", request_id);
    body.finish()
}

/// Writes an error's body.
pub fn write_error(failure: &Failure) -> Vec<u8> {
    envelope(failure.kind, &failure.message, failure.request_id.as_ref()).into_bytes()
}

/// The event of a stream that broke; nothing follows it.
pub fn write_stream_error(kind: ErrorKind, message: &str) -> Vec<u8> {
    format!("event: error\ndata: {}\n\n", envelope(kind, message, None).as_str()).into_bytes()
}
