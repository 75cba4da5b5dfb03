//! What the log reads off whole bodies, off the hot path.

use super::request::from_json;
use crate::usage::{OpenAiUsage, Tier, Usage, tier};
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

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
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text of a message's `content`: a string, or the text parts of a list.
fn text_of(content: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
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
    let Ok(Asked(Said { newest, messages })) = from_json(body) else { return RequestSummary::default() };
    let text = newest.and_then(|newest| match newest {
        Newest::Text(text) => Some(text),
        Newest::Content(content) => text_of(content),
    });
    let short = |text: Cow<'_, str>| match text.char_indices().nth(chars) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.into_owned(),
    };
    RequestSummary { last_user_text: text.map(short), messages }
}

/// What was said, read in one pass, without anything that is not shown.
#[derive(Default)]
struct Said<'a> {
    newest: Option<Newest<'a>>,
    messages: usize,
}

/// The newest of the user's messages.
enum Newest<'a> {
    Text(Cow<'a, str>),
    Content(&'a RawValue),
}

/// A body of any dialect. Chat and Anthropic have messages, Responses and embeddings an input, Gemini contents.
struct Asked<'a>(Said<'a>);

impl<'de> Deserialize<'de> for Asked<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Body;
        impl<'de> Visitor<'de> for Body {
            type Value = Asked<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a request")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let mut said = Said::default();
                while let Some(Text(key)) = fields.next_key()? {
                    match &*key {
                        "messages" | "input" | "contents" => said = fields.next_value()?,
                        _ => drop(fields.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Asked(said))
            }
        }
        deserializer.deserialize_map(Body)
    }
}

impl<'de> Deserialize<'de> for Said<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Messages;
        impl<'de> Visitor<'de> for Messages {
            type Value = Said<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or messages")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Said { newest: Some(Newest::Text(Cow::Borrowed(text))), messages: 1 })
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Said { newest: Some(Newest::Text(Cow::Owned(text.to_owned()))), messages: 1 })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut said = Said::default();
                while let Some(turn) = list.next_element()? {
                    said.messages += 1;
                    if let Turn::Users(newest) = turn {
                        said.newest = newest;
                    }
                }
                Ok(said)
            }
        }
        deserializer.deserialize_any(Messages)
    }
}

/// One message.
enum Turn<'a> {
    /// The user's, and what it says.
    Users(Option<Newest<'a>>),
    Others,
}

impl<'de> Deserialize<'de> for Turn<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Message;
        impl<'de> Visitor<'de> for Message {
            type Value = Turn<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Turn::Users(Some(Newest::Text(Cow::Borrowed(text)))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Turn::Users(Some(Newest::Text(Cow::Owned(text.to_owned())))))
            }

            /// Texts as tokens, for embeddings.
            fn visit_seq<A: SeqAccess<'de>>(self, mut tokens: A) -> Result<Self::Value, A::Error> {
                while tokens.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Turn::Others)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Turn::Others)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let (mut role, mut content): (Option<Text<'de>>, Option<&'de RawValue>) = (None, None);
                while let Some(Text(key)) = fields.next_key()? {
                    match &*key {
                        "role" => role = fields.next_value()?,
                        "content" | "parts" => content = fields.next_value()?,
                        _ => drop(fields.next_value::<IgnoredAny>()?),
                    }
                }
                // Gemini's first turn may go without a role.
                let of_user = role.map_or(content.is_some(), |role| role.0 == "user");
                Ok(if of_user { Turn::Users(content.map(Newest::Content)) } else { Turn::Others })
            }
        }
        deserializer.deserialize_any(Message)
    }
}

/// Reads what the log keeps of an answer. A body that cannot be read gives nothing.
pub fn summarise_response(body: &[u8]) -> ResponseSummary {
    read_response(body, true)
}

/// The same without the text, unless the provider did not count: what was said can be read off the body again.
pub fn count_response(body: &[u8]) -> ResponseSummary {
    read_response(body, false)
}

fn read_response(body: &[u8], with_text: bool) -> ResponseSummary {
    #[derive(serde::Deserialize)]
    struct Token {
        logprob: f64,
    }
    #[derive(serde::Deserialize)]
    struct Logprobs {
        content: Option<Vec<Token>>,
    }
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        content: Option<&'a RawValue>,
        #[serde(borrow)]
        refusal: Option<Text<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        message: Option<Message<'a>>,
        finish_reason: Option<String>,
        logprobs: Option<Logprobs>,
    }
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        id: Option<String>,
        #[serde(borrow, default)]
        choices: Vec<Choice<'a>>,
        usage: Option<OpenAiUsage>,
        #[serde(default, deserialize_with = "tier")]
        service_tier: Option<Tier>,
    }
    let Ok(body) = from_json::<Body<'_>>(body) else { return ResponseSummary::default() };
    let first = body.choices.into_iter().next();
    let (message, finish_reason, logprobs) = first.map_or((None, None, None), |c| (c.message, c.finish_reason, c.logprobs));
    let message = message.filter(|_| with_text || body.usage.is_none());
    ResponseSummary {
        text: message.and_then(|m| m.content.and_then(text_of).or(m.refusal.map(|r| r.0)).map(Cow::into_owned)),
        finish_reason,
        usage: body.usage.map(|usage| usage.counted(body.service_tier)),
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
    fn the_text_is_left_out_where_the_provider_counted() {
        let counted = br#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        assert_eq!(count_response(counted), ResponseSummary { text: None, ..summarise_response(counted) });
        let uncounted = br#"{"choices":[{"message":{"content":"hi"}}]}"#;
        assert_eq!(count_response(uncounted), summarise_response(uncounted));
    }

    #[test]
    fn every_dialect_has_its_place_for_what_is_said() {
        let newest = |body: &str| summarise_request(body.as_bytes(), 160).last_user_text;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(newest(r#"{"model":"m","input":"a \"cat\""}"#), some("a \"cat\""), "Responses");
        assert_eq!(newest(r#"{"input":["a","b"]}"#), some("b"), "embeddings");
        assert_eq!(newest(r#"{"input":[[1,2],[3]]}"#), None, "tokens are no text");
        assert_eq!(newest(r#"{"input":[1,2]}"#), None, "one text as tokens");
        assert_eq!(newest(r#"{"input":[{"role":"user","content":"hi"},{"type":"function_call","name":"f"}]}"#), some("hi"));
        assert_eq!(newest(r#"{"contents":[{"parts":[{"text":"x"}]},{"role":"model","parts":[{"text":"y"}]}]}"#), some("x"), "Gemini");
        assert_eq!(
            newest(r#"{"messages":[{"role":"user","content":"x"},{"role":"user","content":null}]}"#),
            None,
            "the newest says nothing"
        );
        for unread in ["", "[]", r#"{"messages":7}"#, r#"{"messages":["a""#, "{\"input\":\"\u{0}\"}"] {
            assert_eq!(summarise_request(unread.as_bytes(), 160), RequestSummary::default(), "{unread}");
        }
    }

    #[test]
    fn the_preview_is_what_the_user_said_last() {
        let body = r#"{"messages":[{"role":"user","content":"first"},{"role":"assistant","content":"ok"},
            {"role":"user","content":[{"type":"text","text":"grüße an alle"},{"type":"image_url","image_url":{"url":"data:"}}]},{"role":"tool","content":"x"}]}"#;
        let summary = summarise_request(body.as_bytes(), 5);
        assert_eq!(summary, RequestSummary { last_user_text: Some("grüße".into()), messages: 4 });
    }
}
