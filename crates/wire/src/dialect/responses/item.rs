//! Output items, written.

use crate::dialect::json::{Json, Members};
use crate::form::{Content, Part, StopReason};
use crate::usage::{Tier, Usage};
use serde_json::Value;

/// Before the data of a sealed thought, to know it again.
pub(super) const REDACTED: &str = "redacted_thinking:";

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Reasoning { proof: Option<String> },
    Call { id: String, name: String },
}

/// An item of an answer.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// Its text, summary or arguments.
    pub(super) text: String,
}

impl Item {
    /// An item of the answer of this id, at this place.
    pub(super) fn new(kind: Kind, answer: &str, place: usize) -> Self {
        let id = match &kind {
            Kind::Text | Kind::Refusal => format!("msg_{answer}_{place}"),
            Kind::Reasoning { .. } => format!("rs_{answer}_{place}"),
            Kind::Call { id, .. } => format!("fc_{id}"),
        };
        Self { kind, id, text: String::new() }
    }

    /// The part of a message it is.
    pub(super) fn part(&self, text: &str) -> Json {
        match &self.kind {
            Kind::Refusal => Members::of_type("refusal").with("refusal", text).finish(),
            _ => Members::of_type("output_text").with("text", text).with_json("annotations", &Json::list(&[])).finish(),
        }
    }

    /// The item as it begins.
    pub(super) fn begun(&self) -> Json {
        self.json("in_progress", "", &[], &[])
    }

    /// The item as it is at the end.
    pub(super) fn done(&self) -> Json {
        let summary = Members::of_type("summary_text").with("text", &self.text).finish();
        let summary = if self.text.is_empty() { Vec::new() } else { vec![summary] };
        self.json("completed", &self.text, &[self.part(&self.text)], &summary)
    }

    fn json(&self, status: &str, arguments: &str, content: &[Json], summary: &[Json]) -> Json {
        match &self.kind {
            Kind::Text | Kind::Refusal => Members::of_type("message")
                .with("id", &self.id)
                .with("status", status)
                .with("role", "assistant")
                .with_json("content", &Json::list(content))
                .finish(),
            Kind::Reasoning { proof } => {
                let mut out = Members::of_type("reasoning").with("id", &self.id).with_json("summary", &Json::list(summary));
                out.some("encrypted_content", proof.as_ref());
                out.finish()
            }
            Kind::Call { id, name } => Members::of_type("function_call")
                .with("id", &self.id)
                .with("call_id", id)
                .with("name", name)
                .with("arguments", arguments)
                .with("status", status)
                .finish(),
        }
    }
}

/// The items of an answer's parts.
pub(super) fn items(answer: &str, parts: &[Part]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::with_capacity(parts.len());
    for part in parts {
        let (kind, text) = match &part.content {
            Content::Text(text) => (Kind::Text, text.as_str()),
            Content::Refusal(text) => (Kind::Refusal, text.as_str()),
            Content::Thinking { text, signature } => (Kind::Reasoning { proof: signature.clone() }, text.as_str()),
            Content::RedactedThinking { data } => (Kind::Reasoning { proof: Some(format!("{REDACTED}{data}")) }, ""),
            Content::ToolCall { id, name, arguments } => (Kind::Call { id: id.clone(), name: name.clone() }, arguments.as_str()),
            _ => continue,
        };
        match items.last_mut() {
            Some(last) if kind == Kind::Text && last.kind == kind => last.text.push_str(text),
            _ => items.push(Item { text: text.to_owned(), ..Item::new(kind, answer, items.len()) }),
        }
    }
    items
}

/// What a response object says.
pub(super) struct Answer<'a> {
    pub(super) id: &'a str,
    pub(super) model: &'a str,
    pub(super) created: u64,
    pub(super) items: &'a [Item],
    /// Why it stopped; `None`: it goes on.
    pub(super) stop: Option<&'a StopReason>,
    pub(super) error: Option<Json>,
    pub(super) usage: Option<&'a Usage>,
}

/// A response's id is known by its beginning.
pub(super) fn response_id(id: &str) -> String {
    if id.starts_with("resp_") { id.to_owned() } else { format!("resp_{id}") }
}

impl Answer<'_> {
    /// How it ended.
    pub(super) fn status(&self) -> (&'static str, Option<&'static str>) {
        let refused = self.items.iter().any(|item| item.kind == Kind::Refusal);
        match self.stop {
            _ if self.error.is_some() => ("failed", None),
            None => ("in_progress", None),
            Some(StopReason::Length) => ("incomplete", Some("max_output_tokens")),
            Some(StopReason::ContentFilter) if !refused => ("incomplete", Some("content_filter")),
            Some(_) => ("completed", None),
        }
    }

    /// The response object.
    pub(super) fn json(&self) -> Json {
        let (status, incomplete) = self.status();
        let details = incomplete.map_or_else(|| Json::of(&Value::Null), |reason| Members::new().with("reason", reason).finish());
        let output: Vec<Json> =
            if self.stop.is_some() || self.error.is_some() { self.items.iter().map(Item::done).collect() } else { Vec::new() };
        let mut out = Members::new()
            .with("id", &response_id(self.id))
            .with("object", "response")
            .with("created_at", &self.created)
            .with("status", status)
            .with_json("error", self.error.as_ref().unwrap_or(&Json::of(&Value::Null)))
            .with_json("incomplete_details", &details)
            .with("model", self.model)
            .with_json("output", &Json::list(&output))
            .with("parallel_tool_calls", &true)
            .with("tool_choice", "auto")
            .with_json("tools", &Json::list(&[]))
            .with_json("usage", &self.usage.map_or_else(|| Json::of(&Value::Null), usage));
        out.some("service_tier", self.usage.and_then(|usage| usage.tier).map(Tier::name).as_ref());
        out.finish()
    }
}

fn usage(u: &Usage) -> Json {
    let mut input = Members::new().with("cached_tokens", &u.cached_input);
    if u.cache_write > 0 {
        input.put("cache_write_tokens", &u.cache_write);
    }
    Members::new()
        .with("input_tokens", &u.input)
        .with_json("input_tokens_details", &input.finish())
        .with("output_tokens", &u.output)
        .with_json("output_tokens_details", &Members::new().with("reasoning_tokens", &u.reasoning).finish())
        .with("total_tokens", &u.input.saturating_add(u.output))
        .finish()
}
