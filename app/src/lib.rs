//! The control room: pages rendered on the server, live parts hydrated as islands.
//!
//! A page is an axum handler in `pages/`: it extracts, calls a service of the backend and renders components of `parts/` and `islands/`. Only islands are
//! compiled for the browser, so a page weighs what its live parts weigh, and every form works without JavaScript.

// Views are nested types; the deeper a page, the longer their names.
#![recursion_limit = "512"]
#![expect(clippy::needless_pass_by_value, reason = "components own their properties")]

pub mod islands;
#[cfg(feature = "ssr")]
pub mod pages;
pub mod parts;

/// Wakes the islands of the page; called by the script of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
