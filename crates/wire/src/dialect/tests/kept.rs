//! What a translation must keep, whatever the body and wherever the stream is cut.

use super::{anthropic, openai};
use crate::dialect::Dialect;
use crate::sse::Decoder;
use proptest::prelude::*;
use serde_json::{Value, json};

fn leaf() -> impl Strategy<Value = Value> {
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

fn request() -> impl Strategy<Value = Value> {
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

/// Streams of both dialects, each with everything in it.
const STREAMS: [&str; 2] = [include_str!("../../../tests/streams/openai.txt"), include_str!("../../../tests/streams/anthropic.txt")];

fn translate(chunks: &[&[u8]], to_openai: bool) -> Vec<u8> {
    let mut decoder = Decoder::new();
    let (from, to) = if to_openai { (Dialect::Anthropic, Dialect::OpenAi) } else { (Dialect::OpenAi, Dialect::Anthropic) };
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

proptest! {
    #[test]
    fn openai_through_the_form_is_openai(body in request()) {
        let read = openai::read_request(body.to_string().as_bytes()).expect("a request");
        let written = openai::write_request(&read, openai::Options::default()).expect("its own dialect");
        prop_assert_eq!(&written.lost, &[]);
        prop_assert_eq!(serde_json::from_slice::<Value>(&written.body).expect("JSON"), body);
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
    fn a_stream_cut_anywhere_is_the_same(cuts in prop::collection::vec(0..4000_usize, 0..30), to_openai in any::<bool>()) {
        let stream = STREAMS[usize::from(to_openai)].as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let whole = translate(&[stream], to_openai);
        prop_assert!(!whole.windows(5).any(|w| w == b"error"), "complete");
        prop_assert_eq!(translate(&chunks, to_openai), whole);
    }
}
