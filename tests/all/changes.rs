//! Changes of routes: made, planned, in an emergency, undone, locked; and what callers notice of them, which is nothing.

use crate::support::server::{basic, header, json_of};
use crate::support::{ADMIN, PASSWORD, Place, Say, Server, Upstream, eventually, places};
use hypercare::types::{Duration, Instant};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tempfile::TempDir;

const CANDIDATE: &str =
    "[[routes.variants]]\nname = \"candidate\"\nweight = 0\nprovider = \"primary\"\nmodel = \"mock-b\"\n\n[[keys]]\nname = \"app\"";

fn two_arms(upstream: &Upstream) -> String {
    let people = ["admin", "product"]
        .map(|role| format!("\n[[users]]\nemail = \"{role}@example.org\"\nrole = \"{role}\"\npassword = \"{PASSWORD}\"\n"));
    basic(upstream).replace("[[keys]]\nname = \"app\"", CANDIDATE) + &people.concat()
}

async fn send(server: &Server, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = server.request(method, path).bearer_auth(ADMIN).json(&body).send().await.expect("answer");
    if response.status() == 204 { (204, Value::Null) } else { json_of(response).await }
}

fn variant_of(response: &Response) -> String {
    header(response, "x-hypercare-variant")
}

#[tokio::test]
async fn a_route_is_made_changed_and_deleted_over_rest() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::with(&place, &two_arms(&upstream)).await;
        upstream.always(Say::answer("ok"));
        let draft = json!({ "name": "faq", "variants": [{ "name": "only", "weight": 1, "provider": "primary", "model": "mock" }] });
        assert_eq!(send(&server, Method::POST, "/api/v1/routes", draft.clone()).await.0, 201);
        assert_eq!(send(&server, Method::POST, "/api/v1/routes", draft.clone()).await.0, 422, "the name is taken");
        let call = |model: &'static str| server.chat(&crate::support::server::hello(model)).send();
        assert_eq!(call("faq").await.expect("answer").status(), 200);

        let wrong = json!({ "variants": [{ "name": "a", "weight": -1, "provider": "nobody", "model": "m", "prompt": "support@9" }],
            "rules": [{ "when": "user ==", "variant": "b" }], "failover": { "targets": [{ "provider": "nobody", "model": "m" }] } });
        let (status, refused) = send(&server, Method::PUT, "/api/v1/routes/faq", wrong).await;
        assert_eq!(status, 422);
        for field in [
            "variants[0].weight",
            "variants[0].provider",
            "variants[0].prompt",
            "rules[0].when",
            "rules[0].variant",
            "failover.targets[0].provider",
        ] {
            assert!(refused["error"]["fields"][field].is_string(), "{field}: {refused}");
        }
        let unknown = json!({ "variants": [], "wieghts": 1 });
        assert_eq!(send(&server, Method::PUT, "/api/v1/routes/faq", unknown).await.0, 422);

        let changed = json!({ "sticky_by": "request", "log_bodies": false, "variants": [{ "name": "only", "weight": 1, "provider": "primary", "model": "mock-b" }] });
        let stale = server
            .request(Method::PUT, "/api/v1/routes/faq")
            .bearer_auth(ADMIN)
            .header("if-match", "\"9\"")
            .json(&changed)
            .send()
            .await
            .expect("answer");
        assert_eq!(stale.status(), 409);
        let (status, route) = send(&server, Method::PUT, "/api/v1/routes/faq?reason=cheaper", changed).await;
        assert_eq!((status, &route["revision"], &route["log_bodies"]), (200, &json!(2), &json!(false)));
        let audit = server.read("/api/v1/audit?limit=5").await;
        assert_eq!((&audit["items"][0]["action"], &audit["items"][0]["reason"]), (&json!("routing.route.change"), &json!("cheaper")));

        assert_eq!(send(&server, Method::DELETE, "/api/v1/routes/faq", Value::Null).await.0, 204);
        assert_eq!(call("faq").await.expect("answer").status(), 404, "gone at once");
        assert_eq!(send(&server, Method::DELETE, "/api/v1/routes/faq", Value::Null).await.0, 404);
    }
}

#[tokio::test]
async fn in_an_emergency_everything_goes_to_one_variant_and_comes_back() {
    let upstream = Upstream::start().await;
    let server = Server::with(&Place::sqlite(), &two_arms(&upstream)).await;
    upstream.always(Say::answer("ok"));
    let (status, _) = send(&server, Method::POST, "/api/v1/routes/bot/switch", json!({ "variant": "nobody" })).await;
    assert_eq!(status, 422);
    let (status, route) = send(&server, Method::POST, "/api/v1/routes/bot/switch", json!({ "variant": "candidate" })).await;
    assert_eq!(status, 200);
    for user in ["a", "b", "c", "d"] {
        assert_eq!(variant_of(&server.ask(user).await), "candidate");
    }
    let back = json!({ "revision": route["revision"] });
    assert_eq!(send(&server, Method::POST, "/api/v1/routes/bot/revert", back).await.0, 200);
    assert_eq!(variant_of(&server.ask("a").await), "control");
}

#[tokio::test]
async fn a_planned_change_comes_into_force_at_its_time_and_once() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::with(&place, &two_arms(&upstream)).await;
        let folder = TempDir::new().expect("a folder");
        let replica = Server::start(place.settings_of_replica(&folder)).await;
        upstream.always(Say::answer("ok"));
        let at = |d: i64| Instant(server.app.now().0).plus(Duration(d)).rfc3339();
        let weights = json!({ "control": 0, "candidate": 1 });
        let past = json!({ "weights": weights, "due_at": at(-1_000_000) });
        assert_eq!(send(&server, Method::POST, "/api/v1/routes/bot/schedule", past).await.0, 422);
        let soon = json!({ "weights": weights, "due_at": at(1_000_000), "reason": "launch" });
        let (status, planned) = send(&server, Method::POST, "/api/v1/routes/bot/schedule", soon).await;
        assert_eq!((status, &planned["state"]), (201, &json!("waiting")));
        let later = json!({ "weights": { "control": 1, "candidate": 1 }, "due_at": at(3_600_000_000) });
        let (_, later) = send(&server, Method::POST, "/api/v1/routes/bot/schedule", later).await;
        let cancel = format!("/api/v1/routes/bot/schedule/{}", later["id"].as_str().expect("id"));
        assert_eq!(send(&server, Method::DELETE, &cancel, Value::Null).await.1["state"], "cancelled");
        assert_eq!(variant_of(&server.ask("a").await), "control", "not yet");
        eventually("the planned change is in force on both", || async {
            let there = variant_of(&server.ask("a").await) == "candidate" && variant_of(&replica.ask("a").await) == "candidate";
            there.then_some(())
        })
        .await;
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        let history = server.read("/api/v1/routes/bot/history").await;
        let changes = history["items"].as_array().expect("items");
        assert_eq!((changes.len(), &changes[0]["by"]), (1, &json!("key:admin")), "two servers, one change: {history}");
        let listed = server.read("/api/v1/routes/bot/schedule").await;
        let told: Vec<_> = listed["items"].as_array().expect("items").iter().map(|s| s["state"].clone()).collect();
        assert!(told.contains(&json!("done")) && told.contains(&json!("cancelled")), "{told:?}");
    }
}

#[tokio::test]
async fn every_server_says_what_it_has_in_force() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::with(&place, &two_arms(&upstream)).await;
        let folder = TempDir::new().expect("a folder");
        let replica = Server::start(place.settings_of_replica(&folder)).await;
        assert_eq!(send(&server, Method::POST, "/api/v1/routes/bot/switch", json!({ "variant": "candidate" })).await.0, 200);
        eventually("both have it in force", || async {
            let told = server.read("/api/v1/replicas").await;
            let items = told["items"].as_array().expect("items");
            (items.len() == 2 && items.iter().all(|r| r["version"] == told["version"])).then_some(())
        })
        .await;
        replica.stop().await;
        eventually("the one that stopped is gone", || async {
            (server.read("/api/v1/replicas").await["items"].as_array().expect("items").len() == 1).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_kept_in_files_is_read_only_elsewhere() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let text = two_arms(&upstream);
        let server = Server::with(&place, &text).await;
        let locked = format!("{text}\n[lock]\nreason = \"Kept in Git: shop/ops, file ai.toml\"\n");
        let applied = server.apply(&locked).await.expect("the file holds");
        assert_eq!(applied.lines, ["~ lock of prompt support", "~ lock of route bot"]);
        let admin = server.login("admin@example.org").await;
        for (method, path, body) in [
            (Method::PUT, "/api/v1/routes/bot/split", json!({ "weights": { "control": 1, "candidate": 1 } })),
            (Method::DELETE, "/api/v1/routes/bot", Value::Null),
            (Method::POST, "/api/v1/prompts/support/versions", json!({ "messages": [{ "role": "system", "content": "x" }] })),
            (Method::PUT, "/api/v1/prompts/support/labels/production", json!({ "version": 1 })),
        ] {
            let response = server.request(method.clone(), path).header("cookie", &admin).json(&body).send().await.expect("answer");
            let (status, why) = json_of(response).await;
            assert!(status == 403 && why.to_string().contains("shop/ops"), "{method} {path}: {status} {why}");
        }
        let changed = locked.replace("weight = 0", "weight = 1");
        let applied = server.apply(&changed).await.expect("the file holds");
        assert_eq!(applied.lines, ["~ route bot"]);
        let told: Vec<_> =
            applied.fields.iter().map(|(object, c)| (object.as_str(), c.path.as_str(), c.before.clone(), c.after.clone())).collect();
        assert_eq!(told, [("bot", "variants[1].weight", Some(json!(0.0)), Some(json!(1.0)))]);
        let freed = server.apply(&changed.replace("[lock]\nreason = \"Kept in Git: shop/ops, file ai.toml\"\n", "")).await.expect("holds");
        assert_eq!(freed.lines.len(), 2, "{:?}", freed.lines);
        assert_eq!(
            send(&server, Method::PUT, "/api/v1/routes/bot/split", json!({ "weights": { "control": 1, "candidate": 0 } })).await.0,
            200
        );
    }
}

/// A change is in force within a second of saving, under load, and no caller notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_a_change_is_in_force_within_a_second_and_no_call_fails() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Arc::new(Server::with(&place, &two_arms(&upstream)).await);
        let folder = TempDir::new().expect("a folder");
        let replica = Arc::new(Server::start(place.settings_of_replica(&folder)).await);
        upstream.always(Say::answer("ok"));
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let callers: Vec<_> = (0..8)
            .map(|n| {
                let (stop, failed) = (stop.clone(), failed.clone());
                let server = if n % 2 == 0 { server.clone() } else { replica.clone() };
                tokio::spawn(async move {
                    let mut waits = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let asked = std::time::Instant::now();
                        let answer = server.ask(&format!("u{n}-{}", waits.len())).await;
                        waits.push(asked.elapsed());
                        failed.fetch_add(usize::from(answer.status() != 200), Ordering::Relaxed);
                    }
                    waits
                })
            })
            .collect();
        let mut took = Vec::new();
        for round in 0..20 {
            let variant = if round % 2 == 0 { "candidate" } else { "control" };
            assert_eq!(send(&server, Method::POST, "/api/v1/routes/bot/switch", json!({ "variant": variant })).await.0, 200);
            let saved = std::time::Instant::now();
            assert_eq!(variant_of(&server.ask("watch").await), variant, "here at once");
            while variant_of(&replica.ask("watch").await) != variant {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            took.push(saved.elapsed());
        }
        stop.store(true, Ordering::Relaxed);
        let mut waits = Vec::new();
        for caller in callers {
            waits.extend(caller.await.expect("a caller"));
        }
        took.sort();
        waits.sort();
        println!(
            "{}: {} calls (median {:?}, p99 {:?}), on the other server after {:?} (median), {:?} (longest of 20)",
            server.app.db().dialect(),
            waits.len(),
            waits[waits.len() / 2],
            waits[waits.len() * 99 / 100],
            took[10],
            took[19]
        );
        assert_eq!(failed.load(Ordering::Relaxed), 0, "of {} calls", waits.len());
        assert!(took[19] < std::time::Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test]
async fn the_audit_log_is_searched_exported_and_edited_by_nobody() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::with(&place, &two_arms(&upstream)).await;
        let reason = json!({ "weights": { "control": 1, "candidate": 1 }, "reason": "=cmd|' /C calc'!A0" });
        assert_eq!(send(&server, Method::PUT, "/api/v1/routes/bot/split", reason).await.0, 200);
        let count = |filter: &'static str| {
            let server = &server;
            async move { server.read(&format!("/api/v1/audit?limit=500&{filter}")).await["items"].as_array().expect("items").len() }
        };
        let all = count("").await;
        assert!(all > 4);
        assert_eq!(count("action=routing.route.change").await, 1);
        assert_eq!(count("action=routing.").await, 2, "made by the file, changed by the key");
        assert_eq!(count("actor=key:admin").await, 1);
        assert_eq!(count("object=BO&actor=key:admin").await, 1);
        assert_eq!((count("since=1h").await, count("until=1h").await), (all, 0));
        let wrong = server.get("/api/v1/audit?since=yesterday").send().await.expect("answer");
        assert_eq!(
            (wrong.status(), json_of(wrong).await.1["error"]["fields"]["since"].is_string()),
            (reqwest::StatusCode::UNPROCESSABLE_ENTITY, true)
        );

        let export = |format: &'static str| server.get(&format!("/api/v1/audit/export?format={format}&actor=key:admin")).send();
        let csv = export("csv").await.expect("answer");
        assert_eq!(header(&csv, "content-disposition"), "attachment; filename=\"audit.csv\"");
        let csv = csv.text().await.expect("text");
        assert!(csv.starts_with("at,actor,action,object,reason,before,after\n") && csv.lines().count() == 2, "{csv}");
        assert!(csv.contains("'=cmd|"), "no formula: {csv}");
        let lines = export("ndjson").await.expect("answer").text().await.expect("text");
        assert_eq!(serde_json::from_str::<Value>(lines.trim()).expect("a line of JSON")["action"], "routing.route.change");
        let viewer = server.login("product@example.org").await;
        for path in ["/api/v1/audit", "/api/v1/audit/export?format=csv"] {
            assert_eq!(server.request(Method::GET, path).header("cookie", &viewer).send().await.expect("answer").status(), 403, "{path}");
        }
        // No secret of a provider or a key stands in it.
        let whole = server.get("/api/v1/audit/export?format=ndjson").send().await.expect("answer").text().await.expect("text");
        for secret in ["sk-primary-1", ADMIN, crate::support::APP, "argon2"] {
            assert!(!whole.contains(secret), "{secret}");
        }
        // Not even the database's owner changes it by mistake.
        for sql in ["UPDATE audit SET actor = 'somebody'", "DELETE FROM audit"] {
            assert!(place.tamper(sql).await.expect_err("refused").contains("cannot be changed"), "{sql}");
        }
    }
}
