//! The list of the feedback page. New items wait in a pill until they are asked for, so that what one reads never moves; a decision takes one key and
//! shows at once.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

mod keys;

use super::live::subscribe;
use crate::parts::format;
use crate::parts::items::{FeedbackIcon, feedback_origin};
use hypercare::feedback::model::triage::State;
use hypercare::feedback::model::{Feedback, FeedbackFilter};
use hypercare::issues::model::Clocks;
use hypercare::telemetry::model::LiveMetrics;
use hypercare::types::{Id, Instant};
use leptos::prelude::*;

/// What the list knows; cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct List {
    items: RwSignal<Vec<Feedback>>,
    waiting: RwSignal<Vec<Feedback>>,
    open: RwSignal<Option<Id>>,
    ticked: RwSignal<Vec<Id>>,
    said: RwSignal<String>,
    now: RwSignal<Instant>,
    fixed: StoredValue<Fixed>,
}

/// What does not change while the page is open.
#[derive(Clone)]
pub(crate) struct Fixed {
    filter: FeedbackFilter,
    query: String,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser loads more"))]
    next: Option<String>,
    me: String,
    clocks: Clocks,
    may: bool,
}

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
    /// Where the list goes on.
    next: Option<String>,
    /// Who looks.
    me: String,
    /// How long each severity may wait.
    clocks: Clocks,
    /// Whether the person may decide.
    may: bool,
    /// When the page was rendered.
    now: Instant,
) -> impl IntoView {
    let list = List {
        items: RwSignal::new(items),
        waiting: RwSignal::new(Vec::new()),
        open: RwSignal::new(open),
        ticked: RwSignal::new(Vec::new()),
        said: RwSignal::new(String::new()),
        now: RwSignal::new(now),
        fixed: StoredValue::new(Fixed { filter, query, next, me, clocks, may }),
    };
    Effect::new(move |_| {
        subscribe::<Feedback>("feedback", move |new| arrive(list, new));
        subscribe::<LiveMetrics>("metrics", move |metrics| list.now.set(metrics.at));
        keys::listen(list);
    });
    Effect::new(move |_| keys::show_bar(!list.ticked.with(Vec::is_empty)));
    let show = move |_| {
        let fresh = list.waiting.get();
        list.waiting.set(Vec::new());
        list.items.update(|items| {
            items.splice(0..0, fresh);
        });
    };
    view! {
        <div class="inbox-list" data-list="feedback" data-keys="own">
            <button type="button" class="pill" hidden=move || list.waiting.get().is_empty() on:click=show>
                {move || format!("{} new — show", list.waiting.get().len())}
            </button>
            <p class="visually-hidden" role="status">{move || match list.waiting.get().len() { 0 => String::new(), n => format!("{n} new pieces of feedback") }}</p>
            <p class="said small" role="status" hidden=move || list.said.get().is_empty()>{move || list.said.get()}</p>
            <div class="card list">
                {move || {
                    let items = list.items.get();
                    if items.is_empty() {
                        view! { <p class="empty">"No feedback matches. Feedback from the widget, the API or imports will appear here at once."</p> }.into_any()
                    } else {
                        items.into_iter().map(|item| row(item, list).into_any()).collect_view().into_any()
                    }
                }}
            </div>
        </div>
    }
}

/// A known item is refreshed in place, or goes when it no longer belongs here; with an empty list there is nothing to disturb, so the first one is shown at
/// once.
fn arrive(list: List, new: Feedback) {
    let passes = list.fixed.with_value(|f| f.filter.passes(&new, &f.me, list.now.get_untracked()));
    let known = list.items.with_untracked(|items| items.iter().position(|old| old.id == new.id));
    match known {
        // One's own decision came before: what is older than what is shown is no news.
        Some(place) if list.items.with_untracked(|items| items[place].revision > new.revision) => {}
        Some(place) if passes || list.open.get_untracked().as_ref() == Some(&new.id) => list.items.update(|items| items[place] = new),
        Some(place) => list.items.update(|items| {
            items.remove(place);
        }),
        None if !passes || keys::decided_here(&new) => {}
        None if list.items.with_untracked(Vec::is_empty) => list.items.set(vec![new]),
        None => list.waiting.update(|waiting| {
            waiting.retain(|old| old.id != new.id);
            waiting.insert(0, new);
        }),
    }
}

fn row(item: Feedback, list: List) -> impl IntoView {
    let (query, may, clocks) = list.fixed.with_value(|f| (f.query.clone(), f.may, f.clocks));
    let id = item.id.clone();
    let (for_open, for_tick, to_open, to_tick) = (id.clone(), id.clone(), id.clone(), id.clone());
    let current = move || (list.open.get().as_ref() == Some(&for_open)).then_some("true");
    let ticked = move || list.ticked.with(|ticked| ticked.contains(&for_tick));
    let (at, due, waits) = (item.created_at, item.due_at(&clocks), item.triage.state == State::New);
    let age = move || {
        let now = list.now.get();
        let late = if waits && now > due { " · overdue" } else { "" };
        format!("{}{late}", format::age(at, now))
    };
    let late = move || if waits && list.now.get() > due { "small late" } else { "small muted" };
    let (heading, origin) = (item.heading(), feedback_origin(&item));
    let words = match (&item.comment, item.restricted) {
        (_, true) => Some("Body restricted to the safety team".to_owned()),
        (comment, _) => comment.clone().map(|c| format!("“{c}”")),
    };
    let severity = format!("{}{}", item.severity().label().to_lowercase(), if item.triage.severity.is_some() { "" } else { "?" });
    let state =
        (item.triage.state != State::New).then(|| view! { <span class="badge plain">{item.triage.state.label().to_lowercase()}</span> });
    let who = item.triage.assignee.clone().map(|who| view! { <span class="badge plain">{who}</span> });
    let class = item.severity().badge();
    let href = format!("/feedback?item={id}&{query}");
    let box_label = format!("Tick: {heading}");
    let tick = may.then(|| {
        view! { <input type="checkbox" name="ids" value=id.to_string() form="bulk" aria-label=box_label prop:checked=ticked on:change=move |_| keys::tick(list, &to_tick)/> }
    });
    view! {
        <div class="inbox-row">
            {tick}
            <a class="list-item" href=href aria-current=current on:click=move |event| keys::click(list, &to_open, &event)>
                <span class="row wide">
                    <span class="row"><FeedbackIcon feedback=item/><b>{heading}</b></span>
                    <time class=late datetime=at.rfc3339() title=at.rfc3339()>{age}</time>
                </span>
                {words.map(|words| view! { <span class="clip">{words}</span> })}
                <span class="row facts-line"><span class=class>{severity}</span>{state}{who}<span class="small muted">{origin}</span></span>
            </a>
        </div>
    }
}
