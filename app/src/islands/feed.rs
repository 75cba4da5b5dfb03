//! The newest feedback, arriving.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

use super::live::subscribe;
use crate::parts::format;
use crate::parts::items::{FeedbackIcon, feedback_origin};
use hypercare::feedback::model::Feedback;
use hypercare::telemetry::model::LiveMetrics;
use hypercare::types::Instant;
use leptos::prelude::*;

/// Items shown.
const SHOWN: usize = 6;

/// The newest few pieces of feedback; new ones come in at the top.
#[island]
pub fn FeedbackFeed(
    /// Newest first.
    items: Vec<Feedback>,
    /// When the page was rendered.
    now: Instant,
) -> impl IntoView {
    let items = RwSignal::new(items);
    let now = RwSignal::new(now);
    Effect::new(move |_| {
        subscribe::<Feedback>("feedback", move |new| {
            items.update(|items| {
                items.retain(|old| old.id != new.id);
                items.insert(0, new);
                items.truncate(SHOWN);
            });
        });
        subscribe::<LiveMetrics>("metrics", move |metrics| now.set(metrics.at));
    });
    view! {
        <div class="feed" aria-live="polite">
            {move || {
                let list = items.get();
                if list.is_empty() {
                    view! { <p class="empty">"What users say will appear here the moment they say it: thumbs, comments and reports from the widget or the API."</p> }.into_any()
                } else {
                    list.into_iter().map(|item| entry(item, now).into_any()).collect_view().into_any()
                }
            }}
        </div>
    }
}

fn entry(item: Feedback, now: RwSignal<Instant>) -> impl IntoView {
    let (at, href) = (item.updated_at, format!("/feedback?item={}", item.id));
    let heading = item.heading();
    let origin = feedback_origin(&item);
    let words = item.comment.clone().map(|c| format!("“{c}”"));
    view! {
        <a class="list-item" href=href>
            <span class="row wide">
                <span class="row"><FeedbackIcon feedback=item/><b>{heading}</b></span>
                <time class="small muted" datetime=at.rfc3339() title=at.rfc3339()>{move || format::age(at, now.get())}</time>
            </span>
            {words.map(|words| view! { <span class="clip">{words}</span> })}
            <span class="small muted">{origin}</span>
        </a>
    }
}
