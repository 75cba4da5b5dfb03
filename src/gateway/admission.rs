//! How many calls there may be at once, in this process: beyond that, callers are told to come back rather than kept waiting for memory and sockets that are
//! not there.

use super::error::GatewayError;
use crate::server::App;
use axum::http::StatusCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Calls under way and how many there may be.
#[derive(Debug)]
pub(crate) struct InFlight {
    now: AtomicUsize,
    most: usize,
    refused: AtomicU64,
}

impl InFlight {
    /// None yet.
    pub fn at_most(most: usize) -> Self {
        Self { now: AtomicUsize::new(0), most, refused: AtomicU64::new(0) }
    }

    /// Calls under way.
    pub fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// Calls refused since the start because too many were under way.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A call's place among those under way, until its answer is whole or its stream has ended.
pub(super) struct Admitted(App);

impl Admitted {
    /// A place, if there is one. It is taken first and given back where it was one too many: two callers at once may then both be refused the last place, but
    /// never both get it.
    pub fn take(app: &App) -> Result<Self, GatewayError> {
        let in_flight = app.in_flight();
        if in_flight.now.fetch_add(1, Ordering::Relaxed) < in_flight.most {
            return Ok(Self(app.clone()));
        }
        in_flight.now.fetch_sub(1, Ordering::Relaxed);
        in_flight.refused.fetch_add(1, Ordering::Relaxed);
        let why = "As many calls as this gateway takes at once are under way. Please try again in a moment.";
        Err(GatewayError::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", why))
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.in_flight().now.fetch_sub(1, Ordering::Relaxed);
    }
}
