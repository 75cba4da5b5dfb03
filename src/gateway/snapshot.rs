//! All configuration the hot path needs, immutable, swapped as a whole.

use super::attempt::{Provider, system_micros};
use super::breaker::{Breaker, Health};
use crate::catalog::model::Price;
use crate::identity::crypto::{digest, digest_from_text};
use crate::identity::model::{KeyLimits, Scope};
use crate::prompts::model::{Pin, PromptRef};
use crate::prompts::render::CompiledPrompt;
use crate::routing::allocation::{self, Runs};
use crate::routing::model::{Failover, FailoverOn, Route, StickyBy, Variant};
use crate::server::App;
use crate::types::Fault;
use axum::http::HeaderValue;
use hypercare_wire::dialect::Dialect;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A key as the hot path sees it.
#[derive(Debug)]
pub struct KeyEntry {
    /// Its name.
    pub name: String,
    /// The name again, to be shared with log records.
    pub shared_name: Arc<str>,
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
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub text: Arc<str>,
    pub header: HeaderValue,
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
        Self { text: text.into(), header }
    }
}

/// A provider and a model: where a call can go.
pub(crate) struct TargetEntry {
    pub provider: Arc<Provider>,
    pub model: Label,
    pub price: Option<Price>,
    pub max_output_tokens: Option<u32>,
    pub breaker: Arc<Breaker>,
}

/// One arm of a route.
pub(crate) struct VariantEntry {
    pub label: Label,
    pub target: TargetEntry,
    pub prompt: Option<(CompiledPrompt, Label)>,
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
    pub updated_at: crate::types::Instant,
}

/// What is known of a model.
#[derive(Clone, Copy, Debug, Default)]
struct ModelFacts {
    price: Option<Price>,
    max_output_tokens: Option<u32>,
}

/// The configuration in force.
pub struct Snapshot {
    version: i64,
    endpoints: [Arc<str>; 3],
    keys: HashMap<[u8; 32], Arc<KeyEntry>>,
    routes: HashMap<String, Arc<RouteEntry>>,
    providers: HashMap<String, Arc<Provider>>,
    models: HashMap<(String, String), ModelFacts>,
}

impl Default for Snapshot {
    fn default() -> Self {
        let (keys, routes, providers, models) = Default::default();
        let endpoints = ["chat.completions", "messages", "responses"].map(Into::into);
        Self { version: 0, endpoints, keys, routes, providers, models }
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

    /// The name of the endpoint of that dialect, to be shared with log records.
    pub(crate) fn endpoint(&self, dialect: Dialect) -> Arc<str> {
        let [chat, messages, responses] = &self.endpoints;
        match dialect {
            Dialect::OpenAi | Dialect::Gemini | Dialect::Bedrock => chat,
            Dialect::Anthropic => messages,
            Dialect::Responses => responses,
        }
        .clone()
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
        let ModelFacts { price, max_output_tokens } = self.models.get(&(name.to_owned(), model.to_owned())).copied().unwrap_or_default();
        TargetEntry { provider: provider.clone(), model: Label::new(model), price, max_output_tokens, breaker: provider.breaker(model) }
    }

    /// A target by its names, to look at what it was sent.
    pub(crate) fn named(&self, provider: &str, model: &str) -> Option<TargetEntry> {
        Some(self.entry(self.providers.get(provider)?, provider, model))
    }

    /// How every target of every route is doing: provider, model, health; each once.
    pub fn health(&self) -> BTreeMap<(String, String), Health> {
        let targets = self.routes.values().flat_map(|route| route.variants.iter().map(|v| &v.target).chain(&route.failover));
        let now = system_micros();
        targets.map(|t| ((t.provider.label.text.to_string(), t.model.text.to_string()), t.breaker.health(now))).collect()
    }

    /// The place of a variant in its route: its colour everywhere.
    pub fn variant_place(&self, route: &str, variant: &str) -> usize {
        let place = self.routes.get(route).and_then(|r| r.variants.iter().position(|v| &*v.label.text == variant));
        place.unwrap_or(0)
    }

    /// Loads what is stored. Providers that did not change keep their state.
    pub async fn load(app: &App, old: &Self) -> Result<Self, Fault> {
        let db = app.db();
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
            let facts = ModelFacts { price: model.price, max_output_tokens: model.max_output_tokens };
            snapshot.models.insert((model.provider, model.name), facts);
        }
        let mut prompts = HashMap::new();
        for row in crate::routing::store::all(db).await? {
            let allocation = row.allocation.0.clone();
            let route = row.route();
            for prompt in route.variants.iter().filter_map(|v| v.prompt.as_deref()).filter_map(PromptRef::parse) {
                if !prompts.contains_key(prompt.name) {
                    prompts.insert(prompt.name.to_owned(), crate::prompts::store::pinned(db, prompt.name).await?);
                }
            }
            match snapshot.route_entry(&route, &allocation, &prompts) {
                Ok(entry) => {
                    snapshot.routes.insert(route.name, Arc::new(entry));
                }
                // One route that does not hold must not take the others down.
                Err(fault) => tracing::error!(route = route.name, error = ?fault, "this route cannot be put into force"),
            }
        }
        Ok(snapshot)
    }

    fn target(&self, provider: &str, model: &str) -> Result<TargetEntry, Fault> {
        let entry = self.providers.get(provider).ok_or_else(|| Fault::NotFound(format!("there is no provider `{provider}`")))?;
        Ok(self.entry(entry, provider, model))
    }

    fn route_entry(
        &self,
        route: &Route,
        allocation: &Runs,
        prompts: &HashMap<String, Vec<crate::prompts::store::PinnedRow>>,
    ) -> Result<RouteEntry, Fault> {
        let Failover { targets, retries, on } = &route.failover;
        let place = |name: &str| route.variants.iter().position(|v| v.name == name).and_then(|i| u16::try_from(i).ok());
        Ok(RouteEntry {
            id: route.id.to_string(),
            label: Label::new(&route.name),
            sticky_by: route.sticky_by,
            variants: route.variants.iter().map(|v| self.variant_entry(v, prompts)).collect::<Result<_, _>>()?,
            buckets: allocation::expand(allocation, place).into_iter().map(|owner| owner.unwrap_or(0)).collect(),
            failover: targets.iter().map(|t| self.target(&t.provider, &t.model)).collect::<Result<_, _>>()?,
            retries: *retries,
            on: on.clone(),
            updated_at: route.updated_at,
        })
    }

    fn variant_entry(
        &self,
        variant: &Variant,
        prompts: &HashMap<String, Vec<crate::prompts::store::PinnedRow>>,
    ) -> Result<VariantEntry, Fault> {
        let prompt = match variant.prompt.as_deref().and_then(PromptRef::parse) {
            None => None,
            Some(PromptRef { name, pin }) => {
                let rows = prompts.get(name).map_or(&[][..], Vec::as_slice);
                let row = rows.iter().find(|row| match pin {
                    Pin::Version(n) => row.version == i64::from(n),
                    Pin::Label(label) => row.label.as_deref() == Some(label),
                });
                let row = row.ok_or_else(|| Fault::NotFound(format!("there is no `{name}` at {pin:?}")))?;
                let version = u32::try_from(row.version).unwrap_or(u32::MAX);
                let compiled = CompiledPrompt::new(&row.name, version, &row.content.0).map_err(Fault::internal)?;
                let label = Label::new(&compiled.reference);
                Some((compiled, label))
            }
        };
        Ok(VariantEntry { label: Label::new(&variant.name), target: self.target(&variant.provider, &variant.model)?, prompt })
    }
}
