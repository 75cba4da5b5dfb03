//! The form of a new version.

use super::one;
use crate::pages::asked::Form;
use crate::pages::requests::encode;
use crate::pages::shell::{Ctx, Field, FormError, log_and_status, redirect};
use crate::parts::icon::Icon;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use hypercare::identity::model::Permission;
use hypercare::prompts::model::{MessageRole, Prompt, PromptMessage, Variable, VariableKind, VersionContent};
use hypercare::prompts::service;
use hypercare::server::App;
use hypercare::types::Fault;
use leptos::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// Empty rows offered behind the messages and variables of the newest version.
const SPARE_ROWS: usize = 2;

/// A message as it was typed.
#[derive(Clone, Debug, Default)]
struct TypedMessage {
    role: String,
    content: String,
    place: String,
}

/// A variable as it was typed.
#[derive(Clone, Debug, Default)]
struct TypedVariable {
    name: String,
    kind: String,
    default: String,
    sample: String,
}

/// What was typed into the form of a new version.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    pub name: String,
    note: String,
    messages: Vec<TypedMessage>,
    variables: Vec<TypedVariable>,
    parameters: String,
    tools: String,
    response_format: String,
    /// Whether to show it with samples instead of saving it.
    preview: bool,
}

fn pretty(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(items) if items.is_empty() => String::new(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

impl Typed {
    /// Starts from the newest version.
    pub fn from_newest(prompt: &Prompt) -> Self {
        let content = prompt.versions.first().map(|v| v.content.clone()).unwrap_or_default();
        let messages = content.messages.into_iter().enumerate().map(|(i, m)| TypedMessage {
            role: m.role.as_str().to_owned(),
            content: m.content,
            place: (i + 1).to_string(),
        });
        let variables = content.variables.into_iter().map(|(name, v)| TypedVariable {
            name,
            kind: v.kind.as_str().to_owned(),
            default: plain(v.default.as_ref()),
            sample: plain(v.sample.as_ref()),
        });
        Self {
            name: prompt.name.clone(),
            messages: messages.collect(),
            variables: variables.collect(),
            parameters: pretty(&serde_json::to_value(&content.parameters).unwrap_or_default()),
            tools: pretty(&Value::from(content.tools)),
            response_format: pretty(&content.response_format.unwrap_or_default()),
            ..Self::default()
        }
    }

    /// Reads repeated fields in order.
    fn from_form(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (key, value) in pairs {
            // Forms send line ends as CRLF.
            let value = value.replace("\r\n", "\n");
            let variable = typed.variables.last_mut();
            match key.as_str() {
                "name" => typed.name = value,
                "note" => typed.note = value,
                "role" => typed.messages.push(TypedMessage { role: value, ..TypedMessage::default() }),
                "content" => typed.messages.last_mut().map(|m| m.content = value).unwrap_or_default(),
                "place" => typed.messages.last_mut().map(|m| m.place = value).unwrap_or_default(),
                "variable" => typed.variables.push(TypedVariable { name: value, ..TypedVariable::default() }),
                "variable_type" => variable.map(|v| v.kind = value).unwrap_or_default(),
                "variable_default" => variable.map(|v| v.default = value).unwrap_or_default(),
                "variable_sample" => variable.map(|v| v.sample = value).unwrap_or_default(),
                "parameters" => typed.parameters = value,
                "tools" => typed.tools = value,
                "response_format" => typed.response_format = value,
                "do" => typed.preview = value == "preview",
                _ => {}
            }
        }
        typed.messages.retain(|m| !m.content.trim().is_empty());
        typed.variables.retain(|v| !v.name.trim().is_empty());
        typed.put_in_order();
        typed
    }

    /// By the numbers typed beside them; equal ones stay as they stand.
    fn put_in_order(&mut self) {
        self.messages.sort_by_key(|m| m.place.trim().parse::<u32>().unwrap_or(u32::MAX));
        for (i, message) in self.messages.iter_mut().enumerate() {
            message.place = (i + 1).to_string();
        }
    }

    fn content(&self) -> Result<VersionContent, Fault> {
        let messages = self.messages.iter().map(|typed| {
            let role =
                MessageRole::parse(&typed.role).ok_or_else(|| Fault::field("role", "must be system, developer, user or assistant"))?;
            Ok(PromptMessage { role, content: typed.content.clone() })
        });
        Ok(VersionContent {
            note: self.note.trim().to_owned(),
            messages: messages.collect::<Result<_, Fault>>()?,
            parameters: json(&self.parameters, "parameters", "a JSON object, like {\"temperature\": 0.2}")?.unwrap_or_default(),
            variables: self.declared()?,
            tools: json(&self.tools, "tools", "a JSON list, like [{\"type\": \"function\", \"function\": {…}}]")?.unwrap_or_default(),
            response_format: json(&self.response_format, "response_format", "a JSON object, like {\"type\": \"json_schema\", …}")?,
        })
    }

    fn declared(&self) -> Result<BTreeMap<String, Variable>, Fault> {
        let mut out = BTreeMap::new();
        for typed in &self.variables {
            let name = typed.name.trim();
            let kind = VariableKind::parse(&typed.kind).unwrap_or_default();
            let read = |text: &str| match text.trim() {
                "" => Ok(None),
                _ => {
                    kind.read(text).map(Some).ok_or_else(|| Fault::field("variables", format!("{name}: `{text}` is no {}", kind.as_str())))
                }
            };
            let variable = Variable { kind, default: read(&typed.default)?, sample: read(&typed.sample)? };
            if out.insert(name.to_owned(), variable).is_some() {
                return Err(Fault::field("variables", format!("{name} is there twice")));
            }
        }
        Ok(out)
    }
}

fn json<T: serde::de::DeserializeOwned>(text: &str, field: &str, like: &str) -> Result<Option<T>, Fault> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|e| Fault::field(field, format!("must be {like}: {e}")))
}

async fn new_page(ctx: Ctx) -> Response {
    if let Err(fault) = ctx.actor().require(Permission::WritePrompts) {
        return ctx.fault(&fault);
    }
    let first = TypedMessage { role: "system".to_owned(), place: "1".to_owned(), ..TypedMessage::default() };
    let typed = Typed { messages: vec![first], ..Typed::default() };
    ctx.page("New prompt", "/prompts", Box::new(move || new_view(typed, None, None).into_any()))
}

fn new_view(typed: Typed, fault: Option<Fault>, preview: Option<Vec<PromptMessage>>) -> impl IntoView {
    view! {
        <div class="page-head"><h1><a class="muted" href="/prompts">"Prompts"</a><span class="muted">" / "</span>"New prompt"</h1></div>
        <section class="card">{version_form(typed, fault.as_ref(), preview, true)}</section>
    }
}

async fn create(ctx: Ctx, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let typed = Typed::from_form(pairs);
    let content = match typed.content() {
        Ok(content) => content,
        Err(fault) => return again(&ctx, typed, Some(fault), None).await,
    };
    if typed.preview {
        return match service::preview(&ctx.app, &ctx.actor(), typed.name.trim(), &content).await {
            Ok(preview) => again(&ctx, typed, None, Some(preview)).await,
            Err(fault) => again(&ctx, typed, Some(fault), None).await,
        };
    }
    match service::create_version(&ctx.app, &ctx.actor(), &typed.name, content).await {
        Ok(version) => {
            let name = typed.name.trim();
            redirect(
                &format!("/prompts/{}", encode(name)),
                &format!("Version {} of {name} is saved. Point a label to it to use it.", version.version),
            )
        }
        Err(fault @ Fault::Forbidden(_)) => ctx.fault(&fault),
        Err(fault) => again(&ctx, typed, Some(fault), None).await,
    }
}

/// Shows the form again with everything that was typed.
async fn again(ctx: &Ctx, typed: Typed, fault: Option<Fault>, preview: Option<Vec<PromptMessage>>) -> Response {
    let status = fault.as_ref().map_or(StatusCode::OK, log_and_status);
    match service::get(&ctx.app, &ctx.actor(), typed.name.trim()).await {
        Ok(prompt) => one::show(ctx, status, prompt, typed, fault, preview).await,
        Err(_) => ctx.page_with(status, "New prompt", "/prompts", Box::new(move || new_view(typed, fault, preview).into_any())),
    }
}

pub(super) fn version_form(typed: Typed, fault: Option<&Fault>, preview: Option<Vec<PromptMessage>>, new: bool) -> impl IntoView + use<> {
    let fields = fault.map(Fault::fields).unwrap_or_default();
    let own = ["name", "note", "parameters", "tools", "response_format"];
    let general: Vec<String> =
        fields.iter().filter(|(k, _)| !own.contains(&k.as_str())).map(|(k, v)| format!("{}: {v}", place_of(k))).collect();
    let whole = if fields.is_empty() { fault.map(ToString::to_string) } else { (!general.is_empty()).then(|| general.join(" ")) };
    let own_name = typed.name.clone();
    let name = if new {
        view! {
            <Field label="Name" id="name" error=fields.get("name").cloned() help="What routes call it, like support">
                <input class="input" id="name" name="name" required maxlength="100" value=own_name/>
            </Field>
        }
        .into_any()
    } else {
        view! { <input type="hidden" name="name" value=own_name/> }.into_any()
    };
    let error = |name: &str| fields.get(name).cloned();
    let (messages, variables) = (messages(&typed, new), variables(&typed));
    let rich = !typed.tools.is_empty()
        || !typed.response_format.is_empty()
        || fields.contains_key("tools")
        || fields.contains_key("response_format");
    let (tools, format) = (error("tools"), error("response_format"));
    view! {
        <form method="post" action="/prompts/new" class="stack">
            <FormError message=whole/>
            {name}
            <div class="stack">{messages}</div>
            <p class="small muted">"Write {{ variable }} where a value comes from the app, and {% include \"name@label\" %} for a text shared with other prompts. Rows without text are left out; the numbers put messages in order."</p>
            {variables}
            <Field label="Model settings" id="parameters" error=error("parameters") help="A JSON object; it wins over what the app sends">
                <textarea class="input mono" id="parameters" name="parameters" rows="3" placeholder="{\"temperature\": 0.2}">{typed.parameters}</textarea>
            </Field>
            <details class="more" open=rich><summary>"Tools and shape of the answer"</summary><div class="stack">
                <Field label="Tools" id="tools" error=tools help="A JSON list of functions the model may call">
                    <textarea class="input mono" id="tools" name="tools" rows="4">{typed.tools}</textarea>
                </Field>
                <Field label="Shape of the answer" id="response_format" error=format help="A JSON schema the answer must follow, as OpenAI's response_format">
                    <textarea class="input mono" id="response_format" name="response_format" rows="4">{typed.response_format}</textarea>
                </Field>
            </div></details>
            <Field label="Note" id="note" error=error("note") help="Why this version exists">
                <input class="input" id="note" name="note" maxlength="1000" value=typed.note/>
            </Field>
            <div class="row"><button class="btn primary" name="do" value="save">"Save as a new version"</button><button class="btn" name="do" value="preview">"Preview with samples"</button></div>
            {preview.map(preview_view)}
        </form>
    }
}

/// `messages[0].content` as `Message 1`.
fn place_of(field: &str) -> String {
    let number = field.strip_prefix("messages[").and_then(|rest| rest.split(']').next()).and_then(|n| n.parse::<usize>().ok());
    number.map_or_else(|| field.to_owned(), |n| format!("Message {}", n + 1))
}

fn preview_view(messages: Vec<PromptMessage>) -> impl IntoView {
    let rows = messages.into_iter().map(|m| {
        view! { <div class="bubble instructions"><span class="small muted">{m.role.as_str()}</span><p>{m.content}</p></div> }.into_any()
    });
    view! { <section class="stack" role="status" aria-label="Preview"><h3>"With sample values"</h3>{rows.collect_view()}</section> }
}

fn messages(typed: &Typed, new: bool) -> impl IntoView + use<> {
    let mut rows = typed.messages.clone();
    let spare = if new && rows.len() == 1 { 0 } else { SPARE_ROWS };
    rows.extend(std::iter::repeat_n(TypedMessage { role: "user".to_owned(), ..TypedMessage::default() }, spare));
    rows.into_iter().enumerate().map(|(i, message)| message_row(i, message).into_any()).collect_view()
}

fn message_row(i: usize, message: TypedMessage) -> impl IntoView {
    let options = MessageRole::ALL.map(|r| view! { <option value=r.as_str() selected=message.role == r.as_str()>{r.as_str()}</option> });
    let rows = message.content.lines().count().clamp(3, 16);
    let n = i + 1;
    view! {
        <fieldset class="message" data-row="">
            <legend class="visually-hidden">{format!("Message {n}")}</legend>
            <div class="row">
                <span class="handle" draggable="true" title="Drag, or press Alt and an arrow key" aria-hidden="true"><Icon name="menu"/></span>
                <select class="input" name="role" aria-label=format!("Role of message {n}")>{options.collect_view()}</select>
                <label class="row small muted">"Place"<input class="input num place" name="place" data-place="" inputmode="numeric" value=message.place aria-label=format!("Place of message {n}")/></label>
            </div>
            <textarea class="input" name="content" rows=rows.to_string() aria-label=format!("Text of message {n}")>{message.content}</textarea>
        </fieldset>
    }
}

fn variables(typed: &Typed) -> impl IntoView + use<> {
    let open = !typed.variables.is_empty();
    let mut rows = typed.variables.clone();
    rows.extend(std::iter::repeat_n(TypedVariable::default(), SPARE_ROWS + 1));
    let rows = rows.into_iter().enumerate().map(|(i, v)| variable_row(i + 1, v).into_any()).collect_view();
    view! {
        <details class="more" open=open><summary>"Variables"</summary>
            <p class="small muted">"Declared variables are strict: a call that leaves one without a default out is refused, and so is a name that is not here. With none declared, anything goes and what is missing stays empty."</p>
            <div class="scroll"><table>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"Type"</th><th scope="col">"Default"</th><th scope="col">"Sample"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table></div>
        </details>
    }
}

fn variable_row(n: usize, v: TypedVariable) -> impl IntoView {
    let options = VariableKind::ALL.map(|k| view! { <option value=k.as_str() selected=v.kind == k.as_str()>{k.as_str()}</option> });
    view! {
        <tr>
            <td><input class="input" name="variable" value=v.name aria-label=format!("Name of variable {n}") maxlength="60"/></td>
            <td><select class="input" name="variable_type" aria-label=format!("Type of variable {n}")>{options.collect_view()}</select></td>
            <td><input class="input" name="variable_default" value=v.default aria-label=format!("Default of variable {n}")/></td>
            <td><input class="input" name="variable_sample" value=v.sample aria-label=format!("Sample of variable {n}")/></td>
        </tr>
    }
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/prompts/new", get(new_page).post(create))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> Typed {
        Typed::from_form(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn messages_come_in_the_order_of_their_numbers_and_empty_ones_are_left_out() {
        let typed = typed(&[
            ("role", "system"),
            ("content", "first"),
            ("place", "2"),
            ("role", "user"),
            ("content", " \r\n"),
            ("place", ""),
            ("role", "assistant"),
            ("content", "second\r\nline"),
            ("place", "1"),
        ]);
        let content = typed.content().expect("content");
        let told: Vec<_> = content.messages.iter().map(|m| (m.role.as_str(), m.content.as_str())).collect();
        assert_eq!(told, [("assistant", "second\nline"), ("system", "first")]);
    }

    #[test]
    fn variables_are_read_by_their_type() {
        let row = |name: &'static str, kind: &'static str, default: &'static str| {
            [("variable", name), ("variable_type", kind), ("variable_default", default), ("variable_sample", "")]
        };
        let good = typed(&[row("shop", "text", "12"), row("count", "number", "12"), row("", "text", "")].concat());
        let declared = good.declared().expect("declared");
        assert_eq!(declared["shop"].default, Some(Value::from("12")));
        assert_eq!(declared["count"].default, Some(Value::from(12)));
        assert_eq!(declared.len(), 2);
        let why = typed(&row("count", "number", "many")).declared().expect_err("no number");
        assert_eq!(why.fields()["variables"], "count: `many` is no number");
    }
}
