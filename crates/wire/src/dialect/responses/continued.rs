//! A conversation that goes on from an earlier answer (`previous_response_id`), for providers that do not remember it themselves.

use crate::chat::ParseError;
use crate::dialect::json::{Json, Members, Object};
use crate::form::Raw;
use serde_json::value::RawValue;

/// What of an earlier answer's items is said again. The rest (ids, states) is of no use to whoever did not make it.
const SAID_AGAIN: [(&str, &[&str]); 3] = [
    ("message", &["type", "role", "content"]),
    ("function_call", &["type", "call_id", "name", "arguments"]),
    ("reasoning", &["type", "summary", "content", "encrypted_content"]),
];

/// The body with what was asked and answered before in front of its input, and without its reference to it. Instructions are not carried over: see OpenAI's
/// reference of `previous_response_id`.
pub fn continued(body: &[u8], earlier_request: &[u8], earlier_answer: &[u8]) -> Result<Vec<u8>, ParseError> {
    let mut items = input(&mut Object::body(earlier_request)?)?;
    for raw in Object::body(earlier_answer)?.list("output")?.unwrap_or_default() {
        items.push(again(raw)?);
    }
    let mut fields = Object::body(body)?;
    fields.take("previous_response_id");
    items.extend(input(&mut fields)?);
    let mut out = Members::new();
    let names: Vec<String> = fields.keys().map(str::to_owned).collect();
    for name in names {
        if let Some(raw) = fields.take(&name) {
            out.put(&name, raw);
        }
    }
    out.json("input", &Json::list(&items));
    Ok(out.finish().into_bytes())
}

/// The items of an input; a text is a user's message.
fn input(fields: &mut Object<'_>) -> Result<Vec<Json>, ParseError> {
    let Some(raw) = fields.take("input") else { return Err(fields.missing("input")) };
    if raw.get().starts_with('"') {
        return Ok(vec![Members::new().with("role", "user").with("content", raw).finish()]);
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| fields.wrong("input", "must be text or a list"))?;
    Ok(items.into_iter().map(Json::of).collect())
}

fn again(raw: &RawValue) -> Result<Json, ParseError> {
    let kind = Object::at("output", raw)?.need_text("type")?;
    let Some((_, names)) = SAID_AGAIN.iter().find(|(known, _)| *known == kind) else { return Ok(Json::of(raw)) };
    let mut item = Object::at("output", raw)?;
    let mut out = Members::new();
    for name in *names {
        if let Some(value) = item.take(name) {
            out.put(name, value);
        }
    }
    Ok(out.finish())
}

/// The whole answer that the last events of a stream repeat.
pub fn whole_answer(last_events: &[u8]) -> Option<Raw> {
    let text = std::str::from_utf8(last_events).ok()?;
    let ends = ["response.completed", "response.incomplete"];
    text.rsplit("\n\n").find_map(|event| {
        let data = event.lines().find_map(|line| line.strip_prefix("data: "))?;
        let mut object = Object::body(data.as_bytes()).ok()?;
        let kind = object.need_text("type").ok()?;
        ends.contains(&kind.as_str()).then(|| object.raw("response")).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"id":"resp_1","object":"response","status":"completed","output":[
        {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"sealed"},
        {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi!","annotations":[]}]},
        {"type":"function_call","id":"fc_1","call_id":"call_1","status":"completed","name":"f","arguments":"{}"}]}"#;

    #[test]
    fn what_was_said_before_comes_first() {
        let body = br#"{"model":"m","previous_response_id":"resp_1","input":[{"type":"function_call_output","call_id":"call_1","output":"7"}],"store":true}"#;
        let out = continued(body, br#"{"model":"m","instructions":"old","input":"Hello"}"#, ANSWER.as_bytes()).expect("a body");
        insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"), @r#"{"model":"m","store":true,"input":[{"role":"user","content":"Hello"},{"type":"reasoning","summary":[],"encrypted_content":"sealed"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi!","annotations":[]}]},{"type":"function_call","call_id":"call_1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"7"}]}"#);
    }

    #[test]
    fn the_end_of_a_stream_repeats_the_answer() {
        let events = "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":9,\"response\":{\"id\":\"resp_1\",\"output\":[]}}\n\n";
        assert_eq!(whole_answer(events.as_bytes()).expect("there").as_str(), r#"{"id":"resp_1","output":[]}"#);
        assert_eq!(whole_answer(b"event: error\ndata: {\"type\":\"error\"}\n\n"), None);
    }
}
