//! Asking people and taking their answers: what applications and browsers call.

use super::choose::draw;
use crate::feedback::model::Rating;
use crate::feedback::service as feedback;
use crate::feedback::token;
use crate::identity::Actor;
use crate::identity::model::Scope;
use crate::server::App;
use crate::surveys::model::words::Spoken;
use crate::surveys::model::{AfterRating, Kind, MOST_WORDS, State, Survey, is_event};
use crate::surveys::store::{self, Showing};
use crate::surveys::ticket;
use crate::telemetry::service as telemetry;
use crate::types::{Fault, Id, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often and how long a question waits for the log entry of its answer: a page asks as soon as it has the answer, the entry takes about a fifth of a
/// second.
const LOG_LOOKS: u32 = 6;
const LOG_WAIT: std::time::Duration = std::time::Duration::from_millis(80);

/// Who may be asked something, as an application puts it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Ask {
    /// From `x-hypercare-feedback-token`.
    pub token: Option<String>,
    /// Who it is, as the application names them.
    pub user: Option<String>,
    /// Their conversation; with a key.
    pub session: Option<String>,
    /// The route they use; with a key.
    pub route: Option<String>,
    /// The moment, in a word that surveys wait for.
    pub event: Option<String>,
    /// Their language.
    pub lang: Option<String>,
}

/// A survey put to somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// Which survey.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// What kind of answer is asked for.
    pub kind: Kind,
    /// All that is said.
    #[serde(flatten)]
    pub spoken: Spoken,
    /// Lets this person answer it, for seven days.
    pub ticket: String,
}

/// Who is asked, and about what.
struct Asked {
    /// A keyed hash.
    person: String,
    user: Option<String>,
    session: Option<String>,
    request: Option<Id>,
    route: Option<String>,
    variant: Option<String>,
}

/// The survey that is to be put to somebody now, if there is one. From here on they are left alone for its rest period.
pub async fn next(app: &App, actor: Option<&Actor>, ask: Ask) -> Result<Option<Question>, Fault> {
    check_ask(&ask)?;
    let request = vouch(app, actor, &ask)?;
    // Most of the time nobody is to be asked: that is found out before anything is looked up about them.
    let now = app.now();
    let event = ask.event.clone().unwrap_or_default();
    let mut surveys = store::all(app.db()).await?;
    surveys.retain(|s| s.draft.state(now, 0) == State::Running && (s.draft.trigger.event.is_empty() || s.draft.trigger.event == event));
    if surveys.is_empty() {
        return Ok(None);
    }
    let Some(asked) = asked(app, actor, request, &ask).await? else { return Ok(None) };
    let Some(survey) = choose(app, surveys, &asked, now).await? else { return Ok(None) };
    let showing = Showing {
        id: Id::new(),
        survey: survey.id.clone(),
        person: asked.person,
        shown_at: now,
        answered_at: None,
        dismissed_at: None,
        score: None,
        comment: None,
        request: asked.request,
        route: asked.route,
        variant: asked.variant,
        feedback: None,
    };
    let ticket = ticket::sign(app.master_key().tickets(), &showing.id, now)?;
    let mut tx = app.db().begin().await?;
    if !store::begin_rest(&mut tx, &showing.person, now, now.minus(survey.draft.rest())).await? {
        return Ok(None);
    }
    store::insert_showing(&mut tx, &showing).await?;
    tx.commit().await?;
    let spoken = survey.draft.spoken(ask.lang.as_deref().unwrap_or_default());
    Ok(Some(Question { id: survey.id, name: survey.draft.name, kind: survey.draft.kind, spoken, ticket }))
}

fn check_ask(ask: &Ask) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    for (field, text, most) in
        [("user", &ask.user, 256), ("session", &ask.session, 256), ("route", &ask.route, 100), ("lang", &ask.lang, 40)]
    {
        if text.as_ref().is_some_and(|t| t.chars().count() > most) {
            wrong.insert(field.to_owned(), format!("must have at most {most} characters"));
        }
    }
    if ask.event.as_deref().is_some_and(|event| !is_event(event)) {
        wrong.insert("event".to_owned(), "must be at most 60 letters, digits, `_`, `-` or `.`".to_owned());
    }
    Fault::check(wrong)
}

/// Whether who asks may; gives the call that a token is of.
fn vouch(app: &App, actor: Option<&Actor>, ask: &Ask) -> Result<Option<Id>, Fault> {
    let by_key = match actor {
        Some(Actor::Key { scopes, .. }) if scopes.contains(&Scope::Feedback) => true,
        Some(_) => return Err(Fault::Forbidden("This key may not ask for surveys: it needs the scope `feedback`.".to_owned())),
        None => false,
    };
    match ask.token.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
        Some(text) => {
            let request = token::verify(app.master_key().feedback(), text, app.now());
            Ok(Some(request.map_err(|e| Fault::Unauthorised(e.to_string()))?))
        }
        None if by_key => Ok(None),
        None => Err(Fault::Unauthorised("Send the `token` of the answer, or a key of scope `feedback`.".to_owned())),
    }
}

/// Who it is: as the call of the token says, as the application says, or at least whose conversation. Nobody without any. A browser that has only a token is
/// believed about the user only where the call names none.
async fn asked(app: &App, actor: Option<&Actor>, request: Option<Id>, ask: &Ask) -> Result<Option<Asked>, Fault> {
    let full = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let call = match &request {
        Some(id) => logged(app, id).await?,
        None => None,
    };
    let (of_call, session, route, variant) = call.map_or((None, None, None, None), |c| (c.user_id, c.session_id, c.route, c.variant));
    let said = full(&ask.user);
    let user = if actor.is_some() { said.or(of_call) } else { of_call.or(said) };
    let (session, route) = match actor {
        Some(_) => (session.or_else(|| full(&ask.session)), route.or_else(|| full(&ask.route))),
        None => (session, route),
    };
    let name = match (&user, &session) {
        (Some(user), _) => format!("user\0{user}"),
        (None, Some(session)) => format!("session\0{session}"),
        (None, None) => return Ok(None),
    };
    Ok(Some(Asked { person: app.master_key().person(&name), user, session, request, route, variant }))
}

/// What the log says of a call, if need be after a moment.
async fn logged(app: &App, id: &Id) -> Result<Option<crate::telemetry::store::Origin>, Fault> {
    for _ in 0..LOG_LOOKS {
        if let Some(origin) = telemetry::origin(app, id).await? {
            return Ok(Some(origin));
        }
        tokio::time::sleep(LOG_WAIT).await;
    }
    telemetry::origin(app, id).await
}

/// Of all that fit, the one the dice say.
async fn choose(app: &App, surveys: Vec<Survey>, asked: &Asked, now: Instant) -> Result<Option<Survey>, Fault> {
    let last = store::last_shown(app.db(), &asked.person).await?;
    let mut drawn: Vec<(f64, Survey)> = surveys
        .into_iter()
        .filter(|s| last.is_none_or(|last| last <= now.minus(s.draft.rest())))
        .filter(|s| s.draft.trigger.routes.is_empty() || asked.route.as_ref().is_some_and(|route| s.draft.trigger.routes.contains(route)))
        .filter_map(|s| Some((draw(&s.id, &s.draft, &asked.person, now)?, s)))
        .collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, survey) in drawn {
        if fits(app, &survey, asked).await? {
            return Ok(Some(survey));
        }
    }
    Ok(None)
}

/// The conditions that the database has to be asked about.
async fn fits(app: &App, survey: &Survey, asked: &Asked) -> Result<bool, Fault> {
    let draft = &survey.draft;
    if let Some(most) = draft.max_answers
        && store::answered(app.db(), &survey.id).await? >= i64::from(most)
    {
        return Ok(false);
    }
    let (user, session) = (asked.user.as_deref(), asked.session.as_deref());
    if !telemetry::called(app, user, session, draft.trigger.after_calls).await? {
        return Ok(false);
    }
    let Some(wanted) = draft.trigger.after_rating else { return Ok(true) };
    let rated = feedback::rated(app, asked.request.as_ref(), user).await?;
    Ok(match wanted {
        AfterRating::Any => rated.is_some(),
        AfterRating::Up => rated == Some(Rating::Up),
        AfterRating::Down => rated == Some(Rating::Down),
    })
}

/// An answer as it comes in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// Came with the survey.
    #[serde(default)]
    pub ticket: String,
    /// On its scale.
    pub score: Option<f64>,
    /// In the person’s words.
    pub comment: Option<String>,
    /// They do not want to answer.
    #[serde(default)]
    pub dismissed: bool,
}

/// What was stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The id of the answer.
    pub id: Id,
    /// Whether it is the first with this ticket.
    pub created: bool,
}

/// Takes an answer; with the same ticket again it changes the one before. It is on disk when this returns.
pub async fn answer(app: &App, survey: &Id, new: NewAnswer) -> Result<Stored, Fault> {
    let gone = || Fault::NotFound("There is no such survey, or it was deleted.".to_owned());
    let survey = store::by_id(app.db(), survey).await?.ok_or_else(gone)?;
    if new.ticket.trim().is_empty() {
        return Err(Fault::Unauthorised("Send the `ticket` that came with the survey.".to_owned()));
    }
    let id = ticket::verify(app.master_key().tickets(), &new.ticket, app.now())?;
    let before = store::showing(app.db(), &id).await?.ok_or_else(gone)?;
    if before.survey != survey.id {
        return Err(Fault::Forbidden("This ticket is for another survey.".to_owned()));
    }
    let created = before.answered_at.is_none() && before.dismissed_at.is_none();
    if new.dismissed {
        store::dismiss(app.db(), &id, app.now()).await?;
        return Ok(Stored { id, created });
    }
    let (score, comment) = check_answer(survey.draft.kind, &before, &new)?;
    store::answer(app.db(), &id, app.now(), score, comment.as_deref()).await?;
    tell(app, &survey, &before, score, comment).await?;
    Ok(Stored { id, created: before.answered_at.is_none() })
}

fn check_answer(kind: Kind, before: &Showing, new: &NewAnswer) -> Result<(Option<i64>, Option<String>), Fault> {
    let mut wrong = BTreeMap::new();
    let comment = new.comment.as_deref().map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned);
    if comment.as_ref().is_some_and(|c| c.chars().count() > MOST_WORDS) {
        wrong.insert("comment".to_owned(), "must have at most 4,000 characters".to_owned());
    }
    let mut score = None;
    match (kind.range(), new.score) {
        (None, Some(_)) => drop(wrong.insert("score".to_owned(), "has no place here: this survey asks for words only".to_owned())),
        (None, None) if comment.is_none() => drop(wrong.insert("comment".to_owned(), "is missing".to_owned())),
        (Some((low, high)), Some(given)) => {
            score = (low..=high).find(|n| n.to_string() == given.to_string());
            if score.is_none() {
                wrong.insert("score".to_owned(), format!("must be a whole number from {low} to {high}"));
            }
        }
        (Some((low, high)), None) if before.score.is_none() => {
            wrong.insert("score".to_owned(), format!("is missing: a whole number from {low} to {high}"));
        }
        _ => {}
    }
    Fault::check(wrong)?;
    Ok((score, comment))
}

/// Puts what somebody should look at into the inbox: words, and bad scores.
async fn tell(app: &App, survey: &Survey, before: &Showing, score: Option<i64>, comment: Option<String>) -> Result<(), Fault> {
    let kind = survey.draft.kind;
    let score = score.or(before.score);
    let bad = score.is_some_and(|score| kind.is_bad(score));
    if comment.is_none() && !bad && before.feedback.is_none() {
        return Ok(());
    }
    let mut metadata = serde_json::Map::new();
    metadata.insert("survey".to_owned(), survey.draft.name.clone().into());
    metadata.insert("kind".to_owned(), kind.as_str().into());
    if let Some(score) = score {
        metadata.insert("score".to_owned(), score.into());
    }
    let said = feedback::FromSurvey {
        answer: &before.id,
        request: before.request.clone(),
        stars: score.filter(|_| kind == Kind::Csat),
        score: score.filter(|_| kind != Kind::Csat).and_then(|score| share(kind, score)),
        comment: comment.or_else(|| before.comment.clone()),
        metadata,
    };
    let id = feedback::from_survey(app, said).await?;
    Ok(store::set_feedback(app.db(), &before.id, &id).await?)
}

/// Where a score lies on its scale, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "scores are small")]
fn share(kind: Kind, score: i64) -> Option<f64> {
    let (low, high) = kind.range()?;
    Some((score - low) as f64 / (high - low) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn showing(score: Option<i64>) -> Showing {
        Showing {
            id: Id::from_text("a"),
            survey: Id::from_text("s"),
            person: String::new(),
            shown_at: Instant(0),
            answered_at: None,
            dismissed_at: None,
            score,
            comment: None,
            request: None,
            route: None,
            variant: None,
            feedback: None,
        }
    }

    fn checked(kind: Kind, score: Option<f64>, comment: Option<&str>) -> Result<(Option<i64>, Option<String>), Vec<String>> {
        let new = NewAnswer { score, comment: comment.map(str::to_owned), ..NewAnswer::default() };
        check_answer(kind, &showing(None), &new).map_err(|fault| fault.fields().into_keys().collect())
    }

    #[test]
    fn each_kind_takes_its_own_scores_and_nothing_else() {
        for (kind, good, bad) in
            [(Kind::Csat, [1.0, 5.0], [0.0, 6.0]), (Kind::Nps, [0.0, 10.0], [-1.0, 11.0]), (Kind::Ces, [1.0, 7.0], [0.0, 8.0])]
        {
            for score in good {
                assert!(checked(kind, Some(score), None).is_ok(), "{kind:?} {score}");
            }
            for score in bad.into_iter().chain([2.5, f64::NAN, f64::INFINITY]) {
                assert_eq!(checked(kind, Some(score), None), Err(vec!["score".to_owned()]), "{kind:?} {score}");
            }
            assert_eq!(checked(kind, None, Some("words")), Err(vec!["score".to_owned()]), "{kind:?}");
        }
        assert_eq!(checked(Kind::Free, None, Some(" words ")), Ok((None, Some("words".to_owned()))));
        assert_eq!(checked(Kind::Free, None, Some("  ")), Err(vec!["comment".to_owned()]));
        assert_eq!(checked(Kind::Free, Some(3.0), Some("words")), Err(vec!["score".to_owned()]));
        let (most, more) = ("ü".repeat(MOST_WORDS), "ü".repeat(MOST_WORDS + 1));
        assert!(checked(Kind::Csat, Some(5.0), Some(&most)).is_ok());
        assert_eq!(
            checked(Kind::Csat, Some(9.0), Some(&more)),
            Err(vec!["comment".to_owned(), "score".to_owned()]),
            "all that is wrong at once"
        );
    }

    #[test]
    fn words_may_follow_a_score() {
        let new = NewAnswer { comment: Some("Because.".to_owned()), ..NewAnswer::default() };
        assert_eq!(check_answer(Kind::Csat, &showing(Some(2)), &new).expect("holds"), (None, Some("Because.".to_owned())));
    }

    #[test]
    fn scores_lie_on_one_scale_in_the_inbox() {
        assert_eq!(
            (share(Kind::Nps, 0), share(Kind::Nps, 10), share(Kind::Ces, 4), share(Kind::Free, 1)),
            (Some(0.0), Some(1.0), Some(0.5), None)
        );
    }
}
