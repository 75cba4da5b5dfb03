//! The morning: what changed since yesterday, what is stuck, who has what; and what was decided, by whom and why.

use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::issues::model::{EventKind, Issue, State};
use crate::issues::store::{self, Decision, Wanted};
use crate::server::App;
use crate::types::{Duration, Fault, Id, Instant, Page, PageRequest};
use serde::Serialize;
use std::collections::BTreeMap;

/// A line of news.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct News {
    /// Of which issue.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// What it is.
    pub kind: EventKind,
    /// In words.
    pub words: String,
}

/// What a stand-up needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standup {
    /// Since when.
    pub since: Instant,
    /// Made since then.
    pub opened: Vec<Issue>,
    /// Closed since then.
    pub closed: Vec<Issue>,
    /// Waiting for something.
    pub blocked: Vec<Issue>,
    /// Nobody took them in time.
    pub overdue: Vec<Issue>,
    /// Better by the numbers: somebody only has to close them.
    pub can_close: Vec<Issue>,
    /// Open issues by who has them; the empty name is nobody.
    pub by_owner: BTreeMap<String, Vec<Issue>>,
    /// What happened, newest first.
    pub news: Vec<News>,
}

/// What changed since then (a day ago, if nothing is said), and where everything stands.
pub async fn standup(app: &App, actor: &Actor, since: Option<Instant>) -> Result<Standup, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let now = app.now();
    let since = since.unwrap_or_else(|| now.minus(Duration::DAY));
    let open = Wanted { states: State::ALL.iter().copied().filter(|s| s.is_open()).collect(), ..Wanted::default() };
    let open = store::list(app.db(), &open, None, 1_000).await?;
    let done = Wanted { states: vec![State::Closed, State::WontFix], changed_since: Some(since), ..Wanted::default() };
    let closed = store::list(app.db(), &done, None, 200).await?.into_iter().filter(|i| i.closed_at.is_some_and(|at| at >= since)).collect();
    let of = |test: &dyn Fn(&Issue) -> bool| open.iter().filter(|i| test(i)).cloned().collect::<Vec<_>>();
    let mut by_owner: BTreeMap<String, Vec<Issue>> = BTreeMap::new();
    for issue in &open {
        by_owner.entry(issue.owner.clone().unwrap_or_default()).or_default().push(issue.clone());
    }
    for list in by_owner.values_mut() {
        list.sort_by_key(|i| (i.severity, i.number));
    }
    let news = store::news(app.db(), since).await?;
    Ok(Standup {
        since,
        opened: of(&|i| i.created_at >= since),
        closed,
        blocked: of(&|i| !i.blocked.is_empty()),
        overdue: of(&|i| i.is_overdue(now)),
        can_close: of(&Issue::can_close),
        by_owner,
        news: news
            .into_iter()
            .map(|n| News { number: n.number, title: n.title, at: n.at, actor: n.actor, kind: n.kind, words: n.words })
            .collect(),
    })
}

/// Decisions, newest first.
pub async fn decisions(app: &App, actor: &Actor, page: &PageRequest) -> Result<Page<Decision>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let rows = page.rows();
    let found = store::decisions(app.db(), page.cursor.as_deref(), i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    Ok(Page::cut(found, rows, |d| d.id.to_string()))
}

/// Writes a decision down; about an issue, when it is one.
pub async fn decide(app: &App, actor: &Actor, title: &str, why: &str, issue: Option<i64>) -> Result<Decision, Fault> {
    actor.require(Permission::Triage)?;
    let decision = Decision {
        id: Id::new(),
        at: app.now(),
        actor: actor.name(),
        title: super::text("title", title, 1, 300)?,
        why: super::text("why", why, 0, 4_000)?,
        issue,
    };
    let issue = match issue {
        Some(number) => {
            Some(super::get(app, actor, number).await.map_err(|_| Fault::field("issue", format!("there is no issue {number}")))?)
        }
        None => None,
    };
    let mut tx = app.db().begin().await?;
    store::add_decision(&mut tx, &decision, issue.as_ref().map(|i| &i.id)).await?;
    if let Some(issue) = &issue {
        let words = format!("Decided: {}", decision.title);
        super::write(&mut tx, &issue.id, decision.at, &decision.actor, EventKind::Note, &words, None).await?;
    }
    tx.commit().await?;
    Ok(decision)
}
