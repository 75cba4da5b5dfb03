//! Errors, read and written: `{"error":{"code","message","status","details"}}`.

use crate::dialect::json::{Json, Members};
use crate::form::{ErrorKind, Failure};
use serde::Deserialize;
use serde_json::Value;

#[derive(Default, Deserialize)]
struct Said {
    code: Option<u16>,
    message: Option<String>,
    status: Option<String>,
    #[serde(default)]
    details: Vec<Value>,
}

#[derive(Deserialize)]
struct Envelope {
    error: Said,
}

/// Kind, Google's name for it, HTTP status. The first of a name is what the name is read as.
const STATUS: [(ErrorKind, &str, u16); 18] = [
    (ErrorKind::InvalidRequest, "INVALID_ARGUMENT", 400),
    (ErrorKind::InvalidRequest, "FAILED_PRECONDITION", 400),
    (ErrorKind::InvalidRequest, "OUT_OF_RANGE", 400),
    (ErrorKind::Authentication, "UNAUTHENTICATED", 401),
    (ErrorKind::Billing, "FAILED_PRECONDITION", 402),
    (ErrorKind::Permission, "PERMISSION_DENIED", 403),
    (ErrorKind::NotFound, "NOT_FOUND", 404),
    (ErrorKind::Conflict, "ABORTED", 409),
    (ErrorKind::Conflict, "ALREADY_EXISTS", 409),
    (ErrorKind::TooLarge, "INVALID_ARGUMENT", 413),
    (ErrorKind::RateLimit, "RESOURCE_EXHAUSTED", 429),
    (ErrorKind::Timeout, "DEADLINE_EXCEEDED", 504),
    (ErrorKind::Overloaded, "UNAVAILABLE", 503),
    (ErrorKind::Api, "INTERNAL", 500),
    (ErrorKind::Api, "UNKNOWN", 500),
    (ErrorKind::Api, "DATA_LOSS", 500),
    (ErrorKind::Api, "UNIMPLEMENTED", 501),
    (ErrorKind::Api, "CANCELLED", 499),
];

/// Reads an error's body; what is no envelope is told by its status alone. Streams without `alt=sse` put it into a list.
pub fn read_error(status: u16, body: &[u8]) -> Failure {
    let listed = serde_json::from_slice::<Vec<Envelope>>(body).ok().and_then(|list| list.into_iter().next());
    let said = listed.or_else(|| serde_json::from_slice(body).ok()).map(|e| e.error).unwrap_or_default();
    let detail = |key: &str| said.details.iter().find_map(|d| d.get(key)?.as_str()).map(str::to_owned);
    let violation = said.details.iter().find_map(|d| d.get("fieldViolations")?.get(0)?.get("field")?.as_str());
    let reason = detail("reason");
    let code = if status < 400 { said.code.filter(|code| *code >= 400) } else { Some(status) };
    Failure {
        kind: kind(code, said.status.as_deref(), reason.as_deref()),
        param: violation.map(str::to_owned),
        request_id: detail("requestId"),
        code: reason.or(said.status),
        message: said.message.unwrap_or_else(|| format!("the provider answered {status}")),
    }
}

/// A wrong key is an `INVALID_ARGUMENT` with a reason of its own.
fn kind(code: Option<u16>, name: Option<&str>, reason: Option<&str>) -> ErrorKind {
    if matches!(reason, Some("API_KEY_INVALID" | "API_KEY_EXPIRED" | "ACCESS_TOKEN_EXPIRED" | "CREDENTIALS_MISSING")) {
        return ErrorKind::Authentication;
    }
    let by_name = STATUS.iter().find(|(_, n, _)| Some(*n) == name).map(|(kind, ..)| *kind);
    let by_code = code.map(ErrorKind::of_status);
    // Google has one name for these and others: the number says which.
    let closer = by_code.filter(|kind| matches!(kind, ErrorKind::Billing | ErrorKind::TooLarge));
    let by_name = by_name.map(|kind| closer.filter(|_| kind == ErrorKind::InvalidRequest).unwrap_or(kind));
    by_name.or(by_code).unwrap_or(ErrorKind::Api)
}

/// Writes an error's body.
pub fn write_error(failure: &Failure) -> Vec<u8> {
    let (_, name, code) = STATUS.iter().find(|(kind, ..)| *kind == failure.kind).unwrap_or(&STATUS[13]);
    let mut details = Vec::new();
    if let Some(reason) = failure.code.as_ref().filter(|code| STATUS.iter().all(|(_, name, _)| name != code)) {
        details.push(detail("ErrorInfo").with("reason", reason).finish());
    }
    if let Some(param) = &failure.param {
        let violation = Members::new().with("field", param).with("description", &failure.message).finish();
        details.push(detail("BadRequest").with_json("fieldViolations", &Json::list(&[violation])).finish());
    }
    if let Some(id) = &failure.request_id {
        details.push(detail("RequestInfo").with("requestId", id).finish());
    }
    let mut error = Members::new().with("code", code).with("message", &failure.message).with("status", name);
    if !details.is_empty() {
        error.json("details", &Json::list(&details));
    }
    Members::new().with_json("error", &error.finish()).finish().into_bytes()
}

fn detail(kind: &str) -> Members {
    Members::new().with("@type", &format!("type.googleapis.com/google.rpc.{kind}"))
}
