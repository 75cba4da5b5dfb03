//! `/passthrough/{provider}/{path}`: whatever a provider offers beyond conversations and embeddings (images, audio, reranking, files), with our keys, its
//! credentials and an entry in the log. Bytes pass both ways as they come.

use super::admission::Admitted;
use super::attempt;
use super::call::Call;
use super::error::GatewayError;
use super::exchange::{CallBody, Exchange};
use super::failure::Failure;
use super::pool::Received;
use super::request::CallContext;
use super::snapshot::TargetEntry;
use crate::telemetry::Captured;
use crate::types::Id;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, Uri};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::BodyExt as _;
use hypercare_wire::chat::ResponseSummary;
use hypercare_wire::sse::Decoder;
use std::time::{Duration, Instant as Tick};
use tokio::sync::OwnedSemaphorePermit;

/// What of an answer is kept to read its usage off.
const MOST_READ: usize = 256 * 1024;

/// Headers of the caller that go on, by allow-list; a vendor's own (`x-stainless-…`, keys, cookies) do not.
const FORWARDED: [&str; 10] = [
    "accept",
    "accept-language",
    "content-type",
    "range",
    "if-none-match",
    "traceparent",
    "tracestate",
    "anthropic-beta",
    "anthropic-version",
    "openai-beta",
];
/// Headers of the provider that come back.
const RETURNED: [&str; 12] = [
    "content-type",
    "content-length",
    "content-disposition",
    "content-range",
    "accept-ranges",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "openai-processing-ms",
    "openai-version",
    "anthropic-ratelimit-requests-remaining",
];

/// One call to a provider's own address.
pub(super) struct Passing {
    pub provider: String,
    /// With the query.
    pub path: String,
    pub method: Method,
}

/// Hands the call on; there is no other provider to try.
pub(super) async fn pass(
    exchange: &Exchange,
    place: Admitted,
    passing: Passing,
    id: &Id,
    began: Tick,
    body: CallBody,
) -> Result<Response<Body>, GatewayError> {
    let mut call = Call::new(exchange.gateway.app.clone(), began, exchange.new_record(id), None, Some(place));
    let handed = hand_on(exchange, passing, body, &mut call).await;
    match handed {
        Ok((target, response, permit)) => Ok(respond(&target, response, permit, call)),
        Err(error) => {
            call.failed(&error, Captured::Nothing);
            Err(error)
        }
    }
}

type Handed = (TargetEntry, Response<Received>, OwnedSemaphorePermit);

async fn hand_on(exchange: &Exchange, passing: Passing, body: CallBody, call: &mut Call) -> Result<Handed, GatewayError> {
    let mut context = CallContext::read(&exchange.headers, None, &[])?;
    if let Some(record) = call.record() {
        record.user_id = context.user.take();
        record.session_id = context.session.take();
        record.user_agent = context.user_agent.take();
        record.metadata = context.metadata.take();
    }
    if !exchange.key.routes.is_empty() {
        let why = "This key may call its routes only, not providers directly.";
        return Err(GatewayError::new(StatusCode::FORBIDDEN, "scope_missing", why));
    }
    let unknown =
        || GatewayError::new(StatusCode::NOT_FOUND, "provider_not_found", format!("There is no provider `{}`.", passing.provider));
    // One breaker for all of a provider's own addresses: its model is the empty one.
    let target = exchange.snapshot.named(&passing.provider, "").ok_or_else(unknown)?;
    call.targeted(&target);
    let body = super::exchange::read_body(&exchange.gateway.app, body).await?;
    let json = exchange.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|kind| kind.contains("json"));
    if let (Some(record), true) = (call.record(), json) {
        record.request_body = body.clone();
    }
    let since = Tick::now();
    let result = ask(exchange, &target, &passing, body).await;
    let took = since.elapsed();
    match &result {
        Ok((response, _)) => call.attempted(&target, took, Some(response.status().as_u16()), None),
        Err(failure) => call.attempted(&target, took, failure.status, Some(failure.error.code)),
    }
    let (response, permit) = result.map_err(|failure| failure.error)?;
    Ok((target, response, permit))
}

async fn ask(
    exchange: &Exchange,
    target: &TargetEntry,
    passing: &Passing,
    body: Bytes,
) -> Result<(Response<Received>, OwnedSemaphorePermit), Failure> {
    let provider = &target.provider;
    let permit = attempt::admit(provider)?;
    let address: Uri = provider.own_address(&passing.path)?;
    let mut request = attempt::plain_request(provider, passing.method.clone(), address, &body);
    for name in FORWARDED {
        if let Some(value) = exchange.headers.get(name) {
            request.headers_mut().insert(HeaderName::from_static(name), value.clone());
        }
    }
    let response = attempt::exchange(&exchange.gateway.upstreams, provider, request).await?;
    if matches!(response.status().as_u16(), 401..=403) {
        // Our credentials, not the caller's.
        return Err(attempt::refused(provider, response).await);
    }
    Ok((response, permit))
}

fn respond(target: &TargetEntry, response: Response<Received>, permit: OwnedSemaphorePermit, mut call: Call) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let overhead = call.answering(parts.status.as_u16());
    let mut headers = HeaderMap::new();
    for name in RETURNED {
        if let Some(value) = parts.headers.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let readable = if kind.starts_with("text/event-stream") {
        Readable::Stream(Decoder::new(), ResponseSummary::default())
    } else if kind.contains("json") {
        Readable::Whole(BytesMut::new())
    } else {
        Readable::No
    };
    if matches!(readable, Readable::Stream(..)) {
        headers.remove(CONTENT_LENGTH);
    }
    super::answer::passed(&mut headers, target, overhead);
    let idle = Duration::from_millis(target.provider.timeouts.idle_ms);
    let state = Passage { body, idle, readable, call: Some(call), _permit: permit };
    let body = Body::from_stream(stream::unfold(state, |mut state| async move {
        let piece = state.next().await?;
        Some((piece, state))
    }));
    let mut out = Response::new(body);
    *out.status_mut() = parts.status;
    *out.headers_mut() = headers;
    out
}

/// What usage can be read off.
enum Readable {
    No,
    Whole(BytesMut),
    Stream(Decoder, ResponseSummary),
}

/// The answer on its way.
struct Passage {
    body: Received,
    idle: Duration,
    readable: Readable,
    call: Option<Call>,
    _permit: OwnedSemaphorePermit,
}

impl Passage {
    async fn next(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        // Settled already.
        self.call.as_ref()?;
        loop {
            match tokio::time::timeout(self.idle, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.read(&data);
                    return Some(Ok(data));
                }
                Ok(None) => {
                    self.settle(Call::completed);
                    return None;
                }
                // The connection breaks for the caller as it did for us: nothing that looks like an end. What came before goes out first: a server that is
                // told of the break in the same breath sends nothing at all.
                Ok(Some(Err(e))) => {
                    tokio::task::yield_now().await;
                    return Some(Err(self.broke("provider_cut", &e.to_string())));
                }
                Err(_) => return Some(Err(self.broke("provider_idle_timeout", "the provider stood still"))),
            }
        }
    }

    fn read(&mut self, data: &Bytes) {
        match &mut self.readable {
            Readable::Whole(copy) if copy.len() + data.len() <= MOST_READ => copy.extend_from_slice(data),
            Readable::Stream(decoder, summary) => {
                decoder.push(data);
                while let Ok(Some(event)) = decoder.next_event() {
                    let said = hypercare_wire::chat::summarise_response(&event.data);
                    summary.usage = said.usage.or(summary.usage);
                }
            }
            Readable::Whole(_) | Readable::No => self.readable = Readable::No,
        }
    }

    fn broke(&mut self, code: &'static str, why: &str) -> std::io::Error {
        let error = GatewayError::new(StatusCode::BAD_GATEWAY, code, format!("The answer broke off: {why}."));
        self.settle(|call, captured| call.failed(&error, captured));
        std::io::Error::other(error.message)
    }

    fn settle(&mut self, how: impl FnOnce(&mut Call, Captured)) {
        let Some(mut call) = self.call.take() else { return };
        let captured = match std::mem::replace(&mut self.readable, Readable::No) {
            Readable::No => Captured::Nothing,
            Readable::Whole(body) => {
                let summary = hypercare_wire::chat::summarise_response(&body);
                let usage = summary.usage.or_else(|| hypercare_wire::embeddings::read_usage(&body));
                Captured::Read(Box::new(ResponseSummary { usage, ..summary }), body.freeze())
            }
            Readable::Stream(_, summary) => Captured::Stream(Box::new(summary)),
        };
        how(&mut call, captured);
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.settle(Call::hung_up);
    }
}
