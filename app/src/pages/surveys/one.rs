//! One survey: what was answered first, then how it looks, when it is asked, and how an app asks it.

use super::{Shown, badge, too_few};
use crate::islands::copy::CopyFrom;
use crate::pages::asked::Form;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, log_and_status, redirect};
use crate::parts::chart::{Frame, line};
use crate::parts::format;
use crate::parts::items::{Ago, When};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use hypercare::identity::locks::{self, Lock};
use hypercare::identity::model::Permission;
use hypercare::surveys::model::numbers::{Day, Group, Numbers};
use hypercare::surveys::model::words::Spoken;
use hypercare::surveys::model::{Kind, Report, Said, SurveyDraft};
use hypercare::surveys::service;
use hypercare::types::{Fault, Instant};
use leptos::prelude::*;
use serde::Deserialize;
use std::fmt::Write as _;

struct One {
    report: Report,
    said: Vec<Said>,
    lock: Option<Lock>,
    may: bool,
    url: String,
    now: Instant,
}

pub async fn show(ctx: Ctx, Path(name): Path<String>) -> Response {
    render(&ctx, &name, None).await
}

async fn render(ctx: &Ctx, name: &str, refused: Option<Fault>) -> Response {
    let actor = ctx.actor();
    let loaded = async {
        let report = service::get(&ctx.app, &actor, name).await?;
        let said = service::comments(&ctx.app, &actor, &report.survey.id).await?;
        let lock = locks::of(&ctx.app, "survey", name).await?;
        Ok::<_, Fault>((report, said, lock))
    };
    let status = refused.as_ref().map_or(StatusCode::OK, log_and_status);
    match loaded.await {
        Ok((report, said, lock)) => {
            let may = actor.may(Permission::Triage) && lock.is_none();
            let one = One { report, said, lock, may, url: ctx.app.settings().public_url(), now: ctx.app.now() };
            let title = one.report.survey.draft.name.clone();
            ctx.page_with(status, &title, "/surveys", Box::new(move || view_of(&one, refused.as_ref()).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn view_of(one: &One, refused: Option<&Fault>) -> impl IntoView + use<> {
    let Report { survey, state, numbers } = &one.report;
    let draft = &survey.draft;
    let name = encode(&draft.name);
    let lock = one.lock.clone().map(|lock| view! { <p class="note" role="note"><b>"Read-only here."</b>" "{lock.reason}</p> });
    let tools = one.may.then(|| {
        let (to, words) = if draft.active { ("", "Pause") } else { ("yes", "Resume") };
        view! {
            <form method="post" action=format!("/surveys/{name}/active")><button class="btn" name="active" value=to>{words}</button></form>
            <a class="btn" href=format!("/surveys/{name}/edit")>"Change"</a>
        }
    });
    let danger = one.may.then(|| danger(&draft.name, numbers.answered, refused).into_any());
    view! {
        <div class="page-head"><h1><a class="muted" href="/surveys">"Surveys"</a><span class="muted">" / "</span>{draft.name.clone()}" "<span class=badge(*state)>{state.label()}</span></h1>
            <div class="row"><a class="btn quiet" href="/feedback?state=&channel=survey">"Answers in the inbox"</a>{tools}</div></div>
        {lock}
        <p class="question">{draft.question.clone()}</p>
        {tiles(draft, numbers)}
        <div class="detail-grid">
            <div class="stack">
                {distribution(draft, numbers)}
                {over_time(draft.kind, numbers)}
                {groups(draft.kind, "By route", "Route", &numbers.routes)}
                {groups(draft.kind, "By variant", "Variant", &numbers.variants)}
                {words(draft, &one.said, one.now)}
            </div>
            <div class="stack">{preview(draft)}{facts(one)}{lines(draft, &one.url)}{danger}</div>
        </div>
    }
}

fn tiles(draft: &SurveyDraft, n: &Numbers) -> impl IntoView + use<> {
    let kind = draft.kind;
    let (value, unit, below) = match &n.result {
        Some(number) => {
            let shown = Shown::of(kind, number);
            (shown.value, shown.unit.to_owned(), format!("95 % interval {}", shown.interval))
        }
        None if kind == Kind::Free => ("–".to_owned(), String::new(), "words have no number".to_owned()),
        None => ("–".to_owned(), String::new(), too_few(kind, n.answered)),
    };
    let how = match kind {
        Kind::Csat => "CSAT: who gave 4 or 5",
        Kind::Nps => "NPS: promoters − detractors",
        Kind::Ces => "CES: mean ease",
        Kind::Free => "In their own words",
    };
    let rate = n.response_rate.map_or_else(|| "–".to_owned(), format::percent);
    let tile = |label: &'static str, value: String, unit: String, below: String| {
        view! { <div class="tile"><span class="label">{label}</span><span class="value">{value}<small>" "{unit}</small></span><span class="small muted">{below}</span></div> }.into_any()
    };
    view! {
        <div class="tiles survey-tiles">
            {tile(how, value, unit, below)}
            {tile("Answered", format::count(n.answered), String::new(), "all time".to_owned())}
            {tile("Response rate", rate, if n.shown > 0 { "%".to_owned() } else { String::new() }, format!("of {} times shown", format::grouped(n.shown)))}
            {tile("Sent away", format::count(n.dismissed), String::new(), "without an answer".to_owned())}
        </div>
    }
}

/// How often each score was given, the best on top.
#[expect(clippy::cast_precision_loss, reason = "shown with a digit")]
fn distribution(draft: &SurveyDraft, n: &Numbers) -> Option<AnyView> {
    let scale = draft.scale()?;
    let all: i64 = n.distribution.iter().map(|bar| bar.count).sum();
    if all == 0 {
        let how = if draft.active {
            "Nobody has answered yet. Answers appear here as soon as somebody gives one."
        } else {
            "Nobody has answered yet, and the survey is paused."
        };
        return Some(view! { <section class="card"><header><h2>"Answers"</h2></header><p class="empty">{how}</p></section> }.into_any());
    }
    let most = n.distribution.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    let rows = n.distribution.iter().rev().map(|bar| {
        let label = match bar.score {
            score if score == scale.min => format!("{score} = {}", scale.low),
            score if score == scale.max => format!("{score} = {}", scale.high),
            score => score.to_string(),
        };
        let class = match draft.kind {
            kind if kind.is_bad(bar.score) => "bad",
            Kind::Csat if bar.score >= 4 => "ok",
            Kind::Nps if bar.score >= 9 => "ok",
            Kind::Ces if bar.score >= 5 => "ok",
            _ => "",
        };
        let share = format::percent(bar.count as f64 / all as f64);
        view! { <tr><th scope="row">{label}</th><td class="bar"><span class="track"><i class=class style=format!("width:{}%", bar.count * 100 / most)></i></span></td><td class="num nowrap">{format::grouped(bar.count)}<span class="small muted">{format!(" {share} %")}</span></td></tr> }
            .into_any()
    });
    let rows: Vec<_> = rows.collect();
    Some(
        view! { <section class="card"><header><h2>"Answers"</h2><span class="small muted">"all time"</span></header><table class="distribution"><caption class="visually-hidden">"How often each score was given"</caption><thead class="visually-hidden"><tr><th scope="col">"Score"</th><th scope="col">"Share"</th><th scope="col">"Answers"</th></tr></thead><tbody>{rows}</tbody></table></section> }
            .into_any(),
    )
}

/// Size of the chart.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 44.0;

/// The number over the last thirty days with its interval as a band.
fn over_time(kind: Kind, n: &Numbers) -> impl IntoView + use<> {
    let shown: i64 = n.days.iter().map(|day| day.shown).sum();
    let chart = match kind {
        _ if n.days.iter().all(|day| day.result.is_none()) => {
            let why = if kind == Kind::Free {
                "Words have no line. The table below says how many came."
            } else {
                "A point appears for every day that has ten answers in the week up to it."
            };
            view! { <p class="empty">{why}</p> }.into_any()
        }
        kind => drawn(kind, &n.days).into_any(),
    };
    let days: Vec<&Day> = n.days.iter().rev().filter(|day| day.shown > 0).collect();
    let rows = days.iter().map(|day| {
        let date = day.start.to_utc().map_or_else(String::new, |t| t.format("%Y-%m-%d").to_string());
        let number = day.result.as_ref().map_or_else(|| "too few".to_owned(), |number| Shown::of(kind, number).line());
        view! { <tr><th scope="row" class="nowrap">{date}</th><td class="num">{format::grouped(day.shown)}</td><td class="num">{format::grouped(day.answered)}</td><td>{number}</td></tr> }.into_any()
    });
    let rows: Vec<_> = rows.collect();
    let table = (!rows.is_empty()).then(|| view! { <details class="more"><summary class="small">"As a table"</summary><div class="scroll"><table><caption class="visually-hidden">"By day (UTC)"</caption><thead><tr><th scope="col">"Day, UTC"</th><th scope="col" class="num">"Shown"</th><th scope="col" class="num">"Answered"</th><th scope="col">"The week up to it"</th></tr></thead><tbody>{rows}</tbody></table></div></details> });
    view! {
        <section class="card stack"><header><h2>"Over time"</h2><span class="small muted">{format!("last 30 days, shown {} times; each point is the week up to it, with its 95 % interval", format::grouped(shown))}</span></header>{chart}{table}</section>
    }
}

fn drawn(kind: Kind, days: &[Day]) -> impl IntoView + use<> {
    let (low, high, marks): (f64, f64, [f64; 3]) = match kind {
        Kind::Nps => (-100.0, 100.0, [-100.0, 0.0, 100.0]),
        Kind::Ces => (1.0, 7.0, [1.0, 4.0, 7.0]),
        Kind::Csat | Kind::Free => (0.0, 1.0, [0.0, 0.5, 1.0]),
    };
    let frame = Frame { left: LEFT, top: 8.0, width: WIDTH - LEFT - 8.0, height: HEIGHT - 32.0, max: high - low };
    let path = line(&frame, &days.iter().map(|day| day.result.map(|r| r.estimate - low)).collect::<Vec<_>>());
    let words = |value: f64| match kind {
        Kind::Csat | Kind::Free => format!("{:.0} %", value * 100.0),
        Kind::Nps => super::points(value),
        Kind::Ces => format!("{value:.0}"),
    };
    let marks = marks.map(|value| {
        let y = frame.y(value - low);
        view! { <line x1=LEFT.to_string() x2=(WIDTH - 8.0).to_string() y1=format!("{y:.1}") y2=format!("{y:.1}")></line><text x=(LEFT - 6.0).to_string() y=format!("{:.1}", y + 4.0) text-anchor="end">{words(value)}</text> }
    });
    let date = |day: Option<&Day>| day.and_then(|d| d.start.to_utc()).map_or_else(String::new, |t| t.format("%-d %b").to_string());
    let (first, last) = (date(days.first()), date(days.last()));
    let newest = days.iter().rev().find_map(|day| day.result).map(|number| Shown::of(kind, &number));
    let label = newest.map_or_else(String::new, |n| format!("The newest point: {}, 95 % interval {}", n.line(), n.interval));
    view! {
        <div class="chart"><svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="img" aria-label=label>
            <g class="axis">{marks.into_iter().collect_view()}<text x=LEFT.to_string() y=(HEIGHT - 6.0).to_string()>{first}</text><text x=(WIDTH - 8.0).to_string() y=(HEIGHT - 6.0).to_string() text-anchor="end">{last}</text></g>
            <path d=band(&frame, days, low) fill="var(--series-1)" opacity=".16"></path>
            <path d=path fill="none" stroke="var(--series-1)" stroke-width="2" stroke-linecap="round"></path>
            {lone(&frame, days, low)}
        </svg></div>
    }
}

/// The intervals of days that follow each other, as one area each.
fn band(frame: &Frame, days: &[Day], low: f64) -> String {
    let mut path = String::new();
    let numbers: Vec<_> = days.iter().enumerate().map(|(i, day)| day.result.map(|r| (frame.x(i, days.len()), r.interval))).collect();
    for run in numbers.split(Option::is_none) {
        let run: Vec<_> = run.iter().flatten().collect();
        for (i, (x, (_, top))) in run.iter().enumerate() {
            let _ = write!(path, "{}{x:.1},{:.1}", if i == 0 { 'M' } else { 'L' }, frame.y(top - low));
        }
        for (x, (bottom, _)) in run.iter().rev() {
            let _ = write!(path, "L{x:.1},{:.1}", frame.y(bottom - low));
        }
        if !run.is_empty() {
            path.push('Z');
        }
    }
    path
}

/// Days without a neighbour to draw a line or an area to: a point and its interval.
fn lone(frame: &Frame, days: &[Day], low: f64) -> Vec<AnyView> {
    let there = |i: Option<usize>| i.and_then(|i| days.get(i)).is_some_and(|day| day.result.is_some());
    let alone = (0..days.len()).filter(|i| !there(i.checked_sub(1)) && !there(i.checked_add(1)));
    let points = alone.filter_map(|i| Some((frame.x(i, days.len()), days[i].result?)));
    let drawn = points.map(|(x, r)| {
        let (x, y) = (format!("{x:.1}"), |value: f64| format!("{:.1}", frame.y(value - low)));
        view! { <line x1=x.clone() x2=x.clone() y1=y(r.interval.1) y2=y(r.interval.0) stroke="var(--series-1)" stroke-width="8" opacity=".16"></line><circle cx=x cy=y(r.estimate) r="3.5" fill="var(--series-1)"></circle> }
            .into_any()
    });
    drawn.collect()
}

fn groups(kind: Kind, title: &'static str, what: &'static str, groups: &[Group]) -> Option<AnyView> {
    let rows = groups.iter().take(20).map(|group| {
        let number = match &group.result {
            Some(number) => {
                let shown = Shown::of(kind, number);
                view! { <b>{shown.line()}</b><span class="small muted">" "{shown.interval}</span> }.into_any()
            }
            None => view! { <span class="muted">{too_few(kind, group.answered)}</span> }.into_any(),
        };
        view! { <tr><th scope="row">{group.name.clone()}</th><td class="num">{format::grouped(group.shown)}</td><td class="num">{format::grouped(group.answered)}</td><td>{number}</td></tr> }.into_any()
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| {
        view! { <section class="card"><header><h2>{title}</h2><span class="small muted">"all time"</span></header><div class="scroll" tabindex="0" role="region" aria-label=title><table><caption class="visually-hidden">{title}</caption><thead><tr><th scope="col">{what}</th><th scope="col" class="num">"Shown"</th><th scope="col" class="num">"Answered"</th><th scope="col">"Result"</th></tr></thead><tbody>{rows}</tbody></table></div></section> }
            .into_any()
    })
}

fn words(draft: &SurveyDraft, said: &[Said], now: Instant) -> impl IntoView + use<> {
    let none = said.is_empty().then(|| {
        let how = if draft.kind != Kind::Free && draft.follow_up.is_empty() {
            "It asks for a score only; give it a second question to hear why."
        } else {
            "Comments appear here, newest first, and in the inbox."
        };
        view! { <p class="muted">{how}</p> }
    });
    let rows = said.iter().map(|s| {
        let score = s.score.map(|score| view! { <span class="badge plain">{score}</span> });
        let text = match &s.feedback {
            Some(id) => view! { <a class="link" href=format!("/feedback?item={id}")>{s.comment.clone()}</a> }.into_any(),
            None => s.comment.clone().into_any(),
        };
        view! { <li>{score}" "{text}" "<span class="small muted nowrap"><Ago at=s.answered_at now=now ago=true/></span></li> }.into_any()
    });
    let rows: Vec<_> = rows.collect();
    view! { <section class="card stack"><header><h2>"In their words"</h2></header>{none}<ul class="plain-list">{rows}</ul></section> }
}

/// The question as users see it, in each of its languages.
pub fn preview(draft: &SurveyDraft) -> impl IntoView + use<> {
    let languages = std::iter::once(&draft.language).chain(draft.translations.keys());
    let rows = languages.enumerate().map(|(i, language)| {
        let spoken = draft.spoken(language);
        let tag = spoken.language.clone();
        view! { <details class="more" open={i == 0}><summary class="small">{tag}</summary>{card(spoken)}</details> }.into_any()
    });
    let rows: Vec<_> = rows.collect();
    view! { <section class="card stack" aria-label="Preview"><header><h2>"As users see it"</h2></header>{rows}</section> }
}

fn card(spoken: Spoken) -> impl IntoView {
    let scale = spoken.scale.map(|scale| {
        let numbers = (scale.min..=scale.max).map(|n| view! { <li>{n}</li> }.into_any()).collect::<Vec<_>>();
        view! { <ol class="scale">{numbers}</ol><div class="row wide small muted"><span>{format!("{} = {}", scale.min, scale.low)}</span><span>{format!("{} = {}", scale.max, scale.high)}</span></div> }
    });
    let field = scale.is_none() || !spoken.follow_up.is_empty();
    let field = field.then(|| view! { <span>{spoken.follow_up}</span><span class="line"></span> });
    view! {
        <div class="survey-card stack" lang=spoken.language><b>{spoken.question}</b>{scale}{field}</div>
        <p class="small muted">"Then: "{spoken.thanks}</p>
    }
}

fn facts(one: &One) -> impl IntoView + use<> {
    let survey = &one.report.survey;
    let draft = &survey.draft;
    let trigger = &draft.trigger;
    let any = |text: &str, none: &'static str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let calls = (trigger.after_calls > 0).then(|| view! { <dt>"After"</dt><dd>{format!("at least {} calls", trigger.after_calls)}</dd> });
    let rating = trigger.after_rating.map(|r| view! { <dt>"After"</dt><dd>{r.label()}</dd> });
    let start = draft.starts_at.map(|at| view! { <dt>"Begins"</dt><dd><When at=at/></dd> });
    let end = draft.ends_at.map(|at| view! { <dt>"Ends"</dt><dd><When at=at/></dd> });
    let most = draft.max_answers.map(|n| view! { <dt>"Enough after"</dt><dd>{format!("{} answers", format::grouped(n.into()))}</dd> });
    view! {
        <section class="card"><header><h2>"When it is asked"</h2></header>
            <dl class="facts">
                <dt>"Moment"</dt><dd>{any(&trigger.event, "any")}</dd><dt>"Routes"</dt><dd>{any(&trigger.routes.join(", "), "all")}</dd>
                {calls}{rating}
                <dt>"Asked"</dt><dd>{format!("{} % of people", format::share(draft.sample * 100.0))}</dd>
                <dt>"Then left alone"</dt><dd>{format!("{} days, by all surveys", draft.rest_days)}</dd>
                {start}{end}{most}
                <dt>"Last change"</dt><dd><Ago at=survey.updated_at now=one.now ago=true/>" by "{survey.updated_by.clone()}</dd>
            </dl></section>
    }
}

/// What to paste into an application.
fn lines(draft: &SurveyDraft, url: &str) -> impl IntoView + use<> {
    let event = if draft.trigger.event.is_empty() { String::new() } else { format!(" event=\"{}\"", draft.trigger.event) };
    let text = format!(
        "<!-- token: the x-hypercare-feedback-token header of the answer -->\n<script src=\"{url}/survey.js\" defer></script>\n<hypercare-survey token=\"…\"{event}></hypercare-survey>"
    );
    view! {
        <section class="card stack"><header><h2>"Put it into an app"</h2></header>
            <pre class="raw" id="lines" tabindex="0">{text}</pre><CopyFrom id="lines".to_owned()/>
            <p class="small muted">"The same lines ask every survey that waits for this moment. Without a browser: GET /v1/surveys/next and POST /v1/surveys/…/answers, under "<a class="link" href="/api/docs">"All calls"</a>"."</p>
        </section>
    }
}

fn danger(name: &str, answered: i64, refused: Option<&Fault>) -> impl IntoView + use<> {
    let wrong = refused.and_then(|fault| fault.fields().remove("confirm"));
    let (name, open) = (name.to_owned(), wrong.is_some());
    let action = format!("/surveys/{}/delete", encode(&name));
    view! {
        <details class="card more" open=open><summary><h2>"Delete the survey"</h2></summary>
            <form method="post" action=action class="stack">
                <p>{format!("Its {} answers go with it. What became feedback stays in the inbox.", format::grouped(answered))}</p>
                <Field label="Type the name to confirm" id="confirm" error=wrong><input class="input" id="confirm" name="confirm" autocomplete="off" required/></Field>
                <div class="row"><button class="btn danger">{format!("Delete {name}")}</button></div>
            </form>
        </details>
    }
}

#[derive(Deserialize)]
pub struct Active {
    active: String,
}

pub async fn set_active(ctx: Ctx, Path(name): Path<String>, Form(to): Form<Active>) -> Response {
    let active = to.active == "yes";
    let words = if active { "People are asked again." } else { "Paused: nobody is asked. What is on a screen may still be answered." };
    match service::set_active(&ctx.app, &ctx.actor(), &name, active).await {
        Ok(()) => redirect(&format!("/surveys/{}", encode(&name)), words),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
pub struct Delete {
    #[serde(default)]
    confirm: String,
}

pub async fn delete(ctx: Ctx, Path(name): Path<String>, Form(said): Form<Delete>) -> Response {
    if let Err(fault) = ctx.actor().require(Permission::Triage) {
        return ctx.fault(&fault);
    }
    if said.confirm.trim() != name {
        let why = format!("Please type {name}. Nothing was deleted.");
        return render(&ctx, &name, Some(Fault::field("confirm", why))).await;
    }
    match service::delete(&ctx.app, &ctx.actor(), &name).await {
        Ok(()) => redirect("/surveys", &format!("The survey {name} is deleted.")),
        Err(fault) => ctx.fault(&fault),
    }
}
