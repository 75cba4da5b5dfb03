use super::{lines, to_openai};
use crate::dialect::openai::Options;
use insta::assert_snapshot;

fn written(body: &str) -> String {
    let written = to_openai(body, Options::default()).expect("translatable");
    assert_eq!(written.lost, [], "nothing is left out");
    lines(&written.body)
}

#[test]
fn a_plain_call() {
    let body = r#"{"model":"gpt-5","max_tokens":1024,"system":"You help.","temperature":0.5,"top_p":0.9,"stop_sequences":["END","STOP"],"stream":true,
        "metadata":{"user_id":"u-1"},"service_tier":"auto","messages":[{"role":"user","content":"Hello, Claude"},
        {"role":"assistant","content":[{"type":"text","text":"Hello!"}]},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#;
    assert_snapshot!(written(body), @r#"
    model: "gpt-5"
    messages: [{"role":"system","content":"You help."},{"role":"user","content":"Hello, Claude"},{"role":"assistant","content":"Hello!"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]
    max_completion_tokens: 1024
    temperature: 0.5
    top_p: 0.9
    stop: ["END","STOP"]
    stream: true
    stream_options: {"include_usage":true}
    user: "u-1"
    "#);
}

#[test]
fn tools_answer_before_the_user_goes_on() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[
        {"role":"user","content":"Price?"},
        {"role":"assistant","content":[{"type":"text","text":"I look."},
          {"type":"tool_use","id":"toolu_01","name":"get_stock_price","input":{ "ticker": "^GSPC" }},
          {"type":"tool_use","id":"toolu_02","name":"now","input":{},"caller":{"type":"direct"}}]},
        {"role":"user","content":[
          {"type":"tool_result","tool_use_id":"toolu_01","content":"259.75 USD"},
          {"type":"tool_result","tool_use_id":"toolu_02","content":[{"type":"text","text":"no clock"}],"is_error":true},
          {"type":"text","text":"Go on."}]}],
      "tools":[{"name":"get_stock_price","description":"Get the price.","input_schema":{"type":"object","properties":{"ticker":{"type":"string"}},"required":["ticker"]}},
        {"type":"custom","name":"now","input_schema":{"type":"object"},"strict":true}],
      "tool_choice":{"type":"any","disable_parallel_tool_use":true}}"#;
    assert_snapshot!(written(body), @r#"
    model: "m"
    messages: [{"role":"user","content":"Price?"},{"role":"assistant","content":"I look.","tool_calls":[{"id":"toolu_01","type":"function","function":{"name":"get_stock_price","arguments":"{ \"ticker\": \"^GSPC\" }"}},{"id":"toolu_02","type":"function","function":{"name":"now","arguments":"{}"}}]},{"role":"tool","tool_call_id":"toolu_01","content":"259.75 USD"},{"role":"tool","tool_call_id":"toolu_02","content":"Error: no clock"},{"role":"user","content":"Go on."}]
    tools: [{"type":"function","function":{"name":"get_stock_price","description":"Get the price.","parameters":{"type":"object","properties":{"ticker":{"type":"string"}},"required":["ticker"]}}},{"type":"function","function":{"name":"now","parameters":{"type":"object"},"strict":true}}]
    tool_choice: "required"
    parallel_tool_calls: false
    max_completion_tokens: 9
    "#);
}

#[test]
fn pictures_and_documents() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[
        {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/4A=="}},
        {"type":"image","source":{"type":"url","url":"https://example.org/a.png"}},
        {"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}},
        {"type":"document","title":"Notes","source":{"type":"text","media_type":"text/plain","data":"One."}}]}]}"#;
    assert_snapshot!(written(body), @r#"
    model: "m"
    messages: [{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/4A=="}},{"type":"image_url","image_url":{"url":"https://example.org/a.png"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0=","filename":"a.pdf"}},{"type":"text","text":"Notes\n\nOne."}]}]
    max_completion_tokens: 9
    "#);
}

#[test]
fn a_schema_and_a_level() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[],"thinking":{"type":"adaptive"},"output_config":{"effort":"max","format":{"type":"json_schema",
        "schema":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}}}}}}"#;
    assert_snapshot!(written(body), @r#"
    model: "m"
    messages: []
    max_completion_tokens: 9
    response_format: {"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}}},"strict":true}}
    reasoning_effort: "xhigh"
    "#);
}

#[test]
fn a_budget_is_a_level() {
    let level = |thinking: &str| {
        let all = written(&format!(r#"{{"model":"m","max_tokens":16000,"messages":[],"thinking":{thinking}}}"#));
        all.lines().find_map(|line| line.strip_prefix("reasoning_effort: ")).unwrap_or_default().to_owned()
    };
    assert_eq!(level(r#"{"type":"enabled","budget_tokens":2000}"#), r#""low""#);
    assert_eq!(level(r#"{"type":"enabled","budget_tokens":8000}"#), r#""medium""#);
    assert_eq!(level(r#"{"type":"enabled","budget_tokens":14000}"#), r#""high""#);
    assert_eq!(level(r#"{"type":"disabled"}"#), r#""none""#);
    assert_eq!(level(r#"{"type":"adaptive"}"#), "");
}

#[test]
fn thoughts_marks_and_top_k_go_where_they_are_taken() {
    let body = r#"{"model":"m","max_tokens":9,"top_k":40,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[
        {"role":"user","content":"2+2?"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"Add.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"},{"type":"text","text":"4"}]}]}"#;
    let written = to_openai(body, Options { extensions: true, old_max_tokens: true, ..Options::default() }).expect("translatable");
    assert_eq!(written.lost, []);
    assert_snapshot!(lines(&written.body), @r#"
    model: "m"
    messages: [{"role":"system","content":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"2+2?"},{"role":"assistant","content":"4","reasoning_content":"Add.","thinking_blocks":[{"type":"thinking","thinking":"Add.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"}]}]
    max_tokens: 9
    top_k: 40
    "#);
}
