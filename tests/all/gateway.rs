//! Whole answers through the gateway: what goes up, what comes down, what is written down.

use crate::support::server::{basic, header, hello, hello_streamed, json_of};
use crate::support::upstream::answer_body;
use crate::support::{Place, Say, Server, Upstream, eventually, places};
use serde_json::{Value, json};
use std::collections::HashSet;

#[tokio::test]
async fn the_prompt_goes_in_front_its_parameters_win_and_unknown_fields_survive() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let body = json!({
        "model": "bot", "temperature": 1.9, "top_p": 0.5, "logit_bias": { "50256": -100 }, "x_new_in_2027": { "deep": [1, 2.50, "é\u{1F600}"] },
        "messages": [{ "role": "user", "content": "Hi", "x_vendor": true }],
    });
    let response = server.chat(&body).header("x-hypercare-prompt-variables", r#"{"shop":"Bloom & Sons"}"#).send().await.expect("answer");
    assert_eq!(response.status(), 200);
    let sent = upstream.last();
    assert_eq!(sent.path, "/v1/chat/completions");
    assert_eq!(sent.headers["authorization"], "Bearer sk-primary-1");
    let sent = sent.body();
    assert_eq!(sent["model"], "mock", "the model is replaced");
    assert_eq!(sent["temperature"], 0.25, "the prompt's parameters win");
    for kept in ["top_p", "logit_bias", "x_new_in_2027"] {
        assert_eq!(sent[kept], body[kept], "{kept}");
    }
    let expected = json!([{ "role": "system", "content": "You help customers of Bloom & Sons." }, body["messages"][0]]);
    assert_eq!(sent["messages"], expected);
}

#[tokio::test]
async fn variables_and_user_from_the_body_of_a_plain_sdk_serve_the_same() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let mut body = hello("bot");
    body["user"] = json!("ann");
    body["metadata"] = json!({ "session_id": "s-1", "prompt_variables": "{\"shop\":\"Bloom\"}", "team": "blue" });
    let response = server.chat(&body).send().await.expect("answer");
    let id = header(&response, "x-request-id");
    assert_eq!(upstream.last().body()["messages"][0]["content"], "You help customers of Bloom.");
    let entry = server.logged(&id).await;
    assert_eq!((&entry["user_id"], &entry["session_id"]), (&json!("ann"), &json!("s-1")));
    assert_eq!(entry["metadata"], json!({ "team": "blue" }));
}

#[tokio::test]
async fn the_answer_passes_unchanged_with_the_headers_of_the_contract() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let response = server.ask("ann").await;
    let expected = [
        ("route", "bot"),
        ("variant", "control"),
        ("provider", "primary"),
        ("model", "mock"),
        ("prompt", "support@1"),
        ("attempts", "1"),
        ("cache", "off"),
    ];
    for (name, value) in expected {
        assert_eq!(header(&response, &format!("x-hypercare-{name}")), value, "{name}");
    }
    assert!(header(&response, "x-hypercare-overhead-us").parse::<u64>().is_ok());
    assert!(!header(&response, "x-hypercare-feedback-token").is_empty());
    assert!(!header(&response, "x-request-id").is_empty());
    assert_eq!(response.text().await.expect("body"), answer_body("hello").to_string(), "byte for byte");
}

#[tokio::test]
async fn the_callers_credentials_never_reach_the_provider_and_the_trace_continues() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = server.chat(&hello("bot")).header("traceparent", trace).header("cookie", "hypercare_session=x").header("x-secret", "s");
    request.send().await.expect("answer");
    let sent = upstream.last();
    assert_eq!(sent.headers["traceparent"], trace);
    assert!(!format!("{:?}", sent.headers).contains("app-key"), "{:?}", sent.headers);
    assert!(!sent.headers.contains_key("cookie") && !sent.headers.contains_key("x-secret"), "forwarded by allow-list");
}

#[tokio::test]
async fn a_safe_request_id_is_kept_and_any_other_replaced() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let longest = "a".repeat(64);
    for kept in ["order-77_b", "0b8f1d3e-6b1f-4f0e-9a53-6d1d1f0c2a11", &longest] {
        let response = server.chat(&hello("bot")).header("x-request-id", kept).send().await.expect("answer");
        assert_eq!(header(&response, "x-request-id"), kept);
        assert_eq!(server.logged(kept).await["request_id"], kept);
    }
    let too_long = "a".repeat(65);
    for replaced in ["two words", "<script>", "a\"b", &too_long, ""] {
        let response = server.chat(&hello("bot")).header("x-request-id", replaced).send().await.expect("answer");
        let id = header(&response, "x-request-id");
        assert!(id != replaced && id.len() == 36, "{replaced} became {id}");
    }
    let refused = server.chat(&json!({})).header("x-request-id", "even-on-errors").send().await.expect("answer");
    assert_eq!(header(&refused, "x-request-id"), "even-on-errors");
}

fn two_arms(upstream: &Upstream, sticky_by: &str) -> String {
    basic(upstream).replace("sticky_by = \"user\"", &format!("sticky_by = \"{sticky_by}\"")).replace(
        "[[keys]]\nname = \"app\"",
        "[[routes.variants]]\nname = \"candidate\"\nweight = 1\nprovider = \"primary\"\nmodel = \"mock-b\"\n\n[[keys]]\nname = \"app\"",
    )
}

async fn variants_of(server: &Server, name: &str, values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for value in values {
        let response = server.chat(&hello("bot")).header(name, value).send().await.expect("answer");
        seen.push(header(&response, "x-hypercare-variant"));
    }
    seen
}

#[tokio::test]
async fn a_user_a_session_or_nothing_sticks_as_the_route_says() {
    for (by, name) in [("user", "x-hypercare-user"), ("session", "x-hypercare-session")] {
        let upstream = Upstream::start().await;
        let server = Server::with(&Place::sqlite(), &two_arms(&upstream, by)).await;
        let same: HashSet<_> = variants_of(&server, name, (0..20).map(|_| "one".to_owned())).await.into_iter().collect();
        assert_eq!(same.len(), 1, "{by}: one unit, one arm");
        let many: HashSet<_> = variants_of(&server, name, (0..40).map(|i| i.to_string())).await.into_iter().collect();
        assert_eq!(many.len(), 2, "{by}: different units, both arms");
    }
    let upstream = Upstream::start().await;
    let server = Server::with(&Place::sqlite(), &two_arms(&upstream, "request")).await;
    let drawn: HashSet<_> = variants_of(&server, "x-hypercare-user", (0..40).map(|_| "one".to_owned())).await.into_iter().collect();
    assert_eq!(drawn.len(), 2, "every request is drawn anew, also of one user");
}

#[tokio::test]
async fn a_call_is_logged_once_with_everything_known_about_it() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let request = server.chat(&hello("bot")).header("x-hypercare-user", "ann").header("x-hypercare-session", "s-9");
        let request =
            request.header("x-hypercare-metadata", r#"{"plan":"gold"}"#).header("user-agent", "story/1").header("x-request-id", "once");
        assert_eq!(request.send().await.expect("answer").status(), 200);
        assert_eq!(server.entries("once").await, 1, "logged exactly once");
        let entry = server.logged("once").await;
        let expected = json!({
            "request_id": "once", "endpoint": "chat.completions", "route": "bot", "variant": "control", "provider": "primary", "model": "mock",
            "prompt": "support@1", "status": 200, "outcome": "ok", "error_code": null, "streamed": false, "user_id": "ann", "session_id": "s-9",
            "input_tokens": 1000, "cached_input_tokens": 400, "output_tokens": 200, "estimated": false,
            // 600 × 0.15 + 400 × 0.075 + 200 × 0.60 USD per million = 240 millionths of a dollar.
            "cost": 240_000, "key_name": "app", "source_ip": "127.0.0.1", "user_agent": "story/1", "metadata": { "plan": "gold" },
            "finish_reason": "stop", "upstream_id": "chatcmpl-up", "response_text": "hello", "preview": "Hello?",
        });
        for (field, value) in expected.as_object().expect("object") {
            assert_eq!(&entry[field], value, "{field}");
        }
        let attempts = entry["attempts"].as_array().expect("attempts");
        assert_eq!((attempts.len(), &attempts[0]["provider"], &attempts[0]["status"]), (1, &json!("primary"), &json!(200)));
        let upstream_body: Value = serde_json::from_str(entry["upstream_body"].as_str().expect("body")).expect("JSON");
        assert_eq!(upstream_body, upstream.last().body(), "the log shows what the provider got");
    }
}

#[tokio::test]
async fn usage_that_is_missing_is_estimated_and_marked_and_zero_is_not_missing() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let mut body = answer_body("hi");
    body.as_object_mut().expect("object").remove("usage");
    upstream.then(crate::support::Say::status(200, "", &body.to_string()));
    let id = header(&server.ask("a").await, "x-request-id");
    let entry = server.logged(&id).await;
    // Six words and two marks come to a token each, or two for a rare name; "hi" is one.
    assert_eq!((&entry["estimated"], &entry["output_tokens"]), (&json!(true), &json!(1)));
    assert!((7..=10).contains(&entry["input_tokens"].as_i64().expect("a number")), "{}", entry["input_tokens"]);
    assert!(entry["cost"].as_i64() > Some(0), "billed by the estimate");
    body["usage"] = json!({ "prompt_tokens": 0, "completion_tokens": 0 });
    upstream.then(crate::support::Say::status(200, "", &body.to_string()));
    let entry = server.logged(&header(&server.ask("a").await, "x-request-id")).await;
    assert_eq!((&entry["estimated"], &entry["input_tokens"]), (&json!(false), &json!(0)));
}

#[tokio::test]
async fn a_call_costs_what_its_kind_of_service_costs() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let usual = "price = { input = 0.15, output = 0.60, cached_input = 0.075 }";
        let with_tiers = usual.replace(" }", ", audio_input = 10.0, tiers = { flex = { input = 0.075, output = 0.30 } } }");
        let config = basic(&upstream);
        assert!(config.contains(usual), "{config}");
        let server = Server::with(&place, &config.replace(usual, &with_tiers)).await;
        let mut body = answer_body("hi");
        body["usage"] = json!({ "prompt_tokens": 1_000, "completion_tokens": 200, "prompt_tokens_details": { "audio_tokens": 600 } });
        // 400 × 0.15 + 600 × 10 + 200 × 0.60, and 1,000 × 0.075 + 200 × 0.30: millionths of a dollar.
        for (tier, said, cost) in
            [("default", Value::Null, 6_180_000), ("priority", json!("priority"), 6_180_000), ("flex", json!("flex"), 135_000)]
        {
            body["service_tier"] = json!(tier);
            upstream.then(crate::support::Say::status(200, "", &body.to_string()));
            let entry = server.logged(&header(&server.ask("a").await, "x-request-id")).await;
            assert_eq!((&entry["cost"], &entry["tier"], &entry["audio_input_tokens"]), (&json!(cost), &said, &json!(600)), "{tier}");
        }
        let wrong = config.replace(usual, "price = { input = 0.15, output = 0.60, tiers = { fast = { input = 1.0, output = 2.0 } } }");
        let refused = server.apply(&wrong).await.expect_err("a tier nobody has").to_string();
        assert!(refused.contains("fast"), "{refused}");
    }
}

#[tokio::test]
async fn models_lists_what_the_key_may_call() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let (status, list) =
        json_of(server.request(reqwest::Method::GET, "/v1/models").bearer_auth(crate::support::APP).send().await.expect("answer")).await;
    assert_eq!((status, &list["object"], &list["data"][0]["id"]), (200, &json!("list"), &json!("bot")));
    let one = server.request(reqwest::Method::GET, "/v1/models/bot").header("x-api-key", crate::support::APP).send().await.expect("answer");
    assert_eq!(json_of(one).await.1["id"], "bot");
}

#[tokio::test]
async fn a_provider_and_model_can_be_named_directly_by_a_key_for_all_routes() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let response = server.chat(&hello("primary/some-model")).send().await.expect("answer");
    assert_eq!((response.status().as_u16(), header(&response, "x-hypercare-provider")), (200, "primary".to_owned()));
    assert_eq!(upstream.last().body()["model"], "some-model");
}

#[tokio::test]
async fn scrapers_are_told_of_calls_under_configured_names_only() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    upstream.then(Say::answer("one")).then(Say::streamed(&["two", " words"])).then(Say::error(400, "no")).then(Say::answer("direct"));
    assert_eq!(server.ask("u").await.status(), 200);
    let streamed = server.chat(&hello_streamed()).send().await.expect("an answer");
    streamed.text().await.expect("a body");
    assert_eq!(server.ask("u").await.status(), 400);
    assert_eq!(server.chat(&hello("primary/made-up-name")).send().await.expect("an answer").status(), 200);
    let metrics = eventually("all four are counted", || async {
        let text = server.get("/metrics").send().await.expect("an answer").text().await.expect("text");
        text.contains("hypercare_overhead_seconds_count{} 4").then_some(text)
    })
    .await;
    let bot = "route=\"bot\",variant=\"control\",provider=\"primary\",model=\"mock\"";
    for line in [
        format!("hypercare_requests_total{{{bot},status=\"200\"}} 2\n"),
        format!("hypercare_requests_total{{{bot},status=\"400\"}} 1\n"),
        format!("hypercare_request_duration_seconds_count{{{bot}}} 2\n"),
        format!("hypercare_time_to_first_token_seconds_count{{{bot}}} 1\n"),
        "hypercare_requests_total{route=\"direct\",variant=\"\",provider=\"primary\",model=\"\",status=\"200\"} 1\n".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("made-up-name"), "labels come from configured names only");
    // Every line is a comment or `name{labels} number` (Prometheus text format 0.0.4).
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}
