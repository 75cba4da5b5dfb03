//! Models and what they cost.

use crate::types::Nanodollars;
use serde::{Deserialize, Serialize};

/// US dollars per million tokens, by kind of token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// What a call costs whose input is longer than a threshold, where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongPrice>,
}

/// US dollars per million tokens of a call with a long input: all of its tokens, not only those beyond the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrice {
    /// Input tokens above which it holds.
    pub above: u64,
    /// Input that was not cached.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Input read from the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// Input written to the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
}

/// Tokens of one call. `input` includes `cached_input` and `cache_write`, `output` includes `reasoning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// All input.
    pub input: u64,
    /// The part of the input read from the provider's cache.
    pub cached_input: u64,
    /// The part of the input written to the provider's cache.
    pub cache_write: u64,
    /// All output.
    pub output: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
}

impl Price {
    /// What those tokens cost.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "token counts are far below 2^52, amounts far below 2^63 nanodollars"
    )]
    pub fn cost(&self, tokens: Tokens) -> Nanodollars {
        let cached = tokens.cached_input.min(tokens.input);
        let written = tokens.cache_write.min(tokens.input - cached);
        let (input, output, read, write) = match self.long {
            Some(long) if tokens.input > long.above => (long.input, long.output, long.cached_input, long.cache_write),
            _ => (self.input, self.output, self.cached_input, self.cache_write),
        };
        // USD per million tokens is the same number as 1,000 nanodollars per token.
        let usd_per_million = (tokens.input - cached - written) as f64 * input
            + cached as f64 * read.unwrap_or(input)
            + written as f64 * write.unwrap_or(input)
            + tokens.output as f64 * output;
        Nanodollars((usd_per_million * 1_000.0).round() as i64)
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
        let tokens = Tokens { input: 1_000_000, cached_input: 400_000, output: 500_000, reasoning: 100_000, ..Tokens::default() };
        // 600,000 × 0.15 + 400,000 × 0.075 + 500,000 × 0.60, each per million: 0.09 + 0.03 + 0.30 USD.
        assert_eq!(price.cost(tokens), Nanodollars(420_000_000));
        // Claude Sonnet 4: 3 USD, 3.75 to write to the cache, 0.30 to read from it. 100 × 3 + 900 × 3.75 + 9,000 × 0.30 + 50 × 15, each per million.
        let price = Price { input: 3.0, output: 15.0, cached_input: Some(0.30), cache_write: Some(3.75), long: None };
        let tokens = Tokens { input: 10_000, cached_input: 9_000, cache_write: 900, output: 50, reasoning: 0 };
        assert_eq!(price.cost(tokens), Nanodollars(7_125_000));
    }

    #[test]
    fn a_long_input_costs_its_own_price_for_all_of_its_tokens() {
        // Gemini 2.5 Pro: 1.25 and 10 USD, above 200,000 tokens of input 2.50 and 15 (ai.google.dev/gemini-api/docs/pricing).
        let long = LongPrice { above: 200_000, input: 2.5, output: 15.0, ..LongPrice::default() };
        let price = Price { input: 1.25, output: 10.0, long: Some(long), ..Price::default() };
        let cost = |input| price.cost(Tokens { input, output: 1_000, ..Tokens::default() });
        assert_eq!(cost(200_000), Nanodollars(260_000_000));
        assert_eq!(cost(200_001), Nanodollars(515_002_500));
    }
}
