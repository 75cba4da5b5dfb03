//! Errors in OpenAI's envelope.

use serde::Deserialize;
use serde_json::json;

/// `{"error":{"message","type","param","code"}}`.
pub fn openai_error(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Vec<u8> {
    json!({ "error": { "message": message, "type": kind, "param": param, "code": code } }).to_string().into_bytes()
}

/// The same as an event of a stream that broke: it takes the place of `[DONE]`.
pub fn openai_stream_error(message: &str, kind: &str, code: &str) -> Vec<u8> {
    let mut event = b"data: ".to_vec();
    event.extend(openai_error(message, kind, None, Some(code)));
    event.extend(b"\n\n");
    event
}

/// What a provider's error body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamError {
    /// Its sentence.
    pub message: Option<String>,
    /// Its code, where it has one.
    pub code: Option<String>,
}

/// Reads a provider's error body: OpenAI's envelope, `{"error": "…"}`, `{"message": "…"}`, or `{"detail": "…"}`.
pub fn read_upstream_error(body: &[u8]) -> UpstreamError {
    #[derive(Deserialize)]
    struct Body {
        error: Option<serde_json::Value>,
        message: Option<String>,
        detail: Option<serde_json::Value>,
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else { return UpstreamError::default() };
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    match body.error {
        Some(serde_json::Value::Object(error)) => UpstreamError {
            message: error.get("message").and_then(text),
            code: error.get("code").and_then(|c| text(c).or_else(|| c.as_i64().map(|n| n.to_string()))),
        },
        Some(serde_json::Value::String(message)) => UpstreamError { message: Some(message), code: None },
        _ => UpstreamError { message: body.message.or_else(|| body.detail.as_ref().and_then(text)), code: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_shapes_providers_use() {
        let said = |body: &str| read_upstream_error(body.as_bytes());
        assert_eq!(said(r#"{"error":{"message":"no","code":"rate_limit"}}"#).code.as_deref(), Some("rate_limit"));
        assert_eq!(said(r#"{"error":{"message":"no","code":429}}"#).code.as_deref(), Some("429"));
        assert_eq!(said(r#"{"error":"model not found"}"#).message.as_deref(), Some("model not found"));
        assert_eq!(said(r#"{"object":"error","message":"too long"}"#).message.as_deref(), Some("too long"));
        assert_eq!(said("<html>"), UpstreamError::default());
    }
}
