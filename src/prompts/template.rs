//! Templates: what a version may say, checked before it is saved.
//!
//! minijinja without macros: a template can branch, loop and include shared pieces; every byte it writes and every step it takes is paid for with fuel.

use super::model::{Pin, PromptRef, Variable, VariableKind, VersionContent};
use minijinja::machinery::{Span, Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Longest template source in bytes.
const MAX_SOURCE: usize = 200_000;
/// What one rendering may take: a step costs 1, and so do 64 bytes written. A loop that does not end, or a text that grows without bounds, ends
/// here with an error instead of holding a call.
const FUEL: u64 = 100_000;
/// Deepest nesting of shared pieces.
const MAX_DEPTH: usize = 8;

/// The text of shared pieces by their reference.
pub type Fragments = BTreeMap<String, String>;

fn syntax() -> SyntaxConfig {
    // A message ends as it was written.
    SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default()
}

/// An engine; a strict one refuses to write what is not there.
pub fn environment(strict: bool) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(if strict { UndefinedBehavior::SemiStrict } else { UndefinedBehavior::Lenient });
    env.set_syntax(syntax());
    env.set_fuel(Some(FUEL));
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // It would show the variables of a call to whoever reads the answer.
    env.remove_global("debug");
    env
}

/// A sentence about a place in a template.
fn at(source: &str, offset: usize, why: &str) -> String {
    let before = source.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
    format!("line {line}, column {column}: {why}")
}

fn explained(source: &str, e: &Error) -> String {
    let why = match e.kind() {
        ErrorKind::OutOfFuel => "this loops too long or writes too much".to_owned(),
        _ => e.detail().map_or_else(|| e.kind().to_string(), str::to_owned),
    };
    match e.range() {
        Some(range) => at(source, range.start, &why),
        None => format!("line {}, column 1: {why}", e.line().unwrap_or(1)),
    }
}

/// What a template refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Names of variables, each with the place of its first use.
    pub variables: BTreeMap<String, usize>,
    /// Shared pieces (`name@label`), each with the place of its first use.
    pub fragments: BTreeMap<String, usize>,
}

/// Reads what a template refers to, or why it is none.
pub fn uses(source: &str) -> Result<Uses, String> {
    if source.len() > MAX_SOURCE {
        return Err(format!("is longer than {MAX_SOURCE} bytes"));
    }
    let mut env = environment(false);
    env.add_template("template", source).map_err(|e| explained(source, &e))?;
    let template = env.get_template("template").map_err(|e| explained(source, &e))?;
    let state = env.empty_state();
    let free: BTreeSet<String> = template.undeclared_variables(false).into_iter().filter(|name| state.lookup(name).is_none()).collect();
    let mut uses = Uses::default();
    let mut before: [Option<Token<'_>>; 2] = [None, None];
    for token in tokenize(source, false, syntax()) {
        let (token, span) = token.map_err(|e| explained(source, &e))?;
        look(source, &free, &before, (&token, span), &mut uses)?;
        let [_, last] = before;
        before = [last, Some(token)];
    }
    Ok(uses)
}

/// One token and the two before it.
fn look(
    source: &str,
    free: &BTreeSet<String>,
    before: &[Option<Token<'_>>; 2],
    (token, span): (&Token<'_>, Span),
    uses: &mut Uses,
) -> Result<(), String> {
    let place = span.start_offset as usize;
    match (before, token) {
        ([_, Some(Token::BlockStart)], Token::Ident(word @ ("extends" | "block" | "import" | "from"))) => {
            return Err(at(source, place, &format!("`{word}` cannot be used in a prompt; share text with {{% include \"name@label\" %}}")));
        }
        ([_, Some(Token::Dot | Token::Pipe)], Token::Ident(_)) => {}
        (_, Token::Ident(name)) if free.contains(*name) => {
            uses.variables.entry((*name).to_owned()).or_insert(place);
        }
        ([Some(Token::BlockStart), Some(Token::Ident("include"))], Token::Str(reference)) => {
            if PromptRef::parse(reference).is_none() {
                return Err(at(source, place, "a shared text is named as name@label or name@version"));
            }
            uses.fragments.entry((*reference).to_owned()).or_insert(place);
        }
        ([Some(Token::BlockStart), Some(Token::Ident("include"))], _) => {
            return Err(at(
                source,
                place,
                "a shared text is named in quotes, as {% include \"name@label\" %}: it cannot come from a variable",
            ));
        }
        _ => {}
    }
    Ok(())
}

/// What is wrong with the templates of a version, by field. `fragments` holds every shared piece it refers to, directly or not.
pub fn check(content: &VersionContent, fragments: &Fragments) -> BTreeMap<String, String> {
    let mut wrong = BTreeMap::new();
    for (i, message) in content.messages.iter().enumerate() {
        if let Err(why) = check_one(&message.content, content, fragments) {
            wrong.insert(format!("messages[{i}].content"), why);
        }
    }
    for (name, variable) in &content.variables {
        for (field, value) in [("default", &variable.default), ("sample", &variable.sample)] {
            if value.as_ref().is_some_and(|value| !variable.kind.takes(value)) {
                wrong.insert(format!("variables.{name}.{field}"), format!("must be a {}", variable.kind.as_str()));
            }
        }
    }
    wrong
}

fn check_one(source: &str, content: &VersionContent, fragments: &Fragments) -> Result<(), String> {
    let found = uses(source)?;
    if !content.variables.is_empty()
        && let Some((name, place)) = found.variables.iter().find(|(name, _)| !content.variables.contains_key(*name))
    {
        let nearest = content.variables.keys().map(|known| (strsim::jaro_winkler(name, known), known));
        let nearest = nearest.filter(|(score, _)| *score > 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = nearest.map_or_else(String::new, |(_, known)| format!(" Did you mean `{known}`?"));
        return Err(at(source, *place, &format!("there is no variable `{name}`.{hint}")));
    }
    if let Some((reference, place)) = found.fragments.iter().find(|(reference, _)| !fragments.contains_key(*reference)) {
        return Err(at(source, *place, &format!("there is no shared text `{reference}`")));
    }
    try_out(source, content, fragments)
}

/// Renders it once with samples: what loops or explodes does so here, and not in a call.
fn try_out(source: &str, content: &VersionContent, fragments: &Fragments) -> Result<(), String> {
    let mut env = environment(false);
    for (name, text) in fragments {
        env.add_template(name, text).map_err(|e| format!("in {name}: {}", explained(text, &e)))?;
    }
    let all_sampled = content.variables.values().all(|variable| variable.sample.is_some() || variable.default.is_some());
    let values: HashMap<&str, Value> = content.variables.iter().map(|(name, variable)| (name.as_str(), sample(variable))).collect();
    let values = minijinja::Value::from_pairs(
        values.into_iter().map(|(name, value)| (name, minijinja::Value::from(minijinja::value::Serde(value)))),
    );
    let Err(e) = env.render_str(source, values) else { return Ok(()) };
    // With made-up values a filter may complain where a call's own values would do.
    let counts = e.kind() == ErrorKind::OutOfFuel || (all_sampled && !content.variables.is_empty());
    if counts { Err(explained(source, &e)) } else { Ok(()) }
}

/// A value to try a template out with.
pub fn sample(variable: &Variable) -> Value {
    let made_up = || match variable.kind {
        VariableKind::Text => json!("sample"),
        VariableKind::Number => json!(1),
        VariableKind::Boolean => json!(true),
        VariableKind::List => json!(["sample"]),
        VariableKind::Object => json!({}),
    };
    variable.sample.clone().or_else(|| variable.default.clone()).unwrap_or_else(made_up)
}

/// The shared texts of a version.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// This one is still to be looked up.
    Wanted(String),
    /// All are there.
    Complete,
}

/// The next shared text to be looked up for these texts; refuses what includes itself.
pub fn next_fragment(own: Option<(&str, u32)>, messages: &[&str], found: &Fragments) -> Result<Next, String> {
    let mut path = Vec::new();
    for source in messages {
        if let Next::Wanted(reference) = follow(own, source, found, &mut path)? {
            return Ok(Next::Wanted(reference));
        }
    }
    Ok(Next::Complete)
}

fn follow(own: Option<(&str, u32)>, source: &str, found: &Fragments, path: &mut Vec<String>) -> Result<Next, String> {
    for (reference, place) in uses(source)?.fragments {
        let itself =
            own.is_some_and(|(name, _)| PromptRef::parse(&reference).is_some_and(|other| other.name == name && !is_older(&other, own)));
        if itself || path.contains(&reference) {
            let circle = path.iter().chain([&reference]).cloned().collect::<Vec<_>>().join(" → ");
            return Err(at(source, place, &format!("this includes itself: {circle}")));
        }
        if path.len() >= MAX_DEPTH {
            return Err(at(source, place, &format!("shared texts may be nested {MAX_DEPTH} deep at most")));
        }
        let Some(text) = found.get(&reference) else { return Ok(Next::Wanted(reference)) };
        path.push(reference);
        let next = follow(own, text, found, path)?;
        path.pop();
        if next != Next::Complete {
            return Ok(next);
        }
    }
    Ok(Next::Complete)
}

/// A fixed earlier version of the same prompt cannot lead back here; a label may come to do so.
fn is_older(other: &PromptRef<'_>, own: Option<(&str, u32)>) -> bool {
    matches!((&other.pin, own), (Pin::Version(n), Some((_, version))) if *n < version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::model::{MessageRole, PromptMessage};

    fn content(source: &str, variables: &[&str]) -> VersionContent {
        VersionContent {
            messages: vec![PromptMessage { role: MessageRole::System, content: source.to_owned() }],
            variables: variables.iter().map(|name| ((*name).to_owned(), Variable::default())).collect(),
            ..VersionContent::default()
        }
    }

    fn refused(source: &str, variables: &[&str]) -> String {
        check(&content(source, variables), &Fragments::new()).remove("messages[0].content").unwrap_or_default()
    }

    #[test]
    fn a_broken_template_is_refused_with_its_place() {
        let why = refused("Hello\n  {{ shop", &[]);
        assert!(why.starts_with("line 2, column "), "{why}");
    }

    #[test]
    fn an_unknown_variable_is_refused_with_its_place_and_the_nearest_known_one() {
        assert_eq!(refused("Hi.\nHelp {{ shpo }}.", &["shop"]), "line 2, column 9: there is no variable `shpo`. Did you mean `shop`?");
        assert_eq!(refused("{{ shop.name|upper }}{% for x in shop %}{{ x }}{{ loop.index }}{% endfor %}{{ range(3) }}", &["shop"]), "");
    }

    #[test]
    fn without_declarations_any_variable_is_taken() {
        assert_eq!(refused("Help {{ anything }}.", &[]), "");
        assert_eq!(uses("a {{ b }} {{ c.d }}").expect("a template").variables, BTreeMap::from([("b".to_owned(), 5), ("c".to_owned(), 13)]));
    }

    #[test]
    fn what_loops_or_explodes_is_refused_with_its_place() {
        let why = refused("Hi\n{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", &[]);
        assert!(why.starts_with("line 2, column") && why.contains("loops too long"), "{why}");
        let doubled = format!("{{% set x = 'aaaaaaaaaaaaaaaa' %}}{}", "{% set x = x ~ x %}".repeat(40));
        let why = refused(&doubled, &[]);
        assert!(why.starts_with("line 1, column") && why.contains("writes too much"), "{why}");
        assert!(refused("{{ 'a' * 99999999999 }}", &[]).starts_with("line 1"), "repetition");
        assert!(refused("{{ ('a' * 9000)|replace('a', 'b' * 9000)|replace('b', 'c' * 9000) }}", &[]).starts_with("line 1"), "replacement");
    }

    #[test]
    fn only_shared_texts_reach_outside() {
        for source in
            ["{% extends \"a@b\" %}", "{% import \"a@b\" as c %}", "{% include name %}", "{% include \"a\" %}", "{% include [\"a@b\"] %}"]
        {
            assert!(refused(source, &[]).starts_with("line 1, column"), "{source}");
        }
        assert!(refused("{{ debug() }}", &["x"]).contains("debug"), "nothing shows all variables");
        assert_eq!(refused("a\n{% include \"tone@production\" %}", &[]), "line 2, column 12: there is no shared text `tone@production`");
    }

    #[test]
    fn shared_texts_are_looked_up_one_after_the_other_and_circles_are_refused() {
        let mut found = Fragments::new();
        let source = "{% include \"tone@live\" %}";
        assert_eq!(next_fragment(None, &[source], &found), Ok(Next::Wanted("tone@live".to_owned())));
        found.insert("tone@live".to_owned(), "{% include \"legal@3\" %}".to_owned());
        assert_eq!(next_fragment(None, &[source], &found), Ok(Next::Wanted("legal@3".to_owned())));
        found.insert("legal@3".to_owned(), "No advice.".to_owned());
        assert_eq!(next_fragment(None, &[source], &found), Ok(Next::Complete));
        found.insert("legal@3".to_owned(), "{% include \"tone@live\" %}".to_owned());
        let why = next_fragment(None, &[source], &found).expect_err("a circle");
        assert_eq!(why, "line 1, column 12: this includes itself: tone@live → legal@3 → tone@live");
        let own = next_fragment(Some(("bot", 4)), &["{% include \"bot@production\" %}"], &Fragments::new());
        assert!(own.expect_err("a circle").contains("includes itself"));
        let older = next_fragment(Some(("bot", 4)), &["{% include \"bot@3\" %}"], &Fragments::new());
        assert_eq!(older, Ok(Next::Wanted("bot@3".to_owned())));
    }
}
