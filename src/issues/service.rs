//! What may happen to issues. Every change writes itself into the timeline.

pub mod alerts;
pub mod daily;
pub mod fix;
pub mod public;
pub mod trackers;

use super::model::{
    Cause, Clocks, Event, EventKind, FixKind, Impact, Issue, IssueFilter, Kind, Measure, Metric, PublicNote, Severity, State,
};
use super::store::{self, Line, Owner, Wanted};
use crate::feedback::model::triage::{self, Decided, Triage};
use crate::feedback::model::{Feedback, FeedbackFilter};
use crate::feedback::service::triage as deciding;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::store::AuditWanted;
use crate::server::App;
use crate::store::Tx;
use crate::telemetry::LiveEvent;
use crate::types::{Duration, Fault, Id, Instant, Page, PageRequest};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How hypercare signs what it noticed itself.
pub(crate) const SELF: &str = "hypercare";
/// How long before its start changes of configuration are looked at.
const NEAR: Duration = Duration(24 * 3_600 * 1_000_000);
const CLOCKS: &str = "clocks";

/// An issue as somebody describes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewIssue {
    /// In a line; empty takes the theme's name or what the first of its feedback says.
    pub title: String,
    /// In words.
    pub description: String,
    /// How bad; what its feedback suggests when it is not said.
    pub severity: Option<Severity>,
    /// How much hangs on it.
    pub impact: Option<Impact>,
    /// What sort of thing; what its feedback suggests when it is not said.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// Who has it: an address, or `me`.
    pub owner: Option<String>,
    /// When the trouble began; when it is first known to, if it is not said.
    pub started_at: Option<Instant>,
    /// Feedback that belongs to it.
    pub feedback: Vec<Id>,
    /// The theme it is made of: all its feedback belongs to it.
    pub theme: Option<Id>,
    /// A call that shows it.
    pub request: Option<Id>,
    /// What must move; a fitting one is suggested when it is not said.
    pub metric: Option<Metric>,
    /// Its page in another tracker.
    pub external_url: Option<String>,
}

/// A change; what is not named stays. An empty text takes a value away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Update {
    /// The revision that was seen: with it, a change somebody else made meanwhile is not written over.
    pub revision: Option<i64>,
    /// In a line.
    pub title: Option<String>,
    /// In words.
    pub description: Option<String>,
    /// How bad.
    pub severity: Option<Severity>,
    /// How much hangs on it.
    pub impact: Option<Impact>,
    /// What sort of thing.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// Where it stands.
    pub state: Option<State>,
    /// Who has it: an address, `me`, or empty.
    pub owner: Option<String>,
    /// Who wants to hear of it: addresses.
    pub watchers: Option<Vec<String>>,
    /// What it waits for.
    pub blocked: Option<String>,
    /// Why it happened.
    pub cause: Option<Cause>,
    /// What was done.
    pub fix: Option<NewFix>,
    /// What must move.
    pub metric: Option<Metric>,
    /// What users are told; an empty title takes it off the public page.
    pub public: Option<PublicNote>,
    /// Its page in another tracker.
    pub external_url: Option<String>,
}

/// A fix as somebody names it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFix {
    /// What kind of change.
    pub kind: FixKind,
    /// Which: `support@12`, a route, a model, or the name of a release.
    pub what: String,
    /// Since when it is out; now, if it is not said.
    #[serde(default)]
    pub at: Option<Instant>,
}

/// What an issue would be by default, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// In a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How much hangs on it.
    pub impact: Impact,
    /// What sort of thing.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Why, in a sentence.
    pub why: String,
    /// What should move.
    pub metric: Metric,
}

fn none() -> Fault {
    Fault::NotFound("There is no such issue.".to_owned())
}

/// What an issue of this feedback or theme would be: the worst severity, the commonest type, and the number to watch.
pub async fn propose(app: &App, actor: &Actor, feedback: &[Id], theme: Option<&Id>) -> Result<Proposal, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let mut items = Vec::new();
    for id in feedback.iter().take(100) {
        items.push(crate::feedback::service::get(app, actor, id).await?);
    }
    let mut name = None;
    if let Some(theme) = theme {
        let known = crate::themes::service::get(app, actor, theme, Duration::DAY.times(14)).await?;
        let filter = FeedbackFilter { theme: Some(theme.to_string()), ..FeedbackFilter::default() };
        let page = PageRequest { limit: Some(100), cursor: None };
        items.extend(crate::feedback::service::list(app, actor, &filter, &page).await?.items);
        name = Some((known.name, known.people));
    }
    Ok(proposal(&items, name, theme.is_some()))
}

fn proposal(items: &[Feedback], theme: Option<(String, i64)>, by_theme: bool) -> Proposal {
    let severity = items.iter().map(Feedback::severity).min().unwrap_or(Severity::Medium);
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut categories: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut routes, mut variants): (BTreeSet<&str>, BTreeSet<&str>) = (BTreeSet::new(), BTreeSet::new());
    for item in items {
        *kinds.entry(item.kind()).or_default() += 1;
        item.categories.iter().for_each(|c| *categories.entry(c).or_default() += 1);
        routes.extend(item.route.as_deref());
        variants.extend(item.variant.as_deref());
    }
    let kind = kinds.into_iter().max_by_key(|(_, n)| *n).map_or(Kind::ModelBehaviour, |(kind, _)| kind);
    let category = categories.into_iter().max_by_key(|(_, n)| *n).filter(|(_, n)| n * 2 >= items.len()).map(|(c, _)| c.to_owned());
    let only = |names: BTreeSet<&str>| names.first().filter(|_| names.len() == 1).map(|name| (*name).to_owned());
    // One voice says nothing of where the trouble is.
    let (route, variant) = (only(routes), only(variants).filter(|_| items.len() >= 3));
    let people = theme.as_ref().map_or(0, |(_, people)| *people);
    let impact = match people.max(i64::try_from(items.len()).unwrap_or(i64::MAX)) {
        50.. => Impact::Wide,
        5.. => Impact::Some,
        _ => Impact::Few,
    };
    let measure = match (by_theme, &category) {
        (true, _) => Measure::Theme,
        (false, Some(_)) => Measure::Category,
        (false, None) => Measure::ThumbsDown,
    };
    let worst = items.iter().filter(|f| f.severity() == severity).map(|f| f.suggested.why.clone()).next();
    let why = match worst {
        Some(why) => format!("{} pieces of feedback; the worst {why}", items.len()),
        None => "nothing is known about it yet".to_owned(),
    };
    let heading = items.first().map(|f| f.comment.clone().unwrap_or_else(|| f.heading()));
    let title = theme.map(|(name, _)| name).or(heading).unwrap_or_default().chars().take(120).collect();
    let metric = Metric { category: category.filter(|_| measure == Measure::Category), measure, route, variant };
    Proposal { title, severity, impact, kind, why, metric }
}

/// Makes an issue. Its feedback is decided about in the same step.
pub async fn create(app: &App, actor: &Actor, new: NewIssue) -> Result<Issue, Fault> {
    actor.require(Permission::Triage)?;
    let theme = match &new.theme {
        Some(theme) => Some(crate::themes::service::current(app, theme).await?),
        None => None,
    };
    let proposal = propose(app, actor, &new.feedback, theme.as_ref()).await?;
    let now = app.now();
    let severity = new.severity.unwrap_or(proposal.severity);
    let title = if new.title.trim().is_empty() { &proposal.title } else { &new.title };
    let owner = match &new.owner {
        Some(who) => person(app, actor, "owner", who).await?,
        None => None,
    };
    let issue = Issue {
        id: Id::new(),
        number: 0,
        title: text("title", title, 1, 200)?,
        description: text("description", &new.description, 0, 20_000)?,
        severity,
        impact: new.impact.unwrap_or(proposal.impact),
        kind: new.kind.unwrap_or(proposal.kind),
        state: State::Open,
        acknowledged_at: owner.is_some().then_some(now),
        owner,
        watchers: vec![actor.name()],
        created_at: now,
        created_by: actor.name(),
        updated_at: now,
        started_at: new.started_at.unwrap_or(now),
        due_at: now.plus(clocks(app).await?.of(severity)),
        closed_at: None,
        blocked: String::new(),
        theme,
        alert: None,
        cause: None,
        fix: None,
        metric: Some(check_metric(new.metric.unwrap_or(proposal.metric))?),
        verdict: None,
        public: None,
        external_url: new.external_url.as_deref().map(check_url).transpose()?.flatten(),
        feedback: 0,
        revision: 1,
    };
    let evidence = new.request.map(|request| ("A call that shows it".to_owned(), format!("/requests/{request}")));
    insert(app, actor, issue, &new.feedback, evidence, new.started_at.is_some()).await
}

async fn insert(
    app: &App,
    actor: &Actor,
    mut issue: Issue,
    feedback: &[Id],
    evidence: Option<(String, String)>,
    start_known: bool,
) -> Result<Issue, Fault> {
    let mut tx = app.db().begin().await?;
    let mut ids = feedback.to_vec();
    if let Some(theme) = &issue.theme {
        ids.extend(store::free_of_theme(&mut tx, theme).await?);
        ids.sort();
        ids.dedup();
    }
    if !start_known && let Some(first) = crate::feedback::store::first_given(&mut tx, &ids).await? {
        issue.started_at = first.min(issue.started_at);
    }
    if let Some(alert) = &issue.alert {
        store::forget_alert(&mut tx, alert, issue.created_at.minus(alerts::SAME)).await?;
    }
    issue.number = store::next_number(&mut tx).await?;
    store::insert(&mut tx, &issue).await?;
    let me = actor.name();
    let words = format!(
        "Made: {}, {}, {}",
        issue.severity.label().to_lowercase(),
        issue.impact.label().to_lowercase(),
        issue.kind.label().to_lowercase()
    );
    write(&mut tx, &issue.id, issue.created_at, &me, EventKind::Created, &words, None).await?;
    if let Some((words, link)) = evidence {
        let kind = if issue.alert.is_some() { EventKind::Alert } else { EventKind::Evidence };
        write(&mut tx, &issue.id, issue.created_at, &me, kind, &words, Some(&link)).await?;
    }
    let decided = if ids.is_empty() { Decided::default() } else { join_in(app, &mut tx, actor, &issue, &ids).await? };
    near_changes(app, &mut tx, &issue).await?;
    tx.commit().await?;
    deciding::publish(app, &decided.done).await?;
    let issue = one(app, Wanted { id: Some(issue.id), ..Wanted::default() }).await?;
    announce(app, &issue, "issue.created").await?;
    Ok(issue)
}

async fn write(tx: &mut Tx, issue: &Id, at: Instant, actor: &str, kind: EventKind, words: &str, link: Option<&str>) -> Result<(), Fault> {
    Ok(store::add_event(tx, issue, Line { at, actor, kind, words, link }).await?)
}

/// What changed shortly before and since it began: splits, routes, labels. The first places to look.
async fn near_changes(app: &App, tx: &mut Tx, issue: &Issue) -> Result<(), Fault> {
    // Pages that everyone who reads issues may open.
    for (action, place) in [("routing.", "/routes/"), ("prompts.label.", "/prompts/")] {
        let wanted = AuditWanted { action: Some(action), since: Some(issue.started_at.minus(NEAR)), ..AuditWanted::default() };
        for entry in crate::identity::store::audit(app.db(), &wanted, None, 10).await? {
            let words = format!("{} {}: {}", entry.actor, crate::identity::model::action_words(&entry.action), entry.object);
            let name = entry.object.split(['/', '@', ' ']).next().unwrap_or_default();
            let link = format!("{place}{name}");
            let there = (!entry.action.ends_with(".delete")).then_some(link.as_str());
            write(tx, &issue.id, entry.at, SELF, EventKind::Config, &words, there).await?;
        }
    }
    Ok(())
}

/// Tells the control room and other systems.
pub(crate) async fn announce(app: &App, issue: &Issue, event: &str) -> Result<(), Fault> {
    app.live().publish(LiveEvent::Issue { number: issue.number, title: issue.title.clone(), state: issue.state });
    let url = format!("{}/issues/{}", app.settings().public_url(), issue.number);
    let content = json!({ "number": issue.number, "title": issue.title, "severity": issue.severity, "impact": issue.impact, "type": issue.kind,
        "state": issue.state, "owner": issue.owner, "external_url": issue.external_url, "url": url });
    crate::notify::service::tell(app, event, &content).await
}

/// Makes feedback part of an issue; it is decided about with that.
pub async fn join(app: &App, actor: &Actor, number: i64, feedback: &[Id]) -> Result<Decided, Fault> {
    actor.require(Permission::Triage)?;
    if feedback.is_empty() || feedback.len() > deciding::MOST {
        return Err(Fault::field("feedback", format!("must name 1 to {} pieces of feedback", deciding::MOST)));
    }
    let issue = get(app, actor, number).await?;
    let mut tx = app.db().begin().await?;
    let decided = join_in(app, &mut tx, actor, &issue, feedback).await?;
    tx.commit().await?;
    deciding::publish(app, &decided.done).await?;
    Ok(decided)
}

async fn join_in(app: &App, tx: &mut Tx, actor: &Actor, issue: &Issue, ids: &[Id]) -> Result<Decided, Fault> {
    let id = issue.id.clone();
    let change = move |before: &Triage| Triage { issue: Some(id.clone()), state: triage::State::Done, ..before.clone() };
    let decided = deciding::apply_in(app, tx, actor, ids, &change, &HashMap::new()).await?;
    if !decided.done.is_empty() {
        let n = decided.done.len();
        let words = format!("{n} {} of feedback joined", if n == 1 { "piece" } else { "pieces" });
        let link = format!("/feedback?state=all&issue={}", issue.id);
        write(tx, &issue.id, app.now(), &actor.name(), EventKind::Feedback, &words, Some(&link)).await?;
    }
    Ok(decided)
}

/// Puts what joined a theme since to the open issue that was made of it. It stays to be decided about: a theme is a guess, and what is hidden by one is not seen.
pub(crate) async fn gather(app: &App) -> Result<(), Fault> {
    for theme in store::themes_to_gather(app.db()).await? {
        let open = State::ALL.iter().copied().filter(|s| s.is_open()).collect();
        let wanted = Wanted { states: open, theme: Some(theme.clone()), ..Wanted::default() };
        let Some(issue) = store::list(app.db(), &wanted, None, 1).await?.into_iter().next() else { continue };
        let mut tx = app.db().begin().await?;
        let ids = store::free_of_theme(&mut tx, &theme).await?;
        let id = issue.id.clone();
        let change = move |before: &Triage| Triage { issue: Some(id.clone()), ..before.clone() };
        let decided = deciding::apply_in(app, &mut tx, &Actor::Hypercare, &ids, &change, &HashMap::new()).await?;
        let n = decided.done.len();
        if n > 0 {
            let words = format!("{n} more {} of feedback of its theme", if n == 1 { "piece" } else { "pieces" });
            let link = format!("/feedback?state=&issue={}", issue.id);
            write(&mut tx, &issue.id, app.now(), SELF, EventKind::Feedback, &words, Some(&link)).await?;
        }
        tx.commit().await?;
        deciding::publish(app, &decided.done).await?;
    }
    Ok(())
}

/// Issues that pass the filter, newest first; open ones unless another state is asked for.
pub async fn list(app: &App, actor: &Actor, filter: &IssueFilter, page: &PageRequest) -> Result<Page<Issue>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let given = |value: &'_ Option<String>| value.clone().filter(|v| !v.is_empty());
    let states = match given(&filter.state).as_deref() {
        None | Some("open") => State::ALL.iter().copied().filter(|s| s.is_open()).collect(),
        Some("closed") => State::ALL.iter().copied().filter(|s| !s.is_open()).collect(),
        Some("all") => Vec::new(),
        Some(word) => vec![State::parse(word).ok_or_else(|| Fault::field("state", "must be open, closed, all or a state"))?],
    };
    let severity =
        given(&filter.severity).map(|w| Severity::parse(&w).ok_or_else(|| Fault::field("severity", "is none of the severities")));
    let kind = given(&filter.kind).map(|w| Kind::parse(&w).ok_or_else(|| Fault::field("type", "is none of the types")));
    let owner = given(&filter.owner).map(|who| match who.as_str() {
        "none" => Owner::Nobody,
        "me" => Owner::Person(actor.name()),
        _ => Owner::Person(who),
    });
    let wanted =
        Wanted { states, severity: severity.transpose()?, kind: kind.transpose()?, owner, words: given(&filter.q), ..Wanted::default() };
    let cursor = page.cursor.as_deref().map(|c| c.parse::<i64>().map_err(|_| Fault::field("cursor", "is none of ours"))).transpose()?;
    let rows = page.rows();
    let found = store::list(app.db(), &wanted, cursor, i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    Ok(Page::cut(found, rows, |issue| issue.number.to_string()))
}

async fn one(app: &App, wanted: Wanted) -> Result<Issue, Fault> {
    store::list(app.db(), &wanted, None, 1).await?.into_iter().next().ok_or_else(none)
}

/// One issue by its number.
pub async fn get(app: &App, actor: &Actor, number: i64) -> Result<Issue, Fault> {
    actor.require(Permission::ReadFeedback)?;
    one(app, Wanted { number: Some(number), ..Wanted::default() }).await
}

/// The number of an issue written as `7`, `#7`, or its id.
pub async fn number_of(app: &App, actor: &Actor, word: &str) -> Result<i64, Fault> {
    actor.require(Permission::ReadFeedback)?;
    if let Ok(number) = word.trim_start_matches('#').parse() {
        return Ok(number);
    }
    Ok(one(app, Wanted { id: Some(Id::from_text(word.to_owned())), ..Wanted::default() }).await?.number)
}

/// Its timeline, in order.
pub async fn timeline(app: &App, actor: &Actor, issue: &Issue) -> Result<Vec<Event>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    Ok(store::events(app.db(), &issue.id).await?)
}

/// How many are open, critical, and overdue.
pub async fn counts(app: &App, actor: &Actor) -> Result<(i64, i64, i64), Fault> {
    actor.require(Permission::ReadFeedback)?;
    Ok(store::counts(app.db(), app.now()).await?)
}

/// The same for who has been let in already.
pub(crate) async fn open_counts(app: &App) -> Result<(i64, i64, i64), Fault> {
    Ok(store::counts(app.db(), app.now()).await?)
}

/// Writes a note into the timeline, with a link when it points to something.
pub async fn add_note(app: &App, actor: &Actor, number: i64, words: &str, link: Option<&str>) -> Result<(), Fault> {
    actor.require(Permission::Triage)?;
    let words = text("words", words, 1, 4_000)?;
    let link = match link.map(str::trim).filter(|l| !l.is_empty()) {
        Some(path) if path.starts_with('/') && !path.starts_with("//") => Some(path.to_owned()),
        Some(url) => check_url(url).map_err(|_| Fault::field("link", "must be a path here, like /requests/…, or an http address"))?,
        None => None,
    };
    let issue = get(app, actor, number).await?;
    let mut tx = app.db().begin().await?;
    let kind = if link.is_some() { EventKind::Evidence } else { EventKind::Note };
    write(&mut tx, &issue.id, app.now(), &actor.name(), kind, &words, link.as_deref()).await?;
    Ok(tx.commit().await?)
}

/// Changes an issue. Each field that changes is a line of its timeline.
pub async fn update(app: &App, actor: &Actor, number: i64, update: Update) -> Result<Issue, Fault> {
    actor.require(Permission::Triage)?;
    let before = get(app, actor, number).await?;
    if update.revision.is_some_and(|seen| seen != before.revision) {
        return Err(Fault::Conflict(format!(
            "Issue {number} was changed meanwhile. Please look at it again; nothing of yours was written."
        )));
    }
    let mut after = changed(app, actor, &before, update).await?;
    let lines = differences(&before, &after);
    if lines.is_empty() {
        return Ok(before);
    }
    let closing = before.state != State::Closed && after.state == State::Closed;
    if let Some(fix) = &mut after.fix
        && (closing || after.state.is_open())
    {
        fix.proven_on = if closing { fix::answering(app, &before, fix).await? } else { Vec::new() };
    }
    let mut tx = app.db().begin().await?;
    if !store::update(&mut tx, &after).await? {
        return Err(Fault::Conflict(format!("Issue {number} was changed at the same moment. Please try again.")));
    }
    for words in &lines {
        write(&mut tx, &after.id, app.now(), &actor.name(), EventKind::Changed, words, None).await?;
    }
    if before.fix != after.fix && after.fix.is_some() {
        let why = after.cause.as_ref().map(|c| c.what.clone()).unwrap_or_default();
        let title = format!("Issue {number}: {}", lines.first().cloned().unwrap_or_default());
        let decision = store::Decision { id: Id::new(), at: app.now(), actor: actor.name(), title, why, issue: None };
        store::add_decision(&mut tx, &decision, Some(&after.id)).await?;
    }
    tx.commit().await?;
    let after = get(app, actor, number).await?;
    announce(app, &after, "issue.changed").await?;
    if closing {
        fix::tell_reporters(app, &after).await?;
    }
    if before.public != after.public || before.state != after.state {
        public::refresh(app).await;
    }
    Ok(after)
}

async fn changed(app: &App, actor: &Actor, before: &Issue, u: Update) -> Result<Issue, Fault> {
    let now = app.now();
    let mut after = Issue { updated_at: now, ..before.clone() };
    if let Some(title) = u.title {
        after.title = text("title", &title, 1, 200)?;
    }
    if let Some(words) = u.description {
        after.description = text("description", &words, 0, 20_000)?;
    }
    if let Some(words) = u.blocked {
        after.blocked = text("blocked", &words, 0, 400)?;
    }
    after.severity = u.severity.unwrap_or(after.severity);
    after.impact = u.impact.unwrap_or(after.impact);
    after.kind = u.kind.unwrap_or(after.kind);
    if after.severity != before.severity && after.acknowledged_at.is_none() {
        after.due_at = before.created_at.plus(clocks(app).await?.of(after.severity));
    }
    if let Some(who) = u.owner {
        after.owner = person(app, actor, "owner", &who).await?;
    }
    if let Some(watchers) = u.watchers {
        after.watchers =
            watchers.into_iter().map(|w| w.trim().to_lowercase()).filter(|w| !w.is_empty() && w.len() <= 254).take(50).collect();
    }
    if let Some(cause) = u.cause {
        after.cause = Some(check_cause(&cause)?);
    }
    if let Some(fix) = u.fix {
        after.fix = Some(fix::check(app, fix, actor, now).await?);
        // A new fix is judged anew.
        after.verdict = None;
        if u.state.is_none() && before.state != State::Monitoring {
            after.state = State::Monitoring;
        }
    }
    if let Some(metric) = u.metric {
        after.metric = Some(check_metric(metric)?);
        after.verdict = None;
    }
    if let Some(note) = u.public {
        after.public = check_public(&note)?;
    }
    if let Some(url) = u.external_url {
        after.external_url = check_url(&url)?;
    }
    if let Some(state) = u.state.filter(|state| *state != before.state) {
        if !before.state.next().contains(&state) {
            let may = before.state.next().iter().map(|s| s.label()).collect::<Vec<_>>().join(", ");
            let why = format!("cannot go from “{}” to “{}”; it can go to {may}", before.state.label(), state.label());
            return Err(Fault::field("state", why));
        }
        after.state = state;
    }
    if after.acknowledged_at.is_none() && (after.owner.is_some() || after.state != State::Open) {
        after.acknowledged_at = Some(now);
    }
    after.closed_at = if after.state.is_open() { None } else { before.closed_at.or(Some(now)) };
    Ok(after)
}

/// What changed, a sentence a field.
fn differences(before: &Issue, after: &Issue) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |changed: bool, words: String| {
        if changed {
            lines.push(words);
        }
    };
    line(
        before.fix != after.fix,
        after.fix.as_ref().map_or_else(|| "Fix taken back".to_owned(), |f| format!("Fix: {} {}", f.kind.label().to_lowercase(), f.what)),
    );
    line(before.state != after.state, format!("{} → {}", before.state.label(), after.state.label()));
    line(before.severity != after.severity, format!("Severity {} → {}", before.severity.label(), after.severity.label()));
    line(before.impact != after.impact, format!("Impact: {}", after.impact.label()));
    line(before.kind != after.kind, format!("Type: {}", after.kind.label()));
    line(before.owner != after.owner, after.owner.as_ref().map_or_else(|| "Nobody has it".to_owned(), |o| format!("{o} has it")));
    line(before.title != after.title, format!("Title: {}", after.title));
    line(before.description != after.description, "Description changed".to_owned());
    line(before.watchers != after.watchers, format!("Watched by {}", after.watchers.join(", ")));
    line(
        before.blocked != after.blocked,
        if after.blocked.is_empty() { "No longer blocked".to_owned() } else { format!("Blocked: {}", after.blocked) },
    );
    line(
        before.cause != after.cause,
        after.cause.as_ref().map_or_else(String::new, |c| format!("Cause ({}): {}", c.class.label().to_lowercase(), c.what)),
    );
    line(
        before.metric != after.metric,
        after.metric.as_ref().map_or_else(String::new, |m| format!("Measured by: {}", m.measure.label().to_lowercase())),
    );
    line(
        before.public != after.public,
        after.public.as_ref().map_or_else(|| "Taken off the public page".to_owned(), |p| format!("On the public page: {}", p.title)),
    );
    line(
        before.external_url != after.external_url,
        format!("Linked: {}", after.external_url.clone().unwrap_or_else(|| "nothing".to_owned())),
    );
    lines
}

fn text(field: &str, value: &str, least: usize, most: usize) -> Result<String, Fault> {
    let value = value.trim();
    let n = value.chars().count();
    if n < least {
        return Err(Fault::field(field, "is missing"));
    }
    if n > most {
        return Err(Fault::field(field, format!("must have at most {most} characters")));
    }
    Ok(value.to_owned())
}

/// Somebody who triages here; `me`, or nobody when empty.
async fn person(app: &App, actor: &Actor, field: &str, who: &str) -> Result<Option<String>, Fault> {
    let who = if who == "me" { actor.name() } else { who.trim().to_lowercase() };
    if who.is_empty() {
        return Ok(None);
    }
    let known = crate::identity::store::active_emails(app.db()).await?;
    let is_one = known.iter().any(|(email, role)| *email == who && role.may(Permission::Triage));
    if is_one { Ok(Some(who)) } else { Err(Fault::field(field, format!("`{who}` is nobody who triages here"))) }
}

fn check_cause(cause: &Cause) -> Result<Cause, Fault> {
    let what = text("cause.what", &cause.what, 1, 1_000)?;
    let whys: Vec<String> = cause.whys.iter().map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect();
    if whys.len() > 5 || whys.iter().any(|w| w.chars().count() > 1_000) {
        return Err(Fault::field("cause.whys", "must be at most five, of at most 1,000 characters"));
    }
    Ok(Cause { what, whys, class: cause.class })
}

fn check_metric(metric: Metric) -> Result<Metric, Fault> {
    let given = |value: Option<String>| value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    let metric =
        Metric { measure: metric.measure, category: given(metric.category), route: given(metric.route), variant: given(metric.variant) };
    if metric.measure == Measure::Category && metric.category.is_none() {
        return Err(Fault::field("metric.category", "is missing: say which category"));
    }
    Ok(metric)
}

fn check_public(note: &PublicNote) -> Result<Option<PublicNote>, Fault> {
    if note.title.trim().is_empty() {
        return Ok(None);
    }
    let title = text("public.title", &note.title, 1, 200)?;
    Ok(Some(PublicNote { title, workaround: text("public.workaround", &note.workaround, 0, 2_000)? }))
}

fn check_url(url: &str) -> Result<Option<String>, Fault> {
    let url = url.trim();
    if url.is_empty() {
        return Ok(None);
    }
    let parsed = reqwest::Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.host_str().is_some());
    match parsed {
        Some(_) if url.len() <= 2_000 => Ok(Some(url.to_owned())),
        _ => Err(Fault::field("external_url", "must be an address like https://github.com/shop/ai/issues/7")),
    }
}

/// How long feedback and issues may wait, by severity.
pub async fn clocks(app: &App) -> Result<Clocks, Fault> {
    let kept = store::setting(app.db(), CLOCKS).await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Sets how long they may wait.
pub async fn set_clocks(app: &App, actor: &Actor, new: Clocks) -> Result<Clocks, Fault> {
    actor.require(Permission::Triage)?;
    let all = [("critical", new.critical), ("high", new.high), ("medium", new.medium), ("low", new.low)];
    let mut wrong = BTreeMap::new();
    for (name, minutes) in all {
        if !(1..=43_200).contains(&minutes) {
            wrong.insert(name.to_owned(), "must be 1 to 43,200 minutes (30 days)".to_owned());
        }
    }
    for pair in all.windows(2) {
        if pair[0].1 > pair[1].1 {
            wrong.entry(pair[1].0.to_owned()).or_insert_with(|| format!("must not be shorter than for {}", pair[0].0));
        }
    }
    Fault::check(wrong)?;
    let before = clocks(app).await?;
    let mut tx = app.db().begin().await?;
    store::put_setting(&mut tx, CLOCKS, &serde_json::to_string(&new).map_err(Fault::internal)?).await?;
    let change = crate::identity::service::Change::new("issues.clocks.change", "clocks").before(&before).after(&new);
    crate::identity::service::note(app, &mut tx, actor, change).await?;
    tx.commit().await?;
    Ok(new)
}
