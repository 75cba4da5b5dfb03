//! How many tokens a text has, where no provider says so: an estimate, and marked as one wherever it shows.
//!
//! OpenAI's public vocabularies count exactly for OpenAI's models. Others keep theirs to themselves; for English their counts lie within about 20 % of
//! `o200k_base`.

use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

/// Longest text that is counted whole, in bytes. Of a longer one the beginning is counted and the rest taken for alike.
const COUNTED: usize = 256 * 1024;

/// Tokens of a text by the model's vocabulary, or the nearest public one. The first call loads the vocabulary (a tenth of a second), and a long text takes
/// milliseconds: never on the threads of calls.
pub fn estimate(model: &str, text: &str) -> u64 {
    let vocabulary = vocabulary(model);
    if text.len() <= COUNTED {
        return vocabulary.encode_ordinary(text).len() as u64;
    }
    let end = (0..=COUNTED).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let counted = vocabulary.encode_ordinary(&text[..end]).len() as u64;
    counted * text.len() as u64 / (end.max(1) as u64)
}

fn vocabulary(model: &str) -> &'static CoreBPE {
    // After a provider's prefix, as in `openai/gpt-4`.
    let name = model.rsplit('/').next().unwrap_or(model);
    let older = ["gpt-4-", "gpt-3.5", "gpt-35", "text-embedding"].iter().any(|known| name.starts_with(known)) || name == "gpt-4";
    if older { cl100k_base_singleton() } else { o200k_base_singleton() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_published() {
        // OpenAI's cookbook, "How to count tokens with tiktoken": three texts in two vocabularies.
        for (text, cl100k, o200k) in [("antidisestablishmentarianism", 6, 6), ("2 + 2 = 4", 7, 7), ("お誕生日おめでとう", 9, 8)] {
            assert_eq!((estimate("gpt-4-turbo", text), estimate("gpt-4o", text)), (cl100k, o200k), "{text}");
        }
        assert_eq!(estimate("gpt-4o", ""), 0);
    }

    #[test]
    fn very_long_texts_are_estimated_from_their_beginning() {
        let once = "The quick brown fox jumps over the lazy dog. ";
        let long = once.repeat(50_000);
        let exact = estimate("gpt-4o", &once.repeat(1_000)) * 50;
        let began = std::time::Instant::now();
        let estimated = estimate("gpt-4o", &long);
        assert!(estimated.abs_diff(exact) * 20 < exact, "{estimated} against {exact}");
        assert!(began.elapsed().as_secs() < 20);
    }
}
