use super::{lines, text};
use crate::dialect::{anthropic, openai};
use crate::form::StopReason;
use crate::usage::Usage;
use insta::assert_snapshot;

fn to_openai(body: &str) -> String {
    lines(&openai::write_response(&anthropic::read_response(body.as_bytes()).expect("an answer"), 1_700_000_000))
}

fn to_anthropic(body: &str) -> String {
    lines(&anthropic::write_response(&openai::read_response(body.as_bytes()).expect("an answer")))
}

#[test]
fn anthropics_text_and_tokens() {
    // Input as OpenAI counts: 12 + 100 read from the cache + 30 written to it.
    let body = r#"{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-5","content":[{"type":"text","text":"Hi! "},{"type":"text","text":"I'm Claude.","citations":null}],
        "stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":30,"cache_read_input_tokens":100,
        "cache_creation":{"ephemeral_5m_input_tokens":30,"ephemeral_1h_input_tokens":0},"output_tokens":6,"service_tier":"standard"}}"#;
    assert_snapshot!(to_openai(body), @r#"
    id: "msg_01"
    object: "chat.completion"
    created: 1700000000
    model: "claude-sonnet-5"
    choices: [{"index":0,"message":{"role":"assistant","content":"Hi! I'm Claude.","refusal":null},"logprobs":null,"finish_reason":"stop"}]
    usage: {"prompt_tokens":142,"completion_tokens":6,"total_tokens":148,"prompt_tokens_details":{"cached_tokens":100,"cache_write_tokens":30},"completion_tokens_details":{"reasoning_tokens":0}}
    "#);
}

#[test]
fn anthropics_thoughts_and_tools() {
    let body = r#"{"id":"msg_02","type":"message","role":"assistant","model":"m","content":[
        {"type":"thinking","thinking":"Two cities.","signature":"EqQB"},
        {"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"city":"Paris"}},
        {"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":50,"output_tokens_details":{"thinking_tokens":20}}}"#;
    assert_snapshot!(to_openai(body), @r#"
    id: "msg_02"
    object: "chat.completion"
    created: 1700000000
    model: "m"
    choices: [{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"Two cities.","thinking_blocks":[{"type":"thinking","thinking":"Two cities.","signature":"EqQB"}],"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}},{"id":"toolu_2","type":"function","function":{"name":"now","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]
    usage: {"prompt_tokens":1,"completion_tokens":50,"total_tokens":51,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":20}}
    "#);
}

#[test]
fn openais_text_and_tokens() {
    let body = r#"{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion","created":1741569952,"model":"gpt-4.1-2025-04-14",
        "choices":[{"index":0,"message":{"role":"assistant","content":"Hello! How can I assist you today?","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],
        "usage":{"prompt_tokens":1900,"completion_tokens":10,"total_tokens":1910,"prompt_tokens_details":{"cached_tokens":1024,"audio_tokens":0,"cache_write_tokens":800},
        "completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0}},"service_tier":"default"}"#;
    // 1900 − 1024 read from the cache − 800 written to it.
    assert_snapshot!(to_anthropic(body), @r#"
    id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"
    type: "message"
    role: "assistant"
    model: "gpt-4.1-2025-04-14"
    content: [{"type":"text","text":"Hello! How can I assist you today?"}]
    stop_reason: "end_turn"
    stop_sequence: null
    usage: {"input_tokens":76,"cache_creation_input_tokens":800,"cache_read_input_tokens":1024,"output_tokens":10,"output_tokens_details":{"thinking_tokens":4}}
    "#);
}

#[test]
fn openais_tools_with_the_reason_of_a_forced_call() {
    let body = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":null,
        "reasoning_content":"Both.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"b\":1,\"a\":2}"}},{"id":"call_2","type":"function","function":{"name":"g","arguments":""}}]}}]}"#;
    assert_snapshot!(to_anthropic(body), @r#"
    id: "c"
    type: "message"
    role: "assistant"
    model: "m"
    content: [{"type":"thinking","thinking":"Both.","signature":""},{"type":"tool_use","id":"call_1","name":"f","input":{"b":1,"a":2}},{"type":"tool_use","id":"call_2","name":"g","input":{}}]
    stop_reason: "tool_use"
    stop_sequence: null
    usage: {"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}
    "#);
}

#[test]
fn a_refusal() {
    let body = r#"{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":null,"refusal":"I cannot help."}}]}"#;
    let written = to_anthropic(body);
    assert!(written.contains(r#"content: [{"type":"text","text":"I cannot help."}]"#) && written.contains(r#"stop_reason: "refusal""#));
    let body = r#"{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":"refusal","stop_sequence":null,"usage":{"input_tokens":20,"output_tokens":1}}"#;
    assert!(
        to_openai(body)
            .contains(r#""message":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":"content_filter""#)
    );
}

#[test]
fn what_only_its_provider_knows_is_no_block_of_anthropics() {
    // Found by the fuzzer: Google's own parts stood among the blocks, and Anthropic's libraries read a `type` of each.
    let body = r#"{"candidates":[{"content":{"parts":[{"executableCode":{"language":"PYTHON","code":"1"}},{"text":"Hi"}]},"finishReason":"STOP"}],"responseId":"x"}"#;
    let read = crate::dialect::gemini::read_response(body.as_bytes()).expect("an answer");
    let written = anthropic::write_response(&read);
    assert!(text(&written).contains(r#""content":[{"type":"text","text":"Hi"}]"#), "{}", text(&written));
}

#[test]
fn reasons_to_stop_go_both_ways() {
    let anthropics = |name: &str, sequence: &str| {
        let body = format!(r#"{{"type":"message","content":[],"stop_reason":"{name}","stop_sequence":{sequence}}}"#);
        let read = anthropic::read_response(body.as_bytes()).expect("an answer");
        let (openai, own) = (openai::write_response(&read, 0), anthropic::write_response(&read));
        let finish = text(&openai).split("finish_reason\":\"").nth(1).and_then(|t| t.split('"').next()).expect("a reason").to_owned();
        (finish, text(&own).contains(&format!(r#""stop_reason":"{name}","stop_sequence":{sequence}"#)))
    };
    for (name, sequence, finish, same) in [
        ("end_turn", "null", "stop", true),
        ("stop_sequence", r#""END""#, "stop", true),
        ("pause_turn", "null", "stop", true),
        ("max_tokens", "null", "length", true),
        ("model_context_window_exceeded", "null", "length", false),
        ("tool_use", "null", "tool_calls", true),
        ("refusal", "null", "content_filter", true),
        ("something_new", "null", "stop", false),
    ] {
        assert_eq!(anthropics(name, sequence), (finish.to_owned(), same), "{name}");
    }
    let openais = |name: &str| {
        let body = format!(r#"{{"choices":[{{"message":{{"role":"assistant","content":"x"}},"finish_reason":"{name}"}}]}}"#);
        openai::read_response(body.as_bytes()).expect("an answer").stop
    };
    assert_eq!(openais("stop"), StopReason::Stop);
    assert_eq!(openais("length"), StopReason::Length);
    assert_eq!(openais("tool_calls"), StopReason::ToolCalls);
    assert_eq!(openais("function_call"), StopReason::ToolCalls);
    assert_eq!(openais("content_filter"), StopReason::ContentFilter);
}

#[test]
fn missing_usage_is_not_zero() {
    let read = anthropic::read_response(br#"{"type":"message","content":[],"stop_reason":"end_turn"}"#).expect("an answer");
    assert_eq!(read.usage, None);
    assert!(!text(&openai::write_response(&read, 0)).contains("usage"));
    let read =
        anthropic::read_response(br#"{"type":"message","content":[],"usage":{"input_tokens":0,"output_tokens":0}}"#).expect("an answer");
    assert_eq!(read.usage, Some(Usage::default()));
}

#[test]
fn what_is_no_answer_is_refused() {
    assert!(anthropic::read_response(br#"{"type":"error","error":{}}"#).is_err());
    assert!(openai::read_response(br#"{"choices":[]}"#).is_err());
    assert!(openai::read_response(b"<html>").is_err());
}
