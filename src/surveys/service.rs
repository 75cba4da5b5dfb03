//! What may happen to surveys, and what they add up to.

pub mod asking;
mod choose;

use super::model::numbers::{Numbers, Tally};
use super::model::{Report, Said, Survey, SurveyDraft};
use super::store;
use crate::identity::model::Permission;
use crate::identity::service::{Change, note};
use crate::identity::{Actor, locks};
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Id};
use std::collections::HashMap;

/// Comments on the page of a survey.
const COMMENTS: i64 = 8;

fn no_survey(name: &str) -> Fault {
    Fault::NotFound(format!("There is no survey `{name}`."))
}

/// All surveys with their numbers, by name.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Report>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let mut tallies: HashMap<Id, Vec<Tally>> = HashMap::new();
    for row in store::tallies(app.db(), None).await? {
        tallies.entry(row.survey).or_default().push(row.tally);
    }
    let surveys = store::all(app.db()).await?.into_iter();
    Ok(surveys.map(|survey| report(app, &tallies.remove(&survey.id).unwrap_or_default(), survey)).collect())
}

/// All surveys as they are described, by name.
pub async fn drafts(app: &App, actor: &Actor) -> Result<Vec<SurveyDraft>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    Ok(store::all(app.db()).await?.into_iter().map(|survey| survey.draft).collect())
}

/// One survey with its numbers.
pub async fn get(app: &App, actor: &Actor, name: &str) -> Result<Report, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let survey = store::by_name(app.db(), name).await?.ok_or_else(|| no_survey(name))?;
    let rows: Vec<Tally> = store::tallies(app.db(), Some(&survey.id)).await?.into_iter().map(|row| row.tally).collect();
    Ok(report(app, &rows, survey))
}

/// The newest comments on a survey.
pub async fn comments(app: &App, actor: &Actor, survey: &Id) -> Result<Vec<Said>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    Ok(store::comments(app.db(), survey, COMMENTS).await?)
}

fn report(app: &App, rows: &[Tally], survey: Survey) -> Report {
    let numbers = Numbers::of(survey.draft.kind, rows, app.now());
    Report { state: survey.draft.state(app.now(), numbers.answered), survey, numbers }
}

/// Makes a survey, or changes the one of that name if it is still at that revision; without one: only if there is none yet.
pub async fn save(app: &App, actor: &Actor, draft: SurveyDraft, seen: Option<i64>) -> Result<Survey, Fault> {
    actor.require(Permission::Triage)?;
    let draft = draft.tidied();
    let mut tx = app.db().begin().await?;
    match (store::by_name_in(&mut tx, &draft.name).await?, seen) {
        (Some(_), None) => return Err(Fault::field("name", format!("There is a survey `{}` already.", draft.name))),
        (None, Some(_)) => return Err(no_survey(&draft.name)),
        (Some(before), Some(revision)) if before.revision != revision => return Err(conflict(&before)),
        _ => {}
    }
    let (_, survey) = write(app, &mut tx, actor, draft).await?;
    tx.commit().await?;
    Ok(survey)
}

fn conflict(survey: &Survey) -> Fault {
    let (by, at) = (&survey.updated_by, survey.updated_at.rfc3339());
    Fault::Conflict(format!("{by} changed this survey at {at}. Nothing of yours was saved; load the page again to see theirs."))
}

/// Changes the survey of that name, whatever its revision.
pub async fn replace(app: &App, actor: &Actor, name: &str, draft: SurveyDraft) -> Result<Survey, Fault> {
    actor.require(Permission::Triage)?;
    let mut draft = draft.tidied();
    if draft.name.is_empty() {
        name.clone_into(&mut draft.name);
    }
    if draft.name != name {
        return Err(Fault::field("name", "cannot be changed: applications and links know the survey by it"));
    }
    let mut tx = app.db().begin().await?;
    store::by_name_in(&mut tx, name).await?.ok_or_else(|| no_survey(name))?;
    let (_, survey) = write(app, &mut tx, actor, draft).await?;
    tx.commit().await?;
    Ok(survey)
}

/// Pauses a survey or lets it go on.
pub async fn set_active(app: &App, actor: &Actor, name: &str, active: bool) -> Result<(), Fault> {
    actor.require(Permission::Triage)?;
    let mut tx = app.db().begin().await?;
    let before = store::by_name_in(&mut tx, name).await?.ok_or_else(|| no_survey(name))?;
    write(app, &mut tx, actor, SurveyDraft { active, ..before.draft }).await?;
    Ok(tx.commit().await?)
}

/// Makes or changes a survey within a transaction. Tells whether anything changed.
pub async fn put(app: &App, tx: &mut Tx, actor: &Actor, draft: SurveyDraft) -> Result<bool, Fault> {
    actor.require(Permission::Triage)?;
    Ok(write(app, tx, actor, draft.tidied()).await?.0)
}

async fn write(app: &App, tx: &mut Tx, actor: &Actor, draft: SurveyDraft) -> Result<(bool, Survey), Fault> {
    locks::check(tx, actor, "survey", &draft.name).await?;
    let mut wrong = draft.wrong();
    for route in &draft.trigger.routes {
        if crate::routing::store::by_name_in(tx, route).await?.is_none() {
            wrong.insert("trigger.routes".to_owned(), format!("there is no route `{route}`"));
        }
    }
    Fault::check(wrong)?;
    let now = app.now();
    let before = store::by_name_in(tx, &draft.name).await?;
    let Some(before) = before else {
        let by = actor.name();
        let survey = Survey { id: Id::new(), draft, revision: 1, created_at: now, updated_at: now, updated_by: by };
        store::insert(tx, &survey).await?;
        note(app, tx, actor, Change::new("surveys.survey.save", &survey.draft.name).after(&survey)).await?;
        return Ok((true, survey));
    };
    if before.draft == draft {
        return Ok((false, before));
    }
    if before.draft.kind != draft.kind && store::was_answered(tx, &before.id).await? {
        let why = "cannot be changed any more: there are answers on the other scale. Make another survey.";
        return Err(Fault::field("kind", why));
    }
    let after = Survey { draft, revision: before.revision + 1, updated_at: now, updated_by: actor.name(), ..before.clone() };
    if !store::update(tx, &after).await? {
        return Err(conflict(&before));
    }
    note(app, tx, actor, Change::new("surveys.survey.save", &after.draft.name).before(&before).after(&after)).await?;
    Ok((true, after))
}

/// Deletes a survey and its answers. What became feedback stays in the inbox.
pub async fn delete(app: &App, actor: &Actor, name: &str) -> Result<(), Fault> {
    actor.require(Permission::Triage)?;
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "survey", name).await?;
    let before = store::by_name_in(&mut tx, name).await?.ok_or_else(|| no_survey(name))?;
    store::delete(&mut tx, &before.id).await?;
    note(app, &mut tx, actor, Change::new("surveys.survey.delete", name).before(&before)).await?;
    Ok(tx.commit().await?)
}
