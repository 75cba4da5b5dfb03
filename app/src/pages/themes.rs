//! Themes: what many people say in their own words.

use super::requests::encode;
use super::shell::{Ctx, redirect};
use crate::pages::asked::{Form, Query};
use crate::pages::feedback::decide::{Pairs, all, ids};
use crate::parts::format;
use crate::parts::items::{Ago, Spark};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::server::App;
use hypercare::themes::model::Theme;
use hypercare::themes::service;
use hypercare::types::{Duration, Fault, Id, Instant};
use leptos::prelude::*;
use serde::Deserialize;

/// Spans one can look at: the word in the address, the words on screen.
const SPANS: [(&str, &str); 4] = [("24h", "24 hours"), ("1h", "1 hour"), ("7d", "7 days"), ("30d", "30 days")];

#[derive(Deserialize)]
struct Over {
    span: Option<String>,
}

impl Over {
    fn word(&self) -> String {
        let word = self.span.as_deref().unwrap_or_default();
        SPANS.iter().find(|(known, _)| *known == word).map_or("24h", |(known, _)| known).to_owned()
    }
}

fn span_of(word: &str) -> Duration {
    hypercare::feedback::model::since_span(word).unwrap_or(Duration::DAY)
}

async fn list(ctx: Ctx, Query(over): Query<Over>) -> Response {
    let word = over.word();
    match service::list(&ctx.app, &ctx.actor(), span_of(&word)).await {
        Ok(themes) => {
            let may = ctx.actor().may(Permission::Triage);
            ctx.page("Themes", "/themes", Box::new(move || list_view(&themes, &word, may).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn spans(base: &str, word: &str) -> impl IntoView + use<> {
    let chips = SPANS.map(|(known, label)| {
        let on = known == word;
        let class = if on { "chip on" } else { "chip" };
        view! { <a class=class href=format!("{base}?span={known}") aria-current=on.then_some("true")>{label}</a> }
    });
    view! { <nav class="chips" aria-label="Time range">{chips.collect_view()}</nav> }
}

/// How a theme moves, in words and colour.
fn trend(t: &Theme) -> impl IntoView + use<> {
    match t.trend {
        None if t.count > 0 => view! { <span class="badge watch">"new"</span> }.into_any(),
        None => "–".into_any(),
        Some(change) => {
            let class = if t.is_rising() {
                "badge bad"
            } else if change < 0.0 {
                "badge ok"
            } else {
                "badge"
            };
            let sign = if change < 0.0 { "−" } else { "+" };
            view! { <span class=class>{format!("{sign}{} %", format::percent(change.abs()))}</span> }.into_any()
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a line on screen")]
fn spark(t: &Theme) -> impl IntoView + use<> {
    let values: Vec<Option<f64>> = t.series.iter().map(|n| Some(*n as f64)).collect();
    view! { <Spark values=values/> }
}

fn list_view(themes: &[Theme], word: &str, may: bool) -> impl IntoView + use<> {
    let rising = themes.iter().filter(|t| t.is_rising()).count();
    let heading = match (themes.len(), rising) {
        (0, _) => "none yet".to_owned(),
        (n, 0) => format!("{n}, none rising"),
        (n, rising) => format!("{n}, {rising} rising"),
    };
    let rows = themes.iter().map(|t| {
        let issue = t.issue.clone().map(|i| view! { <a class="link small" href=format!("/issues/{}", i.number)>{format!("#{} {}", i.number, i.title)}</a> });
        let example = t.examples.first().map(|e| view! { <span class="small muted clip">{format!("“{}”", e.comment)}</span> });
        view! {
            <tr>
                <td><a class="link" href=format!("/themes/{}?span={}", t.id, word)>{t.name.clone()}</a>{example}{issue}</td>
                <td class="num">{format::grouped(t.count)}</td><td>{trend(t)}</td><td>{spark(t)}</td><td class="num">{format!("{} %", format::percent(t.share))}</td><td class="num">{format::grouped(t.people)}</td>
                <td class="small">{t.versions.first().map(|v| v.name.clone())}</td>
            </tr>
        }.into_any()
    }).collect::<Vec<_>>();
    let empty = rows.is_empty().then(|| view! { <p class="empty">"No themes in this time. A theme appears when three comments say something similar; new comments are looked at within ten seconds."</p> });
    let look =
        may.then(|| view! { <form method="post" action="/themes/refresh"><button class="btn quiet">"Look again now"</button></form> });
    view! {
        <div class="page-head"><h1>"Themes"<span class="muted">" · "{heading}</span></h1><div class="row">{spans("/themes", word)}{look}</div></div>
        <section class="card flush">{empty}
            {(!rows.is_empty()).then(|| view! { <div class="scroll"><table><caption class="visually-hidden">"Themes, the busiest first"</caption><thead><tr><th scope="col">"Theme"</th><th scope="col" class="num">"Said"</th><th scope="col">"Change"</th><th scope="col">"Over time"</th><th scope="col" class="num">"Of complaints"</th><th scope="col" class="num">"People"</th><th scope="col">"Mostly about"</th></tr></thead><tbody>{rows}</tbody></table></div> })}
        </section>
    }
}

async fn one(ctx: Ctx, Path(id): Path<String>, Query(over): Query<Over>) -> Response {
    let (word, actor) = (over.word(), ctx.actor());
    let loaded = async {
        let theme = service::get(&ctx.app, &actor, &Id::from_text(id), span_of(&word)).await?;
        let others =
            if actor.may(Permission::Triage) { service::list(&ctx.app, &actor, Duration::DAY.times(14)).await? } else { Vec::new() };
        Ok::<_, Fault>((theme, others))
    };
    match loaded.await {
        Ok((theme, others)) => {
            let (may, now) = (actor.may(Permission::Triage), ctx.app.now());
            ctx.page(&theme.name.clone(), "/themes", Box::new(move || one_view(&theme, &others, &word, may, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn one_view(t: &Theme, others: &[Theme], word: &str, may: bool, now: Instant) -> impl IntoView + use<> {
    let feedback = format!("/feedback?state=&theme={}", t.id);
    let counted = |title: &'static str, rows: &[hypercare::themes::model::Count]| {
        let most = rows.iter().map(|r| r.count).max().unwrap_or(1).max(1);
        let rows = rows.iter().take(8).map(|r| {
            let width = format!("width:{}%", r.count * 100 / most);
            view! { <div class="timing"><span class="small">{r.name.clone()}</span><span class="track"><i style=width></i></span><span class="num">{format::grouped(r.count)}</span></div> }
        }).collect_view();
        view! { <section class="card stack"><header><h2>{title}</h2></header>{rows}</section> }
    };
    let issue = match (t.issue.clone(), may) {
        (Some(i), _) => {
            view! { <a class="btn" href=format!("/issues/{}", i.number)>{format!("Issue #{} {}", i.number, i.title)}</a> }.into_any()
        }
        (None, true) => {
            view! { <a class="btn primary" href=format!("/issues/new?theme={}", encode(t.id.as_str()))>"Make issue"</a> }.into_any()
        }
        (None, false) => ().into_any(),
    };
    let examples = t.examples.iter().map(|e| {
        let tick = may.then(|| view! { <input type="checkbox" name="ids" value=e.id.to_string() form="split" aria-label=format!("Tick: {}", e.comment)/> });
        view! { <li class="row example">{tick}<a class="link" href=format!("/feedback?item={}", e.id)>{format!("“{}”", e.comment)}</a></li> }
    }).collect_view();
    let tools = may.then(|| {
        let choices = others.iter().filter(|o| o.id != t.id).map(|o| view! { <option value=o.id.to_string()>{o.name.clone()}</option> }).collect_view();
        view! {
            <section class="card stack"><header><h2>"Put it in order"</h2></header>
                <form method="post" action=format!("/themes/{}/rename", t.id) class="row"><input class="input" name="name" required maxlength="120" aria-label="Name of the theme" value=t.name.clone()/><button class="btn">"Rename"</button></form>
                <form method="post" action=format!("/themes/{}/merge", t.id) class="row"><select class="input" name="into" aria-label="Make one with">{choices}</select><button class="btn">"Make one with it"</button></form>
                <form method="post" action=format!("/themes/{}/split", t.id) class="row" id="split"><input class="input" name="name" required maxlength="120" aria-label="Name of the new theme" placeholder="Name of a new theme"/><button class="btn">"Move what is ticked there"</button></form>
            </section>
        }
    });
    let named = t.named_by.clone().map(|who| view! { <span class="small muted">" · named by "{who}</span> });
    view! {
        <div class="page-head"><h1><a class="muted" href="/themes">"Themes"</a><span class="muted">" / "</span>{t.name.clone()}</h1><div class="row">{spans(&format!("/themes/{}", t.id), word)}{issue}</div></div>
        <div class="detail-grid">
            <div class="stack">
                <section class="card stack"><div class="row"><b>{format!("{} said it", format::grouped(t.count))}</b>{trend(t)}<span class="small muted">{format!("{} in the time before · {} % of complaints · {} people · first seen ", format::grouped(t.before), format::percent(t.share), format::grouped(t.people))}<Ago at=t.created_at now=now ago=true/></span>{named}</div>{spark(t)}
                    <a class="link" href=feedback>"All of it in the inbox"</a></section>
                <section class="card stack"><header><h2>"In their words"</h2></header><ul class="plain-list">{examples}</ul></section>
            </div>
            <div class="stack">{counted("Prompt versions", &t.versions)}{counted("Variants", &t.variants)}{tools}</div>
        </div>
    }
}

async fn refresh(ctx: Ctx) -> Response {
    match service::refresh(&ctx.app, &ctx.actor()).await {
        Ok(done) => redirect("/themes", &format!("Looked at {} comments: {} new themes.", done.texts, done.new)),
        Err(fault) => ctx.fault(&fault),
    }
}

async fn rename(ctx: Ctx, Path(id): Path<String>, Form(form): Form<Pairs>) -> Response {
    let name = all(&form, "name").next().unwrap_or_default();
    done(
        &ctx,
        &id,
        service::rename(&ctx.app, &ctx.actor(), &Id::from_text(id.clone()), name).await,
        "Renamed. The name stays, whatever joins it.",
    )
}

async fn merge(ctx: Ctx, Path(id): Path<String>, Form(form): Form<Pairs>) -> Response {
    let into = all(&form, "into").next().unwrap_or_default().to_owned();
    let merged = service::merge(&ctx.app, &ctx.actor(), &Id::from_text(id), &Id::from_text(into.clone())).await;
    done(&ctx, &into, merged, "The two are one now.")
}

async fn split(ctx: Ctx, Path(id): Path<String>, Form(form): Form<Pairs>) -> Response {
    let name = all(&form, "name").next().unwrap_or_default();
    match service::split(&ctx.app, &ctx.actor(), &Id::from_text(id), name, &ids(&form)).await {
        Ok(new) => redirect(&format!("/themes/{new}"), "Moved into a theme of its own."),
        Err(fault) => ctx.fault(&fault),
    }
}

fn done(ctx: &Ctx, id: &str, result: Result<(), Fault>, words: &str) -> Response {
    match result {
        Ok(()) => redirect(&format!("/themes/{}", encode(id)), words),
        Err(fault) => ctx.fault(&fault),
    }
}

/// The pages of themes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/themes", get(list))
        .route("/themes/refresh", post(refresh))
        .route("/themes/{id}", get(one))
        .route("/themes/{id}/rename", post(rename))
        .route("/themes/{id}/merge", post(merge))
        .route("/themes/{id}/split", post(split))
}
