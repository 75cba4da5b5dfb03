//! Where a call may go, in order.

use super::clock::steady;
use super::error::GatewayError;
use super::request::CallContext;
use super::snapshot::{KeyEntry, RouteEntry, Snapshot, TargetEntry, VariantEntry};
use crate::routing::allocation::{BUCKETS, bucket};
use crate::routing::model::{Choose, FailoverOn, StickyBy};
use crate::routing::rules::Facts;
use crate::types::Instant;
use rand::RngExt as _;
use std::sync::Arc;
use std::time::Instant as Tick;

/// What a call asks for, as far as its way depends on it.
pub(super) struct Wanted<'w> {
    pub model: &'w str,
    pub context: &'w CallContext,
    /// Bytes of the body.
    pub size: usize,
    pub stream: bool,
    pub now: Instant,
}

impl Wanted<'_> {
    /// About how many tokens the call brings.
    fn tokens(&self) -> u64 {
        self.size as u64 / 4
    }
}

/// Where a call may go, in order.
pub(super) struct Plan<'s> {
    pub route: Option<&'s Arc<RouteEntry>>,
    pub variant: Option<&'s VariantEntry>,
    direct: Option<TargetEntry>,
    /// Further variants of a route that chooses by latency or cost: each stands in for the others.
    others: Vec<&'s TargetEntry>,
}

impl<'s> Plan<'s> {
    /// The way of a call of that key.
    pub fn new(snapshot: &'s Snapshot, key: &KeyEntry, wanted: &Wanted<'_>) -> Result<Self, GatewayError> {
        let model = wanted.model;
        if let Some(route) = snapshot.route(model).filter(|_| key.may_call(model)) {
            return Ok(Self::on(route, key, wanted));
        }
        if key.routes.is_empty()
            && let Some(direct) = snapshot.direct(model)
        {
            return Ok(Self { route: None, variant: None, direct: Some(direct), others: Vec::new() });
        }
        let mut names: Vec<(f64, String)> =
            snapshot.routes_of(key).iter().map(|r| (strsim::jaro_winkler(model, &r.label.text), r.label.text.to_string())).collect();
        names.sort_by(|a, b| b.0.total_cmp(&a.0));
        let nearest: Vec<String> =
            names.into_iter().take(3).filter(|(score, _)| *score > 0.6).map(|(_, name)| format!("`{name}`")).collect();
        Err(GatewayError::model_not_found(model, &nearest))
    }

    fn on(route: &'s Arc<RouteEntry>, key: &KeyEntry, wanted: &Wanted<'_>) -> Self {
        let (place, others) = match ruled(route, key, wanted) {
            Some(place) => (place, Vec::new()),
            None if route.choose == Choose::Split => (usize::from(route.buckets[bucket_of(route, wanted.context) as usize]), Vec::new()),
            None => best_first(route, wanted),
        };
        Self { route: Some(route), variant: route.variants.get(place), direct: None, others }
    }

    /// The copy a shadow variant gets: one try, nowhere else.
    pub fn shadow(variant: &'s VariantEntry) -> Self {
        Self { route: None, variant: Some(variant), direct: None, others: Vec::new() }
    }

    /// Its targets, the first one first.
    pub fn targets(&self) -> impl Iterator<Item = &TargetEntry> {
        let own = self.variant.map(|v| &v.target).or(self.direct.as_ref());
        own.into_iter().chain(self.others.iter().copied()).chain(self.route.iter().flat_map(|r| &r.failover))
    }

    /// Further tries at the same target.
    pub fn retries(&self) -> u32 {
        self.route.map_or(0, |r| r.retries)
    }

    /// Whether the route goes on after a failure of that kind.
    pub fn goes_on_after(&self, cause: FailoverOn) -> bool {
        self.route.is_some_and(|route| route.on.contains(&cause))
    }
}

/// The variant of the first rule that applies.
fn ruled(route: &RouteEntry, key: &KeyEntry, wanted: &Wanted<'_>) -> Option<usize> {
    if route.rules.is_empty() {
        return None;
    }
    let context = wanted.context;
    let facts = Facts {
        user: context.user.as_deref().unwrap_or_default(),
        session: context.session.as_deref().unwrap_or_default(),
        metadata: context.metadata.as_ref().map_or("", |raw| raw.get()),
        key: &key.name,
        tokens: wanted.tokens(),
        stream: wanted.stream,
        now: wanted.now,
    };
    route.rules.iter().find(|(condition, _)| condition.applies(&facts)).map(|(_, place)| *place)
}

fn bucket_of(route: &RouteEntry, context: &CallContext) -> u32 {
    let unit = match route.sticky_by {
        StickyBy::User => context.user.as_deref(),
        StickyBy::Session => context.session.as_deref(),
        StickyBy::Request => None,
    };
    match unit {
        Some(unit) => bucket(&route.id, unit),
        None => rand::rng().random_range(0..BUCKETS),
    }
}

/// The best variant and the targets of the others, best first; what is out of order comes last.
fn best_first<'s>(route: &'s RouteEntry, wanted: &Wanted<'_>) -> (usize, Vec<&'s TargetEntry>) {
    let now = steady(Tick::now());
    let mut order: Vec<(bool, f64, usize)> = (route.variants.iter().enumerate())
        .filter(|(_, variant)| variant.weight > 0.0)
        .map(|(place, variant)| {
            let target = &variant.target;
            let measure = match route.choose {
                Choose::Cheapest => target.cost_of(wanted.tokens()),
                Choose::Split | Choose::LeastLatency => target.vitals.latency.load(now),
            };
            (target.is_out(now), measure, place)
        })
        .collect();
    order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let best = order.first().map_or(0, |(_, _, place)| *place);
    (best, order.iter().skip(1).map(|(_, _, place)| &route.variants[*place].target).collect())
}
