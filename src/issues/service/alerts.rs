//! Issues from alerts: what Prometheus' Alertmanager (and Grafana, which sends the same) tells by webhook, format version 4
//! (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>). One issue an alert, told by its fingerprint: what fires again within a month is the
//! same trouble, and opens its issue again.

use super::fix::reopen;
use super::{check_url, clocks, insert, text, write};
use crate::identity::Actor;
use crate::identity::model::Scope;
use crate::issues::model::{EventKind, Impact, Issue, Kind, Measure, Metric, Severity, State};
use crate::issues::store::{self, Wanted};
use crate::server::App;
use crate::types::{Duration, Fault, Id, Instant};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Alerts taken at once.
const MOST: usize = 100;
/// An alert that was quiet for this long after its issue was closed is a new trouble.
pub(super) const SAME: Duration = Duration(30 * 86_400 * 1_000_000);

/// A group of alerts, as Alertmanager sends it. What is not listed here is left alone.
#[derive(Debug, Deserialize)]
pub struct Told {
    /// What fires, and what stopped.
    pub alerts: Vec<Alert>,
}

/// One alert.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Whether it fires.
    pub status: Status,
    /// What it is about; `alertname` is its name, `severity` how bad it is, `route` and `variant` where.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// In words: `summary` and `description`.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Since when.
    pub starts_at: Option<Instant>,
    /// Where it comes from.
    #[serde(default, rename = "generatorURL")]
    pub generator: String,
    /// Tells it from others; made of its labels when it is not sent.
    #[serde(default)]
    pub fingerprint: String,
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does.
    Firing,
    /// It stopped.
    Resolved,
}

/// Takes what is told by an application that may send feedback. Gives the numbers of the issues it is about.
pub async fn take(app: &App, actor: &Actor, told: Told) -> Result<Vec<i64>, Fault> {
    let may = matches!(actor, Actor::Key { scopes, .. } if scopes.contains(&Scope::Feedback) || scopes.contains(&Scope::Admin));
    if !may {
        return Err(Fault::Forbidden("This key may not tell of alerts: it needs the scope `feedback`.".to_owned()));
    }
    if told.alerts.len() > MOST {
        return Err(Fault::field("alerts", format!("must be at most {MOST} at once")));
    }
    let mut numbers = Vec::new();
    for (place, alert) in told.alerts.iter().enumerate() {
        let number = take_one(app, actor, alert).await.map_err(|fault| fault.within(&format!("alerts[{place}]")))?;
        numbers.extend(number);
    }
    numbers.dedup();
    Ok(numbers)
}

async fn take_one(app: &App, actor: &Actor, alert: &Alert) -> Result<Option<i64>, Fault> {
    let known = Wanted { alert: Some(alert.identity()), ..Wanted::default() };
    let known = store::list(app.db(), &known, None, 1).await?.into_iter().next();
    let now = app.now();
    match (alert.status, known) {
        (Status::Resolved, None) => Ok(None),
        (Status::Resolved, Some(issue)) => {
            if issue.state.is_open() {
                remark(app, actor, &issue, "It fires no longer", alert).await?;
            }
            Ok(Some(issue.number))
        }
        (Status::Firing, Some(issue)) if issue.state.is_open() => {
            // Alertmanager repeats what fires every few hours.
            if alert.starts_at.is_some_and(|at| at > issue.started_at) {
                remark(app, actor, &issue, "It fires again", alert).await?;
            }
            Ok(Some(issue.number))
        }
        (Status::Firing, Some(issue)) if issue.closed_at.is_none_or(|at| now.since(at) < SAME) => {
            // Sent when the alert had not stopped yet, or by a repetition from before the issue was closed.
            if alert.starts_at.is_some_and(|at| issue.closed_at.is_some_and(|closed| at <= closed)) {
                return Ok(Some(issue.number));
            }
            let number = issue.number;
            reopen(app, issue, &format!("The alert fires again: {}", alert.title())).await?;
            Ok(Some(number))
        }
        (Status::Firing, _) => Ok(Some(create(app, actor, alert).await?.number)),
    }
}

/// Writes what the alert did into the timeline, once.
async fn remark(app: &App, actor: &Actor, issue: &Issue, what: &str, alert: &Alert) -> Result<(), Fault> {
    let at = alert.starts_at.map(|at| format!(" (since {})", at.rfc3339())).unwrap_or_default();
    let words = format!("{what}{at}");
    if store::events(app.db(), &issue.id).await?.iter().any(|event| event.kind == EventKind::Alert && event.words == words) {
        return Ok(());
    }
    let mut tx = app.db().begin().await?;
    write(&mut tx, &issue.id, app.now(), &actor.name(), EventKind::Alert, &words, check_url(&alert.generator).ok().flatten().as_deref())
        .await?;
    Ok(tx.commit().await?)
}

async fn create(app: &App, actor: &Actor, alert: &Alert) -> Result<Issue, Fault> {
    let now = app.now();
    let severity = alert.severity();
    let said = |name: &str| alert.labels.get(name).filter(|value| !value.is_empty()).cloned();
    let metric = Metric { measure: Measure::Errors, category: None, route: said("route"), variant: said("variant") };
    let issue = Issue {
        id: Id::new(),
        number: 0,
        title: text("annotations.summary", &alert.title(), 1, 200)?,
        description: text("annotations.description", alert.annotations.get("description").map_or("", String::as_str), 0, 20_000)?,
        severity,
        impact: Impact::Some,
        kind: Kind::Bug,
        state: State::Open,
        owner: None,
        watchers: Vec::new(),
        created_at: now,
        created_by: actor.name(),
        updated_at: now,
        started_at: alert.starts_at.map_or(now, |at| at.min(now)),
        acknowledged_at: None,
        due_at: now.plus(clocks(app).await?.of(severity)),
        closed_at: None,
        blocked: String::new(),
        theme: None,
        alert: Some(alert.identity()),
        cause: None,
        fix: None,
        metric: Some(metric),
        verdict: None,
        public: None,
        external_url: None,
        feedback: 0,
        revision: 1,
    };
    let evidence = check_url(&alert.generator).ok().flatten().map(|link| (alert.labels_line(), link));
    insert(app, actor, issue, &[], evidence, true).await
}

impl Alert {
    /// In a line: its summary, or its name.
    fn title(&self) -> String {
        let said =
            self.annotations.get("summary").or_else(|| self.labels.get("alertname")).map_or("An alert without a name", String::as_str);
        said.trim().chars().take(200).collect()
    }

    /// What it is called here.
    fn identity(&self) -> String {
        if self.fingerprint.trim().is_empty() { self.labels_line() } else { self.fingerprint.trim().chars().take(200).collect() }
    }

    fn labels_line(&self) -> String {
        self.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ").chars().take(400).collect()
    }

    /// By the words that are usual for the label `severity`.
    fn severity(&self) -> Severity {
        match self.labels.get("severity").map(|word| word.to_lowercase()).as_deref() {
            Some("critical" | "page" | "emergency" | "fatal" | "sev1" | "p1") => Severity::Critical,
            Some("high" | "error" | "major" | "urgent" | "sev2" | "p2") => Severity::High,
            Some("low" | "info" | "minor" | "none" | "sev4" | "p4") => Severity::Low,
            _ => Severity::Medium,
        }
    }
}
