//! The control plane: who may do what, and what is written down about it.

use crate::support::server::{basic, header, hello, json_of};
use crate::support::{ADMIN, APP, PASSWORD, Place, Server, Upstream, places};
use hypercare::identity::Actor;
use hypercare::identity::model::Role;
use hypercare::types::Id;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ROLES: [&str; 4] = ["admin", "product", "annotator", "viewer"];

fn people() -> String {
    ROLES.map(|role| format!("\n[[users]]\nemail = \"{role}@example.org\"\nrole = \"{role}\"\npassword = \"{PASSWORD}\"\n")).concat()
}

async fn staffed(place: &Place, upstream: &Upstream) -> Server {
    let arm =
        "[[routes.variants]]\nname = \"candidate\"\nweight = 0\nprovider = \"primary\"\nmodel = \"mock-b\"\n\n[[keys]]\nname = \"app\"";
    let text = basic(upstream).replace("[[keys]]\nname = \"app\"", arm) + &people();
    Server::with(place, &text).await
}

async fn split(server: &Server, weights: Value, if_match: Option<&str>) -> reqwest::Response {
    let request = server
        .request(Method::PUT, "/api/v1/routes/bot/split")
        .bearer_auth(ADMIN)
        .json(&json!({ "weights": weights, "reason": "a story" }));
    let request = if let Some(tag) = if_match { request.header("if-match", tag) } else { request };
    request.send().await.expect("answer")
}

#[tokio::test]
async fn who_signs_in_gets_a_cookie_scripts_cannot_read() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let response = server.try_login("  Admin@Example.org ", PASSWORD).await;
        assert_eq!(response.status(), 200);
        let cookie = header(&response, "set-cookie");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!response.text().await.expect("body").contains("argon2"), "no hash goes out");
        let pair = cookie.split(';').next().expect("pair");
        let me = server.request(Method::GET, "/api/v1/me").header("cookie", pair).send().await.expect("answer");
        assert_eq!(json_of(me).await.1["email"], "admin@example.org");
        let forged = server.request(Method::GET, "/api/v1/me").header("cookie", format!("{pair}x")).send().await.expect("answer");
        assert_eq!(forged.status(), 401);
    }
}

#[tokio::test]
async fn five_wrong_passwords_close_the_door_also_for_the_right_one() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let unknown = json_of(server.try_login("nobody@example.org", "wrong password").await).await;
    for _ in 0..5 {
        let wrong = json_of(server.try_login("admin@example.org", "wrong password").await).await;
        assert_eq!(wrong, unknown, "nobody learns which addresses exist");
        assert_eq!(wrong.0, 401);
    }
    let response = server.try_login("admin@example.org", PASSWORD).await;
    assert_eq!(response.status(), 429);
    assert!(header(&response, "retry-after").parse::<u64>().expect("seconds") > 60);
    assert_eq!(server.try_login("viewer@example.org", PASSWORD).await.status(), 200, "others are not hit");
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let cookie = server.login("admin@example.org").await;
    let body = json!({ "weights": { "control": 0, "candidate": 1 } });
    let put = || server.request(Method::PUT, "/api/v1/routes/bot/split").header("cookie", &cookie).json(&body);
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        assert_eq!(put().header(name, value).send().await.expect("answer").status(), 403, "{name}: {value}");
    }
    assert_eq!(server.read("/api/v1/routes/bot").await["revision"], 1);
    let login = json!({ "email": "admin@example.org", "password": PASSWORD });
    let foreign =
        server.request(Method::POST, "/api/v1/login").header("sec-fetch-site", "cross-site").json(&login).send().await.expect("answer");
    assert_eq!(foreign.status(), 403, "nobody is signed in from elsewhere either");
    assert_eq!(put().header("origin", &server.url).send().await.expect("answer").status(), 200, "our own page may");
}

#[tokio::test]
async fn a_route_can_be_put_back_as_it_was_read_unless_somebody_was_sooner() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let mut route = server.read("/api/v1/routes/bot").await;
    route["failover"]["retries"] = json!(3);
    let put = |body: Value| {
        let request = server.request(Method::PUT, "/api/v1/routes/bot").bearer_auth(ADMIN).json(&body);
        async { json_of(request.send().await.expect("answer")).await }
    };
    let (status, changed) = put(route.clone()).await;
    assert_eq!((status, &changed["failover"]["retries"], &changed["revision"]), (200, &json!(3), &json!(2)), "{changed}");
    assert_eq!(put(route.clone()).await.0, 409, "it was read before that change");
    route["revision"] = json!("two");
    let (status, wrong) = put(route.clone()).await;
    assert!(status == 422 && wrong["error"]["fields"].get("revision").is_some(), "{wrong}");
    route.as_object_mut().expect("object").remove("revision");
    route["sticky"] = json!("user");
    let (status, wrong) = put(route).await;
    assert!(status == 422 && wrong["error"]["fields"].get("sticky").is_some(), "{wrong}");
}

/// Method, path, body, and who may: admin, product, annotator, viewer, key `read`.
fn table() -> Vec<(Method, &'static str, Value, [bool; 5])> {
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let readers = [true, true, false, true, true];
    let admins = [true, false, false, false, false];
    let writers = [true, true, false, false, false];
    let mut table: Vec<_> = [
        "providers",
        "models",
        "prompts",
        "prompts/support",
        "routes",
        "routes/bot",
        "routes/bot/history",
        "requests",
        "feedback",
        "metrics",
        "live",
        "themes",
        "issues",
        "issues/standup",
        "issues/clocks",
        "decisions",
        "feedback/views",
        "feedback/experience",
        "surveys",
        "surveys/none",
    ]
    .into_iter()
    .map(|path| (get.clone(), path, Value::Null, readers))
    .collect();
    for path in ["prompts/support/history", "prompts/support/cases", "prompts/support/runs", "approvals", "routes/bot/schedule", "replicas"]
    {
        table.push((get.clone(), path, Value::Null, readers));
    }
    let words = json!({ "messages": [{ "role": "user", "content": "x" }] });
    let tried = json!({ "provider": "primary", "model": "mock", "messages": [{ "role": "user", "content": "x" }] });
    for (method, path, body) in [
        (post.clone(), "prompts/support/labels/production/rollback", json!({})),
        (put.clone(), "prompts/support/cases/one", words),
        (post.clone(), "prompts/support/runs", json!({ "version": 1, "provider": "primary", "model": "mock" })),
        (post.clone(), "playground", tried),
        (Method::DELETE, "prompts/support/cases/none", Value::Null),
        (post.clone(), "feedback/triage", json!({ "ids": ["none"], "set": { "state": "done" } })),
        (post.clone(), "feedback/undo", json!({})),
        (get.clone(), "feedback/channels", Value::Null),
        (post.clone(), "themes/refresh", json!({})),
        (Method::PATCH, "themes/none", json!({ "name": "x" })),
        (post.clone(), "issues", json!({ "title": "x" })),
        (Method::PATCH, "issues/99", json!({ "severity": "low" })),
        (post.clone(), "issues/99/notes", json!({ "words": "x" })),
        (post.clone(), "decisions", json!({ "title": "x" })),
        (post.clone(), "surveys", json!({ "name": "Not a name", "kind": "csat", "question": "?" })),
        (put.clone(), "surveys/none", json!({ "kind": "csat", "question": "?" })),
        (Method::DELETE, "surveys/none", Value::Null),
        (put.clone(), "issues/clocks", json!({ "critical": 15, "high": 60, "medium": 480, "low": 1440 })),
    ] {
        table.push((method, path, body, writers));
    }
    let weights = json!({ "weights": { "control": 1, "candidate": 0 }, "due_at": "2000-01-01T00:00:00Z" });
    let draft = json!({ "name": "bot", "variants": [] });
    for (method, path, body) in [
        (put.clone(), "prompts/support/protection", json!({ "protected": [] })),
        (post.clone(), "routes", draft.clone()),
        (put.clone(), "routes/bot", draft),
        (post.clone(), "routes/bot/switch", json!({ "variant": "control" })),
        (post.clone(), "routes/bot/schedule", weights),
        (Method::DELETE, "routes/bot/schedule/none", Value::Null),
        (Method::DELETE, "routes/nobody", Value::Null),
        (get.clone(), "export/config", Value::Null),
        (get.clone(), "audit/export", Value::Null),
        (get.clone(), "channels", Value::Null),
        (put.clone(), "channels/none", json!({ "url": "http://127.0.0.1", "events": [] })),
        (put.clone(), "feedback/channels/x", json!({ "mapping": { "colour": "c" } })),
        (put.clone(), "users/none/safety", json!({ "safety": true })),
    ] {
        table.push((method, path, body, admins));
    }
    for path in ["keys", "users", "audit"] {
        table.push((get.clone(), path, Value::Null, admins));
    }
    table.push((
        post.clone(),
        "prompts/support/versions",
        json!({ "note": "n", "messages": [{ "role": "system", "content": "x" }] }),
        writers,
    ));
    table.push((put.clone(), "prompts/support/labels/next", json!({ "version": 1, "reason": "r" }), writers));
    table.push((put, "routes/bot/split", json!({ "weights": { "control": 1, "candidate": 0 } }), admins));
    table.push((post.clone(), "routes/bot/revert", json!({ "revision": 99 }), admins));
    table.push((post.clone(), "keys", json!({ "name": "n", "scopes": ["read"] }), admins));
    table.push((post, "users", json!({ "email": "not an address", "role": "viewer", "password": "x" }), admins));
    table.push((Method::DELETE, "keys/none", Value::Null, admins));
    table
}

#[tokio::test]
async fn every_role_may_do_its_own_and_nothing_else() {
    let upstream = Upstream::start().await;
    let reader = "\n[[keys]]\nname = \"reader\"\nsecret = \"read-key-0123456789-0123456789\"\nscopes = [\"read\"]\n";
    let server = staffed(&Place::sqlite(), &upstream).await;
    server.apply(reader).await.expect("holds");
    let mut cookies = Vec::new();
    for role in ROLES {
        cookies.push(server.login(&format!("{role}@example.org")).await);
    }
    for (method, path, body, allowed) in table() {
        let bare = || {
            let request = server.request(method.clone(), &format!("/api/v1/{path}"));
            if body.is_null() { request } else { request.json(&body) }
        };
        for (i, may) in allowed.into_iter().enumerate() {
            let (who, request) = match cookies.get(i) {
                Some(cookie) => (ROLES[i], bare().header("cookie", cookie)),
                None => ("key read", bare().bearer_auth("read-key-0123456789-0123456789")),
            };
            let status = request.send().await.expect("answer").status().as_u16();
            assert_eq!(status != 403, may, "{who}: {method} {path} → {status}");
            assert!(status != 401 && status < 500, "{who}: {method} {path} → {status}");
        }
        assert_eq!(bare().send().await.expect("answer").status(), 401, "nobody: {method} {path}");
        let wrong = bare().bearer_auth(crate::support::APP).send().await.expect("answer").status();
        assert_eq!(wrong, 403, "a key for model calls only: {method} {path}");
    }
}

#[tokio::test]
async fn a_split_is_in_force_at_once_and_a_stale_one_is_told_who_was_first() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let read = server.get("/api/v1/routes/bot").send().await.expect("answer");
        let tag = header(&read, "etag");
        assert_eq!(header(&server.ask("ann").await, "x-hypercare-variant"), "control");
        let changed = split(&server, json!({ "control": 0, "candidate": 3.5 }), Some(&tag)).await;
        assert_eq!(changed.status(), 200);
        assert_ne!(header(&changed, "etag"), tag);
        assert_eq!(header(&server.ask("ann").await, "x-hypercare-variant"), "candidate", "in force with the answer");
        let (status, stale) = json_of(split(&server, json!({ "control": 1, "candidate": 1 }), Some(&tag)).await).await;
        assert_eq!(status, 409);
        assert!(stale["error"]["message"].as_str().expect("text").contains("key:admin"), "{stale}");
        assert_eq!(server.read("/api/v1/routes/bot").await["variants"][0]["weight"], 0.0, "nothing of the stale one is saved");
        let history = server.read("/api/v1/routes/bot/history").await;
        let change = &history["items"][0];
        assert_eq!((&change["by"], &change["reason"]), (&json!("key:admin"), &json!("a story")));
        assert_eq!(
            (&change["before"], &change["after"]),
            (&json!([["control", 1.0], ["candidate", 0.0]]), &json!([["control", 0.0], ["candidate", 3.5]]))
        );
        let revert =
            server.request(Method::POST, "/api/v1/routes/bot/revert").bearer_auth(ADMIN).json(&json!({ "revision": change["revision"] }));
        assert_eq!(revert.send().await.expect("answer").status(), 200);
        assert_eq!(header(&server.ask("ann").await, "x-hypercare-variant"), "control");
        let audit = server.read("/api/v1/audit").await;
        let entry = &audit["items"][1];
        assert_eq!(
            (&entry["actor"], &entry["action"], &entry["object"], &entry["reason"]),
            (&json!("key:admin"), &json!("routing.route.change"), &json!("bot"), &json!("a story"))
        );
        assert_eq!((&entry["before"]["variants"][1]["weight"], &entry["after"]["variants"][1]["weight"]), (&json!(0.0), &json!(3.5)));
    }
}

#[tokio::test]
async fn weights_that_do_not_hold_are_422_by_field() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    for (weights, field) in [
        (json!({ "control": -1, "candidate": 1 }), "weights.control"),
        (json!({ "control": 0, "candidate": 0 }), "weights"),
        (json!({ "control": 1 }), "weights.candidate"),
        (json!({ "control": 1, "candidate": 1, "ghost": 1 }), "weights.ghost"),
    ] {
        let (status, body) = json_of(split(&server, weights.clone(), None).await).await;
        assert_eq!(status, 422, "{weights}");
        assert!(body["error"]["fields"].get(field).is_some(), "{weights}: {body}");
    }
    for raw in [
        r#"{"weights":{"control":NaN,"candidate":1}}"#,
        r#"{"weights":{"control":1e999,"candidate":1}}"#,
        r#"{"weights":{"control":"5","candidate":1}}"#,
        r#"{"weight":{}}"#,
        "{}",
        "",
    ] {
        let request = server.request(Method::PUT, "/api/v1/routes/bot/split").bearer_auth(ADMIN).body(raw);
        assert_eq!(request.send().await.expect("answer").status(), 422, "{raw}");
    }
    assert_eq!(server.read("/api/v1/routes/bot").await["revision"], 1);
}

#[tokio::test]
async fn a_label_moves_calls_to_another_version_at_once() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let content =
            json!({ "note": "shorter", "messages": [{ "role": "system", "content": "Be brief." }], "parameters": { "max_tokens": 50 } });
        let made = server
            .request(Method::POST, "/api/v1/prompts/support/versions")
            .bearer_auth(ADMIN)
            .json(&content)
            .send()
            .await
            .expect("answer");
        let (status, made) = json_of(made).await;
        assert_eq!((status, &made["version"]), (201, &json!(2)));
        server.ask("ann").await;
        assert_eq!(upstream.last().body()["messages"][0]["content"], "You help customers of Acme.", "a version alone changes nothing");
        let moved = |version: u32| {
            server
                .request(Method::PUT, "/api/v1/prompts/support/labels/production")
                .bearer_auth(ADMIN)
                .json(&json!({ "version": version, "reason": "better" }))
        };
        assert_eq!(moved(2).send().await.expect("answer").status(), 200);
        let response = server.ask("ann").await;
        assert_eq!(header(&response, "x-hypercare-prompt"), "support@2");
        let sent = upstream.last().body();
        assert_eq!((&sent["messages"][0]["content"], &sent["max_tokens"]), (&json!("Be brief."), &json!(50)));
        assert_eq!(moved(9).send().await.expect("answer").status(), 422, "there is no version 9");
        let broken = json!({ "note": "", "messages": [{ "role": "system", "content": "{% if %}" }] });
        let refused =
            server.request(Method::POST, "/api/v1/prompts/support/versions").bearer_auth(ADMIN).json(&broken).send().await.expect("answer");
        assert!(json_of(refused).await.1["error"]["fields"].get("messages[0].content").is_some());
    }
}

#[tokio::test]
async fn a_key_works_at_once_shows_its_secret_once_and_ends_at_once() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    let body = json!({ "name": "new", "scopes": ["gateway"], "routes": ["bot"] });
    let (status, key) =
        json_of(server.request(Method::POST, "/api/v1/keys").bearer_auth(ADMIN).json(&body).send().await.expect("answer")).await;
    let secret = key["secret"].as_str().expect("secret").to_owned();
    assert_eq!(status, 201);
    let models = || server.request(Method::GET, "/v1/models").bearer_auth(&secret).send();
    assert_eq!(models().await.expect("answer").status(), 200);
    assert!(
        !server.read("/api/v1/keys").await.to_string().contains(&secret)
            && !server.read("/api/v1/audit").await.to_string().contains(&secret)
    );
    let path = format!("/api/v1/keys/{}", key["id"].as_str().expect("id"));
    assert_eq!(server.request(Method::DELETE, &path).bearer_auth(ADMIN).send().await.expect("answer").status(), 204);
    assert_eq!(models().await.expect("answer").status(), 401);
}

#[tokio::test]
async fn pages_walk_everything_once_also_while_more_comes_in() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        for i in 0..13 {
            server.chat(&hello("bot")).header("x-request-id", format!("call-{i}")).send().await.expect("answer");
        }
        server.logged("call-12").await;
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = server.read(&format!("/api/v1/requests?limit=4{cursor}")).await;
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 4);
            seen.extend(items.iter().map(|i| i["request_id"].as_str().expect("id").to_owned()));
            server.ask("meanwhile").await;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let expected: Vec<_> = (0..13).rev().map(|i| format!("call-{i}")).collect();
        assert_eq!(seen, expected, "newest first, none twice, none missing");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 13);
        assert!(server.read("/api/v1/requests?limit=500").await["items"].as_array().expect("items").len() >= 13);
    }
}

#[tokio::test]
async fn calls_of_a_person_and_a_conversation_are_found_also_over_a_restart() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let mut server = Server::basic(&place, &upstream).await;
        let (person, conversation) = (|i: usize| ["ann", "bob", "cem"][i % 3], |i: usize| ["s1", "s2"][i % 2]);
        for i in 0..24 {
            // Each start begins another segment of the log.
            if i % 8 == 0 && i > 0 {
                server.stop().await;
                server = Server::start(place.settings()).await;
            }
            let mut body = hello("bot");
            body["metadata"] = json!({ "session_id": conversation(i) });
            let call = server.chat(&body).header("x-hypercare-user", person(i)).header("x-request-id", format!("call-{i}"));
            assert_eq!(call.send().await.expect("answer").status(), 200);
        }
        server.logged("call-23").await;
        let newest = |fits: &dyn Fn(usize) -> bool| (0..24).rev().filter(|i| fits(*i)).map(|i| format!("call-{i}")).collect::<Vec<_>>();
        for (asked, fits) in [
            ("user=ann", &(|i| person(i) == "ann") as &dyn Fn(usize) -> bool),
            ("user=ann&route=bot&status=ok", &|i| person(i) == "ann"),
            ("user=ann&session=s2", &|i| person(i) == "ann" && conversation(i) == "s2"),
            ("session=s1&variant=control", &|i| conversation(i) == "s1"),
            ("user=ann&status=error", &|_| false),
            ("user=ann&route=another", &|_| false),
            ("user=nobody", &|_| false),
            ("user=bob&id=call-4", &|i| i == 4),
            ("id=call-4", &|i| i == 4),
        ] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = server.read(&format!("/api/v1/requests?limit=3&{asked}{cursor}")).await;
                let items = page["items"].as_array().expect("items");
                seen.extend(items.iter().map(|i| i["request_id"].as_str().expect("id").to_owned()));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(seen, newest(fits), "{asked}");
        }
        // Feedback by the caller's id of a call in the oldest segment.
        let said = server.request(Method::POST, "/v1/feedback").bearer_auth(APP).json(&json!({ "request_id": "call-1", "rating": "down" }));
        let (status, stored) = json_of(said.send().await.expect("answer")).await;
        assert_eq!(status, 201, "{stored}");
        let kept = server.read(&format!("/api/v1/feedback/{}", stored["id"].as_str().expect("id"))).await;
        assert_eq!((&kept["user"], &kept["route"], &kept["variant"]), (&json!("bob"), &json!("bot"), &json!("control")));
    }
}

#[tokio::test]
async fn what_cannot_be_read_behind_the_question_mark_is_422_by_field() {
    let upstream = Upstream::start().await;
    let server = staffed(&Place::sqlite(), &upstream).await;
    for (address, field) in [
        ("/api/v1/requests?limit=many", "limit"),
        ("/api/v1/feedback?limit=-1", "limit"),
        ("/api/v1/issues?owner=a&owner=b", "owner"),
        ("/api/v1/audit?limit=99999999999", "limit"),
    ] {
        let (status, body) = json_of(server.request(Method::GET, address).bearer_auth(ADMIN).send().await.expect("answer")).await;
        assert_eq!((status, &body["error"]["code"]), (422, &json!("invalid")), "{address}: {body}");
        assert!(body["error"]["fields"].get(field).is_some(), "{address}: {body}");
    }
    // Scripts of other origins may read what is wrong, too.
    let asked = server.request(Method::GET, "/v1/surveys/next?user=a&user=b").header("origin", "https://shop.example");
    let answer = asked.send().await.expect("answer");
    assert_eq!(answer.headers().get("access-control-allow-origin").map(axum::http::HeaderValue::as_bytes), Some(&b"*"[..]));
    let (status, body) = json_of(answer).await;
    assert_eq!(status, 422, "{body}");
    assert!(body["error"]["fields"].get("user").is_some(), "{body}");
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = staffed(&place, &upstream).await;
        let users = server.read("/api/v1/users").await;
        let admin =
            users["items"].as_array().expect("items").iter().find(|u| u["role"] == "admin").expect("an admin")["id"].as_str().expect("id");
        let id = Id::from_text(admin);
        let service = hypercare::identity::service::set_role(&server.app, &Actor::Operator, &id, Role::Viewer).await;
        assert_eq!(service.expect_err("refused").status(), 409);
        let service = hypercare::identity::service::set_disabled(&server.app, &Actor::Operator, &id, true).await;
        assert_eq!(service.expect_err("refused").status(), 409);
        let demoted = people().replace("role = \"admin\"", "role = \"viewer\"");
        assert!(server.apply(&demoted).await.is_err(), "not by a file either");
        assert_eq!(server.try_login("admin@example.org", PASSWORD).await.status(), 200);
        assert_eq!(server.read("/api/v1/users").await["items"].as_array().expect("items").len(), 4);
    }
}
