//! A button that copies.
#![expect(missing_docs, reason = "the island macro makes a struct for the properties and does not hand the documentation on")]

use leptos::prelude::*;

/// Copies the value or the text of the element with that id. Appears only where the browser lets a page write to the clipboard (HTTPS or this machine).
#[island]
pub fn CopyFrom(id: String) -> impl IntoView {
    let can = RwSignal::new(false);
    let said = RwSignal::new("");
    Effect::new(move |_| can.set(browser::can_copy()));
    let copy = move |_| browser::copy(&id, said);
    view! {
        <span class="copy" hidden=move || !can.get()>
            <button class="btn" type="button" on:click=copy>"Copy"</button>
            <span class="small muted" role="status">{move || said.get()}</span>
        </span>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsCast as _;
    use wasm_bindgen_futures::JsFuture;

    pub fn can_copy() -> bool {
        js_sys::Reflect::get(&window().navigator(), &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object())
    }

    pub fn copy(id: &str, said: RwSignal<&'static str>) {
        let Some(element) = document().get_element_by_id(id) else { return };
        let field = element.dyn_ref::<web_sys::HtmlInputElement>().map(web_sys::HtmlInputElement::value);
        let text = field.or_else(|| element.text_content()).unwrap_or_default();
        spawn_local(async move {
            let copied = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            said.set(if copied.is_ok() { "Copied" } else { "Could not copy: select the text and copy it yourself" });
        });
    }
}

#[cfg(not(feature = "hydrate"))]
mod browser {
    use leptos::prelude::RwSignal;

    pub fn can_copy() -> bool {
        false
    }

    pub fn copy(_: &str, _: RwSignal<&'static str>) {}
}
