//! Google Gemini, after its API reference.

use super::Examples;

pub(super) const EXAMPLES: Examples = Examples {
    requests: [
        (
            "plain",
            r#"{"systemInstruction":{"parts":[{"text":"You help."}]},"contents":[{"role":"user","parts":[{"text":"Hello"}]},{"role":"model","parts":[{"text":"Hi."}]},{"role":"user","parts":[{"text":"And?"}]}],"generationConfig":{"temperature":0.5,"topP":0.9,"maxOutputTokens":256,"stopSequences":["END"]}}"#,
        ),
        (
            "tools",
            r#"{"contents":[{"role":"user","parts":[{"text":"Weather in Paris?"}]},{"role":"model","parts":[{"functionCall":{"id":"fc_a","name":"get_weather","args":{"city":"Paris","days":1.50}}}]},{"role":"user","parts":[{"functionResponse":{"id":"fc_a","name":"get_weather","response":{"output":"18 degrees"}}}]}],"tools":[{"functionDeclarations":[{"name":"get_weather","description":"The weather now","parameters":{"type":"OBJECT","properties":{"city":{"type":"STRING"}},"required":["city"]}}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["get_weather"]}}}"#,
        ),
        (
            "parallel tools",
            r#"{"contents":[{"role":"user","parts":[{"text":"Paris and the time?"}]},{"role":"model","parts":[{"text":"I look."},{"functionCall":{"name":"get_weather","args":{"city":"Paris"}}},{"functionCall":{"name":"now","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"get_weather","response":{"degrees":18}}},{"functionResponse":{"name":"now","response":{"error":"no clock"}}},{"text":"Thanks"}]}],"tools":[{"functionDeclarations":[{"name":"get_weather"},{"name":"now"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}"#,
        ),
        (
            "image",
            r#"{"contents":[{"role":"user","parts":[{"text":"What is in these?"},{"fileData":{"mimeType":"image/png","fileUri":"https://example.org/a.png"}},{"inlineData":{"mimeType":"image/jpeg","data":"/9j/4AAQ"}}]}]}"#,
        ),
        (
            "JSON schema",
            r#"{"contents":[{"parts":[{"text":"Jane, 54"}]}],"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"name":{"type":"STRING"},"age":{"type":"INTEGER"}},"required":["name","age"]}}}"#,
        ),
        (
            "reasoning",
            r#"{"contents":[{"role":"user","parts":[{"text":"1+1?"}]},{"role":"model","parts":[{"text":"Add.","thought":true},{"text":"2","thoughtSignature":"CpcB"}]},{"role":"user","parts":[{"text":"2+2?"}]}],"generationConfig":{"maxOutputTokens":8192,"thinkingConfig":{"thinkingLevel":"LOW","includeThoughts":true}}}"#,
        ),
    ],
    answers: [
        (
            "plain",
            r#"{"candidates":[{"content":{"parts":[{"text":"AI learns from data."}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":6,"totalTokenCount":14,"promptTokensDetails":[{"modality":"TEXT","tokenCount":8}]},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
        ),
        (
            "tools",
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"fc_a","name":"get_weather","args":{"city":"Paris"}},"thoughtSignature":"CpcB"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":90,"candidatesTokenCount":16,"totalTokenCount":106},"modelVersion":"gemini-3-flash","responseId":"r2"}"#,
        ),
        (
            "parallel tools",
            r#"{"candidates":[{"content":{"parts":[{"text":"I look."},{"functionCall":{"name":"get_weather","args":{"city":"Paris"}}},{"functionCall":{"name":"now","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"gemini-2.5-flash","responseId":"r3"}"#,
        ),
        (
            "reasoning",
            r#"{"candidates":[{"content":{"parts":[{"text":"Add.","thought":true},{"text":"4","thoughtSignature":"CpcB"}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":6,"thoughtsTokenCount":64,"totalTokenCount":79},"modelVersion":"gemini-3-flash","responseId":"r4"}"#,
        ),
        (
            "refusal",
            r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":81,"totalTokenCount":81},"modelVersion":"gemini-2.5-flash","responseId":"r5"}"#,
        ),
        (
            "usage with cache",
            r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":2006,"cachedContentTokenCount":1920,"candidatesTokenCount":236,"thoughtsTokenCount":64,"totalTokenCount":2306,"cacheTokensDetails":[{"modality":"TEXT","tokenCount":1920}]},"modelVersion":"gemini-2.5-flash","responseId":"r6"}"#,
        ),
    ],
    streams: [
        (
            "plain",
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"Hello"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
                r#"{"candidates":[{"content":{"parts":[{"text":"!"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":2,"totalTokenCount":10},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
            ],
        ),
        (
            "tools",
            &[
                r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"fc_a","name":"get_weather","args":{"city":"Paris"}},"thoughtSignature":"CpcB"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":90,"candidatesTokenCount":16,"totalTokenCount":106},"modelVersion":"gemini-3-flash","responseId":"r2"}"#,
            ],
        ),
        (
            "parallel tools",
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"I look."}],"role":"model"},"index":0}],"modelVersion":"gemini-2.5-flash","responseId":"r3"}"#,
                r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"get_weather","args":{"city":"Paris"}}},{"functionCall":{"name":"now","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"gemini-2.5-flash","responseId":"r3"}"#,
            ],
        ),
        (
            "reasoning",
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"Add.","thought":true}],"role":"model"},"index":0}],"modelVersion":"gemini-3-flash","responseId":"r4"}"#,
                r#"{"candidates":[{"content":{"parts":[{"text":"4","thoughtSignature":"CpcB"}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":6,"thoughtsTokenCount":64,"totalTokenCount":79},"modelVersion":"gemini-3-flash","responseId":"r4"}"#,
            ],
        ),
        (
            "refusal",
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"Well"}],"role":"model"},"index":0}],"modelVersion":"gemini-2.5-flash","responseId":"r5"}"#,
                r#"{"candidates":[{"finishReason":"SAFETY","index":0,"safetyRatings":[{"category":"HARM_CATEGORY_HARASSMENT","probability":"HIGH"}]}],"usageMetadata":{"promptTokenCount":81,"candidatesTokenCount":1,"totalTokenCount":82},"modelVersion":"gemini-2.5-flash","responseId":"r5"}"#,
            ],
        ),
        (
            "usage with cache",
            &[
                r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":2006,"cachedContentTokenCount":1920,"candidatesTokenCount":236,"thoughtsTokenCount":64,"totalTokenCount":2306},"modelVersion":"gemini-2.5-flash","responseId":"r6"}"#,
            ],
        ),
    ],
    errors: [
        (429, r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#),
        (
            400,
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#,
        ),
    ],
};
