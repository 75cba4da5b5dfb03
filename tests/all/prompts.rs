//! Prompts over their life: versions, labels, a second person, the way back, cases, the playground.

use crate::support::server::{basic, header, hello, json_of};
use crate::support::{ADMIN, PASSWORD, Place, Say, Server, Upstream, eventually, places};
use reqwest::{Method, Response};
use serde_json::{Value, json};

async fn staffed(place: &Place, upstream: &Upstream) -> Server {
    let people = ["admin", "product", "annotator", "viewer"]
        .map(|role| format!("\n[[users]]\nemail = \"{role}@example.org\"\nrole = \"{role}\"\npassword = \"{PASSWORD}\"\n"));
    Server::with(place, &(basic(upstream) + &people.concat())).await
}

async fn send(server: &Server, method: Method, path: &str, body: Value) -> (u16, Value) {
    json_of(server.request(method, path).bearer_auth(ADMIN).json(&body).send().await.expect("answer")).await
}

async fn as_person(server: &Server, cookie: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    json_of(server.request(method, path).header("cookie", cookie).json(&body).send().await.expect("answer")).await
}

fn version(text: &str, variables: &Value) -> Value {
    json!({ "note": "n", "messages": [{ "role": "system", "content": text }], "variables": variables })
}

async fn add(server: &Server, prompt: &str, text: &str) -> u64 {
    let (status, made) = send(server, Method::POST, &format!("/api/v1/prompts/{prompt}/versions"), version(text, &json!({}))).await;
    assert_eq!(status, 201, "{made}");
    made["version"].as_u64().expect("a number")
}

async fn point(server: &Server, cookie: &str, label: &str, to: u64) -> (u16, Value) {
    let path = format!("/api/v1/prompts/support/labels/{label}");
    as_person(server, cookie, Method::PUT, &path, json!({ "version": to, "reason": "a story" })).await
}

fn prompt_of(response: &Response) -> String {
    header(response, "x-hypercare-prompt")
}

#[tokio::test]
async fn a_protected_label_moves_when_somebody_else_approves_and_the_way_back_is_open() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let (admin, product) = (server.login("admin@example.org").await, server.login("product@example.org").await);
        assert_eq!(add(&server, "support", "Second.").await, 2);

        // Who may write prompts may not take the protection away.
        let guard = json!({ "protected": ["production"], "gated": false });
        let path = "/api/v1/prompts/support/protection";
        assert_eq!(as_person(&server, &product, Method::PUT, path, guard.clone()).await.0, 403);
        assert_eq!(as_person(&server, &admin, Method::PUT, path, guard).await.0, 200);

        let (status, asked) = point(&server, &product, "production", 2).await;
        assert_eq!((status, &asked["approval"]["state"]), (202, &json!("open")), "{asked}");
        assert_eq!(prompt_of(&server.ask("u").await), "support@1", "nothing has moved");
        let id = asked["approval"]["id"].as_str().expect("id").to_owned();
        let decide = |verdict: &str| format!("/api/v1/approvals/{id}/{verdict}");
        let own = as_person(&server, &product, Method::POST, &decide("approve"), json!({})).await;
        assert_eq!(own.0, 403, "not oneself: {}", own.1);
        assert_eq!(send(&server, Method::POST, &decide("approve"), json!({})).await.0, 403, "not a key");
        let viewer = server.login("viewer@example.org").await;
        assert_eq!(as_person(&server, &viewer, Method::POST, &decide("approve"), json!({})).await.0, 403);

        let (status, approved) = as_person(&server, &admin, Method::POST, &decide("approve"), json!({ "note": "looks good" })).await;
        assert_eq!((status, &approved["state"], &approved["decided_by"]), (200, &json!("approved"), &json!("admin@example.org")));
        assert_eq!(prompt_of(&server.ask("u").await), "support@2", "in force at once");
        assert_eq!(as_person(&server, &admin, Method::POST, &decide("reject"), json!({})).await.0, 409, "decided is decided");

        // Back to what was agreed to before: at once, by one person.
        let back = "/api/v1/prompts/support/labels/production/rollback";
        let (status, moved) = as_person(&server, &product, Method::POST, back, json!({ "reason": "worse" })).await;
        assert_eq!((status, &moved["version"]), (200, &json!(1)));
        assert_eq!(prompt_of(&server.ask("u").await), "support@1");
        let history = server.read("/api/v1/prompts/support/history").await;
        let told: Vec<_> = history["items"].as_array().expect("items").iter().map(|c| (&c["before"], &c["after"])).collect();
        assert_eq!(told[..2], [(&json!(2), &json!(1)), (&json!(1), &json!(2))]);
        let audit = server.read("/api/v1/audit?limit=100").await;
        for action in ["prompts.approval.ask", "prompts.approval.approve", "prompts.label.move", "prompts.prompt.protect"] {
            assert!(audit["items"].as_array().expect("items").iter().any(|e| e["action"] == action), "{action}");
        }
    }
}

#[tokio::test]
async fn a_gated_label_waits_for_the_checks_to_pass() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let admin = server.login("admin@example.org").await;
    add(&server, "support", "Second.").await;
    let guard = json!({ "protected": ["production"], "gated": true });
    assert_eq!(as_person(&server, &admin, Method::PUT, "/api/v1/prompts/support/protection", guard).await.0, 200);
    assert_eq!(point(&server, &admin, "production", 2).await.0, 409, "not run yet");

    let case = json!({ "messages": [{ "role": "user", "content": "Where is my refund?" }], "checks": [{ "kind": "contains", "text": "three days" }] });
    assert_eq!(send(&server, Method::PUT, "/api/v1/prompts/support/cases/refund", case).await.0, 200);
    let on = json!({ "version": 2, "provider": "primary", "model": "mock" });
    upstream.then(Say::answer("Who knows.")).then(Say::answer("In three days."));
    let (status, failed) = send(&server, Method::POST, "/api/v1/prompts/support/runs", on.clone()).await;
    assert_eq!((status, &failed["passed"], &failed["cases"][0]["checks"][0]["ok"]), (201, &json!(false), &json!(false)), "{failed}");
    let (status, why) = point(&server, &admin, "production", 2).await;
    assert_eq!(status, 409, "{why}");
    let (_, passed) = send(&server, Method::POST, "/api/v1/prompts/support/runs", on).await;
    assert_eq!(passed["passed"], true, "{passed}");
    assert_eq!(point(&server, &admin, "production", 2).await.0, 202, "now somebody may approve");
}

#[tokio::test]
async fn what_a_template_may_not_do_is_refused_with_line_and_column() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let declared = json!({ "shop": { "sample": "Acme" } });
    for (text, why) in [
        ("Help {{ shpo }}.", "line 1, column 9: there is no variable `shpo`. Did you mean `shop`?"),
        ("Help\n  {{ shop", "line 2, column"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "loops too long or writes too much"),
        ("{% extends \"a@b\" %}", "line 1, column 4: `extends` cannot be used"),
        ("{% include \"tone@live\" %}", "there is no shared text `tone@live`"),
    ] {
        let (status, refused) = send(&server, Method::POST, "/api/v1/prompts/support/versions", version(text, &declared)).await;
        let told = refused["error"]["fields"].to_string();
        assert!(status == 422 && told.contains(&why.replace('"', "\\\"")), "{text}: {status} {told}");
    }
    assert_eq!(server.read("/api/v1/prompts/support").await["versions"].as_array().expect("versions").len(), 1, "nothing was saved");
}

#[tokio::test]
async fn declared_variables_are_strict_and_values_never_become_code() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let strict = version("Help {{ shop }} {{ count + 1 }} times.", &json!({ "shop": {}, "count": { "type": "number", "default": 2 } }));
        assert_eq!(send(&server, Method::POST, "/api/v1/prompts/support/versions", strict).await.0, 201);
        assert_eq!(send(&server, Method::PUT, "/api/v1/prompts/support/labels/production", json!({ "version": 2 })).await.0, 200);
        let ask = |variables: Value| {
            let call = server.chat(&hello("bot")).header("x-hypercare-prompt-variables", variables.to_string());
            async move { call.send().await.expect("answer") }
        };
        let (status, refused) = json_of(ask(json!({})).await).await;
        assert_eq!((status, &refused["error"]["param"]), (400, &json!("prompt_variables.shop")), "{refused}");
        let (status, refused) = json_of(ask(json!({ "shop": "Acme", "count": "two" })).await).await;
        assert_eq!((status, &refused["error"]["param"]), (400, &json!("prompt_variables.count")), "{refused}");
        upstream.always(Say::answer("ok"));
        assert_eq!(ask(json!({ "shop": "{{ count }}{% include 'x@y' %}" })).await.status(), 200);
        let seen = upstream.last().body();
        assert_eq!(seen["messages"][0]["content"], "Help {{ count }}{% include 'x@y' %} 3 times.");
    }
}

#[tokio::test]
async fn a_shared_text_reaches_every_prompt_that_includes_it_as_soon_as_its_label_moves() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        upstream.always(Say::answer("ok"));
        add(&server, "tone", "Be kind.").await;
        assert_eq!(send(&server, Method::PUT, "/api/v1/prompts/tone/labels/live", json!({ "version": 1 })).await.0, 200);
        add(&server, "support", "You help. {% include \"tone@live\" %}").await;
        assert_eq!(send(&server, Method::PUT, "/api/v1/prompts/support/labels/production", json!({ "version": 2 })).await.0, 200);
        server.ask("u").await;
        assert_eq!(upstream.last().body()["messages"][0]["content"], "You help. Be kind.");
        add(&server, "tone", "Be brief.").await;
        assert_eq!(send(&server, Method::PUT, "/api/v1/prompts/tone/labels/live", json!({ "version": 2 })).await.0, 200);
        server.ask("u").await;
        assert_eq!(upstream.last().body()["messages"][0]["content"], "You help. Be brief.");
        // A circle is refused where it would close.
        let circle = version("{% include \"support@production\" %}", &json!({}));
        let (status, why) = send(&server, Method::POST, "/api/v1/prompts/tone/versions", circle).await;
        assert!(status == 422 && why.to_string().contains("includes itself"), "{why}");
    }
}

#[tokio::test]
async fn the_playground_goes_through_the_gateway_and_says_so_in_the_log() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        upstream.then(Say::answer("Tried."));
        let asked = json!({ "prompt": "support", "version": 1, "provider": "primary", "model": "mock",
            "messages": [{ "role": "user", "content": "Hi" }], "variables": { "shop": "Lamps" },
            "checks": [{ "kind": "contains", "text": "tried" }] });
        let (status, tried) = send(&server, Method::POST, "/api/v1/playground", asked.clone()).await;
        assert_eq!((status, &tried["text"], &tried["checks"][0]["ok"]), (200, &json!("Tried."), &json!(true)), "{tried}");
        assert_eq!(upstream.last().body()["messages"][0]["content"], "You help customers of Lamps.");
        let entry = server.logged(tried["request"].as_str().expect("an id")).await;
        assert_eq!(
            (&entry["endpoint"], &entry["prompt"], &entry["model"]),
            (&json!("playground.chat.completions"), &json!("support@1"), &json!("mock"))
        );
        let draft = json!({ "prompt": "support", "draft": { "messages": [{ "role": "system", "content": "Draft." }] }, "provider": "primary",
            "model": "mock", "messages": [{ "role": "user", "content": "Hi" }], "stream": true });
        upstream.then(Say::streamed(&["in", " words"]));
        let response = server.request(Method::POST, "/api/v1/playground").bearer_auth(ADMIN).json(&draft).send().await.expect("answer");
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        let text = response.text().await.expect("body");
        assert!(text.contains("words") && text.trim_end().ends_with("[DONE]"), "{text}");
        assert_eq!(upstream.last().body()["messages"][0]["content"], "Draft.");
        for cookie in [server.login("viewer@example.org").await, server.login("annotator@example.org").await] {
            assert_eq!(as_person(&server, &cookie, Method::POST, "/api/v1/playground", asked.clone()).await.0, 403, "it costs money");
        }
        let now = eventually("the call counts", || async {
            let metrics = server.read("/api/v1/metrics?range=1h").await;
            (metrics["now"]["cost"].as_i64() > Some(0)).then(|| metrics["now"].clone())
        })
        .await;
        assert_eq!(now["requests"], 0, "no user asked anything");
    }
}

#[tokio::test]
async fn a_logged_call_becomes_a_case() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let id = header(&server.ask("u").await, "x-request-id");
    server.logged(&id).await;
    let product = server.login("product@example.org").await;
    let actor = hypercare::identity::Actor::Operator;
    let request = hypercare::types::Id::from_text(id);
    let case = hypercare::prompts::service::cases::save_request(&server.app, &actor, "support", "", &request).await.expect("saved");
    assert_eq!((case.name.as_str(), case.content.asks().as_str()), ("Hello?", "Hello?"));
    let (status, cases) = as_person(&server, &product, Method::GET, "/api/v1/prompts/support/cases", Value::Null).await;
    assert_eq!((status, &cases["items"][0]["name"]), (200, &json!("Hello?")));
}
