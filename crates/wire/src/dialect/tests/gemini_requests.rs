//! Requests in Gemini's dialect and out of it.

use super::lines;
use crate::dialect::gemini::{self, Options, Thinking};
use crate::dialect::{Dialect, anthropic, openai, responses};
use insta::assert_snapshot;

fn from(dialect: Dialect, body: &str, options: Options) -> (String, Vec<String>) {
    let read = dialect.read_request(body.as_bytes()).expect("a request");
    let written = gemini::write_request(&read, options).expect("translatable");
    (lines(&written.body), written.lost.into_iter().map(|l| l.param).collect())
}

fn from_openai(body: &str) -> String {
    let (written, lost) = from(Dialect::OpenAi, body, Options::default());
    assert_eq!(lost, [""; 0], "nothing is left out");
    written
}

fn to_anthropic(body: &str) -> String {
    let read = gemini::read_request(body.as_bytes()).expect("a request");
    let options = anthropic::Options { default_max_tokens: Some(4096), ..Default::default() };
    let written = anthropic::write_request(&read, options).expect("translatable");
    assert_eq!(written.lost, []);
    lines(&written.body)
}

fn to_openai(body: &str) -> String {
    let read = gemini::read_request(body.as_bytes()).expect("a request");
    let written = openai::write_request(&read, openai::Options { extensions: true, ..Default::default() }).expect("translatable");
    assert_eq!(written.lost, []);
    lines(&written.body)
}

#[test]
fn a_plain_call_with_all_system_and_developer_messages() {
    let body = r#"{"model":"gemini-2.5-flash","max_tokens":256,"temperature":0.5,"top_p":0.9,"stop":"END","seed":7,"stream":true,"n":1,
        "presence_penalty":0.25,"frequency_penalty":0,"store":false,"messages":[
        {"role":"system","content":"You help."},
        {"role":"user","content":"Hi"},
        {"role":"developer","content":"Be short."},
        {"role":"user","content":"Still there?"},
        {"role":"assistant","content":"Yes."},
        {"role":"user","content":"Good."}]}"#;
    assert_snapshot!(from_openai(body), @r#"
    systemInstruction: {"parts":[{"text":"You help."},{"text":"Be short."}]}
    contents: [{"role":"user","parts":[{"text":"Hi"},{"text":"Still there?"}]},{"role":"model","parts":[{"text":"Yes."}]},{"role":"user","parts":[{"text":"Good."}]}]
    generationConfig: {"temperature":0.5,"topP":0.9,"maxOutputTokens":256,"stopSequences":["END"],"seed":7,"presencePenalty":0.25}
    "#);
}

#[test]
fn parallel_tools_and_what_they_said() {
    let body = r#"{"model":"m","tool_choice":"required","messages":[
        {"role":"user","content":"Weather in Paris and Rome?"},
        {"role":"assistant","content":null,"tool_calls":[
          {"id":"call_a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\", \"days\":1.50}"}},
          {"id":"call_b","type":"function","function":{"name":"now","arguments":""}}]},
        {"role":"tool","tool_call_id":"call_b","content":[{"type":"text","text":"noon"},{"type":"text","text":"sharp"}]},
        {"role":"tool","tool_call_id":"call_a","name":"get_weather","content":"{\"degrees\": 18.0}"},
        {"role":"user","content":"And?"}],
      "tools":[{"type":"function","function":{"name":"get_weather","description":"Now","parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}}}}},
        {"type":"function","function":{"name":"now","strict":false}}]}"#;
    assert_snapshot!(from_openai(body), @r#"
    contents: [{"role":"user","parts":[{"text":"Weather in Paris and Rome?"}]},{"role":"model","parts":[{"functionCall":{"id":"call_a","name":"get_weather","args":{"city":"Paris", "days":1.50}}},{"functionCall":{"id":"call_b","name":"now","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"call_a","name":"get_weather","response":{"degrees": 18.0}}},{"functionResponse":{"id":"call_b","name":"now","response":{"output":"noon\nsharp"}}},{"text":"And?"}]}]
    tools: [{"functionDeclarations":[{"name":"get_weather","description":"Now","parametersJsonSchema":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}}}},{"name":"now"}]}]
    toolConfig: {"functionCallingConfig":{"mode":"ANY"}}
    "#);
}

#[test]
fn ids_made_for_calls_without_one_go_again_and_order_pairs_them() {
    let body = r#"{"model":"m","messages":[
        {"role":"assistant","content":null,"tool_calls":[
          {"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}},
          {"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"call_1","content":"second"},
        {"role":"tool","tool_call_id":"call_0","content":"first"}]}"#;
    let written = from_openai(body);
    assert_snapshot!(written, @r#"contents: [{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}},{"functionCall":{"name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"first"}}},{"functionResponse":{"name":"f","response":{"output":"second"}}}]}]"#);
    let read =
        gemini::read_request(format!("{{{}}}", written.trim().replacen("contents", "\"contents\"", 1)).as_bytes()).expect("a request");
    let again = openai::write_request(&read, openai::Options::default()).expect("translatable");
    assert_snapshot!(lines(&again.body), @r#"
    model: ""
    messages: [{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0","content":"first"},{"role":"tool","tool_call_id":"call_1","content":"second"}]
    "#);
}

#[test]
fn every_choice_of_tools() {
    let choice = |choice: &str, strict: bool| {
        let tool = format!(r#"{{"type":"function","function":{{"name":"f","strict":{strict}}}}}"#);
        let all = from_openai(&format!(r#"{{"model":"m","messages":[],"tools":[{tool}]{choice}}}"#));
        all.lines().find_map(|line| line.strip_prefix("toolConfig: ")).unwrap_or_default().to_owned()
    };
    let config = |config: &str| format!(r#"{{"functionCallingConfig":{{{config}}}}}"#);
    assert_eq!(choice(r#","tool_choice":"auto""#, false), config(r#""mode":"AUTO""#));
    assert_eq!(choice(r#","tool_choice":"none""#, true), config(r#""mode":"NONE""#));
    assert_eq!(choice(r#","tool_choice":"required""#, true), config(r#""mode":"ANY""#));
    let named = r#","tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true"#;
    assert_eq!(choice(named, false), config(r#""mode":"ANY","allowedFunctionNames":["f"]"#));
    assert_eq!(choice("", false), "");
    assert_eq!(choice("", true), config(r#""mode":"VALIDATED""#));
}

#[test]
fn pictures_sound_and_documents() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":[
        {"type":"text","text":"Compare."},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"auto"}},
        {"type":"image_url","image_url":{"url":"https://example.org/a.jpg?w=1"}},
        {"type":"image_url","image_url":{"url":"https://example.org/a"}},
        {"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},
        {"type":"file","file":{"file_data":"JVBERi0="}}]}]}"#;
    assert_snapshot!(from_openai(body), @r#"contents: [{"role":"user","parts":[{"text":"Compare."},{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}},{"fileData":{"mimeType":"image/jpeg","fileUri":"https://example.org/a.jpg?w=1"}},{"fileData":{"fileUri":"https://example.org/a"}},{"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}},{"inlineData":{"mimeType":"application/pdf","data":"JVBERi0="}}]}]"#);
}

#[test]
fn a_schema_keeps_the_order_of_its_keys() {
    let body = r#"{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{
        "name":"person","strict":true,"schema":{"type":"object","properties":{"reason":{"type":"string"},"age":{"type":"integer"}},"additionalProperties":false}}}}"#;
    assert_snapshot!(from_openai(body), @r#"
    contents: []
    generationConfig: {"responseMimeType":"application/json","responseJsonSchema":{"type":"object","properties":{"reason":{"type":"string"},"age":{"type":"integer"}},"additionalProperties":false}}
    "#);
    assert!(
        from_openai(r#"{"model":"m","messages":[],"response_format":{"type":"json_object"}}"#)
            .contains(r#"{"responseMimeType":"application/json"}"#)
    );
}

#[test]
fn a_proof_goes_to_the_part_after_its_thought() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Weather?"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"Look.","signature":"CpcB"},
          {"type":"tool_use","id":"toolu_1","name":"f","input":{}},{"type":"tool_use","id":"toolu_2","name":"f","input":{}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"no","is_error":true},
          {"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]},
        {"role":"assistant","content":[{"type":"text","text":"Sun."},{"type":"thinking","thinking":"","signature":"Dg=="}]}]}"#;
    let (written, lost) = from(Dialect::Anthropic, body, Options { unproven_calls: true, ..Options::default() });
    assert_eq!(lost, [""; 0]);
    assert_snapshot!(written, @r#"
    contents: [{"role":"user","parts":[{"text":"Weather?"}]},{"role":"model","parts":[{"text":"Look.","thought":true},{"functionCall":{"id":"toolu_1","name":"f","args":{}},"thoughtSignature":"CpcB"},{"functionCall":{"id":"toolu_2","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"toolu_1","name":"f","response":{"error":"no"}}},{"functionResponse":{"id":"toolu_2","name":"f","response":{"output":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}]}}]},{"role":"model","parts":[{"text":"Sun."},{"text":"","thoughtSignature":"Dg=="}]}]
    generationConfig: {"maxOutputTokens":9}
    "#);
}

#[test]
fn calls_without_a_proof_can_be_marked() {
    let call = |id: &str| format!(r#"{{"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#);
    let body = format!(r#"{{"model":"m","messages":[{{"role":"assistant","tool_calls":[{},{}]}}]}}"#, call("a"), call("b"));
    let (written, _) = from(Dialect::OpenAi, &body, Options { unproven_calls: true, ..Options::default() });
    assert_snapshot!(written, @r#"contents: [{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"b","name":"f","args":{}}}]}]"#);
    assert!(!from_openai(&body).contains("thoughtSignature"));
}

#[test]
fn levels_of_thinking() {
    let asked = |dialect, body: &str, thinking| {
        let (written, _) = from(dialect, body, Options { thinking, ..Options::default() });
        let config = written.split_once(r#""thinkingConfig":"#).map(|(_, t)| t.split_inclusive('}').next().expect("an object").to_owned());
        config.unwrap_or_default()
    };
    let effort = |effort: &str, thinking| {
        asked(Dialect::OpenAi, &format!(r#"{{"model":"m","messages":[],"reasoning_effort":"{effort}"}}"#), thinking)
    };
    assert_eq!(effort("high", Thinking::Level), r#"{"thinkingLevel":"HIGH","includeThoughts":true}"#);
    assert_eq!(effort("minimal", Thinking::Level), r#"{"thinkingLevel":"MINIMAL","includeThoughts":true}"#);
    assert_eq!(effort("minimal", Thinking::LevelFromLow), r#"{"thinkingLevel":"LOW","includeThoughts":true}"#);
    assert_eq!(effort("none", Thinking::Level), r#"{"thinkingLevel":"MINIMAL"}"#);
    assert_eq!(effort("none", Thinking::Budget), r#"{"thinkingBudget":0}"#);
    assert_eq!(effort("medium", Thinking::Budget), r#"{"thinkingBudget":8192,"includeThoughts":true}"#);
    let thinking = |said: &str, form| {
        asked(Dialect::Anthropic, &format!(r#"{{"model":"m","max_tokens":16000,"messages":[],"thinking":{said}}}"#), form)
    };
    assert_eq!(thinking(r#"{"type":"adaptive"}"#, Thinking::Budget), r#"{"thinkingBudget":-1,"includeThoughts":true}"#);
    assert_eq!(thinking(r#"{"type":"adaptive"}"#, Thinking::Level), r#"{"includeThoughts":true}"#);
    assert_eq!(
        thinking(r#"{"type":"enabled","budget_tokens":2000}"#, Thinking::Budget),
        r#"{"thinkingBudget":2000,"includeThoughts":true}"#
    );
    assert_eq!(
        thinking(r#"{"type":"enabled","budget_tokens":2000}"#, Thinking::Level),
        r#"{"thinkingLevel":"LOW","includeThoughts":true}"#
    );
}

/// As the guides write it: both kinds of names.
const REQUEST: &str = r#"{"system_instruction":{"parts":[{"text":"You help."},{"text":"Be short."}]},"contents":[
    {"parts":[{"text":"Weather?"},{"inline_data":{"mime_type":"image/jpeg","data":"/9j/4A=="}}]},
    {"role":"model","parts":[{"text":"Look.","thought":true},
      {"functionCall":{"name":"get_weather","args":{"city":"Paris","days":1.50}},"thoughtSignature":"CpcB"},
      {"functionCall":{"name":"get_weather","args":{"city":"Rome"}}},{"functionCall":{"id":"fc_9","name":"now"}}]},
    {"role":"user","parts":[{"functionResponse":{"name":"get_weather","response":{"output":"18"}}},
      {"functionResponse":{"id":"fc_9","name":"now","response":{"error":"no clock"}}},
      {"functionResponse":{"name":"get_weather","response":{"degrees":20.0}}}]}],
    "tools":[{"function_declarations":[{"name":"get_weather","description":"Now","parameters":{"type":"OBJECT","properties":{"z":{"type":"STRING","nullable":true},"a":{"type":"INTEGER"}}}},{"name":"now"}]}],
    "tool_config":{"function_calling_config":{"mode":"ANY","allowed_function_names":["get_weather"]}},
    "generationConfig":{"temperature":0.5,"topP":0.9,"maxOutputTokens":9000,"stopSequences":["END"],"responseMimeType":"application/json",
      "responseSchema":{"type":"OBJECT","properties":{"b":{"type":"STRING"},"a":{"type":"STRING"}}},"thinkingConfig":{"thinkingBudget":8000,"includeThoughts":true}}}"#;

#[test]
fn geminis_request_becomes_anthropics() {
    assert_snapshot!(to_anthropic(REQUEST), @r#"
    model: ""
    max_tokens: 9000
    system: [{"type":"text","text":"You help."},{"type":"text","text":"Be short."}]
    messages: [{"role":"user","content":[{"type":"text","text":"Weather?"},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/4A=="}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"Look.","signature":"CpcB"},{"type":"tool_use","id":"call_0","name":"get_weather","input":{"city":"Paris","days":1.50}},{"type":"tool_use","id":"call_1","name":"get_weather","input":{"city":"Rome"}},{"type":"tool_use","id":"fc_9","name":"now","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_0","content":"18"},{"type":"tool_result","tool_use_id":"fc_9","content":"no clock","is_error":true},{"type":"tool_result","tool_use_id":"call_1","content":"{\"degrees\":20.0}"}]}]
    tools: [{"name":"get_weather","description":"Now","input_schema":{"type":"object","properties":{"z":{"type":["string","null"]},"a":{"type":"integer"}}}},{"name":"now","input_schema":{"properties":{},"type":"object"}}]
    tool_choice: {"type":"tool","name":"get_weather"}
    thinking: {"type":"adaptive"}
    output_config: {"effort":"high","format":{"type":"json_schema","schema":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}},"additionalProperties":false}}}
    temperature: 0.5
    top_p: 0.9
    stop_sequences: ["END"]
    "#);
}

#[test]
fn geminis_request_becomes_openais() {
    assert_snapshot!(to_openai(REQUEST), @r#"
    model: ""
    messages: [{"role":"system","content":[{"type":"text","text":"You help."},{"type":"text","text":"Be short."}]},{"role":"user","content":[{"type":"text","text":"Weather?"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/4A=="}}]},{"role":"assistant","content":null,"reasoning_content":"Look.","thinking_blocks":[{"type":"thinking","thinking":"Look.","signature":"CpcB"}],"tool_calls":[{"id":"call_0","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\",\"days\":1.50}"}},{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Rome\"}"}},{"id":"fc_9","type":"function","function":{"name":"now","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0","content":"18"},{"role":"tool","tool_call_id":"fc_9","content":"Error: no clock"},{"role":"tool","tool_call_id":"call_1","content":"{\"degrees\":20.0}"}]
    tools: [{"type":"function","function":{"name":"get_weather","description":"Now","parameters":{"type":"object","properties":{"z":{"type":["string","null"]},"a":{"type":"integer"}}}}},{"type":"function","function":{"name":"now"}}]
    tool_choice: {"type":"function","function":{"name":"get_weather"}}
    max_completion_tokens: 9000
    temperature: 0.5
    top_p: 0.9
    stop: ["END"]
    response_format: {"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}},"additionalProperties":false},"strict":false}}
    reasoning_effort: "high"
    "#);
}

#[test]
fn the_address_says_the_model_and_the_stream() {
    let mut read = gemini::read_request(br#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#).expect("a request");
    assert_eq!((read.model.as_str(), read.stream, read.include_usage), ("", false, true));
    let target = gemini::target("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse").expect("a call");
    (read.model, read.stream) = (target.model, target.stream);
    let written = responses::write_request(&read, responses::Options::default()).expect("translatable");
    assert_snapshot!(lines(&written.body), @r#"
    model: "gemini-2.5-flash"
    input: [{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}]
    stream: true
    store: false
    "#);
    assert_eq!(gemini::path(&read.model, read.stream), "models/gemini-2.5-flash:streamGenerateContent?alt=sse");
}

#[test]
fn every_mode_is_a_choice_of_tools() {
    let choice = |config: &str| {
        let body = format!(
            r#"{{"contents":[],"tools":[{{"functionDeclarations":[{{"name":"f"}}]}}],"toolConfig":{{"functionCallingConfig":{config}}}}}"#
        );
        to_openai(&body).lines().filter(|l| l.starts_with("tool")).collect::<Vec<_>>().join(" ")
    };
    let tools = r#"tools: [{"type":"function","function":{"name":"f"}}]"#;
    assert_eq!(choice(r#"{"mode":"AUTO"}"#), format!(r#"{tools} tool_choice: "auto""#));
    assert_eq!(choice(r#"{"mode":"ANY"}"#), format!(r#"{tools} tool_choice: "required""#));
    assert_eq!(choice(r#"{"mode":"NONE"}"#), format!(r#"{tools} tool_choice: "none""#));
    assert_eq!(
        choice(r#"{"mode":"VALIDATED"}"#),
        r#"tools: [{"type":"function","function":{"name":"f","strict":true}}] tool_choice: "auto""#
    );
    assert_eq!(choice("{}"), tools);
}

#[test]
fn what_gemini_cannot_is_named() {
    let refused = |dialect: Dialect, fields: &str| {
        let read = dialect.read_request(format!(r#"{{"model":"m","max_tokens":9,{fields}}}"#).as_bytes()).expect("a request");
        let refused = gemini::write_request(&read, Options::default()).expect_err("refused");
        assert_eq!(refused.code(), "unsupported_parameter");
        let written = gemini::write_request(&read, Options { drop_unsupported: true, ..Options::default() }).expect("dropped");
        assert_eq!(written.lost[0].param, refused.param(), "what is dropped is told");
        refused.param().to_owned()
    };
    let top = |field: &str| refused(Dialect::OpenAi, &format!(r#""messages":[],{field}"#));
    assert_eq!(top(r#""n":2"#), "n");
    assert_eq!(top(r#""logprobs":true"#), "logprobs");
    assert_eq!(top(r#""seed":9007199254740993"#), "seed");
    assert_eq!(top(r#""stop":["a","b","c","d","e","f"]"#), "stop");
    assert_eq!(top(r#""logit_bias":{"50256":-100}"#), "logit_bias");
    assert_eq!(top(r#""tools":[{"type":"custom","custom":{"name":"x"}}]"#), "tools[0]");
    assert_eq!(top(r#""tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false"#), "parallel_tool_calls");
    let message = |message: &str| refused(Dialect::OpenAi, &format!(r#""messages":[{message}]"#));
    let user = |part: &str| message(&format!(r#"{{"role":"user","content":[{part}]}}"#));
    assert_eq!(user(r#"{"type":"file","file":{"file_id":"file-1"}}"#), "messages[0].file");
    assert_eq!(user(r#"{"type":"image_url","image_url":{"url":"https://a/b","detail":"low"}}"#), "messages[0].image_url.detail");
    assert_eq!(user(r#"{"type":"video_url","video_url":{}}"#), "messages[0].video_url");
    assert_eq!(message(r#"{"role":"user","name":"bob","content":"x"}"#), "messages[0].name");
    assert_eq!(message(r#"{"role":"tool","tool_call_id":"c","content":"x"}"#), "messages[0].tool_call_id");
    let sealed = r#""messages":[{"role":"assistant","content":[{"type":"redacted_thinking","data":"Emwx"}]}]"#;
    assert_eq!(refused(Dialect::Anthropic, sealed), "messages[0].redacted_thinking");
}

#[test]
fn what_others_cannot_is_named() {
    let refused = |fields: &str| {
        let read =
            gemini::read_request(format!(r#"{{"generationConfig":{{"maxOutputTokens":9}},{fields}}}"#).as_bytes()).expect("a request");
        let refused = anthropic::write_request(&read, anthropic::Options::default()).expect_err("refused");
        assert_eq!(refused, openai::write_request(&read, openai::Options::default()).expect_err("refused"));
        refused.param().to_owned()
    };
    let part = |part: &str| refused(&format!(r#""contents":[{{"parts":[{part}]}}]"#));
    assert_eq!(part(r#"{"fileData":{"mimeType":"video/mp4","fileUri":"https://www.youtube.com/watch?v=x"}}"#), "contents[0].fileData");
    assert_eq!(part(r#"{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}}"#), "contents[0].inlineData");
    assert_eq!(part(r#"{"text":"x","videoMetadata":{"fps":1}}"#), "contents[0].videoMetadata");
    assert_eq!(part(r#"{"executableCode":{"code":"1"}}"#), "contents[0].executableCode");
    assert_eq!(refused(r#""contents":[],"tools":[{"googleSearch":{}}]"#), "tools[0]");
    assert_eq!(refused(r#""contents":[],"safetySettings":[{"category":"X"}]"#), "safetySettings");
    assert_eq!(refused(r#""contents":[],"cachedContent":"cachedContents/1""#), "cachedContent");
}

#[test]
fn what_is_left_of_the_settings_is_named() {
    let read = |config: &str| gemini::read_request(format!(r#"{{"contents":[],"generation_config":{config}}}"#).as_bytes());
    let refused = |config: &str| {
        let refused = openai::write_request(&read(config).expect("a request"), openai::Options::default());
        refused.expect_err("refused").param().to_owned()
    };
    assert_eq!(refused(r#"{"response_modalities":["IMAGE"]}"#), "generationConfig.responseModalities");
    assert_eq!(refused(r#"{"presencePenalty":0.5}"#), "generationConfig.presencePenalty");
    let words = r#"{"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a"]}}"#;
    assert_eq!(refused(words), "generationConfig.responseJsonSchema");
    let harmless =
        r#"{"responseModalities":["TEXT"],"presencePenalty":0,"thinkingConfig":{"includeThoughts":false},"responseMimeType":"text/plain"}"#;
    let written = openai::write_request(&read(harmless).expect("a request"), openai::Options::default()).expect("translatable");
    assert_eq!(written.lost, []);
    // As Google's own library has it.
    assert_eq!(read(r#"{"topK":40.0}"#).expect("a request").top_k, Some(40));
    assert!(read(r#"{"topK":1.5}"#).is_err() && read(r#"{"topK":-1}"#).is_err());
}
