//! A stream on its way from a provider's dialect to a caller's.
//!
//! In the same dialect the events' bytes pass unchanged and are only read; between two dialects they are read into the [form](crate::form) and written
//! again.

use crate::chat::{ResponseSummary, Seen, StreamScanner};
use crate::dialect::{Dialect, StreamReader, StreamWriter, anthropic, responses};
use crate::error::openai_stream_error;
use crate::form::{ErrorKind, Response, StopReason, StreamEvent};
use crate::sse::Event;
use bytes::Bytes;

/// Bytes of text kept for the log.
const MAX_TEXT: usize = 512 * 1024;

/// Reads a stream as it passes, and writes it where the caller speaks another dialect.
pub struct Passage {
    caller: Dialect,
    /// The id the answer gets, in place of the provider's.
    id: Option<String>,
    way: Way,
    /// The call's id and model, for a provider that says neither.
    called: (String, String),
}

enum Way {
    /// OpenAI chat at both ends: the hot path.
    Scanned { scanner: StreamScanner, keep_usage: bool },
    /// Read into the form; written again where there is a writer.
    Read { reader: Box<dyn StreamReader>, writer: Option<Box<dyn StreamWriter>>, gathered: Gathered },
}

/// What one event came to.
pub struct Passed {
    /// What it was.
    pub seen: Seen,
    /// What goes on to the caller; may be empty.
    pub bytes: Bytes,
}

impl Passage {
    /// From the provider's dialect to the caller's. `created` in seconds since 1970; `keep_usage`: whether the caller asked for the usage chunk.
    pub fn new(provider: Dialect, caller: Dialect, created: u64, keep_usage: bool) -> Self {
        let way = if provider == Dialect::OpenAi && caller == Dialect::OpenAi {
            Way::Scanned { scanner: StreamScanner::new(), keep_usage }
        } else {
            let writer = (provider != caller).then(|| caller.writer(created, keep_usage));
            Way::Read { reader: provider.reader(), writer, gathered: Gathered::default() }
        };
        Self { caller, id: None, way, called: (String::new(), String::new()) }
    }

    /// The answer gets this id, in place of the provider's, where it is written anew.
    #[must_use]
    pub fn named(self, id: Option<String>) -> Self {
        Self { id, ..self }
    }

    /// What to tell a caller of another dialect where the provider's stream says neither its id nor its model: Amazon's.
    #[must_use]
    pub fn called(mut self, id: &str, model: &str) -> Self {
        self.called = (id.to_owned(), model.to_owned());
        self
    }

    /// One event of the provider.
    pub fn event(&mut self, event: Event) -> Passed {
        match &mut self.way {
            Way::Scanned { scanner, keep_usage } => {
                let seen = scanner.scan(&event.data);
                let bytes = if seen == Seen::UsageOnly && !*keep_usage { Bytes::new() } else { event.raw };
                Passed { seen, bytes }
            }
            Way::Read { reader, writer, gathered } => {
                let Ok(mut events) = reader.data(&event.data) else { return Passed { seen: Seen::Error, bytes: Bytes::new() } };
                for event in &mut events {
                    name(event, &self.called);
                }
                let seen = events.iter().map(|event| gathered.add(event)).max_by_key(|seen| weight(*seen)).unwrap_or(Seen::Nothing);
                if let Some(name) = &self.id {
                    rename(&mut events, name);
                }
                let bytes = match writer {
                    None => event.raw,
                    Some(_) if seen == Seen::Error => Bytes::new(),
                    Some(writer) => events.iter().flat_map(|event| writer.write(event)).collect(),
                };
                Passed { seen, bytes }
            }
        }
    }

    /// The provider's bytes have ended. The last bytes for the caller, or `None` when the stream is not complete.
    pub fn end(&mut self) -> Option<Bytes> {
        match &mut self.way {
            Way::Scanned { scanner, .. } => (scanner.is_done() || scanner.has_finished()).then(Bytes::new),
            Way::Read { reader, writer, gathered } => {
                let events = reader.finish().ok()?;
                for event in &events {
                    gathered.add(event);
                }
                Some(writer.as_mut().map_or_else(Bytes::new, |writer| {
                    let mut bytes: Vec<u8> = events.iter().flat_map(|event| writer.write(event)).collect();
                    bytes.extend(writer.finish());
                    if self.caller == Dialect::Responses {
                        gathered.summary.answer = responses::whole_answer(&bytes).map(|raw| raw.as_str().to_owned().into());
                    }
                    bytes.into()
                }))
            }
        }
    }

    /// Whether the model has come to its end, and only the provider's last bytes may be missing.
    pub fn is_done(&self) -> bool {
        match &self.way {
            Way::Scanned { scanner, .. } => scanner.is_done(),
            Way::Read { gathered, .. } => gathered.summary.finish_reason.is_some(),
        }
    }

    /// What takes the place of the rest of a stream that broke, in the caller's dialect.
    pub fn error(&mut self, kind: ErrorKind, message: &str, code: &str) -> Bytes {
        match (&mut self.way, self.caller) {
            (Way::Read { writer: Some(writer), .. }, _) => writer.write(&StreamEvent::Error { kind, message: message.to_owned() }).into(),
            (_, Dialect::Anthropic) => anthropic::write_stream_error(kind, message).into(),
            (_, caller @ (Dialect::Gemini | Dialect::Bedrock)) => {
                caller.writer(0, false).write(&StreamEvent::Error { kind, message: message.to_owned() }).into()
            }
            (_, Dialect::OpenAi | Dialect::Responses) => openai_stream_error(message, "api_error", code).into(),
        }
    }

    /// What the log keeps.
    pub fn into_summary(self) -> ResponseSummary {
        match self.way {
            Way::Scanned { scanner, .. } => scanner.into_summary(),
            Way::Read { gathered, .. } => gathered.into_summary(),
        }
    }
}

/// The answer gets our id.
fn rename(events: &mut [StreamEvent], name: &str) {
    for event in events {
        if let StreamEvent::Start { id, .. } = event {
            name.clone_into(id);
        }
    }
}

/// Gives a beginning the id and the model it does not say.
fn name(event: &mut StreamEvent, (call, called): &(String, String)) {
    if let StreamEvent::Start { id, model } = event {
        for (said, known) in [(id, call), (model, called)] {
            if said.is_empty() {
                said.clone_from(known);
            }
        }
    }
}

/// Of several things in one event the one that matters most.
const fn weight(seen: Seen) -> u8 {
    match seen {
        Seen::Nothing => 0,
        Seen::UsageOnly => 1,
        Seen::Done => 2,
        Seen::Content => 3,
        Seen::Error => 4,
    }
}

/// What is read off the events of a stream.
#[derive(Default)]
struct Gathered {
    text: String,
    summary: ResponseSummary,
}

impl Gathered {
    fn add(&mut self, event: &StreamEvent) -> Seen {
        match event {
            StreamEvent::Start { id, .. } => {
                self.summary.upstream_id = Some(id.clone()).filter(|id| !id.is_empty());
                Seen::Nothing
            }
            StreamEvent::TextDelta(text) | StreamEvent::RefusalDelta(text) => {
                if self.text.len() + text.len() <= MAX_TEXT {
                    self.text.push_str(text);
                }
                if text.is_empty() { Seen::Nothing } else { Seen::Content }
            }
            StreamEvent::ThinkingDelta(_)
            | StreamEvent::RedactedThinking(_)
            | StreamEvent::ToolCallStart { .. }
            | StreamEvent::ToolCallDelta { .. } => Seen::Content,
            StreamEvent::Stop(reason) => {
                self.summary.finish_reason = Some(stop_name(reason).to_owned());
                Seen::Nothing
            }
            StreamEvent::Usage(usage) => {
                self.summary.usage = Some(*usage);
                Seen::Nothing
            }
            StreamEvent::Error { .. } => Seen::Error,
            StreamEvent::SignatureDelta(_) | StreamEvent::Ping => Seen::Nothing,
        }
    }

    fn into_summary(self) -> ResponseSummary {
        ResponseSummary { text: (!self.text.is_empty()).then_some(self.text), ..self.summary }
    }
}

/// OpenAI's word for a reason to stop, which the log uses for all.
fn stop_name(reason: &StopReason) -> &str {
    match reason {
        StopReason::Stop | StopReason::StopSequence(_) | StopReason::PauseTurn => "stop",
        StopReason::Length => "length",
        StopReason::ToolCalls => "tool_calls",
        StopReason::ContentFilter => "content_filter",
        StopReason::Other(name) => name,
    }
}

/// What the log keeps of a whole answer.
pub fn summary_of(response: &Response) -> ResponseSummary {
    use crate::form::Content;
    let said = response.parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) | Content::Refusal(text) => Some(text.as_str()),
        _ => None,
    });
    let text = said.collect::<Vec<_>>().join("\n");
    ResponseSummary {
        text: (!text.is_empty()).then_some(text),
        finish_reason: Some(stop_name(&response.stop).to_owned()),
        usage: response.usage,
        upstream_id: Some(response.id.clone()).filter(|id| !id.is_empty()),
        confidence: None,
        answer: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Decoder;
    use crate::usage::Usage;

    /// Anthropic's documented example of a stream, with a cache.
    const ANTHROPIC: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"claude-sonnet-4-5\",\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":25,\"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    fn pass(passage: &mut Passage, stream: &str) -> String {
        let mut decoder = Decoder::new();
        decoder.push(stream.as_bytes());
        let mut out = Vec::new();
        while let Some(event) = decoder.next_event().expect("small") {
            out.extend(passage.event(event).bytes);
        }
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn in_the_same_dialect_every_byte_passes_and_is_read() {
        let mut passage = Passage::new(Dialect::Anthropic, Dialect::Anthropic, 0, false);
        assert_eq!(pass(&mut passage, ANTHROPIC), ANTHROPIC);
        assert_eq!(passage.end(), Some(Bytes::new()));
        let summary = passage.into_summary();
        assert_eq!(summary.text.as_deref(), Some("Hello"));
        // Anthropic's input excludes what the cache gave.
        assert_eq!(summary.usage, Some(Usage { input: 125, cached_input: 100, output: 15, ..Usage::default() }));
        assert_eq!(summary.finish_reason.as_deref(), Some("stop"));
    }

    #[test]
    fn another_dialect_gets_its_own_events_and_its_own_end() {
        let mut passage = Passage::new(Dialect::Anthropic, Dialect::OpenAi, 7, false);
        let mut out = pass(&mut passage, ANTHROPIC);
        out.push_str(std::str::from_utf8(&passage.end().expect("complete")).expect("UTF-8"));
        assert!(out.contains(r#""content":"Hello""#), "{out}");
        assert!(out.ends_with("data: [DONE]\n\n"), "{out}");
        assert!(!out.contains("usage"), "nobody asked: {out}");
    }

    #[test]
    fn a_cut_stream_has_no_end_and_an_error_in_the_callers_words() {
        let cut = &ANTHROPIC[..ANTHROPIC.find("event: content_block_stop").expect("there")];
        let mut to_openai = Passage::new(Dialect::Anthropic, Dialect::OpenAi, 7, false);
        pass(&mut to_openai, cut);
        assert_eq!(to_openai.end(), None);
        let said = String::from_utf8(to_openai.error(ErrorKind::Api, "cut short", "provider_cut").to_vec()).expect("UTF-8");
        assert!(said.contains("cut short") && !said.contains("[DONE]"), "{said}");
        let mut same = Passage::new(Dialect::Anthropic, Dialect::Anthropic, 7, false);
        pass(&mut same, cut);
        assert_eq!(same.end(), None);
        let said = String::from_utf8(same.error(ErrorKind::Api, "cut short", "provider_cut").to_vec()).expect("UTF-8");
        assert!(said.starts_with("event: error\ndata: {\"type\":\"error\""), "{said}");
    }
}
