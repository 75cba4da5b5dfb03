//! Whether a text is meant.

/// A verdict on a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spam {
    /// 0 (meant) to 1 (surely not).
    pub score: f64,
    /// What speaks for spam, in a few words each.
    pub reasons: Vec<&'static str>,
}

const BAIT: [&str; 16] = [
    "viagra",
    "casino",
    "crypto giveaway",
    "bitcoin",
    "free money",
    "click here",
    "buy now",
    "seo services",
    "backlinks",
    "earn $",
    "work from home",
    "whatsapp +",
    "telegram @",
    "loan offer",
    "onlyfans",
    "100% free",
];

/// Weighs the usual signs: links, bait, the same over and over, keys hit at random. Harsh words and capitals are no spam: angry people are meant.
#[expect(clippy::cast_precision_loss, reason = "lengths far below 2^52")]
pub fn score(text: &str) -> Spam {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let mut spam = Spam::default();
    let mut add = |weight: f64, reason: &'static str| {
        spam.score += weight;
        spam.reasons.push(reason);
    };
    let links = lower.matches("http://").count() + lower.matches("https://").count() + lower.matches("www.").count();
    match links {
        0 => {}
        1 => add(0.2, "a link"),
        2 => add(0.45, "two links"),
        _ => add(0.8, "many links"),
    }
    match BAIT.iter().filter(|bait| lower.contains(**bait)).count() {
        0 => {}
        1 => add(0.45, "bait"),
        _ => add(0.85, "bait"),
    }
    let mut distinct = words.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if words.len() >= 8 && (distinct.len() as f64) < words.len() as f64 * 0.25 {
        add(0.8, "the same words over and over");
    }
    if longest_run(&lower) >= 10 {
        add(0.4, "the same letter over and over");
    }
    let letters = lower.chars().filter(|c| c.is_alphabetic()).count();
    let visible = lower.chars().filter(|c| !c.is_whitespace()).count();
    if visible >= 12 && (letters as f64) < visible as f64 * 0.3 {
        add(0.5, "hardly any letters");
    }
    let random = words.iter().filter(|w| is_random(w)).count();
    if random > 0 && random * 2 >= words.len() {
        add(0.8, "keys hit at random");
    }
    spam.score = spam.score.min(1.0);
    spam
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        run = if last == Some(c) { run + 1 } else { 1 };
        last = Some(c);
        longest = longest.max(run);
    }
    longest
}

/// A long word of Latin letters with hardly a vowel, or with many consonants in a row.
fn is_random(word: &str) -> bool {
    if word.len() < 8 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return false;
    }
    let vowel = |b: u8| b"aeiouy".contains(&b);
    let most =
        word.bytes().fold((0, 0), |(most, run): (usize, usize), b| if vowel(b) { (most, 0) } else { (most.max(run + 1), run + 1) }).0;
    word.bytes().filter(|b| vowel(*b)).count() * 6 < word.len() || most >= 6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_meant_passes_and_what_is_not_does_not() {
        for meant in [
            "It forgot my order number.",
            "THIS IS WRONG!!! WRONG!!!",
            "See https://shop.example/orders/4711, the link in the answer is dead",
            "no",
            "nooooo",
            "Rechtsschutzversicherungsgesellschaften wurde falsch übersetzt",
            "注文番号を忘れました",
            "👎👎👎",
        ] {
            assert!(score(meant).score < 0.8, "{meant}: {:?}", score(meant));
        }
        for not in [
            "Best casino bonus, click here http://a.example http://b.example",
            "asdfghjkl qwrtzpsdfg",
            "buy buy buy buy buy buy buy buy buy buy",
            "http://a.example http://b.example http://c.example",
        ] {
            assert!(score(not).score >= 0.8, "{not}: {:?}", score(not));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scored(text in "\\PC{0,300}") {
            prop_assert!((0.0..=1.0).contains(&score(&text).score));
        }
    }
}
