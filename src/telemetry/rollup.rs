//! Minute roll-ups: this replica's own rows, kept in memory for the running minute and rewritten as they grow.

use super::model::Outcome;
use super::record::LogLine;
use crate::types::{Instant, Nanodollars};
use hypercare_stats::sketch::DdSketch;
use std::collections::HashMap;

/// What a roll-up row is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RollupKey {
    pub minute: Instant,
    pub route: String,
    pub variant: String,
    pub provider: String,
    pub model: String,
    pub prompt: String,
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
    /// Counts a call in the minute it ended.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a call are far below 2^52")]
    pub fn add(&mut self, line: &LogLine) {
        let ended = Instant(line.started_at.0 + line.duration_us);
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        let key = RollupKey {
            minute: ended.minute(),
            route: name(&line.route),
            variant: name(&line.variant),
            provider: name(&line.provider),
            model: name(&line.model),
            prompt: name(&line.prompt),
        };
        let row = self.rows.entry(key).or_default();
        row.requests += 1;
        row.errors += i64::from(line.outcome == Outcome::Error);
        row.input_tokens += i64::try_from(line.tokens.input).unwrap_or(0);
        row.output_tokens += i64::try_from(line.tokens.output).unwrap_or(0);
        row.cost.0 += line.cost.0;
        if line.outcome == Outcome::Ok {
            row.latency.add(line.duration_us as f64);
        }
        if let Some(first) = line.first_token_us {
            row.first_token.add(first as f64);
        }
        row.dirty = true;
    }

    /// Rows that changed since they were last written.
    pub fn dirty(&self) -> Vec<(RollupKey, Rollup)> {
        self.rows.iter().filter(|(_, row)| row.dirty).map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// The written rows are safe. Rows whose minute is over for good are let go (a late one would start a second row with a name of its own: see `jobs`).
    pub fn written(&mut self, keys: &[(RollupKey, Rollup)], now: Instant) {
        for (key, written) in keys {
            if let Some(row) = self.rows.get_mut(key)
                && row.requests == written.requests
            {
                row.dirty = false;
            }
        }
        let settled = now.minus(crate::types::Duration::MINUTE.times(30));
        self.rows.retain(|key, row| row.dirty || key.minute > settled);
    }
}
