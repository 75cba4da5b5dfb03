//! Ends of prefixes to cache: a block of its own here, a mark on the block before it elsewhere.

use crate::dialect::json::{Json, Members};
use crate::form::Raw;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The name of the block.
pub(super) const POINT: &str = "cachePoint";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    r#type: String,
    ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    #[serde(rename = "cachePoint")]
    point: Point,
}

/// The mark a block stands for; `None` for other blocks.
pub(super) fn mark(block: &RawValue) -> Option<Raw> {
    let point = serde_json::from_str::<Block>(block.get()).ok()?.point;
    let mut mark = Members::of_type("ephemeral");
    mark.some("ttl", point.ttl.as_ref());
    (point.r#type == "default").then(|| Raw::parse(mark.finish().as_str())).flatten()
}

/// The block of a mark. Five minutes are what is without a time, and older models take none.
pub(super) fn point(mark: &Raw) -> Json {
    let ttl = serde_json::from_str::<Value>(mark.as_str()).ok().and_then(|m| Some(m.get("ttl")?.as_str()?.to_owned()));
    let mut point = Members::of_type("default");
    point.some("ttl", ttl.filter(|ttl| ttl != "5m").as_ref());
    Members::new().with_json(POINT, &point.finish()).finish()
}
