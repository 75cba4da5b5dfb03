//! What may happen to prompts.

use super::model::{Prompt, PromptLabel, PromptSummary, PromptVersion, VersionContent};
use super::{render, store};
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Id};
use std::collections::{BTreeMap, HashMap};

/// All prompts whose name holds the words, by name.
pub async fn list(app: &App, actor: &Actor, search: Option<&str>) -> Result<Vec<PromptSummary>, Fault> {
    actor.require(Permission::ReadConfig)?;
    let mut labels: HashMap<Id, Vec<PromptLabel>> = HashMap::new();
    for row in store::labels(app.db(), None).await? {
        labels.entry(row.prompt_id.clone()).or_default().push(row.label());
    }
    let heads = store::heads(app.db(), search).await?;
    Ok(heads
        .into_iter()
        .map(|row| PromptSummary {
            labels: labels.remove(&row.id).unwrap_or_default(),
            id: row.id,
            name: row.name,
            latest_version: u32::try_from(row.version).unwrap_or(u32::MAX),
            latest_note: row.content.0.note,
            updated_at: row.created_at,
        })
        .collect())
}

/// One prompt with all versions, newest first.
pub async fn get(app: &App, actor: &Actor, name: &str) -> Result<Prompt, Fault> {
    actor.require(Permission::ReadConfig)?;
    let id = store::id_of(app.db(), name).await?.ok_or_else(|| no_prompt(name))?;
    let versions = store::versions(app.db(), &id).await?;
    let labels = store::labels(app.db(), Some(&id)).await?.into_iter().map(store::LabelRow::label).collect();
    Ok(Prompt { id, name: name.to_owned(), versions, labels })
}

fn no_prompt(name: &str) -> Fault {
    Fault::NotFound(format!("There is no prompt `{name}`."))
}

/// Adds a version; makes the prompt when the name is new. Versions never change afterwards.
pub async fn create_version(app: &App, actor: &Actor, name: &str, content: VersionContent) -> Result<PromptVersion, Fault> {
    let mut tx = app.db().begin().await?;
    let version = add_version(app, &mut tx, actor, name, content).await?;
    tx.commit().await?;
    app.reload().await?;
    Ok(version)
}

/// [`create_version`] within a transaction.
pub async fn add_version(app: &App, tx: &mut Tx, actor: &Actor, name: &str, content: VersionContent) -> Result<PromptVersion, Fault> {
    actor.require(Permission::WritePrompts)?;
    let name = name.trim();
    check(name, &content)?;
    let id = if let Some(id) = store::id_of_in(tx, name).await? {
        id
    } else {
        let id = Id::new();
        store::insert_prompt(tx, &id, name, app.now()).await?;
        id
    };
    let newest = store::versions_in(tx, &id).await?.first().map_or(0, |v| v.version);
    let version = PromptVersion { version: newest + 1, content, author: actor.name(), created_at: app.now() };
    store::insert_version(tx, &id, &version).await?;
    let object = format!("{name}@{}", version.version);
    record(app, tx, actor, Change::new("prompts.version.create", &object).reason(&version.content.note).after(&version)).await?;
    Ok(version)
}

/// The newest version that says exactly this, so that applying an unchanged file adds nothing.
pub async fn find_same(tx: &mut Tx, name: &str, content: &VersionContent) -> Result<Option<u32>, Fault> {
    let Some(id) = store::id_of_in(tx, name).await? else { return Ok(None) };
    Ok(store::versions_in(tx, &id).await?.into_iter().find(|v| &v.content == content).map(|v| v.version))
}

/// Points a label to a version; everything that uses `name@label` follows within a second.
pub async fn set_label(app: &App, actor: &Actor, name: &str, label: &str, version: u32, reason: &str) -> Result<PromptLabel, Fault> {
    let mut tx = app.db().begin().await?;
    let (_, moved) = move_label(app, &mut tx, actor, name, label, version, reason).await?;
    tx.commit().await?;
    app.reload().await?;
    Ok(moved)
}

/// [`set_label`] within a transaction. Tells whether anything changed.
pub async fn move_label(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    name: &str,
    label: &str,
    version: u32,
    reason: &str,
) -> Result<(bool, PromptLabel), Fault> {
    actor.require(Permission::WritePrompts)?;
    let label = label.trim();
    let safe = label.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if label.is_empty() || label.len() > 40 || !safe || label.chars().all(|c| c.is_ascii_digit()) {
        return Err(Fault::field("label", "Please use 1 to 40 letters, digits, `-`, `_` or `.`, and not only digits."));
    }
    let id = store::id_of_in(tx, name).await?.ok_or_else(|| no_prompt(name))?;
    if !store::versions_in(tx, &id).await?.iter().any(|v| v.version == version) {
        return Err(Fault::field("version", format!("`{name}` has no version {version}.")));
    }
    let before = store::label_version(tx, &id, label).await?;
    let moved = PromptLabel { label: label.to_owned(), version, moved_by: actor.name(), moved_at: app.now() };
    if before == Some(version) {
        return Ok((false, moved));
    }
    store::put_label(tx, &id, &moved).await?;
    let object = format!("{name}@{label}");
    record(app, tx, actor, Change::new("prompts.label.move", &object).reason(reason).before(&before).after(&version)).await?;
    Ok((true, moved))
}

fn check(name: &str, content: &VersionContent) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    let safe = name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    if name.is_empty() || name.chars().count() > 100 || !safe {
        wrong.insert("name".to_owned(), "Please use 1 to 100 letters, digits, spaces, `-`, `_` or `.`.".to_owned());
    }
    if content.note.chars().count() > 1_000 {
        wrong.insert("note".to_owned(), "Please keep the note within 1,000 characters.".to_owned());
    }
    if content.messages.is_empty() && content.parameters.is_empty() {
        wrong.insert("messages".to_owned(), "Please give at least one message or one parameter.".to_owned());
    }
    if content.messages.len() > 100 {
        wrong.insert("messages".to_owned(), "Please give at most 100 messages.".to_owned());
    }
    for (i, message) in content.messages.iter().enumerate() {
        if let Err(why) = render::check(&message.content) {
            wrong.insert(format!("messages[{i}].content"), why);
        }
    }
    for name in content.parameters.keys() {
        if matches!(name.as_str(), "model" | "messages" | "stream" | "stream_options") {
            wrong.insert(format!("parameters.{name}"), "cannot be set by a prompt".to_owned());
        }
    }
    Fault::check(wrong)
}
