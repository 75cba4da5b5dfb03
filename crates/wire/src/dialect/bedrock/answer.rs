//! Answers of a given shape: the model must call a tool whose arguments are the answer, and what it called it with is told as text.

use crate::dialect::json::{Json, Members};
use crate::form::{Content, Part, Raw, Response, StopReason};

/// The tool. Nobody else may call one so.
pub(super) const TOOL: &str = "answer_in_given_shape";

/// What the model reads where the caller says nothing.
const WHAT_FOR: &str = "Gives the answer. Call it once, with the whole answer.";

/// The tool that takes an answer of this shape.
pub(super) fn tool(description: Option<&str>, schema: &Raw) -> Json {
    let input = Members::new().with("json", schema).finish();
    let description = description.filter(|d| !d.trim().is_empty()).map_or_else(|| WHAT_FOR.to_owned(), |d| format!("{WHAT_FOR} {d}"));
    let spec = Members::new().with("name", TOOL).with("description", &description).with_json("inputSchema", &input);
    Members::new().with_json("toolSpec", &spec.finish()).finish()
}

/// Makes text of a call of that tool. A model that called nothing else has said it all.
pub(super) fn unwrap(response: &mut Response) {
    let mut unwrapped = false;
    for part in &mut response.parts {
        if let Content::ToolCall { name, arguments, .. } = &mut part.content
            && name == TOOL
        {
            unwrapped = true;
            *part = Part::text(std::mem::take(arguments));
        }
    }
    let calls = response.parts.iter().any(|p| matches!(p.content, Content::ToolCall { .. }));
    if unwrapped && !calls && response.stop == StopReason::ToolCalls {
        response.stop = StopReason::Stop;
    }
}
