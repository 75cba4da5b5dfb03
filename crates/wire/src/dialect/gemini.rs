//! Google Gemini, v1beta: `generateContent` and `streamGenerateContent?alt=sse`.
//!
//! The address names the model and whether a stream is asked for: [`target`] reads it, [`path`] writes it, and no body says it. A proof
//! (`thoughtSignature`) stands on the part that follows the thought: in the form it is the thought's. Sealed thoughts of others are proofs
//! with a mark. Calls without ids get some, and lose them again where they are written.

mod contents;
mod error;
mod parts;
mod proofs;
mod read;
mod response;
mod schema;
mod stream_in;
mod stream_out;
mod target;
mod thinking;
mod usage;
mod write;

pub use error::{read_error, write_error};
pub use read::read_request;
pub use response::{read_response, write_response};
pub use stream_in::Reader;
pub use stream_out::Writer;
pub use target::{Target, method, path, target};
pub use thinking::Thinking;
pub use write::{Options, write_request};

use crate::form::StopReason;
use serde_json::{Value, json};

/// Reasons that are a filter's.
const FILTERED: [&str; 9] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// Reasons no other dialect has.
const OTHERS: [&str; 9] = [
    "OTHER",
    "LANGUAGE",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "NO_IMAGE",
    "IMAGE_OTHER",
];

/// Reads `finishReason`. Calls end with `STOP`: what was called decides.
fn stop_reason(name: &str, called_tools: bool) -> StopReason {
    match name {
        "STOP" | "FINISH_REASON_UNSPECIFIED" if called_tools => StopReason::ToolCalls,
        "STOP" | "FINISH_REASON_UNSPECIFIED" => StopReason::Stop,
        // Not in the reference, but servers that imitate it say so.
        "FUNCTION_CALL" => StopReason::ToolCalls,
        "MAX_TOKENS" => StopReason::Length,
        name if FILTERED.contains(&name) => StopReason::ContentFilter,
        other => StopReason::Other(other.to_owned()),
    }
}

/// `finishReason` of a reason.
fn finish_reason(stop: &StopReason) -> &str {
    match stop {
        StopReason::Length => "MAX_TOKENS",
        StopReason::ContentFilter => "SAFETY",
        StopReason::Other(name) if OTHERS.contains(&name.as_str()) => name,
        StopReason::Stop | StopReason::StopSequence(_) | StopReason::PauseTurn | StopReason::ToolCalls | StopReason::Other(_) => "STOP",
    }
}

/// What of this dialect's own asks nothing of others: the type of what an address holds, whether thoughts are wanted, and defaults.
pub(in crate::dialect) fn hint(key: &str, value: &Value) -> bool {
    let only = |name: &str| value.as_object().is_some_and(|o| o.keys().all(|key| key == name));
    match key {
        "fileData" => only("mimeType"),
        "generationConfig.thinkingConfig" => only("includeThoughts"),
        "generationConfig.responseModalities" => *value == json!(["TEXT"]),
        "generationConfig.presencePenalty" | "generationConfig.frequencyPenalty" => value.as_f64() == Some(0.0),
        _ => false,
    }
}
