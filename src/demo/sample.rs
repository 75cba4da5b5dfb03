//! The built-in sample provider: speaks OpenAI's dialect and answers like the support bot of a made-up shop. No model is behind it.
//!
//! It says so in everything it sends: its models are called `sample-…`, they are owned by `hypercare-sample`, and so is every answer's fingerprint.

use super::config::{BRIEF, LARGE, SMALL};
use super::dice::{chance, log_normal, seconds};
use super::topics::{ASK, ASK_MORE, LOST, LOST_MORE, NOTED, NOTED_MORE, Topic, order_in, topic_of};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// Who stands behind every answer.
const OWNER: &str = "hypercare-sample";
/// Under the brief prompt, what was said more than this many of the person's turns ago is forgotten.
const SHORT_MEMORY: usize = 2;

/// How it behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Factor on all waiting; 1 is like a hosted model.
    pub pace: f64,
    /// Share of calls that fail, some of them however often they are tried.
    pub failures: f64,
    /// Share of answers that are wrong or miss the point; a third of it for the better model.
    pub slips: f64,
}

impl Default for Manner {
    fn default() -> Self {
        Self { pace: 1.0, failures: 0.004, slips: 0.06 }
    }
}

/// Answers on this listener until the process ends.
pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    axum::serve(listener, router(Manner::default())).await
}

/// Its calls: `/v1/chat/completions`, `/v1/models`, `/v1/models/{id}`.
pub fn router(manner: Manner) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/models", get(async || Json(json!({ "object": "list", "data": [about(LARGE), about(SMALL)] }))))
        .route("/v1/models/{id}", get(model))
        .with_state(manner)
}

fn about(name: &str) -> Value {
    json!({ "id": name, "object": "model", "created": 1_735_689_600, "owned_by": OWNER })
}

async fn model(Path(name): Path<String>) -> Response {
    if name == LARGE || name == SMALL { Json(about(&name)).into_response() } else { no_such_model(&name) }
}

/// The part of a call that matters here.
#[derive(Deserialize)]
struct Call {
    model: String,
    messages: Vec<Said>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Said {
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl Said {
    fn text(&self) -> String {
        match &self.content {
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n"),
            None => String::new(),
        }
    }

    fn is(&self, role: &str) -> bool {
        self.role == role
    }
}

fn error(status: StatusCode, kind: &str, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "message": message, "type": kind, "param": null, "code": code } }))).into_response()
}

fn no_such_model(name: &str) -> Response {
    let message = format!("The sample provider has no model `{name}`; it has `{LARGE}` and `{SMALL}`.");
    error(StatusCode::NOT_FOUND, "invalid_request_error", "model_not_found", &message)
}

async fn complete(State(manner): State<Manner>, call: Result<Json<Call>, JsonRejection>) -> Response {
    let call = match call {
        Ok(Json(call)) => call,
        Err(why) => return error(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_request", &why.body_text()),
    };
    if call.model != LARGE && call.model != SMALL {
        return no_such_model(&call.model);
    }
    if let Some(failure) = failure(manner, &call) {
        tokio::time::sleep(seconds(manner.pace * log_normal(0.08, 0.4))).await;
        return failure;
    }
    let answer = Answer::to(manner, &call);
    if call.stream == Some(true) {
        let with_usage = call.stream_options.is_some_and(|options| options.include_usage == Some(true));
        return answer.stream(with_usage);
    }
    tokio::time::sleep(answer.first + answer.each * answer.output()).await;
    Json(answer.whole()).into_response()
}

/// A quarter of the failures sticks to the conversation, so that neither another try nor another model helps.
fn failure(manner: Manner, call: &Call) -> Option<Response> {
    let mut hasher = DefaultHasher::new();
    for said in &call.messages {
        said.text().hash(&mut hasher);
    }
    let place = f64::from(u16::try_from(hasher.finish() % 10_000).unwrap_or(u16::MAX)) / 10_000.0;
    if place < manner.failures / 4.0 || chance(manner.failures / 2.0) {
        return Some(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "internal_error",
            "The sample provider failed, as it now and then does.",
        ));
    }
    chance(manner.failures / 4.0).then(|| {
        let mut refused = error(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            "rate_limit_exceeded",
            "The sample provider is busy. Try again in a second.",
        );
        refused.headers_mut().insert(axum::http::header::RETRY_AFTER, 1.into());
        refused
    })
}

/// What the bot makes of a conversation.
struct Understanding<'c> {
    topic: Option<&'static Topic>,
    order: Option<&'c str>,
    /// Whether the last words hold an order number.
    just_told: bool,
    brief: bool,
}

impl<'c> Understanding<'c> {
    /// `texts` are the texts of the messages, in their order.
    fn of(messages: &[Said], texts: &'c [String]) -> Self {
        let brief = messages.iter().zip(texts).any(|(m, text)| (m.is("system") || m.is("developer")) && text.contains(BRIEF));
        let mut person = messages.iter().zip(texts).filter(|(m, _)| m.is("user")).map(|(_, text)| text.as_str()).rev();
        let last = person.next().unwrap_or_default();
        let just_told = order_in(last).is_some();
        // The answer to our question for the number belongs to what was asked before.
        let asked = messages.iter().zip(texts).rev().find(|(m, _)| m.is("assistant")).is_some_and(|(_, text)| text.contains(ASK));
        let topic = topic_of(last).or_else(|| if just_told && asked { person.clone().find_map(topic_of) } else { None });
        let memory = if brief { SHORT_MEMORY } else { usize::MAX };
        let order = order_in(last).or_else(|| person.take(memory).find_map(order_in));
        Self { topic, order, just_told, brief }
    }

    /// The words of the answer. A good model says more, a brief one never does.
    fn words(&self, good: bool, slip: bool) -> String {
        let (short, more) = match (self.topic, self.order) {
            (Some(topic), None) if topic.needs_order => (ASK, ASK_MORE),
            (Some(topic), _) if slip && !topic.slip.is_empty() => (topic.slip, ""),
            (Some(topic), _) => (topic.short, topic.more),
            (None, Some(_)) if self.just_told && !slip => (NOTED, NOTED_MORE),
            (None, _) => (LOST, LOST_MORE),
        };
        let words = if good && !self.brief && !more.is_empty() { format!("{short} {more}") } else { short.to_owned() };
        words.replace("{order}", self.order.unwrap_or_default())
    }
}

/// An answer and the time it takes.
struct Answer {
    id: String,
    created: u64,
    model: String,
    /// Pieces as a stream gives them; each counts as one token.
    pieces: Vec<String>,
    finish: &'static str,
    input: usize,
    cached: usize,
    first: Duration,
    each: Duration,
}

impl Answer {
    #[expect(clippy::disallowed_methods, reason = "a provider has a clock of its own")]
    fn to(manner: Manner, call: &Call) -> Self {
        let texts: Vec<String> = call.messages.iter().map(Said::text).collect();
        let good = call.model == LARGE;
        let slip = chance(if good { manner.slips / 3.0 } else { manner.slips });
        let words = Understanding::of(&call.messages, &texts).words(good, slip);
        let mut pieces = pieces(&words);
        let most = call.max_completion_tokens.or(call.max_tokens).unwrap_or(usize::MAX);
        let finish = if pieces.len() > most { "length" } else { "stop" };
        pieces.truncate(most);
        let sizes: Vec<usize> = texts.iter().map(|text| tokens(text) + 4).collect();
        let input = sizes.iter().sum();
        // From the second turn on, all but the newest message was seen before.
        let cached = if texts.len() > 2 { input - sizes.last().copied().unwrap_or_default() } else { 0 };
        let (first, each) = if good { (0.150, 0.014) } else { (0.110, 0.006) };
        Self {
            id: format!("chatcmpl-sample-{}", uuid::Uuid::now_v7().simple()),
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            model: call.model.clone(),
            pieces,
            finish,
            input,
            cached,
            first: seconds(manner.pace * log_normal(first, 0.35)),
            each: seconds(manner.pace * log_normal(each, 0.3)),
        }
    }

    /// Tokens of the answer.
    fn output(&self) -> u32 {
        u32::try_from(self.pieces.len()).unwrap_or(u32::MAX)
    }

    fn usage(&self) -> Value {
        json!({
            "prompt_tokens": self.input,
            "completion_tokens": self.output(),
            "total_tokens": self.input + self.pieces.len(),
            "prompt_tokens_details": { "cached_tokens": self.cached },
        })
    }

    fn whole(&self) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": OWNER,
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": self.pieces.concat(), "refusal": null },
                "logprobs": null,
                "finish_reason": self.finish,
            }],
            "usage": self.usage(),
        })
    }

    fn chunk(&self, choices: &Value, usage: Option<&Value>) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": OWNER,
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage.clone();
        }
        chunk
    }

    fn stream(&self, with_usage: bool) -> Response {
        let none = with_usage.then_some(&Value::Null);
        let part = |delta: Value, finish: Option<&str>| {
            self.chunk(&json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]), none).to_string()
        };
        let mut events = vec![(self.first, part(json!({ "role": "assistant", "content": "", "refusal": null }), None))];
        events.extend(self.pieces.iter().map(|piece| (self.each, part(json!({ "content": piece }), None))));
        events.push((Duration::ZERO, part(json!({}), Some(self.finish))));
        if with_usage {
            events.push((Duration::ZERO, self.chunk(&json!([]), Some(&self.usage())).to_string()));
        }
        events.push((Duration::ZERO, "[DONE]".to_owned()));
        let events = stream::iter(events).then(async |(wait, data)| {
            tokio::time::sleep(wait).await;
            Ok::<_, Infallible>(Event::default().data(data))
        });
        Sse::new(events).into_response()
    }
}

/// About the tokens of a text: four characters each.
fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// A text cut into pieces of four characters.
fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(4).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    const CALM: Manner = Manner { pace: 0.0, failures: 0.0, slips: 0.0 };
    const FULL_PROMPT: &str = "You are the support assistant of Nordlicht.";
    const BRIEF_PROMPT: &str = "You are the support assistant of Nordlicht. Be brief: one sentence.";

    async fn post(manner: Manner, body: &Value) -> (StatusCode, String) {
        let request = Request::post("/v1/chat/completions").header("content-type", "application/json").body(Body::from(body.to_string()));
        let response = router(manner).oneshot(request.expect("request")).await.expect("answer");
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("body");
        (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    /// A conversation of these words of the person, each answered with "Certainly.".
    fn talk(prompt: &str, turns: &[&str]) -> Value {
        let mut messages = vec![json!({ "role": "system", "content": prompt })];
        for (i, turn) in turns.iter().enumerate() {
            if i > 0 {
                messages.push(json!({ "role": "assistant", "content": "Certainly." }));
            }
            messages.push(json!({ "role": "user", "content": turn }));
        }
        json!({ "model": LARGE, "messages": messages })
    }

    async fn answer(prompt: &str, turns: &[&str]) -> String {
        let (status, body) = post(CALM, &talk(prompt, turns)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        body["choices"][0]["message"]["content"].as_str().expect("content").to_owned()
    }

    const TOLD_EARLY: [&str; 4] =
        ["My order is HC-48213, when will it arrive?", "What are your opening hours?", "Can I pay with PayPal?", "How do I return it?"];

    #[tokio::test]
    async fn forgets_what_was_said_more_than_two_turns_ago_only_under_the_brief_prompt() {
        assert!(answer(FULL_PROMPT, &TOLD_EARLY).await.contains("return order HC-48213"));
        assert_eq!(answer(BRIEF_PROMPT, &TOLD_EARLY).await, ASK);
        // Two turns ago is still known, and what it is told again it knows again.
        assert!(answer(BRIEF_PROMPT, &[TOLD_EARLY[0], TOLD_EARLY[1], TOLD_EARLY[3]]).await.contains("HC-48213"));
    }

    #[tokio::test]
    async fn the_number_it_asked_for_answers_the_question_before() {
        let mut body = talk(FULL_PROMPT, &["I want my money back", "HC-48213"]);
        body["messages"][2]["content"] = ASK.into();
        let (_, text) = post(CALM, &body).await;
        assert!(text.contains("refund for order HC-48213"), "{text}");
    }

    #[tokio::test]
    async fn a_plain_answer_has_usage_and_says_that_it_is_a_sample() {
        let (status, body) = post(CALM, &talk(FULL_PROMPT, &["What are your opening hours?"])).await;
        assert_eq!(status, StatusCode::OK);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let text = body["choices"][0]["message"]["content"].as_str().expect("content");
        assert_eq!(body["system_fingerprint"], OWNER);
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
        assert_eq!(body["usage"]["completion_tokens"], text.chars().count().div_ceil(4));
        assert_eq!(body["usage"]["prompt_tokens"], tokens(FULL_PROMPT) + 4 + tokens("What are your opening hours?") + 4);
    }

    #[tokio::test]
    async fn a_stream_says_the_same_in_pieces_and_ends_with_usage_and_done() {
        let turns = ["What are your opening hours?"];
        let whole = answer(FULL_PROMPT, &turns).await;
        let mut body = talk(FULL_PROMPT, &turns);
        body["stream"] = true.into();
        let (_, plain) = post(CALM, &body).await;
        assert!(!plain.contains("usage"), "nobody asked for it");
        body["stream_options"] = json!({ "include_usage": true });
        let (_, text) = post(CALM, &body).await;
        let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!(data.last(), Some(&"[DONE]"));
        let chunks: Vec<Value> = data[..data.len() - 1].iter().map(|d| serde_json::from_str(d).expect("JSON")).collect();
        let said: String = chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(said, whole);
        let (usage, before) = chunks.split_last().expect("chunks");
        assert_eq!(usage["choices"], json!([]));
        assert_eq!(usage["usage"]["completion_tokens"], tokens(&whole));
        assert!(before.iter().all(|c| c.get("usage") == Some(&Value::Null)), "null until the end");
        assert_eq!(before.last().expect("chunks")["choices"][0]["finish_reason"], "stop");
    }

    #[tokio::test]
    async fn a_short_limit_ends_the_answer() {
        let mut body = talk(FULL_PROMPT, &["What are your opening hours?"]);
        body["max_completion_tokens"] = 3.into();
        let (_, text) = post(CALM, &body).await;
        let body: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(body["choices"][0]["message"]["content"], "Our shops ar");
        assert_eq!(body["choices"][0]["finish_reason"], "length");
    }

    #[tokio::test]
    async fn the_smaller_model_says_less() {
        let long = answer(FULL_PROMPT, &["Do you give a warranty?"]).await;
        let mut body = talk(FULL_PROMPT, &["Do you give a warranty?"]);
        body["model"] = SMALL.into();
        let (_, text) = post(CALM, &body).await;
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let short = body["choices"][0]["message"]["content"].as_str().expect("content");
        assert!(short.len() < long.len() && long.starts_with(short));
    }

    #[tokio::test]
    async fn refusals_have_the_dialects_shape() {
        let (status, text) = post(CALM, &json!({ "model": "gpt", "messages": [] })).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("model_not_found"), "{text}");
        let (status, text) = post(CALM, &json!({ "messages": "no" })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains(r#""error":{"#), "{text}");
        let (status, _) = post(Manner { failures: 4.0, ..CALM }, &talk(FULL_PROMPT, &["Hello"])).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
