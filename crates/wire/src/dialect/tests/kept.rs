//! What a translation must keep, whatever the body and wherever the stream is cut.

use super::{anthropic, events_of, openai};
use crate::dialect::Dialect;
use crate::dialect::{bedrock, gemini, responses};
use crate::frames::Decoder;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from), "[a-zé\"\\\\]{1,6}".prop_map(Value::from)]
}

fn part() -> impl Strategy<Value = Value> {
    let mark = prop::option::of(Just(json!({ "type": "ephemeral" })));
    let content = prop_oneof![
        "[a-zé\n\"]{1,9}".prop_map(|text| json!({ "type": "text", "text": text })),
        Just(json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low" } })),
        Just(json!({ "type": "image_url", "image_url": { "url": "https://example.org/a.png", "x_more": 1 } })),
        Just(json!({ "type": "input_audio", "input_audio": { "data": "UklGRg==", "format": "wav" } })),
        Just(json!({ "type": "file", "file": { "file_id": "file-1" } })),
        Just(json!({ "type": "x_new", "x": [1, null] })),
    ];
    (content, mark, prop::option::of(leaf())).prop_map(|(mut part, mark, more)| {
        if part["type"] != "x_new" {
            if let Some(mark) = mark {
                part["cache_control"] = mark;
            }
            if let Some(more) = more {
                part["x_more"] = more;
            }
        }
        part
    })
}

fn message() -> impl Strategy<Value = Value> {
    let call = ("[a-z]{1,5}", "[a-z]{1,5}", prop_oneof![Just("{}"), Just(r#"{"b": 1.50, "a": [2]}"#)]);
    let call = call
        .prop_map(|(id, name, arguments)| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } }));
    prop_oneof![
        "[a-z]{0,9}".prop_map(|text| json!({ "role": "user", "content": text })),
        (prop::collection::vec(part(), 2..4), leaf()).prop_map(|(parts, name)| json!({ "role": "user", "content": parts, "name": name })),
        ("[a-z]{1,9}", prop::collection::vec(call, 1..3))
            .prop_map(|(text, calls)| json!({ "role": "assistant", "content": text, "tool_calls": calls })),
        ("[a-z]{1,9}", "[a-z]{1,9}")
            .prop_map(|(text, thought)| json!({ "role": "assistant", "content": text, "reasoning_content": thought,
            "thinking_blocks": [{ "type": "thinking", "thinking": thought, "signature": "EqQB" }] })),
        ("[a-z]{1,5}", "[a-z]{0,9}").prop_map(|(id, said)| json!({ "role": "tool", "tool_call_id": id, "content": said })),
    ]
}

pub(super) fn request() -> impl Strategy<Value = Value> {
    let more = prop::collection::hash_map("x_[a-z]{1,4}", leaf(), 0..3);
    let numbers = (prop::option::of(0..9_u32), prop::option::of(any::<i64>()), prop::option::of(1..9999_u32));
    (prop::collection::vec(message(), 0..5), more, numbers, any::<bool>(), any::<bool>()).prop_map(
        |(messages, more, (tenths, seed, limit), stream, tools)| {
            let mut body = json!({ "model": "m", "messages": [{ "role": "system", "content": "S" }], "user": "u", "stop": ["a", "b"],
                "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": { "b": 1, "a": 2 }, "strict": true } } });
            body["messages"].as_array_mut().expect("list").extend(messages);
            for (key, value) in more { body[key] = value; }
            if let Some(t) = tenths { body["temperature"] = json!(f64::from(t) / 8.0); }
            if let Some(seed) = seed { body["seed"] = json!(seed); }
            if let Some(limit) = limit { body["max_completion_tokens"] = json!(limit); }
            if stream {
                body["stream"] = json!(true);
                body["stream_options"] = json!({ "include_usage": true, "include_obfuscation": false });
            }
            if tools {
                body["tools"] = json!([{ "type": "function", "function": { "name": "f", "parameters": { "z": 1, "a": 2 }, "strict": false } }, { "type": "custom", "custom": { "name": "c" } }]);
                body["tool_choice"] = json!({ "type": "function", "function": { "name": "f" } });
                body["parallel_tool_calls"] = json!(true);
            }
            body
        },
    )
}

fn gemini_part() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        "[a-zé\n\"]{1,9}".prop_map(|text| json!({ "text": text })),
        Just(json!({ "inlineData": { "mimeType": "image/png", "data": "iVBORw0KGgo=" } })),
        Just(json!({ "inlineData": { "mimeType": "audio/wav", "data": "UklGRg==" } })),
        Just(json!({ "inlineData": { "mimeType": "video/mp4", "data": "AAAA" }, "videoMetadata": { "fps": 2 } })),
        Just(json!({ "fileData": { "mimeType": "image/jpeg", "fileUri": "https://example.org/a" } })),
        Just(json!({ "fileData": { "mimeType": "application/pdf", "fileUri": "gs://bucket/a.pdf" } })),
        Just(json!({ "executableCode": { "language": "PYTHON", "code": "1" } })),
    ];
    (content, prop::option::of(leaf())).prop_map(|(mut part, more)| {
        if let Some(more) = more {
            part["xMore"] = more;
        }
        part
    })
}

fn gemini_content() -> impl Strategy<Value = Value> {
    let text = "[a-z]{1,5}";
    prop_oneof![
        prop::collection::vec(gemini_part(), 1..4).prop_map(|parts| json!([{ "role": "user", "parts": parts }])),
        (text, text).prop_map(|(thought, said)| json!([{ "role": "model", "parts": [{ "text": thought, "thought": true }, { "text": said, "thoughtSignature": "Cp" }] }])),
        (text, text, any::<bool>()).prop_map(|(name, said, id)| {
            let mut call = json!({ "name": name, "args": { "b": 1.5, "a": [2] } });
            let mut again = json!({ "name": name, "args": {} });
            let mut result = json!({ "name": name, "response": { "output": said } });
            let mut other = json!({ "name": name, "response": { "result": { "said": said } }, "parts": [{ "inlineData": { "mimeType": "image/png", "data": "iVBORw0KGgo=" } }] });
            if id {
                call["id"] = "fc_1".into();
                again["id"] = "fc_2".into();
                result["id"] = "fc_1".into();
                other["id"] = "fc_2".into();
            }
            json!([{ "role": "model", "parts": [{ "functionCall": call, "thoughtSignature": "Cp" }, { "functionCall": again }] },
                { "role": "user", "parts": [{ "functionResponse": result }, { "functionResponse": other }] }])
        }),
    ]
}

/// Turns alternate, so that none become one.
fn gemini_request() -> impl Strategy<Value = Value> {
    (prop::collection::vec(gemini_content(), 0..5), any::<bool>(), any::<i32>(), leaf()).prop_map(|(contents, tools, seed, more)| {
        let mut all: Vec<Value> = Vec::new();
        for content in contents.into_iter().flat_map(|c| c.as_array().cloned().unwrap_or_default()) {
            if all.last().is_some_and(|last| last["role"] == content["role"]) {
                let other = if content["role"] == "user" { "model" } else { "user" };
                all.push(json!({ "role": other, "parts": [{ "text": "." }] }));
            }
            all.push(content);
        }
        let mut body = json!({ "contents": all, "systemInstruction": { "parts": [{ "text": "S" }] },
            "safetySettings": [{ "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE" }], "xMore": more,
            "generationConfig": { "temperature": 0.5, "topP": 0.5, "topK": 40, "maxOutputTokens": 9, "stopSequences": ["a"], "seed": seed, "candidateCount": 2,
                "responseMimeType": "application/json", "responseJsonSchema": { "b": 1, "a": 2 }, "presencePenalty": 0.5,
                "thinkingConfig": { "thinkingLevel": "HIGH", "includeThoughts": true } } });
        if tools {
            body["tools"] = json!([{ "functionDeclarations": [{ "name": "f", "parametersJsonSchema": { "z": 1, "a": 2 }, "behavior": "BLOCKING" }] }, { "googleSearch": {} }]);
            body["toolConfig"] = json!({ "functionCallingConfig": { "mode": "VALIDATED" }, "retrievalConfig": { "languageCode": "de" } });
        }
        body
    })
}

/// Streams of three dialects, each with everything in it.
const STREAMS: [&str; 3] = [
    include_str!("../../../tests/streams/openai.txt"),
    include_str!("../../../tests/streams/anthropic.txt"),
    include_str!("../../../tests/streams/gemini.txt"),
];

const DIALECTS: [Dialect; 5] = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Responses, Dialect::Gemini, Dialect::Bedrock];

fn translate(chunks: &[&[u8]], from: Dialect, to: Dialect) -> Vec<u8> {
    let mut decoder = Decoder::of(from);
    let (mut reader, mut writer) = (from.reader(), to.writer(1, true));
    let mut out = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(event) = decoder.next_event().expect("small") {
            for event in reader.data(&event.data).expect("readable") {
                out.extend(writer.write(&event));
            }
        }
    }
    reader.finish().expect("complete");
    out.extend(writer.finish());
    out
}

/// Puts a value somewhere into another.
pub(super) fn put(into: &mut Value, mut place: usize, value: &Value) {
    let children: Vec<&mut Value> = match into {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => Vec::new(),
    };
    let count = children.len() + 1;
    let at = place % count;
    place /= count;
    match children.into_iter().nth(at) {
        Some(child) => put(child, place, value),
        None => *into = value.clone(),
    }
}

/// Everything that reads and writes, whatever it makes of it.
pub(super) fn everything(data: &[u8]) {
    for dialect in DIALECTS {
        if let Ok(request) = dialect.read_request(data) {
            for drop_unsupported in [false, true] {
                let _ = openai::write_request(&request, openai::Options { drop_unsupported, ..Default::default() });
                let _ = anthropic::write_request(
                    &request,
                    anthropic::Options { drop_unsupported, default_max_tokens: Some(9), ..Default::default() },
                );
                let _ = responses::write_request(&request, responses::Options { drop_unsupported });
                let written =
                    gemini::write_request(&request, gemini::Options { drop_unsupported, unproven_calls: true, ..Default::default() });
                if let Ok(written) = written {
                    gemini::read_request(&written.body).expect("Gemini's dialect");
                }
                if let Ok(written) = bedrock::write_request(&request, bedrock::Options { drop_unsupported, ..Default::default() }) {
                    bedrock::read_request(&written.body).expect("Amazon's dialect");
                }
            }
        }
        if let Ok(response) = dialect.read_response(data) {
            for to in DIALECTS {
                serde_json::from_slice::<Value>(&to.write_response(&response, 1)).expect("JSON");
            }
        }
        let failure = dialect.read_error(400, data);
        serde_json::from_slice::<Value>(&dialect.write_error(&failure)).expect("JSON");
    }
}

#[test]
fn deep_nesting_breaks_no_stack() {
    let nested = |seed: &str, around: fn(&str) -> String| (0..5000).fold(seed.to_owned(), |inner, _| around(&inner));
    let results = nested("[]", |inner| format!(r#"[{{"type":"tool_result","tool_use_id":"a","content":{inner}}}]"#));
    everything(format!(r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":{results}}}]}}"#).as_bytes());
    let results = nested("[]", |inner| format!(r#"[{{"functionResponse":{{"name":"f","parts":{inner}}}}}]"#));
    everything(format!(r#"{{"contents":[{{"parts":{results}}}]}}"#).as_bytes());
    let results = nested("[]", |inner| format!(r#"[{{"toolResult":{{"toolUseId":"a","content":{inner}}}}}]"#));
    everything(format!(r#"{{"messages":[{{"role":"user","content":{results}}}]}}"#).as_bytes());
    let schema = nested("{}", |inner| format!(r#"{{"type":"ARRAY","items":{inner}}}"#));
    everything(format!(r#"{{"contents":[],"generationConfig":{{"responseSchema":{schema}}}}}"#).as_bytes());
}

proptest! {
    #[test]
    fn openai_through_the_form_is_openai(body in request()) {
        let read = openai::read_request(body.to_string().as_bytes()).expect("a request");
        let written = openai::write_request(&read, openai::Options::default()).expect("its own dialect");
        prop_assert_eq!(&written.lost, &[]);
        prop_assert_eq!(serde_json::from_slice::<Value>(&written.body).expect("JSON"), body);
    }

    #[test]
    fn gemini_through_the_form_is_gemini(body in gemini_request()) {
        let read = gemini::read_request(body.to_string().as_bytes()).expect("a request");
        let written = gemini::write_request(&read, gemini::Options::default()).expect("its own dialect");
        prop_assert_eq!(&written.lost, &[]);
        prop_assert_eq!(serde_json::from_slice::<Value>(&written.body).expect("JSON"), body);
    }

    #[test]
    fn dropping_for_gemini_always_leaves_a_request(body in request()) {
        let read = openai::read_request(body.to_string().as_bytes()).expect("a request");
        let options = gemini::Options { drop_unsupported: true, ..Default::default() };
        let written = gemini::write_request(&read, options).expect("translatable");
        let again = gemini::read_request(&written.body).expect("Gemini's dialect");
        prop_assert_eq!(&again.system, &read.system);
        prop_assert!(again.messages.windows(2).all(|pair| pair[0].role != pair[1].role), "turns alternate");
        if gemini::write_request(&read, gemini::Options::default()).is_ok() {
            let hints = ["user", "cache_control"];
            prop_assert!(written.lost.iter().all(|l| hints.iter().any(|hint| l.param.ends_with(hint))), "nothing is dropped silently");
        }
    }

    #[test]
    fn nothing_breaks_on_a_strange_gemini_body(mut body in gemini_request(), place in any::<usize>(), value in prop_oneof![leaf(), gemini_part(), Just(Value::Null), Just(json!([])), Just(json!({}))]) {
        put(&mut body, place, &value);
        everything(body.to_string().as_bytes());
        let answer = json!({ "candidates": [{ "content": body["contents"][0], "finishReason": value }], "responseId": "x", "promptFeedback": value, "usageMetadata": { "promptTokenCount": value } });
        everything(answer.to_string().as_bytes());
        everything(json!({ "error": { "code": 400, "status": value, "details": [value, { "fieldViolations": [value] }] } }).to_string().as_bytes());
    }

    #[test]
    fn dropping_what_is_unsupported_always_leaves_a_request(body in request()) {
        let read = openai::read_request(body.to_string().as_bytes()).expect("a request");
        let options = anthropic::Options { drop_unsupported: true, default_max_tokens: Some(9), ..Default::default() };
        let written = anthropic::write_request(&read, options).expect("translatable");
        let again = anthropic::read_request(&written.body).expect("Anthropic's dialect");
        prop_assert_eq!(&again.system, &read.system);
        prop_assert!(again.messages.windows(2).all(|pair| pair[0].role != pair[1].role), "turns alternate");
        let strict = anthropic::write_request(&read, anthropic::Options { drop_unsupported: false, ..options });
        prop_assert_eq!(strict.is_ok(), written.lost.is_empty(), "nothing is dropped silently");
    }

    #[test]
    fn a_stream_cut_anywhere_is_the_same(cuts in prop::collection::vec(0..6000_usize, 0..30), from in 0..5_usize, to in 0..5_usize) {
        let (from, to) = (DIALECTS[from], DIALECTS[to]);
        let stream = match from {
            Dialect::OpenAi => STREAMS[0].as_bytes().to_vec(),
            Dialect::Anthropic => STREAMS[1].as_bytes().to_vec(),
            Dialect::Responses => translate(&[STREAMS[1].as_bytes()], Dialect::Anthropic, Dialect::Responses),
            Dialect::Gemini => STREAMS[2].as_bytes().to_vec(),
            Dialect::Bedrock => translate(&[STREAMS[1].as_bytes()], Dialect::Anthropic, Dialect::Bedrock),
        };
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let whole = translate(&[&stream], from, to);
        prop_assert_eq!(translate(&chunks, from, to), whole);
    }

    #[test]
    fn nothing_breaks_on_a_strange_body(mut body in request(), place in any::<usize>(), value in prop_oneof![leaf(), part(), message(), Just(Value::Null), Just(json!([]))]) {
        put(&mut body, place, &value);
        everything(body.to_string().as_bytes());
        let answer = json!({ "id": "x", "type": "message", "model": "m", "choices": [{ "index": 0, "message": body["messages"][1], "finish_reason": value }],
            "content": body["messages"], "output": body["messages"], "usage": { "input_tokens": 1, "output_tokens": value } });
        everything(answer.to_string().as_bytes());
    }

    #[test]
    fn nothing_breaks_on_a_strange_event(event in any::<prop::sample::Index>(), from in 0..3_usize, place in any::<usize>(), value in prop_oneof![leaf(), Just(Value::Null), Just(json!([{}])), Just(json!({}))], reader in 0..5_usize) {
        let framing = if from == 1 { DIALECTS[reader] } else { Dialect::OpenAi };
        let stream = if from == 1 { translate(&[STREAMS[1].as_bytes()], Dialect::Anthropic, DIALECTS[reader]) } else { STREAMS[from].as_bytes().to_vec() };
        let events = events_of(framing, &stream);
        let strange = event.index(events.len());
        for to in DIALECTS {
            let (mut reader, mut writer) = (DIALECTS[reader].reader(), to.writer(1, true));
            for (i, data) in events.iter().enumerate() {
                let mut data = data.clone();
                if let (true, Ok(mut json)) = (i == strange, serde_json::from_slice::<Value>(&data)) {
                    put(&mut json, place, &value);
                    data = json.to_string().into_bytes();
                }
                for event in reader.data(&data).unwrap_or_default() {
                    writer.write(&event);
                }
            }
            writer.finish();
        }
    }
}
