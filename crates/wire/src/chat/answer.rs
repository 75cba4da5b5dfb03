//! What the log reads off whole bodies, off the hot path.

use crate::usage::{OpenAiUsage, Usage};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What the log keeps of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestSummary {
    /// The beginning of what the user said last.
    pub last_user_text: Option<String>,
    /// Messages sent.
    pub messages: usize,
}

/// What the log keeps of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseSummary {
    /// The text of the first choice.
    pub text: Option<String>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Tokens, when the provider gave them.
    pub usage: Option<Usage>,
    /// The provider's id of the call.
    pub upstream_id: Option<String>,
    /// Probability of the answer: exp of the mean log-probability of its tokens, where given.
    pub confidence: Option<f64>,
    /// The whole answer as JSON, where a stream ended with it.
    pub answer: Option<Bytes>,
}

/// Text that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text of a message's `content`: a string, or the text parts of a list.
fn text_of(content: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        text: Option<Text<'a>>,
    }
    let raw = content.get();
    if raw.starts_with('"') {
        return serde_json::from_str::<Text<'_>>(raw).ok().map(|text| text.0);
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(raw).ok()?;
    let texts: Vec<Cow<'_, str>> = parts.into_iter().filter_map(|part| Some(part.text?.0)).collect();
    (!texts.is_empty()).then(|| texts.join("\n").into())
}

/// Reads what lists show of a request, in whichever dialect; at most `chars` characters of text. A body that cannot be read gives nothing.
pub fn summarise_request(body: &[u8], chars: usize) -> RequestSummary {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        role: Option<Text<'a>>,
        #[serde(borrow, alias = "parts")]
        content: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Body<'a> {
        // Chat and Anthropic, Responses and embeddings, Gemini.
        #[serde(borrow, alias = "input", alias = "contents")]
        messages: &'a RawValue,
    }
    let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else { return RequestSummary::default() };
    let short = |text: &str| text.chars().take(chars).collect::<String>();
    if let Ok(Text(text)) = serde_json::from_str::<Text<'_>>(body.messages.get()) {
        return RequestSummary { last_user_text: Some(short(&text)), messages: 1 };
    }
    if let Ok(texts) = serde_json::from_str::<Vec<Text<'_>>>(body.messages.get()) {
        return RequestSummary { last_user_text: texts.last().map(|text| short(&text.0)), messages: texts.len() };
    }
    let Ok(messages) = serde_json::from_str::<Vec<Message<'_>>>(body.messages.get()) else { return RequestSummary::default() };
    // Gemini's first turn may go without a role.
    let user = |m: &&Message<'_>| m.role.as_ref().map_or(m.content.is_some(), |role| role.0 == "user");
    let text = messages.iter().rev().find(user).and_then(|m| m.content).and_then(text_of);
    RequestSummary { last_user_text: text.map(|t| short(&t)), messages: messages.len() }
}

/// Reads what the log keeps of an answer. A body that cannot be read gives nothing.
pub fn summarise_response(body: &[u8]) -> ResponseSummary {
    #[derive(Deserialize)]
    struct Token {
        logprob: f64,
    }
    #[derive(Deserialize)]
    struct Logprobs {
        content: Option<Vec<Token>>,
    }
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        content: Option<&'a RawValue>,
        #[serde(borrow)]
        refusal: Option<Text<'a>>,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        message: Option<Message<'a>>,
        finish_reason: Option<String>,
        logprobs: Option<Logprobs>,
    }
    #[derive(Deserialize)]
    struct Body<'a> {
        id: Option<String>,
        #[serde(borrow, default)]
        choices: Vec<Choice<'a>>,
        usage: Option<OpenAiUsage>,
    }
    let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else { return ResponseSummary::default() };
    let first = body.choices.into_iter().next();
    let (message, finish_reason, logprobs) = first.map_or((None, None, None), |c| (c.message, c.finish_reason, c.logprobs));
    ResponseSummary {
        text: message.and_then(|m| m.content.and_then(text_of).or(m.refusal.map(|r| r.0)).map(Cow::into_owned)),
        finish_reason,
        usage: body.usage.map(Usage::from),
        upstream_id: body.id,
        confidence: logprobs.and_then(|l| l.content).and_then(|tokens| confidence(tokens.iter().map(|t| t.logprob))),
        answer: None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of tokens")]
fn confidence(logprobs: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = logprobs.fold((0.0, 0_u64), |(sum, n), p| (sum + p, n + 1));
    (n > 0).then(|| (sum / n as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer_of_openai() {
        // The shape of OpenAI's API reference, chat completion object.
        let body = br#"{"id":"chatcmpl-B9MBs8","object":"chat.completion","created":1741569952,"model":"gpt-4.1","choices":[{"index":0,"message":
            {"role":"assistant","content":"Hello! How can I assist you today?","refusal":null,"annotations":[]},"logprobs":{"content":[{"token":"H","logprob":-0.5},
            {"token":"i","logprob":-1.5}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,
            "prompt_tokens_details":{"cached_tokens":8,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}}"#;
        let summary = summarise_response(body);
        assert_eq!(summary.text.as_deref(), Some("Hello! How can I assist you today?"));
        assert_eq!(summary.finish_reason.as_deref(), Some("stop"));
        assert_eq!(summary.usage, Some(Usage { input: 19, cached_input: 8, output: 10, reasoning: 3, ..Usage::default() }));
        assert!((summary.confidence.expect("given") - (-1.0_f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn missing_usage_is_not_zero() {
        assert_eq!(summarise_response(br#"{"choices":[{"message":{"content":"hi"}}]}"#).usage, None);
        assert_eq!(
            summarise_response(br#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#).usage,
            Some(Usage::default())
        );
        assert_eq!(summarise_response(b"<html>"), ResponseSummary::default());
    }

    #[test]
    fn the_preview_is_what_the_user_said_last() {
        let body = r#"{"messages":[{"role":"user","content":"first"},{"role":"assistant","content":"ok"},
            {"role":"user","content":[{"type":"text","text":"grüße an alle"},{"type":"image_url","image_url":{"url":"data:"}}]},{"role":"tool","content":"x"}]}"#;
        let summary = summarise_request(body.as_bytes(), 5);
        assert_eq!(summary, RequestSummary { last_user_text: Some("grüße".into()), messages: 4 });
    }
}
