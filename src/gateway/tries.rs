//! Try after try, target after target, until one begins to answer.

use super::attempt::{self, Sent, next_piece};
use super::call::Call;
use super::clock::steady;
use super::error::GatewayError;
use super::failure::{Broken, Failure};
use super::plan::Plan;
use super::pool::{Received, Upstreams};
use super::relay::Relay;
use super::snapshot::TargetEntry;
use super::tables;
use super::translate;
use super::upstream::{Operation, Provider};
use super::vitals::Vitals;
use crate::types::Instant;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use hypercare_wire::chat::ResponseSummary;
use hypercare_wire::dialect::Dialect;
use hypercare_wire::frames::Decoder;
use hypercare_wire::passage::Passage;
use rand::RngExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant as Tick};

/// Amazon's id of a call.
const AMAZON_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Longest answer taken that is not a stream.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// An answer that is at hand: whole, or a stream with its first content.
pub(super) enum Ready {
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
    /// Something else than a conversation: the log keeps what was read off it.
    Read {
        body: Bytes,
        summary: Box<ResponseSummary>,
    },
    Stream(Box<Relay>),
}

/// Makes the caller's answer of a target's.
pub(super) type Convert<'t> = dyn Fn(&TargetEntry, &[u8]) -> Option<(Bytes, ResponseSummary)> + Send + Sync + 't;

/// What is the same for every try of a call.
pub(super) struct Tries<'t> {
    pub upstreams: &'t Upstreams,
    /// The caller's.
    pub dialect: Dialect,
    pub operation: Operation,
    /// Whether the caller wants the usage chunk at the end of the stream.
    pub include_usage: bool,
    /// What makes the caller's answer of a provider's, where that is not a matter of the chat's dialects; `None` for one it cannot read.
    pub convert: Option<&'t Convert<'t>>,
    /// The id the answer gets where it is written anew.
    pub answer_id: Option<String>,
    /// The caller's headers.
    pub headers: &'t HeaderMap,
    pub now: Instant,
}

impl Tries<'_> {
    /// Tries every target in order, each as often as the route says, until one begins to answer. `body_for` writes what a target is sent.
    pub async fn run<'p>(
        &self,
        plan: &'p Plan<'_>,
        body_for: impl Fn(&TargetEntry) -> Result<Bytes, GatewayError>,
        call: &mut Call,
    ) -> Result<(Ready, &'p TargetEntry), GatewayError> {
        let end = plan.route.and_then(|route| route.total).map(|total| tokio::time::Instant::now() + total);
        let mut last: Option<Failure> = None;
        for target in plan.targets() {
            if let Some(failure) = &last
                && !worth_another(plan, failure)
            {
                break;
            }
            let body = match body_for(target) {
                Ok(body) => body,
                // A stand-in that cannot say it is no stand-in for this call: what went wrong before is what the caller is told.
                Err(_) if last.is_some() => continue,
                Err(e) => return Err(e),
            };
            call.targeted(target);
            match self.at_target(plan, target, &body, end, call).await {
                Ok(ready) => return Ok((ready, target)),
                Err(Stopped::OutOfTime) => return Err(out_of_time(plan)),
                Err(Stopped::Failed(failure)) => last = Some(failure),
                // Not asked at all: why the one before failed is worth more than that.
                Err(Stopped::NotAsked(failure)) => last = Some(last.unwrap_or(failure)),
            }
        }
        Err(last.map_or_else(GatewayError::no_target, |f| f.error))
    }

    /// All tries at one target.
    async fn at_target(
        &self,
        plan: &Plan<'_>,
        target: &TargetEntry,
        body: &Bytes,
        end: Option<tokio::time::Instant>,
        call: &mut Call,
    ) -> Result<Ready, Stopped> {
        let provider = &target.provider;
        let mut keys_left = provider.keys().saturating_sub(1);
        let mut tries = 0;
        let mut last: Option<Failure> = None;
        let stand_in = plan.targets().nth(1).is_some();
        target.vitals.retries.earn();
        loop {
            let since = Tick::now();
            let result = match end {
                Some(end) => tokio::time::timeout_at(end, self.guarded_try(target, body.clone(), stand_in, since)).await,
                None => Ok(self.guarded_try(target, body.clone(), stand_in, since).await),
            };
            let Ok((result, took)) = result else {
                call.attempted(target, since.elapsed(), None, Some(OUT_OF_TIME));
                return Err(Stopped::OutOfTime);
            };
            let mut failure = match result {
                Ok(ready) => {
                    call.attempted(target, took, Some(200), None);
                    return Ok(ready);
                }
                Err(failure) => failure,
            };
            if failure.not_asked() {
                // This call's own failures opened the breaker: what they were is worth more than that.
                if let Some(own) = last {
                    return Err(Stopped::Failed(own));
                }
                call.attempted(target, took, failure.status, Some(failure.error.code));
                return Err(Stopped::NotAsked(failure));
            }
            call.attempted(target, took, failure.status, Some(failure.error.code));
            if provider.dialect(self.dialect) != self.dialect {
                // A provider's own words are of use only to who speaks its dialect; others get its sentence in theirs.
                failure.error.verbatim = None;
            }
            // Another key of ours is tried at once, whatever the route says of retries.
            if failure.other_key && keys_left > 0 {
                keys_left -= 1;
                last = Some(failure);
                continue;
            }
            let again = tries < plan.retries() && worth_another(plan, &failure) && failure.worth_the_same();
            if !again || !target.vitals.retries.spend(steady(Tick::now())) {
                return Err(Stopped::Failed(failure));
            }
            last = Some(failure);
            tries += 1;
            tokio::time::sleep(back_off(tries)).await;
        }
    }

    /// A try, if the target's breaker lets it through, and how long it took; the target's vitals learn how it went.
    async fn guarded_try(&self, target: &TargetEntry, body: Bytes, stand_in: bool, since: Tick) -> (Result<Ready, Failure>, Duration) {
        let vitals = &*target.vitals;
        let began = steady(since);
        let pass = match vitals.breaker.ask(began) {
            Ok(pass) => pass,
            Err(refused) => {
                if refused.knock {
                    tokio::spawn(knock(target.provider.clone(), target.vitals.clone()));
                }
                return (Err(Failure::circuit_open(&target.provider, refused)), Duration::ZERO);
            }
        };
        let waiting = vitals.latency.wait();
        let result = self.one_try(target, body, since).await;
        drop(waiting);
        let ended = Tick::now();
        let now = steady(ended);
        match result.as_ref().err().map(Failure::is_trouble) {
            Some(Some(cause)) => {
                vitals.latency.failed(now);
                // Whoever comes next would wait as long; and where there is a stand-in, nobody needs to find out again that nobody is there.
                let costly = result.as_ref().is_err_and(|failure| match failure.error.code {
                    "provider_connect_timeout" => true,
                    "provider_unreachable" => stand_in,
                    _ => false,
                });
                if costly { pass.failed_badly(now, cause) } else { pass.failed(now, cause) }
            }
            // Busy, or a wrong key: that says nothing about whether it works.
            Some(None) if result.as_ref().is_err_and(|failure| failure.cause.is_some()) => drop(pass),
            _ => {
                vitals.latency.answered(now, now - began);
                pass.worked(now);
            }
        }
        (result, ended - since)
    }

    async fn one_try(&self, target: &TargetEntry, body: Bytes, since: Tick) -> Result<Ready, Failure> {
        let provider = &target.provider;
        let dialect = provider.dialect(self.dialect);
        let end = tokio::time::Instant::from_std(since) + Duration::from_millis(provider.timeouts.total_ms);
        let sent = Sent { operation: self.operation, dialect, model: &target.model.text, body, forwarded: self.headers };
        let started = attempt::start(self.upstreams, provider, sent).await?;
        let (head, body) = started.response.into_parts();
        let mut headers = head.headers;
        let content_type = headers.remove(CONTENT_TYPE);
        let is_stream = content_type
            .as_ref()
            .and_then(|v| v.to_str().ok())
            .is_some_and(|t| t.starts_with("text/event-stream") || t.starts_with("application/vnd.amazon.eventstream"));
        let called = headers.get(AMAZON_ID).filter(|_| dialect == Dialect::Bedrock);
        let called = called.and_then(|id| id.to_str().ok()).unwrap_or_default();
        if self.operation == (Operation::Chat { stream: true }) && is_stream {
            let passage = Passage::new(dialect, self.dialect, self.created(), self.include_usage).named(self.answer_id.clone());
            let passage = if dialect == Dialect::Bedrock { passage.called(called, &target.model.text) } else { passage };
            let relay = Relay::prime(body, provider.clone(), Decoder::of(dialect), passage, end, started.permit).await?;
            return Ok(Ready::Stream(Box::new(relay)));
        }
        let called = called.to_owned();
        tables::give(headers);
        let pieces = read_whole(provider, body, end).await?;
        if let Some(failure) = lie(provider, &pieces) {
            return Err(failure);
        }
        if self.operation == (Operation::Chat { stream: true }) {
            return Err(Failure::no_stream(provider));
        }
        if let Some(convert) = self.convert {
            let (body, summary) = convert(target, &pieces.concat()).ok_or_else(|| Failure::unreadable(provider))?;
            return Ok(Ready::Read { body, summary: Box::new(summary) });
        }
        if dialect == self.dialect {
            return Ok(Ready::Whole { pieces, content_type, dialect });
        }
        let translated = translate::response(
            self.dialect,
            dialect,
            &pieces.concat(),
            self.created(),
            self.answer_id.as_deref(),
            (&called, &target.model.text),
        );
        let (body, summary) = translated.ok_or_else(|| Failure::unreadable(provider))?;
        Ok(Ready::Translated { body, summary: Box::new(summary) })
    }

    /// Seconds since 1970, for answers that do not say when.
    fn created(&self) -> u64 {
        u64::try_from(self.now.0 / 1_000_000).unwrap_or(0)
    }
}

/// Looks whether a provider can be reached, beside any call.
async fn knock(provider: Arc<Provider>, vitals: Arc<Vitals>) {
    let reached = provider.can_be_reached().await;
    vitals.breaker.knocked(steady(Tick::now()), reached);
}

/// Why a target did not answer.
enum Stopped {
    Failed(Failure),
    /// Its breaker is open, or it is drained.
    NotAsked(Failure),
    /// The time for the whole call is over.
    OutOfTime,
}

const OUT_OF_TIME: &str = "call_timeout";

#[cold]
fn out_of_time(plan: &Plan<'_>) -> GatewayError {
    let ms = plan.route.and_then(|route| route.total).unwrap_or_default().as_millis();
    GatewayError::new(StatusCode::GATEWAY_TIMEOUT, OUT_OF_TIME, format!("No provider of this route began to answer within {ms} ms."))
}

fn worth_another(plan: &Plan<'_>, failure: &Failure) -> bool {
    let Some(cause) = failure.cause else { return false };
    failure.error.code == "provider_draining" && plan.route.is_some() || plan.goes_on_after(cause)
}

/// Full jitter around 50 ms, 100 ms, 200 ms … (Brooker, "Exponential backoff and jitter", AWS, 2015), one second at most.
fn back_off(tries: u32) -> Duration {
    let most = 50_u64.saturating_mul(1 << tries.min(5)).min(1_000);
    Duration::from_millis(rand::rng().random_range(most / 4..=most))
}

async fn read_whole(provider: &Provider, mut body: Received, end: tokio::time::Instant) -> Result<Vec<Bytes>, Failure> {
    let idle = Duration::from_millis(provider.timeouts.idle_ms);
    let mut pieces = Vec::with_capacity(1);
    let mut length = 0;
    while let Some(piece) = next_piece(&mut body, idle, end).await.map_err(|broken| Failure::broken(provider, &broken))? {
        length += piece.len();
        if length > MAX_ANSWER {
            return Err(Failure::broken(provider, &Broken::TooLarge));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

/// A 200 that is none: an error in an answer's clothes, a page of some proxy, half of an object. Told by its edges, without reading it all.
fn lie(provider: &Provider, pieces: &[Bytes]) -> Option<Failure> {
    let begin = pieces.iter().flat_map(|piece| piece.iter()).copied().filter(|byte| !byte.is_ascii_whitespace());
    let end = pieces.iter().rev().flat_map(|piece| piece.iter().rev()).copied().find(|byte| !byte.is_ascii_whitespace());
    let mut begin = begin.take(ERROR.len() + 1);
    let mut first = [0; ERROR.len() + 1];
    for place in &mut first {
        *place = begin.next().unwrap_or_default();
    }
    // Gemini streams without `alt=sse` are lists.
    if !matches!((first[0], end), (b'{', Some(b'}')) | (b'[', Some(b']'))) {
        return Some(Failure::unreadable(provider));
    }
    (first.starts_with(ERROR) && matches!(first[ERROR.len()], b'{' | b'"')).then(|| {
        let said = hypercare_wire::error::read_upstream_error(&pieces.concat());
        let words = said.message.unwrap_or_else(|| "no reason given".to_owned());
        let message = format!("The provider `{}` failed, though it answered 200: {words}", provider.label.text);
        Failure::new(StatusCode::BAD_GATEWAY, "provider_error", message, crate::routing::model::FailoverOn::ServerError)
    })
}

const ERROR: &[u8] = b"{\"error\":";
