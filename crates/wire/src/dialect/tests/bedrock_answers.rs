//! Answers and errors in Amazon's dialect and out of it.

use super::{lines, text};
use crate::dialect::{Dialect, anthropic, bedrock, openai};
use crate::form::{ErrorKind, StopReason};
use crate::usage::Usage;
use insta::assert_snapshot;

fn to(dialect: Dialect, body: &str) -> String {
    lines(&dialect.write_response(&bedrock::read_response(body.as_bytes()).expect("an answer"), 1_700_000_000))
}

fn from(dialect: Dialect, body: &str) -> String {
    lines(&bedrock::write_response(&dialect.read_response(body.as_bytes()).expect("an answer")))
}

fn answer(content: &str, stop: &str) -> String {
    format!(
        r#"{{"output":{{"message":{{"role":"assistant","content":[{content}]}}}},"stopReason":"{stop}","metrics":{{"latencyMs":1228}},
        "usage":{{"inputTokens":20,"outputTokens":50,"totalTokens":270,"cacheReadInputTokens":150,"cacheWriteInputTokens":50,"cacheDetails":[{{"ttl":"5m","inputTokens":50}}]}}}}"#
    )
}

#[test]
fn text_and_tokens() {
    // Input 20 beside 150 read from the cache and 50 written to it.
    let body = answer(r#"{"text":"Hey there! "},{"text":"Hi."}"#, "end_turn");
    assert_snapshot!(to(Dialect::OpenAi, &body), @r#"
    id: ""
    object: "chat.completion"
    created: 1700000000
    model: ""
    choices: [{"index":0,"message":{"role":"assistant","content":"Hey there! Hi.","refusal":null},"logprobs":null,"finish_reason":"stop"}]
    usage: {"prompt_tokens":220,"completion_tokens":50,"total_tokens":270,"prompt_tokens_details":{"cached_tokens":150,"cache_write_tokens":50},"completion_tokens_details":{"reasoning_tokens":0}}
    "#);
    assert_snapshot!(to(Dialect::Anthropic, &body), @r#"
    id: ""
    type: "message"
    role: "assistant"
    model: ""
    content: [{"type":"text","text":"Hey there! "},{"type":"text","text":"Hi."}]
    stop_reason: "end_turn"
    stop_sequence: null
    usage: {"input_tokens":20,"cache_creation_input_tokens":50,"cache_read_input_tokens":150,"output_tokens":50}
    "#);
    assert_snapshot!(to(Dialect::Gemini, &body), @r#"
    candidates: [{"content":{"parts":[{"text":"Hey there! "},{"text":"Hi."}],"role":"model"},"finishReason":"STOP","index":0}]
    usageMetadata: {"promptTokenCount":220,"candidatesTokenCount":50,"totalTokenCount":270,"cachedContentTokenCount":150}
    modelVersion: ""
    responseId: ""
    "#);
    assert_snapshot!(to(Dialect::Responses, &body), @r#"
    id: "resp_"
    object: "response"
    created_at: 1700000000
    status: "completed"
    error: null
    incomplete_details: null
    model: ""
    output: [{"type":"message","id":"msg__0","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hey there! Hi.","annotations":[]}]}]
    parallel_tool_calls: true
    tool_choice: "auto"
    tools: []
    usage: {"input_tokens":220,"input_tokens_details":{"cached_tokens":150,"cache_write_tokens":50},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":270}
    "#);
    assert_snapshot!(to(Dialect::Bedrock, &body), @r#"
    output: {"message":{"role":"assistant","content":[{"text":"Hey there! "},{"text":"Hi."}]}}
    stopReason: "end_turn"
    usage: {"inputTokens":20,"outputTokens":50,"totalTokens":270,"cacheReadInputTokens":150,"cacheWriteInputTokens":50}
    metrics: {"latencyMs":0}
    "#);
}

#[test]
fn thoughts_and_parallel_tools() {
    let body = answer(
        r#"{"reasoningContent":{"reasoningText":{"text":"Two cities.","signature":"EqQB"}}},{"reasoningContent":{"redactedContent":"Emwx"}},
        {"toolUse":{"toolUseId":"tooluse_a","name":"get_weather","input":{"city":"Paris","days":1.50}}},{"toolUse":{"toolUseId":"tooluse_b","name":"now","input":{}}}"#,
        "tool_use",
    );
    assert_snapshot!(to(Dialect::OpenAi, &body), @r#"
    id: ""
    object: "chat.completion"
    created: 1700000000
    model: ""
    choices: [{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"Two cities.","thinking_blocks":[{"type":"thinking","thinking":"Two cities.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"}],"tool_calls":[{"id":"tooluse_a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\",\"days\":1.50}"}},{"id":"tooluse_b","type":"function","function":{"name":"now","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]
    usage: {"prompt_tokens":220,"completion_tokens":50,"total_tokens":270,"prompt_tokens_details":{"cached_tokens":150,"cache_write_tokens":50},"completion_tokens_details":{"reasoning_tokens":0}}
    "#);
    assert_snapshot!(to(Dialect::Anthropic, &body), @r#"
    id: ""
    type: "message"
    role: "assistant"
    model: ""
    content: [{"type":"thinking","thinking":"Two cities.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"},{"type":"tool_use","id":"tooluse_a","name":"get_weather","input":{"city":"Paris","days":1.50}},{"type":"tool_use","id":"tooluse_b","name":"now","input":{}}]
    stop_reason: "tool_use"
    stop_sequence: null
    usage: {"input_tokens":20,"cache_creation_input_tokens":50,"cache_read_input_tokens":150,"output_tokens":50}
    "#);
    assert_snapshot!(to(Dialect::Gemini, &body), @r#"
    candidates: [{"content":{"parts":[{"text":"Two cities.","thought":true},{"text":"","thoughtSignature":"EqQB"},{"functionCall":{"id":"tooluse_a","name":"get_weather","args":{"city":"Paris","days":1.50}},"thoughtSignature":"redacted_thinking:Emwx"},{"functionCall":{"id":"tooluse_b","name":"now","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}]
    usageMetadata: {"promptTokenCount":220,"candidatesTokenCount":50,"totalTokenCount":270,"cachedContentTokenCount":150}
    modelVersion: ""
    responseId: ""
    "#);
    assert_snapshot!(to(Dialect::Bedrock, &body), @r#"
    output: {"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Two cities.","signature":"EqQB"}}},{"reasoningContent":{"redactedContent":"Emwx"}},{"toolUse":{"toolUseId":"tooluse_a","name":"get_weather","input":{"city":"Paris","days":1.50}}},{"toolUse":{"toolUseId":"tooluse_b","name":"now","input":{}}}]}}
    stopReason: "tool_use"
    usage: {"inputTokens":20,"outputTokens":50,"totalTokens":270,"cacheReadInputTokens":150,"cacheWriteInputTokens":50}
    metrics: {"latencyMs":0}
    "#);
}

#[test]
fn an_answer_of_a_given_shape_is_text_and_the_end() {
    let call = r#"{"toolUse":{"toolUseId":"tooluse_a","name":"answer_in_given_shape","input":{"z":"Paris","a":1.50}}}"#;
    assert_snapshot!(to(Dialect::OpenAi, &answer(call, "tool_use")), @r#"
    id: ""
    object: "chat.completion"
    created: 1700000000
    model: ""
    choices: [{"index":0,"message":{"role":"assistant","content":"{\"z\":\"Paris\",\"a\":1.50}","refusal":null},"logprobs":null,"finish_reason":"stop"}]
    usage: {"prompt_tokens":220,"completion_tokens":50,"total_tokens":270,"prompt_tokens_details":{"cached_tokens":150,"cache_write_tokens":50},"completion_tokens_details":{"reasoning_tokens":0}}
    "#);
    // Beside another call it is not the end.
    let both = format!(r#"{call},{{"toolUse":{{"toolUseId":"tooluse_b","name":"f","input":{{}}}}}}"#);
    assert_eq!(bedrock::read_response(answer(&both, "tool_use").as_bytes()).expect("an answer").stop, StopReason::ToolCalls);
    // Cut off, it is not whole.
    assert_eq!(bedrock::read_response(answer(call, "max_tokens").as_bytes()).expect("an answer").stop, StopReason::Length);
}

#[test]
fn what_a_guardrail_blocked_is_filtered() {
    let body = answer(r#"{"text":"Sorry, the model cannot answer this question."}"#, "guardrail_intervened");
    assert_snapshot!(to(Dialect::OpenAi, &body), @r#"
    id: ""
    object: "chat.completion"
    created: 1700000000
    model: ""
    choices: [{"index":0,"message":{"role":"assistant","content":"Sorry, the model cannot answer this question.","refusal":null},"logprobs":null,"finish_reason":"content_filter"}]
    usage: {"prompt_tokens":220,"completion_tokens":50,"total_tokens":270,"prompt_tokens_details":{"cached_tokens":150,"cache_write_tokens":50},"completion_tokens_details":{"reasoning_tokens":0}}
    "#);
    assert_snapshot!(to(Dialect::Anthropic, &body), @r#"
    id: ""
    type: "message"
    role: "assistant"
    model: ""
    content: [{"type":"text","text":"Sorry, the model cannot answer this question."}]
    stop_reason: "refusal"
    stop_sequence: null
    usage: {"input_tokens":20,"cache_creation_input_tokens":50,"cache_read_input_tokens":150,"output_tokens":50}
    "#);
}

#[test]
fn text_with_its_sources_is_text() {
    let cited = r#"{"citationsContent":{"content":[{"text":"Paris."}],"citations":[{"title":"Report","location":{"documentPage":{"documentIndex":0,"start":1,"end":2}}}]}}"#;
    let read = bedrock::read_response(answer(cited, "end_turn").as_bytes()).expect("an answer");
    assert_eq!(read.parts, [crate::form::Part::text("Paris.")]);
}

#[test]
fn every_reason_to_stop_both_ways() {
    let read = |name: &str| bedrock::read_response(answer("", name).as_bytes()).expect("an answer").stop;
    // All reasons of the reference of Converse.
    for (name, stop, again) in [
        ("end_turn", StopReason::Stop, "end_turn"),
        ("tool_use", StopReason::ToolCalls, "tool_use"),
        ("max_tokens", StopReason::Length, "max_tokens"),
        ("stop_sequence", StopReason::StopSequence(String::new()), "stop_sequence"),
        ("guardrail_intervened", StopReason::ContentFilter, "content_filtered"),
        ("content_filtered", StopReason::ContentFilter, "content_filtered"),
        ("model_context_window_exceeded", StopReason::Length, "max_tokens"),
        ("malformed_model_output", StopReason::Other("malformed_model_output".to_owned()), "malformed_model_output"),
        ("malformed_tool_use", StopReason::Other("malformed_tool_use".to_owned()), "malformed_tool_use"),
    ] {
        assert_eq!(read(name), stop, "{name}");
        let written = to(Dialect::Bedrock, &answer("", name));
        assert!(written.contains(&format!("stopReason: \"{again}\"")), "{name}: {written}");
    }
}

#[test]
fn the_text_at_which_claude_stopped_goes_both_ways() {
    let body = answer(r#"{"text":"One"}"#, "stop_sequence")
        .replace(r#""metrics""#, r#""additionalModelResponseFields":{"stop_sequence":"END"},"metrics""#);
    let as_anthropic = to(Dialect::Anthropic, &body);
    assert!(as_anthropic.contains(r#"stop_sequence: "END""#), "{as_anthropic}");
    let again = to(Dialect::Bedrock, &body);
    assert!(again.contains(r#"additionalModelResponseFields: {"stop_sequence":"END"}"#), "{again}");
}

#[test]
fn what_others_say() {
    let body = r#"{"id":"msg_02","type":"message","role":"assistant","model":"m","content":[
        {"type":"thinking","thinking":"Two cities.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"},{"type":"text","text":"Two."},
        {"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city":"Paris","days":1.50}},
        {"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":30,"cache_read_input_tokens":100,"output_tokens":50}}"#;
    assert_snapshot!(from(Dialect::Anthropic, body), @r#"
    output: {"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Two cities.","signature":"EqQB"}}},{"reasoningContent":{"redactedContent":"Emwx"}},{"text":"Two."},{"toolUse":{"toolUseId":"toolu_1","name":"get_weather","input":{"city":"Paris","days":1.50}}},{"toolUse":{"toolUseId":"toolu_2","name":"now","input":{}}}]}}
    stopReason: "tool_use"
    usage: {"inputTokens":12,"outputTokens":50,"totalTokens":192,"cacheReadInputTokens":100,"cacheWriteInputTokens":30}
    metrics: {"latencyMs":0}
    "#);
    let body = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":null,"refusal":"No."}}],
        "usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    assert_snapshot!(from(Dialect::OpenAi, body), @r#"
    output: {"message":{"role":"assistant","content":[{"text":"No."}]}}
    stopReason: "content_filtered"
    usage: {"inputTokens":5,"outputTokens":2,"totalTokens":11,"cacheReadInputTokens":4,"cacheWriteInputTokens":0}
    metrics: {"latencyMs":0}
    "#);
}

#[test]
fn tokens_are_the_same_after_both_ways() {
    let read = bedrock::read_response(answer("", "end_turn").as_bytes()).expect("an answer");
    let usage = Usage { input: 220, cached_input: 150, cache_write: 50, output: 50, ..Usage::default() };
    assert_eq!(read.usage, Some(usage));
    assert_eq!(bedrock::read_response(&bedrock::write_response(&read)).expect("an answer").usage, Some(usage));
    assert_eq!(bedrock::read_response(br#"{"output":{"message":{"content":[]}}}"#).expect("an answer").usage, None, "unsaid is not zero");
}

#[test]
fn errors_go_both_ways() {
    let read = bedrock::read_error(429, br#"{"message":"Too many requests, please wait before trying again."}"#);
    assert_eq!(read.kind, ErrorKind::RateLimit);
    assert_snapshot!(text(&openai::write_error(&read)), @r#"{"error":{"code":null,"message":"Too many requests, please wait before trying again.","param":null,"type":"rate_limit_error"}}"#);
    let read = anthropic::read_error(429, br#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"},"request_id":"req_1"}"#);
    assert_snapshot!(text(&bedrock::write_error(&read)), @r#"{"__type":"ThrottlingException","message":"slow"}"#);
    let read =
        openai::read_error(401, br#"{"error":{"message":"bad key","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#);
    assert_snapshot!(text(&bedrock::write_error(&read)), @r#"{"__type":"UnrecognizedClientException","message":"bad key"}"#);
    let own = br#"{"__type":"ModelNotReadyException","message":"m"}"#;
    assert_eq!(bedrock::write_error(&bedrock::read_error(429, own)), own);
}
