//! Looks for themes when something came in.

use super::{service, store};
use crate::server::App;
use crate::types::Duration;
use tokio::time::{self, MissedTickBehavior};

/// Between two looks. A theme rises within a minute.
const LOOK: std::time::Duration = std::time::Duration::from_secs(10);

/// One replica at a time looks.
pub(crate) async fn follow(app: App) {
    let mut tick = time::interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(e) = look(&app).await {
            tracing::warn!(error = %e, "themes cannot be looked for now");
        }
    }
}

async fn look(app: &App) -> Result<(), crate::types::Fault> {
    if !store::anything_new(app.db()).await? {
        return Ok(());
    }
    let now = app.now();
    if store::lease(app.db(), app.replica(), now, now.plus(Duration::MINUTE)).await? {
        let done = service::look(app).await?;
        tracing::debug!(texts = done.texts, joined = done.joined, new = done.new, "looked for themes");
    }
    Ok(())
}
