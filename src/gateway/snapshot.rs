//! All configuration the hot path needs, immutable, swapped as a whole.

use super::breaker::Health;
use super::clock::steady;
use super::endpoint::Endpoints;
use super::upstream::Provider;
use super::vitals::Vitals;
use crate::catalog::builtin;
use crate::catalog::model::Price;
use crate::identity::crypto::{digest, digest_from_text};
use crate::identity::model::{KeyLimits, Scope};
use crate::prompts::model::{Pin, PromptRef};
use crate::prompts::render::CompiledPrompt;
use crate::routing::allocation::{self, Runs};
use crate::routing::model::{Choose, Failover, FailoverOn, OnHangUp, Route, StickyBy, Variant};
use crate::routing::rules::Condition;
use crate::server::App;
use crate::server::threads::{PerThread, SharedText};
use crate::types::Fault;
use axum::http::HeaderValue;
use hypercare_wire::usage::Usage;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant as Tick};

/// A key as the hot path sees it.
#[derive(Debug)]
pub struct KeyEntry {
    /// Its name.
    pub name: String,
    /// The name again, to be shared with log records.
    pub(crate) shared_name: SharedText,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Routes it may call; empty: all, and `provider/model` directly.
    pub routes: BTreeSet<String>,
    /// Its limits.
    pub limits: KeyLimits,
}

impl KeyEntry {
    /// Whether it may call this route.
    pub fn may_call(&self, route: &str) -> bool {
        self.routes.is_empty() || self.routes.contains(route)
    }
}

/// A name as log records share it and as a header gives it.
#[derive(Debug)]
pub(crate) struct Label {
    pub text: SharedText,
    header: HeaderValue,
    headers: PerThread<HeaderValue>,
}

impl Label {
    pub fn new(text: &str) -> Self {
        // A name that no header can hold (not ASCII) is given percent-encoded there.
        let header = HeaderValue::from_str(text).ok().filter(|_| text.is_ascii()).unwrap_or_else(|| {
            let encoded: String = text
                .bytes()
                .map(|b| if b.is_ascii_graphic() && b != b'%' { char::from(b).to_string() } else { format!("%{b:02X}") })
                .collect();
            HeaderValue::from_str(&encoded).unwrap_or(HeaderValue::from_static("?"))
        });
        Self { text: text.into(), header, headers: PerThread::default() }
    }

    /// As a header gives it.
    pub fn header(&self) -> HeaderValue {
        // Bytes of its own: a clone would count with all others.
        let own = || HeaderValue::from_bytes(self.header.as_bytes()).unwrap_or_else(|_| self.header.clone());
        self.headers.get(own).clone()
    }
}

/// A provider and a model: where a call can go.
pub(crate) struct TargetEntry {
    pub provider: Arc<Provider>,
    pub model: Label,
    pub price: Option<Arc<Price>>,
    pub max_output_tokens: Option<u32>,
    pub vitals: Arc<Vitals>,
}

impl TargetEntry {
    fn health(&self, now: i64) -> TargetHealth {
        let Vitals { breaker, latency, .. } = &*self.vitals;
        TargetHealth {
            breaker: breaker.health(now),
            draining: self.provider.draining,
            waiting: latency.waiting(),
            latency_us: latency.average(),
        }
    }

    /// Whether it gets no calls now.
    pub fn is_out(&self, now: i64) -> bool {
        self.provider.draining || matches!(self.vitals.breaker.health(now), Health::Open(_))
    }

    /// What a call with so much input and an answer of [`USUAL_ANSWER`] tokens costs, in nanodollars; without a price more than anything.
    #[expect(clippy::cast_precision_loss, reason = "amounts far below 2^52")]
    pub fn cost_of(&self, input: u64) -> f64 {
        let tokens = Usage { input, output: USUAL_ANSWER, ..Usage::default() };
        self.price.as_ref().map_or(f64::INFINITY, |price| price.cost(tokens).0 as f64)
    }
}

/// Tokens of a usual answer, to compare prices by.
const USUAL_ANSWER: u64 = 300;

/// One arm of a route.
pub(crate) struct VariantEntry {
    pub label: Label,
    pub weight: f64,
    pub target: TargetEntry,
    pub prompt: Option<(Arc<CompiledPrompt>, Label)>,
}

/// A route.
pub(crate) struct RouteEntry {
    pub id: String,
    pub label: Label,
    pub sticky_by: StickyBy,
    pub variants: Vec<VariantEntry>,
    /// The variant of each of the ten thousand buckets.
    pub buckets: Vec<u16>,
    pub failover: Vec<TargetEntry>,
    pub retries: u32,
    pub on: Vec<FailoverOn>,
    /// How long a call may take until its answer begins.
    pub total: Option<Duration>,
    pub choose: Choose,
    /// Conditions and the places of their variants.
    pub rules: Vec<(Condition, usize)>,
    /// Places of the variants that get a copy.
    pub shadow: Vec<usize>,
    pub on_hang_up: OnHangUp,
    pub log_bodies: bool,
    pub drop_unsupported: bool,
    pub updated_at: crate::types::Instant,
}

/// How a target is doing, as this server sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetHealth {
    /// Its circuit breaker.
    pub breaker: Health,
    /// Whether it gets no new calls.
    pub draining: bool,
    /// Calls that wait for its answer to begin.
    pub waiting: u32,
    /// How long its answers took to begin lately, µs; peaks count at once.
    pub latency_us: Option<f64>,
}

/// What is known of a model.
#[derive(Clone, Debug, Default)]
struct ModelFacts {
    price: Option<Arc<Price>>,
    max_output_tokens: Option<u32>,
}

/// A version in force, and which versions of shared texts went into it: (reference, version).
#[derive(Clone)]
struct PromptEntry {
    compiled: Arc<CompiledPrompt>,
    shared: Vec<(String, i64)>,
}

/// Where every label points: (prompt, label) → version.
type Pointers = HashMap<(String, String), i64>;

/// The configuration in force.
pub struct Snapshot {
    version: i64,
    endpoints: Endpoints,
    finishes: bool,
    keys: HashMap<[u8; 32], Arc<KeyEntry>>,
    routes: HashMap<String, Arc<RouteEntry>>,
    providers: HashMap<String, Arc<Provider>>,
    models: HashMap<(String, String), ModelFacts>,
    /// Versions that routes use, by `name@version`.
    prompts: HashMap<String, PromptEntry>,
}

impl Default for Snapshot {
    fn default() -> Self {
        let (keys, routes, providers, models, prompts) = Default::default();
        Self { version: 0, endpoints: Endpoints::default(), finishes: false, keys, routes, providers, models, prompts }
    }
}

impl Snapshot {
    /// The version it was loaded at.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The key of this secret.
    pub fn key(&self, secret: &str) -> Option<&Arc<KeyEntry>> {
        self.keys.get(&digest(secret))
    }

    /// The names of endpoints, to be shared with log records.
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Whether any route finishes calls whose callers hang up.
    pub(crate) fn finishes(&self) -> bool {
        self.finishes
    }

    pub(crate) fn route(&self, name: &str) -> Option<&Arc<RouteEntry>> {
        self.routes.get(name)
    }

    /// All routes a key may call, by name.
    pub(crate) fn routes_of<'a>(&'a self, key: &'a KeyEntry) -> Vec<&'a Arc<RouteEntry>> {
        let mut routes: Vec<_> = self.routes.values().filter(|r| key.may_call(&r.label.text)).collect();
        routes.sort_by(|a, b| a.label.text.cmp(&b.label.text));
        routes
    }

    /// `provider/model` named directly.
    pub(crate) fn direct(&self, model: &str) -> Option<TargetEntry> {
        let (provider, model) = model.split_once('/')?;
        let entry = self.providers.get(provider)?;
        Some(self.entry(entry, provider, model))
    }

    fn entry(&self, provider: &Arc<Provider>, name: &str, model: &str) -> TargetEntry {
        let own = self.models.get(&(name.to_owned(), model.to_owned())).cloned().unwrap_or_default();
        let known = provider.vendor.and_then(|vendor| builtin::find(vendor, model));
        // What an admin says goes before what is known.
        let price = own.price.or_else(|| known.and_then(|known| known.price.clone()));
        let max_output_tokens = own.max_output_tokens.or_else(|| known.and_then(|known| known.max_output_tokens));
        TargetEntry { provider: provider.clone(), model: Label::new(model), price, max_output_tokens, vitals: provider.vitals(model) }
    }

    /// A target by its names, to look at what it was sent.
    pub(crate) fn named(&self, provider: &str, model: &str) -> Option<TargetEntry> {
        Some(self.entry(self.providers.get(provider)?, provider, model))
    }

    /// How every target of every route is doing, by provider and model.
    pub fn health(&self) -> BTreeMap<(String, String), TargetHealth> {
        let targets = self.routes.values().flat_map(|route| route.variants.iter().map(|v| &v.target).chain(&route.failover));
        let now = steady(Tick::now());
        targets.map(|t| ((t.provider.label.text.to_string(), t.model.text.to_string()), t.health(now))).collect()
    }

    /// The place of a variant in its route: its colour everywhere.
    pub fn variant_place(&self, route: &str, variant: &str) -> usize {
        let place = self.routes.get(route).and_then(|r| r.variants.iter().position(|v| &*v.label.text == variant));
        place.unwrap_or(0)
    }

    /// Loads what is stored. Providers that did not change keep their state.
    pub async fn load(app: &App, old: &Self) -> Result<Self, Fault> {
        let db = app.db();
        // Read here, so that no call has to.
        builtin::all();
        // Read first: a change that comes between makes the version differ again, and it is loaded at the next look.
        let version = crate::identity::store::config_version(db).await?;
        let mut snapshot = Self { version, ..Self::default() };
        for row in crate::identity::store::keys(db).await? {
            let hash = digest_from_text(&row.secret_hash);
            let key = row.summary();
            if let (Some(hash), None) = (hash, key.revoked_at) {
                let entry = KeyEntry {
                    shared_name: key.name.as_str().into(),
                    name: key.name,
                    scopes: key.scopes,
                    routes: key.routes.into_iter().collect(),
                    limits: key.limits,
                };
                snapshot.keys.insert(hash, Arc::new(entry));
            }
        }
        for row in crate::providers::store::all(db).await? {
            let kept = old.providers.get(&row.name).filter(|p| p.updated_at == row.updated_at);
            let provider = match kept {
                Some(kept) => kept.clone(),
                None => Arc::new(Provider::new(&row, &crate::providers::service::open_keys(app, &row)?)?),
            };
            snapshot.providers.insert(row.name.clone(), provider);
        }
        for model in crate::catalog::store::all(db).await? {
            let facts = ModelFacts { price: model.price.map(Arc::new), max_output_tokens: model.max_output_tokens };
            snapshot.models.insert((model.provider, model.name), facts);
        }
        let mut pointers = Pointers::new();
        for (prompt, label, version) in crate::prompts::store::all_labels(db).await? {
            pointers.insert((prompt, label), version);
        }
        for row in crate::routing::store::all(db).await? {
            let allocation = row.allocation.0.clone();
            let route = row.route();
            for prompt in route.variants.iter().filter_map(|v| v.prompt.as_deref()) {
                snapshot.load_prompt(app, old, &pointers, prompt).await?;
            }
            match snapshot.route_entry(&route, &allocation, &pointers) {
                Ok(entry) => {
                    snapshot.finishes |= entry.on_hang_up == OnHangUp::Finish;
                    snapshot.routes.insert(route.name, Arc::new(entry));
                }
                // One route that does not hold must not take the others down.
                Err(fault) => tracing::error!(route = route.name, error = ?fault, "this route cannot be put into force"),
            }
        }
        Ok(snapshot)
    }

    /// Takes a version over, or compiles it when it is new here or a shared text in it has changed.
    async fn load_prompt(&mut self, app: &App, old: &Self, pointers: &Pointers, reference: &str) -> Result<(), Fault> {
        let Some((name, version)) = resolve(pointers, reference) else { return Ok(()) };
        let key = format!("{name}@{version}");
        if self.prompts.contains_key(&key) {
            return Ok(());
        }
        let unchanged = |entry: &&PromptEntry| {
            entry.shared.iter().all(|(reference, version)| resolve(pointers, reference).is_some_and(|(_, now)| now == *version))
        };
        if let Some(kept) = old.prompts.get(&key).filter(unchanged) {
            self.prompts.insert(key, kept.clone());
            return Ok(());
        }
        let number = u32::try_from(version).unwrap_or(u32::MAX);
        let Some(content) = crate::prompts::store::version(app.db(), name, number).await? else { return Ok(()) };
        match crate::prompts::service::compile(app, name, number, &content).await {
            Ok((compiled, shared)) => {
                self.prompts.insert(key, PromptEntry { compiled: Arc::new(compiled), shared });
            }
            // The route that uses it is left out, with this before it in the log.
            Err(fault) => tracing::error!(prompt = key, error = ?fault, "this version cannot be put into force"),
        }
        Ok(())
    }

    fn target(&self, provider: &str, model: &str) -> Result<TargetEntry, Fault> {
        let entry = self.providers.get(provider).ok_or_else(|| Fault::NotFound(format!("there is no provider `{provider}`")))?;
        Ok(self.entry(entry, provider, model))
    }

    fn route_entry(&self, route: &Route, allocation: &Runs, pointers: &Pointers) -> Result<RouteEntry, Fault> {
        let Failover { targets, retries, on, total_ms } = &route.failover;
        let options = &route.options;
        let place_of = |name: &str| route.variants.iter().position(|v| v.name == name);
        let place = |name: &str| place_of(name).and_then(|i| u16::try_from(i).ok());
        Ok(RouteEntry {
            id: route.id.to_string(),
            label: Label::new(&route.name),
            sticky_by: route.sticky_by,
            variants: route.variants.iter().map(|v| self.variant_entry(v, pointers)).collect::<Result<_, _>>()?,
            buckets: allocation::expand(allocation, place).into_iter().map(|owner| owner.unwrap_or(0)).collect(),
            failover: targets.iter().map(|t| self.target(&t.provider, &t.model)).collect::<Result<_, _>>()?,
            retries: *retries,
            on: on.clone(),
            total: total_ms.map(Duration::from_millis),
            choose: options.choose,
            rules: (options.rules.iter())
                .filter_map(|rule| Some((Condition::compile(&rule.when).map_err(Fault::internal), place_of(&rule.variant)?)))
                .map(|(condition, place)| Ok((condition?, place)))
                .collect::<Result<_, Fault>>()?,
            shadow: options.shadow.iter().filter_map(|name| place_of(name)).collect(),
            on_hang_up: options.on_hang_up,
            log_bodies: options.log_bodies,
            drop_unsupported: options.drop_unsupported,
            updated_at: route.updated_at,
        })
    }

    fn variant_entry(&self, variant: &Variant, pointers: &Pointers) -> Result<VariantEntry, Fault> {
        let prompt = match variant.prompt.as_deref() {
            None => None,
            Some(reference) => {
                let entry = resolve(pointers, reference).and_then(|(name, version)| self.prompts.get(&format!("{name}@{version}")));
                let entry = entry.ok_or_else(|| Fault::NotFound(format!("there is no prompt `{reference}` that can be used")))?;
                Some((entry.compiled.clone(), Label::new(&entry.compiled.reference)))
            }
        };
        Ok(VariantEntry {
            label: Label::new(&variant.name),
            weight: variant.weight,
            target: self.target(&variant.provider, &variant.model)?,
            prompt,
        })
    }
}

/// The version a reference stands for: (name, version).
fn resolve<'r>(pointers: &Pointers, reference: &'r str) -> Option<(&'r str, i64)> {
    let PromptRef { name, pin } = PromptRef::parse(reference)?;
    let version = match pin {
        Pin::Version(n) => i64::from(n),
        Pin::Label(label) => *pointers.get(&(name.to_owned(), label.to_owned()))?,
    };
    Some((name, version))
}
