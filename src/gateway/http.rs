//! The endpoints of the data plane.

use super::admission::Admitted;
use super::answer::names;
use super::call::{CarriedOn, Presence};
use super::endpoint::Endpoint;
use super::error::GatewayError;
use super::exchange::{CallBody, Exchange, read_body};
use super::idempotency;
use super::listing::listed;
use super::passthrough::{self, Passing};
use super::pool::Upstreams;
use super::request::caller_id;
use super::snapshot::{KeyEntry, RouteEntry, Snapshot};
use crate::identity::http::bearer;
use crate::identity::model::Scope;
use crate::server::App;
use crate::types::Id;
use axum::Extension;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::routing::{any, get, post};
use http_body_util::{BodyExt as _, Either, Limited};
use hyper::body::Incoming;
use hypercare_wire::dialect::{Dialect, gemini};
use hypercare_wire::embeddings::EmbeddingDialect;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant as Tick};

/// What is read of a refused body, and for how long.
const DRAIN_BYTES: usize = 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// What a call needs: the app, and the connections to providers of the lane it runs on.
#[derive(Clone)]
pub struct Gateway {
    pub(super) app: App,
    pub(super) upstreams: Arc<Upstreams>,
}

impl Gateway {
    /// With connections of its own.
    pub fn new(app: App) -> Self {
        Self::on(app, Arc::new(Upstreams::new()))
    }

    /// On these connections.
    pub(super) fn on(app: App, upstreams: Arc<Upstreams>) -> Self {
        Self { app, upstreams }
    }
}

/// Addresses that say nothing but what is asked for.
const PLAIN: [(&str, Endpoint); 6] = [
    ("/v1/chat/completions", Endpoint::Chat(Dialect::OpenAi)),
    ("/v1/messages", Endpoint::Chat(Dialect::Anthropic)),
    ("/v1/responses", Endpoint::Chat(Dialect::Responses)),
    ("/v1/embeddings", Endpoint::Embeddings(EmbeddingDialect::OpenAi)),
    ("/v1/messages/count_tokens", Endpoint::Count(Dialect::Anthropic)),
    ("/v1/responses/input_tokens", Endpoint::Count(Dialect::Responses)),
];

/// Answers a call at a plain address without a router in between; gives back any other request.
#[expect(clippy::result_large_err, reason = "what is given back is the request itself")]
pub fn direct(
    gateway: &Gateway,
    peer: SocketAddr,
    request: axum::http::Request<Incoming>,
) -> Result<Pin<Box<impl Future<Output = Response<Body>> + Send + use<>>>, axum::http::Request<Incoming>> {
    let path = request.uri().path();
    match PLAIN.iter().find(|(plain, _)| *plain == path && *request.method() == Method::POST) {
        // The room is there before the call: it is large, and would be moved otherwise. In a box at all because each idle connection would keep that room.
        Some((_, endpoint)) => {
            Ok(Box::into_pin(Box::write(Box::new_uninit(), call(gateway.clone(), *endpoint, None, Some(peer), request.map(Either::Left)))))
        }
        None => Err(request),
    }
}

/// Model calls.
pub fn calls() -> axum::Router<Gateway> {
    let at = |endpoint: Endpoint| {
        post(async move |State(gateway), peer: Peer, request: Request| {
            call(gateway, endpoint, None, peer.map(from), request.map(Either::Right)).await
        })
    };
    let router = PLAIN.into_iter().fold(axum::Router::new(), |router, (path, endpoint)| router.route(path, at(endpoint)));
    router
        .route("/v1beta/{*path}", post(google).get(google_models))
        .route("/v1alpha/{*path}", post(google).get(google_models))
        // Google's newer clients name this version. Whoever asks for a list of it speaks OpenAI's.
        .route("/v1/models/{*path}", post(google).get(model))
        .route("/passthrough/{provider}/{*path}", any(pass))
        .method_not_allowed_fallback(wrong_method)
}

/// The rest of the data plane.
pub fn rest() -> axum::Router<App> {
    axum::Router::new().route("/v1/models", get(models)).route("/v1/{*path}", any(no_such_endpoint))
}

/// Where a call that came through the router is from.
type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

fn from(Extension(ConnectInfo(peer)): Extension<ConnectInfo<SocketAddr>>) -> SocketAddr {
    peer
}

/// Google's addresses name the model and what is asked of it.
async fn google(State(gateway): State<Gateway>, peer: Peer, mut request: Request) -> Response<Body> {
    // Google's older clients send their key in the address.
    let query = request.uri().query().unwrap_or_default();
    let key = query.split('&').find_map(|pair| pair.strip_prefix("key=")).and_then(|key| HeaderValue::from_str(key).ok());
    if let Some(key) = key {
        request.headers_mut().entry("x-goog-api-key").or_insert(key);
    }
    let Some((target, method)) = gemini::method(request.uri().path()) else { return no_such_google_endpoint() };
    let endpoint = match method {
        "generateContent" | "streamGenerateContent" => Endpoint::Chat(Dialect::Gemini),
        "countTokens" => Endpoint::Count(Dialect::Gemini),
        "embedContent" => Endpoint::Embeddings(EmbeddingDialect::Gemini),
        "batchEmbedContents" => Endpoint::Embeddings(EmbeddingDialect::GeminiBatch),
        _ => return no_such_google_endpoint(),
    };
    let stream = method == "streamGenerateContent";
    let events = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let answer = call(gateway, endpoint, Some((target, stream)), peer.map(from), request.map(Either::Right)).await;
    if stream && !events { listed(answer) } else { answer }
}

fn no_such_google_endpoint() -> Response<Body> {
    GatewayError::new(StatusCode::NOT_FOUND, "no_such_endpoint", "There is no such endpoint here.").answer(Dialect::Gemini)
}

/// Whatever a provider offers.
async fn pass(State(gateway): State<Gateway>, Path((provider, _)): Path<(String, String)>, peer: Peer, request: Request) -> Response<Body> {
    let began = Tick::now();
    let id = Id::new();
    let (parts, body) = request.map(Either::Right).into_parts();
    let snapshot = gateway.app.snapshot().clone();
    let checked = authenticate(&gateway.app, &snapshot, &parts.headers).and_then(|key| Ok((key.clone(), Admitted::take(&gateway.app)?)));
    let (key, place) = match checked {
        Ok(checked) => checked,
        Err(error) => return named(refuse_unread(&error, Dialect::OpenAi, body).await, &parts.headers, &id),
    };
    // The path as it came: what is encoded in it is the provider's to decode.
    let whole = parts.uri.path_and_query().map_or("", |whole| whole.as_str());
    let path = whole.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    let passing = Passing { provider, path, method: parts.method.clone() };
    let exchange = exchange(gateway, snapshot, key, Endpoint::Passthrough, None, peer.map(from), parts);
    let answered = passthrough::pass(&exchange, place, passing, &id, began, body).await;
    named(answered.unwrap_or_else(|error| error.answer(Dialect::OpenAi)), &exchange.headers, &id)
}

async fn wrong_method() -> Response<Body> {
    let why = "This endpoint takes POST only.";
    GatewayError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", why).answer(Dialect::OpenAi)
}

async fn no_such_endpoint() -> Response<Body> {
    GatewayError::new(StatusCode::NOT_FOUND, "no_such_endpoint", "There is no such endpoint here.").answer(Dialect::OpenAi)
}

fn authenticate<'a>(app: &App, snapshot: &'a Snapshot, headers: &HeaderMap) -> Result<&'a Arc<KeyEntry>, GatewayError> {
    let secret = bearer(headers);
    let key = secret.and_then(|secret| snapshot.key(secret)).ok_or_else(|| match secret {
        Some(_) if app.database_silent() => {
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

/// A call, from its first byte to its answer.
async fn call(
    gateway: Gateway,
    endpoint: Endpoint,
    addressed: Option<(String, bool)>,
    peer: Option<SocketAddr>,
    request: axum::http::Request<CallBody>,
) -> Response<Body> {
    let began = Tick::now();
    let (parts, body) = request.into_parts();
    let snapshot = gateway.app.snapshot().clone();
    let checked = authenticate(&gateway.app, &snapshot, &parts.headers)
        .and_then(|key| Ok((key.clone(), idempotency::key_of(&parts.headers)?.map(str::to_owned), Admitted::take(&gateway.app)?)));
    let (key, idempotency_key, place) = match checked {
        Ok(checked) => checked,
        Err(error) => return named(refuse_unread(&error, endpoint.dialect(), body).await, &parts.headers, &Id::new()),
    };
    match idempotency_key {
        None => run(exchange(gateway, snapshot, key, endpoint, addressed, peer, parts), place, began, body).await,
        Some(once_key) => {
            let path = parts.uri.path().to_owned();
            once(exchange(gateway, snapshot, key, endpoint, addressed, peer, parts), place, &once_key, &path, began, body).await
        }
    }
}

fn exchange(
    gateway: Gateway,
    snapshot: Arc<Snapshot>,
    key: Arc<KeyEntry>,
    endpoint: Endpoint,
    addressed: Option<(String, bool)>,
    peer: Option<SocketAddr>,
    parts: Parts,
) -> Exchange {
    let now = gateway.app.now();
    Exchange { gateway, snapshot, key, endpoint, addressed, headers: parts.headers, peer: peer.map(|peer| peer.ip()), now }
}

async fn run(exchange: Exchange, place: Admitted, began: Tick, body: CallBody) -> Response<Body> {
    // A call that is finished though its caller hung up outlives the connection: it needs a place of its own.
    match exchange.snapshot.finishes().then(Arc::<Presence>::default) {
        None => answer(exchange, place, began, body, None).await,
        Some(presence) => CarriedOn::new(answer(exchange, place, began, body, Some(presence.clone())), presence).await,
    }
}

async fn answer(exchange: Exchange, place: Admitted, began: Tick, body: CallBody, presence: Option<Arc<Presence>>) -> Response<Body> {
    let id = Id::new();
    let dialect = exchange.dialect();
    let request_id = HeaderValue::from_str(caller_id(&exchange.headers).unwrap_or(id.as_str()));
    let mut response = exchange.answer(place, &id, began, body, presence).await.unwrap_or_else(|error| error.answer(dialect));
    if let Ok(value) = request_id {
        response.headers_mut().insert(names::REQUEST_ID, value);
    }
    response
}

/// A call with an `Idempotency-Key`: made once, whoever asks again.
async fn once(exchange: Exchange, place: Admitted, key: &str, path: &str, began: Tick, body: CallBody) -> Response<Body> {
    let refused = |error: GatewayError, exchange: &Exchange| named(error.answer(exchange.dialect()), &exchange.headers, &Id::new());
    let body = match read_body(&exchange.gateway.app, body).await {
        Ok(body) => body,
        Err(error) => return refused(error, &exchange),
    };
    let asked = idempotency::Asked::new(&exchange.key.name, path, key, &body);
    match idempotency::Replays::find(&exchange.gateway.app, asked).await {
        Ok(idempotency::Found::Answer(response)) => response,
        Ok(idempotency::Found::First(making)) => making.keep(run(exchange, place, began, Either::Right(body.into())).await),
        Err(error) => refused(error, &exchange),
    }
}

/// With the id the caller knows the call by.
fn named(mut response: Response<Body>, headers: &HeaderMap, id: &Id) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(caller_id(headers).unwrap_or(id.as_str())) {
        response.headers_mut().insert(names::REQUEST_ID, value);
    }
    response
}

/// Refuses a call whose body was not read yet. A body left unread would cost the connection, and with it the caller's next call; a small one is read
/// and thrown away, for a large or slow one the caller is told that the connection closes.
async fn refuse_unread(error: &GatewayError, dialect: Dialect, body: CallBody) -> Response<Body> {
    let drained = tokio::time::timeout(DRAIN_TIME, Limited::new(body, DRAIN_BYTES).collect()).await;
    let mut response = error.answer(dialect);
    if !matches!(drained, Ok(Ok(_))) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn model_json(route: &RouteEntry) -> serde_json::Value {
    serde_json::json!({ "id": &*route.label.text, "object": "model", "created": route.updated_at.0 / 1_000_000, "owned_by": "hypercare" })
}

fn json(value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether Google's client asks: its newer ones name the version that OpenAI's address has, too.
fn is_google(headers: &HeaderMap) -> bool {
    headers.contains_key("x-goog-api-key")
}

async fn models(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    if is_google(&headers) {
        return list_for_google(&app, "models", &headers);
    }
    let snapshot = app.snapshot().clone();
    match authenticate(&app, &snapshot, &headers) {
        Ok(key) => {
            let data: Vec<_> = snapshot.routes_of(key).into_iter().map(|route| model_json(route)).collect();
            json(&serde_json::json!({ "object": "list", "data": data }))
        }
        Err(error) => error.answer(Dialect::OpenAi),
    }
}

async fn model(State(gateway): State<Gateway>, Path(name): Path<String>, headers: HeaderMap) -> Response<Body> {
    if is_google(&headers) {
        return list_for_google(&gateway.app, &format!("models/{name}"), &headers);
    }
    let snapshot = gateway.app.snapshot().clone();
    let found = authenticate(&gateway.app, &snapshot, &headers).and_then(|key| {
        let route = snapshot.route(&name).filter(|_| key.may_call(&name));
        route.ok_or_else(|| GatewayError::model_not_found(&name, &[]))
    });
    match found {
        Ok(route) => json(&model_json(route)),
        Err(error) => error.answer(Dialect::OpenAi),
    }
}

fn google_model(route: &RouteEntry) -> serde_json::Value {
    let name = &*route.label.text;
    let methods = ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"];
    serde_json::json!({ "name": format!("models/{name}"), "displayName": name, "supportedGenerationMethods": methods })
}

async fn google_models(State(gateway): State<Gateway>, Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    list_for_google(&gateway.app, &path, &headers)
}

/// Google's list of models, or one of them.
fn list_for_google(app: &App, path: &str, headers: &HeaderMap) -> Response<Body> {
    let snapshot = app.snapshot().clone();
    let answer = authenticate(app, &snapshot, headers).and_then(|key| match path.strip_prefix("models/") {
        None if path == "models" => {
            let models: Vec<_> = snapshot.routes_of(key).into_iter().map(|route| google_model(route)).collect();
            Ok(json(&serde_json::json!({ "models": models })))
        }
        None => Ok(no_such_google_endpoint()),
        Some(name) => {
            let route = snapshot.route(name).filter(|_| key.may_call(name));
            route.map(|route| json(&google_model(route))).ok_or_else(|| GatewayError::model_not_found(name, &[]))
        }
    });
    answer.unwrap_or_else(|error| error.answer(Dialect::Gemini))
}
