//! Keys, clicks and decisions of the list. Every decision shows at once and is sent behind it; what the server refuses is put back and said.

#[cfg(feature = "hydrate")]
pub use browser::{click, decided_here, listen, show_bar, tick};
#[cfg(not(feature = "hydrate"))]
pub use server::{click, decided_here, listen, show_bar, tick};

#[cfg(feature = "hydrate")]
mod browser {
    use crate::islands::inbox::List;
    use gloo_net::http::Request;
    use hypercare::feedback::model::Feedback;
    use hypercare::feedback::model::triage::{Decided, Patch, State};
    use hypercare::issues::model::{Kind, Severity};
    use hypercare::types::{Id, Page};
    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use serde_json::{Value, json};
    use std::cell::{Cell, RefCell};
    use std::collections::HashMap;
    use wasm_bindgen::closure::Closure;
    use wasm_bindgen::{JsCast as _, JsValue};
    use web_sys::{Element, Event, HtmlElement, HtmlSelectElement, KeyboardEvent, MouseEvent, SubmitEvent};

    /// Parts at the right that were fetched already.
    const KEPT: usize = 60;
    /// With fewer left the next page is fetched.
    const FEW: usize = 10;

    /// What a decision changed, so that it can be put back: where each stood, and how it was.
    struct Undo {
        batch: Option<Id>,
        before: Vec<(usize, Feedback)>,
    }

    /// Where the next page of the list begins.
    enum More {
        /// As the page says that came from the server.
        AsRendered,
        /// There; nowhere when there is none, or while it is on its way.
        From(Option<String>),
    }

    thread_local! {
        static PANES: RefCell<HashMap<String, String>> = RefCell::default();
        static UNDO: RefCell<Vec<Undo>> = const { RefCell::new(Vec::new()) };
        /// The one asked for last; answers that come late are not shown.
        static WANTED: RefCell<Option<Id>> = const { RefCell::new(None) };
        static MORE: RefCell<More> = const { RefCell::new(More::AsRendered) };
        static GOING: Cell<bool> = const { Cell::new(false) };
    }

    /// Whether this page decided about it a moment ago: its echo is no news.
    pub fn decided_here(new: &Feedback) -> bool {
        UNDO.with_borrow(|undo| undo.iter().any(|u| u.before.iter().any(|(_, f)| f.id == new.id && f.revision < new.revision)))
    }

    pub fn listen(list: List) {
        on("keydown", move |event: KeyboardEvent| key(list, &event));
        on("submit", move |event: SubmitEvent| submit(list, &event));
        on("change", move |event: Event| change(list, &event));
        if let Some(root) = document().document_element() {
            let _ = root.class_list().add_1("awake");
        }
        prefetch(list);
    }

    fn on<E: wasm_bindgen::convert::FromWasmAbi + 'static>(name: &str, handler: impl FnMut(E) + 'static) {
        let listener = Closure::<dyn FnMut(E)>::new(handler);
        let _ = document().add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        listener.forget();
    }

    /// The bar for what is ticked is there when something is.
    pub fn show_bar(shown: bool) {
        if let Some(root) = document().document_element() {
            let _ = root.class_list().toggle_with_force("ticked", shown);
        }
    }

    pub fn tick(list: List, id: &Id) {
        list.ticked.update(|ticked| match ticked.iter().position(|t| t == id) {
            Some(place) => {
                ticked.remove(place);
            }
            None => ticked.push(id.clone()),
        });
    }

    /// A plain click opens the item here; with a modifier the browser does as ever.
    pub fn click(list: List, id: &Id, event: &MouseEvent) {
        if event.ctrl_key() || event.meta_key() || event.shift_key() || event.button() != 0 {
            return;
        }
        event.prevent_default();
        show(list, id.clone());
    }

    fn in_field(event: &KeyboardEvent) -> bool {
        let target = event.target().and_then(|t| t.dyn_into::<HtmlElement>().ok());
        target.is_some_and(|el| {
            let boxed = el.get_attribute("type").as_deref() == Some("checkbox");
            !boxed && matches!(el.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || el.is_content_editable()
        })
    }

    fn key(list: List, event: &KeyboardEvent) {
        let helping = document().query_selector(".help-backdrop:not([hidden])").ok().flatten().is_some();
        if helping || event.ctrl_key() || event.meta_key() || event.alt_key() || in_field(event) {
            return;
        }
        if GOING.replace(event.key() == "g") {
            return;
        }
        let state = |state| Patch { state: Some(state), ..Patch::default() };
        let severity = |severity| Patch { severity: Some(severity), ..Patch::default() };
        let patch = match event.key().as_str() {
            "j" => return step(list, 1),
            "k" => return step(list, -1),
            "x" => {
                if let Some(id) = list.open.get_untracked() {
                    tick(list, &id);
                }
                return;
            }
            "u" => return undo(list),
            "i" => return make_issue(list),
            "t" => return focus(event, "#pane select[name=type]"),
            "A" => return focus(event, "#pane select[name=assignee]"),
            "1" => severity(Severity::Critical),
            "2" => severity(Severity::High),
            "3" => severity(Severity::Medium),
            "4" => severity(Severity::Low),
            "e" => state(State::Done),
            "r" => state(State::Review),
            "s" => state(State::Spam),
            "a" => Patch { assignee: Some("me".to_owned()), ..Patch::default() },
            _ => return,
        };
        event.prevent_default();
        decide(list, patch);
    }

    fn focus(event: &KeyboardEvent, selector: &str) {
        if let Some(field) = document().query_selector(selector).ok().flatten().and_then(|el| el.dyn_into::<HtmlElement>().ok()) {
            event.prevent_default();
            let _ = field.focus();
        }
    }

    /// Buttons of the part at the right and of the bar below do what the keys do.
    fn submit(list: List, event: &SubmitEvent) {
        let Some(form) = event.target().and_then(|t| t.dyn_into::<Element>().ok()) else { return };
        let Some(button) = event.submitter() else { return };
        let target = button.get_attribute("formaction").or_else(|| form.get_attribute("action")).unwrap_or_default();
        if target == "/feedback/undo" {
            event.prevent_default();
            undo(list);
            return;
        }
        if target != "/feedback/decide" {
            return;
        }
        let bar = form.id() == "bulk";
        if bar && list.ticked.with_untracked(Vec::is_empty) {
            event.prevent_default();
            list.said.set("Tick what you want to decide about first.".to_owned());
            return;
        }
        let named = button.get_attribute("name").zip(button.get_attribute("value"));
        let chosen = named.or_else(|| {
            let select = form.query_selector("select").ok().flatten()?.dyn_into::<HtmlSelectElement>().ok()?;
            Some((select.name(), select.value()))
        });
        if let Some(patch) = chosen.and_then(|(name, value)| patch_of(&name, &value)) {
            event.prevent_default();
            decide(list, patch);
        }
    }

    fn change(list: List, event: &Event) {
        let select = event.target().and_then(|t| t.dyn_into::<HtmlSelectElement>().ok());
        let Some(select) = select.filter(|s| s.closest("#pane .selects").ok().flatten().is_some()) else { return };
        if let Some(patch) = patch_of(&select.name(), &select.value()) {
            let _ = select.blur();
            decide(list, patch);
        }
    }

    fn patch_of(name: &str, value: &str) -> Option<Patch> {
        let none = Patch::default();
        match name {
            "state" => Some(Patch { state: Some(State::parse(value)?), ..none }),
            "severity" => Some(Patch { severity: Some(Severity::parse(value)?), ..none }),
            "type" => Some(Patch { kind: Some(Kind::parse(value)?), ..none }),
            "assignee" if value == "nobody" => Some(Patch { assignee: Some(String::new()), ..none }),
            "assignee" if !value.is_empty() => Some(Patch { assignee: Some(value.to_owned()), ..none }),
            _ => None,
        }
    }

    fn targets(list: List) -> Vec<Id> {
        let ticked = list.ticked.get_untracked();
        if ticked.is_empty() { list.open.get_untracked().into_iter().collect() } else { ticked }
    }

    fn make_issue(list: List) {
        let ids: Vec<String> = targets(list).iter().map(ToString::to_string).collect();
        if !ids.is_empty() {
            let _ = window().location().set_href(&format!("/issues/new?ids={}", ids.join(",")));
        }
    }

    fn step(list: List, by: i64) {
        let next = list.items.with_untracked(|items| {
            let open = list.open.get_untracked();
            let place = items.iter().position(|f| Some(&f.id) == open.as_ref());
            let next = place.map_or(0, |p| i64::try_from(p).unwrap_or(0) + by);
            usize::try_from(next).ok().and_then(|n| items.get(n)).map(|f| f.id.clone())
        });
        if let Some(id) = next {
            show(list, id);
        }
        load_more(list);
    }

    /// Opens an item: at once where it was fetched before.
    fn show(list: List, id: Id) {
        list.open.set(Some(id.clone()));
        WANTED.set(Some(id.clone()));
        let query = list.fixed.with_value(|f| f.query.clone());
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("/feedback?item={id}&{query}")));
        }
        request_animation_frame(|| {
            if let Some(row) = document().query_selector("[data-list] a[aria-current]").ok().flatten() {
                let options = web_sys::ScrollIntoViewOptions::new();
                options.set_block(web_sys::ScrollLogicalPosition::Nearest);
                row.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
        if let Some(html) = PANES.with_borrow(|panes| panes.get(id.as_str()).cloned()) {
            put(&html);
            prefetch(list);
            return;
        }
        spawn_local(async move {
            let html = fetch(list, &id).await;
            if WANTED.with_borrow(|wanted| wanted.as_ref() == Some(&id)) {
                match html {
                    Ok(html) => put(&html),
                    Err(why) => list.said.set(why),
                }
            }
            prefetch(list);
        });
    }

    fn put(html: &str) {
        if let Some(pane) = document().get_element_by_id("pane") {
            pane.set_inner_html(html);
        }
    }

    async fn fetch(list: List, id: &Id) -> Result<String, String> {
        let query = list.fixed.with_value(|f| f.query.clone());
        let response =
            Request::get(&format!("/feedback/pane/{id}?{query}")).send().await.map_err(|_| "The server cannot be reached.".to_owned())?;
        if !response.ok() {
            return Err(refusal(&response.json().await.unwrap_or_default(), response.status()));
        }
        let html = response.text().await.map_err(|e| e.to_string())?;
        PANES.with_borrow_mut(|panes| {
            if panes.len() >= KEPT {
                panes.clear();
            }
            panes.insert(id.to_string(), html.clone());
        });
        Ok(html)
    }

    /// The next one is there before it is asked for.
    fn prefetch(list: List) {
        let next = list.items.with_untracked(|items| {
            let open = list.open.get_untracked();
            let place = items.iter().position(|f| Some(&f.id) == open.as_ref())?;
            items.get(place + 1).map(|f| f.id.clone())
        });
        if let Some(id) = next.filter(|id| PANES.with_borrow(|panes| !panes.contains_key(id.as_str()))) {
            spawn_local(async move {
                let _ = fetch(list, &id).await;
            });
        }
    }

    fn refusal(said: &Value, status: u16) -> String {
        said["error"]["message"].as_str().map_or_else(|| format!("It was refused with status {status}."), str::to_owned)
    }

    /// Decides about what is ticked, or else about the open one.
    fn decide(list: List, patch: Patch) {
        let (may, me) = list.fixed.with_value(|f| (f.may, f.me.clone()));
        let ids = targets(list);
        if !may || ids.is_empty() {
            return;
        }
        let shown = if patch.assignee.as_deref() == Some("me") { Patch { assignee: Some(me), ..patch.clone() } } else { patch.clone() };
        let before = apply(list, &ids, &shown);
        let seen: HashMap<String, i64> = before.iter().map(|(_, f)| (f.id.to_string(), f.revision)).collect();
        let words = words_of(&shown, before.len());
        list.said.set(words);
        list.ticked.set(Vec::new());
        let place = UNDO.with_borrow_mut(|undo| {
            undo.push(Undo { batch: None, before });
            undo.len() - 1
        });
        spawn_local(async move {
            let body = json!({ "ids": ids, "set": patch, "seen": seen });
            match post("/api/v1/feedback/triage", &body).await {
                Ok(decided) => settled(list, place, &decided).await,
                Err(why) => {
                    put_back(list, place);
                    list.said.set(why);
                }
            }
        });
        load_more(list);
    }

    fn words_of(patch: &Patch, n: usize) -> String {
        let what = [
            patch.state.map(|s| s.label().to_owned()),
            patch.severity.map(|s| s.label().to_owned()),
            patch.kind.map(|k| k.label().to_owned()),
            patch.assignee.clone().map(|who| if who.is_empty() { "Assigned to nobody".to_owned() } else { format!("Assigned to {who}") }),
        ];
        let what = what.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if n == 1 { format!("{what}. Undo with u.") } else { format!("{what}: {n} pieces. Undo with u.") }
    }

    /// Changes the list as the server will, and goes on to the next. Gives how it was.
    fn apply(list: List, ids: &[Id], patch: &Patch) -> Vec<(usize, Feedback)> {
        let now = list.now.get_untracked();
        let open = list.open.get_untracked();
        let mut before = Vec::new();
        let mut open_went = None;
        list.items.update(|items| {
            for (place, item) in items.iter().enumerate().filter(|(_, f)| ids.contains(&f.id)) {
                before.push((place, item.clone()));
            }
            for (place, _) in before.iter().rev() {
                items[*place].triage = patch.applied(&items[*place].triage);
                items[*place].revision += 1;
                let stays = list.fixed.with_value(|f| f.filter.passes(&items[*place], &f.me, now));
                if !stays {
                    if open.as_ref() == Some(&items[*place].id) {
                        open_went = Some(*place);
                    }
                    items.remove(*place);
                }
            }
        });
        for (_, item) in &before {
            PANES.with_borrow_mut(|panes| panes.remove(item.id.as_str()));
        }
        if let Some(place) = open_went {
            let gone =
                before.iter().filter(|(p, f)| *p < place && list.items.with_untracked(|items| items.iter().all(|i| i.id != f.id))).count();
            let next =
                list.items.with_untracked(|items| items.get((place - gone).min(items.len().saturating_sub(1))).map(|f| f.id.clone()));
            if let Some(id) = next {
                show(list, id);
            } else {
                list.open.set(None);
                put("");
            }
        } else if let Some(id) = open.filter(|id| ids.contains(id)) {
            show(list, id);
        }
        before
    }

    async fn post(path: &str, body: &Value) -> Result<Decided, String> {
        let lost = || "The server cannot be reached; nothing was decided.".to_owned();
        let request = Request::post(path).header("content-type", "application/json").body(body.to_string());
        let response = request.map_err(|e| e.to_string())?.send().await.map_err(|_| lost())?;
        let status = response.status();
        let said: Value = response.json().await.unwrap_or_default();
        serde_json::from_value(said.clone()).map_err(|_| refusal(&said, status))
    }

    /// Notes how it can be undone; where somebody else was first, their decision is shown and named.
    async fn settled(list: List, place: usize, decided: &Decided) {
        UNDO.with_borrow_mut(|undo| {
            if let Some(entry) = undo.get_mut(place) {
                entry.batch.clone_from(&decided.batch);
            }
        });
        list.items.update(|items| {
            for done in &decided.done {
                if let Some(item) = items.iter_mut().find(|f| f.id == done.id) {
                    item.revision = done.revision;
                }
            }
        });
        if let Some(clash) = decided.clashes.first() {
            list.said.set(format!("{} was first: {}. Yours was not written.", clash.by, clash.words));
        }
        for clash in &decided.clashes {
            let Ok(response) = Request::get(&format!("/api/v1/feedback/{}", clash.id)).send().await else { continue };
            if let Ok(fresh) = response.json::<Feedback>().await {
                let was =
                    UNDO.with_borrow(|undo| undo.get(place).and_then(|u| u.before.iter().find(|(_, f)| f.id == fresh.id).map(|(p, _)| *p)));
                restore(list, was.unwrap_or(0), fresh);
            }
        }
        // What was drawn while the answer was under way shows the state before.
        let open =
            list.open.get_untracked().filter(|id| decided.done.iter().any(|d| d.id == *id) || decided.clashes.iter().any(|c| c.id == *id));
        if let Some(id) = open {
            PANES.with_borrow_mut(|panes| panes.remove(id.as_str()));
            show(list, id);
        }
    }

    fn restore(list: List, place: usize, item: Feedback) {
        let passes = list.fixed.with_value(|f| f.filter.passes(&item, &f.me, list.now.get_untracked()));
        PANES.with_borrow_mut(|panes| panes.remove(item.id.as_str()));
        list.items.update(|items| {
            if let Some(known) = items.iter_mut().find(|f| f.id == item.id) {
                *known = item;
            } else if passes {
                items.insert(place.min(items.len()), item);
            }
        });
    }

    fn put_back(list: List, place: usize) {
        let before = UNDO.with_borrow_mut(|undo| undo.get_mut(place).map(|u| std::mem::take(&mut u.before)));
        for (place, item) in before.unwrap_or_default() {
            restore(list, place, item);
        }
    }

    /// Takes one's last decision back, of this page or from before it.
    fn undo(list: List) {
        let newest = UNDO.with_borrow_mut(Vec::pop);
        if newest.as_ref().is_some_and(|u| u.batch.is_none()) {
            UNDO.with_borrow_mut(|undo| undo.extend(newest));
            list.said.set("The last decision is still under way.".to_owned());
            return;
        }
        spawn_local(async move {
            let batch = newest.as_ref().and_then(|u| u.batch.clone());
            match post("/api/v1/feedback/undo", &json!({ "batch": batch })).await {
                Ok(decided) => {
                    let first = decided.done.first().map(|d| d.id.clone());
                    let places: HashMap<Id, usize> = newest.into_iter().flat_map(|u| u.before).map(|(place, f)| (f.id, place)).collect();
                    let mut back: Vec<_> = decided.done.iter().map(|d| (places.get(&d.id).copied().unwrap_or(0), d.id.clone())).collect();
                    back.sort();
                    for (place, id) in back {
                        let Ok(response) = Request::get(&format!("/api/v1/feedback/{id}")).send().await else { continue };
                        if let Ok(fresh) = response.json::<Feedback>().await {
                            restore(list, place, fresh);
                        }
                    }
                    list.said.set(match decided.clashes.first() {
                        Some(clash) => {
                            format!("Taken back: {}. {} decided otherwise since: {}.", decided.done.len(), clash.by, clash.words)
                        }
                        None if decided.done.is_empty() => "There is nothing of yours to undo.".to_owned(),
                        None => format!("Taken back: {}.", decided.done.len()),
                    });
                    if let Some(id) = first {
                        show(list, id);
                    }
                }
                Err(why) => list.said.set(why),
            }
        });
    }

    /// Fetches the next page when the list gets short.
    fn load_more(list: List) {
        let next = match MORE.replace(More::From(None)) {
            More::AsRendered => list.fixed.with_value(|f| f.next.clone()),
            More::From(next) => next,
        };
        let Some(cursor) = next else { return };
        let left = list.items.with_untracked(|items| {
            let open = list.open.get_untracked();
            items.len() - items.iter().position(|f| Some(&f.id) == open.as_ref()).unwrap_or(0)
        });
        if left > FEW {
            MORE.set(More::From(Some(cursor)));
            return;
        }
        let query = list.fixed.with_value(|f| f.query.clone());
        spawn_local(async move {
            let Ok(response) = Request::get(&format!("/api/v1/feedback?{query}&cursor={cursor}")).send().await else { return };
            if let Ok(page) = response.json::<Page<Feedback>>().await {
                MORE.set(More::From(page.next_cursor));
                list.items.update(|items| {
                    for item in page.items {
                        if items.iter().all(|known| known.id != item.id) {
                            items.push(item);
                        }
                    }
                });
            }
        });
    }
}

#[cfg(not(feature = "hydrate"))]
mod server {
    use crate::islands::inbox::List;
    use hypercare::feedback::model::Feedback;
    use hypercare::types::Id;

    pub fn listen(_: List) {}

    pub fn decided_here(_: &Feedback) -> bool {
        false
    }

    pub fn show_bar(_: bool) {}

    pub fn tick(_: List, _: &Id) {}

    pub fn click<E>(_: List, _: &Id, _: &E) {}
}
