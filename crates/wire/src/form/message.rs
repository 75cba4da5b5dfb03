//! What a message says.

use super::{Extra, Raw};

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
