//! Counting the tokens of a request before it is made.

use crate::dialect::Dialect;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Content, Part, Request, Tool};
use serde::Deserialize;

/// Fields Anthropic's `count_tokens` takes; a body of Messages has more.
const ANTHROPIC: [&str; 9] =
    ["model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers", "context_management", "output_config"];
/// Fields of OpenAI's `responses/input_tokens`.
const RESPONSES: [&str; 11] = [
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "truncation",
    "previous_response_id",
    "conversation",
];
/// Fields of Bedrock's `ConverseTokensRequest`.
const BEDROCK: [&str; 4] = ["messages", "system", "toolConfig", "additionalModelRequestFields"];

/// The body that asks a provider to count what this body would bring; `None` where the dialect cannot count, or for a body that is no object.
pub fn question(dialect: Dialect, body: &[u8], model: &str) -> Option<Vec<u8>> {
    let known: &[&str] = match dialect {
        Dialect::Anthropic => &ANTHROPIC,
        Dialect::Responses => &RESPONSES,
        Dialect::Gemini => {
            // What is no object would not be one within another either.
            Object::body(body).ok()?;
            let inner = std::str::from_utf8(body).ok()?.trim();
            let members = inner.strip_prefix('{')?;
            let comma = if members.trim() == "}" { "" } else { "," };
            return Some(
                format!(r#"{{"generateContentRequest":{{"model":{}{comma}{members}}}"#, Json::of(&format!("models/{model}")).as_str())
                    .into(),
            );
        }
        Dialect::Bedrock => &BEDROCK,
        Dialect::OpenAi => return None,
    };
    let mut fields = Object::body(body).ok()?;
    let mut kept = Members::new();
    for key in known {
        if let Some(raw) = fields.take(key) {
            kept.put(key, raw);
        }
    }
    let kept = kept.finish();
    let question = if dialect == Dialect::Bedrock {
        Members::new().with_json("input", &Members::new().with_json("converse", &kept).finish()).finish()
    } else {
        kept
    };
    Some(question.into_bytes())
}

/// The count in a provider's answer.
pub fn read(dialect: Dialect, body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        input_tokens: Option<u64>,
        #[serde(rename = "totalTokens")]
        total: Option<u64>,
        #[serde(rename = "inputTokens")]
        input: Option<u64>,
    }
    let counted: Counted = serde_json::from_slice(body).ok()?;
    match dialect {
        Dialect::Gemini => counted.total,
        Dialect::Bedrock => counted.input,
        Dialect::OpenAi | Dialect::Responses | Dialect::Anthropic => counted.input_tokens,
    }
}

/// The answer to a caller.
pub fn write(dialect: Dialect, tokens: u64) -> Vec<u8> {
    let body = match dialect {
        Dialect::Gemini => Members::new().with("totalTokens", &tokens),
        Dialect::Responses | Dialect::OpenAi => Members::new().with("object", "response.input_tokens").with("input_tokens", &tokens),
        Dialect::Anthropic => Members::new().with("input_tokens", &tokens),
        Dialect::Bedrock => Members::new().with("inputTokens", &tokens),
    };
    body.finish().into_bytes()
}

/// The conversation whose tokens a call asks for, as a call for an answer would send it, where that is another body: Gemini's stands within
/// `generateContentRequest`, Anthropic's goes without the longest answer, which its own dialect needs.
pub fn conversation(dialect: Dialect, body: &[u8]) -> Option<Vec<u8>> {
    match dialect {
        Dialect::Gemini => within(body),
        Dialect::Anthropic => {
            let mut fields = Object::body(body).ok()?;
            if fields.take("max_tokens").is_some() {
                return None;
            }
            let members = std::str::from_utf8(body).ok()?.trim().strip_prefix('{')?;
            let comma = if members.trim() == "}" { "" } else { "," };
            Some(format!("{{\"max_tokens\":1{comma}{members}").into_bytes())
        }
        Dialect::OpenAi | Dialect::Responses | Dialect::Bedrock => None,
    }
}

fn within(body: &[u8]) -> Option<Vec<u8>> {
    let inner = Object::body(body).and_then(Object::camel).ok().and_then(|mut fields| fields.raw("generateContentRequest"))?;
    // The model stands in the address.
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(inner.as_str()).unwrap_or_default();
    fields.remove("model");
    Some(serde_json::Value::Object(fields).to_string().into_bytes())
}

/// What there is to count in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Countable {
    /// Every text: what is said, names and arguments of tools, their descriptions and schemas.
    pub texts: Vec<String>,
    /// Messages, the system's included.
    pub messages: usize,
    /// Pictures.
    pub images: usize,
}

/// What there is to count in a request.
pub fn countable(request: &Request) -> Countable {
    let mut out = Countable { messages: request.messages.len() + usize::from(!request.system.is_empty()), ..Countable::default() };
    request.system.iter().for_each(|part| out.part(part));
    request.messages.iter().flat_map(|message| &message.parts).for_each(|part| out.part(part));
    for tool in &request.tools {
        match tool {
            Tool::Function(function) => {
                out.texts.push(function.name.clone());
                out.texts.extend(function.description.clone());
                out.texts.extend(function.schema.as_ref().map(|schema| schema.as_str().to_owned()));
            }
            Tool::Other { raw, .. } => out.texts.push(raw.as_str().to_owned()),
        }
    }
    out
}

impl Countable {
    fn part(&mut self, part: &Part) {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) | Content::Thinking { text, .. } => self.texts.push(text.clone()),
            Content::ToolCall { name, arguments, .. } => self.texts.extend([name.clone(), arguments.clone()]),
            Content::ToolResult { parts, .. } => parts.iter().for_each(|part| self.part(part)),
            Content::Image { .. } => self.images += 1,
            Content::Other { raw, .. } => self.texts.push(raw.as_str().to_owned()),
            Content::File { .. } | Content::Audio { .. } | Content::RedactedThinking { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_question_has_only_what_counts() {
        // https://docs.anthropic.com/en/api/messages-count-tokens: a Messages body without what concerns the answer.
        let body = br#"{"model":"claude-sonnet-4-5","max_tokens":99,"stream":true,"temperature":1,"system":"You are a scientist","messages":[{"role":"user","content":"Hello, Claude"}]}"#;
        let asked = question(Dialect::Anthropic, body, "").expect("a question");
        assert_eq!(
            text(&asked),
            r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hello, Claude"}],"system":"You are a scientist"}"#
        );
        let gemini = question(Dialect::Gemini, br#"{"contents":[]}"#, "gemini-2.5-pro").expect("a question");
        assert_eq!(text(&gemini), r#"{"generateContentRequest":{"model":"models/gemini-2.5-pro","contents":[]}}"#);
        // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html: what a call of Converse would bring.
        let converse = br#"{"messages":[{"role":"user","content":[{"text":"Hello"}]}],"inferenceConfig":{"maxTokens":1}}"#;
        let bedrock = question(Dialect::Bedrock, converse, "").expect("a question");
        assert_eq!(text(&bedrock), r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}}}"#);
        assert_eq!(question(Dialect::OpenAi, b"{}", "m"), None, "chat completions cannot count");
        assert_eq!(question(Dialect::Gemini, b"{\"a\0\":1}", "m"), None, "found by the fuzzer: it is no JSON");
    }

    #[test]
    fn counts_are_read_and_written() {
        assert_eq!(read(Dialect::Anthropic, br#"{"input_tokens":14}"#), Some(14));
        assert_eq!(read(Dialect::Gemini, br#"{"totalTokens":31,"promptTokensDetails":[]}"#), Some(31));
        assert_eq!(read(Dialect::Gemini, b"{}"), None);
        assert_eq!(read(Dialect::Bedrock, br#"{"inputTokens":9}"#), Some(9));
        assert_eq!(text(&write(Dialect::Anthropic, 14)), r#"{"input_tokens":14}"#);
        assert_eq!(text(&write(Dialect::Gemini, 31)), r#"{"totalTokens":31}"#);
        assert_eq!(text(&write(Dialect::Responses, 5)), r#"{"object":"response.input_tokens","input_tokens":5}"#);
    }

    #[test]
    fn google_counts_contents_or_a_whole_request() {
        assert_eq!(conversation(Dialect::Gemini, br#"{"contents":[]}"#), None);
        let whole = conversation(Dialect::Gemini, br#"{"generate_content_request":{"model":"models/x","contents":[]}}"#).expect("within");
        assert_eq!(text(&whole), r#"{"contents":[]}"#);
        let anthropic = conversation(Dialect::Anthropic, br#" {"model":"m","messages":[]}"#).expect("completed");
        assert_eq!(text(&anthropic), r#"{"max_tokens":1,"model":"m","messages":[]}"#);
        assert_eq!(conversation(Dialect::Anthropic, br#"{"max_tokens":5,"messages":[]}"#), None);
    }

    #[test]
    fn everything_said_counts() {
        let body = br#"{"model":"m","messages":[{"role":"system","content":"S"},{"role":"user","content":[{"type":"text","text":"U"},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]},
            {"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"R"}],
            "tools":[{"type":"function","function":{"name":"f","description":"D","parameters":{"type":"object"}}}]}"#;
        let counted = countable(&Dialect::OpenAi.read_request(body).expect("a request"));
        assert_eq!(counted.texts, ["S", "U", "f", "{\"a\":1}", "R", "f", "D", "{\"type\":\"object\"}"]);
        assert_eq!((counted.messages, counted.images), (4, 1));
    }
}
