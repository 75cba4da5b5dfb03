//! What the targets share.

use hypercare_wire::dialect::Dialect;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Every dialect of conversations.
pub const DIALECTS: [Dialect; 5] = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Responses, Dialect::Gemini, Dialect::Bedrock];

/// The dialect a byte picks.
pub fn dialect(byte: u8) -> Dialect {
    DIALECTS[usize::from(byte) % DIALECTS.len()]
}

/// The first `N` bytes, and what follows; `None` when there are fewer.
pub fn split<const N: usize>(data: &[u8]) -> Option<([u8; N], &[u8])> {
    data.split_first_chunk().map(|(head, rest)| (*head, rest))
}

/// Checks that this is one JSON value.
///
/// # Panics
/// When it is not.
pub fn must_be_json(what: &str, body: &[u8]) {
    let read: Result<&RawValue, _> = serde_json::from_slice(body);
    assert!(read.is_ok(), "{what}: {read:?} in {}", String::from_utf8_lossy(body));
}

/// The members of an object, as text.
///
/// # Panics
/// When it is no object.
pub fn members(body: &[u8]) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_slice(body).unwrap_or_else(|e| panic!("{e} in {}", String::from_utf8_lossy(body)))
}

/// Pieces of some bytes: `step` says how long they are, in turn.
pub fn pieces(mut data: &[u8], step: u8) -> Vec<&[u8]> {
    let mut all = Vec::new();
    let mut length = usize::from(step % 32) + 1;
    while !data.is_empty() {
        let (piece, rest) = data.split_at(length.min(data.len()));
        all.push(piece);
        data = rest;
        length = length * 7 % 61 + 1;
    }
    all
}
