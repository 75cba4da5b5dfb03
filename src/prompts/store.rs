//! SQL of prompts.

use super::model::{PromptLabel, PromptVersion, VersionContent};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(sqlx::FromRow)]
pub struct HeadRow {
    pub id: Id,
    pub name: String,
    pub version: i64,
    pub content: Json<VersionContent>,
    pub created_at: Instant,
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

/// A version a route or the snapshot asks for.
#[derive(sqlx::FromRow)]
pub struct PinnedRow {
    pub name: String,
    pub version: i64,
    pub label: Option<String>,
    pub content: Json<VersionContent>,
}

fn number(n: i64) -> u32 {
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

pub async fn heads(db: &Db, search: Option<&str>) -> Result<Vec<HeadRow>> {
    let pattern = search.map(|words| format!("%{}%", words.to_lowercase().replace(['%', '_'], "")));
    sql!(
        db.read(),
        fetch_all::<HeadRow>,
        "SELECT p.id, p.name, v.version, v.content, v.created_at FROM prompts p
         JOIN prompt_versions v ON v.prompt_id = p.id AND v.version = (SELECT MAX(w.version) FROM prompt_versions w WHERE w.prompt_id = p.id)
         WHERE ($1 IS NULL OR LOWER(p.name) LIKE $1) ORDER BY p.name",
        pattern
    )
}

pub async fn labels(db: &Db, prompt: Option<&Id>) -> Result<Vec<LabelRow>> {
    sql!(
        db.read(),
        fetch_all::<LabelRow>,
        "SELECT prompt_id, label, version, moved_by, moved_at FROM prompt_labels WHERE ($1 IS NULL OR prompt_id = $1) ORDER BY label",
        prompt
    )
}

pub async fn id_of(db: &Db, name: &str) -> Result<Option<Id>> {
    Ok(sql!(db.read(), fetch_optional::<(Id,)>, "SELECT id FROM prompts WHERE name = $1", name)?.map(|(id,)| id))
}

pub async fn id_of_in(tx: &mut Tx, name: &str) -> Result<Option<Id>> {
    Ok(sql!(tx.on(), fetch_optional::<(Id,)>, "SELECT id FROM prompts WHERE name = $1", name)?.map(|(id,)| id))
}

pub async fn versions(db: &Db, prompt: &Id) -> Result<Vec<PromptVersion>> {
    const SQL: &str = "SELECT version, content, author, created_at FROM prompt_versions WHERE prompt_id = $1 ORDER BY version DESC";
    Ok(sql!(db.read(), fetch_all::<VersionRow>, SQL, prompt)?.into_iter().map(VersionRow::version).collect())
}

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

pub async fn versions_in(tx: &mut Tx, prompt: &Id) -> Result<Vec<PromptVersion>> {
    const SQL: &str = "SELECT version, content, author, created_at FROM prompt_versions WHERE prompt_id = $1 ORDER BY version DESC";
    Ok(sql!(tx.on(), fetch_all::<VersionRow>, SQL, prompt)?.into_iter().map(VersionRow::version).collect())
}

pub async fn label_version(tx: &mut Tx, prompt: &Id, label: &str) -> Result<Option<u32>> {
    const SQL: &str = "SELECT version FROM prompt_labels WHERE prompt_id = $1 AND label = $2";
    Ok(sql!(tx.on(), fetch_optional::<(i64,)>, SQL, prompt, label)?.map(|(n,)| number(n)))
}

pub async fn insert_prompt(tx: &mut Tx, id: &Id, name: &str, now: Instant) -> Result<()> {
    sql!(tx.on(), execute, "INSERT INTO prompts (id, name, created_at) VALUES ($1, $2, $3)", id, name, now)?;
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

/// Every version of the named prompt with each label on it (`None` once for the bare version): what routes may point to.
pub async fn pinned(db: &Db, name: &str) -> Result<Vec<PinnedRow>> {
    sql!(
        db.read(),
        fetch_all::<PinnedRow>,
        "SELECT p.name, v.version, l.label, v.content FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id
         LEFT JOIN prompt_labels l ON l.prompt_id = p.id AND l.version = v.version WHERE p.name = $1",
        name
    )
}
