//! Anthropic Messages, version 2023-06-01.

mod blocks;
mod error;
mod read;
mod response;
mod stream_in;
mod stream_out;
pub(in crate::dialect) mod thinking;
mod usage;
mod write;
mod write_blocks;

pub use error::{read_error, write_error, write_stream_error};
pub use read::read_request;
pub use response::{read_response, write_response};
pub use stream_in::Reader;
pub use stream_out::Writer;
pub use thinking::Thinking;
pub(in crate::dialect) use thinking::level;
pub use write::{Options, write_request};

use crate::form::StopReason;

/// Reads `stop_reason` and `stop_sequence`.
fn stop_reason(name: &str, sequence: Option<String>) -> StopReason {
    match name {
        "end_turn" => StopReason::Stop,
        "stop_sequence" => StopReason::StopSequence(sequence.unwrap_or_default()),
        "pause_turn" => StopReason::PauseTurn,
        "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "tool_use" => StopReason::ToolCalls,
        "refusal" => StopReason::ContentFilter,
        other => StopReason::Other(other.to_owned()),
    }
}

/// `stop_reason` and `stop_sequence` of a reason.
fn stop_fields(stop: &StopReason) -> (&'static str, Option<&str>) {
    match stop {
        StopReason::Stop | StopReason::Other(_) => ("end_turn", None),
        StopReason::StopSequence(sequence) => ("stop_sequence", Some(sequence)),
        StopReason::PauseTurn => ("pause_turn", None),
        StopReason::Length => ("max_tokens", None),
        StopReason::ToolCalls => ("tool_use", None),
        StopReason::ContentFilter => ("refusal", None),
    }
}
