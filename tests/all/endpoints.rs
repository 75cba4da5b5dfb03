//! The endpoints beside chat: embeddings, counts of tokens, Gemini's addresses, and whatever a provider offers beyond.

use crate::support::server::{APP, KEYS, header, json_of, provider};
use crate::support::{Place, Say, Server, Upstream, places};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// The route `bot` on one provider of that kind, with a prompt.
async fn on(place: &Place, kind: &str, upstream: &Upstream) -> Server {
    let provider = provider("first", &upstream.url, "").replace("kind = \"openai\"", &format!("kind = \"{kind}\""));
    let provider = if kind == "bedrock" { provider.replace("\"sk-", "\"ABSKsk-") } else { provider };
    let rest = "[[models]]\nprovider = \"first\"\nname = \"mock\"\nmax_output_tokens = 100\nprice = { input = 1.0, output = 2.0 }\n\
        [[prompts]]\nname = \"p\"\n[[prompts.versions]]\nmessages = [{ role = \"system\", content = \"Be brief.\" }]\nparameters = { temperature = 0.5 }\nlabels = [\"live\"]\n\
        [[routes]]\nname = \"bot\"\n[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"first\"\nmodel = \"mock\"\nprompt = \"p@live\"\n";
    Server::with(place, &[&provider, rest, KEYS].concat()).await
}

async fn post(server: &Server, path: &str, body: &Value) -> Response {
    server.request(Method::POST, path).bearer_auth(APP).json(body).send().await.expect("an answer")
}

fn say(body: &Value) -> Say {
    Say::status(200, "", &body.to_string())
}

#[tokio::test]
async fn embeddings_pass_untouched_to_their_own_kind_and_are_logged_without_their_vectors() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = on(&place, "openai", &upstream).await;
        let answer = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,1e-7]}],"model":"x","usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        upstream.then(Say::status(200, "", answer));
        let response = post(&server, "/v1/embeddings", &json!({ "model": "bot", "input": "a cat", "user": "ann" })).await;
        assert_eq!(header(&response, "x-hypercare-route"), "bot");
        let id = header(&response, "x-request-id");
        assert_eq!(response.text().await.expect("body"), answer, "byte for byte");
        assert_eq!((upstream.last().path.as_str(), upstream.last().body()["model"].as_str()), ("/v1/embeddings", Some("mock")));
        let entry = server.logged(&id).await;
        assert_eq!((&entry["endpoint"], &entry["input_tokens"], &entry["user_id"]), (&json!("embeddings"), &json!(5), &json!("ann")));
        assert_eq!((&entry["cost"], &entry["response_body"], &entry["preview"]), (&json!(5_000), &Value::Null, &json!("a cat")));
    }
}

#[tokio::test]
async fn embeddings_go_to_gemini_and_back() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "gemini", &upstream).await;
    upstream.then(say(&json!({ "embeddings": [{ "values": [0.25, 2.0] }, { "values": [0.5, 1.0] }] })));
    let (status, body) = json_of(post(&server, "/v1/embeddings", &json!({ "model": "bot", "input": ["a", "b"] })).await).await;
    assert_eq!((status, &body["data"][1]["embedding"]), (200, &json!([0.5, 1.0])));
    assert_eq!(upstream.last().path, "/v1/models/mock:batchEmbedContents");
    upstream.then(say(&json!({ "embedding": { "values": [0.25, 2.0] } })));
    let path = "/v1beta/models/bot:embedContent";
    let (_, body) = json_of(post(&server, path, &json!({ "content": { "parts": [{ "text": "a" }] } })).await).await;
    assert_eq!(body, json!({ "embedding": { "values": [0.25, 2.0] } }));
}

#[tokio::test]
async fn a_provider_without_embeddings_says_so() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "anthropic", &upstream).await;
    let (status, body) = json_of(post(&server, "/v1/embeddings", &json!({ "model": "bot", "input": "a" })).await).await;
    assert_eq!((status, &body["error"]["param"], upstream.calls()), (400, &json!("model"), 0));
    let (status, body) = json_of(post(&server, "/v1/embeddings", &json!({ "model": "bot" })).await).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("input")));
    let (status, body) = json_of(post(&server, "/v1/embeddings", &json!({ "model": "nobody", "input": "a" })).await).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("model_not_found")));
}

#[tokio::test]
async fn tokens_are_counted_by_the_provider_with_the_routes_prompt() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "anthropic", &upstream).await;
    upstream.then(say(&json!({ "input_tokens": 14 })));
    let asked = json!({ "model": "bot", "system": "You are a scientist", "messages": [{ "role": "user", "content": "Hello, Claude" }] });
    let response = post(&server, "/v1/messages/count_tokens", &asked).await;
    assert_eq!(header(&response, "x-hypercare-estimated"), "");
    let id = header(&response, "x-request-id");
    assert_eq!(json_of(response).await, (200, json!({ "input_tokens": 14 })));
    assert_eq!(upstream.last().path, "/v1/messages/count_tokens");
    let system = json!([{ "type": "text", "text": "Be brief." }, { "type": "text", "text": "You are a scientist" }]);
    assert_eq!(
        upstream.last().body(),
        json!({ "model": "mock", "messages": [{ "role": "user", "content": "Hello, Claude" }], "system": system })
    );
    let entry = server.logged(&id).await;
    assert_eq!((&entry["endpoint"], &entry["cost"], &entry["estimated"]), (&json!("count_tokens"), &json!(0), &json!(false)));
}

#[tokio::test]
async fn tokens_are_counted_on_bedrock_for_the_model_itself() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "bedrock", &upstream).await;
    upstream.then(say(&json!({ "inputTokens": 21 })));
    let asked = json!({ "model": "bot", "max_tokens": 9, "messages": [{ "role": "user", "content": "Hello, Claude" }] });
    let response = post(&server, "/v1/messages/count_tokens", &asked).await;
    assert_eq!(header(&response, "x-hypercare-estimated"), "");
    assert_eq!(json_of(response).await, (200, json!({ "input_tokens": 21 })));
    assert!(upstream.last().path.ends_with("/model/mock/count-tokens"), "{}", upstream.last().path);
    let conversation =
        json!({ "messages": [{ "role": "user", "content": [{ "text": "Hello, Claude" }] }], "system": [{ "text": "Be brief." }] });
    assert_eq!(upstream.last().body(), json!({ "input": { "converse": conversation } }));
}

#[tokio::test]
async fn tokens_are_estimated_where_nobody_counts_and_when_the_counter_fails() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "openai", &upstream).await;
    let asked = json!({ "model": "bot", "messages": [{ "role": "user", "content": "Hello, Claude" }] });
    let response = post(&server, "/v1/messages/count_tokens", &asked).await;
    assert_eq!(header(&response, "x-hypercare-estimated"), "true");
    let (status, body) = json_of(response).await;
    // "Be brief." 3, "Hello, Claude" 3, and three for each message and the answer's begin.
    assert_eq!((status, &body["input_tokens"], upstream.calls()), (200, &json!(15), 0));
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "anthropic", &upstream).await;
    upstream.always(Say::error(500, "no"));
    let response = post(&server, "/v1/messages/count_tokens", &asked).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-hypercare-estimated").as_str()), (200, "true"));
}

#[tokio::test]
async fn googles_addresses_work_with_googles_keys() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = on(&place, "gemini", &upstream).await;
        let answer = json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": "Hi" }] }, "finishReason": "STOP", "index": 0 }],
            "usageMetadata": { "promptTokenCount": 4, "candidatesTokenCount": 1, "totalTokenCount": 5 }, "x_new": 1 });
        upstream.then(say(&answer));
        let asked = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello" }] }], "x_kept": true });
        let request = server.request(Method::POST, "/v1beta/models/bot:generateContent").header("x-goog-api-key", APP);
        let response = request.json(&asked).send().await.expect("answer");
        let id = header(&response, "x-request-id");
        assert_eq!(json_of(response).await, (200, answer.clone()), "the same dialect passes unchanged");
        let seen = upstream.last();
        assert_eq!((seen.path.as_str(), &seen.body()["x_kept"]), ("/v1/models/mock:generateContent", &json!(true)));
        assert_eq!(seen.body()["systemInstruction"], json!({ "parts": [{ "text": "Be brief." }] }));
        assert_eq!(seen.body()["generationConfig"], json!({ "temperature": 0.5 }));
        let entry = server.logged(&id).await;
        assert_eq!(
            (&entry["endpoint"], &entry["input_tokens"], &entry["response_text"]),
            (&json!("generateContent"), &json!(4), &json!("Hi"))
        );
        assert_eq!(entry["preview"], "Hello");
        let sent: Value = serde_json::from_str(entry["upstream_body"].as_str().expect("what was sent")).expect("JSON");
        assert_eq!(sent, seen.body());
        // The key in the address, an unknown model, no key: errors in Google's envelope.
        upstream.then(say(&answer));
        let path = format!("/v1beta/models/bot:generateContent?key={APP}");
        assert_eq!(server.request(Method::POST, &path).json(&asked).send().await.expect("answer").status(), 200);
        let (status, body) = json_of(post(&server, "/v1beta/models/nobody:generateContent", &asked).await).await;
        assert_eq!((status, &body["error"]["status"]), (404, &json!("NOT_FOUND")));
        let nobody = server.request(Method::POST, "/v1beta/models/bot:generateContent").json(&asked).send().await.expect("answer");
        let (status, body) = json_of(nobody).await;
        assert_eq!((status, &body["error"]["status"]), (401, &json!("UNAUTHENTICATED")));
        let list = server.request(Method::GET, "/v1beta/models").header("x-goog-api-key", APP).send().await.expect("answer");
        assert_eq!(json_of(list).await.1["models"][0]["name"], "models/bot");
    }
}

#[tokio::test]
async fn googles_clients_reach_providers_of_other_kinds() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "openai", &upstream).await;
    upstream.then(Say::streamed(&["Hel", "lo"]));
    let asked = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello" }] }] });
    let response = post(&server, "/v1beta/models/bot:streamGenerateContent?alt=sse", &asked).await;
    assert_eq!(header(&response, "content-type"), "text/event-stream");
    let body = response.text().await.expect("body");
    let said: String = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str::<Value>(data).ok())
        .filter_map(|event| event["candidates"][0]["content"]["parts"][0]["text"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(said, "Hello", "{body}");
    let sent = upstream.last().body();
    assert_eq!(
        (&sent["messages"][0], &sent["model"], &sent["stream"]),
        (&json!({ "role": "system", "content": "Be brief." }), &json!("mock"), &json!(true))
    );
    upstream.then(Say::streamed(&["Hel", "lo"]));
    let response = post(&server, "/v1beta/models/bot:streamGenerateContent", &asked).await;
    assert_eq!(header(&response, "content-type"), "application/json", "whoever does not ask for events gets a list, as from Google");
    let (status, list) = json_of(response).await;
    let texts = list.as_array().expect("a list").iter().filter_map(|event| event["candidates"][0]["content"]["parts"][0]["text"].as_str());
    assert_eq!((status, texts.collect::<String>().as_str()), (200, "Hello"), "{list}");
    let (_, body) = json_of(post(&server, "/v1beta/models/bot:countTokens", &asked).await).await;
    assert!(body["totalTokens"].as_u64() > Some(0), "{body}");
}

#[tokio::test]
async fn what_a_provider_offers_beyond_is_handed_on_with_its_own_key_and_logged() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = on(&place, "openai", &upstream).await;
        upstream.then(Say::status(
            201,
            "x-secret: s\r\netag: \"e\"\r\nset-cookie: a=b\r\n",
            r#"{"results":[],"usage":{"prompt_tokens":7,"completion_tokens":0}}"#,
        ));
        let request = server.request(Method::PUT, "/passthrough/first/rerank%2Fx?top=3&q=a%20b").bearer_auth(APP);
        let request = request
            .header("x-hypercare-user", "ann")
            .header("cookie", "session=1")
            .header("x-api-key", "mine")
            .json(&json!({ "query": "cat" }));
        let response = request.send().await.expect("answer");
        assert_eq!(response.status(), 201);
        assert_eq!(
            (header(&response, "etag").as_str(), header(&response, "x-secret"), header(&response, "set-cookie")),
            ("\"e\"", String::new(), String::new())
        );
        let id = header(&response, "x-request-id");
        let seen = upstream.last();
        assert_eq!(seen.path, "/v1/rerank%2Fx?top=3&q=a%20b");
        assert_eq!(seen.headers.get("authorization").map(String::as_str), Some("Bearer sk-first-1"));
        assert!(!seen.headers.contains_key("cookie") && !seen.headers.contains_key("x-api-key"), "{:?}", seen.headers);
        let entry = server.logged(&id).await;
        assert_eq!((&entry["endpoint"], &entry["status"], &entry["input_tokens"]), (&json!("passthrough"), &json!(201), &json!(7)));
        assert_eq!((&entry["provider"], &entry["user_id"]), (&json!("first"), &json!("ann")));
    }
}

#[tokio::test]
async fn handing_on_is_for_keys_that_may_call_providers_directly() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "openai", &upstream).await;
    server
        .apply("[[keys]]\nname = \"narrow\"\nsecret = \"narrow-key-0123456789-0123456789\"\nscopes = [\"gateway\"]\nroutes = [\"bot\"]\n")
        .await
        .expect("applied");
    let narrow = server.request(Method::GET, "/passthrough/first/files").bearer_auth("narrow-key-0123456789-0123456789").send().await;
    assert_eq!(json_of(narrow.expect("answer")).await.0, 403);
    let nobody = server.request(Method::GET, "/passthrough/first/files").send().await.expect("answer");
    assert_eq!(nobody.status(), 401);
    let (status, body) =
        json_of(server.request(Method::GET, "/passthrough/other/files").bearer_auth(APP).send().await.expect("answer")).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("provider_not_found")));
    assert_eq!(upstream.calls(), 0);
    // Our own key refused is our trouble, not the caller's.
    upstream.then(Say::error(401, "bad key"));
    let (status, body) =
        json_of(server.request(Method::GET, "/passthrough/first/files").bearer_auth(APP).send().await.expect("answer")).await;
    assert_eq!((status, &body["error"]["code"]), (502, &json!("provider_credentials_rejected")));
}

#[tokio::test]
async fn an_answer_that_is_handed_on_and_breaks_does_not_look_whole() {
    let upstream = Upstream::start().await;
    let server = on(&Place::sqlite(), "openai", &upstream).await;
    upstream.then(Say::stream().piece("data: {\"a\":1}\n\n"));
    let response = server.request(Method::POST, "/passthrough/first/audio").bearer_auth(APP).send().await.expect("answer");
    let id = header(&response, "x-request-id");
    assert!(response.bytes().await.is_err(), "the connection breaks, as the provider's did");
    let entry = server.logged(&id).await;
    assert_eq!((&entry["outcome"], &entry["error_code"]), (&json!("error"), &json!("provider_cut")));
}

#[tokio::test]
async fn a_conversation_goes_on_from_an_answer_whole_or_streamed() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = on(&place, "openai", &upstream).await;
        upstream.then(Say::answer("I am Bot."));
        let (status, first) = json_of(post(&server, "/v1/responses", &json!({ "model": "bot", "input": "Who are you?" })).await).await;
        assert_eq!(status, 200);
        let id = first["id"].as_str().expect("an id").to_owned();
        assert!(id.starts_with("resp_"), "{id}");
        upstream.then(Say::streamed(&["Still ", "Bot."]));
        let asked =
            json!({ "model": "bot", "input": [{ "role": "user", "content": "And now?" }], "previous_response_id": id, "stream": true });
        let streamed = post(&server, "/v1/responses", &asked).await.text().await.expect("body");
        let said: Vec<Value> =
            upstream.last().body()["messages"].as_array().expect("messages").iter().map(|m| m["content"].clone()).collect();
        assert_eq!(said, [json!("Be brief."), json!("Who are you?"), json!("I am Bot."), json!("And now?")]);
        let completed = streamed.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().expect("events");
        let completed: Value = serde_json::from_str(completed).expect("JSON");
        let id = completed["response"]["id"].as_str().expect("an id").to_owned();
        upstream.then(Say::answer("Yes."));
        let asked = json!({ "model": "bot", "input": "Sure?", "previous_response_id": id });
        assert_eq!(post(&server, "/v1/responses", &asked).await.status(), 200);
        let said: Vec<Value> =
            upstream.last().body()["messages"].as_array().expect("messages").iter().map(|m| m["content"].clone()).collect();
        assert_eq!(said[3..], [json!("And now?"), json!("Still Bot."), json!("Sure?")], "{said:?}");
        // Another key knows nothing of it, and nobody of what never was.
        server
            .apply("[[keys]]\nname = \"other\"\nsecret = \"other-key-0123456789-012345678\"\nscopes = [\"gateway\"]\n")
            .await
            .expect("applied");
        let stranger =
            server.request(Method::POST, "/v1/responses").bearer_auth("other-key-0123456789-012345678").json(&asked).send().await;
        let (status, body) = json_of(stranger.expect("answer")).await;
        assert_eq!((status, &body["error"]["code"]), (404, &json!("previous_response_not_found")));
        let nowhere = json!({ "model": "bot", "input": "Sure?", "previous_response_id": "resp_nobody" });
        let (status, body) = json_of(post(&server, "/v1/responses", &nowhere).await).await;
        assert_eq!((status, &body["error"]["param"]), (404, &json!("previous_response_id")));
    }
}

#[tokio::test]
async fn a_provider_that_serves_responses_itself_is_asked_as_it_is() {
    let upstream = Upstream::start().await;
    let native = provider("first", &upstream.url, "responses_api = true");
    let rest = "[[routes]]\nname = \"bot\"\n[[routes.variants]]\nname = \"one\"\nweight = 1\nprovider = \"first\"\nmodel = \"mock\"\n";
    let server = Server::with(&Place::sqlite(), &[&native, rest, KEYS].concat()).await;
    let answer = json!({ "id": "resp_theirs", "object": "response", "model": "mock", "output": [], "usage": { "input_tokens": 3, "output_tokens": 0 } });
    upstream.then(say(&answer));
    let asked = json!({ "model": "bot", "input": "Hi", "previous_response_id": "resp_theirs_before", "tools": [{ "type": "web_search" }] });
    let (_, body) = json_of(post(&server, "/v1/responses", &asked).await).await;
    assert_eq!(body, answer, "untouched");
    assert_eq!(upstream.last().path, "/v1/responses");
    assert_eq!(upstream.last().body()["previous_response_id"], "resp_theirs_before");
    // Chat goes to chat.
    assert_eq!(post(&server, "/v1/chat/completions", &crate::support::server::hello("bot")).await.status(), 200);
    assert_eq!(upstream.last().path, "/v1/chat/completions");
}
