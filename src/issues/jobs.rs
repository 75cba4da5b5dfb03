//! Watches fixes, gathers feedback, and keeps the public page.

use super::service::{self, fix, public};
use crate::server::App;
use tokio::time::{self, MissedTickBehavior};

/// Between two looks.
const LOOK: std::time::Duration = std::time::Duration::from_secs(5);

/// Every five seconds: the public page as it stands, what joined the themes of issues, and what the numbers say about fixes.
pub(crate) async fn watch(app: App) {
    let mut tick = time::interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        public::refresh(&app).await;
        if let Err(e) = service::gather(&app).await {
            tracing::warn!(error = %e, "feedback cannot be put to the issues of its themes now");
        }
        if let Err(e) = fix::watch(&app).await {
            tracing::warn!(error = %e, "fixes cannot be looked at now");
        }
    }
}
