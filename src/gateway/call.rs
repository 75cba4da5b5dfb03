//! One call from its first byte to its log entry.

use super::admission::Admitted;
use super::error::GatewayError;
use super::snapshot::{RouteEntry, TargetEntry, VariantEntry};
use crate::server::App;
use crate::telemetry::model::Outcome;
use crate::telemetry::{CallRecord, Captured, Tried};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant as Tick};

/// Settles the log entry exactly once: at the end, or when it is dropped because the caller hung up.
pub(super) struct Call {
    app: App,
    began: Tick,
    /// Microseconds until an answer began to be handed out.
    answered_us: Option<i64>,
    upstream_us: i64,
    record: Option<Box<CallRecord>>,
    presence: Option<Arc<Presence>>,
    /// Its place among the calls under way; copies and tries from the playground have none.
    _place: Option<Admitted>,
}

impl Call {
    /// Takes charge of a record.
    pub fn new(app: App, began: Tick, record: CallRecord, presence: Option<Arc<Presence>>, place: Option<Admitted>) -> Self {
        Self { app, began, answered_us: None, upstream_us: 0, record: Some(Box::new(record)), presence, _place: place }
    }

    /// It is to come to its end even if the caller hangs up.
    pub fn finish_anyway(&self) {
        if let Some(presence) = &self.presence {
            presence.0.fetch_or(FINISH, Ordering::Relaxed);
        }
    }

    /// Whether it comes to its end even if the caller hangs up.
    pub fn finishes_anyway(&self) -> bool {
        self.presence.as_ref().is_some_and(|presence| presence.0.load(Ordering::Relaxed) & FINISH != 0)
    }

    /// The caller hung up, and the call goes on.
    pub fn leave(&self) {
        if let Some(presence) = &self.presence {
            presence.0.store(LEFT, Ordering::Relaxed);
        }
    }

    fn caller_left(&self) -> bool {
        self.presence.as_ref().is_some_and(|presence| presence.0.load(Ordering::Relaxed) & LEFT != 0)
    }

    /// The record, until it is settled.
    pub fn record(&mut self) -> Option<&mut CallRecord> {
        self.record.as_deref_mut()
    }

    /// Microseconds since the call began.
    pub fn elapsed_us(&self) -> i64 {
        micros(self.began.elapsed())
    }

    /// Which arm of which route it takes.
    pub fn routed(&mut self, route: &RouteEntry, variant: &VariantEntry) {
        if let Some(record) = &mut self.record {
            record.names.route = Some(route.label.text.shared());
            record.names.variant = Some(variant.label.text.shared());
            record.names.prompt = variant.prompt.as_ref().map(|(_, label)| label.text.shared());
            record.keep_bodies = route.log_bodies;
        }
    }

    /// Which target is tried now.
    pub fn targeted(&mut self, target: &TargetEntry) {
        if let Some(record) = &mut self.record {
            record.names.provider = Some(target.provider.label.text.shared());
            record.names.model = Some(target.model.text.shared());
            record.price.clone_from(&target.price);
        }
    }

    /// A try ended (or its answer began) after that time.
    pub fn attempted(&mut self, target: &TargetEntry, took: Duration, status: Option<u16>, error: Option<&'static str>) {
        let duration_us = micros(took);
        self.upstream_us += duration_us;
        if let Some(record) = &mut self.record {
            let (provider, model) = (target.provider.label.text.shared(), target.model.text.shared());
            record.attempts.push(Tried { provider, model, status, error, duration_us });
        }
    }

    /// Tries made.
    pub fn attempts(&self) -> usize {
        self.record.as_ref().map_or(0, |r| r.attempts.len())
    }

    /// The answer begins to be handed out: gives the time spent here and not upstream so far, µs.
    pub fn answering(&mut self, status: u16) -> i64 {
        let elapsed = self.elapsed_us();
        self.answered_us = Some(elapsed);
        let overhead = (elapsed - self.upstream_us).max(0);
        if let Some(record) = &mut self.record {
            record.status = status;
            record.overhead_us = overhead;
        }
        overhead
    }

    /// The first content came from the provider.
    pub fn first_token(&mut self) {
        let now = self.elapsed_us();
        if let Some(record) = &mut self.record {
            record.first_token_us.get_or_insert(now);
        }
    }

    /// The call failed; the caller is told.
    pub fn failed(&mut self, error: &GatewayError, captured: Captured) {
        let status = if self.answered_us.is_some() { None } else { Some(error.status.as_u16()) };
        self.settle(self.elapsed_us(), Outcome::Error, captured, |record| {
            if let Some(status) = status {
                record.status = status;
            }
            record.error_code = Some(error.code);
            record.error_message = Some(error.message.clone());
        });
    }

    /// The call ended well.
    pub fn completed(&mut self, captured: Captured) {
        self.completed_after(self.elapsed_us(), captured);
    }

    fn completed_after(&mut self, duration_us: i64, captured: Captured) {
        if self.caller_left() {
            return self.hung_up(captured);
        }
        self.settle(duration_us, Outcome::Ok, captured, |_| {});
    }

    /// The caller hung up.
    pub fn hung_up(&mut self, captured: Captured) {
        self.settle(self.elapsed_us(), Outcome::ClientClosed, captured, |record| {
            record.error_code = Some("client_closed");
            if record.status == 0 {
                record.status = 499;
            }
        });
    }

    fn settle(&mut self, duration_us: i64, outcome: Outcome, captured: Captured, finish: impl FnOnce(&mut CallRecord)) {
        let Some(mut record) = self.record.take() else { return };
        record.outcome = outcome;
        record.duration_us = duration_us;
        record.captured = captured;
        finish(&mut record);
        self.app.log().push(record);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.record.is_some() {
            self.hung_up(Captured::Nothing);
        }
    }
}

/// A call whose answer is whole: it is settled when this is let go of, as having taken until its answer was.
pub(super) struct Whole {
    call: Call,
    captured: Captured,
}

impl Whole {
    pub fn new(call: Call, captured: Captured) -> Self {
        Self { call, captured }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let captured = std::mem::replace(&mut self.captured, Captured::Nothing);
        let took = self.call.answered_us.unwrap_or_else(|| self.call.elapsed_us());
        self.call.completed_after(took, captured);
    }
}

/// Whether the caller of a call still waits, and whether the call goes on without.
#[derive(Debug, Default)]
pub(super) struct Presence(AtomicU8);

const FINISH: u8 = 1;
const LEFT: u8 = 2;

/// The making of an answer that is carried on when nobody waits for it any more, if the call is to be finished anyway.
pub(super) struct CarriedOn<F: Future<Output: Send> + Send + 'static> {
    inner: Option<Pin<Box<F>>>,
    presence: Arc<Presence>,
}

impl<F: Future<Output: Send> + Send + 'static> CarriedOn<F> {
    pub fn new(inner: F, presence: Arc<Presence>) -> Self {
        Self { inner: Some(Box::pin(inner)), presence }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for CarriedOn<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(inner) = &mut self.inner else { return Poll::Pending };
        let polled = inner.as_mut().poll(context);
        if polled.is_ready() {
            self.inner = None;
        }
        polled
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for CarriedOn<F> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && self.presence.0.fetch_or(LEFT, Ordering::Relaxed) & FINISH != 0
        {
            tokio::spawn(inner);
        }
    }
}

fn micros(d: Duration) -> i64 {
    i64::try_from(d.as_micros()).unwrap_or(i64::MAX)
}
