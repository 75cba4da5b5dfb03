//! More calls at once than the gateway takes: who is one too many is told so at once, in the own dialect, and the others are served as ever.

use crate::support::server::{basic, eventually, header, hello, hello_streamed};
use crate::support::{APP, Place, Say, Server, Upstream};
use reqwest::Method;
use serde_json::{Value, json};

/// Where a dialect's error says of which kind it is.
type Code = fn(&Value) -> &Value;

/// The value of a series without labels.
async fn metric(server: &Server, name: &str) -> u64 {
    let text = server.get("/metrics").send().await.expect("answer").text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().expect("a number")
}

async fn in_flight(server: &Server, expected: u64) {
    let looked = async || (metric(server, "hypercare_calls_in_flight").await == expected).then_some(());
    eventually(&format!("{expected} calls are under way"), looked).await;
}

#[tokio::test]
async fn beyond_the_limit_a_call_is_refused_at_once_and_taken_again_when_there_is_room() {
    let upstream = Upstream::start().await;
    upstream.always(Say::stream().words(&["Hel"]).stall());
    let place = Place::sqlite();
    let mut settings = place.settings();
    settings.max_in_flight = 2;
    let server = Server::start(settings).await;
    server.apply(&basic(&upstream).replace("idle_ms = 500", "idle_ms = 15000")).await.expect("holds");

    // A stream is under way until its end, not until its beginning.
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = server.chat(&hello_streamed()).send().await.expect("answer");
        assert!(stream.chunk().await.expect("a piece").is_some());
        open.push(stream);
    }
    in_flight(&server, 2).await;

    let said = json!([{ "role": "user", "content": "Hi" }]);
    let gemini = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] });
    let refused: [(&str, Value, Code, Value); 5] = [
        ("/v1/chat/completions", hello("bot"), |body| &body["error"]["code"], json!("overloaded")),
        ("/v1/responses", json!({ "model": "bot", "input": "Hi" }), |body| &body["error"]["code"], json!("overloaded")),
        ("/v1/messages", json!({ "model": "bot", "max_tokens": 9, "messages": said }), |body| &body["type"], json!("error")),
        ("/v1beta/models/bot:generateContent", gemini, |body| &body["error"]["status"], json!("UNAVAILABLE")),
        ("/passthrough/primary/rerank", json!({ "query": "Hi" }), |body| &body["error"]["code"], json!("overloaded")),
    ];
    for (path, body, code, expected) in &refused {
        let response = server.request(Method::POST, path).bearer_auth(APP).json(body).send().await.expect("answer");
        assert_eq!((response.status().as_u16(), header(&response, "retry-after").as_str()), (503, "1"), "{path}");
        assert!(!header(&response, "x-request-id").is_empty(), "{path}");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(code(&body), expected, "{path}: {body}");
        assert!(body["error"]["message"].as_str().is_some_and(|why| why.contains("under way")), "{path}: {body}");
    }
    assert_eq!(upstream.calls(), 2, "nobody else was asked");
    assert_eq!(metric(&server, "hypercare_calls_refused_total").await, refused.len() as u64);

    // Whoever hangs up makes room.
    open.pop();
    in_flight(&server, 1).await;
    upstream.then(Say::answer("hello"));
    assert_eq!(server.ask("ann").await.status(), 200);
    in_flight(&server, 1).await;

    // And so does a call that fails, or one that is answered a second time from the store.
    upstream.then(Say::error(400, "no"));
    assert_eq!(server.ask("ann").await.status(), 400);
    in_flight(&server, 1).await;
    upstream.then(Say::answer("once"));
    for _ in 0..2 {
        let response = server.chat(&hello("bot")).header("idempotency-key", "one").send().await.expect("answer");
        assert_eq!(response.status(), 200);
    }
    open.clear();
    in_flight(&server, 0).await;
    server.stop().await;
}
