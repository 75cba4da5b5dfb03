use super::{lines, to_anthropic};
use crate::dialect::anthropic::{Options, Thinking};
use insta::assert_snapshot;

fn written(body: &str) -> String {
    let written = to_anthropic(body, Options { default_max_tokens: Some(4096), ..Options::default() }).expect("translatable");
    assert_eq!(written.lost, [], "nothing is left out");
    lines(&written.body)
}

#[test]
fn all_system_and_developer_messages_are_hoisted_with_their_marks() {
    let body = r#"{"model":"claude-sonnet-5","max_completion_tokens":256,"temperature":0.5,"top_p":0.9,"stop":"END","user":"u-1","messages":[
        {"role":"system","content":"You help."},
        {"role":"user","content":"Hi"},
        {"role":"developer","content":[{"type":"text","text":"Be short.","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
        {"role":"user","content":"Still there?"},
        {"role":"assistant","content":"Yes."},
        {"role":"system","content":"Be kind."},
        {"role":"user","content":"Good."}]}"#;
    assert_snapshot!(written(body), @r#"
    model: "claude-sonnet-5"
    max_tokens: 256
    system: [{"type":"text","text":"You help."},{"type":"text","text":"Be short.","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"Be kind."}]
    messages: [{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"text","text":"Still there?"}]},{"role":"assistant","content":[{"type":"text","text":"Yes."}]},{"role":"user","content":[{"type":"text","text":"Good."}]}]
    temperature: 0.5
    top_p: 0.9
    stop_sequences: ["END"]
    metadata: {"user_id":"u-1"}
    "#);
}

#[test]
fn the_answers_of_parallel_tools_are_one_turn() {
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"parallel_tool_calls":false,"tool_choice":"required","messages":[
        {"role":"user","content":"Weather in Paris and Rome?"},
        {"role":"assistant","content":null,"refusal":null,"annotations":[],"tool_calls":[
          {"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\", \"days\":1.50}"}},
          {"id":"call_2","type":"function","function":{"name":"now","arguments":""}}]},
        {"role":"tool","tool_call_id":"call_1","name":"get_weather","content":"18 °C"},
        {"role":"tool","tool_call_id":"call_2","content":[{"type":"text","text":"noon"},{"type":"text","text":"sharp"}]},
        {"role":"user","content":"And?"}],
      "tools":[{"type":"function","function":{"name":"get_weather","description":"Now","strict":true,
          "parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}}}}},
        {"type":"function","function":{"name":"now"},"cache_control":{"type":"ephemeral"}}]}"#;
    assert_snapshot!(written(body), @r#"
    model: "m"
    max_tokens: 4096
    messages: [{"role":"user","content":[{"type":"text","text":"Weather in Paris and Rome?"}]},{"role":"assistant","content":[{"type":"tool_use","id":"call_1","name":"get_weather","input":{"city":"Paris", "days":1.50}},{"type":"tool_use","id":"call_2","name":"now","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"18 °C"},{"type":"tool_result","tool_use_id":"call_2","content":[{"type":"text","text":"noon"},{"type":"text","text":"sharp"}]},{"type":"text","text":"And?"}]}]
    tools: [{"name":"get_weather","description":"Now","input_schema":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}}},"strict":true},{"name":"now","input_schema":{"properties":{},"type":"object"},"cache_control":{"type":"ephemeral"}}]
    tool_choice: {"type":"any","disable_parallel_tool_use":true}
    stream: true
    "#);
}

#[test]
fn every_choice_of_tools() {
    let choice = |choice: &str| {
        let body = format!(r#"{{"model":"m","messages":[],"tools":[{{"type":"function","function":{{"name":"f"}}}}],{choice}}}"#);
        let all = written(&body);
        all.lines().find(|line| line.starts_with("tool_choice")).unwrap_or_default().to_owned()
    };
    assert_eq!(choice(r#""tool_choice":"auto""#), r#"tool_choice: {"type":"auto"}"#);
    assert_eq!(choice(r#""tool_choice":"none","parallel_tool_calls":false"#), r#"tool_choice: {"type":"none"}"#);
    assert_eq!(
        choice(r#""tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true"#),
        r#"tool_choice: {"type":"tool","name":"f"}"#
    );
    assert_eq!(choice(r#""parallel_tool_calls":false"#), r#"tool_choice: {"type":"auto","disable_parallel_tool_use":true}"#);
    assert_eq!(choice(r#""parallel_tool_calls":true"#), "");
}

#[test]
fn pictures_and_documents() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[
        {"type":"text","text":"Compare."},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"auto"},"cache_control":{"type":"ephemeral"}},
        {"type":"image_url","image_url":{"url":"https://example.org/a.jpg"}},
        {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}},
        {"type":"file","file":{"file_data":"JVBERi0="}}]}]}"#;
    assert_snapshot!(written(body), @r#"
    model: "m"
    max_tokens: 9
    messages: [{"role":"user","content":[{"type":"text","text":"Compare."},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="},"cache_control":{"type":"ephemeral"}},{"type":"image","source":{"type":"url","url":"https://example.org/a.jpg"}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"a.pdf"},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}]}]
    "#);
}

#[test]
fn a_schema_keeps_the_order_of_its_keys() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Jane"}],"response_format":{"type":"json_schema","json_schema":{
        "name":"person","strict":true,"schema":{"type":"object","properties":{"reason":{"type":"string"},"age":{"type":"integer"}},"required":["reason","age"],"additionalProperties":false}}}}"#;
    assert_snapshot!(written(body), @r#"
    model: "m"
    max_tokens: 9
    messages: [{"role":"user","content":[{"type":"text","text":"Jane"}]}]
    output_config: {"format":{"type":"json_schema","schema":{"type":"object","properties":{"reason":{"type":"string"},"age":{"type":"integer"}},"required":["reason","age"],"additionalProperties":false}}}
    "#);
}

#[test]
fn thoughts_go_back_with_their_signatures() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"2+2?"},
        {"role":"assistant","content":"4","reasoning_content":"Add.","thinking_blocks":[
          {"type":"thinking","thinking":"Add.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"}]},
        {"role":"user","content":"Sure?"}]}"#;
    assert_snapshot!(written(body), @r#"
    model: "m"
    max_tokens: 9
    messages: [{"role":"user","content":[{"type":"text","text":"2+2?"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"Add.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"},{"type":"text","text":"4"}]},{"role":"user","content":[{"type":"text","text":"Sure?"}]}]
    "#);
}

#[test]
fn levels_of_thinking() {
    let asked = |effort: &str, max: u32, thinking| {
        let body = format!(r#"{{"model":"m","messages":[],"max_tokens":{max},"reasoning_effort":"{effort}"}}"#);
        let written = to_anthropic(&body, Options { thinking, ..Options::default() }).map(|w| lines(&w.body));
        written.map(|all| all.lines().filter(|l| l.starts_with("thinking") || l.starts_with("output_config")).collect::<Vec<_>>().join(" "))
    };
    let adaptive = |effort| asked(effort, 10_000, Thinking::Adaptive).expect("translatable");
    assert_eq!(adaptive("minimal"), r#"thinking: {"type":"adaptive"} output_config: {"effort":"low"}"#);
    assert_eq!(adaptive("high"), r#"thinking: {"type":"adaptive"} output_config: {"effort":"high"}"#);
    assert_eq!(adaptive("none"), r#"thinking: {"type":"disabled"}"#);
    let budget = |effort, max| asked(effort, max, Thinking::Budget);
    assert_eq!(budget("low", 10_000).expect("enough"), r#"thinking: {"type":"enabled","budget_tokens":2000}"#);
    assert_eq!(budget("low", 2000).expect("enough"), r#"thinking: {"type":"enabled","budget_tokens":1024}"#);
    assert_eq!(budget("low", 1024).expect_err("no room for an answer").param(), "reasoning_effort");
}

#[test]
fn max_tokens_comes_from_the_caller_else_from_the_catalogue_else_is_missed() {
    let body = r#"{"model":"m","messages":[]}"#;
    let refused = to_anthropic(body, Options { drop_unsupported: true, ..Options::default() }).expect_err("refused");
    assert_eq!((refused.param(), refused.code()), ("max_tokens", "invalid_request"));
    assert_eq!(written(body).lines().nth(1), Some("max_tokens: 4096"));
    assert_eq!(written(r#"{"model":"m","messages":[],"max_tokens":5}"#).lines().nth(1), Some("max_tokens: 5"));
}

#[test]
fn a_refusal_is_text_and_empty_text_is_nothing() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","refusal":"I cannot."},{"role":"user","content":"why"}]}"#;
    assert!(written(body).contains(r#"{"role":"assistant","content":[{"type":"text","text":"I cannot."}]}"#));
}
