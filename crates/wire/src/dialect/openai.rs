//! OpenAI chat completions.
//!
//! Where the dialect has no field of its own, the ones that gateways and other providers agree on are taken and given: `reasoning_content`,
//! `thinking_blocks` (thoughts with their signatures) and `cache_control`.

mod content;
mod error;
mod read;
mod response;
mod stream_in;
mod stream_out;
mod usage;
mod write;
mod write_messages;

pub use error::{read_error, write_error};
pub use read::read_request;
pub use response::{read_response, write_response};
pub use stream_in::Reader;
pub use stream_out::Writer;
pub(in crate::dialect) use write::effort;
pub use write::{Options, write_request};
pub(in crate::dialect) use write_messages::harmless_in_part;

use crate::form::StopReason;

/// Reads `finish_reason`. A forced tool ends with `stop`: what was called decides.
fn stop_reason(name: &str, called_tools: bool) -> StopReason {
    match name {
        "stop" if called_tools => StopReason::ToolCalls,
        "stop" => StopReason::Stop,
        "length" => StopReason::Length,
        "tool_calls" | "function_call" => StopReason::ToolCalls,
        "content_filter" => StopReason::ContentFilter,
        other => StopReason::Other(other.to_owned()),
    }
}

/// `finish_reason` of a reason.
const fn finish_reason(stop: &StopReason) -> &'static str {
    match stop {
        StopReason::Length => "length",
        StopReason::ToolCalls => "tool_calls",
        StopReason::ContentFilter => "content_filter",
        StopReason::Stop | StopReason::StopSequence(_) | StopReason::PauseTurn | StopReason::Other(_) => "stop",
    }
}
