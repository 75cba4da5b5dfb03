//! The Responses API against the other two.

use super::{events, lines, text};
use crate::dialect::{Dialect, anthropic, openai, responses};
use crate::form::{ErrorKind, StreamEvent};
use insta::assert_snapshot;

const REQUEST: &str = r#"{"model":"m","instructions":"You help.","max_output_tokens":512,"stream":true,"store":false,"include":["reasoning.encrypted_content"],
    "reasoning":{"effort":"high","summary":"auto"},"text":{"format":{"type":"json_schema","name":"p","schema":{"b":1,"a":2},"strict":true},"verbosity":"medium"},
    "tools":[{"type":"function","name":"get_weather","parameters":{"type":"object","properties":{}},"strict":true}],
    "tool_choice":{"type":"function","name":"get_weather"},"parallel_tool_calls":false,"input":[
    {"role":"developer","content":"Be short."},
    {"type":"message","role":"user","content":[{"type":"input_text","text":"Weather?"},{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo=","detail":"auto"}]},
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Ask."}],"encrypted_content":"EqQB"},
    {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"I look.","annotations":[]}]},
    {"type":"function_call","id":"fc_1","call_id":"call_1","name":"get_weather","arguments":"{\"city\":\"Paris\"}","status":"completed"},
    {"type":"function_call","call_id":"call_2","name":"get_weather","arguments":""},
    {"type":"function_call_output","call_id":"call_1","output":"18"},
    {"type":"function_call_output","call_id":"call_2","output":[{"type":"input_text","text":"20"}]}]}"#;

#[test]
fn items_become_anthropics_turns() {
    let read = responses::read_request(REQUEST.as_bytes()).expect("a request");
    let written = anthropic::write_request(&read, anthropic::Options::default()).expect("translatable");
    assert_eq!(written.lost, []);
    assert_snapshot!(lines(&written.body), @r#"
    model: "m"
    max_tokens: 512
    system: [{"type":"text","text":"You help."},{"type":"text","text":"Be short."}]
    messages: [{"role":"user","content":[{"type":"text","text":"Weather?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"Ask.","signature":"EqQB"},{"type":"text","text":"I look."},{"type":"tool_use","id":"call_1","name":"get_weather","input":{"city":"Paris"}},{"type":"tool_use","id":"call_2","name":"get_weather","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"18"},{"type":"tool_result","tool_use_id":"call_2","content":"20"}]}]
    tools: [{"name":"get_weather","input_schema":{"type":"object","properties":{}},"strict":true}]
    tool_choice: {"type":"tool","name":"get_weather","disable_parallel_tool_use":true}
    thinking: {"type":"adaptive"}
    output_config: {"effort":"high","format":{"type":"json_schema","schema":{"b":1,"a":2}}}
    stream: true
    "#);
}

#[test]
fn items_become_chat_messages() {
    let read = responses::read_request(REQUEST.as_bytes()).expect("a request");
    let written = openai::write_request(&read, openai::Options { extensions: true, ..Default::default() }).expect("translatable");
    assert_eq!(written.lost, []);
    assert_snapshot!(lines(&written.body), @r#"
    model: "m"
    messages: [{"role":"system","content":[{"type":"text","text":"You help."},{"type":"text","text":"Be short."}]},{"role":"user","content":[{"type":"text","text":"Weather?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"auto"}}]},{"role":"assistant","content":"I look.","reasoning_content":"Ask.","thinking_blocks":[{"type":"thinking","thinking":"Ask.","signature":"EqQB"}],"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}},{"id":"call_2","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"18"},{"role":"tool","tool_call_id":"call_2","content":"20"}]
    tools: [{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{}},"strict":true}}]
    tool_choice: {"type":"function","function":{"name":"get_weather"}}
    parallel_tool_calls: false
    max_completion_tokens: 512
    response_format: {"type":"json_schema","json_schema":{"name":"p","schema":{"b":1,"a":2},"strict":true}}
    reasoning_effort: "high"
    stream: true
    stream_options: {"include_usage":true}
    "#);
}

#[test]
fn anthropics_turns_become_items() {
    let body = r#"{"model":"m","max_tokens":512,"system":"You help.","thinking":{"type":"adaptive"},"output_config":{"effort":"high"},"messages":[
        {"role":"user","content":[{"type":"text","text":"Weather?"},{"type":"image","source":{"type":"url","url":"https://example.org/a.png"}},
          {"type":"document","source":{"type":"url","url":"https://example.org/a.pdf"}}]},
        {"role":"assistant","content":[{"type":"thinking","thinking":"Ask.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"},{"type":"text","text":"I look."},
          {"type":"tool_use","id":"toolu_1","name":"f","input":{"b":1,"a":2}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"no","is_error":true},{"type":"text","text":"And?"}]}],
      "tools":[{"name":"f","input_schema":{"type":"object"}}]}"#;
    let read = anthropic::read_request(body.as_bytes()).expect("a request");
    let written = responses::write_request(&read, responses::Options::default()).expect("translatable");
    assert_eq!(written.lost, []);
    assert_snapshot!(lines(&written.body), @r#"
    model: "m"
    instructions: "You help."
    input: [{"type":"message","role":"user","content":[{"type":"input_text","text":"Weather?"},{"type":"input_image","image_url":"https://example.org/a.png","detail":"auto"},{"type":"input_file","file_url":"https://example.org/a.pdf"}]},{"type":"reasoning","summary":[{"type":"summary_text","text":"Ask."}],"encrypted_content":"EqQB"},{"type":"reasoning","summary":[],"encrypted_content":"redacted_thinking:Emwx"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"I look."}]},{"type":"function_call","call_id":"toolu_1","name":"f","arguments":"{\"b\":1,\"a\":2}"},{"type":"function_call_output","call_id":"toolu_1","output":"Error: no"},{"type":"message","role":"user","content":[{"type":"input_text","text":"And?"}]}]
    tools: [{"type":"function","name":"f","parameters":{"type":"object"},"strict":false}]
    max_output_tokens: 512
    reasoning: {"effort":"high","summary":"auto"}
    include: ["reasoning.encrypted_content"]
    store: false
    "#);
}

#[test]
fn what_both_of_openais_dialects_know_goes_over() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"team":"blue"},"store":true,"service_tier":"flex","frequency_penalty":0}"#;
    let read = openai::read_request(body.as_bytes()).expect("a request");
    let written = responses::write_request(&read, responses::Options::default()).expect("translatable");
    assert_snapshot!(lines(&written.body), @r#"
    model: "m"
    input: [{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]}]
    metadata: {"team":"blue"}
    service_tier: "flex"
    store: true
    "#);
    let back = responses::read_request(&written.body).expect("a request");
    let written = openai::write_request(&back, openai::Options::default()).expect("translatable");
    assert_snapshot!(lines(&written.body), @r#"
    model: "m"
    messages: [{"role":"user","content":"x"}]
    metadata: {"team":"blue"}
    service_tier: "flex"
    store: true
    "#);
}

#[test]
fn its_own_fields_survive() {
    let read = responses::read_request(REQUEST.as_bytes()).expect("a request");
    let written = responses::write_request(&read, responses::Options::default()).expect("its own dialect");
    let again = responses::read_request(&written.body).expect("a request");
    assert_eq!((again.messages.len(), &again.extra, &again.tools), (read.messages.len(), &read.extra, &read.tools));
    assert_eq!((again.system, again.reasoning, again.response_format), (read.system, read.reasoning, read.response_format));
}

#[test]
fn what_others_cannot_is_named() {
    let refused = |fields: &str| {
        let read = responses::read_request(format!(r#"{{"model":"m","max_output_tokens":9,{fields}}}"#).as_bytes()).expect("a request");
        let anthropic = anthropic::write_request(&read, anthropic::Options::default()).expect_err("refused");
        let openai = openai::write_request(&read, openai::Options::default()).expect_err("refused");
        assert_eq!(anthropic.param(), openai.param());
        anthropic.param().to_owned()
    };
    assert_eq!(refused(r#""input":"x","previous_response_id":"resp_1""#), "previous_response_id");
    assert_eq!(refused(r#""input":"x","background":true"#), "background");
    assert_eq!(refused(r#""input":"x","tools":[{"type":"web_search"}]"#), "tools[0]");
    assert_eq!(refused(r#""input":[{"type":"web_search_call","id":"ws_1"}]"#), "input[0].web_search_call");
}

#[test]
fn anthropics_answer_becomes_items() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"Hm.","signature":"EqQB"},{"type":"text","text":"Hi."},
        {"type":"tool_use","id":"toolu_1","name":"f","input":{}}],"stop_reason":"max_tokens","usage":{"input_tokens":1,"cache_read_input_tokens":4,"output_tokens":9}}"#;
    let read = anthropic::read_response(body.as_bytes()).expect("an answer");
    let written = responses::write_response(&read, 1_700_000_000);
    assert_snapshot!(lines(&written), @r#"
    id: "resp_msg_1"
    object: "response"
    created_at: 1700000000
    status: "incomplete"
    error: null
    incomplete_details: {"reason":"max_output_tokens"}
    model: "m"
    output: [{"type":"reasoning","id":"rs_msg_1_0","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"EqQB"},{"type":"message","id":"msg_msg_1_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi.","annotations":[]}]},{"type":"function_call","id":"fc_toolu_1","call_id":"toolu_1","name":"f","arguments":"{}","status":"completed"}]
    parallel_tool_calls: true
    tool_choice: "auto"
    tools: []
    usage: {"input_tokens":5,"input_tokens_details":{"cached_tokens":4},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":14}
    "#);
    let again = responses::read_response(&written).expect("an answer");
    assert_eq!((again.parts, again.stop, again.usage), (read.parts, read.stop, read.usage));
}

fn stream(from: Dialect, to: Dialect, stream: &str) -> String {
    let (mut reader, mut writer) = (from.reader(), to.writer(1_700_000_000, true));
    let mut out = Vec::new();
    for data in events(stream.as_bytes()) {
        for event in reader.data(&data).expect("readable") {
            out.extend(writer.write(&event));
        }
    }
    reader.finish().expect("complete");
    out.extend(writer.finish());
    text(&out).to_owned()
}

const CHAT: &str = include_str!("../../../tests/streams/openai.txt");
const MESSAGES: &str = include_str!("../../../tests/streams/anthropic.txt");

#[test]
fn a_stream_has_its_events_in_order() {
    let written = stream(Dialect::Anthropic, Dialect::Responses, MESSAGES);
    let short: Vec<String> = written
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| {
            if data.contains("\"response\":") {
                data.split(",\"response\":").next().unwrap_or_default().to_owned()
            } else {
                data.to_owned()
            }
        })
        .collect();
    assert_snapshot!(short.join("\n"), @r#"
    {"type":"response.created","sequence_number":0
    {"type":"response.in_progress","sequence_number":1
    {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"reasoning","id":"rs_msg_1_0","summary":[]}}
    {"type":"response.reasoning_summary_part.added","sequence_number":3,"item_id":"rs_msg_1_0","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}
    {"type":"response.reasoning_summary_text.delta","sequence_number":4,"item_id":"rs_msg_1_0","output_index":0,"summary_index":0,"delta":"Hm – é."}
    {"type":"response.reasoning_summary_text.done","sequence_number":5,"item_id":"rs_msg_1_0","output_index":0,"summary_index":0,"text":"Hm – é."}
    {"type":"response.reasoning_summary_part.done","sequence_number":6,"item_id":"rs_msg_1_0","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"Hm – é."}}
    {"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{"type":"reasoning","id":"rs_msg_1_0","summary":[{"type":"summary_text","text":"Hm – é."}],"encrypted_content":"EqQB"}}
    {"type":"response.output_item.added","sequence_number":8,"output_index":1,"item":{"type":"message","id":"msg_msg_1_1","status":"in_progress","role":"assistant","content":[]}}
    {"type":"response.content_part.added","sequence_number":9,"item_id":"msg_msg_1_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}
    {"type":"response.output_text.delta","sequence_number":10,"item_id":"msg_msg_1_1","output_index":1,"content_index":0,"delta":"Grüße, 日本.","logprobs":[]}
    {"type":"response.output_text.done","sequence_number":11,"item_id":"msg_msg_1_1","output_index":1,"content_index":0,"text":"Grüße, 日本.","logprobs":[]}
    {"type":"response.content_part.done","sequence_number":12,"item_id":"msg_msg_1_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"Grüße, 日本.","annotations":[]}}
    {"type":"response.output_item.done","sequence_number":13,"output_index":1,"item":{"type":"message","id":"msg_msg_1_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Grüße, 日本.","annotations":[]}]}}
    {"type":"response.output_item.added","sequence_number":14,"output_index":2,"item":{"type":"function_call","id":"fc_toolu_1","call_id":"toolu_1","name":"f","arguments":"","status":"in_progress"}}
    {"type":"response.function_call_arguments.delta","sequence_number":15,"item_id":"fc_toolu_1","output_index":2,"delta":"{\"a\": \"é\"}"}
    {"type":"response.output_item.added","sequence_number":16,"output_index":3,"item":{"type":"function_call","id":"fc_toolu_2","call_id":"toolu_2","name":"g","arguments":"","status":"in_progress"}}
    {"type":"response.function_call_arguments.delta","sequence_number":17,"item_id":"fc_toolu_2","output_index":3,"delta":"{}"}
    {"type":"response.function_call_arguments.done","sequence_number":18,"item_id":"fc_toolu_1","output_index":2,"name":"f","arguments":"{\"a\": \"é\"}"}
    {"type":"response.output_item.done","sequence_number":19,"output_index":2,"item":{"type":"function_call","id":"fc_toolu_1","call_id":"toolu_1","name":"f","arguments":"{\"a\": \"é\"}","status":"completed"}}
    {"type":"response.function_call_arguments.done","sequence_number":20,"item_id":"fc_toolu_2","output_index":3,"name":"g","arguments":"{}"}
    {"type":"response.output_item.done","sequence_number":21,"output_index":3,"item":{"type":"function_call","id":"fc_toolu_2","call_id":"toolu_2","name":"g","arguments":"{}","status":"completed"}}
    {"type":"response.completed","sequence_number":22
    "#);
    assert!(!written.contains("[DONE]"));
}

#[test]
fn a_detour_changes_nothing() {
    for (from, whole) in [(Dialect::OpenAi, CHAT), (Dialect::Anthropic, MESSAGES)] {
        for to in [Dialect::OpenAi, Dialect::Anthropic] {
            let detour = stream(from, Dialect::Responses, whole);
            // Pings become comments, which are pings again; ids get a prefix; tokens come at the end only.
            let flat = |s: String| {
                let s = s.replace("resp_", "").replace("event: ping\ndata: {\"type\":\"ping\"}\n\n", "").replace(": ping\n\n", "");
                s.lines().filter(|l| !l.contains("message_start\",")).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(flat(stream(Dialect::Responses, to, &detour)), flat(stream(from, to, whole)), "{from:?} to {to:?}");
        }
    }
}

#[test]
fn a_stream_that_broke_fails() {
    let mut writer = Dialect::Responses.writer(1, false);
    writer.write(&StreamEvent::Start { id: "x".to_owned(), model: "m".to_owned() });
    writer.write(&StreamEvent::TextDelta("Hel".to_owned()));
    let out = writer.write(&StreamEvent::Error { kind: ErrorKind::Overloaded, message: "busy".to_owned() });
    assert!(
        text(&out).starts_with("event: response.failed\n") && text(&out).contains(r#""error":{"code":"server_error","message":"busy"}"#)
    );
    assert!(writer.finish().is_empty());
    let mut reader = Dialect::Responses.reader();
    let read = reader.data(&events(&out)[0]).expect("readable");
    assert_eq!(read, [StreamEvent::Error { kind: ErrorKind::Api, message: "busy".to_owned() }]);
    assert!(reader.finish().is_err());
    let mut reader = Dialect::Responses.reader();
    let read = reader
        .data(br#"{"type":"error","code":"rate_limit_exceeded","message":"slow","param":null,"sequence_number":1}"#)
        .expect("readable");
    assert_eq!(read, [StreamEvent::Error { kind: ErrorKind::RateLimit, message: "slow".to_owned() }]);
}
