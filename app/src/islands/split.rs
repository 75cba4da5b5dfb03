//! The split editor: sliders and numbers that always sum to 100 %.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

use super::live::subscribe;
use crate::parts::format;
use crate::parts::icon::Icon;
use crate::parts::items::series_colour;
use hypercare::telemetry::model::LiveMetrics;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A variant as the editor shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRow {
    /// Name.
    pub name: String,
    /// `provider · model · prompt`.
    pub detail: String,
    /// Share in force, percent.
    pub current: f64,
    /// Share as typed, percent; the current one where what was typed is no number.
    pub typed: f64,
    /// What was typed, as it was typed.
    pub text: String,
    /// Share of calls with an error over the last hour, percent, as text.
    pub errors: String,
    /// Share of thumbs up over the last hour, percent, as text.
    pub thumbs: String,
    /// Calls per minute over the last hour.
    pub per_minute: f64,
}

/// Shares after variant `changed` was set to `value` percent: the others give or take in proportion, locked ones stay, and the sum is 100.00.
pub fn rebalance(shares: &[f64], locked: &[bool], changed: usize, value: f64) -> Vec<f64> {
    let fixed: f64 = shares.iter().zip(locked).enumerate().filter(|(i, (_, locked))| *i != changed && **locked).map(|(_, (s, _))| s).sum();
    let free: Vec<usize> = (0..shares.len()).filter(|i| *i != changed && !locked[*i]).collect();
    let mut out = shares.to_vec();
    let room = (100.0 - fixed).max(0.0);
    let value = if free.is_empty() { room } else { cents(value.clamp(0.0, room)) };
    out[changed] = value;
    let rest = room - value;
    let weight: f64 = free.iter().map(|i| shares[*i]).sum();
    let mut given = 0.0;
    for (n, i) in free.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a route has a handful of variants")]
        let part = if weight > 0.0 { shares[*i] / weight } else { 1.0 / free.len() as f64 };
        // The last one takes what rounding left, so that the sum is exact.
        out[*i] = if n + 1 == free.len() { cents(rest - given) } else { cents(rest * part) };
        given += out[*i];
    }
    out
}

fn cents(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// What a change means, in words, one sentence a variant, and how many calls a minute move.
pub fn in_words(rows: &[SplitRow], shares: &[f64]) -> Vec<String> {
    let total: f64 = rows.iter().map(|r| r.per_minute).sum();
    let mut out = Vec::new();
    let mut moved = 0.0;
    for (row, share) in rows.iter().zip(shares) {
        if (row.current - share).abs() >= 0.005 {
            out.push(format!("{} {} % → {} %.", row.name, format::share(row.current), format::share(*share)));
            moved += (share - row.current).max(0.0);
        }
    }
    if !out.is_empty() && total > 0.0 {
        out.push(format!("About {:.0} requests a minute move.", total * moved / 100.0));
    }
    if !out.is_empty() {
        out.push("Users stay on their variant unless its share shrinks.".to_owned());
    }
    out
}

/// The editor: the inside of the form that saves the split.
#[island]
pub fn SplitEditor(
    /// The route's name.
    route: String,
    /// Its variants.
    rows: Vec<SplitRow>,
    /// How the split is sticky, in words.
    sticky: String,
) -> impl IntoView {
    let shares = RwSignal::new(rows.iter().map(|r| r.typed).collect::<Vec<f64>>());
    let texts = RwSignal::new(rows.iter().map(|r| r.text.clone()).collect::<Vec<String>>());
    let locked = RwSignal::new(vec![false; rows.len()]);
    let awake = RwSignal::new(false);
    let live = RwSignal::new(Vec::<(String, String, i64)>::new());
    let name = route.clone();
    Effect::new(move |_| {
        awake.set(true);
        subscribe::<LiveMetrics>("metrics", move |metrics| live.set(metrics.by_variant));
    });
    let set = move |i: usize, text: String| {
        // What is no number stays in its field as it was typed; saving says what is wrong with it.
        if let Some(value) = format::parse_percent(&text) {
            shares.update(|s| *s = rebalance(s, &locked.get_untracked(), i, value));
            texts.set(shares.get_untracked().into_iter().map(format::share).collect());
        }
    };
    let bar_rows = rows.clone();
    let words_rows = rows.clone();
    let body = rows
        .into_iter()
        .enumerate()
        .map(|(i, row)| variant_row(i, row, &name, Editing { shares, texts, locked, awake, live }, set).into_any())
        .collect_view();
    view! {
        <div class="stack">
            <div class="row wide"><h2>"Traffic split"</h2><span class="small muted">{sticky}</span></div>
            <div class="split-bar" aria-hidden="true">
                {move || shares.get().into_iter().zip(bar_rows.clone()).enumerate().filter(|(_, (share, _))| *share > 0.0).map(|(i, (share, row))| view! {
                    <div style=format!("flex:{share};background:{}", series_colour(i))><span>{format!("{} {} %", row.name, format::share(share))}</span></div>
                }.into_any()).collect_view()}
            </div>
            <div class="scroll">
                <table class="split-table">
                    <thead><tr>
                        <th scope="col">"Variant"</th><th scope="col">"Share"</th><th scope="col"><span class="visually-hidden">"Percent"</span></th>
                        <th scope="col"><span class="visually-hidden">"Lock"</span></th><th scope="col" class="num">"Calls this minute"</th>
                        <th scope="col" class="num">"Errors, 1 h"</th><th scope="col" class="num">"Thumbs up, 1 h"</th>
                    </tr></thead>
                    <tbody>{body}</tbody>
                </table>
            </div>
            <div class="what-changes" role="status">
                {move || {
                    let words = in_words(&words_rows, &shares.get());
                    if words.is_empty() {
                        view! { <p class="muted">"Nothing changes yet."</p> }.into_any()
                    } else {
                        view! { <h3>"What will change"</h3><ul>{words.into_iter().map(|w| view! { <li>{w}</li> }).collect_view()}</ul> }.into_any()
                    }
                }}
            </div>
        </div>
    }
}

#[derive(Clone, Copy)]
struct Editing {
    shares: RwSignal<Vec<f64>>,
    texts: RwSignal<Vec<String>>,
    locked: RwSignal<Vec<bool>>,
    awake: RwSignal<bool>,
    live: RwSignal<Vec<(String, String, i64)>>,
}

fn variant_row(
    i: usize,
    row: SplitRow,
    route: &str,
    editing: Editing,
    set: impl Fn(usize, String) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let Editing { shares, texts, locked, awake, live } = editing;
    let share = move || shares.get().get(i).copied().unwrap_or(0.0);
    let is_locked = move || locked.get().get(i).copied().unwrap_or(false);
    let (route, variant) = (route.to_owned(), row.name.clone());
    let now = move || {
        live.get()
            .iter()
            .find(|(r, v, _)| *r == route && *v == variant)
            .map_or_else(|| format::NONE.to_owned(), |(_, _, n)| format::count(*n))
    };
    let name = row.name.clone();
    view! {
        <tr>
            <td><span class="row"><i class="swatch" style=format!("background:{}", series_colour(i))></i><b>{row.name.clone()}</b></span><span class="small muted">{row.detail}</span></td>
            <td class="slider">
                <input type="range" min="0" max="100" step="0.5" hidden=move || !awake.get() aria-label=format!("Share of {}", row.name)
                    style=format!("accent-color:{}", series_colour(i)) prop:value=move || share().to_string() value=row.typed.to_string()
                    on:input=move |event| set(i, event_target_value(&event))/>
            </td>
            <td><span class="row"><input class="input num percent" inputmode="decimal" name=format!("share.{}", row.name) aria-label=format!("Percent of {}", row.name)
                value=row.text.clone() prop:value=move || texts.get().get(i).cloned().unwrap_or_default() on:change=move |event| set(i, event_target_value(&event))/>"%"</span></td>
            <td><button type="button" class="btn quiet" hidden=move || !awake.get() aria-pressed=move || is_locked().to_string() aria-label=format!("Lock the share of {name}")
                on:click=move |_| locked.update(|l| if let Some(lock) = l.get_mut(i) { *lock = !*lock; })>
                {move || if is_locked() { view! { <Icon name="lock"/> }.into_any() } else { view! { <Icon name="open"/> }.into_any() }}
            </button></td>
            <td class="num" data-label="This minute">{now}</td>
            <td class="num" data-label="Errors">{row.errors}</td>
            <td class="num" data-label="Thumbs up">{row.thumbs}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(shares: &[f64]) -> bool {
        (shares.iter().sum::<f64>() - 100.0).abs() < 1e-9
    }

    #[test]
    fn the_others_give_in_proportion_and_locked_ones_stay() {
        assert_eq!(rebalance(&[90.0, 10.0], &[false, false], 1, 50.0), [50.0, 50.0]);
        assert_eq!(rebalance(&[60.0, 30.0, 10.0], &[false, false, false], 2, 40.0), [40.0, 20.0, 40.0]);
        assert_eq!(rebalance(&[60.0, 30.0, 10.0], &[true, false, false], 2, 50.0), [60.0, 0.0, 40.0], "a lock bounds the others");
        assert_eq!(rebalance(&[100.0, 0.0, 0.0], &[false; 3], 0, 50.0), [50.0, 25.0, 25.0]);
        assert_eq!(rebalance(&[90.0, 10.0], &[true, false], 1, 50.0), [90.0, 10.0], "nobody is left to take the rest");
        for value in [0.0, 0.01, 33.33, 66.67, 99.99, 100.0, 250.0, -4.0] {
            assert!(sums(&rebalance(&[33.3, 33.3, 33.4], &[false; 3], 0, value)), "{value}");
        }
    }

    #[test]
    fn a_change_is_told_in_words() {
        let row = |name: &str, current, per_minute| SplitRow {
            name: name.into(),
            detail: String::new(),
            current,
            typed: current,
            text: String::new(),
            errors: String::new(),
            thumbs: String::new(),
            per_minute,
        };
        let words = in_words(&[row("control", 90.0, 1_224.0), row("candidate", 10.0, 136.0)], &[75.0, 25.0]);
        assert_eq!(words[1], "candidate 10 % → 25 %.");
        assert_eq!(words[2], "About 204 requests a minute move.");
        assert!(in_words(&[row("control", 100.0, 1.0)], &[100.0]).is_empty());
    }
}
