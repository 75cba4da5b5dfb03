//! Anthropic Messages, after its API reference.

use super::Examples;

pub(super) const EXAMPLES: Examples = Examples {
    requests: [
        (
            "plain",
            r#"{"model":"claude-opus-4-6","max_tokens":256,"temperature":0.5,"top_p":0.9,"stop_sequences":["END"],"stream":true,"metadata":{"user_id":"ann"},"system":[{"type":"text","text":"You help.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Hello, Claude"},{"role":"assistant","content":"Hi."},{"role":"user","content":[{"type":"text","text":"And?"}]}]}"#,
        ),
        (
            "tools",
            r#"{"model":"claude-opus-4-6","max_tokens":1024,"messages":[{"role":"user","content":"Weather in Paris?"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_a","name":"get_weather","input":{"city":"Paris","days":1.50}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_a","content":"18 degrees"}]}],"tools":[{"name":"get_weather","description":"The weather now","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}],"tool_choice":{"type":"tool","name":"get_weather"}}"#,
        ),
        (
            "parallel tools",
            r#"{"model":"claude-opus-4-6","max_tokens":1024,"messages":[{"role":"user","content":"Paris and the time?"},{"role":"assistant","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_a","name":"get_weather","input":{"city":"Paris"}},{"type":"tool_use","id":"toolu_b","name":"now","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_a","content":[{"type":"text","text":"18"}]},{"type":"tool_result","tool_use_id":"toolu_b","content":"no clock","is_error":true},{"type":"text","text":"Thanks"}]}],"tools":[{"name":"get_weather","input_schema":{"type":"object"}},{"name":"now","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}}"#,
        ),
        (
            "image",
            r#"{"model":"claude-opus-4-6","max_tokens":1024,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://example.org/a.png"}},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/4AAQ"}},{"type":"text","text":"What is in these?"}]}]}"#,
        ),
        (
            "JSON schema",
            r#"{"model":"claude-opus-4-6","max_tokens":1024,"messages":[{"role":"user","content":"Jane, 54"}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false}}}}"#,
        ),
        (
            "reasoning",
            r#"{"model":"claude-sonnet-4-5","max_tokens":8192,"thinking":{"type":"enabled","budget_tokens":2048},"messages":[{"role":"user","content":"1+1?"},{"role":"assistant","content":[{"type":"thinking","thinking":"Add.","signature":"EqQB"},{"type":"text","text":"2"}]},{"role":"user","content":"2+2?"}]}"#,
        ),
    ],
    answers: [
        (
            "plain",
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"text","text":"Hi! My name is Claude.","citations":null}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":2095,"output_tokens":503}}"#,
        ),
        (
            "tools",
            r#"{"id":"msg_2","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"tool_use","id":"toolu_01D7","name":"get_stock_price","input":{"ticker":"^GSPC"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":472,"output_tokens":89}}"#,
        ),
        (
            "parallel tools",
            r#"{"id":"msg_3","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"text","text":"I look."},{"type":"tool_use","id":"toolu_a","name":"get_weather","input":{"city":"Paris"}},{"type":"tool_use","id":"toolu_b","name":"now","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#,
        ),
        (
            "reasoning",
            r#"{"id":"msg_4","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"thinking","thinking":"Add.","signature":"EqQB"},{"type":"redacted_thinking","data":"EmwK"},{"type":"text","text":"4"}],"stop_reason":"max_tokens","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":70}}"#,
        ),
        (
            "refusal",
            r#"{"id":"msg_5","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"text","text":"I cannot help."}],"stop_reason":"refusal","stop_sequence":null,"usage":{"input_tokens":81,"output_tokens":11}}"#,
        ),
        (
            "usage with cache",
            r#"{"id":"msg_6","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"text","text":"Hi"}],"stop_reason":"stop_sequence","stop_sequence":"END","usage":{"input_tokens":50,"cache_creation_input_tokens":248,"cache_read_input_tokens":1800,"output_tokens":503}}"#,
        ),
    ],
    streams: [
        (
            "plain",
            &[
                r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-opus-4-6","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":1}}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                r#"{"type":"ping"}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"!"}}"#,
                r#"{"type":"content_block_stop","index":0}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        ),
        (
            "tools",
            &[
                r#"{"type":"message_start","message":{"id":"msg_2","type":"message","role":"assistant","content":[],"model":"claude-opus-4-6","stop_reason":null,"usage":{"input_tokens":472,"output_tokens":2}}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_a","name":"get_weather","input":{}}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":" \"Paris\"}"}}"#,
                r#"{"type":"content_block_stop","index":0}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        ),
        (
            "parallel tools",
            &[
                r#"{"type":"message_start","message":{"id":"msg_3","type":"message","role":"assistant","content":[],"model":"claude-opus-4-6","stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I look."}}"#,
                r#"{"type":"content_block_stop","index":0}"#,
                r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_a","name":"get_weather","input":{}}}"#,
                r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"Paris\"}"}}"#,
                r#"{"type":"content_block_stop","index":1}"#,
                r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_b","name":"now","input":{}}}"#,
                r#"{"type":"content_block_stop","index":2}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":2}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        ),
        (
            "reasoning",
            &[
                r#"{"type":"message_start","message":{"id":"msg_4","type":"message","role":"assistant","content":[],"model":"claude-opus-4-6","stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1}}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Add."}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}"#,
                r#"{"type":"content_block_stop","index":0}"#,
                r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
                r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"4"}}"#,
                r#"{"type":"content_block_stop","index":1}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"output_tokens":70}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        ),
        (
            "refusal",
            &[
                r#"{"type":"message_start","message":{"id":"msg_5","type":"message","role":"assistant","content":[],"model":"claude-opus-4-6","stop_reason":null,"usage":{"input_tokens":81,"output_tokens":1}}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Well"}}"#,
                r#"{"type":"content_block_stop","index":0}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"output_tokens":11}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        ),
        (
            "usage with cache",
            &[
                r#"{"type":"message_start","message":{"id":"msg_6","type":"message","role":"assistant","content":[],"model":"claude-opus-4-6","stop_reason":null,"usage":{"input_tokens":50,"cache_creation_input_tokens":248,"cache_read_input_tokens":1800,"output_tokens":1}}}"#,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#,
                r#"{"type":"content_block_stop","index":0}"#,
                r#"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"output_tokens":503}}"#,
                r#"{"type":"message_stop"}"#,
            ],
        ),
    ],
    errors: [
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#),
        (400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: Field required"},"request_id":"req_2"}"#),
    ],
};
