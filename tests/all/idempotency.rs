//! `Idempotency-Key`: a call is made once, whoever asks again.

use crate::support::server::{basic, header, hello, hello_streamed, json_of};
use crate::support::upstream::{content, role};
use crate::support::{Place, Say, Server, Upstream, eventually, places};
use reqwest::Response;
use serde_json::{Value, json};

async fn ask(server: &Server, key: &str, body: &Value) -> Response {
    server.chat(body).header("idempotency-key", key).send().await.expect("an answer")
}

fn replayed(response: &Response) -> bool {
    header(response, "idempotent-replayed") == "true"
}

#[tokio::test]
async fn asked_again_the_stored_answer_comes_also_after_a_restart() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        upstream.then(Say::answer("once"));
        let first = ask(&server, "order-1", &hello("bot")).await;
        assert!(!replayed(&first));
        let id = header(&first, "x-request-id");
        let said = first.text().await.expect("body");
        let again = ask(&server, "order-1", &hello("bot")).await;
        assert!(replayed(&again), "{}: {again:?}", if place.is_sqlite() { "SQLite" } else { "PostgreSQL" });
        assert_eq!(
            (header(&again, "x-request-id"), header(&again, "x-hypercare-provider")),
            (id.clone(), "primary".to_owned()),
            "it is the same call"
        );
        assert_eq!(again.text().await.expect("body"), said);
        server.stop().await;
        let server = Server::start(place.settings()).await;
        let later = ask(&server, "order-1", &hello("bot")).await;
        assert!(replayed(&later));
        assert_eq!((later.text().await.expect("body"), upstream.calls()), (said, 1));
        assert_eq!(server.entries(&id).await, 1, "logged and billed once");
    }
}

#[tokio::test]
async fn while_it_is_under_way_others_join_it() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.always(Say::answer("slow").late(300));
    let body = hello("bot");
    let asked: Vec<Response> = futures_util::future::join_all((0..8).map(|_| ask(&server, "k", &body))).await;
    assert_eq!(asked.iter().filter(|response| replayed(response)).count(), 7);
    let mut said = Vec::new();
    for response in asked {
        assert_eq!(response.status(), 200);
        said.push(response.text().await.expect("body"));
    }
    said.dedup();
    assert_eq!((said.len(), upstream.calls()), (1, 1));
}

#[tokio::test]
async fn a_stream_is_replayed_whole_and_a_cut_one_is_not() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.then(Say::stream().piece(&role()).words(&["cut"]));
    let cut = ask(&server, "s", &hello_streamed()).await.text().await.expect("body");
    assert!(cut.contains("\"error\""), "{cut}");
    upstream.then(Say::streamed(&["whole"]));
    let whole = ask(&server, "s", &hello_streamed()).await;
    assert!(!replayed(&whole), "what was cut is made again");
    let whole = whole.text().await.expect("body");
    let again = eventually("it is kept", || async {
        let again = ask(&server, "s", &hello_streamed()).await;
        replayed(&again).then_some(again)
    })
    .await;
    assert_eq!(header(&again, "content-type"), "text/event-stream");
    let again = again.text().await.expect("body");
    assert!(again == whole && again.contains(&content("whole")) && again.ends_with("data: [DONE]\n\n"), "{again}");
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused_another_key_or_caller_is_another_call() {
    let upstream = Upstream::start().await;
    let other = "\n[[keys]]\nname = \"other\"\nsecret = \"other-key-0123456789-012345678\"\nscopes = [\"gateway\"]\n";
    let server = Server::with(&Place::sqlite(), &(basic(&upstream) + other)).await;
    assert_eq!(ask(&server, "k", &hello("bot")).await.status(), 200);
    let mut changed = hello("bot");
    changed["messages"][0]["content"] = json!("Something else");
    let (status, body) = json_of(ask(&server, "k", &changed).await).await;
    assert_eq!((status, &body["error"]["code"]), (422, &json!("idempotency_key_reused")));
    assert!(!replayed(&ask(&server, "k2", &changed).await));
    let stranger = server.request(reqwest::Method::POST, "/v1/chat/completions").bearer_auth("other-key-0123456789-012345678");
    let stranger = stranger.header("idempotency-key", "k").json(&hello("bot")).send().await.expect("answer");
    assert_eq!((stranger.status().as_u16(), replayed(&stranger)), (200, false), "keys of one caller mean nothing to another");
    assert_eq!(upstream.calls(), 3);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.then(Say::error(400, "no")).then(Say::answer("yes"));
    assert_eq!(ask(&server, "k", &hello("bot")).await.status(), 400);
    let second = ask(&server, "k", &hello("bot")).await;
    assert_eq!((second.status().as_u16(), replayed(&second)), (200, false));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let (status, body) = json_of(ask(&server, &"x".repeat(256), &hello("bot")).await).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("idempotency-key")));
    assert_eq!(upstream.calls(), 0);
}
