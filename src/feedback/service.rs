//! What may happen to feedback.

use super::model::{Feedback, FeedbackFilter, Flag, Rating};
use super::store::{self, Entry};
use super::token;
use crate::identity::Actor;
use crate::identity::crypto::digest_text;
use crate::identity::model::{Permission, Scope};
use crate::server::App;
use crate::telemetry::LiveEvent;
use crate::types::{Fault, Id, Page, PageRequest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often and how long feedback by token waits for its log entry, so that it goes out live with all it belongs to.
const LOG_LOOKS: u32 = 6;
const LOG_WAIT: std::time::Duration = std::time::Duration::from_millis(80);

/// Feedback as it comes in over HTTP.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFeedback {
    /// From `x-request-id`; with a key.
    pub request_id: Option<String>,
    /// From `x-hypercare-feedback-token`; without a key.
    pub token: Option<String>,
    /// The conversation, when it is about the whole of it.
    pub session_id: Option<String>,
    /// 👍 or 👎.
    pub rating: Option<Rating>,
    /// 1 to 5.
    pub stars: Option<i64>,
    /// 0 to 1.
    pub score: Option<f64>,
    /// What kind of trouble.
    #[serde(default)]
    pub categories: Vec<String>,
    /// A report of a problem.
    pub flag: Option<Flag>,
    /// In the person's words.
    pub comment: Option<String>,
    /// What the answer should have been.
    pub correction: Option<String>,
    /// Who gives it, as the application names them.
    pub user: Option<String>,
    /// Anything else.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// The same key again updates.
    pub idempotency_key: Option<String>,
}

/// What was stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its id.
    pub id: Id,
    /// The request it is about, as the caller knows it.
    pub request_id: Option<String>,
    /// Whether it is new (or updates what was said before).
    pub created: bool,
}

/// Takes feedback with a key (scope `feedback`) or a token. It is on disk when this returns.
pub async fn submit(app: &App, actor: Option<&Actor>, new: NewFeedback) -> Result<Stored, Fault> {
    let subject = subject(app, actor, &new)?;
    check(&new)?;
    let id = Id::new();
    let entry = entry(app, &id, subject, new);
    let mut tx = app.db().begin().await?;
    let mut entry = entry;
    if entry.request.is_none()
        && let Some(request_id) = &entry.request_id
    {
        entry.request = crate::telemetry::store::id_of(&mut tx, request_id).await?;
    }
    let stored = store::upsert(&mut tx, &entry).await?;
    tx.commit().await?;
    let mut request_id = entry.request_id;
    if let Some(feedback) = with_its_request(app, &stored).await? {
        request_id = feedback.request_id.clone().or(request_id);
        app.live().publish(LiveEvent::Feedback(Arc::new(feedback)));
    }
    let request_id = request_id.or_else(|| entry.request.map(|id| id.to_string()));
    Ok(Stored { created: stored == id, id: stored, request_id })
}

/// The stored feedback, if need be after a moment: a thumb can be faster than the log entry it is about, which takes about a fifth of a second.
async fn with_its_request(app: &App, id: &Id) -> Result<Option<Feedback>, Fault> {
    for _ in 0..LOG_LOOKS {
        let feedback = store::get(app.db(), id).await?;
        if feedback.as_ref().is_none_or(|f| f.request.is_some() || f.channel != "widget") {
            return Ok(feedback);
        }
        tokio::time::sleep(LOG_WAIT).await;
    }
    Ok(store::get(app.db(), id).await?)
}

/// What the feedback is about and who vouches for it.
struct Subject {
    request: Option<Id>,
    channel: &'static str,
    reporter: String,
}

fn subject(app: &App, actor: Option<&Actor>, new: &NewFeedback) -> Result<Subject, Fault> {
    if let Some(text) = &new.token {
        let request = token::verify(app.master_key().feedback(), text, app.now()).map_err(|e| Fault::Unauthorised(e.to_string()))?;
        return Ok(Subject { request: Some(request), channel: "widget", reporter: digest_text(text.trim()) });
    }
    match actor {
        Some(Actor::Key { name, scopes }) if scopes.contains(&Scope::Feedback) => {
            if new.request_id.is_none() && new.session_id.is_none() {
                return Err(Fault::field("request_id", "is missing: name the request (or `session_id`), or send a `token`"));
            }
            Ok(Subject { request: None, channel: "api", reporter: format!("key:{name}") })
        }
        Some(_) => Err(Fault::Forbidden("This key may not send feedback: it needs the scope `feedback`.".to_owned())),
        None => Err(Fault::Unauthorised("Send the `token` of the answer, or a key of scope `feedback`.".to_owned())),
    }
}

fn check(new: &NewFeedback) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    let mut bad = |field: &str, why: &str| {
        wrong.insert(field.to_owned(), why.to_owned());
    };
    let said = new.rating.is_some() || new.stars.is_some() || new.score.is_some() || new.flag.is_some() || !new.categories.is_empty();
    if !said && new.comment.as_deref().is_none_or(str::is_empty) && new.correction.is_none() {
        bad("rating", "is missing: give a rating, stars, score, category, flag, comment or correction");
    }
    if new.stars.is_some_and(|n| !(1..=5).contains(&n)) {
        bad("stars", "must be 1 to 5");
    }
    if new.score.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
        bad("score", "must be 0 to 1");
    }
    let safe = |c: &String| !c.is_empty() && c.len() <= 40 && c.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if new.categories.len() > 10 || !new.categories.iter().all(safe) {
        bad("categories", "must be at most 10 words of 1 to 40 letters, digits, `_` or `-`");
    }
    for (field, text, most) in [
        ("comment", &new.comment, 4_000),
        ("correction", &new.correction, 20_000),
        ("user", &new.user, 256),
        ("request_id", &new.request_id, 128),
        ("session_id", &new.session_id, 256),
        ("idempotency_key", &new.idempotency_key, 256),
    ] {
        if text.as_ref().is_some_and(|t| t.chars().count() > most) {
            bad(field, &format!("must have at most {most} characters"));
        }
    }
    if new.metadata.as_ref().is_some_and(|m| serde_json::to_string(m).map_or(0, |s| s.len()) > 4_096) {
        bad("metadata", "must be at most 4 KiB");
    }
    Fault::check(wrong)
}

fn entry(app: &App, id: &Id, subject: Subject, new: NewFeedback) -> Entry {
    let user = new.user.as_deref().unwrap_or_default();
    let dedupe = match (&new.idempotency_key, subject.channel) {
        (Some(key), _) => digest_text(&format!("key\0{}\0{key}", subject.reporter)),
        (None, "widget") => digest_text(&format!("token\0{}\0{user}", subject.reporter)),
        // Without either, every post is a piece of its own.
        (None, _) => id.to_string(),
    };
    let full = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    Entry {
        id: id.clone(),
        now: app.now(),
        dedupe,
        request: subject.request,
        request_id: new.request_id,
        session_id: new.session_id,
        user_id: full(new.user),
        rating: new.rating,
        stars: new.stars,
        score: new.score,
        categories: new.categories,
        flag: new.flag,
        comment: full(new.comment),
        correction: full(new.correction),
        metadata: new.metadata.map(serde_json::Value::Object),
        channel: subject.channel,
        reporter: subject.reporter,
    }
}

/// The newest feedback that passes the filter.
pub async fn list(app: &App, actor: &Actor, filter: &FeedbackFilter, page: &PageRequest) -> Result<Page<Feedback>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let rows = page.rows();
    let found = store::list(app.db(), filter, None, page.cursor.as_deref(), i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    Ok(Page::cut(found, rows, |f| f.id.to_string()))
}

/// One piece of feedback.
pub async fn get(app: &App, actor: &Actor, id: &Id) -> Result<Feedback, Fault> {
    actor.require(Permission::ReadFeedback)?;
    store::get(app.db(), id).await?.ok_or_else(|| Fault::NotFound("There is no such feedback.".to_owned()))
}

/// All feedback on one request, newest first (a hundred at most).
pub async fn of_request(app: &App, actor: &Actor, request: &Id) -> Result<Vec<Feedback>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    Ok(store::list(app.db(), &FeedbackFilter::default(), Some(request), None, 100).await?)
}

/// The status of feedback, for who gave it: by the same token or key.
pub async fn status(app: &App, actor: Option<&Actor>, token: Option<&str>, id: &Id) -> Result<&'static str, Fault> {
    let not_found = || Fault::NotFound("There is no such feedback, or it is not yours.".to_owned());
    let reporter = store::reporter(app.db(), id).await?.ok_or_else(not_found)?;
    let by_token =
        token.is_some_and(|t| token::verify(app.master_key().feedback(), t, app.now()).is_ok() && digest_text(t.trim()) == reporter);
    let by_key = actor.is_some_and(|a| a.name() == reporter);
    if by_token || by_key { Ok("received") } else { Err(not_found()) }
}
