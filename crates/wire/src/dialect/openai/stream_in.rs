//! Reads a stream.

use super::error::read_error;
use super::stop_reason;
use crate::dialect::{StreamReader, Unreadable};
use crate::form::{StopReason, StreamEvent};
use crate::usage::{OpenAiUsage, Tier, tier};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct ToolCall {
    index: Option<usize>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct ThinkingBlock {
    signature: Option<String>,
    data: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    thinking_blocks: Option<Vec<ThinkingBlock>>,
    tool_calls: Option<Vec<ToolCall>>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    id: Option<String>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<OpenAiUsage>,
    #[serde(default, deserialize_with = "tier")]
    service_tier: Option<Tier>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A call under way.
#[derive(Debug)]
struct Call {
    /// The provider's number for it.
    number: usize,
    id: String,
    has_arguments: bool,
}

/// How far a stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Before,
    Running,
    Stopped,
    Failed,
}

/// Reads the events' data of a stream, one by one.
#[derive(Debug, Default)]
pub struct Reader {
    phase: Phase,
    calls: Vec<Call>,
    refused: bool,
    /// Said with every chunk, or with some.
    tier: Option<Tier>,
    done: bool,
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
        if data == b"[DONE]" {
            self.done = true;
            return Ok(Vec::new());
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|e| Unreadable::Malformed(e.to_string()))?;
        if chunk.error.is_some() {
            self.phase = Phase::Failed;
            let failure = read_error(200, data);
            return Ok(vec![StreamEvent::Error { kind: failure.kind, message: failure.message }]);
        }
        let mut events = Vec::new();
        let choices = chunk.choices.unwrap_or_default();
        if self.phase == Phase::Before && !choices.is_empty() {
            self.phase = Phase::Running;
            events.push(StreamEvent::Start { id: chunk.id.unwrap_or_default(), model: chunk.model.unwrap_or_default() });
        }
        for choice in choices.into_iter().filter(|c| c.index == 0) {
            if let Some(delta) = choice.delta {
                self.delta(delta, &mut events);
            }
            if let Some(reason) = choice.finish_reason.filter(|_| self.phase != Phase::Stopped) {
                self.stop(&reason, &mut events);
            }
        }
        self.tier = chunk.service_tier.or(self.tier);
        if let Some(usage) = chunk.usage {
            events.push(StreamEvent::Usage(usage.counted(self.tier)));
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<StreamEvent>, Unreadable> {
        if self.phase == Phase::Failed || !(self.done || self.phase == Phase::Stopped) {
            return Err(Unreadable::EndedEarly);
        }
        let mut events = Vec::new();
        if self.phase == Phase::Running {
            self.stop("stop", &mut events);
        }
        Ok(events)
    }
}

impl Reader {
    fn stop(&mut self, reason: &str, events: &mut Vec<StreamEvent>) {
        self.phase = Phase::Stopped;
        self.close_calls(events);
        let stop = stop_reason(reason, !self.calls.is_empty());
        let stop = if self.refused && stop == StopReason::Stop { StopReason::ContentFilter } else { stop };
        events.push(StreamEvent::Stop(stop));
    }

    /// Calls that had no arguments get theirs.
    fn close_calls(&mut self, events: &mut Vec<StreamEvent>) {
        for (index, call) in self.calls.iter_mut().enumerate().filter(|(_, call)| !call.has_arguments) {
            call.has_arguments = true;
            events.push(StreamEvent::ToolCallDelta { index, arguments: "{}".to_owned() });
        }
    }

    fn delta(&mut self, delta: Delta, events: &mut Vec<StreamEvent>) {
        let some = |text: Option<String>| text.filter(|t| !t.is_empty());
        events.extend(some(delta.reasoning_content).map(StreamEvent::ThinkingDelta));
        for block in delta.thinking_blocks.unwrap_or_default() {
            events.extend(some(block.signature).map(StreamEvent::SignatureDelta));
            events.extend(some(block.data).map(StreamEvent::RedactedThinking));
        }
        events.extend(some(delta.content).map(StreamEvent::TextDelta));
        if let Some(refusal) = some(delta.refusal) {
            self.refused = true;
            events.push(StreamEvent::RefusalDelta(refusal));
        }
        for call in delta.tool_calls.unwrap_or_default() {
            self.tool_call(call, events);
        }
    }

    fn tool_call(&mut self, delta: ToolCall, events: &mut Vec<StreamEvent>) {
        let function = delta.function.unwrap_or_default();
        let id = delta.id.filter(|id| !id.is_empty());
        // Some count no calls: a new id is a new call, no id is the last one.
        let known = match delta.index {
            Some(number) => self.calls.iter().position(|c| c.number == number),
            None => match &id {
                Some(id) => self.calls.iter().position(|c| c.id == *id),
                None => self.calls.len().checked_sub(1),
            },
        };
        let index = known.unwrap_or_else(|| {
            let index = self.calls.len();
            let id = id.unwrap_or_else(|| format!("call_{index}"));
            self.calls.push(Call { number: delta.index.unwrap_or(index), id: id.clone(), has_arguments: false });
            events.push(StreamEvent::ToolCallStart { index, id, name: function.name.unwrap_or_default() });
            index
        });
        if let Some(arguments) = function.arguments.filter(|a| !a.is_empty()) {
            self.calls[index].has_arguments = true;
            events.push(StreamEvent::ToolCallDelta { index, arguments });
        }
    }
}
