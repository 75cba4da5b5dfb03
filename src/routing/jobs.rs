//! Background work: planned changes come into force when their time has come.

use super::service::schedule;
use crate::server::App;
use std::time::Duration;
use tokio::time::{self, MissedTickBehavior};

/// Looks every half second whether a planned change is due.
pub async fn run_schedule(app: App) {
    let mut tick = time::interval(Duration::from_millis(500));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(fault) = schedule::run_due(&app).await {
            tracing::debug!(error = ?fault, "planned changes could not be looked up; they wait");
        }
    }
}
