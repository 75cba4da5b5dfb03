//! What a finished call leaves behind.

use super::model::{Attempt, Outcome};
use crate::catalog::model::{Price, Tokens};
use crate::types::{Id, Instant, Nanodollars};
use bytes::Bytes;
use hypercare_wire::chat;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Longest body kept in the log, in bytes; the rest is cut.
const MAX_BODY: usize = 512 * 1024;
/// Characters of the last user message kept for lists.
const PREVIEW_CHARS: usize = 160;
/// Calls that may wait for the writer before new ones are counted as lost.
const QUEUE: usize = 100_000;

/// The answer as it passed by.
#[derive(Debug, Default)]
pub(crate) enum Captured {
    /// There was none.
    #[default]
    Nothing,
    /// A whole JSON answer, in the pieces it came in.
    Whole(Vec<Bytes>),
    /// What was read off a stream.
    Stream(Box<chat::ResponseSummary>),
}

/// Everything about one call, gathered on the hot path without parsing bodies or copying names.
#[derive(Debug)]
pub(crate) struct CallRecord {
    pub id: Id,
    pub request_id: String,
    pub started_at: Instant,
    pub endpoint: &'static str,
    pub key_name: Arc<str>,
    pub route: Option<Arc<str>>,
    pub variant: Option<Arc<str>>,
    pub provider: Option<Arc<str>>,
    pub model: Option<Arc<str>>,
    pub prompt: Option<Arc<str>>,
    pub status: u16,
    pub outcome: Outcome,
    pub error_code: Option<&'static str>,
    pub error_message: Option<String>,
    pub streamed: bool,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub source_ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub metadata: Option<serde_json::Value>,
    pub attempts: Vec<Attempt>,
    pub duration_us: i64,
    pub first_token_us: Option<i64>,
    pub overhead_us: i64,
    pub price: Option<Price>,
    pub request_body: Bytes,
    pub rendered_prompt: Option<String>,
    pub captured: Captured,
}

/// A line of the log as it is stored (and spooled).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogLine {
    pub id: Id,
    pub request_id: String,
    pub started_at: Instant,
    pub endpoint: String,
    pub key_name: String,
    pub route: Option<String>,
    pub variant: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub prompt: Option<String>,
    pub status: i64,
    pub outcome: Outcome,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub streamed: bool,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub metadata: Option<serde_json::Value>,
    pub attempts: Vec<Attempt>,
    pub duration_us: i64,
    pub first_token_us: Option<i64>,
    pub overhead_us: i64,
    pub tokens: Tokens,
    pub usage_missing: bool,
    pub cost: Nanodollars,
    pub finish_reason: Option<String>,
    pub confidence: Option<f64>,
    pub upstream_id: Option<String>,
    pub preview: Option<String>,
    pub request_body: Vec<u8>,
    pub rendered_prompt: Option<String>,
    pub response_body: Option<Vec<u8>>,
    pub response_text: Option<String>,
}

impl CallRecord {
    /// Reads tokens, text and preview off the bodies and prices the call.
    pub fn settle(self) -> LogLine {
        let (summary, body) = match self.captured {
            Captured::Nothing => (chat::ResponseSummary::default(), None),
            Captured::Whole(pieces) => {
                let body = join(pieces);
                (chat::summarise_response(&body), Some(cut(body)))
            }
            Captured::Stream(summary) => (*summary, None),
        };
        let usage = summary.usage.unwrap_or_default();
        let tokens = Tokens { input: usage.input, cached_input: usage.cached_input, output: usage.output, reasoning: usage.reasoning };
        let request = chat::summarise_request(&self.request_body, PREVIEW_CHARS);
        LogLine {
            id: self.id,
            request_id: self.request_id,
            started_at: self.started_at,
            endpoint: self.endpoint.to_owned(),
            key_name: self.key_name.to_string(),
            route: text(self.route),
            variant: text(self.variant),
            provider: text(self.provider),
            model: text(self.model),
            prompt: text(self.prompt),
            status: i64::from(self.status),
            outcome: self.outcome,
            error_code: self.error_code.map(str::to_owned),
            error_message: self.error_message,
            streamed: self.streamed,
            user_id: self.user_id,
            session_id: self.session_id,
            source_ip: self.source_ip.map(|ip| ip.to_string()),
            user_agent: self.user_agent,
            metadata: self.metadata,
            attempts: self.attempts,
            duration_us: self.duration_us,
            first_token_us: self.first_token_us,
            overhead_us: self.overhead_us,
            usage_missing: summary.usage.is_none() && self.outcome == Outcome::Ok,
            cost: self.price.map(|price| price.cost(tokens)).unwrap_or_default(),
            tokens,
            finish_reason: summary.finish_reason,
            confidence: summary.confidence,
            upstream_id: summary.upstream_id,
            preview: request.last_user_text,
            request_body: cut(self.request_body.to_vec()),
            rendered_prompt: self.rendered_prompt,
            response_body: body,
            response_text: summary.text,
        }
    }
}

fn text(shared: Option<Arc<str>>) -> Option<String> {
    shared.map(|s| s.to_string())
}

fn join(pieces: Vec<Bytes>) -> Vec<u8> {
    match <[Bytes; 1]>::try_from(pieces) {
        Ok([one]) => one.to_vec(),
        Err(many) => many.concat(),
    }
}

fn cut(mut body: Vec<u8>) -> Vec<u8> {
    body.truncate(MAX_BODY);
    body
}

/// The way into the log: never waits.
#[derive(Clone, Debug)]
pub(crate) struct LogQueue {
    sender: mpsc::Sender<CallRecord>,
    accepted: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
}

impl LogQueue {
    /// The queue and the end the writer reads.
    pub fn new() -> (Self, mpsc::Receiver<CallRecord>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self { sender, accepted: Arc::default(), lost: Arc::default() }, receiver)
    }

    /// Hands a record over; counts it as lost when the writer is a hundred thousand calls behind.
    pub fn push(&self, record: CallRecord) {
        let counter = if self.sender.try_send(record).is_ok() { &self.accepted } else { &self.lost };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls handed over since the start.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Calls lost since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
