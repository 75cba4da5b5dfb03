//! Fields of forms, each with its label, its value and what is wrong with it.

use super::shell::Field;
use leptos::prelude::*;

/// What may be chosen: the stable word and the words on screen.
pub type Choices = Vec<(String, String)>;

/// A line of text.
pub fn text(
    label: &'static str,
    id: &'static str,
    name: &'static str,
    value: String,
    error: Option<String>,
    help: &'static str,
) -> AnyView {
    view! { <Field label=label id=id error=error help=help><input class="input" id=id name=name value=value/></Field> }.into_any()
}

/// A line of text that must not be empty.
pub fn needed(
    label: &'static str,
    id: &'static str,
    name: &'static str,
    value: String,
    error: Option<String>,
    help: &'static str,
) -> AnyView {
    view! { <Field label=label id=id error=error help=help><input class="input" id=id name=name required value=value/></Field> }.into_any()
}

/// Several lines.
pub fn area(label: &'static str, id: &'static str, name: &'static str, value: String, error: Option<String>) -> AnyView {
    view! { <Field label=label id=id error=error><textarea class="input" id=id name=name rows="3">{value}</textarea></Field> }.into_any()
}

/// One of several.
pub fn select(label: &'static str, id: &'static str, name: &'static str, choices: Choices, chosen: &str, error: Option<String>) -> AnyView {
    let options = options(choices, chosen);
    view! { <Field label=label id=id error=error><select class="input" id=id name=name>{options}</select></Field> }.into_any()
}

/// The options of a choice.
pub fn options(choices: Choices, chosen: &str) -> Vec<AnyView> {
    let option = |(word, label): (String, String)| {
        let selected = word == chosen;
        view! { <option value=word selected=selected>{label}</option> }.into_any()
    };
    choices.into_iter().map(option).collect()
}

/// The choices of an enum: its words and labels.
pub fn choices<T: Copy>(all: &[T], word: fn(T) -> &'static str, label: fn(T) -> &'static str) -> Choices {
    all.iter().map(|one| (word(*one).to_owned(), label(*one).to_owned())).collect()
}

/// The same words on screen as in the value, behind a first choice of other words.
pub fn with_first(first: (&str, &str), others: &[String]) -> Choices {
    let first = (first.0.to_owned(), first.1.to_owned());
    std::iter::once(first).chain(others.iter().map(|one| (one.clone(), one.clone()))).collect()
}
