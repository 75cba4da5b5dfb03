//! Answers and errors in Gemini's dialect and out of it.

use super::{lines, text};
use crate::dialect::{Dialect, anthropic, gemini, openai};
use crate::form::{ErrorKind, StopReason};
use crate::usage::Usage;
use insta::assert_snapshot;

fn to(dialect: Dialect, body: &str) -> String {
    lines(&dialect.write_response(&gemini::read_response(body.as_bytes()).expect("an answer"), 1_700_000_000))
}

fn from(dialect: Dialect, body: &str) -> String {
    lines(&gemini::write_response(&dialect.read_response(body.as_bytes()).expect("an answer")))
}

const TEXT: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Greeting.","thought":true},{"text":"Hey there! "},{"text":"Hi.","thoughtSignature":"Dg=="}],"role":"model"},"finishReason":"STOP","index":0,
    "safetyRatings":[{"category":"HARM_CATEGORY_HARASSMENT","probability":"NEGLIGIBLE"}]}],
    "usageMetadata":{"promptTokenCount":108,"cachedContentTokenCount":100,"candidatesTokenCount":10,"totalTokenCount":216,"toolUsePromptTokenCount":5,"thoughtsTokenCount":93,
    "promptTokensDetails":[{"modality":"TEXT","tokenCount":108}]},"modelVersion":"gemini-2.5-flash","responseId":"B_4saZqCLv3w4-EP8ta6gQ8"}"#;

const TOOLS: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Two cities.","thought":true},
    {"functionCall":{"name":"get_weather","args":{"city":"Paris","days":1.50}},"thoughtSignature":"CpcB"},{"functionCall":{"id":"fc_2","name":"now"}}],"role":"model"},
    "finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":30,"totalTokenCount":51,"thoughtsTokenCount":20},"modelVersion":"m","responseId":"r/1"}"#;

#[test]
fn geminis_text_and_tokens() {
    // Input 108 + 5 of its own tools, 100 of them cached; output 10 + 93 thought.
    assert_snapshot!(to(Dialect::OpenAi, TEXT), @r#"
    id: "B_4saZqCLv3w4-EP8ta6gQ8"
    object: "chat.completion"
    created: 1700000000
    model: "gemini-2.5-flash"
    choices: [{"index":0,"message":{"role":"assistant","content":"Hey there! Hi.","refusal":null,"reasoning_content":"Greeting.","thinking_blocks":[{"type":"thinking","thinking":"Greeting."},{"type":"thinking","thinking":"","signature":"Dg=="}]},"logprobs":null,"finish_reason":"stop"}]
    usage: {"prompt_tokens":113,"completion_tokens":103,"total_tokens":216,"prompt_tokens_details":{"cached_tokens":100},"completion_tokens_details":{"reasoning_tokens":93}}
    "#);
    assert_snapshot!(to(Dialect::Anthropic, TEXT), @r#"
    id: "B_4saZqCLv3w4-EP8ta6gQ8"
    type: "message"
    role: "assistant"
    model: "gemini-2.5-flash"
    content: [{"type":"thinking","thinking":"Greeting.","signature":""},{"type":"text","text":"Hey there! "},{"type":"thinking","thinking":"","signature":"Dg=="},{"type":"text","text":"Hi."}]
    stop_reason: "end_turn"
    stop_sequence: null
    usage: {"input_tokens":13,"cache_creation_input_tokens":0,"cache_read_input_tokens":100,"output_tokens":103,"output_tokens_details":{"thinking_tokens":93}}
    "#);
}

#[test]
fn geminis_thoughts_and_parallel_tools() {
    assert_snapshot!(to(Dialect::OpenAi, TOOLS), @r#"
    id: "r/1"
    object: "chat.completion"
    created: 1700000000
    model: "m"
    choices: [{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"Two cities.","thinking_blocks":[{"type":"thinking","thinking":"Two cities.","signature":"CpcB"}],"tool_calls":[{"id":"call_r1_0","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\",\"days\":1.50}"}},{"id":"fc_2","type":"function","function":{"name":"now","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]
    usage: {"prompt_tokens":1,"completion_tokens":50,"total_tokens":51,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":20}}
    "#);
    assert_snapshot!(to(Dialect::Anthropic, TOOLS), @r#"
    id: "r/1"
    type: "message"
    role: "assistant"
    model: "m"
    content: [{"type":"thinking","thinking":"Two cities.","signature":"CpcB"},{"type":"tool_use","id":"call_r1_0","name":"get_weather","input":{"city":"Paris","days":1.50}},{"type":"tool_use","id":"fc_2","name":"now","input":{}}]
    stop_reason: "tool_use"
    stop_sequence: null
    usage: {"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":50,"output_tokens_details":{"thinking_tokens":20}}
    "#);
}

#[test]
fn anthropics_thoughts_and_parallel_tools() {
    let body = r#"{"id":"msg_02","type":"message","role":"assistant","model":"m","content":[
        {"type":"thinking","thinking":"Two cities.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"},
        {"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city":"Paris"}},
        {"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":30,"cache_read_input_tokens":100,"output_tokens":50,"output_tokens_details":{"thinking_tokens":20}}}"#;
    let written = from(Dialect::Anthropic, body);
    assert_snapshot!(written, @r#"
    candidates: [{"content":{"parts":[{"text":"Two cities.","thought":true},{"text":"","thoughtSignature":"EqQB"},{"functionCall":{"id":"toolu_1","name":"get_weather","args":{"city":"Paris"}},"thoughtSignature":"redacted_thinking:Emwx"},{"functionCall":{"id":"toolu_2","name":"now","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}]
    usageMetadata: {"promptTokenCount":142,"candidatesTokenCount":30,"totalTokenCount":192,"cachedContentTokenCount":100,"thoughtsTokenCount":20}
    modelVersion: "m"
    responseId: "msg_02"
    "#);
    // The caller sends it back: nothing is lost on the way to Anthropic.
    let parts = written
        .lines()
        .next()
        .and_then(|l| l.split_once(r#""content":"#))
        .and_then(|(_, c)| c.split_once(r#","finishReason""#))
        .expect("a content")
        .0;
    let read = gemini::read_request(format!(r#"{{"contents":[{parts}]}}"#).as_bytes()).expect("a request");
    assert_eq!(read.messages[0].parts, anthropic::read_response(body.as_bytes()).expect("an answer").parts);
}

#[test]
fn openais_text_and_tokens() {
    let body = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":"Hello!","refusal":null},"finish_reason":"length"}],
        "usage":{"prompt_tokens":1900,"completion_tokens":10,"total_tokens":1910,"prompt_tokens_details":{"cached_tokens":1024},"completion_tokens_details":{"reasoning_tokens":4}}}"#;
    assert_snapshot!(from(Dialect::OpenAi, body), @r#"
    candidates: [{"content":{"parts":[{"text":"Hello!"}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}]
    usageMetadata: {"promptTokenCount":1900,"candidatesTokenCount":6,"totalTokenCount":1910,"cachedContentTokenCount":1024,"thoughtsTokenCount":4}
    modelVersion: "gpt-5"
    responseId: "chatcmpl-1"
    "#);
}

#[test]
fn a_refusal_and_a_blocked_prompt() {
    let body = r#"{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":null,"refusal":"I cannot help."}}]}"#;
    assert_snapshot!(from(Dialect::OpenAi, body), @r#"
    candidates: [{"content":{"parts":[{"text":"I cannot help."}],"role":"model"},"finishReason":"SAFETY","index":0}]
    modelVersion: "m"
    responseId: "c"
    "#);
    let blocked = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"gemini-2.5-flash","responseId":"r"}"#;
    assert_snapshot!(to(Dialect::OpenAi, blocked), @r#"
    id: "r"
    object: "chat.completion"
    created: 1700000000
    model: "gemini-2.5-flash"
    choices: [{"index":0,"message":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":"content_filter"}]
    usage: {"prompt_tokens":9,"completion_tokens":0,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}
    "#);
    let filtered = r#"{"candidates":[{"finishReason":"SAFETY","index":0}],"modelVersion":"m"}"#;
    assert!(to(Dialect::Anthropic, filtered).contains(r#"stop_reason: "refusal""#));
}

#[test]
fn reasons_to_stop_go_both_ways() {
    let read = |name: &str, parts: &str| {
        let body = format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"{name}"}}]}}"#);
        gemini::read_response(body.as_bytes()).expect("an answer")
    };
    for (name, finish, same) in [
        ("STOP", "stop", true),
        ("MAX_TOKENS", "length", true),
        ("SAFETY", "content_filter", true),
        ("RECITATION", "content_filter", false),
        ("BLOCKLIST", "content_filter", false),
        ("PROHIBITED_CONTENT", "content_filter", false),
        ("SPII", "content_filter", false),
        ("MODEL_ARMOR", "content_filter", false),
        ("IMAGE_SAFETY", "content_filter", false),
        ("MALFORMED_FUNCTION_CALL", "stop", true),
        ("UNEXPECTED_TOOL_CALL", "stop", true),
        ("LANGUAGE", "stop", true),
        ("OTHER", "stop", true),
        ("SOMETHING_NEW", "stop", false),
    ] {
        let answer = read(name, "");
        let written = openai::write_response(&answer, 0);
        assert!(text(&written).contains(&format!(r#""finish_reason":"{finish}""#)), "{name}");
        assert_eq!(text(&gemini::write_response(&answer)).contains(&format!(r#""finishReason":"{name}""#)), same, "{name}");
    }
    let call = r#"{"functionCall":{"name":"f"}}"#;
    assert_eq!(read("STOP", call).stop, StopReason::ToolCalls);
    assert_eq!(read("MAX_TOKENS", call).stop, StopReason::Length);
}

#[test]
fn missing_usage_is_not_zero_and_no_answer_is_refused() {
    let usage = |more: &str| gemini::read_response(format!(r#"{{"candidates":[{{}}]{more}}}"#).as_bytes()).expect("an answer").usage;
    assert_eq!(usage(""), None);
    assert_eq!(usage(r#","usageMetadata":{}"#), Some(Usage::default()));
    assert!(gemini::read_response(br#"{"candidates":[]}"#).is_err());
    assert!(gemini::read_response(b"<html>").is_err());
}

#[test]
fn errors_go_both_ways() {
    // A wrong key is no error of the request's.
    let key = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[
        {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}},
        {"@type":"type.googleapis.com/google.rpc.LocalizedMessage","locale":"en-US","message":"API key not valid. Please pass a valid API key."}]}}"#;
    let read = gemini::read_error(400, key.as_bytes());
    assert_eq!((read.kind, read.code.as_deref()), (ErrorKind::Authentication, Some("API_KEY_INVALID")));
    assert_snapshot!(text(&gemini::write_error(&read)), @r#"{"error":{"code":401,"message":"API key not valid. Please pass a valid API key.","status":"UNAUTHENTICATED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#);
    assert_snapshot!(text(&anthropic::write_error(&read)), @r#"{"type":"error","error":{"type":"authentication_error","message":"API key not valid. Please pass a valid API key."}}"#);

    let field = r#"[{"error":{"code":400,"message":"Invalid value","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[0].role","description":"Invalid value"}]}]}}]"#;
    let read = gemini::read_error(400, field.as_bytes());
    assert_eq!((read.kind, read.param.as_deref()), (ErrorKind::InvalidRequest, Some("contents[0].role")));
    assert_eq!(
        gemini::read_error(400, &gemini::write_error(&read)),
        crate::form::Failure { code: Some("INVALID_ARGUMENT".to_owned()), ..read }
    );

    let kind = |code: u16, status: &str| {
        gemini::read_error(code, format!(r#"{{"error":{{"code":{code},"message":"m","status":"{status}"}}}}"#).as_bytes()).kind
    };
    assert_eq!(kind(429, "RESOURCE_EXHAUSTED"), ErrorKind::RateLimit);
    assert_eq!(kind(403, "PERMISSION_DENIED"), ErrorKind::Permission);
    assert_eq!(kind(404, "NOT_FOUND"), ErrorKind::NotFound);
    assert_eq!(kind(400, "FAILED_PRECONDITION"), ErrorKind::InvalidRequest);
    assert_eq!(kind(500, "INTERNAL"), ErrorKind::Api);
    assert_eq!(kind(503, "UNAVAILABLE"), ErrorKind::Overloaded);
    assert_eq!(kind(504, "DEADLINE_EXCEEDED"), ErrorKind::Timeout);
    assert_eq!(kind(418, "SOMETHING_NEW"), ErrorKind::InvalidRequest);
    assert_eq!(gemini::read_error(503, b"<html>").kind, ErrorKind::Overloaded);

    let openais =
        openai::read_error(429, br#"{"error":{"message":"slow down","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#);
    assert_snapshot!(text(&gemini::write_error(&openais)), @r#"{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"rate_limit_exceeded"}]}}"#);
}

#[test]
fn every_kind_of_error_comes_back() {
    for kind in [
        ErrorKind::InvalidRequest,
        ErrorKind::Authentication,
        ErrorKind::Billing,
        ErrorKind::Permission,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::TooLarge,
        ErrorKind::RateLimit,
        ErrorKind::Api,
        ErrorKind::Timeout,
        ErrorKind::Overloaded,
    ] {
        let failure = crate::form::Failure { kind, message: "m".to_owned(), code: None, param: None, request_id: Some("req_1".to_owned()) };
        // In a stream the status is that of the stream.
        let read = gemini::read_error(200, &gemini::write_error(&failure));
        assert_eq!((read.kind, read.request_id), (kind, failure.request_id));
    }
}
