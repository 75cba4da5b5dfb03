//! Server-Sent Events (WHATWG HTML, section 9.2), incrementally and without copying where an event lies within one chunk.

use bytes::{Bytes, BytesMut};

/// Longest event taken, in bytes.
pub const MAX_EVENT: usize = 4 * 1024 * 1024;

/// One complete event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its bytes as they came, the empty line included: to be handed on unchanged.
    pub raw: Bytes,
    /// The joined `data` lines; empty for a comment.
    pub data: Bytes,
}

/// An event longer than [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {MAX_EVENT} bytes")]
pub struct EventTooLarge;

/// Cuts a byte stream into events. Lines may end in LF, CRLF or CR; chunks may end anywhere.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    /// Bytes of the buffer in which no end of an event was found yet.
    searched: usize,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next complete event, if there is one.
    pub fn next_event(&mut self) -> Result<Option<Event>, EventTooLarge> {
        match end_of_event(&self.buffer, self.searched) {
            Some(end) => {
                let raw = self.buffer.split_to(end).freeze();
                self.searched = 0;
                let data = data_of(&raw);
                Ok(Some(Event { raw, data }))
            }
            None if self.buffer.len() > MAX_EVENT => Err(EventTooLarge),
            None => {
                // A line end may be cut in two: look at the last three bytes again with what follows.
                self.searched = self.buffer.len().saturating_sub(3);
                Ok(None)
            }
        }
    }

    /// What is left of an event that never ended.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }
}

/// Where the first event ends: behind an empty line. A lone CR at the very end waits for a possible LF.
fn end_of_event(buffer: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = memchr::memchr2(b'\n', b'\r', &buffer[at..]) {
        let line_end = line_break(buffer, at + found)?;
        match buffer.get(line_end) {
            Some(b'\n' | b'\r') => return line_break(buffer, line_end),
            Some(_) => at = line_end,
            None => return None,
        }
    }
    None
}

/// The position behind the line break at `at`; `None` when a CR is the last byte so far.
fn line_break(buffer: &[u8], at: usize) -> Option<usize> {
    match (buffer[at], buffer.get(at + 1)) {
        (b'\n', _) => Some(at + 1),
        (_, Some(b'\n')) => Some(at + 2),
        (_, Some(_)) => Some(at + 1),
        (_, None) => None,
    }
}

fn data_of(raw: &Bytes) -> Bytes {
    let mut found: Option<Bytes> = None;
    let mut joined: Option<BytesMut> = None;
    let mut at = if raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while at < raw.len() {
        let end = memchr::memchr2(b'\n', b'\r', &raw[at..]).map_or(raw.len(), |n| at + n);
        if let Some(value) = field(&raw[at..end], b"data") {
            let start = end - value.len();
            match (&mut found, &mut joined) {
                (None, _) => found = Some(raw.slice(start..end)),
                (Some(first), None) => {
                    let mut both = BytesMut::from(&first[..]);
                    both.extend_from_slice(b"\n");
                    both.extend_from_slice(value);
                    joined = Some(both);
                }
                (Some(_), Some(all)) => {
                    all.extend_from_slice(b"\n");
                    all.extend_from_slice(value);
                }
            }
        }
        at = end + 1;
    }
    joined.map(BytesMut::freeze).or(found).unwrap_or_default()
}

/// The value of a line that is this field: behind the colon and one optional space.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    match rest.split_first() {
        None => Some(rest),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(chunks: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::new();
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.push(chunk);
            while let Some(event) = decoder.next_event().expect("small") {
                events.push(event);
            }
        }
        events
    }

    fn data(chunks: &[&[u8]]) -> Vec<String> {
        decode(chunks).into_iter().map(|e| String::from_utf8(e.data.to_vec()).expect("UTF-8")).collect()
    }

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(data(&[b"data: YHOO\ndata: +2\ndata: 10\n\n"]), ["YHOO\n+2\n10"]);
        assert_eq!(
            data(&[b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"]),
            ["", "first event", "second event", " third event"]
        );
        assert_eq!(data(&[b"data\n\ndata\ndata\n\ndata:"]), ["", "\n"]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::new();
        decoder.push(&vec![b'x'; MAX_EVENT + 1]);
        assert_eq!(decoder.next_event(), Err(EventTooLarge));
    }

    proptest! {
        #[test]
        fn any_chopping_gives_the_same_events(
            lines in prop::collection::vec(("(data|event|id|:|)", "[ :a-zé]{0,8}", 0..3_usize), 0..30),
            cuts in prop::collection::vec(0..200_usize, 0..20),
        ) {
            let mut text = String::new();
            for (name, value, end) in lines {
                text.extend([name.as_str(), ":", &value, ["\n", "\r\n", "\n\n"][end]]);
            }
            text.push_str("\n\n:");
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut last = 0;
            for cut in cuts {
                chunks.push(&bytes[last..cut]);
                last = cut;
            }
            chunks.push(&bytes[last..]);
            let whole = decode(&[bytes]);
            prop_assert_eq!(&decode(&chunks), &whole);
            let raw: Vec<u8> = whole.iter().flat_map(|e| e.raw.to_vec()).collect();
            prop_assert!(bytes.starts_with(&raw), "nothing is lost or changed");
        }
    }
}
