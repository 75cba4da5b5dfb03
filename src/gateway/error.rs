//! What a caller of a model is told when it does not work.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use hypercare_wire::dialect::Dialect;
use hypercare_wire::error::openai_error;
use hypercare_wire::form::{ErrorKind, Failure};

/// An error of the data plane, answered in the envelope of the caller's dialect. `code` is stable.
#[derive(Clone, Debug)]
pub struct GatewayError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// The field it is about.
    pub param: Option<String>,
    /// Seconds to wait before another try.
    pub retry_after: Option<u64>,
    /// A provider's own error body to hand on unchanged (its verdict on the caller's request).
    pub verbatim: Option<bytes::Bytes>,
}

impl GatewayError {
    /// An error of that status and code.
    #[cold]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), param: None, retry_after: None, verbatim: None }
    }

    /// A route without a target.
    #[cold]
    pub fn no_target() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_target", "This route has nowhere to go.")
    }

    /// 400 about a field.
    #[cold]
    pub fn bad_request(code: &'static str, param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, code, message) }
    }

    /// No key, or one we do not know.
    #[cold]
    pub fn invalid_key(given: bool) -> Self {
        let message = if given {
            "This API key is unknown or revoked."
        } else {
            "No API key was sent. Send it as `Authorization: Bearer <key>` or `x-api-key`."
        };
        Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message)
    }

    /// A model this key may not use, or that is not there; with the nearest names it may use.
    #[cold]
    pub fn model_not_found(model: &str, nearest: &[String]) -> Self {
        let hint = if nearest.is_empty() { String::new() } else { format!(" Did you mean {}?", nearest.join(" or ")) };
        let message = format!("The model `{model}` does not exist or this key may not use it.{hint}");
        Self { param: Some("model".to_owned()), ..Self::new(StatusCode::NOT_FOUND, "model_not_found", message) }
    }

    /// OpenAI's word for the class of the error.
    fn kind(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        }
    }

    /// The kind of error, as all dialects understand it.
    pub fn form_kind(&self) -> ErrorKind {
        ErrorKind::of_status(self.status.as_u16())
    }

    /// The body in the dialect's envelope.
    pub fn body(&self, dialect: Dialect) -> Vec<u8> {
        match dialect {
            Dialect::OpenAi | Dialect::Responses => openai_error(&self.message, self.kind(), self.param.as_deref(), Some(self.code)),
            Dialect::Anthropic | Dialect::Gemini | Dialect::Bedrock => dialect.write_error(&Failure {
                kind: self.form_kind(),
                message: self.message.clone(),
                code: Some(self.code.to_owned()),
                param: self.param.clone(),
                request_id: None,
            }),
        }
    }

    /// The answer in the dialect's envelope.
    #[cold]
    pub fn answer(&self, dialect: Dialect) -> Response<Body> {
        let body = self.verbatim.as_ref().map_or_else(|| Body::from(self.body(dialect)), |body| Body::from(body.clone()));
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let wait = self.retry_after.or_else(|| matches!(self.status.as_u16(), 429 | 503).then_some(1));
        if let Some(seconds) = wait {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
