//! The verdict on the overview: is it well, technically and for people.

use crate::feedback::model::category_label;
use crate::feedback::model::experience::{Concern, Experience, Light, Part, Side, about, judge};
use crate::feedback::store::numbers;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::server::App;
use crate::telemetry::model::{Overview, Range, Totals};
use crate::types::{Duration, Fault, Instant};
use std::fmt::Write as _;

/// Fewer calls say nothing of how reliable something is.
const LEAST_CALLS: i64 = 20;
/// Error shares from which on it is worth a look, or bad: as on the tile.
const ERRORS: (f64, f64) = (0.01, 0.05);
/// Latency that doubled is worth a look from here on, in microseconds.
const SLOW_US: f64 = 1_000_000.0;

/// Both sides over a span that ends now.
pub async fn experience(app: &App, actor: &Actor, range: Range) -> Result<Experience, Fault> {
    let overview = crate::telemetry::service::overview(app, actor, range, None).await?;
    of_overview(app, actor, &overview).await
}

/// The same, from numbers that were read already.
pub async fn of_overview(app: &App, actor: &Actor, overview: &Overview) -> Result<Experience, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let span = Duration::MINUTE.times(overview.range.minutes());
    let middle = overview.points.first().map_or(overview.at, |point| point.at);
    let (mut concerns, reports, issues) =
        tokio::try_join!(categories(app, overview, middle.minus(span), middle), reports(app), issues(app))?;
    concerns.extend(thumbs(overview));
    concerns.extend(reports);
    concerns.extend(issues);
    concerns.sort_by_key(|c| std::cmp::Reverse(c.light));
    concerns.retain(|c| c.light >= Light::Watch);
    Ok(Experience {
        at: overview.at,
        range: overview.range.as_str().to_owned(),
        technical: technical(&overview.now, &overview.before),
        users: users(&overview.now, &concerns),
        concerns,
    })
}

/// What people complain of, by category and by call.
async fn categories(app: &App, overview: &Overview, from: Instant, middle: Instant) -> Result<Vec<Concern>, Fault> {
    let rows = numbers::categories(app.db(), from, middle).await?;
    let concern = |row: numbers::CategoryRow| {
        let (now, before) = (Part { hits: row.now, of: overview.now.requests }, Part { hits: row.before, of: overview.before.requests });
        Concern {
            light: judge(now, before),
            words: about(&category_label(&row.category), now, before),
            link: format!("/feedback?state=&category={}&since={}", row.category, overview.range.as_str()),
        }
    };
    Ok(rows.into_iter().map(concern).collect())
}

/// Thumbs down, of all thumbs: bad when more than half are, with confidence, or when they rose to a third.
fn thumbs(overview: &Overview) -> Option<Concern> {
    let part = |totals: &Totals| Part { hits: totals.feedback_down, of: totals.feedback_up + totals.feedback_down };
    let (now, before) = (part(&overview.now), part(&overview.before));
    if now.of < LEAST_CALLS {
        return None;
    }
    let at_least = now.at_least();
    let light = match (at_least, now.rose(before)) {
        (least, _) if least >= 0.5 => Light::Bad,
        (least, true) if least >= 0.25 => Light::Bad,
        (least, rose) if least >= 0.3 || rose => Light::Watch,
        _ => Light::Ok,
    };
    let words = about("Thumbs down", now, before).replace("answers", "thumbs");
    Some(Concern { light, words, link: format!("/feedback?state=&kind=down&since={}", overview.range.as_str()) })
}

/// Reports of harm or private data that nobody has decided about.
async fn reports(app: &App) -> Result<Option<Concern>, Fault> {
    let waiting = numbers::waiting_reports(app.db()).await?;
    let words = match waiting {
        1 => "One report of harm or private data waits for somebody".to_owned(),
        n => format!("{n} reports of harm or private data wait for somebody"),
    };
    let link = "/feedback?state=new&kind=flag".to_owned();
    Ok((waiting > 0).then_some(Concern { light: Light::Watch, words, link }))
}

/// Open issues of the worst kind.
async fn issues(app: &App) -> Result<Option<Concern>, Fault> {
    let (_, critical, _) = crate::issues::service::open_counts(app).await?;
    let words = if critical == 1 { "One critical issue is open".to_owned() } else { format!("{critical} critical issues are open") };
    Ok((critical > 0).then_some(Concern { light: Light::Bad, words, link: "/issues?severity=critical".to_owned() }))
}

fn technical(now: &Totals, before: &Totals) -> Side {
    let Some(errors) = now.error_rate().filter(|_| now.requests >= LEAST_CALLS) else {
        return Side { light: Light::Unknown, words: format!("{} calls: too few to say", now.requests) };
    };
    let slower = now.latency_p95_us.zip(before.latency_p95_us).is_some_and(|(now, then)| now > then * 2.0 && now > SLOW_US);
    let light = match errors {
        e if e > ERRORS.1 => Light::Bad,
        e if e > ERRORS.0 || slower => Light::Watch,
        _ => Light::Ok,
    };
    let mut words = format!("{:.2} % of calls answered", (1.0 - errors) * 100.0);
    if let Some(p95) = now.latency_p95_us {
        let _ = write!(words, ", p95 {:.0} ms", p95 / 1_000.0);
    }
    if slower {
        words.push_str(", twice as slow as before");
    }
    Side { light, words }
}

fn users(now: &Totals, concerns: &[Concern]) -> Side {
    match concerns.first() {
        Some(worst) => Side { light: worst.light, words: worst.words.clone() },
        None if now.feedback_up + now.feedback_down + now.flags == 0 => {
            Side { light: Light::Unknown, words: "Nobody has said anything yet".to_owned() }
        }
        None => Side { light: Light::Ok, words: "No kind of complaint stands out".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn green_machines_and_red_people_are_told_apart() {
        let now = Totals { requests: 1_000, errors: 0, latency_p95_us: Some(420_000.0), feedback_down: 9, ..Totals::default() };
        let bad = Concern { light: Light::Bad, words: "Forgot context: 60 of 1000 answers (6.0 %)".to_owned(), link: String::new() };
        assert_eq!(
            technical(&now, &Totals::default()),
            Side { light: Light::Ok, words: "100.00 % of calls answered, p95 420 ms".to_owned() }
        );
        assert_eq!(users(&now, &[bad]).light, Light::Bad);
        assert_eq!(users(&Totals::default(), &[]).light, Light::Unknown);
    }

    #[test]
    fn errors_and_slowness_are_technical() {
        let now = Totals { requests: 1_000, errors: 60, latency_p95_us: Some(3_000_000.0), ..Totals::default() };
        let then = Totals { latency_p95_us: Some(1_000_000.0), ..Totals::default() };
        assert_eq!(technical(&now, &then).light, Light::Bad);
        assert_eq!(technical(&Totals { errors: 0, ..now.clone() }, &then).light, Light::Watch);
        assert_eq!(technical(&Totals { requests: 3, ..now }, &then).light, Light::Unknown);
    }
}
