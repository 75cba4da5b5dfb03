//! More calls at once than the gateway takes: who is one too many is told so at once, in the own dialect, and the others are served as ever.

use crate::support::server::{basic, eventually, header, hello, hello_streamed};
use crate::support::{ADMIN, APP, Place, Say, Server, Upstream};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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

/// A connection on which bytes are written by hand.
async fn raw(server: &Server, bytes: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection");
    socket.write_all(bytes.as_bytes()).await.expect("takes bytes");
    socket
}

/// All that comes until the other side closes; panics when it does not.
async fn to_the_end(mut socket: TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut said)).await.expect("the connection is closed");
    assert!(read.is_ok() || said.is_empty(), "{read:?}");
    String::from_utf8(said).expect("text")
}

#[tokio::test]
async fn who_sends_half_a_request_and_then_nothing_holds_no_place() {
    let upstream = Upstream::start().await;
    upstream.always(Say::stream().words(&["Hel"]).stall());
    let place = Place::sqlite();
    let mut settings = place.settings();
    settings.request_idle = Duration::from_millis(300);
    let server = Server::start(settings).await;
    server.apply(&basic(&upstream).replace("idle_ms = 500", "idle_ms = 15000")).await.expect("holds");
    let head = |length: usize| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {APP}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
        )
    };

    assert_eq!(to_the_end(raw(&server, &head(10)).await).await, "", "half a head");
    let body = to_the_end(raw(&server, &(head(200) + "\r\n{\"model\":")).await).await;
    assert!(body.starts_with("HTTP/1.1 408") && body.contains("\"body_timeout\""), "half a body: {body}");
    in_flight(&server, 0).await;
    for (path, key) in [("/v1/feedback", APP), ("/v1/intake/reviews", APP), ("/api/v1/issues", ADMIN)] {
        let half = head(200).replace("/v1/chat/completions", path).replace(APP, key) + "\r\n{\"message\":";
        let said = to_the_end(raw(&server, &half).await).await;
        assert!(said.starts_with("HTTP/1.1 422") && said.contains("did not arrive whole"), "half a body for {path}: {said}");
    }

    // Who pauses for less is served, and a stream that says nothing for long is not taken for half a head.
    let asked = hello_streamed().to_string();
    let (early, late) = asked.split_at(20);
    let mut slow = raw(&server, "POST /v1/chat/comp").await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    let rest = &head(asked.len())["POST /v1/chat/comp".len()..];
    slow.write_all(format!("{rest}\r\n{early}").as_bytes()).await.expect("takes bytes");
    tokio::time::sleep(Duration::from_millis(150)).await;
    slow.write_all(late.as_bytes()).await.expect("takes bytes");
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut said = vec![0; 4_096];
    let n = slow.read(&mut said).await.expect("open");
    let said = String::from_utf8_lossy(&said[..n]).into_owned();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    in_flight(&server, 1).await;

    // Between two calls a connection may rest as long as it likes.
    upstream.then(Say::answer("hello"));
    upstream.then(Say::answer("hello"));
    let asked = hello("bot").to_string();
    let whole = format!("{}\r\n{asked}", head(asked.len()));
    let mut kept = raw(&server, &whole).await;
    let mut answer = vec![0; 8_192];
    assert!(kept.read(&mut answer).await.expect("an answer") > 0);
    tokio::time::sleep(Duration::from_millis(900)).await;
    kept.write_all(whole.as_bytes()).await.expect("still open");
    let n = kept.read(&mut answer).await.expect("another answer");
    assert!(answer[..n].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..n]));
    server.stop().await;
}
