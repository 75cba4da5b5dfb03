//! What may happen to prompts and their versions.

pub mod cases;
pub mod labels;

use super::model::{Pin, Prompt, PromptMessage, PromptRef, PromptSummary, PromptVersion, Use, VersionContent};
use super::render::{CompiledPrompt, Variables};
use super::store::{self, Lookup};
use super::template::{self, Fragments, Next};
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Id, Page, PageRequest};
use std::collections::{BTreeMap, HashMap};

/// Prompts by name; with words, those that have them in their name or newest version.
pub async fn list(app: &App, actor: &Actor, search: Option<&str>, page: &PageRequest) -> Result<Page<PromptSummary>, Fault> {
    actor.require(Permission::ReadConfig)?;
    let rows = page.rows();
    let found = store::heads(app.db(), search, page.cursor.as_deref(), i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    let mut page = Page::cut(found, rows, |p| p.name.clone());
    if let (Some(first), Some(last)) = (page.items.first(), page.items.last()) {
        let mut labels: HashMap<Id, Vec<_>> = HashMap::new();
        for row in store::labels_between(app.db(), &first.name, &last.name).await? {
            labels.entry(row.prompt_id.clone()).or_default().push(row.label());
        }
        for prompt in &mut page.items {
            prompt.labels = labels.remove(&prompt.id).unwrap_or_default();
        }
    }
    Ok(page)
}

/// One prompt with all versions, newest first.
pub async fn get(app: &App, actor: &Actor, name: &str) -> Result<Prompt, Fault> {
    actor.require(Permission::ReadConfig)?;
    let row = store::prompt(app.db(), name).await?.ok_or_else(|| no_prompt(name))?;
    let versions = store::versions(app.db(), &row.id).await?;
    let labels = store::labels(app.db(), &row.id).await?;
    Ok(Prompt { id: row.id.clone(), name: name.to_owned(), versions, labels, guard: row.guard() })
}

pub(super) fn no_prompt(name: &str) -> Fault {
    Fault::NotFound(format!("There is no prompt `{name}`."))
}

/// Adds a version; makes the prompt when the name is new. Versions never change afterwards.
pub async fn create_version(app: &App, actor: &Actor, name: &str, content: VersionContent) -> Result<PromptVersion, Fault> {
    let mut tx = app.db().begin().await?;
    crate::identity::locks::check(&mut tx, actor, "prompt", name.trim()).await?;
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
    let known = store::id_of_in(tx, name).await?;
    let newest = match &known {
        Some(id) => store::newest_in(tx, id).await?,
        None => 0,
    };
    let fragments = fragments_in(tx, Some((name, newest + 1)), &content).await?;
    Fault::check(template::check(&content, &fragments))?;
    let id = if let Some(id) = known {
        id
    } else {
        let id = Id::new();
        store::insert_prompt(tx, &id, name, app.now()).await?;
        id
    };
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

/// The shared texts a version includes, as labels stand within the transaction.
pub(super) async fn fragments_in(tx: &mut Tx, own: Option<(&str, u32)>, content: &VersionContent) -> Result<Fragments, Fault> {
    let shared = shared(Lookup::Tx(tx), own, content).await?;
    Ok(shared.into_iter().map(|(reference, text, _)| (reference, text)).collect())
}

/// (reference, text, version) of every shared text a version includes, directly or not.
async fn shared(mut lookup: Lookup<'_>, own: Option<(&str, u32)>, content: &VersionContent) -> Result<Vec<(String, String, i64)>, Fault> {
    let messages: Vec<&str> = content.messages.iter().map(|m| m.content.as_str()).collect();
    if !messages.iter().any(|text| text.contains("include")) {
        return Ok(Vec::new());
    }
    let mut found = Fragments::new();
    let mut out = Vec::new();
    while let Next::Wanted(reference) = template::next_fragment(own, &messages, &found).map_err(|why| Fault::field("messages", why))? {
        let Some(target) = PromptRef::parse(&reference) else { break };
        let row = match target.pin {
            Pin::Version(n) => lookup.by_version(target.name, n).await?,
            Pin::Label(label) => lookup.by_label(target.name, label).await?,
        };
        let row = row.ok_or_else(|| Fault::field("messages", format!("there is no shared text `{reference}`")))?;
        let [message] = &row.content.0.messages[..] else {
            return Err(Fault::field("messages", format!("`{reference}` has more than one message: only a prompt of one can be included")));
        };
        found.insert(reference.clone(), message.content.clone());
        out.push((reference, message.content.clone(), row.version));
    }
    Ok(out)
}

/// A version ready to be rendered, and which versions of shared texts went into it.
pub(crate) async fn compile(
    app: &App,
    name: &str,
    version: u32,
    content: &VersionContent,
) -> Result<(CompiledPrompt, Vec<(String, i64)>), Fault> {
    let shared = shared(Lookup::Db(app.db()), Some((name, version)), content).await?;
    let pinned = shared.iter().map(|(reference, _, version)| (reference.clone(), *version)).collect();
    let fragments = shared.into_iter().map(|(reference, text, _)| (reference, text)).collect();
    Ok((CompiledPrompt::new(name, version, content, &fragments).map_err(Fault::internal)?, pinned))
}

/// What a version says with sample values, before it is saved.
pub async fn preview(app: &App, actor: &Actor, name: &str, content: &VersionContent) -> Result<Vec<PromptMessage>, Fault> {
    check_draft(app, actor, name, content).await?;
    let (compiled, _) = compile(app, name, 0, content).await?;
    let mut samples: Variables = content.variables.iter().map(|(name, variable)| (name.clone(), template::sample(variable))).collect();
    for message in &content.messages {
        for name in template::uses(&message.content).map_err(|why| Fault::field("messages", why))?.variables.into_keys() {
            // Not declared: shown by its name.
            let shown = format!("‹{name}›").into();
            samples.entry(name).or_insert(shown);
        }
    }
    let rendered = compiled.render(&samples).map_err(|e| Fault::field("messages", e.to_string()))?;
    serde_json::from_str(&format!("[{rendered}]")).map_err(Fault::internal)
}

/// Routes and variants that use a label of a prompt, or one of its versions: what a move of the label reaches.
pub async fn used_by(app: &App, actor: &Actor, name: &str) -> Result<Vec<Use>, Fault> {
    let mut uses = Vec::new();
    for route in crate::routing::service::list(app, actor).await? {
        let weights: Vec<f64> = route.variants.iter().map(|v| v.weight).collect();
        let shares = crate::routing::model::shares(&weights);
        for (variant, share) in route.variants.iter().zip(shares) {
            if let Some(reference) = variant.prompt.as_deref().and_then(PromptRef::parse).filter(|reference| reference.name == name) {
                let pin = match reference.pin {
                    Pin::Version(n) => n.to_string(),
                    Pin::Label(label) => label.to_owned(),
                };
                uses.push(Use { route: route.name.clone(), variant: variant.name.clone(), pin, share });
            }
        }
    }
    Ok(uses)
}

/// What is wrong with an unsaved version, by field; nothing when it could be saved.
pub async fn check_draft(app: &App, actor: &Actor, name: &str, content: &VersionContent) -> Result<(), Fault> {
    actor.require(Permission::WritePrompts)?;
    check(name, content)?;
    let shared = shared(Lookup::Db(app.db()), None, content).await?;
    Fault::check(template::check(content, &shared.into_iter().map(|(reference, text, _)| (reference, text)).collect()))
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
    let nothing = content.messages.is_empty() && content.parameters.is_empty() && content.tools.is_empty();
    if nothing && content.response_format.is_none() {
        wrong.insert("messages".to_owned(), "Please give at least one message or one parameter.".to_owned());
    }
    if content.messages.len() > 100 {
        wrong.insert("messages".to_owned(), "Please give at most 100 messages.".to_owned());
    }
    for (i, message) in content.messages.iter().enumerate() {
        if let Err(why) = template::uses(&message.content) {
            wrong.insert(format!("messages[{i}].content"), why);
        }
    }
    for name in content.parameters.keys() {
        if matches!(name.as_str(), "model" | "messages" | "stream" | "stream_options") {
            wrong.insert(format!("parameters.{name}"), "cannot be set by a prompt".to_owned());
        }
        if matches!(name.as_str(), "tools" | "response_format") {
            wrong.insert(format!("parameters.{name}"), format!("has a field of its own: `{name}`"));
        }
    }
    check_shapes(content, &mut wrong);
    Fault::check(wrong)
}

fn check_shapes(content: &VersionContent, wrong: &mut BTreeMap<String, String>) {
    for name in content.variables.keys() {
        let word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !word || name.len() > 60 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let why = "must begin with a letter and have at most 60 letters, digits or `_`";
            wrong.insert(format!("variables.{name}"), why.to_owned());
        }
    }
    for (i, tool) in content.tools.iter().enumerate() {
        if tool["type"] != "function" || !tool["function"]["name"].is_string() {
            let why = "must be like {\"type\": \"function\", \"function\": {\"name\": …, \"parameters\": {…}}}";
            wrong.insert(format!("tools[{i}]"), why.to_owned());
        }
    }
    if let Some(format) = &content.response_format
        && !matches!(format["type"].as_str(), Some("json_schema" | "json_object" | "text"))
    {
        let why = "must be like {\"type\": \"json_schema\", \"json_schema\": {\"name\": …, \"schema\": {…}}}";
        wrong.insert("response_format".to_owned(), why.to_owned());
    }
}
