//! Writes a stream. Calls go out whole, with the end.

use super::error::write_error;
use super::proofs::{Proof, call, text_part};
use super::response::answer;
use crate::dialect::json::{Json, Members};
use crate::dialect::{MAX_KEPT, StreamWriter};
use crate::form::{ErrorKind, Failure, Raw, StopReason, StreamEvent};
use crate::usage::Usage;

/// A call, with the proof before it.
#[derive(Debug)]
struct Held {
    call: usize,
    id: String,
    name: String,
    arguments: String,
    proof: Proof,
}

/// Writes events as the bytes of a stream.
#[derive(Debug, Default)]
pub struct Writer {
    id: String,
    model: String,
    proof: Proof,
    held: Vec<Held>,
    /// Bytes of arguments seen.
    kept: usize,
    usage: Option<Usage>,
    stop: Option<StopReason>,
    ended: bool,
}

impl Writer {
    /// A writer at the beginning.
    pub fn new() -> Self {
        Self::default()
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, event: &StreamEvent) -> Vec<u8> {
        if self.ended {
            return Vec::new();
        }
        match event {
            StreamEvent::Start { id, model } => {
                id.clone_into(&mut self.id);
                model.clone_into(&mut self.model);
                Vec::new()
            }
            StreamEvent::TextDelta(text) | StreamEvent::RefusalDelta(text) => {
                let mut part = text_part(text);
                self.proof.put(&mut part);
                self.event(&[part.finish()], None)
            }
            StreamEvent::ThinkingDelta(text) => {
                let parts = self.proof.thought(text, None);
                self.parts(&parts)
            }
            StreamEvent::SignatureDelta(proof) => {
                let parts = self.proof.thought("", Some(proof));
                self.parts(&parts)
            }
            StreamEvent::RedactedThinking(data) => {
                let parts = self.proof.sealed(data);
                self.parts(&parts)
            }
            StreamEvent::ToolCallStart { index, id, name } => {
                let proof = std::mem::take(&mut self.proof);
                self.held.push(Held { call: *index, id: id.clone(), name: name.clone(), arguments: String::new(), proof });
                Vec::new()
            }
            StreamEvent::ToolCallDelta { index, arguments } => self.arguments(*index, arguments),
            StreamEvent::Stop(reason) => {
                self.stop = Some(reason.clone());
                Vec::new()
            }
            StreamEvent::Usage(usage) => {
                self.usage = Some(*usage);
                Vec::new()
            }
            StreamEvent::Error { kind, message } => self.fail(*kind, message),
            // Google's own readers know no comments; they all pass over empty lines.
            StreamEvent::Ping => b"\n".to_vec(),
        }
    }

    fn finish(&mut self) -> Vec<u8> {
        if self.ended {
            return Vec::new();
        }
        let Some(stop) = self.stop.take() else { return self.fail(ErrorKind::Api, "the provider's stream ended early") };
        let mut parts = Vec::with_capacity(self.held.len() + 1);
        for mut held in std::mem::take(&mut self.held) {
            let text = if held.arguments.trim().is_empty() { "{}" } else { held.arguments.as_str() };
            match Raw::parse(text).filter(|a| a.as_str().trim_start().starts_with('{')) {
                Some(arguments) => {
                    let inner = call(Some(&held.id), &held.name, &Json::of(&arguments));
                    let mut part = Members::new().with_json("functionCall", &inner.finish());
                    held.proof.put(&mut part);
                    parts.push(part.finish());
                }
                // Cut off in the middle of it, as the reason says.
                None if stop == StopReason::Length => {}
                None => return self.fail(ErrorKind::Api, "the provider's call is no JSON object"),
            }
        }
        parts.extend(self.proof.rest());
        if parts.is_empty() {
            parts.push(text_part("").finish());
        }
        self.ended = true;
        self.event(&parts, Some(&stop))
    }
}

impl Writer {
    fn event(&self, parts: &[Json], stop: Option<&StopReason>) -> Vec<u8> {
        let tokens = self.usage.as_ref().filter(|_| stop.is_some());
        format!("data: {}\n\n", answer(&self.id, &self.model, parts, stop, tokens).as_str()).into_bytes()
    }

    /// An event for these parts; none without parts.
    fn parts(&self, parts: &[Json]) -> Vec<u8> {
        if parts.is_empty() { Vec::new() } else { self.event(parts, None) }
    }

    fn fail(&mut self, kind: ErrorKind, message: &str) -> Vec<u8> {
        self.ended = true;
        let failure = Failure { kind, message: message.to_owned(), code: None, param: None, request_id: None };
        let mut out = b"data: ".to_vec();
        out.extend(write_error(&failure));
        out.extend(b"\n\n");
        out
    }

    fn arguments(&mut self, call: usize, piece: &str) -> Vec<u8> {
        self.kept += piece.len();
        if self.kept > MAX_KEPT {
            return self.fail(ErrorKind::Api, "the provider's calls are too long");
        }
        if let Some(held) = self.held.iter_mut().find(|held| held.call == call) {
            held.arguments.push_str(piece);
        }
        Vec::new()
    }
}
