//! Streams in Amazon's dialect and out of it.

use super::{events_of, short, text};
use crate::dialect::{Dialect, Unreadable};
use crate::event_stream::{Decoder, Message};
use crate::form::{ErrorKind, StopReason, StreamEvent};
use crate::frames;
use crate::passage::Passage;
use crate::usage::Usage;
use bytes::Bytes;
use insta::assert_snapshot;
use serde_json::Value;

const STREAM: &str = include_str!("../../../tests/streams/bedrock.txt");

/// Lines of `{"<event>":<payload>}` as the messages Amazon makes of them.
fn binary(lines: &str) -> Vec<u8> {
    let message = |line: &str| {
        let object: serde_json::Map<String, Value> = serde_json::from_str(line).expect("an object");
        let (name, payload) = object.into_iter().next().expect("a member");
        let payload = payload.to_string();
        let message = if name.ends_with("Exception") { Message::exception(&name, payload) } else { Message::event(&name, payload) };
        message.encode().expect("short")
    };
    lines.lines().flat_map(message).collect()
}

/// The messages of a binary stream, one a line.
fn told(stream: &[u8]) -> String {
    let mut decoder = Decoder::new();
    decoder.push(stream);
    let mut out = String::new();
    while let Some((_, message)) = decoder.next_message().expect("valid") {
        out.extend([message.text(":message-type").expect("its type"), " ", text(&message.as_data()), "\n"]);
    }
    assert_eq!(decoder.rest(), b"");
    out
}

fn translate(stream: &[u8], from: Dialect, to: Dialect) -> Vec<u8> {
    let (mut reader, mut writer) = (from.reader(), to.writer(1_700_000_000, true));
    let mut out = Vec::new();
    for data in events_of(from, stream) {
        for event in reader.data(&data).expect("readable") {
            out.extend(writer.write(&event));
        }
    }
    for event in reader.finish().unwrap_or_default() {
        out.extend(writer.write(&event));
    }
    out.extend(writer.finish());
    out
}

fn to(dialect: Dialect, lines: &str) -> String {
    short(&translate(&binary(lines), Dialect::Bedrock, dialect), r#""object":"chat.completion.chunk","created":1700000000,"#)
}

fn read(lines: &str) -> (Vec<StreamEvent>, Result<Vec<StreamEvent>, Unreadable>) {
    let mut reader = Dialect::Bedrock.reader();
    let events = events_of(Dialect::Bedrock, &binary(lines)).iter().flat_map(|data| reader.data(data).expect("readable")).collect();
    (events, reader.finish())
}

#[test]
fn thoughts_text_parallel_tools_and_usage() {
    assert_snapshot!(to(Dialect::OpenAi, STREAM), @r#"
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"reasoning_content":"Hm – é."},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"Hm – é.","signature":"EqQB"}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"redacted_thinking","data":"Emwx"}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"content":"Grüße, "},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"content":"日本."},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"tooluse_a","type":"function","function":{"name":"get_weather","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Par"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"is\"}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"tooluse_b","type":"function","function":{"name":"now","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"usage":null}
    data: {"id":"","model":"","choices":[],"usage":{"prompt_tokens":220,"completion_tokens":50,"total_tokens":270,"prompt_tokens_details":{"cached_tokens":150,"cache_write_tokens":50},"completion_tokens_details":{"reasoning_tokens":0}}}
    data: [DONE]
    "#);
    assert_snapshot!(to(Dialect::Anthropic, STREAM), @r#"
    event: message_start
    data: {"type":"message_start","message":{"id":"","type":"message","role":"assistant","model":"","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}
    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm – é."}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":0}
    event: content_block_start
    data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"Emwx"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":1}
    event: content_block_start
    data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Grüße, "}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"日本."}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":2}
    event: content_block_start
    data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"tooluse_a","name":"get_weather","input":{}}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"Par"}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"is\"}"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":3}
    event: content_block_start
    data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"tooluse_b","name":"now","input":{}}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{}"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":4}
    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":20,"cache_creation_input_tokens":50,"cache_read_input_tokens":150,"output_tokens":50}}
    event: message_stop
    data: {"type":"message_stop"}
    "#);
}

#[test]
fn through_the_form_and_back() {
    assert_snapshot!(told(&translate(&binary(STREAM), Dialect::Bedrock, Dialect::Bedrock)), @r#"
    event {"messageStart":{"role":"assistant"}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"text":"Hm – é."}},"contentBlockIndex":0}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"signature":"EqQB"}},"contentBlockIndex":0}}
    event {"contentBlockStop":{"contentBlockIndex":0}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"redactedContent":"Emwx"}},"contentBlockIndex":1}}
    event {"contentBlockStop":{"contentBlockIndex":1}}
    event {"contentBlockDelta":{"delta":{"text":"Grüße, "},"contentBlockIndex":2}}
    event {"contentBlockDelta":{"delta":{"text":"日本."},"contentBlockIndex":2}}
    event {"contentBlockStop":{"contentBlockIndex":2}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"tooluse_a","name":"get_weather"}},"contentBlockIndex":3}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{\"city\": \"Par"}},"contentBlockIndex":3}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"is\"}"}},"contentBlockIndex":3}}
    event {"contentBlockStop":{"contentBlockIndex":3}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"tooluse_b","name":"now"}},"contentBlockIndex":4}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{}"}},"contentBlockIndex":4}}
    event {"contentBlockStop":{"contentBlockIndex":4}}
    event {"messageStop":{"stopReason":"tool_use"}}
    event {"metadata":{"usage":{"inputTokens":20,"outputTokens":50,"totalTokens":270,"cacheReadInputTokens":150,"cacheWriteInputTokens":50},"metrics":{"latencyMs":0}}}
    "#);
}

#[test]
fn streams_of_others() {
    let others = [
        (Dialect::OpenAi, include_str!("../../../tests/streams/openai.txt")),
        (Dialect::Anthropic, include_str!("../../../tests/streams/anthropic.txt")),
        (Dialect::Gemini, include_str!("../../../tests/streams/gemini.txt")),
    ];
    let told = others.map(|(dialect, stream)| told(&translate(stream.as_bytes(), dialect, Dialect::Bedrock)));
    assert_snapshot!(told[0], @r#"
    event {"messageStart":{"role":"assistant"}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"text":"Hm – é."}},"contentBlockIndex":0}}
    event {"contentBlockStop":{"contentBlockIndex":0}}
    event {"contentBlockDelta":{"delta":{"text":"Grüße, "},"contentBlockIndex":1}}
    event {"contentBlockDelta":{"delta":{"text":"日本."},"contentBlockIndex":1}}
    event {"contentBlockStop":{"contentBlockIndex":1}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"call_1","name":"f"}},"contentBlockIndex":2}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{\"a\":"}},"contentBlockIndex":2}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"\"é\"}"}},"contentBlockIndex":2}}
    event {"contentBlockStop":{"contentBlockIndex":2}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"call_2","name":"g"}},"contentBlockIndex":3}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{}"}},"contentBlockIndex":3}}
    event {"contentBlockStop":{"contentBlockIndex":3}}
    event {"messageStop":{"stopReason":"tool_use"}}
    event {"metadata":{"usage":{"inputTokens":5,"outputTokens":2,"totalTokens":7,"cacheReadInputTokens":0,"cacheWriteInputTokens":0},"metrics":{"latencyMs":0}}}
    "#);
    assert_snapshot!(told[1], @r#"
    event {"messageStart":{"role":"assistant"}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"text":"Hm – é."}},"contentBlockIndex":0}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"signature":"EqQB"}},"contentBlockIndex":0}}
    event {"contentBlockStop":{"contentBlockIndex":0}}
    event {"contentBlockDelta":{"delta":{"text":"Grüße, 日本."},"contentBlockIndex":1}}
    event {"contentBlockStop":{"contentBlockIndex":1}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"toolu_1","name":"f"}},"contentBlockIndex":2}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{\"a\": \"é\"}"}},"contentBlockIndex":2}}
    event {"contentBlockStop":{"contentBlockIndex":2}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"toolu_2","name":"g"}},"contentBlockIndex":3}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{}"}},"contentBlockIndex":3}}
    event {"contentBlockStop":{"contentBlockIndex":3}}
    event {"messageStop":{"stopReason":"tool_use"}}
    event {"metadata":{"usage":{"inputTokens":5,"outputTokens":65,"totalTokens":70,"cacheReadInputTokens":0,"cacheWriteInputTokens":0},"metrics":{"latencyMs":0}}}
    "#);
    assert_snapshot!(told[2], @r#"
    event {"messageStart":{"role":"assistant"}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"text":"Hm – é."}},"contentBlockIndex":0}}
    event {"contentBlockStop":{"contentBlockIndex":0}}
    event {"contentBlockDelta":{"delta":{"text":"Grüße, "},"contentBlockIndex":1}}
    event {"contentBlockDelta":{"delta":{"text":"Welt 🌍"},"contentBlockIndex":1}}
    event {"contentBlockStop":{"contentBlockIndex":1}}
    event {"contentBlockDelta":{"delta":{"reasoningContent":{"signature":"CpcB"}},"contentBlockIndex":2}}
    event {"contentBlockStop":{"contentBlockIndex":2}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"call_B_4saZqCLv3w4-EP8ta6gQ8_0","name":"get_weather"}},"contentBlockIndex":3}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{\"city\": \"Paris\",\"days\": 1.50}"}},"contentBlockIndex":3}}
    event {"contentBlockStop":{"contentBlockIndex":3}}
    event {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"fc_2","name":"now"}},"contentBlockIndex":4}}
    event {"contentBlockDelta":{"delta":{"toolUse":{"input":"{}"}},"contentBlockIndex":4}}
    event {"contentBlockStop":{"contentBlockIndex":4}}
    event {"messageStop":{"stopReason":"tool_use"}}
    event {"metadata":{"usage":{"inputTokens":27,"outputTokens":62,"totalTokens":189,"cacheReadInputTokens":100,"cacheWriteInputTokens":0},"metrics":{"latencyMs":0}}}
    "#);
}

#[test]
fn an_answer_of_a_given_shape_is_text_and_the_end() {
    let (events, end) = read(
        r#"{"messageStart":{"role":"assistant"}}
{"contentBlockStart":{"contentBlockIndex":0,"start":{"toolUse":{"name":"answer_in_given_shape","toolUseId":"tooluse_a"}}}}
{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"z\": \"Par"}}}}
{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"toolUse":{"input":"is\"}"}}}}
{"contentBlockStop":{"contentBlockIndex":0}}
{"messageStop":{"stopReason":"tool_use"}}
{"metadata":{"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":12},"metrics":{"latencyMs":9}}}"#,
    );
    assert_eq!(
        events,
        [
            StreamEvent::Start { id: String::new(), model: String::new() },
            StreamEvent::TextDelta("{\"z\": \"Par".to_owned()),
            StreamEvent::TextDelta("is\"}".to_owned()),
            StreamEvent::Stop(StopReason::Stop),
            StreamEvent::Usage(Usage { input: 5, output: 7, ..Usage::default() }),
        ]
    );
    assert_eq!(end, Ok(Vec::new()));
}

#[test]
fn a_guardrail_and_the_text_at_which_it_stopped() {
    let stop = |fields: &str| read(&format!(r#"{{"messageStop":{{{fields}}}}}"#)).0;
    assert_eq!(stop(r#""stopReason":"guardrail_intervened""#), [StreamEvent::Stop(StopReason::ContentFilter)]);
    assert_eq!(stop(r#""stopReason":"model_context_window_exceeded""#), [StreamEvent::Stop(StopReason::Length)]);
    assert_eq!(
        stop(r#""stopReason":"stop_sequence","additionalModelResponseFields":{"stop_sequence":"END"}"#),
        [StreamEvent::Stop(StopReason::StopSequence("END".to_owned()))]
    );
}

#[test]
fn an_exception_ends_the_stream_and_is_told_in_the_callers_words() {
    let broken = "{\"messageStart\":{\"role\":\"assistant\"}}\n{\"throttlingException\":{\"message\":\"Too many tokens\"}}";
    let (events, end) = read(broken);
    assert_eq!(events[1], StreamEvent::Error { kind: ErrorKind::RateLimit, message: "Too many tokens".to_owned() });
    assert_eq!(end, Err(Unreadable::EndedEarly));
    assert_snapshot!(to(Dialect::Anthropic, broken), @r#"
    event: message_start
    data: {"type":"message_start","message":{"id":"","type":"message","role":"assistant","model":"","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}
    event: error
    data: {"type":"error","error":{"type":"rate_limit_error","message":"Too many tokens"}}
    "#);
    assert_snapshot!(told(&translate(&binary(broken), Dialect::Bedrock, Dialect::Bedrock)), @r#"
    event {"messageStart":{"role":"assistant"}}
    exception {"throttlingException":{"message":"Too many tokens"}}
    "#);
}

#[test]
fn a_stream_without_its_end_ends_with_an_exception() {
    let cut: String = STREAM.lines().take(8).fold(String::new(), |all, line| all + line + "\n");
    let told = told(&translate(&binary(&cut), Dialect::Bedrock, Dialect::Bedrock));
    assert!(told.ends_with("exception {\"internalServerException\":{\"message\":\"the provider's stream ended early\"}}\n"), "{told}");
}

#[test]
fn in_the_same_dialect_every_byte_passes_and_is_read() {
    let stream = binary(STREAM);
    let (mut decoder, mut passage) = (frames::Decoder::of(Dialect::Bedrock), Passage::new(Dialect::Bedrock, Dialect::Bedrock, 0, false));
    let mut out = Vec::new();
    for chunk in stream.chunks(7) {
        decoder.push(chunk);
        while let Some(event) = decoder.next_event().expect("valid") {
            out.extend(passage.event(event).bytes);
        }
    }
    assert_eq!(out, stream);
    assert_eq!(passage.end(), Some(Bytes::new()));
    let broke = passage.error(ErrorKind::Overloaded, "cut short", "provider_cut");
    assert_eq!(told(&broke), "exception {\"serviceUnavailableException\":{\"message\":\"cut short\"}}\n");
    let summary = passage.into_summary();
    assert_eq!(summary.text.as_deref(), Some("Grüße, 日本."));
    assert_eq!(summary.finish_reason.as_deref(), Some("tool_calls"));
    assert_eq!(summary.usage, Some(Usage { input: 220, cached_input: 150, cache_write: 50, output: 50, ..Usage::default() }));
}

#[test]
fn what_the_stream_does_not_say_the_gateway_does() {
    let mut passage = Passage::new(Dialect::Bedrock, Dialect::Anthropic, 0, false).called("req-1", "nova");
    let [first, ..] = &events_of(Dialect::Bedrock, &binary(STREAM))[..] else { panic!("messages") };
    let passed = passage.event(crate::sse::Event { raw: Bytes::new(), data: first.clone().into() });
    assert!(text(&passed.bytes).contains(r#""id":"req-1""#) && text(&passed.bytes).contains(r#""model":"nova""#));
    assert_eq!(passage.into_summary().upstream_id.as_deref(), Some("req-1"));
}
