//! Google's own kind of schema (`parameters`, `responseSchema`) as JSON Schema.

use crate::chat::Fields;
use crate::dialect::json::{Json, Members};
use crate::form::Raw;
use serde_json::value::RawValue;

/// Deeper ones stay as they are.
const DEEPEST: usize = 64;

/// Types in small letters, `nullable` as a type, counts as numbers. A schema that is JSON Schema already stays as it was written.
pub(super) fn json_schema(raw: &RawValue) -> Raw {
    let own: Raw = raw.into();
    schema(raw.get(), 0).and_then(|json| Raw::parse(json.as_str())).unwrap_or(own)
}

/// `None` when nothing changes.
fn schema(text: &str, depth: usize) -> Option<Json> {
    if depth > DEEPEST {
        return None;
    }
    let Fields(fields) = serde_json::from_str(text).ok()?;
    let nullable = fields.iter().any(|(key, raw)| key == "nullable" && raw.get() == "true");
    let mut out = Members::new();
    let mut changed = false;
    for (key, raw) in fields {
        let value = match key.as_ref() {
            "type" => kind(raw, nullable),
            // Said by the type; where there is none, anything goes.
            "nullable" => {
                changed = true;
                continue;
            }
            "properties" | "defs" | "$defs" => each(raw.get(), depth),
            "items" | "additionalProperties" => schema(raw.get(), depth + 1),
            "anyOf" | "oneOf" | "prefixItems" => list(raw.get(), depth),
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties" => number(raw),
            _ => None,
        };
        changed |= value.is_some();
        match value {
            Some(json) => out.json(&key, &json),
            None => out.put(&key, raw),
        };
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

fn each(text: &str, depth: usize) -> Option<Json> {
    let Fields(fields) = serde_json::from_str(text).ok()?;
    let mut out = Members::new();
    let mut changed = false;
    for (key, raw) in fields {
        let value = schema(raw.get(), depth + 1);
        changed |= value.is_some();
        out.json(&key, &value.unwrap_or_else(|| Json::of(raw)));
    }
    changed.then(|| out.finish())
}

fn list(text: &str, depth: usize) -> Option<Json> {
    let all: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let read: Vec<Option<Json>> = all.iter().map(|raw| schema(raw.get(), depth + 1)).collect();
    let changed = read.iter().any(Option::is_some);
    let items: Vec<Json> = read.into_iter().zip(all).map(|(json, raw)| json.unwrap_or_else(|| Json::of(raw))).collect();
    changed.then(|| Json::list(&items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        json_schema(&RawValue::from_string(text.to_owned()).expect("JSON")).as_str().to_owned()
    }

    #[test]
    fn googles_schema_is_read_as_json_schema() {
        let own = r#"{"type":"OBJECT","properties":{"z":{"type":"STRING","nullable":true,"maxLength":"9"},"a":{"type":"ARRAY","items":{"type":"INTEGER","format":"int64"}}},"required":["z"]}"#;
        let json = r#"{"type":"object","properties":{"z":{"type":["string","null"],"maxLength":9},"a":{"type":"array","items":{"type":"integer","format":"int64"}}},"required":["z"]}"#;
        assert_eq!(read(own), json);
        let already = r#"{ "type": "object", "properties": { "type": {"type": "string", "maximum": 1.50} } }"#;
        assert_eq!(read(already), already);
    }
}
