//! Texts as JSON writes them (RFC 8259, section 7).

use std::borrow::Cow;

/// A text with its quotes.
pub fn quoted(text: &str) -> String {
    let inside = inside(text);
    let mut out = String::with_capacity(inside.len() + 2);
    out.push('"');
    out.push_str(&inside);
    out.push('"');
    out
}

/// A text without its quotes. Most stand in JSON as they are.
pub fn inside(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\') {
        return Cow::Borrowed(text);
    }
    let mut written = serde_json::to_string(text).unwrap_or_default();
    written.pop();
    written.drain(..written.len().min(1));
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_json_writes(text in ".*") {
            prop_assert_eq!(quoted(&text), serde_json::to_string(&text).expect("text"));
        }
    }

    #[test]
    fn control_characters_are_escaped_and_others_are_not() {
        assert_eq!(inside("\u{1f}\n\t\"\\/é\u{7f}"), "\\u001f\\n\\t\\\"\\\\/é\u{7f}");
    }
}
