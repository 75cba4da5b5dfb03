//! Errors, read and written: `{"message"}`, with their type in the header `x-amzn-errortype` or in the body as `__type`.

use crate::dialect::json::Members;
use crate::form::{ErrorKind, Failure};
use serde::Deserialize;

/// Kind, Amazon's name for it, HTTP status. The first of a kind is what the kind is written as.
const TYPES: [(ErrorKind, &str, u16); 20] = [
    (ErrorKind::InvalidRequest, "ValidationException", 400),
    (ErrorKind::Authentication, "UnrecognizedClientException", 403),
    (ErrorKind::Authentication, "InvalidSignatureException", 403),
    (ErrorKind::Authentication, "IncompleteSignatureException", 403),
    (ErrorKind::Authentication, "ExpiredTokenException", 403),
    (ErrorKind::Authentication, "MissingAuthenticationTokenException", 403),
    (ErrorKind::Authentication, "InvalidClientTokenId", 403),
    (ErrorKind::Permission, "AccessDeniedException", 403),
    (ErrorKind::Billing, "AccessDeniedException", 403),
    (ErrorKind::NotFound, "ResourceNotFoundException", 404),
    (ErrorKind::Conflict, "ConflictException", 400),
    (ErrorKind::TooLarge, "ValidationException", 400),
    (ErrorKind::RateLimit, "ThrottlingException", 429),
    (ErrorKind::RateLimit, "ServiceQuotaExceededException", 400),
    (ErrorKind::Api, "InternalServerException", 500),
    (ErrorKind::Api, "ModelErrorException", 424),
    (ErrorKind::Api, "ModelStreamErrorException", 424),
    (ErrorKind::Timeout, "ModelTimeoutException", 408),
    (ErrorKind::Overloaded, "ServiceUnavailableException", 503),
    (ErrorKind::Overloaded, "ModelNotReadyException", 429),
];

#[derive(Default, Deserialize)]
pub(super) struct Said {
    #[serde(alias = "Message")]
    pub(super) message: Option<String>,
    #[serde(rename = "__type", alias = "code")]
    kind: Option<String>,
}

/// The kind of a name, as it stands in a body or, with a small letter, in a stream.
pub(super) fn kind_of(name: &str) -> Option<ErrorKind> {
    TYPES.iter().find(|(_, n, _)| n.eq_ignore_ascii_case(name)).map(|(kind, ..)| *kind)
}

/// Reads an error's body; where it does not say its type, the status does.
pub fn read_error(status: u16, body: &[u8]) -> Failure {
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    // Some write a namespace before the name, and an address behind it.
    let name = said.kind.as_deref().and_then(|k| k.rsplit('#').next()?.split(':').next()).filter(|n| !n.is_empty());
    // A model that broke is the provider's fault.
    let by_status = if status == 424 || status < 400 { ErrorKind::Api } else { ErrorKind::of_status(status) };
    Failure {
        kind: name.and_then(kind_of).unwrap_or(by_status),
        code: name.map(str::to_owned),
        message: said.message.unwrap_or_else(|| format!("the provider answered {status}")),
        param: None,
        request_id: None,
    }
}

/// Writes an error's body; Amazon's libraries read the type there too.
pub fn write_error(failure: &Failure) -> Vec<u8> {
    let own = failure.code.as_deref().filter(|code| kind_of(code).is_some());
    let name = own.or_else(|| TYPES.iter().find(|(kind, ..)| *kind == failure.kind).map(|(_, name, _)| *name));
    let mut body = Members::new();
    body.some("__type", name.as_ref()).put("message", &failure.message);
    body.finish().into_bytes()
}

/// The name of an error in a stream, which knows five.
pub(super) const fn exception(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::RateLimit => "throttlingException",
        ErrorKind::Overloaded => "serviceUnavailableException",
        ErrorKind::Timeout => "modelStreamErrorException",
        ErrorKind::Api => "internalServerException",
        ErrorKind::InvalidRequest
        | ErrorKind::Authentication
        | ErrorKind::Billing
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::TooLarge => "validationException",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_says_more_than_the_status_and_the_status_more_than_nothing() {
        let kind = |status, body: &str| read_error(status, body.as_bytes()).kind;
        // Statuses as in the reference of Converse.
        assert_eq!(kind(424, r#"{"message":"m"}"#), ErrorKind::Api);
        assert_eq!(kind(408, r#"{"message":"m"}"#), ErrorKind::Timeout);
        assert_eq!(kind(429, r#"{"message":"m"}"#), ErrorKind::RateLimit);
        assert_eq!(kind(503, "<html>"), ErrorKind::Overloaded);
        assert_eq!(kind(403, r#"{"message":"m","__type":"com.amazon.coral.service#ExpiredTokenException"}"#), ErrorKind::Authentication);
        assert_eq!(kind(403, r#"{"Message":"User is not authorized"}"#), ErrorKind::Permission);
        assert_eq!(read_error(403, br#"{"Message":"User is not authorized"}"#).message, "User is not authorized");
        assert_eq!(
            kind(400, r#"{"message":"m","__type":"ServiceQuotaExceededException:http://internal.amazon.com/"}"#),
            ErrorKind::RateLimit
        );
    }
}
