//! Parts being written: the proof of a thought stands on the part after it.

use super::parts::REDACTED;
use crate::dialect::json::{Json, Members};

/// A proof that waits for its part.
#[derive(Debug, Default)]
pub(super) struct Proof(Option<String>);

impl Proof {
    /// A thought: a part of its own, if it has words; one before it without a part gets an empty one.
    pub(super) fn thought(&mut self, text: &str, proof: Option<&str>) -> Vec<Json> {
        let mut out: Vec<Json> = self.rest().into_iter().collect();
        if !text.is_empty() {
            out.push(text_part(text).with("thought", &true).finish());
        }
        self.0 = proof.map(str::to_owned);
        out
    }

    /// A sealed thought of another provider's.
    pub(super) fn sealed(&mut self, data: &str) -> Vec<Json> {
        self.thought("", Some(&format!("{REDACTED}{data}")))
    }

    /// The proof is this part's. Whether there was one.
    pub(super) fn put(&mut self, part: &mut Members) -> bool {
        let proof = self.0.take();
        part.some("thoughtSignature", proof.as_ref());
        proof.is_some()
    }

    /// No part follows.
    pub(super) fn rest(&mut self) -> Option<Json> {
        self.0.take().map(|proof| text_part("").with("thoughtSignature", &proof).finish())
    }
}

pub(super) fn text_part(text: &str) -> Members {
    Members::new().with("text", text)
}

/// Bytes that stand in the part.
pub(super) fn inline(media_type: &str, data: &str) -> Members {
    let inner = Members::new().with("mimeType", media_type).with("data", data);
    Members::new().with_json("inlineData", &inner.finish())
}

/// A call. Without an id where it has none of its own.
pub(super) fn call(id: Option<&str>, name: &str, arguments: &Json) -> Members {
    let mut inner = Members::new();
    inner.some("id", id.as_ref()).put("name", name).json("args", arguments);
    inner
}
