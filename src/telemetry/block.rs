//! Bodies and rare facts of many calls, compressed together: neighbours resemble each other, so a block takes a tenth of the room its calls would take
//! one by one, and the database one row for all of them.
//!
//! Format: a zstd frame (RFC 8878). Inside, for every call, five parts, each a length (four bytes, little-endian; `u32::MAX`: absent) and its bytes:
//! facts (JSON), request body, rendered prompt, response body, response text.

use super::model::Attempt;
use crate::types::Id;
use hypercare_wire::usage::Tier;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{self, Read as _};
use std::net::IpAddr;

/// Calls in one block at most: reading one call means unpacking its block.
pub(super) const MOST_CALLS: usize = 256;
/// Bytes before compression at which a block is closed.
const FULL: usize = 1024 * 1024;
/// No block is larger unpacked: [`FULL`] plus one call with its longest bodies.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Fast; higher levels gain a few per cent on JSON and cost the processor several times over.
const LEVEL: i32 = 1;
const ABSENT: u32 = u32::MAX;

/// What only the page of one call shows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Facts<A = Attempt> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// The call it is a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_of: Option<Id>,
    pub attempts: Vec<A>,
    pub overhead_us: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_input_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_output_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub estimated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_id: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_false(yes: &bool) -> bool {
    !*yes
}

/// The bodies of a call as they go into a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bodies<'a> {
    pub request: Option<&'a [u8]>,
    pub rendered_prompt: Option<&'a [u8]>,
    pub response: Option<&'a [u8]>,
    pub response_text: Option<&'a [u8]>,
}

/// One call as it comes out of a block.
#[derive(Debug, Default)]
pub struct Entry {
    pub facts: Facts,
    pub request: Option<Vec<u8>>,
    pub rendered_prompt: Option<Vec<u8>>,
    pub response: Option<Vec<u8>>,
    pub response_text: Option<Vec<u8>>,
}

/// A block being filled.
#[derive(Debug, Default)]
pub struct Builder {
    /// May end with a part of a call that could not be added.
    raw: Vec<u8>,
    /// Where the last whole call ends.
    end: usize,
    calls: usize,
}

impl Builder {
    /// Adds a call; gives its place. One that cannot be added, even one that panics, leaves the others as they are.
    pub fn add<A: Serialize>(&mut self, facts: &Facts<A>, bodies: &Bodies<'_>) -> io::Result<usize> {
        self.raw.truncate(self.end);
        self.raw.extend([0; 4]);
        serde_json::to_writer(&mut self.raw, facts)?;
        let length = self.raw.len() - self.end - 4;
        self.raw[self.end..self.end + 4].copy_from_slice(&u32::try_from(length).map_err(io::Error::other)?.to_le_bytes());
        for part in [bodies.request, bodies.rendered_prompt, bodies.response, bodies.response_text] {
            match part {
                None => self.raw.extend(ABSENT.to_le_bytes()),
                Some(bytes) => {
                    self.raw.extend(u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes());
                    self.raw.extend(bytes);
                }
            }
        }
        self.end = self.raw.len();
        self.calls += 1;
        Ok(self.calls - 1)
    }

    /// Whether what is in another still fits in.
    pub fn fits(&self, other: &Self) -> bool {
        self.calls + other.calls <= MOST_CALLS && self.end + other.end <= FULL
    }

    /// Adds what is in another.
    pub fn append(&mut self, other: &Self) {
        self.raw.truncate(self.end);
        self.raw.extend_from_slice(&other.raw[..other.end]);
        self.end = self.raw.len();
        self.calls += other.calls;
    }

    /// Whether the next call belongs into another block.
    pub fn is_full(&self) -> bool {
        self.calls >= MOST_CALLS || self.end >= FULL
    }

    /// The compressed block. Another can be begun, in the same memory.
    pub fn finish(&mut self, press: &mut Press) -> io::Result<Vec<u8>> {
        let block = press.0.compress(&self.raw[..self.end]);
        self.raw.clear();
        // A call with long bodies does not hold on to its memory.
        self.raw.shrink_to(2 * FULL);
        self.end = 0;
        self.calls = 0;
        block
    }
}

/// Compresses blocks. Its tables take a megabyte, which is not asked of the system anew for each of them.
pub struct Press(zstd::bulk::Compressor<'static>);

impl Press {
    /// One for many blocks.
    pub fn new() -> io::Result<Self> {
        zstd::bulk::Compressor::new(LEVEL).map(Self)
    }
}

/// The call at a place; `None` when the block does not reach that far.
pub fn read(content: &[u8], place: usize) -> io::Result<Option<Entry>> {
    let mut raw = Vec::new();
    zstd::stream::Decoder::new(content)?.take(LARGEST).read_to_end(&mut raw)?;
    let mut rest = &raw[..];
    for _ in 0..place {
        for _ in 0..5 {
            if rest.is_empty() {
                return Ok(None);
            }
            part(&mut rest)?;
        }
    }
    if rest.is_empty() {
        return Ok(None);
    }
    let facts = part(&mut rest)?.map(serde_json::from_slice).transpose()?.unwrap_or_default();
    let mut next = || Ok::<_, io::Error>(part(&mut rest)?.map(<[u8]>::to_vec));
    Ok(Some(Entry { facts, request: next()?, rendered_prompt: next()?, response: next()?, response_text: next()? }))
}

fn part<'a>(rest: &mut &'a [u8]) -> io::Result<Option<&'a [u8]>> {
    let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the block ends too early");
    let (length, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let length = u32::from_le_bytes(*length);
    *rest = after;
    if length == ABSENT {
        return Ok(None);
    }
    let (bytes, after) = usize::try_from(length).ok().and_then(|n| after.split_at_checked(n)).ok_or_else(short)?;
    *rest = after;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_call_comes_out_as_it_went_in() {
        let mut block = Builder::default();
        let metadata = RawValue::from_string(r#"{"team":"blue"}"#.to_owned()).expect("JSON");
        block.add(&Facts::<Attempt>::default(), &Bodies { request: Some(b""), ..Bodies::default() }).expect("adds");
        let place = block
            .add(
                &Facts::<Attempt> { overhead_us: 7, metadata: Some(metadata), ..Facts::default() },
                &Bodies { request: Some(b"{}"), response: Some(&[0xff, 0]), ..Bodies::default() },
            )
            .expect("adds");
        let bytes = block.finish(&mut Press::new().expect("memory")).expect("compresses");
        let first = read(&bytes, 0).expect("readable").expect("there");
        assert_eq!((first.request.as_deref(), first.response), (Some(&b""[..]), None));
        let second = read(&bytes, place).expect("readable").expect("there");
        assert_eq!(second.facts.overhead_us, 7);
        assert_eq!(second.facts.metadata.expect("given").get(), r#"{"team":"blue"}"#);
        assert_eq!(second.response.as_deref(), Some(&[0xff, 0][..]));
        assert!(read(&bytes, 2).expect("readable").is_none());
    }

    #[test]
    fn a_call_that_cannot_be_added_leaves_the_others_as_they_are() {
        #[derive(Default)]
        struct Broken;
        impl Serialize for Broken {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("broken"))
            }
        }
        let mut block = Builder::default();
        let whole = |overhead_us| Facts::<Attempt> { overhead_us, ..Facts::default() };
        block.add(&whole(1), &Bodies::default()).expect("adds");
        block.add(&Facts { attempts: vec![Broken], ..Facts::default() }, &Bodies::default()).expect_err("broken");
        assert_eq!(block.add(&whole(2), &Bodies::default()).expect("adds"), 1);
        block.add(&Facts { attempts: vec![Broken], ..Facts::default() }, &Bodies::default()).expect_err("broken");
        let bytes = block.finish(&mut Press::new().expect("memory")).expect("compresses");
        let second = read(&bytes, 1).expect("readable").expect("there");
        assert_eq!(second.facts.overhead_us, 2);
        assert!(read(&bytes, 2).expect("readable").is_none());
    }

    proptest! {
        #[test]
        fn a_damaged_block_is_an_error_or_nothing_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), place in 0_usize..4) {
            drop(read(&bytes, place));
            let packed = zstd::bulk::compress(&bytes, LEVEL).expect("compresses");
            drop(read(&packed, place));
        }
    }
}
