//! Amazon Bedrock Runtime: `Converse` and `ConverseStream`.
//!
//! The address names the model and whether a stream is asked for: [`target`] reads it, [`path`] writes it, and no body says it; answers name neither
//! themselves nor the model. Streams are binary ([`event_stream`](crate::event_stream)); a reader takes what
//! [`Message::as_data`](crate::event_stream::Message::as_data) gives. What a kind of model takes beyond the common fields is said by its [`Family`].
//! Answers of a given shape are asked for with a tool the model must call, and come back as text.

mod answer;
mod blocks;
mod cache;
mod error;
mod family;
mod media;
mod read;
mod response;
mod stream_in;
mod stream_out;
mod target;
mod tools;
mod usage;
mod write;
mod write_blocks;

pub use error::{read_error, write_error};
pub use family::Family;
pub use read::read_request;
pub use response::{read_response, write_response};
pub use stream_in::Reader;
pub use stream_out::Writer;
pub use target::{Target, count_path, path, target};
pub use write::{Options, write_request};

use crate::form::StopReason;
use serde_json::{Value, json};

/// Where a body asks for the text at which Claude stopped, and an answer gives it.
const STOP_SEQUENCE: &str = "stop_sequence";

/// Reasons no other dialect has.
const OTHERS: [&str; 2] = ["malformed_model_output", "malformed_tool_use"];

/// Reads `stopReason`, and the text at which Claude stopped.
fn stop_reason(name: &str, sequence: Option<String>) -> StopReason {
    match name {
        "end_turn" => StopReason::Stop,
        "stop_sequence" => StopReason::StopSequence(sequence.unwrap_or_default()),
        "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "tool_use" => StopReason::ToolCalls,
        "guardrail_intervened" | "content_filtered" => StopReason::ContentFilter,
        other => StopReason::Other(other.to_owned()),
    }
}

/// `stopReason` of a reason.
fn stop_name(stop: &StopReason) -> &str {
    match stop {
        StopReason::StopSequence(_) => "stop_sequence",
        StopReason::Length => "max_tokens",
        StopReason::ToolCalls => "tool_use",
        StopReason::ContentFilter => "content_filtered",
        StopReason::Other(name) if OTHERS.contains(&name.as_str()) => name,
        StopReason::Stop | StopReason::PauseTurn | StopReason::Other(_) => "end_turn",
    }
}

/// What of this dialect's own asks nothing of others: defaults, and the text at which the model stopped, which all give.
pub(in crate::dialect) fn hint(key: &str, value: &Value) -> bool {
    match key {
        "additionalModelResponseFieldPaths" => *value == json!(["/stop_sequence"]),
        "performanceConfig" => *value == json!({ "latency": "standard" }),
        "serviceTier" => *value == json!({ "type": "default" }),
        _ => false,
    }
}
