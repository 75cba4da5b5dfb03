//! Issues: what is wrong, how bad it is, why it happened, what was done, and whether that helped.

use crate::types::{Duration, Id, Instant, word_enum};
use hypercare_stats::proportion::{Difference, newcombe};
use serde::{Deserialize, Serialize};

word_enum! {
    /// How bad it is.
    pub enum Severity {
        /// Harm, data at risk, or nothing works.
        Critical = "critical", "Critical";
        /// Many answers are wrong.
        High = "high", "High";
        /// Some answers are poor.
        Medium = "medium", "Medium";
        /// A nuisance.
        Low = "low", "Low";
    }
}

impl Severity {
    /// The class of its badge.
    pub const fn badge(self) -> &'static str {
        match self {
            Self::Critical => "badge bad",
            Self::High => "badge watch",
            Self::Medium => "badge info",
            Self::Low => "badge",
        }
    }

    /// One step worse.
    #[must_use]
    pub const fn raised(self) -> Self {
        match self {
            Self::Critical | Self::High => Self::Critical,
            Self::Medium => Self::High,
            Self::Low => Self::Medium,
        }
    }
}

word_enum! {
    /// How much hangs on it: users and revenue.
    pub enum Impact {
        /// Everyone, or revenue.
        Wide = "wide", "Most users or revenue";
        /// Some.
        Some = "some", "Some users";
        /// A few.
        Few = "few", "A few users";
    }
}

word_enum! {
    /// What sort of thing it is.
    pub enum Kind {
        /// Something is broken.
        Bug = "bug", "Bug";
        /// Too slow.
        Performance = "performance", "Performance";
        /// Something is missing.
        FeatureRequest = "feature_request", "Feature request";
        /// The model answers badly.
        ModelBehaviour = "model_behaviour", "Model behaviour";
        /// It forgets, or is told the wrong things.
        Context = "context", "Context";
        /// Harmful or private.
        Safety = "safety", "Safety";
        /// The knowledge it draws on is wrong.
        Data = "data", "Data";
    }
}

word_enum! {
    /// Where an issue stands.
    pub enum State {
        /// Nobody has it yet.
        Open = "open", "Open";
        /// Somebody looks for the cause.
        Investigating = "investigating", "Investigating";
        /// The cause is known, a fix is made.
        Fixing = "fixing", "Fixing";
        /// The fix is out; its metric is watched.
        Monitoring = "monitoring", "Watching the fix";
        /// Fixed, or nothing to fix.
        Closed = "closed", "Closed";
        /// Left as it is, on purpose.
        WontFix = "wont_fix", "Won’t fix";
    }
}

impl State {
    /// Whether it still needs somebody.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::WontFix)
    }

    /// Where it may go from here.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Open => &[Self::Investigating, Self::Fixing, Self::Monitoring, Self::Closed, Self::WontFix],
            Self::Investigating => &[Self::Fixing, Self::Monitoring, Self::Open, Self::Closed, Self::WontFix],
            Self::Fixing => &[Self::Monitoring, Self::Investigating, Self::Closed, Self::WontFix],
            Self::Monitoring => &[Self::Closed, Self::Fixing, Self::Investigating, Self::WontFix],
            Self::Closed | Self::WontFix => &[Self::Open, Self::Investigating],
        }
    }
}

word_enum! {
    /// Where the cause lies.
    pub enum CauseClass {
        /// What the model was told to do.
        Prompt = "prompt", "Prompt";
        /// What it was given to know.
        Context = "context", "Context";
        /// The model itself.
        Model = "model", "Model";
        /// The knowledge behind it.
        Data = "data", "Data";
        /// Everything it runs on.
        Infrastructure = "infrastructure", "Infrastructure";
    }
}

/// What was found out about the cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// What happened, in a sentence.
    pub what: String,
    /// Why, and why that, five times at most.
    #[serde(default)]
    pub whys: Vec<String>,
    /// Where the cause lies.
    pub class: CauseClass,
}

word_enum! {
    /// What kind of change a fix is.
    pub enum FixKind {
        /// A version of a prompt: `support@12`.
        PromptVersion = "prompt_version", "Prompt version";
        /// A change of a route: its name.
        RouteChange = "route_change", "Route change";
        /// Another model: its name at its provider.
        Model = "model", "Another model";
        /// Something released elsewhere.
        Release = "release", "Release elsewhere";
    }
}

/// What answers, as far as a problem can depend on it: a version of a prompt on a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Release {
    /// `support@12`; none where no prompt is used.
    pub prompt: Option<String>,
    /// The model's name at its provider.
    pub model: Option<String>,
}

impl Release {
    /// As people read it: `support@12 with gpt-4o`.
    pub fn label(&self) -> String {
        [self.prompt.as_deref(), self.model.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" with ")
    }
}

/// What was done about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// What kind of change.
    pub kind: FixKind,
    /// Which: `support@12`, a route, a model, or the name of a release.
    pub what: String,
    /// Since when it is out.
    pub at: Instant,
    /// Who said so.
    pub by: String,
    /// What it was proven on when the issue was closed: each prompt version and model that answered with the fix. Trouble on anything older, or on
    /// another model, is not this issue come back.
    #[serde(default)]
    pub proven_on: Vec<Release>,
}

word_enum! {
    /// The number that must move.
    pub enum Measure {
        /// Complaints of the issue's theme, of all calls.
        Theme = "theme", "Complaints of its theme per call";
        /// Complaints of a category, of all calls.
        Category = "category", "Complaints of a category per call";
        /// Thumbs down, of all thumbs.
        ThumbsDown = "thumbs_down", "Share of thumbs down";
        /// Flags, of all calls.
        Flags = "flags", "Flags per call";
        /// Failed calls, of all calls.
        Errors = "errors", "Share of failed calls";
    }
}

/// What must move, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Which number.
    pub measure: Measure,
    /// For [`Measure::Category`]: which.
    #[serde(default)]
    pub category: Option<String>,
    /// Only calls of this route; none means all.
    #[serde(default)]
    pub route: Option<String>,
    /// Only calls of this variant, so that those who never had the trouble do not water the comparison down; none means all.
    #[serde(default)]
    pub variant: Option<String>,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// With the trouble.
    pub hits: i64,
    /// In all.
    pub of: i64,
}

impl Share {
    /// 0 to 1; none without any.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }
}

word_enum! {
    /// What the numbers say about a fix.
    pub enum Outcome {
        /// Not enough has happened since.
        TooLittle = "too_little", "Too few calls yet";
        /// The interval holds both better and worse.
        Unclear = "unclear", "No clear difference yet";
        /// The whole interval is below zero.
        Better = "better", "Better";
        /// The whole interval is above zero.
        Worse = "worse", "Worse";
    }
}

/// Before and after a fix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Before the fix.
    pub before: Share,
    /// With the fix.
    pub after: Share,
    /// After minus before with its 95 % interval (Newcombe's hybrid score method), when both have enough.
    pub difference: Option<Difference>,
    /// In a word.
    pub outcome: Outcome,
    /// When this was computed.
    pub at: Instant,
}

/// Fewer than this many on a side say nothing.
pub const LEAST_CALLS: i64 = 20;

impl Verdict {
    /// Compares. Too few calls, or fewer than five troubles in all, are said to be too few rather than computed.
    pub fn of(before: Share, after: Share, at: Instant) -> Self {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let enough = before.of >= LEAST_CALLS && after.of >= LEAST_CALLS && before.hits + after.hits >= 5;
        let difference = if enough {
            newcombe((count(before.hits), count(before.of)), (count(after.hits), count(after.of)), 1.959_963_985)
        } else {
            None
        };
        let outcome = match &difference {
            None => Outcome::TooLittle,
            Some(d) if d.interval.1 < 0.0 => Outcome::Better,
            Some(d) if d.interval.0 > 0.0 => Outcome::Worse,
            Some(_) => Outcome::Unclear,
        };
        Self { before, after, difference, outcome, at }
    }

    /// In a sentence: `12.0 % of 200 calls without the fix, 4.0 % of 150 with it (−8.0 points, 95 % interval −12.1 to −4.0): better.`
    pub fn sentence(&self, of_what: &str) -> String {
        let percent = |share: Share| share.value().map_or_else(|| "no data".to_owned(), |v| format!("{:.1} %", v * 100.0));
        let points = |v: f64| format!("{}{:.1}", if v < 0.0 { "−" } else { "+" }, (v * 100.0).abs());
        let interval = self
            .difference
            .as_ref()
            .map(|d| format!(" ({} points, 95 % interval {} to {})", points(d.estimate), points(d.interval.0), points(d.interval.1)));
        format!(
            "{} of {} {of_what} without the fix, {} of {} with it{}: {}.",
            percent(self.before),
            self.before.of,
            percent(self.after),
            self.after.of,
            interval.unwrap_or_default(),
            self.outcome.label().to_lowercase()
        )
    }
}

/// What the public page says of an issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicNote {
    /// In words for users.
    pub title: String,
    /// What they can do meanwhile.
    #[serde(default)]
    pub workaround: String,
}

/// An issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// Id.
    pub id: Id,
    /// 1, 2, 3 …
    pub number: i64,
    /// In a line.
    pub title: String,
    /// In words.
    pub description: String,
    /// How bad.
    pub severity: Severity,
    /// How much hangs on it.
    pub impact: Impact,
    /// What sort of thing.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// Who has it: an address.
    pub owner: Option<String>,
    /// Who wants to hear of it: addresses.
    pub watchers: Vec<String>,
    /// When it was made.
    pub created_at: Instant,
    /// By whom.
    pub created_by: String,
    /// When it changed last.
    pub updated_at: Instant,
    /// When the trouble began, as far as known.
    pub started_at: Instant,
    /// When somebody took it.
    pub acknowledged_at: Option<Instant>,
    /// By when somebody should have taken it.
    pub due_at: Instant,
    /// When it was closed.
    pub closed_at: Option<Instant>,
    /// What it waits for; empty when nothing.
    pub blocked: String,
    /// The theme it came from.
    pub theme: Option<Id>,
    /// The alert it came from, as other systems name it.
    pub alert: Option<String>,
    /// Why it happened.
    pub cause: Option<Cause>,
    /// What was done.
    pub fix: Option<Fix>,
    /// What must move.
    pub metric: Option<Metric>,
    /// Whether it moved.
    pub verdict: Option<Verdict>,
    /// What users are told on the public page; none means nothing.
    pub public: Option<PublicNote>,
    /// Its page in another tracker.
    pub external_url: Option<String>,
    /// How many pieces of feedback belong to it.
    pub feedback: i64,
    /// Counts changes.
    pub revision: i64,
}

impl Issue {
    /// Whether nobody took it in time.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.state.is_open() && self.acknowledged_at.is_none() && now > self.due_at
    }

    /// Whether the numbers say that it can be closed.
    pub fn can_close(&self) -> bool {
        self.state == State::Monitoring && self.verdict.as_ref().is_some_and(|v| v.outcome == Outcome::Better)
    }
}

word_enum! {
    /// What a line of a timeline is.
    pub enum EventKind {
        /// It was made.
        Created = "created", "Created";
        /// A field changed.
        Changed = "changed", "Changed";
        /// A person's note.
        Note = "note", "Note";
        /// Feedback joined.
        Feedback = "feedback", "Feedback";
        /// Something it points to.
        Evidence = "evidence", "Evidence";
        /// Configuration changed near its start.
        Config = "config", "Configuration";
        /// What the numbers say.
        Verdict = "verdict", "Numbers";
        /// It came back.
        Regression = "regression", "Came back";
        /// People were told.
        Told = "told", "Reporters told";
        /// An alert began, or stopped.
        Alert = "alert", "Alert";
        /// From another tracker.
        External = "external", "Other tracker";
    }
}

/// A line of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Event {
    /// Id.
    pub id: Id,
    /// When.
    pub at: Instant,
    /// Who; `hypercare` for what it noticed itself.
    pub actor: String,
    /// What it is.
    pub kind: EventKind,
    /// In words.
    pub words: String,
    /// Where it leads: a path here, or an address elsewhere.
    pub link: Option<String>,
}

/// Which issues a list shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IssueFilter {
    /// `open` (the default), `closed`, `all`, or one state.
    pub state: Option<String>,
    /// By severity.
    pub severity: Option<String>,
    /// By type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// By owner; `me` is who asks, `none` nobody.
    pub owner: Option<String>,
    /// Words in the title.
    pub q: Option<String>,
}

/// How long feedback and issues of a severity may wait for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// Minutes.
    pub critical: u32,
    /// Minutes.
    pub high: u32,
    /// Minutes.
    pub medium: u32,
    /// Minutes.
    pub low: u32,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { critical: 15, high: 60, medium: 8 * 60, low: 24 * 60 }
    }
}

impl Clocks {
    /// How long that severity may wait.
    pub fn of(&self, severity: Severity) -> Duration {
        let minutes = match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        };
        Duration::MINUTE.times(i64::from(minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(hits: i64, of: i64) -> Share {
        Share { hits, of }
    }

    #[test]
    fn a_verdict_is_given_only_when_the_whole_interval_says_so() {
        let of = |before, after| Verdict::of(before, after, Instant(0)).outcome;
        assert_eq!(of(share(56, 70), share(48, 80)), Outcome::Better);
        assert_eq!(of(share(48, 80), share(56, 70)), Outcome::Worse);
        assert_eq!(of(share(9, 30), share(8, 30)), Outcome::Unclear);
        assert_eq!(of(share(9, 10), share(0, 1_000)), Outcome::TooLittle, "ten calls before are too few");
        assert_eq!(of(share(2, 100), share(1, 100)), Outcome::TooLittle, "three troubles are too few");
    }

    #[test]
    fn every_state_can_be_left_and_closed_ones_only_by_opening_again() {
        for state in State::ALL {
            assert!(!state.next().is_empty() && !state.next().contains(state));
            assert!(state.is_open() || state.next().iter().all(|next| next.is_open()));
        }
    }
}
