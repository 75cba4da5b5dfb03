//! One piece of feedback: what was said, what the model saw, what was decided, and what can be.

use crate::pages::requests::{conversation, encode};
use crate::pages::shell::Ctx;
use crate::parts::format;
use crate::parts::items::{Ago, FeedbackIcon};
use hypercare::feedback::model::triage::{Decision, State};
use hypercare::feedback::model::{Feedback, FeedbackFilter, SURVEY, category_label};
use hypercare::feedback::service::{self, triage};
use hypercare::identity::model::Permission;
use hypercare::issues::model::{Clocks, Kind, Severity};
use hypercare::telemetry::model::RequestDetail;
use hypercare::types::{Fault, Id, Instant, PageRequest};
use leptos::prelude::*;

/// How many of the same theme are shown beside.
const BESIDE: u32 = 6;

/// Everything the page shows of one.
pub struct Item {
    pub feedback: Feedback,
    request: Option<RequestDetail>,
    history: Vec<Decision>,
    people: Vec<String>,
    similar: Vec<Feedback>,
    alike: i64,
    clocks: Clocks,
}

pub async fn load(ctx: &Ctx, id: &Id) -> Result<Item, Fault> {
    let (app, actor) = (&ctx.app, ctx.actor());
    let feedback = service::get(app, &actor, id).await?;
    let request = match &feedback.request {
        Some(id) if actor.may(Permission::ReadTraffic) => hypercare::telemetry::service::get_request(app, &actor, id).await.ok(),
        _ => None,
    };
    let people = if actor.may(Permission::Triage) { triage::assignees(app, &actor).await? } else { Vec::new() };
    let (mut similar, mut alike) = (Vec::new(), 0);
    if let Some(theme) = &feedback.theme {
        let same = FeedbackFilter { theme: Some(theme.id.to_string()), ..FeedbackFilter::default() };
        let page = PageRequest { limit: Some(BESIDE), cursor: None };
        similar = service::list(app, &actor, &same, &page).await?.items;
        similar.retain(|other| other.id != feedback.id);
        alike = service::count(app, &actor, &same).await? - 1;
    }
    let clocks = hypercare::issues::service::clocks(app).await?;
    Ok(Item { history: triage::history(app, &actor, id).await?, feedback, request, people, similar, alike, clocks })
}

pub fn view_of(item: Item, back: &str, may: bool, now: Instant) -> impl IntoView + use<> {
    let Item { feedback: f, request, history, people, similar, alike, clocks } = item;
    let actions = may.then(|| actions(&f, &people, back));
    let conversation = request.map(|d| {
        let body = if d.summary.restricted {
            view! { <p class="muted">"Body restricted to the safety team."</p> }.into_any()
        } else {
            conversation(&d).into_any()
        };
        view! { <section class="card" aria-label="The conversation"><header><h2>"What the model saw and said"</h2></header>{body}</section> }
    });
    let alike = f.theme.clone().map(|theme| {
        let href = format!("/themes/{}", theme.id);
        let rows = similar
            .into_iter()
            .take(5)
            .map(|s| {
                let words = s.comment.clone().unwrap_or_else(|| s.heading());
                view! { <li><a class="link" href=format!("/feedback?item={}", s.id)>{words}</a></li> }
            })
            .collect_view();
        let words = match alike {
            1 => "1 more like this".to_owned(),
            n => format!("{} more like this", format::grouped(n.max(0))),
        };
        view! { <section class="card stack" aria-label="Similar"><header><h2>{words}</h2><a class="link small" href=href>{theme.name}</a></header><ul class="plain-list small">{rows}</ul></section> }
    });
    view! {
        {said(&f, &clocks, now)}
        {actions}
        {conversation}
        {alike}
        {past(history, now)}
    }
}

fn said(f: &Feedback, clocks: &Clocks, now: Instant) -> impl IntoView + use<> {
    let from = [Some(f.channel.clone()), f.user.clone().map(|u| format!("user {u}")), f.route.clone(), f.prompt.clone(), f.variant.clone()];
    let from = from.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let categories = f.categories.iter().map(|c| view! { <span class="badge plain">{category_label(c)}</span> }).collect_view();
    let stars = f.stars.map(|n| view! { <span class="badge plain">{format!("{n} of 5 stars")}</span> });
    let flag = f.flag.map(|flag| view! { <span class="badge bad">{format!("Reported: {}", flag.label().to_lowercase())}</span> });
    let link = f.request.clone().map(|id| view! { <a class="link" href=format!("/requests/{id}")>"Open the request"</a> });
    let waiting = (f.request.is_none() && f.channel != SURVEY).then(
        || view! { <p class="muted">"The request it is about has not arrived in the log. It will be tied to it as soon as it does."</p> },
    );
    let restricted = f.restricted.then(|| view! { <p class="muted">"Body restricted to the safety team."</p> });
    view! {
        <section class="card stack" aria-label="What was said" data-item=f.id.to_string()>
            <div class="row wide">
                <h2 class="row"><FeedbackIcon feedback=f.clone()/>{f.heading()}</h2>
                <span class="small muted"><Ago at=f.created_at now=now ago=true/>" · "{from}</span>
            </div>
            {f.comment.clone().map(|c| view! { <blockquote>{c}</blockquote> })}
            {f.correction.clone().map(|c| view! { <p><b>"Should have been: "</b>{c}</p> })}
            {f.metadata.as_ref().map(context)}
            {restricted}
            <div class="chips">{flag}{stars}{categories}</div>
            {standing(f, clocks, now)}
            {waiting}
            <div class="row">{link}</div>
        </section>
    }
}

/// What the application said of where it was given.
fn context(metadata: &serde_json::Value) -> impl IntoView + use<> {
    let parts = metadata.as_object().into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        view! { <dt>{name.clone()}</dt><dd>{value}</dd> }
    });
    view! { <dl class="facts" aria-label="Context">{parts.collect_view()}</dl> }
}

/// Where it stands, in a line.
fn standing(f: &Feedback, clocks: &Clocks, now: Instant) -> impl IntoView + use<> {
    let given = f.triage.severity.is_some();
    let severity = format!("{}{}", f.severity().label(), if given { "" } else { "?" });
    let title = if given { "Given by a person".to_owned() } else { format!("Suggested: {}", f.suggested.why) };
    let kind = format!("{}{}", f.kind().label(), if f.triage.kind.is_some() { "" } else { "?" });
    let who = f.triage.assignee.clone().map_or_else(|| "nobody has it".to_owned(), |who| format!("assigned to {who}"));
    let issue = f.triage.issue.clone().map(|id| view! { <a class="link" href=format!("/issues/{id}")>"part of an issue"</a> });
    let due = (f.triage.state == State::New).then(|| {
        let due = f.due_at(clocks);
        if now > due {
            view! { <span class="badge bad">{format!("overdue by {}", format::age(due, now))}</span> }.into_any()
        } else {
            view! { <span class="small muted">{format!("to decide within {}", format::age(now, due))}</span> }.into_any()
        }
    });
    let why = (!given).then(|| view! { <span class="small muted">{title.clone()}</span> });
    view! {
        <div class="row"><span class="badge">{f.triage.state.label()}</span><span class=f.severity().badge() title=title.clone()>{severity}</span>
            <span class="badge plain">{kind}</span><span class="small muted">{who}</span>{issue}{due}</div>
        <div class="row">{why}</div>
    }
}

fn actions(f: &Feedback, people: &[String], back: &str) -> impl IntoView + use<> {
    let hidden = {
        let (id, seen, back) = (f.id.to_string(), format!("{}:{}", f.id, f.revision), back.to_owned());
        move || {
            view! { <input type="hidden" name="ids" value=id.clone()/><input type="hidden" name="seen" value=seen.clone()/><input type="hidden" name="back" value=back.clone()/> }
        }
    };
    let severities = Severity::ALL.iter().map(|s| {
        view! { <option value=s.as_str() selected=f.triage.severity == Some(*s)>{s.label()}</option> }
    });
    let kinds = Kind::ALL.iter().map(|k| view! { <option value=k.as_str() selected=f.triage.kind == Some(*k)>{k.label()}</option> });
    let people = people
        .iter()
        .map(|who| view! { <option value=who.clone() selected=f.triage.assignee.as_ref() == Some(who)>{who.clone()}</option> });
    let none = |set: bool, words: &'static str| view! { <option value="" selected=!set>{words}</option> };
    view! {
        <section class="card stack decide" aria-label="Decide">
            <form method="post" action="/feedback/decide" class="row">
                {hidden()}
                <a class="btn primary" href=format!("/issues/new?ids={}", encode(f.id.as_str()))>"Make issue "<kbd>"i"</kbd></a>
                <button class="btn" name="state" value="done">"Done "<kbd>"e"</kbd></button>
                <button class="btn" name="state" value="review">"To review "<kbd>"r"</kbd></button>
                <button class="btn" name="assignee" value="me">"Take "<kbd>"a"</kbd></button>
                <button class="btn quiet" name="state" value="spam">"Spam "<kbd>"s"</kbd></button>
                <button class="btn quiet" formaction="/feedback/undo">"Undo "<kbd>"u"</kbd></button>
            </form>
            <div class="row selects">
                <form method="post" action="/feedback/decide" class="row">{hidden()}
                    <select class="input" name="severity" aria-label="Severity">{none(f.triage.severity.is_some(), "Severity")}{severities.collect_view()}</select><button class="btn quiet set">"Set"</button></form>
                <form method="post" action="/feedback/decide" class="row">{hidden()}
                    <select class="input" name="type" aria-label="Type">{none(f.triage.kind.is_some(), "Type")}{kinds.collect_view()}</select><button class="btn quiet set">"Set"</button></form>
                <form method="post" action="/feedback/decide" class="row">{hidden()}
                    <select class="input" name="assignee" aria-label="Assigned to">{none(f.triage.assignee.is_some(), "Assign to")}<option value="nobody">"Nobody"</option>{people.collect_view()}</select><button class="btn quiet set">"Set"</button></form>
            </div>
        </section>
    }
}

fn past(history: Vec<Decision>, now: Instant) -> impl IntoView {
    (!history.is_empty()).then(|| {
        let n = history.len();
        let rows = history
            .into_iter()
            .map(|d| view! { <li><b>{d.actor}</b>" "{d.words}" "<span class="muted"><Ago at=d.at now=now ago=true/></span></li> })
            .collect_view();
        view! { <details class="card more"><summary><h2>{format!("Decisions · {n}")}</h2></summary><ul class="plain-list small">{rows}</ul></details> }
    })
}
