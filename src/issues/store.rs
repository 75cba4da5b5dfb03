//! SQL of issues, their timelines, decisions, and the numbers fixes are judged by.

use super::model::{Cause, Event, EventKind, Fix, Impact, Issue, Kind, Measure, Metric, PublicNote, Severity, State, Verdict};
use crate::store::{Db, Side, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::QueryBuilder;
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(sqlx::FromRow)]
struct Row {
    id: Id,
    number: i64,
    title: String,
    description: String,
    severity: Severity,
    impact: Impact,
    kind: Kind,
    state: State,
    owner: Option<String>,
    watchers: Json<Vec<String>>,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    started_at: Instant,
    acknowledged_at: Option<Instant>,
    due_at: Instant,
    closed_at: Option<Instant>,
    blocked: String,
    theme: Option<Id>,
    alert: Option<String>,
    cause: Option<Json<Cause>>,
    fix: Option<Json<Fix>>,
    metric: Option<Json<Metric>>,
    verdict: Option<Json<Verdict>>,
    public: Option<Json<PublicNote>>,
    external_url: Option<String>,
    revision: i64,
    feedback: i64,
}

impl Row {
    fn issue(self) -> Issue {
        Issue {
            id: self.id,
            number: self.number,
            title: self.title,
            description: self.description,
            severity: self.severity,
            impact: self.impact,
            kind: self.kind,
            state: self.state,
            owner: self.owner,
            watchers: self.watchers.0,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            started_at: self.started_at,
            acknowledged_at: self.acknowledged_at,
            due_at: self.due_at,
            closed_at: self.closed_at,
            blocked: self.blocked,
            theme: self.theme,
            alert: self.alert,
            cause: self.cause.map(|v| v.0),
            fix: self.fix.map(|v| v.0),
            metric: self.metric.map(|v| v.0),
            verdict: self.verdict.map(|v| v.0),
            public: self.public.map(|v| v.0),
            external_url: self.external_url,
            feedback: self.feedback,
            revision: self.revision,
        }
    }
}

const SELECT: &str =
    "SELECT i.id, i.number, i.title, i.description, i.severity, i.impact, i.kind, i.state, i.owner, i.watchers, i.created_at, i.created_by,
    i.updated_at, i.started_at, i.acknowledged_at, i.due_at, i.closed_at, i.blocked, i.theme, i.alert, i.cause, i.fix, i.metric, i.verdict, i.public,
    i.external_url, i.revision, (SELECT COUNT(*) FROM feedback f WHERE f.issue = i.id) AS feedback FROM issues i";

/// Whose issues are wanted.
#[derive(Clone, Debug)]
pub enum Owner {
    Nobody,
    Person(String),
}

/// Which issues are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub states: Vec<State>,
    pub severity: Option<Severity>,
    pub kind: Option<Kind>,
    pub owner: Option<Owner>,
    pub words: Option<String>,
    pub id: Option<Id>,
    pub theme: Option<Id>,
    pub alert: Option<String>,
    pub number: Option<i64>,
    pub changed_since: Option<Instant>,
    pub public: bool,
    pub url: Option<String>,
}

macro_rules! select {
    ($on:expr, $db:ty, $w:expr, $cursor:expr, $limit:expr) => {{
        let mut q = QueryBuilder::<$db>::new(SELECT);
        q.push(" WHERE 1 = 1");
        if !$w.states.is_empty() {
            q.push(" AND i.state IN (");
            let mut list = q.separated(", ");
            for state in &$w.states {
                list.push_bind(*state);
            }
            q.push(")");
        }
        if let Some(severity) = $w.severity {
            q.push(" AND i.severity = ").push_bind(severity);
        }
        if let Some(kind) = $w.kind {
            q.push(" AND i.kind = ").push_bind(kind);
        }
        match &$w.owner {
            None => {}
            Some(Owner::Nobody) => drop(q.push(" AND i.owner IS NULL")),
            Some(Owner::Person(owner)) => drop(q.push(" AND i.owner = ").push_bind(owner.clone())),
        }
        if let Some(words) = &$w.words {
            q.push(" AND LOWER(i.title) LIKE ").push_bind(format!("%{}%", words.to_lowercase().replace(['%', '_', '\\'], "_")));
        }
        if let Some(id) = &$w.id {
            q.push(" AND i.id = ").push_bind(id.clone());
        }
        if let Some(theme) = &$w.theme {
            q.push(" AND i.theme = ").push_bind(theme.clone());
        }
        if let Some(alert) = &$w.alert {
            q.push(" AND i.alert = ").push_bind(alert.clone());
        }
        if let Some(number) = $w.number {
            q.push(" AND i.number = ").push_bind(number);
        }
        if let Some(since) = $w.changed_since {
            q.push(" AND i.updated_at >= ").push_bind(since);
        }
        if let Some(url) = &$w.url {
            q.push(" AND i.external_url = ").push_bind(url.clone());
        }
        if $w.public {
            q.push(" AND i.public IS NOT NULL");
        }
        if let Some(cursor) = $cursor {
            q.push(" AND i.number < ").push_bind(cursor);
        }
        q.push(" ORDER BY i.number DESC LIMIT ").push_bind($limit);
        q.build_query_as::<Row>().fetch_all($on).await
    }};
}

/// The newest issues that are wanted, below the cursor.
pub async fn list(db: &Db, wanted: &Wanted, cursor: Option<i64>, limit: i64) -> Result<Vec<Issue>> {
    let rows = match db.read() {
        Side::Sqlite(on) => select!(on, sqlx::Sqlite, wanted, cursor, limit),
        Side::Postgres(on) => select!(on, sqlx::Postgres, wanted, cursor, limit),
    }?;
    Ok(rows.into_iter().map(Row::issue).collect())
}

/// The next number; two at the same moment get two.
pub async fn next_number(tx: &mut Tx) -> Result<i64> {
    let row = sql!(
        tx.on(),
        fetch_one::<(String,)>,
        "INSERT INTO settings (name, value) VALUES ('issue_number', '1')
         ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS TEXT) RETURNING value"
    )?;
    row.0.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

pub async fn insert(tx: &mut Tx, i: &Issue) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO issues (id, number, title, description, severity, impact, kind, state, owner, watchers, created_at, created_by, updated_at, started_at,
           acknowledged_at, due_at, closed_at, blocked, theme, cause, fix, metric, verdict, public, external_url, revision, alert)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $13, $14, $15, NULL, '', $16, NULL, NULL, $17, NULL, NULL, $18, 1, $19)",
        &i.id,
        i.number,
        &i.title,
        &i.description,
        i.severity,
        i.impact,
        i.kind,
        i.state,
        i.owner.as_deref(),
        Json(&i.watchers),
        i.created_at,
        &i.created_by,
        i.started_at,
        i.acknowledged_at,
        i.due_at,
        i.theme.as_ref(),
        i.metric.as_ref().map(Json),
        i.external_url.as_deref(),
        i.alert.as_deref()
    )?;
    Ok(())
}

/// Writes all that can change, if nobody wrote since that revision.
pub async fn update(tx: &mut Tx, i: &Issue) -> Result<bool> {
    let n = sql!(
        tx.on(),
        execute,
        "UPDATE issues SET title = $3, description = $4, severity = $5, impact = $6, kind = $7, state = $8, owner = $9, watchers = $10, updated_at = $11,
           started_at = $12, acknowledged_at = $13, due_at = $14, closed_at = $15, blocked = $16, cause = $17, fix = $18, metric = $19, verdict = $20,
           public = $21, external_url = $22, theme = $23, revision = revision + 1
         WHERE id = $1 AND revision = $2",
        &i.id,
        i.revision,
        &i.title,
        &i.description,
        i.severity,
        i.impact,
        i.kind,
        i.state,
        i.owner.as_deref(),
        Json(&i.watchers),
        i.updated_at,
        i.started_at,
        i.acknowledged_at,
        i.due_at,
        i.closed_at,
        &i.blocked,
        i.cause.as_ref().map(Json),
        i.fix.as_ref().map(Json),
        i.metric.as_ref().map(Json),
        i.verdict.as_ref().map(Json),
        i.public.as_ref().map(Json),
        i.external_url.as_deref(),
        i.theme.as_ref()
    )?;
    Ok(n == 1)
}

/// Takes an alert from the issue that was closed before then: by now it is another trouble, and the next issue may have it.
pub async fn forget_alert(tx: &mut Tx, alert: &str, closed_before: Instant) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE issues SET alert = NULL WHERE alert = $1 AND closed_at < $2", alert, closed_before)?;
    Ok(())
}

/// Writes what the numbers say, which is nobody's edit.
pub async fn set_verdict(tx: &mut Tx, id: &Id, verdict: &Verdict) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE issues SET verdict = $2 WHERE id = $1", id, Json(verdict))?;
    Ok(())
}

/// A line that is written into a timeline.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    pub at: Instant,
    pub actor: &'a str,
    pub kind: EventKind,
    pub words: &'a str,
    pub link: Option<&'a str>,
}

pub async fn add_event(tx: &mut Tx, issue: &Id, line: Line<'_>) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO issue_events (id, issue, at, actor, kind, words, link) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        Id::new(),
        issue,
        line.at,
        line.actor,
        line.kind,
        line.words,
        line.link
    )?;
    Ok(())
}

/// The timeline of an issue, in order.
pub async fn events(db: &Db, issue: &Id) -> Result<Vec<Event>> {
    const SQL: &str = "SELECT id, at, actor, kind, words, link FROM issue_events WHERE issue = $1 ORDER BY at, id LIMIT 1000";
    sql!(db.read(), fetch_all::<Event>, SQL, issue)
}

/// A line of any timeline, with the number of its issue.
#[derive(sqlx::FromRow)]
pub struct NewsRow {
    pub number: i64,
    pub title: String,
    pub at: Instant,
    pub actor: String,
    pub kind: EventKind,
    pub words: String,
}

/// What happened to all issues since then, newest first.
pub async fn news(db: &Db, since: Instant) -> Result<Vec<NewsRow>> {
    const SQL: &str = "SELECT i.number, i.title, e.at, e.actor, e.kind, e.words FROM issue_events e JOIN issues i ON i.id = e.issue
        WHERE e.at >= $1 AND e.kind <> 'config' ORDER BY e.at DESC LIMIT 200";
    sql!(db.read(), fetch_all::<NewsRow>, SQL, since)
}

/// Feedback of a theme that belongs to no issue yet.
pub async fn free_of_theme(tx: &mut Tx, theme: &Id) -> Result<Vec<Id>> {
    const SQL: &str = "SELECT id FROM feedback WHERE theme = $1 AND issue IS NULL AND state <> 'spam' ORDER BY id DESC LIMIT 500";
    Ok(sql!(tx.on(), fetch_all::<(Id,)>, SQL, theme)?.into_iter().map(|(id,)| id).collect())
}

/// Themes with an open issue, to which feedback was put that belongs to no issue yet.
pub async fn themes_to_gather(db: &Db) -> Result<Vec<Id>> {
    const SQL: &str = "SELECT DISTINCT theme FROM issues i WHERE state NOT IN ('closed', 'wont_fix')
        AND EXISTS (SELECT 1 FROM feedback f WHERE f.theme = i.theme AND f.issue IS NULL AND f.state <> 'spam')";
    Ok(sql!(db.read(), fetch_all::<(Id,)>, SQL)?.into_iter().map(|(id,)| id).collect())
}

/// Who gave the feedback of an issue: id, request, user, channel.
#[derive(sqlx::FromRow)]
pub struct ReporterRow {
    pub id: Id,
    pub request_id: Option<String>,
    pub user_id: Option<String>,
    pub channel: String,
    pub metadata: Option<Json<serde_json::Value>>,
}

pub async fn reporters(db: &Db, issue: &Id) -> Result<Vec<ReporterRow>> {
    const SQL: &str = "SELECT f.id, COALESCE(f.request_id, r.caller_id, r.id) AS request_id, COALESCE(f.user_id, r.user_id) AS user_id, f.channel, f.metadata
        FROM feedback f LEFT JOIN requests r ON r.id = f.request WHERE f.issue = $1 ORDER BY f.id LIMIT 1000";
    sql!(db.read(), fetch_all::<ReporterRow>, SQL, issue)
}

/// Calls by what answered them, over a span.
#[derive(sqlx::FromRow)]
pub struct CallsRow {
    pub prompt: Option<String>,
    pub model: Option<String>,
    pub calls: i64,
    pub errors: i64,
}

/// Calls of real users by prompt and model, from minute to minute; of one route or variant where the metric says so.
pub async fn calls(db: &Db, metric: &Metric, from: Instant, to: Instant) -> Result<Vec<CallsRow>> {
    sql!(
        db.read(),
        fetch_all::<CallsRow>,
        "SELECT k.prompt, k.model, CAST(SUM(t.requests) AS BIGINT) AS calls, CAST(SUM(t.errors) AS BIGINT) AS errors FROM traffic t JOIN request_kinds k ON k.id = t.kind
         WHERE t.span = 1 AND t.start >= $1 AND t.start < $2 AND ($3 IS NULL OR k.route = $3) AND ($4 IS NULL OR k.variant = $4)
           AND k.endpoint NOT LIKE 'shadow.%' AND k.endpoint NOT LIKE 'playground.%' GROUP BY 1, 2",
        from,
        to,
        metric.route.as_deref(),
        metric.variant.as_deref()
    )
}

/// Complaints by what answered, over a span.
#[derive(sqlx::FromRow)]
pub struct HitsRow {
    pub prompt: Option<String>,
    pub model: Option<String>,
    pub hits: i64,
    /// Thumbs in all, for [`Measure::ThumbsDown`].
    pub thumbs: i64,
}

/// Answers that were complained of, by prompt and model. An answer counts once, however often it is complained of.
pub async fn hits(db: &Db, metric: &Metric, theme: Option<&Id>, from: Instant, to: Instant) -> Result<Vec<HitsRow>> {
    macro_rules! build {
        ($db:ty, $on:expr) => {{
            let mut q = QueryBuilder::<$db>::new("SELECT f.prompt, f.model, COUNT(DISTINCT CASE WHEN ");
            match metric.measure {
                Measure::Theme => drop(q.push("f.theme = ").push_bind(theme.cloned())),
                Measure::Category => drop(
                    q.push("EXISTS (SELECT 1 FROM feedback_categories c WHERE c.feedback = f.id AND c.category = ").push_bind(metric.category.clone()).push(")"),
                ),
                Measure::ThumbsDown => drop(q.push("f.rating = 'down'")),
                Measure::Flags => drop(q.push("f.flag IS NOT NULL")),
                Measure::Errors => drop(q.push("1 = 0")),
            }
            q.push(
                " THEN COALESCE(f.request, f.id) END) AS hits, COUNT(DISTINCT CASE WHEN f.rating IS NOT NULL THEN COALESCE(f.request, f.id) END) AS thumbs
                 FROM feedback f WHERE f.state <> 'spam' AND f.created_at >= ",
            );
            q.push_bind(from).push(" AND f.created_at < ").push_bind(to);
            if let Some(route) = metric.route.clone().filter(|r| !r.is_empty()) {
                q.push(" AND f.route = ").push_bind(route);
            }
            if let Some(variant) = metric.variant.clone() {
                q.push(" AND f.variant = ").push_bind(variant);
            }
            q.push(" GROUP BY f.prompt, f.model");
            q.build_query_as::<HitsRow>().fetch_all($on).await
        }};
    }
    match db.read() {
        Side::Sqlite(on) => build!(sqlx::Sqlite, on),
        Side::Postgres(on) => build!(sqlx::Postgres, on),
    }
}

/// A decision that was written down.
#[derive(Clone, Debug, serde::Serialize, sqlx::FromRow)]
pub struct Decision {
    /// Id.
    pub id: Id,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// What was decided.
    pub title: String,
    /// Why.
    pub why: String,
    /// About which issue: its number.
    pub issue: Option<i64>,
}

pub async fn decisions(db: &Db, cursor: Option<&str>, limit: i64) -> Result<Vec<Decision>> {
    const SQL: &str = "SELECT d.id, d.at, d.actor, d.title, d.why, i.number AS issue FROM decisions d LEFT JOIN issues i ON i.id = d.issue
        WHERE ($1 IS NULL OR d.id < $1) ORDER BY d.id DESC LIMIT $2";
    sql!(db.read(), fetch_all::<Decision>, SQL, cursor, limit)
}

pub async fn add_decision(tx: &mut Tx, d: &Decision, issue: Option<&Id>) -> Result<()> {
    const SQL: &str = "INSERT INTO decisions (id, at, actor, title, why, issue) VALUES ($1, $2, $3, $4, $5, $6)";
    sql!(tx.on(), execute, SQL, &d.id, d.at, &d.actor, &d.title, &d.why, issue)?;
    Ok(())
}

pub async fn setting(db: &Db, name: &str) -> Result<Option<String>> {
    Ok(sql!(db.read(), fetch_optional::<(String,)>, "SELECT value FROM settings WHERE name = $1", name)?.map(|(value,)| value))
}

pub async fn put_setting(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sql!(tx.on(), execute, SQL, name, value)?;
    Ok(())
}

/// Open issues by severity, and those that nobody took in time.
pub async fn counts(db: &Db, now: Instant) -> Result<(i64, i64, i64)> {
    sql!(
        db.read(),
        fetch_one::<(i64, i64, i64)>,
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN severity = 'critical' THEN 1 ELSE 0 END), 0) AS BIGINT),
           CAST(COALESCE(SUM(CASE WHEN acknowledged_at IS NULL AND due_at < $1 THEN 1 ELSE 0 END), 0) AS BIGINT)
         FROM issues WHERE state NOT IN ('closed', 'wont_fix')",
        now
    )
}
