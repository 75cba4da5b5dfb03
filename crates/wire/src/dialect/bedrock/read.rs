//! Reads a request.

use super::blocks::blocks_of;
use super::{family, tools};
use crate::chat::ParseError;
use crate::dialect::Dialect;
use crate::dialect::json::Object;
use crate::form::{Effort, Message, Raw, Request, ResponseFormat, Role};
use serde_json::value::RawValue;

/// Reads a body. Nothing is lost: what the form has no place for is in `extra` or `Other`.
///
/// The model and `stream` are not in the body: whoever has the address sets both from [`super::target`].
pub fn read_request(body: &[u8]) -> Result<Request, ParseError> {
    let mut top = Object::body(body)?;
    let mut request = Request::new(Dialect::Bedrock, String::new());
    request.system = blocks_of(&mut top, "system")?;
    for (index, raw) in top.list("messages")?.ok_or_else(|| top.missing("messages"))?.into_iter().enumerate() {
        request.messages.push(message(index, raw)?);
    }
    tools::read(&mut top, &mut request)?;
    if let Some(mut config) = top.object("inferenceConfig")? {
        request.max_tokens = config.whole("maxTokens")?;
        request.temperature = config.number("temperature")?;
        request.top_p = config.number("topP")?;
        request.stop = config.texts("stopSequences")?.unwrap_or_default();
        config.rest_into(&mut request.extra, "inferenceConfig");
    }
    let effort = output_config(&mut request, &mut top)?;
    family::read(&mut top, effort, &mut request)?;
    request.include_usage = true;
    request.extra.extend(top.rest());
    Ok(request)
}

fn message(index: usize, raw: &RawValue) -> Result<Message, ParseError> {
    let mut said = Object::at(&format!("messages[{index}]"), raw)?;
    let role = match said.need_text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => return Err(said.wrong("role", "must be user or assistant")),
    };
    let parts = blocks_of(&mut said, "content")?;
    Ok(Message { role, parts, index, extra: said.rest() })
}

/// Reads `outputConfig`: the shape of the answer, and the level of thinking.
fn output_config(request: &mut Request, top: &mut Object<'_>) -> Result<Option<Effort>, ParseError> {
    let Some(mut config) = top.object("outputConfig")? else { return Ok(None) };
    let effort = match config.text("effort")? {
        Some(name) => {
            let level = Effort::of_name(&name).filter(|e| *e >= Effort::Low);
            Some(level.ok_or_else(|| config.wrong("effort", "must be low, medium, high, xhigh or max"))?)
        }
        None => None,
    };
    if let Some(mut format) = config.object("textFormat")? {
        if format.need_text("type")? != "json_schema" {
            return Err(format.wrong("type", "must be json_schema"));
        }
        let mut json = format.need_object("structure")?.need_object("jsonSchema")?;
        let schema = Raw::parse(&json.need_text("schema")?).ok_or_else(|| json.wrong("schema", "must be JSON as text"))?;
        let (name, description) = (json.text("name")?, json.text("description")?);
        request.response_format = Some(ResponseFormat::JsonSchema { name, description, schema, strict: Some(true) });
    }
    config.rest_into(&mut request.extra, "outputConfig");
    Ok(effort)
}
