//! What users are told: known problems, what they can do meanwhile, and what is fixed. Kept in memory, so that it is there when the database is not.

use crate::issues::model::State;
use crate::issues::store::{self, Wanted};
use crate::server::App;
use crate::types::{Duration, Instant};
use serde::Serialize;

/// How long a fixed problem stays on the page.
const SHOWN: Duration = Duration(7 * 86_400 * 1_000_000);

/// One known problem.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Known {
    /// In words for users.
    pub title: String,
    /// What they can do meanwhile.
    pub workaround: String,
    /// `investigating`, `fixing`, `watching` or `fixed`.
    pub status: &'static str,
    /// Since when.
    pub since: Instant,
    /// When it changed last.
    pub updated_at: Instant,
}

/// The public page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StatusPage {
    /// Known problems, newest first.
    pub items: Vec<Known>,
    /// As of when; none before it was first read.
    pub at: Option<Instant>,
}

/// The page as it was last read.
pub fn known(app: &App) -> StatusPage {
    app.status_page().as_ref().clone()
}

/// Reads it anew. When the database is away the last one stays.
pub(crate) async fn refresh(app: &App) {
    let wanted = Wanted { public: true, ..Wanted::default() };
    let now = app.now();
    match store::list(app.db(), &wanted, None, 100).await {
        Ok(issues) => {
            let shown = issues.into_iter().filter(|i| i.state.is_open() || i.closed_at.is_some_and(|at| at > now.minus(SHOWN)));
            let items = shown.filter_map(|i| {
                let note = i.public?;
                let status = match i.state {
                    State::Open | State::Investigating => "investigating",
                    State::Fixing => "fixing",
                    State::Monitoring => "watching",
                    State::Closed => "fixed",
                    State::WontFix => return None,
                };
                Some(Known { title: note.title, workaround: note.workaround, status, since: i.started_at, updated_at: i.updated_at })
            });
            app.set_status_page(StatusPage { items: items.collect(), at: Some(now) });
        }
        Err(e) => tracing::warn!(error = %e, "the public page stays as it is"),
    }
}
