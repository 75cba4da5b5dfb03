//! From a complaint to the proof that it is gone: themes, issues, causes, fixes, and who is told.

use crate::support::server::{basic, header, json_of};
use crate::support::{ADMIN, APP, PASSWORD, Place, Server, Upstream, eventually, places};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

async fn send(server: &Server, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = server.request(method, &format!("/api/v1/{path}")).bearer_auth(ADMIN);
    json_of(if body.is_null() { request } else { request.json(&body) }.send().await.expect("answer")).await
}

async fn expect(server: &Server, method: Method, path: &str, body: Value) -> Value {
    let (status, answer) = send(server, method, path, body).await;
    assert!((200..300).contains(&status), "{path} → {status}: {answer}");
    answer
}

/// A call of a user, and what they say of it. Gives the id of what they said.
async fn call(server: &Server, user: &str, comment: Option<&str>) -> Option<String> {
    let answer = server.ask(user).await;
    assert_eq!(answer.status(), 200);
    let comment = comment?;
    let body = json!({ "request_id": header(&answer, "x-request-id"), "rating": "down", "comment": comment, "user": user });
    let post = server.request(Method::POST, "/v1/feedback").bearer_auth(APP).json(&body);
    let (status, stored) = json_of(post.send().await.expect("answer")).await;
    assert_eq!(status, 201, "{stored}");
    stored["id"].as_str().map(str::to_owned)
}

const FORGETS: [&str; 6] = [
    "It forgot my order number again",
    "You forgot the order number I gave you",
    "The assistant forgot my order number",
    "Why did it forget my order number?",
    "forgot order number, had to repeat it",
    "My order number was forgotten after two messages",
];

#[tokio::test]
async fn a_complaint_becomes_a_theme_an_issue_a_fix_and_a_proof() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let mut first = None;
        for i in 0..30 {
            let said = call(&server, &format!("u{i}"), FORGETS.get(i).copied()).await;
            first = first.or(said);
        }
        let id = first.expect("feedback");
        expect(&server, Method::POST, "themes/refresh", json!({})).await;
        let theme = eventually("its calls are in the log", || async {
            let theme = server.read("/api/v1/themes").await["items"][0].clone();
            (theme["versions"][0]["count"] == 6).then_some(theme)
        })
        .await;
        assert_eq!(theme["count"], 6, "{theme}");
        assert!(theme["name"].as_str().expect("a name").to_lowercase().contains("order number"), "{theme}");
        assert_eq!(theme["versions"], json!([{ "name": "support@1", "count": 6 }]), "{theme}");

        let proposal = expect(&server, Method::POST, "issues/proposal", json!({ "theme": theme["id"] })).await;
        assert_eq!(proposal["metric"]["measure"], "theme", "{proposal}");
        let issue = expect(&server, Method::POST, "issues", json!({ "theme": theme["id"] })).await;
        assert_eq!((&issue["number"], &issue["feedback"], &issue["state"]), (&json!(1), &json!(6), &json!("open")), "{issue}");
        let late = call(&server, "u30", Some("And again it forgot my order number")).await.expect("feedback");
        expect(&server, Method::POST, "themes/refresh", json!({})).await;
        eventually("what joins the theme joins its issue, and is still to be decided about", || async {
            let said = server.read(&format!("/api/v1/feedback/{late}")).await;
            (said["issue"] == issue["id"] && said["state"] == "new").then_some(())
        })
        .await;
        let cause =
            json!({ "what": "The prompt says nothing of earlier messages.", "whys": ["Nobody tested long talks."], "class": "prompt" });
        expect(&server, Method::PATCH, "issues/1", json!({ "state": "investigating", "cause": cause })).await;
        assert_eq!(
            send(&server, Method::PATCH, "issues/1", json!({ "fix": { "kind": "prompt_version", "what": "support@2" } })).await.0,
            422,
            "no such version yet"
        );
        let version = json!({ "note": "Remembers", "messages": [{ "role": "system", "content": "Use what was said before." }] });
        expect(&server, Method::POST, "prompts/support/versions", version).await;
        expect(&server, Method::PUT, "prompts/support/labels/production", json!({ "version": 2, "reason": "issue 1" })).await;
        let fixed = expect(&server, Method::PATCH, "issues/1", json!({ "fix": { "kind": "prompt_version", "what": "support@2" } })).await;
        assert_eq!(fixed["state"], "monitoring", "{fixed}");
        for i in 0..40 {
            call(&server, &format!("v{i}"), None).await;
        }
        let verified = eventually("the numbers say that it is better", || async {
            let issue = server.read("/api/v1/issues/1").await;
            (issue["verdict"]["outcome"] == "better").then_some(issue)
        })
        .await;
        assert_eq!(verified["verdict"]["before"], json!({ "hits": 7, "of": 31 }), "{verified}");
        assert_eq!(verified["verdict"]["after"], json!({ "hits": 0, "of": 40 }), "{verified}");
        // Newcombe's hybrid score interval (method 10 of his 1998 paper) for 0/40 − 7/31, computed from the formula elsewhere.
        let interval = verified["verdict"]["difference"]["interval"].as_array().expect("an interval").clone();
        let near = |value: &Value, to: f64| (value.as_f64().expect("a number") - to).abs() < 1e-5;
        assert!(near(&interval[0], -0.398_124) && near(&interval[1], -0.083_718), "{interval:?}");

        let path = format!("/v1/feedback/{id}");
        let status = async || json_of(server.request(Method::GET, &path).bearer_auth(APP).send().await.expect("answer")).await;
        let (code, before) = status().await;
        assert_eq!(code, 200, "{before}");
        expect(&server, Method::PATCH, "issues/1", json!({ "state": "closed" })).await;
        let (_, after) = status().await;
        assert_ne!(before["status"], after["status"], "its reporter is told: {before} {after}");
        let timeline = server.read("/api/v1/issues/1").await["timeline"].clone();
        let kinds: Vec<_> = timeline.as_array().expect("a timeline").iter().map(|e| e["kind"].as_str().expect("a kind")).collect();
        for kind in ["created", "changed", "verdict", "told"] {
            assert!(kinds.contains(&kind), "{kind}: {timeline}");
        }
        for i in 0..30 {
            call(&server, &format!("w{i}"), FORGETS.get(i % 12).copied()).await;
        }
        expect(&server, Method::POST, "themes/refresh", json!({})).await;
        let again = eventually("it is opened again", || async {
            let issue = server.read("/api/v1/issues/1").await;
            (issue["state"] == "open").then_some(issue)
        })
        .await;
        assert!(again["timeline"].to_string().contains("It came back"), "{again}");
    }
}

/// A receiver of webhooks that refuses as often as it is told.
async fn receiver(refusals: usize) -> (String, Arc<Mutex<Vec<(HeaderMap, Bytes)>>>) {
    let got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
    let keep = got.clone();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let mut got = keep.lock().expect("nobody panics");
        got.push((headers, body));
        if got.len() <= refusals { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", axum::routing::post(take))).await });
    (url, got)
}

#[tokio::test]
async fn news_go_out_signed_and_are_tried_again_with_the_same_id() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let (url, got) = receiver(1).await;
        let events = json!(["issue.created"]);
        let refused = send(&server, Method::PUT, "channels/ops", json!({ "url": url, "events": events })).await;
        assert_eq!(refused.0, 422, "an address of one's own network must be allowed: {refused:?}");
        let made = expect(&server, Method::PUT, "channels/ops", json!({ "url": url, "allow_private": true, "events": events })).await;
        let secret = made["secret"].as_str().expect("a new channel's secret, once").to_owned();
        assert!(!server.read("/api/v1/channels").await.to_string().contains(&secret));
        expect(&server, Method::POST, "issues", json!({ "title": "It is slow" })).await;
        let both = eventually("the second try", || async {
            let got = got.lock().expect("nobody panics").clone();
            (got.len() == 2).then_some(got)
        })
        .await;
        let text = |headers: &HeaderMap, name: &str| headers[name].to_str().expect("text").to_owned();
        let id = |(headers, _): &(HeaderMap, Bytes)| text(headers, "webhook-id");
        assert_eq!(id(&both[0]), id(&both[1]));
        for (headers, body) in &both {
            let key = BASE64_STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
            let mut content = format!("{}.{}.", text(headers, "webhook-id"), text(headers, "webhook-timestamp")).into_bytes();
            content.extend_from_slice(body);
            let mac = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), &content);
            assert_eq!(text(headers, "webhook-signature"), format!("v1,{}", BASE64_STANDARD.encode(mac)));
            let body: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!((&body["type"], &body["data"]["title"]), (&json!("issue.created"), &json!("It is slow")), "{body}");
        }
        let delivered = eventually("it is written down", || async {
            let list = server.read("/api/v1/channels/ops/deliveries").await;
            list["items"][0]["delivered_at"].is_string().then_some(list)
        })
        .await;
        assert_eq!(delivered["items"][0]["attempts"], 2, "{delivered}");
    }
}

#[tokio::test]
async fn known_problems_are_public_and_stay_so_without_the_database() {
    let upstream = Upstream::start().await;
    for place in places().await.into_iter().filter(|place| !place.is_sqlite()) {
        let server = Server::basic(&place, &upstream).await;
        expect(&server, Method::POST, "issues", json!({ "title": "Internal words", "description": "secret" })).await;
        let status = async || json_of(server.request(Method::GET, "/v1/status").send().await.expect("answer")).await;
        assert_eq!(status().await.1["items"], json!([]), "nothing is public by itself");
        let public = json!({ "title": "Answers forget order numbers", "workaround": "Repeat the number." });
        expect(&server, Method::PATCH, "issues/1", json!({ "public": public })).await;
        let (_, page) = status().await;
        assert_eq!(page["items"][0]["title"], "Answers forget order numbers");
        assert!(!page.to_string().contains("secret") && !page.to_string().contains("Internal"), "{page}");
        let postgres = place.postgres.as_ref().expect("a server");
        postgres.take_away().await;
        let (code, page) = status().await;
        assert_eq!((code, &page["items"][0]["workaround"]), (200, &json!("Repeat the number.")));
        postgres.bring_back().await;
    }
}

#[tokio::test]
async fn a_change_somebody_else_made_meanwhile_is_not_written_over() {
    let upstream = Upstream::start().await;
    let people = format!("\n[[users]]\nemail = \"eve@example.org\"\nrole = \"viewer\"\npassword = \"{PASSWORD}\"\n");
    let server = Server::with(&Place::sqlite(), &(basic(&upstream) + &people)).await;
    let issue = expect(&server, Method::POST, "issues", json!({ "title": "One" })).await;
    let seen = issue["revision"].clone();
    expect(&server, Method::PATCH, "issues/1", json!({ "revision": seen, "severity": "high" })).await;
    let (status, stale) = send(&server, Method::PATCH, "issues/1", json!({ "revision": seen, "severity": "low" })).await;
    assert_eq!(status, 409, "{stale}");
    assert_eq!(server.read("/api/v1/issues/1").await["severity"], "high");
    let eve = server.login("eve@example.org").await;
    let patch = server.request(Method::PATCH, "/api/v1/issues/1").header("cookie", &eve).json(&json!({ "severity": "low" }));
    assert_eq!(patch.send().await.expect("answer").status(), 403);
    for (body, field) in [
        (json!({ "title": "" }), "title"),
        (json!({ "state": "sleeping" }), "sleeping"),
        (json!({ "fix": { "kind": "route_change", "what": "nowhere" } }), "fix.what"),
        (json!({ "external_url": "javascript:alert(1)" }), "external_url"),
        (json!({ "owner": "nobody@example.org" }), "owner"),
    ] {
        let (status, answer) = send(&server, Method::PATCH, "issues/1", body).await;
        assert_eq!(status, 422, "{answer}");
        assert!(answer["error"]["fields"].get(field).is_some(), "{field}: {answer}");
    }
}

/// A notification in the format of Alertmanager's documentation (version 4).
fn notification(status: &str, starts_at: &str, severity: &str) -> Value {
    json!({
        "version": "4", "groupKey": "{}:{alertname=\"HighErrorRate\"}", "truncatedAlerts": 0, "status": status, "receiver": "hypercare",
        "groupLabels": { "alertname": "HighErrorRate" }, "commonLabels": { "alertname": "HighErrorRate" }, "commonAnnotations": {},
        "externalURL": "https://alerts.example.org",
        "alerts": [{
            "status": status, "labels": { "alertname": "HighErrorRate", "severity": severity, "route": "support" },
            "annotations": { "summary": "One call in ten fails", "description": "10.2 % of calls failed over 5 minutes." },
            "startsAt": starts_at, "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.org/graph?g0.expr=errors", "fingerprint": "c8b3a1f0d2e49a77"
        }]
    })
}

#[tokio::test]
async fn an_alert_of_another_system_makes_one_issue_and_opens_it_again() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let tell = async |key: &str, body: Value| {
            json_of(server.request(Method::POST, "/v1/alerts").bearer_auth(key).json(&body).send().await.expect("answer")).await
        };
        let reader = expect(&server, Method::POST, "keys", json!({ "name": "reader", "scopes": ["read"] })).await["secret"]
            .as_str()
            .expect("a secret")
            .to_owned();
        let (early, late) = ("2026-01-05T03:00:00Z", "2100-01-01T00:00:00Z");

        assert_eq!(tell("no-such-key", notification("firing", early, "critical")).await.0, 401);
        assert_eq!(tell(&reader, notification("firing", early, "critical")).await.0, 403);
        let mut nameless = notification("firing", early, "critical");
        nameless["alerts"][0]["annotations"]["description"] = json!("x".repeat(20_001));
        let (status, refused) = tell(APP, nameless).await;
        assert_eq!(status, 422, "{refused}");
        assert!(refused["error"]["fields"]["alerts[0].annotations.description"].is_string(), "{refused}");

        assert_eq!(tell(APP, notification("resolved", early, "critical")).await, (200, json!({ "issues": [] })), "nothing is known of it");
        assert_eq!(tell(APP, notification("firing", early, "critical")).await, (200, json!({ "issues": [1] })));
        assert_eq!(tell(APP, notification("firing", early, "critical")).await, (200, json!({ "issues": [1] })), "repeated every few hours");
        let issue = server.read("/api/v1/issues/1").await;
        for (field, value) in [
            ("title", json!("One call in ten fails")),
            ("description", json!("10.2 % of calls failed over 5 minutes.")),
            ("severity", json!("critical")),
            ("started_at", json!(early.replace('Z', ".000000Z"))),
            ("created_by", json!("key:app")),
            ("metric", json!({ "measure": "errors", "category": null, "route": "support", "variant": null })),
        ] {
            assert_eq!(issue[field], value, "{field}: {issue}");
        }
        let evidence = issue["timeline"].as_array().expect("a timeline").iter().find(|event| event["kind"] == "alert").cloned();
        assert_eq!(evidence.expect("where it comes from")["link"], "https://prometheus.example.org/graph?g0.expr=errors");

        for _ in 0..2 {
            tell(APP, notification("resolved", early, "critical")).await;
        }
        let timeline = server.read("/api/v1/issues/1").await["timeline"].clone();
        let quiet =
            timeline.as_array().expect("a timeline").iter().filter(|e| e["words"].as_str().is_some_and(|w| w.contains("no longer")));
        assert_eq!(quiet.count(), 1, "told twice, written once: {timeline}");
        expect(&server, Method::PATCH, "issues/1", json!({ "state": "closed" })).await;
        tell(APP, notification("firing", early, "critical")).await;
        assert_eq!(server.read("/api/v1/issues/1").await["state"], "closed", "a repetition of what was closed opens nothing");
        assert_eq!(tell(APP, notification("firing", late, "critical")).await, (200, json!({ "issues": [1] })));
        assert_eq!(server.read("/api/v1/issues/1").await["state"], "open");
    }
}
