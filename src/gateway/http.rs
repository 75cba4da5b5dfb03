//! The endpoints of the data plane.

use super::attempt::{self, Failure, Upstreams, next_piece};
use super::call::Call;
use super::error::GatewayError;
use super::relay::Relay;
use super::request::{CallContext, caller_id};
use super::snapshot::{KeyEntry, Label, RouteEntry, Snapshot, TargetEntry, VariantEntry};
use super::translate;
use crate::feedback::token;
use crate::identity::http::bearer;
use crate::identity::model::Scope;
use crate::routing::allocation::bucket;
use crate::routing::model::StickyBy;
use crate::server::App;
use crate::telemetry::model::Outcome;
use crate::telemetry::{CallRecord, Captured, Names};
use crate::types::Id;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::routing::{any, get, post};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hypercare_wire::chat::{ChatRequest, Edit, ResponseSummary};
use hypercare_wire::dialect::Dialect;
use hypercare_wire::passage::Passage;
use rand::RngExt as _;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant as Tick};

/// Longest answer taken that is not a stream.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// What is read of a refused body, and for how long.
const DRAIN_BYTES: usize = 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// What a call needs: the app, and the connections to providers of the lane it runs on.
#[derive(Clone)]
pub struct Gateway {
    app: App,
    upstreams: Arc<Upstreams>,
}

impl Gateway {
    /// With connections of its own.
    pub fn new(app: App) -> Self {
        Self { app, upstreams: Arc::default() }
    }
}

/// Model calls.
pub fn calls() -> axum::Router<Gateway> {
    axum::Router::new()
        .route("/v1/chat/completions", post(async |State(gateway), request| call(gateway, Dialect::OpenAi, request).await))
        .route("/v1/messages", post(async |State(gateway), request| call(gateway, Dialect::Anthropic, request).await))
        .route("/v1/responses", post(async |State(gateway), request| call(gateway, Dialect::Responses, request).await))
}

/// The rest of the data plane.
pub fn rest() -> axum::Router<App> {
    axum::Router::new().route("/v1/models", get(models)).route("/v1/models/{*id}", get(model)).route("/v1/{*path}", any(no_such_endpoint))
}

async fn no_such_endpoint() -> Response<Body> {
    GatewayError::new(StatusCode::NOT_FOUND, "no_such_endpoint", "There is no such endpoint here.").answer(Dialect::OpenAi)
}

fn authenticate<'a>(app: &App, snapshot: &'a Snapshot, headers: &HeaderMap) -> Result<&'a KeyEntry, GatewayError> {
    let secret = bearer(headers);
    let key = secret.and_then(|secret| snapshot.key(secret)).ok_or_else(|| match secret {
        Some(_) if app.database_away() => {
            let why = "This key cannot be checked right now. Please try again in a moment.";
            GatewayError::new(StatusCode::SERVICE_UNAVAILABLE, "key_not_checked", why)
        }
        _ => GatewayError::invalid_key(secret.is_some()),
    })?;
    if !key.scopes.contains(&Scope::Gateway) {
        return Err(GatewayError::new(
            StatusCode::FORBIDDEN,
            "scope_missing",
            "This key may not call models: it needs the scope `gateway`.",
        ));
    }
    Ok(key)
}

/// A model call in the caller's dialect, from its first byte to its answer.
async fn call(gateway: Gateway, dialect: Dialect, request: Request) -> Response<Body> {
    let began = Tick::now();
    let id = Id::new();
    let (parts, body) = request.into_parts();
    let caller_id = caller_id(&parts.headers);
    let snapshot = gateway.app.snapshot().clone();
    let mut response = match authenticate(&gateway.app, &snapshot, &parts.headers) {
        Ok(key) => {
            let asked = Asked { gateway: &gateway, snapshot: &snapshot, key, dialect, parts: &parts };
            asked.answer(&id, began, body).await.unwrap_or_else(|error| error.answer(dialect))
        }
        Err(error) => refuse_unread(&error, dialect, body).await,
    };
    if let Ok(value) = HeaderValue::from_str(caller_id.unwrap_or(id.as_str())) {
        response.headers_mut().insert(names::REQUEST_ID, value);
    }
    response
}

/// Refuses a call whose body was not read yet. A body left unread would cost the connection, and with it the caller's next call; a small one is read
/// and thrown away, for a large or slow one the caller is told that the connection closes.
async fn refuse_unread(error: &GatewayError, dialect: Dialect, body: Body) -> Response<Body> {
    let drained = tokio::time::timeout(DRAIN_TIME, Limited::new(body, DRAIN_BYTES).collect()).await;
    let mut response = error.answer(dialect);
    if !matches!(drained, Ok(Ok(_))) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Who asks, what, and where it lands.
struct Asked<'c> {
    gateway: &'c Gateway,
    snapshot: &'c Snapshot,
    key: &'c KeyEntry,
    /// The caller's.
    dialect: Dialect,
    parts: &'c Parts,
}

impl Asked<'_> {
    async fn answer(&self, id: &Id, began: Tick, body: Body) -> Result<Response<Body>, GatewayError> {
        let app = &self.gateway.app;
        let mut record = self.new_record(id);
        let read = read_body(app, body).await;
        record.request_body = read.clone().unwrap_or_default();
        let mut call = Call::new(app.clone(), began, record);
        let result = match read {
            Ok(bytes) => self.prepare_and_send(&bytes, &mut call).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(answer) => Ok(answer.respond(app, id, call)),
            Err(error) => {
                call.failed(&error, Captured::Nothing);
                Err(error)
            }
        }
    }

    fn new_record(&self, id: &Id) -> CallRecord {
        let parts = self.parts;
        CallRecord {
            id: id.clone(),
            caller_id: caller_id(&parts.headers).map(str::to_owned),
            started_at: self.gateway.app.now(),
            names: Names {
                endpoint: self.snapshot.endpoint(self.dialect),
                key: self.key.shared_name.clone(),
                route: None,
                variant: None,
                provider: None,
                model: None,
                prompt: None,
            },
            status: 0,
            outcome: Outcome::Error,
            error_code: None,
            error_message: None,
            streamed: false,
            user_id: None,
            session_id: None,
            source_ip: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
            user_agent: None,
            metadata: None,
            attempts: Vec::with_capacity(1),
            duration_us: 0,
            first_token_us: None,
            overhead_us: 0,
            price: None,
            request_body: Bytes::new(),
            rendered_prompt: None,
            captured: Captured::Nothing,
        }
    }

    async fn prepare_and_send(&self, body: &Bytes, call: &mut Call) -> Result<Answer, GatewayError> {
        let chat = ChatRequest::parse(self.dialect, body).map_err(|e| match e.param() {
            Some(param) => GatewayError::bad_request(e.code(), param, e.to_string()),
            None => GatewayError::new(StatusCode::BAD_REQUEST, e.code(), e.to_string()),
        })?;
        let mut context = CallContext::read(&self.parts.headers, &chat)?;
        let plan = plan(self.snapshot, self.key, &chat.model, &context);
        if let Some(record) = call.record() {
            record.streamed = chat.stream;
            record.user_id = context.user.take();
            record.session_id = context.session.take();
            record.user_agent = context.user_agent.take();
            record.metadata = context.metadata.take();
        }
        let plan = plan?;
        if let (Some(route), Some(variant)) = (plan.route, plan.variant) {
            call.routed(route, variant);
        }
        let (rendered, parameters) = match plan.variant.and_then(|v| v.prompt.as_ref()) {
            Some((prompt, _)) => {
                let rendered = prompt.render(&context.variables);
                let rendered = rendered.map_err(|e| GatewayError::bad_request("prompt_not_rendered", "prompt_variables", e.to_string()))?;
                (rendered, &prompt.parameters[..])
            }
            None => (Cow::Borrowed(""), &[][..]),
        };
        let edit = Edit { model: "", prompt_messages: &rendered, parameters };
        let answer = self.try_targets(&plan, &chat, &edit, call).await;
        if let Some(record) = call.record()
            && !rendered.is_empty()
        {
            record.rendered_prompt = Some(rendered.into_owned());
        }
        let (started, target) = answer?;
        Ok(Answer { started, labels: Labels::of(&plan, target) })
    }

    /// Tries every target in order, each as often as the route says, until one begins to answer.
    async fn try_targets<'p>(
        &self,
        plan: &'p Plan<'_>,
        chat: &ChatRequest<'_>,
        edit: &Edit<'_>,
        call: &mut Call,
    ) -> Result<(Ready, &'p TargetEntry), GatewayError> {
        let retries = plan.route.map_or(0, |r| r.retries);
        let mut last: Option<Failure> = None;
        for target in plan.targets() {
            if let Some(failure) = &last
                && !worth_another(plan, failure)
            {
                break;
            }
            let body = translate::request(self.dialect, target, chat.rewrite(&Edit { model: &target.model.text, ..*edit }));
            let body = match body {
                Ok(body) => body,
                // A stand-in that cannot say it is no stand-in for this call: what went wrong before is what the caller is told.
                Err(_) if last.is_some() => continue,
                Err(e) => return Err(e),
            };
            call.targeted(target);
            let mut tries = 0;
            let mut keys_left = target.provider.keys().saturating_sub(1);
            loop {
                let since = Tick::now();
                let result = self.guarded_try(target, body.clone(), chat).await;
                match result {
                    Ok(ready) => {
                        call.attempted(target, since, Some(200), None);
                        return Ok((ready, target));
                    }
                    // This call's own failures opened the breaker: what they were is worth more than that.
                    Err(failure) if tries > 0 && failure.error.code == "provider_circuit_open" => break,
                    Err(mut failure) => {
                        call.attempted(target, since, failure.status, Some(failure.error.code));
                        if target.provider.dialect != self.dialect {
                            // A provider's own words are of use only to who speaks its dialect; others get its sentence in theirs.
                            failure.error.verbatim = None;
                        }
                        // Another key of ours is tried at once, whatever the route says of retries.
                        let next_key = failure.other_key && keys_left > 0;
                        let again = tries < retries && worth_another(plan, &failure) && worth_the_same(&failure);
                        last = Some(failure);
                        if next_key {
                            keys_left -= 1;
                            continue;
                        }
                        if !again {
                            break;
                        }
                    }
                }
                tries += 1;
                tokio::time::sleep(back_off(tries)).await;
            }
        }
        Err(last
            .map_or_else(|| GatewayError::new(StatusCode::SERVICE_UNAVAILABLE, "no_target", "This route has nowhere to go."), |f| f.error))
    }

    /// A try, if the target's breaker lets it through; the breaker learns how it went.
    async fn guarded_try(&self, target: &TargetEntry, body: Bytes, chat: &ChatRequest<'_>) -> Result<Ready, Failure> {
        let pass = target.breaker.ask(attempt::system_micros()).map_err(|refused| Failure::circuit_open(&target.provider, refused))?;
        let result = self.one_try(target, body, chat).await;
        match result.as_ref().err().map(Failure::is_trouble) {
            Some(Some(cause)) => pass.failed(attempt::system_micros(), cause),
            // Busy, or a wrong key: that says nothing about whether it works.
            Some(None) if result.as_ref().is_err_and(|failure| failure.cause.is_some()) => drop(pass),
            _ => pass.worked(attempt::system_micros()),
        }
        result
    }

    async fn one_try(&self, target: &TargetEntry, body: Bytes, chat: &ChatRequest<'_>) -> Result<Ready, Failure> {
        let provider = &target.provider;
        let end = tokio::time::Instant::now() + Duration::from_millis(provider.timeouts.total_ms);
        let started = attempt::start(&self.gateway.upstreams, provider, &target.model.text, body, chat.stream, &self.parts.headers).await?;
        let content_type = started.response.headers().get(CONTENT_TYPE).cloned();
        let is_stream = content_type.as_ref().and_then(|v| v.to_str().ok()).is_some_and(|t| t.starts_with("text/event-stream"));
        let body = started.response.into_body();
        if chat.stream && is_stream {
            let passage = Passage::new(provider.dialect, self.dialect, self.created(), chat.include_usage);
            let relay = Relay::prime(body, provider.clone(), passage, end, started.permit).await?;
            return Ok(Ready::Stream(Box::new(relay)));
        }
        let pieces = read_whole(provider, body, end).await?;
        if provider.dialect == self.dialect {
            return Ok(Ready::Whole { pieces, content_type, dialect: self.dialect });
        }
        let translated = translate::response(self.dialect, provider.dialect, &pieces.concat(), self.created());
        let (body, summary) = translated.ok_or_else(|| Failure::unreadable(provider))?;
        Ok(Ready::Translated { body, summary: Box::new(summary) })
    }

    /// Seconds since 1970, for answers that do not say when.
    fn created(&self) -> u64 {
        u64::try_from(self.gateway.app.now().0 / 1_000_000).unwrap_or(0)
    }
}

async fn read_body(app: &App, body: Body) -> Result<Bytes, GatewayError> {
    let most = app.settings().max_body_bytes;
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(unpinned(collected.to_bytes())),
        Err(e) if e.is::<http_body_util::LengthLimitError>() => Err(GatewayError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The body is larger than the {most} bytes taken here."),
        )),
        Err(_) => Err(GatewayError::new(StatusCode::BAD_REQUEST, "body_incomplete", "The body ended too early.")),
    }
}

/// Largest body that is worth a copy.
const WORTH_A_COPY: usize = 64 * 1024;

/// A body of its own: a small one otherwise keeps the whole read buffer of its connection in memory until the log is written, and the connection has to
/// get itself another.
fn unpinned(body: Bytes) -> Bytes {
    if body.len() <= WORTH_A_COPY { Bytes::copy_from_slice(&body) } else { body }
}

/// Where a call may go, in order.
struct Plan<'s> {
    route: Option<&'s RouteEntry>,
    variant: Option<&'s VariantEntry>,
    direct: Option<TargetEntry>,
}

impl Plan<'_> {
    fn targets(&self) -> impl Iterator<Item = &TargetEntry> {
        let own = self.variant.map(|v| &v.target).or(self.direct.as_ref());
        own.into_iter().chain(self.route.iter().flat_map(|r| &r.failover))
    }
}

fn plan<'s>(snapshot: &'s Snapshot, key: &KeyEntry, model: &str, context: &CallContext) -> Result<Plan<'s>, GatewayError> {
    if let Some(route) = snapshot.route(model).filter(|_| key.may_call(model)) {
        let variant = &route.variants[usize::from(route.buckets[bucket_of(route, context) as usize])];
        return Ok(Plan { route: Some(route), variant: Some(variant), direct: None });
    }
    if key.routes.is_empty()
        && let Some(direct) = snapshot.direct(model)
    {
        return Ok(Plan { route: None, variant: None, direct: Some(direct) });
    }
    let mut names: Vec<(f64, String)> =
        snapshot.routes_of(key).iter().map(|r| (strsim::jaro_winkler(model, &r.label.text), r.label.text.to_string())).collect();
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    let nearest: Vec<String> = names.into_iter().take(3).filter(|(score, _)| *score > 0.6).map(|(_, name)| format!("`{name}`")).collect();
    Err(GatewayError::model_not_found(model, &nearest))
}

fn bucket_of(route: &RouteEntry, context: &CallContext) -> u32 {
    let unit = match route.sticky_by {
        StickyBy::User => context.user.as_deref(),
        StickyBy::Session => context.session.as_deref(),
        StickyBy::Request => None,
    };
    match unit {
        Some(unit) => bucket(&route.id, unit),
        None => rand::rng().random_range(0..crate::routing::allocation::BUCKETS),
    }
}

/// Full jitter around 50 ms, 100 ms, 200 ms … (Brooker, "Exponential backoff and jitter", AWS, 2015), one second at most.
fn back_off(tries: u32) -> Duration {
    let most = 50_u64.saturating_mul(1 << tries.min(5)).min(1_000);
    Duration::from_millis(rand::rng().random_range(most / 4..=most))
}

fn worth_another(plan: &Plan<'_>, failure: &Failure) -> bool {
    let Some(cause) = failure.cause else { return false };
    plan.route.is_some_and(|route| route.on.contains(&cause))
}

/// A rate limit, a refused key or an open breaker is not better a moment later.
fn worth_the_same(failure: &Failure) -> bool {
    !matches!(failure.error.code, "provider_rate_limited" | "provider_credentials_rejected" | "provider_busy" | "provider_circuit_open")
}

/// An answer that is at hand: whole, or a stream with its first content.
enum Ready {
    /// As the provider sent it.
    Whole {
        pieces: Vec<Bytes>,
        content_type: Option<HeaderValue>,
        dialect: Dialect,
    },
    /// From another dialect.
    Translated {
        body: Bytes,
        summary: Box<ResponseSummary>,
    },
    Stream(Box<Relay>),
}

async fn read_whole(provider: &attempt::Provider, mut body: Incoming, end: tokio::time::Instant) -> Result<Vec<Bytes>, Failure> {
    let idle = Duration::from_millis(provider.timeouts.idle_ms);
    let mut pieces = Vec::with_capacity(1);
    let mut length = 0;
    while let Some(piece) = next_piece(&mut body, idle, end).await.map_err(|broken| Failure::broken(provider, &broken))? {
        length += piece.len();
        if length > MAX_ANSWER {
            return Err(Failure::broken(provider, &attempt::Broken::TooLarge));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

/// The names that go into response headers.
struct Labels {
    route: Option<HeaderValue>,
    variant: Option<HeaderValue>,
    prompt: Option<HeaderValue>,
    provider: HeaderValue,
    model: HeaderValue,
}

impl Labels {
    fn of(plan: &Plan<'_>, target: &TargetEntry) -> Self {
        let header = |label: &Label| label.header.clone();
        Self {
            route: plan.route.map(|r| header(&r.label)),
            variant: plan.variant.map(|v| header(&v.label)),
            prompt: plan.variant.and_then(|v| v.prompt.as_ref()).map(|(_, label)| header(label)),
            provider: header(&target.provider.label),
            model: header(&target.model),
        }
    }
}

/// An answer and where it comes from.
struct Answer {
    started: Ready,
    labels: Labels,
}

impl Answer {
    fn respond(self, app: &App, id: &Id, mut call: Call) -> Response<Body> {
        let attempts = call.attempts();
        let overhead = call.answering(200);
        let (body, content_type) = match self.started {
            Ready::Whole { pieces, content_type, dialect } => {
                let body = match &pieces[..] {
                    [one] => Body::from(one.clone()),
                    many => Body::from(many.concat()),
                };
                call.completed(Captured::Whole(dialect, pieces.into_iter().map(unpinned).collect()));
                (body, content_type.unwrap_or(HeaderValue::from_static("application/json")))
            }
            Ready::Translated { body, summary } => {
                call.completed(Captured::Read(summary, body.clone()));
                (Body::from(body), HeaderValue::from_static("application/json"))
            }
            Ready::Stream(relay) => {
                call.first_token();
                (relay.into_body(call), HeaderValue::from_static("text/event-stream"))
            }
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.reserve(MOST_HEADERS);
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let labels = self.labels;
        for (name, value) in [(names::ROUTE, labels.route), (names::VARIANT, labels.variant), (names::PROMPT, labels.prompt)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        headers.insert(names::PROVIDER, labels.provider);
        headers.insert(names::MODEL, labels.model);
        headers.insert(names::ATTEMPTS, HeaderValue::from(attempts));
        headers.insert(names::CACHE, HeaderValue::from_static("off"));
        headers.insert(names::OVERHEAD, HeaderValue::from(overhead));
        let signed = token::sign(app.master_key().feedback(), id, app.now());
        if let Some(value) = signed.and_then(|t| HeaderValue::try_from(t).ok()) {
            headers.insert(names::FEEDBACK_TOKEN, value);
        }
        response
    }
}

/// Room for the headers of an answer, those of the server included.
const MOST_HEADERS: usize = 16;

/// Names of our headers, made once.
mod names {
    use axum::http::HeaderName;

    pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    pub const ROUTE: HeaderName = HeaderName::from_static("x-hypercare-route");
    pub const VARIANT: HeaderName = HeaderName::from_static("x-hypercare-variant");
    pub const PROMPT: HeaderName = HeaderName::from_static("x-hypercare-prompt");
    pub const PROVIDER: HeaderName = HeaderName::from_static("x-hypercare-provider");
    pub const MODEL: HeaderName = HeaderName::from_static("x-hypercare-model");
    pub const ATTEMPTS: HeaderName = HeaderName::from_static("x-hypercare-attempts");
    pub const CACHE: HeaderName = HeaderName::from_static("x-hypercare-cache");
    pub const OVERHEAD: HeaderName = HeaderName::from_static("x-hypercare-overhead-us");
    pub const FEEDBACK_TOKEN: HeaderName = HeaderName::from_static("x-hypercare-feedback-token");
}

fn model_json(route: &RouteEntry) -> serde_json::Value {
    serde_json::json!({ "id": &*route.label.text, "object": "model", "created": route.updated_at.0 / 1_000_000, "owned_by": "hypercare" })
}

fn json(value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn models(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    let snapshot = app.snapshot().clone();
    match authenticate(&app, &snapshot, &headers) {
        Ok(key) => {
            let data: Vec<_> = snapshot.routes_of(key).into_iter().map(|route| model_json(route)).collect();
            json(&serde_json::json!({ "object": "list", "data": data }))
        }
        Err(error) => error.answer(Dialect::OpenAi),
    }
}

async fn model(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Response<Body> {
    let snapshot = app.snapshot().clone();
    let found = authenticate(&app, &snapshot, &headers).and_then(|key| {
        let route = snapshot.route(&name).filter(|_| key.may_call(&name));
        route.ok_or_else(|| GatewayError::model_not_found(&name, &[]))
    });
    match found {
        Ok(route) => json(&model_json(route)),
        Err(error) => error.answer(Dialect::OpenAi),
    }
}
