//! Templates: checked when a version is made, compiled when the snapshot is built, rendered per call.

use super::model::{MessageRole, VersionContent};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Longest template source in bytes.
const MAX_SOURCE: usize = 200_000;
/// Steps one rendering may take; a loop in a template ends here with an error instead of holding a call.
const FUEL: u64 = 200_000;

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    // A message ends as it was written.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        env.set_syntax(syntax);
    }
    env.set_fuel(Some(FUEL));
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env
}

/// A sentence with line and column when the template does not parse.
pub fn check(source: &str) -> Result<(), String> {
    if source.len() > MAX_SOURCE {
        return Err(format!("is longer than {MAX_SOURCE} bytes"));
    }
    match environment().template_from_str(source) {
        Ok(_) => Ok(()),
        Err(e) => {
            let line = e.line().unwrap_or(1);
            let column = e.range().map_or(1, |range| {
                let before = source.get(..range.start).unwrap_or_default();
                before.chars().rev().take_while(|c| *c != '\n').count() + 1
            });
            Err(format!("line {line}, column {column}: {}", e.detail().unwrap_or("this template does not parse")))
        }
    }
}

/// A prompt version ready for the hot path.
pub struct CompiledPrompt {
    /// `name@version`.
    pub reference: std::sync::Arc<str>,
    /// Model settings that win over the caller's, already serialised.
    pub parameters: Vec<(String, Box<RawValue>)>,
    env: Environment<'static>,
    messages: Vec<Message>,
    defaults: BTreeMap<String, String>,
    fixed: Option<String>,
}

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
        out.push(Piece::Text(escaped(text)));
        out.push(Piece::Variable(name.to_owned()));
        rest = tail;
    }
    out.push(Piece::Text(escaped(rest)));
    let plain = |piece: &Piece| !matches!(piece, Piece::Text(text) if text.contains("{%") || text.contains("{#") || text.contains('\r'));
    out.iter().all(plain).then_some(out)
}

/// JSON text without its quotes.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Why a prompt could not be rendered for this call.
#[derive(Debug, thiserror::Error)]
#[error("the prompt {prompt} cannot be rendered: {why}")]
pub struct RenderError {
    prompt: String,
    why: String,
}

impl CompiledPrompt {
    /// Compiles a version. Sources were checked when the version was made, so an error here means the rules have changed since.
    pub fn new(name: &str, version: u32, content: &VersionContent) -> Result<Self, RenderError> {
        let reference: std::sync::Arc<str> = format!("{name}@{version}").into();
        let fail = |why: String| RenderError { prompt: reference.to_string(), why };
        let mut env = environment();
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
        let fixed = fixed.map(|parts| parts.join(","));
        let mut parameters = Vec::with_capacity(content.parameters.len());
        for (key, value) in &content.parameters {
            parameters.push((key.clone(), serde_json::value::to_raw_value(value).map_err(|e| fail(e.to_string()))?));
        }
        let defaults = content.variables.iter().filter_map(|(k, v)| v.default.clone().map(|d| (k.clone(), d))).collect();
        Ok(Self { reference, parameters, env, messages, defaults, fixed })
    }

    /// The messages as JSON array elements without the brackets. Values are data: a variable can never become template code.
    pub fn render(&self, variables: &HashMap<String, serde_json::Value>) -> Result<Cow<'_, str>, RenderError> {
        if let Some(fixed) = &self.fixed {
            return Ok(Cow::Borrowed(fixed));
        }
        let mut values = None;
        let mut out = String::new();
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
                    let text = text.map_err(|e| RenderError { prompt: self.reference.to_string(), why: e.to_string() })?;
                    out.push_str(&message_json(*role, &text));
                }
            }
        }
        Ok(Cow::Owned(out))
    }

    fn values(&self, variables: &HashMap<String, serde_json::Value>) -> minijinja::Value {
        let mut values: HashMap<&str, minijinja::Value> =
            self.defaults.iter().map(|(k, v)| (k.as_str(), minijinja::Value::from(v.as_str()))).collect();
        values.extend(variables.iter().map(|(k, v)| (k.as_str(), minijinja::Value::from(minijinja::value::Serde(v)))));
        minijinja::Value::from_pairs(values)
    }

    /// Puts the pieces together; leaves `out` as it was and gives `false` when a value is not text, which the engine knows to write.
    fn fill_in(&self, out: &mut String, role: MessageRole, pieces: &[Piece], variables: &HashMap<String, serde_json::Value>) -> bool {
        let before = out.len();
        let _ = write!(out, "{{\"role\":\"{}\",\"content\":\"", role.as_str());
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(name) => match variables.get(name) {
                    Some(serde_json::Value::String(value)) => out.push_str(&escaped(value)),
                    Some(_) => {
                        out.truncate(before);
                        return false;
                    }
                    None => {
                        if let Some(default) = self.defaults.get(name) {
                            out.push_str(&escaped(default));
                        }
                    }
                },
            }
        }
        out.push_str("\"}");
        true
    }
}

fn message_json(role: MessageRole, content: &str) -> String {
    let mut out = format!("{{\"role\":\"{}\",\"content\":", role.as_str());
    out.push_str(&serde_json::Value::from(content).to_string());
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::model::{PromptMessage, Variable};

    fn prompt(source: &str) -> CompiledPrompt {
        let content = VersionContent {
            messages: vec![PromptMessage { role: MessageRole::System, content: source.to_owned() }],
            variables: BTreeMap::from([("tone".to_owned(), Variable { default: Some("kind".to_owned()), sample: None })]),
            ..VersionContent::default()
        };
        CompiledPrompt::new("p", 1, &content).expect("compiles")
    }

    fn render(source: &str, variables: serde_json::Value) -> Result<String, RenderError> {
        let variables = serde_json::from_value(variables).expect("an object");
        prompt(source).render(&variables).map(Cow::into_owned)
    }

    #[test]
    fn variables_are_data_and_never_template_code() {
        let out = render("Help {{ shop }}.", serde_json::json!({ "shop": "{{ secret }}\n\"quoted\" <b>" })).expect("renders");
        assert_eq!(out, r#"{"role":"system","content":"Help {{ secret }}\n\"quoted\" <b>."}"#);
    }

    #[test]
    fn defaults_fill_in_and_the_caller_wins() {
        assert_eq!(render("Be {{ tone }}.", serde_json::json!({})).expect("renders"), r#"{"role":"system","content":"Be kind."}"#);
        assert_eq!(
            render("Be {{ tone }}.", serde_json::json!({ "tone": "brief" })).expect("renders"),
            r#"{"role":"system","content":"Be brief."}"#
        );
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
        let variables: HashMap<String, serde_json::Value> =
            serde_json::from_value(serde_json::json!({ "shop": "Lamps \"& more\"\n", "n": 1.5, "list": ["a", 1, null] }))
                .expect("an object");
        for source in sources {
            let (quick, mut slow) = (prompt(source), prompt(source));
            for message in &mut slow.messages {
                if let Message::Template(_, _, pieces) = message {
                    *pieces = None;
                }
            }
            assert_eq!(quick.render(&variables).expect("renders"), slow.render(&variables).expect("renders"), "{source}");
        }
    }

    #[test]
    fn an_endless_loop_is_stopped() {
        assert!(render("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", serde_json::json!({})).is_err());
    }

    #[test]
    fn a_broken_template_is_refused_with_its_place() {
        let why = check("Hello\n  {{ shop").expect_err("does not parse");
        assert!(why.starts_with("line 2, column "), "{why}");
    }
}
