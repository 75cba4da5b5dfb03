//! Routes, variants and the split of traffic between them.

use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what the split is sticky.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum StickyBy {
    /// One person always sees the same variant.
    #[default]
    User,
    /// One conversation always sees the same variant.
    Session,
    /// Every call is drawn anew.
    Request,
}

impl StickyBy {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Request => "request",
        }
    }
}

/// One arm of a route: provider × model × prompt version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Unique within the route.
    pub name: String,
    /// Any non-negative number; the share is weight / sum.
    pub weight: f64,
    /// The provider's name.
    pub provider: String,
    /// The provider's model.
    pub model: String,
    /// `name@label` or `name@version`; none sends the caller's messages as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// Where a call goes when the variant's target fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The provider's name.
    pub provider: String,
    /// The provider's model.
    pub model: String,
}

/// What counts as a failure worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailoverOn {
    /// A status of 500 or above.
    #[serde(rename = "5xx")]
    ServerError,
    /// Status 429.
    #[serde(rename = "429")]
    RateLimited,
    /// A time limit passed.
    #[serde(rename = "timeout")]
    Timeout,
    /// No connection.
    #[serde(rename = "connect")]
    Connect,
    /// A stream broke before its first token.
    #[serde(rename = "stream_before_first_token")]
    StreamBeforeFirstToken,
}

impl FailoverOn {
    /// Every cause.
    pub const ALL: [Self; 5] = [Self::ServerError, Self::RateLimited, Self::Timeout, Self::Connect, Self::StreamBeforeFirstToken];
}

/// What happens when a target fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Failover {
    /// Tried in order after the variant's own target.
    pub targets: Vec<Target>,
    /// Further tries per target, with jittered back-off.
    pub retries: u32,
    /// On what.
    pub on: Vec<FailoverOn>,
    /// How long a call may take until its answer begins, all tries together, in milliseconds; none: as long as the tries may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
}

impl Default for Failover {
    fn default() -> Self {
        Self { targets: Vec::new(), retries: 1, on: FailoverOn::ALL.to_vec(), total_ms: None }
    }
}

/// How a variant is chosen for a call that no rule claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choose {
    /// By weight, sticky.
    #[default]
    Split,
    /// The one whose target answers soonest now (peak-EWMA), of those with a weight above 0.
    LeastLatency,
    /// The one that costs least for a call of this size, of those with a weight above 0.
    Cheapest,
}

/// What becomes of a call whose caller hangs up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnHangUp {
    /// The provider is told to stop at once.
    #[default]
    Cancel,
    /// The answer is read to its end, for the log.
    Finish,
}

/// Sends the calls it applies to to one variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A condition in CEL (Common Expression Language) over `user`, `session`, `metadata`, `key`, `tokens`, `stream` and `now`.
    pub when: String,
    /// The variant.
    pub variant: String,
}

/// How a route treats its calls, beside the split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// How a variant is chosen.
    pub choose: Choose,
    /// Asked first, in order; the first that applies wins.
    pub rules: Vec<Rule>,
    /// Variants that also get a copy of every call, whose answers only the log sees.
    pub shadow: Vec<String>,
    /// What becomes of a call whose caller hangs up.
    pub on_hang_up: OnHangUp,
    /// Whether the log keeps what was said; without it only numbers and names.
    pub log_bodies: bool,
    /// Whether what a provider cannot be told is left out, instead of refusing the call.
    pub drop_unsupported: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            choose: Choose::default(),
            rules: Vec::new(),
            shadow: Vec::new(),
            on_hang_up: OnHangUp::default(),
            log_bodies: true,
            drop_unsupported: false,
        }
    }
}

/// A route as somebody writes it: in a form, over REST, in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteDraft {
    /// What a client sends as `model`.
    #[serde(default)]
    pub name: String,
    /// By what the split is sticky.
    #[serde(default)]
    pub sticky_by: StickyBy,
    /// How a variant is chosen.
    #[serde(default)]
    pub choose: Choose,
    /// Asked first, in order; the first that applies wins.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Variants that also get a copy of every call.
    #[serde(default)]
    pub shadow: Vec<String>,
    /// What becomes of a call whose caller hangs up.
    #[serde(default)]
    pub on_hang_up: OnHangUp,
    /// Whether the log keeps what was said.
    #[serde(default = "yes")]
    pub log_bodies: bool,
    /// Whether what a provider cannot be told is left out, instead of refusing the call.
    #[serde(default)]
    pub drop_unsupported: bool,
    /// The arms.
    pub variants: Vec<Variant>,
    /// What happens when a target fails.
    #[serde(default)]
    pub failover: Failover,
}

fn yes() -> bool {
    true
}

impl RouteDraft {
    /// How the route treats its calls.
    pub fn options(&self) -> Options {
        Options {
            choose: self.choose,
            rules: self.rules.clone(),
            shadow: self.shadow.clone(),
            on_hang_up: self.on_hang_up,
            log_bodies: self.log_bodies,
            drop_unsupported: self.drop_unsupported,
        }
    }
}

impl From<Route> for RouteDraft {
    fn from(route: Route) -> Self {
        let Options { choose, rules, shadow, on_hang_up, log_bodies, drop_unsupported } = route.options;
        let Route { name, sticky_by, variants, failover, .. } = route;
        Self { name, sticky_by, choose, rules, shadow, on_hang_up, log_bodies, drop_unsupported, variants, failover }
    }
}

/// A public model name and where its calls go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Id.
    pub id: Id,
    /// What a client sends as `model`.
    pub name: String,
    /// By what the split is sticky.
    pub sticky_by: StickyBy,
    /// The arms, in a stable order (their colours follow it).
    pub variants: Vec<Variant>,
    /// What happens when a target fails.
    pub failover: Failover,
    /// How it treats its calls.
    #[serde(flatten)]
    pub options: Options,
    /// Grows by one with every change; the `ETag`.
    pub revision: i64,
    /// When it changed last.
    pub updated_at: Instant,
    /// Who changed it last.
    pub updated_by: String,
}

/// A change of a route's split, newest first in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitChange {
    /// The route's revision after it.
    pub revision: i64,
    /// When.
    pub at: Instant,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Weights before: (variant, weight).
    pub before: Vec<(String, f64)>,
    /// Weights after.
    pub after: Vec<(String, f64)>,
}

/// How far a change to come is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum ScheduleState {
    /// Its time has not come.
    Waiting,
    /// It is in force, or was.
    Done,
    /// It could not be put into force.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

/// A change of a split at a time to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledSplit {
    /// Id.
    pub id: Id,
    /// The route's name.
    pub route: String,
    /// When it comes into force.
    pub due_at: Instant,
    /// Weights by variant.
    pub weights: BTreeMap<String, f64>,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Instant,
    /// How far it is.
    pub state: ScheduleState,
    /// Why it failed, or who called it off.
    pub outcome: String,
}

/// Shares in percent that sum to exactly 100.00 (largest remainder, two decimals), in the order given. All zero when no weight is positive.
pub fn shares(weights: &[f64]) -> Vec<f64> {
    quotas(weights, 10_000).into_iter().map(|n| f64::from(n) / 100.0).collect()
}

/// Divides `seats` by weight: largest remainder (Hamilton), ties to the earlier one, and every positive weight gets at least one seat.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "quotas lie between 0 and `seats`")]
pub fn quotas(weights: &[f64], seats: u32) -> Vec<u32> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 || !sum.is_finite() {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights.iter().map(|w| w / sum * f64::from(seats)).collect();
    let mut given: Vec<u32> = exact.iter().map(|q| (*q as u32).max(u32::from(*q > 0.0))).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|i| exact[*i] > 0.0).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let mut total: u32 = given.iter().sum();
    for i in order.iter().cycle() {
        if total >= seats {
            break;
        }
        given[*i] += 1;
        total += 1;
    }
    while total > seats {
        // Only the guarantee of one seat can overshoot; the largest arm pays for it.
        if let Some(largest) = (0..given.len()).max_by_key(|i| given[*i]) {
            given[largest] -= 1;
            total -= 1;
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_hundred() {
        let thirds = shares(&[1.0, 1.0, 1.0]);
        assert!((thirds.iter().sum::<f64>() - 100.0).abs() < 1e-9, "{thirds:?}");
        assert_eq!(shares(&[90.0, 10.0]), [90.0, 10.0]);
        assert_eq!(shares(&[0.0, 0.0]), [0.0, 0.0]);
        assert_eq!(shares(&[1e9, 1e-9]), [99.99, 0.01], "a positive weight is never rounded to nothing");
    }
}
