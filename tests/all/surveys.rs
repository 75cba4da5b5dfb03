//! Surveys: who is asked and who is left alone, what is taken for an answer, and what becomes of it.

use crate::support::server::{basic, header, json_of};
use crate::support::{ADMIN, APP, PASSWORD, Place, Server, Upstream, eventually, places};
use reqwest::Method;
use serde_json::{Value, json};

/// A survey in a file; `more` are further lines of it.
fn survey(name: &str, kind: &str, more: &str) -> String {
    format!("\n[[surveys]]\nname = \"{name}\"\nkind = \"{kind}\"\nquestion = \"How was {name}?\"\n{more}\n")
}

async fn with(place: &Place, upstream: &Upstream, surveys: &str) -> Server {
    let people = [("pm", "product"), ("eve", "viewer"), ("ann", "annotator")]
        .map(|(name, role)| format!("\n[[users]]\nemail = \"{name}@example.org\"\nrole = \"{role}\"\npassword = \"{PASSWORD}\"\n"));
    Server::with(place, &(basic(upstream) + surveys + &people.concat())).await
}

/// What a browser is told; 204 is nothing.
async fn next(server: &Server, query: &str) -> Option<Value> {
    let response = server.request(Method::GET, &format!("/v1/surveys/next?{query}")).send().await.expect("an answer");
    found(response, query).await
}

/// What an application with a key is told.
async fn next_by_key(server: &Server, query: &str) -> Option<Value> {
    let response = server.request(Method::GET, &format!("/v1/surveys/next?{query}")).bearer_auth(APP).send().await.expect("an answer");
    found(response, query).await
}

async fn found(response: reqwest::Response, query: &str) -> Option<Value> {
    if response.status() == 204 {
        return None;
    }
    let (status, body) = json_of(response).await;
    assert_eq!(status, 200, "{query}: {body}");
    Some(body)
}

/// The name of the survey that user is shown.
async fn shown(server: &Server, user: &str) -> Option<String> {
    next_by_key(server, &format!("user={user}")).await.map(|s| s["name"].as_str().expect("a name").to_owned())
}

async fn answer(server: &Server, question: &Value, body: Value) -> (u16, Value) {
    let mut body = body;
    body.as_object_mut().expect("an object").entry("ticket").or_insert_with(|| question["ticket"].clone());
    let path = format!("/v1/surveys/{}/answers", question["id"].as_str().expect("an id"));
    json_of(server.request(Method::POST, &path).json(&body).send().await.expect("an answer")).await
}

async fn numbers(server: &Server, name: &str) -> Value {
    server.read(&format!("/api/v1/surveys/{name}")).await
}

#[tokio::test]
async fn an_answer_to_a_survey_counts_and_lies_in_the_inbox_with_the_variant_of_its_call() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let more = "follow_up = \"Why?\"\n[surveys.trigger]\nroutes = [\"bot\"]\nevent = \"answer\"\n\
            [surveys.translations.de]\nquestion = \"Wie war es?\"\nfollow_up = \"Warum?\"\nhigh = \"Prima\"";
        let server = with(&place, &upstream, &survey("launch", "csat", more)).await;
        let call = server.ask("ann").await;
        let token = header(&call, "x-hypercare-feedback-token");
        assert_eq!(next(&server, &format!("token={token}")).await, None, "not at this moment");
        assert_eq!(next(&server, &format!("token={token}&event=checkout")).await, None, "nor at this");
        let asked = next(&server, &format!("token={token}&event=answer&lang=de-AT")).await.expect("a survey");
        let expected = json!({
            "name": "launch", "kind": "csat", "lang": "de", "question": "Wie war es?", "follow_up": "Warum?", "thanks": "Danke. Das hilft uns.",
            "scale": { "min": 1, "max": 5, "low": "Sehr unzufrieden", "high": "Prima" },
        });
        for (field, value) in expected.as_object().expect("object") {
            assert_eq!(&asked[field], value, "{field}");
        }
        assert_eq!(next(&server, &format!("token={token}&event=answer")).await, None, "asked once, left alone");
        let (status, first) = answer(&server, &asked, json!({ "score": 5 })).await;
        assert_eq!(status, 201, "{first}");
        assert_eq!(server.read("/api/v1/feedback?state=all").await["items"], json!([]), "a good score alone is a number, no work");
        let (status, second) = answer(&server, &asked, json!({ "score": 2, "comment": "It forgot my order." })).await;
        assert_eq!((status, &second["id"]), (200, &first["id"]), "the same ticket changes the answer");
        let report = numbers(&server, "launch").await;
        assert_eq!((&report["shown"], &report["answered"], &report["response_rate"]), (&json!(1), &json!(1), &json!(1.0)));
        assert_eq!(report["distribution"][1], json!({ "score": 2, "count": 1 }), "{report}");
        assert_eq!((&report["result"], &report["state"]), (&Value::Null, &json!("running")), "one answer is too few for a number");
        assert_eq!((&report["routes"][0]["name"], &report["variants"][0]["name"]), (&json!("bot"), &json!("bot · control")));
        let inbox = eventually("the feedback is tied to its call", || async {
            let inbox = server.read("/api/v1/feedback?state=new&channel=survey&variant=control").await;
            (inbox["items"].as_array().is_some_and(|items| items.len() == 1)).then_some(inbox)
        });
        let piece = inbox.await["items"][0].clone();
        for (field, value) in [
            ("comment", json!("It forgot my order.")),
            ("stars", json!(2)),
            ("route", json!("bot")),
            ("user", json!("ann")),
            ("prompt", json!("support@1")),
        ] {
            assert_eq!(piece[field], value, "{field}: {piece}");
        }
        let (status, _) = answer(&server, &asked, json!({ "comment": "Really." })).await;
        assert_eq!(status, 200, "words alone, the score stays");
        let inbox = server.read("/api/v1/feedback?state=all&channel=survey").await;
        assert_eq!(inbox["items"].as_array().map(Vec::len), Some(1), "still one piece: {inbox}");
        assert_eq!((&inbox["items"][0]["comment"], &inbox["items"][0]["stars"]), (&json!("Really."), &json!(2)));
    }
}

#[tokio::test]
async fn whoever_was_asked_anything_is_left_alone_by_everything() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let both = survey("one", "nps", "rest_days = 10") + &survey("two", "ces", "rest_days = 20");
        let server = with(&place, &upstream, &both).await;
        let first = shown(&server, "ann").await.expect("a survey");
        assert_eq!(shown(&server, "ann").await, None, "the other neither");
        let mut seen = std::collections::BTreeSet::from([first]);
        for n in 0..40 {
            seen.extend(shown(&server, &format!("user-{n}")).await);
        }
        assert_eq!(seen.len(), 2, "both surveys get their people");
        let asked = server.read("/api/v1/surveys").await;
        let total: i64 = asked["items"].as_array().expect("items").iter().map(|s| s["shown"].as_i64().expect("n")).sum();
        assert_eq!(total, 41, "{asked}");
        // Eleven days later only the one with the shorter rest may ask again.
        let day = 86_400_000_000_i64;
        place.tamper(&format!("UPDATE survey_people SET shown_at = shown_at - {}", 11 * day)).await.expect("time passes");
        for n in 0..10 {
            assert_eq!(shown(&server, &format!("user-{n}")).await.as_deref(), Some("one"), "{n}");
        }
        // A deleted survey still counts as one that was shown.
        let gone = server.request(Method::DELETE, "/api/v1/surveys/one").bearer_auth(ADMIN).send().await.expect("an answer");
        assert_eq!(gone.status(), 204);
        assert_eq!(shown(&server, "user-0").await, None);
        assert_eq!(server.get("/api/v1/surveys/one").send().await.expect("an answer").status(), 404);
    }
}

#[tokio::test]
async fn two_pages_at_the_same_moment_ask_once() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = with(&place, &upstream, &survey("one", "csat", "")).await;
        let asked = futures_util::future::join_all((0..8).map(|_| next_by_key(&server, "user=ann"))).await;
        assert_eq!(asked.iter().flatten().count(), 1);
        assert_eq!(numbers(&server, "one").await["shown"], 1);
    }
}

#[tokio::test]
async fn a_sample_asks_its_share_and_pauses_ends_and_limits_hold() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = with(&place, &upstream, &survey("none", "csat", "sample = 0.0")).await;
        for n in 0..20 {
            assert_eq!(shown(&server, &format!("u{n}")).await, None);
        }
        server.apply(&survey("none", "csat", "sample = 1")).await.expect("holds");
        assert!(shown(&server, "u0").await.is_some());
        server.apply(&survey("none", "csat", "sample = 0.5")).await.expect("holds");
        let mut asked = 0;
        for n in 0..200 {
            let (once, again) = (shown(&server, &format!("half-{n}")).await, shown(&server, &format!("half-{n}")).await);
            assert!(again.is_none(), "the dice are not rolled again");
            asked += usize::from(once.is_some());
        }
        assert!((65..=135).contains(&asked), "five standard deviations around a half: {asked}");
        for (more, story) in [
            ("active = false", "paused"),
            ("starts_at = \"2999-01-01T00:00:00Z\"", "waiting"),
            ("ends_at = \"2020-01-01T00:00:00Z\"", "ended"),
        ] {
            server.apply(&survey("none", "csat", more)).await.expect("holds");
            assert_eq!(shown(&server, story).await, None, "{story}");
            assert_eq!(numbers(&server, "none").await["state"], story);
        }
        server.apply(&survey("none", "csat", "max_answers = 2")).await.expect("holds");
        let (a, b, late) =
            (next_by_key(&server, "user=a").await, next_by_key(&server, "user=b").await, next_by_key(&server, "user=c").await);
        for question in [a, b] {
            assert_eq!(answer(&server, &question.expect("asked"), json!({ "score": 4 })).await.0, 201);
        }
        assert_eq!((shown(&server, "d").await, &numbers(&server, "none").await["state"]), (None, &json!("full")));
        assert_eq!(answer(&server, &late.expect("asked"), json!({ "score": 4 })).await.0, 201, "what is on screen may be finished");
    }
}

#[tokio::test]
async fn calls_and_ratings_decide_who_is_asked() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = with(&place, &upstream, &survey("regulars", "ces", "[surveys.trigger]\nafter_calls = 3")).await;
        for n in 0..3 {
            let id = header(&server.ask("ann").await, "x-request-id");
            server.logged(&id).await;
            assert_eq!(shown(&server, "ann").await.is_some(), n == 2, "after {} calls", n + 1);
        }
        server.apply(&survey("regulars", "ces", "[surveys.trigger]\nafter_rating = \"down\"")).await.expect("holds");
        let call = server.ask("bob").await;
        let (token, id) = (header(&call, "x-hypercare-feedback-token"), header(&call, "x-request-id"));
        server.logged(&id).await;
        assert_eq!(next(&server, &format!("token={token}")).await, None, "nothing was said yet");
        server.feedback(&json!({ "token": token, "rating": "up" })).await;
        assert_eq!(next(&server, &format!("token={token}")).await, None);
        server.feedback(&json!({ "token": token, "rating": "down" })).await;
        assert_eq!(shown(&server, "eve").await, None, "somebody else’s rating is not theirs");
        assert!(next(&server, &format!("token={token}")).await.is_some());
        place.tamper("DELETE FROM survey_people").await.expect("time passes");
        assert!(shown(&server, "bob").await.is_some(), "known by name, too");
        let other = server.apply(&survey("elsewhere", "csat", "[surveys.trigger]\nroutes = [\"nowhere\"]")).await;
        assert!(other.expect_err("refused").to_string().contains("there is no route `nowhere`"));
    }
}

#[tokio::test]
async fn nobody_is_asked_who_is_nobody_and_a_token_says_who_it_is() {
    let upstream = Upstream::start().await;
    let server = with(&Place::sqlite(), &upstream, &survey("one", "csat", "")).await;
    assert_eq!(next_by_key(&server, "event=answer").await, None, "no user, no conversation");
    let nameless = server.chat(&crate::support::server::hello("bot")).send().await.expect("an answer");
    let token = header(&nameless, "x-hypercare-feedback-token");
    server.logged(&header(&nameless, "x-request-id")).await;
    assert_eq!(next(&server, &format!("token={token}")).await, None);
    let talk = server.chat(&crate::support::server::hello("bot")).header("x-hypercare-session", "s1").send().await.expect("an answer");
    let token = header(&talk, "x-hypercare-feedback-token");
    assert!(next(&server, &format!("token={token}")).await.is_some(), "a conversation is somebody, also before its call is in the log");
    assert_eq!(next_by_key(&server, "session=s1").await, None, "the same somebody");
    let call = server.ask("ann").await;
    let token = header(&call, "x-hypercare-feedback-token");
    assert!(next(&server, &format!("token={token}&user=bob")).await.is_some());
    assert_eq!(shown(&server, "ann").await, None, "a browser is not believed to be somebody else than its call says");
    assert!(shown(&server, "bob").await.is_some());
    for (query, key, expected) in [
        (String::new(), None, 401),
        ("user=x".to_owned(), None, 401),
        ("token=forged".to_owned(), None, 401),
        ("user=x".to_owned(), Some("unknown-key-0123456789-0123"), 401),
        ("user=x".to_owned(), Some(ADMIN), 403),
        (format!("user={}", "x".repeat(300)), Some(APP), 422),
        ("user=x&event=two%20words".to_owned(), Some(APP), 422),
    ] {
        let request = server.request(Method::GET, &format!("/v1/surveys/next?{query}"));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        let (status, body) = json_of(request.send().await.expect("an answer")).await;
        assert_eq!(status, expected, "{query}: {body}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_refused_in_words() {
    let upstream = Upstream::start().await;
    let server = with(&Place::sqlite(), &upstream, &(survey("score", "nps", "") + &survey("words", "free", "active = false"))).await;
    let scored = next_by_key(&server, "user=ann").await.expect("a survey");
    for (body, field) in [
        (json!({}), "score"),
        (json!({ "score": 11 }), "score"),
        (json!({ "score": -1 }), "score"),
        (json!({ "score": 7.5 }), "score"),
        (json!({ "comment": "words only" }), "score"),
        (json!({ "score": 9, "comment": "x".repeat(4_001) }), "comment"),
        (json!({ "score": 9, "scroe": 9 }), "scroe"),
    ] {
        let (status, refused) = answer(&server, &scored, body.clone()).await;
        assert_eq!(status, 422, "{body}: {refused}");
        assert!(refused["error"]["fields"].get(field).is_some(), "{field}: {refused}");
    }
    server.apply(&(survey("score", "nps", "active = false") + &survey("words", "free", ""))).await.expect("holds");
    let words = next_by_key(&server, "user=bob").await.expect("a survey");
    assert_eq!((&words["kind"], &words["scale"]), (&json!("free"), &Value::Null));
    assert_eq!(answer(&server, &words, json!({ "score": 3, "comment": "x" })).await.0, 422);
    assert_eq!(answer(&server, &words, json!({ "comment": "   " })).await.0, 422);
    let elsewhere = with(&Place::sqlite(), &upstream, &survey("score", "nps", "")).await;
    let foreign = next_by_key(&elsewhere, "user=ann").await.expect("a survey");
    let mut forged = scored["ticket"].as_str().expect("a ticket").to_owned().into_bytes();
    forged[5] = if forged[5] == b'A' { b'B' } else { b'A' };
    for (story, ticket, expected) in [
        ("forged", String::from_utf8(forged).expect("ASCII"), 401),
        ("of another server", foreign["ticket"].as_str().expect("a ticket").to_owned(), 401),
        ("none", String::new(), 401),
        ("of another survey", words["ticket"].as_str().expect("a ticket").to_owned(), 403),
    ] {
        let (status, refused) = answer(&server, &scored, json!({ "ticket": ticket, "score": 5 })).await;
        assert_eq!(status, expected, "{story}: {refused}");
        assert!(refused["error"]["message"].as_str().is_some_and(|m| m.contains("ticket")), "{refused}");
    }
    let unknown = json!({ "id": "01a20be5-9e08-774f-934e-fa51b41da713", "ticket": scored["ticket"] });
    assert_eq!(answer(&server, &unknown, json!({ "score": 5 })).await.0, 404);
    assert_eq!((&numbers(&server, "score").await["answered"], &numbers(&server, "words").await["answered"]), (&json!(0), &json!(0)));
    // A detractor without words is worth a look, and a bad score lies low on one scale for all.
    assert_eq!(answer(&server, &scored, json!({ "score": 2 })).await.0, 201);
    assert_eq!(answer(&server, &words, json!({ "comment": "More lamps, please." })).await.0, 201);
    let inbox = server.read("/api/v1/feedback?channel=survey").await;
    let pieces: Vec<_> = inbox["items"].as_array().expect("items").iter().map(|f| (f["score"].clone(), f["comment"].clone())).collect();
    assert_eq!(pieces, [(Value::Null, json!("More lamps, please.")), (json!(0.2), Value::Null)]);
    assert_eq!(inbox["items"][1]["suggested"]["severity"], "medium", "{inbox}");
}

#[tokio::test]
async fn whoever_sends_a_survey_away_is_counted_as_such_and_may_still_answer() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = with(&place, &upstream, &survey("one", "csat", "")).await;
        let asked = next_by_key(&server, "user=ann").await.expect("a survey");
        assert_eq!(answer(&server, &asked, json!({ "dismissed": true })).await.0, 201);
        assert_eq!(answer(&server, &asked, json!({ "dismissed": true })).await.0, 200);
        assert_eq!(shown(&server, "ann").await, None, "and is left alone");
        let report = numbers(&server, "one").await;
        assert_eq!((&report["shown"], &report["answered"], &report["dismissed"]), (&json!(1), &json!(0), &json!(1)));
        assert_eq!(answer(&server, &asked, json!({ "score": 4 })).await.0, 201);
        let report = numbers(&server, "one").await;
        assert_eq!((&report["answered"], &report["dismissed"]), (&json!(1), &json!(0)));
    }
}

#[tokio::test]
async fn ten_answers_are_a_number_with_its_interval() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = with(&place, &upstream, &survey("one", "csat", "")).await;
        for n in 0..10 {
            assert_eq!(numbers(&server, "one").await["result"], Value::Null, "{n} are too few");
            let asked = next_by_key(&server, &format!("user=u{n}&route=bot")).await.expect("a survey");
            answer(&server, &asked, json!({ "score": if n < 8 { 5 } else { 1 } })).await;
        }
        let report = numbers(&server, "one").await;
        let number = |at: &str| report.pointer(at).and_then(Value::as_f64).unwrap_or_else(|| panic!("{at}: {report}"));
        // Wilson for 8 of 10: R's binom package.
        assert!((number("/result/estimate") - 0.8).abs() < 1e-9);
        assert!((number("/result/interval/0") - 0.490_162).abs() < 1e-6 && (number("/result/interval/1") - 0.943_318).abs() < 1e-6);
        assert_eq!(report["days"].as_array().map(Vec::len), Some(30));
        assert_eq!(report["days"][29]["answered"], 10, "today is the last: {report}");
        assert_eq!(report["routes"][0]["answered"], 10);
    }
}

#[tokio::test]
async fn a_browser_of_any_origin_may_ask_and_answer() {
    let upstream = Upstream::start().await;
    let server = with(&Place::sqlite(), &upstream, &survey("one", "csat", "")).await;
    let call = server.ask("ann").await;
    let token = header(&call, "x-hypercare-feedback-token");
    let from = |method: Method, path: &str| {
        server.request(method, path).header("origin", "https://shop.example").header("sec-fetch-site", "cross-site")
    };
    let asked = from(Method::GET, &format!("/v1/surveys/next?token={token}")).send().await.expect("an answer");
    assert_eq!((header(&asked, "access-control-allow-origin"), header(&asked, "cache-control")), ("*".to_owned(), "no-store".to_owned()));
    let question = json_of(asked).await.1;
    let path = format!("/v1/surveys/{}/answers", question["id"].as_str().expect("an id"));
    for path in ["/v1/surveys/next", &path] {
        let preflight = from(Method::OPTIONS, path).header("access-control-request-method", "POST").send().await.expect("an answer");
        assert!(preflight.status().is_success());
        assert!(header(&preflight, "access-control-allow-headers").contains("content-type"));
    }
    let answered = from(Method::POST, &path).json(&json!({ "ticket": question["ticket"], "score": 5 })).send().await.expect("an answer");
    assert_eq!((answered.status().as_u16(), header(&answered, "access-control-allow-origin")), (201, "*".to_owned()));
    let none = from(Method::GET, &format!("/v1/surveys/next?token={token}")).send().await.expect("an answer");
    assert_eq!((none.status().as_u16(), header(&none, "access-control-allow-origin")), (204, "*".to_owned()));
    let refused = from(Method::GET, "/v1/surveys/next").send().await.expect("an answer");
    assert_eq!(
        (refused.status().as_u16(), header(&refused, "access-control-allow-origin")),
        (401, "*".to_owned()),
        "errors can be read, too"
    );
}

#[tokio::test]
async fn surveys_are_made_changed_and_deleted_and_all_of_it_is_written_down() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let server = with(&place, &upstream, "").await;
        let pm = server.login("pm@example.org").await;
        let call = async |method: Method, path: &str, body: Value| {
            let request = server.request(method, &format!("/api/v1/{path}")).header("cookie", &pm);
            let request = if body.is_null() { request } else { request.json(&body) };
            let response = request.send().await.expect("an answer");
            if response.status() == 204 { (204, Value::Null) } else { json_of(response).await }
        };
        let draft = json!({ "name": "launch", "kind": "ces", "question": "  How easy was it?  ", "trigger": { "after_calls": 2 } });
        let (status, made) = call(Method::POST, "surveys", draft.clone()).await;
        assert_eq!(
            (status, &made["question"], &made["sample"], &made["rest_days"]),
            (201, &json!("How easy was it?"), &json!(1.0), &json!(30))
        );
        let (status, twice) = call(Method::POST, "surveys", draft).await;
        assert_eq!((status, twice["error"]["fields"]["name"].is_string()), (422, true), "{twice}");
        for (body, field) in [
            (json!({ "name": "Two words", "kind": "ces", "question": "?" }), "name"),
            (json!({ "name": "a", "kind": "ces", "question": "" }), "question"),
            (json!({ "name": "a", "kind": "ces", "question": "?", "sample": 2 }), "sample"),
            (json!({ "name": "a", "kind": "stars", "question": "?" }), "stars"),
            (json!({ "name": "a", "kind": "ces", "question": "?", "trigger": { "routes": ["nowhere"] } }), "trigger.routes"),
            (
                json!({ "name": "a", "kind": "ces", "question": "?", "translations": { "german": { "question": "?" } } }),
                "translations.german",
            ),
        ] {
            let (status, refused) = call(Method::POST, "surveys", body.clone()).await;
            assert_eq!(status, 422, "{body}: {refused}");
            assert!(refused["error"]["fields"].get(field).is_some(), "{field}: {refused}");
        }
        let changed = json!({ "kind": "csat", "question": "How easy?", "active": false });
        let (status, now) = call(Method::PUT, "surveys/launch", changed).await;
        assert_eq!(
            (status, &now["kind"], &now["revision"], &now["updated_by"]),
            (200, &json!("csat"), &json!(2), &json!("pm@example.org"))
        );
        let renamed = json!({ "name": "other", "kind": "csat", "question": "How easy?" });
        assert_eq!(call(Method::PUT, "surveys/launch", renamed).await.0, 422);
        let again = json!({ "kind": "csat", "question": "How easy?" });
        assert_eq!(call(Method::PUT, "surveys/launch", again).await.0, 200);
        let asked = next_by_key(&server, "user=ann").await.expect("a survey");
        assert_eq!(answer(&server, &asked, json!({ "score": 1 })).await.0, 201);
        let (status, refused) = call(Method::PUT, "surveys/launch", json!({ "kind": "nps", "question": "How easy?" })).await;
        assert_eq!((status, refused["error"]["fields"]["kind"].is_string()), (422, true), "answers are on the old scale: {refused}");
        assert_eq!(call(Method::DELETE, "surveys/launch", Value::Null).await.0, 204);
        assert_eq!(answer(&server, &asked, json!({ "score": 1 })).await.0, 404, "an answer that comes too late is told so");
        assert_eq!(server.read("/api/v1/feedback?channel=survey").await["items"].as_array().map(Vec::len), Some(1), "the inbox keeps it");
        let audit = server.read("/api/v1/audit?action=surveys.").await;
        let actions: Vec<_> = audit["items"].as_array().expect("items").iter().map(|a| a["action"].as_str().expect("action")).collect();
        assert_eq!(actions, ["surveys.survey.delete", "surveys.survey.save", "surveys.survey.save", "surveys.survey.save"]);
        assert!(audit["items"].as_array().expect("items").iter().all(|a| a["actor"] == "pm@example.org"));
    }
}

#[tokio::test]
async fn surveys_of_a_file_are_exported_as_they_are_and_locked_where_the_file_says_so() {
    for place in places().await {
        let upstream = Upstream::start().await;
        let more = "active = false\nfollow_up = \"Why?\"\nlow = \"Bad\"\nsample = 0.25\nrest_days = 7\nstarts_at = \"2026-01-01T00:00:00Z\"\n\
            ends_at = \"2027-01-01T12:30:00+01:00\"\nmax_answers = 100\n[surveys.trigger]\nroutes = [\"bot\"]\nevent = \"checkout\"\nafter_calls = 3\n\
            after_rating = \"any\"\n[surveys.translations.de]\nquestion = \"Wie \\\"war\\\" es?\"\nfollow_up = \"Warum?\"";
        let server = with(&place, &upstream, &(survey("rich", "nps", more) + &survey("plain", "free", ""))).await;
        let exported = server.get("/api/v1/export/config").send().await.expect("an answer").text().await.expect("text");
        let applied = server.apply(&exported).await.expect("the file holds");
        assert_eq!(applied.lines, Vec::<String>::new(), "{exported}");
        let copy = with(&Place::sqlite(), &upstream, "").await;
        copy.apply(&exported).await.expect("holds elsewhere");
        assert_eq!(copy.get("/api/v1/export/config").send().await.expect("an answer").text().await.expect("text"), exported);
        let changed = server.apply(&survey("plain", "free", "sample = 0.5")).await.expect("holds");
        assert_eq!(changed.lines, ["~ survey plain"]);
        assert!(changed.fields.iter().any(|(object, field)| object == "plain" && field.path == "sample"), "{:?}", changed.fields);
        let error = server.apply("[[surveys]]\nname = \"x\"\nkind = \"nps\"\nquestion = \"?\"\nsamples = 1\n").await.expect_err("refused");
        assert!(error.to_string().contains("line 5") && error.to_string().contains("`sample`"), "{error}");
        let locked = format!("[lock]\nreason = \"kept in Git\"\n{}", survey("plain", "free", "sample = 0.5"));
        server.apply(&locked).await.expect("holds");
        let delete = server.request(Method::DELETE, "/api/v1/surveys/plain").bearer_auth(ADMIN).send().await.expect("an answer");
        let (status, refused) = json_of(delete).await;
        assert!(status == 403 && refused["error"]["message"].as_str().is_some_and(|m| m.contains("kept in Git")), "{refused}");
    }
}
