//! Objects taken apart at their top level, in a fifth less time than a parser takes: long texts are passed over in strides.
//!
//! What is found here is certain to be JSON (RFC 8259), and is what a parser finds. Where that is not certain (an error, a name with escapes, something nested
//! very deeply) nothing is found, and a parser has the word: it says what is wrong, and where.

use memchr::memchr2;

/// Levels of nesting that are followed.
const DEEPEST: u32 = 64;
/// Letters looked at one by one before a text is searched for its end in strides: most are names.
const SHORT: usize = 24;

/// Every field of an object in order: its name, and its value as text. `None` when this is not certain to be one.
pub(crate) fn each<'a>(text: &'a str, mut take: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let scan = Scan(text.as_bytes());
    let mut at = scan.expect(b'{', scan.space(0))?;
    at = scan.space(at);
    if scan.byte(at)? == b'}' {
        return scan.nothing_after(at + 1);
    }
    loop {
        let name_at = scan.expect(b'"', at)?;
        let (name_end, plain) = scan.text(name_at)?;
        let value_at = scan.colon(name_end)?;
        let value_end = scan.value(value_at)?;
        let (true, Some(name), Some(value)) = (plain, text.get(name_at..name_end - 1), text.get(value_at..value_end)) else { return None };
        take(name, value);
        at = scan.space(value_end);
        match scan.byte(at)? {
            b',' => at = scan.space(at + 1),
            b'}' => return scan.nothing_after(at + 1),
            _ => return None,
        }
    }
}

/// Positions in a text. Every step gives the one behind what it took.
#[derive(Clone, Copy)]
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn expect(self, byte: u8, at: usize) -> Option<usize> {
        (self.byte(at)? == byte).then_some(at + 1)
    }

    fn space(self, mut at: usize) -> usize {
        while matches!(self.byte(at), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            at += 1;
        }
        at
    }

    fn nothing_after(self, at: usize) -> Option<()> {
        (self.space(at) == self.0.len()).then_some(())
    }

    /// From behind a name to its value.
    fn colon(self, at: usize) -> Option<usize> {
        Some(self.space(self.expect(b':', self.space(at))?))
    }

    /// From the first letter of a text behind its closing quote; and whether it has no escapes.
    fn text(self, mut at: usize) -> Option<(usize, bool)> {
        for _ in 0..SHORT {
            match self.byte(at)? {
                b'"' => return Some((at + 1, true)),
                b'\\' => break,
                0..b' ' => return None,
                _ => at += 1,
            }
        }
        let mut plain = true;
        loop {
            let rest = self.0.get(at..)?;
            let length = memchr2(b'"', b'\\', rest)?;
            let (said, end) = rest.split_at_checked(length)?;
            // Without a way out in between, so that many are compared at once.
            if said.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ' {
                return None;
            }
            at += length + 1;
            if end.first() == Some(&b'"') {
                return Some((at, plain));
            }
            plain = false;
            at = self.escape(at)?;
        }
    }

    /// What stands behind a backslash.
    fn escape(self, at: usize) -> Option<usize> {
        match self.byte(at)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
            b'u' => self.0.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 5),
            _ => None,
        }
    }

    fn digits(self, mut at: usize) -> Option<usize> {
        let first = at;
        while matches!(self.byte(at), Some(b'0'..=b'9')) {
            at += 1;
        }
        (at > first).then_some(at)
    }

    fn number(self, mut at: usize) -> Option<usize> {
        if self.byte(at)? == b'-' {
            at += 1;
        }
        let first = at;
        at = self.digits(at)?;
        if self.byte(first)? == b'0' && at > first + 1 {
            return None;
        }
        if self.byte(at) == Some(b'.') {
            at = self.digits(at + 1)?;
        }
        if matches!(self.byte(at), Some(b'e' | b'E')) {
            at += 1;
            if matches!(self.byte(at), Some(b'+' | b'-')) {
                at += 1;
            }
            at = self.digits(at)?;
        }
        Some(at)
    }

    fn word(self, word: &[u8], at: usize) -> Option<usize> {
        self.0.get(at..)?.starts_with(word).then_some(at + word.len())
    }

    /// The name of a field and its colon.
    fn name(self, at: usize) -> Option<usize> {
        let (end, _) = self.text(self.expect(b'"', at)?)?;
        self.colon(end)
    }

    /// A whole value, however nested, without calling itself.
    fn value(self, mut at: usize) -> Option<usize> {
        // One bit a level: whether it is an object.
        let (mut depth, mut objects) = (0_u32, 0_u64);
        loop {
            at = match self.byte(at)? {
                open @ (b'{' | b'[') => {
                    if depth == DEEPEST {
                        return None;
                    }
                    let object = open == b'{';
                    let inside = self.space(at + 1);
                    if self.byte(inside)? == if object { b'}' } else { b']' } {
                        inside + 1
                    } else {
                        depth += 1;
                        objects = objects << 1 | u64::from(object);
                        at = if object { self.name(inside)? } else { inside };
                        continue;
                    }
                }
                b'"' => self.text(at + 1)?.0,
                b't' => self.word(b"true", at)?,
                b'f' => self.word(b"false", at)?,
                b'n' => self.word(b"null", at)?,
                _ => self.number(at)?,
            };
            // A value ended, and perhaps what it stands in.
            loop {
                if depth == 0 {
                    return Some(at);
                }
                at = self.space(at);
                let object = objects & 1 == 1;
                match self.byte(at)? {
                    b',' => {
                        at = self.space(at + 1);
                        at = if object { self.name(at)? } else { at };
                        break;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => return None,
                }
                at += 1;
                depth -= 1;
                objects >>= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    fn fields(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut fields = Vec::new();
        each(text, |name, value| fields.push((name, value)))?;
        Some(fields)
    }

    /// Whatever is found is what `serde_json` finds.
    fn agrees(text: &str) -> Option<()> {
        let found = fields(text)?;
        let parsed: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{text:?} is no JSON object: {e}"));
        let found: BTreeMap<String, &str> = found.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let parsed: BTreeMap<String, &str> = parsed.into_iter().map(|(name, value)| (name, value.get())).collect();
        assert_eq!(found, parsed, "{text:?}");
        Some(())
    }

    #[test]
    fn an_object_is_taken_apart() {
        let long = "x".repeat(100);
        let text = format!(
            " {{ \"a\" : 1.5e-3 ,\"b\":[{{\"c\":[]}}, {{ }},\"\\u00e9\\\"{long}\", null,-0]\n,\"é\":\"{long}\\\\\", \"d\":{{\"e\":true,\"f\":{{\"g\":false}}}}}} "
        );
        assert_eq!(fields(&text).expect("an object").len(), 4);
        agrees(&text).expect("the same");
        assert_eq!(fields("{}"), Some(Vec::new()));
        assert_eq!(fields("{ \t}\n"), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_certain_is_left_to_a_parser() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(65), "]".repeat(65));
        let control = format!("{{\"a\":\"{}\u{1}\"}}", "x".repeat(SHORT));
        for text in [
            "",
            "[]",
            "{",
            "{}x",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":01}",
            "{\"a\":-}",
            "{\"a\":1.}",
            "{\"a\":1e}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":tru}",
            "{\"a\":nul}",
            "{\"a\":NaN}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"",
            "{\"a\":[1,]}",
            "{\"a\":[1}]",
            "{\"a\":[1 2]}",
            "{\"a\":{\"b\" 1}}",
            "{\"a\":{\"b\":1]}",
            "{\"a\":{1:2}}",
            "{'a':1}",
            "{\"\\u0061\":1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1x}",
            &deep,
            &control,
        ] {
            assert_eq!(fields(text), None, "{text}");
        }
        agrees(&format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64))).expect("as deep as is followed");
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "\\PC{0,40}".prop_map(Into::into),
            "[\"\\\\/\u{0}-\u{1f}a]{0,6}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::btree_map("[a-z]{0,30}", inner, 0..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_object_is_found_as_a_parser_finds_it(map in prop::collection::btree_map("[a-zé_]{0,30}", any_json(), 0..6), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&map) } else { serde_json::to_string(&map) }.expect("JSON");
            prop_assert!(agrees(&text).is_some());
        }

        /// One byte of an object put out, put in or changed: found or not, nothing is found that a parser does not find.
        #[test]
        fn nothing_is_found_in_what_is_no_json(
            map in prop::collection::btree_map("[a-z]{0,3}", any_json(), 0..4),
            place in any::<prop::sample::Index>(),
            what in "[\\x00-\\x7f]{0,2}",
        ) {
            let text = serde_json::to_string(&map).expect("JSON");
            let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = cuts[place.index(cuts.len())];
            let next = cuts.iter().copied().find(|cut| *cut > at).unwrap_or(text.len());
            agrees(&format!("{}{what}{}", &text[..at], &text[next..]));
            agrees(&format!("{}{what}{}", &text[..at], &text[at..]));
        }

        #[test]
        fn no_text_is_a_trap(text in "[{}\\[\\]\",:0-9eE.tfn\\\\u \\-+]{0,40}") {
            agrees(&text);
            let wrapped = format!("{{\"a\":{text}}}");
            agrees(&wrapped);
        }
    }
}
