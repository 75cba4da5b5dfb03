//! Rendering: compiled when the snapshot is built, rendered per call.

use super::model::{MessageRole, Variable, VersionContent};
use super::template::{Fragments, environment};
use hypercare_wire::dialect::{self, Dialect};
use hypercare_wire::text::{inside, quoted};
use minijinja::Environment;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Model settings that win over the caller's, already serialised.
pub type Settings = Vec<(String, Box<RawValue>)>;

/// What a call fills in, by name.
pub type Variables = serde_json::Map<String, Value>;

/// What a version sets beside its messages, in the words of a caller's dialect.
pub fn settings(content: &VersionContent, dialect: Dialect) -> Result<Settings, serde_json::Error> {
    let mut settings = Settings::new();
    for (key, value) in &content.parameters {
        settings.push((key.clone(), serde_json::value::to_raw_value(value)?));
    }
    for (key, value) in shapes(content, dialect) {
        settings.push((key, serde_json::value::to_raw_value(&value)?));
    }
    Ok(settings)
}

/// What of a translated body is tools and the shape of the answer. `generationConfig` holds the caller's own settings too: there the shape of the answer
/// stays the caller's.
const SHAPES: [&str; 5] = ["tools", "output_config", "output_format", "text", "response_format"];

/// Tools and the shape of the answer. A version holds them as OpenAI chat completions take them; for another dialect they are read and written once.
fn shapes(content: &VersionContent, dialect: Dialect) -> Vec<(String, Value)> {
    let mut own = serde_json::Map::new();
    if !content.tools.is_empty() {
        own.insert("tools".to_owned(), Value::from(content.tools.clone()));
    }
    if let Some(format) = &content.response_format {
        own.insert("response_format".to_owned(), format.clone());
    }
    if own.is_empty() || dialect == Dialect::OpenAi {
        return own.into_iter().collect();
    }
    let mut body = json!({ "model": "m", "max_tokens": 1, "messages": [{ "role": "user", "content": "" }] });
    if let Some(body) = body.as_object_mut() {
        body.extend(own);
    }
    let Ok(request) = Dialect::OpenAi.read_request(body.to_string().as_bytes()) else { return Vec::new() };
    let written = match dialect {
        Dialect::Anthropic => {
            let thinking = dialect::anthropic::Thinking::of_model("");
            let options = dialect::anthropic::Options { drop_unsupported: true, default_max_tokens: None, thinking };
            dialect::anthropic::write_request(&request, options)
        }
        Dialect::Responses => dialect::responses::write_request(&request, dialect::responses::Options { drop_unsupported: true }),
        Dialect::Gemini => {
            let options = dialect::gemini::Options {
                drop_unsupported: true,
                thinking: dialect::gemini::Thinking::of_model(""),
                unproven_calls: false,
            };
            dialect::gemini::write_request(&request, options)
        }
        // Nobody calls in Bedrock's dialect.
        Dialect::OpenAi | Dialect::Bedrock => return Vec::new(),
    };
    let written: serde_json::Map<String, Value> =
        written.ok().and_then(|written| serde_json::from_slice(&written.body).ok()).unwrap_or_default();
    written.into_iter().filter(|(key, _)| SHAPES.contains(&key.as_str())).collect()
}

/// Every dialect a caller may speak.
const CALLERS: [Dialect; 4] = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Responses, Dialect::Gemini];

/// A prompt version ready for the hot path.
pub struct CompiledPrompt {
    /// `name@version`.
    pub reference: std::sync::Arc<str>,
    /// By the caller's dialect.
    settings: Vec<(Dialect, Settings)>,
    env: Environment<'static>,
    messages: Vec<Message>,
    variables: BTreeMap<String, Variable>,
    fixed: Option<String>,
    /// Bytes that its messages take, more or less: room for them is asked for once.
    room: usize,
}

/// Bytes that a value of a variable takes, more or less.
const VALUE: usize = 96;

enum Message {
    /// Says always the same: already JSON.
    Fixed(String),
    /// A template of `env` under its place's number, and, when it only fills in variables, its pieces.
    Template(MessageRole, String, Option<Vec<Piece>>),
}

/// A piece of a template that only fills in variables: most do, and putting pieces together costs a tenth of running a template.
enum Piece {
    /// JSON text without its quotes.
    Text(String),
    Variable(String),
}

/// The pieces of a template in which nothing stands but text and `{{ name }}`; `None` for any other.
fn pieces(source: &str) -> Option<Vec<Piece>> {
    const WORDS: [&str; 12] = ["true", "false", "none", "True", "False", "None", "not", "loop", "self", "super", "caller", "if"];
    let mut out = Vec::new();
    let mut rest = source;
    while let Some((text, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}")?;
        let name = name.trim_matches([' ', '\t', '\n']);
        let word =
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !word || WORDS.contains(&name) {
            return None;
        }
        out.push(Piece::Text(inside(text).into_owned()));
        out.push(Piece::Variable(name.to_owned()));
        rest = tail;
    }
    out.push(Piece::Text(inside(rest).into_owned()));
    let plain = |piece: &Piece| !matches!(piece, Piece::Text(text) if text.contains("{%") || text.contains("{#") || text.contains('\r'));
    out.iter().all(plain).then_some(out)
}

/// Why a prompt could not be rendered for this call.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The call leaves out what has no default, or gives it another kind of value.
    #[error("the prompt {prompt} needs the variable `{name}`: {why}")]
    Variable {
        /// `name@version`.
        prompt: String,
        /// The variable.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The engine gave up.
    #[error("the prompt {prompt} cannot be rendered: {why}")]
    Engine {
        /// `name@version`.
        prompt: String,
        /// What the engine says.
        why: String,
    },
}

impl CompiledPrompt {
    /// Compiles a version with the shared texts it includes. Sources were checked when the version was made, so an error here means the rules have
    /// changed since.
    pub fn new(name: &str, version: u32, content: &VersionContent, fragments: &Fragments) -> Result<Self, RenderError> {
        let reference: std::sync::Arc<str> = format!("{name}@{version}").into();
        let fail = |why: String| RenderError::Engine { prompt: reference.to_string(), why };
        let mut env = environment(!content.variables.is_empty());
        for (name, text) in fragments {
            env.add_template_owned(name.clone(), text.clone()).map_err(|e| fail(e.to_string()))?;
        }
        let mut messages = Vec::with_capacity(content.messages.len());
        for (i, message) in content.messages.iter().enumerate() {
            if ["{{", "{%", "{#"].iter().any(|mark| message.content.contains(mark)) {
                let slot = i.to_string();
                env.add_template_owned(slot.clone(), message.content.clone()).map_err(|e| fail(e.to_string()))?;
                messages.push(Message::Template(message.role, slot, pieces(&message.content)));
            } else {
                messages.push(Message::Fixed(message_json(message.role, &message.content)));
            }
        }
        let fixed =
            messages.iter().map(|m| if let Message::Fixed(json) = m { Some(json.as_str()) } else { None }).collect::<Option<Vec<_>>>();
        let fixed = fixed.map(|parts| parts.join(",")).filter(|_| content.variables.is_empty());
        let mut by_dialect = Vec::with_capacity(CALLERS.len());
        for dialect in CALLERS {
            by_dialect.push((dialect, settings(content, dialect).map_err(|e| fail(e.to_string()))?));
        }
        let room = content.messages.iter().map(|message| message.content.len() + 2 * VALUE).sum();
        Ok(Self { reference, settings: by_dialect, env, messages, variables: content.variables.clone(), fixed, room })
    }

    /// Model settings that win over those of a caller of that dialect.
    pub fn settings(&self, dialect: Dialect) -> &[(String, Box<RawValue>)] {
        self.settings.iter().find(|(known, _)| *known == dialect).map_or(&[], |(_, settings)| settings)
    }

    /// Whether every declared variable is there and of its kind.
    fn require(&self, variables: &Variables) -> Result<(), RenderError> {
        let fail = |name: &str, why: String| RenderError::Variable { prompt: self.reference.to_string(), name: name.to_owned(), why };
        for (name, declared) in &self.variables {
            match variables.get(name) {
                None if declared.default.is_none() => {
                    return Err(fail(name, "it has no default, and the call does not give it".to_owned()));
                }
                Some(value) if !declared.kind.takes(value) => return Err(fail(name, format!("it must be a {}", declared.kind.as_str()))),
                _ => {}
            }
        }
        Ok(())
    }

    /// The messages as JSON array elements without the brackets. Values are data: a variable can never become template code.
    pub fn render(&self, variables: &Variables) -> Result<Cow<'_, str>, RenderError> {
        if let Some(fixed) = &self.fixed {
            return Ok(Cow::Borrowed(fixed));
        }
        self.require(variables)?;
        let mut values = None;
        let mut out = String::with_capacity(self.room);
        for message in &self.messages {
            if !out.is_empty() {
                out.push(',');
            }
            match message {
                Message::Fixed(json) => out.push_str(json),
                Message::Template(role, slot, pieces) => {
                    if pieces.as_ref().is_some_and(|pieces| self.fill_in(&mut out, *role, pieces, variables)) {
                        continue;
                    }
                    let values = values.get_or_insert_with(|| self.values(variables));
                    let text = self.env.get_template(slot).and_then(|t| t.render(&*values));
                    let text = text.map_err(|e| RenderError::Engine { prompt: self.reference.to_string(), why: e.to_string() })?;
                    out.push_str(&message_json(*role, &text));
                }
            }
        }
        Ok(Cow::Owned(out))
    }

    fn values(&self, variables: &Variables) -> minijinja::Value {
        let value = |v| minijinja::Value::from(minijinja::value::Serde(v));
        let defaults = self.variables.iter().filter_map(|(name, variable)| Some((name.as_str(), value(variable.default.as_ref()?))));
        let mut values: HashMap<&str, minijinja::Value> = defaults.collect();
        values.extend(variables.iter().map(|(name, given)| (name.as_str(), value(given))));
        minijinja::Value::from_pairs(values)
    }

    /// Puts the pieces together; leaves `out` as it was and gives `false` when a value is not text, which the engine knows to write.
    fn fill_in(&self, out: &mut String, role: MessageRole, pieces: &[Piece], variables: &Variables) -> bool {
        let before = out.len();
        let _ = write!(out, "{{\"role\":\"{}\",\"content\":\"", role.as_str());
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(name) => match variables.get(name).or_else(|| self.variables.get(name)?.default.as_ref()) {
                    Some(Value::String(value)) => out.push_str(&inside(value)),
                    Some(_) => {
                        out.truncate(before);
                        return false;
                    }
                    None => {}
                },
            }
        }
        out.push_str("\"}");
        true
    }
}

fn message_json(role: MessageRole, content: &str) -> String {
    let mut out = format!("{{\"role\":\"{}\",\"content\":", role.as_str());
    out.push_str(&quoted(content));
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::model::{PromptMessage, VariableKind};

    fn content(source: &str, variables: BTreeMap<String, Variable>) -> VersionContent {
        VersionContent {
            messages: vec![PromptMessage { role: MessageRole::System, content: source.to_owned() }],
            variables,
            ..VersionContent::default()
        }
    }

    fn compiled(content: &VersionContent) -> CompiledPrompt {
        let fragments = Fragments::from([("tone@live".to_owned(), "Be {{ tone }}.".to_owned())]);
        CompiledPrompt::new("p", 1, content, &fragments).expect("compiles")
    }

    fn render(source: &str, variables: Value) -> Result<String, RenderError> {
        let variables = serde_json::from_value(variables).expect("an object");
        compiled(&content(source, BTreeMap::new())).render(&variables).map(Cow::into_owned)
    }

    fn strict(source: &str, variables: Value) -> Result<String, String> {
        let tone = Variable { default: Some(json!("kind")), ..Variable::default() };
        let count = Variable { kind: VariableKind::Number, ..Variable::default() };
        let declared = BTreeMap::from([("tone".to_owned(), tone), ("count".to_owned(), count)]);
        let variables = serde_json::from_value(variables).expect("an object");
        compiled(&content(source, declared)).render(&variables).map(Cow::into_owned).map_err(|e| e.to_string())
    }

    #[test]
    fn variables_are_data_and_never_template_code() {
        let out = render("Help {{ shop }}.", json!({ "shop": "{{ secret }}\n\"quoted\" <b>" })).expect("renders");
        assert_eq!(out, r#"{"role":"system","content":"Help {{ secret }}\n\"quoted\" <b>."}"#);
        let out = render("{% if shop %}{{ shop }}{% endif %}", json!({ "shop": "{% include 'tone@live' %}" })).expect("renders");
        assert_eq!(out, r#"{"role":"system","content":"{% include 'tone@live' %}"}"#);
    }

    #[test]
    fn defaults_fill_in_and_the_caller_wins() {
        assert_eq!(strict("Be {{ tone }}.", json!({ "count": 1 })).expect("renders"), r#"{"role":"system","content":"Be kind."}"#);
        assert_eq!(
            strict("Be {{ tone }}.", json!({ "count": 1, "tone": "brief" })).expect("renders"),
            r#"{"role":"system","content":"Be brief."}"#
        );
    }

    #[test]
    fn what_is_declared_must_be_there_and_of_its_kind() {
        let why = strict("{{ count }}", json!({})).expect_err("missing");
        assert_eq!(why, "the prompt p@1 needs the variable `count`: it has no default, and the call does not give it");
        let why = strict("{{ count }}", json!({ "count": "three" })).expect_err("text");
        assert_eq!(why, "the prompt p@1 needs the variable `count`: it must be a number");
        assert_eq!(strict("{{ count + 1 }}", json!({ "count": 2 })).expect("renders"), r#"{"role":"system","content":"3"}"#);
        assert!(strict("{{ tone.missing }}", json!({ "count": 2 })).is_err(), "an attribute that is not there");
    }

    #[test]
    fn shared_texts_see_the_variables() {
        let out = render("{% include \"tone@live\" %} Now.", json!({ "tone": "brief" })).expect("renders");
        assert_eq!(out, r#"{"role":"system","content":"Be brief. Now."}"#);
    }

    #[test]
    fn filling_in_says_what_the_engine_says() {
        let sources = [
            "Help {{ shop }}.",
            "{{shop}}{{ tone }}\n",
            "a {{ missing }} b\n\n",
            "\"{{ shop }}\" {not} }} \\ é",
            "{{ n }} and {{ list }}",
            "{{ true }}",
            "{{ shop|upper }}",
            "{{- shop -}} x",
            "{# no #}{{ shop }}",
            "{{ shop.name }}",
            "x\r\n",
            "{{\tshop\n}}",
        ];
        let variables: Variables =
            serde_json::from_value(json!({ "shop": "Lamps \"& more\"\n", "n": 1.5, "list": ["a", 1, null] })).expect("an object");
        for source in sources {
            let (quick, mut slow) = (compiled(&content(source, BTreeMap::new())), compiled(&content(source, BTreeMap::new())));
            for message in &mut slow.messages {
                if let Message::Template(_, _, pieces) = message {
                    *pieces = None;
                }
            }
            assert_eq!(quick.render(&variables).expect("renders"), slow.render(&variables).expect("renders"), "{source}");
        }
    }

    #[test]
    fn a_text_that_grows_without_bounds_is_stopped() {
        let grown = "x".repeat(100_000);
        assert!(render("{% for a in text %}{{ text }}{% endfor %}", json!({ "text": grown })).is_err());
    }

    #[test]
    fn tools_and_the_shape_of_the_answer_speak_the_callers_dialect() {
        let tool = json!({ "type": "function", "function": { "name": "order", "parameters": { "type": "object", "properties": {} } } });
        let content = VersionContent { tools: vec![tool.clone()], ..content("x", BTreeMap::new()) };
        let of = |dialect| {
            let settings = compiled(&content).settings(dialect).to_vec();
            settings.into_iter().map(|(key, raw)| (key, serde_json::from_str::<Value>(raw.get()).expect("JSON"))).collect::<Vec<_>>()
        };
        assert_eq!(of(Dialect::OpenAi), [("tools".to_owned(), json!([tool]))]);
        assert_eq!(of(Dialect::Anthropic)[0].1[0]["name"], "order");
        assert!(of(Dialect::Anthropic)[0].1[0]["input_schema"].is_object());
        assert_eq!(of(Dialect::Responses)[0].1[0]["name"], "order");
        assert_eq!(of(Dialect::Gemini)[0].1[0]["functionDeclarations"][0]["name"], "order");
    }
}
