//! Reads a stream: every event is an answer that says what is new.

use super::error::read_error;
use super::parts::{Calls, REDACTED};
use super::stop_reason;
use super::usage::Counted;
use crate::dialect::{StreamReader, Unreadable};
use crate::form::{StopReason, StreamEvent};
use crate::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct FunctionCall<'a> {
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    text: Option<String>,
    thought: Option<bool>,
    thought_signature: Option<String>,
    #[serde(borrow)]
    function_call: Option<FunctionCall<'a>>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow)]
    content: Option<Content<'a>>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
    block_reason_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    response_id: Option<String>,
    model_version: Option<String>,
    #[serde(borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Counted>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Reads the events' data of a stream, one by one.
#[derive(Debug, Default)]
pub struct Reader {
    calls: Calls,
    usage: Counted,
    started: bool,
    stopped: bool,
    failed: bool,
}

impl Reader {
    /// A reader at the beginning.
    pub fn new() -> Self {
        Self::default()
    }
}

impl StreamReader for Reader {
    fn data(&mut self, data: &[u8]) -> Result<Vec<StreamEvent>, Unreadable> {
        if data.is_empty() {
            return Ok(vec![StreamEvent::Ping]);
        }
        let event: Event<'_> = serde_json::from_slice(data).map_err(|e| Unreadable::Malformed(e.to_string()))?;
        if event.error.is_some() {
            self.failed = true;
            let failure = read_error(200, data);
            return Ok(vec![StreamEvent::Error { kind: failure.kind, message: failure.message }]);
        }
        let mut events = Vec::new();
        if !self.started {
            self.started = true;
            let id = event.response_id.unwrap_or_default();
            self.calls = Calls::of_answer(&id);
            events.push(StreamEvent::Start { id, model: event.model_version.unwrap_or_default() });
        }
        let candidates = event.candidates.unwrap_or_default();
        let blocked = event.prompt_feedback.filter(|f| f.block_reason.is_some() && candidates.is_empty());
        let mut stop = None;
        for candidate in candidates.into_iter().filter(|c| c.index == 0) {
            for part in candidate.content.and_then(|c| c.parts).unwrap_or_default() {
                self.part(part, &mut events);
            }
            stop = candidate.finish_reason.map(|name| stop_reason(&name, self.calls.count() > 0)).or(stop);
        }
        if let Some(feedback) = blocked {
            events.extend(feedback.block_reason_message.map(StreamEvent::RefusalDelta));
            stop = Some(StopReason::ContentFilter);
        }
        if let Some(usage) = event.usage_metadata {
            self.usage.merge(usage);
            events.push(StreamEvent::Usage(Usage::from(self.usage.clone())));
        }
        if let Some(stop) = stop.filter(|_| !self.stopped) {
            self.stopped = true;
            events.push(StreamEvent::Stop(stop));
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<StreamEvent>, Unreadable> {
        if self.failed || !self.stopped { Err(Unreadable::EndedEarly) } else { Ok(Vec::new()) }
    }
}

impl Reader {
    /// One part. Its proof is that of the thought before it, and comes before what the part says; that of a thought comes after it.
    fn part(&mut self, part: Part<'_>, events: &mut Vec<StreamEvent>) {
        let text = part.text.filter(|t| !t.is_empty());
        let proof = part.thought_signature.filter(|p| !p.is_empty()).map(|proof| match proof.strip_prefix(REDACTED) {
            Some(data) => StreamEvent::RedactedThinking(data.to_owned()),
            None => StreamEvent::SignatureDelta(proof),
        });
        if part.thought == Some(true) {
            events.extend(text.map(StreamEvent::ThinkingDelta));
            events.extend(proof);
            return;
        }
        events.extend(proof);
        events.extend(text.map(StreamEvent::TextDelta));
        if let Some(call) = part.function_call {
            let (index, name) = (self.calls.count(), call.name.unwrap_or_default());
            let id = self.calls.called(call.id, &name);
            events.push(StreamEvent::ToolCallStart { index, id, name });
            let arguments = call.args.map_or("{}", RawValue::get).to_owned();
            events.push(StreamEvent::ToolCallDelta { index, arguments });
        }
    }
}
