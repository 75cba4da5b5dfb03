//! How much to think: by level or by tokens, read and written.

use crate::chat::ParseError;
use crate::dialect::anthropic::level;
use crate::dialect::json::{Members, Object};
use crate::form::{Effort, Extra, Reasoning, Request};

/// How a model is told to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    /// `thinkingLevel`, `MINIMAL` to `HIGH`: models from 3 on.
    #[default]
    Level,
    /// `thinkingLevel`, `LOW` to `HIGH`: the large ones among them.
    LevelFromLow,
    /// `thinkingBudget`: models up to 2.5.
    Budget,
}

impl Thinking {
    /// What a model takes, by its name; names without a version are taken for new.
    pub fn of_model(model: &str) -> Self {
        let version = model.rsplit('/').next().and_then(|name| name.strip_prefix("gemini-")).unwrap_or(model);
        if version.starts_with("1.") || version.starts_with("2.") {
            Self::Budget
        } else if version.split('-').any(|word| word == "pro") {
            Self::LevelFromLow
        } else {
            Self::Level
        }
    }
}

/// The longest answer of today's models, where none is asked for.
const LONGEST: u64 = 65_536;

/// Reads `thinkingConfig`; further fields of it go to `extra`.
pub(super) fn read(config: &mut Object<'_>, extra: &mut Extra) -> Result<Option<Reasoning>, ParseError> {
    let Some(thinking) = config.object("thinkingConfig")? else { return Ok(None) };
    let mut thinking = thinking.camel()?;
    let effort = match thinking.text("thinkingLevel")? {
        None => None,
        Some(name) if name == "THINKING_LEVEL_UNSPECIFIED" => None,
        Some(name) => {
            let effort = Effort::of_name(&name.to_ascii_lowercase()).filter(|e| (Effort::Minimal..=Effort::High).contains(e));
            Some(effort.ok_or_else(|| thinking.wrong("thinkingLevel", "must be MINIMAL, LOW, MEDIUM or HIGH"))?)
        }
    };
    let reasoning = match thinking.signed("thinkingBudget")? {
        Some(0) => Reasoning { effort: Some(Effort::None), budget: None },
        // −1: as much as it likes.
        None | Some(-1) => Reasoning { effort, budget: None },
        Some(budget) => {
            let budget = u64::try_from(budget).map_err(|_| thinking.wrong("thinkingBudget", "must be −1 or more"))?;
            Reasoning { effort, budget: Some(budget) }
        }
    };
    thinking.rest_into(extra, "generationConfig.thinkingConfig");
    Ok(Some(reasoning))
}

/// Writes what was asked for, in the form the model takes. Thoughts come with the answer, as they do elsewhere, unless the caller said.
pub(super) fn write(request: &Request, form: Thinking, own: bool) -> Option<Members> {
    let reasoning = request.reasoning?;
    let mut out = Members::new();
    match form {
        Thinking::Budget => drop(out.put("thinkingBudget", &budget(reasoning))),
        Thinking::Level | Thinking::LevelFromLow => {
            let by_budget = || reasoning.budget.map(|budget| level(budget, request.max_tokens.unwrap_or(LONGEST)));
            let name = reasoning.effort.or_else(by_budget).map(|effort| match effort {
                Effort::None | Effort::Minimal if form == Thinking::Level => "MINIMAL",
                Effort::None | Effort::Minimal | Effort::Low => "LOW",
                Effort::Medium => "MEDIUM",
                Effort::High | Effort::XHigh | Effort::Max => "HIGH",
            });
            out.some("thinkingLevel", name.as_ref());
        }
    }
    if own {
        out.inner(&request.extra, "generationConfig.thinkingConfig");
    } else if reasoning.effort != Some(Effort::None) {
        out.put("includeThoughts", &true);
    }
    Some(out)
}

/// Tokens of a level: those Google gives for the same levels.
fn budget(reasoning: Reasoning) -> i64 {
    match (reasoning.budget, reasoning.effort) {
        (Some(budget), _) => i64::try_from(budget).unwrap_or(i64::MAX),
        (None, None) => -1,
        (None, Some(Effort::None)) => 0,
        (None, Some(Effort::Minimal | Effort::Low)) => 1024,
        (None, Some(Effort::Medium)) => 8192,
        (None, Some(Effort::High | Effort::XHigh | Effort::Max)) => 24_576,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_model_tells_how_it_thinks() {
        for old in ["gemini-2.5-pro", "gemini-2.5-flash-lite", "models/gemini-2.0-flash", "google/gemini-2.5-flash"] {
            assert_eq!(Thinking::of_model(old), Thinking::Budget, "{old}");
        }
        assert_eq!(Thinking::of_model("gemini-3-pro-preview"), Thinking::LevelFromLow);
        assert_eq!(Thinking::of_model("gemini-3.1-pro"), Thinking::LevelFromLow);
        for new in ["gemini-3-flash-preview", "gemini-4", "house-model"] {
            assert_eq!(Thinking::of_model(new), Thinking::Level, "{new}");
        }
    }
}
