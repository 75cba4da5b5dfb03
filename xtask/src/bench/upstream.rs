//! The mock upstream: OpenAI's chat completions, answered at once and always the same, so that what is measured is what lies before it.

use super::{serve_until_orphaned, slow};
use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clap::Args;
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Pieces of text in a streamed answer.
const PIECES: usize = 20;
const CONTENT: &str = "Thank you for waiting. Your parcel left our warehouse on Tuesday and is with the carrier now; the last scan was in the sorting \
    centre nearest to you this morning. In most cases that means it arrives within one working day. If it has not reached you by Thursday \
    evening, please answer this message and I will send a replacement straight away, free of charge, and ask the carrier to search for the \
    first one. You can follow every step with the tracking number in your confirmation e-mail. Is there anything else you would like to know \
    about the order, the delivery address, or how to send an item back? I am happy to help with any of these right now.";

/// How to serve.
#[derive(Args)]
pub struct Options {
    /// Threads; 0 for one on each processor
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Serves until the program that started it is gone.
pub fn serve(options: &Options) -> Result<()> {
    let runtime = match options.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            if threads > 0 {
                runtime.worker_threads(threads);
            }
            runtime
        }
    };
    serve_until_orphaned(runtime, Router::new().route("/v1/chat/completions", post(answer)))
}

/// Looks for the word it needs and no further: parsing would be time taken from the measurement.
async fn answer(request: Bytes) -> Response {
    let streamed = request.windows(13).any(|window| window == b"\"stream\":true" as &[u8]);
    if request.windows(SLOW.len()).any(|window| window == SLOW) {
        return ([(CONTENT_TYPE, "text/event-stream")], Body::new(Slowly::default())).into_response();
    }
    if streamed {
        return ([(CONTENT_TYPE, "text/event-stream")], Body::new(Events::default())).into_response();
    }
    ([(CONTENT_TYPE, "application/json")], json()).into_response()
}

/// The answer of one piece, about 1 KB, with its usage.
fn json() -> Bytes {
    static ANSWER: std::sync::OnceLock<Bytes> = std::sync::OnceLock::new();
    let make = || {
        let text = format!(
            r#"{{"id":"chatcmpl-mock","object":"chat.completion","created":1760000000,"model":"mock","system_fingerprint":"fp_mock","choices":[{{"index":0,"message":{{"role":"assistant","content":"{CONTENT}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":280,"completion_tokens":140,"total_tokens":420,"prompt_tokens_details":{{"cached_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0}}}}}}"#
        );
        Bytes::from(text)
    };
    ANSWER.get_or_init(make).clone()
}

/// What asks for a slow stream.
const SLOW: &[u8] = b"\"model\":\"slow\"";

/// A token a second; each says when it was sent.
struct Slowly {
    next: usize,
    tick: tokio::time::Interval,
}

impl Default for Slowly {
    fn default() -> Self {
        Self { next: 0, tick: tokio::time::interval(std::time::Duration::from_secs(1)) }
    }
}

impl hyper::body::Body for Slowly {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next > slow::TOKENS {
            return Poll::Ready(None);
        }
        if self.tick.poll_tick(context).is_pending() {
            return Poll::Pending;
        }
        self.next += 1;
        let last = self.next > slow::TOKENS;
        let text = if last {
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n".to_owned()
        } else {
            format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"at={} \"}},\"finish_reason\":null}}]}}\n\n",
                slow::micros()
            )
        };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))))
    }
}

/// The streamed answer: a first event with the role, the pieces, the end, the usage, `[DONE]`; each event a frame of its own.
#[derive(Default)]
struct Events {
    next: usize,
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = events().get(self.next).cloned();
        self.next += 1;
        Poll::Ready(event.map(|bytes| Ok(Frame::data(bytes))))
    }
}

fn events() -> &'static [Bytes] {
    static EVENTS: std::sync::OnceLock<Vec<Bytes>> = std::sync::OnceLock::new();
    EVENTS.get_or_init(|| {
        let event = |choices: String, usage: &str| {
            let text = format!(
                "data: {{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"mock\",\"choices\":[{choices}],\"usage\":{usage}}}\n\n"
            );
            Bytes::from(text)
        };
        let choice = |delta: &str, finish: &str| format!(r#"{{"index":0,"delta":{delta},"finish_reason":{finish}}}"#);
        let words: Vec<&str> = CONTENT.split_inclusive(' ').collect();
        let mut events = vec![event(choice(r#"{"role":"assistant","content":""}"#, "null"), "null")];
        for number in 0..PIECES {
            let piece = &words[number * words.len() / PIECES..(number + 1) * words.len() / PIECES];
            events.push(event(choice(&format!(r#"{{"content":"{}"}}"#, piece.concat()), "null"), "null"));
        }
        events.push(event(choice("{}", "\"stop\""), "null"));
        events.push(event(String::new(), r#"{"prompt_tokens":280,"completion_tokens":140,"total_tokens":420}"#));
        events.push(Bytes::from_static(b"data: [DONE]\n\n"));
        events
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_answers_are_what_openai_sends() {
        let answer: serde_json::Value = serde_json::from_slice(&json()).expect("JSON");
        assert_eq!(answer["choices"][0]["message"]["content"], CONTENT);
        let mut text = String::new();
        for event in events() {
            let event = std::str::from_utf8(event).expect("text");
            let data = event.strip_prefix("data: ").and_then(|data| data.strip_suffix("\n\n")).expect("an event");
            if data == "[DONE]" {
                continue;
            }
            let chunk: serde_json::Value = serde_json::from_str(data).expect("JSON");
            text.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        }
        assert_eq!(text, CONTENT);
        assert_eq!(events().len(), PIECES + 4);
    }
}
