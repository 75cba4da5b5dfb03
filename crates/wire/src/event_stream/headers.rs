//! Headers of a message: a name, and a value of one of ten types.

use bytes::{Buf as _, BufMut as _, Bytes};

/// A header.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Its name, one to 255 bytes.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// Eight bits.
    Byte(i8),
    /// 16 bits.
    Int16(i16),
    /// 32 bits.
    Int32(i32),
    /// 64 bits.
    Int64(i64),
    /// Bytes, 65,535 at most.
    Bytes(Bytes),
    /// Text, 65,535 bytes at most.
    Text(String),
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// A UUID.
    Uuid(u128),
}

impl Header {
    /// Reads one and takes it off; `None` when it is none.
    pub(super) fn read(head: &mut &[u8]) -> Option<Self> {
        let length = head.try_get_u8().ok().filter(|n| *n > 0)?;
        let name = text(head, length.into())?;
        let value = match head.try_get_u8().ok()? {
            0 => Value::Bool(true),
            1 => Value::Bool(false),
            2 => Value::Byte(head.try_get_i8().ok()?),
            3 => Value::Int16(head.try_get_i16().ok()?),
            4 => Value::Int32(head.try_get_i32().ok()?),
            5 => Value::Int64(head.try_get_i64().ok()?),
            6 => Value::Bytes(Bytes::copy_from_slice(sized(head)?)),
            7 => {
                let length = head.try_get_u16().ok()?;
                Value::Text(text(head, length.into())?)
            }
            8 => Value::Timestamp(head.try_get_i64().ok()?),
            9 => Value::Uuid(head.try_get_u128().ok()?),
            _ => return None,
        };
        Some(Self { name, value })
    }

    /// Writes it; `None` when a length cannot be said.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        out.put_u8(u8::try_from(self.name.len()).ok().filter(|n| *n > 0)?);
        out.put_slice(self.name.as_bytes());
        match &self.value {
            Value::Bool(yes) => out.put_u8(u8::from(!yes)),
            Value::Byte(n) => {
                out.put_u8(2);
                out.put_i8(*n);
            }
            Value::Int16(n) => {
                out.put_u8(3);
                out.put_i16(*n);
            }
            Value::Int32(n) => {
                out.put_u8(4);
                out.put_i32(*n);
            }
            Value::Int64(n) => {
                out.put_u8(5);
                out.put_i64(*n);
            }
            Value::Bytes(bytes) => put_sized(out, 6, bytes)?,
            Value::Text(text) => put_sized(out, 7, text.as_bytes())?,
            Value::Timestamp(n) => {
                out.put_u8(8);
                out.put_i64(*n);
            }
            Value::Uuid(n) => {
                out.put_u8(9);
                out.put_u128(*n);
            }
        }
        Some(())
    }
}

fn put_sized(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) -> Option<()> {
    out.put_u8(kind);
    out.put_u16(u16::try_from(bytes.len()).ok()?);
    out.put_slice(bytes);
    Some(())
}

fn sized<'a>(head: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = head.try_get_u16().ok()?;
    take(head, length.into())
}

fn text(head: &mut &[u8], length: usize) -> Option<String> {
    take(head, length).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned)
}

fn take<'a>(head: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = head.split_at_checked(length)?;
    *head = rest;
    Some(taken)
}
