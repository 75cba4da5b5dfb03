use super::{lines, to_anthropic, to_openai};
use crate::dialect::{anthropic, openai};

fn refused_by_anthropic(fields: &str) -> String {
    let body = format!(r#"{{"model":"m","max_tokens":9,{fields}}}"#);
    let refused = to_anthropic(&body, anthropic::Options::default()).expect_err("refused");
    assert_eq!(refused.code(), "unsupported_parameter");
    let written = to_anthropic(&body, anthropic::Options { drop_unsupported: true, ..Default::default() }).expect("dropped");
    assert_eq!(written.lost[0].param, refused.param(), "what is dropped is told");
    refused.param().to_owned()
}

fn refused_by_openai(fields: &str) -> String {
    let body = format!(r#"{{"model":"m","max_tokens":9,{fields}}}"#);
    let refused = to_openai(&body, openai::Options::default()).expect_err("refused");
    assert_eq!(refused.code(), "unsupported_parameter");
    let written = to_openai(&body, openai::Options { drop_unsupported: true, ..Default::default() }).expect("dropped");
    assert_eq!(written.lost[0].param, refused.param(), "what is dropped is told");
    refused.param().to_owned()
}

#[test]
fn what_anthropic_cannot_is_named() {
    let top = |field: &str| refused_by_anthropic(&format!(r#""messages":[],{field}"#));
    assert_eq!(top(r#""seed":1"#), "seed");
    assert_eq!(top(r#""n":2"#), "n");
    assert_eq!(top(r#""logprobs":true,"top_logprobs":3"#), "logprobs");
    assert_eq!(top(r#""temperature":1.5"#), "temperature");
    assert_eq!(top(r#""frequency_penalty":0.5"#), "frequency_penalty");
    assert_eq!(top(r#""logit_bias":{"50256":-100}"#), "logit_bias");
    assert_eq!(top(r#""x_new":1"#), "x_new");
    assert_eq!(top(r#""stop":[" "]"#), "stop");
    assert_eq!(top(r#""response_format":{"type":"json_object"}"#), "response_format");
    assert_eq!(top(r#""tools":[{"type":"custom","custom":{"name":"x"}}]"#), "tools[0]");
    let user = |content: &str| {
        refused_by_anthropic(&format!(r#""messages":[{{"role":"system","content":"s"}},{{"role":"user","content":[{content}]}}]"#))
    };
    assert_eq!(user(r#"{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}"#), "messages[1].input_audio");
    assert_eq!(user(r#"{"type":"image_url","image_url":{"url":"data:image/tiff;base64,SUkq"}}"#), "messages[1].image_url");
    assert_eq!(user(r#"{"type":"image_url","image_url":{"url":"https://a/b","detail":"low"}}"#), "messages[1].image_url.detail");
    assert_eq!(user(r#"{"type":"file","file":{"file_id":"file-1"}}"#), "messages[1].file");
    assert_eq!(user(r#"{"type":"video_url","video_url":{}}"#), "messages[1].video_url");
    let message = |message: &str| refused_by_anthropic(&format!(r#""messages":[{message}]"#));
    assert_eq!(message(r#"{"role":"user","name":"bob","content":"x"}"#), "messages[0].name");
    assert_eq!(message(r#"{"role":"system","name":"bob","content":"x"}"#), "messages[0].name");
    assert_eq!(message(r#"{"role":"assistant","content":"4","reasoning_content":"Add."}"#), "messages[0].reasoning_content");
    assert_eq!(message(r#"{"role":"assistant","content":null,"audio":{"id":"audio_1"}}"#), "messages[0].audio");
}

#[test]
fn what_asks_for_nothing_is_no_loss() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[],"n":1,"logprobs":false,"store":false,"frequency_penalty":0,"presence_penalty":0.0,
        "logit_bias":{},"seed":null,"service_tier":"auto","modalities":["text"],"response_format":{"type":"text"},"tools":[],"parallel_tool_calls":true,
        "stream_options":{"include_usage":true,"include_obfuscation":false}}"#;
    let written = to_anthropic(body, anthropic::Options::default()).expect("translatable");
    assert_eq!((lines(&written.body).as_str(), written.lost.len()), ("model: \"m\"\nmax_tokens: 9\nmessages: []\n", 0));
}

#[test]
fn arguments_that_are_no_object_are_never_dropped() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"[1"}}]}]}"#;
    let refused = to_anthropic(body, anthropic::Options { drop_unsupported: true, ..Default::default() }).expect_err("refused");
    assert_eq!((refused.param(), refused.code()), ("messages[0].tool_calls.function.arguments", "invalid_request"));
}

#[test]
fn what_openai_cannot_is_named() {
    let top = |field: &str| refused_by_openai(&format!(r#""messages":[],{field}"#));
    assert_eq!(top(r#""top_k":5"#), "top_k");
    assert_eq!(top(r#""container":"c_1""#), "container");
    assert_eq!(top(r#""thinking":{"type":"adaptive","display":"omitted"}"#), "thinking");
    assert_eq!(top(r#""stop_sequences":["a","b","c","d","e"]"#), "stop_sequences");
    assert_eq!(top(r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#), "tools[0]");
    let user = |block: &str| refused_by_openai(&format!(r#""messages":[{{"role":"user","content":[{block}]}}]"#));
    assert_eq!(user(r#"{"type":"document","source":{"type":"url","url":"https://a/b.pdf"}}"#), "messages[0].document");
    assert_eq!(user(r#"{"type":"image","source":{"type":"file","file_id":"f"}}"#), "messages[0].image");
    assert_eq!(user(r#"{"type":"search_result","source":"s","title":"t","content":[]}"#), "messages[0].search_result");
    let picture = r#"{"type":"image","source":{"type":"url","url":"https://a/b"}}"#;
    assert_eq!(user(&format!(r#"{{"type":"tool_result","tool_use_id":"t","content":[{picture}]}}"#)), "messages[0].tool_result");
    let thought = r#"{"role":"assistant","content":[{"type":"thinking","thinking":"Add.","signature":"EqQB"}]}"#;
    assert_eq!(refused_by_openai(&format!(r#""messages":[{thought}]"#)), "messages[0].thinking");
}

#[test]
fn a_mark_for_a_cache_that_needs_none_is_told_but_no_reason_to_refuse() {
    let body = r#"{"model":"m","max_tokens":9,"cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[]}"#;
    let written = to_openai(body, openai::Options::default()).expect("translatable");
    assert_eq!(written.lost.iter().map(|l| l.param.as_str()).collect::<Vec<_>>(), ["system.cache_control", "cache_control"]);
}
