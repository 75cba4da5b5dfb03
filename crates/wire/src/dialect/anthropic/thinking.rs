//! How much to think: by level or by tokens, read and written.

use crate::chat::ParseError;
use crate::dialect::Dialect;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Effort, Extra, Loss, Reasoning, Request, Untranslatable};

/// How a model is told to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    /// `adaptive` and `output_config.effort`: models from 4.6 on.
    #[default]
    Adaptive,
    /// `enabled` with `budget_tokens`: models up to 4.5.
    Budget,
}

impl Thinking {
    /// What a model takes, by the version in its name; names without one are taken for new.
    pub fn of_model(model: &str) -> Self {
        let mut numbers = model.split(['-', '.', '@', ':', '/']).filter(|n| n.len() <= 2).filter_map(|n| n.parse::<u32>().ok());
        match (numbers.next(), numbers.next()) {
            (Some(major), minor) if (major, minor.unwrap_or(0)) < (4, 6) => Self::Budget,
            _ => Self::Adaptive,
        }
    }
}

/// The least budget there is.
const LEAST: u64 = 1024;

/// Reads `thinking`; further fields of it go to `extra`.
pub(in crate::dialect) fn read(top: &mut Object<'_>, effort: Option<Effort>, extra: &mut Extra) -> Result<Option<Reasoning>, ParseError> {
    let by_effort = effort.map(|effort| Reasoning { effort: Some(effort), budget: None });
    let Some(mut thinking) = top.object("thinking")? else { return Ok(by_effort) };
    let reasoning = match thinking.need_text("type")?.as_str() {
        "disabled" => Some(Reasoning { effort: Some(Effort::None), budget: None }),
        "adaptive" => Some(Reasoning { effort, budget: None }),
        "enabled" => {
            let budget = thinking.whole("budget_tokens")?.ok_or_else(|| thinking.missing("budget_tokens"))?;
            Some(Reasoning { effort, budget: Some(budget) })
        }
        _ => return Err(thinking.wrong("type", "must be adaptive, enabled or disabled")),
    };
    thinking.rest_into(extra, "thinking");
    Ok(reasoning)
}

/// The fields of a body that say how much to think: `thinking`, and the level in `output_config`.
pub(in crate::dialect) struct Fields {
    pub(in crate::dialect) thinking: Option<Json>,
    pub(in crate::dialect) effort: Option<&'static str>,
}

/// Writes what was asked for, in the form the model takes.
pub(in crate::dialect) fn write(request: &Request, max_tokens: u64, form: Thinking, loss: &mut Loss) -> Result<Fields, Untranslatable> {
    let nothing = Fields { thinking: None, effort: None };
    let Some(reasoning) = request.reasoning else { return Ok(nothing) };
    let param = param(request.dialect);
    if reasoning.effort == Some(Effort::None) {
        return Ok(Fields { thinking: Some(object("disabled", None)), effort: None });
    }
    match form {
        Thinking::Adaptive => {
            let effort = reasoning.effort.or_else(|| reasoning.budget.map(|budget| level(budget, max_tokens)));
            let effort = effort.map(|e| if e < Effort::Low { Effort::Low } else { e });
            Ok(Fields { thinking: Some(object("adaptive", None)), effort: effort.map(Effort::name) })
        }
        Thinking::Budget => {
            let budget = reasoning.budget.unwrap_or_else(|| share(reasoning.effort.unwrap_or(Effort::High), max_tokens)).max(LEAST);
            if budget >= max_tokens {
                loss.refuse(param, &format!("thinking takes at least {LEAST} tokens and must stay below `max_tokens`"))?;
                return Ok(nothing);
            }
            Ok(Fields { thinking: Some(object("enabled", Some(budget))), effort: None })
        }
    }
}

/// The parameter with which callers of a dialect say how much to think.
pub(in crate::dialect) const fn param(caller: Dialect) -> &'static str {
    match caller {
        Dialect::OpenAi => "reasoning_effort",
        Dialect::Anthropic => "thinking",
        Dialect::Responses => "reasoning.effort",
        Dialect::Gemini => "generationConfig.thinkingConfig",
        Dialect::Bedrock => "additionalModelRequestFields",
    }
}

fn object(kind: &str, budget: Option<u64>) -> Json {
    let mut out = Members::of_type(kind);
    out.some("budget_tokens", budget.as_ref());
    out.finish()
}

/// The share of the answer a level may think.
fn share(effort: Effort, max_tokens: u64) -> u64 {
    let percent = match effort {
        Effort::None | Effort::Minimal | Effort::Low => 20,
        Effort::Medium => 50,
        Effort::High => 80,
        Effort::XHigh | Effort::Max => 95,
    };
    max_tokens.saturating_mul(percent) / 100
}

/// The level whose share a budget is.
pub(in crate::dialect) fn level(budget: u64, max_tokens: u64) -> Effort {
    match budget.saturating_mul(100) / max_tokens.max(1) {
        0..=35 => Effort::Low,
        36..=65 => Effort::Medium,
        _ => Effort::High,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_model_tells_how_it_thinks() {
        for old in ["claude-3-7-sonnet-20250219", "claude-sonnet-4-20250514", "claude-opus-4-5", "claude-haiku-4-5-20251001"] {
            assert_eq!(Thinking::of_model(old), Thinking::Budget, "{old}");
        }
        for new in ["claude-opus-4-6", "claude-opus-4-7", "claude-sonnet-5", "anthropic.claude-opus-4-6-v1", "house-model"] {
            assert_eq!(Thinking::of_model(new), Thinking::Adaptive, "{new}");
        }
    }
}
