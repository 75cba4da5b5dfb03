//! The form of a survey, new or known. What was typed and what is stored are both pairs of a name and a text, so one view shows either.

use super::one::preview;
use crate::pages::asked::Form;
use crate::pages::feedback::decide::{Pairs, all};
use crate::pages::fields::{self, choices};
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::format;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use hypercare::identity::model::Permission;
use hypercare::surveys::model::{AfterRating, Kind, SurveyDraft, Translation, Trigger};
use hypercare::surveys::service;
use hypercare::types::{Fault, Instant};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Empty translations offered behind those there are.
const SPARE: usize = 1;
/// Moments that applications often name.
const MOMENTS: [&str; 4] = ["answer", "session_end", "checkout", "handover"];

/// The texts of a survey by the names of the form.
fn pairs(draft: &SurveyDraft) -> Pairs {
    let time = |at: Option<Instant>| at.and_then(Instant::to_utc).map_or_else(String::new, |t| t.format("%Y-%m-%dT%H:%M").to_string());
    let number = |n: Option<u32>| n.filter(|n| *n > 0).map_or_else(String::new, |n| n.to_string());
    let trigger = &draft.trigger;
    let mut out: Vec<(&str, String)> = vec![
        ("name", draft.name.clone()),
        ("kind", draft.kind.as_str().to_owned()),
        ("question", draft.question.clone()),
        ("follow_up", draft.follow_up.clone()),
        ("thanks", draft.thanks.clone()),
        ("low", draft.low.clone()),
        ("high", draft.high.clone()),
        ("language", draft.language.clone()),
        ("sample", format::share(draft.sample * 100.0)),
        ("rest_days", draft.rest_days.to_string()),
        ("starts_at", time(draft.starts_at)),
        ("ends_at", time(draft.ends_at)),
        ("max_answers", number(draft.max_answers)),
        ("event", trigger.event.clone()),
        ("after_calls", number(Some(trigger.after_calls))),
        ("after_rating", trigger.after_rating.map_or_else(String::new, |r| r.as_str().to_owned())),
        ("active", if draft.active { "yes" } else { "" }.to_owned()),
    ];
    out.extend(trigger.routes.iter().map(|route| ("route", route.clone())));
    for (language, words) in &draft.translations {
        out.push(("tr.language", language.clone()));
        out.push(("tr.question", words.question.clone()));
        out.push(("tr.follow_up", words.follow_up.clone()));
        out.push(("tr.thanks", words.thanks.clone()));
        out.push(("tr.low", words.low.clone()));
        out.push(("tr.high", words.high.clone()));
    }
    out.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn value(typed: &Pairs, name: &str) -> String {
    typed.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim().to_owned()).unwrap_or_default()
}

/// Translations in the order they were typed: the language and its words. Rows without any text are left out.
fn translations(typed: &Pairs) -> Vec<(String, Translation)> {
    let mut out: Vec<(String, Translation)> = Vec::new();
    for (name, value) in typed {
        let Some(field) = name.strip_prefix("tr.") else { continue };
        if field == "language" {
            out.push((value.trim().to_owned(), Translation::default()));
            continue;
        }
        let Some((_, words)) = out.last_mut() else { continue };
        let place = match field {
            "question" => &mut words.question,
            "follow_up" => &mut words.follow_up,
            "thanks" => &mut words.thanks,
            "low" => &mut words.low,
            _ => &mut words.high,
        };
        value.trim().clone_into(place);
    }
    out.retain(|(language, words)| !language.is_empty() || *words != Translation::default());
    out
}

/// The survey that was typed, or what of it cannot be read.
fn draft(typed: &Pairs) -> Result<SurveyDraft, Fault> {
    let mut wrong = BTreeMap::new();
    let text = |name: &str| value(typed, name);
    let mut number = |name: &str, field: &str| -> Option<u32> {
        let text = text(name);
        let read = text.parse().ok();
        if read.is_none() && !text.is_empty() {
            wrong.insert(field.to_owned(), format!("`{text}` is no whole number"));
        }
        read
    };
    let (rest_days, max_answers) = (number("rest_days", "rest_days"), number("max_answers", "max_answers"));
    let after_calls = number("after_calls", "trigger.after_calls");
    let mut time = |name: &str| {
        let text = text(name);
        let read = format::parse_utc(&text);
        if read.is_none() && !text.is_empty() {
            wrong.insert(name.to_owned(), format!("`{text}` is no date and time"));
        }
        read
    };
    let (starts_at, ends_at) = (time("starts_at"), time("ends_at"));
    let sample = format::parse_percent(&text("sample")).map(|percent| percent / 100.0);
    if sample.is_none() {
        wrong.insert("sample".to_owned(), format!("`{}` is no number of percent", text("sample")));
    }
    let typed_translations = translations(typed);
    let mut by_language = BTreeMap::new();
    for (language, words) in typed_translations {
        if by_language.contains_key(&language) {
            wrong.insert(format!("translations.{language}"), "is there twice".to_owned());
        }
        by_language.insert(language, words);
    }
    let kind = Kind::parse(&text("kind"));
    if kind.is_none() {
        wrong.insert("kind".to_owned(), "is none of the choices".to_owned());
    }
    Fault::check(wrong)?;
    Ok(SurveyDraft {
        active: text("active") == "yes",
        follow_up: text("follow_up"),
        thanks: text("thanks"),
        low: text("low"),
        high: text("high"),
        language: text("language"),
        sample: sample.unwrap_or(1.0),
        rest_days: rest_days.unwrap_or(0),
        starts_at,
        ends_at,
        max_answers,
        trigger: Trigger {
            routes: all(typed, "route").map(str::to_owned).collect(),
            event: text("event"),
            after_calls: after_calls.unwrap_or(0),
            after_rating: AfterRating::parse(&text("after_rating")),
        },
        translations: by_language,
        ..SurveyDraft::new(&text("name"), kind.unwrap_or(Kind::Csat), &text("question"))
    })
}

pub async fn new(ctx: Ctx) -> Response {
    let mut usual = SurveyDraft::new("", Kind::Csat, "");
    "answer".clone_into(&mut usual.trigger.event);
    render(&ctx, pairs(&usual), None, None).await
}

pub async fn edit(ctx: Ctx, Path(name): Path<String>) -> Response {
    match service::get(&ctx.app, &ctx.actor(), &name).await {
        Ok(report) => {
            let mut typed = pairs(&report.survey.draft);
            typed.push(("revision".to_owned(), report.survey.revision.to_string()));
            render(&ctx, typed, Some(name), None).await
        }
        Err(fault) => ctx.fault(&fault),
    }
}

pub async fn create(ctx: Ctx, Form(typed): Form<Pairs>) -> Response {
    let made = match draft(&typed) {
        Ok(draft) => service::save(&ctx.app, &ctx.actor(), draft, None).await,
        Err(fault) => Err(fault),
    };
    done(&ctx, made.map(|survey| survey.draft.name), typed, None, "The survey is made.").await
}

pub async fn save(ctx: Ctx, Path(name): Path<String>, Form(typed): Form<Pairs>) -> Response {
    let seen = value(&typed, "revision").parse().ok();
    let saved = match draft(&typed) {
        Ok(draft) => service::save(&ctx.app, &ctx.actor(), SurveyDraft { name: name.clone(), ..draft }, seen.or(Some(0))).await,
        Err(fault) => Err(fault),
    };
    done(&ctx, saved.map(|survey| survey.draft.name), typed, Some(name), "Saved.").await
}

async fn done(ctx: &Ctx, result: Result<String, Fault>, typed: Pairs, name: Option<String>, words: &str) -> Response {
    match result {
        Ok(name) => redirect(&format!("/surveys/{}", encode(&name)), words),
        Err(fault @ (Fault::Forbidden(_) | Fault::NotFound(_))) => ctx.fault(&fault),
        Err(fault) => render(ctx, typed, name, Some(fault)).await,
    }
}

async fn render(ctx: &Ctx, typed: Pairs, name: Option<String>, fault: Option<Fault>) -> Response {
    let actor = ctx.actor();
    let loaded = async {
        actor.require(Permission::Triage)?;
        let routes = hypercare::routing::service::list(&ctx.app, &actor).await?;
        Ok::<_, Fault>(routes.into_iter().map(|route| route.name).collect::<Vec<_>>())
    };
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    let title = if name.is_some() { "Change the survey" } else { "New survey" };
    match loaded.await {
        Ok(routes) => {
            ctx.page_with(status, title, "/surveys", Box::new(move || view_of(&typed, name.as_deref(), &routes, fault.as_ref()).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

/// The fields that say so themselves; what is wrong with others is said on top.
const OWN: [&str; 15] = [
    "name",
    "kind",
    "question",
    "follow_up",
    "thanks",
    "low",
    "high",
    "language",
    "sample",
    "rest_days",
    "starts_at",
    "ends_at",
    "max_answers",
    "trigger.event",
    "trigger.after_calls",
];

fn view_of(typed: &Pairs, name: Option<&str>, routes: &[String], fault: Option<&Fault>) -> impl IntoView + use<> {
    let wrong = fault.map(Fault::fields).unwrap_or_default();
    let others: Vec<String> =
        wrong.iter().filter(|(field, _)| !OWN.contains(&field.as_str())).map(|(field, why)| format!("{}: {why}.", place(field))).collect();
    let message = match (fault, wrong.is_empty(), others.is_empty()) {
        (Some(fault), true, _) => Some(fault.to_string()),
        (Some(_), false, false) => Some(others.join(" ")),
        (Some(_), false, true) => Some("Some fields do not hold yet. Nothing was saved.".to_owned()),
        (None, ..) => None,
    };
    let (action, heading, button) = match name {
        Some(name) => (format!("/surveys/{}/edit", encode(name)), "Change", "Save"),
        None => ("/surveys".to_owned(), "New survey", "Make the survey"),
    };
    let crumb = name.map(
        |name| view! { <a class="muted" href=format!("/surveys/{}", encode(name))>{name.to_owned()}</a><span class="muted">" / "</span> },
    );
    let own_name = match name {
        Some(_) => view! { <input type="hidden" name="revision" value=value(typed, "revision")/> }.into_any(),
        None => fields::needed(
            "Name",
            "name",
            "name",
            value(typed, "name"),
            wrong.get("name").cloned(),
            "Small letters, digits and -, like launch-week. It stays.",
        ),
    };
    let back = name.map_or_else(|| "/surveys".to_owned(), |name| format!("/surveys/{}", encode(name)));
    let shown = draft(typed).ok().map(|draft| preview(&draft).into_any());
    view! {
        <div class="page-head"><h1><a class="muted" href="/surveys">"Surveys"</a><span class="muted">" / "</span>{crumb}{heading}</h1></div>
        <div class="detail-grid">
            <form method="post" action=action class="stack">
                <FormError message=message/>
                {asked(typed, own_name, &wrong)}
                {when(typed, routes, &wrong)}
                {whom(typed, &wrong)}
                {in_other_languages(typed)}
                <div class="row"><button class="btn primary">{button}</button><a class="btn quiet" href=back>"Cancel"</a></div>
            </form>
            {name.and(shown)}
        </div>
    }
}

/// `translations.de.question` as `Translation de, question`.
fn place(field: &str) -> String {
    match field.strip_prefix("translations.") {
        Some(rest) => format!("Translation {}", rest.replacen('.', ", ", 1).replace('_', " ")),
        None => field.trim_start_matches("trigger.").replace('_', " "),
    }
}

type Wrong = BTreeMap<String, String>;

fn asked(typed: &Pairs, name: AnyView, wrong: &Wrong) -> impl IntoView + use<> {
    let text = |label, id, help| fields::text(label, id, id, value(typed, id), wrong.get(id).cloned(), help);
    let kind = fields::select(
        "Kind of answer",
        "kind",
        "kind",
        choices(Kind::ALL, Kind::as_str, Kind::label),
        &value(typed, "kind"),
        wrong.get("kind").cloned(),
    );
    let question = fields::needed("Question", "question", "question", value(typed, "question"), wrong.get("question").cloned(), "");
    view! {
        <section class="card stack"><h2>"What is asked"</h2>
            <div class="fields">{name}{kind}</div>
            {question}
            {text("Asked after the score, for a comment", "follow_up", "Empty: only the score")}
            <div class="fields">
                {text("What the lowest score means", "low", "Empty: the usual words of the language")}{text("What the highest score means", "high", "Empty: the usual words of the language")}
                {text("Said in the end", "thanks", "Empty: a plain thank-you")}{text("Language of all this", "language", "Like en, de or pt-br")}
            </div>
        </section>
    }
}

fn when(typed: &Pairs, routes: &[String], wrong: &Wrong) -> impl IntoView + use<> {
    let chosen: Vec<&str> = all(typed, "route").collect();
    // A route that is gone stays ticked until somebody unticks it.
    let gone = chosen.iter().filter(|route| !routes.iter().any(|known| known == *route)).map(|route| (*route).to_owned());
    let boxes = routes.iter().cloned().chain(gone).map(|route| {
        let on = chosen.contains(&route.as_str());
        view! { <label class="check"><input type="checkbox" name="route" value=route.clone() checked=on/>{route}</label> }.into_any()
    });
    let boxes: Vec<_> = boxes.collect();
    let none = boxes.is_empty().then(|| view! { <p class="small muted">"There is no route yet."</p> });
    let ratings = std::iter::once((String::new(), "whatever they said, or nothing".to_owned()))
        .chain(choices(AfterRating::ALL, AfterRating::as_str, AfterRating::label))
        .collect();
    let rating =
        fields::select("After rating an answer with", "after_rating", "after_rating", ratings, &value(typed, "after_rating"), None);
    let calls = fields::text(
        "After at least so many calls",
        "after_calls",
        "after_calls",
        value(typed, "after_calls"),
        wrong.get("trigger.after_calls").cloned(),
        "Empty: from the first on",
    );
    let (event, event_wrong) = (value(typed, "event"), wrong.get("trigger.event").cloned());
    let moments = MOMENTS.map(|word| view! { <option value=word></option> }).collect_view();
    view! {
        <section class="card stack"><h2>"When"</h2>
            <div class="fields">
                <Field label="At the moment the app calls" id="event" error=event_wrong help="The word in event=\"…\" of the app’s page; empty: any moment"><input class="input" id="event" name="event" list="moments" value=event/></Field>
                {calls}{rating}
            </div>
            <datalist id="moments">{moments}</datalist>
            <fieldset class="checks"><legend>"About calls to (none ticked: all routes)"</legend>{boxes}{none}</fieldset>
        </section>
    }
}

fn whom(typed: &Pairs, wrong: &Wrong) -> impl IntoView + use<> {
    let text = |label, id, help| fields::text(label, id, id, value(typed, id), wrong.get(id).cloned(), help);
    let time = |label: &'static str, id: &'static str| {
        let (at, wrong) = (value(typed, id), wrong.get(id).cloned());
        view! { <Field label=label id=id error=wrong help="Empty: no limit"><input class="input" id=id name=id type="datetime-local" value=at/></Field> }.into_any()
    };
    let active = value(typed, "active") == "yes";
    view! {
        <section class="card stack"><h2>"Whom, and how often"</h2>
            <div class="fields">
                {text("Share of people asked, in percent", "sample", "Drawn once per person and rest period")}
                {text("Days of rest", "rest_days", "Whoever was shown any survey is left alone that long")}
                {text("Enough after so many answers", "max_answers", "Empty: no limit")}
                {time("Begins at (UTC)", "starts_at")}{time("Ends at (UTC)", "ends_at")}
            </div>
            <label class="check"><input type="checkbox" name="active" value="yes" checked=active/>"Ask people (unticked: paused)"</label>
        </section>
    }
}

fn in_other_languages(typed: &Pairs) -> impl IntoView + use<> {
    let known = translations(typed);
    let open = !known.is_empty();
    let spare = std::iter::repeat_n((String::new(), Translation::default()), SPARE);
    let rows = known.into_iter().chain(spare).enumerate().map(|(i, (language, words))| {
        let n = i + 1;
        let label = |what: &str| format!("{what} of translation {n}");
        let heading = if language.is_empty() { "Another language".to_owned() } else { language.clone() };
        view! {
            <fieldset class="field stack translation"><legend>{heading}</legend>
                <div class="fields">
                    <input class="input" name="tr.language" value=language placeholder="Language, like de" aria-label=label("Language")/>
                    <input class="input wide" name="tr.question" value=words.question placeholder="Question" aria-label=label("Question")/>
                    <input class="input wide" name="tr.follow_up" value=words.follow_up placeholder="Asked after the score" aria-label=label("Follow-up")/>
                    <input class="input" name="tr.low" value=words.low placeholder="Lowest score" aria-label=label("Lowest score")/>
                    <input class="input" name="tr.high" value=words.high placeholder="Highest score" aria-label=label("Highest score")/>
                    <input class="input" name="tr.thanks" value=words.thanks placeholder="Said in the end" aria-label=label("Thanks")/>
                </div></fieldset>
        }
        .into_any()
    });
    let rows: Vec<_> = rows.collect();
    view! {
        <details class="card more" open=open><summary><h2>"In other languages"</h2></summary>
            <div class="stack"><p class="small muted">"Everybody is asked in the language of the page, where it is here; else in the survey’s own. An emptied row is left out; saving offers another."</p>{rows}</div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survey_goes_through_the_form_unchanged() {
        let words = |question: &str| Translation { question: question.to_owned(), thanks: "Danke".to_owned(), ..Translation::default() };
        let survey = SurveyDraft {
            sample: 0.125,
            rest_days: 7,
            starts_at: format::parse_utc("2026-11-24T08:30"),
            max_answers: Some(40),
            active: false,
            trigger: Trigger {
                routes: vec!["a".to_owned(), "b".to_owned()],
                event: "answer".to_owned(),
                after_calls: 3,
                after_rating: Some(AfterRating::Down),
            },
            translations: BTreeMap::from([("de".to_owned(), words("Wie?")), ("fr".to_owned(), words("Comment ?"))]),
            ..SurveyDraft::new("launch", Kind::Nps, "How?")
        };
        assert_eq!(draft(&pairs(&survey)).expect("a survey"), survey);
        let usual = SurveyDraft::new("usual", Kind::Free, "What?");
        assert_eq!(draft(&pairs(&usual)).expect("a survey"), usual);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let mut typed = pairs(&SurveyDraft::new("launch", Kind::Nps, "How?"));
        for (name, text) in [("sample", "half"), ("rest_days", "x"), ("max_answers", "-1"), ("ends_at", "tomorrow")] {
            typed.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| text.clone_into(v));
        }
        typed.extend([("tr.language".to_owned(), "de".to_owned()), ("tr.language".to_owned(), "de".to_owned())]);
        let fields: Vec<_> = draft(&typed).expect_err("refused").fields().into_keys().collect();
        assert_eq!(fields, ["ends_at", "max_answers", "rest_days", "sample", "translations.de"]);
        assert_eq!(place("translations.de.follow_up"), "Translation de, follow up");
    }
}
