//! Counters and histograms for scrapers: everything this process has seen since it started, counted where calls are packed, off the hot path.

use super::model::Outcome;
use super::record::Row;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

/// Upper bounds of the buckets, in seconds: from what a cache takes to what a long answer takes.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
/// Upper bounds of the time spent here, in seconds.
const OWN_BOUNDS: [f64; 10] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25];
/// Combinations of names counted apart; beyond them calls are counted as `other`, so that a scrape stays small.
const MOST: usize = 2_000;

/// How many values lay at or below each bound, how many there were, and their sum.
#[derive(Clone, Debug)]
struct Histogram<const N: usize> {
    counts: [u64; N],
    all: u64,
    sum: f64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { counts: [0; N], all: 0, sum: 0.0 }
    }
}

impl<const N: usize> Histogram<N> {
    fn add(&mut self, bounds: &[f64; N], seconds: f64) {
        // Only the first bucket that holds it; they are summed up when they are written.
        if let Some(place) = bounds.iter().position(|bound| seconds <= *bound) {
            self.counts[place] += 1;
        }
        self.all += 1;
        self.sum += seconds;
    }

    fn write(&self, out: &mut String, name: &str, labels: &str, bounds: &[f64; N]) -> fmt::Result {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut so_far = 0;
        for (bound, count) in bounds.iter().zip(self.counts) {
            so_far += count;
            writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {so_far}")?;
        }
        writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", self.all)?;
        writeln!(out, "{name}_sum{{{labels}}} {}", self.sum)?;
        writeln!(out, "{name}_count{{{labels}}} {}", self.all)
    }
}

/// The names a call is counted under. Only configured ones: what a caller makes up is `direct`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Names {
    route: String,
    variant: String,
    provider: String,
    model: String,
}

impl Names {
    fn of(row: &Row) -> Self {
        let names = &row.kind.names;
        let text = |name: &Option<Arc<str>>| name.as_deref().unwrap_or_default().to_owned();
        let aside = ["shadow.", "playground."].into_iter().find(|start| names.endpoint.starts_with(start));
        match (&names.route, aside) {
            (Some(_), None) => Self {
                route: text(&names.route),
                variant: text(&names.variant),
                provider: text(&names.provider),
                model: text(&names.model),
            },
            (_, aside) => {
                let route = aside.map_or("direct", |start| start.trim_end_matches('.')).to_owned();
                Self { route, variant: String::new(), provider: text(&names.provider), model: String::new() }
            }
        }
    }

    fn other() -> Self {
        Self { route: "other".to_owned(), variant: String::new(), provider: String::new(), model: String::new() }
    }

    fn labels(&self) -> String {
        let Self { route, variant, provider, model } = self;
        let label = super::prometheus::label;
        format!("route=\"{}\",variant=\"{}\",provider=\"{}\",model=\"{}\"", label(route), label(variant), label(provider), label(model))
    }
}

#[derive(Clone, Debug, Default)]
struct Series {
    /// Calls by status.
    by_status: BTreeMap<i64, u64>,
    input_tokens: i64,
    output_tokens: i64,
    cached_tokens: u64,
    nanodollars: i64,
    duration: Histogram<14>,
    first_token: Histogram<14>,
}

#[derive(Debug, Default)]
struct Inner {
    series: Vec<(Names, Series)>,
    by_names: HashMap<Names, usize>,
    /// The series of kinds seen before, so that no names are put together for each call.
    by_kind: HashMap<i64, usize>,
    own: Histogram<10>,
}

impl Inner {
    fn learn(&mut self, row: &Row) -> usize {
        let mut names = Names::of(row);
        if self.series.len() >= MOST && !self.by_names.contains_key(&names) {
            names = Names::other();
        }
        let place = self.by_names.get(&names).copied().unwrap_or_else(|| {
            self.series.push((names.clone(), Series::default()));
            self.by_names.insert(names, self.series.len() - 1);
            self.series.len() - 1
        });
        // Keys for direct use name models as they like: what is remembered is bounded, too.
        if self.by_kind.len() >= 10 * MOST {
            self.by_kind.clear();
        }
        self.by_kind.insert(row.kind.id, place);
        place
    }

    fn add(&mut self, row: &Row) {
        self.own.add(&OWN_BOUNDS, seconds(row.overhead_us));
        let place = match self.by_kind.get(&row.kind.id) {
            Some(place) => *place,
            None => self.learn(row),
        };
        let Some((_, series)) = self.series.get_mut(place) else { return };
        *series.by_status.entry(row.status).or_default() += 1;
        series.input_tokens += row.input_tokens;
        series.output_tokens += row.output_tokens;
        series.cached_tokens += row.cached_input_tokens;
        series.nanodollars += row.cost.0;
        if row.outcome == Outcome::Ok {
            series.duration.add(&BOUNDS, seconds(row.duration_us));
        }
        if let Some(first) = row.first_token_us {
            series.first_token.add(&BOUNDS, seconds(first));
        }
    }
}

/// Everything counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Inner>);

#[expect(clippy::cast_precision_loss, reason = "microseconds of a call and amounts are far below 2^52")]
fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

impl Counters {
    /// Counts calls.
    pub(super) fn add(&self, rows: &[Row]) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            inner.add(row);
        }
    }

    /// All series in Prometheus' text format.
    pub fn write(&self, out: &mut String) -> fmt::Result {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(String, &Series)> = inner.series.iter().map(|(names, series)| (names.labels(), series)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        head(out, "hypercare_requests_total", "counter", "Calls by where they went and how they were answered (499: the caller hung up).")?;
        for (labels, series) in &all {
            for (status, n) in &series.by_status {
                writeln!(out, "hypercare_requests_total{{{labels},status=\"{status}\"}} {n}")?;
            }
        }
        head(out, "hypercare_tokens_total", "counter", "Tokens by kind; cached ones are among the input.")?;
        for (labels, series) in &all {
            let cached = i64::try_from(series.cached_tokens).unwrap_or(i64::MAX);
            for (kind, n) in [("input", series.input_tokens), ("output", series.output_tokens), ("cached_input", cached)] {
                writeln!(out, "hypercare_tokens_total{{{labels},kind=\"{kind}\"}} {n}")?;
            }
        }
        head(out, "hypercare_cost_usd_total", "counter", "What calls cost by the prices in force, US dollars.")?;
        for (labels, series) in &all {
            writeln!(out, "hypercare_cost_usd_total{{{labels}}} {}", crate::types::Nanodollars(series.nanodollars).usd())?;
        }
        head(out, "hypercare_request_duration_seconds", "histogram", "From the first byte of a call to the last of its good answer.")?;
        for (labels, series) in &all {
            series.duration.write(out, "hypercare_request_duration_seconds", labels, &BOUNDS)?;
        }
        head(
            out,
            "hypercare_time_to_first_token_seconds",
            "histogram",
            "From the first byte of a call to the first content of its stream.",
        )?;
        for (labels, series) in all.iter().filter(|(_, series)| series.first_token.all > 0) {
            series.first_token.write(out, "hypercare_time_to_first_token_seconds", labels, &BOUNDS)?;
        }
        head(out, "hypercare_overhead_seconds", "histogram", "Time spent here and not at the provider; on streams until the first byte.")?;
        inner.own.write(out, "hypercare_overhead_seconds", "", &OWN_BOUNDS)
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_as_the_text_format_wants() {
        let mut histogram = Histogram::<3>::default();
        let bounds = [0.1, 1.0, 10.0];
        for seconds in [0.05, 0.1, 5.0, 50.0] {
            histogram.add(&bounds, seconds);
        }
        let mut out = String::new();
        histogram.write(&mut out, "x", "a=\"b\"", &bounds).expect("text");
        let told = "x_bucket{a=\"b\",le=\"0.1\"} 2\nx_bucket{a=\"b\",le=\"1\"} 2\nx_bucket{a=\"b\",le=\"10\"} 3\nx_bucket{a=\"b\",le=\"+Inf\"} 4\nx_sum{a=\"b\"} 55.15\nx_count{a=\"b\"} 4\n";
        assert_eq!(out, told);
    }
}
