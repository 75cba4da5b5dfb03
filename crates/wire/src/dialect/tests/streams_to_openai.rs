use super::stream_to_openai;
use insta::assert_snapshot;

const TOOL: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_019Q","type":"message","role":"assistant","model":"claude-sonnet-4-20250514","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":377,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":1,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I look."}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_01","name":"get_weather","caller":{"type":"direct"},"input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"location\": \"P"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"aris\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_02","name":"now","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":65}}

event: message_stop
data: {"type":"message_stop"}

"#;

#[test]
fn text_parallel_tools_and_usage() {
    assert_snapshot!(stream_to_openai(TOOL, true), @r#"
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}
    : ping
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{"content":"I look."},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"toolu_01","type":"function","function":{"name":"get_weather","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"location\": \"P"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"aris\"}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"toolu_02","type":"function","function":{"name":"now","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}],"usage":null}
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}],"usage":null}
    data: {"id":"msg_019Q","model":"claude-sonnet-4-20250514","choices":[],"usage":{"prompt_tokens":497,"completion_tokens":65,"total_tokens":562,"prompt_tokens_details":{"cached_tokens":100,"cache_write_tokens":20},"completion_tokens_details":{"reasoning_tokens":0}}}
    data: [DONE]
    "#);
}

#[test]
fn thoughts_and_no_usage_unasked() {
    let stream = r#"data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"Emwx"}}

data: {"type":"content_block_stop","index":1}

data: {"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"query\": 1}"}}

data: {"type":"content_block_stop","index":2}

data: {"type":"something_new","index":2}

data: {"type":"content_block_start","index":3,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"4"}}

data: {"type":"content_block_stop","index":3}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":40}}

data: {"type":"message_stop"}

"#;
    assert_snapshot!(stream_to_openai(stream, false), @r#"
    data: {"id":"msg_1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}
    data: {"id":"msg_1","model":"m","choices":[{"index":0,"delta":{"reasoning_content":"Let me "},"logprobs":null,"finish_reason":null}]}
    data: {"id":"msg_1","model":"m","choices":[{"index":0,"delta":{"reasoning_content":"see."},"logprobs":null,"finish_reason":null}]}
    data: {"id":"msg_1","model":"m","choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"Let me see.","signature":"EqQB"}]},"logprobs":null,"finish_reason":null}]}
    data: {"id":"msg_1","model":"m","choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"redacted_thinking","data":"Emwx"}]},"logprobs":null,"finish_reason":null}]}
    data: {"id":"msg_1","model":"m","choices":[{"index":0,"delta":{"content":"4"},"logprobs":null,"finish_reason":null}]}
    data: {"id":"msg_1","model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}
    data: [DONE]
    "#);
}

#[test]
fn a_refusal_filters() {
    let stream = r#"data: {"type":"message_start","message":{"id":"msg_1","model":"claude-opus-4-7","usage":{"input_tokens":20,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_stop","index":0}

data: {"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":"cyber","explanation":"No."}},"usage":{"output_tokens":120,"output_tokens_details":{"thinking_tokens":67}}}

data: {"type":"message_stop"}

"#;
    let written = stream_to_openai(stream, true);
    assert!(written.contains(r#""delta":{},"logprobs":null,"finish_reason":"content_filter""#));
    assert!(written.contains(r#""usage":{"prompt_tokens":20,"completion_tokens":120,"total_tokens":140,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":67}}"#));
}

#[test]
fn an_error_in_band_ends_without_done() {
    let begun = TOOL.split("event: content_block_stop").next().expect("a beginning");
    let broken = format!(
        "{begun}event: error\ndata: {{\"type\": \"error\", \"error\": {{\"type\": \"overloaded_error\", \"message\": \"Overloaded\"}}}}\n\n"
    );
    let written = stream_to_openai(&broken, true);
    let last = written.lines().last().expect("an error");
    assert_eq!(last, r#"data: {"error":{"code":"overloaded_error","message":"Overloaded","param":null,"type":"overloaded_error"}}"#);
    assert!(!written.contains("[DONE]"));
}

#[test]
fn a_cut_stream_ends_with_an_error_and_without_done() {
    let begun = TOOL.split("event: message_delta").next().expect("a beginning");
    let written = stream_to_openai(begun, true);
    assert!(written.lines().last().expect("an error").starts_with(r#"data: {"error":{"code":"api_error""#));
    assert!(!written.contains("[DONE]") && !written.contains("prompt_tokens"));
}
