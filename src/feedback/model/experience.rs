//! Whether it goes well: technically, and for the people who use it. A model can answer every call in time and still be of no use.

use crate::types::{Instant, word_enum};
use hypercare_stats::proportion::{Z_95, newcombe, wilson};
use serde::{Deserialize, Serialize};

word_enum! {
    /// How well something goes, worst last.
    pub enum Light {
        /// Nothing is known yet.
        Unknown = "unknown", "No data yet";
        /// Well.
        Ok = "ok", "Well";
        /// Worth a look.
        Watch = "watch", "Look";
        /// Somebody should act now.
        Bad = "bad", "Act now";
    }
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// With the trouble.
    pub hits: i64,
    /// In all.
    pub of: i64,
}

/// Fewer complaints of a kind are single voices.
const LEAST: i64 = 5;
/// Fewer calls before are nothing to compare with.
const LEAST_BEFORE: i64 = 20;
/// A kind of complaint about so many of all answers, with 97.5 % confidence, is bad whatever was before, or worth a look.
const BAD: f64 = 0.05;
const WATCH: f64 = 0.02;
/// How much a share must rise to count: half as much again.
const RISE: f64 = 1.5;
/// A rise below this share of answers is worth a look and no more.
const SMALL: f64 = 0.01;

impl Part {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    fn share(self) -> f64 {
        if self.of > 0 { self.hits as f64 / self.of as f64 } else { 0.0 }
    }

    /// Hits never outnumber what they are part of: one answer may be complained of after the call left the span.
    fn counts(self) -> (u64, u64) {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        (count(self.hits.min(self.of)), count(self.of))
    }

    /// The lower end of its 95 % interval (Wilson).
    pub fn at_least(self) -> f64 {
        let (hits, of) = self.counts();
        wilson(hits, of, Z_95).map_or(0.0, |(lower, _)| lower)
    }

    /// Whether it rose on what was before: the whole 95 % interval of the difference (Newcombe) is above zero, and the rise is not small.
    pub fn rose(self, before: Self) -> bool {
        let difference = newcombe(before.counts(), self.counts(), Z_95);
        before.of >= LEAST_BEFORE && self.share() >= before.share() * RISE && difference.is_some_and(|d| d.interval.0 > 0.0)
    }
}

/// How bad one kind of complaint is, by how many answers it is about now and in the span before.
pub fn judge(now: Part, before: Part) -> Light {
    if now.hits < LEAST {
        return Light::Ok;
    }
    let rose = now.rose(before);
    match now.at_least() {
        least if least >= BAD => Light::Bad,
        _ if rose && now.share() >= SMALL => Light::Bad,
        least if least >= WATCH || rose => Light::Watch,
        _ => Light::Ok,
    }
}

/// Something that people are not happy with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concern {
    /// How bad.
    pub light: Light,
    /// In a sentence, with its numbers.
    pub words: String,
    /// Where to look, within the control room.
    pub link: String,
}

/// One side of the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// How well.
    pub light: Light,
    /// In a sentence.
    pub words: String,
}

/// Both sides, over a span that ends now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experience {
    /// When it was computed.
    pub at: Instant,
    /// The word of the span: `1h`.
    pub range: String,
    /// Whether calls are answered, and in time.
    pub technical: Side,
    /// Whether the answers are any good to people.
    pub users: Side,
    /// What people are not happy with, worst first.
    pub concerns: Vec<Concern>,
}

/// `18 of 60 answers (30 %)`, with what was before when it rose.
pub fn about(what: &str, now: Part, before: Part) -> String {
    let percent = |part: Part| {
        let percent = part.share() * 100.0;
        if percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
    };
    let then = if now.rose(before) { format!(", up from {}", percent(before)) } else { String::new() };
    format!("{what}: {} of {} answers ({}{then})", now.hits, now.of, percent(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(hits: i64, of: i64) -> Part {
        Part { hits, of }
    }

    #[test]
    fn few_voices_turn_nothing_red() {
        assert_eq!(judge(part(4, 10), part(0, 1_000)), Light::Ok);
        assert_eq!(judge(part(0, 0), part(0, 0)), Light::Ok);
    }

    #[test]
    fn many_complaints_are_bad_without_a_before() {
        // Wilson's lower end of 18 of 60 is 0.199, of 6 of 60 it is 0.047, of 9 of 1,000 it is 0.0047.
        assert_eq!(judge(part(18, 60), part(0, 0)), Light::Bad);
        assert_eq!(judge(part(6, 60), part(0, 0)), Light::Watch);
        assert_eq!(judge(part(9, 1_000), part(0, 0)), Light::Ok);
    }

    #[test]
    fn a_rise_that_is_no_accident_is_bad_and_a_small_one_is_looked_at() {
        // 10 of 1,000 → 30 of 1,000: Newcombe's interval of the difference is 0.008 to 0.033.
        assert_eq!(judge(part(30, 1_000), part(10, 1_000)), Light::Bad);
        // 10 → 14 of 1,000: −0.006 to 0.014.
        assert_eq!(judge(part(14, 1_000), part(10, 1_000)), Light::Ok);
        assert_eq!(judge(part(60, 100_000), part(10, 100_000)), Light::Watch, "it rose sixfold, and one answer in 1,700 is concerned");
    }

    #[test]
    fn the_sentence_has_its_numbers() {
        assert_eq!(about("Forgot context", part(18, 60), part(0, 0)), "Forgot context: 18 of 60 answers (30 %)");
        assert_eq!(about("Tone", part(30, 1_000), part(10, 1_000)), "Tone: 30 of 1000 answers (3.0 %, up from 1.0 %)");
    }
}
