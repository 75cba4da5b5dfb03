//! What may happen to models.

use super::builtin::{self, Known};
use super::model::{Model, Price};
use super::store;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::providers::presets::Preset;
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Page, PageRequest};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// All models, by provider and name.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Model>, Fault> {
    actor.require(Permission::ReadConfig)?;
    Ok(store::all(app.db()).await?)
}

/// A model as lists show it: an admin's own, or one that is known without being told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// The provider it can be called at here; none for one that is only known.
    pub provider: Option<String>,
    /// Whose it is, where that is known.
    pub vendor: Option<&'static str>,
    /// Its name.
    pub name: String,
    /// `chat`, `embedding` or `rerank`, where known.
    pub kind: Option<&'static str>,
    /// Tokens it can read in one call.
    pub context_window: Option<u32>,
    /// Tokens it can write in one call.
    pub max_output_tokens: Option<u32>,
    /// What it can, as words.
    pub abilities: &'static str,
    /// Price, where known.
    pub price: Option<Price>,
    /// Whether an admin said any of this.
    pub own: bool,
    /// When it goes, YYYY-MM-DD.
    pub deprecated: Option<&'static str>,
}

/// Which models a list shows.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ModelFilter {
    /// Part of a name.
    #[serde(default)]
    pub search: Option<String>,
    /// A vendor or a provider.
    #[serde(default)]
    pub vendor: Option<String>,
}

/// Models: first those an admin added, then those of vendors that are providers here, then the rest of the built-in list; each part by name. The cursor is the
/// place in the list.
pub async fn search(app: &App, actor: &Actor, filter: &ModelFilter, page: &PageRequest) -> Result<Page<Listed>, Fault> {
    actor.require(Permission::ReadConfig)?;
    let here = vendors_here(app).await?;
    let vendor_of = |provider: &str| here.iter().find(|(name, _)| name == provider).map(|(_, vendor)| *vendor);
    let mut all: Vec<Listed> = store::all(app.db()).await?.into_iter().map(|model| own(model, vendor_of)).collect();
    let added: HashSet<(String, String)> = all.iter().filter_map(|listed| Some((listed.provider.clone()?, listed.name.clone()))).collect();
    let mut others = Vec::new();
    for known in builtin::all() {
        let mut usable = false;
        for (provider, _) in here.iter().filter(|(_, vendor)| *vendor == known.vendor) {
            usable = true;
            if !added.contains(&(provider.clone(), known.name.clone())) {
                all.push(Listed::known(known, Some(provider.clone())));
            }
        }
        if !usable {
            others.push(Listed::known(known, None));
        }
    }
    all.extend(others);
    let words: Vec<String> = filter.search.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
    let wanted = filter.vendor.as_deref().filter(|vendor| !vendor.is_empty());
    all.retain(|listed| {
        let name = listed.name.to_lowercase();
        words.iter().all(|word| name.contains(word.as_str()))
            && wanted.is_none_or(|vendor| listed.vendor == Some(vendor) || listed.provider.as_deref() == Some(vendor))
    });
    let from = page.cursor.as_deref().map_or(Ok(0), str::parse::<usize>).map_err(|_| Fault::field("cursor", "is none of this list"))?;
    let rows = page.rows();
    let next_cursor = (all.len() > from + rows).then(|| (from + rows).to_string());
    Ok(Page { items: all.into_iter().skip(from).take(rows).collect(), next_cursor })
}

/// What holds for one model of one provider: what an admin said, and what is known.
pub async fn get(app: &App, actor: &Actor, provider: &str, name: &str) -> Result<Option<Listed>, Fault> {
    actor.require(Permission::ReadConfig)?;
    let here = vendors_here(app).await?;
    let vendor_of = |provider: &str| here.iter().find(|(name, _)| name == provider).map(|(_, vendor)| *vendor);
    let said = store::all(app.db()).await?.into_iter().find(|model| model.provider == provider && model.name == name);
    let known =
        || vendor_of(provider).and_then(|vendor| builtin::find(vendor, name)).map(|known| Listed::known(known, Some(provider.to_owned())));
    Ok(said.map(|model| own(model, vendor_of)).or_else(known))
}

/// The providers here whose vendor is known, and the vendor.
async fn vendors_here(app: &App) -> Result<Vec<(String, &'static str)>, Fault> {
    let rows = crate::providers::store::all(app.db()).await?.into_iter();
    let known = rows.filter_map(|row| {
        let preset = row.preset.as_deref().and_then(Preset::named).or_else(|| Preset::at(&row.base_url))?;
        (!preset.vendor.is_empty()).then_some((row.name, preset.vendor))
    });
    Ok(known.collect())
}

fn own(model: Model, vendor_of: impl Fn(&str) -> Option<&'static str>) -> Listed {
    let vendor = vendor_of(&model.provider);
    let known = vendor.and_then(|vendor| builtin::find(vendor, &model.name));
    Listed {
        vendor,
        kind: known.map(|known| known.kind.as_str()),
        context_window: model.context_window.or_else(|| known.and_then(|known| known.context_window)),
        max_output_tokens: model.max_output_tokens.or_else(|| known.and_then(|known| known.max_output_tokens)),
        abilities: known.map_or("", |known| known.abilities.as_str()),
        price: model.price.or_else(|| known.and_then(|known| known.price.as_deref().cloned())),
        own: true,
        deprecated: known.and_then(|known| known.deprecated.as_deref()),
        provider: Some(model.provider),
        name: model.name,
    }
}

impl Listed {
    fn known(known: &'static Known, provider: Option<String>) -> Self {
        Self {
            provider,
            vendor: Some(&known.vendor),
            name: known.name.clone(),
            kind: Some(&known.kind),
            context_window: known.context_window,
            max_output_tokens: known.max_output_tokens,
            abilities: &known.abilities,
            price: known.price.as_deref().cloned(),
            own: false,
            deprecated: known.deprecated.as_deref(),
        }
    }
}

/// Says what a model costs and can; in force at once. Only what differs from what is known is kept, so that the rest follows the built-in list. Prices of
/// long inputs and of other tiers stay as they are known.
pub async fn set(app: &App, actor: &Actor, model: &Model) -> Result<(), Fault> {
    actor.require(Permission::WriteProviders)?;
    let vendor = vendors_here(app).await?.into_iter().find(|(name, _)| *name == model.provider).map(|(_, vendor)| vendor);
    let known = vendor.and_then(|vendor| builtin::find(vendor, &model.name));
    let mut new = model.clone();
    if let Some(known) = known {
        if let (Some(price), Some(known)) = (&mut new.price, &known.price) {
            price.long = price.long.take().or_else(|| known.long.clone());
            if price.tiers.is_empty() {
                price.tiers.clone_from(&known.tiers);
            }
        }
        new.price = new.price.filter(|price| Some(price) != known.price.as_deref());
        new.context_window = new.context_window.filter(|tokens| Some(*tokens) != known.context_window);
        new.max_output_tokens = new.max_output_tokens.filter(|tokens| Some(*tokens) != known.max_output_tokens);
    }
    let mut tx = app.db().begin().await?;
    if crate::providers::store::by_name(&mut tx, &model.provider).await?.is_none() {
        return Err(Fault::field("provider", format!("there is no provider `{}`", model.provider)));
    }
    put(app, &mut tx, actor, &new).await?;
    tx.commit().await?;
    app.reload().await
}

/// Takes back what an admin said about a model: what is known without being told holds again.
pub async fn unset(app: &App, actor: &Actor, provider: &str, name: &str) -> Result<(), Fault> {
    actor.require(Permission::WriteProviders)?;
    let mut tx = app.db().begin().await?;
    let before = store::get(&mut tx, provider, name).await?;
    let before = before.ok_or_else(|| Fault::NotFound(format!("Nobody said anything about `{name}` of `{provider}`.")))?;
    store::remove(&mut tx, provider, name).await?;
    let object = format!("{provider}/{name}");
    record(app, &mut tx, actor, Change::new("catalog.model.remove", &object).before(&before)).await?;
    tx.commit().await?;
    app.reload().await
}

/// Makes or changes a model within a transaction. Tells whether anything changed.
pub async fn put(app: &App, tx: &mut Tx, actor: &Actor, model: &Model) -> Result<bool, Fault> {
    actor.require(Permission::WriteProviders)?;
    if model.name.trim().is_empty() || model.name.chars().count() > 200 {
        return Err(Fault::field("name", "must have 1 to 200 characters"));
    }
    if let Some((field, why)) = model.price.as_ref().and_then(Price::wrong) {
        return Err(Fault::field(field, why));
    }
    let before = store::get(tx, &model.provider, &model.name).await?;
    if before.as_ref() == Some(model) {
        return Ok(false);
    }
    store::upsert(tx, model).await?;
    let object = format!("{}/{}", model.provider, model.name);
    let change = Change::new("catalog.model.put", &object).after(model);
    let change = if let Some(before) = &before { change.before(before) } else { change };
    record(app, tx, actor, change).await?;
    Ok(true)
}
