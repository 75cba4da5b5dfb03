//! What an answer says, whole or as a stream.

use super::{ErrorKind, Part};
use crate::usage::Usage;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The provider's id of the call.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// What it said.
    pub parts: Vec<Part>,
    /// Why it stopped.
    pub stop: StopReason,
    /// Tokens, when the provider gave them.
    pub usage: Option<Usage>,
    /// When, in seconds since 1970, where the dialect says so.
    pub created: Option<u64>,
}

/// Why the model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It had said it all.
    Stop,
    /// The answer or the context is full.
    Length,
    /// It waits for tools.
    ToolCalls,
    /// It refused, or a filter did.
    ContentFilter,
    /// It came to a text of the caller's.
    StopSequence(String),
    /// A long turn paused; the caller may send it back to go on.
    PauseTurn,
    /// Something else, by the provider's name.
    Other(String),
}

/// One thing that happens in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// It begins.
    Start {
        /// The provider's id of the call.
        id: String,
        /// The model that answers.
        model: String,
    },
    /// More text.
    TextDelta(String),
    /// More of a refusal.
    RefusalDelta(String),
    /// More of a thought.
    ThinkingDelta(String),
    /// The thought is complete; the provider's proof of it.
    SignatureDelta(String),
    /// A sealed thought.
    RedactedThinking(String),
    /// A call of a tool begins.
    ToolCallStart {
        /// Which call, from 0.
        index: usize,
        /// Names it.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of its arguments. Every call gets at least one: `{}` when it has none.
    ToolCallDelta {
        /// Which call.
        index: usize,
        /// A piece of JSON text.
        arguments: String,
    },
    /// The model stops.
    Stop(StopReason),
    /// Tokens so far; each replaces the one before.
    Usage(Usage),
    /// The provider broke off.
    Error {
        /// What kind of error.
        kind: ErrorKind,
        /// Its sentence.
        message: String,
    },
    /// A sign of life.
    Ping,
}
