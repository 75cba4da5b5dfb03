//! What a kind of model takes beyond the fields all have: `additionalModelRequestFields`, and caches.

use crate::chat::ParseError;
use crate::dialect::anthropic::{self, thinking};
use crate::dialect::json::{Members, Object};
use crate::dialect::openai;
use crate::form::{Effort, Extra, Loss, Reasoning, Request, Untranslatable};

/// A kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Anthropic's, and how it is told to think.
    Claude(anthropic::Thinking),
    /// Amazon's Nova.
    Nova,
    /// OpenAI's open weights.
    GptOss,
    /// Any other.
    Other,
}

impl Default for Family {
    fn default() -> Self {
        Self::Claude(anthropic::Thinking::default())
    }
}

/// Where a model or a profile may answer: the first word of a profile's id.
const PLACES: [&str; 10] = ["us", "eu", "apac", "global", "us-gov", "jp", "au", "ca", "sa", "me"];

/// The longest answer of today's models, where none is asked for.
const LONGEST: u64 = 32_000;

impl Family {
    /// The kind of a model, by its id, an inference profile's, or the ARN of one. ARNs that tell nothing are taken for Claude's.
    pub fn of_model(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.split_once('.').filter(|(place, _)| PLACES.contains(place)).map_or(name, |(_, name)| name);
        match name.split_once('.') {
            Some(("anthropic", claude)) => Self::Claude(anthropic::Thinking::of_model(claude)),
            Some(("amazon", nova)) if nova.starts_with("nova") => Self::Nova,
            Some(("openai", open)) if open.starts_with("gpt-oss") => Self::GptOss,
            Some(_) => Self::Other,
            None => Self::default(),
        }
    }

    /// Whether prefixes can be marked for the cache.
    pub(super) const fn caches(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Nova)
    }

    /// Whether tools can be, too.
    pub(super) const fn caches_tools(self) -> bool {
        matches!(self, Self::Claude(_))
    }

    /// Whether thoughts are taken back only with their proof.
    pub(super) const fn signs(self) -> bool {
        matches!(self, Self::Claude(_))
    }
}

/// The name of the object.
pub(super) const FIELDS: &str = "additionalModelRequestFields";

/// Reads the object, and the effort that stands elsewhere; what is not read of it goes to `extra`.
pub(super) fn read(top: &mut Object<'_>, effort: Option<Effort>, request: &mut Request) -> Result<(), ParseError> {
    request.reasoning = effort.map(|effort| Reasoning { effort: Some(effort), budget: None });
    let Some(mut fields) = top.object(FIELDS)? else { return Ok(()) };
    request.top_k = fields.whole("top_k")?;
    let mut rest = Extra::new();
    request.reasoning = thinking::read(&mut fields, effort, &mut rest)?;
    if let Some(name) = fields.text("reasoning_effort")? {
        let effort = Effort::of_name(&name).ok_or_else(|| fields.wrong("reasoning_effort", "is not known"))?;
        request.reasoning = Some(Reasoning { effort: Some(effort), budget: None });
    }
    rest.extend(fields.rest());
    if !rest.is_empty() {
        request.extra.insert(FIELDS.to_owned(), rest.into());
    }
    Ok(())
}

/// What is written of the fields.
#[derive(Default)]
pub(super) struct Written {
    /// The members of the object.
    pub(super) fields: Members,
    /// The level in `outputConfig`.
    pub(super) effort: Option<&'static str>,
}

/// Writes `top_k` and how much to think, as the model takes them. `forced`: it must call a tool, and Claude does not think then.
pub(super) fn write(request: &Request, family: Family, forced: bool, loss: &mut Loss) -> Result<Written, Untranslatable> {
    let mut out = Written::default();
    if let Some(top_k) = request.top_k {
        match family {
            Family::Claude(_) => drop(out.fields.put("top_k", &top_k)),
            Family::Nova => drop(out.fields.json("inferenceConfig", &Members::new().with("topK", &top_k).finish())),
            Family::GptOss | Family::Other => loss.refuse("top_k", "this model has no such field")?,
        }
    }
    let Some(reasoning) = request.reasoning else { return Ok(out) };
    let off = reasoning.effort == Some(Effort::None);
    let param = thinking::param(request.dialect);
    match family {
        Family::Claude(_) if forced && !off => {
            loss.refuse(param, "an answer of a given shape is a tool the model must call here, and it cannot think before it")?;
        }
        Family::Claude(form) => {
            let thinking = thinking::write(request, request.max_tokens.unwrap_or(LONGEST), form, loss)?;
            if let Some(json) = &thinking.thinking {
                out.fields.json("thinking", json);
            }
            out.effort = thinking.effort;
        }
        Family::Nova => {
            let mut config = Members::of_type(if off { "disabled" } else { "enabled" });
            config.some("maxReasoningEffort", Some(level(request)).filter(|_| !off).as_ref());
            out.fields.json("reasoningConfig", &config.finish());
        }
        Family::GptOss => drop(out.fields.put("reasoning_effort", level(request))),
        Family::Other if off => {}
        Family::Other => loss.refuse(param, "this model has no such field")?,
    }
    Ok(out)
}

/// One of three levels.
fn level(request: &Request) -> &'static str {
    match openai::effort(request) {
        Some(Effort::None | Effort::Minimal | Effort::Low) => "low",
        Some(Effort::High | Effort::XHigh | Effort::Max) => "high",
        Some(Effort::Medium) | None => "medium",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthropic::Thinking::{Adaptive, Budget};

    #[test]
    fn the_id_of_a_model_tells_its_kind() {
        let arn = |profile: &str| format!("arn:aws:bedrock:us-east-1:123456789012:{profile}");
        for (model, family) in [
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", Family::Claude(Budget)),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", Family::Claude(Budget)),
            ("global.anthropic.claude-opus-4-6-v1", Family::Claude(Adaptive)),
            (&arn("inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"), Family::Claude(Budget)),
            (&arn("application-inference-profile/a1b2c3"), Family::Claude(Adaptive)),
            ("amazon.nova-2-lite-v1:0", Family::Nova),
            ("apac.amazon.nova-pro-v1:0", Family::Nova),
            ("amazon.titan-text-express-v1", Family::Other),
            ("openai.gpt-oss-120b-1:0", Family::GptOss),
            ("us.meta.llama3-3-70b-instruct-v1:0", Family::Other),
        ] {
            assert_eq!(Family::of_model(model), family, "{model}");
        }
    }
}
