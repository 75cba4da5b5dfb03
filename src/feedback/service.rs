//! What may happen to feedback: taking it, finding it, telling who gave it what became of it.

pub mod experience;
pub mod intake;
pub mod triage;

use super::limit::Sender;
use super::model::triage::State;
use super::model::{Feedback, FeedbackFilter, Flag, Rating, SURVEY};
use super::store::{self, Entry, Wanted};
use super::token::{self, TokenError};
use crate::identity::Actor;
use crate::identity::crypto::digest_text;
use crate::identity::model::{Permission, Scope};
use crate::issues::model::Severity;
use crate::server::App;
use crate::telemetry::LiveEvent;
use crate::types::{Duration, Fault, Id, Instant, Page, PageRequest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
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
    /// What kind of trouble; an empty list takes back what was said before.
    pub categories: Option<Vec<String>>,
    /// A report of a problem.
    pub flag: Option<Flag>,
    /// In the person's words; empty takes back what was said before.
    pub comment: Option<String>,
    /// What the answer should have been; empty takes back what was said before.
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

/// From this score on, feedback is put aside as spam when it comes in.
const SPAM: f64 = 0.8;

/// Refuses who sends too much, before anything of what they sent is read.
pub fn hold(app: &App, actor: Option<&Actor>, address: Option<IpAddr>) -> Result<(), Fault> {
    let sender = match (actor, address) {
        (Some(Actor::Key { name, .. }), _) => Sender::Key(name),
        (_, Some(address)) => Sender::Address(address),
        (_, None) => return Ok(()),
    };
    app.intake_limit().check(sender).map_err(Fault::Throttled)
}

/// Whether feedback could be given with this token.
pub fn check_token(app: &App, token: &str) -> Result<(), TokenError> {
    token::verify(app.master_key().feedback(), token, app.now()).map(drop)
}

/// Takes feedback with a key (scope `feedback`) or a token. It is on disk when this returns.
pub async fn submit(app: &App, actor: Option<&Actor>, new: NewFeedback) -> Result<Stored, Fault> {
    let subject = subject(app, actor, &new)?;
    check(&new)?;
    // A token is good for its own answer and nothing else: it cannot be led to another call or conversation.
    let new = if subject.request.is_some() { NewFeedback { request_id: None, session_id: None, ..new } } else { new };
    store(app, subject, new, None).await
}

/// What an answer to a survey says that the inbox should have.
#[derive(Clone, Debug)]
pub(crate) struct FromSurvey<'a> {
    /// The answer: the same one again updates.
    pub answer: &'a Id,
    /// The call it was about, if it was about one.
    pub request: Option<Id>,
    /// 1 to 5.
    pub stars: Option<i64>,
    /// 0 to 1.
    pub score: Option<f64>,
    /// In the person's words.
    pub comment: Option<String>,
    /// Which survey, and what was answered.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// Makes a piece of feedback of an answer to a survey; gives its id.
pub(crate) async fn from_survey(app: &App, said: FromSurvey<'_>) -> Result<Id, Fault> {
    let subject = Subject {
        request: said.request,
        channel: SURVEY.to_owned(),
        reporter: format!("survey:{}", said.answer),
        repeat: Some(format!("survey\0{}", said.answer)),
    };
    let new = NewFeedback {
        stars: said.stars,
        score: said.score,
        comment: said.comment,
        metadata: Some(said.metadata),
        ..NewFeedback::default()
    };
    check(&new)?;
    Ok(store(app, subject, new, None).await?.id)
}

/// How somebody rated an answer: the one of that call, else the newest rated one among a user's newest calls.
pub(crate) async fn rated(app: &App, request: Option<&Id>, user: Option<&str>) -> Result<Option<Rating>, Fault> {
    Ok(match (request, user) {
        (Some(request), _) => store::rating_of(app.db(), request).await?,
        (None, Some(user)) => store::newest_rating(app.db(), user).await?,
        (None, None) => None,
    })
}

/// Puts checked feedback on disk and tells everyone.
async fn store(app: &App, subject: Subject, new: NewFeedback, given_at: Option<Instant>) -> Result<Stored, Fault> {
    let id = Id::new();
    let mut entry = entry(app, &id, subject, new, given_at);
    let mut tx = app.db().begin().await?;
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
        announce(app, feedback, stored == id).await?;
    }
    let request_id = request_id.or_else(|| entry.request.map(|id| id.to_string()));
    Ok(Stored { created: stored == id, id: stored, request_id })
}

/// Tells the control room, and for a report of harm or private data whoever wants to be told at once.
async fn announce(app: &App, feedback: Feedback, new: bool) -> Result<(), Fault> {
    if let Some(flag) = feedback.flag.filter(|flag| new && flag.is_sensitive()) {
        let title = format!("Reported as {}", flag.label().to_lowercase());
        let link = format!("/feedback?item={}", feedback.id);
        app.live().publish(LiveEvent::Alert { title: title.clone(), link: link.clone() });
        let content = serde_json::json!({ "id": feedback.id, "flag": flag, "route": feedback.route, "prompt": feedback.prompt, "title": title,
            "url": format!("{}{link}", app.settings().public_url()) });
        crate::notify::service::tell(app, "feedback.flagged", &content).await?;
    }
    app.live().publish(LiveEvent::Feedback(Arc::new(feedback)));
    Ok(())
}

/// The stored feedback, if need be after a moment: a thumb can be faster than the log entry it is about, which takes about a fifth of a second.
async fn with_its_request(app: &App, id: &Id) -> Result<Option<Feedback>, Fault> {
    let since = app.now().minus(Duration::HOUR);
    for _ in 0..LOG_LOOKS {
        store::link(app.db(), since, Some(id), 0).await?;
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
    channel: String,
    reporter: String,
    /// What makes a repeat the same, beside what the feedback itself brings.
    repeat: Option<String>,
}

fn subject(app: &App, actor: Option<&Actor>, new: &NewFeedback) -> Result<Subject, Fault> {
    if let Some(text) = &new.token {
        let request = token::verify(app.master_key().feedback(), text, app.now()).map_err(|e| Fault::Unauthorised(e.to_string()))?;
        return Ok(Subject { request: Some(request), channel: "widget".to_owned(), reporter: digest_text(text.trim()), repeat: None });
    }
    match actor {
        Some(Actor::Key { name, scopes }) if scopes.contains(&Scope::Feedback) => {
            if new.request_id.is_none() && new.session_id.is_none() {
                return Err(Fault::field("request_id", "is missing: name the request (or `session_id`), or send a `token`"));
            }
            Ok(Subject { request: None, channel: "api".to_owned(), reporter: format!("key:{name}"), repeat: None })
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
    let categories = new.categories.as_deref().unwrap_or_default();
    let said = new.rating.is_some() || new.stars.is_some() || new.score.is_some() || new.flag.is_some() || !categories.is_empty();
    let empty = |text: &Option<String>| text.as_deref().is_none_or(|t| t.trim().is_empty());
    if !said && empty(&new.comment) && empty(&new.correction) {
        bad("rating", "is missing: give a rating, stars, score, category, flag, comment or correction");
    }
    if new.stars.is_some_and(|n| !(1..=5).contains(&n)) {
        bad("stars", "must be 1 to 5");
    }
    if new.score.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
        bad("score", "must be 0 to 1");
    }
    let safe = |c: &String| !c.is_empty() && c.len() <= 40 && c.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if categories.len() > 10 || !categories.iter().all(safe) {
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

/// A token speaks with one voice for each user.
fn voice(reporter: &str, user: &str) -> String {
    digest_text(&format!("token\0{reporter}\0{user}"))
}

fn entry(app: &App, id: &Id, subject: Subject, new: NewFeedback, given_at: Option<Instant>) -> Entry {
    let user = new.user.as_deref().unwrap_or_default();
    let dedupe = match (&subject.repeat, &new.idempotency_key, subject.channel.as_str()) {
        (Some(repeat), ..) => digest_text(repeat),
        (None, Some(key), _) => digest_text(&format!("key\0{}\0{key}", subject.reporter)),
        (None, None, "widget") => voice(&subject.reporter, user),
        // Without any, every post is a piece of its own.
        (None, None, _) => id.to_string(),
    };
    let full = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let (no_comment, no_correction) = (new.comment.is_some(), new.correction.is_some());
    let (comment, correction) = (full(new.comment), full(new.correction));
    let words = comment.as_deref().unwrap_or_default();
    let spam = if words.is_empty() { 0.0 } else { hypercare_text::spam::score(words).score };
    let sensitive = new.flag.is_some_and(Flag::is_sensitive);
    let good = new.rating == Some(Rating::Up) || new.stars.is_some_and(|n| n >= 4) || new.score.is_some_and(|s| s >= 0.8);
    // Praise without a word asks nobody for a decision: it counts, and does not wait among what does.
    let praise =
        good && comment.is_none() && new.flag.is_none() && new.categories.as_ref().is_none_or(Vec::is_empty) && correction.is_none();
    let now = app.now();
    Entry {
        id: id.clone(),
        now,
        created_at: given_at.unwrap_or(now),
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
        no_comment: no_comment && comment.is_none(),
        no_correction: no_correction && correction.is_none(),
        correction,
        metadata: new.metadata.map(serde_json::Value::Object),
        channel: subject.channel,
        reporter: subject.reporter,
        sentiment: hypercare_text::sentiment::score(words).map(|s| s.score),
        language: hypercare_text::language::detect(words).map(hypercare_text::language::Language::code),
        spam,
        state: match () {
            // A report of harm is looked at, whatever its words look like.
            () if spam >= SPAM && !sensitive => State::Spam,
            () if praise => State::Done,
            () => State::New,
        },
        severity: sensitive.then_some(Severity::Critical),
        comment,
    }
}

fn wanted<'a>(app: &App, actor: &Actor, filter: &'a FeedbackFilter, me: &'a str) -> Wanted<'a> {
    Wanted { filter, request: None, me, sensitive: actor.may(Permission::ReadSensitive), now: app.now() }
}

/// The newest feedback that passes the filter.
pub async fn list(app: &App, actor: &Actor, filter: &FeedbackFilter, page: &PageRequest) -> Result<Page<Feedback>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    check_filter(filter)?;
    let (rows, me) = (page.rows(), actor.name());
    let wanted = wanted(app, actor, filter, &me);
    let found = store::list(app.db(), wanted, page.cursor.as_deref(), i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    let found = found.into_iter().map(|f| f.for_reader(wanted.sensitive)).collect();
    Ok(Page::cut(found, rows, |f| f.id.to_string()))
}

/// How many pass the filter; counted up to ten thousand.
pub async fn count(app: &App, actor: &Actor, filter: &FeedbackFilter) -> Result<i64, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let me = actor.name();
    Ok(store::count(app.db(), wanted(app, actor, filter, &me), 10_000).await?)
}

fn check_filter(filter: &FeedbackFilter) -> Result<(), Fault> {
    use crate::issues::model::Kind;
    let given = |value: &'_ Option<String>| value.clone().filter(|v| !v.is_empty());
    let mut wrong = BTreeMap::new();
    let mut check = |field: &str, value: &Option<String>, known: &dyn Fn(&str) -> bool, words: &str| {
        if let Some(value) = given(value).filter(|v| !known(v)) {
            wrong.insert(field.to_owned(), format!("cannot be `{value}`: {words}"));
        }
    };
    check("state", &filter.state, &|v| v == "all" || State::parse(v).is_some(), "use new, review, done, spam or all");
    check("kind", &filter.kind, &|v| ["up", "down", "flag"].contains(&v), "use up, down or flag");
    check("severity", &filter.severity, &|v| Severity::parse(v).is_some(), "use critical, high, medium or low");
    check("type", &filter.sort, &|v| Kind::parse(v).is_some(), "use a type of issues");
    check("mood", &filter.mood, &|v| ["negative", "positive"].contains(&v), "use negative or positive");
    check("since", &filter.since, &|v| super::model::since_span(v).is_some(), "use a span like 1h, 24h or 7d");
    Fault::check(wrong)
}

/// One piece of feedback.
pub async fn get(app: &App, actor: &Actor, id: &Id) -> Result<Feedback, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let found = store::get(app.db(), id).await?.ok_or_else(|| Fault::NotFound("There is no such feedback.".to_owned()))?;
    Ok(found.for_reader(actor.may(Permission::ReadSensitive)))
}

/// All feedback on one request, newest first (a hundred at most).
pub async fn of_request(app: &App, actor: &Actor, request: &Id) -> Result<Vec<Feedback>, Fault> {
    actor.require(Permission::ReadFeedback)?;
    let (filter, me) = (FeedbackFilter::default(), actor.name());
    let wanted = Wanted { request: Some(request), ..wanted(app, actor, &filter, &me) };
    let found = store::list(app.db(), wanted, None, 100).await?;
    Ok(found.into_iter().map(|f| f.for_reader(wanted.sensitive)).collect())
}

/// What became of feedback, as its reporter is told.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Status {
    /// Which feedback.
    pub id: Id,
    /// `received`, `in_review`, `in_progress`, `resolved` or `closed`.
    pub status: &'static str,
    /// A sentence for the reporter.
    pub message: String,
    /// What to do meanwhile, which the sentence ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workaround: Option<String>,
}

/// The status of feedback, for who gave it: by the same token or key.
pub async fn status(app: &App, actor: Option<&Actor>, token: Option<&str>, id: &Id) -> Result<Status, Fault> {
    let not_found = || Fault::NotFound("There is no such feedback, or it is not yours.".to_owned());
    let row = store::status(app.db(), id).await?.ok_or_else(not_found)?;
    let by_token =
        token.is_some_and(|t| token::verify(app.master_key().feedback(), t, app.now()).is_ok() && digest_text(t.trim()) == row.reporter);
    let by_key = actor.is_some_and(|a| a.name() == row.reporter);
    if !by_token && !by_key {
        return Err(not_found());
    }
    let public = row.public.as_ref().map(|note| &note.0);
    let (status, message) = match (row.issue_state, row.state) {
        (Some(crate::issues::model::State::Closed), _) => ("resolved", "This has been fixed. Thank you for telling us."),
        (Some(crate::issues::model::State::WontFix), _) | (None, State::Done) => ("closed", "We have looked at this."),
        (Some(_), _) => ("in_progress", "We know what this is about and are working on it."),
        (None, State::Review) => ("in_review", "Somebody is looking at this."),
        (None, State::New) if row.assignee.is_some() => ("in_review", "Somebody is looking at this."),
        // Whoever sends spam learns nothing from it, and whoever is taken for it is not told that somebody looked.
        (None, State::New | State::Spam) => ("received", "We have received this."),
    };
    let workaround = public.map(|note| note.workaround.trim()).filter(|w| !w.is_empty() && status == "in_progress");
    let message = workaround.map_or_else(|| message.to_owned(), |w| format!("{message} Meanwhile: {w}"));
    Ok(Status { id: id.clone(), status, message, workaround: workaround.map(ToOwned::to_owned) })
}

/// The status of what was said with a token in nobody's name, if anything was. What the same token said in the names of users is theirs: a link with a
/// token may be passed on.
pub async fn status_of_link(app: &App, token: &str) -> Result<Option<Status>, Fault> {
    match store::find(app.db(), &voice(&digest_text(token.trim()), "")).await? {
        Some(id) => status(app, None, Some(token), &id).await.map(Some),
        None => Ok(None),
    }
}
