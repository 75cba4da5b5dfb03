//! Writes a stream.

use super::item::{Answer, Item, Kind, REDACTED};
use crate::dialect::json::{Json, Members};
use crate::dialect::{MAX_KEPT, StreamWriter};
use crate::form::{ErrorKind, StopReason, StreamEvent};
use crate::usage::Usage;
use serde_json::Value;

/// Writes events as the bytes of a stream. The last event repeats the whole answer, so all of it is kept.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    id: String,
    model: String,
    created: u64,
    sequence: u64,
    items: Vec<Item>,
    /// Bytes of text in them.
    kept: usize,
    /// Items that go on: at most one of text or thought, any number of calls.
    open: Vec<usize>,
    /// Where the calls are among the items.
    calls: Vec<(usize, usize)>,
    stop: Option<StopReason>,
    usage: Option<Usage>,
    started: bool,
    ended: bool,
}

impl Writer {
    /// A writer at the beginning. `created` in seconds since 1970.
    pub fn new(created: u64) -> Self {
        Self { created, ..Self::default() }
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, event: &StreamEvent) -> Vec<u8> {
        if self.ended {
            return Vec::new();
        }
        match event {
            StreamEvent::Start { id, model } => self.begin(id, model),
            StreamEvent::TextDelta(text) => self.say(Kind::Text, text),
            StreamEvent::RefusalDelta(text) => self.say(Kind::Refusal, text),
            StreamEvent::ThinkingDelta(text) => self.say(Kind::Reasoning { proof: None }, text),
            StreamEvent::SignatureDelta(signature) => {
                self.say(Kind::Reasoning { proof: None }, "");
                self.prove(signature.clone());
            }
            StreamEvent::RedactedThinking(data) => {
                self.close_all();
                self.add(Kind::Reasoning { proof: None });
                self.prove(format!("{REDACTED}{data}"));
            }
            StreamEvent::ToolCallStart { index, id, name } => {
                self.close_said();
                let at = self.add(Kind::Call { id: id.clone(), name: name.clone() });
                self.calls.push((*index, at));
            }
            StreamEvent::ToolCallDelta { index, arguments } => {
                if let Some(&(_, at)) = self.calls.iter().find(|(call, _)| call == index) {
                    self.kept += arguments.len();
                    self.items[at].text.push_str(arguments);
                    self.delta(at, "response.function_call_arguments.delta", arguments);
                }
            }
            StreamEvent::Stop(reason) => self.stop = Some(reason.clone()),
            StreamEvent::Usage(usage) => self.usage = Some(*usage),
            StreamEvent::Error { kind, message } => self.fail(*kind, message),
            StreamEvent::Ping => self.out.extend(b": ping\n\n"),
        }
        if self.kept > MAX_KEPT && !self.ended {
            self.fail(ErrorKind::Api, "the provider's answer is too long");
        }
        std::mem::take(&mut self.out)
    }

    fn finish(&mut self) -> Vec<u8> {
        if self.ended {
            return Vec::new();
        }
        if self.stop.is_none() {
            self.fail(ErrorKind::Api, "the provider's stream ended early");
            return std::mem::take(&mut self.out);
        }
        self.ensure_begun();
        self.close_all();
        self.ended = true;
        self.lifecycle(None);
        std::mem::take(&mut self.out)
    }
}

impl Writer {
    fn event(&mut self, name: &str, fields: &Members) {
        let data = Members::of_type(name).with("sequence_number", &self.sequence).and(fields).finish();
        self.sequence += 1;
        self.out.extend(format!("event: {name}\ndata: {}\n\n", data.as_str()).as_bytes());
    }

    fn begin(&mut self, id: &str, model: &str) {
        if self.started {
            return;
        }
        self.started = true;
        id.clone_into(&mut self.id);
        model.clone_into(&mut self.model);
        let json = Members::new().with_json("response", &self.answer(None).json());
        self.event("response.created", &json);
        self.event("response.in_progress", &json);
    }

    fn ensure_begun(&mut self) {
        self.begin("", "");
    }

    fn answer(&self, error: Option<Json>) -> Answer<'_> {
        let (stop, usage) = (self.stop.as_ref(), self.usage.as_ref());
        Answer { id: &self.id, model: &self.model, created: self.created, items: &self.items, stop, error, usage }
    }

    /// The event that ends the stream.
    fn lifecycle(&mut self, error: Option<Json>) {
        let answer = self.answer(error);
        let (name, json) = (format!("response.{}", answer.status().0), Members::new().with_json("response", &answer.json()));
        self.event(&name, &json);
    }

    fn fail(&mut self, kind: ErrorKind, message: &str) {
        self.ended = true;
        if self.started {
            let code = if kind == ErrorKind::RateLimit { "rate_limit_exceeded" } else { "server_error" };
            self.lifecycle(Some(Members::new().with("code", code).with("message", message).finish()));
        } else {
            self.event("error", &Members::new().with("code", kind.name()).with("message", message).with("param", &Value::Null));
        }
    }

    /// Fields that say where an event belongs.
    fn place(&self, at: usize) -> Members {
        let place = Members::new().with("item_id", &self.items[at].id).with("output_index", &at);
        match self.items[at].kind {
            Kind::Text | Kind::Refusal => place.with("content_index", &0),
            Kind::Reasoning { .. } => place.with("summary_index", &0),
            Kind::Call { .. } => place,
        }
    }

    /// Begins an item.
    fn add(&mut self, kind: Kind) -> usize {
        self.ensure_begun();
        let at = self.items.len();
        let item = Item::new(kind, &self.id, at);
        let begun = item.begun();
        self.items.push(item);
        self.open.push(at);
        self.event("response.output_item.added", &Members::new().with("output_index", &at).with_json("item", &begun));
        if matches!(self.items[at].kind, Kind::Text | Kind::Refusal) {
            let part = self.place(at).with_json("part", &self.items[at].part(""));
            self.event("response.content_part.added", &part);
        }
        at
    }

    /// More of a text or a thought: in the item that goes on, or a new one.
    fn say(&mut self, kind: Kind, text: &str) {
        let same = |at: &&usize| std::mem::discriminant(&self.items[**at].kind) == std::mem::discriminant(&kind);
        let name = match kind {
            Kind::Text => "response.output_text.delta",
            Kind::Refusal => "response.refusal.delta",
            _ => "response.reasoning_summary_text.delta",
        };
        let at = if let Some(&at) = self.open.iter().find(same) {
            at
        } else {
            self.close_all();
            self.add(kind)
        };
        if text.is_empty() {
            return;
        }
        if self.items[at].text.is_empty() && matches!(self.items[at].kind, Kind::Reasoning { .. }) {
            let part = self.place(at).with_json("part", &Members::of_type("summary_text").with("text", "").finish());
            self.event("response.reasoning_summary_part.added", &part);
        }
        self.kept += text.len();
        self.items[at].text.push_str(text);
        self.delta(at, name, text);
    }

    fn delta(&mut self, at: usize, name: &str, text: &str) {
        let mut fields = self.place(at).with("delta", text);
        if self.items[at].kind == Kind::Text {
            fields.json("logprobs", &Json::list(&[]));
        }
        self.event(name, &fields);
    }

    /// The thought under way is complete.
    fn prove(&mut self, signature: String) {
        if let Some(&at) = self.open.last() {
            self.items[at].kind = Kind::Reasoning { proof: Some(signature) };
            self.close(at);
        }
    }

    /// Ends the text or thought under way, not the calls.
    fn close_said(&mut self) {
        let said = self.open.iter().find(|at| !matches!(self.items[**at].kind, Kind::Call { .. })).copied();
        if let Some(at) = said {
            self.close(at);
        }
    }

    fn close_all(&mut self) {
        while let Some(&at) = self.open.first() {
            self.close(at);
        }
    }

    fn close(&mut self, at: usize) {
        self.open.retain(|open| *open != at);
        let item = self.items[at].clone();
        let text = &item.text;
        match item.kind {
            Kind::Text => {
                let done = self.place(at).with("text", text).with_json("logprobs", &Json::list(&[]));
                self.event("response.output_text.done", &done);
            }
            Kind::Refusal => self.event("response.refusal.done", &self.place(at).with("refusal", text)),
            Kind::Reasoning { .. } if !text.is_empty() => {
                self.event("response.reasoning_summary_text.done", &self.place(at).with("text", text));
                let part = Members::of_type("summary_text").with("text", text).finish();
                self.event("response.reasoning_summary_part.done", &self.place(at).with_json("part", &part));
            }
            Kind::Reasoning { .. } => {}
            Kind::Call { ref name, .. } => {
                let done = self.place(at).with("name", name).with("arguments", text);
                self.event("response.function_call_arguments.done", &done);
            }
        }
        if matches!(item.kind, Kind::Text | Kind::Refusal) {
            self.event("response.content_part.done", &self.place(at).with_json("part", &item.part(text)));
        }
        self.event("response.output_item.done", &Members::new().with("output_index", &at).with_json("item", &item.done()));
    }
}
