//! The product on a socket, and how to talk to it.

use super::{Place, Upstream};
use axum::Router;
use hypercare::config::Settings;
use hypercare::identity::Actor;
use hypercare::server::{App, Applied, ApplyError, DeclarativeFile, Jobs, apply, serve};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Secret of the key `app`: scopes `gateway` and `feedback`.
pub const APP: &str = "app-key-0123456789-0123456789";
/// Secret of the key `admin`: scopes `read` and `admin`.
pub const ADMIN: &str = "admin-key-0123456789-0123456789";
/// Password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// A running server.
pub struct Server {
    pub url: String,
    pub app: App,
    pub client: Client,
    jobs: Jobs,
    listener: JoinHandle<()>,
    /// Keeps the folder for as long as somebody writes to it.
    folder: Option<Arc<TempDir>>,
}

/// The set-up most stories begin with: one provider, one prompt, the route `bot` with one arm, two keys.
pub fn basic(upstream: &Upstream) -> String {
    let mut text = provider("primary", &upstream.url, "");
    let _ = write!(
        text,
        r#"
[[models]]
provider = "primary"
name = "mock"
price = {{ input = 0.15, output = 0.60, cached_input = 0.075 }}

[[prompts]]
name = "support"
[[prompts.versions]]
note = "first"
messages = [{{ role = "system", content = "You help customers of {{{{ shop }}}}." }}]
parameters = {{ temperature = 0.25 }}
variables = {{ shop = {{ default = "Acme" }} }}
labels = ["production"]

[[routes]]
name = "bot"
sticky_by = "user"
[[routes.variants]]
name = "control"
weight = 1
provider = "primary"
model = "mock"
prompt = "support@production"
{KEYS}"#
    );
    text
}

/// The keys `app` and `admin`.
pub const KEYS: &str = r#"
[[keys]]
name = "app"
secret = "app-key-0123456789-0123456789"
scopes = ["gateway", "feedback"]

[[keys]]
name = "admin"
secret = "admin-key-0123456789-0123456789"
scopes = ["read", "admin"]
"#;

/// A provider with limits short enough for a test.
pub fn provider(name: &str, url: &str, more: &str) -> String {
    format!(
        "\n[[providers]]\nname = \"{name}\"\nkind = \"openai\"\nbase_url = \"{url}\"\napi_keys = [\"sk-{name}-1\"]\n\
         timeouts = {{ connect_ms = 1000, first_byte_ms = 500, idle_ms = 500, total_ms = 20000 }}\n{more}\n"
    )
}

impl Server {
    pub async fn start(settings: Settings) -> Self {
        Self::try_start(settings).await.expect("the server starts")
    }

    async fn try_start(mut settings: Settings) -> Result<Self, hypercare::server::StartError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        settings.listen = listener.local_addr().expect("address");
        let url = format!("http://{}", settings.listen);
        let (app, jobs) = App::start(settings).await?;
        let served = app.clone();
        let listener = tokio::spawn(async move {
            let _ = serve(&served, listener, Router::new()).await;
        });
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("client");
        Ok(Self { url, app, client, jobs, listener, folder: None })
    }

    /// A server on this place with [`basic`] in force.
    pub async fn basic(place: &Place, upstream: &Upstream) -> Self {
        Self::with(place, &basic(upstream)).await
    }

    /// A server on this place with that file in force.
    pub async fn with(place: &Place, toml: &str) -> Self {
        let mut server = Self::start(place.settings()).await;
        server.folder = Some(place.dir.clone());
        server.apply(toml).await.expect("the file holds");
        server
    }

    pub async fn apply(&self, toml: &str) -> Result<Applied, ApplyError> {
        apply(&self.app, &Actor::Operator, DeclarativeFile::parse("test.toml", toml)?, false).await
    }

    /// A proper stop: everything is on disk afterwards.
    pub async fn stop(self) {
        self.app.stop();
        let mut listener = self.listener;
        if tokio::time::timeout(Duration::from_secs(5), &mut listener).await.is_err() {
            listener.abort();
        }
        self.jobs.stop().await;
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A chat call with the key `app`; headers can be added.
    pub fn chat(&self, body: &Value) -> RequestBuilder {
        self.request(Method::POST, "/v1/chat/completions").bearer_auth(APP).json(body)
    }

    /// A short chat call to `bot` by that user.
    pub async fn ask(&self, user: &str) -> Response {
        self.chat(&hello("bot")).header("x-hypercare-user", user).send().await.expect("an answer")
    }

    /// With the key `admin`.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(ADMIN)
    }

    /// A page of the control plane that must be there.
    pub async fn read(&self, path: &str) -> Value {
        let response = self.get(path).send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert_eq!(status, 200, "GET {path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The log entry of a call, as soon as it is there.
    pub async fn logged(&self, request_id: &str) -> Value {
        let path = format!("/api/v1/requests/{request_id}");
        eventually("the call is in the log", || async {
            let response = self.get(&path).send().await.expect("an answer");
            if response.status() == 200 { Some(response.json().await.expect("JSON")) } else { None }
        })
        .await
    }

    /// How many log entries carry this id, once the writer had its time.
    pub async fn entries(&self, request_id: &str) -> usize {
        self.logged(request_id).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        self.read(&format!("/api/v1/requests?id={request_id}")).await["items"].as_array().expect("items").len()
    }

    /// Signs in; gives `name=value` of the cookie.
    pub async fn login(&self, email: &str) -> String {
        let response = self.try_login(email, PASSWORD).await;
        assert_eq!(response.status(), 200);
        let cookie = response.headers()["set-cookie"].to_str().expect("text").to_owned();
        cookie.split(';').next().expect("a pair").to_owned()
    }

    pub async fn try_login(&self, email: &str, password: &str) -> Response {
        let body = json!({ "email": email, "password": password });
        self.request(Method::POST, "/api/v1/login").json(&body).send().await.expect("an answer")
    }

    pub async fn feedback(&self, body: &Value) -> Response {
        self.request(Method::POST, "/v1/feedback").json(body).send().await.expect("an answer")
    }
}

/// The smallest chat call.
pub fn hello(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Hello?" }] })
}

/// The same, streamed.
pub fn hello_streamed() -> Value {
    json!({ "model": "bot", "stream": true, "messages": [{ "role": "user", "content": "Hello?" }] })
}

/// A response header as text; empty when absent.
pub fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|v| v.to_str().expect("text").to_owned()).unwrap_or_default()
}

/// The status and the body of an answer that must be JSON.
pub async fn json_of(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("status {status}, not JSON: {text}")))
}

/// How long is waited for what comes by itself. The log gives a database that says nothing 15 s before it spools, and other tests keep the machine busy meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again until there is something, for as long as that.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "after {} s still not: {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
