//! Whether a fix helped: the numbers without it and with it, looked at again and again, and after closing too.

use super::{NewFix, SELF, announce, text, write};
use crate::identity::Actor;
use crate::issues::model::{EventKind, Fix, FixKind, Issue, Measure, Outcome, Release, Share, State, Verdict};
use crate::issues::store::{self, Wanted};
use crate::server::App;
use crate::types::{Duration, Fault, Instant};
use hypercare_stats::proportion::{Z_95, newcombe};
use serde_json::json;
use std::collections::BTreeSet;

/// How far back the time before a fix goes at most, and at least.
const MOST: Duration = Duration(7 * 86_400 * 1_000_000);
const LEAST: Duration = Duration(3_600 * 1_000_000);
/// How long after closing a fix is still watched.
const WATCHED: Duration = Duration(30 * 86_400 * 1_000_000);
/// Prompt versions and models that a fix is remembered to be proven on.
const MOST_PROVEN: usize = 50;
/// Fewer complaints on a fixed version are no regression.
const LEAST_AGAIN: i64 = 5;

pub(super) async fn check(app: &App, new: NewFix, actor: &Actor, now: Instant) -> Result<Fix, Fault> {
    let what = text("fix.what", &new.what, 1, 200)?;
    match new.kind {
        FixKind::PromptVersion => {
            let version = what.rsplit_once('@').and_then(|(name, version)| Some((name, version.parse::<u32>().ok()?)));
            let (name, version) = version.ok_or_else(|| Fault::field("fix.what", "must be a prompt and a version, like support@12"))?;
            if crate::prompts::store::version(app.db(), name, version).await?.is_none() {
                return Err(Fault::field("fix.what", format!("`{name}` has no version {version}")));
            }
        }
        FixKind::RouteChange => {
            if app.snapshot().route(&what).is_none() {
                return Err(Fault::field("fix.what", format!("there is no route `{what}`")));
            }
        }
        FixKind::Model | FixKind::Release => {}
    }
    let at = new.at.unwrap_or(now);
    if at > now {
        return Err(Fault::field("fix.at", "is in the future"));
    }
    Ok(Fix { kind: new.kind, what, at, by: actor.name(), proven_on: Vec::new() })
}

/// Name and number of a version of a prompt.
fn version(text: &str) -> Option<(&str, u32)> {
    text.rsplit_once('@').and_then(|(name, number)| Some((name, number.parse().ok()?)))
}

/// Whether this is the same prompt in the same version or a later one.
fn has_version(prompt: Option<&str>, least: Option<&str>) -> Option<bool> {
    let ((this, number), (name, least)) = (version(prompt?)?, version(least?)?);
    (this == name).then_some(number >= least)
}

/// Whether an answer of this prompt and model has the fix. Nothing when it says nothing about it: another prompt, or, once the fix is proven, something newer than
/// what was fixed in one part and another in the other.
fn has_fix(fix: &Fix, answered: &Release, later: bool) -> Option<bool> {
    let has = match fix.kind {
        FixKind::PromptVersion => has_version(answered.prompt.as_deref(), Some(&fix.what))?,
        FixKind::Model => answered.model.as_deref()? == fix.what,
        FixKind::RouteChange | FixKind::Release => later,
    };
    let proven = || {
        let same = |on: &Release| {
            on.model == answered.model
                && (on.prompt == answered.prompt || has_version(answered.prompt.as_deref(), on.prompt.as_deref()) == Some(true))
        };
        fix.proven_on.is_empty() || fix.proven_on.iter().any(same)
    };
    (!has || proven()).then_some(has)
}

/// Troubles and calls with and without the fix, over a span.
struct Sides {
    without: Share,
    with: Share,
}

async fn sides(app: &App, issue: &Issue, fix: &Fix, from: Instant, to: Instant) -> Result<Sides, Fault> {
    let Some(metric) = &issue.metric else { return Ok(Sides { without: Share::default(), with: Share::default() }) };
    let mut sides = Sides { without: Share::default(), with: Share::default() };
    // A version of a prompt and a model are told by the calls themselves, old and new side by side; other fixes are told by time.
    let spans = match fix.kind {
        FixKind::PromptVersion | FixKind::Model => vec![(from, to, true)],
        FixKind::RouteChange | FixKind::Release => vec![(from, fix.at, false), (fix.at, to, true)],
    };
    for (from, to, later) in spans {
        let mut add = |prompt: Option<String>, model: Option<String>, hits: i64, of: i64| {
            let share = match has_fix(fix, &Release { prompt, model }, later) {
                Some(true) => &mut sides.with,
                Some(false) => &mut sides.without,
                None => return,
            };
            share.hits += hits;
            share.of += of;
        };
        let minute = Duration::MINUTE;
        let calls = store::calls(app.db(), metric, from.floor(minute), to).await?;
        for row in calls {
            match metric.measure {
                Measure::Errors => add(row.prompt, row.model, row.errors, row.calls),
                Measure::ThumbsDown => {}
                _ => add(row.prompt, row.model, 0, row.calls),
            }
        }
        for row in store::hits(app.db(), metric, issue.theme.as_ref(), from, to).await? {
            match metric.measure {
                Measure::Errors => {}
                Measure::ThumbsDown => add(row.prompt, row.model, row.hits, row.thumbs),
                _ => add(row.prompt, row.model, row.hits, 0),
            }
        }
    }
    Ok(sides)
}

/// What has answered with the fix: what it is proven on, when the issue is closed now.
pub(super) async fn answering(app: &App, issue: &Issue, fix: &Fix) -> Result<Vec<Release>, Fault> {
    let Some(metric) = &issue.metric else { return Ok(Vec::new()) };
    let calls = store::calls(app.db(), metric, fix.at.floor(Duration::MINUTE), app.now()).await?;
    let with = calls.into_iter().map(|row| Release { prompt: row.prompt, model: row.model });
    let with: BTreeSet<_> = with.filter(|answered| answered.model.is_some() && has_fix(fix, answered, true) == Some(true)).collect();
    Ok(with.into_iter().take(MOST_PROVEN).collect())
}

/// What the numbers say about the fix of an issue; nothing without a fix and a metric.
pub(crate) async fn verdict(app: &App, issue: &Issue) -> Result<Option<Verdict>, Fault> {
    let (Some(fix), Some(_)) = (&issue.fix, &issue.metric) else { return Ok(None) };
    let now = app.now();
    let back = fix.at.since(issue.started_at).0.clamp(LEAST.0, MOST.0);
    let sides = sides(app, issue, fix, fix.at.minus(Duration(back)), now).await?;
    Ok(Some(Verdict::of(sides.without, sides.with, now)))
}

/// Looks at every fix that is watched: writes what the numbers say now, proposes to close what is better, and opens again what came back.
pub(crate) async fn watch(app: &App) -> Result<(), Fault> {
    let watched = Wanted { states: vec![State::Monitoring], ..Wanted::default() };
    for issue in store::list(app.db(), &watched, None, 500).await? {
        if let Some(verdict) = verdict(app, &issue).await? {
            settle(app, &issue, verdict).await?;
        }
    }
    let closed = Wanted { states: vec![State::Closed], changed_since: Some(app.now().minus(WATCHED)), ..Wanted::default() };
    for issue in store::list(app.db(), &closed, None, 500).await? {
        if let Some(words) = came_back(app, &issue).await? {
            reopen(app, issue, &words).await?;
        }
    }
    Ok(())
}

async fn settle(app: &App, issue: &Issue, verdict: Verdict) -> Result<(), Fault> {
    let news = issue.verdict.as_ref().map(|v| v.outcome) != Some(verdict.outcome);
    let mut tx = app.db().begin().await?;
    store::set_verdict(&mut tx, &issue.id, &verdict).await?;
    if news && verdict.outcome != Outcome::TooLittle {
        let mut words = verdict.sentence(of_what(issue));
        if verdict.outcome == Outcome::Better {
            words.push_str(" It can be closed.");
        }
        write(&mut tx, &issue.id, verdict.at, SELF, EventKind::Verdict, &words, None).await?;
    }
    tx.commit().await?;
    if news {
        announce(app, &Issue { verdict: Some(verdict), ..issue.clone() }, "issue.changed").await?;
    }
    Ok(())
}

/// What a share is of.
pub fn of_what(issue: &Issue) -> &'static str {
    if issue.metric.as_ref().is_some_and(|m| m.measure == Measure::ThumbsDown) { "thumbs" } else { "calls" }
}

/// Whether the trouble is back on what has the fix: since it was closed, clearly more often than when it was found better. Older versions do not count.
async fn came_back(app: &App, issue: &Issue) -> Result<Option<String>, Fault> {
    let (Some(fix), Some(closed)) = (&issue.fix, issue.closed_at) else { return Ok(None) };
    let since = Fix { at: closed.max(fix.at), ..fix.clone() };
    let now = sides(app, issue, &since, since.at, app.now()).await?.with;
    if now.hits < LEAST_AGAIN {
        return Ok(None);
    }
    let then = issue.verdict.as_ref().map(|v| v.after).filter(|share| share.of > 0);
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let worse = match then {
        Some(then) => {
            newcombe((count(then.hits), count(then.of)), (count(now.hits), count(now.of)), Z_95).is_some_and(|d| d.interval.0 > 0.0)
        }
        None => true,
    };
    Ok(worse.then(|| format!("It came back: {} of {} {} with {} since it was closed.", now.hits, now.of, of_what(issue), fix.what)))
}

pub(super) async fn reopen(app: &App, issue: Issue, words: &str) -> Result<(), Fault> {
    let now = app.now();
    let due_at = now.plus(super::clocks(app).await?.of(issue.severity));
    let after = Issue { state: State::Open, closed_at: None, acknowledged_at: None, due_at, updated_at: now, ..issue };
    let mut tx = app.db().begin().await?;
    if !store::update(&mut tx, &after).await? {
        // Somebody is at it.
        return Ok(());
    }
    write(&mut tx, &after.id, now, SELF, EventKind::Regression, words, None).await?;
    tx.commit().await?;
    super::public::refresh(app).await;
    announce(app, &after, "issue.changed").await
}

/// Tells who reported it that it is fixed: their status says so from now on, and channels that want it get the list, so that applications can tell people.
pub(super) async fn tell_reporters(app: &App, issue: &Issue) -> Result<(), Fault> {
    let reporters = store::reporters(app.db(), &issue.id).await?;
    if reporters.is_empty() {
        return Ok(());
    }
    let title = issue.public.as_ref().map(|p| p.title.clone());
    let list: Vec<_> = reporters
        .iter()
        .map(|r| {
            let more = |name: &str| r.metadata.as_ref().and_then(|m| m.0.get(name).cloned());
            let (external, email) = (more("external_id"), email_of(r.user_id.as_deref(), more("email").as_ref()));
            json!({ "feedback_id": r.id, "request_id": r.request_id, "user": r.user_id, "channel": r.channel, "external_id": external, "email": email })
        })
        .collect();
    let message = "This has been fixed. Thank you for telling us.";
    crate::notify::service::tell(
        app,
        "feedback.resolved",
        &json!({ "issue": issue.number, "number": issue.number, "title": title, "message": message, "reporters": list,
            "url": format!("{}/issues/{}", app.settings().public_url(), issue.number) }),
    )
    .await?;
    let n = reporters.len();
    let words = format!("{n} {} told: their feedback says that it is fixed", if n == 1 { "reporter is" } else { "reporters are" });
    let mut tx = app.db().begin().await?;
    write(&mut tx, &issue.id, app.now(), SELF, EventKind::Told, &words, None).await?;
    Ok(tx.commit().await?)
}

/// Where a reporter can be written to: their name, when it is an address, or what the application says in the feedback's metadata.
fn email_of(user: Option<&str>, said: Option<&serde_json::Value>) -> Option<String> {
    let said = said.and_then(serde_json::Value::as_str);
    [said, user].into_iter().flatten().find(|text| text.parse::<lettre::Address>().is_ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reporter_is_written_to_where_an_address_is_known() {
        let said = serde_json::json!("eve@example.org");
        assert_eq!(email_of(Some("user-7"), Some(&said)).as_deref(), Some("eve@example.org"));
        assert_eq!(email_of(Some("ann@example.org"), None).as_deref(), Some("ann@example.org"));
        assert_eq!(email_of(Some("user-7"), Some(&serde_json::json!(7))), None);
    }

    #[test]
    fn a_later_version_has_the_fix_and_another_prompt_is_no_evidence() {
        let fix = fix(FixKind::PromptVersion, "support@12");
        let has = |prompt: Option<&str>| has_fix(&fix, &on(prompt, "large"), true);
        assert_eq!(has(Some("support@12")), Some(true));
        assert_eq!(has(Some("support@13")), Some(true));
        assert_eq!(has(Some("support@9")), Some(false), "9 is older than 12");
        assert_eq!(has(Some("sales@12")), None);
        assert_eq!(has(None), None);
    }

    #[test]
    fn what_was_proven_on_one_model_is_no_promise_for_another() {
        let mut fix = fix(FixKind::PromptVersion, "support@12");
        fix.proven_on = vec![on(Some("support@12"), "large")];
        assert_eq!(has_fix(&fix, &on(Some("support@12"), "large"), true), Some(true));
        assert_eq!(has_fix(&fix, &on(Some("support@13"), "large"), true), Some(true), "a later version on the same model");
        assert_eq!(has_fix(&fix, &on(Some("support@12"), "small"), true), None, "never fixed there");
        assert_eq!(has_fix(&fix, &on(Some("support@11"), "large"), true), Some(false));

        let mut model = self::fix(FixKind::Model, "large");
        model.proven_on = vec![on(None, "large")];
        assert_eq!(has_fix(&model, &on(None, "large"), true), Some(true));
        assert_eq!(has_fix(&model, &on(None, "small"), true), Some(false));
        assert_eq!(has_fix(&model, &on(Some("support@1"), "large"), true), None, "with a prompt it was never seen");
    }

    fn fix(kind: FixKind, what: &str) -> Fix {
        Fix { kind, what: what.to_owned(), at: Instant(0), by: "eve@example.org".to_owned(), proven_on: Vec::new() }
    }

    fn on(prompt: Option<&str>, model: &str) -> Release {
        Release { prompt: prompt.map(str::to_owned), model: Some(model.to_owned()) }
    }
}
