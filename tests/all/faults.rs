//! The table of faults: everything that can go wrong at a provider, in every dialect, whole and streamed. In each cell: what the caller sees, what is tried again,
//! what is logged, what is billed, and that it is logged and billed once.

use crate::support::server::{APP, KEYS, header, provider};
use crate::support::upstream::answer_body;
use crate::support::{Place, Say, Server, Upstream};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
    /// At the provider only: its callers speak OpenAI's.
    Bedrock,
}
use Dialect::{Anthropic, Bedrock, Gemini, OpenAi};

const ALL: [Dialect; 4] = [OpenAi, Anthropic, Gemini, Bedrock];
/// Those whose answers pass as they come.
const UNCHANGED: [Dialect; 3] = [OpenAi, Anthropic, Gemini];

impl Dialect {
    fn kind(self) -> &'static str {
        match self {
            OpenAi => "openai",
            Anthropic => "anthropic",
            Gemini => "gemini",
            Bedrock => "bedrock",
        }
    }

    /// A healthy answer that counts 1,000 tokens in and 200 out.
    fn whole(self) -> String {
        match self {
            OpenAi => answer_body("whole").to_string(),
            Anthropic => json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{ "type": "text", "text": "whole" }],
                "stop_reason": "end_turn", "stop_sequence": null, "usage": { "input_tokens": 1000, "output_tokens": 200 } })
            .to_string(),
            Gemini => json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": "whole" }] }, "finishReason": "STOP", "index": 0 }],
                "usageMetadata": { "promptTokenCount": 1000, "candidatesTokenCount": 200, "totalTokenCount": 1200 }, "modelVersion": "m", "responseId": "r" })
            .to_string(),
            Bedrock => json!({ "output": { "message": { "role": "assistant", "content": [{ "text": "whole" }] } }, "stopReason": "end_turn",
                "usage": { "inputTokens": 1000, "outputTokens": 200, "totalTokens": 1200 }, "metrics": { "latencyMs": 1 } })
            .to_string(),
        }
    }

    /// The head of a stream.
    fn begin(self) -> Say {
        if self == Bedrock { Say::stream().of_type("application/vnd.amazon.eventstream") } else { Say::stream() }
    }

    /// The events of a healthy stream that says `wörd`: what comes before content, the content, the rest.
    fn stream(self) -> [Vec<u8>; 3] {
        if self == Bedrock {
            return [
                amazon("messageStart", &json!({ "role": "assistant" })),
                amazon("contentBlockDelta", &json!({ "contentBlockIndex": 0, "delta": { "text": "wörd" } })),
                [
                    amazon("contentBlockStop", &json!({ "contentBlockIndex": 0 })),
                    amazon("messageStop", &json!({ "stopReason": "end_turn" })),
                    amazon(
                        "metadata",
                        &json!({ "usage": { "inputTokens": 1000, "outputTokens": 200, "totalTokens": 1200 }, "metrics": { "latencyMs": 1 } }),
                    ),
                ]
                .concat(),
            ];
        }
        self.text_stream().map(String::into_bytes)
    }

    fn text_stream(self) -> [String; 3] {
        let event = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n\n");
        let data = |data: Value| format!("data: {data}\n\n");
        match self {
            OpenAi => {
                let chunk = |delta: Value, stop: Value| json!({ "id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [{ "index": 0, "delta": delta, "finish_reason": stop }] });
                let usage = json!({ "id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [], "usage": { "prompt_tokens": 1000, "completion_tokens": 200 } });
                [
                    data(chunk(json!({ "role": "assistant", "content": "" }), Value::Null)),
                    data(chunk(json!({ "content": "wörd" }), Value::Null)),
                    data(chunk(json!({}), json!("stop"))) + &data(usage) + "data: [DONE]\n\n",
                ]
            }
            Anthropic => [
                event(
                    "message_start",
                    json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 1000, "output_tokens": 1 } } }),
                ) + &event(
                    "content_block_start",
                    json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
                ),
                event(
                    "content_block_delta",
                    json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "wörd" } }),
                ),
                event("content_block_stop", json!({ "type": "content_block_stop", "index": 0 }))
                    + &event(
                        "message_delta",
                        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": { "output_tokens": 200 } }),
                    )
                    + &event("message_stop", json!({ "type": "message_stop" })),
            ],
            Gemini => {
                let chunk = |text: &str, more: Value| {
                    let mut event = json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": text }] }, "index": 0 }], "modelVersion": "m", "responseId": "r" });
                    event.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
                    event
                };
                let mut last = chunk(
                    "!",
                    json!({ "usageMetadata": { "promptTokenCount": 1000, "candidatesTokenCount": 200, "totalTokenCount": 1200 } }),
                );
                last["candidates"][0]["finishReason"] = json!("STOP");
                [data(chunk("", json!({}))), data(chunk("wörd", json!({}))), data(last)]
            }
            Bedrock => unreachable!("its streams are no text"),
        }
    }

    fn healthy(self, streamed: bool) -> Say {
        if streamed {
            self.stream().iter().fold(self.begin(), |say, piece| say.bytes(piece)).end()
        } else {
            Say::status(200, "", &self.whole())
        }
    }

    fn error(self, status: u16, headers: &str, message: &str) -> Say {
        let body = match self {
            OpenAi => json!({ "error": { "message": message, "type": "t", "param": null, "code": null } }),
            Anthropic => json!({ "type": "error", "error": { "type": "api_error", "message": message } }),
            Gemini => json!({ "error": { "code": status, "message": message, "status": "INTERNAL" } }),
            Bedrock => json!({ "message": message }),
        };
        Say::status(status, headers, &body.to_string())
    }

    /// A call by the official path of that dialect.
    async fn ask(self, server: &Server, streamed: bool) -> Response {
        let (path, body) = match self {
            OpenAi | Bedrock => (
                "/v1/chat/completions".to_owned(),
                json!({ "model": "bot", "stream": streamed, "messages": [{ "role": "user", "content": "Hi" }] }),
            ),
            Anthropic => (
                "/v1/messages".to_owned(),
                json!({ "model": "bot", "stream": streamed, "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }] }),
            ),
            Gemini => {
                let method = if streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
                (format!("/v1beta/models/bot:{method}"), json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] }))
            }
        };
        server.request(Method::POST, &path).bearer_auth(APP).json(&body).send().await.expect("an answer")
    }

    /// The sentence of an error in this dialect's envelope.
    fn message(body: &str) -> String {
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body}"));
        body["error"]["message"].as_str().unwrap_or_else(|| panic!("no sentence: {body}")).to_owned()
    }

    /// What ends a whole stream.
    fn end(self) -> &'static str {
        match self {
            OpenAi | Bedrock => "data: [DONE]\n\n",
            Anthropic => "event: message_stop",
            Gemini => "\"finishReason\":\"STOP\"",
        }
    }
}

/// A message of Amazon's stream, put together by hand after its specification: two lengths and their checksum, headers, payload, checksum of it all.
fn amazon_message(kind: &str, key: &str, name: &str, payload: &Value) -> Vec<u8> {
    let pairs = [(key, name), (":content-type", "application/json"), (":message-type", kind)];
    let length = |text: &str| u16::try_from(text.len()).expect("short").to_be_bytes();
    // A byte of length, the name, 7 for text, two bytes of length, the text.
    let header = |(name, value): (&str, &str)| [&length(name)[1..], name.as_bytes(), &[7], &length(value), value.as_bytes()].concat();
    let (headers, payload) = (pairs.map(header).concat(), payload.to_string());
    let number = |n: usize| u32::try_from(n).expect("short").to_be_bytes();
    let mut out = [number(16 + headers.len() + payload.len()), number(headers.len())].concat();
    out.extend(crc32(&out).to_be_bytes());
    out.extend(headers);
    out.extend(payload.into_bytes());
    out.extend(crc32(&out).to_be_bytes());
    out
}

fn amazon(event: &str, payload: &Value) -> Vec<u8> {
    amazon_message("event", ":event-type", event, payload)
}

fn amazon_exception() -> Vec<u8> {
    amazon_message("exception", ":exception-type", "throttlingException", &json!({ "message": "overloaded" }))
}

/// The same message with one bit of it turned over.
fn damaged(mut message: Vec<u8>, at: usize) -> Vec<u8> {
    message[at] ^= 1;
    message
}

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1))))
}

#[test]
fn the_checksum_is_the_usual_one() {
    // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

/// The route `bot`: first `primary`, then `backup`, both of that dialect; each call tried once.
async fn pair(dialect: Dialect, primary: &str, backup: &Upstream, failover: bool) -> Server {
    let kind = |text: String| {
        // Amazon's keys look like Amazon's.
        let text = if dialect == Bedrock { text.replace("\"sk-", "\"ABSKsk-") } else { text };
        text.replace("connect_ms = 1000", "connect_ms = 300").replace("kind = \"openai\"", &format!("kind = \"{}\"", dialect.kind()))
    };
    let model = |name: &str| {
        format!("[[models]]\nprovider = \"{name}\"\nname = \"m\"\nmax_output_tokens = 100\nprice = {{ input = 1.0, output = 10.0 }}\n")
    };
    let targets = if failover { "targets = [{ provider = \"backup\", model = \"m\" }]\n" } else { "" };
    let route = format!(
        "[[routes]]\nname = \"bot\"\n[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"primary\"\nmodel = \"m\"\n[routes.failover]\nretries = 0\n{targets}"
    );
    let text = [
        kind(provider("primary", primary, "")),
        kind(provider("backup", &backup.url, "")),
        model("primary"),
        model("backup"),
        route,
        KEYS.to_owned(),
    ];
    Server::with(&Place::sqlite(), &text.concat()).await
}

/// A fault at the provider, before anything reached the caller.
struct Fault {
    name: &'static str,
    say: fn(Dialect, bool) -> Say,
    /// What the caller gets when there is nowhere else to go.
    status: u16,
    code: &'static str,
    wait: Option<&'static str>,
}

fn fault(name: &'static str, status: u16, code: &'static str, say: fn(Dialect, bool) -> Say) -> Fault {
    Fault { name, say, status, code, wait: None }
}

fn early_faults() -> Vec<Fault> {
    let limited =
        |name, headers: fn(Dialect, bool) -> Say, wait| Fault { wait: Some(wait), ..fault(name, 429, "provider_rate_limited", headers) };
    vec![
        fault("500", 502, "provider_error", |d, _| d.error(500, "", "boom")),
        fault("503 without a body", 502, "provider_error", |_, _| Say::status(503, "", "")),
        fault("hangs up", 502, "provider_cut", |_, _| Say::hang_up()),
        fault("speaks no HTTP", 502, "provider_cut", |_, _| Say::garbage()),
        fault("says nothing", 504, "provider_first_byte_timeout", |_, _| Say::hang_up().stall()),
        limited("429 with seconds", |d, _| d.error(429, "retry-after: 7\r\n", "slow"), "7"),
        limited("429 with milliseconds", |d, _| d.error(429, "retry-after-ms: 2500\r\n", "slow"), "3"),
        limited("429 with a date that is over", |d, _| d.error(429, "retry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n", "slow"), "0"),
        limited(
            "429 with OpenAI's resets",
            |d, _| d.error(429, "x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 6m0s\r\n", "slow"),
            "360",
        ),
        limited("429 without a word", |d, _| d.error(429, "", "slow"), "1"),
        fault("our key refused", 502, "provider_credentials_rejected", |d, _| d.error(401, "", "who?")),
        fault("a page instead of an answer", 502, "provider_malformed", |_, _| {
            Say::status(200, "", "<html>proxy</html>").of_type("text/html")
        }),
        fault("garbage for JSON", 502, "provider_malformed", |_, _| Say::status(200, "", "{\"id\": \"x\", oops")),
        fault("an error with status 200", 502, "provider_error", |_, _| {
            Say::status(200, "", &json!({ "error": { "message": "quota", "code": 500, "status": "INTERNAL" } }).to_string())
        }),
    ]
}

fn stream_faults() -> Vec<Fault> {
    vec![
        fault("stands still before content", 504, "provider_idle_timeout", |d, _| d.begin().bytes(&d.stream()[0]).stall()),
        fault("ends before content", 502, "provider_cut", |d, _| d.begin().bytes(&d.stream()[0])),
        fault("an error as the first event", 502, "provider_stream_failed", |d, _| {
            let error = match d {
                OpenAi => "data: {\"error\":{\"message\":\"overloaded\"}}\n\n".into(),
                Anthropic => {
                    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"overloaded\"}}\n\n"
                        .into()
                }
                Gemini => "data: {\"error\":{\"code\":503,\"message\":\"overloaded\",\"status\":\"UNAVAILABLE\"}}\n\n".into(),
                Bedrock => amazon_exception(),
            };
            d.begin().bytes(&error).end()
        }),
    ]
}

/// What only binary messages can suffer, before content.
fn binary_faults() -> Vec<Fault> {
    vec![
        fault("no messages at all", 502, "provider_cut", |d, _| d.begin().piece("data: {\"choices\":[]}\n\n").end()),
        fault("lengths that are not what was sent", 502, "provider_cut", |d, _| d.begin().bytes(&damaged(d.stream()[0].clone(), 2)).end()),
        fault("a first message that is not what was sent", 502, "provider_cut", |d, _| {
            let [start, word, rest] = d.stream();
            let at = word.len() - 8;
            d.begin().bytes(&start).bytes(&damaged(word, at)).bytes(&rest).end()
        }),
        fault("ends in a message, properly", 502, "provider_stream_failed", |d, _| {
            let [start, word, _] = d.stream();
            d.begin().bytes(&start).bytes(&word[..word.len() / 2]).end()
        }),
        fault("an error without a name", 502, "provider_stream_failed", |d, _| {
            let error = amazon_message("error", ":error-code", "InternalFailure", &json!({}));
            d.begin().bytes(&d.stream()[0]).bytes(&error).end()
        }),
    ]
}

/// The faults of a cell.
fn faults(dialect: Dialect, streamed: bool) -> impl Iterator<Item = Fault> {
    let of_streams = stream_faults().into_iter().chain(binary_faults().into_iter().filter(move |_| dialect == Bedrock));
    early_faults().into_iter().chain(of_streams.filter(move |_| streamed))
}

/// With nowhere else to go: the caller's envelope, the code, the wait; one entry in the log, nothing billed.
#[tokio::test]
async fn a_fault_alone_is_told_in_the_callers_dialect_logged_once_and_costs_nothing() {
    for dialect in ALL {
        for streamed in [false, true] {
            for fault in faults(dialect, streamed) {
                let cell = format!("{dialect:?}, streamed {streamed}, {}", fault.name);
                let upstream = Upstream::start().await;
                upstream.always((fault.say)(dialect, streamed));
                let server = pair(dialect, &upstream.url, &upstream, false).await;
                let response = dialect.ask(&server, streamed).await;
                let (status, id) = (response.status().as_u16(), header(&response, "x-request-id"));
                let wait = header(&response, "retry-after");
                let body = response.text().await.expect("body");
                assert_eq!(status, fault.status, "{cell}: {body}");
                assert!(!Dialect::message(&body).is_empty(), "{cell}");
                assert!(!body.contains("sk-primary"), "{cell}: our key is nobody's business");
                if let Some(expected) = fault.wait {
                    assert_eq!(wait, expected, "{cell}");
                }
                let entry = server.logged(&id).await;
                assert_eq!((&entry["outcome"], &entry["error_code"]), (&json!("error"), &json!(fault.code)), "{cell}");
                assert_eq!(
                    (&entry["status"], &entry["cost"], &entry["output_tokens"]),
                    (&json!(fault.status), &json!(0), &json!(0)),
                    "{cell}"
                );
                assert_eq!((upstream.calls(), entry["attempts"].as_array().map(Vec::len)), (1, Some(1)), "{cell}: tried once");
                server.stop().await;
            }
        }
    }
}

/// With a stand-in: the caller sees nothing of it, both tries are logged, the answer is billed once.
#[tokio::test]
async fn a_fault_with_a_stand_in_is_not_seen_and_billed_once() {
    for dialect in ALL {
        for streamed in [false, true] {
            let backup = Upstream::start().await;
            backup.always(dialect.healthy(streamed));
            let primary = Upstream::start().await;
            let server = pair(dialect, &primary.url, &backup, true).await;
            // Those that ask for a pause would keep the next ones away.
            let faults = faults(dialect, streamed).filter(|fault| fault.wait.is_none_or(|wait| wait == "0"));
            for (number, fault) in faults.enumerate() {
                let cell = format!("{dialect:?}, streamed {streamed}, {}", fault.name);
                if number % 4 == 3 {
                    // A good answer in between keeps the breaker closed.
                    primary.then(dialect.healthy(streamed));
                    assert!(dialect.ask(&server, streamed).await.text().await.is_ok_and(|t| t.len() > 10), "{cell}");
                }
                primary.then((fault.say)(dialect, streamed));
                let response = dialect.ask(&server, streamed).await;
                let id = header(&response, "x-request-id");
                assert_eq!((response.status().as_u16(), header(&response, "x-hypercare-provider").as_str()), (200, "backup"), "{cell}");
                let body = response.text().await.expect("body");
                let said = if streamed { "wörd" } else { "whole" };
                assert_eq!(body.matches(said).count(), 1, "{cell}: {body}");
                assert!(!streamed || body.contains(dialect.end()), "{cell}: {body}");
                let entry = server.logged(&id).await;
                let causes: Vec<&Value> = entry["attempts"].as_array().expect("attempts").iter().map(|a| &a["error"]).collect();
                assert_eq!(causes, [&json!(fault.code), &Value::Null], "{cell}");
                // 1,000 × 1 + 200 × 10 USD a million: 0.003 USD.
                assert_eq!((&entry["outcome"], &entry["cost"]), (&json!("ok"), &json!(3_000_000)), "{cell}");
            }
            server.stop().await;
        }
    }
}

/// Nobody there at all: refused, no such name, no TLS where TLS is expected.
#[tokio::test]
async fn whoever_cannot_be_reached_is_passed_over() {
    let plain = Upstream::start().await;
    for dialect in ALL {
        let tls = plain.url.replace("http://", "https://");
        for (name, url, code) in [
            ("refused", "http://127.0.0.1:1/v1", "provider_unreachable"),
            ("no such name", "http://nobody.invalid/v1", "provider_unreachable"),
            ("TLS that never comes about", tls.as_str(), "provider_connect_timeout"),
        ] {
            for streamed in [false, true] {
                let cell = format!("{dialect:?}, streamed {streamed}, {name}");
                let backup = Upstream::start().await;
                backup.always(dialect.healthy(streamed));
                let server = pair(dialect, url, &backup, true).await;
                let response = dialect.ask(&server, streamed).await;
                let id = header(&response, "x-request-id");
                assert_eq!(response.status(), 200, "{cell}");
                drop(response.text().await);
                let entry = server.logged(&id).await;
                assert_eq!(entry["attempts"][0]["error"], code, "{cell}");
                assert_eq!(entry["cost"], 3_000_000, "{cell}");
                server.stop().await;
            }
        }
    }
}

/// A binary stream that says a word, and then this.
fn after_a_word(next: &[u8]) -> Say {
    let [start, word, _] = Bedrock.stream();
    Bedrock.begin().bytes(&start).bytes(&word).bytes(next).end()
}

/// After the first word there is no way back: the stream ends with an error in the caller's dialect and without its end, is logged once, and what was said is
/// billed by estimate unless the provider counted.
#[tokio::test]
async fn a_stream_that_breaks_after_its_first_word_ends_with_an_error_and_is_settled_once() {
    type Break = (&'static str, fn(Dialect) -> Say, &'static str);
    let breaks: [Break; 4] = [
        ("cut between events", |d| d.begin().bytes(&d.stream()[0]).bytes(&d.stream()[1]), "provider_cut"),
        (
            "cut in an event",
            |d| {
                let events = d.stream();
                d.begin().bytes(&events[0]).bytes(&events[1]).bytes(&events[1][..events[1].len() / 2])
            },
            "provider_cut",
        ),
        (
            "cut in a letter",
            |d| {
                let events = d.stream();
                let letter = events[1].windows(2).position(|bytes| bytes == "ö".as_bytes()).expect("there") + 1;
                d.begin().bytes(&events[0]).bytes(&events[1]).bytes(&events[1][..letter])
            },
            "provider_cut",
        ),
        ("stands still", |d| d.begin().bytes(&d.stream()[0]).bytes(&d.stream()[1]).stall(), "provider_idle_timeout"),
    ];
    // What only binary messages can suffer.
    let binary: [Break; 4] = [
        ("another message than was sent", |d| after_a_word(&damaged(d.stream()[1].clone(), 40)), "provider_cut"),
        ("no message", |_| after_a_word(b"HTTP/1.1 502 Bad Gateway"), "provider_cut"),
        ("an exception", |_| after_a_word(&amazon_exception()), "provider_cut"),
        ("ends in a message, properly", |d| after_a_word(&d.stream()[2][..30]), "provider_cut"),
    ];
    for dialect in ALL {
        for (name, say, code) in breaks.into_iter().chain(binary.into_iter().filter(|_| dialect == Bedrock)) {
            let cell = format!("{dialect:?}, {name}");
            let (primary, backup) = (Upstream::start().await, Upstream::start().await);
            primary.always(say(dialect));
            let server = pair(dialect, &primary.url, &backup, true).await;
            let response = dialect.ask(&server, true).await;
            let id = header(&response, "x-request-id");
            assert_eq!(response.status(), 200, "{cell}");
            let body = String::from_utf8(response.bytes().await.expect("it ends properly").to_vec())
                .unwrap_or_else(|_| panic!("{cell}: half a letter"));
            assert!(body.contains("wörd") && body.contains("error") && !body.contains(dialect.end()), "{cell}: {body}");
            assert_eq!((primary.calls(), backup.calls()), (1, 0), "{cell}: never switched");
            let entry = server.logged(&id).await;
            assert_eq!(
                (&entry["outcome"], &entry["error_code"], &entry["response_text"]),
                (&json!("error"), &json!(code), &json!("wörd")),
                "{cell}"
            );
            assert!(entry["cost"].as_i64() > Some(0), "{cell}: what was said is paid: {}", entry["cost"]);
            assert_eq!(server.entries(&id).await, 1, "{cell}");
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn a_caller_who_leaves_in_the_middle_cancels_is_logged_once_and_pays_for_what_was_said() {
    for dialect in ALL {
        let upstream = Upstream::start().await;
        upstream.always(dialect.begin().bytes(&dialect.stream()[0]).bytes(&dialect.stream()[1]).stall());
        let server = pair(dialect, &upstream.url, &upstream, false).await;
        let mut response = dialect.ask(&server, true).await;
        let id = header(&response, "x-request-id");
        let mut got = Vec::new();
        while !String::from_utf8_lossy(&got).contains("wörd") {
            got.extend(response.chunk().await.expect("a piece").expect("not the end"));
        }
        drop(response);
        let entry = server.logged(&id).await;
        assert_eq!((&entry["outcome"], &entry["error_code"]), (&json!("client_closed"), &json!("client_closed")), "{dialect:?}");
        assert!(entry["cost"].as_i64() > Some(0) && entry["response_text"] == "wörd", "{dialect:?}");
        assert_eq!((server.entries(&id).await, upstream.hung_up()), (1, 1), "{dialect:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_huge_answer_passes_and_a_larger_one_is_refused_without_harm() {
    for dialect in UNCHANGED {
        let upstream = Upstream::start().await;
        let server = pair(dialect, &upstream.url, &upstream, false).await;
        let huge = |megabytes: usize| dialect.whole().replacen("whole", &"x".repeat(megabytes << 20), 1);
        let body = huge(50);
        upstream.then(Say::status(200, "", &body));
        let response = dialect.ask(&server, false).await;
        let id = header(&response, "x-request-id");
        assert_eq!(response.bytes().await.expect("body").len(), body.len(), "{dialect:?}");
        let entry = server.logged(&id).await;
        assert_eq!(entry["cost"], 3_000_000, "{dialect:?}: counted though the log keeps its beginning only");
        assert!(entry["response_body"].as_str().is_none_or(|kept| kept.len() <= 512 * 1024), "{dialect:?}");
        upstream.then(Say::status(200, "", &huge(65)));
        let (status, body) = {
            let r = dialect.ask(&server, false).await;
            (r.status().as_u16(), r.text().await.expect("body"))
        };
        assert!(status == 502 && Dialect::message(&body).contains("too large"), "{dialect:?}: {status} {body}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_slow_reader_holds_up_its_own_provider_and_nobody_else() {
    let upstream = Upstream::start().await;
    let server = pair(OpenAi, &upstream.url, &upstream, false).await;
    let events = OpenAi.text_stream();
    // 64 MiB in pieces of 64 KiB.
    let piece = events[1].replace("wörd", &"w".repeat(64 * 1024));
    upstream.then((0..1_024).fold(Say::stream().piece(&events[0]), |say, _| say.piece(&piece)).piece(&events[2]).end());
    let mut slow = OpenAi.ask(&server, true).await;
    slow.chunk().await.expect("a piece");
    let began = Instant::now();
    let mut taken = upstream.taken();
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = upstream.taken();
        if now == taken {
            break;
        }
        taken = now;
        assert!(began.elapsed() < Duration::from_secs(10), "the provider is never held up");
    }
    assert!(taken < 24 << 20, "the gateway and the sockets hold {taken} bytes of one stream");
    upstream.then(OpenAi.healthy(true));
    let began = Instant::now();
    assert!(OpenAi.ask(&server, true).await.text().await.expect("body").ends_with("data: [DONE]\n\n"));
    assert!(began.elapsed() < Duration::from_secs(1), "others go on: {:?}", began.elapsed());
    // And the slow one gets all of it.
    let mut length = 0;
    while let Some(piece) = slow.chunk().await.expect("a piece") {
        length += piece.len();
    }
    assert!(length > 64 << 20);
}
