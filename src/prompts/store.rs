//! SQL of prompts, their versions and labels.

use super::model::{LabelChange, LabelGuard, PromptLabel, PromptSummary, PromptVersion, VersionContent};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::types::Json;

pub mod approvals;
pub mod cases;

pub(super) type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(sqlx::FromRow)]
struct HeadRow {
    id: Id,
    name: String,
    version: i64,
    content: Json<VersionContent>,
    created_at: Instant,
}

impl HeadRow {
    fn summary(self) -> PromptSummary {
        PromptSummary {
            id: self.id,
            name: self.name,
            latest_version: number(self.version),
            latest_note: self.content.0.note,
            updated_at: self.created_at,
            labels: Vec::new(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    version: i64,
    content: Json<VersionContent>,
    author: String,
    created_at: Instant,
}

#[derive(sqlx::FromRow)]
pub struct LabelRow {
    pub prompt_id: Id,
    label: String,
    version: i64,
    moved_by: String,
    moved_at: Instant,
}

/// A prompt without its versions.
#[derive(sqlx::FromRow)]
pub struct PromptRow {
    pub id: Id,
    protected: Json<Vec<String>>,
    gated: bool,
}

impl PromptRow {
    /// How its labels may move.
    pub fn guard(self) -> LabelGuard {
        LabelGuard { protected: self.protected.0, gated: self.gated }
    }
}

/// A number as versions have them.
pub fn number(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl LabelRow {
    pub fn label(self) -> PromptLabel {
        PromptLabel { label: self.label, version: number(self.version), moved_by: self.moved_by, moved_at: self.moved_at }
    }
}

impl VersionRow {
    fn version(self) -> PromptVersion {
        PromptVersion { version: number(self.version), content: self.content.0, author: self.author, created_at: self.created_at }
    }
}

/// Prompts by name behind `after`, whose name or newest version holds the words; without their labels.
pub async fn heads(db: &Db, search: Option<&str>, after: Option<&str>, limit: i64) -> Result<Vec<PromptSummary>> {
    let pattern = search.map(|words| format!("%{}%", words.to_lowercase().replace(['%', '_'], "")));
    let rows = sql!(
        db.read(),
        fetch_all::<HeadRow>,
        "SELECT p.id, p.name, v.version, v.content, v.created_at FROM prompts p
         JOIN prompt_versions v ON v.prompt_id = p.id AND v.version = (SELECT MAX(w.version) FROM prompt_versions w WHERE w.prompt_id = p.id)
         WHERE ($2 IS NULL OR p.name > $2)
           AND ($1 IS NULL OR LOWER(p.name) LIKE $1 OR LOWER(CAST(v.content AS TEXT)) LIKE $1)
         ORDER BY p.name LIMIT $3",
        pattern,
        after,
        limit
    )?;
    Ok(rows.into_iter().map(HeadRow::summary).collect())
}

/// Labels of one prompt, by label.
pub async fn labels(db: &Db, prompt: &Id) -> Result<Vec<PromptLabel>> {
    let rows = sql!(
        db.read(),
        fetch_all::<LabelRow>,
        "SELECT prompt_id, label, version, moved_by, moved_at FROM prompt_labels WHERE prompt_id = $1 ORDER BY label",
        prompt
    )?;
    Ok(rows.into_iter().map(LabelRow::label).collect())
}

/// Labels of the prompts whose names lie from `first` to `last`.
pub async fn labels_between(db: &Db, first: &str, last: &str) -> Result<Vec<LabelRow>> {
    sql!(
        db.read(),
        fetch_all::<LabelRow>,
        "SELECT l.prompt_id, l.label, l.version, l.moved_by, l.moved_at FROM prompt_labels l JOIN prompts p ON p.id = l.prompt_id
         WHERE p.name >= $1 AND p.name <= $2 ORDER BY l.label",
        first,
        last
    )
}

/// Every label there is: (prompt, label, version).
pub async fn all_labels(db: &Db) -> Result<Vec<(String, String, i64)>> {
    sql!(
        db.read(),
        fetch_all::<(String, String, i64)>,
        "SELECT p.name, l.label, l.version FROM prompt_labels l JOIN prompts p ON p.id = l.prompt_id"
    )
}

const PROMPT: &str = "SELECT id, protected, gated FROM prompts WHERE name = $1";

pub async fn prompt(db: &Db, name: &str) -> Result<Option<PromptRow>> {
    sql!(db.read(), fetch_optional::<PromptRow>, PROMPT, name)
}

pub async fn prompt_in(tx: &mut Tx, name: &str) -> Result<Option<PromptRow>> {
    sql!(tx.on(), fetch_optional::<PromptRow>, PROMPT, name)
}

pub async fn id_of_in(tx: &mut Tx, name: &str) -> Result<Option<Id>> {
    Ok(prompt_in(tx, name).await?.map(|row| row.id))
}

pub async fn versions(db: &Db, prompt: &Id) -> Result<Vec<PromptVersion>> {
    const SQL: &str = "SELECT version, content, author, created_at FROM prompt_versions WHERE prompt_id = $1 ORDER BY version DESC";
    Ok(sql!(db.read(), fetch_all::<VersionRow>, SQL, prompt)?.into_iter().map(VersionRow::version).collect())
}

/// What a version says.
pub async fn version(db: &Db, name: &str, version: u32) -> Result<Option<VersionContent>> {
    let row = sql!(
        db.read(),
        fetch_optional::<(Json<VersionContent>,)>,
        "SELECT v.content FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id WHERE p.name = $1 AND v.version = $2",
        name,
        i64::from(version)
    )?;
    Ok(row.map(|(content,)| content.0))
}

pub async fn version_in(tx: &mut Tx, prompt: &Id, version: u32) -> Result<Option<PromptVersion>> {
    const SQL: &str = "SELECT version, content, author, created_at FROM prompt_versions WHERE prompt_id = $1 AND version = $2";
    Ok(sql!(tx.on(), fetch_optional::<VersionRow>, SQL, prompt, i64::from(version))?.map(VersionRow::version))
}

pub async fn newest_in(tx: &mut Tx, prompt: &Id) -> Result<u32> {
    const SQL: &str = "SELECT COALESCE(MAX(version), 0) FROM prompt_versions WHERE prompt_id = $1";
    Ok(number(sql!(tx.on(), fetch_one::<(i64,)>, SQL, prompt)?.0))
}

pub async fn versions_in(tx: &mut Tx, prompt: &Id) -> Result<Vec<PromptVersion>> {
    const SQL: &str = "SELECT version, content, author, created_at FROM prompt_versions WHERE prompt_id = $1 ORDER BY version DESC";
    Ok(sql!(tx.on(), fetch_all::<VersionRow>, SQL, prompt)?.into_iter().map(VersionRow::version).collect())
}

/// Where a label points.
pub async fn label_version(tx: &mut Tx, prompt: &Id, label: &str) -> Result<Option<u32>> {
    const SQL: &str = "SELECT version FROM prompt_labels WHERE prompt_id = $1 AND label = $2";
    Ok(sql!(tx.on(), fetch_optional::<(i64,)>, SQL, prompt, label)?.map(|(version,)| number(version)))
}

pub async fn insert_prompt(tx: &mut Tx, id: &Id, name: &str, at: Instant) -> Result<()> {
    const SQL: &str = "INSERT INTO prompts (id, name, protected, gated, created_at) VALUES ($1, $2, $3, $4, $5)";
    sql!(tx.on(), execute, SQL, id, name, Json(Vec::<String>::new()), false, at)?;
    Ok(())
}

pub async fn put_guard(tx: &mut Tx, id: &Id, guard: &LabelGuard) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE prompts SET protected = $2, gated = $3 WHERE id = $1", id, Json(&guard.protected), guard.gated)?;
    Ok(())
}

pub async fn insert_version(tx: &mut Tx, prompt: &Id, version: &PromptVersion) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO prompt_versions (prompt_id, version, content, author, created_at) VALUES ($1, $2, $3, $4, $5)",
        prompt,
        i64::from(version.version),
        Json(&version.content),
        &version.author,
        version.created_at
    )?;
    Ok(())
}

pub async fn put_label(tx: &mut Tx, prompt: &Id, label: &PromptLabel) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO prompt_labels (prompt_id, label, version, moved_by, moved_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (prompt_id, label) DO UPDATE SET version = excluded.version, moved_by = excluded.moved_by, moved_at = excluded.moved_at",
        prompt,
        &label.label,
        i64::from(label.version),
        &label.moved_by,
        label.moved_at
    )?;
    Ok(())
}

pub async fn insert_label_change(tx: &mut Tx, prompt: &Id, change: &LabelChange) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO prompt_label_changes (id, prompt_id, label, at, actor, before, after, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &change.id,
        prompt,
        &change.label,
        change.at,
        &change.actor,
        change.before,
        change.after,
        &change.reason
    )?;
    Ok(())
}

/// The newest moves of labels, newest first.
pub async fn label_changes(db: &Db, prompt: &Id, limit: i64) -> Result<Vec<LabelChange>> {
    const SQL: &str = "SELECT id, label, at, actor, before, after, reason FROM prompt_label_changes WHERE prompt_id = $1
        ORDER BY id DESC LIMIT $2";
    sql!(db.read(), fetch_all::<LabelChange>, SQL, prompt, limit)
}

/// Whether the label has pointed to that version before.
pub async fn pointed_to(tx: &mut Tx, prompt: &Id, label: &str, version: u32) -> Result<bool> {
    const SQL: &str = "SELECT id FROM prompt_label_changes WHERE prompt_id = $1 AND label = $2 AND after = $3 LIMIT 1";
    Ok(sql!(tx.on(), fetch_optional::<(Id,)>, SQL, prompt, label, i64::from(version))?.is_some())
}

/// The version the label pointed to before its newest move.
pub async fn former(tx: &mut Tx, prompt: &Id, label: &str) -> Result<Option<u32>> {
    const SQL: &str = "SELECT before FROM prompt_label_changes WHERE prompt_id = $1 AND label = $2 ORDER BY id DESC LIMIT 1";
    Ok(sql!(tx.on(), fetch_optional::<(Option<i64>,)>, SQL, prompt, label)?.and_then(|(before,)| before).map(number))
}

/// Takes a message's text: what another prompt includes has exactly one.
#[derive(sqlx::FromRow)]
pub struct SharedRow {
    pub version: i64,
    pub content: Json<VersionContent>,
}

const SHARED_BY_VERSION: &str =
    "SELECT v.version, v.content FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id WHERE p.name = $1 AND v.version = $2";
const SHARED_BY_LABEL: &str = "SELECT v.version, v.content FROM prompts p JOIN prompt_labels l ON l.prompt_id = p.id
    JOIN prompt_versions v ON v.prompt_id = p.id AND v.version = l.version WHERE p.name = $1 AND l.label = $2";

/// Where shared texts are looked up.
pub enum Lookup<'l> {
    /// What is in force.
    Db(&'l Db),
    /// What is about to be.
    Tx(&'l mut Tx),
}

impl Lookup<'_> {
    /// That version of the named prompt.
    pub async fn by_version(&mut self, name: &str, version: u32) -> Result<Option<SharedRow>> {
        match self {
            Self::Db(db) => sql!(db.read(), fetch_optional::<SharedRow>, SHARED_BY_VERSION, name, i64::from(version)),
            Self::Tx(tx) => sql!(tx.on(), fetch_optional::<SharedRow>, SHARED_BY_VERSION, name, i64::from(version)),
        }
    }

    /// The version its label points to.
    pub async fn by_label(&mut self, name: &str, label: &str) -> Result<Option<SharedRow>> {
        match self {
            Self::Db(db) => sql!(db.read(), fetch_optional::<SharedRow>, SHARED_BY_LABEL, name, label),
            Self::Tx(tx) => sql!(tx.on(), fetch_optional::<SharedRow>, SHARED_BY_LABEL, name, label),
        }
    }
}
