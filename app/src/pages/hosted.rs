//! Feedback behind a link: one answer's feedback as a plain page, for e-mails and apps without scripts. No account, no scripts, no cookies.
//!
//! The page shows nothing of the answer or the conversation, and nothing that anybody wrote: a link may be passed on, and whoever opens it learns only
//! that something was said with it, and what became of that.

mod words;

use super::asked::read_form;
use super::feedback::decide::{Pairs, all};
use super::fields;
use super::shell::{Field, FormError, Look, keep_private, log_and_status, private_document, redirect};
use crate::parts::icon::Icon;
use axum::Router;
use axum::extract::{FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use hypercare::feedback::model::{Flag, Rating};
use hypercare::feedback::service::{self, NewFeedback, Status};
use hypercare::feedback::token::TokenError;
use hypercare::identity::http::source_ip;
use hypercare::server::{App, pairs};
use hypercare::types::Fault;
use leptos::prelude::*;
use words::Words;

/// The categories offered: those of the widget.
const CATEGORIES: [&str; 6] = ["irrelevant", "inaccurate", "unhelpful", "forgot_context", "tone", "other"];

/// A link that works, and how whoever opened it wants to see it.
struct Link {
    app: App,
    token: String,
    words: &'static Words,
    look: Look,
    /// What stands behind the `?`: `lang`, `mode=stars`, and a rating somebody chose in an e-mail, which is only proposed, because mail servers open links.
    asked: Pairs,
}

impl FromRequestParts<App> for Link {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let asked: Pairs = pairs(parts.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
        let Path(token) = Path::<String>::from_request_parts(parts, app).await.unwrap_or_else(|_| Path(String::new()));
        let words = words::choose(all(&asked, "lang").next(), &parts.headers);
        let look = Look::of(parts);
        let dead = |status, why| sorry(status, words, &look, words.dead, why);
        if let Err(fault) = service::hold(app, None, source_ip(parts)) {
            return Err(sorry(log_and_status(&fault), words, &look, words.title, words.wait));
        }
        match service::check_token(app, &token) {
            Ok(()) => Ok(Self { app: app.clone(), token: token.trim().to_owned(), words, look, asked }),
            Err(TokenError::Expired) => Err(dead(StatusCode::GONE, words.expired)),
            Err(TokenError::Invalid) => Err(dead(StatusCode::UNAUTHORIZED, words.invalid)),
        }
    }
}

impl Link {
    fn stars(&self) -> bool {
        all(&self.asked, "mode").next() == Some("stars") || all(&self.asked, "stars").next().is_some()
    }

    /// Its address in this or another language.
    fn address(&self, lang: Option<&str>, more: &str) -> String {
        let lang = lang.or_else(|| all(&self.asked, "lang").next().map(|_| self.words.lang));
        let parts = [lang.map(|l| format!("lang={l}")), self.stars().then(|| "mode=stars".to_owned()), Some(more.to_owned())];
        let query = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/f/{}{mark}{query}", self.token)
    }
}

/// A page of two sentences.
fn sorry(status: StatusCode, words: &'static Words, look: &Look, title: &'static str, why: &'static str) -> Response {
    private_document(
        status,
        words.lang,
        title,
        look,
        Box::new(move || {
            view! { <main class="hosted page" id="main"><div class="page-head"><h1>{title}</h1></div><section class="card"><p>{why}</p></section></main> }.into_any()
        }),
    )
}

async fn page(link: Link) -> Response {
    let typed = link.asked.clone();
    render(link, typed, None).await
}

async fn say(link: Link, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form: Pairs = match read_form(&parts, body).await {
        Ok(form) => form,
        Err(fault) => return sorry(log_and_status(&fault), link.words, &link.look, link.words.title, link.words.of("failed")),
    };
    match service::submit(&link.app, None, feedback(&link.token, &form)).await {
        Ok(_) => {
            let mut response = redirect(&link.address(None, "thanks=1"), "");
            keep_private(&mut response);
            response
        }
        Err(fault) => render(link, form, Some(fault)).await,
    }
}

/// What a form says. Who is content is not asked what was wrong: what is left over of that does not count, and what was said of it before is taken back.
fn feedback(token: &str, form: &Pairs) -> NewFeedback {
    let one = |name| all(form, name).next();
    // Forms send the ends of lines as two characters, where the limits count one. A form always sends all its fields: an empty one takes nothing back.
    let text = |name| one(name).filter(|text| !text.is_empty()).map(|text| text.replace("\r\n", "\n"));
    let rating = match one("rating") {
        Some("up") => Some(Rating::Up),
        Some("down") => Some(Rating::Down),
        _ => None,
    };
    let stars = one("stars").and_then(|n| n.parse().ok());
    let content = rating == Some(Rating::Up) || stars.is_some_and(|n: i64| n > 2);
    let chosen: Vec<String> = all(form, "category").map(ToOwned::to_owned).collect();
    NewFeedback {
        token: Some(token.to_owned()),
        rating,
        stars,
        categories: if content { Some(Vec::new()) } else { Some(chosen).filter(|list| !list.is_empty()) },
        flag: one("flag").and_then(|word| Flag::ALL.into_iter().find(|flag| flag.as_str() == word)),
        comment: text("comment"),
        correction: if content { Some(String::new()) } else { text("correction") },
        ..NewFeedback::default()
    }
}

async fn render(link: Link, typed: Pairs, fault: Option<Fault>) -> Response {
    let words = link.words;
    let said = match service::status_of_link(&link.app, &link.token).await {
        Ok(said) => said,
        Err(fault) => return sorry(log_and_status(&fault), words, &link.look, words.title, words.of("failed")),
    };
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    let look = link.look.clone();
    private_document(
        status,
        words.lang,
        words.title,
        &look,
        Box::new(move || view_of(&link, &typed, said.as_ref(), fault.as_ref()).into_any()),
    )
}

fn view_of(link: &Link, typed: &Pairs, said: Option<&Status>, fault: Option<&Fault>) -> impl IntoView + use<> {
    let words = link.words;
    let wrong = fault.map(|fault| match fault {
        Fault::Invalid(fields) if fields.contains_key("rating") => words.of("empty").to_owned(),
        Fault::Invalid(_) => fault.to_string(),
        _ => words.of("failed").to_owned(),
    });
    let thanks = said.filter(|_| all(&link.asked, "thanks").next().is_some()).map(|_| {
        view! { <p class="flash" role="status"><Icon name="ok"/>{words.of("thanks")}</p> }
    });
    let languages = words::ALL.iter().filter(|other| other.lang != words.lang).map(|other| {
        view! { <a class="link" href=link.address(Some(other.lang), "") lang=other.lang hreflang=other.lang>{other.name}</a> }
    });
    view! {
        <main class="hosted page" id="main">
            <div class="page-head"><h1 class="row"><Icon name="comment"/>{words.title}</h1></div>
            {thanks}
            {said.map(|said| standing(words, said))}
            <form class="card stack" method="post" action=link.address(None, "")>
                <p>{if said.is_some() { words.again } else { words.intro }}</p>
                <FormError message=wrong/>
                {rating(link, typed)}
                {when_bad(words, typed)}
                {area(words, "comment", 4_000, typed)}
                {flags(words, typed)}
                <div class="row"><button class="btn primary">{words.of("send")}</button></div>
            </form>
            <p class="row small" aria-label=words.languages role="group">{languages.collect_view()}</p>
        </main>
    }
}

/// What became of what was said.
fn standing(words: &'static Words, said: &Status) -> impl IntoView + use<> {
    let (class, sentence) = match said.status {
        "resolved" => ("badge ok", words.resolved),
        "in_progress" => ("badge watch", words.in_progress),
        "in_review" => ("badge info", words.in_review),
        "closed" => ("badge", words.closed),
        _ => ("badge info", words.received),
    };
    let meanwhile = said.workaround.clone().map(|what| view! { <p><b>{words.meanwhile}</b>" "{what}</p> });
    view! {
        <section class="card stack" aria-labelledby="became"><h2 id="became">{words.became}</h2>
            <p><span class=class>{sentence}</span></p>{meanwhile}</section>
    }
}

fn rating(link: &Link, typed: &Pairs) -> impl IntoView + use<> {
    let words = link.words;
    let chosen = |name, value: &str| all(typed, name).next() == Some(value);
    let choices = if link.stars() {
        let star = |n: usize| {
            let (value, name) = (n.to_string(), words.of("star").replace('#', &n.to_string()));
            let low = if n < 3 { "low" } else { "" };
            let on = chosen("stars", &value);
            view! { <label class="chip"><input type="radio" name="stars" class=low checked=on aria-label=name value=value.clone()/>{value.clone()}<Icon name="star"/></label> }
        };
        (1..=5).map(star).collect_view().into_any()
    } else {
        let thumb = |value: &'static str, low: &'static str| {
            let on = chosen("rating", value);
            view! { <label class="chip"><input type="radio" name="rating" value=value class=low checked=on/><Icon name=value/>{words.of(value)}</label> }
        };
        [thumb("up", ""), thumb("down", "low")].collect_view().into_any()
    };
    view! { <fieldset class="checks"><legend>{words.of("rate")}</legend><div class="chips">{choices}</div></fieldset> }
}

/// What is asked of who is not content.
fn when_bad(words: &'static Words, typed: &Pairs) -> impl IntoView + use<> {
    let boxes = CATEGORIES.map(|word| {
        let on = all(typed, "category").any(|chosen| chosen == word);
        view! { <label class="chip"><input type="checkbox" name="category" value=word checked=on/>{words.of(word)}</label> }
    });
    view! {
        <div class="stack when-bad">
            <fieldset class="checks"><legend>{words.of("ask")}</legend><div class="chips">{boxes.collect_view()}</div></fieldset>
            {area(words, "correction", 20_000, typed)}
        </div>
    }
}

fn area(words: &'static Words, name: &'static str, most: usize, typed: &Pairs) -> impl IntoView + use<> {
    let label = words.of(if name == "correction" { "correct" } else { name });
    let text = all(typed, name).next().unwrap_or_default().to_owned();
    view! { <Field label=label id=name><textarea class="input" id=name name=name rows="3" maxlength=most>{text}</textarea></Field> }
}

fn flags(words: &'static Words, typed: &Pairs) -> impl IntoView + use<> {
    let mut choices = vec![(String::new(), words.of("none").to_owned())];
    choices.extend(Flag::ALL.map(|flag| (flag.as_str().to_owned(), words.of(flag.as_str()).to_owned())));
    let chosen = all(typed, "flag").next().unwrap_or_default().to_owned();
    fields::select(words.of("report"), "flag", "flag", choices, &chosen, None)
}

/// The page and its form.
pub fn router() -> Router<App> {
    Router::new().route("/f/{token}", get(page).post(say))
}
