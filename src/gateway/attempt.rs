//! One try at one provider.

use super::breaker::{Breaker, Refused};
use super::error::GatewayError;
use crate::providers::model::{ProviderKind, Timeouts};
use crate::providers::store::ProviderRow;
use crate::routing::model::FailoverOn;
use crate::types::Fault;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hypercare_wire::dialect::{Dialect, gemini};
use hypercare_wire::error::read_upstream_error;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// Longest error body read from a provider.
const MAX_ERROR_BODY: usize = 256 * 1024;

/// Breakers of one provider.
const MOST_BREAKERS: usize = 1_000;

/// Seconds a provider may keep us away at once: a wrong date must not do it for years.
const LONGEST_PAUSE: u64 = 3_600;

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Connections to providers, kept across changes of the configuration; one pool per connect timeout.
#[derive(Default)]
pub struct Upstreams {
    clients: RwLock<HashMap<u64, HttpClient>>,
}

impl Upstreams {
    fn client(&self, connect_ms: u64) -> HttpClient {
        if let Some(client) = self.clients.read().unwrap_or_else(PoisonError::into_inner).get(&connect_ms) {
            return client.clone();
        }
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.entry(connect_ms).or_insert_with(|| build_client(Duration::from_millis(connect_ms))).clone()
    }
}

fn build_client(connect: Duration) -> HttpClient {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect));
    http.set_keepalive(Some(Duration::from_secs(30)));
    let connector = hyper_rustls::HttpsConnectorBuilder::new().with_provider_and_native_roots(rustls::crypto::ring::default_provider());
    let connector = match connector {
        Ok(builder) => builder.https_or_http().enable_http1().wrap_connector(http),
        Err(e) => {
            // Without certificate authorities only plain addresses can be called; say so once and go on.
            tracing::error!(error = %e, "no certificate authorities found: https providers cannot be called");
            let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
            let tls = tls
                .with_safe_default_protocol_versions()
                .map(|b| b.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
            let builder = hyper_rustls::HttpsConnectorBuilder::new();
            match tls {
                Ok(tls) => builder.with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http),
                Err(_) => unreachable!("ring supports the default protocol versions"),
            }
        }
    };
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_mins(1)).build(connector)
}

/// A provider in force.
pub(crate) struct Provider {
    pub label: super::snapshot::Label,
    pub updated_at: crate::types::Instant,
    pub timeouts: Timeouts,
    pub dialect: Dialect,
    base: String,
    /// Where calls go; where the model is part of the address, it is made for each.
    endpoint: Uri,
    keys: Vec<HeaderValue>,
    next_key: AtomicUsize,
    /// Until when the provider asked us not to call, µs since 1970; zero when it did not.
    closed_until: AtomicI64,
    in_flight: Arc<Semaphore>,
    /// One for each model, kept while the provider's settings do not change.
    breakers: Mutex<HashMap<String, Arc<Breaker>>>,
}

impl Provider {
    /// Makes a stored provider ready.
    pub fn new(row: &ProviderRow, keys: &[String]) -> Result<Self, Fault> {
        let base = row.base_url.trim_end_matches('/');
        let (dialect, path) = match row.kind {
            ProviderKind::OpenAi => (Dialect::OpenAi, "chat/completions"),
            ProviderKind::Anthropic => (Dialect::Anthropic, "messages"),
            ProviderKind::Gemini => (Dialect::Gemini, "models"),
        };
        let keys = keys.iter().map(|key| {
            let text = if dialect == Dialect::OpenAi { format!("Bearer {key}") } else { key.clone() };
            let mut value = HeaderValue::from_str(&text).map_err(Fault::internal)?;
            value.set_sensitive(true);
            Ok(value)
        });
        Ok(Self {
            label: super::snapshot::Label::new(&row.name),
            updated_at: row.updated_at,
            timeouts: row.timeouts.0,
            dialect,
            base: base.to_owned(),
            endpoint: format!("{base}/{path}").parse().map_err(Fault::internal)?,
            keys: keys.collect::<Result<_, Fault>>()?,
            next_key: AtomicUsize::new(0),
            closed_until: AtomicI64::new(0),
            in_flight: Arc::new(Semaphore::new(usize::try_from(row.max_in_flight).unwrap_or(1).min(Semaphore::MAX_PERMITS))),
            breakers: Mutex::default(),
        })
    }

    /// The breaker of one of its models. Routes look it up when a snapshot is made; callers who name a model themselves can name any, so beyond
    /// [`MOST_BREAKERS`] the others share one.
    pub fn breaker(&self, model: &str) -> Arc<Breaker> {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = breakers.get(model) {
            return known.clone();
        }
        let name = if breakers.len() < MOST_BREAKERS { model } else { "" };
        breakers.entry(name.to_owned()).or_default().clone()
    }

    /// Whether it knows OpenAI's newer names (`max_completion_tokens`) and none of the fields others agreed on: OpenAI itself.
    pub fn speaks_modern_openai(&self) -> bool {
        self.endpoint.host().is_some_and(|host| host.ends_with("openai.com") || host.ends_with("openai.azure.com"))
    }

    /// Where a call of that model goes.
    #[expect(clippy::result_large_err, reason = "an error ends the attempt; it is not passed up through many calls")]
    fn address(&self, model: &str, stream: bool) -> Result<Uri, Failure> {
        if self.dialect != Dialect::Gemini {
            return Ok(self.endpoint.clone());
        }
        let text = format!("{}/{}", self.base, gemini::path(model, stream));
        text.parse().map_err(|_| {
            let message = format!("The provider `{}` has no address for the model `{model}`.", self.label.text);
            Failure::new(StatusCode::BAD_GATEWAY, "provider_unreachable", message, FailoverOn::Connect)
        })
    }

    fn key(&self) -> Option<&HeaderValue> {
        let n = self.keys.len();
        (n > 0).then(|| &self.keys[self.next_key.load(Ordering::Relaxed) % n])
    }

    /// The provider refused the key in use: the next call takes the next one.
    fn rotate_key(&self) {
        self.next_key.fetch_add(1, Ordering::Relaxed);
    }

    /// How many keys there are to try.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// The provider asked for a pause: nobody calls it before it is over, nor longer than [`LONGEST_PAUSE`].
    fn pause(&self, seconds: u64) {
        let until = system_micros() + i64::try_from(seconds.min(LONGEST_PAUSE)).unwrap_or(0) * 1_000_000;
        self.closed_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Seconds left of the pause the provider asked for, rounded up.
    fn paused(&self) -> Option<u64> {
        let until = self.closed_until.load(Ordering::Relaxed);
        if until == 0 {
            return None;
        }
        let left = until - system_micros();
        u64::try_from(left).ok().filter(|left| *left > 0).map(|left| left.div_ceil(1_000_000))
    }
}

/// An answer that has begun, and the place in flight it holds.
pub(super) struct Started {
    pub response: Response<Incoming>,
    pub permit: OwnedSemaphorePermit,
}

/// Why a try did not work.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller is told when no other try works.
    pub error: GatewayError,
    /// The provider's status, when it answered.
    pub status: Option<u16>,
    /// What kind of failure, for the route's `failover.on`; `None` never fails over.
    pub cause: Option<FailoverOn>,
    /// Whether another of our keys may help.
    pub other_key: bool,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: String, cause: FailoverOn) -> Self {
        Self { error: GatewayError::new(status, code, message), status: None, cause: Some(cause), other_key: false }
    }

    fn timed_out(code: &'static str, provider: &Provider, what: &str, ms: u64) -> Self {
        let message = format!("The provider `{}` {what} within {ms} ms.", provider.label.text);
        Self::new(StatusCode::GATEWAY_TIMEOUT, code, message, FailoverOn::Timeout)
    }

    /// A stream that ended before it said anything.
    pub fn empty_stream(provider: &Provider, why: &str) -> Self {
        let message = format!("The provider `{}` {why} before the first token.", provider.label.text);
        Self::new(StatusCode::BAD_GATEWAY, "provider_stream_failed", message, FailoverOn::StreamBeforeFirstToken)
    }

    /// Nothing was tried: the target failed too often just now.
    pub fn circuit_open(provider: &Provider, refused: Refused) -> Self {
        let seconds = u64::try_from(refused.wait).unwrap_or(0).div_ceil(1_000_000).max(1);
        let message = format!("The provider `{}` failed too often; it is tried again in {seconds} s.", provider.label.text);
        let mut failure = Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider_circuit_open", message, refused.cause);
        failure.error.retry_after = Some(seconds);
        failure
    }

    /// Whether it says that the target is in trouble, rather than busy, misconfigured or of another opinion.
    pub fn is_trouble(&self) -> Option<FailoverOn> {
        self.cause.filter(|cause| *cause != FailoverOn::RateLimited && self.error.code != "provider_credentials_rejected")
    }

    /// An answer that cannot be read.
    pub fn unreadable(provider: &Provider) -> Self {
        let message = format!("The provider `{}` sent an answer that is not in its own dialect.", provider.label.text);
        Self::new(StatusCode::BAD_GATEWAY, "provider_malformed", message, FailoverOn::ServerError)
    }

    /// An answer that broke off or stood still.
    pub fn broken(provider: &Provider, broken: &Broken) -> Self {
        match broken {
            Broken::Idle => Self::timed_out("provider_idle_timeout", provider, "stood still and sent nothing", provider.timeouts.idle_ms),
            Broken::Cut(why) => {
                let message = format!("The provider `{}` cut the answer short: {why}.", provider.label.text);
                Self::new(StatusCode::BAD_GATEWAY, "provider_cut", message, FailoverOn::ServerError)
            }
            Broken::Total => Self::timed_out("provider_total_timeout", provider, "was not done", provider.timeouts.total_ms),
            Broken::TooLarge => {
                let message = format!("The answer of the provider `{}` is too large.", provider.label.text);
                Self { cause: None, ..Self::new(StatusCode::BAD_GATEWAY, "provider_answer_too_large", message, FailoverOn::ServerError) }
            }
        }
    }
}

/// How an answer can break.
#[derive(Debug)]
pub(super) enum Broken {
    /// No byte within the idle timeout.
    Idle,
    /// Not done within the time for the whole attempt.
    Total,
    /// The connection ended too early.
    Cut(String),
    /// Longer than we take.
    TooLarge,
}

/// Sends the body; answers as soon as the provider's status and headers are there.
pub(super) async fn start(
    upstreams: &Upstreams,
    provider: &Provider,
    model: &str,
    body: Bytes,
    stream: bool,
    forwarded: &HeaderMap,
) -> Result<Started, Failure> {
    if let Some(seconds) = provider.paused() {
        let message = format!("The provider `{}` asked for a pause of {seconds} more seconds.", provider.label.text);
        let mut failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "provider_rate_limited", message, FailoverOn::RateLimited);
        failure.error.retry_after = Some(seconds);
        return Err(failure);
    }
    let Ok(permit) = provider.in_flight.clone().try_acquire_owned() else {
        let message = format!("The provider `{}` has as many calls in flight as it may.", provider.label.text);
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "provider_busy", message, FailoverOn::RateLimited));
    };
    let address = provider.address(model, stream)?;
    let request = build_request(provider, address, body, stream, forwarded);
    let client = upstreams.client(provider.timeouts.connect_ms);
    let first_byte = provider.timeouts.first_byte_ms;
    let limit = first_byte.min(provider.timeouts.total_ms);
    let response = match timeout(Duration::from_millis(limit), client.request(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(e)) => return Err(connect_failure(provider, &e)),
        Err(_) if limit < first_byte => return Err(Failure::broken(provider, &Broken::Total)),
        Err(_) => return Err(Failure::timed_out("provider_first_byte_timeout", provider, "did not answer", first_byte)),
    };
    if response.status().is_success() {
        return Ok(Started { response, permit });
    }
    Err(refused(provider, response).await)
}

/// Headers of the caller that go on, by allow-list: the trace, and what Anthropic's callers ask of Anthropic.
const FORWARDED: [HeaderName; 2] = [HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];
const FORWARDED_TO_ANTHROPIC: [HeaderName; 1] = [HeaderName::from_static("anthropic-beta")];
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const GOOGLE_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

fn build_request(provider: &Provider, address: Uri, body: Bytes, stream: bool, forwarded: &HeaderMap) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = address;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static(if stream { "text/event-stream" } else { "application/json" }));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("hypercare/", env!("CARGO_PKG_VERSION"))));
    let anthropic = provider.dialect == Dialect::Anthropic;
    if let Some(key) = provider.key() {
        let name = match provider.dialect {
            Dialect::OpenAi | Dialect::Responses | Dialect::Bedrock => AUTHORIZATION,
            Dialect::Anthropic => API_KEY,
            Dialect::Gemini => GOOGLE_KEY,
        };
        headers.insert(name, key.clone());
    }
    if anthropic {
        headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
    }
    let more = if anthropic { &FORWARDED_TO_ANTHROPIC[..] } else { &[] };
    for name in FORWARDED.iter().chain(more) {
        if let Some(value) = forwarded.get(name) {
            headers.insert(name, value.clone());
        }
    }
    request
}

fn connect_failure(provider: &Provider, e: &hyper_util::client::legacy::Error) -> Failure {
    let mut cause: &dyn std::error::Error = e;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let name = &provider.label.text;
    if e.is_connect() {
        let message = format!("The provider `{name}` cannot be reached: {cause}.");
        return Failure::new(StatusCode::BAD_GATEWAY, "provider_unreachable", message, FailoverOn::Connect);
    }
    let message = format!("The provider `{name}` broke the connection before it answered: {cause}.");
    Failure::new(StatusCode::BAD_GATEWAY, "provider_cut", message, FailoverOn::ServerError)
}

async fn refused(provider: &Provider, response: Response<Incoming>) -> Failure {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let is_json = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|t| t.contains("json"));
    let limited = http_body_util::Limited::new(response.into_body(), MAX_ERROR_BODY);
    let body = match timeout(Duration::from_millis(provider.timeouts.idle_ms), limited.collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        _ => Bytes::new(),
    };
    let said = read_upstream_error(&body);
    let name = &provider.label.text;
    let words = said.message.unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned());
    let mut failure = match status.as_u16() {
        401..=403 => {
            provider.rotate_key();
            let message = format!("The provider `{name}` refuses our credentials. An admin must look at its key.");
            let error = GatewayError::new(StatusCode::BAD_GATEWAY, "provider_credentials_rejected", message);
            Failure { error, status: None, cause: Some(FailoverOn::ServerError), other_key: provider.keys.len() > 1 }
        }
        429 => {
            provider.rotate_key();
            let message = format!("The provider `{name}` limits our rate: {words}");
            let mut failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "provider_rate_limited", message, FailoverOn::RateLimited);
            failure.error.retry_after = retry_after;
            failure.other_key = provider.keys.len() > 1;
            if let (false, Some(seconds)) = (failure.other_key, retry_after) {
                provider.pause(seconds);
            }
            failure
        }
        408 => Failure::new(
            StatusCode::GATEWAY_TIMEOUT,
            "provider_timeout",
            format!("The provider `{name}` timed out: {words}"),
            FailoverOn::Timeout,
        ),
        500.. => Failure::new(
            StatusCode::BAD_GATEWAY,
            "provider_error",
            format!("The provider `{name}` failed: {words}"),
            FailoverOn::ServerError,
        ),
        // What is left is the provider's verdict on the request itself: the caller gets it as it is, and nobody else is asked.
        _ => {
            let verbatim = (is_json && !body.is_empty()).then_some(body);
            let error = GatewayError { verbatim, ..GatewayError::new(status, "provider_refused", words) };
            Failure { error, status: None, cause: None, other_key: false }
        }
    };
    failure.status = Some(status.as_u16());
    failure
}

/// Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or HTTP date).
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|t| t.parse::<f64>().ok()).filter(|ms| ms.is_finite() && *ms >= 0.0) {
        return Some(Duration::from_millis(whole(ms)).as_secs() + 1);
    }
    let value = text(RETRY_AFTER.as_str())?;
    value.parse().ok().or_else(|| {
        let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
        let wait = date.timestamp() - system_micros() / 1_000_000;
        u64::try_from(wait.max(0)).ok()
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be finite and not negative; `as` saturates")]
fn whole(ms: f64) -> u64 {
    ms as u64
}

#[expect(clippy::disallowed_methods, reason = "compared with the provider's own clock, and far below the App")]
pub(super) fn system_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The next piece of an answer, within the idle timeout and before the end of the attempt's time; `None` at its proper end.
pub(super) async fn next_piece(body: &mut Incoming, idle: Duration, end: Instant) -> Result<Option<Bytes>, Broken> {
    loop {
        let idle_end = Instant::now() + idle;
        match timeout_at(idle_end.min(end), body.frame()).await {
            Err(_) if end < idle_end => return Err(Broken::Total),
            Err(_) => return Err(Broken::Idle),
            Ok(None) => return Ok(None),
            Ok(Some(Err(e))) => return Err(Broken::Cut(e.to_string())),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::types::Json;

    #[test]
    fn callers_who_make_up_models_cannot_fill_the_memory_with_breakers() {
        let row = ProviderRow {
            id: crate::types::Id::from_text("p"),
            name: "p".to_owned(),
            kind: ProviderKind::OpenAi,
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            keys_sealed: Vec::new(),
            key_hints: Json(Vec::new()),
            timeouts: Json(Timeouts::default()),
            max_in_flight: 1,
            sample: false,
            updated_at: crate::types::Instant(0),
        };
        let provider = Provider::new(&row, &[]).expect("a provider");
        let first = provider.breaker("model-0");
        for i in 0..5_000 {
            provider.breaker(&format!("model-{i}"));
        }
        assert!(provider.breakers.lock().expect("unpoisoned").len() <= MOST_BREAKERS + 1);
        assert!(Arc::ptr_eq(&first, &provider.breaker("model-0")), "a known model keeps its own");
        assert!(Arc::ptr_eq(&provider.breaker("new-1"), &provider.breaker("new-2")), "the rest share one");
    }
}
