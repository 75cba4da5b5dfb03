//! Two replicas on one database, and one story on both databases.

use crate::support::server::{basic, header, hello};
use crate::support::{ADMIN, APP, Place, Server, Upstream, eventually, places};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn halves(upstream: &Upstream) -> String {
    let arm =
        "[[routes.variants]]\nname = \"candidate\"\nweight = 1\nprovider = \"primary\"\nmodel = \"mock-b\"\n\n[[keys]]\nname = \"app\"";
    basic(upstream).replace("[[keys]]\nname = \"app\"", arm)
}

async fn two(place: &Place, upstream: &Upstream) -> (Server, Server, TempDir) {
    let one = Server::with(place, &halves(upstream)).await;
    let folder = tempfile::tempdir().expect("folder");
    let other = Server::start(place.settings_of_replica(&folder)).await;
    (one, other, folder)
}

async fn variant(server: &Server, user: &str) -> String {
    header(&server.ask(user).await, "x-hypercare-variant")
}

#[tokio::test]
async fn five_hundred_users_get_the_same_arm_from_both() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let (one, other, _folder) = two(&place, &upstream).await;
        let mut control = 0;
        for i in 0..500 {
            let user = format!("user-{i}");
            let chosen = variant(&one, &user).await;
            assert_eq!(chosen, variant(&other, &user).await, "{user}");
            control += usize::from(chosen == "control");
        }
        // Five standard deviations of a fair coin over 500: 250 ± 56.
        assert!((194..=306).contains(&control), "{control} of 500 for a weight of one half");
    }
}

#[tokio::test]
async fn a_change_on_one_is_in_force_on_the_other_within_a_second() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let (one, other, _folder) = two(&place, &upstream).await;
        for (control, winner) in [(0, "candidate"), (1, "control")] {
            let body = json!({ "weights": { "control": control, "candidate": 1 - control } });
            let put = one.request(Method::PUT, "/api/v1/routes/bot/split").bearer_auth(ADMIN).json(&body).send().await.expect("answer");
            assert_eq!(put.status(), 200);
            let began = Instant::now();
            eventually("the other replica follows for everybody", || async {
                for i in 0..20 {
                    if variant(&other, &format!("u{i}")).await != winner {
                        return None;
                    }
                }
                Some(())
            })
            .await;
            assert!(began.elapsed() < Duration::from_secs(1), "{winner} after {:?}", began.elapsed());
        }
        let keys = one.read("/api/v1/keys").await;
        let app = keys["items"].as_array().expect("items").iter().find(|k| k["name"] == "app").expect("app")["id"]
            .as_str()
            .expect("id")
            .to_owned();
        one.request(Method::DELETE, &format!("/api/v1/keys/{app}")).bearer_auth(ADMIN).send().await.expect("answer");
        let began = Instant::now();
        eventually("a revoked key ends there too", || async { (other.ask("ann").await.status() == 401).then_some(()) }).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn moving_a_split_moves_only_the_users_it_must() {
    let upstream = Upstream::start().await;
    let place = Place::sqlite();
    let server = Server::with(&place, &halves(&upstream)).await;
    let mut before = Vec::new();
    for i in 0..200 {
        before.push(variant(&server, &i.to_string()).await);
    }
    let body = json!({ "weights": { "control": 25, "candidate": 75 } });
    server.request(Method::PUT, "/api/v1/routes/bot/split").bearer_auth(ADMIN).json(&body).send().await.expect("answer");
    for (i, was) in before.iter().enumerate() {
        let is = variant(&server, &i.to_string()).await;
        assert!(is == *was || was == "control", "user {i} went from {was} to {is}: who had the growing arm keeps it");
    }
}

#[tokio::test]
async fn feedback_with_the_token_of_one_is_taken_by_the_other() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let (one, other, _folder) = two(&place, &upstream).await;
        let token = header(&one.ask("ann").await, "x-hypercare-feedback-token");
        assert_eq!(other.feedback(&json!({ "token": token, "rating": "up" })).await.status(), 201);
        assert_eq!(one.feedback(&json!({ "token": token, "rating": "down" })).await.status(), 200);
    }
}

#[tokio::test]
async fn the_loop_from_the_file_to_the_numbers() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let (one, other, _folder) = two(&place, &upstream).await;
        let mut last = String::new();
        for i in 0..10 {
            let server = if i % 2 == 0 { &one } else { &other };
            let response = server.ask(&format!("u{i}")).await;
            last = header(&response, "x-request-id");
            let token = header(&response, "x-hypercare-feedback-token");
            let rating = if i < 4 { "down" } else { "up" };
            assert_eq!(server.feedback(&json!({ "token": token, "rating": rating })).await.status(), 201);
        }
        let refused = one.chat(&hello("nope")).send().await.expect("answer");
        assert_eq!(refused.status(), 404);
        one.logged(&last).await;
        let totals = eventually("the roll-ups of both replicas", || async {
            let now = one.read("/api/v1/metrics?range=1h").await["now"].clone();
            (now["requests"] == 11 && now["feedback_down"] == 4).then_some(now)
        })
        .await;
        assert_eq!((&totals["errors"], &totals["input_tokens"], &totals["output_tokens"]), (&json!(1), &json!(10_000), &json!(2_000)));
        assert_eq!((&totals["feedback_up"], &totals["feedback_down"]), (&json!(6), &json!(4)));
        let answered = one.read("/api/v1/requests?route=bot&status=ok").await;
        let answered = answered["items"].as_array().expect("items");
        assert_eq!(answered.len(), 10);
        let cost: i64 = answered.iter().map(|i| i["cost"].as_i64().expect("cost")).sum();
        assert_eq!(totals["cost"], cost, "the roll-up and the log agree to the nanodollar");
        assert_eq!(one.read("/api/v1/feedback?kind=down").await["items"].as_array().expect("items").len(), 4);
        assert_eq!(one.read("/api/v1/requests?status=error").await["items"].as_array().expect("items").len(), 1);
        let points = one.read("/api/v1/metrics").await["points"]
            .as_array()
            .expect("points")
            .iter()
            .map(|p| p["totals"]["requests"].as_i64().expect("n"))
            .sum::<i64>();
        assert_eq!(points, 11, "the chart shows every call once");
        let again =
            one.request(Method::GET, "/v1/models").bearer_auth(APP).send().await.expect("answer").json::<Value>().await.expect("JSON");
        assert_eq!(again["data"].as_array().expect("data").len(), 1);
    }
}
