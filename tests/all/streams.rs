//! Streams through the gateway.

use crate::support::server::{header, hello_streamed};
use crate::support::upstream::{content, finish, role, usage_chunk};
use crate::support::{Place, Say, Server, Upstream, eventually};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The data of the events of a body, comments left out.
fn data(body: &str) -> Vec<String> {
    body.split("\n\n").flat_map(|event| event.lines()).filter_map(|l| l.strip_prefix("data: ")).map(str::to_owned).collect()
}

/// The error a stream ended with, and that no `[DONE]` followed it.
fn in_band_error(body: &str) -> Value {
    assert!(!body.contains("[DONE]"), "no [DONE] after a stream that broke: {body}");
    let last = data(body).pop().expect("events");
    serde_json::from_str::<Value>(&last).expect("JSON")["error"].clone()
}

async fn stream(server: &Server) -> (String, String) {
    let response = server.chat(&hello_streamed()).send().await.expect("answer");
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "text/event-stream");
    let id = header(&response, "x-request-id");
    (id, response.text().await.expect("the body ends properly"))
}

#[tokio::test]
async fn bytes_pass_unchanged_and_the_usage_chunk_is_taken_out() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.then(Say::streamed(&["Hel", "lo \u{1F600}", "!"]));
    let (id, body) = stream(&server).await;
    let expected = [role(), content("Hel"), content("lo \u{1F600}"), content("!"), finish(), "data: [DONE]\n\n".to_owned()].concat();
    assert_eq!(body, expected);
    assert_eq!(upstream.last().body()["stream_options"]["include_usage"], true, "usage is asked of every stream");
    let entry = server.logged(&id).await;
    assert_eq!((&entry["streamed"], &entry["outcome"], &entry["cost"]), (&json!(true), &json!("ok"), &json!(240_000)));
    assert_eq!(entry["response_text"], "Hello \u{1F600}!");
    assert!(entry["first_token_us"].as_i64().expect("time to first token") > 0);
    assert_eq!(server.entries(&id).await, 1);
}

#[tokio::test]
async fn the_usage_chunk_stays_for_who_asked_for_it() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.then(Say::streamed(&["a"]));
    let mut body = hello_streamed();
    body["stream_options"] = json!({ "include_usage": true });
    let text = server.chat(&body).send().await.expect("answer").text().await.expect("body");
    assert!(text.contains(&usage_chunk()), "{text}");
}

#[tokio::test]
async fn events_torn_over_pieces_with_crlf_and_comments_arrive_whole() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let torn = content("ab").replace("\n\n", "\r\n\r\n");
    let (first, second) = torn.split_at(20);
    upstream.then(Say::stream().piece(": hi\n\n").piece(first).wait(30).piece(second).piece(&finish()).piece("data: [DONE]\n\n").end());
    let (id, body) = stream(&server).await;
    assert!(body.contains(&torn), "{body}");
    assert_eq!(server.logged(&id).await["response_text"], "ab");
}

#[tokio::test]
async fn the_first_words_do_not_wait_for_the_last() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream
        .then(Say::stream().piece(&content("early")).wait(400).piece(&content("late")).piece(&finish()).piece("data: [DONE]\n\n").end());
    let began = Instant::now();
    let mut body = server.chat(&hello_streamed()).send().await.expect("answer").bytes_stream();
    let first = body.next().await.expect("a piece").expect("bytes");
    assert!(String::from_utf8_lossy(&first).contains("early"));
    assert!(began.elapsed() < Duration::from_millis(350), "held back for {:?}", began.elapsed());
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_and_no_done() {
    let half = content("lost");
    let stories = [
        ("cut between events", Say::stream().words(&["one"]), "provider_cut"),
        ("cut in an event", Say::stream().words(&["one"]).piece(&half[..30]), "provider_cut"),
        ("ended in the middle", Say::stream().words(&["one"]).end(), "provider_cut"),
        (
            "error in band",
            Say::stream().words(&["one"]).wait(50).piece("data: {\"error\":{\"message\":\"overloaded\"}}\n\n").end(),
            "provider_cut",
        ),
        ("stood still", Say::stream().words(&["one"]).stall(), "provider_idle_timeout"),
    ];
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    for (story, say, code) in stories {
        upstream.then(say);
        let (id, body) = stream(&server).await;
        assert!(body.contains(&content("one")), "{story}: {body}");
        assert_eq!(in_band_error(&body)["code"], code, "{story}: {body}");
        let entry = server.logged(&id).await;
        assert_eq!((&entry["outcome"], &entry["error_code"]), (&json!("error"), &json!(code)), "{story}");
        assert_eq!(entry["response_text"], "one", "{story}: what was said is kept");
        assert_eq!(server.entries(&id).await, 1, "{story}");
    }
    assert_eq!(upstream.calls(), 5, "never asked again after the first token");
}

#[tokio::test]
async fn an_error_in_the_same_packet_as_the_first_word_is_not_swallowed() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let both = content("one") + "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    upstream.then(Say::stream().piece(&both).end());
    let (id, body) = stream(&server).await;
    assert!(body.contains(&content("one")), "{body}");
    assert!(in_band_error(&body).is_object(), "{body}");
    assert_eq!(server.logged(&id).await["outcome"], "error");
}

#[tokio::test]
async fn a_stream_with_a_finish_but_without_done_is_complete() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.then(Say::stream().words(&["all"]).piece(&finish()).end());
    let (id, body) = stream(&server).await;
    assert!(!body.contains("\"error\""), "{body}");
    assert_eq!(server.logged(&id).await["outcome"], "ok");
}

#[tokio::test]
async fn a_caller_who_hangs_up_cancels_the_provider_and_is_logged_once() {
    let upstream = Upstream::start().await;
    let slow = crate::support::server::basic(&upstream).replace("idle_ms = 500", "idle_ms = 20000");
    let server = Server::with(&Place::sqlite(), &slow).await;
    upstream.then(Say::stream().words(&["par", "tial"]).stall());
    let response = server.chat(&hello_streamed()).header("x-request-id", "gone").send().await.expect("answer");
    let mut body = response.bytes_stream();
    let mut got = String::new();
    while !got.contains("tial") {
        got.push_str(&String::from_utf8_lossy(&body.next().await.expect("a piece").expect("bytes")));
    }
    drop(body);
    eventually("the provider's call is cancelled", || async { (upstream.hung_up() == 1).then_some(()) }).await;
    let entry = server.logged("gone").await;
    assert_eq!((&entry["outcome"], &entry["error_code"]), (&json!("client_closed"), &json!("client_closed")));
    assert_eq!(entry["response_text"], "partial");
    assert_eq!(server.entries("gone").await, 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_before_the_first_byte_cancels_too() {
    let upstream = Upstream::start().await;
    let slow = crate::support::server::basic(&upstream).replace("first_byte_ms = 500", "first_byte_ms = 20000");
    let server = Server::with(&Place::sqlite(), &slow).await;
    upstream.then(Say::hang_up().stall());
    let call = server.chat(&hello_streamed()).header("x-request-id", "early").timeout(Duration::from_millis(200)).send().await;
    assert!(call.is_err());
    eventually("the provider's call is cancelled", || async { (upstream.hung_up() == 1).then_some(()) }).await;
    assert_eq!(server.logged("early").await["outcome"], "client_closed");
    assert_eq!(server.entries("early").await, 1);
}
