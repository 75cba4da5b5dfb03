//! Providers that fail: who is asked next, what the caller is told, what the log says.

use crate::support::server::{basic, header, hello, hello_streamed, json_of, provider};
use crate::support::upstream::{content, role};
use crate::support::{Place, Say, Server, Upstream, eventually};
use reqwest::Response;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// `bot` on `primary`, failing over to `backup`.
async fn with_backup(retries: u32) -> (Server, Upstream, Upstream) {
    let (primary, backup) = (Upstream::start().await, Upstream::start().await);
    let failover = format!("[routes.failover]\ntargets = [{{ provider = \"backup\", model = \"spare\" }}]\nretries = {retries}\n");
    let text = basic(&primary).replace("\n[[keys]]\nname = \"app\"", &format!("{failover}\n[[keys]]\nname = \"app\""));
    let server = Server::with(&Place::sqlite(), &(provider("backup", &backup.url, "") + &text)).await;
    (server, primary, backup)
}

fn refused(base: &str, old: &str) -> String {
    base.replace(old, "http://127.0.0.1:1/v1")
}

async fn code_of(response: Response) -> (u16, String) {
    let (status, body) = json_of(response).await;
    (status, body["error"]["code"].as_str().expect("a code").to_owned())
}

#[tokio::test]
async fn every_failure_worth_it_goes_on_to_the_next_target() {
    let (server, primary, backup) = with_backup(0).await;
    let stories = [
        ("500", Say::error(500, "boom"), json!(500)),
        ("503", Say::error(503, "later"), json!(503)),
        ("429", Say::status(429, "retry-after: 7\r\n", "{}"), json!(429)),
        ("no first byte", Say::hang_up().stall(), Value::Null),
        ("no answer", Say::hang_up(), Value::Null),
        ("garbage", Say::garbage(), Value::Null),
    ];
    for (calls, (story, say, status)) in stories.into_iter().enumerate() {
        primary.then(say);
        let response = server.ask("ann").await;
        assert_eq!(response.status(), 200, "{story}");
        assert_eq!(
            (header(&response, "x-hypercare-provider"), header(&response, "x-hypercare-attempts")),
            ("backup".into(), "2".into()),
            "{story}"
        );
        assert_eq!(backup.last().body()["model"], "spare", "{story}: the target's own model");
        assert_eq!(backup.calls(), calls + 1, "{story}");
        let entry = server.logged(&header(&response, "x-request-id")).await;
        let attempts = entry["attempts"].as_array().expect("attempts");
        assert_eq!(attempts.len(), 2, "{story}: {attempts:?}");
        assert_eq!((&attempts[0]["provider"], &attempts[0]["status"]), (&json!("primary"), &status), "{story}");
        assert!(attempts[0]["error"].is_string() && attempts[1]["error"].is_null(), "{story}: causes are in the log");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_passed_over() {
    let backup = Upstream::start().await;
    let gone = Upstream::start().await;
    let failover = "[routes.failover]\ntargets = [{ provider = \"backup\", model = \"spare\" }]\nretries = 0\n\n[[keys]]\nname = \"app\"";
    let text = refused(&basic(&gone), &gone.url).replace("\n[[keys]]\nname = \"app\"", failover);
    let server = Server::with(&Place::sqlite(), &(provider("backup", &backup.url, "") + &text)).await;
    let response = server.ask("ann").await;
    assert_eq!((response.status().as_u16(), backup.calls()), (200, 1));
    let entry = server.logged(&header(&response, "x-request-id")).await;
    assert_eq!(entry["attempts"][0]["error"], "provider_unreachable");
}

#[tokio::test]
async fn the_same_target_is_tried_again_as_often_as_the_route_says() {
    let (server, primary, backup) = with_backup(2).await;
    primary.then(Say::error(500, "a")).then(Say::error(502, "b"));
    let response = server.ask("ann").await;
    assert_eq!((header(&response, "x-hypercare-provider"), header(&response, "x-hypercare-attempts")), ("primary".into(), "3".into()));
    assert_eq!((primary.calls(), backup.calls()), (3, 0));
}

#[tokio::test]
async fn a_stream_fails_over_before_its_first_token() {
    let (server, primary, backup) = with_backup(0).await;
    backup.always(Say::streamed(&["from ", "backup"]));
    let stories = [
        ("500", Say::error(500, "boom")),
        ("cut after the role", Say::stream().piece(&role())),
        ("ended after the role", Say::stream().piece(&role()).end()),
        ("stood still after the role", Say::stream().piece(&role()).stall()),
        ("an error as first event", Say::stream().piece(&role()).piece("data: {\"error\":{\"message\":\"overloaded\"}}\n\n").end()),
        ("an event stream without events", Say::stream().piece("<html>not events</html>").end()),
    ];
    for (story, say) in stories {
        primary.then(say);
        let response = server.chat(&hello_streamed()).send().await.expect("answer");
        assert_eq!((response.status().as_u16(), header(&response, "x-hypercare-provider")), (200, "backup".to_owned()), "{story}");
        let body = response.text().await.expect("body");
        assert!(body.contains(&content("backup")) && body.ends_with("data: [DONE]\n\n"), "{story}: {body}");
        assert_eq!(body.matches("\"role\":\"assistant\"").count(), 1, "{story}: nothing of the broken stream: {body}");
    }
}

#[tokio::test]
async fn never_after_the_first_token() {
    let (server, primary, backup) = with_backup(2).await;
    primary.then(Say::stream().piece(&role()).words(&["said"]));
    let body = server.chat(&hello_streamed()).send().await.expect("answer").text().await.expect("body");
    assert!(body.contains(&content("said")) && body.contains("\"error\"") && !body.contains("[DONE]"), "{body}");
    assert_eq!((primary.calls(), backup.calls()), (1, 0));
}

#[tokio::test]
async fn the_providers_verdict_on_the_request_is_handed_on_as_it_is() {
    let (server, primary, backup) = with_backup(2).await;
    for status in [400, 404, 409, 413, 422] {
        let verdict = r#"{"error":{"message":"max_tokens is too large","type":"invalid_request_error","param":"max_tokens","code":"vendor_code"},"x":1}"#;
        primary.then(Say::status(status, "", verdict));
        let before = primary.calls();
        let response = server.ask("ann").await;
        assert_eq!(response.status(), status);
        let id = header(&response, "x-request-id");
        assert_eq!(response.text().await.expect("body"), verdict, "{status}: byte for byte");
        assert_eq!((primary.calls() - before, backup.calls()), (1, 0), "{status} is never tried again");
        let entry = server.logged(&id).await;
        assert_eq!((&entry["status"], &entry["outcome"]), (&json!(status), &json!("error")));
        assert_eq!(server.entries(&id).await, 1);
    }
}

#[tokio::test]
async fn our_own_key_refused_is_never_the_callers_401_and_the_next_key_is_taken() {
    for status in [401, 402, 403] {
        let upstream = Upstream::start().await;
        let text = basic(&upstream).replace("[\"sk-primary-1\"]", "[\"sk-primary-1\", \"sk-primary-2\"]");
        let server = Server::with(&Place::sqlite(), &text).await;
        upstream.then(Say::error(status, "your key sk-primary-1 is bad"));
        let response = server.ask("ann").await;
        assert_eq!(response.status(), 200, "{status}: the second key works");
        let used: Vec<_> = upstream.seen().into_iter().map(|s| s.headers["authorization"].clone()).collect();
        assert_eq!(used, ["Bearer sk-primary-1", "Bearer sk-primary-2"], "{status}");
        upstream.always(Say::error(status, "your key sk-primary-1 is bad"));
        let (answered, body) = json_of(server.ask("ann").await).await;
        assert_eq!((answered, &body["error"]["code"]), (502, &json!("provider_credentials_rejected")));
        assert!(!body.to_string().contains("sk-primary"), "nothing of our key goes out: {body}");
    }
}

#[tokio::test]
async fn a_refused_key_goes_to_the_next_key_whatever_the_route_says_of_failover() {
    // WIRE 13: 401/402/403 and 429 → next key at once; the route's retries are about the same target after a back-off.
    let upstream = Upstream::start().await;
    let text = basic(&upstream).replace("[\"sk-primary-1\"]", "[\"sk-primary-1\", \"sk-primary-2\"]");
    let text = text.replace("\n[[keys]]\nname = \"app\"", "\n[routes.failover]\nretries = 0\n\n[[keys]]\nname = \"app\"");
    let server = Server::with(&Place::sqlite(), &text).await;
    for say in [Say::error(401, "bad"), Say::error(429, "slow down")] {
        upstream.then(say);
        assert_eq!(server.ask("ann").await.status(), 200);
    }
}

#[tokio::test]
async fn a_rate_limit_nobody_can_take_over_is_429_with_the_providers_wait() {
    let upstream = Upstream::start().await;
    for (given, expected) in [("retry-after: 7\r\n", "7"), ("retry-after-ms: 2500\r\n", "3"), ("", "1")] {
        // A server for each: the pause that a provider asks for is kept.
        let server = Server::basic(&Place::sqlite(), &upstream).await;
        upstream.then(Say::status(429, given, "{}"));
        let response = server.ask("ann").await;
        assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (429, expected.to_owned()), "{given}");
        assert_eq!(code_of(response).await.1, "provider_rate_limited");
    }
    let date = "retry-after: Wed, 21 Oct 2099 07:28:00 GMT\r\n";
    upstream.then(Say::status(429, date, "{}"));
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let seconds: u64 = header(&server.ask("ann").await, "retry-after").parse().expect("seconds");
    assert!(seconds > 1_000_000_000, "a date is read too: {seconds}");
}

#[tokio::test]
async fn each_time_limit_has_its_own_code() {
    let upstream = Upstream::start().await;
    let text = basic(&upstream).replace("\n[[keys]]\nname = \"app\"", "\n[routes.failover]\nretries = 0\n\n[[keys]]\nname = \"app\"");
    let server = Server::with(&Place::sqlite(), &text).await;
    upstream.then(Say::hang_up().stall());
    assert_eq!(code_of(server.ask("a").await).await, (504, "provider_first_byte_timeout".to_owned()));
    let head = Say::stream().stall();
    upstream.then(head);
    assert_eq!(code_of(server.ask("a").await).await, (504, "provider_idle_timeout".to_owned()));
}

#[tokio::test]
async fn the_time_limit_of_the_whole_attempt_has_its_own_code() {
    let upstream = Upstream::start().await;
    let text = basic(&upstream).replace("\n[[keys]]\nname = \"app\"", "\n[routes.failover]\nretries = 0\n\n[[keys]]\nname = \"app\"");
    let server = Server::with(&Place::sqlite(), &text.replace("total_ms = 20000", "total_ms = 700")).await;
    // Never idle for long, and still too long in all.
    upstream.then((0..20).fold(Say::stream(), |say, _| say.piece(" ").wait(100)).end());
    let began = Instant::now();
    let (status, code) = code_of(server.ask("a").await).await;
    assert_eq!((status, code.as_str()), (504, "provider_total_timeout"), "CONTRACT `total_ms`, WIRE 9; after {:?}", began.elapsed());
}

#[tokio::test]
async fn nobody_to_connect_to_is_502_provider_unreachable() {
    let gone = Upstream::start().await;
    let server = Server::with(&Place::sqlite(), &refused(&basic(&gone), &gone.url)).await;
    let response = server.ask("ann").await;
    let id = header(&response, "x-request-id");
    assert_eq!(code_of(response).await, (502, "provider_unreachable".to_owned()));
    assert_eq!(server.entries(&id).await, 1);
}

#[tokio::test]
async fn a_full_provider_is_503_with_a_wait_and_frees_its_place_afterwards() {
    let upstream = Upstream::start().await;
    let text = basic(&upstream).replace("total_ms = 20000 }", "total_ms = 20000 }\nmax_in_flight = 1");
    let server = Server::with(&Place::sqlite(), &text).await;
    upstream.then(Say::stream().words(&["on"]).wait(400).piece("data: [DONE]\n\n").end());
    let first = server.chat(&hello_streamed()).send().await.expect("answer");
    let second = server.ask("bob").await;
    assert_eq!(second.status(), 503);
    assert!(header(&second, "retry-after").parse::<u64>().expect("seconds") >= 1);
    assert_eq!(code_of(second).await.1, "provider_busy");
    first.text().await.expect("body");
    assert_eq!(server.ask("bob").await.status(), 200, "the place is free again");
    upstream.then(Say::stream().words(&["on"]).stall());
    drop(server.chat(&hello_streamed()).send().await.expect("answer"));
    eventually("a hung-up stream frees its place", || async { (server.ask("bob").await.status() == 200).then_some(()) }).await;
}

#[tokio::test]
async fn an_open_tap_stays_closed_as_long_as_the_provider_asked() {
    // WIRE 14: a 429 with `retry-after` closes the tap for exactly that long.
    let (server, primary, backup) = with_backup(0).await;
    primary.then(Say::status(429, "retry-after: 2\r\n", "{}"));
    server.ask("ann").await;
    for _ in 0..3 {
        server.ask("ann").await;
    }
    assert_eq!((primary.calls(), backup.calls()), (1, 4), "the limited provider was left alone");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    server.ask("ann").await;
    assert_eq!(primary.calls(), 2, "and is asked again afterwards");
}

#[tokio::test]
async fn a_direct_call_hands_the_failure_on() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.then(Say::error(500, "boom"));
    let (status, body) = json_of(server.chat(&hello("primary/x")).send().await.expect("answer")).await;
    assert_eq!((status, &body["error"]["code"]), (502, &json!("provider_error")));
}

#[tokio::test]
async fn a_dead_target_is_left_alone_tried_by_one_call_and_taken_back() {
    let (server, primary, backup) = with_backup(0).await;
    primary.always(Say::error(500, "dead"));
    for _ in 0..5 {
        assert_eq!(server.ask("ann").await.status(), 200);
    }
    assert_eq!(primary.calls(), 5);
    // Now nobody pays for finding out.
    for _ in 0..20 {
        let response = server.ask("ann").await;
        assert_eq!((response.status().as_u16(), header(&response, "x-hypercare-provider")), (200, "backup".into()));
    }
    assert_eq!((primary.calls(), backup.calls()), (5, 25));
    let entry = server.logged(&header(&server.ask("ann").await, "x-request-id")).await;
    assert_eq!((&entry["attempts"][0]["error"], &entry["attempts"][1]["error"]), (&json!("provider_circuit_open"), &Value::Null));
    let metrics = server.get("/metrics").send().await.expect("an answer").text().await.expect("text");
    assert!(metrics.contains("hypercare_circuit_open{provider=\"primary\",model=\"mock\"} 1\n"), "{metrics}");
    assert!(metrics.contains("hypercare_circuit_open{provider=\"backup\",model=\"spare\"} 0\n"), "{metrics}");
    // After the pause one call finds it well again, and all others follow.
    primary.always(Say::answer("back"));
    eventually("the primary is taken back", || async {
        (header(&server.ask("ann").await, "x-hypercare-provider") == "primary").then_some(())
    })
    .await;
    assert_eq!(header(&server.ask("ann").await, "x-hypercare-provider"), "primary");
}

#[tokio::test]
async fn with_nowhere_else_to_go_the_caller_is_told_when_to_come_back() {
    let primary = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &primary).await;
    primary.always(Say::error(500, "dead"));
    // Each call tries twice; in the middle of the third the breaker opens.
    for _ in 0..3 {
        assert_eq!(code_of(server.ask("ann").await).await, (502, "provider_error".into()));
    }
    let response = server.ask("ann").await;
    assert_eq!(header(&response, "retry-after"), "2");
    assert_eq!(code_of(response).await, (503, "provider_circuit_open".into()));
    assert_eq!(primary.calls(), 5);
    // The provider's verdict on a request is no trouble of the provider's.
    let second = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &second).await;
    second.always(Say::error(400, "wrong"));
    for _ in 0..8 {
        assert_eq!(server.ask("ann").await.status(), 400);
    }
    assert_eq!(second.calls(), 8);
}

#[tokio::test]
async fn a_stand_in_that_cannot_say_it_does_not_hide_what_went_wrong() {
    let (primary, claude) = (Upstream::start().await, Upstream::start().await);
    let failover = "[routes.failover]\ntargets = [{ provider = \"claude\", model = \"spare\" }]\nretries = 0\n\n[[keys]]\nname = \"app\"";
    let text = basic(&primary).replace("\n[[keys]]\nname = \"app\"", failover);
    let stand_in = provider("claude", &claude.url, "").replace("kind = \"openai\"", "kind = \"anthropic\"");
    let server = Server::with(&Place::sqlite(), &(stand_in + &text)).await;
    primary.then(Say::error(500, "boom"));
    let mut body = hello("bot");
    body["logprobs"] = json!(true);
    assert_eq!(code_of(server.chat(&body).send().await.expect("an answer")).await, (502, "provider_error".into()));
    assert_eq!(claude.calls(), 0);
}
