//! Writes a request.

use super::STOP_SEQUENCE;
use super::family::{self, Family};
use super::tools;
use super::write_blocks::Blocks;
use crate::dialect::json::{Json, Members};
use crate::dialect::{Dialect, asks_for_nothing, foreign};
use crate::form::{Loss, Request, ResponseFormat, Untranslatable, Written};
use serde_json::Value;

/// What the target takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Leave out what the dialect has no word for, instead of refusing.
    pub drop_unsupported: bool,
    /// What the model takes beyond the fields all have.
    pub family: Family,
}

/// Kept, with what was not read of them.
const PLACED: [&str; 4] = ["inferenceConfig", "outputConfig", tools::CONFIG, family::FIELDS];

/// Which further fields of the model's answer to give.
const PATHS: &str = "additionalModelResponseFieldPaths";

/// Writes a body. The model and `stream` belong into the address: see [`super::path`].
pub fn write_request(request: &Request, options: Options) -> Result<Written, Untranslatable> {
    let mut loss = Loss::new(options.drop_unsupported);
    let own = request.dialect == Dialect::Bedrock;
    let mut body = Members::new();
    let mut blocks = Blocks::new(request, own, options.family, &mut loss);
    let system = blocks.system()?;
    body.json("messages", &blocks.messages()?);
    if !system.is_empty() {
        body.json("system", &Json::list(&system));
    }
    put(&mut body, "inferenceConfig", sampling(request, own, &mut loss)?);
    let tools = tools::write(request, own, options.family, &mut loss)?;
    put(&mut body, tools::CONFIG, tools);
    let mut more = family::write(request, options.family, tools::wants_answer(request, own), &mut loss)?;
    if own {
        more.fields.inner(&request.extra, family::FIELDS);
    }
    put(&mut body, family::FIELDS, more.fields);
    put(&mut body, "outputConfig", output_config(request, own, more.effort, &mut loss)?);
    if own {
        body.extra(&request.extra, &PLACED);
        return Ok(loss.written(body.finish().into_bytes()));
    }
    // Amazon tells only that there was one; Claude says which, if asked.
    if !request.stop.is_empty() && matches!(options.family, Family::Claude(_)) {
        body.put(PATHS, &[format!("/{STOP_SEQUENCE}")]);
    }
    if request.user.is_some() {
        loss.note("user", "end users are not told apart");
    }
    if request.extra.contains_key("cache_control") {
        loss.note("cache_control", "prefixes are cached where a part is marked");
    }
    foreign(&mut loss, "", &request.extra, harmless)?;
    Ok(loss.written(body.finish().into_bytes()))
}

fn put(body: &mut Members, key: &str, object: Members) {
    if !object.is_empty() {
        body.json(key, &object.finish());
    }
}

/// What asks for nothing; the cache costs or saves, and changes no answer.
fn harmless(key: &str, value: &Value) -> bool {
    key == "cache_control" || asks_for_nothing(key, value)
}

fn sampling(request: &Request, own: bool, loss: &mut Loss) -> Result<Members, Untranslatable> {
    let mut config = Members::new();
    config.some("maxTokens", request.max_tokens.as_ref());
    match request.temperature {
        Some(hot) if hot > 1.0 && !own => {
            loss.refuse("temperature", "it goes from 0 to 1")?;
            config.put("temperature", &1);
        }
        temperature => drop(config.some("temperature", temperature.as_ref())),
    }
    config.some("topP", request.top_p.as_ref());
    let (stop, blank): (Vec<&String>, Vec<&String>) = request.stop.iter().partition(|s| own || !s.trim().is_empty());
    if !blank.is_empty() {
        loss.refuse("stop", "a text at which to stop must not be blank")?;
    }
    if !stop.is_empty() {
        config.put("stopSequences", &stop);
    }
    if request.seed.is_some() {
        loss.refuse("seed", "sampling cannot be repeated")?;
    }
    if request.n.is_some_and(|n| n != 1) {
        loss.refuse("n", "there is one answer to a call")?;
    }
    if request.logprobs.is_some() {
        loss.refuse("logprobs", "there are none")?;
    }
    if own {
        config.inner(&request.extra, "inferenceConfig");
    }
    Ok(config)
}

/// The level of thinking; and, for callers who said it so, the shape of the answer, which others get with a tool: few models know it.
fn output_config(request: &Request, own: bool, effort: Option<&str>, loss: &mut Loss) -> Result<Members, Untranslatable> {
    let mut config = Members::new();
    match &request.response_format {
        Some(ResponseFormat::JsonSchema { name, description, schema, .. }) if own => {
            let mut json = Members::new().with("schema", schema.as_str());
            json.some("name", name.as_ref()).some("description", description.as_ref());
            let structure = Members::new().with_json("jsonSchema", &json.finish()).finish();
            config.json("textFormat", &Members::of_type("json_schema").with_json("structure", &structure).finish());
        }
        Some(ResponseFormat::JsonObject) => loss.refuse("response_format", "there is no `json_object`; give a `json_schema`")?,
        Some(ResponseFormat::JsonSchema { .. } | ResponseFormat::Text) | None => {}
    }
    config.some("effort", effort.as_ref());
    if own {
        config.inner(&request.extra, "outputConfig");
    }
    Ok(config)
}
