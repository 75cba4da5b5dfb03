//! Deciding about feedback: one at a time and many, two people at once, and back again.

use crate::support::server::{basic, header, json_of};
use crate::support::{ADMIN, APP, PASSWORD, Place, Server, Upstream, places};
use reqwest::Method;
use serde_json::{Value, json};

const PEOPLE: [(&str, &str); 3] = [("ann", "product"), ("bob", "product"), ("eve", "viewer")];

async fn staffed(place: &Place, upstream: &Upstream) -> Server {
    let people =
        PEOPLE.map(|(name, role)| format!("\n[[users]]\nemail = \"{name}@example.org\"\nrole = \"{role}\"\npassword = \"{PASSWORD}\"\n"));
    Server::with(place, &(basic(upstream) + &people.concat())).await
}

async fn said(server: &Server, user: &str, comment: &str) -> String {
    let body = json!({ "request_id": format!("r-{user}"), "rating": "down", "comment": comment, "user": user });
    let post = server.request(Method::POST, "/v1/feedback").bearer_auth(APP).json(&body);
    let (status, stored) = json_of(post.send().await.expect("answer")).await;
    assert_eq!(status, 201, "{stored}");
    stored["id"].as_str().expect("an id").to_owned()
}

async fn post(server: &Server, cookie: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = server.request(Method::POST, &format!("/api/v1/{path}")).header("cookie", cookie).json(body);
    json_of(request.send().await.expect("answer")).await
}

async fn piece(server: &Server, id: &str) -> Value {
    server.read(&format!("/api/v1/feedback/{id}")).await
}

#[tokio::test]
async fn two_people_decide_about_the_same_and_neither_decision_is_lost() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let (ann, bob) = (server.login("ann@example.org").await, server.login("bob@example.org").await);
        let id = said(&server, "u1", "It forgot my order number").await;
        let seen = piece(&server, &id).await["revision"].clone();
        let decide = |set: Value| json!({ "ids": [id], "set": set, "seen": { id.clone(): seen } });
        let (status, done) = post(&server, &ann, "feedback/triage", &decide(json!({ "severity": "high" }))).await;
        assert_eq!(status, 200, "{done}");
        let (status, done) = post(&server, &bob, "feedback/triage", &decide(json!({ "assignee": "me" }))).await;
        assert_eq!(status, 200, "another field of the same: both hold: {done}");
        let (status, clash) = post(&server, &bob, "feedback/triage", &decide(json!({ "severity": "low" }))).await;
        assert_eq!((status, &clash["done"]), (200, &json!([])), "{clash}");
        assert_eq!(clash["clashes"][0]["by"], "ann@example.org", "it says who was first: {clash}");
        let now = piece(&server, &id).await;
        assert_eq!((&now["severity"], &now["assignee"]), (&json!("high"), &json!("bob@example.org")));
        let fresh = json!({ "ids": [id], "set": { "severity": "low" }, "seen": { id.clone(): now["revision"] } });
        assert_eq!(post(&server, &bob, "feedback/triage", &fresh).await.0, 200, "whoever saw it may decide otherwise");
        let history = server.read(&format!("/api/v1/feedback/{id}/history")).await;
        let by: Vec<_> = history["items"].as_array().expect("items").iter().map(|d| d["actor"].as_str().expect("who")).collect();
        assert_eq!(by.iter().filter(|who| **who == "bob@example.org").count(), 2, "{history}");
        assert_eq!(by.iter().filter(|who| **who == "ann@example.org").count(), 1, "{history}");
    }
}

#[tokio::test]
async fn many_are_decided_about_at_once_and_taken_back_at_once() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let (ann, eve) = (server.login("ann@example.org").await, server.login("eve@example.org").await);
        let mut ids = Vec::new();
        for i in 0..20 {
            ids.push(said(&server, &format!("u{i}"), "Too slow for me today").await);
        }
        let (status, done) = post(&server, &ann, "feedback/triage", &json!({ "ids": ids, "set": { "state": "done" } })).await;
        assert_eq!((status, done["done"].as_array().map(Vec::len)), (200, Some(20)));
        assert_eq!(server.read("/api/v1/feedback?state=new").await["items"], json!([]));
        assert_eq!(post(&server, &eve, "feedback/triage", &json!({ "ids": ids, "set": { "state": "new" } })).await.0, 403);
        let (status, back) = post(&server, &ann, "feedback/undo", &json!({})).await;
        assert_eq!((status, back["done"].as_array().map(Vec::len)), (200, Some(20)), "{back}");
        assert_eq!(server.read("/api/v1/feedback?state=new").await["items"].as_array().map(Vec::len), Some(20));
        for (body, field) in [
            (json!({ "ids": [], "set": { "state": "done" } }), "ids"),
            (json!({ "ids": ids, "set": {} }), "set"),
            (json!({ "ids": ids, "set": { "assignee": "eve@example.org" } }), "assignee"),
            (json!({ "ids": ids, "set": { "colour": "red" } }), "colour"),
        ] {
            let (status, answer) = post(&server, &ann, "feedback/triage", &body).await;
            assert_eq!(status, 422, "{answer}");
            assert!(answer["error"]["fields"].get(field).is_some(), "{field}: {answer}");
        }
    }
}

#[tokio::test]
async fn filters_are_kept_under_a_name_for_oneself_or_everybody() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let (ann, bob) = (server.login("ann@example.org").await, server.login("bob@example.org").await);
        let view = |name: &str, shared: bool| json!({ "name": name, "query": "rating=down&state=new", "shared": shared });
        let (status, own) = post(&server, &ann, "feedback/views", &view("Mine", false)).await;
        assert_eq!(status, 201, "{own}");
        assert_eq!(post(&server, &ann, "feedback/views", &view("Launch week", true)).await.0, 201);
        let names = async |cookie: &str| {
            let request = server.request(Method::GET, "/api/v1/feedback/views").header("cookie", cookie);
            let items = json_of(request.send().await.expect("answer")).await.1["items"].clone();
            let mut names: Vec<String> =
                items.as_array().expect("items").iter().map(|v| v["name"].as_str().expect("name").to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&ann).await, ["Launch week", "Mine"]);
        assert_eq!(names(&bob).await, ["Launch week"]);
        let path = format!("/api/v1/feedback/views/{}", own["id"].as_str().expect("id"));
        let delete = |cookie: &str| server.request(Method::DELETE, &path).header("cookie", cookie).send();
        assert!(matches!(delete(&bob).await.expect("answer").status().as_u16(), 403 | 404), "another person's");
        assert_eq!(delete(&ann).await.expect("answer").status(), 204);
    }
}

#[tokio::test]
async fn what_is_reported_as_harmful_is_read_by_the_safety_team_alone() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let answer = server.ask("ann").await;
        let (token, request) = (header(&answer, "x-hypercare-feedback-token"), header(&answer, "x-request-id"));
        server.logged(&request).await;
        let report =
            json!({ "token": token, "flag": "harmful", "comment": "It told me to do harm", "user": "u9", "metadata": { "who": "u9" } });
        let (status, stored) = json_of(server.feedback(&report).await).await;
        assert_eq!(status, 201, "{stored}");
        let eve = server.login("eve@example.org").await;
        let as_eve =
            async |path: String| json_of(server.request(Method::GET, &path).header("cookie", &eve).send().await.expect("answer")).await.1;
        let list = as_eve("/api/v1/feedback".to_owned()).await;
        assert_eq!((&list["items"][0]["restricted"], &list["items"][0]["comment"]), (&json!(true), &Value::Null), "{list}");
        let one = as_eve(format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"))).await;
        let call = as_eve(format!("/api/v1/requests/{request}")).await;
        let calls = as_eve("/api/v1/requests".to_owned()).await;
        for (what, body) in [("one", &one), ("list", &list), ("call", &call), ("calls", &calls)] {
            assert!(!body.to_string().contains("do harm") && !body.to_string().contains("u9"), "{what}: {body}");
        }
        assert_eq!((&call["restricted"], &call["request_body"], &call["response_text"]), (&json!(true), &Value::Null, &Value::Null));
        assert_eq!((&calls["items"][0]["restricted"], &calls["items"][0]["preview"]), (&json!(true), &Value::Null));
        let search = as_eve("/api/v1/feedback?q=harm".to_owned()).await;
        assert_eq!(search["items"], json!([]), "nor can it be guessed by searching: {search}");
        let people = server.read("/api/v1/users").await;
        let id = people["items"].as_array().expect("items").iter().find(|p| p["email"] == "eve@example.org").expect("eve")["id"].clone();
        let set = server.request(Method::PUT, &format!("/api/v1/users/{}/safety", id.as_str().expect("id")));
        assert!(set.bearer_auth(ADMIN).json(&json!({ "safety": true })).send().await.expect("answer").status().is_success());
        let one = as_eve(format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"))).await;
        assert_eq!(one["comment"], "It told me to do harm");
        let metrics = server.get("/metrics").send().await.expect("answer").text().await.expect("text");
        assert!(metrics.contains("hypercare_safety_flags_total{kind=\"harmful\"} 1"), "{metrics}");
    }
}

#[tokio::test]
async fn one_sender_cannot_flood_and_others_are_not_held() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let mut statuses = Vec::new();
    for _ in 0..300 {
        statuses.push(server.feedback(&json!({ "token": "x", "rating": "up" })).await.status().as_u16());
    }
    assert_eq!(statuses[..200].iter().filter(|s| **s == 401).count(), 200, "a burst is taken");
    let held = server.feedback(&json!({ "token": "x", "rating": "up" })).await;
    if held.status() == 429 {
        assert!(header(&held, "retry-after").parse::<u64>().is_ok());
        assert_eq!(header(&held, "access-control-allow-origin"), "*", "a browser must be able to read it");
    }
    assert!(statuses.contains(&429), "then it is held");
    said(&server, "u1", "By key it goes on").await;
}

#[tokio::test]
async fn praise_without_a_word_waits_for_nobody_until_it_becomes_a_complaint() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let answer = server.ask("pat").await;
        let token = header(&answer, "x-hypercare-feedback-token");
        let say = async |more: Value| {
            let mut body = json!({ "token": token, "user": "pat" });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let (status, stored) = json_of(server.request(Method::POST, "/v1/feedback").json(&body).send().await.expect("answer")).await;
            assert!(status == 200 || status == 201, "{stored}");
            stored["id"].as_str().expect("an id").to_owned()
        };
        let id = say(json!({ "rating": "up" })).await;
        assert_eq!(piece(&server, &id).await["state"], "done", "a thumb up asks for no decision");
        assert_eq!(say(json!({ "rating": "down", "comment": "On second thoughts, the price is wrong." })).await, id);
        assert_eq!(piece(&server, &id).await["state"], "new");
    }
}
