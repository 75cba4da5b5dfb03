//! The list of the feedback page: new items wait in a pill until they are asked for, so that what one reads never moves.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

use super::live::subscribe;
use crate::parts::format;
use crate::parts::items::{FeedbackIcon, feedback_origin};
use hypercare::feedback::model::{Feedback, FeedbackFilter};
use hypercare::telemetry::model::LiveMetrics;
use hypercare::types::{Id, Instant};
use leptos::prelude::*;

/// The list at the left.
#[island]
pub fn InboxList(
    /// Newest first.
    items: Vec<Feedback>,
    /// The open one.
    open: Option<Id>,
    /// What is shown, so that only fitting news are announced.
    filter: FeedbackFilter,
    /// The filter as a query string, without `?`.
    query: String,
    /// When the page was rendered.
    now: Instant,
) -> impl IntoView {
    let items = RwSignal::new(items);
    let waiting = RwSignal::new(Vec::<Feedback>::new());
    let now = RwSignal::new(now);
    Effect::new(move |_| {
        let filter = filter.clone();
        subscribe::<Feedback>("feedback", move |new| arrive(items, waiting, &filter, new));
        subscribe::<LiveMetrics>("metrics", move |metrics| now.set(metrics.at));
    });
    let show = move |_| {
        let fresh = waiting.get();
        waiting.set(Vec::new());
        items.update(|items| {
            items.splice(0..0, fresh);
        });
    };
    view! {
        <div class="inbox-list" data-list="feedback">
            <button type="button" class="pill" hidden=move || waiting.get().is_empty() on:click=show>
                {move || format!("{} new — show", waiting.get().len())}
            </button>
            <p class="visually-hidden" role="status">{move || match waiting.get().len() { 0 => String::new(), n => format!("{n} new pieces of feedback") }}</p>
            <div class="card list">
                {move || {
                    let list = items.get();
                    if list.is_empty() {
                        view! { <p class="empty">"No feedback matches. Feedback from the widget, the API or imports will appear here at once."</p> }.into_any()
                    } else {
                        list.into_iter().map(|item| row(item, open.as_ref(), &query, now).into_any()).collect_view().into_any()
                    }
                }}
            </div>
        </div>
    }
}

/// A known item is refreshed in place; with an empty list there is nothing to disturb, so the first one is shown at once.
fn arrive(items: RwSignal<Vec<Feedback>>, waiting: RwSignal<Vec<Feedback>>, filter: &FeedbackFilter, new: Feedback) {
    if !passes(filter, &new) {
        return;
    }
    if items.with_untracked(|items| items.iter().any(|old| old.id == new.id)) {
        items.update(|items| {
            if let Some(old) = items.iter_mut().find(|old| old.id == new.id) {
                *old = new;
            }
        });
    } else if items.with_untracked(Vec::is_empty) {
        items.set(vec![new]);
    } else {
        waiting.update(|waiting| {
            waiting.retain(|old| old.id != new.id);
            waiting.insert(0, new);
        });
    }
}

fn passes(filter: &FeedbackFilter, item: &Feedback) -> bool {
    let is = |wanted: &Option<String>, value: &Option<String>| wanted.as_ref().is_none_or(|w| w.is_empty() || Some(w) == value.as_ref());
    let kind = match filter.kind.as_deref() {
        Some("up") => item.rating == Some(hypercare::feedback::model::Rating::Up),
        Some("down") => item.rating == Some(hypercare::feedback::model::Rating::Down),
        Some("flag") => item.flag.is_some(),
        _ => true,
    };
    let category = filter.category.as_ref().is_none_or(|c| c.is_empty() || item.categories.contains(c));
    let words = filter
        .q
        .as_ref()
        .is_none_or(|q| q.is_empty() || item.comment.as_ref().is_some_and(|c| c.to_lowercase().contains(&q.to_lowercase())));
    kind && category && words && is(&filter.route, &item.route) && is(&filter.variant, &item.variant)
}

fn row(item: Feedback, open: Option<&Id>, query: &str, now: RwSignal<Instant>) -> impl IntoView {
    let current = (open == Some(&item.id)).then_some("true");
    let join = if query.is_empty() { "" } else { "&" };
    let (at, href) = (item.updated_at, format!("/feedback?item={}{join}{query}", item.id));
    let (heading, origin) = (item.heading(), feedback_origin(&item));
    let words = item.comment.clone().map(|c| format!("“{c}”"));
    view! {
        <a class="list-item" href=href aria-current=current>
            <span class="row wide">
                <span class="row"><FeedbackIcon feedback=item/><b>{heading}</b></span>
                <time class="small muted" datetime=at.rfc3339() title=at.rfc3339()>{move || format::age(at, now.get())}</time>
            </span>
            {words.map(|words| view! { <span class="clip">{words}</span> })}
            <span class="small muted">{origin}</span>
        </a>
    }
}
