//! Input that does not hold: each is told what and where, and none reaches a provider.

use crate::support::server::{basic, hello, json_of};
use crate::support::{APP, Place, Server, Upstream};
use reqwest::Method;
use serde_json::{Value, json};

const NARROW: &str = r#"
[[keys]]
name = "narrow"
secret = "narrow-key-0123456789-0123456789"
scopes = ["gateway"]
routes = ["other"]

[[routes]]
name = "other"
[[routes.variants]]
name = "only"
weight = 1
provider = "primary"
model = "mock"
"#;
const NARROW_KEY: &str = "narrow-key-0123456789-0123456789";

async fn raw(server: &Server, key: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = server.request(Method::POST, "/v1/chat/completions").bearer_auth(key).body(body);
    let (status, body) = json_of(request.send().await.expect("answer")).await;
    let error = body["error"].clone();
    for field in ["message", "type", "param", "code"] {
        assert!(error.get(field).is_some(), "OpenAI's envelope has `{field}`: {body}");
    }
    (status, error)
}

#[tokio::test]
async fn a_key_must_be_known_have_the_scope_and_may_call_the_route() {
    let upstream = Upstream::start().await;
    let server = Server::with(&Place::sqlite(), &(basic(&upstream) + NARROW)).await;
    let body = hello("bot").to_string();
    let none = server.request(Method::POST, "/v1/chat/completions").body(body.clone()).send().await.expect("answer");
    let (status, answer) = json_of(none).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("invalid_api_key")));
    let (status, error) = raw(&server, "wrong-key-0123456789-0123456789", body.clone()).await;
    assert_eq!((status, &error["code"], &error["type"]), (401, &json!("invalid_api_key"), &json!("authentication_error")));
    let (status, error) = raw(&server, crate::support::ADMIN, body.clone()).await;
    assert_eq!((status, &error["code"]), (403, &json!("scope_missing")));
    let (status, error) = raw(&server, NARROW_KEY, body).await;
    assert_eq!((status, &error["code"]), (404, &json!("model_not_found")));
    let (status, _) = raw(&server, NARROW_KEY, hello("primary/mock").to_string()).await;
    assert_eq!(status, 404, "a key bound to routes may not go around them");
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn an_unknown_model_names_the_nearest_one_this_key_may_use() {
    let upstream = Upstream::start().await;
    let text = basic(&upstream).replace("name = \"bot\"", "name = \"support-bot\"") + NARROW;
    let server = Server::with(&Place::sqlite(), &text).await;
    let (status, error) = raw(&server, APP, hello("suport-bot").to_string()).await;
    assert_eq!((status, &error["code"], &error["param"]), (404, &json!("model_not_found"), &json!("model")));
    assert!(error["message"].as_str().expect("text").contains("`support-bot`"), "{error}");
    let (_, error) = raw(&server, NARROW_KEY, hello("suport-bot").to_string()).await;
    assert!(!error["message"].as_str().expect("text").contains("`support-bot`"), "names no route this key may not know of: {error}");
}

#[tokio::test]
async fn broken_json_is_told_line_and_column() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let (status, error) = raw(&server, APP, "{\n  \"model\": \"bot\",\n  \"messages\": [,]\n}").await;
    let message = error["message"].as_str().expect("text");
    assert_eq!(status, 400);
    assert!(message.contains("line 3") && message.contains("column"), "{message}");
    for nonsense in ["", "null", "[]", "\"text\"", "{\"model\":\"bot\",\"messages\":[{}]} trailing"] {
        assert_eq!(raw(&server, APP, nonsense).await.0, 400, "{nonsense}");
    }
    assert_eq!(raw(&server, APP, vec![0xff, 0xfe, b'{', b'}']).await.0, 400, "not UTF-8");
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn missing_and_wrong_fields_are_named() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let messages = json!([{ "role": "user", "content": "x" }]);
    for (body, field) in [
        (json!({ "messages": messages }), "model"),
        (json!({ "model": 7, "messages": messages }), "model"),
        (json!({ "model": "bot" }), "messages"),
        (json!({ "model": "bot", "messages": "x" }), "messages"),
        (json!({ "model": "bot", "messages": messages, "stream": "yes" }), "stream"),
    ] {
        let (status, error) = raw(&server, APP, body.to_string()).await;
        assert_eq!((status, &error["param"]), (400, &json!(field)), "{body}");
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn too_large_is_413_with_the_limit() {
    let upstream = Upstream::start().await;
    let place = Place::sqlite();
    let mut settings = place.settings();
    settings.max_body_bytes = 2_000;
    let server = Server::start(settings).await;
    server.apply(&basic(&upstream)).await.expect("holds");
    let (status, error) = raw(&server, APP, "x".repeat(2_001)).await;
    assert_eq!(status, 413);
    assert!(error["message"].as_str().expect("text").contains("2000"), "{error}");
    let mut fits = hello("bot");
    fits["x"] = json!("y".repeat(2_000 - fits.to_string().len() - 7));
    assert_eq!(fits.to_string().len(), 2_000);
    assert_eq!(server.chat(&fits).send().await.expect("answer").status(), 200, "exactly the limit is taken");
}

#[tokio::test]
async fn headers_that_do_not_hold_are_named() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let long = "u".repeat(257);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(4_100));
    for (name, value) in [
        ("x-hypercare-metadata", "not json"),
        ("x-hypercare-metadata", "[1]"),
        ("x-hypercare-metadata", &large),
        ("x-hypercare-prompt-variables", "nope"),
        ("x-hypercare-user", &long),
        ("x-hypercare-session", &long),
    ] {
        let (status, body) = json_of(server.chat(&hello("bot")).header(name, value).send().await.expect("answer")).await;
        assert_eq!(status, 400, "{name}: {}", &value[..value.len().min(30)]);
        assert!(body["error"]["param"].as_str().is_some_and(|p| p.contains(name.trim_start_matches("x-hypercare-"))), "{name}: {body}");
    }
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test]
async fn metadata_is_an_object_of_strings() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let request = server.chat(&hello("bot")).header("x-hypercare-metadata", "{\"nested\":{\"a\":1}}");
    assert_eq!(request.send().await.expect("answer").status(), 400);
}

#[tokio::test]
async fn an_answered_refusal_is_in_the_log_too() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let response =
        server.chat(&hello("nope")).header("x-request-id", "refused-1").header("x-hypercare-user", "ann").send().await.expect("answer");
    assert_eq!(response.status(), 404);
    let entry = server.logged("refused-1").await;
    assert_eq!((&entry["status"], &entry["error_code"], &entry["user_id"]), (&json!(404), &json!("model_not_found"), &json!("ann")));
    assert_eq!(server.entries("refused-1").await, 1);
}

#[tokio::test]
async fn the_data_plane_answers_json_also_where_there_is_nothing() {
    let upstream = Upstream::start().await;
    let server = Server::basic(&Place::sqlite(), &upstream).await;
    let nowhere = server.request(Method::POST, "/v1/nowhere").bearer_auth(APP).json(&json!({})).send().await.expect("answer");
    let (status, body) = json_of(nowhere).await;
    assert_eq!(status, 404);
    assert!(body["error"]["code"].is_string(), "WIRE 10: always JSON with a stable code: {body}");
}
