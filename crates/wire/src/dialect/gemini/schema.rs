//! Google's own kind of schema (`parameters`, `responseSchema`) as JSON Schema.

use crate::chat::Fields;
use crate::dialect::json::{Json, Members};
use crate::form::Raw;
use serde_json::Value;
use serde_json::value::RawValue;

/// Deeper ones stay as they are.
const DEEPEST: usize = 64;

/// Where a schema stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Whether objects are closed: other vendors ask it of every object of an answer.
    closed: bool,
}

impl Place {
    const fn within(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

/// Types in small letters, `nullable` as a type, counts as numbers. A schema that is JSON Schema already stays as it was written.
pub(super) fn json_schema(raw: &RawValue) -> Raw {
    read(raw, false)
}

/// The same for an answer: its objects have no properties but those named, which Google need not be told.
pub(super) fn answer_schema(raw: &RawValue) -> Raw {
    read(raw, true)
}

fn read(raw: &RawValue, closed: bool) -> Raw {
    let own: Raw = raw.into();
    schema(raw.get(), Place { depth: 0, closed }).and_then(|json| Raw::parse(json.as_str())).unwrap_or(own)
}

/// Whether OpenAI takes a schema as strict: every object is closed, and all its properties are required.
pub(super) fn strict(raw: &Raw) -> bool {
    // One nested too deep to be read is nested too deep for OpenAI.
    serde_json::from_str(raw.as_str()).is_ok_and(|schema| strictly(&schema))
}

fn strictly(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return true };
    let properties = fields.get("properties").and_then(Value::as_object);
    if properties.is_some() || fields.get("type").is_some_and(|kind| kind == "object") {
        let required = fields.get("required").and_then(Value::as_array);
        let needed = |name: &String| required.is_some_and(|all| all.iter().any(|key| key == name));
        if fields.get("additionalProperties") != Some(&Value::Bool(false)) || !properties.is_none_or(|all| all.keys().all(needed)) {
            return false;
        }
    }
    let named = ["properties", "$defs", "defs"].iter().filter_map(|key| fields.get(*key)?.as_object()).flat_map(|all| all.values());
    let listed = ["anyOf", "prefixItems"].iter().filter_map(|key| fields.get(*key)?.as_array()).flatten();
    named.chain(listed).chain(fields.get("items")).all(strictly)
}

/// `None` when nothing changes.
fn schema(text: &str, place: Place) -> Option<Json> {
    if place.depth > DEEPEST {
        return None;
    }
    let Fields(fields) = serde_json::from_str(text).ok()?;
    let nullable = fields.iter().any(|(key, raw)| key == "nullable" && raw.get() == "true");
    let has = |name: &str| fields.iter().any(|(key, _)| key == name);
    let close = place.closed && has("properties") && !has("additionalProperties");
    let mut out = Members::new();
    let mut changed = close;
    for (key, raw) in fields {
        let value = match key.as_ref() {
            "type" => kind(raw, nullable),
            // Said by the type; where there is none, anything goes.
            "nullable" => {
                changed = true;
                continue;
            }
            "properties" | "defs" | "$defs" => each(raw.get(), place),
            "items" | "additionalProperties" => schema(raw.get(), place.within()),
            "anyOf" | "oneOf" | "prefixItems" => list(raw.get(), place),
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties" => number(raw),
            _ => None,
        };
        changed |= value.is_some();
        match value {
            Some(json) => out.json(&key, &json),
            None => out.put(&key, raw),
        };
    }
    if close {
        out.put("additionalProperties", &false);
    }
    changed.then(|| out.finish())
}

fn kind(raw: &RawValue, nullable: bool) -> Option<Json> {
    let name: String = serde_json::from_str(raw.get()).ok()?;
    let small = name.to_ascii_lowercase();
    match (nullable, small == name) {
        (true, _) => Some(Json::of(&[small.as_str(), "null"])),
        (false, false) => Some(Json::of(&small)),
        (false, true) => None,
    }
}

/// Counts are 64 bits wide, which Google's JSON writes as text.
fn number(raw: &RawValue) -> Option<Json> {
    let text: String = serde_json::from_str(raw.get()).ok()?;
    text.parse::<u64>().ok().map(|n| Json::of(&n))
}

fn each(text: &str, place: Place) -> Option<Json> {
    let Fields(fields) = serde_json::from_str(text).ok()?;
    let mut out = Members::new();
    let mut changed = false;
    for (key, raw) in fields {
        let value = schema(raw.get(), place.within());
        changed |= value.is_some();
        out.json(&key, &value.unwrap_or_else(|| Json::of(raw)));
    }
    changed.then(|| out.finish())
}

fn list(text: &str, place: Place) -> Option<Json> {
    let all: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let read: Vec<Option<Json>> = all.iter().map(|raw| schema(raw.get(), place.within())).collect();
    let changed = read.iter().any(Option::is_some);
    let items: Vec<Json> = read.into_iter().zip(all).map(|(json, raw)| json.unwrap_or_else(|| Json::of(raw))).collect();
    changed.then(|| Json::list(&items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_own(text: &str) -> String {
        json_schema(&RawValue::from_string(text.to_owned()).expect("JSON")).as_str().to_owned()
    }

    #[test]
    fn googles_schema_is_read_as_json_schema() {
        let own = r#"{"type":"OBJECT","properties":{"z":{"type":"STRING","nullable":true,"maxLength":"9"},"a":{"type":"ARRAY","items":{"type":"INTEGER","format":"int64"}}},"required":["z"]}"#;
        let json = r#"{"type":"object","properties":{"z":{"type":["string","null"],"maxLength":9},"a":{"type":"array","items":{"type":"integer","format":"int64"}}},"required":["z"]}"#;
        assert_eq!(read_own(own), json);
        let already = r#"{ "type": "object", "properties": { "type": {"type": "string", "maximum": 1.50} } }"#;
        assert_eq!(read_own(already), already);
    }

    #[test]
    fn the_objects_of_an_answer_are_closed() {
        let own = r#"{"type":"OBJECT","properties":{"a":{"type":"ARRAY","items":{"type":"OBJECT","properties":{"b":{"type":"STRING"}},"required":["b"]}}},"required":["a"]}"#;
        let closed = answer_schema(&RawValue::from_string(own.to_owned()).expect("JSON"));
        assert_eq!(
            closed.as_str(),
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{"type":"string"}},"required":["b"],"additionalProperties":false}}},"required":["a"],"additionalProperties":false}"#
        );
        assert!(strict(&closed));
        // OpenAI's rules for strict schemas: closed, and everything required, at every level.
        for loose in [
            r#"{"type":"object"}"#,
            r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{}},"additionalProperties":false}"#,
            r#"{"type":"array","items":{"type":"object"}}"#,
            r#"{"anyOf":[{"type":"string"},{"type":"object"}]}"#,
        ] {
            assert!(!strict(&Raw::parse(loose).expect("JSON")), "{loose}");
        }
    }
}
