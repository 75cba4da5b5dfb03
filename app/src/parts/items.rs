//! Small pieces that several pages and islands show.

use super::chart::{Frame, line};
use super::format;
use super::icon::Icon;
use hypercare::feedback::model::{Feedback, Rating, SURVEY};
use hypercare::telemetry::model::Outcome;
use hypercare::types::Instant;
use leptos::prelude::*;

/// A point in time: how long ago it was, with the exact instant on hover.
#[component]
pub fn Ago(
    /// When it was.
    at: Instant,
    /// When "now" is.
    now: Instant,
    /// Within a sentence: `5 s ago`, and `now` where there is nothing to count.
    #[prop(optional)]
    ago: bool,
) -> impl IntoView {
    let age = format::age(at, now);
    let words = if ago && age != format::NOW { format!("{age} ago") } else { age };
    view! { <time datetime=at.rfc3339() title=at.rfc3339()>{words}</time> }
}

/// A point in time as date and clock; scripts turn it into local time.
#[component]
pub fn When(
    /// When it was.
    at: Instant,
) -> impl IntoView {
    view! { <time class="local" datetime=at.rfc3339() title=at.rfc3339()>{format::utc(at)}</time> }
}

/// The icon of a piece of feedback: what was pressed.
#[component]
pub fn FeedbackIcon(
    /// The feedback.
    feedback: Feedback,
) -> impl IntoView {
    let name = match (feedback.flag, feedback.rating, feedback.stars) {
        (Some(_), _, _) => "flag",
        (None, Some(Rating::Up), _) => "up",
        (None, Some(Rating::Down), _) => "down",
        (None, None, Some(_)) => "star",
        (None, None, None) => "comment",
    };
    view! { <Icon name=name/> }
}

/// Where a piece of feedback comes from: prompt, variant, session.
pub fn feedback_origin(feedback: &Feedback) -> String {
    let session = feedback.session_id.as_ref().map(|s| format!("session {}", s.chars().take(12).collect::<String>()));
    let parts: Vec<String> = [feedback.prompt.clone(), feedback.variant.clone(), session].into_iter().flatten().collect();
    match (parts.is_empty(), feedback.channel == SURVEY) {
        (true, true) => "from a survey".to_owned(),
        (true, false) => "waiting for its request".to_owned(),
        (false, _) => parts.join(" · "),
    }
}

/// How a call ended, as icon and word.
#[component]
pub fn OutcomeBadge(
    /// How it ended.
    outcome: Outcome,
    /// The HTTP status.
    status: i64,
) -> impl IntoView {
    let (class, word) = match outcome {
        Outcome::Ok => ("badge ok", "ok".to_owned()),
        Outcome::Error => ("badge bad", format!("error {status}")),
        Outcome::ClientClosed => ("badge watch", "hung up".to_owned()),
    };
    view! { <span class=class>{word}</span> }
}

/// The stable colour of a variant.
pub fn series_colour(place: usize) -> String {
    format!("var(--series-{})", place % 6 + 1)
}

/// A small line without axes: how something moved.
#[component]
pub fn Spark(
    /// Oldest first.
    values: Vec<Option<f64>>,
) -> impl IntoView {
    let max = values.iter().flatten().fold(0.0_f64, |a, b| a.max(*b));
    let frame = Frame { left: 0.0, top: 3.0, width: 160.0, height: 24.0, max: max.max(f64::MIN_POSITIVE) };
    let path = line(&frame, &values);
    view! {
        <svg class="sparkline" viewBox="0 0 160 30" preserveAspectRatio="none" aria-hidden="true">
            <path d=path fill="none" stroke="var(--series-1)" stroke-width="1.6" vector-effect="non-scaling-stroke"></path>
        </svg>
    }
}
