//! SQL of surveys and their answers.

use super::model::numbers::Tally;
use super::model::{Said, Survey, SurveyDraft};
use crate::store::{Db, Tx, sql};
use crate::types::{Duration, Id, Instant};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(sqlx::FromRow)]
struct Row {
    id: Id,
    content: Json<SurveyDraft>,
    revision: i64,
    created_at: Instant,
    updated_at: Instant,
    updated_by: String,
}

impl Row {
    fn survey(self) -> Survey {
        Survey {
            id: self.id,
            draft: self.content.0,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        }
    }
}

/// All surveys, by name.
pub async fn all(db: &Db) -> Result<Vec<Survey>> {
    const SQL: &str = "SELECT id, content, revision, created_at, updated_at, updated_by FROM surveys ORDER BY name";
    Ok(sql!(db.read(), fetch_all::<Row>, SQL)?.into_iter().map(Row::survey).collect())
}

pub async fn by_name(db: &Db, name: &str) -> Result<Option<Survey>> {
    const SQL: &str = "SELECT id, content, revision, created_at, updated_at, updated_by FROM surveys WHERE name = $1";
    Ok(sql!(db.read(), fetch_optional::<Row>, SQL, name)?.map(Row::survey))
}

pub async fn by_name_in(tx: &mut Tx, name: &str) -> Result<Option<Survey>> {
    const SQL: &str = "SELECT id, content, revision, created_at, updated_at, updated_by FROM surveys WHERE name = $1";
    Ok(sql!(tx.on(), fetch_optional::<Row>, SQL, name)?.map(Row::survey))
}

pub async fn by_id(db: &Db, id: &Id) -> Result<Option<Survey>> {
    const SQL: &str = "SELECT id, content, revision, created_at, updated_at, updated_by FROM surveys WHERE id = $1";
    Ok(sql!(db.read(), fetch_optional::<Row>, SQL, id)?.map(Row::survey))
}

pub async fn insert(tx: &mut Tx, s: &Survey) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO surveys (id, name, content, revision, created_at, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &s.id,
        &s.draft.name,
        Json(&s.draft),
        s.revision,
        s.created_at,
        s.updated_at,
        &s.updated_by
    )?;
    Ok(())
}

/// Writes what can change, if nobody wrote since the revision before.
pub async fn update(tx: &mut Tx, s: &Survey) -> Result<bool> {
    let n = sql!(
        tx.on(),
        execute,
        "UPDATE surveys SET content = $2, revision = $3, updated_at = $4, updated_by = $5 WHERE id = $1 AND revision = $3 - 1",
        &s.id,
        Json(&s.draft),
        s.revision,
        s.updated_at,
        &s.updated_by
    )?;
    Ok(n == 1)
}

/// Deletes a survey and its answers.
pub async fn delete(tx: &mut Tx, id: &Id) -> Result<()> {
    sql!(tx.on(), execute, "DELETE FROM surveys WHERE id = $1", id)?;
    Ok(())
}

/// When somebody was last shown any survey.
pub async fn last_shown(db: &Db, person: &str) -> Result<Option<Instant>> {
    const SQL: &str = "SELECT shown_at FROM survey_people WHERE person = $1";
    Ok(sql!(db.read(), fetch_optional::<(Instant,)>, SQL, person)?.map(|(at,)| at))
}

/// Begins a person’s rest, unless they were shown something after that moment: of two pages that ask at once one is refused.
pub async fn begin_rest(tx: &mut Tx, person: &str, now: Instant, unless_after: Instant) -> Result<bool> {
    let n = sql!(
        tx.on(),
        execute,
        "INSERT INTO survey_people (person, shown_at) VALUES ($1, $2)
         ON CONFLICT (person) DO UPDATE SET shown_at = excluded.shown_at WHERE survey_people.shown_at <= $3",
        person,
        now,
        unless_after
    )?;
    Ok(n == 1)
}

/// One showing of a survey, and what came of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Showing {
    pub id: Id,
    pub survey: Id,
    pub person: String,
    pub shown_at: Instant,
    pub answered_at: Option<Instant>,
    pub dismissed_at: Option<Instant>,
    pub score: Option<i64>,
    pub comment: Option<String>,
    pub request: Option<Id>,
    pub route: Option<String>,
    pub variant: Option<String>,
    pub feedback: Option<Id>,
}

pub async fn insert_showing(tx: &mut Tx, s: &Showing) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO survey_answers (id, survey, person, shown_at, request, route, variant) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &s.id,
        &s.survey,
        &s.person,
        s.shown_at,
        s.request.as_ref(),
        s.route.as_deref(),
        s.variant.as_deref()
    )?;
    Ok(())
}

pub async fn showing(db: &Db, id: &Id) -> Result<Option<Showing>> {
    sql!(
        db.read(),
        fetch_optional::<Showing>,
        "SELECT id, survey, person, shown_at, answered_at, dismissed_at, score, comment, request, route, variant, feedback
         FROM survey_answers WHERE id = $1",
        id
    )
}

/// Writes an answer. What is not given this time stays.
pub async fn answer(db: &Db, id: &Id, now: Instant, score: Option<i64>, comment: Option<&str>) -> Result<()> {
    sql!(
        db.write(),
        execute,
        "UPDATE survey_answers SET answered_at = COALESCE(answered_at, $2), score = COALESCE($3, score), comment = COALESCE($4, comment) WHERE id = $1",
        id,
        now,
        score,
        comment
    )?;
    Ok(())
}

pub async fn dismiss(db: &Db, id: &Id, now: Instant) -> Result<()> {
    const SQL: &str = "UPDATE survey_answers SET dismissed_at = COALESCE(dismissed_at, $2) WHERE id = $1 AND answered_at IS NULL";
    sql!(db.write(), execute, SQL, id, now)?;
    Ok(())
}

/// Remembers which piece of feedback an answer became.
pub async fn set_feedback(db: &Db, id: &Id, feedback: &Id) -> Result<()> {
    sql!(db.write(), execute, "UPDATE survey_answers SET feedback = $2 WHERE id = $1", id, feedback)?;
    Ok(())
}

/// How many answered a survey.
pub async fn answered(db: &Db, survey: &Id) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM survey_answers WHERE survey = $1 AND answered_at IS NOT NULL";
    Ok(sql!(db.read(), fetch_one::<(i64,)>, SQL, survey)?.0)
}

/// A sum of one survey.
#[derive(sqlx::FromRow)]
pub struct TallyRow {
    pub survey: Id,
    #[sqlx(flatten)]
    pub tally: Tally,
}

/// All answers of one survey or of all, summed up by day, variant and score.
pub async fn tallies(db: &Db, survey: Option<&Id>) -> Result<Vec<TallyRow>> {
    sql!(
        db.read(),
        fetch_all::<TallyRow>,
        "SELECT survey, shown_at - shown_at % $2 AS day, route, variant, score, COUNT(*) AS shown, COUNT(answered_at) AS answered,
           COUNT(CASE WHEN answered_at IS NULL THEN dismissed_at END) AS dismissed
         FROM survey_answers WHERE ($1 IS NULL OR survey = $1) GROUP BY 1, 2, 3, 4, 5",
        survey,
        Duration::DAY.0
    )
}

/// The newest comments on a survey.
pub async fn comments(db: &Db, survey: &Id, most: i64) -> Result<Vec<Said>> {
    sql!(
        db.read(),
        fetch_all::<Said>,
        "SELECT answered_at, score, comment, feedback FROM survey_answers
         WHERE survey = $1 AND answered_at IS NOT NULL AND comment IS NOT NULL ORDER BY id DESC LIMIT $2",
        survey,
        most
    )
}

/// Whether anybody answered a survey.
pub async fn was_answered(tx: &mut Tx, survey: &Id) -> Result<bool> {
    const SQL: &str = "SELECT id FROM survey_answers WHERE survey = $1 AND answered_at IS NOT NULL LIMIT 1";
    Ok(sql!(tx.on(), fetch_optional::<(Id,)>, SQL, survey)?.is_some())
}
