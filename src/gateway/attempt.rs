//! One try at one provider.

use super::clock::{micros, within};
use super::error::GatewayError;
use super::failure::{Broken, Failure};
use super::pool::{Received, Unanswered, Upstreams};
use super::tables;
use super::upstream::{Operation, Provider};
use crate::routing::model::FailoverOn;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hypercare_wire::dialect::Dialect;
use hypercare_wire::error::read_upstream_error;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

/// Longest error body read from a provider.
const MAX_ERROR_BODY: usize = 256 * 1024;

/// What is sent, and how.
pub(super) struct Sent<'s> {
    pub operation: Operation,
    /// The dialect the provider is asked in.
    pub dialect: Dialect,
    pub model: &'s str,
    pub body: Bytes,
    /// Headers of the caller; few go on.
    pub forwarded: &'s HeaderMap,
}

/// An answer that has begun, and the place in flight it holds.
pub(super) struct Started {
    pub response: Response<Received>,
    pub permit: OwnedSemaphorePermit,
}

/// A place in flight, if the provider takes calls now.
#[expect(clippy::result_large_err, reason = "an error ends the attempt; it is not passed up through many calls")]
pub(super) fn admit(provider: &Provider) -> Result<OwnedSemaphorePermit, Failure> {
    if provider.draining {
        return Err(Failure::draining(provider));
    }
    if let Some(seconds) = provider.paused() {
        let message = format!("The provider `{}` asked for a pause of {seconds} more seconds.", provider.label.text);
        let mut failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "provider_rate_limited", message, FailoverOn::RateLimited);
        failure.error.retry_after = Some(seconds);
        return Err(failure);
    }
    provider.in_flight.clone().try_acquire_owned().map_err(|_| {
        let message = format!("The provider `{}` has as many calls in flight as it may.", provider.label.text);
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "provider_busy", message, FailoverOn::RateLimited)
    })
}

/// Sends the body; answers as soon as the provider's status and headers are there.
pub(super) async fn start(upstreams: &Upstreams, provider: &Provider, sent: Sent<'_>) -> Result<Started, Failure> {
    let permit = admit(provider)?;
    Ok(Started { response: send(upstreams, provider, sent).await?, permit })
}

/// Sends the body whatever is known of the provider.
pub(super) async fn send(upstreams: &Upstreams, provider: &Provider, sent: Sent<'_>) -> Result<Response<Received>, Failure> {
    let address = provider.address(sent.operation, sent.dialect, sent.model)?;
    let response = exchange(upstreams, provider, build_request(provider, address, sent)).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(refused(provider, response).await)
}

/// Sends a request; answers as soon as there is a status, whichever.
pub(super) async fn exchange(
    upstreams: &Upstreams,
    provider: &Provider,
    request: Request<Full<Bytes>>,
) -> Result<Response<Received>, Failure> {
    let first_byte = provider.timeouts.first_byte_ms;
    let limit = first_byte.min(provider.timeouts.total_ms);
    // Where it is from the beginning: handed over by value it would be moved once more.
    let answered = pin!(upstreams.request(provider.timeouts.connect_ms, request));
    match timeout(Duration::from_millis(limit), answered).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(e)) => Err(connect_failure(provider, &e)),
        Err(_) if limit < first_byte => Err(Failure::broken(provider, &Broken::Total)),
        Err(_) => Err(Failure::timed_out("provider_first_byte_timeout", provider, "did not answer", first_byte)),
    }
}

/// A request with nothing but our credentials.
pub(super) fn plain_request(provider: &Provider, method: Method, address: Uri, body: &Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = method;
    *request.uri_mut() = address;
    // With room for those of the pool too.
    *request.headers_mut() = tables::take();
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("hypercare/", env!("CARGO_PKG_VERSION"))));
    if !body.is_empty() {
        headers.insert(CONTENT_LENGTH, tables::number(body.len() as u64));
    }
    provider.prove(&mut request, body);
    request
}

/// Headers of the caller that go on, by allow-list: the trace, and what Anthropic's callers ask of Anthropic.
const FORWARDED: [HeaderName; 2] = [HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];
const FORWARDED_TO_ANTHROPIC: [HeaderName; 1] = [HeaderName::from_static("anthropic-beta")];
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

fn build_request(provider: &Provider, address: Uri, sent: Sent<'_>) -> Request<Full<Bytes>> {
    let Sent { operation, dialect, body, forwarded, .. } = sent;
    let stream = operation == Operation::Chat { stream: true };
    let mut request = plain_request(provider, Method::POST, address, &body);
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static(match (stream, dialect) {
            (false, _) => "application/json",
            (true, Dialect::Bedrock) => "application/vnd.amazon.eventstream",
            (true, _) => "text/event-stream",
        }),
    );
    let anthropic = dialect == Dialect::Anthropic;
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

#[cold]
fn connect_failure(provider: &Provider, e: &Unanswered) -> Failure {
    let mut cause: &dyn std::error::Error = match e {
        Unanswered::NoConnection(e) => &**e,
        Unanswered::Broken(e) => e,
    };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let name = &provider.label.text;
    if matches!(e, Unanswered::NoConnection(_)) {
        let too_slow = cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::TimedOut);
        if too_slow {
            let mut failure =
                Failure::timed_out("provider_connect_timeout", provider, "could not be reached", provider.timeouts.connect_ms);
            failure.cause = Some(FailoverOn::Connect);
            return failure;
        }
        let message = format!("The provider `{name}` cannot be reached: {cause}.");
        return Failure::new(StatusCode::BAD_GATEWAY, "provider_unreachable", message, FailoverOn::Connect);
    }
    let message = format!("The provider `{name}` broke the connection before it answered: {cause}.");
    Failure::new(StatusCode::BAD_GATEWAY, "provider_cut", message, FailoverOn::ServerError)
}

pub(super) async fn refused(provider: &Provider, response: Response<Received>) -> Failure {
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
            Failure { error, status: None, cause: Some(FailoverOn::ServerError), other_key: provider.keys() > 1 }
        }
        429 => {
            provider.rotate_key();
            let message = format!("The provider `{name}` limits our rate: {words}");
            let mut failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "provider_rate_limited", message, FailoverOn::RateLimited);
            failure.error.retry_after = retry_after;
            failure.other_key = provider.keys() > 1;
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

/// Seconds to wait, from `retry-after-ms`, `retry-after` (seconds or HTTP date) or, without them, the limits that are used up (`x-ratelimit-reset-*`).
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|t| t.parse::<f64>().ok()).filter(|ms| ms.is_finite() && *ms >= 0.0) {
        return Some(whole(ms).div_ceil(1_000).max(1));
    }
    let Some(value) = text(RETRY_AFTER.as_str()) else { return reset(headers) };
    value.parse().ok().or_else(|| {
        let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
        let wait = date.timestamp() - micros() / 1_000_000;
        u64::try_from(wait.max(0)).ok()
    })
}

/// The longest of the resets of limits of which nothing remains.
fn reset(headers: &HeaderMap) -> Option<u64> {
    let text = |name: String| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let used_up = |kind: &&str| text(format!("x-ratelimit-remaining-{kind}")) == Some("0");
    let resets = ["requests", "tokens"].iter().filter(|kind| used_up(kind)).filter_map(|kind| text(format!("x-ratelimit-reset-{kind}")));
    resets.filter_map(seconds).max()
}

/// `1s`, `6m0s`, `120ms` or plain seconds, rounded up.
fn seconds(text: &str) -> Option<u64> {
    if let Ok(plain) = text.parse::<f64>() {
        return (plain.is_finite() && plain >= 0.0).then(|| whole(plain * 1_000.0).div_ceil(1_000));
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        total += number
            * match &rest[digits..unit_end] {
                "ms" => 1.0,
                "s" => 1_000.0,
                "m" => 60_000.0,
                "h" => 3_600_000.0,
                "d" => 86_400_000.0,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Some(whole(total).div_ceil(1_000))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be finite and not negative; `as` saturates")]
fn whole(ms: f64) -> u64 {
    ms as u64
}

/// The next piece of an answer, within the idle timeout and before the end of the attempt's time; `None` at its proper end.
pub(super) async fn next_piece(body: &mut Received, idle: Duration, end: Instant) -> Result<Option<Bytes>, Broken> {
    let left = || end.saturating_duration_since(Instant::now());
    loop {
        match within(|| idle.min(left()), body.frame()).await {
            Err(_) if left().is_zero() => return Err(Broken::Total),
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

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        retry_after(&headers.collect())
    }

    #[test]
    fn every_way_of_asking_for_a_pause_is_understood() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after-ms", "1500"), ("retry-after", "9")]), Some(2), "the finer one");
        assert_eq!(wait(&[("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")]), Some(0), "a date that is over");
        // OpenAI's documented headers: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers.
        let openai = [
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        assert_eq!(wait(&openai), Some(360));
        assert_eq!(wait(&[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "120ms")]), Some(1));
        assert_eq!(wait(&[("x-ratelimit-reset-requests", "1s")]), None, "it does not say that this one is used up");
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[]), None);
    }
}
