//! Which way a call takes: rules, latency, cost, copies, drained providers, and what becomes of it when its caller leaves.

use crate::support::place::places;
use crate::support::server::{KEYS, header, hello, hello_streamed, json_of, provider};
use crate::support::upstream::{content, role};
use crate::support::{Place, Say, Server, Upstream, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// `bot` with the variants `one` (provider `first`) and `two` (provider `second`), half each unless the route's own lines say otherwise.
async fn two(place: &Place, route: &str) -> (Server, Upstream, Upstream) {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let variant = |name: &str, provider: &str, weight: u32| {
        format!("[[routes.variants]]\nname = \"{name}\"\nweight = {weight}\nprovider = \"{provider}\"\nmodel = \"mock\"\n")
    };
    let text = [
        provider("first", &first.url, ""),
        provider("second", &second.url, ""),
        "[[models]]\nprovider = \"first\"\nname = \"mock\"\nprice = { input = 1.0, output = 4.0 }\n".to_owned(),
        "[[models]]\nprovider = \"second\"\nname = \"mock\"\nprice = { input = 2.0, output = 2.0 }\n".to_owned(),
        format!("[[routes]]\nname = \"bot\"\n{route}\n"),
        variant("one", "first", 1),
        variant("two", "second", u32::from(!route.contains("shadow"))),
        KEYS.to_owned(),
    ];
    (Server::with(place, &text.concat()).await, first, second)
}

fn variant(response: &reqwest::Response) -> String {
    header(response, "x-hypercare-variant")
}

#[tokio::test]
async fn the_first_rule_that_applies_decides() {
    for place in places().await {
        let rules = r#"
rules = [
  { when = 'metadata.plan == "gold"', variant = "two" },
  { when = 'tokens > 1000 && !stream', variant = "one" },
  { when = 'user == "ann"', variant = "two" },
]"#;
        let (server, ..) = two(&place, rules).await;
        let gold = server.chat(&hello("bot")).header("x-hypercare-metadata", r#"{"plan":"gold"}"#).send().await.expect("answer");
        assert_eq!(variant(&gold), "two");
        let mut long = hello("bot");
        long["messages"][0]["content"] = json!("word ".repeat(2_000));
        let long = server.chat(&long).header("x-hypercare-user", "ann").send().await.expect("answer");
        assert_eq!(variant(&long), "one", "the order counts");
        assert_eq!(variant(&server.ask("ann").await), "two");
        let mut seen = Vec::new();
        for i in 0..40 {
            seen.push(variant(&server.ask(&format!("user-{i}")).await));
        }
        assert!(seen.contains(&"one".to_owned()) && seen.contains(&"two".to_owned()), "who no rule claims is split: {seen:?}");
    }
}

#[tokio::test]
async fn a_rule_that_does_not_hold_is_refused_by_name() {
    let (server, ..) = two(&Place::sqlite(), "").await;
    let route = "[[routes]]\nname = \"bot\"\nshadow = [\"three\"]\nrules = [{ when = \"tokenz > 5\", variant = \"four\" }]\n[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"first\"\nmodel = \"mock\"\n";
    let why = server.apply(route).await.expect_err("refused").to_string();
    for part in ["rules[0].when", "`tokenz`", "rules[0].variant", "`four`", "shadow[0]", "`three`"] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[tokio::test]
async fn the_sooner_answering_variant_gets_the_calls_and_the_other_stands_in() {
    let (server, first, second) = two(&Place::sqlite(), "sticky_by = \"request\"\nchoose = \"least_latency\"").await;
    first.always(Say::answer("slow").late(120));
    for _ in 0..20 {
        assert_eq!(server.ask("ann").await.status(), 200);
    }
    assert!(first.calls() <= 3, "the slow one was tried and then left alone: {}", first.calls());
    // The quick one dies: its calls go to the other at once.
    second.always(Say::error(500, "gone"));
    let response = server.ask("ann").await;
    assert_eq!((response.status().as_u16(), header(&response, "x-hypercare-provider").as_str()), (200, "first"));
}

#[tokio::test]
async fn the_cheaper_variant_gets_the_calls_by_their_size() {
    let (server, ..) = two(&Place::sqlite(), "sticky_by = \"request\"\nchoose = \"cheapest\"").await;
    // About 20 tokens in, 300 out: 0.00122 against 0.00064 USD.
    assert_eq!(variant(&server.ask("ann").await), "two");
    // About 5,000 tokens in: 0.0062 against 0.0106 USD.
    let mut long = hello("bot");
    long["messages"][0]["content"] = json!("word ".repeat(4_000));
    assert_eq!(variant(&server.chat(&long).send().await.expect("answer")), "one");
}

#[tokio::test]
async fn a_shadow_gets_a_copy_that_nobody_waits_for() {
    for place in places().await {
        let (server, first, second) = two(&place, "shadow = [\"two\"]").await;
        second.always(Say::answer("from the shadow").late(400));
        let began = Instant::now();
        let response = server.ask("ann").await;
        let took = began.elapsed();
        assert_eq!((variant(&response).as_str(), took < Duration::from_millis(350)), ("one", true), "{took:?}");
        assert!(response.text().await.expect("body").contains("hello"));
        let copy = eventually("the copy is in the log", || async {
            let list = server.read("/api/v1/requests?variant=two").await;
            list["items"].as_array().and_then(|items| items.first()).cloned()
        })
        .await;
        assert_eq!((&copy["endpoint"], &copy["user_id"]), (&json!("shadow.chat.completions"), &json!("ann")));
        let copy = server.read(&format!("/api/v1/requests/{}", copy["id"].as_str().expect("id"))).await;
        assert_eq!(copy["response_text"], "from the shadow");
        assert!(copy["shadow_of"].is_string() && copy["cost"].as_i64() > Some(0), "{copy}");
        assert_eq!((first.calls(), second.calls()), (1, 1));
        // A broken shadow breaks nothing.
        second.always(Say::error(500, "boom"));
        assert_eq!(server.ask("ann").await.status(), 200);
        eventually("the second copy was made", || async { (second.calls() >= 2).then_some(()) }).await;
        let overview = eventually("both calls are counted", || async {
            let overview = server.read("/api/v1/metrics?range=1h").await;
            (overview["now"]["requests"] == 2).then_some(overview)
        })
        .await;
        assert_eq!(overview["now"]["errors"], 0, "copies answered nobody: {overview}");
    }
}

#[tokio::test]
async fn a_drained_provider_gets_no_new_calls_until_it_is_back() {
    for place in places().await {
        let failover = "[routes.failover]\ntargets = [{ provider = \"second\", model = \"mock\" }]\non = []";
        let (server, first, second) = two(&place, "shadow = []").await;
        let put = async |draining: bool| {
            let body = json!({ "draining": draining, "reason": "the vendor's maintenance" });
            let response = server.request(Method::PUT, "/api/v1/providers/first/draining").bearer_auth(crate::support::server::ADMIN);
            json_of(response.json(&body).send().await.expect("answer")).await
        };
        assert_eq!(put(true).await.0, 200);
        // Its only target is drained: an error that says so, and nothing was sent.
        let (status, body) = json_of(server.ask("ann").await).await;
        assert_eq!((status, &body["error"]["code"], first.calls()), (503, &json!("provider_draining"), 0));
        // With a stand-in the caller notices nothing, whatever failures the route fails over on.
        let variants = "[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"first\"\nmodel = \"mock\"\n";
        server.apply(&format!("[[routes]]\nname = \"bot\"\n{variants}{failover}\n")).await.expect("applied");
        let response = server.ask("ann").await;
        assert_eq!((response.status().as_u16(), first.calls(), second.calls()), (200, 0, 1));
        let listed = server.read("/api/v1/providers").await;
        assert_eq!(listed["items"][0]["draining"], true);
        // Applying the file again leaves the switch as it is.
        server.apply(&provider("first", &first.url, "")).await.expect("applied");
        assert_eq!(server.read("/api/v1/providers").await["items"][0]["draining"], true);
        assert_eq!(put(false).await.1["draining"], false);
        assert_eq!((server.ask("ann").await.status().as_u16(), first.calls()), (200, 1));
    }
}

#[tokio::test]
async fn only_who_may_change_providers_drains_and_tests_them() {
    let (server, first, _) = two(&Place::sqlite(), "").await;
    for (path, method, body) in [
        ("/api/v1/providers/first/draining", Method::PUT, json!({ "draining": true })),
        ("/api/v1/providers/first/test", Method::POST, json!({ "model": "mock" })),
    ] {
        let app_key = server.request(method.clone(), path).bearer_auth(crate::support::server::APP).json(&body).send().await;
        assert_eq!(app_key.expect("answer").status(), 403, "{path}");
        let nobody = server.request(method, path).json(&body).send().await.expect("answer");
        assert_eq!(nobody.status(), 401, "{path}");
    }
    assert_eq!(first.calls(), 0);
}

#[tokio::test]
async fn a_test_call_tells_what_the_provider_says() {
    let (server, first, _) = two(&Place::sqlite(), "").await;
    let test = async |name: &str| {
        let request = server.request(Method::POST, &format!("/api/v1/providers/{name}/test")).bearer_auth(crate::support::server::ADMIN);
        json_of(request.json(&json!({ "model": "mock" })).send().await.expect("answer")).await
    };
    first.then(Say::answer("ok"));
    let (status, body) = test("first").await;
    assert_eq!((status, &body["ok"], &body["status"], &body["message"]), (200, &json!(true), &json!(200), &json!("ok")));
    assert_eq!(first.last().body()["model"], "mock");
    first.then(Say::error(401, "bad key"));
    let (_, body) = test("first").await;
    assert_eq!((&body["ok"], &body["status"], &body["code"]), (&json!(false), &json!(401), &json!("provider_credentials_rejected")));
    first.then(Say::status(200, "", "<html>a proxy's page</html>"));
    assert_eq!(test("first").await.1["code"], "provider_malformed");
    assert_eq!(test("nobody").await.0, 404);
}

async fn stops_or_goes_on(policy: &str) -> (Server, Upstream, Value) {
    let (server, first, second) =
        two(&Place::sqlite(), &format!("on_hang_up = \"{policy}\"\nshadow = []\nrules = [{{ when = \"true\", variant = \"one\" }}]")).await;
    drop(second);
    first.then(
        Say::stream()
            .piece(&role())
            .words(&["said "])
            .wait(400)
            .words(&["to nobody"])
            .piece(&crate::support::upstream::finish())
            .piece(&crate::support::upstream::usage_chunk())
            .piece("data: [DONE]\n\n")
            .end(),
    );
    let mut response = server.chat(&hello_streamed()).send().await.expect("answer");
    let id = header(&response, "x-request-id");
    let mut got = String::new();
    while !got.contains(&content("said ")) {
        got.push_str(std::str::from_utf8(&response.chunk().await.expect("a piece").expect("not the end")).expect("UTF-8"));
    }
    drop(response);
    let entry = server.logged(&id).await;
    (server, first, entry)
}

#[tokio::test]
async fn a_route_that_finishes_reads_on_for_the_log_after_the_caller_left() {
    let (server, first, entry) = stops_or_goes_on("finish").await;
    assert_eq!((&entry["outcome"], &entry["response_text"]), (&json!("client_closed"), &json!("said to nobody")));
    assert_eq!(entry["output_tokens"], 200, "billed in full");
    assert_eq!(first.hung_up(), 0);
    assert_eq!(server.entries(entry["id"].as_str().expect("id")).await, 1, "settled once");
}

#[tokio::test]
async fn a_route_that_cancels_hangs_up_too() {
    let (_server, first, entry) = stops_or_goes_on("cancel").await;
    assert_eq!((&entry["outcome"], &entry["response_text"]), (&json!("client_closed"), &json!("said ")));
    eventually("the provider was told", || async { (first.hung_up() == 1).then_some(()) }).await;
}

#[tokio::test]
async fn a_whole_answer_is_finished_too_where_the_route_says_so() {
    let (server, first, _second) = two(&Place::sqlite(), "on_hang_up = \"finish\"\nrules = [{ when = \"true\", variant = \"one\" }]").await;
    first.then(Say::answer("late").late(400));
    let call = server.chat(&hello("bot")).header("x-request-id", "left-early").timeout(Duration::from_millis(150)).send().await;
    assert!(call.is_err(), "the caller left");
    let entry = server.logged("left-early").await;
    assert_eq!(
        (&entry["outcome"], &entry["response_text"], &entry["output_tokens"]),
        (&json!("client_closed"), &json!("late"), &json!(200))
    );
}

#[tokio::test]
async fn a_call_has_its_time_over_all_tries() {
    let failover = "[routes.failover]\ntargets = [{ provider = \"second\", model = \"mock\" }]\nretries = 3\ntotal_ms = 700\n";
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let variants = "[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"first\"\nmodel = \"mock\"\n";
    let text = [
        provider("first", &first.url, ""),
        provider("second", &second.url, ""),
        format!("[[routes]]\nname = \"bot\"\n{variants}{failover}"),
        KEYS.to_owned(),
    ];
    let server = Server::with(&Place::sqlite(), &text.concat()).await;
    first.always(Say::hang_up().stall());
    second.always(Say::hang_up().stall());
    let began = Instant::now();
    let response = server.ask("ann").await;
    let id = header(&response, "x-request-id");
    let (status, body) = json_of(response).await;
    assert_eq!((status, &body["error"]["code"]), (504, &json!("call_timeout")));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let entry = server.logged(&id).await;
    let causes: Vec<_> =
        entry["attempts"].as_array().expect("attempts").iter().map(|a| a["error"].as_str().expect("a cause").to_owned()).collect();
    assert_eq!(causes, ["provider_first_byte_timeout", "call_timeout"]);
}

#[tokio::test]
async fn a_route_without_bodies_logs_numbers_only() {
    let (server, first, _second) = two(&Place::sqlite(), "log_bodies = false\nrules = [{ when = \"true\", variant = \"one\" }]").await;
    first.then(Say::answer("a secret"));
    let response = server.ask("ann").await;
    let entry = server.logged(&header(&response, "x-request-id")).await;
    assert_eq!((&entry["input_tokens"], &entry["output_tokens"]), (&json!(1000), &json!(200)));
    for field in ["request_body", "response_body", "response_text", "upstream_body", "preview"] {
        assert_eq!(entry[field], Value::Null, "{field}");
    }
}

#[tokio::test]
async fn what_a_provider_cannot_be_told_is_refused_or_left_out_as_the_route_says() {
    for (option, expected) in [("", 400), ("drop_unsupported = true", 200)] {
        let upstream = Upstream::start().await;
        let anthropic = provider("first", &upstream.url, "").replace("kind = \"openai\"", "kind = \"anthropic\"");
        let route = format!(
            "[[routes]]\nname = \"bot\"\n{option}\n[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"first\"\nmodel = \"mock\"\n"
        );
        let server = Server::with(&Place::sqlite(), &[anthropic, route, KEYS.to_owned()].concat()).await;
        let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "mock", "content": [{ "type": "text", "text": "hi" }],
            "stop_reason": "end_turn", "stop_sequence": null, "usage": { "input_tokens": 3, "output_tokens": 1 } });
        upstream.always(Say::status(200, "", &message.to_string()));
        let mut body = hello("bot");
        (body["max_tokens"], body["logit_bias"]) = (json!(10), json!({ "50256": -100 }));
        let (status, answer) = json_of(server.chat(&body).send().await.expect("answer")).await;
        assert_eq!(status, expected, "{answer}");
        if expected == 400 {
            assert_eq!((&answer["error"]["code"], &answer["error"]["param"]), (&json!("unsupported_parameter"), &json!("logit_bias")));
        } else {
            assert_eq!(upstream.last().body().get("logit_bias"), None);
        }
    }
}
