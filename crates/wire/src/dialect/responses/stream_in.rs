//! Reads a stream.

use super::item::REDACTED;
use super::response::{Ended, stop_reason};
use crate::dialect::{StreamReader, Unreadable};
use crate::form::{ErrorKind, StreamEvent};
use serde::Deserialize;

#[derive(Deserialize)]
struct Item {
    r#type: String,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
    encrypted_content: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    r#type: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
    model: Option<String>,
    error: Option<Said>,
    #[serde(flatten)]
    ended: Ended,
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    response: Option<Answer>,
    output_index: Option<u64>,
    summary_index: Option<u64>,
    item: Option<Item>,
    delta: Option<String>,
    error: Option<Said>,
    code: Option<String>,
    message: Option<String>,
}

/// A call under way.
#[derive(Debug)]
struct Call {
    item: u64,
    has_arguments: bool,
}

/// Reads the events' data of a stream, one by one. The data carries the event's name.
#[derive(Debug, Default)]
pub struct Reader {
    calls: Vec<Call>,
    started: bool,
    refused: bool,
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
            return Ok(Vec::new());
        }
        let event: Event = serde_json::from_slice(data).map_err(|e| Unreadable::Malformed(e.to_string()))?;
        let mut events = Vec::new();
        let index = event.output_index.unwrap_or(0);
        let delta = event.delta.filter(|d| !d.is_empty());
        match event.r#type.as_str() {
            "response.created" | "response.in_progress" => self.start(event.response.as_ref(), &mut events),
            "response.output_text.delta" => events.extend(delta.map(StreamEvent::TextDelta)),
            "response.refusal.delta" => {
                self.refused = true;
                events.extend(delta.map(StreamEvent::RefusalDelta));
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                events.extend(delta.map(StreamEvent::ThinkingDelta));
            }
            "response.reasoning_summary_part.added" if event.summary_index > Some(0) => {
                events.push(StreamEvent::ThinkingDelta("\n\n".to_owned()));
            }
            "response.output_item.added" => self.added(index, event.item, &mut events),
            "response.function_call_arguments.delta" => self.arguments(index, delta, &mut events),
            "response.output_item.done" => self.item_done(index, event.item, &mut events),
            "response.completed" | "response.incomplete" => {
                self.start(event.response.as_ref(), &mut events);
                let ended = event.response.map(|answer| answer.ended).unwrap_or_default();
                self.done = true;
                let stop = stop_reason(&ended, !self.calls.is_empty(), self.refused);
                events.extend(ended.counted().map(StreamEvent::Usage));
                events.push(StreamEvent::Stop(stop));
            }
            "response.failed" => events.push(failure(event.response.and_then(|answer| answer.error))),
            "error" => {
                let own = Said { r#type: None, code: event.code, message: event.message };
                events.push(failure(Some(event.error.unwrap_or(own))));
            }
            _ => {}
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<StreamEvent>, Unreadable> {
        if self.done { Ok(Vec::new()) } else { Err(Unreadable::EndedEarly) }
    }
}

fn failure(said: Option<Said>) -> StreamEvent {
    let said = said.unwrap_or(Said { r#type: None, code: None, message: None });
    let by_name = |name: &Option<String>| name.as_deref().and_then(ErrorKind::of_name);
    StreamEvent::Error {
        kind: by_name(&said.code).or_else(|| by_name(&said.r#type)).unwrap_or(ErrorKind::Api),
        message: said.message.unwrap_or_else(|| "the provider broke off".to_owned()),
    }
}

impl Reader {
    fn start(&mut self, answer: Option<&Answer>, events: &mut Vec<StreamEvent>) {
        if !self.started {
            self.started = true;
            let text = |get: fn(&Answer) -> &Option<String>| answer.and_then(|a| get(a).clone()).unwrap_or_default();
            events.push(StreamEvent::Start { id: text(|a| &a.id), model: text(|a| &a.model) });
        }
    }

    fn added(&mut self, index: u64, item: Option<Item>, events: &mut Vec<StreamEvent>) {
        if let Some(item) = item.filter(|item| item.r#type == "function_call") {
            let (id, name) = (item.call_id.unwrap_or_default(), item.name.unwrap_or_default());
            events.push(StreamEvent::ToolCallStart { index: self.calls.len(), id, name });
            self.calls.push(Call { item: index, has_arguments: false });
        }
    }

    fn arguments(&mut self, index: u64, arguments: Option<String>, events: &mut Vec<StreamEvent>) {
        let call = self.calls.iter_mut().enumerate().find(|(_, call)| call.item == index);
        if let (Some((index, call)), Some(arguments)) = (call, arguments) {
            call.has_arguments = true;
            events.push(StreamEvent::ToolCallDelta { index, arguments });
        }
    }

    fn item_done(&mut self, index: u64, item: Option<Item>, events: &mut Vec<StreamEvent>) {
        let Some(item) = item else { return };
        match item.r#type.as_str() {
            "reasoning" => {
                let proof = item.encrypted_content.filter(|p| !p.is_empty());
                events.extend(proof.map(|proof| match proof.strip_prefix(REDACTED) {
                    Some(data) => StreamEvent::RedactedThinking(data.to_owned()),
                    None => StreamEvent::SignatureDelta(proof),
                }));
            }
            "function_call" if self.calls.iter().any(|call| call.item == index && !call.has_arguments) => {
                let arguments = item.arguments.filter(|a| !a.trim().is_empty()).unwrap_or_else(|| "{}".to_owned());
                self.arguments(index, Some(arguments), events);
            }
            _ => {}
        }
    }
}
