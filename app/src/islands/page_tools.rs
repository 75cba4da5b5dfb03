//! What every page gets in the browser: local times and keys.

use leptos::prelude::*;

/// Turns times local and listens to keys: `Ctrl/⌘ K` or `/` goes to the search field, `?` shows the keys, `g` then a letter goes to a page.
#[island]
pub fn PageTools() -> impl IntoView {
    let help = RwSignal::new(false);
    Effect::new(move |_| browser::start(help));
    view! {
        <div class="help-backdrop" hidden=move || !help.get() on:click=move |_| help.set(false)>
            <section class="card help" role="dialog" aria-modal="true" aria-label="Keys of this page">
                <header><h2>"Keys"</h2><button class="btn quiet" type="button" on:click=move |_| help.set(false)>"Close"</button></header>
                <dl class="keys">
                    <dt><kbd>"Ctrl"</kbd>" "<kbd>"K"</kbd>" or "<kbd>"/"</kbd></dt><dd>"Search"</dd>
                    <dt><kbd>"g"</kbd>" "<kbd>"o"</kbd></dt><dd>"Overview"</dd>
                    <dt><kbd>"g"</kbd>" "<kbd>"q"</kbd></dt><dd>"Requests"</dd>
                    <dt><kbd>"g"</kbd>" "<kbd>"f"</kbd></dt><dd>"Feedback"</dd>
                    <dt><kbd>"g"</kbd>" "<kbd>"t"</kbd></dt><dd>"Themes"</dd>
                    <dt><kbd>"g"</kbd>" "<kbd>"i"</kbd></dt><dd>"Issues"</dd>
                    <dt><kbd>"g"</kbd>" "<kbd>"p"</kbd></dt><dd>"Prompts"</dd>
                    <dt><kbd>"g"</kbd>" "<kbd>"r"</kbd></dt><dd>"Routes"</dd>
                    <dt><kbd>"j"</kbd>" / "<kbd>"k"</kbd></dt><dd>"Next or previous item of a list"</dd>
                    <dt><kbd>"e"</kbd>" "<kbd>"r"</kbd>" "<kbd>"s"</kbd></dt><dd>"Feedback: done, to review, spam"</dd>
                    <dt><kbd>"1"</kbd>" – "<kbd>"4"</kbd></dt><dd>"Feedback: severity, critical to low"</dd>
                    <dt><kbd>"a"</kbd>" "<kbd>"A"</kbd>" "<kbd>"t"</kbd></dt><dd>"Feedback: take it, assign it, choose the type"</dd>
                    <dt><kbd>"i"</kbd>" "<kbd>"x"</kbd>" "<kbd>"u"</kbd></dt><dd>"Feedback: make an issue, tick, undo"</dd>
                    <dt><kbd>"?"</kbd></dt><dd>"This help"</dd>
                </dl>
            </section>
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::*;
    use std::cell::{Cell, RefCell};
    use wasm_bindgen::JsCast as _;
    use wasm_bindgen::closure::Closure;
    use web_sys::{Element, HtmlElement, KeyboardEvent};

    /// The only thing in the help that takes the focus.
    const HELP_BUTTON: &str = ".help-backdrop:not([hidden]) button";

    pub fn start(help: RwSignal<bool>) {
        local_times();
        let went = Cell::new(false);
        let came_from = RefCell::new(None);
        let listener = Closure::<dyn FnMut(KeyboardEvent)>::new(move |event: KeyboardEvent| key(&event, help, &went, &came_from));
        let _ = document().add_event_listener_with_callback("keydown", listener.as_ref().unchecked_ref());
        listener.forget();
        super::sorting::start();
    }

    fn local_times() {
        let Ok(times) = document().query_selector_all("time.local") else { return };
        for i in 0..times.length() {
            let Some(time) = times.item(i).and_then(|node| node.dyn_into::<Element>().ok()) else { continue };
            let Some(exact) = time.get_attribute("datetime") else { continue };
            let date = js_sys::Date::new(&exact.into());
            if !date.get_time().is_nan() {
                time.set_text_content(Some(&String::from(date.to_locale_string("default", &js_sys::Object::new().into()))));
            }
        }
    }

    /// Whether the person is typing.
    fn in_field(event: &KeyboardEvent) -> bool {
        let target = event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok());
        target.is_some_and(|el| matches!(el.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || el.is_content_editable())
    }

    fn key(event: &KeyboardEvent, help: RwSignal<bool>, went: &Cell<bool>, came_from: &RefCell<Option<HtmlElement>>) {
        let key = event.key();
        if help.get_untracked() {
            return in_help(event, &key, help, came_from);
        }
        if (event.ctrl_key() || event.meta_key()) && key.eq_ignore_ascii_case("k") {
            event.prevent_default();
            focus("#search");
            return;
        }
        if event.ctrl_key() || event.meta_key() || event.alt_key() || in_field(event) {
            return;
        }
        let going = went.replace(false);
        match key.as_str() {
            "/" => {
                event.prevent_default();
                focus("#search");
            }
            "?" => {
                *came_from.borrow_mut() = document().active_element().and_then(|el| el.dyn_into().ok());
                help.set(true);
                // Behind the update of the page: a hidden button takes no focus.
                request_animation_frame(|| focus(HELP_BUTTON));
            }
            "g" => went.set(true),
            "j" => step(1),
            "k" => step(-1),
            letter if going => go(letter),
            _ => {}
        }
    }

    /// While the help is open it keeps the keyboard; closing it gives the focus back.
    fn in_help(event: &KeyboardEvent, key: &str, help: RwSignal<bool>, came_from: &RefCell<Option<HtmlElement>>) {
        match key {
            "Escape" | "?" => {
                help.set(false);
                if let Some(before) = came_from.borrow_mut().take() {
                    let _ = before.focus();
                }
            }
            "Tab" => {
                event.prevent_default();
                focus(HELP_BUTTON);
            }
            _ => {}
        }
    }

    fn focus(selector: &str) {
        if let Ok(Some(field)) = document().query_selector(selector)
            && let Ok(field) = field.dyn_into::<HtmlElement>()
        {
            let _ = field.focus();
        }
    }

    fn go(letter: &str) {
        let to = match letter {
            "o" => "/",
            "q" => "/requests",
            "f" => "/feedback",
            "t" => "/themes",
            "i" => "/issues",
            "p" => "/prompts",
            "r" => "/routes",
            _ => return,
        };
        let _ = window().location().set_href(to);
    }

    /// Opens the item behind or before the open one in the list of the page, if it has one.
    fn step(by: i32) {
        let Ok(items) = document().query_selector_all("[data-list]:not([data-keys]) a.list-item") else { return };
        let count = i32::try_from(items.length()).unwrap_or(0);
        let item = |i: i32| u32::try_from(i).ok().and_then(|i| items.item(i)).and_then(|n| n.dyn_into::<HtmlElement>().ok());
        let open = (0..count).find(|i| item(*i).is_some_and(|el| el.get_attribute("aria-current").is_some()));
        let next = open.map_or(0, |i| i + by);
        if let Some(link) = item(next) {
            link.click();
        }
    }
}

/// Rows of a form that are put in order by dragging their handle, or by Alt and an arrow key. What the server reads is the number in each row, which
/// people without scripts type.
#[cfg(feature = "hydrate")]
mod sorting {
    use leptos::prelude::*;
    use std::cell::RefCell;
    use wasm_bindgen::JsCast as _;
    use wasm_bindgen::closure::Closure;
    use web_sys::{DragEvent, Element, Event, HtmlElement, HtmlInputElement, KeyboardEvent};

    thread_local! {
        static DRAGGED: RefCell<Option<Element>> = const { RefCell::new(None) };
    }

    pub fn start() {
        if let Some(root) = document().document_element() {
            // Handles show where they do something.
            let _ = root.class_list().add_1("awake");
        }
        listen("dragstart", begin);
        listen("dragover", over);
        listen("drop", |event: DragEvent| event.prevent_default());
        listen("dragend", |_: DragEvent| DRAGGED.set(None));
        listen("keydown", key);
    }

    fn listen<E: wasm_bindgen::convert::FromWasmAbi + 'static>(name: &str, handler: fn(E)) {
        let listener = Closure::<dyn FnMut(E)>::new(handler);
        let _ = document().add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        listener.forget();
    }

    fn row_of(event: &Event) -> Option<Element> {
        event.target()?.dyn_into::<Element>().ok()?.closest("[data-row]").ok()?
    }

    fn begin(event: DragEvent) {
        let on_handle =
            event.target().and_then(|t| t.dyn_into::<Element>().ok()).is_some_and(|el| el.closest(".handle").is_ok_and(|h| h.is_some()));
        if let Some(row) = row_of(&event).filter(|_| on_handle) {
            if let Some(data) = event.data_transfer() {
                // Some browsers drag nothing that carries nothing.
                let _ = data.set_data("text/plain", "");
            }
            DRAGGED.set(Some(row));
        }
    }

    fn over(event: DragEvent) {
        let Some(dragged) = DRAGGED.with_borrow(Clone::clone) else { return };
        let Some(row) = row_of(&event).filter(|row| row.parent_node() == dragged.parent_node()) else { return };
        event.prevent_default();
        let place = row.get_bounding_client_rect();
        let below = f64::from(event.client_y()) > place.top() + place.height() / 2.0;
        put(&dragged, &row, below);
    }

    fn key(event: KeyboardEvent) {
        if !event.alt_key() {
            return;
        }
        let Some(row) = row_of(&event) else { return };
        let (other, below) = match event.key().as_str() {
            "ArrowUp" => (row.previous_element_sibling(), false),
            "ArrowDown" => (row.next_element_sibling(), true),
            _ => return,
        };
        event.prevent_default();
        let focused = document().active_element().and_then(|el| el.dyn_into::<HtmlElement>().ok());
        if let Some(other) = other.filter(|other| other.has_attribute("data-row")) {
            put(&row, &other, below);
        }
        if let Some(focused) = focused {
            let _ = focused.focus();
        }
    }

    /// Puts a row before or behind another and numbers them all.
    fn put(row: &Element, other: &Element, behind: bool) {
        if row == other {
            return;
        }
        let Some(parent) = row.parent_node() else { return };
        let next = if behind { other.next_sibling() } else { Some(other.clone().into()) };
        let _ = parent.insert_before(row, next.as_ref());
        let Some(rows) = row.parent_element().and_then(|parent| parent.query_selector_all("[data-row] input[data-place]").ok()) else {
            return;
        };
        for i in 0..rows.length() {
            if let Some(input) = rows.item(i).and_then(|node| node.dyn_into::<HtmlInputElement>().ok()) {
                input.set_value(&(i + 1).to_string());
            }
        }
    }
}

#[cfg(not(feature = "hydrate"))]
mod browser {
    use leptos::prelude::RwSignal;

    pub fn start(_: RwSignal<bool>) {}
}
