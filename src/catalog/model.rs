//! Models and what they cost.

use crate::types::Nanodollars;
use hypercare_wire::usage::{Tier, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// US dollars per million tokens, by kind of token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Input that was not cached.
    pub input: f64,
    /// Output, reasoning included.
    pub output: f64,
    /// Input read from the provider's cache; the input price when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// Input written to the provider's cache; the input price when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// Input written to the provider's cache for an hour; the price of what is written when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<f64>,
    /// Sound in the input that was not cached; the input price when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<f64>,
    /// Sound in the output; the output price when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<f64>,
    /// Of a long price: input tokens above which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<u64>,
    /// What a call costs whose input is longer than a threshold, where that is more: all of its tokens, not only those beyond the threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<Box<Self>>,
    /// What a call costs that the provider did not serve as usual.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tiers: BTreeMap<Tier, Self>,
}

impl Price {
    /// What those tokens cost.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "token counts are far below 2^52, amounts far below 2^63 nanodollars"
    )]
    pub fn cost(&self, tokens: Usage) -> Nanodollars {
        let price = tokens.tier.and_then(|tier| self.tiers.get(&tier)).unwrap_or(self).for_input(tokens.input);
        // Parts of parts: a provider that counts wrongly is never paid for more than all.
        let cached = tokens.cached_input.min(tokens.input);
        let written = tokens.cache_write.min(tokens.input - cached);
        let hour = tokens.cache_write_1h.min(written);
        let sound = tokens.audio_input.min(tokens.input - cached - written);
        let spoken = tokens.audio_output.min(tokens.output);
        let write = price.cache_write.unwrap_or(price.input);
        // USD per million tokens is the same number as 1,000 nanodollars per token.
        let usd_per_million = [
            (tokens.input - cached - written - sound, price.input),
            (cached, price.cached_input.unwrap_or(price.input)),
            (written - hour, write),
            (hour, price.cache_write_1h.unwrap_or(write)),
            (sound, price.audio_input.unwrap_or(price.input)),
            (tokens.output - spoken, price.output),
            (spoken, price.audio_output.unwrap_or(price.output)),
        ];
        Nanodollars((usd_per_million.iter().map(|(tokens, price)| *tokens as f64 * price).sum::<f64>() * 1_000.0).round() as i64)
    }

    fn for_input(&self, tokens: u64) -> &Self {
        self.long.as_deref().filter(|long| tokens > long.above.unwrap_or(u64::MAX)).unwrap_or(self)
    }

    /// Why nobody can be charged by it: a field, and what it must be.
    pub fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let own = |price: &Self| {
            let optional = [price.cached_input, price.cache_write, price.cache_write_1h, price.audio_input, price.audio_output];
            let mut all = [price.input, price.output].into_iter().chain(optional.into_iter().flatten());
            all.any(|usd| !usd.is_finite() || usd < 0.0).then_some(("price", "must be numbers of 0 or more: US dollars per million tokens"))
        };
        let long = |price: &Self| {
            let long = price.long.as_deref()?;
            if long.above.is_none_or(|tokens| tokens == 0) {
                return Some(("price.long.above", "must say above how many tokens of input the long price holds"));
            }
            if long.long.is_some() || !long.tiers.is_empty() {
                return Some(("price.long", "cannot have a long price or tiers of its own"));
            }
            own(long)
        };
        let one = |price: &Self| {
            let stray = price.above.map(|_| ("price.above", "belongs into `long`"));
            own(price).or(stray).or_else(|| long(price))
        };
        let tier = |price: &Self| {
            let nested = (!price.tiers.is_empty()).then_some(("price.tiers", "cannot have tiers of their own"));
            nested.or_else(|| one(price))
        };
        one(self).or_else(|| self.tiers.values().find_map(tier))
    }
}

/// A model a provider offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The provider's name.
    pub provider: String,
    /// The provider's name for the model.
    pub name: String,
    /// Tokens it can read and write in one call, where known.
    pub context_window: Option<u32>,
    /// Tokens it can write in one call, where known: what is asked for when a caller names no limit and the provider needs one.
    pub max_output_tokens: Option<u32>,
    /// Price, where known.
    pub price: Option<Price>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_is_billed_once_at_its_own_price() {
        let price = Price { input: 0.15, output: 0.60, cached_input: Some(0.075), ..Price::default() };
        let tokens = Usage { input: 1_000_000, cached_input: 400_000, output: 500_000, reasoning: 100_000, ..Usage::default() };
        // 600,000 × 0.15 + 400,000 × 0.075 + 500,000 × 0.60, each per million: 0.09 + 0.03 + 0.30 USD.
        assert_eq!(price.cost(tokens), Nanodollars(420_000_000));
        // Claude Sonnet 4: 3 USD, 3.75 to write to the cache, 0.30 to read from it. 100 × 3 + 900 × 3.75 + 9,000 × 0.30 + 50 × 15, each per million.
        let price = Price { input: 3.0, output: 15.0, cached_input: Some(0.30), cache_write: Some(3.75), ..Price::default() };
        let tokens = Usage { input: 10_000, cached_input: 9_000, cache_write: 900, output: 50, ..Usage::default() };
        assert_eq!(price.cost(tokens), Nanodollars(7_125_000));
    }

    #[test]
    fn a_long_input_costs_its_own_price_for_all_of_its_tokens() {
        // Gemini 2.5 Pro: 1.25 and 10 USD, above 200,000 tokens of input 2.50 and 15 (ai.google.dev/gemini-api/docs/pricing).
        let long = Price { above: Some(200_000), input: 2.5, output: 15.0, ..Price::default() };
        let price = Price { input: 1.25, output: 10.0, long: Some(Box::new(long)), ..Price::default() };
        let cost = |input| price.cost(Usage { input, output: 1_000, ..Usage::default() });
        assert_eq!(cost(200_000), Nanodollars(260_000_000));
        assert_eq!(cost(200_001), Nanodollars(515_002_500));
    }

    #[test]
    fn what_was_served_otherwise_costs_what_that_costs() {
        // GPT-5: 1.25 and 10 USD, flex half of it, priority twice as much (developers.openai.com/api/docs/pricing).
        let tier = |input, output| Price { input, output, ..Price::default() };
        let tiers = BTreeMap::from([(Tier::Flex, tier(0.625, 5.0)), (Tier::Priority, tier(2.5, 20.0))]);
        let price = Price { tiers, ..tier(1.25, 10.0) };
        let cost = |tier| price.cost(Usage { input: 1_000_000, output: 100_000, tier, ..Usage::default() }).0;
        assert_eq!([None, Some(Tier::Flex), Some(Tier::Priority)].map(cost), [2_250_000_000, 1_125_000_000, 4_500_000_000]);
        assert_eq!(cost(Some(Tier::Ultrafast)), 2_250_000_000, "no price of its own: the usual one");
    }

    #[test]
    fn an_hour_in_the_cache_and_sound_have_their_own_prices() {
        // Claude Sonnet 4.5: 3.75 USD for five minutes, 6 for an hour (platform.claude.com/docs/en/about-claude/pricing): 100 × 3 + 400 × 3.75 + 500 × 6.
        let price = Price { input: 3.0, output: 15.0, cache_write: Some(3.75), cache_write_1h: Some(6.0), ..Price::default() };
        assert_eq!(price.cost(Usage { input: 1_000, cache_write: 900, cache_write_1h: 500, ..Usage::default() }), Nanodollars(4_800_000));
        // Without a price for the hour it costs what any write costs.
        let price = Price { cache_write_1h: None, ..price };
        assert_eq!(price.cost(Usage { input: 1_000, cache_write: 900, cache_write_1h: 500, ..Usage::default() }), Nanodollars(3_675_000));
        // Gemini 2.5 Flash: 0.30 USD for text, 1 for sound (ai.google.dev/gemini-api/docs/pricing): 400 × 0.30 + 600 × 1.
        let price = Price { input: 0.3, output: 2.5, audio_input: Some(1.0), ..Price::default() };
        assert_eq!(price.cost(Usage { input: 1_000, audio_input: 600, ..Usage::default() }), Nanodollars(720_000));
        // Parts larger than the whole are cut.
        assert_eq!(price.cost(Usage { input: 10, cached_input: 20, audio_input: 600, ..Usage::default() }), Nanodollars(3_000));
    }

    #[test]
    fn a_price_that_nobody_can_be_charged_by_names_its_field() {
        let price = |json: &str| serde_json::from_str::<Price>(json).expect(json).wrong().map(|(field, _)| field);
        assert_eq!(
            price(r#"{"input":1,"output":2,"long":{"above":9,"input":2,"output":3},"tiers":{"flex":{"input":0,"output":1}}}"#),
            None
        );
        assert_eq!(price(r#"{"input":-1,"output":2}"#), Some("price"));
        assert_eq!(price(r#"{"input":1,"output":2,"audio_input":-1}"#), Some("price"));
        assert_eq!(price(r#"{"input":1,"output":2,"above":9}"#), Some("price.above"));
        assert_eq!(price(r#"{"input":1,"output":2,"long":{"input":2,"output":3}}"#), Some("price.long.above"));
        assert_eq!(price(r#"{"input":1,"output":2,"long":{"above":9,"input":-2,"output":3}}"#), Some("price"));
        assert_eq!(
            price(r#"{"input":1,"output":2,"tiers":{"flex":{"input":1,"output":2,"tiers":{"flex":{"input":1,"output":2}}}}}"#),
            Some("price.tiers")
        );
        assert!(serde_json::from_str::<Price>(r#"{"input":1,"output":2,"inptu":3}"#).is_err(), "an unknown field is told");
    }
}
