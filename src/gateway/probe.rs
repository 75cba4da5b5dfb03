//! A test call: whether a provider answers at all, with the key and the address it has. It goes where ordinary calls are kept away from (a drained provider, an
//! open breaker), and what comes of it is told, not kept.

use super::attempt::{self, Sent};
use super::snapshot::Snapshot;
use super::translate;
use super::upstream::Operation;
use crate::server::App;
use axum::http::HeaderMap;
use http_body_util::BodyExt as _;
use hypercare_wire::dialect::Dialect;
use serde::Serialize;
use std::time::{Duration, Instant as Tick};

/// Longest answer read of a test call.
const MAX_ANSWER: usize = 256 * 1024;

/// How a test call went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probe {
    /// Whether an answer came that could be read.
    pub ok: bool,
    /// The provider's status, when it answered.
    pub status: Option<u16>,
    /// From sending to the whole answer, ms.
    pub duration_ms: u64,
    /// What the model said, or why there is no answer.
    pub message: String,
    /// Stable code of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

impl Probe {
    fn failed(began: Tick, status: Option<u16>, code: &'static str, message: String) -> Self {
        Self { ok: false, status, duration_ms: millis(began), message, code: Some(code) }
    }
}

fn millis(began: Tick) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Asks one model of one provider for a word; `None` when there is no such provider.
pub(crate) async fn probe(app: &App, snapshot: &Snapshot, provider: &str, model: &str) -> Option<Probe> {
    let target = snapshot.named(provider, model)?;
    let provider = &target.provider;
    let began = Tick::now();
    let asked = serde_json::json!({
        "model": model, "max_tokens": 16, "messages": [{ "role": "user", "content": "Reply with the single word: ok" }]
    });
    let body = match translate::request(Dialect::OpenAi, &target, asked.to_string().into(), false, true) {
        Ok(body) => body,
        Err(e) => return Some(Probe::failed(began, None, e.code, e.message)),
    };
    let dialect = provider.dialect(Dialect::OpenAi);
    let headers = HeaderMap::new();
    let sent = Sent { operation: Operation::Chat { stream: false }, dialect, model, body, forwarded: &headers };
    let response = match attempt::send(app.background().upstreams(), provider, sent).await {
        Ok(response) => response,
        Err(failure) => return Some(Probe::failed(began, failure.status, failure.error.code, failure.error.message)),
    };
    let status = response.status().as_u16();
    let limited = http_body_util::Limited::new(response.into_body(), MAX_ANSWER).collect();
    let read = match tokio::time::timeout(Duration::from_millis(provider.timeouts.total_ms), limited).await {
        Ok(Ok(body)) => translate::response(Dialect::OpenAi, dialect, &body.to_bytes(), 0, None, ("", model)),
        _ => None,
    };
    let Some((_, summary)) = read else {
        let why = "It answered, but not with what its dialect says an answer is. Is the address right?";
        return Some(Probe::failed(began, Some(status), "provider_malformed", why.to_owned()));
    };
    let message = summary.text.unwrap_or_else(|| "It answered without words.".to_owned());
    Some(Probe { ok: true, status: Some(status), duration_ms: millis(began), message, code: None })
}
