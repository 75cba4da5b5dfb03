//! OpenAI chat completions, after its API reference.

use super::Examples;

pub(super) const EXAMPLES: Examples = Examples {
    requests: [
        (
            "plain",
            r#"{"model":"gpt-5","max_completion_tokens":256,"temperature":0.5,"top_p":0.9,"stop":["END"],"stream":true,"stream_options":{"include_usage":true},"user":"ann","messages":[{"role":"developer","content":"You help."},{"role":"user","content":"Hello!"},{"role":"assistant","content":"Hi."},{"role":"user","content":"And?"}]}"#,
        ),
        (
            "tools",
            r#"{"model":"gpt-5","messages":[{"role":"user","content":"Weather in Paris?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\",\"days\":1.50}"}}]},{"role":"tool","tool_call_id":"call_a","content":"18 degrees"}],"tools":[{"type":"function","function":{"name":"get_weather","description":"The weather now","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false},"strict":true}}],"tool_choice":{"type":"function","function":{"name":"get_weather"}}}"#,
        ),
        (
            "parallel tools",
            r#"{"model":"gpt-5","messages":[{"role":"user","content":"Paris and the time?"},{"role":"assistant","content":"I look.","tool_calls":[{"id":"call_a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}},{"id":"call_b","type":"function","function":{"name":"now","arguments":""}}]},{"role":"tool","tool_call_id":"call_a","content":"18"},{"role":"tool","tool_call_id":"call_b","content":"noon"},{"role":"user","content":"Thanks"}],"tools":[{"type":"function","function":{"name":"get_weather"}},{"type":"function","function":{"name":"now"}}],"tool_choice":"required","parallel_tool_calls":true}"#,
        ),
        (
            "image",
            r#"{"model":"gpt-5","messages":[{"role":"user","content":[{"type":"text","text":"What is in these?"},{"type":"image_url","image_url":{"url":"https://example.org/a.png"}},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/4AAQ","detail":"auto"}}]}]}"#,
        ),
        (
            "JSON schema",
            r#"{"model":"gpt-5","messages":[{"role":"user","content":"Jane, 54"}],"response_format":{"type":"json_schema","json_schema":{"name":"person","strict":true,"schema":{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"],"additionalProperties":false}}}}"#,
        ),
        (
            "reasoning",
            r#"{"model":"gpt-5","max_completion_tokens":8192,"reasoning_effort":"low","messages":[{"role":"user","content":"1+1?"},{"role":"assistant","content":"2","reasoning_content":"Add."},{"role":"user","content":"2+2?"}]}"#,
        ),
    ],
    answers: [
        (
            "plain",
            r#"{"id":"chatcmpl-1","object":"chat.completion","created":1741569952,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":"Hello! How can I assist you today?","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29}}"#,
        ),
        (
            "tools",
            r#"{"id":"chatcmpl-2","object":"chat.completion","created":1741569952,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_abc123","type":"function","function":{"name":"get_current_weather","arguments":"{\n\"location\": \"Boston, MA\"\n}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":82,"completion_tokens":17,"total_tokens":99}}"#,
        ),
        (
            "parallel tools",
            r#"{"id":"chatcmpl-3","object":"chat.completion","created":1741569952,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":"I look.","tool_calls":[{"id":"call_a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}},{"id":"call_b","type":"function","function":{"name":"now","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#,
        ),
        (
            "reasoning",
            r#"{"id":"chatcmpl-4","object":"chat.completion","created":1741569952,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":"4","reasoning_content":"Add."},"finish_reason":"length"}],"usage":{"prompt_tokens":9,"completion_tokens":70,"total_tokens":79,"completion_tokens_details":{"reasoning_tokens":64}}}"#,
        ),
        (
            "refusal",
            r#"{"id":"chatcmpl-5","object":"chat.completion","created":1741569952,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"I'm sorry, I cannot assist with that request."},"finish_reason":"stop"}],"usage":{"prompt_tokens":81,"completion_tokens":11,"total_tokens":92}}"#,
        ),
        (
            "usage with cache",
            r#"{"id":"chatcmpl-6","object":"chat.completion","created":1741569952,"model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}"#,
        ),
    ],
    streams: [
        (
            "plain",
            &[
                r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-5","choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-5","choices":[{"index":0,"delta":{"content":"!"},"logprobs":null,"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-5","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}"#,
                "[DONE]",
            ],
        ),
        (
            "tools",
            &[
                r#"{"id":"chatcmpl-2","model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"get_weather","arguments":""}}]},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-2","model":"gpt-5","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-2","model":"gpt-5","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Paris\"}"}}]},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-2","model":"gpt-5","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
                "[DONE]",
            ],
        ),
        (
            "parallel tools",
            &[
                r#"{"id":"chatcmpl-3","model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","content":"I look."},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-3","model":"gpt-5","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-3","model":"gpt-5","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"now","arguments":""}}]},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-3","model":"gpt-5","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
                "[DONE]",
            ],
        ),
        (
            "reasoning",
            &[
                r#"{"id":"chatcmpl-4","model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"Add."},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-4","model":"gpt-5","choices":[{"index":0,"delta":{"content":"4"},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-4","model":"gpt-5","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#,
                "[DONE]",
            ],
        ),
        (
            "refusal",
            &[
                r#"{"id":"chatcmpl-5","model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","refusal":"I cannot "},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-5","model":"gpt-5","choices":[{"index":0,"delta":{"refusal":"help."},"finish_reason":null}]}"#,
                r#"{"id":"chatcmpl-5","model":"gpt-5","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                "[DONE]",
            ],
        ),
        (
            "usage with cache",
            &[
                r#"{"id":"chatcmpl-6","model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}],"usage":null}"#,
                r#"{"id":"chatcmpl-6","model":"gpt-5","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
                r#"{"id":"chatcmpl-6","model":"gpt-5","choices":[],"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920},"completion_tokens_details":{"reasoning_tokens":64}}}"#,
                "[DONE]",
            ],
        ),
    ],
    errors: [
        (429, r#"{"error":{"message":"Rate limit reached for gpt-5","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#),
        (
            400,
            r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0.2","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}"#,
        ),
    ],
};
