//! Decisions as forms: what the keys do, without scripts.

use crate::pages::asked::Form;
use crate::pages::shell::{Ctx, redirect};
use axum::extract::Path;
use axum::response::Response;
use hypercare::feedback::model::triage::{Decided, Patch, State};
use hypercare::feedback::service::triage::{self, Seen};
use hypercare::issues::model::{Kind, Severity};
use hypercare::types::{Fault, Id};
use serde::Deserialize;

/// A form in which a name may stand several times.
pub type Pairs = Vec<(String, String)>;

/// All values of a name that say something.
pub fn all<'a>(form: &'a Pairs, name: &'a str) -> impl Iterator<Item = &'a str> {
    form.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
}

/// The pieces of feedback named in a form.
pub fn ids(form: &Pairs) -> Vec<Id> {
    all(form, "ids").map(|id| Id::from_text(id.to_owned())).collect()
}

fn patch(form: &Pairs) -> Result<Patch, Fault> {
    let one = |name| all(form, name).next();
    let word = |name: &str, ok: bool| if ok { Ok(()) } else { Err(Fault::field(name, "is none of the choices")) };
    let (state, severity, kind) = (one("state"), one("severity"), one("type"));
    let patch = Patch {
        state: state.and_then(State::parse),
        severity: severity.and_then(Severity::parse),
        kind: kind.and_then(Kind::parse),
        assignee: one("assignee").map(|who| if who == "nobody" { String::new() } else { who.to_owned() }),
    };
    word("state", state.is_none() || patch.state.is_some())?;
    word("severity", severity.is_none() || patch.severity.is_some())?;
    word("type", kind.is_none() || patch.kind.is_some())?;
    Ok(patch)
}

/// Where one goes on: the filter one came from, and the piece that is next.
fn back(form: &Pairs) -> String {
    let filter = all(form, "back").next().unwrap_or("state=new");
    let filter: String = filter.chars().filter(char::is_ascii_graphic).collect();
    format!("/feedback?{filter}")
}

fn said(decided: &Decided) -> String {
    let n = decided.done.len();
    let mut words = if n == 1 { "Decided.".to_owned() } else { format!("Decided about {n}.") };
    if let Some(clash) = decided.clashes.first() {
        let more = if decided.clashes.len() > 1 { format!(", and {} more", decided.clashes.len() - 1) } else { String::new() };
        words = format!("{words} Not changed, because {} was first: {}{more}.", clash.by, clash.words);
    }
    words
}

pub async fn decide(ctx: Ctx, Form(form): Form<Pairs>) -> Response {
    let seen: Seen = all(&form, "seen")
        .filter_map(|pair| pair.split_once(':'))
        .filter_map(|(id, revision)| Some((Id::from_text(id.to_owned()), revision.parse().ok()?)))
        .collect();
    let ids = ids(&form);
    if ids.is_empty() {
        return redirect(&back(&form), "Tick what you want to decide about first.");
    }
    let decided = async { triage::decide(&ctx.app, &ctx.actor(), &ids, &patch(&form)?, &seen).await };
    match decided.await {
        Ok(decided) => redirect(&back(&form), &said(&decided)),
        Err(fault) => ctx.fault(&fault),
    }
}

pub async fn undo(ctx: Ctx, Form(form): Form<Pairs>) -> Response {
    match triage::undo(&ctx.app, &ctx.actor(), None).await {
        Ok(decided) if decided.done.is_empty() && decided.clashes.is_empty() => {
            redirect(&back(&form), "There is nothing of yours to undo.")
        }
        Ok(decided) => {
            let n = decided.done.len();
            let kept = decided.clashes.first().map(|c| format!(" Kept: {} decided otherwise since.", c.by)).unwrap_or_default();
            redirect(&back(&form), &format!("Taken back: {n}.{kept}"))
        }
        Err(Fault::NotFound(words)) => redirect(&back(&form), &words),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
pub struct Named {
    name: String,
    query: String,
    #[serde(default)]
    shared: String,
}

pub async fn save_view(ctx: Ctx, Form(new): Form<Named>) -> Response {
    match triage::save_view(&ctx.app, &ctx.actor(), &new.name, &new.query, !new.shared.is_empty()).await {
        Ok(view) => redirect(&format!("/feedback?{}", view.query), &format!("Saved as “{}”.", view.name)),
        Err(fault) => ctx.fault(&fault),
    }
}

pub async fn delete_view(ctx: Ctx, Path(id): Path<String>) -> Response {
    match triage::delete_view(&ctx.app, &ctx.actor(), &Id::from_text(id)).await {
        Ok(()) => redirect("/feedback", "The view is forgotten; the feedback stays."),
        Err(fault) => ctx.fault(&fault),
    }
}
