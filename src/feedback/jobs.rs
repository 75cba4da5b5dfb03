//! Ties feedback to requests whose log entry arrived after it.

use super::store;
use crate::server::App;
use crate::types::Duration;
use tokio::time::{self, MissedTickBehavior};

/// Every second: feedback of the last day that still waits for its request.
pub(crate) async fn link(app: App) {
    let mut tick = time::interval(std::time::Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Calls that came since the last look are in the segments that were being filled then, and in newer ones.
    let mut segment = 0;
    loop {
        tick.tick().await;
        match link_from(&app, segment).await {
            Ok(filling) => segment = filling,
            Err(e) => tracing::warn!(error = %e, "feedback cannot be tied to its requests now"),
        }
    }
}

/// Looks at calls from that segment of the log on; gives the oldest that is still being filled.
async fn link_from(app: &App, segment: i64) -> Result<i64, sqlx::Error> {
    let filling = crate::telemetry::store::oldest_filling(app.db()).await?;
    store::link(app.db(), app.now().minus(Duration::DAY), None, segment).await?;
    Ok(filling)
}
