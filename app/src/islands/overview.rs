//! The overview's tiles and traffic chart, moving with the traffic.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

use super::live::subscribe;
use crate::parts::chart::{Frame, line, scale, ticks};
use crate::parts::format;
use crate::parts::items::{Spark, series_colour};
use hypercare::telemetry::model::{LiveMetrics, Overview, Point, Range, Totals};
use hypercare::types::Duration;
use leptos::prelude::*;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
/// The chart's drawing area, below it the time axis, at its left the numbers.
const FRAME: Frame = Frame { left: 44.0, top: 12.0, width: 704.0, height: 194.0, max: 1.0 };

/// Tiles and chart.
#[island]
pub fn OverviewBoard(
    /// As the server saw it.
    overview: Overview,
) -> impl IntoView {
    let live = overview.range == Range::Hour;
    let data = RwSignal::new(overview);
    Effect::new(move |_| {
        if live {
            subscribe::<LiveMetrics>("metrics", move |metrics| data.update(|overview| follow(overview, metrics)));
        }
    });
    let hover = RwSignal::new(None::<usize>);
    view! {
        <section class="tiles" aria-label="Key figures">{move || data.with(|o| tiles(o).into_iter().map(|tile| tile_view(tile).into_any()).collect_view())}</section>
        <section class="card">
            <header>
                <h2>"Requests per minute, by variant"</h2>
                <div class="legend">{move || data.with(legend)}</div>
            </header>
            <div class="chart" on:pointermove=move |event| hover.set(nearest(&event, data.with_untracked(|o| o.points.len()))) on:pointerleave=move |_| hover.set(None)>
                {move || data.with(|o| traffic(o, hover.get()))}
            </div>
            <details class="small">
                <summary>"Show as a table"</summary>
                {move || data.with(table)}
            </details>
        </section>
    }
}

/// Takes this second's numbers in: the sums of the hour, and the newest point.
fn follow(overview: &mut Overview, metrics: LiveMetrics) {
    overview.at = metrics.at;
    overview.now = metrics.hour;
    let is_new = overview.points.last().is_some_and(|last| last.at < metrics.point.at);
    if is_new {
        overview.points.remove(0);
        overview.points.push(metrics.point);
        for series in &mut overview.variants {
            series.requests.remove(0);
            series.requests.push(0);
        }
        let start = overview.points.first().map(|p| p.at);
        overview.markers.retain(|marker| start.is_none_or(|start| marker.at >= start));
    } else if let Some(last) = overview.points.last_mut() {
        *last = metrics.point;
    }
    for (route, variant, n) in metrics.by_variant {
        let series = overview.variants.iter_mut().find(|s| s.route == route && s.variant == variant);
        if let Some(last) = series.and_then(|s| s.requests.last_mut()) {
            *last = n;
        }
    }
}

struct Tile {
    label: &'static str,
    value: String,
    unit: String,
    href: &'static str,
    spark: Vec<Option<f64>>,
    note: String,
    state: Option<(&'static str, &'static str)>,
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
#[expect(clippy::too_many_lines, reason = "a list of tiles")]
fn tiles(o: &Overview) -> Vec<Tile> {
    let span = o.range.label().to_lowercase();
    let spark = |f: &dyn Fn(&Totals) -> Option<f64>| o.points.iter().map(|Point { totals, .. }| f(totals)).collect::<Vec<_>>();
    let against = |now: Option<f64>, before: Option<f64>| match (now, before) {
        (Some(now), Some(before)) => format::change(now, before).map_or_else(|| span.clone(), |c| format!("{c} on the span before")),
        _ => span.clone(),
    };
    let points = |now: Option<f64>, before: Option<f64>| match (now, before) {
        (Some(now), Some(before)) => {
            let points = (now - before) * 100.0;
            let sign = if points < 0.0 { "−" } else { "+" };
            format!("{sign}{:.1} points on the span before", points.abs())
        }
        _ => span.clone(),
    };
    let of_time = |us: Option<f64>| us.map_or((format::NONE.to_owned(), ""), format::duration_parts);
    let (latency, latency_unit) = of_time(o.now.latency_p95_us);
    let (first, first_unit) = of_time(o.now.first_token_p95_us);
    let share = |s: Option<f64>| s.map_or(format::NONE.to_owned(), format::percent);
    let (n, b) = (&o.now, &o.before);
    vec![
        Tile {
            label: "Requests",
            value: format::count(n.requests),
            unit: String::new(),
            href: "/requests",
            spark: spark(&|t| Some(t.requests as f64)),
            note: against(Some(n.requests as f64), Some(b.requests as f64)),
            state: None,
        },
        Tile {
            label: "Errors",
            value: share(n.error_rate()),
            unit: "%".into(),
            href: "/requests?status=error",
            spark: spark(&|t| t.error_rate()),
            note: points(n.error_rate(), b.error_rate()),
            state: n.error_rate().map(|rate| {
                if rate > 0.05 {
                    ("bad", "high")
                } else if rate > 0.01 {
                    ("watch", "raised")
                } else {
                    ("ok", "ok")
                }
            }),
        },
        Tile {
            label: "Latency p95",
            value: latency,
            unit: latency_unit.into(),
            href: "/requests",
            spark: spark(&|t| t.latency_p95_us),
            note: against(n.latency_p95_us, b.latency_p95_us),
            state: None,
        },
        Tile {
            label: "First token p95",
            value: first,
            unit: first_unit.into(),
            href: "/requests",
            spark: spark(&|t| t.first_token_p95_us),
            note: against(n.first_token_p95_us, b.first_token_p95_us),
            state: None,
        },
        Tile {
            label: "Cost",
            value: format::usd(n.cost),
            unit: "USD".into(),
            href: "/requests",
            spark: spark(&|t| Some(t.cost.usd())),
            note: against(Some(n.cost.usd()), Some(b.cost.usd())),
            state: None,
        },
        Tile {
            label: "Tokens",
            value: format::count(n.input_tokens + n.output_tokens),
            unit: String::new(),
            href: "/requests",
            spark: spark(&|t| Some((t.input_tokens + t.output_tokens) as f64)),
            note: format!("{} in, {} out", format::count(n.input_tokens), format::count(n.output_tokens)),
            state: None,
        },
        Tile {
            label: "Thumbs up",
            value: share(n.thumbs_up_share()),
            unit: "%".into(),
            href: "/feedback",
            spark: spark(&|t| t.thumbs_up_share()),
            note: format!("{} of {} thumbs", format::count(n.feedback_up), format::count(n.feedback_up + n.feedback_down)),
            state: match (n.thumbs_up_share(), b.thumbs_up_share()) {
                (Some(now), Some(before)) if now < before - 0.05 => Some(("watch", "falling")),
                _ => None,
            },
        },
        Tile {
            label: "Flags",
            value: format::count(n.flags),
            unit: String::new(),
            href: "/feedback?kind=flag",
            spark: spark(&|t| Some(t.flags as f64)),
            note: span.clone(),
            state: (n.flags > 0).then_some(("watch", "look")),
        },
    ]
}

fn tile_view(tile: Tile) -> impl IntoView {
    let class = match tile.state {
        Some(("bad", _)) => "tile bad",
        Some(("watch", _)) => "tile watch",
        _ => "tile",
    };
    view! {
        <a class=class href=tile.href>
            <span class="label">{tile.label}{tile.state.map(|(class, word)| view! { <span class=format!("badge {class}")>{word}</span> })}</span>
            <span class="value">{tile.value}<small>" "{tile.unit}</small></span>
            <Spark values=tile.spark/>
            <span class="small muted">{tile.note}</span>
        </a>
    }
}

fn legend(o: &Overview) -> impl IntoView + use<> {
    o.variants
        .iter()
        .take(6)
        .map(|s| view! { <span><i style=format!("background:{}", series_colour(s.colour))></i>{format!("{} · {}", s.route, s.variant)}</span> })
        .collect_view()
}

/// Requests per minute of a point that may span several minutes.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn per_minute(o: &Overview, n: i64) -> f64 {
    n as f64 / o.range.step_minutes() as f64
}

#[expect(clippy::cast_precision_loss, reason = "microseconds within a week are exact")]
fn traffic(o: &Overview, hover: Option<usize>) -> impl IntoView + use<> {
    let n = o.points.len();
    let most = o.variants.iter().flat_map(|s| &s.requests).copied().max().unwrap_or(0);
    let (upper, step) = scale(per_minute(o, most));
    let frame = Frame { max: upper, ..FRAME };
    let grid = ticks(upper, step).into_iter().map(|mark| {
        let y = frame.y(mark);
        view! {
            <line x1=frame.left x2=frame.left + frame.width y1=y y2=y></line>
            <text x=frame.left - 8.0 y=y + 4.0 text-anchor="end">{format!("{mark}")}</text>
        }
    });
    let times = (0..n).step_by((n / 6).max(1)).map(|i| {
        let label = o.points.get(i).map(|p| format::clock(p.at)).unwrap_or_default();
        view! { <text x=frame.x(i, n) y=frame.top + frame.height + 20.0 text-anchor="middle">{label}</text> }
    });
    let lines = o.variants.iter().map(|s| {
        let values: Vec<Option<f64>> = s.requests.iter().map(|n| Some(per_minute(o, *n))).collect();
        let style = format!("stroke:{}", series_colour(s.colour));
        view! { <path d=line(&frame, &values) fill="none" style=style stroke-width="1.8" stroke-linejoin="round"></path> }
    });
    let start = o.points.first().map(|p| p.at.0).unwrap_or_default();
    let span = Duration::MINUTE.times(o.range.minutes() - o.range.step_minutes()).0.max(1) as f64;
    let markers = o.markers.iter().map(|m| {
        let x = frame.left + frame.width * (((m.at.0 - start) as f64) / span).clamp(0.0, 1.0);
        let (dx, anchor) = if x > frame.left + frame.width * 0.7 { (-5.0, "end") } else { (5.0, "start") };
        view! {
            <line class="marker" x1=x x2=x y1=frame.top y2=frame.top + frame.height></line>
            <text x=x + dx y=frame.top + 10.0 text-anchor=anchor>{m.label.clone()}</text>
        }
    });
    let crosshair = hover.filter(|i| *i < n).map(|i| {
        let x = frame.x(i, n);
        view! { <line class="crosshair" x1=x x2=x y1=frame.top y2=frame.top + frame.height></line> }
    });
    let tip = hover.and_then(|i| o.points.get(i).map(|p| tip_text(o, i, &format::clock(p.at))));
    view! {
        <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="img" aria-label=format!("Requests per minute by variant, {}", o.range.label().to_lowercase())>
            <g class="axis">{grid.collect_view()}{times.collect_view()}{markers.collect_view()}</g>
            {lines.collect_view()}
            {crosshair}
        </svg>
        <p class="small muted chart-tip">{tip.unwrap_or_else(|| "Times are UTC. Point at the chart for the numbers of a minute.".to_owned())}</p>
    }
}

fn tip_text(o: &Overview, i: usize, time: &str) -> String {
    let values = o.variants.iter().filter_map(|s| s.requests.get(i).map(|n| format!("{} {:.1}", s.variant, per_minute(o, *n))));
    let values: Vec<String> = values.collect();
    format!("{time} UTC: {} requests per minute", if values.is_empty() { "no".to_owned() } else { values.join(", ") })
}

fn table(o: &Overview) -> impl IntoView + use<> {
    let head = o.variants.iter().map(|s| view! { <th class="num" scope="col">{s.variant.clone()}</th> }).collect_view();
    let rows = o.points.iter().enumerate().rev().take(60).map(|(i, p)| {
        let cells = o.variants.iter().map(|s| view! { <td class="num">{s.requests.get(i).copied().unwrap_or(0)}</td> }).collect_view();
        view! { <tr><th scope="row">{format::utc(p.at)}</th>{cells}</tr> }.into_any()
    });
    view! {
        <div class="scroll"><table><caption class="visually-hidden">"Requests by time and variant"</caption>
            <thead><tr><th scope="col">"From"</th>{head}</tr></thead><tbody>{rows.collect_view()}</tbody></table></div>
    }
}

#[cfg(feature = "hydrate")]
fn nearest(event: &leptos::ev::PointerEvent, n: usize) -> Option<usize> {
    use wasm_bindgen::JsCast as _;
    let target = event.current_target()?.dyn_into::<web_sys::Element>().ok()?;
    let area = target.get_bounding_client_rect();
    if area.width() <= 0.0 || n == 0 {
        return None;
    }
    let x = (f64::from(event.client_x()) - area.left()) / area.width() * WIDTH;
    Some(FRAME.nearest(x, n))
}

#[cfg(not(feature = "hydrate"))]
fn nearest(_: &leptos::ev::PointerEvent, _: usize) -> Option<usize> {
    None
}
