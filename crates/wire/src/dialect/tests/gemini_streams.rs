//! Streams in Gemini's dialect and out of it.

use super::{events, short};
use crate::dialect::Dialect;
use insta::assert_snapshot;

const STREAM: &str = include_str!("../../../tests/streams/gemini.txt");

fn translate(stream: &str, from: Dialect, to: Dialect) -> String {
    let (mut reader, mut writer) = (from.reader(), to.writer(1_700_000_000, true));
    let mut out = Vec::new();
    for data in events(stream.as_bytes()) {
        for event in reader.data(&data).expect("readable") {
            out.extend(writer.write(&event));
        }
    }
    for event in reader.finish().unwrap_or_default() {
        out.extend(writer.write(&event));
    }
    out.extend(writer.finish());
    short(&out, r#""object":"chat.completion.chunk","created":1700000000,"#)
}

#[test]
fn thoughts_text_parallel_tools_and_the_last_usage() {
    assert_snapshot!(translate(STREAM, Dialect::Gemini, Dialect::OpenAi), @r#"
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"reasoning_content":"Hm – é."},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"content":"Grüße, "},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"content":"Welt 🌍"},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"Hm – é.","signature":"CpcB"}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_B_4saZqCLv3w4-EP8ta6gQ8_0","type":"function","function":{"name":"get_weather","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Paris\",\"days\": 1.50}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"fc_2","type":"function","function":{"name":"now","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"usage":null}
    data: {"id":"B_4saZqCLv3w4-EP8ta6gQ8","model":"gemini-3-flash","choices":[],"usage":{"prompt_tokens":127,"completion_tokens":62,"total_tokens":189,"prompt_tokens_details":{"cached_tokens":100},"completion_tokens_details":{"reasoning_tokens":20}}}
    data: [DONE]
    "#);
    assert_snapshot!(translate(STREAM, Dialect::Gemini, Dialect::Anthropic), @r#"
    event: message_start
    data: {"type":"message_start","message":{"id":"B_4saZqCLv3w4-EP8ta6gQ8","type":"message","role":"assistant","model":"gemini-3-flash","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}
    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm – é."}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":0}
    event: content_block_start
    data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Grüße, "}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Welt 🌍"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":1}
    event: content_block_start
    data: {"type":"content_block_start","index":2,"content_block":{"type":"thinking","thinking":"","signature":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":2,"delta":{"type":"signature_delta","signature":"CpcB"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":2}
    event: content_block_start
    data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"call_B_4saZqCLv3w4-EP8ta6gQ8_0","name":"get_weather","input":{}}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"Paris\",\"days\": 1.50}"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":3}
    event: content_block_start
    data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"fc_2","name":"now","input":{}}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{}"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":4}
    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":27,"cache_creation_input_tokens":0,"cache_read_input_tokens":100,"output_tokens":62,"output_tokens_details":{"thinking_tokens":20}}}
    event: message_stop
    data: {"type":"message_stop"}
    "#);
}

#[test]
fn through_the_form_and_back() {
    assert_snapshot!(translate(STREAM, Dialect::Gemini, Dialect::Gemini), @r#"
    data: {"candidates":[{"content":{"parts":[{"text":"Hm – é.","thought":true}],"role":"model"},"index":0}],"modelVersion":"gemini-3-flash","responseId":"B_4saZqCLv3w4-EP8ta6gQ8"}
    data: {"candidates":[{"content":{"parts":[{"text":"Grüße, "}],"role":"model"},"index":0}],"modelVersion":"gemini-3-flash","responseId":"B_4saZqCLv3w4-EP8ta6gQ8"}
    data: {"candidates":[{"content":{"parts":[{"text":"Welt 🌍"}],"role":"model"},"index":0}],"modelVersion":"gemini-3-flash","responseId":"B_4saZqCLv3w4-EP8ta6gQ8"}
    data: {"candidates":[{"content":{"parts":[{"functionCall":{"id":"call_B_4saZqCLv3w4-EP8ta6gQ8_0","name":"get_weather","args":{"city": "Paris","days": 1.50}},"thoughtSignature":"CpcB"},{"functionCall":{"id":"fc_2","name":"now","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":127,"candidatesTokenCount":42,"totalTokenCount":189,"cachedContentTokenCount":100,"thoughtsTokenCount":20},"modelVersion":"gemini-3-flash","responseId":"B_4saZqCLv3w4-EP8ta6gQ8"}
    "#);
}

#[test]
fn anthropics_stream_becomes_geminis() {
    assert_snapshot!(translate(include_str!("../../../tests/streams/anthropic.txt"), Dialect::Anthropic, Dialect::Gemini), @r#"
    data: {"candidates":[{"content":{"parts":[{"text":"Hm – é.","thought":true}],"role":"model"},"index":0}],"modelVersion":"claude","responseId":"msg_1"}
    data: {"candidates":[{"content":{"parts":[{"text":"Grüße, 日本.","thoughtSignature":"EqQB"}],"role":"model"},"index":0}],"modelVersion":"claude","responseId":"msg_1"}
    data: {"candidates":[{"content":{"parts":[{"functionCall":{"id":"toolu_1","name":"f","args":{"a": "é"}}},{"functionCall":{"id":"toolu_2","name":"g","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":65,"totalTokenCount":70},"modelVersion":"claude","responseId":"msg_1"}
    "#);
}

#[test]
fn openais_stream_becomes_geminis() {
    assert_snapshot!(translate(include_str!("../../../tests/streams/openai.txt"), Dialect::OpenAi, Dialect::Gemini), @r#"
    data: {"candidates":[{"content":{"parts":[{"text":"Hm – é.","thought":true}],"role":"model"},"index":0}],"modelVersion":"gpt-5","responseId":"chatcmpl-1"}
    data: {"candidates":[{"content":{"parts":[{"text":"Grüße, "}],"role":"model"},"index":0}],"modelVersion":"gpt-5","responseId":"chatcmpl-1"}
    data: {"candidates":[{"content":{"parts":[{"text":"日本."}],"role":"model"},"index":0}],"modelVersion":"gpt-5","responseId":"chatcmpl-1"}
    data: {"candidates":[{"content":{"parts":[{"functionCall":{"id":"call_1","name":"f","args":{"a":"é"}}},{"functionCall":{"id":"call_2","name":"g","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":7},"modelVersion":"gpt-5","responseId":"chatcmpl-1"}
    "#);
}

#[test]
fn a_plain_stream_whose_last_event_has_text() {
    let stream = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":4,\"totalTokenCount\":4},\"modelVersion\":\"m\"}\r\n\r\n\
        data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}],\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":2,\"totalTokenCount\":6},\"modelVersion\":\"m\"}\r\n\r\n";
    assert_snapshot!(translate(stream, Dialect::Gemini, Dialect::OpenAi), @r#"
    data: {"id":"","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"m","choices":[{"index":0,"delta":{"content":"Hel"},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"m","choices":[{"index":0,"delta":{"content":"lo"},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"","model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}],"usage":null}
    data: {"id":"","model":"m","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}
    data: [DONE]
    "#);
}

#[test]
fn filters_in_the_middle_and_before() {
    let safety = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Well\"}]}}]}\n\ndata: {\"candidates\":[{\"finishReason\":\"SAFETY\",\"index\":0}]}\n\n";
    assert!(translate(safety, Dialect::Gemini, Dialect::OpenAi).contains(r#""finish_reason":"content_filter""#));
    let blocked = "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\",\"blockReasonMessage\":\"No.\"},\"usageMetadata\":{\"promptTokenCount\":4},\"modelVersion\":\"m\",\"responseId\":\"r\"}\n\n";
    assert_snapshot!(translate(blocked, Dialect::Gemini, Dialect::Anthropic), @r#"
    event: message_start
    data: {"type":"message_start","message":{"id":"r","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}
    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"No."}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":0}
    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}
    event: message_stop
    data: {"type":"message_stop"}
    "#);
}

#[test]
fn an_error_in_band_is_the_last_event() {
    let begun = STREAM.split("\n\n").next().expect("an event");
    let broken =
        format!("{begun}\n\ndata: {{\"error\":{{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}}}\n\n");
    let written = translate(&broken, Dialect::Gemini, Dialect::OpenAi);
    assert!(written.ends_with("data: {\"error\":{\"code\":\"overloaded_error\",\"message\":\"The model is overloaded.\",\"param\":null,\"type\":\"overloaded_error\"}}\n"));
    assert!(!written.contains("[DONE]"));
    let written = translate(&broken, Dialect::Gemini, Dialect::Gemini);
    assert!(written.ends_with("data: {\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}\n"));
    assert!(!written.contains("finishReason"));
}

#[test]
fn a_cut_stream_ends_with_an_error() {
    let (begun, _) = STREAM.rsplit_once("data: ").expect("a last event");
    assert!(!translate(begun, Dialect::Gemini, Dialect::OpenAi).contains("[DONE]"));
    let written = translate(begun, Dialect::Gemini, Dialect::Gemini);
    assert!(
        written.ends_with("data: {\"error\":{\"code\":500,\"message\":\"the provider's stream ended early\",\"status\":\"INTERNAL\"}}\n")
    );
}

#[test]
fn a_call_cut_off_by_the_limit_is_left_out() {
    let call = |finish: &str| {
        let stream = format!(
            "data: {{\"id\":\"c\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"a\",\"function\":{{\"name\":\"f\",\"arguments\":\"{{\\\"x\\\"\"}}}}]}}}}]}}\n\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{finish}\"}}]}}\n\n"
        );
        translate(&stream, Dialect::OpenAi, Dialect::Gemini)
    };
    assert_snapshot!(call("length"), @r#"data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"modelVersion":"m","responseId":"c"}"#);
    assert_snapshot!(call("tool_calls"), @r#"data: {"error":{"code":500,"message":"the provider's call is no JSON object","status":"INTERNAL"}}"#);
}
