//! Saved cases of a prompt: conversations to try versions out on, and the checks an answer must pass.

use super::playground::{Targets, target_field, targets};
use super::trail;
use crate::pages::asked::{Form, Query};
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::prompts::model::cases::{Case, CaseContent, Check, Run};
use hypercare::prompts::service::{self, cases};
use hypercare::server::App;
use hypercare::types::{Fault, Id, Instant};
use leptos::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was typed into the form of a case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    asks: String,
    variables: String,
    checks: String,
    /// Messages kept from a saved case, as JSON; the last user message is replaced by what was typed.
    messages: String,
}

impl Typed {
    fn of(case: &Case) -> Self {
        Self {
            name: case.name.clone(),
            asks: case.content.asks(),
            variables: if case.content.variables.is_empty() {
                String::new()
            } else {
                serde_json::to_string(&case.content.variables).unwrap_or_default()
            },
            checks: case.content.checks.iter().map(written).collect::<Vec<_>>().join("\n"),
            messages: serde_json::to_string(&case.content.messages).unwrap_or_default(),
        }
    }

    fn content(&self, request: Option<Id>) -> Result<CaseContent, Fault> {
        let asks = self.asks.replace("\r\n", "\n");
        if asks.trim().is_empty() {
            return Err(Fault::field("asks", "Please write what the user says."));
        }
        let mut messages: Vec<Value> = serde_json::from_str(&self.messages).unwrap_or_default();
        match messages.iter_mut().rev().find(|m| m["role"] == "user") {
            Some(last) if CaseContent { messages: vec![last.clone()], ..CaseContent::default() }.asks() == asks => {}
            Some(last) => last["content"] = json!(asks),
            None => messages.push(json!({ "role": "user", "content": asks })),
        }
        let variables = if self.variables.trim().is_empty() {
            BTreeMap::new()
        } else {
            serde_json::from_str(&self.variables)
                .map_err(|e| Fault::field("variables", format!("must be a JSON object, like {{\"shop\": \"Acme\"}}: {e}")))?
        };
        let lines = self.checks.lines().map(str::trim).filter(|line| !line.is_empty());
        let checks = lines
            .map(|line| read(line).ok_or_else(|| Fault::field("checks", format!("`{line}` is no check"))))
            .collect::<Result<_, _>>()?;
        Ok(CaseContent { messages, variables, checks, request })
    }
}

/// A check as a line of text.
fn written(check: &Check) -> String {
    match check {
        Check::Contains { text } => format!("contains {text}"),
        Check::NotContains { text } => format!("not {text}"),
        Check::Matches { pattern } => format!("matches {pattern}"),
        Check::JsonSchema { schema } => format!("schema {schema}"),
        Check::Similar { to, at_least } => format!("similar {at_least} {}", to.replace('\n', " ")),
        Check::Judge { route, question } => format!("judge {route}: {question}"),
    }
}

/// The check of a line of text.
fn read(line: &str) -> Option<Check> {
    let (word, rest) = line.split_once(' ')?;
    let rest = rest.trim().to_owned();
    match word.to_lowercase().as_str() {
        "contains" => Some(Check::Contains { text: rest }),
        "not" => Some(Check::NotContains { text: rest }),
        "matches" => Some(Check::Matches { pattern: rest }),
        "schema" => Some(Check::JsonSchema { schema: serde_json::from_str(&rest).ok()? }),
        "similar" => {
            let (share, to) = rest.split_once(' ')?;
            Some(Check::Similar { to: to.trim().to_owned(), at_least: share.parse().ok()? })
        }
        "judge" => {
            let (route, question) = rest.split_once(':')?;
            Some(Check::Judge { route: route.trim().to_owned(), question: question.trim().to_owned() })
        }
        _ => None,
    }
}

struct Shown {
    name: String,
    cases: Vec<Case>,
    runs: Vec<Run>,
    versions: Vec<u32>,
    targets: Targets,
    typed: Typed,
    fault: Option<Fault>,
    may: bool,
    now: Instant,
}

async fn show(ctx: &Ctx, name: &str, typed: Typed, fault: Option<Fault>) -> Response {
    let (app, actor) = (&ctx.app, ctx.actor());
    let loaded = async {
        let prompt = service::get(app, &actor, name).await?;
        Ok::<_, Fault>(Shown {
            name: name.to_owned(),
            cases: cases::list(app, &actor, name).await?,
            runs: cases::runs(app, &actor, name).await?,
            versions: prompt.versions.iter().map(|v| v.version).collect(),
            targets: targets(app, &actor).await?,
            typed,
            fault,
            may: actor.may(Permission::WritePrompts),
            now: app.now(),
        })
    };
    match loaded.await {
        Ok(shown) => {
            let status = shown.fault.as_ref().map_or(StatusCode::OK, log_and_status);
            ctx.page_with(status, "Saved cases", "/prompts", Box::new(move || view_of(shown).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Which {
    case: Option<String>,
}

async fn list(ctx: Ctx, Path(name): Path<String>, Query(which): Query<Which>) -> Response {
    let mut typed = Typed::default();
    if let Some(case) = which.case
        && let Ok(all) = cases::list(&ctx.app, &ctx.actor(), &name).await
        && let Some(case) = all.iter().find(|known| known.name == case)
    {
        typed = Typed::of(case);
    }
    show(&ctx, &name, typed, None).await
}

fn view_of(shown: Shown) -> impl IntoView {
    let Shown { name, cases, runs, versions, targets, typed, fault, may, now } = shown;
    let base = format!("/prompts/{}/cases", encode(&name));
    let checked = cases.iter().any(|case| !case.content.checks.is_empty());
    let empty = cases.is_empty().then(|| {
        view! { <p class="empty">"No saved case yet. Save a call from the page of a request, or write one here."</p> }
    });
    let rows = cases.iter().map(|case| row(&base, case, may, now).into_any()).collect::<Vec<_>>();
    let form = may.then(|| form(&base, typed, fault.as_ref()));
    let runner = (may && checked).then(|| run_form(&base, &versions, &targets));
    let runs = runs.into_iter().map(|run| run_view(run, now).into_any()).collect::<Vec<_>>();
    let runs = (!runs.is_empty()).then(|| view! { <section class="card stack" aria-label="Runs"><h2>"Runs"</h2>{runs}</section> });
    view! {
        <div class="page-head">{trail(&name, "Saved cases")}</div>
        <div class="detail-grid">
            <div class="stack">
                <section class="card flush"><div class="scroll"><table>
                    <caption class="visually-hidden">"Saved cases by name"</caption>
                    <thead><tr><th scope="col">"Case"</th><th scope="col">"The answer"</th><th scope="col">"Saved"</th><th scope="col"><span class="visually-hidden">"Actions"</span></th></tr></thead>
                    <tbody>{rows}</tbody></table></div>{empty}</section>
                {runs}
            </div>
            <div class="stack">{runner}{form}</div>
        </div>
    }
}

fn row(base: &str, case: &Case, may: bool, now: Instant) -> impl IntoView + use<> {
    let checks = case.content.checks.iter().map(|check| view! { <li>{check.words()}</li> }).collect_view();
    let asks: String = case.content.asks().chars().take(200).collect();
    let actions = may.then(|| {
        view! {
            <span class="row actions"><a class="btn quiet" href=format!("{base}?case={}", encode(&case.name)) aria-label=format!("Change {}", case.name)>"Change"</a>
            <form method="post" action=format!("{base}/delete")><input type="hidden" name="name" value=case.name.clone()/><button class="btn quiet" aria-label=format!("Delete {}", case.name)>"Delete"</button></form></span>
        }
    });
    let from = case.content.request.clone().map(|id| view! { " · "<a class="link" href=format!("/requests/{id}")>"the call"</a> });
    view! {
        <tr><td><b>{case.name.clone()}</b><br/><span class="small muted">{asks}</span></td><td class="small"><ul class="plain-list">{checks}</ul></td>
            <td class="small muted"><Ago at=case.created_at now=now/>" · "{case.created_by.clone()}{from}</td><td>{actions}</td></tr>
    }
}

fn form(base: &str, typed: Typed, fault: Option<&Fault>) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let error = |name: &str| fields.get(name).cloned();
    let own = ["name", "asks", "variables", "checks"];
    let others: Vec<String> = fields.iter().filter(|(k, _)| !own.contains(&k.as_str())).map(|(k, v)| format!("{k}: {v}")).collect();
    let whole = if fields.is_empty() { fault.map(ToString::to_string) } else { (!others.is_empty()).then(|| others.join(" ")) };
    let title = if typed.messages.is_empty() { "New case" } else { "Change the case" };
    view! {
        <section class="card"><header><h2>{title}</h2></header>
            <form method="post" action=base.to_owned() class="stack">
                <FormError message=whole/>
                <input type="hidden" name="messages" value=typed.messages/>
                <Field label="Name" id="case-name" error=error("name")><input class="input" id="case-name" name="name" required maxlength="100" value=typed.name/></Field>
                <Field label="What the user says" id="asks" error=error("asks")><textarea class="input" id="asks" name="asks" rows="4">{typed.asks}</textarea></Field>
                <Field label="Values of variables" id="variables" error=error("variables") help="A JSON object; empty when the prompt has none"><textarea class="input mono" id="variables" name="variables" rows="2" placeholder="{\"shop\": \"Acme\"}">{typed.variables}</textarea></Field>
                <Field label="Checks of the answer" id="checks" error=error("checks") help="One a line: contains WORDS · not WORDS · matches EXPRESSION · schema JSON · similar 0.6 TEXT · judge ROUTE: QUESTION"><textarea class="input mono" id="checks" name="checks" rows="4" placeholder="contains refund">{typed.checks}</textarea></Field>
                <div class="row"><button class="btn primary">"Save the case"</button></div>
            </form>
        </section>
    }
}

fn run_form(base: &str, versions: &[u32], targets: &Targets) -> impl IntoView + use<> {
    let options = versions.iter().map(|v| view! { <option value=v.to_string()>{format!("Version {v}")}</option> }).collect_view();
    let target = target_field("run-target", "target", targets, targets.first());
    view! {
        <section class="card"><header><h2>"Run all checks"</h2></header>
            <form method="post" action=format!("{base}/run") class="stack">
                <Field label="Version" id="run-version"><select class="input" id="run-version" name="version">{options}</select></Field>
                <Field label="Model" id="run-target">{target}</Field>
                <div class="row"><button class="btn">"Run"</button><span class="small muted">"real calls, marked as such in the log"</span></div>
            </form>
        </section>
    }
}

fn run_view(run: Run, now: Instant) -> impl IntoView {
    let good = run.content.cases.iter().filter(|case| case.tryout.passed()).count();
    let all = run.content.cases.len();
    let (class, word) = if run.passed { ("badge ok", "passed") } else { ("badge bad", "failed") };
    let cases = run.content.cases.into_iter().map(|case| {
        let mark = if case.tryout.passed() { ("badge ok", "passed") } else { ("badge bad", "failed") };
        let checks = case.tryout.checks.iter().filter(|c| !c.ok).map(|c| view! { <li>{format!("{}: {}", c.check, c.why)}</li> }).collect_view();
        let failed = case.tryout.error.clone().map(|why| view! { <p class="form-error">{why}</p> });
        view! {
            <li class="stack"><span class="row"><span class=mark.0>{mark.1}</span><b>{case.name}</b><a class="link small" href=format!("/requests/{}", case.tryout.request)>"the call"</a></span>
                {failed}<ul class="plain-list small">{checks}</ul><p class="small muted">{case.tryout.text}</p></li>
        }
        .into_any()
    });
    view! {
        <details class="more" open=!run.passed>
            <summary><span class=class>{word}</span>{format!(" Version {} · {good} of {all} cases · {}/{} · ", run.version, run.content.provider, run.content.model)}<span class="small muted"><Ago at=run.created_at now=now/>" · "{run.created_by}</span></summary>
            <ul class="plain-list">{cases.collect_view()}</ul>
        </details>
    }
}

async fn save(ctx: Ctx, Path(prompt): Path<String>, Form(typed): Form<Typed>) -> Response {
    let content = match typed.content(None) {
        Ok(content) => content,
        Err(fault) => return show(&ctx, &prompt, typed, Some(fault)).await,
    };
    match cases::save(&ctx.app, &ctx.actor(), &prompt, &typed.name, content).await {
        Ok(case) => redirect(&format!("/prompts/{}/cases", encode(&prompt)), &format!("The case {} is saved.", case.name)),
        Err(fault @ (Fault::Forbidden(_) | Fault::NotFound(_))) => ctx.fault(&fault),
        Err(fault) => show(&ctx, &prompt, typed, Some(fault)).await,
    }
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

async fn delete(ctx: Ctx, Path(prompt): Path<String>, Form(case): Form<Name>) -> Response {
    match cases::delete(&ctx.app, &ctx.actor(), &prompt, &case.name).await {
        Ok(()) => redirect(&format!("/prompts/{}/cases", encode(&prompt)), &format!("The case {} is deleted.", case.name)),
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct RunOn {
    version: u32,
    target: String,
}

async fn run(ctx: Ctx, Path(prompt): Path<String>, Form(on): Form<RunOn>) -> Response {
    let Some((provider, model)) = on.target.split_once('/') else {
        return ctx.fault(&Fault::field("target", "Please choose provider/model."));
    };
    match cases::run(&ctx.app, &ctx.actor(), &prompt, on.version, (provider, model)).await {
        Ok(run) => {
            let good = run.content.cases.iter().filter(|case| case.tryout.passed()).count();
            let words = format!("Version {}: {good} of {} cases passed.", run.version, run.content.cases.len());
            redirect(&format!("/prompts/{}/cases", encode(&prompt)), &words)
        }
        Err(fault) => ctx.fault(&fault),
    }
}

#[derive(Deserialize)]
struct Save {
    prompt: String,
    #[serde(default)]
    name: String,
}

async fn save_request(ctx: Ctx, Path(id): Path<String>, Form(save): Form<Save>) -> Response {
    match cases::save_request(&ctx.app, &ctx.actor(), &save.prompt, &save.name, &Id::from_text(id.clone())).await {
        Ok(case) => {
            let to = format!("/prompts/{}/cases?case={}", encode(&save.prompt), encode(&case.name));
            redirect(&to, &format!("Saved as the case “{}”. Add checks if an answer must be a certain way.", case.name))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

/// The button on the page of a request that saves it as a case.
pub(in crate::pages) fn save_form(request: &Id, prompt: Option<&str>) -> impl IntoView + use<> {
    let name = prompt.and_then(|p| p.rsplit_once('@')).map(|(name, _)| name.to_owned());
    let action = format!("/requests/{request}/case");
    name.map(move |name| {
        view! {
            <form method="post" action=action class="row"><input type="hidden" name="prompt" value=name.clone()/>
                <button class="btn" title=format!("Try versions of {name} out on this conversation")>"Save as a case"</button></form>
        }
    })
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/prompts/{name}/cases", get(list).post(save))
        .route("/prompts/{name}/cases/delete", post(delete))
        .route("/prompts/{name}/cases/run", post(run))
        .route("/requests/{id}/case", post(save_request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_written_as_they_are_read() {
        let lines = [
            "contains a refund",
            "not sorry",
            r"matches \d+ days",
            r#"schema {"type":"object"}"#,
            "similar 0.6 It takes 3 days.",
            "judge judge-bot: Is it kind?",
        ];
        for line in lines {
            assert_eq!(written(&read(line).expect(line)), line);
        }
        assert!(["contains", "similar x y", "judge no question", "nonsense here", "schema {"].iter().all(|line| read(line).is_none()));
    }
}
