//! Feedback from other systems: files and signed deliveries.

use crate::support::server::{basic, json_of};
use crate::support::{ADMIN, APP, Server, Upstream, places};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn send(request: RequestBuilder) -> (u16, Value) {
    json_of(request.send().await.expect("answer")).await
}

fn csv(server: &Server, text: &str) -> RequestBuilder {
    server.request(Method::POST, "/v1/intake/zendesk").bearer_auth(APP).header("content-type", "text/csv").body(text.to_owned())
}

#[tokio::test]
async fn a_file_with_bad_rows_brings_in_the_good_ones_and_again_doubles_nothing() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        let file = "external_id,created_at,rating,stars,comment,user\n\
            T-1,2026-11-20T10:00:00Z,down,,\"It forgot,\nmy order\",ann\n\
            T-2,2026-11-20,up,9,hello,bob\n\
            ,2026-11-20,up,,hello,bob\n\
            T-4,yesterday,up,,hello,bob\n\
            T-5,2026-11-21,,4,Schön,cat\n";
        let (status, taken) = send(csv(&server, file)).await;
        assert_eq!((status, &taken["accepted"], &taken["new"]), (200, &json!(2), &json!(2)), "{taken}");
        let bad: Vec<_> = taken["rejected"].as_array().expect("rejected").iter().map(|r| (r["line"].clone(), r["field"].clone())).collect();
        // The second row stands in lines 2 and 3.
        assert_eq!(bad, [(json!(4), json!("stars")), (json!(5), json!("external_id")), (json!(6), json!("created_at"))], "{taken}");
        assert!(taken["rejected"].as_array().expect("rejected").iter().all(|r| r["reason"].as_str().is_some_and(|w| !w.is_empty())));
        let (_, again) = send(csv(&server, file)).await;
        assert_eq!((&again["accepted"], &again["new"]), (&json!(2), &json!(0)), "{again}");
        let list = server.read("/api/v1/feedback").await;
        let items = list["items"].as_array().expect("items");
        assert_eq!(items.len(), 2, "{list}");
        let first = items.iter().find(|f| f["user"] == "ann").expect("the first row");
        assert_eq!((&first["channel"], &first["comment"]), (&json!("zendesk"), &json!("It forgot,\nmy order")));
        assert_eq!(first["created_at"], "2026-11-20T10:00:00.000000Z");
        assert_eq!(send(server.request(Method::POST, "/v1/intake/zendesk").json(&json!([]))).await.0, 401);
        let reader = server.request(Method::POST, "/v1/intake/zendesk").bearer_auth(ADMIN).json(&json!([]));
        assert_eq!(send(reader).await.0, 403);
    }
}

#[tokio::test]
async fn an_empty_cell_of_a_file_brought_in_again_takes_nothing_back() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::basic(&place, &upstream).await;
        for row in ["T-1,down,It forgot,tone", "T-1,up,,"] {
            let (status, taken) = send(csv(&server, &format!("external_id,rating,comment,categories\n{row}\n"))).await;
            assert_eq!((status, &taken["accepted"]), (200, &json!(1)), "{taken}");
        }
        let list = server.read("/api/v1/feedback?category=tone").await;
        let kept = &list["items"][0];
        assert_eq!(
            (&kept["rating"], &kept["comment"], &kept["categories"]),
            (&json!("up"), &json!("It forgot"), &json!(["tone"])),
            "{list}"
        );
    }
}

/// As <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md> says: HMAC-SHA256 over `id.timestamp.body`.
fn signed(server: &Server, id: &str, at: i64, body: &str) -> RequestBuilder {
    let key = BASE64_STANDARD.decode(SECRET.trim_start_matches("whsec_")).expect("base64");
    let mac = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), format!("{id}.{at}.{body}").as_bytes());
    server
        .request(Method::POST, "/v1/intake/zendesk")
        .header("webhook-id", id)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", format!("v1,{}", BASE64_STANDARD.encode(mac)))
        .body(body.to_owned())
}

#[tokio::test]
async fn a_signed_delivery_is_taken_once_mapped_to_our_fields_and_a_forged_one_refused() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = Server::with(&place, &basic(&upstream)).await;
        let mapping = json!({ "external_id": "ticket.id", "comment": "ticket.description", "user": "ticket.requester" });
        let channel = json!({ "label": "Zendesk", "secret": SECRET, "mapping": mapping });
        let put = |body: &Value| server.request(Method::PUT, "/api/v1/feedback/channels/zendesk").bearer_auth(ADMIN).json(body);
        let (status, made) = send(put(&channel)).await;
        assert_eq!((status, &made["signed"]), (200, &json!(true)), "{made}");
        assert!(!made.to_string().contains("MfKQ9r8"), "the secret never comes back: {made}");
        let body = r#"{"ticket":{"id":"T-7","description":"It forgot my order","requester":"ann"},"unknown":1}"#;
        let now = server.app.now().0 / 1_000_000;
        let (status, taken) = send(signed(&server, "msg_1", now, body)).await;
        assert_eq!((status, &taken["new"]), (200, &json!(1)), "{taken}");
        let (status, again) = send(signed(&server, "msg_1", now, body)).await;
        assert_eq!((status, &again["accepted"]), (200, &json!(0)), "played again: taken notice of, not taken");
        for (story, request) in [
            ("old", signed(&server, "msg_2", now - 3_600, body)),
            ("another body", signed(&server, "msg_3", now, body).body(body.replace("T-7", "T-8"))),
            ("another channel", {
                let request = signed(&server, "msg_4", now, body).build().expect("a request");
                let mut to = server.request(Method::POST, "/v1/intake/other").body(body);
                for (name, value) in request.headers() {
                    to = to.header(name, value);
                }
                to
            }),
        ] {
            assert_eq!(send(request).await.0, 401, "{story}");
        }
        let list = server.read("/api/v1/feedback").await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
        assert_eq!((&list["items"][0]["comment"], &list["items"][0]["user"]), (&json!("It forgot my order"), &json!("ann")));
        let bad = json!({ "mapping": { "colour": "ticket.colour" } });
        let (status, answer) = send(put(&bad)).await;
        assert_eq!(status, 422);
        assert!(answer["error"]["fields"].get("mapping").is_some(), "{answer}");
    }
}
