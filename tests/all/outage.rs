//! The database goes away: calls go on, nothing is lost, and nobody is told that it is well.

use crate::support::server::{header, hello, hello_streamed, json_of};
use crate::support::upstream::{finish, role};
use crate::support::{APP, Place, Say, Server, Upstream, eventually, places};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use std::time::{Duration, Instant};

/// A database out of reach until [`Away::back`]: on `PostgreSQL` for everything, on `SQLite` (a file is never far) for writing.
struct Away<'p> {
    place: &'p Place,
    lock: Option<SqliteConnection>,
}

impl<'p> Away<'p> {
    async fn begin(place: &'p Place) -> Self {
        if let Some(postgres) = &place.postgres {
            postgres.take_away().await;
            return Self { place, lock: None };
        }
        let mut lock = SqliteConnection::connect(&place.settings().database_url).await.expect("opens");
        lock.execute("BEGIN EXCLUSIVE").await.expect("locks");
        Self { place, lock: Some(lock) }
    }

    async fn back(self) {
        if let Some(postgres) = &self.place.postgres {
            postgres.bring_back().await;
        }
        if let Some(mut lock) = self.lock {
            lock.execute("ROLLBACK").await.expect("unlocks");
        }
    }
}

async fn readyz(server: &Server) -> Value {
    let (status, body) = json_of(server.request(Method::GET, "/readyz").send().await.expect("answer")).await;
    assert_eq!(status, 200, "a lost database does not make it fail: {body}");
    body
}

async fn call(server: &Server, id: &str) -> Duration {
    let began = Instant::now();
    let response = server.chat(&hello("bot")).header("x-request-id", id).send().await.expect("answer");
    assert_eq!(response.status(), 200, "known keys keep working from the snapshot");
    assert_eq!(header(&response, "x-hypercare-variant"), "control");
    began.elapsed()
}

#[tokio::test]
async fn calls_go_on_into_the_spool_and_come_back() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        call(&server, "before").await;
        server.logged("before").await;
        let away = Away::begin(&place).await;
        for i in 0..5 {
            let took = call(&server, &format!("away-{i}")).await;
            assert!(took < Duration::from_secs(1), "no call waits for the database: {took:?}");
        }
        let ready = eventually("the calls are in the spool", || async {
            let ready = readyz(&server).await;
            (ready["spool_bytes"].as_u64().expect("bytes") > 0).then_some(ready)
        })
        .await;
        assert_eq!(ready["ready"], true);
        if !place.is_sqlite() {
            assert_ne!(ready["database"], "ok", "the body says so: {ready}");
        }
        call(&server, "away-5").await;
        away.back().await;
        for i in 0..6 {
            server.logged(&format!("away-{i}")).await;
        }
        eventually("the spool is empty again", || async { (readyz(&server).await["spool_bytes"] == 0).then_some(()) }).await;
        assert_eq!(readyz(&server).await["database"], "ok");
        let list = server.read("/api/v1/requests").await;
        assert_eq!(list["items"].as_array().expect("items").len(), 7, "each call once");
        eventually("the numbers are whole", || async { (server.read("/api/v1/metrics").await["now"]["requests"] == 7).then_some(()) })
            .await;
    }
}

#[tokio::test]
async fn feedback_that_is_not_on_disk_is_not_acknowledged() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let away = Away::begin(&place).await;
        let post = server.request(Method::POST, "/v1/feedback").bearer_auth(APP).json(&json!({ "request_id": "r", "rating": "up" }));
        let (status, body) = json_of(post.send().await.expect("answer")).await;
        assert!(status >= 500, "{status}: {body}");
        assert!(!body.to_string().to_lowercase().contains("sql"), "the cause goes to the log only: {body}");
        away.back().await;
        assert_eq!(server.read("/api/v1/feedback").await["items"], json!([]));
    }
}

#[tokio::test]
async fn calls_in_the_spool_survive_a_restart() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let away = Away::begin(&place).await;
        call(&server, "spooled").await;
        server.stop().await;
        away.back().await;
        let server = Server::start(place.settings()).await;
        server.logged("spooled").await;
        assert_eq!(server.entries("spooled").await, 1);
    }
}

#[tokio::test]
async fn what_is_answered_while_the_server_stops_is_in_the_log() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        upstream
            .then(Say::stream().piece(&role()).words(&["One"]).wait(300).words(&["two"]).piece(&finish()).piece("data: [DONE]\n\n").end());
        let streamed = server.chat(&hello_streamed()).header("x-request-id", "streamed").send().await.expect("an answer");
        upstream.then(Say::answer("Hello.").late(300));
        let whole = tokio::spawn(server.chat(&hello("bot")).header("x-request-id", "whole").send());
        eventually("the provider has both calls", async || (upstream.calls() == 2).then_some(())).await;
        let ((), text, whole) = tokio::join!(server.stop(), streamed.text(), whole);
        assert!(text.expect("all of it").ends_with("data: [DONE]\n\n"));
        assert_eq!(whole.expect("no panic").expect("an answer").status(), 200);
        let server = Server::start(place.settings()).await;
        for id in ["streamed", "whole"] {
            assert_eq!(server.logged(id).await["outcome"], "ok", "{id}");
        }
    }
}

#[tokio::test]
async fn the_charts_count_calls_that_waited_over_a_restart() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let away = Away::begin(&place).await;
        call(&server, "spooled").await;
        server.stop().await;
        away.back().await;
        let server = Server::start(place.settings()).await;
        server.logged("spooled").await;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(server.read("/api/v1/metrics").await["now"]["requests"], 1, "the log and the chart agree");
    }
}

#[tokio::test]
async fn an_unknown_key_is_503_and_not_401_while_nobody_can_know() {
    // WIRE 16. Only PostgreSQL can be out of reach for reading.
    for place in places().await.into_iter().filter(|p| !p.is_sqlite()) {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let away = Away::begin(&place).await;
        // Long enough for the replica to notice.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let unknown = server.request(Method::POST, "/v1/chat/completions").bearer_auth("made-a-moment-ago-0123456789").json(&hello("bot"));
        let response = unknown.send().await.expect("answer");
        assert_eq!(response.status(), 503);
        assert!(!header(&response, "retry-after").is_empty());
        away.back().await;
        assert_eq!(server.get("/api/v1/routes").send().await.expect("answer").status(), 200);
    }
}

#[tokio::test]
async fn feedback_waits_its_turn_when_another_process_writes_for_a_moment() {
    // `hypercare apply`, `backup` or a second server on the same file: a busy moment is no reason to turn somebody's words away.
    let place = Place::sqlite();
    let upstream = Upstream::start().await;
    let server = Server::basic(&place, &upstream).await;
    let away = Away::begin(&place).await;
    let post = server.request(Method::POST, "/v1/feedback").bearer_auth(APP).json(&json!({ "request_id": "r", "rating": "up" })).send();
    let (response, ()) = tokio::join!(post, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        away.back().await;
    });
    let (status, body) = json_of(response.expect("answer")).await;
    assert_eq!(status, 201, "{body}");
}
