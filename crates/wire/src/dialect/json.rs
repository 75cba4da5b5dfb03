//! Objects read field by field, so that what was not read is known, and written in a fixed order.

use crate::chat::{Fields, ParseError, from_json, not_json};
use crate::form::{Extra, Raw};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// An object being read.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    path: String,
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// A whole body.
    pub(crate) fn body(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let Fields(fields) = from_json(bytes).map_err(|e| not_json(&e))?;
        Self::new(String::new(), fields)
    }

    /// A value within a body.
    pub(crate) fn at(path: &str, raw: &'a RawValue) -> Result<Self, ParseError> {
        let Fields(fields) = serde_json::from_str(raw.get()).map_err(|_| ParseError::field(path, "must be an object"))?;
        Self::new(path.to_owned(), fields)
    }

    fn new(path: String, fields: Vec<(Cow<'a, str>, &'a RawValue)>) -> Result<Self, ParseError> {
        let object = Self { path, fields };
        // Sorted, so that an object of very many fields costs no more than its length.
        let mut keys: Vec<&str> = object.fields.iter().map(|(key, _)| key.as_ref()).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ParseError::field(&object.path_of(pair[0]), "is there twice")),
            None => Ok(object),
        }
    }

    /// The same, with the names Google's JSON gives its fields: `snake_case` is taken for `camelCase`.
    pub(crate) fn camel(self) -> Result<Self, ParseError> {
        let fields = self.fields.into_iter().map(|(key, raw)| (if key.contains('_') { camel(&key).into() } else { key }, raw));
        Self::new(self.path, fields.collect())
    }

    /// The names of its fields.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(key, _)| key.as_ref())
    }

    /// The place of one of its fields.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Takes a field; `null` is as good as absent.
    pub(crate) fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        let at = self.fields.iter().position(|(k, _)| k == key)?;
        let (_, raw) = self.fields.remove(at);
        (raw.get() != "null").then_some(raw)
    }

    fn typed<T: Deserialize<'a>>(&mut self, key: &str, expected: &str) -> Result<Option<T>, ParseError> {
        let Some(raw) = self.take(key) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|_| ParseError::field(&self.path_of(key), expected))
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, ParseError> {
        self.typed(key, "must be text")
    }

    /// Text that must be there.
    pub(crate) fn need_text(&mut self, key: &str) -> Result<String, ParseError> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Result<Option<bool>, ParseError> {
        self.typed(key, "must be true or false")
    }

    pub(crate) fn whole(&mut self, key: &str) -> Result<Option<u64>, ParseError> {
        self.typed(key, "must be a whole number, not negative")
    }

    pub(crate) fn signed(&mut self, key: &str) -> Result<Option<i64>, ParseError> {
        self.typed(key, "must be a whole number")
    }

    pub(crate) fn number(&mut self, key: &str) -> Result<Option<f64>, ParseError> {
        self.typed(key, "must be a number")
    }

    pub(crate) fn list(&mut self, key: &str) -> Result<Option<Vec<&'a RawValue>>, ParseError> {
        self.typed(key, "must be a list")
    }

    pub(crate) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, ParseError> {
        self.typed(key, "must be a list of texts")
    }

    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Self>, ParseError> {
        let path = self.path_of(key);
        self.take(key).map(|raw| Self::at(&path, raw)).transpose()
    }

    /// An object that must be there.
    pub(crate) fn need_object(&mut self, key: &str) -> Result<Self, ParseError> {
        self.object(key)?.ok_or_else(|| self.missing(key))
    }

    /// A value as it is.
    pub(crate) fn raw(&mut self, key: &str) -> Option<Raw> {
        self.take(key).map(Raw::from)
    }

    pub(crate) fn missing(&self, key: &str) -> ParseError {
        ParseError::field(&self.path_of(key), "is missing")
    }

    pub(crate) fn wrong(&self, key: &str, why: &str) -> ParseError {
        ParseError::field(&self.path_of(key), why)
    }

    /// What was not taken and says something.
    pub(crate) fn rest(self) -> Extra {
        // What is nested too deep or too large a number is still something.
        let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap_or_else(|_| raw.get().into());
        self.fields.into_iter().map(|(key, raw)| (key.into_owned(), value(raw))).filter(|(_, value)| !empty(value)).collect()
    }

    #[cfg(test)]
    pub(crate) fn into_fields(self) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        self.fields
    }

    /// Puts what was not taken under this name, if anything is left.
    pub(crate) fn rest_into(self, extra: &mut Extra, key: &str) {
        let rest = self.rest();
        if !rest.is_empty() {
            extra.insert(key.to_owned(), Value::Object(rest));
        }
    }
}

fn camel(key: &str) -> String {
    let mut words = key.split('_').filter(|word| !word.is_empty());
    let mut out = words.next().unwrap_or(key).to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        out.extend([&first.to_uppercase(), rest]);
    }
    out
}

/// `null`, `[]` and `{}` say nothing.
fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Text that is JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Json(String);

impl Json {
    /// The JSON of a value. Used with text, numbers and values that came from JSON: those cannot fail.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
    }

    pub(crate) fn list(items: &[Self]) -> Self {
        let mut text = String::with_capacity(items.iter().map(|i| i.0.len() + 1).sum::<usize>() + 2);
        text.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            text.push_str(&item.0);
        }
        text.push(']');
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// An object being written.
#[derive(Debug, Default)]
pub(crate) struct Members(String);

impl Members {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An object that says what kind it is.
    pub(crate) fn of_type(kind: &str) -> Self {
        Self::new().with("type", kind)
    }

    pub(crate) fn json(&mut self, key: &str, value: &Json) -> &mut Self {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(Json::of(key).as_str());
        self.0.push(':');
        self.0.push_str(value.as_str());
        self
    }

    pub(crate) fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> &mut Self {
        self.json(key, &Json::of(value))
    }

    pub(crate) fn some<T: Serialize>(&mut self, key: &str, value: Option<&T>) -> &mut Self {
        if let Some(value) = value {
            self.put(key, value);
        }
        self
    }

    /// Further fields, without those that belong into objects of their own: see [`Self::inner`].
    pub(crate) fn extra(&mut self, extra: &Extra, own: &[&str]) -> &mut Self {
        for (key, value) in extra.iter().filter(|(key, _)| !own.contains(&key.as_str())) {
            self.put(key, value);
        }
        self
    }

    /// What [`Object::rest_into`] kept under this name.
    pub(crate) fn inner(&mut self, extra: &Extra, key: &str) -> &mut Self {
        if let Some(Value::Object(inner)) = extra.get(key) {
            self.extra(inner, &[]);
        }
        self
    }

    /// What is written so far, as a whole object.
    pub(crate) fn take(&mut self) -> Json {
        std::mem::take(self).finish()
    }

    pub(crate) fn with<T: Serialize + ?Sized>(mut self, key: &str, value: &T) -> Self {
        self.put(key, value);
        self
    }

    pub(crate) fn with_json(mut self, key: &str, value: &Json) -> Self {
        self.json(key, value);
        self
    }

    /// Its own members, then another's.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        match other.0.strip_prefix('{') {
            Some(members) if self.0.is_empty() => return Self(format!("{{{members}")),
            Some(members) => {
                self.0.push(',');
                self.0.push_str(members);
            }
            None => {}
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn finish(mut self) -> Json {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        Json(self.0)
    }
}
