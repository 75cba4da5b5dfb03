//! OpenAI Responses, after its API reference.

use super::Examples;

pub(super) const EXAMPLES: Examples = Examples {
    requests: [
        (
            "plain",
            r#"{"model":"gpt-5","instructions":"You help.","input":"Tell me a story.","max_output_tokens":256,"temperature":0.5,"top_p":0.9,"stream":true,"user":"ann","store":false}"#,
        ),
        (
            "tools",
            r#"{"model":"gpt-5","input":[{"role":"user","content":"Weather in Paris?"},{"type":"function_call","id":"fc_1","call_id":"call_a","name":"get_weather","arguments":"{\"city\":\"Paris\",\"days\":1.50}","status":"completed"},{"type":"function_call_output","call_id":"call_a","output":"18 degrees"}],"tools":[{"type":"function","name":"get_weather","description":"The weather now","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false},"strict":true}],"tool_choice":{"type":"function","name":"get_weather"}}"#,
        ),
        (
            "parallel tools",
            r#"{"model":"gpt-5","input":[{"role":"user","content":"Paris and the time?"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"I look.","annotations":[]}]},{"type":"function_call","call_id":"call_a","name":"get_weather","arguments":"{\"city\":\"Paris\"}"},{"type":"function_call","call_id":"call_b","name":"now","arguments":"{}"},{"type":"function_call_output","call_id":"call_a","output":"18"},{"type":"function_call_output","call_id":"call_b","output":[{"type":"input_text","text":"noon"}]},{"role":"user","content":"Thanks"}],"tools":[{"type":"function","name":"get_weather","parameters":{"type":"object"},"strict":false},{"type":"function","name":"now","parameters":{"type":"object"},"strict":false}],"tool_choice":"required","parallel_tool_calls":true}"#,
        ),
        (
            "image",
            r#"{"model":"gpt-5","input":[{"role":"user","content":[{"type":"input_text","text":"What is in these?"},{"type":"input_image","image_url":"https://example.org/a.png"},{"type":"input_image","image_url":"data:image/jpeg;base64,/9j/4AAQ","detail":"auto"}]}]}"#,
        ),
        (
            "JSON schema",
            r#"{"model":"gpt-5","input":"Jane, 54","text":{"format":{"type":"json_schema","name":"person","strict":true,"schema":{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false}}}}"#,
        ),
        (
            "reasoning",
            r#"{"model":"gpt-5","max_output_tokens":8192,"reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"],"store":false,"input":[{"role":"user","content":"1+1?"},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Add."}],"encrypted_content":"gAAAAB"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"2","annotations":[]}]},{"role":"user","content":"2+2?"}]}"#,
        ),
    ],
    answers: [
        (
            "plain",
            r#"{"id":"resp_1","object":"response","created_at":1741476542,"status":"completed","error":null,"incomplete_details":null,"model":"gpt-5","output":[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello!","annotations":[]}]}],"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":123}}"#,
        ),
        (
            "tools",
            r#"{"id":"resp_2","object":"response","created_at":1741294021,"status":"completed","model":"gpt-5","output":[{"type":"function_call","id":"fc_1","call_id":"call_unDoe","name":"get_current_weather","arguments":"{\"location\":\"Boston, MA\",\"unit\":\"celsius\"}","status":"completed"}],"usage":{"input_tokens":291,"output_tokens":23,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":314}}"#,
        ),
        (
            "parallel tools",
            r#"{"id":"resp_3","object":"response","created_at":1741294021,"status":"completed","model":"gpt-5","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"I look.","annotations":[]}]},{"type":"function_call","id":"fc_1","call_id":"call_a","name":"get_weather","arguments":"{\"city\":\"Paris\"}"},{"type":"function_call","id":"fc_2","call_id":"call_b","name":"now","arguments":"{}"}]}"#,
        ),
        (
            "reasoning",
            r#"{"id":"resp_4","object":"response","created_at":1741476777,"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"model":"gpt-5","output":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Add."}],"encrypted_content":"gAAAAB"},{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"4","annotations":[]}]}],"usage":{"input_tokens":81,"output_tokens":1035,"output_tokens_details":{"reasoning_tokens":832},"total_tokens":1116}}"#,
        ),
        (
            "refusal",
            r#"{"id":"resp_5","object":"response","created_at":1741476777,"status":"completed","model":"gpt-5","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"refusal","refusal":"I'm sorry, I cannot assist with that request."}]}],"usage":{"input_tokens":81,"output_tokens":11,"total_tokens":92}}"#,
        ),
        (
            "usage with cache",
            r#"{"id":"resp_6","object":"response","created_at":1741476777,"status":"completed","model":"gpt-5","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],"usage":{"input_tokens":2006,"input_tokens_details":{"cached_tokens":1920},"output_tokens":300,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":2306}}"#,
        ),
    ],
    streams: [
        (
            "plain",
            &[
                r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1741290958,"status":"in_progress","model":"gpt-5","output":[],"usage":null}}"#,
                r#"{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","status":"in_progress","model":"gpt-5","output":[]}}"#,
                r#"{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
                r#"{"type":"response.content_part.added","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
                r#"{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hi"}"#,
                r#"{"type":"response.output_text.done","sequence_number":5,"item_id":"msg_1","output_index":0,"content_index":0,"text":"Hi"}"#,
                r#"{"type":"response.output_item.done","sequence_number":6,"output_index":0,"item":{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}}"#,
                r#"{"type":"response.completed","sequence_number":7,"response":{"id":"resp_1","status":"completed","model":"gpt-5","output":[{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],"usage":{"input_tokens":37,"output_tokens":11,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":48}}}"#,
            ],
        ),
        (
            "tools",
            &[
                r#"{"type":"response.created","response":{"id":"resp_2","status":"in_progress","model":"gpt-5","output":[]}}"#,
                r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"call_a","name":"get_weather","arguments":"","status":"in_progress"}}"#,
                r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\"city\":"}"#,
                r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"\"Paris\"}"}"#,
                r#"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":0,"arguments":"{\"city\":\"Paris\"}"}"#,
                r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"call_a","name":"get_weather","arguments":"{\"city\":\"Paris\"}","status":"completed"}}"#,
                r#"{"type":"response.completed","response":{"id":"resp_2","status":"completed","model":"gpt-5","output":[{"type":"function_call","id":"fc_1","call_id":"call_a","name":"get_weather","arguments":"{\"city\":\"Paris\"}"}],"usage":{"input_tokens":291,"output_tokens":23,"total_tokens":314}}}"#,
            ],
        ),
        (
            "parallel tools",
            &[
                r#"{"type":"response.created","response":{"id":"resp_3","status":"in_progress","model":"gpt-5","output":[]}}"#,
                r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}}"#,
                r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"I look."}"#,
                r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_a","name":"get_weather","arguments":""}}"#,
                r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":1,"delta":"{\"city\":\"Paris\"}"}"#,
                r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_a","name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}"#,
                r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"fc_2","call_id":"call_b","name":"now","arguments":""}}"#,
                r#"{"type":"response.function_call_arguments.delta","item_id":"fc_2","output_index":2,"delta":"{}"}"#,
                r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc_2","call_id":"call_b","name":"now","arguments":"{}"}}"#,
                r#"{"type":"response.completed","response":{"id":"resp_3","status":"completed","model":"gpt-5","output":[]}}"#,
            ],
        ),
        (
            "reasoning",
            &[
                r#"{"type":"response.created","response":{"id":"resp_4","status":"in_progress","model":"gpt-5","output":[]}}"#,
                r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}"#,
                r#"{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
                r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"Add."}"#,
                r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Add."}],"encrypted_content":"gAAAAB"}}"#,
                r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"4"}"#,
                r#"{"type":"response.incomplete","response":{"id":"resp_4","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"model":"gpt-5","output":[],"usage":{"input_tokens":9,"output_tokens":70,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":79}}}"#,
            ],
        ),
        (
            "refusal",
            &[
                r#"{"type":"response.created","response":{"id":"resp_5","status":"in_progress","model":"gpt-5","output":[]}}"#,
                r#"{"type":"response.refusal.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"I cannot "}"#,
                r#"{"type":"response.refusal.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"help."}"#,
                r#"{"type":"response.refusal.done","item_id":"msg_1","output_index":0,"content_index":0,"refusal":"I cannot help."}"#,
                r#"{"type":"response.completed","response":{"id":"resp_5","status":"completed","model":"gpt-5","output":[]}}"#,
            ],
        ),
        (
            "usage with cache",
            &[
                r#"{"type":"response.created","response":{"id":"resp_6","status":"in_progress","model":"gpt-5","output":[]}}"#,
                r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hi"}"#,
                r#"{"type":"response.completed","response":{"id":"resp_6","status":"completed","model":"gpt-5","output":[],"usage":{"input_tokens":2006,"input_tokens_details":{"cached_tokens":1920},"output_tokens":300,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":2306}}}"#,
            ],
        ),
    ],
    errors: [
        (429, r#"{"error":{"message":"Rate limit reached for gpt-5","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#),
        (
            404,
            r#"{"error":{"message":"Previous response with id 'resp_x' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#,
        ),
    ],
};
