//! Ties feedback to requests whose log entry arrived after it.

use super::store;
use crate::server::App;
use crate::types::Duration;
use tokio::time::{self, MissedTickBehavior};

/// Every second: feedback of the last day that still waits for its request.
pub(crate) async fn link(app: App) {
    let mut tick = time::interval(std::time::Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(e) = store::link(app.db(), app.now().minus(Duration::DAY), None).await {
            tracing::warn!(error = %e, "feedback cannot be tied to its requests now");
        }
    }
}
