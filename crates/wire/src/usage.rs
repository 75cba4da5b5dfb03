//! Tokens of a call, normalised.

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Tokens of one call. As OpenAI counts: `input` includes `cached_input` and `cache_write`, `output` includes `reasoning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input.
    pub input: u64,
    /// The part of the input read from the provider's cache.
    pub cached_input: u64,
    /// The part of the input written to the provider's cache.
    pub cache_write: u64,
    /// The part of `cache_write` that is kept for an hour, which costs more than the usual minutes.
    pub cache_write_1h: u64,
    /// The part of the input that is sound.
    pub audio_input: u64,
    /// All output.
    pub output: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
    /// The part of the output that is sound.
    pub audio_output: u64,
    /// How the provider says it served the call, where that is not as usual.
    pub tier: Option<Tier>,
}

/// How a call was served, where providers have other prices for it than the usual ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// When there is room.
    Flex,
    /// Before others.
    Priority,
    /// On faster machines.
    Ultrafast,
}

impl Tier {
    /// By the names of OpenAI, Anthropic and Bedrock (`service_tier`), Gemini (`serviceTier`) and Vertex (`trafficType`). The usual service is none of them.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "flex" | "FLEX" | "ON_DEMAND_FLEX" => Some(Self::Flex),
            "priority" | "PRIORITY" | "ON_DEMAND_PRIORITY" => Some(Self::Priority),
            "ultrafast" => Some(Self::Ultrafast),
            _ => None,
        }
    }

    /// From JSON, however it is said there.
    pub(crate) fn read(json: &str) -> Option<Self> {
        tier(&mut serde_json::Deserializer::from_str(json)).ok().flatten()
    }

    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Ultrafast => "ultrafast",
        }
    }
}

/// Reads a tier as a name, or as Bedrock says it, `{"type": name}`. Anything else is no tier: a call's tokens are not lost for it.
pub(crate) fn tier<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Tier>, D::Error> {
    struct Named;

    impl<'de> Visitor<'de> for Named {
        type Value = Option<Tier>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a tier")
        }

        fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
            Ok(Tier::named(name))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                if key == "type" {
                    found = map.next_value::<Lenient>()?.0;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }

    #[derive(Deserialize)]
    struct Lenient(#[serde(deserialize_with = "tier")] Option<Tier>);

    from.deserialize_any(Named)
}

/// OpenAI's `usage` object, as far as it is counted. Absent numbers are zero; an absent object is absent (never zero).
#[derive(Debug, Deserialize)]
pub(crate) struct OpenAiUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<InputDetails>,
    #[serde(default)]
    completion_tokens_details: Option<OutputDetails>,
}

#[expect(clippy::struct_field_names, reason = "the names of the protocol")]
#[derive(Debug, Default, Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
}

impl OpenAiUsage {
    /// The tokens; the tier stands beside them in an answer.
    pub(crate) fn counted(self, tier: Option<Tier>) -> Usage {
        let input = self.prompt_tokens_details.unwrap_or_default();
        let output = self.completion_tokens_details.unwrap_or_default();
        Usage {
            input: self.prompt_tokens.unwrap_or(0),
            cached_input: input.cached_tokens.unwrap_or(0),
            cache_write: input.cache_write_tokens.unwrap_or(0),
            cache_write_1h: 0,
            audio_input: input.audio_tokens.unwrap_or(0),
            output: self.completion_tokens.unwrap_or(0),
            reasoning: output.reasoning_tokens.unwrap_or(0),
            audio_output: output.audio_tokens.unwrap_or(0),
            tier,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_read_however_it_is_said_and_never_costs_the_tokens() {
        #[derive(Deserialize)]
        struct Said {
            #[serde(default, deserialize_with = "tier")]
            service_tier: Option<Tier>,
        }
        let read = |json: &str| serde_json::from_str::<Said>(json).expect(json).service_tier;
        assert_eq!(read(r#"{"service_tier":"priority"}"#), Some(Tier::Priority));
        assert_eq!(read(r#"{"service_tier":{"type":"flex"}}"#), Some(Tier::Flex));
        for usual in
            [r#""default""#, r#""standard""#, r#""scale""#, "null", "7", "-1", "0.5", "true", "[1]", r#"{"type":[]}"#, r#"{"kind":"flex"}"#]
        {
            assert_eq!(read(&format!(r#"{{"service_tier":{usual}}}"#)), None, "{usual}");
        }
        assert_eq!(read("{}"), None);
    }
}
