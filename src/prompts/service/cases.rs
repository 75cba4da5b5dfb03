//! Saved cases, trying versions out on them, and the checks of what comes back.

use super::{check_draft, compile, no_prompt};
use crate::gateway::playground::{self, Aim, Try};
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::service::{Change, record};
use crate::prompts::model::VersionContent;
use crate::prompts::model::cases::{Case, CaseContent, Check, CheckResult, Run, RunCase, RunContent, Tryout};
use crate::prompts::store::{self, cases};
use crate::server::App;
use crate::types::{Fault, Id};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most cases of a prompt.
const MOST_CASES: i64 = 500;
/// Most checks of a case.
const MOST_CHECKS: usize = 20;
/// Calls of a run under way at once.
const AT_ONCE: usize = 4;

/// Saved cases of a prompt, by name.
pub async fn list(app: &App, actor: &Actor, prompt: &str) -> Result<Vec<Case>, Fault> {
    actor.require(Permission::ReadConfig)?;
    let row = store::prompt(app.db(), prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    Ok(cases::cases(app.db(), &row.id).await?)
}

/// Saves a case, in place of one of the same name.
pub async fn save(app: &App, actor: &Actor, prompt: &str, name: &str, content: CaseContent) -> Result<Case, Fault> {
    actor.require(Permission::WritePrompts)?;
    check(name, &content)?;
    let mut tx = app.db().begin().await?;
    let row = store::prompt_in(&mut tx, prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    let before = cases::by_name_in(&mut tx, &row.id, name.trim()).await?;
    if before.is_none() && cases::count_in(&mut tx, &row.id).await? >= MOST_CASES {
        return Err(Fault::Conflict(format!("A prompt can have {MOST_CASES} cases. Please delete one first.")));
    }
    let case = match &before {
        Some(before) => Case { content, ..before.clone() },
        None => Case { id: Id::new(), name: name.trim().to_owned(), content, created_by: actor.name(), created_at: app.now() },
    };
    cases::put(&mut tx, &row.id, &case).await?;
    let object = format!("{prompt}/{}", case.name);
    record(app, &mut tx, actor, Change::new("prompts.case.save", &object).before(&before).after(&case)).await?;
    tx.commit().await?;
    Ok(case)
}

/// Saves the conversation of a logged call as a case.
pub async fn save_request(app: &App, actor: &Actor, prompt: &str, name: &str, request: &Id) -> Result<Case, Fault> {
    let detail = crate::telemetry::service::get_request(app, actor, request).await?;
    let body: Value = detail.request_body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    if messages.is_empty() {
        let why = "The log does not keep what was said in this call, so it cannot be a case.";
        return Err(Fault::Conflict(why.to_owned()));
    }
    let variables = match &body["metadata"]["prompt_variables"] {
        Value::Object(map) => map.clone().into_iter().collect(),
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => BTreeMap::new(),
    };
    let content = CaseContent { messages, variables, checks: Vec::new(), request: Some(detail.summary.id.clone()) };
    let name = if name.trim().is_empty() { named_after(&content, &detail.summary.id) } else { name.trim().to_owned() };
    save(app, actor, prompt, &name, content).await
}

fn named_after(content: &CaseContent, id: &Id) -> String {
    let words: String = content.asks().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    if words.is_empty() { format!("call {}", id.short()) } else { words }
}

/// Deletes a case.
pub async fn delete(app: &App, actor: &Actor, prompt: &str, name: &str) -> Result<(), Fault> {
    actor.require(Permission::WritePrompts)?;
    let mut tx = app.db().begin().await?;
    let row = store::prompt_in(&mut tx, prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    let before = cases::by_name_in(&mut tx, &row.id, name).await?;
    let before = before.ok_or_else(|| Fault::NotFound(format!("`{prompt}` has no case `{name}`.")))?;
    cases::delete(&mut tx, &row.id, name).await?;
    record(app, &mut tx, actor, Change::new("prompts.case.delete", &format!("{prompt}/{name}")).before(&before)).await?;
    tx.commit().await?;
    Ok(())
}

fn check(name: &str, content: &CaseContent) -> Result<(), Fault> {
    let mut wrong = BTreeMap::new();
    if name.trim().is_empty() || name.chars().count() > 100 {
        wrong.insert("name".to_owned(), "Please use 1 to 100 characters.".to_owned());
    }
    if content.messages.is_empty() || content.messages.len() > 200 {
        wrong.insert("messages".to_owned(), "Please give 1 to 200 messages.".to_owned());
    }
    for (i, message) in content.messages.iter().enumerate() {
        if !message["role"].is_string() || message["content"].is_number() {
            wrong.insert(format!("messages[{i}]"), "must be like {\"role\": \"user\", \"content\": \"…\"}".to_owned());
        }
    }
    if content.checks.len() > MOST_CHECKS {
        wrong.insert("checks".to_owned(), format!("Please give at most {MOST_CHECKS} checks."));
    }
    for (i, check) in content.checks.iter().enumerate() {
        if let Err(why) = check_check(check) {
            wrong.insert(format!("checks[{i}]"), why);
        }
    }
    Fault::check(wrong)
}

fn check_check(check: &Check) -> Result<(), String> {
    match check {
        Check::Contains { text } | Check::NotContains { text } if text.trim().is_empty() => Err("needs words to look for".to_owned()),
        Check::Matches { pattern } => expression(pattern).map(drop),
        Check::JsonSchema { schema } => jsonschema::validator_for(schema).map(drop).map_err(|e| format!("this is no JSON schema: {e}")),
        Check::Similar { at_least, .. } if !(0.0..=1.0).contains(at_least) => Err("the least share must be from 0 to 1".to_owned()),
        Check::Judge { question, .. } if question.trim().is_empty() => Err("needs a question".to_owned()),
        _ => Ok(()),
    }
}

/// Expressions of this library take time in proportion to the text, whatever they say.
fn expression(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|e| format!("this is no regular expression: {e}"))
}

/// What is to be tried: a saved version, or one that is being written.
#[derive(Clone, Debug)]
pub enum Candidate {
    /// A saved version.
    Version(u32),
    /// What stands in the editor.
    Draft(Box<VersionContent>),
    /// The caller's messages as they are.
    Nothing,
}

/// Tries one version by one model on one conversation, through the gateway.
pub async fn try_out(
    app: &App,
    actor: &Actor,
    prompt: &str,
    candidate: &Candidate,
    (provider, model): (&str, &str),
    case: &CaseContent,
) -> Result<Tryout, Fault> {
    let asked = prepare(app, actor, prompt, candidate, (provider, model), case).await?;
    let (request, answered) = playground::ask(app, asked).await;
    let mut tryout = Tryout {
        request,
        text: String::new(),
        error: None,
        duration_ms: 0,
        input_tokens: 0,
        output_tokens: 0,
        cost: None,
        checks: Vec::new(),
    };
    match answered {
        Ok(tried) => {
            tryout = Tryout {
                request: tried.id,
                text: tried.text,
                duration_ms: tried.duration_ms,
                input_tokens: tried.input_tokens,
                output_tokens: tried.output_tokens,
                cost: tried.cost,
                ..tryout
            };
            for check in &case.checks {
                tryout.checks.push(apply(app, check, case, &tryout.text).await);
            }
        }
        Err(error) => tryout.error = Some(error.message),
    }
    Ok(tryout)
}

/// What [`try_out`] sends, checked.
pub(crate) async fn prepare(
    app: &App,
    actor: &Actor,
    prompt: &str,
    candidate: &Candidate,
    (provider, model): (&str, &str),
    case: &CaseContent,
) -> Result<Try, Fault> {
    // It costs money and reaches providers: nothing for who only looks.
    actor.require(Permission::WritePrompts)?;
    check("playground", case)?;
    if app.snapshot().named(provider, model).is_none() {
        return Err(Fault::field("provider", format!("There is no provider `{provider}`.")));
    }
    if model.trim().is_empty() {
        return Err(Fault::field("model", "Please name a model."));
    }
    let compiled = match candidate {
        Candidate::Nothing => None,
        Candidate::Version(version) => {
            let content = store::version(app.db(), prompt, *version).await?;
            let content = content.ok_or_else(|| Fault::field("version", format!("`{prompt}` has no version {version}.")))?;
            Some(compile(app, prompt, *version, &content).await?.0)
        }
        Candidate::Draft(content) => {
            check_draft(app, actor, prompt, content).await?;
            // A version number no saved one has.
            Some(compile(app, prompt, 0, content).await?.0)
        }
    };
    let aim = Aim::Target { provider: provider.to_owned(), model: model.to_owned(), prompt: compiled.map(Box::new) };
    Ok(Try { aim, messages: case.messages.clone(), variables: case.variables.clone(), stream: false })
}

/// Whether an answer is as the check says.
async fn apply(app: &App, check: &Check, case: &CaseContent, text: &str) -> CheckResult {
    let why = match check {
        Check::Judge { route, question } => judge(app, route, question, case, text).await,
        other => plain(other, text),
    };
    CheckResult { check: check.words(), ok: why.is_none(), why: why.unwrap_or_default() }
}

/// Why the answer is not as a check says that needs no model.
fn plain(check: &Check, text: &str) -> Option<String> {
    let has = |words: &str| text.to_lowercase().contains(&words.to_lowercase());
    match check {
        Check::Contains { text: words } => (!has(words)).then(|| "it does not".to_owned()),
        Check::NotContains { text: words } => has(words).then(|| "it does".to_owned()),
        Check::Matches { pattern } => match expression(pattern) {
            Ok(expression) => (!expression.is_match(text)).then(|| "nothing in it matches".to_owned()),
            Err(why) => Some(why),
        },
        Check::JsonSchema { schema } => not_of_shape(schema, text),
        Check::Similar { to, at_least } => {
            let share = strsim::sorensen_dice(&to.to_lowercase(), &text.to_lowercase());
            (share < *at_least).then(|| format!("it is {share:.2}"))
        }
        Check::Judge { .. } => None,
    }
}

fn not_of_shape(schema: &Value, text: &str) -> Option<String> {
    let answer: Value = match serde_json::from_str(text.trim()) {
        Ok(answer) => answer,
        Err(e) => return Some(format!("it is not JSON: {e}")),
    };
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(e) => return Some(format!("this is no JSON schema: {e}")),
    };
    validator.iter_errors(&answer).next().map(|e| format!("{}: {e}", e.instance_path()))
}

/// Asks a route; anything but yes is no.
async fn judge(app: &App, route: &str, question: &str, case: &CaseContent, text: &str) -> Option<String> {
    let asked = format!(
        "You check an answer of an assistant. Reply with one word, yes or no.\n\nQuestion: {question}\n\nThe user asked:\n<<<\n{}\n>>>\n\nThe assistant answered:\n<<<\n{text}\n>>>",
        case.asks()
    );
    let messages = vec![json!({ "role": "user", "content": asked })];
    let asked = Try { aim: Aim::Route(route.to_owned()), messages, variables: BTreeMap::new(), stream: false };
    match playground::ask(app, asked).await.1 {
        Err(error) => Some(format!("the judge did not answer: {}", error.message)),
        Ok(said) => {
            let word: String = said.text.trim_start().chars().take_while(|c| c.is_alphabetic()).collect();
            let said: String = said.text.chars().take(200).collect();
            (!word.eq_ignore_ascii_case("yes")).then(|| format!("the judge said: {said}"))
        }
    }
}

/// Runs a version on every case that has checks, and keeps what came of it.
pub async fn run(app: &App, actor: &Actor, prompt: &str, version: u32, target: (&str, &str)) -> Result<Run, Fault> {
    actor.require(Permission::WritePrompts)?;
    let checked: Vec<Case> = list(app, actor, prompt).await?.into_iter().filter(|case| !case.content.checks.is_empty()).collect();
    if checked.is_empty() {
        return Err(Fault::Conflict(format!("`{prompt}` has no saved case with a check yet, so there is nothing to run.")));
    }
    let tries = checked.into_iter().map(|case| async move {
        let tryout = try_out(app, actor, prompt, &Candidate::Version(version), target, &case.content).await?;
        Ok::<_, Fault>(RunCase { case: case.id, name: case.name, tryout })
    });
    let done: Vec<Result<RunCase, Fault>> = futures_util::stream::iter(tries).buffered(AT_ONCE).collect().await;
    let cases = done.into_iter().collect::<Result<Vec<_>, _>>()?;
    let passed = cases.iter().all(|case| case.tryout.passed());
    let content = RunContent { provider: target.0.to_owned(), model: target.1.to_owned(), cases };
    let run = Run { id: Id::new(), version, content, passed, created_by: actor.name(), created_at: app.now() };
    let mut tx = app.db().begin().await?;
    let row = store::prompt_in(&mut tx, prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    cases::insert_run(&mut tx, &row.id, &run).await?;
    tx.commit().await?;
    Ok(run)
}

/// The newest twenty runs of a prompt, newest first.
pub async fn runs(app: &App, actor: &Actor, prompt: &str) -> Result<Vec<Run>, Fault> {
    actor.require(Permission::ReadConfig)?;
    let row = store::prompt(app.db(), prompt).await?.ok_or_else(|| no_prompt(prompt))?;
    Ok(cases::runs(app.db(), &row.id, 20).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_say_what_is_wrong() {
        let contains = |text: &str| Check::Contains { text: text.to_owned() };
        assert_eq!(plain(&contains("REFUND"), "A refund takes 3 days."), None);
        assert_eq!(plain(&contains("invoice"), "A refund takes 3 days."), Some("it does not".to_owned()));
        assert_eq!(plain(&Check::NotContains { text: "sorry".to_owned() }, "Sorry!"), Some("it does".to_owned()));
        let days = Check::Matches { pattern: r"\b\d+ days\b".to_owned() };
        assert_eq!((plain(&days, "in 3 days"), plain(&days, "soon").is_some()), (None, true));
        let schema = json!({ "type": "object", "required": ["total"], "properties": { "total": { "type": "number" } } });
        let shape = Check::JsonSchema { schema };
        assert_eq!(plain(&shape, "{\"total\": 3.5}"), None);
        assert!(plain(&shape, "{\"total\": \"3\"}").is_some_and(|why| why.starts_with("/total: ")));
        assert!(plain(&shape, "It is 3.").is_some_and(|why| why.starts_with("it is not JSON")));
        // Dice of "night" and "nacht" is 0.25, the textbook's example.
        let similar = |at_least| Check::Similar { to: "night".to_owned(), at_least };
        assert_eq!((plain(&similar(0.25), "nacht"), plain(&similar(0.26), "nacht")), (None, Some("it is 0.25".to_owned())));
    }

    #[test]
    fn a_check_that_is_none_is_refused() {
        let broken = CaseContent {
            messages: vec![json!({ "role": "user", "content": "Hi" })],
            checks: vec![
                Check::Contains { text: " ".to_owned() },
                Check::Matches { pattern: "(".to_owned() },
                Check::JsonSchema { schema: json!({ "type": "nonsense" }) },
                Check::Similar { to: "x".to_owned(), at_least: 2.0 },
            ],
            ..CaseContent::default()
        };
        let fields = check("c", &broken).expect_err("refused").fields();
        assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), ["checks[0]", "checks[1]", "checks[2]", "checks[3]"]);
    }
}
