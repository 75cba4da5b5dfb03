//! Making an issue of feedback or a theme, or putting feedback to one that is there.

use crate::pages::asked::{Form, Query};
use crate::pages::feedback::decide::{Pairs, all, ids};
use crate::pages::fields::{self, choices, with_first};
use crate::pages::shell::{Ctx, FormError, log_and_status, redirect};
use axum::http::StatusCode;
use axum::response::Response;
use hypercare::feedback::service::triage;
use hypercare::identity::model::Permission;
use hypercare::issues::model::{Impact, Issue, IssueFilter, Kind, Severity};
use hypercare::issues::service::{self, NewIssue, Proposal};
use hypercare::types::{Fault, Id, PageRequest};
use leptos::prelude::*;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Of {
    ids: String,
    theme: String,
    request: String,
}

impl Of {
    fn feedback(&self) -> Vec<Id> {
        self.ids.split(',').filter(|id| !id.is_empty()).map(|id| Id::from_text(id.to_owned())).collect()
    }

    fn theme(&self) -> Option<Id> {
        Some(self.theme.clone()).filter(|t| !t.is_empty()).map(Id::from_text)
    }
}

/// The bar of the inbox posts what is ticked; from here it goes on as an address that can be loaded again.
pub async fn from_ticked(_: Ctx, Form(form): Form<Pairs>) -> Response {
    let ids = ids(&form);
    if ids.is_empty() {
        return redirect("/feedback", "Tick what the issue is about first.");
    }
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    redirect(&format!("/issues/new?ids={}", ids.join(",")), "")
}

pub async fn form(ctx: Ctx, Query(of): Query<Of>) -> Response {
    render(&ctx, of, Vec::new(), None).await
}

async fn render(ctx: &Ctx, of: Of, typed: Pairs, fault: Option<Fault>) -> Response {
    let actor = ctx.actor();
    let loaded = async {
        actor.require(Permission::Triage)?;
        let feedback = of.feedback();
        let proposal = service::propose(&ctx.app, &actor, &feedback, of.theme().as_ref()).await?;
        let people = triage::assignees(&ctx.app, &actor).await?;
        let page = PageRequest { limit: Some(100), cursor: None };
        let open = service::list(&ctx.app, &actor, &IssueFilter::default(), &page).await?.items;
        Ok::<_, Fault>((proposal, people, open))
    };
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match loaded.await {
        Ok((proposal, people, open)) => ctx.page_with(
            status,
            "New issue",
            "/issues",
            Box::new(move || page(&of, &proposal, &people, &open, &typed, fault.as_ref()).into_any()),
        ),
        Err(fault) => ctx.fault(&fault),
    }
}

fn page(of: &Of, p: &Proposal, people: &[String], open: &[Issue], typed: &Pairs, fault: Option<&Fault>) -> impl IntoView + use<> {
    let wrong = fault.map(Fault::fields).unwrap_or_default();
    let whole = fault.filter(|_| wrong.is_empty()).map(ToString::to_string);
    let value = |name: &str, or: &str| typed.iter().find(|(n, _)| n == name).map_or_else(|| or.to_owned(), |(_, v)| v.clone());
    let n = of.feedback().len();
    let about = match (n, of.theme.is_empty()) {
        (0, true) => "It is about no feedback yet; some can be put to it later.".to_owned(),
        (0, false) => "All feedback of the theme becomes part of it.".to_owned(),
        (1, _) => "One piece of feedback becomes part of it.".to_owned(),
        (n, _) => format!("{n} pieces of feedback become part of it."),
    };
    let severity = fields::select(
        "Severity",
        "severity",
        "severity",
        choices(Severity::ALL, Severity::as_str, Severity::label),
        &value("severity", p.severity.as_str()),
        None,
    );
    let impact = fields::select(
        "How many it hits",
        "impact",
        "impact",
        choices(Impact::ALL, Impact::as_str, Impact::label),
        &value("impact", p.impact.as_str()),
        None,
    );
    let kind = fields::select("Type", "type", "type", choices(Kind::ALL, Kind::as_str, Kind::label), &value("type", p.kind.as_str()), None);
    let mut owners = with_first(("", "Nobody yet"), people);
    owners.insert(1, ("me".to_owned(), "Me".to_owned()));
    let owner = fields::select("Owner", "owner", "owner", owners, &value("owner", ""), wrong.get("owner").cloned());
    let title = fields::needed("Title", "title", "title", value("title", &p.title), wrong.get("title").cloned(), "");
    let description =
        fields::area("Description", "description", "description", value("description", ""), wrong.get("description").cloned());
    let hidden = view! { <input type="hidden" name="of" value=of.ids.clone()/><input type="hidden" name="theme" value=of.theme.clone()/><input type="hidden" name="request" value=of.request.clone()/> };
    let join = (n > 0 && !open.is_empty()).then(|| {
        let numbers = open.iter().map(|i| (i.number.to_string(), format!("#{} {}", i.number, i.title))).collect();
        let which = fields::select("Issue", "join", "number", numbers, "", None);
        view! {
            <section class="card"><header><h2>"Or put it to an issue that is there"</h2></header>
                <form method="post" action="/issues/join" class="stack"><input type="hidden" name="of" value=of.ids.clone()/>
                    {which}
                    <button class="btn">"Put it there"</button>
                </form></section>
        }
    });
    view! {
        <div class="page-head"><h1><a class="muted" href="/issues">"Issues"</a><span class="muted">" / "</span>"New issue"</h1></div>
        <div class="detail-grid">
            <section class="card"><form method="post" action="/issues" class="stack">
                {hidden}<FormError message=whole/>
                <p class="muted">{about}" Suggested because "{p.why.clone()}"."</p>
                {title}{description}
                <div class="fields">{severity}{impact}{kind}{owner}</div>
                <button class="btn primary">"Make the issue"</button>
            </form></section>
            {join}
        </div>
    }
}

pub async fn create(ctx: Ctx, Form(form): Form<Pairs>) -> Response {
    let one = |name| all(&form, name).next().map(str::to_owned);
    let of =
        Of { ids: one("of").unwrap_or_default(), theme: one("theme").unwrap_or_default(), request: one("request").unwrap_or_default() };
    let new = NewIssue {
        title: one("title").unwrap_or_default(),
        description: one("description").unwrap_or_default(),
        severity: one("severity").as_deref().and_then(Severity::parse),
        impact: one("impact").as_deref().and_then(Impact::parse),
        kind: one("type").as_deref().and_then(Kind::parse),
        owner: one("owner"),
        feedback: of.feedback(),
        theme: of.theme(),
        request: one("request").map(Id::from_text),
        ..NewIssue::default()
    };
    match service::create(&ctx.app, &ctx.actor(), new).await {
        Ok(issue) => redirect(&format!("/issues/{}", issue.number), "The issue is made."),
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => render(&ctx, of, form, Some(fault)).await,
    }
}

pub async fn join(ctx: Ctx, Form(form): Form<Pairs>) -> Response {
    let of = Of { ids: all(&form, "of").next().unwrap_or_default().to_owned(), ..Of::default() };
    let number = all(&form, "number").next().and_then(|n| n.parse().ok()).unwrap_or(0);
    match service::join(&ctx.app, &ctx.actor(), number, &of.feedback()).await {
        Ok(_) => redirect(&format!("/issues/{number}"), "The feedback is part of this issue now."),
        Err(fault) => ctx.fault(&fault),
    }
}
