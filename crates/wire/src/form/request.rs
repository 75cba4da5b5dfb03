//! What a request says.

use super::Raw;
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
        let list = if self.dialect == Dialect::Responses { "input" } else { "messages" };
        format!("{list}[{}]", message.index)
    }
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
    /// Its place in the caller's list, to name it in errors.
    pub index: usize,
    /// Further fields.
    pub extra: Extra,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// Anthropic's mark of a prefix to cache; others take it too.
    pub cache_control: Option<Raw>,
    /// Further fields.
    pub extra: Extra,
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self { content, cache_control: None, extra: Extra::new() }
    }
}

impl Part {
    /// A part that is text.
    pub fn text(text: impl Into<String>) -> Self {
        Content::Text(text.into()).into()
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A picture.
    Image {
        /// Where it is.
        source: Source,
        /// How closely to look: `auto`, `low`, `high`.
        detail: Option<String>,
    },
    /// A document.
    File {
        /// Where it is.
        source: Source,
        /// Its name.
        name: Option<String>,
    },
    /// Sound.
    Audio {
        /// base64.
        data: String,
        /// `wav`, `mp3`.
        format: String,
    },
    /// The model calls a tool.
    ToolCall {
        /// Names the call.
        id: String,
        /// The tool.
        name: String,
        /// JSON text; never empty.
        arguments: String,
    },
    /// What the tool said.
    ToolResult {
        /// The call.
        id: String,
        /// What it said.
        parts: Vec<Part>,
        /// Whether it failed.
        is_error: bool,
    },
    /// What the model thought.
    Thinking {
        /// The thought, maybe summarised; may be empty.
        text: String,
        /// The provider's proof that it is unchanged.
        signature: Option<String>,
    },
    /// What the model thought, sealed.
    RedactedThinking {
        /// For the provider only.
        data: String,
    },
    /// The model refuses.
    Refusal(String),
    /// Something only its own dialect knows.
    Other {
        /// Its `type`.
        kind: String,
        /// All of it.
        raw: Raw,
    },
}

/// Where the bytes of a part are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// There.
    Url(String),
    /// Here.
    Base64 {
        /// `image/png`, `application/pdf`, …
        media_type: String,
        /// base64.
        data: String,
    },
    /// In the provider's store.
    Id(String),
    /// Here, as plain text.
    Text(String),
}

impl Source {
    /// An address, or the bytes themselves in a `data:` address.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let Some(data) = url.strip_prefix("data:") else { return Some(Self::Url(url.to_owned())) };
        let (head, data) = data.split_once(',')?;
        let media_type = head.strip_suffix(";base64")?;
        let media_type = media_type.split(';').next().unwrap_or_default();
        Some(Self::Base64 { media_type: media_type.to_ascii_lowercase(), data: data.to_owned() })
    }

    /// Its address; `None` where there is none.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Url(url) => Some(url.clone()),
            Self::Base64 { media_type, data } => Some(format!("data:{media_type};base64,{data}")),
            Self::Id(_) | Self::Text(_) => None,
        }
    }

    /// The bytes of a file, with their type or bare; bare ones are PDF, which is all OpenAI takes.
    pub(crate) fn of_file_data(data: String) -> Option<Self> {
        if data.starts_with("data:") || data.starts_with("http") {
            return Self::of_url(&data);
        }
        Some(Self::Base64 { media_type: "application/pdf".to_owned(), data })
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
