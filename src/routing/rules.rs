//! Conditions of rules, in CEL, the Common Expression Language (<https://cel.dev>): it always ends, has no side effects and sees nothing but the facts.

use crate::types::Instant;
use cel::{Context, ExecutionError, Program, Value};
use std::fmt;

/// What a condition can ask about a call.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// `user`: who asks, as the application names them; empty when it does not say.
    pub user: &'a str,
    /// `session`: the conversation; empty when there is none.
    pub session: &'a str,
    /// `metadata`: what the caller sent along, as a JSON object; empty for none.
    pub metadata: &'a str,
    /// `key`: the name of the API key.
    pub key: &'a str,
    /// `tokens`: about how many tokens the call brings (a token is four bytes).
    pub tokens: u64,
    /// `stream`: whether a stream is asked for.
    pub stream: bool,
    /// `now`: the time, as a timestamp: `now.getHours("Europe/Berlin") < 8`.
    pub now: Instant,
}

impl Facts<'_> {
    /// The names a condition may use.
    pub const NAMES: [&'static str; 7] = ["user", "session", "metadata", "key", "tokens", "stream", "now"];

    fn value(&self, name: &str) -> Value {
        match name {
            "user" => Value::from(self.user),
            "session" => Value::from(self.session),
            "metadata" => {
                let given = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(self.metadata).unwrap_or_default();
                cel::to_value(given).unwrap_or(Value::Null)
            }
            "key" => Value::from(self.key),
            "tokens" => Value::Int(i64::try_from(self.tokens).unwrap_or(i64::MAX)),
            "stream" => Value::Bool(self.stream),
            "now" => chrono::DateTime::from_timestamp_micros(self.now.0).map_or(Value::Null, |at| Value::Timestamp(at.fixed_offset())),
            _ => Value::Null,
        }
    }
}

/// A condition, ready to be asked.
pub struct Condition {
    program: Program,
    /// Only what it asks about is put together.
    asks: Vec<&'static str>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("asks", &self.asks).finish_non_exhaustive()
    }
}

/// Why a condition does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ConditionError {
    /// It is longer than a condition may be.
    #[error("must have at most {MAX_LENGTH} characters")]
    TooLong,
    /// It is not CEL; with line and column.
    #[error("cannot be read: {0}")]
    Syntax(String),
    /// It uses a name that is not there.
    #[error("does not know `{0}`; there are {known}", known = Facts::NAMES.join(", "))]
    UnknownName(String),
    /// Its result is no truth value.
    #[error("must be true or false")]
    NotACondition,
}

/// Longest condition.
const MAX_LENGTH: usize = 2_000;

impl Condition {
    /// Reads a condition and tries it out on a call that says nothing.
    pub fn compile(text: &str) -> Result<Self, ConditionError> {
        if text.len() > MAX_LENGTH {
            return Err(ConditionError::TooLong);
        }
        let program = Program::compile(text).map_err(|e| ConditionError::Syntax(e.to_string().replace('\n', " ")))?;
        let asks = Facts::NAMES.into_iter().filter(|name| program.references().has_variable(name)).collect();
        let condition = Self { program, asks };
        let nobody = Facts { user: "", session: "", metadata: "{}", key: "", tokens: 0, stream: false, now: Instant(0) };
        match condition.ask(&nobody) {
            Ok(Value::Bool(_)) => Ok(condition),
            Ok(_) => Err(ConditionError::NotACondition),
            Err(ExecutionError::UndeclaredReference(name)) => Err(ConditionError::UnknownName(name.to_string())),
            // Metadata that this call does not have, say.
            Err(_) => Ok(condition),
        }
    }

    /// Whether it applies. One that cannot be answered for a call (metadata it does not have) does not.
    pub fn applies(&self, facts: &Facts<'_>) -> bool {
        matches!(self.ask(facts), Ok(Value::Bool(true)))
    }

    fn ask(&self, facts: &Facts<'_>) -> Result<Value, ExecutionError> {
        let mut context = Context::default();
        for name in &self.asks {
            context.add_variable_from_value(*name, facts.value(name));
        }
        self.program.execute(&context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T07:30:00Z, a Tuesday.
    const MORNING: Instant = Instant(1_795_505_400_000_000);

    fn facts(metadata: &str) -> Facts<'_> {
        Facts { user: "ann", session: "", metadata, key: "web", tokens: 12_000, stream: true, now: MORNING }
    }

    fn applies(condition: &str, metadata: &str) -> bool {
        Condition::compile(condition).expect(condition).applies(&facts(metadata))
    }

    #[test]
    fn conditions_see_metadata_user_size_and_time() {
        assert!(applies(r#"metadata.plan == "gold" && tokens > 8000"#, r#"{"plan":"gold"}"#));
        assert!(!applies(r#"metadata.plan == "gold""#, r#"{"plan":"free"}"#));
        assert!(!applies(r#"metadata.plan == "gold""#, ""), "what is not there applies to nothing");
        assert!(applies(r#"has(metadata.plan) || user.startsWith("a")"#, "{}"));
        assert!(applies(r#"key in ["web", "app"] && stream"#, ""));
        assert!(applies(r#"now.getHours("Europe/Berlin") == 8 && now.getDayOfWeek() == 2"#, ""));
        assert!(applies(r#"metadata.tags.exists(t, t == "beta")"#, r#"{"tags":["beta"]}"#));
    }

    #[test]
    fn what_is_no_condition_is_refused_and_says_why() {
        let why = |text: &str| Condition::compile(text).expect_err(text).to_string();
        assert!(why("tokens >").starts_with("cannot be read"), "{}", why("tokens >"));
        assert!(why("tokenz > 5").contains("`tokenz`"), "{}", why("tokenz > 5"));
        assert_eq!(why("tokens + 1"), "must be true or false");
        assert_eq!(why(&"1".repeat(3_000)), "must have at most 2000 characters");
    }
}
