//! The framing of a provider's stream: server-sent events, or Amazon's binary messages. Both give the same events.

use crate::dialect::Dialect;
use crate::sse::{Event, EventTooLarge};
use crate::{event_stream, sse};

/// Why a stream cannot be cut into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unframed {
    /// An event is too long.
    #[error(transparent)]
    TooLarge(#[from] EventTooLarge),
    /// A binary message is broken or too long.
    #[error(transparent)]
    Broken(#[from] event_stream::Broken),
}

/// Cuts a byte stream into events; chunks may end anywhere.
#[derive(Debug)]
pub enum Decoder {
    /// Server-sent events.
    Sse(sse::Decoder),
    /// Amazon's event stream.
    EventStream(event_stream::Decoder),
}

impl Decoder {
    /// The one a dialect's streams need, at their beginning.
    pub fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAi | Dialect::Anthropic | Dialect::Responses | Dialect::Gemini => Self::Sse(sse::Decoder::new()),
            Dialect::Bedrock => Self::EventStream(event_stream::Decoder::new()),
        }
    }

    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        match self {
            Self::Sse(decoder) => decoder.push(chunk),
            Self::EventStream(decoder) => decoder.push(chunk),
        }
    }

    /// The next complete event, if there is one.
    pub fn next_event(&mut self) -> Result<Option<Event>, Unframed> {
        match self {
            Self::Sse(decoder) => Ok(decoder.next_event()?),
            Self::EventStream(decoder) => Ok(decoder.next_event()?),
        }
    }

    /// What is left of an event that never ended.
    pub fn rest(&self) -> &[u8] {
        match self {
            Self::Sse(decoder) => decoder.rest(),
            Self::EventStream(decoder) => decoder.rest(),
        }
    }
}
