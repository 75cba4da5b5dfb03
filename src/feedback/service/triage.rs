//! Deciding about feedback: one key, one decision, and nobody's decision lost.

use crate::feedback::model::triage::{Clash, Decided, Decision, Done, Patch, Triage, View};
use crate::feedback::store;
use crate::feedback::store::decisions::{self, DecisionRow};
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::server::App;
use crate::store::Tx;
use crate::telemetry::LiveEvent;
use crate::types::{Fault, Id, Instant};
use sqlx::types::Json;
use std::collections::HashMap;
use std::sync::Arc;

/// Most pieces of feedback decided about at once.
pub const MOST: usize = 500;
/// The revision of each as the person saw it.
pub type Seen = HashMap<Id, i64>;

/// How often a decision that somebody else's came before is tried again.
const TRIES: usize = 5;

/// Decides about feedback. `seen` is the revision of each as the person saw it: where somebody else has decided the same field otherwise since, nothing is
/// changed and it is said who and what. Fields that nobody else touched are changed all the same.
pub async fn decide(app: &App, actor: &Actor, ids: &[Id], patch: &Patch, seen: &Seen) -> Result<Decided, Fault> {
    actor.require(Permission::Triage)?;
    let patch = check(app, actor, ids, patch).await?;
    let change = move |triage: &Triage| patch.applied(triage);
    apply(app, actor, ids, &change, seen).await
}

async fn check(app: &App, actor: &Actor, ids: &[Id], patch: &Patch) -> Result<Patch, Fault> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Fault::field("ids", format!("must name 1 to {MOST} pieces of feedback")));
    }
    if *patch == Patch::default() {
        return Err(Fault::field("set", "is empty: name a state, severity, type or assignee"));
    }
    let mut patch = patch.clone();
    if let Some(who) = &patch.assignee {
        let who = if who == "me" { actor.name() } else { who.trim().to_lowercase() };
        let known = crate::identity::store::active_emails(app.db()).await?;
        if !who.is_empty() && !known.iter().any(|(email, role)| *email == who && role.may(Permission::Triage)) {
            return Err(Fault::field("assignee", format!("`{who}` is nobody who triages here")));
        }
        patch.assignee = Some(who);
    }
    Ok(patch)
}

/// Makes one change to several, in one transaction and one batch.
async fn apply(app: &App, actor: &Actor, ids: &[Id], change: &(dyn Fn(&Triage) -> Triage + Sync), seen: &Seen) -> Result<Decided, Fault> {
    let mut tx = app.db().begin().await?;
    let decided = apply_in(app, &mut tx, actor, ids, change, seen).await?;
    tx.commit().await?;
    publish(app, &decided.done).await?;
    Ok(decided)
}

/// [`apply`] within a larger transaction; whoever commits it [publishes](publish).
pub(crate) async fn apply_in(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    ids: &[Id],
    change: &(dyn Fn(&Triage) -> Triage + Sync),
    seen: &Seen,
) -> Result<Decided, Fault> {
    let batch = Id::new();
    let mut decided = Decided::default();
    for id in ids {
        match one(app, tx, actor, &batch, id, change, seen.get(id).copied()).await? {
            Ok(done) => decided.done.push(done),
            Err(clash) => decided.clashes.push(clash),
        }
    }
    decided.batch = (!decided.done.is_empty()).then_some(batch);
    Ok(decided)
}

async fn one(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    batch: &Id,
    id: &Id,
    change: &(dyn Fn(&Triage) -> Triage + Sync),
    seen: Option<i64>,
) -> Result<Result<Done, Clash>, Fault> {
    for _ in 0..TRIES {
        let standing = decisions::standing(tx, id).await?;
        let standing = standing.ok_or_else(|| Fault::NotFound(format!("There is no feedback `{id}`.")))?;
        let before = standing.triage();
        let after = change(&before);
        let fields = before.differs(&after);
        if fields.is_empty() {
            // Somebody decided the same before, or nothing was to do: there is nothing to lose.
            return Ok(Ok(Done { id: id.clone(), revision: standing.revision }));
        }
        if let Some(seen) = seen.filter(|seen| *seen < standing.revision) {
            let others = decisions::since(tx, id, seen).await?;
            if let Some(clash) = clash(id, &others, &fields, &actor.name()) {
                return Ok(Err(clash));
            }
        }
        let now = app.now();
        if decisions::decide(tx, id, &after, standing.revision, now).await? {
            let revision = standing.revision + 1;
            let row = DecisionRow {
                batch: batch.clone(),
                feedback: id.clone(),
                at: now,
                actor: actor.name(),
                revision,
                before: Json(before),
                after: Json(after),
                undone: false,
            };
            decisions::insert(tx, &row).await?;
            return Ok(Ok(Done { id: id.clone(), revision }));
        }
    }
    Err(Fault::Conflict("Others are deciding about this at the same moment. Please try again.".to_owned()))
}

/// Somebody else's decision about one of these fields.
fn clash(id: &Id, others: &[DecisionRow], fields: &[&'static str], me: &str) -> Option<Clash> {
    others.iter().rev().filter(|d| d.actor != me).find_map(|d| {
        let changed = d.before.0.differs(&d.after.0);
        let field = fields.iter().find(|field| changed.contains(field))?;
        Some(Clash { id: id.clone(), by: d.actor.clone(), at: d.at, words: d.after.0.words(field) })
    })
}

/// Tells everyone who looks.
pub(crate) async fn publish(app: &App, done: &[Done]) -> Result<(), Fault> {
    if !app.live().has_listeners() {
        return Ok(());
    }
    for Done { id, .. } in done {
        if let Some(feedback) = store::get(app.db(), id).await? {
            app.live().publish(LiveEvent::Feedback(Arc::new(feedback)));
        }
    }
    Ok(())
}

/// Takes a batch back: `None` is the last of one's own. Where somebody decided otherwise since, that stays, and it is said who and what.
pub async fn undo(app: &App, actor: &Actor, batch: Option<&Id>) -> Result<Decided, Fault> {
    actor.require(Permission::Triage)?;
    let me = actor.name();
    let mut tx = app.db().begin().await?;
    let batch = match batch {
        Some(batch) => Some(batch.clone()),
        None => decisions::last_batch(&mut tx, &me).await?,
    };
    let rows = match &batch {
        Some(batch) => decisions::of_batch(&mut tx, batch).await?,
        None => Vec::new(),
    };
    if rows.is_empty() || rows.iter().any(|d| d.undone || d.actor != me) {
        return Err(Fault::Conflict("There is nothing of yours to take back.".to_owned()));
    }
    let mut decided = Decided { batch, ..Decided::default() };
    for row in &rows {
        let fields = row.before.0.differs(&row.after.0);
        let since = decisions::since(&mut tx, &row.feedback, row.revision).await?;
        if let Some(clash) = clash(&row.feedback, &since, &fields, &me) {
            decided.clashes.push(clash);
            continue;
        }
        decided.done.push(take_back(&mut tx, row, &fields, app.now(), &me).await?);
    }
    decisions::mark_undone(&mut tx, &rows[0].batch).await?;
    tx.commit().await?;
    publish(app, &decided.done).await?;
    Ok(decided)
}

async fn take_back(tx: &mut Tx, row: &DecisionRow, fields: &[&'static str], now: Instant, me: &str) -> Result<Done, Fault> {
    let gone = || Fault::NotFound(format!("There is no feedback `{}`.", row.feedback));
    let standing = decisions::standing(tx, &row.feedback).await?.ok_or_else(gone)?;
    let before = standing.triage();
    let mut after = before.clone();
    for field in fields {
        after.take(field, &row.before.0);
    }
    if !decisions::decide(tx, &row.feedback, &after, standing.revision, now).await? {
        return Err(Fault::Conflict("Somebody is deciding about this at the same moment. Please try again.".to_owned()));
    }
    let revision = standing.revision + 1;
    let undoing = DecisionRow {
        batch: Id::new(),
        feedback: row.feedback.clone(),
        at: now,
        actor: me.to_owned(),
        revision,
        before: Json(before),
        after: Json(after),
        // What was taken back is not taken back again by the next press of the key.
        undone: true,
    };
    decisions::insert(tx, &undoing).await?;
    Ok(Done { id: row.feedback.clone(), revision })
}

/// Who decided what about a piece of feedback, newest first.
pub async fn history(app: &App, actor: &Actor, id: &Id) -> Result<Vec<Decision>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let rows = decisions::of(app.db(), id).await?;
    let words = |d: &DecisionRow| d.before.0.differs(&d.after.0).iter().map(|field| d.after.0.words(field)).collect::<Vec<_>>().join(", ");
    Ok(rows.into_iter().map(|d| Decision { words: words(&d), at: d.at, actor: d.actor, undone: d.undone }).collect())
}

/// Who feedback can be assigned to: addresses, in order.
pub async fn assignees(app: &App, actor: &Actor) -> Result<Vec<String>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let people = crate::identity::store::active_emails(app.db()).await?;
    Ok(people.into_iter().filter(|(_, role)| role.may(Permission::Triage)).map(|(email, _)| email).collect())
}

/// Saved views: one's own and shared ones.
pub async fn views(app: &App, actor: &Actor) -> Result<Vec<View>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    Ok(decisions::views(app.db(), &actor.name()).await?)
}

/// Saves a view, in place of one's own of the same name. Sharing needs the right to triage.
pub async fn save_view(app: &App, actor: &Actor, name: &str, query: &str, shared: bool) -> Result<View, Fault> {
    actor.require(if shared { Permission::Triage } else { Permission::ReadFeedback })?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 60 {
        return Err(Fault::field("name", "must have 1 to 60 characters"));
    }
    if query.len() > 2_000 {
        return Err(Fault::field("query", "is too long"));
    }
    let view = View { id: Id::new(), name: name.to_owned(), query: query.to_owned(), owner: actor.name(), shared, created_at: app.now() };
    let mut tx = app.db().begin().await?;
    decisions::put_view(&mut tx, &view).await?;
    tx.commit().await?;
    Ok(view)
}

/// Deletes a view of one's own.
pub async fn delete_view(app: &App, actor: &Actor, id: &Id) -> Result<(), Fault> {
    actor.require(Permission::ReadFeedback)?;
    let mut tx = app.db().begin().await?;
    if decisions::delete_view(&mut tx, id, &actor.name()).await? == 0 {
        return Err(Fault::NotFound("There is no such view of yours.".to_owned()));
    }
    Ok(tx.commit().await?)
}
