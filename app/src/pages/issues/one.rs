//! One issue: what is known, why it happened, what was done, and whether that helped.

use super::clock;
use crate::pages::asked::Form;
use crate::pages::feedback::decide::{Pairs, all};
use crate::pages::fields::{self, choices, with_first};
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, FormError, log_and_status, redirect};
use crate::parts::format;
use crate::parts::items::{Ago, When};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use hypercare::feedback::model::CATEGORIES;
use hypercare::feedback::service::triage;
use hypercare::identity::model::Permission;
use hypercare::issues::model::{
    Cause, CauseClass, Event, EventKind, FixKind, Impact, Issue, Kind, Measure, Metric, Outcome, PublicNote, Release, Severity, State,
    Verdict,
};
use hypercare::issues::service::{self, NewFix, Update, fix};
use hypercare::types::{Fault, Instant};
use leptos::prelude::*;

/// What was typed into a form that was refused, and why.
#[derive(Default)]
struct Refused {
    typed: Pairs,
    fault: Option<Fault>,
}

impl Refused {
    /// The typed value of a field, or the stored one.
    fn value(&self, name: &str, stored: &str) -> String {
        self.typed.iter().find(|(n, _)| n == name).map_or_else(|| stored.to_owned(), |(_, v)| v.clone())
    }

    fn error(&self, field: &str) -> Option<String> {
        self.fault.as_ref().and_then(|f| f.fields().get(field).cloned())
    }

    /// What is wrong, above everything; a field that has a place of its own says it there too.
    fn whole(&self) -> Option<String> {
        let fault = self.fault.as_ref()?;
        let fields = fault.fields();
        if fields.is_empty() {
            return Some(fault.to_string());
        }
        Some(fields.iter().map(|(name, why)| format!("{name} {why}")).collect::<Vec<_>>().join(" "))
    }
}

struct Shown {
    issue: Issue,
    timeline: Vec<Event>,
    people: Vec<String>,
    may: bool,
    now: Instant,
    refused: Refused,
}

pub async fn show(ctx: Ctx, Path(id): Path<String>) -> Response {
    render(&ctx, &id, Refused::default()).await
}

async fn render(ctx: &Ctx, id: &str, refused: Refused) -> Response {
    let actor = ctx.actor();
    let status = refused.fault.as_ref().map_or(StatusCode::OK, log_and_status);
    let loaded = async {
        let number = service::number_of(&ctx.app, &actor, id).await?;
        let issue = service::get(&ctx.app, &actor, number).await?;
        let timeline = service::timeline(&ctx.app, &actor, &issue).await?;
        let may = actor.may(Permission::Triage);
        let people = if may { triage::assignees(&ctx.app, &actor).await? } else { Vec::new() };
        Ok::<_, Fault>(Shown { issue, timeline, people, may, now: ctx.app.now(), refused })
    };
    match loaded.await {
        Ok(shown) => {
            let title = format!("#{} {}", shown.issue.number, shown.issue.title);
            ctx.page_with(status, &title, "/issues", Box::new(move || page(&shown).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn page(s: &Shown) -> impl IntoView + use<> {
    let i = &s.issue;
    let description = (!i.description.is_empty()).then(|| view! { <p class="answer">{i.description.clone()}</p> });
    let feedback = format!("/feedback?state=&issue={}", i.id);
    let n = i.feedback;
    let external = i.external_url.clone().map(|url| view! { <a class="link" href=url rel="noreferrer">"In the other tracker"</a> });
    let theme = i.theme.clone().map(|id| view! { <a class="link" href=format!("/themes/{id}")>"Its theme"</a> });
    view! {
        <div class="page-head"><h1><a class="muted" href="/issues">"Issues"</a><span class="muted">{format!(" / #{} ", i.number)}</span>{i.title.clone()}</h1></div>
        <FormError message=s.refused.whole()/>
        <div class="detail-grid">
            <div class="stack">
                <section class="card stack" aria-label="Where it stands">
                    <div class="row"><span class=i.severity.badge()>{i.severity.label()}</span><span class="badge">{i.state.label()}</span><span class="badge plain">{i.kind.label()}</span><span class="badge plain">{i.impact.label()}</span>{clock(i, s.now)}
                        <span class="small muted">{i.owner.clone().map_or_else(|| "nobody has it".to_owned(), |who| format!("{who} has it"))}</span></div>
                    {description}
                    {(!i.blocked.is_empty()).then(|| view! { <p><b>"Blocked: "</b>{i.blocked.clone()}</p> })}
                    <p class="small muted">"Made by "{i.created_by.clone()}" "<Ago at=i.created_at now=s.now ago=true/>"; began "<When at=i.started_at/></p>
                    <div class="row"><a class="link" href=feedback>{if n == 1 { "1 piece of feedback".to_owned() } else { format!("{} pieces of feedback", format::grouped(n)) }}</a>{theme}{external}</div>
                    {s.may.then(|| states(i))}
                </section>
                {numbers(i)}
                {s.may.then(|| cause(s))}
                {s.may.then(|| fix_form(s))}
                {(!s.may).then(|| cause_read(i))}
                {timeline(s)}
            </div>
            {s.may.then(|| view! { <div class="stack">{facts(s)}{public(s)}</div> })}
        </div>
    }
}

fn action(i: &Issue) -> String {
    format!("/issues/{}", i.number)
}

fn revision(i: &Issue) -> impl IntoView + use<> {
    view! { <input type="hidden" name="revision" value=i.revision.to_string()/> }
}

/// A button for each state it can go to.
fn states(i: &Issue) -> impl IntoView + use<> {
    let buttons = i.state.next().iter().map(|state| {
        let words = match state {
            State::Closed if i.can_close() => "Close: it is better",
            State::Closed => "Close",
            State::Open => "Open again",
            State::Investigating => "Look into it",
            State::Fixing => "A fix is made",
            State::Monitoring => "Watch the fix",
            State::WontFix => "Won’t fix",
        };
        let class = if *state == State::Closed && i.can_close() { "btn primary" } else { "btn" };
        view! { <button class=class name="state" value=state.as_str()>{words}</button> }
    });
    let take = i.owner.is_none().then(|| view! { <button class="btn primary" name="owner" value="me">"Take it"</button> });
    view! { <form method="post" action=action(i) class="row" aria-label="Go on">{revision(i)}{take}{buttons.collect_view()}</form> }
}

/// Before and after, with what that means.
fn numbers(i: &Issue) -> impl IntoView + use<> {
    let metric = i.metric.as_ref()?;
    let what = match (&metric.measure, &metric.category, &metric.route) {
        (measure, Some(category), _) => format!("{} ({})", measure.label(), hypercare::feedback::model::category_label(category)),
        (measure, None, _) => measure.label().to_owned(),
    };
    let route = metric.route.clone().map(|r| format!(" on {r}")).unwrap_or_default();
    let body = match (&i.fix, &i.verdict) {
        (None, _) => view! { <p class="muted">"It is compared as soon as a fix is named."</p> }.into_any(),
        (Some(_), None) => view! { <p class="muted">"The first numbers are there in a few seconds."</p> }.into_any(),
        (Some(_), Some(verdict)) => compared(verdict, i).into_any(),
    };
    Some(
        view! { <section class="card stack" aria-label="The number that must move"><header><h2>"The number that must move"</h2><span class="small muted">{what}{route}</span></header>{body}</section> },
    )
}

fn compared(v: &Verdict, i: &Issue) -> impl IntoView + use<> {
    let class = match v.outcome {
        Outcome::Better => "badge ok",
        Outcome::Worse => "badge bad",
        Outcome::TooLittle | Outcome::Unclear => "badge watch",
    };
    let most = [v.before, v.after].iter().filter_map(|s| s.value()).fold(0.000_1, f64::max);
    let bar = |label: &'static str, share: hypercare::issues::model::Share, class: &'static str| {
        let value = share.value();
        let width = format!("width:{:.1}%", value.unwrap_or(0.0) / most * 100.0);
        let words = value.map_or_else(|| "no calls".to_owned(), |v| format!("{} %", format::percent(v)));
        view! { <div class="timing"><span class="small">{label}<span class="muted">{format!(" · {} of {}", share.hits, share.of)}</span></span><span class="track"><i class=class style=width></i></span><span class="num">{words}</span></div> }
    };
    let close = i.can_close().then(|| view! { <p>"The whole interval is below zero: this issue can be closed."</p> });
    view! {
        <div class="row"><span class=class>{v.outcome.label()}</span></div>
        <div>{bar("Without the fix", v.before, "bad")}{bar("With the fix", v.after, "ok")}</div>
        <p class="small">{v.sentence(fix::of_what(i))}</p>
        {close}
    }
}

fn cause_read(i: &Issue) -> impl IntoView + use<> {
    i.cause.clone().map(|c| {
        view! { <section class="card stack"><header><h2>"Why it happened"</h2></header><p>{c.what}</p><ol>{c.whys.into_iter().map(|w| view! { <li>{w}</li> }).collect_view()}</ol></section> }
    })
}

fn cause(s: &Shown) -> impl IntoView + use<> {
    let (i, r) = (&s.issue, &s.refused);
    let known = i.cause.as_ref();
    let class = fields::select(
        "Where the cause lies",
        "cause-class",
        "class",
        choices(CauseClass::ALL, CauseClass::as_str, CauseClass::label),
        &r.value("class", known.map_or("prompt", |c| c.class.as_str())),
        None,
    );
    let what = fields::needed(
        "What happened",
        "cause-what",
        "cause_what",
        r.value("cause_what", known.map_or("", |c| &c.what)),
        r.error("cause.what"),
        "",
    );
    let whys = (0..5).map(|n| {
        let (name, id) = (format!("why{n}"), format!("why-{n}"));
        let value = r.value(&name, known.and_then(|c| c.whys.get(n)).map_or("", String::as_str));
        let label = if n == 0 { "Why?" } else { "And why that?" };
        view! { <div class="field"><label for=id.clone()>{label}</label><input class="input" id=id name=name maxlength="1000" value=value/></div> }
    });
    let open = known.is_none() && i.state == State::Investigating || r.error("cause.what").is_some();
    view! {
        <details class="card more" open=open><summary><h2>"Why it happened"</h2>{known.map(|c| view! { " "<span class="badge plain">{c.class.label()}</span>" "<span class="small">{c.what.clone()}</span> })}</summary>
            <form method="post" action=action(i) class="stack">{revision(i)}
                {what}{whys.collect_view()}{class}
                <button class="btn">"Save the cause"</button>
            </form>
        </details>
    }
}

fn fix_form(s: &Shown) -> impl IntoView + use<> {
    let (i, r) = (&s.issue, &s.refused);
    let known = i.fix.as_ref();
    let kind = fields::select(
        "Kind of fix",
        "fix-kind",
        "fix_kind",
        choices(FixKind::ALL, FixKind::as_str, FixKind::label),
        &r.value("fix_kind", known.map_or("prompt_version", |f| f.kind.as_str())),
        None,
    );
    let help = "A prompt and its version like support@12, a route, a model, or the name of a release";
    let which =
        fields::needed("Which", "fix-what", "fix_what", r.value("fix_what", known.map_or("", |f| &f.what)), r.error("fix.what"), help);
    let link = known.and_then(|f| match f.kind {
        FixKind::PromptVersion => f.what.rsplit_once('@').map(|(name, _)| format!("/prompts/{}", encode(name))),
        FixKind::RouteChange => Some(format!("/routes/{}", encode(&f.what))),
        FixKind::Model | FixKind::Release => None,
    });
    let said = known.map(|f| {
        view! { " "<span class="badge plain">{f.kind.label()}</span>" "<span class="small">{f.what.clone()}" since "<When at=f.at/></span> }
    });
    // Not within the summary: what opens something cannot hold what leads elsewhere.
    let link = link.zip(known).map(|(href, f)| view! { <p><a class="link" href=href>{format!("Open {}", f.what)}</a></p> });
    let proven = known.filter(|f| !f.proven_on.is_empty()).map(|f| {
        let list = f.proven_on.iter().map(Release::label).collect::<Vec<_>>().join(", ");
        view! { <p class="small">{format!("Proven on {list}. Trouble on anything older, or on another model, does not open this issue again.")}</p> }
    });
    let open = known.is_none() && i.state == State::Fixing || r.error("fix.what").is_some();
    view! {
        <details class="card more" open=open><summary><h2>"What was done"</h2>{said}</summary>
            {link}{proven}
            <form method="post" action=action(i) class="stack">{revision(i)}
                <div class="fields">{kind}{which}</div>
                <p class="small muted">"From now on calls with it are compared to calls without it."</p>
                <button class="btn">"Save the fix"</button>
            </form>
            {metric_form(s)}
        </details>
    }
}

fn metric_form(s: &Shown) -> impl IntoView + use<> {
    let (i, r) = (&s.issue, &s.refused);
    let known = i.metric.as_ref();
    let measure = r.value("measure", known.map_or("thumbs_down", |m| m.measure.as_str()));
    let measure = fields::select(
        "The number that must move",
        "measure",
        "measure",
        choices(Measure::ALL, Measure::as_str, Measure::label),
        &measure,
        None,
    );
    let mut categories = vec![(String::new(), "None".to_owned())];
    categories.extend(CATEGORIES.iter().map(|(word, label)| ((*word).to_owned(), (*label).to_owned())));
    let category = r.value("category", known.and_then(|m| m.category.as_deref()).unwrap_or(""));
    let category = fields::select("Category", "metric-category", "category", categories, &category, r.error("metric.category"));
    let route = r.value("metric_route", known.and_then(|m| m.route.as_deref()).unwrap_or(""));
    let route = fields::text("Only on route", "metric-route", "metric_route", route, r.error("metric.route"), "");
    let variant = r.value("metric_variant", known.and_then(|m| m.variant.as_deref()).unwrap_or(""));
    let variant = fields::text("Only of variant", "metric-variant", "metric_variant", variant, r.error("metric.variant"), "");
    view! {
        <form method="post" action=action(i) class="stack">{revision(i)}
            <div class="fields">{measure}{category}{route}{variant}</div>
            <button class="btn">"Save the number"</button>
        </form>
    }
}

fn facts(s: &Shown) -> impl IntoView + use<> {
    let (i, r) = (&s.issue, &s.refused);
    let rows = [
        fields::needed("Title", "title", "title", r.value("title", &i.title), r.error("title"), ""),
        fields::area("Description", "description", "description", r.value("description", &i.description), r.error("description")),
        fields::select(
            "Severity",
            "severity",
            "severity",
            choices(Severity::ALL, Severity::as_str, Severity::label),
            &r.value("severity", i.severity.as_str()),
            None,
        ),
        fields::select(
            "How many it hits",
            "impact",
            "impact",
            choices(Impact::ALL, Impact::as_str, Impact::label),
            &r.value("impact", i.impact.as_str()),
            None,
        ),
        fields::select("Type", "type", "type", choices(Kind::ALL, Kind::as_str, Kind::label), &r.value("type", i.kind.as_str()), None),
        fields::select(
            "Owner",
            "owner",
            "owner",
            with_first(("", "Nobody"), &s.people),
            &r.value("owner", i.owner.as_deref().unwrap_or("")),
            r.error("owner"),
        ),
        fields::text("Blocked by", "blocked", "blocked", r.value("blocked", &i.blocked), r.error("blocked"), ""),
        fields::text(
            "Its page in another tracker",
            "external",
            "external_url",
            r.value("external_url", i.external_url.as_deref().unwrap_or("")),
            r.error("external_url"),
            "",
        ),
    ];
    view! {
        <section class="card"><header><h2>"Facts"</h2></header>
            <form method="post" action=action(i) class="stack">{revision(i)}<input type="hidden" name="facts" value="1"/>
                {rows.collect_view()}
                <button class="btn">"Save"</button>
            </form>
        </section>
    }
}

fn public(s: &Shown) -> impl IntoView + use<> {
    let (i, r) = (&s.issue, &s.refused);
    let known = i.public.as_ref();
    let state = if known.is_some() { "on the public page" } else { "not public" };
    let title = fields::text(
        "In words for users",
        "public-title",
        "public_title",
        r.value("public_title", known.map_or("", |p| &p.title)),
        r.error("public.title"),
        "Empty takes it off the public page",
    );
    let workaround = fields::area(
        "What they can do meanwhile",
        "public-workaround",
        "public_workaround",
        r.value("public_workaround", known.map_or("", |p| &p.workaround)),
        r.error("public.workaround"),
    );
    view! {
        <section class="card"><header><h2>"What users are told"</h2><a class="link small" href="/status">{state}</a></header>
            <form method="post" action=action(i) class="stack">{revision(i)}<input type="hidden" name="public" value="1"/>
                {title}{workaround}
                <button class="btn">"Save"</button>
            </form>
        </section>
    }
}

fn timeline(s: &Shown) -> impl IntoView + use<> {
    let rows = s.timeline.iter().rev().map(|e| {
        let words = match e.link.clone() {
            Some(link) => view! { <a class="link" href=link rel="noreferrer">{e.words.clone()}</a> }.into_any(),
            None => e.words.clone().into_any(),
        };
        let class = match e.kind {
            EventKind::Regression => "badge bad",
            EventKind::Verdict => "badge info",
            _ => "badge plain",
        };
        view! { <li><div class="row"><span class=class>{e.kind.label()}</span><span class="small muted">{e.actor.clone()}" · "<When at=e.at/></span></div><p class="answer">{words}</p></li> }
    });
    let note = s.may.then(|| {
        let words = fields::area("Add a note", "note", "words", s.refused.value("words", ""), s.refused.error("words"));
        let link = fields::text(
            "Link",
            "note-link",
            "link",
            s.refused.value("link", ""),
            s.refused.error("link"),
            "A page here like /requests/…, or an address",
        );
        view! {
            <form method="post" action=format!("/issues/{}/notes", s.issue.number) class="stack">
                {words}{link}
                <button class="btn">"Add"</button>
            </form>
        }
    });
    view! { <section class="card stack" aria-label="Timeline"><header><h2>"Timeline"</h2></header>{note}<ul class="timeline">{rows.collect_view()}</ul></section> }
}

/// A form names what it changes; the rest stays.
fn read(form: &Pairs) -> Update {
    let one = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let filled = |name| all(form, name).next().map(str::to_owned);
    let facts = one("facts").is_some();
    Update {
        revision: filled("revision").and_then(|r| r.parse().ok()),
        title: one("title"),
        description: one("description"),
        severity: filled("severity").as_deref().and_then(Severity::parse),
        impact: filled("impact").as_deref().and_then(Impact::parse),
        kind: filled("type").as_deref().and_then(Kind::parse),
        state: filled("state").as_deref().and_then(State::parse),
        owner: if facts { one("owner") } else { filled("owner") },
        watchers: None,
        blocked: one("blocked"),
        cause: one("cause_what").map(|what| Cause {
            what,
            whys: (0..5).filter_map(|n| one(&format!("why{n}"))).filter(|w| !w.trim().is_empty()).collect(),
            class: filled("class").as_deref().and_then(CauseClass::parse).unwrap_or(CauseClass::Prompt),
        }),
        fix: one("fix_what").map(|what| NewFix {
            kind: filled("fix_kind").as_deref().and_then(FixKind::parse).unwrap_or(FixKind::PromptVersion),
            what,
            at: None,
        }),
        metric: filled("measure").as_deref().and_then(Measure::parse).map(|measure| Metric {
            category: filled("category").filter(|_| measure == Measure::Category),
            measure,
            route: filled("metric_route"),
            variant: filled("metric_variant"),
        }),
        public: one("public").map(|_| PublicNote {
            title: one("public_title").unwrap_or_default(),
            workaround: one("public_workaround").unwrap_or_default(),
        }),
        external_url: one("external_url"),
    }
}

pub async fn update(ctx: Ctx, Path(id): Path<String>, Form(form): Form<Pairs>) -> Response {
    let saved = async {
        let number = service::number_of(&ctx.app, &ctx.actor(), &id).await?;
        service::update(&ctx.app, &ctx.actor(), number, read(&form)).await
    };
    match saved.await {
        Ok(issue) => redirect(&format!("/issues/{}", issue.number), "Saved."),
        Err(fault @ (Fault::Forbidden(_) | Fault::NotFound(_))) => ctx.fault(&fault),
        Err(fault) => render(&ctx, &id, Refused { typed: form, fault: Some(fault) }).await,
    }
}

pub async fn add_note(ctx: Ctx, Path(id): Path<String>, Form(form): Form<Pairs>) -> Response {
    let (words, link) = (all(&form, "words").next().unwrap_or_default(), all(&form, "link").next());
    let saved = async {
        let number = service::number_of(&ctx.app, &ctx.actor(), &id).await?;
        service::add_note(&ctx.app, &ctx.actor(), number, words, link).await?;
        Ok::<_, Fault>(number)
    };
    match saved.await {
        Ok(number) => redirect(&format!("/issues/{number}"), "Noted."),
        Err(fault @ (Fault::Forbidden(_) | Fault::NotFound(_))) => ctx.fault(&fault),
        Err(fault) => render(&ctx, &id, Refused { typed: form, fault: Some(fault) }).await,
    }
}
