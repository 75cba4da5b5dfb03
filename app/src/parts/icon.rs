//! Icons: inline SVG, because emoji are missing on many machines.

use leptos::prelude::*;

/// An icon by name; hidden from screen readers (a word stands beside it).
#[component]
pub fn Icon(
    /// `up`, `down`, `flag`, `star`, `comment`, `ok`, `error`, `closed`, `lock`, `open`, `search`, `menu`, `arrow`, `pulse`.
    name: &'static str,
) -> impl IntoView {
    let path = match name {
        "up" => "M7 21h10l3-9a2 2 0 0 0-2-2.5h-5l.8-4A2 2 0 0 0 11.8 3L7 11H4v10z",
        "down" => "M17 3H7L4 12a2 2 0 0 0 2 2.5h5l-.8 4a2 2 0 0 0 2 2.5L17 13h3V3z",
        "flag" => "M5 21V4h13l-3 4 3 4H5",
        "star" => "M12 3l2.8 5.7 6.2.9-4.500 4.400 1.100 6.200L12 17.300 6.400 20.200l1.100-6.200L3 9.600l6.200-.9z",
        "comment" => "M4 5h16v11H9l-5 4z",
        "ok" => "M5 12l5 5L19 7",
        "error" => "M12 8v5M12 16.500v.01M10.300 4L2.500 18a2 2 0 0 0 1.700 3h15.600a2 2 0 0 0 1.700-3L13.700 4a2 2 0 0 0-3.400 0z",
        "closed" => "M6 6l12 12M18 6L6 18",
        "lock" => "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
        "open" => "M6 11h12v9H6zM8 11V8a4 4 0 0 1 7.500-2",
        "search" => "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
        "menu" => "M4 6h16M4 12h16M4 18h16",
        "arrow" => "M5 12h14M13 6l6 6-6 6",
        _ => "M3 12h4l2.500-6 5 12L17 12h4",
    };
    view! {
        <svg class=format!("icon {name}") viewBox="0 0 24 24" aria-hidden="true">
            <path d=path></path>
        </svg>
    }
}
