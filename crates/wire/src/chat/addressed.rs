//! The request in a dialect whose address names the model: Gemini's. Prompts and their parameters go where that dialect keeps them.

use super::request::{ChatRequest, Conversation, Edit, Fields, ParseError, Said, array, put, top_level, twice};
use crate::dialect::Dialect;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Names of `generationConfig` for OpenAI's.
const CONFIG: [(&str, &str); 10] = [
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("max_tokens", "maxOutputTokens"),
    ("max_completion_tokens", "maxOutputTokens"),
    ("stop", "stopSequences"),
    ("seed", "seed"),
    ("presence_penalty", "presencePenalty"),
    ("frequency_penalty", "frequencyPenalty"),
    ("n", "candidateCount"),
];

/// Google's JSON takes both spellings.
const SYSTEM: [&str; 2] = ["systemInstruction", "system_instruction"];
const GENERATION: [&str; 2] = ["generationConfig", "generation_config"];

impl<'a> ChatRequest<'a> {
    /// Reads the body of a call whose address names the model and says whether a stream is asked for.
    pub fn parse_addressed(body: &'a [u8], model: &'a str, stream: bool) -> Result<Self, ParseError> {
        let fields = top_level(body)?;
        if let Some(key) = twice(&fields) {
            return Err(ParseError::field(key, "is there twice"));
        }
        let contents = fields.iter().find(|(key, _)| key == "contents").ok_or_else(|| ParseError::field("contents", "is missing"))?;
        let messages = Conversation::List(array("contents", contents.1)?);
        let model = Cow::Borrowed(model);
        Ok(Self { dialect: Dialect::Gemini, fields, model, stream, include_usage: true, user: None, messages, metadata: Vec::new() })
    }

    /// [`Self::rewrite_to`] where the model stands in the address.
    pub(super) fn rewrite_addressed(&self, edit: &Edit<'_>, out: &mut Vec<u8>) {
        let prompt = format!("[{}]", edit.prompt_messages);
        let prompt: Vec<Said<'_>> = serde_json::from_str(&prompt).unwrap_or_default();
        let (system, others): (Vec<_>, Vec<_>) = prompt.into_iter().partition(Said::is_system);
        let parts = system.iter().map(|said| format!(r#"{{"text":{}}}"#, said.content.get())).collect::<Vec<_>>().join(",");
        let others: Vec<String> = others.iter().map(content).collect();
        out.reserve(edit.prompt_messages.len() + 256);
        let (mut first, mut placed, mut configured) = (true, parts.is_empty(), edit.parameters.is_empty());
        for (key, value) in &self.fields {
            match key.as_ref() {
                "contents" => self.put_contents(out, &mut first, &others),
                name if SYSTEM.contains(&name) && !placed => {
                    placed = true;
                    put(out, &mut first, name, &[r#"{"parts":["#, &parts, &own_parts(value), "]}"]);
                }
                name if GENERATION.contains(&name) && !configured => {
                    configured = true;
                    put(out, &mut first, name, &[&config(Some(value), edit)]);
                }
                name => put(out, &mut first, name, &[value]),
            }
        }
        if !placed {
            put(out, &mut first, SYSTEM[0], &[r#"{"parts":["#, &parts, "]}"]);
        }
        if !configured {
            put(out, &mut first, GENERATION[0], &[&config(None, edit)]);
        }
        out.push(b'}');
    }

    fn put_contents(&self, out: &mut Vec<u8>, first: &mut bool, prompt: &[String]) {
        let Conversation::List(inside) = self.messages else { return };
        let comma = if prompt.is_empty() || inside.trim().is_empty() { "" } else { "," };
        put(out, first, "contents", &["[", &prompt.join(","), comma, inside, "]"]);
    }
}

fn content(said: &Said<'_>) -> String {
    let role = if said.is_assistant() { "model" } else { "user" };
    format!(r#"{{"role":"{role}","parts":[{{"text":{}}}]}}"#, said.content.get())
}

/// The caller's own parts behind the prompt's: a comma and its parts.
fn own_parts(system: &str) -> String {
    let Ok(Fields(fields)) = serde_json::from_str::<Fields<'_>>(system) else { return String::new() };
    let parts = fields.iter().find(|(key, _)| key == "parts").map_or("", |(_, raw)| raw.get().trim());
    // One part may stand without its list.
    let inside = parts.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(parts).trim();
    if inside.is_empty() { String::new() } else { format!(",{inside}") }
}

/// The caller's configuration with the prompt's parameters in place of its own.
fn config(own: Option<&str>, edit: &Edit<'_>) -> String {
    let own = own.and_then(|raw| serde_json::from_str::<Fields<'_>>(raw).ok()).map(|Fields(fields)| fields).unwrap_or_default();
    let named =
        |name: &str| CONFIG.iter().find(|(openai, _)| *openai == name).map_or_else(|| name.to_owned(), |(_, gemini)| (*gemini).to_owned());
    let parameters: Vec<(String, &RawValue)> = edit.parameters.iter().map(|(name, value)| (named(name), &**value)).collect();
    let mut out = Vec::new();
    let mut first = true;
    for (key, value) in own.iter().filter(|(key, _)| !parameters.iter().any(|(name, _)| name == key)) {
        put(&mut out, &mut first, key, &[value.get()]);
    }
    for (name, value) in &parameters {
        let raw = value.get();
        // OpenAI takes one text where Gemini wants a list.
        let list = name == "stopSequences" && raw.starts_with('"');
        let (open, close) = if list { ("[", "]") } else { ("", "") };
        put(&mut out, &mut first, name, &[open, raw, close]);
    }
    if first {
        out.push(b'{');
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str =
        r#"{"role":"system","content":"Help \"us\"."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"}"#;

    fn rewrite(body: &str, prompt: &str, parameters: &[(&str, &str)]) -> String {
        let parameters: Vec<_> =
            parameters.iter().map(|(k, v)| ((*k).to_owned(), RawValue::from_string((*v).to_owned()).expect("JSON"))).collect();
        let request = ChatRequest::parse_addressed(body.as_bytes(), "bot", false).expect("a request");
        String::from_utf8(request.rewrite(&Edit { model: "gemini-2.5-pro", prompt_messages: prompt, parameters: &parameters }))
            .expect("UTF-8")
    }

    #[test]
    fn without_a_prompt_every_byte_stays() {
        let body = r#"{"contents":[{"parts":[{"text":"é\u00e9"}]}],"x_new":{"a":[1.0,  2]},"generationConfig":{"temperature":1.50}}"#;
        assert_eq!(rewrite(body, "", &[]), body);
    }

    #[test]
    fn the_prompt_and_its_parameters_go_where_the_dialect_keeps_them() {
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"?"}]}]}"#;
        insta::assert_snapshot!(rewrite(body, PROMPT, &[("max_tokens", "9"), ("stop", r#""END""#)]), @r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Yes?"}]},{"role":"user","parts":[{"text":"?"}]}],"systemInstruction":{"parts":[{"text":"Help \"us\"."}]},"generationConfig":{"maxOutputTokens":9,"stopSequences":["END"]}}"#);
        let own = r#"{"system_instruction":{"parts":[{"text":"Be kind."}]},"generationConfig":{"temperature":1.5,"topK":3},"contents":[]}"#;
        insta::assert_snapshot!(rewrite(own, PROMPT, &[("temperature", "0.2")]), @r#"{"system_instruction":{"parts":[{"text":"Help \"us\"."},{"text":"Be kind."}]},"generationConfig":{"topK":3,"temperature":0.2},"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Yes?"}]}]}"#);
    }

    #[test]
    fn a_body_without_contents_is_refused_by_name() {
        let refused =
            |body: &str| ChatRequest::parse_addressed(body.as_bytes(), "m", true).expect_err("refused").param().map(str::to_owned);
        assert_eq!(refused("{}").as_deref(), Some("contents"));
        assert_eq!(refused(r#"{"contents":"hi"}"#).as_deref(), Some("contents"));
        assert_eq!(refused("[]").as_deref(), Some("body"));
        assert_eq!(refused("{"), None);
    }
}
