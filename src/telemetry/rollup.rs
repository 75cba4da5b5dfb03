//! Roll-ups: this replica's own rows, kept in memory while their span runs and rewritten as they grow.

use super::kind::Kind;
use super::model::Outcome;
use super::record::Row;
use crate::types::{Duration, Instant, Nanodollars};
use hypercare_stats::sketch::DdSketch;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// How much time a row sums up. A week's chart reads two-hour rows, an hour's chart minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Span {
    Minute,
    Quarter,
    TwoHours,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Minute, Self::Quarter, Self::TwoHours];

    /// Its length in minutes.
    pub const fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Quarter => 15,
            Self::TwoHours => 120,
        }
    }

    pub const fn duration(self) -> Duration {
        Duration::MINUTE.times(self.minutes())
    }

    /// The longest span that steps of so many minutes are made of.
    pub fn for_step(minutes: i64) -> Self {
        Self::ALL.into_iter().rev().find(|span| minutes % span.minutes() == 0).unwrap_or(Self::Minute)
    }
}

/// What a roll-up row is about.
#[derive(Clone, Debug)]
pub(crate) struct RollupKey {
    pub span: Span,
    pub start: Instant,
    pub kind: Arc<Kind>,
}

impl RollupKey {
    fn parts(&self) -> (Span, Instant, i64) {
        (self.span, self.start, self.kind.id)
    }
}

impl PartialEq for RollupKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for RollupKey {}

impl Hash for RollupKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// The sums of a roll-up row.
#[derive(Clone, Debug)]
pub(crate) struct Rollup {
    pub requests: i64,
    pub errors: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost: Nanodollars,
    /// Duration of calls, µs.
    pub latency: DdSketch,
    /// Time to first token, µs.
    pub first_token: DdSketch,
    dirty: bool,
}

impl Default for Rollup {
    fn default() -> Self {
        Self {
            requests: 0,
            errors: 0,
            input_tokens: 0,
            output_tokens: 0,
            cost: Nanodollars::default(),
            latency: DdSketch::new(),
            first_token: DdSketch::new(),
            dirty: false,
        }
    }
}

/// The rows that may still grow.
#[derive(Debug, Default)]
pub(crate) struct Rollups {
    rows: HashMap<RollupKey, Rollup>,
}

impl Rollups {
    /// Counts calls in the minute, quarter of an hour and two hours in which each ended.
    pub fn add<'r>(&mut self, lines: impl Iterator<Item = &'r Row>) {
        // By the minute first: every longer span is made of whole minutes, and there are many calls in one.
        let mut minutes: HashMap<RollupKey, Rollup> = HashMap::new();
        for line in lines {
            let ended = Instant(line.started_at.0 + line.duration_us);
            let key = RollupKey { span: Span::Minute, start: ended.floor(Span::Minute.duration()), kind: line.kind.clone() };
            minutes.entry(key).or_default().add(line);
        }
        for (RollupKey { start, kind, .. }, minute) in minutes {
            for span in Span::ALL {
                let key = RollupKey { span, start: start.floor(span.duration()), kind: kind.clone() };
                self.rows.entry(key).or_default().merge(&minute);
            }
        }
    }

    /// Rows that changed since they were last written.
    pub fn dirty(&self) -> Vec<(RollupKey, Rollup)> {
        self.rows.iter().filter(|(_, row)| row.dirty).map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// The written rows are safe. Rows whose span is over for good are let go (a late one would start a second row with a name of its own: see `jobs`).
    pub fn written(&mut self, keys: &[(RollupKey, Rollup)], now: Instant) {
        for (key, written) in keys {
            if let Some(row) = self.rows.get_mut(key)
                && row.requests == written.requests
            {
                row.dirty = false;
            }
        }
        let late = Duration::MINUTE.times(30);
        self.rows.retain(|key, row| row.dirty || key.start.plus(key.span.duration()).plus(late) > now);
    }
}

impl Rollup {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a call are far below 2^52")]
    fn add(&mut self, line: &Row) {
        self.requests += 1;
        self.errors += i64::from(line.outcome == Outcome::Error);
        self.input_tokens += line.input_tokens;
        self.output_tokens += line.output_tokens;
        self.cost.0 += line.cost.0;
        if line.outcome == Outcome::Ok {
            self.latency.add(line.duration_us as f64);
        }
        if let Some(first) = line.first_token_us {
            self.first_token.add(first as f64);
        }
        self.dirty = true;
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cost.0 += other.cost.0;
        self.latency.merge(&other.latency);
        self.first_token.merge(&other.first_token);
        self.dirty |= other.dirty;
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::{Kinds, Names};
    use super::*;
    use crate::types::Id;
    use proptest::prelude::*;

    /// A call that ended at that second of that kind, and whether it went wrong.
    fn row(kinds: &mut Kinds, (second, model, failed, tokens): (i64, u8, bool, i64)) -> Row {
        let model = Some(Arc::from(format!("m{model}")));
        let kind =
            kinds.of(Names { endpoint: "chat".into(), key: "k".into(), route: None, variant: None, provider: None, model, prompt: None });
        let duration_us = 1_000 + tokens;
        Row {
            id: Id::new(),
            caller_id: None,
            started_at: Instant(second * 1_000_000 - duration_us),
            kind,
            status: 200,
            outcome: if failed { Outcome::Error } else { Outcome::Ok },
            error_code: None,
            streamed: false,
            user_id: None,
            session_id: None,
            duration_us,
            first_token_us: (!failed).then_some(tokens),
            input_tokens: tokens,
            output_tokens: tokens * 2,
            cost: Nanodollars(tokens * 3),
            preview: None,
            overhead_us: 0,
            cached_input_tokens: 0,
        }
    }

    proptest! {
        #[test]
        fn every_span_counts_each_call_once(calls in prop::collection::vec((0..20_000_i64, 0..3_u8, any::<bool>(), 0..500_i64), 1..80), cut in 0..80_usize) {
            let mut kinds = Kinds::default();
            let rows: Vec<Row> = calls.iter().map(|call| row(&mut kinds, *call)).collect();
            let mut rollups = Rollups::default();
            let (early, late) = rows.split_at(cut.min(rows.len()));
            rollups.add(early.iter());
            rollups.add(late.iter());
            let written = rollups.dirty();
            for (key, sum) in &written {
                let end = key.start.plus(key.span.duration());
                let inside = |row: &&Row| {
                    let ended = Instant(row.started_at.0 + row.duration_us);
                    row.kind.id == key.kind.id && ended >= key.start && ended < end
                };
                let of_it: Vec<&Row> = rows.iter().filter(inside).collect();
                let total = |number: fn(&Row) -> i64| of_it.iter().map(|row| number(row)).sum::<i64>();
                prop_assert_eq!(sum.requests, total(|_| 1));
                prop_assert_eq!(sum.errors, total(|row| i64::from(row.outcome == Outcome::Error)));
                prop_assert_eq!((sum.input_tokens, sum.output_tokens, sum.cost.0), (total(|row| row.input_tokens), total(|row| row.output_tokens), total(|row| row.cost.0)));
                let right = of_it.iter().filter(|row| row.outcome == Outcome::Ok).count();
                prop_assert_eq!((sum.latency.count(), sum.first_token.count()), (right as u64, right as u64));
            }
            for span in Span::ALL {
                let counted: i64 = written.iter().filter(|(key, _)| key.span == span).map(|(_, sum)| sum.requests).sum();
                prop_assert_eq!(usize::try_from(counted).expect("few"), rows.len());
            }
        }
    }
}
