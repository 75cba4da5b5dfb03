//! Background work of the data plane.

use super::{idempotency, store};
use crate::server::App;
use std::time::Duration;
use tokio::time::{self, MissedTickBehavior};

/// Every few minutes: answers that are no longer replayed.
pub(crate) async fn forget_answers(app: App) {
    let mut tick = time::interval(Duration::from_mins(5));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // A few hundred at a time: the database's one writer is others' too.
        loop {
            match store::forget_answers(app.db(), app.now().minus(idempotency::KEPT)).await {
                Ok(0) => break,
                Ok(_) => time::sleep(Duration::from_millis(50)).await,
                Err(e) => {
                    tracing::warn!(error = %e, "old answers cannot be let go now");
                    break;
                }
            }
        }
    }
}
