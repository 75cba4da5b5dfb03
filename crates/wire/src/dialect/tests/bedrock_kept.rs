//! What a translation into Amazon's dialect and out of it must keep, whatever the body.

use super::kept::{everything, leaf, put, request as openai_request};
use crate::dialect::anthropic::Thinking;
use crate::dialect::bedrock::{self, Family, Options};
use crate::dialect::openai;
use proptest::prelude::*;
use serde_json::{Value, json};

fn block() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        "[a-zé\n\"]{1,9}".prop_map(|text| json!({ "text": format!("{text}.") })),
        Just(json!({ "image": { "format": "png", "source": { "bytes": "iVBORw0KGgo=" } } })),
        Just(json!({ "image": { "format": "png", "source": { "s3Location": { "uri": "s3://b/a" } } } })),
        Just(json!({ "document": { "format": "pdf", "name": "a", "source": { "bytes": "JVBERi0=" }, "citations": { "enabled": true } } })),
        Just(json!({ "document": { "format": "txt", "name": "b", "source": { "text": "x" } } })),
        Just(json!({ "audio": { "format": "wav", "source": { "bytes": "UklGRg==" } } })),
        Just(json!({ "guardContent": { "text": { "text": "x", "qualifiers": ["query"] } } })),
        Just(
            json!({ "toolResult": { "toolUseId": "a", "content": [{ "text": "x" }, { "image": { "format": "gif", "source": { "bytes": "R0lG" } } }], "status": "error" } })
        ),
    ];
    content
}

fn said() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-z]{1,9}".prop_map(|text| json!({ "text": text })),
        "[a-z]{1,9}".prop_map(|text| json!({ "reasoningContent": { "reasoningText": { "text": text, "signature": "EqQB" } } })),
        Just(json!({ "reasoningContent": { "redactedContent": "Emwx" } })),
        Just(json!({ "toolUse": { "toolUseId": "a", "name": "f", "input": { "b": 1.5, "a": [2] } } })),
    ]
}

fn turn() -> impl Strategy<Value = Value> {
    let point = || prop::option::of(prop_oneof![Just(json!({ "type": "default" })), Just(json!({ "type": "default", "ttl": "1h" }))]);
    let with = |(mut blocks, point): (Vec<Value>, Option<Value>)| {
        blocks.extend(point.map(|point| json!({ "cachePoint": point })));
        blocks
    };
    ((prop::collection::vec(block(), 1..4), point()).prop_map(with), (prop::collection::vec(said(), 1..4), point()).prop_map(with))
        .prop_map(|(user, assistant)| json!([{ "role": "user", "content": user }, { "role": "assistant", "content": assistant }]))
}

fn request() -> impl Strategy<Value = Value> {
    (prop::collection::vec(turn(), 0..4), any::<bool>(), any::<bool>()).prop_map(|(turns, tools, shape)| {
        let messages: Vec<Value> = turns.into_iter().flat_map(|t| t.as_array().cloned().unwrap_or_default()).collect();
        let mut body = json!({ "messages": messages, "system": [{ "text": "S" }, { "cachePoint": { "type": "default" } }, { "guardContent": { "text": { "text": "x" } } }],
            "inferenceConfig": { "maxTokens": 4096, "temperature": 0.5, "topP": 0.5, "stopSequences": ["a", " "] },
            "additionalModelRequestFields": { "top_k": 40, "thinking": { "type": "enabled", "budget_tokens": 2048 }, "anthropic_beta": ["b"] },
            "additionalModelResponseFieldPaths": ["/stop_sequence"], "guardrailConfig": { "guardrailIdentifier": "g", "guardrailVersion": "1" },
            "requestMetadata": { "team": "a" }, "performanceConfig": { "latency": "optimized" }, "promptVariables": { "x": { "text": "y" } } });
        if tools {
            body["toolConfig"] = json!({ "tools": [{ "toolSpec": { "name": "f", "description": "F", "inputSchema": { "json": { "z": 1, "a": 2 } } } }, { "cachePoint": { "type": "default" } }, { "systemTool": { "name": "nova_grounding" } }],
                "toolChoice": { "tool": { "name": "f" } } });
        }
        if shape {
            body["outputConfig"] = json!({ "textFormat": { "type": "json_schema", "structure": { "jsonSchema": { "schema": "{\"b\":1, \"a\":2}", "name": "n" } } } });
        }
        body
    })
}

proptest! {
    #[test]
    fn bedrock_through_the_form_is_bedrock(body in request()) {
        let read = bedrock::read_request(body.to_string().as_bytes()).expect("a request");
        let options = Options { family: Family::Claude(Thinking::Budget), ..Default::default() };
        let written = bedrock::write_request(&read, options).expect("its own dialect");
        prop_assert_eq!(&written.lost, &[]);
        prop_assert_eq!(serde_json::from_slice::<Value>(&written.body).expect("JSON"), body);
    }
    #[test]
    fn dropping_for_bedrock_always_leaves_a_request(body in openai_request()) {
        let read = openai::read_request(body.to_string().as_bytes()).expect("a request");
        let written = bedrock::write_request(&read, Options { drop_unsupported: true, ..Default::default() }).expect("translatable");
        let again = bedrock::read_request(&written.body).expect("Amazon's dialect");
        prop_assert_eq!(&again.system, &read.system);
        prop_assert!(again.messages.windows(2).all(|pair| pair[0].role != pair[1].role), "turns alternate");
        if bedrock::write_request(&read, Options::default()).is_ok() {
            prop_assert!(written.lost.iter().all(|l| l.param == "user"), "nothing is dropped silently");
        }
    }

    #[test]
    fn nothing_breaks_on_a_strange_bedrock_body(mut body in request(), place in any::<usize>(), value in prop_oneof![leaf(), block(), said(), Just(Value::Null), Just(json!([])), Just(json!({}))]) {
        put(&mut body, place, &value);
        everything(body.to_string().as_bytes());
        let answer = json!({ "output": { "message": body["messages"][1] }, "stopReason": value, "usage": { "inputTokens": value }, "additionalModelResponseFields": value });
        everything(answer.to_string().as_bytes());
        everything(json!({ "__type": value, "message": value }).to_string().as_bytes());
    }
}
