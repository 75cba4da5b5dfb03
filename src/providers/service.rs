//! What may happen to providers.

use super::model::{ProviderKind, ProviderSummary, Timeouts};
use super::presets::{self, Preset};
use super::store::{self, ProviderRow};
use crate::gateway::Probe;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Id};
use std::collections::BTreeMap;

/// A provider to be made or changed.
#[derive(Clone, Debug)]
pub struct NewProvider {
    /// Unique name.
    pub name: String,
    /// The preset it is made from, which says its dialect and address.
    pub preset: Option<String>,
    /// Dialect; as the preset says, or OpenAI's, when not given.
    pub kind: Option<ProviderKind>,
    /// Where it answers, up to and without `/chat/completions`; as the preset says when empty.
    pub base_url: String,
    /// Its keys in clear, empty for a local model; those it has, when not said.
    pub api_keys: Option<Vec<String>>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// Calls in flight at most.
    pub max_in_flight: u32,
    /// Whether it is the built-in sample.
    pub sample: bool,
    /// Whether it gets no new calls; as it is, when not said.
    pub draining: Option<bool>,
    /// Whether it serves OpenAI's Responses itself; by default OpenAI and Azure do.
    pub responses_api: Option<bool>,
}

/// All providers, keys masked.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<ProviderSummary>, Fault> {
    actor.require(Permission::ReadConfig)?;
    Ok(store::all(app.db()).await?.into_iter().map(summary).collect())
}

fn summary(row: ProviderRow) -> ProviderSummary {
    ProviderSummary {
        id: row.id,
        name: row.name,
        kind: row.kind,
        preset: row.preset,
        base_url: row.base_url,
        key_hints: row.key_hints.0,
        timeouts: row.timeouts.0,
        max_in_flight: u32::try_from(row.max_in_flight).unwrap_or(u32::MAX),
        sample: row.sample,
        draining: row.draining,
        responses_api: row.responses_api,
    }
}

/// The keys of a stored provider, in clear.
pub(crate) fn open_keys(app: &App, row: &ProviderRow) -> Result<Vec<String>, Fault> {
    let plain = app.master_key().open(&format!("providers/{}", row.id), &row.keys_sealed)?;
    serde_json::from_slice(&plain).map_err(Fault::internal)
}

/// Makes or changes a provider within a transaction. Tells whether anything changed.
pub async fn put(app: &App, tx: &mut Tx, actor: &Actor, new: &NewProvider) -> Result<bool, Fault> {
    actor.require(Permission::WriteProviders)?;
    let new = &completed(new.clone())?;
    check(new)?;
    let before = store::by_name(tx, &new.name).await?;
    let id = before.as_ref().map_or_else(Id::new, |row| row.id.clone());
    let api_keys = match (&new.api_keys, &before) {
        (Some(keys), _) => keys.clone(),
        (None, Some(row)) => open_keys(app, row)?,
        (None, None) => Vec::new(),
    };
    let keys = serde_json::to_vec(&api_keys).map_err(Fault::internal)?;
    let row = ProviderRow {
        keys_sealed: app.master_key().seal(&format!("providers/{id}"), &keys)?,
        id,
        name: new.name.clone(),
        kind: kind_of(new),
        preset: new.preset.clone(),
        base_url: new.base_url.trim_end_matches('/').to_owned(),
        key_hints: sqlx::types::Json(api_keys.iter().map(|key| mask(key)).collect()),
        timeouts: sqlx::types::Json(new.timeouts),
        max_in_flight: i64::from(new.max_in_flight),
        sample: new.sample,
        draining: new.draining.unwrap_or_else(|| before.as_ref().is_some_and(|row| row.draining)),
        responses_api: new.responses_api.unwrap_or_else(|| serves_responses(new)),
        updated_at: app.now(),
    };
    let after = summary(row.clone());
    if let Some(before) = before {
        let same_keys = open_keys(app, &before).is_ok_and(|keys| keys == api_keys);
        let before = summary(before);
        if before == after && same_keys {
            return Ok(false);
        }
        store::upsert(tx, &row).await?;
        record(app, tx, actor, Change::new("providers.provider.change", &new.name).before(&before).after(&after)).await?;
    } else {
        store::upsert(tx, &row).await?;
        record(app, tx, actor, Change::new("providers.provider.create", &new.name).after(&after)).await?;
    }
    Ok(true)
}

/// Adds a provider; in force at once.
pub async fn add(app: &App, actor: &Actor, new: &NewProvider) -> Result<(), Fault> {
    actor.require(Permission::WriteProviders)?;
    let mut tx = app.db().begin().await?;
    if store::by_name(&mut tx, &new.name).await?.is_some() {
        return Err(Fault::field("name", format!("There is a provider `{}` already.", new.name)));
    }
    put(app, &mut tx, actor, new).await?;
    tx.commit().await?;
    app.reload().await
}

/// Keeps new calls away from a provider, or lets them come again. Calls under way are finished.
pub async fn set_draining(app: &App, actor: &Actor, name: &str, draining: bool, reason: &str) -> Result<ProviderSummary, Fault> {
    actor.require(Permission::WriteProviders)?;
    if reason.chars().count() > 1_000 {
        return Err(Fault::field("reason", "Please keep the reason within 1,000 characters."));
    }
    let mut tx = app.db().begin().await?;
    let row = store::by_name(&mut tx, name).await?.ok_or_else(|| no_provider(name))?;
    let before = summary(row.clone());
    let row = ProviderRow { draining, updated_at: app.now(), ..row };
    let after = summary(row.clone());
    if before != after {
        store::upsert(&mut tx, &row).await?;
        let action = if draining { "providers.provider.drain" } else { "providers.provider.resume" };
        record(app, &mut tx, actor, Change::new(action, name).reason(reason.trim()).before(&before).after(&after)).await?;
        tx.commit().await?;
        app.reload().await?;
    }
    Ok(after)
}

/// Makes a small real call to one of its models, whatever its breaker says.
pub async fn test(app: &App, actor: &Actor, name: &str, model: &str) -> Result<Probe, Fault> {
    actor.require(Permission::WriteProviders)?;
    if model.trim().is_empty() || model.chars().count() > 200 {
        return Err(Fault::field("model", "Please name a model of this provider."));
    }
    let snapshot = app.snapshot().clone();
    crate::gateway::probe(app, &snapshot, name, model.trim()).await.ok_or_else(|| no_provider(name))
}

fn no_provider(name: &str) -> Fault {
    Fault::NotFound(format!("There is no provider `{name}`."))
}

/// OpenAI itself does.
fn serves_responses(new: &NewProvider) -> bool {
    let host = new.base_url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned)).unwrap_or_default();
    match kind_of(new) {
        ProviderKind::OpenAi => host == "api.openai.com",
        ProviderKind::Azure => !new.base_url.contains('?'),
        ProviderKind::Anthropic | ProviderKind::Gemini | ProviderKind::Bedrock => false,
    }
}

/// With what the preset says.
fn completed(mut new: NewProvider) -> Result<NewProvider, Fault> {
    let Some(name) = &new.preset else { return Ok(new) };
    let Some(preset) = Preset::named(name) else {
        let nearest = presets::ALL.iter().max_by(|a, b| strsim::jaro_winkler(name, a.name).total_cmp(&strsim::jaro_winkler(name, b.name)));
        let hint = nearest.map_or_else(String::new, |preset| format!(". Did you mean `{}`?", preset.name));
        return Err(Fault::field("preset", format!("there is no preset `{name}`{hint}")));
    };
    new.kind = new.kind.or(Some(preset.kind));
    if new.base_url.is_empty() {
        preset.base_url.clone_into(&mut new.base_url);
    }
    Ok(new)
}

fn kind_of(new: &NewProvider) -> ProviderKind {
    new.kind.unwrap_or(ProviderKind::OpenAi)
}

fn check(new: &NewProvider) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    if new.name.is_empty() || new.name.contains('/') || new.name.chars().count() > 100 {
        wrong.insert("name".to_owned(), "must have 1 to 100 characters and no `/`".to_owned());
    }
    if new.base_url.contains('{') {
        wrong.insert("base_url".to_owned(), format!("has a part to fill in: {}", new.base_url));
    }
    let url = new.base_url.parse::<http::Uri>();
    if !url.is_ok_and(|u| matches!(u.scheme_str(), Some("http" | "https")) && u.host().is_some()) {
        wrong.entry("base_url".to_owned()).or_insert_with(|| "must be an address like https://api.example.org/v1".to_owned());
    }
    if new.api_keys.iter().flatten().any(|key| key.is_empty() || http::HeaderValue::from_str(key).is_err()) {
        wrong.insert("api_keys".to_owned(), "must not be empty nor hold line breaks".to_owned());
    }
    if kind_of(new) == ProviderKind::Bedrock
        && let Some(why) = new.api_keys.iter().flatten().find_map(|key| super::aws::Credential::parse(key).err())
    {
        wrong.insert("api_keys".to_owned(), why.to_string());
    }
    let t = new.timeouts;
    if [t.connect_ms, t.first_byte_ms, t.idle_ms, t.total_ms].contains(&0) {
        wrong.insert("timeouts".to_owned(), "must all be at least 1 millisecond".to_owned());
    }
    if new.max_in_flight == 0 {
        wrong.insert("max_in_flight".to_owned(), "must be at least 1".to_owned());
    }
    Fault::check(wrong)
}

/// `sk-ab…wxyz`: enough to tell two keys apart, too little to use.
fn mask(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    if chars.len() < 16 {
        return "…".to_owned();
    }
    format!("{}…{}", chars[..5].iter().collect::<String>(), chars[chars.len() - 4..].iter().collect::<String>())
}
