//! The request log and the numbers drawn from it.

use crate::types::{Id, Instant, Nanodollars};
use serde::{Deserialize, Serialize};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Outcome {
    /// A complete answer.
    Ok,
    /// The caller was told of an error.
    Error,
    /// The caller hung up before the end.
    ClientClosed,
}

/// A line of the request list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct RequestSummary {
    /// Our id.
    pub id: Id,
    /// The id the caller knows (`x-request-id`).
    pub request_id: String,
    /// When the call arrived.
    pub started_at: Instant,
    /// `chat.completions`, …
    pub endpoint: String,
    /// Route, when one was named.
    pub route: Option<String>,
    /// Variant that answered.
    pub variant: Option<String>,
    /// Provider that answered.
    pub provider: Option<String>,
    /// The provider's model.
    pub model: Option<String>,
    /// `name@version`.
    pub prompt: Option<String>,
    /// HTTP status given to the caller.
    pub status: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// Stable code of the error.
    pub error_code: Option<String>,
    /// Whether it was streamed.
    pub streamed: bool,
    /// Who asked, as the application names them.
    pub user_id: Option<String>,
    /// The conversation.
    pub session_id: Option<String>,
    /// From the first byte in to the last byte out, µs.
    pub duration_us: i64,
    /// Until the first content came from the provider, µs; streams only.
    pub first_token_us: Option<i64>,
    /// All input tokens.
    pub input_tokens: i64,
    /// All output tokens.
    pub output_tokens: i64,
    /// What it cost.
    pub cost: Nanodollars,
    /// The beginning of what the user said last.
    pub preview: Option<String>,
    /// Something harmful or private was reported about it, and the reader is not of the safety team: what was said is left out.
    #[serde(default)]
    #[cfg_attr(feature = "server", sqlx(default))]
    pub restricted: bool,
}

/// One try at one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Status answered, when there was an answer.
    pub status: Option<u16>,
    /// Stable code of what went wrong.
    pub error: Option<String>,
    /// How long it took, µs.
    pub duration_us: i64,
}

/// Everything known about one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestDetail {
    /// The line of the list.
    #[serde(flatten)]
    pub summary: RequestSummary,
    /// Name of the key it came with.
    pub key_name: Option<String>,
    /// Where it came from.
    pub source_ip: Option<String>,
    /// What the client says it is.
    pub user_agent: Option<String>,
    /// What the application added, as JSON.
    pub metadata: serde_json::Value,
    /// The call it is a copy of, for shadow traffic.
    pub shadow_of: Option<Id>,
    /// The sentence of the error.
    pub error_message: Option<String>,
    /// Every try.
    pub attempts: Vec<Attempt>,
    /// Time spent here and not upstream, until the first byte went out, µs.
    pub overhead_us: i64,
    /// Input tokens the provider read from its cache.
    pub cached_input_tokens: i64,
    /// Input tokens the provider wrote to its cache.
    pub cache_write_tokens: i64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: i64,
    /// Input tokens that are sound.
    pub audio_input_tokens: i64,
    /// Output tokens that are sound.
    pub audio_output_tokens: i64,
    /// How the provider served the call, where that is not as usual: `flex`, `priority`, `ultrafast`.
    pub tier: Option<String>,
    /// Whether the provider gave no tokens and they are our estimate.
    pub estimated: bool,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Probability of the answer, where the model gives it: exp of the mean log-probability of its tokens.
    pub confidence: Option<f64>,
    /// The provider's own id of the call.
    pub upstream_id: Option<String>,
    /// The body as the caller sent it.
    pub request_body: Option<String>,
    /// The body as the provider got it.
    pub upstream_body: Option<String>,
    /// The answer: JSON, or the text gathered from a stream.
    pub response_body: Option<String>,
    /// The text of the answer.
    pub response_text: Option<String>,
}

/// Which requests a list shows; every part narrows. The same in the URL of the page and of the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestFilter {
    /// By route.
    #[serde(default)]
    pub route: Option<String>,
    /// By variant.
    #[serde(default)]
    pub variant: Option<String>,
    /// `ok` or `error` (which includes hung-up calls).
    #[serde(default)]
    pub status: Option<String>,
    /// By user.
    #[serde(default)]
    pub user: Option<String>,
    /// By conversation.
    #[serde(default)]
    pub session: Option<String>,
    /// By prompt `name@version`.
    #[serde(default)]
    pub prompt: Option<String>,
    /// By request id (exact) or our id.
    #[serde(default)]
    pub id: Option<String>,
}

/// The span a chart or tile covers: `?range=1h|6h|24h|7d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// The last hour, by minute.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// Six hours, by five minutes.
    #[serde(rename = "6h")]
    SixHours,
    /// A day, by fifteen minutes.
    #[serde(rename = "24h")]
    Day,
    /// A week, by two hours.
    #[serde(rename = "7d")]
    Week,
}

impl Range {
    /// Every range, shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::SixHours, Self::Day, Self::Week];

    /// The word in the URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// The words on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "Last hour",
            Self::SixHours => "Last 6 hours",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
        }
    }

    /// The range of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == word)
    }

    /// Length in minutes.
    pub const fn minutes(self) -> i64 {
        match self {
            Self::Hour => 60,
            Self::SixHours => 360,
            Self::Day => 1_440,
            Self::Week => 10_080,
        }
    }

    /// Length of one point in minutes.
    pub const fn step_minutes(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::SixHours => 5,
            Self::Day => 15,
            Self::Week => 120,
        }
    }
}

/// Sums over a span of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Calls.
    pub requests: i64,
    /// Calls that ended in an error told to the caller (hung-up calls are not errors).
    pub errors: i64,
    /// Input tokens.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Cost.
    pub cost: Nanodollars,
    /// Median duration, µs (DDSketch, 1 % relative error).
    pub latency_p50_us: Option<f64>,
    /// 95th percentile of duration, µs.
    pub latency_p95_us: Option<f64>,
    /// 95th percentile of time to first token, µs; streams only.
    pub first_token_p95_us: Option<f64>,
    /// 👍.
    pub feedback_up: i64,
    /// 👎.
    pub feedback_down: i64,
    /// Flags of any kind.
    pub flags: i64,
}

impl Totals {
    /// Share of calls with an error, 0 to 1; `None` without calls.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn error_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }

    /// Share of 👍 among thumbs, 0 to 1; `None` without thumbs.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn thumbs_up_share(&self) -> Option<f64> {
        let thumbs = self.feedback_up + self.feedback_down;
        (thumbs > 0).then(|| self.feedback_up as f64 / thumbs as f64)
    }
}

/// How a version of a prompt did over a range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionNumbers {
    /// The version.
    pub version: u32,
    /// Sums over the range.
    pub totals: Totals,
    /// Calls per step, oldest first.
    pub requests: Vec<i64>,
    /// What users complained of, the most frequent first.
    pub categories: Vec<(String, i64)>,
}

/// One point of a chart: a span of time, all variants together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Start of the span.
    pub at: Instant,
    /// Sums over it.
    pub totals: Totals,
}

/// A line of the traffic chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantSeries {
    /// Route.
    pub route: String,
    /// Variant.
    pub variant: String,
    /// Place of the variant in its route: its colour everywhere.
    pub colour: usize,
    /// Calls per point, aligned with `Overview::points`.
    pub requests: Vec<i64>,
    /// Sums over the range.
    pub totals: Totals,
}

/// Something that happened at a time and may explain a bend in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// When.
    pub at: Instant,
    /// What, in a few words: `split 90/10 → 75/25`.
    pub label: String,
}

/// What the overview shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// When it was computed.
    pub at: Instant,
    /// The span.
    pub range: Range,
    /// Sums over the span.
    pub now: Totals,
    /// Sums over the span of the same length before it, for the change.
    pub before: Totals,
    /// Points, oldest first, without gaps.
    pub points: Vec<Point>,
    /// Traffic by variant, busiest first.
    pub variants: Vec<VariantSeries>,
    /// Changes within the span.
    pub markers: Vec<Marker>,
}

/// Sent once a second on the live stream (`event: metrics`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveMetrics {
    /// When.
    pub at: Instant,
    /// Calls in the last 60 seconds.
    pub requests_per_minute: i64,
    /// The newest point of the last hour's chart (it grows until its minute is over).
    pub point: Point,
    /// Calls in that minute by (route, variant).
    pub by_variant: Vec<(String, String, i64)>,
    /// Sums over the last hour.
    pub hour: Totals,
}
