//! The models we know without being told: names, limits, abilities and prices from LiteLLM's public list. See docs/catalog.md.

use super::model::Price;
use serde::{Deserialize, Deserializer};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// Where the list comes from.
#[derive(Clone, Debug, Deserialize)]
pub struct Source {
    /// What it is.
    pub name: String,
    /// Where it is kept.
    pub url: String,
    /// Its licence.
    pub licence: String,
    /// Of which version.
    pub version: String,
    /// The day it was taken, YYYY-MM-DD.
    pub date: String,
}

/// A model of a vendor.
#[derive(Clone, Debug, Deserialize)]
pub struct Known {
    /// Whose: `openai`, `anthropic`, …
    pub vendor: String,
    /// The vendor's name for it.
    pub name: String,
    /// `chat`, `embedding` or `rerank`.
    pub kind: String,
    /// Tokens it can read in one call.
    pub context_window: Option<u32>,
    /// Tokens it can write in one call.
    pub max_output_tokens: Option<u32>,
    /// What it can, as words: `vision tools json_schema …`.
    pub abilities: String,
    /// Price, where known.
    #[serde(deserialize_with = "shared")]
    pub price: Option<Arc<Price>>,
    /// When it goes, YYYY-MM-DD.
    pub deprecated: Option<String>,
}

fn shared<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<Price>>, D::Error> {
    Ok(Option::<Price>::deserialize(from)?.map(Arc::new))
}

#[derive(Deserialize)]
struct File {
    source: Source,
    models: Vec<Known>,
}

struct Catalogue {
    source: Source,
    models: Vec<Known>,
    /// By vendor and name.
    places: HashMap<String, HashMap<String, usize>>,
}

/// Read when it is first asked for.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    // The file is part of the program, and a test reads it.
    let File { source, models } = serde_json::from_str(include_str!("builtin.json")).unwrap_or_else(|e| {
        tracing::error!(error = %e, "the built-in list of models cannot be read");
        let none = String::new;
        File { source: Source { name: none(), url: none(), licence: none(), version: none(), date: none() }, models: Vec::new() }
    });
    let mut places: HashMap<String, HashMap<String, usize>> = HashMap::new();
    for (i, known) in models.iter().enumerate() {
        places.entry(known.vendor.clone()).or_default().insert(known.name.clone(), i);
    }
    Catalogue { source, models, places }
});

/// Where the list comes from.
pub fn source() -> &'static Source {
    &CATALOGUE.source
}

/// All of it, by vendor and name.
pub fn all() -> &'static [Known] {
    &CATALOGUE.models
}

/// Prefixes of Bedrock's profiles for several regions.
const REGIONS: [&str; 8] = ["us.", "eu.", "apac.", "global.", "us-gov.", "au.", "jp.", "ca."];

/// Vendors as OpenRouter names them before a model.
const ROUTED: [(&str, &str); 9] = [
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("google", "gemini"),
    ("mistralai", "mistral"),
    ("deepseek", "deepseek"),
    ("x-ai", "xai"),
    ("moonshotai", "moonshot"),
    ("z-ai", "zai"),
    ("perplexity", "perplexity"),
];

/// A vendor's model by its name: as it is, without a region before it, or without a date or `-latest` behind it. OpenRouter passes the vendors' prices on.
pub fn find(vendor: &str, model: &str) -> Option<&'static Known> {
    if vendor == OPENROUTER {
        let (prefix, model) = model.split_once('/')?;
        let (_, vendor) = ROUTED.iter().find(|(known, _)| *known == prefix)?;
        let model = model.split(':').next().unwrap_or(model);
        // It writes Anthropic's versions with a dot.
        return find(vendor, model).or_else(|| find(vendor, &model.replace('.', "-")));
    }
    let models = CATALOGUE.places.get(vendor)?;
    let exact = |name: &str| models.get(name).map(|place| &CATALOGUE.models[*place]);
    let bare = REGIONS.iter().find_map(|region| model.strip_prefix(region)).filter(|_| vendor == "bedrock").unwrap_or(model);
    exact(model).or_else(|| exact(bare)).or_else(|| exact(undated(bare)?))
}

/// The vendor that sells others' models.
const OPENROUTER: &str = "openrouter";

/// A name without its date: `-2025-01-31`, `-20250131`, `@20250131`, `-latest`.
fn undated(name: &str) -> Option<&str> {
    if let Some(name) = name.strip_suffix("-latest") {
        return Some(name);
    }
    // The shape of each ending, a digit for each `9`.
    ["-9999-99-99", "-99999999", "@99999999"].into_iter().find_map(|shape| {
        let (head, end) = name.split_at_checked(name.len().checked_sub(shape.len())?)?;
        let fits = end.bytes().zip(shape.bytes()).all(|(byte, shape)| if shape == b'9' { byte.is_ascii_digit() } else { byte == shape });
        (fits && !head.is_empty()).then_some(head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_large_enough() {
        assert!(all().len() >= 300, "{}", all().len());
        assert!(source().date.len() == 10 && source().licence == "MIT");
        let priced = all().iter().filter(|known| known.price.is_some()).count();
        assert!(priced * 10 > all().len() * 8, "{priced} of {} have a price", all().len());
    }

    #[test]
    fn prices_are_what_the_vendors_publish() {
        // openai.com/api/pricing, claude.com/pricing, ai.google.dev/gemini-api/docs/pricing.
        let price = |vendor, model| find(vendor, model).and_then(|known| known.price.clone()).expect(model);
        assert_eq!((price("openai", "gpt-4o").input, price("openai", "gpt-4o").cached_input), (2.5, Some(1.25)));
        let sonnet = price("anthropic", "claude-sonnet-4-5");
        assert_eq!((sonnet.input, sonnet.output, sonnet.cache_write, sonnet.cached_input), (3.0, 15.0, Some(3.75), Some(0.3)));
        assert_eq!(price("gemini", "gemini-2.5-pro").long.as_ref().map(|long| (long.above, long.output)), Some((Some(200_000), 15.0)));
        assert!((price("openai", "text-embedding-3-small").input - 0.02).abs() < 1e-9);
    }

    #[test]
    fn names_with_dates_and_regions_are_understood() {
        let name = |vendor, model| find(vendor, model).map(|known| known.name.as_str());
        assert_eq!(name("openai", "gpt-4o-2024-08-06"), Some("gpt-4o-2024-08-06"), "the exact one first");
        assert_eq!(name("openai", "gpt-4o-2099-01-01"), Some("gpt-4o"));
        assert_eq!(name("anthropic", "claude-sonnet-4-5-20990101"), Some("claude-sonnet-4-5"));
        assert_eq!(name("openai", "gpt-4o-latest"), Some("gpt-4o"));
        assert_eq!(name("bedrock", "jp.amazon.nova-lite-v1:0"), Some("amazon.nova-lite-v1:0"));
        assert_eq!(name("openrouter", "openai/gpt-4o"), Some("gpt-4o"));
        assert_eq!(name("openrouter", "anthropic/claude-sonnet-4.5"), Some("claude-sonnet-4-5"));
        assert_eq!(name("openrouter", "nobody/gpt-4o"), None);
        assert_eq!(name("openai", "gpt-4o-2024"), None, "half a date is a name");
        assert_eq!(name("openai", "made-up"), None);
        assert_eq!(undated("2024-08-06"), None);
    }
}
