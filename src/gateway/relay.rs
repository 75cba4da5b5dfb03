//! A stream on its way from the provider to the caller.

use super::attempt::next_piece;
use super::call::Call;
use super::failure::{Broken, Failure};
use super::idempotency::Complete;
use super::pool::Received;
use super::upstream::Provider;
use crate::telemetry::Captured;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hypercare_wire::chat::Seen;
use hypercare_wire::frames::{Decoder, Unframed};
use hypercare_wire::passage::{Passage, Passed};
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
    body: Received,
    provider: Arc<Provider>,
    decoder: Decoder,
    passage: Passage,
    /// When the attempt's time is over.
    end: Instant,
    held: BytesMut,
    /// The provider's bytes have ended, and properly; what is held is the last.
    ended: bool,
    _permit: OwnedSemaphorePermit,
}

/// What came next.
enum Step {
    Bytes(Bytes),
    /// The proper end, with the last bytes.
    Done(Bytes),
    Broken(Failure),
}

impl Relay {
    /// Reads up to the first content. Until it returns, nothing has reached the caller.
    pub async fn prime(
        body: Received,
        provider: Arc<Provider>,
        decoder: Decoder,
        passage: Passage,
        end: Instant,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, Failure> {
        let mut relay = Self { body, provider, decoder, passage, end, held: BytesMut::new(), ended: false, _permit: permit };
        let idle = Duration::from_millis(relay.provider.timeouts.idle_ms);
        let mut events = 0;
        loop {
            let piece = next_piece(&mut relay.body, idle, relay.end).await.map_err(|broken| Failure::broken(&relay.provider, &broken))?;
            let Some(piece) = piece else {
                let last = relay.passage.end().ok_or_else(|| Failure::empty_stream(&relay.provider, "ended the stream"))?;
                relay.held.extend_from_slice(&last);
                relay.ended = true;
                return Ok(relay);
            };
            relay.decoder.push(&piece);
            loop {
                let event = relay.decoder.next_event().map_err(|e| unframed(&relay.provider, e))?;
                let Some(event) = event else { break };
                events += 1;
                let Passed { seen, bytes } = relay.passage.event(event);
                if seen == Seen::Error {
                    return Err(Failure::empty_stream(&relay.provider, "sent an error"));
                }
                relay.held.extend_from_slice(&bytes);
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
    pub fn into_body(self, call: Call, complete: Complete) -> Body {
        let mut outgoing = self.into_outgoing(call);
        outgoing.complete = complete;
        Body::from_stream(stream::unfold(outgoing, |mut state| async move {
            let bytes = state.next().await?;
            Some((Ok::<_, Infallible>(bytes), state))
        }))
    }

    /// The rest and the call it belongs to.
    pub fn into_outgoing(self, call: Call) -> Outgoing {
        Outgoing { relay: Some(self), call: Some(call), complete: Complete::default() }
    }

    async fn step(&mut self) -> Step {
        if !self.held.is_empty() {
            return Step::Bytes(self.held.split().freeze());
        }
        if self.ended {
            return Step::Done(Bytes::new());
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
            let Some(piece) = piece else {
                let cut = || Failure::broken(&self.provider, &Broken::Cut("the stream ended in the middle".to_owned()));
                return self.passage.end().map_or_else(|| Step::Broken(cut()), Step::Done);
            };
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
        let mut changed = false;
        loop {
            let event = self.decoder.next_event().map_err(|e| unframed(&self.provider, e))?;
            let Some(event) = event else { break };
            let raw = event.raw.clone();
            let Passed { seen, bytes } = self.passage.event(event);
            if seen == Seen::Error {
                return Err(Failure::broken(&self.provider, &Broken::Cut("it sent an error".to_owned())));
            }
            changed |= bytes.as_ptr() != raw.as_ptr() || bytes.len() != raw.len();
            if !bytes.is_empty() {
                length += bytes.len();
                out.push(bytes);
            }
        }
        if whole && !changed && !piece.is_empty() && length == piece.len() {
            // The usual case: whole events, all wanted. The provider's own bytes go on.
            return Ok(piece.clone());
        }
        Ok(if out.len() == 1 { out.remove(0) } else { Bytes::from(out.concat()) })
    }
}

fn unframed(provider: &Provider, e: Unframed) -> Failure {
    match e {
        Unframed::TooLarge(_) => Failure::broken(provider, &Broken::TooLarge),
        Unframed::Broken(why) => Failure::broken(provider, &Broken::Cut(why.to_string())),
    }
}

/// A relay and the call it belongs to.
pub(super) struct Outgoing {
    relay: Option<Relay>,
    call: Option<Call>,
    complete: Complete,
}

impl Outgoing {
    async fn next(&mut self) -> Option<Bytes> {
        let relay = self.relay.as_mut()?;
        match relay.step().await {
            Step::Bytes(bytes) => Some(bytes),
            Step::Done(last) => {
                self.complete.set();
                self.settle(Call::completed);
                (!last.is_empty()).then_some(last)
            }
            Step::Broken(failure) => {
                // In band and without the dialect's end: the caller must not take a cut answer for a whole one.
                let error = relay.passage.error(failure.error.form_kind(), &failure.error.message, failure.error.code);
                self.settle(|call, captured| call.failed(&failure.error, captured));
                Some(error)
            }
        }
    }

    /// Reads on to the end though nobody listens, for the log.
    pub async fn run_dry(mut self) {
        while self.next().await.is_some() {}
    }

    fn settle(&mut self, how: impl FnOnce(&mut Call, Captured)) {
        let captured = self.relay.take().map_or(Captured::Nothing, |relay| Captured::Stream(Box::new(relay.passage.into_summary())));
        if let Some(mut call) = self.call.take() {
            how(&mut call, captured);
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Hung up in the middle; dropping the relay closes the connection to the provider. After a proper end there is nothing left to settle.
        let Some(relay) = &self.relay else { return };
        if relay.passage.is_done() {
            return self.settle(Call::completed);
        }
        match self.call.take() {
            Some(call) if call.finishes_anyway() => {
                call.leave();
                let rest = Self { relay: self.relay.take(), call: Some(call), complete: Complete::default() };
                tokio::spawn(rest.run_dry());
            }
            call => {
                self.call = call;
                self.settle(Call::hung_up);
            }
        }
    }
}
