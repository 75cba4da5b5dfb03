//! What a request says.

use super::{Message, Part, Raw};
use crate::dialect::Dialect;
use serde_json::{Map, Value};

/// Fields no dialect but their own knows.
pub type Extra = Map<String, Value>;

/// A request for a completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The dialect it came in: only there are unknown fields known.
    pub dialect: Dialect,
    /// The model asked for.
    pub model: String,
    /// What system and developer messages say, all of them, in order.
    pub system: Vec<Part>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Tools the model may call.
    pub tools: Vec<Tool>,
    /// Whether and which.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several in one turn.
    pub parallel_tool_calls: Option<bool>,
    /// The longest answer, reasoning included.
    pub max_tokens: Option<u64>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Sampling from the likeliest.
    pub top_k: Option<u64>,
    /// Texts at which to stop.
    pub stop: Vec<String>,
    /// For the same answer again.
    pub seed: Option<i64>,
    /// How many answers.
    pub n: Option<u64>,
    /// Log-probabilities.
    pub logprobs: Option<Logprobs>,
    /// The form of the answer.
    pub response_format: Option<ResponseFormat>,
    /// How much to think.
    pub reasoning: Option<Reasoning>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the caller wants usage at the end of the stream.
    pub include_usage: bool,
    /// The end user.
    pub user: Option<String>,
    /// Top-level fields that are none of the above. Objects that were read in part keep here what was not read.
    pub extra: Extra,
}

impl Request {
    /// An empty request in a dialect.
    pub fn new(dialect: Dialect, model: String) -> Self {
        Self {
            dialect,
            model,
            system: Vec::new(),
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            max_tokens: None,
            temperature: None,
            top_p: None,
            top_k: None,
            stop: Vec::new(),
            seed: None,
            n: None,
            logprobs: None,
            response_format: None,
            reasoning: None,
            stream: false,
            include_usage: false,
            user: None,
            extra: Extra::new(),
        }
    }
}

impl Request {
    /// The place of a message in the caller's body.
    pub(crate) fn path_of(&self, message: &Message) -> String {
        let list = match self.dialect {
            Dialect::Responses => "input",
            Dialect::Gemini => "contents",
            Dialect::OpenAi | Dialect::Anthropic | Dialect::Bedrock => "messages",
        };
        format!("{list}[{}]", message.index)
    }
}

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// A function of the caller's.
    Function(ToolFunction),
    /// Something only its own dialect knows.
    Other {
        /// Its `type`.
        kind: String,
        /// All of it.
        raw: Raw,
    },
}

/// A function of the caller's.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolFunction {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub schema: Option<Raw>,
    /// Whether arguments always follow the schema.
    pub strict: Option<bool>,
    /// Anthropic's mark of a prefix to cache.
    pub cache_control: Option<Raw>,
    /// Further fields.
    pub extra: Extra,
}

/// Which tool to call.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Tool(String),
    /// Something only its own dialect knows.
    Other(Raw),
}

/// Log-probabilities asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logprobs {
    /// How many alternatives at each token.
    pub top: Option<u64>,
}

/// The form of the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    /// Text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON of this shape.
    JsonSchema {
        /// A label.
        name: Option<String>,
        /// What it is for; the model reads it.
        description: Option<String>,
        /// JSON Schema.
        schema: Raw,
        /// Whether it always holds.
        strict: Option<bool>,
    },
}

/// How much to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// By level.
    pub effort: Option<Effort>,
    /// By tokens.
    pub budget: Option<u64>,
}

/// A level of thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More.
    XHigh,
    /// All the model can.
    Max,
}

impl Effort {
    const NAMES: [(Self, &'static str); 7] = [
        (Self::None, "none"),
        (Self::Minimal, "minimal"),
        (Self::Low, "low"),
        (Self::Medium, "medium"),
        (Self::High, "high"),
        (Self::XHigh, "xhigh"),
        (Self::Max, "max"),
    ];

    /// The level of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(effort, _)| *effort)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(effort, _)| *effort == self).map_or("medium", |(_, name)| name)
    }
}
