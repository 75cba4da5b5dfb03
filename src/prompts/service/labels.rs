//! Labels: who may point them where, who has to agree, and the way back.

use super::no_prompt;
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::identity::{Actor, locks};
use crate::prompts::model::{Approval, ApprovalState, LabelChange, LabelGuard, Moved, PromptLabel, PromptVersion};
use crate::prompts::store::{self, PromptRow, approvals, number};
use crate::server::App;
use crate::store::Tx;
use crate::types::{Fault, Id};

/// Longest reason or note.
const MAX_REASON: usize = 1_000;

/// Where a label is to point, and why.
#[derive(Clone, Copy, Debug)]
pub struct Move<'m> {
    /// The prompt's name.
    pub prompt: &'m str,
    /// The label.
    pub label: &'m str,
    /// The version it is to point to.
    pub version: u32,
    /// Why.
    pub reason: &'m str,
}

/// Points a label to a version; everything that uses `name@label` follows within a second. A protected label waits for a second person, except on
/// its way back to a version it pointed to before: that one was agreed to already.
pub async fn set_label(app: &App, actor: &Actor, to: Move<'_>) -> Result<Moved, Fault> {
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "prompt", to.prompt).await?;
    let moved = ask_or_move(app, &mut tx, actor, to).await?;
    tx.commit().await?;
    if matches!(moved, Moved::Now(_)) {
        app.reload().await?;
    }
    Ok(moved)
}

async fn ask_or_move(app: &App, tx: &mut Tx, actor: &Actor, to: Move<'_>) -> Result<Moved, Fault> {
    let (row, version) = checked(tx, actor, to).await?;
    let (id, guard) = (row.id.clone(), row.guard());
    let label = to.label.trim();
    let protected = guard.protected.iter().any(|known| known == label) && !matches!(actor, Actor::Operator);
    if !protected || store::pointed_to(tx, &id, label, version.version).await? {
        return Ok(Moved::Now(put(app, tx, actor, &id, to).await?.1));
    }
    passed_checks(tx, &id, &guard, version.version).await?;
    approvals::withdraw_all(tx, &id, label, &actor.name(), app.now()).await?;
    let approval = Approval {
        id: Id::new(),
        prompt: to.prompt.to_owned(),
        label: label.to_owned(),
        version: i64::from(version.version),
        reason: to.reason.trim().to_owned(),
        asked_by: actor.name(),
        asked_at: app.now(),
        state: ApprovalState::Open,
        decided_by: None,
        decided_at: None,
        note: String::new(),
    };
    approvals::insert(tx, &id, &approval).await?;
    let object = format!("{}@{label}", to.prompt);
    record(app, tx, actor, Change::new("prompts.approval.ask", &object).reason(&approval.reason).after(&approval)).await?;
    Ok(Moved::Waits { approval })
}

/// A gated prompt's protected labels move only to what passed.
async fn passed_checks(tx: &mut Tx, id: &Id, guard: &LabelGuard, version: u32) -> Result<(), Fault> {
    if !guard.gated {
        return Ok(());
    }
    match store::cases::passed_in(tx, id, version).await? {
        Some(true) => Ok(()),
        Some(false) => {
            Err(Fault::Conflict(format!("Version {version} failed saved cases when they were last run. Mend it, or run them again.")))
        }
        None => Err(Fault::Conflict(format!("Version {version} has not been run on the saved cases yet. Run them first."))),
    }
}

async fn checked(tx: &mut Tx, actor: &Actor, to: Move<'_>) -> Result<(PromptRow, PromptVersion), Fault> {
    actor.require(Permission::WritePrompts)?;
    check_label("label", to.label.trim())?;
    if to.reason.chars().count() > MAX_REASON {
        return Err(Fault::field("reason", "Please keep the reason within 1,000 characters."));
    }
    let row = store::prompt_in(tx, to.prompt).await?.ok_or_else(|| no_prompt(to.prompt))?;
    let version = store::version_in(tx, &row.id, to.version).await?;
    let version = version.ok_or_else(|| Fault::field("version", format!("`{}` has no version {}.", to.prompt, to.version)))?;
    // What this label leads to may include this very label by now.
    super::fragments_in(tx, Some((to.prompt, to.version)), &version.content).await?;
    Ok((row, version))
}

fn check_label(field: &str, label: &str) -> Result<(), Fault> {
    let safe = label.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if label.is_empty() || label.len() > 40 || !safe || label.chars().all(|c| c.is_ascii_digit()) {
        return Err(Fault::field(field, "Please use 1 to 40 letters, digits, `-`, `_` or `.`, and not only digits."));
    }
    Ok(())
}

/// Moves a label within a transaction, whoever would have to agree. Tells whether anything changed.
pub async fn move_label(app: &App, tx: &mut Tx, actor: &Actor, to: Move<'_>) -> Result<(bool, PromptLabel), Fault> {
    let (row, _) = checked(tx, actor, to).await?;
    put(app, tx, actor, &row.id, to).await
}

async fn put(app: &App, tx: &mut Tx, actor: &Actor, id: &Id, to: Move<'_>) -> Result<(bool, PromptLabel), Fault> {
    let label = to.label.trim();
    let before = store::label_version(tx, id, label).await?;
    let moved = PromptLabel { label: label.to_owned(), version: to.version, moved_by: actor.name(), moved_at: app.now() };
    if before == Some(to.version) {
        return Ok((false, moved));
    }
    store::put_label(tx, id, &moved).await?;
    let change = LabelChange {
        id: Id::new(),
        label: moved.label.clone(),
        at: moved.moved_at,
        actor: moved.moved_by.clone(),
        before: before.map(i64::from),
        after: i64::from(to.version),
        reason: to.reason.trim().to_owned(),
    };
    store::insert_label_change(tx, id, &change).await?;
    approvals::withdraw_all(tx, id, label, &actor.name(), app.now()).await?;
    let object = format!("{}@{label}", to.prompt);
    record(app, tx, actor, Change::new("prompts.label.move", &object).reason(&change.reason).before(&before).after(&to.version)).await?;
    Ok((true, moved))
}

/// Points a label back to the version before its newest move.
pub async fn roll_back(app: &App, actor: &Actor, prompt: &str, label: &str, reason: &str) -> Result<Moved, Fault> {
    actor.require(Permission::WritePrompts)?;
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "prompt", prompt).await?;
    let row = store::prompt_in(&mut tx, prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    let former = store::former(&mut tx, &row.id, label).await?;
    let version = former.ok_or_else(|| Fault::Conflict(format!("`{label}` has pointed nowhere else yet, so there is no way back.")))?;
    let reason = if reason.trim().is_empty() { "rolled back" } else { reason };
    let moved = ask_or_move(app, &mut tx, actor, Move { prompt, label, version, reason }).await?;
    tx.commit().await?;
    app.reload().await?;
    Ok(moved)
}

/// The newest hundred moves of a prompt's labels, newest first.
pub async fn history(app: &App, actor: &Actor, prompt: &str) -> Result<Vec<LabelChange>, Fault> {
    actor.require(Permission::ReadConfig)?;
    let row = store::prompt(app.db(), prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    Ok(store::label_changes(app.db(), &row.id, 100).await?)
}

/// Says which labels need a second person, and whether saved cases must pass first.
pub async fn set_guard(app: &App, actor: &Actor, prompt: &str, guard: LabelGuard) -> Result<LabelGuard, Fault> {
    let mut tx = app.db().begin().await?;
    locks::check(&mut tx, actor, "prompt", prompt).await?;
    let (_, guard) = put_guard(app, &mut tx, actor, prompt, guard).await?;
    tx.commit().await?;
    Ok(guard)
}

/// [`set_guard`] within a transaction. Tells whether anything changed.
pub async fn put_guard(app: &App, tx: &mut Tx, actor: &Actor, prompt: &str, mut guard: LabelGuard) -> Result<(bool, LabelGuard), Fault> {
    // Whoever may write prompts could otherwise take the protection away first.
    actor.require(Permission::WriteRoutes)?;
    guard.protected.sort();
    guard.protected.dedup();
    for label in &guard.protected {
        check_label("protected", label)?;
    }
    let row = store::prompt_in(tx, prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    let (id, before) = (row.id.clone(), row.guard());
    if before == guard {
        return Ok((false, guard));
    }
    store::put_guard(tx, &id, &guard).await?;
    record(app, tx, actor, Change::new("prompts.prompt.protect", prompt).before(&before).after(&guard)).await?;
    Ok((true, guard))
}

/// Requests, newest first: those still open, or all of one prompt.
pub async fn list_approvals(app: &App, actor: &Actor, open_only: bool, prompt: Option<&str>) -> Result<Vec<Approval>, Fault> {
    actor.require(Permission::ReadConfig)?;
    Ok(approvals::list(app.db(), open_only, prompt, 200).await?)
}

/// What a second person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The label moves.
    Approve,
    /// It does not.
    Reject,
    /// Who asked takes it back.
    Withdraw,
}

/// Decides a request. Only a person other than the one who asks can approve; and not the author of the version when a key asks.
pub async fn decide(app: &App, actor: &Actor, id: &Id, verdict: Verdict, note: &str) -> Result<Approval, Fault> {
    actor.require(Permission::WritePrompts)?;
    if note.chars().count() > MAX_REASON {
        return Err(Fault::field("note", "Please keep the note within 1,000 characters."));
    }
    let mut tx = app.db().begin().await?;
    let asked = approvals::one(&mut tx, id).await?.ok_or_else(|| Fault::NotFound("There is no such request.".to_owned()))?;
    locks::check(&mut tx, actor, "prompt", &asked.prompt).await?;
    let state = match verdict {
        Verdict::Approve => ApprovalState::Approved,
        Verdict::Reject => ApprovalState::Rejected,
        Verdict::Withdraw => ApprovalState::Withdrawn,
    };
    let row = store::prompt_in(&mut tx, &asked.prompt).await?.ok_or_else(|| no_prompt(&asked.prompt))?;
    if verdict == Verdict::Approve {
        may_approve(&mut tx, actor, &asked, &row.id).await?;
    }
    if verdict == Verdict::Withdraw && asked.asked_by != actor.name() {
        return Err(Fault::Forbidden(format!("Only {} can take this back. You can reject it.", asked.asked_by)));
    }
    let now = app.now();
    if !approvals::decide(&mut tx, id, state, &actor.name(), now, note.trim()).await? {
        return Err(Fault::Conflict(decided(&asked)));
    }
    let after = Approval { state, decided_by: Some(actor.name()), decided_at: Some(now), note: note.trim().to_owned(), ..asked.clone() };
    let object = format!("{}@{}", asked.prompt, asked.label);
    let action = match verdict {
        Verdict::Approve => "prompts.approval.approve",
        Verdict::Reject => "prompts.approval.reject",
        Verdict::Withdraw => "prompts.approval.withdraw",
    };
    record(app, &mut tx, actor, Change::new(action, &object).reason(note.trim()).before(&asked).after(&after)).await?;
    if verdict == Verdict::Approve {
        let (id, guard) = (row.id.clone(), row.guard());
        passed_checks(&mut tx, &id, &guard, number(asked.version)).await?;
        let reason = format!("{} (asked by {})", asked.reason, asked.asked_by);
        move_label(
            app,
            &mut tx,
            actor,
            Move { prompt: &asked.prompt, label: &asked.label, version: number(asked.version), reason: &reason },
        )
        .await?;
    }
    tx.commit().await?;
    app.reload().await?;
    Ok(after)
}

fn decided(asked: &Approval) -> String {
    let how = match asked.state {
        ApprovalState::Open => "changed",
        ApprovalState::Approved => "approved",
        ApprovalState::Rejected => "rejected",
        ApprovalState::Withdrawn => "withdrawn",
    };
    let by = asked.decided_by.as_deref().unwrap_or("somebody");
    format!("This request was {how} by {by} meanwhile.")
}

async fn may_approve(tx: &mut Tx, actor: &Actor, asked: &Approval, prompt: &Id) -> Result<(), Fault> {
    let Actor::Person(person) = actor else {
        return Err(Fault::Forbidden("A person has to approve this, signed in.".to_owned()));
    };
    if person.email == asked.asked_by {
        return Err(Fault::Forbidden("Somebody else has to approve this: you asked for it.".to_owned()));
    }
    let version = store::version_in(tx, prompt, number(asked.version)).await?;
    if asked.asked_by.starts_with("key:") && version.is_some_and(|version| version.author == person.email) {
        return Err(Fault::Forbidden("Somebody else has to approve this: you wrote the version.".to_owned()));
    }
    Ok(())
}
