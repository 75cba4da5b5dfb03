//! The playground: versions × models × cases side by side, through the real gateway. Without JavaScript the page comes when all answers are there; with it
//! each answer streams into its place.

use super::trail;
use crate::islands::playground::{Cell, PlaygroundRun};
use crate::pages::asked::{Form, Query};
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, FormError, log_and_status};
use crate::parts::format;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt as _;
use hypercare::identity::Actor;
use hypercare::identity::model::Permission;
use hypercare::prompts::diff;
use hypercare::prompts::model::Prompt;
use hypercare::prompts::model::cases::{Case, CaseContent, Tryout};
use hypercare::prompts::service::cases::Candidate;
use hypercare::prompts::service::{self, cases};
use hypercare::server::App;
use hypercare::types::Fault;
use leptos::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Most calls of one run of the playground.
const MOST_CELLS: usize = 48;
/// Calls under way at once.
const AT_ONCE: usize = 4;

/// `provider/model` of everything routes use.
pub(super) type Targets = Vec<String>;

/// What can be asked: everything routes use, and models with a price of one's own.
pub(super) async fn targets(app: &App, actor: &Actor) -> Result<Targets, Fault> {
    let mut known = BTreeSet::new();
    for route in hypercare::routing::service::list(app, actor).await? {
        known.extend(route.variants.iter().map(|v| format!("{}/{}", v.provider, v.model)));
        known.extend(route.failover.targets.iter().map(|t| format!("{}/{}", t.provider, t.model)));
    }
    Ok(known.into_iter().collect())
}

/// A field for `provider/model` with everything known to choose from.
pub(super) fn target_field(id: &'static str, name: &'static str, targets: &Targets, value: Option<&String>) -> impl IntoView + use<> {
    let list = format!("{id}-known");
    let options = targets.iter().map(|t| view! { <option value=t.clone()></option> }).collect_view();
    view! {
        <input class="input" id=id name=name list=list.clone() value=value.cloned().unwrap_or_default() placeholder="provider/model"/>
        <datalist id=list>{options}</datalist>
    }
}

/// What was chosen.
#[derive(Clone, Debug, Default)]
struct Chosen {
    versions: Vec<u32>,
    targets: Vec<String>,
    cases: Vec<String>,
    asks: String,
    variables: String,
}

impl Chosen {
    fn from_form(pairs: Vec<(String, String)>) -> Self {
        let mut chosen = Self::default();
        for (key, value) in pairs {
            match key.as_str() {
                "version" => chosen.versions.extend(value.parse::<u32>()),
                "target" if !value.trim().is_empty() => chosen.targets.push(value.trim().to_owned()),
                "case" => chosen.cases.push(value),
                "asks" => chosen.asks = value.replace("\r\n", "\n"),
                "variables" => chosen.variables = value,
                _ => {}
            }
        }
        chosen.targets.dedup();
        chosen
    }

    /// What is asked, with its name.
    fn questions(&self, saved: &[Case]) -> Result<Vec<(String, CaseContent)>, Fault> {
        let mut out: Vec<(String, CaseContent)> =
            saved.iter().filter(|case| self.cases.contains(&case.name)).map(|case| (case.name.clone(), case.content.clone())).collect();
        if !self.asks.trim().is_empty() {
            let variables: BTreeMap<_, _> = if self.variables.trim().is_empty() {
                BTreeMap::new()
            } else {
                serde_json::from_str(&self.variables)
                    .map_err(|e| Fault::field("Values of variables", format!("must be a JSON object, like {{\"shop\": \"Acme\"}}: {e}")))?
            };
            let messages = vec![json!({ "role": "user", "content": self.asks })];
            out.push(("What you wrote".to_owned(), CaseContent { messages, variables, ..CaseContent::default() }));
        }
        let cells = out.len() * self.versions.len() * self.targets.len();
        if cells == 0 {
            return Err(Fault::field("Choose", "at least one version, one model, and either a saved case or what the user says"));
        }
        if cells > MOST_CELLS {
            return Err(Fault::field("Choose", format!("less: this would be {cells} calls, and {MOST_CELLS} are the most at once")));
        }
        Ok(out)
    }

    /// Versions × models, in the order of the columns.
    fn columns(&self) -> Vec<(u32, String)> {
        self.versions.iter().flat_map(|v| self.targets.iter().map(move |t| (*v, t.clone()))).collect()
    }
}

/// One row of the table: a question and the answers to it, in the order of the columns.
struct Answers {
    name: String,
    asks: String,
    cells: Vec<Tryout>,
}

struct Shown {
    prompt: Prompt,
    saved: Vec<Case>,
    targets: Targets,
    chosen: Chosen,
    answers: Vec<Answers>,
    fault: Option<Fault>,
    may: bool,
}

async fn load(ctx: &Ctx, name: &str, chosen: Chosen) -> Result<Shown, Fault> {
    let (app, actor) = (&ctx.app, ctx.actor());
    let prompt = service::get(app, &actor, name).await?;
    let saved = cases::list(app, &actor, name).await?;
    let targets = targets(app, &actor).await?;
    let may = actor.may(Permission::WritePrompts);
    Ok(Shown { prompt, saved, targets, chosen, answers: Vec::new(), fault: None, may })
}

fn page(ctx: &Ctx, shown: Shown) -> Response {
    let status = shown.fault.as_ref().map_or(StatusCode::OK, log_and_status);
    ctx.page_with(status, "Playground", "/prompts", Box::new(move || view_of(shown).into_any()))
}

async fn open(ctx: Ctx, Path(name): Path<String>, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    match load(&ctx, &name, Chosen::from_form(pairs)).await {
        Ok(mut shown) => {
            let (chosen, prompt) = (&mut shown.chosen, &shown.prompt);
            if chosen.versions.is_empty() {
                // What is in use, and the newest beside it.
                let live = prompt.labels.iter().find(|l| l.label == "production").map(|l| l.version);
                let newest = prompt.versions.first().map(|v| v.version);
                chosen.versions = live.into_iter().chain(newest.filter(|n| live != Some(*n))).collect();
            }
            if chosen.targets.is_empty() {
                chosen.targets.extend(shown.targets.first().cloned());
            }
            page(&ctx, shown)
        }
        Err(fault) => ctx.fault(&fault),
    }
}

async fn run(ctx: Ctx, Path(name): Path<String>, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    if let Err(fault) = ctx.actor().require(Permission::WritePrompts) {
        return ctx.fault(&fault);
    }
    let mut shown = match load(&ctx, &name, Chosen::from_form(pairs)).await {
        Ok(shown) => shown,
        Err(fault) => return ctx.fault(&fault),
    };
    match ask_all(&ctx, &shown).await {
        Ok(answers) => shown.answers = answers,
        Err(fault) => shown.fault = Some(fault),
    }
    page(&ctx, shown)
}

async fn ask_all(ctx: &Ctx, shown: &Shown) -> Result<Vec<Answers>, Fault> {
    let questions = shown.chosen.questions(&shown.saved)?;
    let columns = shown.chosen.columns();
    let (app, actor, name) = (&ctx.app, &ctx.actor(), &shown.prompt.name);
    let mut calls = Vec::new();
    for (_, case) in &questions {
        for (version, target) in &columns {
            let (provider, model) =
                target.split_once('/').ok_or_else(|| Fault::field("Model", format!("`{target}` must be like provider/model")))?;
            calls.push(async move { cases::try_out(app, actor, name, &Candidate::Version(*version), (provider, model), case).await });
        }
    }
    let mut done = futures_util::stream::iter(calls).buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter();
    let mut answers = Vec::new();
    for (name, case) in questions {
        let row = done.by_ref().take(columns.len()).collect::<Result<Vec<_>, _>>()?;
        answers.push(Answers { name, asks: case.asks(), cells: row });
    }
    Ok(answers)
}

fn view_of(shown: Shown) -> impl IntoView {
    let Shown { prompt, saved, targets, chosen, answers, fault, may } = shown;
    let message = fault
        .map(|f| f.fields().into_iter().map(|(field, why)| format!("{field} {why}")).collect::<Vec<_>>().join(" "))
        .filter(|m| !m.is_empty());
    let action = format!("/prompts/{}/playground", encode(&prompt.name));
    let button = if may {
        view! { <div class="row"><button class="btn primary">"Run"</button><span class="small muted">"real calls through the gateway, marked as such in the log"</span></div> }.into_any()
    } else {
        view! { <p class="muted">"Your role only looks: running costs money."</p> }.into_any()
    };
    let columns = chosen.columns();
    let results = (!answers.is_empty()).then(|| results(&columns, answers));
    let cells = cells_of(&prompt.name, &saved);
    view! {
        <div class="page-head">{trail(&prompt.name, "Playground")}</div>
        <form method="post" action=action class="card stack" id="playground">
            <FormError message=message/>
            <div class="fields">{version_choice(&prompt, &chosen)}{target_choice(&targets, &chosen)}{case_choice(&saved, &chosen)}</div>
            <div class="fields">
                <div class="field wide"><label for="asks">"What the user says"</label><textarea class="input" id="asks" name="asks" rows="3">{chosen.asks.clone()}</textarea></div>
                <div class="field wide"><label for="variables">"Values of variables"</label><textarea class="input mono" id="variables" name="variables" rows="1" placeholder="{\"shop\": \"Acme\"}">{chosen.variables.clone()}</textarea></div>
            </div>
            {button}
        </form>
        <PlaygroundRun prompt=prompt.name.clone() saved=cells most=MOST_CELLS/>
        <div id="playground-results">{results}</div>
    }
}

/// Saved cases as the browser sends them.
fn cells_of(_prompt: &str, saved: &[Case]) -> Vec<Cell> {
    let cell = |case: &Case| Cell {
        name: case.name.clone(),
        asks: case.content.asks(),
        body: json!({ "messages": case.content.messages, "variables": case.content.variables }).to_string(),
    };
    saved.iter().map(cell).collect()
}

fn version_choice(prompt: &Prompt, chosen: &Chosen) -> impl IntoView + use<> {
    let boxes = prompt.versions.iter().take(20).map(|v| {
        let labels: Vec<&str> = prompt.labels.iter().filter(|l| l.version == v.version).map(|l| l.label.as_str()).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(" ({})", labels.join(", ")) };
        view! { <label class="check"><input type="checkbox" name="version" value=v.version.to_string() checked=chosen.versions.contains(&v.version)/>{format!("Version {}{labels}", v.version)}</label> }.into_any()
    });
    view! { <fieldset class="field"><legend>"Versions"</legend><div class="checks tall">{boxes.collect_view()}</div></fieldset> }
}

fn target_choice(targets: &Targets, chosen: &Chosen) -> impl IntoView + use<> {
    let value = |i: usize| chosen.targets.get(i);
    view! {
        <fieldset class="field"><legend>"Models"</legend>
            <label class="visually-hidden" for="target-1">"First model"</label>{target_field("target-1", "target", targets, value(0))}
            <label class="visually-hidden" for="target-2">"Second model"</label>{target_field("target-2", "target", targets, value(1))}
            <label class="visually-hidden" for="target-3">"Third model"</label>{target_field("target-3", "target", targets, value(2))}
        </fieldset>
    }
}

fn case_choice(saved: &[Case], chosen: &Chosen) -> impl IntoView + use<> {
    let boxes = saved.iter().map(|case| {
        view! { <label class="check"><input type="checkbox" name="case" value=case.name.clone() checked=chosen.cases.contains(&case.name)/>{case.name.clone()}</label> }.into_any()
    });
    let boxes = boxes.collect::<Vec<_>>();
    let empty = boxes.is_empty().then(|| view! { <p class="small muted">"None yet. The page of a request can save it as a case."</p> });
    view! { <fieldset class="field"><legend>"Saved cases"</legend><div class="checks tall">{boxes}{empty}</div></fieldset> }
}

fn results(columns: &[(u32, String)], answers: Vec<Answers>) -> impl IntoView + use<> {
    let heads = columns
        .iter()
        .map(|(v, t)| view! { <th scope="col">{format!("Version {v}")}<br/><span class="small muted">{t.clone()}</span></th> })
        .collect_view();
    let rows = answers.into_iter().map(|a| {
        let first = a.cells.first().map(|t| t.text.clone()).unwrap_or_default();
        let cells = a.cells.into_iter().enumerate().map(|(i, t)| cell(t, (i > 0).then(|| first.clone())).into_any()).collect::<Vec<_>>();
        view! { <tr><th scope="row"><b>{a.name}</b><br/><span class="small muted">{a.asks}</span></th>{cells}</tr> }.into_any()
    });
    view! {
        <section class="card flush" aria-label="Answers"><div class="scroll"><table class="answers">
            <caption class="visually-hidden">"Answers side by side"</caption>
            <thead><tr><th scope="col">"Case"</th>{heads}</tr></thead><tbody>{rows.collect_view()}</tbody></table></div></section>
    }
}

fn cell(t: Tryout, first: Option<String>) -> impl IntoView {
    let cost = t.cost.map_or_else(|| "no price".to_owned(), |cost| format!("{} USD", format::usd(cost)));
    let facts = format!(
        "{} ms · {} + {} tokens · {cost} · ",
        format::grouped(i64::try_from(t.duration_ms).unwrap_or(i64::MAX)),
        t.input_tokens,
        t.output_tokens
    );
    let checks = t.checks.iter().map(|c| {
        let (class, word) = if c.ok { ("badge ok", "holds") } else { ("badge bad", "fails") };
        view! { <li class="small"><span class=class>{word}</span>" "{c.check.clone()}</li> }.into_any()
    });
    let checks = (!t.checks.is_empty()).then(|| view! { <ul class="plain-list">{checks.collect_view()}</ul> });
    let changes = first.filter(|first| *first != t.text && t.error.is_none()).map(|first| {
        let pieces = diff::words(&first, &t.text).into_iter().map(|piece| match piece.kind {
            diff::Kind::Same => piece.text.into_any(),
            diff::Kind::Added => view! { <ins>{piece.text}</ins> }.into_any(),
            diff::Kind::Removed => view! { <del>{piece.text}</del> }.into_any(),
        });
        view! { <details class="small"><summary>"Changes against the first"</summary><p class="answer">{pieces.collect_view()}</p></details> }
    });
    let body = match t.error {
        Some(why) => view! { <p class="form-error">{why}</p> }.into_any(),
        None => view! { <p class="answer">{t.text}</p> }.into_any(),
    };
    view! { <td>{body}{checks}{changes}<p class="small muted">{facts}<a class="link" href=format!("/requests/{}", t.request)>"the call"</a></p></td> }
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/prompts/{name}/playground", get(open).post(run))
}
