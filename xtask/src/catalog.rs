//! `cargo xtask catalog`: makes the built-in list of models from LiteLLM's public one. See docs/catalog.md.

use crate::repo::Repo;
use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Where the list comes from.
#[derive(Args)]
pub struct Options {
    /// LiteLLM's `model_prices_and_context_window.json`
    #[arg(long)]
    from: PathBuf,
    /// The version of LiteLLM it is of
    #[arg(long)]
    version: String,
    /// The day it was taken, YYYY-MM-DD
    #[arg(long)]
    date: String,
}

/// Our vendors by LiteLLM's names of providers, and what its names of models begin with.
const VENDORS: [(&str, &str, &str); 26] = [
    ("anthropic", "anthropic", "anthropic/"),
    ("azure", "azure", "azure/"),
    ("bedrock", "bedrock", ""),
    ("bedrock_converse", "bedrock", ""),
    ("cerebras", "cerebras", "cerebras/"),
    ("cohere", "cohere", "cohere/"),
    ("cohere_chat", "cohere", "cohere_chat/"),
    ("dashscope", "dashscope", "dashscope/"),
    ("deepinfra", "deepinfra", "deepinfra/"),
    ("deepseek", "deepseek", "deepseek/"),
    ("fireworks_ai", "fireworks", "fireworks_ai/"),
    ("gemini", "gemini", "gemini/"),
    ("groq", "groq", "groq/"),
    ("hyperbolic", "hyperbolic", "hyperbolic/"),
    ("minimax", "minimax", "minimax/"),
    ("mistral", "mistral", "mistral/"),
    ("moonshot", "moonshot", "moonshot/"),
    ("nebius", "nebius", "nebius/"),
    ("novita", "novita", "novita/"),
    ("openai", "openai", "openai/"),
    ("perplexity", "perplexity", "perplexity/"),
    ("sambanova", "sambanova", "sambanova/"),
    ("together_ai", "together", "together_ai/"),
    ("voyage", "voyage", "voyage/"),
    ("xai", "xai", "xai/"),
    ("zai", "zai", "zai/"),
];

/// What a model can, by LiteLLM's names.
const ABILITIES: [(&str, &str); 9] = [
    ("supports_vision", "vision"),
    ("supports_function_calling", "tools"),
    ("supports_response_schema", "json_schema"),
    ("supports_reasoning", "reasoning"),
    ("supports_prompt_caching", "caching"),
    ("supports_pdf_input", "pdf"),
    ("supports_audio_input", "audio"),
    ("supports_web_search", "web_search"),
    ("supports_computer_use", "computer_use"),
];

/// Writes `src/catalog/builtin.json`.
pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let text = std::fs::read_to_string(&options.from).with_context(|| options.from.display().to_string())?;
    let source: Map<String, Value> = serde_json::from_str(&text).context("not LiteLLM's list")?;
    let models: BTreeMap<(String, String), Value> = source.iter().filter_map(|(name, facts)| model(name, facts)).collect();
    ensure!(models.len() >= 300, "only {} models were understood: has the format changed?", models.len());
    let mut out = format!(
        "{{\"source\":{},\"models\":[\n",
        json!({ "name": "LiteLLM, model_prices_and_context_window.json", "url": "https://github.com/BerriAI/litellm", "licence": "MIT", "version": options.version, "date": options.date })
    );
    for (i, model) in models.values().enumerate() {
        let comma = if i + 1 == models.len() { "" } else { "," };
        writeln!(out, "{model}{comma}")?;
    }
    out.push_str("]}\n");
    let path = repo.root.join("src/catalog/builtin.json");
    std::fs::write(&path, out)?;
    println!("{} models in src/catalog/builtin.json", models.len());
    Ok(())
}

/// `[vendor, name, kind, context, output, abilities, price, deprecated]`; nothing for what is not a model of a vendor we know.
fn model(name: &str, facts: &Value) -> Option<((String, String), Value)> {
    let provider = facts["litellm_provider"].as_str()?;
    let (_, vendor, prefix) = VENDORS.into_iter().find(|(known, ..)| *known == provider)?;
    let kind = match facts["mode"].as_str()? {
        "chat" | "responses" => "chat",
        "embedding" => "embedding",
        "rerank" => "rerank",
        _ => return None,
    };
    let name = name.strip_prefix(prefix).unwrap_or(name);
    // Prices by size of picture or model, by region and commitment, and of fine-tuned models that nobody else has.
    let by_size = ["together-ai-", "fireworks-ai-"].iter().any(|class| name.starts_with(class));
    if by_size || name.is_empty() || (vendor == "bedrock" && name.contains('/')) || name.starts_with("ft:") || name.contains("1024-x") {
        return None;
    }
    let number = |key: &str| facts[key].as_u64();
    let abilities: Vec<&str> = ABILITIES.iter().filter(|(key, _)| facts[*key] == true).map(|(_, word)| *word).collect();
    let context = number("max_input_tokens").or_else(|| number("max_tokens"));
    let deprecated = facts["deprecation_date"].as_str().filter(|date| date.len() == 10);
    let row = json!([vendor, name, kind, context, number("max_output_tokens"), abilities.join(" "), price(facts), deprecated]);
    Some(((vendor.to_owned(), name.to_owned()), row))
}

/// Kinds of tokens with prices of their own, by LiteLLM's names.
const KINDS: [(&str, &str); 5] = [
    ("cache_read_input_token_cost", "cached_input"),
    ("cache_creation_input_token_cost", "cache_write"),
    ("cache_creation_input_token_cost_above_1hr", "cache_write_1h"),
    ("input_cost_per_audio_token", "audio_input"),
    ("output_cost_per_audio_token", "audio_output"),
];

/// Kinds of service with prices of their own. What goes in a batch does not pass through here.
const TIERS: [&str; 3] = ["flex", "priority", "ultrafast"];

fn price(facts: &Value) -> Value {
    let Some(mut price) = usual_and_long(facts, "") else { return Value::Null };
    let tiers: Map<String, Value> =
        TIERS.iter().filter_map(|tier| Some(((*tier).to_owned(), usual_and_long(facts, &format!("_{tier}"))?.into()))).collect();
    if !tiers.is_empty() {
        price.insert("tiers".to_owned(), tiers.into());
    }
    price.into()
}

/// The prices of one kind of service, and those of long inputs.
fn usual_and_long(facts: &Value, tier: &str) -> Option<Map<String, Value>> {
    let mut price = rates(facts, "", tier)?;
    price.entry("output").or_insert(json!(0.0));
    // The lowest threshold above which the price is higher.
    if let Some(thousands) = facts.as_object().and_then(|facts| facts.keys().filter_map(|key| threshold(key)).min())
        && let Some(mut long) = rates(facts, &format!("_above_{thousands}k_tokens"), tier)
    {
        long.entry("output").or_insert(price["output"].clone());
        long.insert("above".to_owned(), json!(thousands * 1_000));
        price.insert("long".to_owned(), long.into());
    }
    Some(price)
}

/// The prices by kind of token: nothing without one for input.
fn rates(facts: &Value, above: &str, tier: &str) -> Option<Map<String, Value>> {
    let cost = |key: &str| facts[format!("{key}{above}{tier}")].as_f64().map(per_million);
    let mut rates = Map::from_iter([("input".to_owned(), json!(cost("input_cost_per_token")?))]);
    rates.extend(cost("output_cost_per_token").map(|cost| ("output".to_owned(), json!(cost))));
    // A free write to the cache is how some lists say that there is no such price.
    let kinds = KINDS.iter().filter_map(|(key, name)| Some(((*name).to_owned(), json!(cost(key).filter(|cost| *cost > 0.0)?))));
    rates.extend(kinds);
    Some(rates)
}

/// Thousands of tokens in `input_cost_per_token_above_200k_tokens`.
fn threshold(key: &str) -> Option<u64> {
    key.strip_prefix("input_cost_per_token_above_")?.strip_suffix("k_tokens")?.parse().ok()
}

/// US dollars per million tokens, without the noise of binary fractions.
fn per_million(per_token: f64) -> f64 {
    (per_token * 1e12).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_becomes_a_row_with_its_tiers() {
        let facts = json!({ "litellm_provider": "gemini", "mode": "chat", "input_cost_per_token": 1.25e-6, "output_cost_per_token": 1e-5,
            "input_cost_per_token_above_200k_tokens": 2.5e-6, "output_cost_per_token_above_200k_tokens": 1.5e-5, "cache_read_input_token_cost": 1.25e-7,
            "max_input_tokens": 1_048_576, "max_output_tokens": 65_536, "supports_vision": true, "supports_function_calling": true });
        let (_, row) = model("gemini/gemini-2.5-pro", &facts).expect("a model");
        let price =
            json!({ "input": 1.25, "output": 10.0, "cached_input": 0.125, "long": { "above": 200_000, "input": 2.5, "output": 15.0 } });
        assert_eq!(row, json!(["gemini", "gemini-2.5-pro", "chat", 1_048_576, 65_536, "vision tools", price, null]));
    }

    #[test]
    fn other_kinds_of_service_keep_their_prices() {
        let facts = json!({ "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.25e-6, "output_cost_per_token": 1e-5,
            "input_cost_per_token_flex": 6.25e-7, "output_cost_per_token_flex": 5e-6, "cache_read_input_token_cost_flex": 6.25e-8,
            "input_cost_per_token_above_272k_tokens": 2.5e-6, "output_cost_per_token_above_272k_tokens": 1.5e-5,
            "input_cost_per_token_above_272k_tokens_flex": 1.25e-6, "input_cost_per_token_batches": 6.25e-7, "output_cost_per_token_batches": 5e-6,
            "input_cost_per_audio_token": 3.2e-5 });
        let long = json!({ "above": 272_000, "input": 2.5, "output": 15.0 });
        let flex =
            json!({ "input": 0.625, "output": 5.0, "cached_input": 0.0625, "long": { "above": 272_000, "input": 1.25, "output": 5.0 } });
        let all = json!({ "input": 1.25, "output": 10.0, "audio_input": 32.0, "long": long, "tiers": { "flex": flex } });
        assert_eq!(price(&facts), all);
    }

    #[test]
    fn pictures_regions_and_strangers_are_left_out() {
        let facts = |provider: &str, mode: &str| json!({ "litellm_provider": provider, "mode": mode });
        assert!(model("dall-e-3", &facts("openai", "image_generation")).is_none());
        assert!(model("bedrock/us-east-1/1-month-commitment/x", &facts("bedrock", "chat")).is_none());
        assert!(model("x", &facts("nobody", "chat")).is_none());
    }
}
