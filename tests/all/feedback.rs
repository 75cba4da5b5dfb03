//! Feedback: on disk before the answer, once per voice, tied to its call, seen at once.

use crate::support::server::{header, hello, json_of};
use crate::support::{ADMIN, APP, Place, Server, Upstream, eventually, places};
use futures_util::StreamExt as _;
use hypercare::feedback::service;
use hypercare::feedback::token::sign;
use hypercare::types::{Duration as Span, Id};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn by_key(server: &Server, body: &Value) -> (u16, Value) {
    json_of(server.request(Method::POST, "/v1/feedback").bearer_auth(APP).json(body).send().await.expect("answer")).await
}

async fn by_token(server: &Server, body: &Value) -> (u16, Value) {
    json_of(server.feedback(body).await).await
}

#[tokio::test]
async fn a_token_gives_one_voice_per_user_and_keeps_what_is_not_said_again() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let response = server.ask("ann").await;
        let (token, request_id) = (header(&response, "x-hypercare-feedback-token"), header(&response, "x-request-id"));
        server.logged(&request_id).await;
        let first = json!({ "token": token, "rating": "down", "categories": ["forgot_context"], "comment": "It forgot.", "user": "ann", "flag": "wrong" });
        let (status, stored) = by_token(&server, &first).await;
        assert_eq!((status, &stored["request_id"]), (201, &json!(request_id)));
        let (status, again) = by_token(&server, &json!({ "token": token, "user": "ann", "rating": "up", "stars": 4 })).await;
        assert_eq!((status, &again["id"]), (200, &stored["id"]), "the same voice updates");
        let (status, other) = by_token(&server, &json!({ "token": token, "user": "bob", "rating": "down" })).await;
        assert_eq!(status, 201, "another voice is another piece");
        assert_ne!(other["id"], stored["id"]);
        let kept = server.read(&format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"))).await;
        let expected = json!({
            "rating": "up", "stars": 4, "categories": ["forgot_context"], "comment": "It forgot.", "flag": "wrong", "user": "ann", "channel": "widget",
            "route": "bot", "variant": "control", "prompt": "support@1", "request_id": request_id,
        });
        for (field, value) in expected.as_object().expect("object") {
            assert_eq!(&kept[field], value, "{field}");
        }
        let status =
            |query: String| server.request(Method::GET, &format!("/v1/feedback/{}{query}", stored["id"].as_str().expect("id"))).send();
        assert_eq!(status(format!("?token={token}")).await.expect("answer").status(), 200, "its reporter may look");
        assert_eq!(status(String::new()).await.expect("answer").status(), 404, "nobody else learns that it is there");
    }
}

#[tokio::test]
async fn what_is_sent_empty_is_taken_back() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let token = header(&server.ask("ann").await, "x-hypercare-feedback-token");
        let (_, stored) = by_token(
            &server,
            &json!({ "token": token, "rating": "down", "categories": ["tone"], "comment": "This is terrible.", "correction": "Better." }),
        )
        .await;
        let path = format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"));
        assert!(server.read(&path).await["sentiment"].as_f64().expect("a mood") < 0.0);
        let empty = json!({ "token": token, "rating": "down", "categories": [], "comment": " ", "correction": "" });
        assert_eq!(by_token(&server, &empty).await.0, 200);
        let kept = server.read(&path).await;
        for field in ["comment", "correction", "sentiment"] {
            assert_eq!(kept[field], json!(null), "{field}");
        }
        assert_eq!((&kept["categories"], &kept["rating"]), (&json!([]), &json!("down")));
        let tone = server.read("/api/v1/feedback?category=tone").await;
        assert_eq!(tone["items"], json!([]), "nor is it found by what was taken back");
        let (status, wrong) = by_token(&server, &json!({ "token": token, "comment": "", "categories": [] })).await;
        assert!(status == 422 && wrong["error"]["fields"].get("rating").is_some(), "nothing but emptiness says nothing: {wrong}");
    }
}

#[tokio::test]
async fn an_idempotency_key_makes_a_repeat_an_update() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let id = header(&server.ask("ann").await, "x-request-id");
        let (first, stored) = by_key(&server, &json!({ "request_id": id, "rating": "up", "comment": "c", "idempotency_key": "k1" })).await;
        let (second, again) = by_key(&server, &json!({ "request_id": id, "rating": "down", "idempotency_key": "k1" })).await;
        let (third, other) = by_key(&server, &json!({ "request_id": id, "rating": "down", "idempotency_key": "k2" })).await;
        assert_eq!((first, second, third), (201, 200, 201));
        assert!(stored["id"] == again["id"] && other["id"] != stored["id"]);
        let kept = server.read(&format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"))).await;
        assert_eq!((&kept["rating"], &kept["comment"]), (&json!("down"), &json!("c")));
    }
}

#[tokio::test]
async fn the_same_repeat_at_the_same_moment_is_one_piece() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let token = header(&server.ask("ann").await, "x-hypercare-feedback-token");
        let body = json!({ "token": token, "rating": "up" });
        let answers = futures_util::future::join_all((0..8).map(|_| by_token(&server, &body))).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 7, "{answers:?}");
        assert_eq!(server.read("/api/v1/feedback").await["items"].as_array().expect("items").len(), 1);
    }
}

#[tokio::test]
async fn feedback_that_comes_before_its_call_is_tied_to_it_later() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let (status, stored) = by_key(&server, &json!({ "request_id": "to-come", "rating": "down" })).await;
        assert_eq!(status, 201);
        server.chat(&hello("bot")).header("x-request-id", "to-come").send().await.expect("answer");
        let path = format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"));
        let tied = eventually("feedback is tied to its call", || async {
            let feedback = server.read(&path).await;
            feedback["request"].is_string().then_some(feedback)
        });
        assert_eq!(tied.await["variant"], "control");
    }
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused_and_store_nothing() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let token = header(&server.ask("ann").await, "x-hypercare-feedback-token");
    let mut forged = token.clone().into_bytes();
    forged[3] = if forged[3] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("ASCII");
    let long_ago = server.app.now().minus(Span::DAY.times(31));
    let expired = sign(server.app.master_key().feedback(), &Id::new(), long_ago).expect("signs");
    let elsewhere = Server::basic(&Place::sqlite(), &upstream).await;
    let foreign = header(&elsewhere.ask("ann").await, "x-hypercare-feedback-token");
    for (story, token) in
        [("forged", forged.as_str()), ("expired", &expired), ("of another server", &foreign), ("empty", ""), ("no token at all", "hello")]
    {
        let (status, body) = by_token(&server, &json!({ "token": token, "rating": "up" })).await;
        assert_eq!(status, 401, "{story}: {body}");
    }
    assert_eq!(by_token(&server, &json!({ "rating": "up", "request_id": "x" })).await.0, 401, "neither key nor token");
    let admin = server.request(Method::POST, "/v1/feedback").bearer_auth(ADMIN).json(&json!({ "request_id": "x", "rating": "up" }));
    assert_eq!(admin.send().await.expect("answer").status(), 403, "a key without the scope");
    assert_eq!(server.read("/api/v1/feedback").await["items"], json!([]));
}

#[tokio::test]
async fn a_token_stays_with_its_answer_whatever_else_is_named() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let own = server.ask("ann").await;
        let (token, own) = (header(&own, "x-hypercare-feedback-token"), header(&own, "x-request-id"));
        let other = header(&server.ask("bob").await, "x-request-id");
        for id in [&own, &other] {
            server.logged(id).await;
        }
        let body = json!({ "token": token, "rating": "down", "request_id": other, "session_id": "of bob" });
        let (status, stored) = by_token(&server, &body).await;
        assert_eq!((status, &stored["request_id"]), (201, &json!(own)));
        // Nor while its own call has not arrived in the log, and the other has.
        let early = sign(server.app.master_key().feedback(), &Id::new(), server.app.now()).expect("signs");
        let (status, before) = by_token(&server, &json!({ "token": early, "rating": "down", "request_id": other })).await;
        assert_eq!(status, 201);
        for (id, request) in [(&stored["id"], json!(own)), (&before["id"], json!(null))] {
            let kept = server.read(&format!("/api/v1/feedback/{}", id.as_str().expect("id"))).await;
            assert_eq!((&kept["request"], &kept["session_id"]), (&request, &json!(null)), "{kept}");
        }
    }
}

#[tokio::test]
async fn a_correction_and_the_context_come_with_it_and_a_link_tells_only_of_what_it_said() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let token = header(&server.ask("ann").await, "x-hypercare-feedback-token");
        let context = json!({ "screen": "checkout", "step": 2 });
        let said = json!({ "token": token, "user": "ann", "stars": 1, "correction": "Say Malmö.", "metadata": context });
        let stored = by_token(&server, &said).await.1;
        let kept = server.read(&format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"))).await;
        assert_eq!((&kept["stars"], &kept["correction"], &kept["metadata"]), (&json!(1), &json!("Say Malmö."), &context));
        let link = || async { service::status_of_link(&server.app, &token).await.expect("looks").map(|s| (s.id.to_string(), s.status)) };
        assert_eq!(link().await, None, "what ann said is hers");
        let own = by_token(&server, &json!({ "token": token, "rating": "down" })).await.1;
        assert_eq!(link().await, Some((own["id"].as_str().expect("id").to_owned(), "received")));
    }
}

#[tokio::test]
async fn fields_that_do_not_hold_are_422_by_name() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let long = |n: usize| "x".repeat(n);
    for (wrong, field) in [
        (json!({ "stars": 9 }), "stars"),
        (json!({ "stars": 0 }), "stars"),
        (json!({ "score": 1.5 }), "score"),
        (json!({ "rating": "sideways" }), "sideways"),
        (json!({ "flag": "nope" }), "nope"),
        (json!({ "rating": "up", "comment": long(4_001) }), "comment"),
        (json!({ "rating": "up", "user": long(257) }), "user"),
        (json!({ "rating": "up", "categories": ["two words"] }), "categories"),
        (json!({ "rating": "up", "metadata": { "a": long(4_100) } }), "metadata"),
        (json!({ "rating": "up", "raiting": "up" }), "raiting"),
        (json!({}), "rating"),
    ] {
        let mut body = json!({ "request_id": "r" });
        body.as_object_mut().expect("object").extend(wrong.as_object().expect("object").clone());
        let (status, answer) = by_key(&server, &body).await;
        assert_eq!(status, 422, "{wrong}: {answer}");
        assert!(answer["error"]["fields"].get(field).is_some(), "{field}: {answer}");
    }
    assert_eq!(by_key(&server, &json!({ "rating": "up" })).await.0, 422, "about nothing");
    let (status, stored) = by_key(&server, &json!({ "request_id": "r", "comment": "\u{1F600}".repeat(4_000) })).await;
    assert_eq!(status, 201, "4,000 characters, however many bytes");
    let kept = server.read(&format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"))).await;
    assert_eq!(kept["comment"].as_str().map(|c| c.chars().count()), Some(4_000));
    assert_eq!(kept["state"], "spam", "one character over and over is put aside, not lost: {kept}");
    let status = server.request(Method::GET, &format!("/v1/feedback/{}", stored["id"].as_str().expect("id"))).bearer_auth(APP).send();
    let (_, told) = json_of(status.await.expect("answer")).await;
    assert_eq!(told["status"], "received", "who sent it is not told that somebody looked: {told}");
    assert_eq!(server.read("/api/v1/feedback").await["items"], json!([]));
}

#[tokio::test]
async fn a_browser_of_any_origin_may_post_with_a_token() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let token = header(&server.ask("ann").await, "x-hypercare-feedback-token");
    let asked = server.request(Method::OPTIONS, "/v1/feedback").header("origin", "https://shop.example").send().await.expect("answer");
    assert!(asked.status().is_success());
    let post = server.request(Method::POST, "/v1/feedback").header("origin", "https://shop.example").header("sec-fetch-site", "cross-site");
    let posted = post.json(&json!({ "token": token, "rating": "up" })).send().await.expect("answer");
    assert_eq!(posted.status(), 201);
    assert!(!header(&posted, "access-control-allow-origin").is_empty());
}

/// Events of `/api/v1/live` as they come: (id, event, data).
async fn listen(server: &Server, last: Option<&str>) -> tokio::sync::mpsc::UnboundedReceiver<(String, String, Value)> {
    let request = server.get("/api/v1/live");
    let request = if let Some(last) = last { request.header("last-event-id", last) } else { request };
    let response = request.send().await.expect("answer");
    assert_eq!(response.status(), 200);
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (mut body, mut text) = (response.bytes_stream(), String::new());
        while let Some(Ok(bytes)) = body.next().await {
            text.push_str(&String::from_utf8_lossy(&bytes));
            while let Some((event, rest)) = text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
                let part = |name: &str| event.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim().to_owned();
                if !part("data:").is_empty() {
                    let data = serde_json::from_str(&part("data:")).expect("JSON");
                    if sender.send((part("id:"), part("event:"), data)).is_err() {
                        return;
                    }
                }
                text = rest;
            }
        }
    });
    receiver
}

async fn next_feedback(events: &mut tokio::sync::mpsc::UnboundedReceiver<(String, String, Value)>) -> (String, Value) {
    let wait = async {
        loop {
            let (id, name, data) = events.recv().await.expect("an event");
            if name == "feedback" {
                return (id, data);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.expect("feedback on the live stream")
}

#[tokio::test]
async fn the_live_stream_shows_feedback_within_a_second_and_resumes() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let mut events = listen(&server, None).await;
        let began = Instant::now();
        by_key(&server, &json!({ "request_id": "one", "rating": "down", "comment": "first" })).await;
        let (last, shown) = next_feedback(&mut events).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(shown["comment"], "first");
        drop(events);
        for comment in ["second", "third"] {
            by_key(&server, &json!({ "request_id": "one", "comment": comment })).await;
        }
        let mut events = listen(&server, Some(&last)).await;
        assert_eq!(next_feedback(&mut events).await.1["comment"], "second", "what was missed comes first, and nothing twice");
        assert_eq!(next_feedback(&mut events).await.1["comment"], "third");
        let metrics = async { while events.recv().await.expect("an event").1 != "metrics" {} };
        tokio::time::timeout(Duration::from_secs(3), metrics).await.expect("numbers every second");
    }
}
