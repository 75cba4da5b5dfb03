//! Whether somebody falls into the sample of a survey. The dice are a hash, so that loading a page again does not roll them again.

use crate::surveys::model::SurveyDraft;
use crate::types::{Duration, Id, Instant};
use ring::digest;

/// A number from 0 to 1 that follows from all parts.
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
fn hash(parts: &[&[u8]]) -> f64 {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
        context.update(&[0]);
    }
    let mut head = [0; 8];
    head.copy_from_slice(&context.finish().as_ref()[..8]);
    (u64::from_be_bytes(head) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The number of the rest period a person is in: from one to the next their dice are rolled anew. Each person’s begin at another moment, so that not
/// everybody is asked on the same day.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a part of a span of days")]
fn window(draft: &SurveyDraft, person: &str, now: Instant) -> i64 {
    let length = draft.rest().0.max(Duration::DAY.0);
    let phase = (hash(&[person.as_bytes()]) * length as f64) as i64;
    (now.0 + phase).div_euclid(length)
}

/// Where a person’s dice fall within the sample, 0 to 1; none outside of it. Of several surveys the lowest is shown, so that an old one does not take
/// everybody from a new one.
pub fn draw(survey: &Id, draft: &SurveyDraft, person: &str, now: Instant) -> Option<f64> {
    let window = window(draft, person, now);
    let dice = hash(&[survey.as_str().as_bytes(), person.as_bytes(), &window.to_be_bytes()]);
    (dice < draft.sample).then(|| dice / draft.sample)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surveys::model::Kind;

    const NOW: Instant = Instant(1_790_000_000_000_000);

    fn draft(sample: f64, rest_days: u32) -> SurveyDraft {
        SurveyDraft { sample, rest_days, ..SurveyDraft::new("s", Kind::Csat, "?") }
    }

    fn people() -> impl Iterator<Item = String> {
        (0..10_000).map(|n| format!("person-{n}"))
    }

    #[test]
    fn the_share_of_a_sample_is_right_at_its_ends_and_between() {
        let id = Id::from_text("survey");
        for (sample, least, most) in [(0.0, 0, 0), (1.0, 10_000, 10_000), (0.25, 2_250, 2_750), (0.01, 60, 145)] {
            let draft = draft(sample, 30);
            let n = people().filter(|person| draw(&id, &draft, person, NOW).is_some()).count();
            // More than five standard deviations around the share.
            assert!((least..=most).contains(&n), "{sample}: {n}");
        }
    }

    #[test]
    fn loading_again_rolls_nothing_and_another_rest_period_does() {
        let (id, draft) = (Id::from_text("survey"), draft(0.5, 10));
        let at = |now: Instant| people().map(|person| draw(&id, &draft, &person, now).is_some()).collect::<Vec<_>>();
        let now = at(NOW);
        assert_eq!(now, at(NOW));
        let changed = |later: Instant| at(later).iter().zip(&now).filter(|(a, b)| a != b).count();
        let hour = changed(NOW.plus(Duration::HOUR));
        assert!(hour < 60, "an hour is 1/240 of ten days, and half of those whose period ends then fall the other way: {hour}");
        let day = changed(NOW.plus(Duration::DAY));
        assert!((300..700).contains(&day), "a tenth of all have a new period: {day}");
        let period = changed(NOW.plus(Duration::DAY.times(10)));
        assert!((4_700..5_300).contains(&period), "{period}");
    }

    #[test]
    fn surveys_draw_apart_and_share_people_evenly() {
        let (one, two, draft) = (Id::from_text("one"), Id::from_text("two"), draft(0.5, 30));
        let drawn: Vec<_> = people().map(|person| (draw(&one, &draft, &person, NOW), draw(&two, &draft, &person, NOW))).collect();
        let both: Vec<_> = drawn.iter().filter_map(|(a, b)| a.zip(*b)).collect();
        assert!((2_250..2_750).contains(&both.len()), "{}", both.len());
        let first = both.iter().filter(|(a, b)| a < b).count();
        assert!(first.abs_diff(both.len() / 2) < 150, "{first} of {}", both.len());
    }

    #[test]
    fn without_a_rest_the_dice_hold_for_a_day() {
        let (id, draft) = (Id::from_text("survey"), draft(0.5, 0));
        let drawn = |now: Instant| people().filter(|person| draw(&id, &draft, person, now).is_some()).count();
        assert!((4_700..5_300).contains(&drawn(NOW)));
        let n =
            people().filter(|p| draw(&id, &draft, p, NOW).is_some() != draw(&id, &draft, p, NOW.plus(Duration::MINUTE)).is_some()).count();
        assert!(n < 30, "{n}");
    }
}
