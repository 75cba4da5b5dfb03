//! A stream on its way from the provider to the caller.

use super::attempt::{Broken, Failure, Provider, next_piece};
use super::call::Call;
use crate::telemetry::Captured;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hyper::body::Incoming;
use hypercare_wire::chat::{Seen, StreamScanner};
use hypercare_wire::error::openai_stream_error;
use hypercare_wire::sse::Decoder;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// What is held back at most before the first content, so that another provider can still be asked: events and bytes.
const HOLD_EVENTS: usize = 64;
const HOLD_BYTES: usize = 256 * 1024;
/// How often an idle stream is kept awake by a comment.
const PING: Duration = Duration::from_secs(15);

/// A stream whose first content is at hand.
pub(super) struct Relay {
    body: Incoming,
    provider: Arc<Provider>,
    decoder: Decoder,
    scanner: StreamScanner,
    /// Whether the caller wants the usage chunk.
    keep_usage: bool,
    /// When the attempt's time is over.
    end: Instant,
    held: BytesMut,
    _permit: OwnedSemaphorePermit,
}

/// What came next.
enum Step {
    Bytes(Bytes),
    End,
    Broken(Failure),
}

impl Relay {
    /// Reads up to the first content. Until it returns, nothing has reached the caller.
    pub async fn prime(
        body: Incoming,
        provider: Arc<Provider>,
        keep_usage: bool,
        end: Instant,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, Failure> {
        let mut relay = Self {
            body,
            provider,
            decoder: Decoder::new(),
            scanner: StreamScanner::new(),
            keep_usage,
            end,
            held: BytesMut::new(),
            _permit: permit,
        };
        let idle = Duration::from_millis(relay.provider.timeouts.idle_ms);
        let mut events = 0;
        loop {
            let piece = next_piece(&mut relay.body, idle, relay.end).await.map_err(|broken| Failure::broken(&relay.provider, &broken))?;
            let Some(piece) = piece else {
                if relay.scanner.is_done() || relay.scanner.has_finished() {
                    return Ok(relay);
                }
                return Err(Failure::empty_stream(&relay.provider, "ended the stream"));
            };
            relay.decoder.push(&piece);
            loop {
                let event = relay.decoder.next_event().map_err(|_| Failure::broken(&relay.provider, &Broken::TooLarge))?;
                let Some(event) = event else { break };
                events += 1;
                let seen = relay.scanner.scan(&event.data);
                if seen == Seen::Error {
                    return Err(Failure::empty_stream(&relay.provider, "sent an error"));
                }
                if seen != Seen::UsageOnly || relay.keep_usage {
                    relay.held.extend_from_slice(&event.raw);
                }
                if matches!(seen, Seen::Content | Seen::Done) {
                    return Ok(relay);
                }
            }
            if events >= HOLD_EVENTS || relay.held.len() >= HOLD_BYTES {
                return Ok(relay);
            }
        }
    }

    /// The rest as a body. The call is settled when it ends, breaks, or is dropped because the caller hung up.
    pub fn into_body(self, call: Call) -> Body {
        let state = Outgoing { relay: Some(self), call };
        Body::from_stream(stream::unfold(state, |mut state| async move {
            let bytes = state.next().await?;
            Some((Ok::<_, Infallible>(bytes), state))
        }))
    }

    async fn step(&mut self) -> Step {
        if !self.held.is_empty() {
            return Step::Bytes(self.held.split().freeze());
        }
        // Events that came in the same piece as the first content.
        match self.forward(&Bytes::new()) {
            Ok(bytes) if bytes.is_empty() => {}
            Ok(bytes) => return Step::Bytes(bytes),
            Err(failure) => return Step::Broken(failure),
        }
        let idle = Duration::from_millis(self.provider.timeouts.idle_ms);
        let deadline = Instant::now() + idle;
        loop {
            let wake = deadline.min(Instant::now() + PING);
            let piece = match timeout_at(wake, next_piece(&mut self.body, idle, self.end)).await {
                Ok(Ok(piece)) => piece,
                Ok(Err(broken)) => return Step::Broken(Failure::broken(&self.provider, &broken)),
                Err(_) if wake == deadline => return Step::Broken(Failure::broken(&self.provider, &Broken::Idle)),
                // Only between events: a comment inside one would tear it.
                Err(_) if self.decoder.rest().is_empty() => return Step::Bytes(Bytes::from_static(b": ping\n\n")),
                Err(_) => continue,
            };
            let Some(piece) = piece else { return Step::End };
            match self.forward(&piece) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Step::Bytes(bytes),
                Err(failure) => return Step::Broken(failure),
            }
        }
    }

    /// Scans a piece; gives the bytes that go on.
    #[expect(clippy::result_large_err, reason = "once per stream at most")]
    fn forward(&mut self, piece: &Bytes) -> Result<Bytes, Failure> {
        let whole = self.decoder.rest().is_empty();
        self.decoder.push(piece);
        let mut out = Vec::new();
        let mut length = 0;
        let mut dropped = false;
        loop {
            let event = self.decoder.next_event().map_err(|_| Failure::broken(&self.provider, &Broken::TooLarge))?;
            let Some(event) = event else { break };
            let seen = self.scanner.scan(&event.data);
            if seen == Seen::Error {
                return Err(Failure::broken(&self.provider, &Broken::Cut("it sent an error".to_owned())));
            }
            if seen == Seen::UsageOnly && !self.keep_usage {
                dropped = true;
                continue;
            }
            length += event.raw.len();
            out.push(event.raw);
        }
        if whole && !dropped && !piece.is_empty() && length == piece.len() {
            // The usual case: whole events, all wanted. The provider's own bytes go on.
            return Ok(piece.clone());
        }
        Ok(if out.len() == 1 { out.remove(0) } else { Bytes::from(out.concat()) })
    }
}

/// A relay and the call it belongs to.
struct Outgoing {
    relay: Option<Relay>,
    call: Call,
}

impl Outgoing {
    async fn next(&mut self) -> Option<Bytes> {
        let relay = self.relay.as_mut()?;
        match relay.step().await {
            Step::Bytes(bytes) => Some(bytes),
            Step::End => self.end(),
            Step::Broken(failure) => {
                let captured = self.captured();
                self.call.failed(&failure.error, captured);
                // In band and without `[DONE]`: the caller must not take a cut answer for a whole one.
                Some(Bytes::from(openai_stream_error(&failure.error.message, "api_error", failure.error.code)))
            }
        }
    }

    fn end(&mut self) -> Option<Bytes> {
        let relay = self.relay.as_ref()?;
        if relay.scanner.is_done() || relay.scanner.has_finished() {
            let captured = self.captured();
            self.call.completed(captured);
            return None;
        }
        let failure = Failure::broken(&relay.provider, &Broken::Cut("the stream ended in the middle".to_owned()));
        let captured = self.captured();
        self.call.failed(&failure.error, captured);
        Some(Bytes::from(openai_stream_error(&failure.error.message, "api_error", failure.error.code)))
    }

    fn captured(&mut self) -> Captured {
        self.relay.take().map_or(Captured::Nothing, |relay| Captured::Stream(Box::new(relay.scanner.into_summary())))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Hung up in the middle; dropping the relay closes the connection to the provider. After a proper end there is nothing left to settle.
        if self.relay.is_some() {
            let done = self.relay.as_ref().is_some_and(|r| r.scanner.is_done());
            let captured = self.captured();
            if done { self.call.completed(captured) } else { self.call.hung_up(captured) }
        }
    }
}
