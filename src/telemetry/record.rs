//! One finished call, as the gateway hands it over, and what the log makes of it.

use super::block::{Bodies, Facts};
use super::kind::{Kind, Kinds, Names};
use super::model::Outcome;
use crate::catalog::model::Price;
use crate::gateway::Endpoint;
use crate::types::{Id, Instant, Nanodollars};
use bytes::Bytes;
use hypercare_wire::chat;
use hypercare_wire::count::countable as counted;
use hypercare_wire::dialect::Dialect;
use hypercare_wire::embeddings::{EmbeddingDialect, EmbeddingRequest, Input};
use hypercare_wire::passage::summary_of;
use hypercare_wire::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// Longest body kept in the log, in bytes; the rest is cut.
const MAX_BODY: usize = 512 * 1024;
/// Largest answer that is read between two calls, and most that is said in a call that is settled there, in bytes.
const READ_AT_ONCE: usize = 64 * 1024;
/// Characters of the last user message kept for lists.
const PREVIEW_CHARS: usize = 160;

/// The answer as it passed by.
#[derive(Debug, Default)]
pub(crate) enum Captured {
    /// There was none.
    #[default]
    Nothing,
    /// A whole JSON answer in that dialect, in the pieces it came in; most come in one.
    Whole(Dialect, Bytes, Vec<Bytes>),
    /// A whole answer that was read already.
    Read(Box<chat::ResponseSummary>, Bytes),
    /// What was read off a stream.
    Stream(Box<chat::ResponseSummary>),
}

impl Captured {
    /// A whole JSON answer in that dialect, in the pieces it came in.
    pub fn whole(dialect: Dialect, mut pieces: impl Iterator<Item = Bytes>) -> Self {
        Self::Whole(dialect, pieces.next().unwrap_or_default(), pieces.collect())
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Whole(_, first, more) => first.len() + more.iter().map(Bytes::len).sum::<usize>(),
            Self::Read(_, body) => body.len(),
            Self::Stream(summary) => summary.answer.as_ref().map_or(0, Bytes::len) + summary.text.as_ref().map_or(0, String::len),
        }
    }
}

/// One try, with names shared; written like an [`Attempt`](super::model::Attempt).
#[derive(Debug, Serialize)]
pub(crate) struct Tried {
    pub provider: Arc<str>,
    pub model: Arc<str>,
    pub status: Option<u16>,
    pub error: Option<&'static str>,
    pub duration_us: i64,
}

/// Everything about one call, gathered while it is answered without parsing bodies or copying names.
#[derive(Debug)]
pub(crate) struct CallRecord {
    pub id: Id,
    /// The caller's own id of the call, when it sent one.
    pub caller_id: Option<String>,
    pub started_at: Instant,
    pub names: Names,
    pub status: u16,
    pub outcome: Outcome,
    pub error_code: Option<&'static str>,
    pub error_message: Option<String>,
    pub streamed: bool,
    pub user_id: Option<Arc<str>>,
    pub session_id: Option<Arc<str>>,
    pub source_ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// A JSON object.
    pub metadata: Option<Box<RawValue>>,
    /// The call it is a copy of.
    pub shadow_of: Option<Id>,
    pub attempts: Vec<Tried>,
    pub duration_us: i64,
    pub first_token_us: Option<i64>,
    pub overhead_us: i64,
    pub price: Option<Arc<Price>>,
    /// Whether the log keeps what was said.
    pub keep_bodies: bool,
    pub request_body: Bytes,
    pub rendered_prompt: Option<Bytes>,
    pub captured: Captured,
}

/// A call's row in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub id: Id,
    pub caller_id: Option<String>,
    pub started_at: Instant,
    pub kind: Arc<Kind>,
    pub status: i64,
    pub outcome: Outcome,
    pub error_code: Option<Cow<'static, str>>,
    pub streamed: bool,
    pub user_id: Option<Arc<str>>,
    pub session_id: Option<Arc<str>>,
    pub duration_us: i64,
    pub first_token_us: Option<i64>,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost: Nanodollars,
    pub preview: Option<Arc<str>>,
    /// Only for the counters of this process.
    #[serde(skip)]
    pub overhead_us: i64,
    #[serde(skip)]
    pub cached_input_tokens: u64,
}

/// A row and what goes into the block.
pub(super) struct Settled {
    pub row: Row,
    pub facts: Facts<Tried>,
    keep_bodies: bool,
    request: Bytes,
    rendered_prompt: Option<Bytes>,
    response: Option<Bytes>,
    response_text: Option<String>,
}

impl Settled {
    /// The bodies, cut to what is kept.
    pub fn bodies(&self) -> Bodies<'_> {
        if !self.keep_bodies {
            return Bodies::default();
        }
        Bodies {
            request: Some(cut(&self.request)),
            rendered_prompt: self.rendered_prompt.as_deref().map(cut),
            response: self.response.as_deref().map(cut),
            response_text: self.response_text.as_deref().map(|text| cut(text.as_bytes())),
        }
    }
}

impl CallRecord {
    /// Reads the answer, unless it is a large one: whoever calls next should not wait for that. What was said is let go of if the log does not keep it and
    /// nothing is left to be counted in it: it then waits for no packer and no database.
    pub(super) fn read(&mut self) {
        if let Captured::Whole(dialect, first, more) = &mut self.captured
            && first.len() + more.iter().map(Bytes::len).sum::<usize>() <= READ_AT_ONCE
        {
            let body = join(std::mem::take(first), more);
            self.captured = Captured::Read(Box::new(kept_of(*dialect, &body)), body);
        }
        if self.keep_bodies {
            return;
        }
        let mut counted = match &mut self.captured {
            Captured::Whole(..) => return,
            Captured::Read(summary, _) | Captured::Stream(summary) => std::mem::take(summary),
            Captured::Nothing => Box::default(),
        };
        counted.answer = None;
        if !is_ours_to_count(self.outcome, &counted) {
            counted.text = None;
            self.request_body = Bytes::new();
            self.rendered_prompt = None;
        }
        self.captured = Captured::Stream(counted);
    }

    /// Whether settling it takes no longer than whoever calls next may wait: its answer is read, its tokens are counted, and it is no large one.
    pub(super) fn is_quick(&self) -> bool {
        let counted = match &self.captured {
            Captured::Nothing => self.outcome != Outcome::Ok,
            Captured::Whole(..) => false,
            Captured::Read(summary, _) | Captured::Stream(summary) => !is_ours_to_count(self.outcome, summary),
        };
        let prompt = self.rendered_prompt.as_ref().map_or(0, Bytes::len);
        counted && self.request_body.len() + prompt + self.captured.bytes() <= READ_AT_ONCE
    }

    /// Reads tokens, text and preview off the bodies and prices the call.
    pub(super) fn settle(self, kinds: &mut Kinds) -> Settled {
        let (mut summary, response) = match self.captured {
            Captured::Nothing => (chat::ResponseSummary::default(), None),
            Captured::Whole(dialect, first, more) => {
                let body = join(first, &more);
                (kept_of(dialect, &body), Some(body))
            }
            Captured::Read(summary, body) => (*summary, Some(body)),
            Captured::Stream(mut summary) => {
                let answer = summary.answer.take();
                (*summary, answer)
            }
        };
        let estimated = is_ours_to_count(self.outcome, &summary);
        let usage = match summary.usage {
            Some(usage) => usage,
            None if estimated => {
                let prompt = self.rendered_prompt.as_deref().and_then(|text| std::str::from_utf8(text).ok());
                estimate(&self.names, &self.request_body, prompt, summary.text.as_deref())
            }
            None => Usage::default(),
        };
        // The text of a whole answer can be read off its body again, unless that is cut.
        let response_text = summary.text.take().filter(|_| response.as_ref().is_none_or(|body| body.len() > MAX_BODY));
        let row = Row {
            id: self.id,
            caller_id: self.caller_id,
            started_at: self.started_at,
            kind: kinds.of(self.names),
            status: i64::from(self.status),
            outcome: self.outcome,
            error_code: self.error_code.map(Cow::Borrowed),
            streamed: self.streamed,
            user_id: self.user_id,
            session_id: self.session_id,
            duration_us: self.duration_us,
            first_token_us: self.first_token_us,
            input_tokens: count(usage.input),
            output_tokens: count(usage.output),
            cost: self.price.map(|price| price.cost(usage)).unwrap_or_default(),
            preview: self
                .keep_bodies
                .then(|| chat::summarise_request(&self.request_body, PREVIEW_CHARS).last_user_text)
                .flatten()
                .map(Into::into),
            overhead_us: self.overhead_us,
            cached_input_tokens: usage.cached_input,
        };
        let facts = Facts {
            error_message: self.error_message,
            source_ip: self.source_ip,
            user_agent: self.user_agent,
            metadata: self.metadata,
            shadow_of: self.shadow_of,
            attempts: self.attempts,
            overhead_us: self.overhead_us,
            cached_input_tokens: usage.cached_input,
            cache_write_tokens: usage.cache_write,
            reasoning_tokens: usage.reasoning,
            audio_input_tokens: usage.audio_input,
            audio_output_tokens: usage.audio_output,
            tier: usage.tier,
            estimated,
            finish_reason: summary.finish_reason,
            confidence: summary.confidence,
            upstream_id: summary.upstream_id,
        };
        let Self { keep_bodies, request_body: request, rendered_prompt, .. } = self;
        Settled { row, facts, keep_bodies, request, rendered_prompt, response, response_text }
    }
}

/// Whether a call's tokens are counted here. What the provider counted is taken, zero too. A call that failed before it said anything cost nothing.
fn is_ours_to_count(outcome: Outcome, summary: &chat::ResponseSummary) -> bool {
    summary.usage.is_none() && (outcome == Outcome::Ok || summary.text.is_some())
}

/// What the log keeps of a whole answer. Text that stands in the body it keeps is not kept twice.
fn kept_of(dialect: Dialect, body: &[u8]) -> chat::ResponseSummary {
    match dialect {
        Dialect::OpenAi if body.len() <= MAX_BODY => chat::count_response(body),
        _ => summarise(dialect, body),
    }
}

/// What a whole answer says; nothing of one that cannot be read.
pub(super) fn summarise(dialect: Dialect, body: &[u8]) -> chat::ResponseSummary {
    match dialect {
        Dialect::OpenAi => chat::summarise_response(body),
        other => other.read_response(body).map(|response| summary_of(&response)).unwrap_or_default(),
    }
}

/// Tokens of a call whose provider did not count, by the nearest public vocabulary.
fn estimate(names: &Names, body: &[u8], prompt: Option<&str>, said: Option<&str>) -> Usage {
    let model = names.model.as_deref().unwrap_or_default();
    let tokens = |text: &str| crate::catalog::tokens::estimate(model, text);
    let dialect = Endpoint::dialect_of(&names.endpoint);
    let asked = dialect.read_request(body).map(|request| counted(&request).texts).unwrap_or_default();
    let embedded = || {
        let asked = EmbeddingRequest::read(EmbeddingDialect::OpenAi, body, None).map(|asked| asked.inputs).unwrap_or_default();
        asked.into_iter().map(|input| match input {
            Input::Text(text) => tokens(&text),
            Input::Tokens(list) => list.len() as u64,
        })
    };
    // The prompt's messages are elements of a list.
    let prompt = prompt.map(|elements| format!(r#"{{"model":"-","messages":[{elements}]}}"#));
    let prompt = prompt.and_then(|body| Dialect::OpenAi.read_request(body.as_bytes()).ok()).map(|request| counted(&request).texts);
    let input = asked.iter().chain(prompt.iter().flatten()).map(|text| tokens(text)).sum::<u64>();
    let input = if asked.is_empty() { embedded().sum() } else { input };
    Usage { input, output: said.map(tokens).unwrap_or_default(), ..Usage::default() }
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn join(first: Bytes, more: &[Bytes]) -> Bytes {
    if more.is_empty() {
        return first;
    }
    let mut whole = first.to_vec();
    for piece in more {
        whole.extend_from_slice(piece);
    }
    whole.into()
}

fn cut(body: &[u8]) -> &[u8] {
    &body[..body.len().min(MAX_BODY)]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const ASKED: &str = r#"{"model":"bot","messages":[{"role":"user","content":"How do I get my money back?"}]}"#;

    /// A call that came to its end.
    pub fn call(keep_bodies: bool, captured: Captured) -> CallRecord {
        let names =
            Names { endpoint: "chat".into(), key: "k".into(), route: None, variant: None, provider: None, model: None, prompt: None };
        CallRecord {
            id: Id::new(),
            caller_id: None,
            started_at: Instant(1),
            names,
            status: 200,
            outcome: Outcome::Ok,
            error_code: None,
            error_message: None,
            streamed: false,
            user_id: None,
            session_id: None,
            source_ip: None,
            user_agent: None,
            metadata: None,
            shadow_of: None,
            attempts: Vec::new(),
            duration_us: 1,
            first_token_us: None,
            overhead_us: 1,
            price: None,
            keep_bodies,
            request_body: ASKED.into(),
            rendered_prompt: Some(r#"{"role":"system","content":"Be brief."}"#.into()),
            captured,
        }
    }

    fn answer(usage: &str) -> Bytes {
        let choice = r#"{"index":0,"message":{"role":"assistant","content":"By the form."},"finish_reason":"stop"}"#;
        format!(r#"{{"id":"chatcmpl-1","choices":[{choice}]{usage}}}"#).into()
    }

    #[test]
    fn the_log_says_the_same_of_a_call_whether_or_not_it_keeps_what_was_said() {
        let usage = r#","usage":{"prompt_tokens":11,"completion_tokens":7}"#;
        let whole = |body: Bytes| Captured::Whole(Dialect::OpenAi, body, Vec::new());
        let read = |body: Bytes| Captured::Read(Box::new(chat::summarise_response(&body)), body);
        let stream = |body: Bytes| {
            Captured::Stream(Box::new(chat::ResponseSummary { answer: Some(body.clone()), ..chat::summarise_response(&body) }))
        };
        let in_pieces = |body: Bytes| Captured::whole(Dialect::OpenAi, [body.slice(..20), body.slice(20..)].into_iter());
        let large = |body: Bytes| whole([&b" ".repeat(READ_AT_ONCE)[..], &body].concat().into());
        for usage in [usage, ""] {
            let ways: [&dyn Fn(Bytes) -> Captured; 6] = [&whole, &read, &stream, &in_pieces, &large, &|_| Captured::Nothing];
            for way in ways {
                let said = |keep: bool, outcome: Outcome| {
                    let mut record = CallRecord { outcome, ..call(keep, way(answer(usage))) };
                    record.read();
                    let settled = record.settle(&mut Kinds::default());
                    let row = &settled.row;
                    let facts = serde_json::to_value(&settled.facts).expect("JSON");
                    ((row.input_tokens, row.output_tokens, facts), settled.bodies().request.is_some())
                };
                for outcome in [Outcome::Ok, Outcome::Error, Outcome::ClientClosed] {
                    let ((kept, whole), (let_go, none)) = (said(true, outcome), said(false, outcome));
                    assert_eq!(kept, let_go);
                    assert_eq!((whole, none), (true, false));
                }
            }
        }
    }

    #[test]
    fn what_the_log_does_not_keep_does_not_travel() {
        let usage = r#","usage":{"prompt_tokens":11,"completion_tokens":7}"#;
        let mut counted = call(false, Captured::Whole(Dialect::OpenAi, answer(usage), Vec::new()));
        counted.read();
        assert!(counted.request_body.is_empty() && counted.rendered_prompt.is_none());
        assert!(matches!(&counted.captured, Captured::Stream(summary) if summary.text.is_none() && summary.answer.is_none()));
        // What nobody counted is counted by us, from what was said.
        let mut uncounted = call(false, Captured::Whole(Dialect::OpenAi, answer(""), Vec::new()));
        uncounted.read();
        assert_eq!(uncounted.request_body, ASKED);
        // Of a call that failed nothing is.
        let mut failed = CallRecord { outcome: Outcome::Error, ..call(false, Captured::Nothing) };
        failed.read();
        assert!(failed.request_body.is_empty());
    }

    #[test]
    fn what_takes_long_to_settle_is_left_to_the_packer() {
        let whole = |usage: &str| Captured::Whole(Dialect::OpenAi, answer(usage), Vec::new());
        let usage = r#","usage":{"prompt_tokens":11,"completion_tokens":7}"#;
        for keep in [true, false] {
            let quick = |mut record: CallRecord| {
                record.read();
                record.is_quick()
            };
            assert!(quick(call(keep, whole(usage))), "counted by its provider");
            assert!(!quick(call(keep, whole(""))), "to be counted here");
            assert!(!quick(call(keep, Captured::Nothing)), "to be counted here, too");
            assert!(quick(CallRecord { outcome: Outcome::Error, ..call(keep, Captured::Nothing) }), "nothing to be counted");
            let large = [&b" ".repeat(READ_AT_ONCE)[..], &answer(usage)].concat();
            assert!(!quick(call(keep, Captured::Whole(Dialect::OpenAi, large.into(), Vec::new()))), "a large answer");
            let asked = CallRecord { request_body: b" ".repeat(READ_AT_ONCE).into(), ..call(keep, whole(usage)) };
            assert_eq!(quick(asked), !keep, "a large request, if it is kept");
        }
    }
}
