//! The first byte picks the caller's dialect. No body breaks anything; in the same dialect an edit is JSON and keeps what it does not know.
#![no_main]

use hypercare_wire::chat::{ChatRequest, Edit, summarise_request};
use hypercare_wire::count;
use hypercare_wire::dialect::{Dialect, anthropic, bedrock, gemini, openai, responses};
use hypercare_wire::form::Request;
use hypercare_wire_fuzz::{dialect, members, must_be_json, split};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

const PROMPT: &str = r#"{"role":"system","content":"S \"é\""},{"role":"user","content":"U"},{"role":"assistant","content":"A"}"#;

/// Fields an edit may change, drop or add.
const EDITED: [&str; 16] = [
    "model",
    "messages",
    "input",
    "contents",
    "system",
    "systemInstruction",
    "system_instruction",
    "stream_options",
    "metadata",
    "labels",
    "temperature",
    "stop",
    "stop_sequences",
    "max_tokens",
    "max_output_tokens",
    "generationConfig",
];

fuzz_target!(|data: &[u8]| {
    let Some(([first, second], body)) = split(data) else { return };
    let dialect = dialect(first);
    edit(dialect, second, body);
    let _ = summarise_request(body, 9);
    if let Ok(request) = dialect.read_request(body) {
        write(&request, second & 1 == 1);
    }
    if let Some(question) = count::question(dialect, body, "m") {
        must_be_json("question", &question);
    }
    if let Some(body) = count::conversation(dialect, body) {
        must_be_json("conversation", &body);
        let _ = dialect.read_request(&body);
    }
});

fn edit(dialect: Dialect, choice: u8, body: &[u8]) {
    let read = match dialect {
        Dialect::Gemini => ChatRequest::parse_addressed(body, "bot", choice & 8 == 8),
        other => ChatRequest::parse(other, body),
    };
    let Ok(request) = read else { return };
    let setting = |name: &str, value: &str| (name.to_owned(), RawValue::from_string(value.to_owned()).expect("JSON"));
    let settings = [setting("temperature", "0.5"), setting("max_tokens", "9"), setting("stop", "\"END\"")];
    let parameters = if choice & 1 == 1 { &settings[..] } else { &[] };
    let prompt_messages = if choice & 2 == 2 { PROMPT } else { "" };
    let (before, after) = (members(body), members(&request.rewrite(&Edit { model: "m", prompt_messages, parameters })));
    for (key, value) in before {
        if !EDITED.contains(&key.as_str()) && key != "generation_config" {
            assert_eq!(after.get(&key).map(|kept| kept.get()), Some(value.get()), "{key}");
        }
    }
}

/// Writes it in every dialect.
fn write(request: &Request, drop_unsupported: bool) {
    let _ = count::countable(request);
    let thinking = anthropic::Thinking::Budget;
    let bodies = [
        openai::write_request(request, openai::Options { drop_unsupported, ..Default::default() }),
        anthropic::write_request(request, anthropic::Options { drop_unsupported, default_max_tokens: Some(4096), thinking }),
        responses::write_request(request, responses::Options { drop_unsupported }),
        gemini::write_request(request, gemini::Options { drop_unsupported, unproven_calls: true, ..Default::default() }),
        bedrock::write_request(request, bedrock::Options { drop_unsupported, ..Default::default() }),
    ];
    for written in bodies.into_iter().flatten() {
        must_be_json("written", &written.body);
    }
}
