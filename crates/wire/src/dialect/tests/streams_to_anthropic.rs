use super::stream_to_anthropic;
use insta::assert_snapshot;

/// A stream of chunks of one choice each, from what differs.
fn stream(deltas: &[&str], rest: &str) -> String {
    let head = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-5","choices":[{"index":0,"#;
    let mut all: String = deltas.iter().flat_map(|delta| [head, delta, "}],\"usage\":null}\n\n"]).collect();
    all.push_str(rest);
    all
}

const END: &str = "data: {\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":120,\"completion_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":100}}}\n\ndata: [DONE]\n\n";

#[test]
fn thoughts_then_text_with_usage_at_the_end() {
    let stream = stream(
        &[
            r#""delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null"#,
            r#""delta":{"reasoning_content":"Hm."},"finish_reason":null"#,
            r#""delta":{"content":"Hel"},"finish_reason":null"#,
            r#""delta":{"content":"lo"},"finish_reason":null"#,
            r#""delta":{},"finish_reason":"stop""#,
        ],
        END,
    );
    assert_snapshot!(stream_to_anthropic(&format!(": ping\n\n{stream}")), @r#"
    event: ping
    data: {"type":"ping"}
    event: message_start
    data: {"type":"message_start","message":{"id":"chatcmpl-1","type":"message","role":"assistant","model":"gpt-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}
    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":0}
    event: content_block_start
    data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hel"}}
    event: content_block_delta
    data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"lo"}}
    event: content_block_stop
    data: {"type":"content_block_stop","index":1}
    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":100,"output_tokens":9}}
    event: message_stop
    data: {"type":"message_stop"}
    "#);
}

const TOOLS: [&str; 7] = [
    r#""delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":""}}],"refusal":null},"finish_reason":null"#,
    r#""delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"ci"}}]},"finish_reason":null"#,
    r#""delta":{"tool_calls":[{"index":0,"function":{"arguments":"ty\":\"Paris\"}"}}]},"finish_reason":null"#,
    r#""delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"get_weather","arguments":""}}]},"finish_reason":null"#,
    r#""delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"city\":\"Rome\"}"}}]},"finish_reason":null"#,
    r#""delta":{"tool_calls":[{"index":2,"id":"call_3","type":"function","function":{"name":"now","arguments":""}}]},"finish_reason":null"#,
    r#""delta":{},"finish_reason":"tool_calls""#,
];

const WRITTEN: &str = r#"event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"call_1","name":"get_weather","input":{}}}
event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"ci"}}
event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"ty\":\"Paris\"}"}}
event: content_block_stop
data: {"type":"content_block_stop","index":0}
event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"call_2","name":"get_weather","input":{}}}
event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"Rome\"}"}}
event: content_block_stop
data: {"type":"content_block_stop","index":1}
event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_3","name":"now","input":{}}}
event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}
event: content_block_stop
data: {"type":"content_block_stop","index":2}
event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":100,"output_tokens":9}}
event: message_stop
data: {"type":"message_stop"}
"#;

fn blocks(written: &str) -> &str {
    &written[written.find("event: content_block_start").expect("a block")..]
}

#[test]
fn parallel_tools_are_blocks_in_order() {
    assert_eq!(blocks(&stream_to_anthropic(&stream(&TOOLS, END))), WRITTEN);
}

#[test]
fn mixed_arguments_of_several_calls_come_apart() {
    let mut mixed = TOOLS;
    mixed.swap(2, 3);
    mixed.swap(3, 4);
    // Now: call 1 begins and half of it, call 2 begins, all of call 2, the rest of call 1.
    assert_eq!(blocks(&stream_to_anthropic(&stream(&mixed, END))), WRITTEN);
}

#[test]
fn calls_that_are_not_counted_are_told_apart_by_their_names() {
    let uncounted: Vec<String> =
        TOOLS.iter().map(|d| (0..3).fold((*d).to_owned(), |d, i| d.replace(&format!("{{\"index\":{i},"), "{"))).collect();
    let uncounted: Vec<&str> = uncounted.iter().map(String::as_str).collect();
    assert_eq!(blocks(&stream_to_anthropic(&stream(&uncounted, END))), WRITTEN);
}

#[test]
fn a_refusal_is_text_and_a_reason() {
    let stream = stream(
        &[r#""delta":{"role":"assistant","refusal":"I cannot."},"finish_reason":null"#, r#""delta":{},"finish_reason":"stop""#],
        END,
    );
    let written = stream_to_anthropic(&stream);
    assert!(written.contains(r#""delta":{"type":"text_delta","text":"I cannot."}"#));
    assert!(written.contains(r#""delta":{"stop_reason":"refusal","stop_sequence":null}"#));
}

#[test]
fn an_error_in_band_is_the_last_event() {
    let broken = stream(
        &[r#""delta":{"role":"assistant","content":"Hel"},"finish_reason":null"#],
        "data: {\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}\n\n",
    );
    let written = stream_to_anthropic(&broken);
    assert!(
        written.ends_with("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow down\"}}\n")
    );
    assert!(!written.contains("message_stop"));
}

#[test]
fn a_cut_stream_ends_with_an_error() {
    let written = stream_to_anthropic(&stream(&[r#""delta":{"role":"assistant","content":"Hel"},"finish_reason":null"#], ""));
    assert!(written.contains("event: error\n") && !written.contains("message_stop"));
}

#[test]
fn a_stream_without_done_is_complete_once_it_said_why_it_stopped() {
    let written = stream_to_anthropic(&stream(&[r#""delta":{"content":"Hi"},"finish_reason":"length""#], ""));
    assert!(written.contains(r#""stop_reason":"max_tokens""#) && written.contains("message_stop"));
}
