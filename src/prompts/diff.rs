//! What changed between two versions, word by word (Myers' algorithm).

use super::model::VersionContent;
use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

/// Longest time spent on finding the shortest difference; beyond it a longer one is given.
const PATIENCE: Duration = Duration::from_millis(50);

/// What happened to a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It stayed.
    Same,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
}

/// A piece of text and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// What happened to it.
    pub kind: Kind,
    /// The text.
    pub text: String,
}

/// A part of a version: a message, the model settings, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Which: `message 1 (system)`.
    pub name: String,
    /// Whether anything in it changed.
    pub changed: bool,
    /// Its text, in pieces.
    pub pieces: Vec<Piece>,
}

/// The difference of two texts; neighbouring pieces of a kind are one.
pub fn words(before: &str, after: &str) -> Vec<Piece> {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_words(before, after);
    let mut run = Run::default();
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => run.same(change.value()),
            ChangeTag::Insert => {
                run.join();
                run.added.push_str(change.value());
            }
            ChangeTag::Delete => {
                run.join();
                run.removed.push_str(change.value());
            }
        }
    }
    run.end()
}

/// Pieces on their way: words that changed one after the other are told as one change, though the blanks between them stayed.
#[derive(Default)]
struct Run {
    pieces: Vec<Piece>,
    removed: String,
    added: String,
    /// A blank behind a change: part of it if another change follows.
    blank: String,
}

impl Run {
    fn same(&mut self, text: &str) {
        let changing = !self.removed.is_empty() || !self.added.is_empty();
        if changing && self.blank.is_empty() && text.trim().is_empty() && !text.contains('\n') {
            text.clone_into(&mut self.blank);
            return;
        }
        self.flush();
        match self.pieces.last_mut() {
            Some(last) if last.kind == Kind::Same => last.text.push_str(text),
            _ => self.pieces.push(Piece { kind: Kind::Same, text: text.to_owned() }),
        }
    }

    fn flush(&mut self) {
        for (kind, text) in [(Kind::Removed, &mut self.removed), (Kind::Added, &mut self.added), (Kind::Same, &mut self.blank)] {
            if !text.is_empty() {
                self.pieces.push(Piece { kind, text: std::mem::take(text) });
            }
        }
    }

    /// More of a change: the blank before it belongs to both sides.
    fn join(&mut self) {
        let blank = std::mem::take(&mut self.blank);
        self.removed.push_str(&blank);
        self.added.push_str(&blank);
    }

    fn end(mut self) -> Vec<Piece> {
        self.flush();
        self.pieces
    }
}

/// The difference of two versions, part by part; parts that are empty in both are left out.
pub fn versions(before: &VersionContent, after: &VersionContent) -> Vec<Part> {
    let mut parts = Vec::new();
    let longest = before.messages.len().max(after.messages.len());
    for i in 0..longest {
        let (was, is) = (before.messages.get(i), after.messages.get(i));
        let role = is.or(was).map_or("", |message| message.role.as_str());
        let text = |message: Option<&super::model::PromptMessage>| message.map(|m| m.content.clone()).unwrap_or_default();
        let mut part = part(&format!("Message {} ({role})", i + 1), &text(was), &text(is));
        if let (Some(was), Some(is)) = (was, is)
            && was.role != is.role
        {
            part.changed = true;
            part.name = format!("Message {} ({} → {})", i + 1, was.role.as_str(), is.role.as_str());
        }
        parts.push(part);
    }
    let json =
        |value: serde_json::Result<String>| value.ok().filter(|text| !matches!(text.as_str(), "{}" | "[]" | "null")).unwrap_or_default();
    let pretty = [
        ("Model settings", json(serde_json::to_string_pretty(&before.parameters)), json(serde_json::to_string_pretty(&after.parameters))),
        ("Variables", json(serde_json::to_string_pretty(&before.variables)), json(serde_json::to_string_pretty(&after.variables))),
        ("Tools", json(serde_json::to_string_pretty(&before.tools)), json(serde_json::to_string_pretty(&after.tools))),
        (
            "Shape of the answer",
            json(serde_json::to_string_pretty(&before.response_format)),
            json(serde_json::to_string_pretty(&after.response_format)),
        ),
    ];
    parts.extend(pretty.iter().filter(|(_, was, is)| !was.is_empty() || !is.is_empty()).map(|(name, was, is)| part(name, was, is)));
    parts
}

fn part(name: &str, before: &str, after: &str) -> Part {
    Part { name: name.to_owned(), changed: before != after, pieces: words(before, after) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::model::{MessageRole, PromptMessage};

    #[test]
    fn words_that_stayed_stay_and_neighbours_are_one() {
        let pieces = words("Be brief and kind.", "Be very brief and honest.");
        let said = |kind| pieces.iter().filter(|p| p.kind == kind).map(|p| p.text.as_str()).collect::<Vec<_>>();
        assert_eq!((said(Kind::Removed), said(Kind::Added)), (vec!["kind."], vec!["very ", "honest."]));
        let whole: String = pieces.iter().filter(|p| p.kind != Kind::Removed).map(|p| p.text.as_str()).collect();
        assert_eq!(whole, "Be very brief and honest.");
    }

    #[test]
    fn words_that_changed_side_by_side_are_one_change() {
        let pieces = words("Answer fully and kindly, now.", "Be brief, now.");
        let told: Vec<_> = pieces.iter().map(|p| (p.kind, p.text.as_str())).collect();
        assert_eq!(told, [(Kind::Removed, "Answer fully and kindly,"), (Kind::Added, "Be brief,"), (Kind::Same, " now.")]);
    }

    #[test]
    fn versions_differ_part_by_part() {
        let version = |text: &str, temperature: f64| VersionContent {
            messages: vec![PromptMessage { role: MessageRole::System, content: text.to_owned() }],
            parameters: [("temperature".to_owned(), serde_json::json!(temperature))].into(),
            ..VersionContent::default()
        };
        let parts = versions(&version("Be kind.", 0.2), &version("Be kind.", 0.4));
        let told: Vec<_> = parts.iter().map(|p| (p.name.as_str(), p.changed)).collect();
        assert_eq!(told, [("Message 1 (system)", false), ("Model settings", true)]);
    }
}
