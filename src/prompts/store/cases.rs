//! SQL of saved cases and runs over them.

use super::{Result, number};
use crate::prompts::model::cases::{Case, CaseContent, Run, RunContent};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::types::Json;

#[derive(sqlx::FromRow)]
struct CaseRow {
    id: Id,
    name: String,
    content: Json<CaseContent>,
    created_by: String,
    created_at: Instant,
}

impl CaseRow {
    fn case(self) -> Case {
        Case { id: self.id, name: self.name, content: self.content.0, created_by: self.created_by, created_at: self.created_at }
    }
}

/// Cases of a prompt, by name.
pub async fn cases(db: &Db, prompt: &Id) -> Result<Vec<Case>> {
    const SQL: &str = "SELECT id, name, content, created_by, created_at FROM prompt_cases WHERE prompt_id = $1 ORDER BY name LIMIT 500";
    Ok(sql!(db.read(), fetch_all::<CaseRow>, SQL, prompt)?.into_iter().map(CaseRow::case).collect())
}

/// Makes a case, or puts other content into the one of that name.
pub async fn put(tx: &mut Tx, prompt: &Id, case: &Case) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO prompt_cases (id, prompt_id, name, content, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (prompt_id, name) DO UPDATE SET content = excluded.content",
        &case.id,
        prompt,
        &case.name,
        Json(&case.content),
        &case.created_by,
        case.created_at
    )?;
    Ok(())
}

pub async fn by_name_in(tx: &mut Tx, prompt: &Id, name: &str) -> Result<Option<Case>> {
    const SQL: &str = "SELECT id, name, content, created_by, created_at FROM prompt_cases WHERE prompt_id = $1 AND name = $2";
    Ok(sql!(tx.on(), fetch_optional::<CaseRow>, SQL, prompt, name)?.map(CaseRow::case))
}

pub async fn count_in(tx: &mut Tx, prompt: &Id) -> Result<i64> {
    Ok(sql!(tx.on(), fetch_one::<(i64,)>, "SELECT COUNT(*) FROM prompt_cases WHERE prompt_id = $1", prompt)?.0)
}

pub async fn delete(tx: &mut Tx, prompt: &Id, name: &str) -> Result<u64> {
    sql!(tx.on(), execute, "DELETE FROM prompt_cases WHERE prompt_id = $1 AND name = $2", prompt, name)
}

#[derive(sqlx::FromRow)]
struct RunRow {
    id: Id,
    version: i64,
    content: Json<RunContent>,
    passed: bool,
    created_by: String,
    created_at: Instant,
}

impl RunRow {
    fn run(self) -> Run {
        Run {
            id: self.id,
            version: number(self.version),
            content: self.content.0,
            passed: self.passed,
            created_by: self.created_by,
            created_at: self.created_at,
        }
    }
}

pub async fn insert_run(tx: &mut Tx, prompt: &Id, run: &Run) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO prompt_runs (id, prompt_id, version, content, passed, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &run.id,
        prompt,
        i64::from(run.version),
        Json(&run.content),
        run.passed,
        &run.created_by,
        run.created_at
    )?;
    Ok(())
}

/// Newest runs, newest first.
pub async fn runs(db: &Db, prompt: &Id, limit: i64) -> Result<Vec<Run>> {
    const SQL: &str =
        "SELECT id, version, content, passed, created_by, created_at FROM prompt_runs WHERE prompt_id = $1 ORDER BY id DESC LIMIT $2";
    Ok(sql!(db.read(), fetch_all::<RunRow>, SQL, prompt, limit)?.into_iter().map(RunRow::run).collect())
}

/// Whether the newest run of that version passed; none: there is no run.
pub async fn passed_in(tx: &mut Tx, prompt: &Id, version: u32) -> Result<Option<bool>> {
    const SQL: &str = "SELECT passed FROM prompt_runs WHERE prompt_id = $1 AND version = $2 ORDER BY id DESC LIMIT 1";
    Ok(sql!(tx.on(), fetch_optional::<(bool,)>, SQL, prompt, i64::from(version))?.map(|(passed,)| passed))
}
