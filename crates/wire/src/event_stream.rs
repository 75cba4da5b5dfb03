//! Amazon's event stream (`application/vnd.amazon.eventstream`), incrementally: binary messages with typed headers and two checksums.
//!
//! A message is a prelude (its length, the headers' length, a checksum of both), the headers, the payload, and a checksum of all before it. Numbers
//! are big-endian, checksums CRC-32. Written by hand: Amazon's own library would bring an HTTP client's types along.

mod headers;

pub use headers::{Header, Value};

use crate::sse::{Event, MAX_EVENT};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// Lengths and their checksum.
const PRELUDE: usize = 12;

/// The prelude and the last checksum.
const LEAST: usize = PRELUDE + 4;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Longer than [`MAX_EVENT`].
    #[error("a message of the stream is longer than {MAX_EVENT} bytes")]
    TooLarge,
    /// The lengths are not what was sent.
    #[error("the checksum of a message's beginning is wrong")]
    PreludeChecksum,
    /// The message is not what was sent.
    #[error("the checksum of a message is wrong")]
    Checksum,
    /// The lengths contradict each other.
    #[error("the lengths of a message contradict each other")]
    Lengths,
    /// A header is cut off, has no name, or is of a type there is not.
    #[error("a header of a message cannot be read")]
    Header,
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// In their order.
    pub headers: Vec<Header>,
    /// What it carries.
    pub payload: Bytes,
}

impl Message {
    /// The text of a header.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|h| h.name == name).and_then(|h| if let Value::Text(text) = &h.value { Some(text.as_str()) } else { None })
    }

    /// An event that carries JSON.
    pub fn event(name: &str, payload: impl Into<Bytes>) -> Self {
        Self::named("event", ":event-type", name, payload.into())
    }

    /// An error of the stream that carries JSON; nothing follows it.
    pub fn exception(name: &str, payload: impl Into<Bytes>) -> Self {
        Self::named("exception", ":exception-type", name, payload.into())
    }

    fn named(kind: &str, key: &str, name: &str, payload: Bytes) -> Self {
        let pairs = [(key, name), (":content-type", "application/json"), (":message-type", kind)];
        let header = |(name, value): (&str, &str)| Header { name: name.to_owned(), value: Value::Text(value.to_owned()) };
        Self { headers: pairs.map(header).into(), payload }
    }

    /// Its bytes. `None` when a name or a value is longer than its length can say, or the whole is.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut head = Vec::new();
        for header in &self.headers {
            header.write(&mut head)?;
        }
        let total = LEAST + head.len() + self.payload.len();
        let mut out = Vec::with_capacity(total);
        out.put_u32(u32::try_from(total).ok()?);
        out.put_u32(u32::try_from(head.len()).ok()?);
        out.put_u32(crc32fast::hash(&out));
        out.extend(head);
        out.extend(&self.payload);
        out.put_u32(crc32fast::hash(&out));
        Some(out)
    }

    /// What it says as one JSON object, as a [`StreamReader`](crate::dialect::StreamReader) takes it: `{"<type>":<payload>}`.
    ///
    /// The type is that of an event or an exception. An error without a payload is `{"error":{"code","message"}}`. Empty for what has no type: it
    /// says nothing.
    pub fn as_data(&self) -> Bytes {
        let text = |name| self.text(name).unwrap_or_default();
        if text(":message-type") == "error" {
            let error = serde_json::json!({ "error": { "code": text(":error-code"), "message": text(":error-message") } });
            return error.to_string().into();
        }
        let Some(kind) = self.text(":event-type").or_else(|| self.text(":exception-type")) else { return Bytes::new() };
        let payload: &[u8] = if self.payload.is_empty() { b"{}" } else { &self.payload };
        let mut out = BytesMut::with_capacity(kind.len() + payload.len() + 5);
        out.put_slice(b"{");
        out.put_slice(serde_json::Value::from(kind).to_string().as_bytes());
        out.put_slice(b":");
        out.put_slice(payload);
        out.put_slice(b"}");
        out.freeze()
    }
}

/// Cuts a byte stream into messages; chunks may end anywhere. What follows a broken message is not read.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
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

    /// The next complete message, if there is one, with its bytes as they came.
    pub fn next_message(&mut self) -> Result<Option<(Bytes, Message)>, Broken> {
        let Some(total) = self.length()? else { return Ok(None) };
        let message = read(&self.buffer[..total])?;
        let raw = self.buffer.split_to(total).freeze();
        let payload = raw.slice(total - 4 - message.payload..total - 4);
        Ok(Some((raw, Message { headers: message.headers, payload })))
    }

    /// The next complete message as an event: [`Message::as_data`].
    pub fn next_event(&mut self) -> Result<Option<Event>, Broken> {
        Ok(self.next_message()?.map(|(raw, message)| Event { raw, data: message.as_data() }))
    }

    /// What is left of a message that never ended.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// The length of the first message, once all of it is here. The prelude is checked before anything it says is believed.
    fn length(&self) -> Result<Option<usize>, Broken> {
        let Some(mut prelude) = self.buffer.get(..PRELUDE) else { return Ok(None) };
        let sum = crc32fast::hash(&prelude[..PRELUDE - 4]);
        let (total, headers) = (prelude.get_u32() as usize, prelude.get_u32() as usize);
        if prelude.get_u32() != sum {
            return Err(Broken::PreludeChecksum);
        }
        if total < LEAST || headers > total - LEAST {
            return Err(Broken::Lengths);
        }
        if total > MAX_EVENT {
            return Err(Broken::TooLarge);
        }
        Ok((self.buffer.len() >= total).then_some(total))
    }
}

/// The headers of a message, and the length of its payload.
struct Read {
    headers: Vec<Header>,
    payload: usize,
}

/// Reads one whole message; its prelude is known to be right.
fn read(message: &[u8]) -> Result<Read, Broken> {
    let (body, mut sum) = message.split_at(message.len() - 4);
    if crc32fast::hash(body) != sum.get_u32() {
        return Err(Broken::Checksum);
    }
    let length = (&body[4..8]).get_u32() as usize;
    let (mut head, payload) = body[PRELUDE..].split_at(length);
    let mut headers = Vec::new();
    while !head.is_empty() {
        headers.push(Header::read(&mut head).ok_or(Broken::Header)?);
    }
    Ok(Read { headers, payload: payload.len() })
}

#[cfg(test)]
mod tests;
