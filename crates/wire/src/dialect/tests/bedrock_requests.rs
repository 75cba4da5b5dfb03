//! Requests in Amazon's dialect and out of it.

use super::lines;
use crate::dialect::bedrock::{self, Family, Options};
use crate::dialect::{Dialect, anthropic, gemini, openai, responses};
use crate::form::Untranslatable;
use insta::assert_snapshot;

const CLAUDE: Family = Family::Claude(anthropic::Thinking::Budget);

fn from(dialect: Dialect, body: &str, family: Family) -> (String, Vec<String>) {
    let read = dialect.read_request(body.as_bytes()).expect("a request");
    let written = bedrock::write_request(&read, Options { family, ..Default::default() }).expect("translatable");
    (lines(&written.body), written.lost.into_iter().map(|l| l.param).collect())
}

fn from_openai(body: &str) -> String {
    let (written, lost) = from(Dialect::OpenAi, body, CLAUDE);
    assert_eq!(lost, [""; 0], "nothing is left out");
    written
}

/// The parameter that is refused; and with leave to drop it, the body without it.
fn refused(dialect: Dialect, body: &str, family: Family) -> (String, String) {
    let read = dialect.read_request(body.as_bytes()).expect("a request");
    let error = bedrock::write_request(&read, Options { family, ..Default::default() }).expect_err("refused");
    assert_eq!(error.code(), "unsupported_parameter", "{error}");
    let dropped = bedrock::write_request(&read, Options { family, drop_unsupported: true }).expect("without it");
    assert!(dropped.lost.iter().any(|lost| lost.param == error.param()), "what is dropped is told: {:?}", dropped.lost);
    (error.param().to_owned(), lines(&dropped.body))
}

fn user(content: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{content}]}}]}}"#)
}

#[test]
fn a_plain_call_with_all_system_and_developer_messages() {
    let body = r#"{"model":"m","max_completion_tokens":256,"temperature":0.5,"top_p":0.9,"stop":["END"],"stream":true,"n":1,
        "stream_options":{"include_usage":true},"presence_penalty":0,"store":false,"messages":[
        {"role":"system","content":"You help."},
        {"role":"user","content":"Hi"},
        {"role":"developer","content":"Be short."},
        {"role":"user","content":"Still there?"},
        {"role":"assistant","content":"Yes."},
        {"role":"assistant","content":"  "},
        {"role":"user","content":"Good."}]}"#;
    assert_snapshot!(from_openai(body), @r#"
    messages: [{"role":"user","content":[{"text":"Hi"},{"text":"Still there?"}]},{"role":"assistant","content":[{"text":"Yes."}]},{"role":"user","content":[{"text":"Good."}]}]
    system: [{"text":"You help."},{"text":"Be short."}]
    inferenceConfig: {"maxTokens":256,"temperature":0.5,"topP":0.9,"stopSequences":["END"]}
    additionalModelResponseFieldPaths: ["/stop_sequence"]
    "#);
}

#[test]
fn parallel_tools_and_what_they_said() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[
        {"role":"user","content":"Weather in Paris and Rome?"},
        {"role":"assistant","content":[
          {"type":"tool_use","id":"toolu_a","name":"get_weather","input":{"city":"Paris","days":1.50}},
          {"type":"tool_use","id":"toolu_b","name":"now","input":{}}]},
        {"role":"user","content":[
          {"type":"tool_result","tool_use_id":"toolu_a","content":[{"type":"text","text":"Sun"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]},
          {"type":"tool_result","tool_use_id":"toolu_b","content":"no clock","is_error":true},
          {"type":"text","text":"And?"}]}],
      "tool_choice":{"type":"any"},
      "tools":[{"name":"get_weather","description":"Now","input_schema":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}}},"strict":true},
        {"name":"now","input_schema":{"type":"object"}}]}"#;
    let (written, lost) = from(Dialect::Anthropic, body, CLAUDE);
    assert_eq!(lost, [""; 0]);
    assert_snapshot!(written, @r#"
    messages: [{"role":"user","content":[{"text":"Weather in Paris and Rome?"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"toolu_a","name":"get_weather","input":{"city":"Paris","days":1.50}}},{"toolUse":{"toolUseId":"toolu_b","name":"now","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"toolu_a","content":[{"text":"Sun"},{"image":{"format":"png","source":{"bytes":"iVBORw0KGgo="}}}]}},{"toolResult":{"toolUseId":"toolu_b","content":[{"text":"no clock"}],"status":"error"}},{"text":"And?"}]}]
    inferenceConfig: {"maxTokens":9}
    toolConfig: {"tools":[{"toolSpec":{"name":"get_weather","description":"Now","inputSchema":{"json":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}}}},"strict":true}},{"toolSpec":{"name":"now","inputSchema":{"json":{"type":"object"}}}}],"toolChoice":{"any":{}}}
    "#);
}

#[test]
fn every_choice_of_tools() {
    let choice = |rest: &str| {
        let tool = r#"{"type":"function","function":{"name":"f"}}"#;
        let all = from_openai(&format!(r#"{{"model":"m","messages":[],"tools":[{tool}]{rest}}}"#));
        all.lines().find_map(|line| line.strip_prefix("toolConfig: ")).unwrap_or_default().to_owned()
    };
    let tools = r#""tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"properties":{},"type":"object"}}}}]"#;
    assert_eq!(choice(""), format!("{{{tools}}}"));
    assert_eq!(choice(r#","tool_choice":"auto""#), format!(r#"{{{tools},"toolChoice":{{"auto":{{}}}}}}"#));
    assert_eq!(choice(r#","tool_choice":"required""#), format!(r#"{{{tools},"toolChoice":{{"any":{{}}}}}}"#));
    let named = r#","tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true"#;
    assert_eq!(choice(named), format!(r#"{{{tools},"toolChoice":{{"tool":{{"name":"f"}}}}}}"#));
    // There is no such choice: nothing can be called where there are no tools.
    assert_eq!(choice(r#","tool_choice":"none""#), "");
}

#[test]
fn tools_that_were_called_before_cannot_be_withheld() {
    let body = r#"{"model":"m","tool_choice":"none","tools":[{"type":"function","function":{"name":"f"}}],"messages":[
        {"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"a","content":"x"}]}"#;
    let (param, _) = refused(Dialect::OpenAi, body, CLAUDE);
    assert_eq!(param, "tool_choice");
}

#[test]
fn pictures_sound_and_documents() {
    let body = user(
        r#"{"type":"text","text":"Compare."},
        {"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/","detail":"auto"}},
        {"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},
        {"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0=","filename":"Q3  report_(final).pdf"}},
        {"type":"file","file":{"file_data":"data:text/csv;base64,YSxi","filename":"Q3 report_(final).pdf"}},
        {"type":"file","file":{"file_data":"JVBERi0="}}"#,
    );
    assert_snapshot!(from_openai(&body), @r#"messages: [{"role":"user","content":[{"text":"Compare."},{"image":{"format":"jpeg","source":{"bytes":"/9j/"}}},{"audio":{"format":"wav","source":{"bytes":"UklGRg=="}}},{"document":{"format":"pdf","source":{"bytes":"JVBERi0="},"name":"Q3 report-(final)-pdf"}},{"document":{"format":"csv","source":{"bytes":"YSxi"},"name":"Q3 report-(final)-pdf (2)"}},{"document":{"format":"pdf","source":{"bytes":"JVBERi0="},"name":"document"}}]}]"#);
}

#[test]
fn what_is_somewhere_else_is_refused_by_name() {
    for (content, param) in [
        (r#"{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}"#, "messages[0].image_url"),
        (r#"{"type":"image_url","image_url":{"url":"s3://bucket/a.png"}}"#, "messages[0].image_url"),
        (r#"{"type":"image_url","image_url":{"url":"data:image/tiff;base64,SUkq"}}"#, "messages[0].image_url"),
        (r#"{"type":"file","file":{"file_id":"file-1"}}"#, "messages[0].file"),
        (r#"{"type":"input_audio","input_audio":{"data":"AA==","format":"amr"}}"#, "messages[0].input_audio"),
    ] {
        let (refused, _) = refused(Dialect::OpenAi, &user(&format!(r#"{content},{{"type":"text","text":"See"}}"#)), CLAUDE);
        assert_eq!(refused, param);
    }
}

#[test]
fn what_amazon_cannot_say_is_refused_by_name() {
    for (rest, param) in [
        (r#""seed":7"#, "seed"),
        (r#""n":2"#, "n"),
        (r#""logprobs":true"#, "logprobs"),
        (r#""temperature":1.5"#, "temperature"),
        (r#""stop":" ""#, "stop"),
        (r#""frequency_penalty":0.5"#, "frequency_penalty"),
        (r#""response_format":{"type":"json_object"}"#, "response_format"),
        (r#""parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f"}}]"#, "parallel_tool_calls"),
        (r#""tools":[{"type":"custom","custom":{"name":"c"}}]"#, "tools[0]"),
    ] {
        let (refused, _) = refused(Dialect::OpenAi, &format!(r#"{{"model":"m","messages":[],{rest}}}"#), CLAUDE);
        assert_eq!(refused, param);
    }
}

#[test]
fn a_shape_is_a_tool_the_model_must_call() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Paris?"}],
        "response_format":{"type":"json_schema","json_schema":{"name":"city","description":"A city.","strict":true,
          "schema":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"}},"required":["z"]}}}"#;
    assert_snapshot!(from_openai(&format!("{body}}}")), @r#"
    messages: [{"role":"user","content":[{"text":"Paris?"}]}]
    toolConfig: {"tools":[{"toolSpec":{"name":"answer_in_given_shape","description":"Gives the answer. Call it once, with the whole answer. A city.","inputSchema":{"json":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"}},"required":["z"]}}}}],"toolChoice":{"tool":{"name":"answer_in_given_shape"}}}
    "#);
    // With tools of the caller's, the model calls one of them or gives the answer.
    let tools = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;
    assert_snapshot!(from_openai(&format!("{body}{tools}}}")), @r#"
    messages: [{"role":"user","content":[{"text":"Paris?"}]}]
    toolConfig: {"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"properties":{},"type":"object"}}}},{"toolSpec":{"name":"answer_in_given_shape","description":"Gives the answer. Call it once, with the whole answer. A city.","inputSchema":{"json":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"}},"required":["z"]}}}}],"toolChoice":{"any":{}}}
    "#);
    // A tool that must be called comes first.
    let all = from_openai(&format!(r#"{body}{tools},"tool_choice":"required"}}"#));
    assert!(!all.contains("answer_in_given_shape"), "{all}");
}

#[test]
fn nobody_else_has_the_answers_tool() {
    let body = r#"{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"answer_in_given_shape"}}]}"#;
    let read = openai::read_request(body.as_bytes()).expect("a request");
    let error = bedrock::write_request(&read, Options::default()).expect_err("taken");
    assert!(matches!(&error, Untranslatable::Invalid { param, .. } if param == "tools[0].name"), "{error}");
}

#[test]
fn claude_takes_back_its_thoughts_and_keeps_its_cache() {
    let body = r#"{"model":"m","max_tokens":4096,"top_k":40,"stop_sequences":["END"],"metadata":{"user_id":"u"},
        "thinking":{"type":"enabled","budget_tokens":2048},
        "system":[{"type":"text","text":"Long.","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"Short."}],
        "tools":[{"name":"f","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],
        "messages":[
        {"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral","ttl":"5m"}}]},
        {"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"EqQB"},{"type":"redacted_thinking","data":"Emwx"},{"type":"text","text":"Hi."}]},
        {"role":"user","content":"Go on."}]}"#;
    let (written, lost) = from(Dialect::Anthropic, body, CLAUDE);
    assert_eq!(lost, ["user"]);
    assert_snapshot!(written, @r#"
    messages: [{"role":"user","content":[{"text":"Hi"},{"cachePoint":{"type":"default"}}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"EqQB"}}},{"reasoningContent":{"redactedContent":"Emwx"}},{"text":"Hi."}]},{"role":"user","content":[{"text":"Go on."}]}]
    system: [{"text":"Long."},{"cachePoint":{"type":"default","ttl":"1h"}},{"text":"Short."}]
    inferenceConfig: {"maxTokens":4096,"stopSequences":["END"]}
    toolConfig: {"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}},{"cachePoint":{"type":"default"}}]}
    additionalModelRequestFields: {"top_k":40,"thinking":{"type":"enabled","budget_tokens":2048}}
    additionalModelResponseFieldPaths: ["/stop_sequence"]
    "#);
}

#[test]
fn every_kind_of_model_thinks_in_its_own_words() {
    let fields = |family: Family| {
        let body = r#"{"model":"m","messages":[],"reasoning_effort":"high"}"#;
        let (written, _) = from(Dialect::OpenAi, body, family);
        written.lines().filter(|line| !line.starts_with("messages")).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(fields(Family::Claude(anthropic::Thinking::Adaptive)), @r#"
    additionalModelRequestFields: {"thinking":{"type":"adaptive"}}
    outputConfig: {"effort":"high"}
    "#);
    assert_snapshot!(fields(CLAUDE), @r#"additionalModelRequestFields: {"thinking":{"type":"enabled","budget_tokens":25600}}"#);
    assert_snapshot!(fields(Family::Nova), @r#"additionalModelRequestFields: {"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}"#);
    assert_snapshot!(fields(Family::GptOss), @r#"additionalModelRequestFields: {"reasoning_effort":"high"}"#);
    let (param, _) = refused(Dialect::OpenAi, r#"{"model":"m","messages":[],"reasoning_effort":"high"}"#, Family::Other);
    assert_eq!(param, "reasoning_effort");
}

#[test]
fn the_likeliest_go_where_the_model_looks_for_them() {
    let fields = |family: Family| {
        let (written, _) = from(Dialect::Anthropic, r#"{"model":"m","max_tokens":9,"top_k":40,"messages":[]}"#, family);
        written.lines().find_map(|line| line.strip_prefix("additionalModelRequestFields: ")).unwrap_or_default().to_owned()
    };
    assert_eq!(fields(CLAUDE), r#"{"top_k":40}"#);
    assert_eq!(fields(Family::Nova), r#"{"inferenceConfig":{"topK":40}}"#);
    let (param, _) = refused(Dialect::Anthropic, r#"{"model":"m","max_tokens":9,"top_k":40,"messages":[]}"#, Family::Other);
    assert_eq!(param, "top_k");
}

#[test]
fn claude_cannot_think_before_a_tool_it_must_call() {
    let body = r#"{"model":"m","max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":2048},"messages":[],
        "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}"#;
    let (param, dropped) = refused(Dialect::Anthropic, body, CLAUDE);
    assert_eq!(param, "thinking");
    assert!(dropped.contains("answer_in_given_shape") && !dropped.contains("thinking"), "{dropped}");
}

#[test]
fn a_thought_without_its_proof_is_refused_by_claude_only() {
    let body = r#"{"model":"m","messages":[{"role":"assistant","content":"Hi","reasoning_content":"Hm."}]}"#;
    let (param, _) = refused(Dialect::OpenAi, body, CLAUDE);
    assert_eq!(param, "messages[0].reasoning_content");
    assert_snapshot!(from(Dialect::OpenAi, body, Family::GptOss).0, @r#"messages: [{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hm."}}},{"text":"Hi"}]}]"#);
}

/// With everything other dialects can say.
const CONVERSE: &str = r#"{"system":[{"text":"You help."},{"cachePoint":{"type":"default","ttl":"1h"}}],
    "messages":[
      {"role":"user","content":[{"text":"See."},{"image":{"format":"png","source":{"bytes":"iVBORw0KGgo="}}},
        {"document":{"format":"pdf","name":"Report","source":{"bytes":"JVBERi0="}}},{"cachePoint":{"type":"default"}}]},
      {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"EqQB"}}},
        {"toolUse":{"toolUseId":"tooluse_a","name":"f","input":{"b":1.50}}},{"toolUse":{"toolUseId":"tooluse_b","name":"f","input":{}}}]},
      {"role":"user","content":[{"toolResult":{"toolUseId":"tooluse_a","content":[{"json":{"n": 1}}],"status":"success"}},
        {"toolResult":{"toolUseId":"tooluse_b","content":[{"text":"no"}],"status":"error"}}]}],
    "inferenceConfig":{"maxTokens":4096,"temperature":0.5,"topP":0.9,"stopSequences":["END"]},
    "toolConfig":{"tools":[{"toolSpec":{"name":"f","description":"F","inputSchema":{"json":{"type":"object","z":1,"a":2}}}}],"toolChoice":{"auto":{}}},
    "additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2048}},"additionalModelResponseFieldPaths":["/stop_sequence"]}"#;

#[test]
fn converse_as_others_say_it() {
    let read = bedrock::read_request(CONVERSE.as_bytes()).expect("a request");
    let options = anthropic::Options { thinking: anthropic::Thinking::Budget, ..Default::default() };
    assert_snapshot!(lines(&anthropic::write_request(&read, options).expect("translatable").body), @r#"
    model: ""
    max_tokens: 4096
    system: [{"type":"text","text":"You help.","cache_control":{"type":"ephemeral","ttl":"1h"}}]
    messages: [{"role":"user","content":[{"type":"text","text":"See."},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"Report","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"EqQB"},{"type":"tool_use","id":"tooluse_a","name":"f","input":{"b":1.50}},{"type":"tool_use","id":"tooluse_b","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"tooluse_a","content":"{\"n\": 1}"},{"type":"tool_result","tool_use_id":"tooluse_b","content":"no","is_error":true}]}]
    tools: [{"name":"f","description":"F","input_schema":{"type":"object","z":1,"a":2}}]
    tool_choice: {"type":"auto"}
    thinking: {"type":"enabled","budget_tokens":2048}
    temperature: 0.5
    top_p: 0.9
    stop_sequences: ["END"]
    "#);
    let extensions = openai::Options { extensions: true, ..Default::default() };
    assert_snapshot!(lines(&openai::write_request(&read, extensions).expect("translatable").body), @r#"
    model: ""
    messages: [{"role":"system","content":[{"type":"text","text":"You help.","cache_control":{"type":"ephemeral","ttl":"1h"}}]},{"role":"user","content":[{"type":"text","text":"See."},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}},{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0=","filename":"Report"},"cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":null,"reasoning_content":"Hm.","thinking_blocks":[{"type":"thinking","thinking":"Hm.","signature":"EqQB"}],"tool_calls":[{"id":"tooluse_a","type":"function","function":{"name":"f","arguments":"{\"b\":1.50}"}},{"id":"tooluse_b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"tooluse_a","content":"{\"n\": 1}"},{"role":"tool","tool_call_id":"tooluse_b","content":"Error: no"}]
    tools: [{"type":"function","function":{"name":"f","description":"F","parameters":{"type":"object","z":1,"a":2}}}]
    tool_choice: "auto"
    max_completion_tokens: 4096
    temperature: 0.5
    top_p: 0.9
    stop: ["END"]
    reasoning_effort: "medium"
    "#);
    let dropped = gemini::Options { drop_unsupported: true, ..Default::default() };
    assert_snapshot!(lines(&gemini::write_request(&read, dropped).expect("translatable").body), @r#"
    systemInstruction: {"parts":[{"text":"You help."}]}
    contents: [{"role":"user","parts":[{"text":"See."},{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}},{"inlineData":{"mimeType":"application/pdf","data":"JVBERi0="}}]},{"role":"model","parts":[{"text":"Hm.","thought":true},{"functionCall":{"id":"tooluse_a","name":"f","args":{"b":1.50}},"thoughtSignature":"EqQB"},{"functionCall":{"id":"tooluse_b","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"tooluse_a","name":"f","response":{"n": 1}}},{"functionResponse":{"id":"tooluse_b","name":"f","response":{"error":"no"}}}]}]
    tools: [{"functionDeclarations":[{"name":"f","description":"F","parametersJsonSchema":{"type":"object","z":1,"a":2}}]}]
    toolConfig: {"functionCallingConfig":{"mode":"AUTO"}}
    generationConfig: {"temperature":0.5,"topP":0.9,"maxOutputTokens":4096,"stopSequences":["END"],"thinkingConfig":{"thinkingLevel":"MEDIUM","includeThoughts":true}}
    "#);
    let dropped = responses::Options { drop_unsupported: true };
    assert_snapshot!(lines(&responses::write_request(&read, dropped).expect("translatable").body), @r#"
    model: ""
    input: [{"type":"message","role":"system","content":[{"type":"input_text","text":"You help."}]},{"type":"message","role":"user","content":[{"type":"input_text","text":"See."},{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo=","detail":"auto"},{"type":"input_file","filename":"Report","file_data":"data:application/pdf;base64,JVBERi0="}]},{"type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"EqQB"},{"type":"function_call","call_id":"tooluse_a","name":"f","arguments":"{\"b\":1.50}"},{"type":"function_call","call_id":"tooluse_b","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"tooluse_a","output":"{\"n\": 1}"},{"type":"function_call_output","call_id":"tooluse_b","output":"Error: no"}]
    tools: [{"type":"function","name":"f","description":"F","parameters":{"type":"object","z":1,"a":2},"strict":false}]
    tool_choice: "auto"
    max_output_tokens: 4096
    temperature: 0.5
    top_p: 0.9
    reasoning: {"effort":"medium","summary":"auto"}
    include: ["reasoning.encrypted_content"]
    store: false
    "#);
}

#[test]
fn what_only_converse_can_say_is_refused_by_name() {
    let refused = |content: &str, rest: &str| {
        let body = format!(r#"{{"messages":[{{"role":"user","content":[{content}]}}]{rest}}}"#);
        let read = bedrock::read_request(body.as_bytes()).expect("a request");
        anthropic::write_request(&read, anthropic::Options { default_max_tokens: Some(9), ..Default::default() })
            .expect_err("refused")
            .param()
            .to_owned()
    };
    assert_eq!(refused(r#"{"image":{"format":"png","source":{"s3Location":{"uri":"s3://b/a.png"}}}}"#, ""), "messages[0].image");
    assert_eq!(refused(r#"{"video":{"format":"mp4","source":{"bytes":"AA=="}}}"#, ""), "messages[0].video");
    assert_eq!(refused(r#"{"guardContent":{"text":{"text":"x"}}}"#, ""), "messages[0].guardContent");
    assert_eq!(refused("", r#","guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1"}"#), "guardrailConfig");
    assert_eq!(refused("", r#","additionalModelRequestFields":{"x":1}"#), "additionalModelRequestFields");
}

#[test]
fn a_shape_asked_for_in_converse_is_one_elsewhere() {
    let body = r#"{"messages":[],"outputConfig":{"effort":"low","textFormat":{"type":"json_schema","structure":{"jsonSchema":{"name":"city","schema":"{\"type\":\"object\"}"}}}}}"#;
    let read = bedrock::read_request(body.as_bytes()).expect("a request");
    assert_snapshot!(lines(&openai::write_request(&read, openai::Options::default()).expect("translatable").body), @r#"
    model: ""
    messages: []
    response_format: {"type":"json_schema","json_schema":{"name":"city","schema":{"type":"object"},"strict":true}}
    reasoning_effort: "low"
    "#);
}
