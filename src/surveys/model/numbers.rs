//! What answers add up to.

use super::Kind;
use crate::types::{Duration, Instant};
use hypercare_stats::proportion::{Z_95, wilson};
pub use hypercare_stats::score::Estimate;
use hypercare_stats::score::{mean, net_promoter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Fewer answers are told as too few, not as a number.
pub const LEAST: i64 = 10;
/// Days of the chart.
pub const DAYS: i64 = 30;
/// A point of the chart is drawn from so many days up to it.
pub const WEEK: i64 = 7;

/// How often one thing happened: as the database sums it up.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Tally {
    /// The day (UTC) on which the survey was shown.
    pub day: Instant,
    /// The route of the call it was shown about.
    pub route: Option<String>,
    /// Its variant.
    pub variant: Option<String>,
    /// The score that was given.
    pub score: Option<i64>,
    /// How often it was shown.
    pub shown: i64,
    /// How often that was answered.
    pub answered: i64,
    /// How often it was sent away.
    pub dismissed: i64,
}

/// How often a score was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// The score.
    pub score: i64,
    /// How often.
    pub count: i64,
}

/// One day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// Its beginning (UTC).
    pub start: Instant,
    /// How often the survey was shown.
    pub shown: i64,
    /// How often that was answered.
    pub answered: i64,
    /// The number of the seven days up to this one; none when too few answered.
    pub result: Option<Estimate>,
}

/// The answers about one route or variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The route; of a variant `route · variant`.
    pub name: String,
    /// How often the survey was shown.
    pub shown: i64,
    /// How often that was answered.
    pub answered: i64,
    /// The number; none when too few answered.
    pub result: Option<Estimate>,
}

/// What a survey’s answers add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// How often it was shown.
    pub shown: i64,
    /// How often that was answered.
    pub answered: i64,
    /// How often it was sent away.
    pub dismissed: i64,
    /// Answered of shown; none before it was shown.
    pub response_rate: Option<f64>,
    /// The number with its 95 % interval: CSAT as the share who gave 4 or 5 (0 to 1), NPS in points (−100 to 100), CES as the mean (1 to 7). None when
    /// too few answered, or only words are asked for.
    pub result: Option<Estimate>,
    /// How often each score was given, the lowest first.
    pub distribution: Vec<Bar>,
    /// The last thirty days, oldest first.
    pub days: Vec<Day>,
    /// By route, the busiest first.
    pub routes: Vec<Group>,
    /// By variant, the busiest first.
    pub variants: Vec<Group>,
}

/// Sums that can still grow.
#[derive(Clone, Debug, Default)]
struct Sum {
    shown: i64,
    answered: i64,
    dismissed: i64,
    scores: BTreeMap<i64, i64>,
}

impl Sum {
    fn add(&mut self, row: &Tally) {
        self.shown += row.shown;
        self.answered += row.answered;
        self.dismissed += row.dismissed;
        if let Some(score) = row.score {
            *self.scores.entry(score).or_default() += row.answered;
        }
    }

    fn between(&self, from: i64, to: i64) -> u64 {
        self.scores.range(from..=to).map(|(_, n)| u64::try_from(*n).unwrap_or(0)).sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and scores far below 2^52")]
    fn result(&self, kind: Kind) -> Option<Estimate> {
        let (low, high) = kind.range()?;
        let n = self.between(low, high);
        if n < LEAST.unsigned_abs() {
            return None;
        }
        match kind {
            Kind::Csat => {
                let good = self.between(4, 5);
                Some(Estimate { estimate: good as f64 / n as f64, interval: wilson(good, n, Z_95)? })
            }
            Kind::Nps => {
                let share = net_promoter(self.between(9, 10), self.between(7, 8), self.between(0, 6), Z_95)?;
                let points = |share: f64| share * 100.0;
                Some(Estimate { estimate: points(share.estimate), interval: (points(share.interval.0), points(share.interval.1)) })
            }
            Kind::Ces => {
                let values: Vec<(f64, u64)> = (low..=high).map(|score| (score as f64, self.between(score, score))).collect();
                mean(&values, (low as f64, high as f64), Z_95)
            }
            Kind::Free => None,
        }
    }
}

impl Numbers {
    /// Adds up; `now` ends the chart.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn of(kind: Kind, rows: &[Tally], now: Instant) -> Self {
        let mut all = Sum::default();
        let mut days: BTreeMap<Instant, Sum> = BTreeMap::new();
        let mut routes: BTreeMap<String, Sum> = BTreeMap::new();
        let mut variants: BTreeMap<String, Sum> = BTreeMap::new();
        for row in rows {
            all.add(row);
            days.entry(row.day.floor(Duration::DAY)).or_default().add(row);
            if let Some(route) = &row.route {
                routes.entry(route.clone()).or_default().add(row);
                if let Some(variant) = &row.variant {
                    variants.entry(format!("{route} · {variant}")).or_default().add(row);
                }
            }
        }
        let distribution = kind.range().map_or_else(Vec::new, |(low, high)| {
            (low..=high).map(|score| Bar { score, count: all.scores.get(&score).copied().unwrap_or(0) }).collect()
        });
        Self {
            shown: all.shown,
            answered: all.answered,
            dismissed: all.dismissed,
            response_rate: (all.shown > 0).then(|| all.answered as f64 / all.shown as f64),
            result: all.result(kind),
            distribution,
            days: chart(kind, rows, &days, now),
            routes: groups(kind, routes),
            variants: groups(kind, variants),
        }
    }
}

fn chart(kind: Kind, rows: &[Tally], days: &BTreeMap<Instant, Sum>, now: Instant) -> Vec<Day> {
    let today = now.floor(Duration::DAY);
    let day = |back: i64| {
        let start = today.minus(Duration::DAY.times(back));
        let from = start.minus(Duration::DAY.times(WEEK - 1));
        let mut week = Sum::default();
        rows.iter().filter(|row| (from..=start).contains(&row.day.floor(Duration::DAY))).for_each(|row| week.add(row));
        let (shown, answered) = days.get(&start).map_or((0, 0), |sum| (sum.shown, sum.answered));
        Day { start, shown, answered, result: week.result(kind) }
    };
    (0..DAYS).rev().map(day).collect()
}

fn groups(kind: Kind, sums: BTreeMap<String, Sum>) -> Vec<Group> {
    let group = |(name, sum): (String, Sum)| Group { name, shown: sum.shown, answered: sum.answered, result: sum.result(kind) };
    let mut groups: Vec<Group> = sums.into_iter().map(group).collect();
    groups.sort_by(|a, b| b.shown.cmp(&a.shown).then_with(|| a.name.cmp(&b.name)));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(scores: &[(i64, i64)], day: i64, variant: &str) -> Vec<Tally> {
        let (route, variant) = (Some("bot".to_owned()), Some(variant.to_owned()));
        let row = |score: Option<i64>, n: i64, answered: i64| Tally {
            day: Instant(0).plus(Duration::DAY.times(day)),
            route: route.clone(),
            variant: variant.clone(),
            score,
            shown: n,
            answered,
            dismissed: 0,
        };
        scores.iter().map(|(score, n)| row(Some(*score), *n, *n)).chain([row(None, 5, 0)]).collect()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-4
    }

    #[test]
    fn each_kind_has_its_number() {
        let now = Instant(0).plus(Duration::DAY.times(100));
        let csat = Numbers::of(Kind::Csat, &rows(&[(5, 5), (4, 3), (1, 2)], 100, "a"), now);
        let result = csat.result.expect("ten answers");
        // 8 of 10: R's binom package.
        assert!(close(result.estimate, 0.8) && close(result.interval.0, 0.490_162) && close(result.interval.1, 0.943_318), "{result:?}");
        assert_eq!((csat.shown, csat.answered, csat.response_rate.map(|r| close(r, 10.0 / 15.0))), (15, 10, Some(true)));
        assert_eq!(csat.distribution.iter().map(|b| b.count).collect::<Vec<_>>(), [2, 0, 0, 3, 5]);
        let nps = Numbers::of(Kind::Nps, &rows(&[(10, 30), (9, 20), (8, 30), (6, 10), (0, 10)], 100, "a"), now);
        let result = nps.result.expect("answers");
        assert!(close(result.estimate, 30.0) && close(result.interval.0, 14.6922) && close(result.interval.1, 45.3078), "{result:?}");
        let ces = Numbers::of(Kind::Ces, &rows(&[(1, 2), (2, 2), (3, 2), (4, 2), (5, 2)], 100, "a"), now);
        assert!(ces.result.is_some_and(|r| close(r.estimate, 3.0)));
        assert_eq!(Numbers::of(Kind::Free, &rows(&[], 100, "a"), now).result, None);
    }

    #[test]
    fn nine_answers_are_too_few() {
        let now = Instant(0).plus(Duration::DAY.times(100));
        let few = Numbers::of(Kind::Csat, &rows(&[(5, 9)], 100, "a"), now);
        assert_eq!((few.result, few.answered), (None, 9));
        assert_eq!(
            Numbers::of(Kind::Csat, &[], now),
            Numbers {
                days: Numbers::of(Kind::Csat, &[], now).days,
                distribution: few.distribution.iter().map(|b| Bar { count: 0, ..*b }).collect(),
                ..Numbers::default()
            }
        );
    }

    #[test]
    fn days_look_a_week_back_and_variants_are_apart() {
        let now = Instant(0).plus(Duration::DAY.times(100));
        let mut all = rows(&[(5, 12)], 90, "a");
        all.extend(rows(&[(1, 12)], 99, "b"));
        let numbers = Numbers::of(Kind::Csat, &all, now);
        assert_eq!(numbers.days.len(), 30);
        let on = |day: usize| numbers.days[day - 71].result.map(|r| r.estimate);
        assert_eq!(
            (on(89), on(90), on(96), on(97), on(98), on(99), on(100)),
            (None, Some(1.0), Some(1.0), None, None, Some(0.0), Some(0.0))
        );
        assert_eq!((numbers.days[19].shown, numbers.days[19].answered), (17, 12));
        let variants: Vec<_> = numbers.variants.iter().map(|g| (g.name.as_str(), g.answered, g.result.map(|r| r.estimate))).collect();
        assert_eq!(variants, [("bot · a", 12, Some(1.0)), ("bot · b", 12, Some(0.0))]);
        assert_eq!((numbers.routes.len(), numbers.routes[0].shown), (1, 34));
    }
}
