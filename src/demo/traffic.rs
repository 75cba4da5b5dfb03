//! Customers of the made-up shop: several hundred people who talk to the bot and say what they think of its answers.
//!
//! They use the public surface only, as an application would: `/v1/chat/completions` with a key, and `/v1/feedback` with the token of an answer.

use super::dice::{below, chance, log_normal, pick, seconds, until_next};
use super::topics::{LOST, order_in};
use super::words::{self, Verdict};
use futures_util::StreamExt as _;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How many people there are.
const PEOPLE: usize = 400;
/// Conversations at the same time, at most.
const MOST_AT_ONCE: usize = 2_000;
/// Calls of a conversation on average; measured by the test below.
const CALLS: f64 = 4.4;
/// A day of the shop in seconds: an hour passes in a minute, so that the curve of a day shows while somebody looks.
const DAY: f64 = 24.0 * 60.0;
/// An answer later than this annoys.
const LATE: Duration = Duration::from_secs(5);
/// Where they come from, the more frequent the more often.
const COUNTRIES: [&str; 16] = ["DE", "DE", "DE", "DE", "AT", "FR", "FR", "ES", "ES", "GB", "GB", "GB", "IE", "NL", "SE", "US"];
/// What they pay for.
const PLANS: [&str; 6] = ["guest", "guest", "guest", "member", "member", "business"];

/// Talks to `route` of the gateway at `base_url` (`http://…`) with this key, about `rate_per_second` calls a second, until `stop` is ready.
///
/// Whatever goes wrong ends one conversation, never the traffic.
pub async fn run(base_url: String, key: String, route: String, rate_per_second: f64, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let client = match Shop::new(&base_url, key, route, 1.0) {
        Ok(client) if rate_per_second > 0.0 => Arc::new(client),
        Ok(_) => return stop.await,
        Err(e) => {
            tracing::error!(error = %e, "the demo has no traffic");
            return stop.await;
        }
    };
    let begun = Instant::now();
    let mut talks = JoinSet::new();
    loop {
        let wait = until_next(rate_per_second / CALLS * tide(begun.elapsed().as_secs_f64()));
        tokio::select! {
            () = &mut stop => break,
            // Waiting anew changes nothing: this wait has no memory.
            Some(_) = talks.join_next() => {}
            () = tokio::time::sleep(wait) => {
                if talks.len() < MOST_AT_ONCE {
                    talks.spawn(Talk::begin(client.clone()).go());
                }
            }
        }
    }
}

/// The factor of the rate, around 1: a quiet night, a busy evening, ripples, and more of it at first, so that the screens fill at once.
fn tide(elapsed: f64) -> f64 {
    let hour = elapsed / DAY * TAU;
    1.0 + 0.4 * hour.sin() + 0.15 * (7.0 * hour).sin() + 2.0 * (-elapsed / 20.0).exp()
}

/// The application: a thin client of the gateway.
struct Shop {
    http: Client,
    base_url: String,
    key: String,
    route: String,
    /// Factor on the time people take.
    patience: f64,
}

impl Shop {
    fn new(base_url: &str, key: String, route: String, patience: f64) -> Result<Self, reqwest::Error> {
        let http =
            Client::builder().timeout(Duration::from_mins(2)).user_agent("nordlicht-shop/1.4 (hypercare demo)").no_proxy().build()?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned(), key, route, patience })
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.base_url)).json(body)
    }

    async fn think(&self, median: f64) {
        tokio::time::sleep(seconds(self.patience * log_normal(median, 0.5))).await;
    }
}

/// Somebody; the same number is always the same person.
#[derive(Clone, Copy)]
struct Person(usize);

impl Person {
    /// Anybody; some come more often than others.
    fn any() -> Self {
        Self(if chance(0.3) { below(PEOPLE / 10) } else { below(PEOPLE) })
    }

    fn name(self) -> String {
        format!("user-{:04}", self.0)
    }

    fn country(self) -> &'static str {
        COUNTRIES[self.0 * 7 % COUNTRIES.len()]
    }

    fn plan(self) -> &'static str {
        PLANS[self.0 * 5 % PLANS.len()]
    }
}

/// What came back.
struct Answer {
    text: String,
    token: Option<String>,
    took: Duration,
}

/// One conversation.
struct Talk {
    shop: Arc<Shop>,
    person: Person,
    session: String,
    order: String,
    streamed: bool,
    /// Whether the bot was told the order number.
    told: bool,
    messages: Vec<Value>,
}

impl Talk {
    fn begin(shop: Arc<Shop>) -> Self {
        Self {
            shop,
            person: Person::any(),
            session: format!("s-{}", uuid::Uuid::now_v7().simple()),
            order: format!("HC-{}", 10_000 + below(90_000)),
            streamed: chance(0.4),
            told: false,
            messages: Vec::new(),
        }
    }

    /// The number is told early and needed later, with other questions between.
    fn script() -> Vec<&'static str> {
        let between = [1, 2, 2, 3, 3, 4][below(6)];
        let early = chance(0.85);
        let mut lines = vec![pick(if early { words::OPENERS.as_slice() } else { words::OPENERS_WITHOUT.as_slice() })];
        lines.extend((0..between).map(|_| pick(&words::QUESTIONS)));
        if chance(0.8) {
            lines.push(pick(&words::LATER));
        }
        if chance(0.3) {
            lines.push(pick(&words::GOODBYES));
        }
        lines.into_iter().flatten().copied().collect()
    }

    async fn go(mut self) {
        let mut last = None;
        for line in Self::script() {
            let Some(answer) = self.say(line).await else { return };
            last.clone_from(&answer.token);
            if self.asks_for_order(&answer) {
                let again = if self.told { words::AGAIN.as_slice() } else { words::TOLD.as_slice() };
                let Some(line) = pick(again) else { return };
                if self.say(line).await.is_none() {
                    return;
                }
            }
            // Not everybody stays to the end.
            if chance(0.04) {
                break;
            }
        }
        self.rate_conversation().await;
        self.survey(last.as_deref(), "session_end", Verdict::Good).await;
    }

    /// Says something, hears the answer, and perhaps rates it.
    async fn say(&mut self, line: &str) -> Option<Answer> {
        let line = line.replace("{order}", &self.order);
        let knew = self.told;
        self.told |= order_in(&line).is_some();
        self.messages.push(json!({ "role": "user", "content": line }));
        let answer = match self.ask().await {
            Ok(answer) => answer,
            Err(e) => {
                tracing::debug!(error = %e, session = self.session, "a demo conversation ended early");
                return None;
            }
        }?;
        self.messages.push(json!({ "role": "assistant", "content": answer.text }));
        let verdict = self.judge(&answer, knew);
        self.shop.think(2.0).await;
        self.rate(&answer, verdict).await;
        self.survey(answer.token.as_deref(), "answer", verdict).await;
        self.shop.think(4.0).await;
        Some(answer)
    }

    /// The answer; `None` when there is none, because the person left or the bot failed twice.
    async fn ask(&self) -> Result<Option<Answer>, reqwest::Error> {
        let begun = Instant::now();
        let mut response = self.call().send().await?;
        if !response.status().is_success() {
            self.shop.think(3.0).await;
            response = self.call().send().await?;
            if !response.status().is_success() {
                return Ok(None);
            }
        }
        let token = response.headers().get("x-hypercare-feedback-token").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let text = if self.streamed { read_stream(response).await? } else { read_whole(response).await? };
        Ok(text.map(|text| Answer { text, token, took: begun.elapsed() }))
    }

    fn call(&self) -> RequestBuilder {
        let mut body = json!({ "model": self.shop.route, "messages": self.messages });
        if self.streamed {
            body["stream"] = true.into();
            body["stream_options"] = json!({ "include_usage": true });
        }
        self.shop
            .post("/v1/chat/completions", &body)
            .bearer_auth(&self.shop.key)
            .header("x-hypercare-user", self.person.name())
            .header("x-hypercare-session", &self.session)
            .header("x-hypercare-metadata", json!({ "plan": self.person.plan(), "country": self.person.country() }).to_string())
    }

    /// Whether the answer asks for the order number.
    fn asks_for_order(&self, answer: &Answer) -> bool {
        let text = answer.text.to_lowercase();
        let asks = text.contains('?') || text.contains("please") || text.contains("provide");
        asks && text.contains("order number") && !answer.text.contains(&self.order)
    }

    /// `knew`: whether the bot had been told the number before this turn.
    fn judge(&self, answer: &Answer, knew: bool) -> Verdict {
        if knew && self.asks_for_order(answer) {
            Verdict::Forgot
        } else if words::MISTAKES.iter().any(|mistake| answer.text.contains(mistake)) {
            Verdict::Wrong
        } else if answer.text.contains(LOST) || answer.text.trim().is_empty() {
            Verdict::Lost
        } else if answer.took > LATE {
            Verdict::Slow
        } else {
            Verdict::Good
        }
    }

    /// Presses a thumb under the answer, or not.
    async fn rate(&self, answer: &Answer, verdict: Verdict) {
        let Some(token) = &answer.token else { return };
        let Some(mut body) = opinion(verdict, self.person) else { return };
        body["token"] = token.as_str().into();
        body["user"] = self.person.name().into();
        self.send(self.shop.post("/v1/feedback", &body)).await;
    }

    /// Now and then the application asks for stars at the end; these come with its key.
    async fn rate_conversation(&self) {
        if chance(0.05) {
            let asked_again = self
                .messages
                .iter()
                .filter_map(|m| m["content"].as_str())
                .any(|text| text.contains("I already") || text.contains("again?"));
            let stars = if asked_again { 1 + below(3) } else { [3, 4, 4, 5, 5, 5][below(6)] };
            let body = json!({ "session_id": self.session, "stars": stars, "user": self.person.name() });
            self.send(self.shop.post("/v1/feedback", &body).bearer_auth(&self.shop.key)).await;
        }
    }

    /// Answers the survey the page may show, or not, or sends it away.
    async fn survey(&self, token: Option<&str>, event: &str, verdict: Verdict) {
        let Some(token) = token else { return };
        let path = format!("/v1/surveys/next?token={token}&event={event}");
        let asked =
            async { self.shop.http.get(format!("{}{path}", self.shop.base_url)).send().await?.error_for_status()?.json::<Value>().await };
        // Mostly there is none, which is no JSON.
        let Ok(question) = asked.await else { return };
        if chance(0.45) {
            return;
        }
        self.shop.think(5.0).await;
        let path = format!("/v1/surveys/{}/answers", question["id"].as_str().unwrap_or_default());
        let mut said = json!({ "ticket": question["ticket"] });
        if chance(0.15) {
            said["dismissed"] = true.into();
        } else {
            let happy = verdict == Verdict::Good;
            said["score"] = match (question["kind"].as_str(), happy) {
                (Some("nps"), true) => [3, 6, 7, 8, 8, 9, 9, 10, 10, 10][below(10)],
                (Some("nps"), false) => below(7),
                (_, true) => [3, 4, 4, 5, 5, 5][below(6)],
                (_, false) => 1 + below(3),
            }
            .into();
            said["comment"] = words::comment(verdict, self.person.country()).filter(|_| chance(0.4)).into();
        }
        self.send(self.shop.post(&path, &said)).await;
    }

    async fn send(&self, feedback: RequestBuilder) {
        match feedback.send().await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => tracing::debug!(status = response.status().as_u16(), "demo feedback was refused"),
            Err(e) => tracing::debug!(error = %e, "demo feedback did not arrive"),
        }
    }
}

/// What somebody says about an answer, if anything: most people say nothing, and unhappy ones speak up more often.
fn opinion(verdict: Verdict, person: Person) -> Option<Value> {
    let speaks = match verdict {
        Verdict::Good => 0.10,
        Verdict::Slow => 0.15,
        Verdict::Lost => 0.35,
        Verdict::Wrong => 0.45,
        Verdict::Forgot => 0.55,
    };
    if !chance(speaks) {
        return None;
    }
    let comment = |probability| words::comment(verdict, person.country()).filter(|_| chance(probability));
    if verdict == Verdict::Good {
        return Some(if chance(0.01) {
            pick(&words::REPORTS)
                .map_or(Value::Null, |(flag, text)| json!({ "rating": "down", "categories": ["other"], "flag": flag, "comment": text }))
        } else if chance(0.06) {
            pick(&words::GRUMBLES)
                .map_or(Value::Null, |(category, text)| json!({ "rating": "down", "categories": [category], "comment": text }))
        } else {
            json!({ "rating": "up", "comment": comment(0.15) })
        })
        .filter(Value::is_object);
    }
    // A few press 👎 and leave it at that, or tick what does not fit.
    let category = if chance(0.08) { Some("unhelpful") } else { verdict.category().filter(|_| chance(0.92)) };
    let flag = (verdict == Verdict::Wrong && chance(0.15)).then_some("wrong");
    Some(json!({ "rating": "down", "categories": Vec::from_iter(category), "comment": comment(0.5), "flag": flag }))
}

async fn read_whole(response: Response) -> Result<Option<String>, reqwest::Error> {
    let body: Value = response.json().await?;
    Ok(body["choices"][0]["message"]["content"].as_str().map(str::to_owned))
}

/// Reads a stream to its end; one person in a hundred does not wait for it.
async fn read_stream(response: Response) -> Result<Option<String>, reqwest::Error> {
    let leaves = chance(0.01);
    let mut stream = response.bytes_stream();
    let mut waiting = Vec::new();
    let mut text = String::new();
    while let Some(bytes) = stream.next().await {
        waiting.extend_from_slice(&bytes?);
        while let Some(end) = waiting.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            let Ok(event) = serde_json::from_slice::<Value>(data) else { continue };
            text.push_str(event["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        }
        if leaves && text.len() > 20 {
            return Ok(None);
        }
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::config::BRIEF;
    use crate::demo::sample::{self, Manner};
    use axum::body::{Body, to_bytes};
    use axum::extract::{Request, State};
    use axum::http::{HeaderValue, StatusCode};
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::post;
    use axum::{Json, Router};
    use std::sync::Mutex;
    use tower::ServiceExt as _;

    /// Stands for the gateway: puts a prompt in front, gives a token, and keeps the feedback.
    #[derive(Clone)]
    struct Stand {
        prompt: &'static str,
        calls: Arc<Mutex<Vec<Value>>>,
        feedback: Arc<Mutex<Vec<Value>>>,
    }

    async fn chat(State(stand): State<Stand>, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        for name in ["authorization", "x-hypercare-user", "x-hypercare-session", "x-hypercare-metadata"] {
            assert!(parts.headers.contains_key(name), "{name}");
        }
        let mut body: Value = serde_json::from_slice(&to_bytes(body, 1 << 20).await.expect("body")).expect("JSON");
        stand.calls.lock().expect("lock").push(body.clone());
        assert_eq!(body["model"], "support-bot");
        body["model"] = "sample-large".into();
        body["messages"].as_array_mut().expect("messages").insert(0, json!({ "role": "system", "content": stand.prompt }));
        parts.headers.remove("content-length");
        let request = Request::from_parts(parts, Body::from(body.to_string()));
        let provider = sample::router(Manner { pace: 0.0, failures: 0.0, slips: 0.0 });
        let mut response = provider.oneshot(request).await.expect("answer");
        response.headers_mut().insert("x-hypercare-feedback-token", HeaderValue::from_static("token"));
        response
    }

    async fn keep(State(stand): State<Stand>, Json(body): Json<Value>) -> Response {
        stand.feedback.lock().expect("lock").push(body);
        (StatusCode::CREATED, Json(json!({ "id": "1" }))).into_response()
    }

    /// Holds so many conversations under a prompt: the calls and the feedback they made.
    async fn hold(conversations: usize, prompt: &'static str) -> (Vec<Value>, Vec<Value>) {
        let stand = Stand { prompt, calls: Arc::default(), feedback: Arc::default() };
        let app = Router::new().route("/v1/chat/completions", post(chat)).route("/v1/feedback", post(keep)).with_state(stand.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let url = format!("http://{}/", listener.local_addr().expect("address"));
        let server = tokio::spawn(async { axum::serve(listener, app).await });
        let shop = Arc::new(Shop::new(&url, "key".into(), "support-bot".into(), 0.0).expect("client"));
        let mut talks = JoinSet::new();
        for _ in 0..conversations {
            talks.spawn(Talk::begin(shop.clone()).go());
        }
        while let Some(talk) = talks.join_next().await {
            talk.expect("no conversation panics");
        }
        server.abort();
        let taken = |from: &Mutex<Vec<Value>>| std::mem::take(&mut *from.lock().expect("lock"));
        (taken(&stand.calls), taken(&stand.feedback))
    }

    fn forgot(feedback: &[Value]) -> usize {
        feedback.iter().filter(|f| f["categories"].as_array().is_some_and(|c| c.contains(&"forgot_context".into()))).count()
    }

    #[tokio::test]
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    async fn people_complain_about_forgetting_under_the_brief_prompt_only() {
        let (calls, feedback) = hold(150, "You are the support assistant.").await;
        assert_eq!(forgot(&feedback), 0);
        assert!(feedback.iter().any(|f| f["rating"] == "up"));
        assert!(feedback.iter().all(|f| f["user"].is_string() && (f["token"] == "token" || f["stars"].is_number())));
        assert!(calls.iter().any(|c| c["stream"] == true) && calls.iter().any(|c| c.get("stream").is_none()));
        let mean = calls.len() as f64 / 150.0;
        assert!((mean - CALLS).abs() < 0.6, "{mean} calls a conversation");

        let (_, feedback) = hold(150, BRIEF).await;
        assert!(forgot(&feedback) > 10, "{} of {}", forgot(&feedback), feedback.len());
    }

    #[test]
    fn the_rate_stays_around_what_was_asked() {
        for second in 60..7_200 {
            let factor = tide(f64::from(second));
            assert!((0.4..1.8).contains(&factor), "{second}: {factor}");
        }
    }

    #[tokio::test]
    async fn a_gateway_that_is_away_ends_conversations_and_not_the_traffic() {
        let stop = tokio::time::sleep(Duration::from_millis(300));
        run("http://127.0.0.1:9".into(), "key".into(), "support-bot".into(), 100.0, stop).await;
    }
}
