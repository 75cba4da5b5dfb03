//! Surveys: what users of the application are asked, and what their answers add up to.

mod form;
mod one;

use super::requests::encode;
use super::shell::Ctx;
use crate::parts::format;
use crate::parts::items::Spark;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::server::App;
use hypercare::surveys::model::numbers::{Estimate, LEAST, Numbers};
use hypercare::surveys::model::{Kind, Report, State};
use hypercare::surveys::service;
use leptos::prelude::*;

/// A number as people read it: the value, its unit, and its 95 % interval.
struct Shown {
    value: String,
    unit: &'static str,
    interval: String,
}

impl Shown {
    fn of(kind: Kind, number: &Estimate) -> Self {
        let (low, high) = number.interval;
        match kind {
            Kind::Csat | Kind::Free => {
                let percent = |share: f64| format!("{:.0}", share * 100.0);
                Self { value: percent(number.estimate), unit: "% satisfied", interval: format!("{} to {} %", percent(low), percent(high)) }
            }
            Kind::Nps => Self { value: points(number.estimate), unit: "points", interval: format!("{} to {}", points(low), points(high)) },
            Kind::Ces => Self { value: format!("{:.1}", number.estimate), unit: "of 7", interval: format!("{low:.1} to {high:.1}") },
        }
    }

    /// All of it in a line.
    fn line(&self) -> String {
        format!("{} {}", self.value, self.unit)
    }
}

/// `+31`, `0`, `−12`.
fn points(n: f64) -> String {
    match n.round() {
        n if n > 0.0 => format!("+{n:.0}"),
        n if n < 0.0 => format!("−{:.0}", n.abs()),
        _ => "0".to_owned(),
    }
}

/// What stands where there is no number.
fn too_few(kind: Kind, answered: i64) -> String {
    if kind == Kind::Free { "words only".to_owned() } else { format!("too few answers: {answered} of {LEAST}") }
}

fn badge(state: State) -> &'static str {
    match state {
        State::Running => "badge ok",
        State::Paused => "badge watch",
        State::Waiting => "badge info",
        State::Ended | State::Full => "badge",
    }
}

/// How the number moved; of words only, how many came.
#[expect(clippy::cast_precision_loss, reason = "a line on screen")]
fn trend(kind: Kind, numbers: &Numbers) -> impl IntoView + use<> {
    let low = if kind == Kind::Nps { -100.0 } else { 0.0 };
    let days = numbers.days.iter();
    let values: Vec<Option<f64>> = if kind == Kind::Free {
        days.map(|day| Some(day.answered as f64)).collect()
    } else {
        days.map(|day| day.result.map(|r| r.estimate - low)).collect()
    };
    if values.iter().all(Option::is_none) {
        return view! { <span class="muted small">"not enough yet"</span> }.into_any();
    }
    view! { <Spark values=values/> }.into_any()
}

async fn list(ctx: Ctx) -> Response {
    match service::list(&ctx.app, &ctx.actor()).await {
        Ok(surveys) => {
            let may = ctx.actor().may(Permission::Triage);
            ctx.page("Surveys", "/surveys", Box::new(move || list_view(&surveys, may).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn list_view(surveys: &[Report], may: bool) -> impl IntoView + use<> {
    let running = surveys.iter().filter(|s| s.state == State::Running).count();
    let heading = match (surveys.len(), running) {
        (0, _) => "none yet".to_owned(),
        (n, 0) => format!("{n}, none running"),
        (_, running) => format!("{running} running"),
    };
    let new = may.then(|| view! { <a class="btn primary" href="/surveys/new">"New survey"</a> });
    let empty = surveys.is_empty().then(|| {
        let how = if may { "Make one, put two lines into the app, and its answers appear here." } else { "A product manager makes one." };
        view! { <p class="empty">"Surveys ask the users of an app one short question at the right moment: how satisfied they are, whether they would recommend it, how easy it was. "{how}</p> }
    });
    let rows: Vec<_> = surveys.iter().map(|s| row(s).into_any()).collect();
    view! {
        <div class="page-head"><h1>"Surveys"<span class="muted">" · "{heading}</span></h1><div class="row"><a class="btn quiet" href="/feedback?state=&channel=survey">"Answers in the inbox"</a>{new}</div></div>
        <section class="card flush" aria-label="Surveys">{empty}
            {(!rows.is_empty()).then(|| view! { <div class="scroll" tabindex="0" role="region" aria-label="All surveys"><table class="surveys" data-list="surveys"><caption class="visually-hidden">"Surveys by name; numbers with their 95 % intervals, trends over the last 30 days"</caption><thead><tr><th scope="col">"Survey"</th><th scope="col">"State"</th><th scope="col" class="num">"Shown"</th><th scope="col" class="num">"Answered"</th><th scope="col">"Result, all time"</th><th scope="col">"Last 30 days"</th></tr></thead><tbody>{rows}</tbody></table></div> })}
        </section>
    }
}

fn row(s: &Report) -> impl IntoView + use<> {
    let (draft, n) = (&s.survey.draft, &s.numbers);
    let rate = n.response_rate.map(|rate| view! { <span class="small muted">{format!(" {} %", format::percent(rate))}</span> });
    let result = match &n.result {
        Some(number) => {
            let shown = Shown::of(draft.kind, number);
            view! { <b>{shown.line()}</b><br/><span class="small muted">{shown.interval}</span> }.into_any()
        }
        None => view! { <span class="muted">{too_few(draft.kind, n.answered)}</span> }.into_any(),
    };
    view! {
        <tr>
            <td class="asked"><div class="row"><a class="link" href=format!("/surveys/{}", encode(&draft.name))>{draft.name.clone()}</a><span class="badge plain">{draft.kind.short()}</span></div><span class="small muted clip">{draft.question.clone()}</span></td>
            <td><span class=badge(s.state)>{s.state.label()}</span></td>
            <td class="num">{format::grouped(n.shown)}</td><td class="num nowrap">{format::grouped(n.answered)}{rate}</td>
            <td class="nowrap">{result}</td><td>{trend(draft.kind, n)}</td>
        </tr>
    }
}

/// The pages of surveys.
pub fn router() -> Router<App> {
    Router::new()
        .route("/surveys", get(list).post(form::create))
        .route("/surveys/new", get(form::new))
        .route("/surveys/{name}", get(one::show))
        .route("/surveys/{name}/edit", get(form::edit).post(form::save))
        .route("/surveys/{name}/active", post(one::set_active))
        .route("/surveys/{name}/delete", post(one::delete))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_like_speech() {
        let line = |kind, estimate, interval| {
            let shown = Shown::of(kind, &Estimate { estimate, interval });
            (shown.line(), shown.interval)
        };
        assert_eq!(line(Kind::Csat, 0.8, (0.49, 0.943)), ("80 % satisfied".to_owned(), "49 to 94 %".to_owned()));
        assert_eq!(line(Kind::Nps, 30.2, (-0.4, 60.9)), ("+30 points".to_owned(), "0 to +61".to_owned()));
        assert_eq!(line(Kind::Nps, -12.0, (-40.0, 3.0)), ("−12 points".to_owned(), "−40 to +3".to_owned()));
        assert_eq!(line(Kind::Ces, 5.44, (5.0, 5.9)), ("5.4 of 7".to_owned(), "5.0 to 5.9".to_owned()));
        assert_eq!(too_few(Kind::Nps, 3), "too few answers: 3 of 10");
    }
}
