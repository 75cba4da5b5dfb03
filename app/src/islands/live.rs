//! The live feed in the browser: one connection a page, shared by its islands.

use hypercare::telemetry::model::LiveMetrics;
use leptos::prelude::*;
use serde::de::DeserializeOwned;

/// Calls `handler` with the data of every event of that name. On the server it does nothing.
#[cfg(feature = "hydrate")]
pub fn subscribe<T: DeserializeOwned + 'static>(event: &str, mut handler: impl FnMut(T) + 'static) {
    use wasm_bindgen::JsCast as _;
    use wasm_bindgen::closure::Closure;
    use web_sys::{EventSource, MessageEvent};
    thread_local! {
        static SOURCE: Option<EventSource> = EventSource::new("/api/v1/live").ok();
    }
    let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        let data = message.data().as_string().unwrap_or_default();
        if let Ok(value) = serde_json::from_str(&data) {
            handler(value);
        }
    });
    SOURCE.with(|source| {
        if let Some(source) = source {
            // A browser that refuses a listener shows the page as it was rendered.
            let _ = source.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
        }
    });
    // It lives as long as the page.
    listener.forget();
}

/// On the server nothing is live.
#[cfg(not(feature = "hydrate"))]
pub fn subscribe<T: DeserializeOwned + 'static>(_event: &str, _handler: impl FnMut(T) + 'static) {}

/// Milliseconds since 1970 by the browser's clock.
#[cfg(feature = "hydrate")]
fn browser_ms() -> f64 {
    js_sys::Date::now()
}

#[cfg(not(feature = "hydrate"))]
fn browser_ms() -> f64 {
    0.0
}

/// The dot in the top bar: whether numbers still come in, and how old the newest are.
#[island]
pub fn LiveDot() -> impl IntoView {
    let last = RwSignal::new(None::<f64>);
    let now = RwSignal::new(0.0_f64);
    Effect::new(move |_| {
        subscribe::<LiveMetrics>("metrics", move |_| last.set(Some(browser_ms())));
        set_interval(move || now.set(browser_ms()), std::time::Duration::from_secs(1));
    });
    let state = move || {
        let Some(last) = last.get() else { return ("badge", "not live".to_owned()) };
        let age = ((now.get() - last) / 1_000.0).max(0.0).floor();
        if age < 5.0 { ("badge ok", format!("live · {} s", age.max(1.0))) } else { ("badge bad", format!("no data for {age} s")) }
    };
    view! { <span class=move || state().0 title="Age of the newest numbers on this page">{move || state().1}</span> }
}
