//! The prompt list and the page of one prompt.

use super::requests::encode;
use super::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::items::Ago;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use hypercare::identity::model::Permission;
use hypercare::prompts::model::{MessageRole, Prompt, PromptMessage, PromptSummary, PromptVersion, VersionContent};
use hypercare::prompts::service;
use hypercare::server::App;
use hypercare::types::{Fault, Instant};
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Empty rows offered behind the messages of the newest version.
const SPARE_ROWS: usize = 2;

#[derive(Deserialize)]
struct Search {
    q: Option<String>,
}

async fn list(ctx: Ctx, Query(search): Query<Search>) -> Response {
    let q = search.q.filter(|q| !q.trim().is_empty());
    match service::list(&ctx.app, &ctx.actor(), q.as_deref()).await {
        Ok(prompts) => {
            let (now, may) = (ctx.app.now(), ctx.person.role.may(Permission::WritePrompts));
            ctx.page("Prompts", "/prompts", Box::new(move || list_view(prompts, q, may, now).into_any()))
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn list_view(prompts: Vec<PromptSummary>, q: Option<String>, may: bool, now: Instant) -> impl IntoView {
    let empty = prompts.is_empty().then(|| {
        let words = if q.is_some() {
            "No prompt has these words in its name."
        } else {
            "No prompts yet. A prompt is text in front of what users say; routes choose which version is used."
        };
        view! { <p class="empty">{words}</p> }
    });
    let rows = prompts.into_iter().map(|p| {
        let labels =
            p.labels.iter().map(|l| view! { <span class="badge info">{format!("{} → {}", l.label, l.version)}</span> }).collect_view();
        view! {
            <tr>
                <td><a class="link" href=format!("/prompts/{}", encode(&p.name))>{p.name.clone()}</a></td>
                <td class="num">{p.latest_version}</td><td class="chips">{labels}</td><td class="muted">{p.latest_note}</td>
                <td class="nowrap muted"><Ago at=p.updated_at now=now/></td>
            </tr>
        }
        .into_any()
    });
    view! {
        <div class="page-head"><h1>"Prompts"</h1>{may.then(|| view! { <a class="btn primary" href="/prompts/new">"New prompt"</a> })}</div>
        <form class="filters" action="/prompts" aria-label="Filters"><label>"Name"<input class="input" type="search" name="q" value=q.unwrap_or_default()/></label><button class="btn">"Search"</button></form>
        <section class="card flush"><div class="scroll"><table>
            <caption class="visually-hidden">"Prompts by name"</caption>
            <thead><tr><th scope="col">"Name"</th><th scope="col" class="num">"Versions"</th><th scope="col">"Labels"</th><th scope="col">"Newest note"</th><th scope="col">"Changed"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody></table></div>{empty}</section>
    }
}

/// What was typed into the form of a new version.
#[derive(Clone, Debug, Default)]
struct Typed {
    name: String,
    note: String,
    messages: Vec<(String, String)>,
    parameters: String,
}

impl Typed {
    /// Starts from the newest version.
    fn from_newest(prompt: &Prompt) -> Self {
        let content = prompt.versions.first().map(|v| v.content.clone()).unwrap_or_default();
        Self {
            name: prompt.name.clone(),
            note: String::new(),
            messages: content.messages.into_iter().map(|m| (m.role.as_str().to_owned(), m.content)).collect(),
            parameters: if content.parameters.is_empty() {
                String::new()
            } else {
                serde_json::to_string_pretty(&content.parameters).unwrap_or_default()
            },
        }
    }

    /// Reads repeated `role` and `content` fields in order.
    fn from_form(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        let mut roles = Vec::new();
        let mut contents = Vec::new();
        for (key, value) in pairs {
            match key.as_str() {
                "name" => typed.name = value,
                "note" => typed.note = value,
                "role" => roles.push(value),
                // Forms send line ends as CRLF.
                "content" => contents.push(value.replace("\r\n", "\n")),
                "parameters" => typed.parameters = value,
                _ => {}
            }
        }
        typed.messages = roles.into_iter().zip(contents).filter(|(_, content)| !content.trim().is_empty()).collect();
        typed
    }

    fn content(&self) -> Result<VersionContent, Fault> {
        let messages = self.messages.iter().map(|(role, content)| {
            let role = MessageRole::parse(role).ok_or_else(|| Fault::field("role", "must be system, developer, user or assistant"))?;
            Ok(PromptMessage { role, content: content.clone() })
        });
        let parameters: BTreeMap<String, serde_json::Value> = if self.parameters.trim().is_empty() {
            BTreeMap::new()
        } else {
            serde_json::from_str(&self.parameters)
                .map_err(|e| Fault::field("parameters", format!("must be a JSON object, like {{\"temperature\": 0.2}}: {e}")))?
        };
        Ok(VersionContent {
            note: self.note.trim().to_owned(),
            messages: messages.collect::<Result<_, Fault>>()?,
            parameters,
            variables: BTreeMap::new(),
        })
    }
}

async fn new_page(ctx: Ctx) -> Response {
    if let Err(fault) = ctx.actor().require(Permission::WritePrompts) {
        return ctx.fault(&fault);
    }
    let typed = Typed { messages: vec![("system".to_owned(), String::new())], ..Typed::default() };
    ctx.page("New prompt", "/prompts", Box::new(move || new_view(typed, None).into_any()))
}

fn new_view(typed: Typed, fault: Option<Fault>) -> impl IntoView {
    view! {
        <div class="page-head"><h1><a class="muted" href="/prompts">"Prompts"</a><span class="muted">" / "</span>"New prompt"</h1></div>
        <section class="card">{version_form(typed, fault.as_ref(), true)}</section>
    }
}

async fn create(ctx: Ctx, axum::extract::Form(pairs): axum::extract::Form<Vec<(String, String)>>) -> Response {
    let typed = Typed::from_form(pairs);
    // The form does not show defaults and samples of variables; they go on with the prompt.
    let former = service::get(&ctx.app, &ctx.actor(), typed.name.trim()).await.ok();
    let variables = former.and_then(|p| p.versions.into_iter().next()).map(|v| v.content.variables).unwrap_or_default();
    let result = match typed.content() {
        Ok(content) => service::create_version(&ctx.app, &ctx.actor(), &typed.name, VersionContent { variables, ..content }).await,
        Err(fault) => Err(fault),
    };
    match result {
        Ok(version) => {
            let name = typed.name.trim();
            redirect(
                &format!("/prompts/{}", encode(name)),
                &format!("Version {} of {name} is saved. Point a label to it to use it.", version.version),
            )
        }
        Err(fault) => save_failed(&ctx, typed, fault).await,
    }
}

/// Shows the form again with everything that was typed.
async fn save_failed(ctx: &Ctx, typed: Typed, fault: Fault) -> Response {
    let status = log_and_status(&fault);
    match service::get(&ctx.app, &ctx.actor(), &typed.name).await {
        Ok(prompt) => one_page(ctx, status, prompt, typed, Some(fault)),
        Err(_) => ctx.page_with(status, "New prompt", "/prompts", Box::new(move || new_view(typed, Some(fault)).into_any())),
    }
}

async fn one(ctx: Ctx, Path(name): Path<String>) -> Response {
    match service::get(&ctx.app, &ctx.actor(), &name).await {
        Ok(prompt) => {
            let typed = Typed::from_newest(&prompt);
            one_page(&ctx, StatusCode::OK, prompt, typed, None)
        }
        Err(fault) => ctx.fault(&fault),
    }
}

fn one_page(ctx: &Ctx, status: StatusCode, prompt: Prompt, typed: Typed, fault: Option<Fault>) -> Response {
    let (now, may) = (ctx.app.now(), ctx.person.role.may(Permission::WritePrompts));
    let title = prompt.name.clone();
    ctx.page_with(status, &title, "/prompts", Box::new(move || one_view(prompt, typed, fault, may, now).into_any()))
}

fn one_view(prompt: Prompt, typed: Typed, fault: Option<Fault>, may: bool, now: Instant) -> impl IntoView {
    let label_form = may.then(|| label_form(&prompt));
    let editor = may.then(|| {
        view! { <section class="card stack" id="new-version"><header><h2>"New version"</h2><span class="small muted">"starts from the newest"</span></header>{version_form(typed, fault.as_ref(), false)}</section> }
    });
    let versions: Vec<_> =
        prompt.versions.iter().enumerate().map(|(i, v)| version_view(&prompt, v, prompt.versions.get(i + 1), now).into_any()).collect();
    view! {
        <div class="page-head"><h1><a class="muted" href="/prompts">"Prompts"</a><span class="muted">" / "</span>{prompt.name.clone()}</h1></div>
        <div class="detail-grid">
            <section class="card stack" aria-label="Versions"><header><h2>"Versions"</h2><span class="small muted">"they never change once saved"</span></header><ol class="timeline">{versions}</ol></section>
            <div class="stack">{label_form}{editor}</div>
        </div>
    }
}

fn version_view(prompt: &Prompt, v: &PromptVersion, before: Option<&PromptVersion>, now: Instant) -> impl IntoView + use<> {
    let labels = prompt.labels.iter().filter(|l| l.version == v.version);
    let labels =
        labels.map(|l| view! { <span class="badge info" title=format!("moved by {}", l.moved_by)>{l.label.clone()}</span> }).collect_view();
    let messages = v.content.messages.iter().enumerate().map(|(i, m)| {
        let old = before.and_then(|b| b.content.messages.get(i)).map(|m| m.content.clone());
        view! { <div class="bubble instructions"><span class="small muted">{m.role.as_str()}</span><p>{changed_words(old.as_deref(), &m.content)}</p></div> }.into_any()
    });
    let parameters = (!v.content.parameters.is_empty()).then(|| {
        let text = v.content.parameters.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ");
        view! { <p class="small mono">{text}</p> }
    });
    view! {
        <li>
            <div class="row wide"><span class="row"><b>{format!("Version {}", v.version)}</b>{labels}</span><span class="small muted"><Ago at=v.created_at now=now/>" · "{v.author.clone()}</span></div>
            {(!v.content.note.is_empty()).then(|| view! { <p class="muted">{v.content.note.clone()}</p> })}
            {messages.collect_view()}{parameters}
        </li>
    }
}

/// The words of a text, those that the version before did not have marked as added. (Longest common subsequence over words.)
fn changed_words(old: Option<&str>, new: &str) -> AnyView {
    let Some(old) = old.filter(|old| *old != new && old.len() + new.len() < 20_000) else { return new.to_owned().into_any() };
    let old: Vec<&str> = old.split_inclusive(char::is_whitespace).collect();
    let new: Vec<&str> = new.split_inclusive(char::is_whitespace).collect();
    let kept = common(&old, &new);
    let mut out: Vec<AnyView> = Vec::new();
    let mut was = 0;
    for (i, word) in new.iter().enumerate() {
        match kept[i] {
            Some(place) => {
                out.extend(gone(&old[was..place]));
                was = place + 1;
                out.push((*word).to_owned().into_any());
            }
            None => out.push(view! { <ins>{(*word).to_owned()}</ins> }.into_any()),
        }
    }
    out.extend(gone(&old[was..]));
    out.into_any()
}

fn gone(words: &[&str]) -> Option<AnyView> {
    (!words.is_empty()).then(|| view! { <del>{words.concat()}</del> }.into_any())
}

/// For each new word the place of its partner among the old ones, if it has one.
fn common(old: &[&str], new: &[&str]) -> Vec<Option<usize>> {
    let width = new.len() + 1;
    let mut length = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            length[i * width + j] = if old[i] == new[j] {
                length[(i + 1) * width + j + 1] + 1
            } else {
                length[(i + 1) * width + j].max(length[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut partner = vec![None; new.len()];
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            partner[j] = Some(i);
            i += 1;
            j += 1;
        } else if length[(i + 1) * width + j] >= length[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    partner
}

fn version_form(typed: Typed, fault: Option<&Fault>, new: bool) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let general: Vec<String> = fields
        .iter()
        .filter(|(k, _)| k.starts_with("messages") || k.starts_with("parameters.") || *k == "role")
        .map(|(k, v)| format!("{k}: {v}"))
        .collect();
    let whole = if fields.is_empty() { fault.map(ToString::to_string) } else { (!general.is_empty()).then(|| general.join(" ")) };
    let mut messages = typed.messages.clone();
    messages.extend(std::iter::repeat_n(("user".to_owned(), String::new()), if new && messages.len() == 1 { 0 } else { SPARE_ROWS }));
    let rows = messages.into_iter().enumerate().map(|(i, (role, content))| message_row(i, &role, content).into_any());
    let name = if new {
        view! {
            <Field label="Name" id="name" error=fields.get("name").cloned() help="What routes call it, like support">
                <input class="input" id="name" name="name" required maxlength="100" value=typed.name/>
            </Field>
        }
        .into_any()
    } else {
        view! { <input type="hidden" name="name" value=typed.name/> }.into_any()
    };
    view! {
        <form method="post" action="/prompts/new" class="stack">
            <FormError message=whole/>
            {name}
            {rows.collect_view()}
            <p class="small muted">"Write {{ variable }} where a value comes from the app. Rows without text are left out."</p>
            <Field label="Model settings" id="parameters" error=fields.get("parameters").cloned() help="A JSON object; it wins over what the app sends">
                <textarea class="input mono" id="parameters" name="parameters" rows="3" placeholder="{\"temperature\": 0.2}">{typed.parameters}</textarea>
            </Field>
            <Field label="Note" id="note" error=fields.get("note").cloned() help="Why this version exists">
                <input class="input" id="note" name="note" maxlength="1000" value=typed.note/>
            </Field>
            <div class="row"><button class="btn primary">"Save as a new version"</button></div>
        </form>
    }
}

fn message_row(i: usize, role: &str, content: String) -> impl IntoView + use<> {
    let role = role.to_owned();
    let options = MessageRole::ALL.map(|r| view! { <option value=r.as_str() selected=role == r.as_str()>{r.as_str()}</option> });
    let rows = content.lines().count().clamp(3, 16);
    view! {
        <fieldset class="message">
            <legend class="visually-hidden">{format!("Message {}", i + 1)}</legend>
            <select class="input" name="role" aria-label=format!("Role of message {}", i + 1)>{options.collect_view()}</select>
            <textarea class="input" name="content" rows=rows.to_string() aria-label=format!("Text of message {}", i + 1)>{content}</textarea>
        </fieldset>
    }
}

fn label_form(prompt: &Prompt) -> impl IntoView + use<> {
    let options = prompt
        .versions
        .iter()
        .map(|v| view! { <option value=v.version.to_string()>{format!("Version {}", v.version)}</option> })
        .collect_view();
    let known = prompt.labels.iter().map(|l| view! { <option value=l.label.clone()></option> }).collect_view();
    view! {
        <section class="card">
            <header><h2>"Move a label"</h2></header>
            <form method="post" action=format!("/prompts/{}/label", encode(&prompt.name)) class="stack">
                <Field label="Label" id="label"><input class="input" id="label" name="label" list="labels" required placeholder="production"/><datalist id="labels">{known}</datalist></Field>
                <Field label="Points to" id="version"><select class="input" id="version" name="version">{options}</select></Field>
                <Field label="Reason" id="reason"><input class="input" id="reason" name="reason" placeholder="Why now?"/></Field>
                <div class="row"><button class="btn">"Move the label"</button><span class="small muted">"in force within a second"</span></div>
            </form>
        </section>
    }
}

#[derive(Deserialize)]
struct Move {
    label: String,
    version: u32,
    #[serde(default)]
    reason: String,
}

async fn move_label(ctx: Ctx, Path(name): Path<String>, axum::extract::Form(to): axum::extract::Form<Move>) -> Response {
    match service::set_label(&ctx.app, &ctx.actor(), &name, &to.label, to.version, &to.reason).await {
        Ok(label) => redirect(&format!("/prompts/{}", encode(&name)), &format!("{} now points to version {}.", label.label, label.version)),
        Err(fault) => ctx.fault(&fault),
    }
}

/// The prompt pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/prompts", get(list))
        .route("/prompts/new", get(new_page).post(create))
        .route("/prompts/{name}", get(one))
        .route("/prompts/{name}/label", post(move_label))
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn words_that_stayed_find_their_partners() {
        assert_eq!(common(&["a ", "b ", "c"], &["a ", "x ", "c"]), [Some(0), None, Some(2)]);
        assert_eq!(common(&[], &["a"]), [None]);
    }
}
