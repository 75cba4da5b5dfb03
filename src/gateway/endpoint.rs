//! What callers can ask for, and what the log calls it.

use crate::server::threads::SharedText;
use hypercare_wire::dialect::Dialect;
use hypercare_wire::embeddings::EmbeddingDialect;
use std::sync::Arc;

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// An answer to a conversation.
    Chat(Dialect),
    /// How many tokens a conversation brings.
    Count(Dialect),
    /// Embeddings.
    Embeddings(EmbeddingDialect),
    /// Whatever a provider offers.
    Passthrough,
}

impl Endpoint {
    /// The dialect its caller speaks: that of errors, too.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Chat(dialect) | Self::Count(dialect) => dialect,
            Self::Embeddings(EmbeddingDialect::Gemini | EmbeddingDialect::GeminiBatch) => Dialect::Gemini,
            Self::Embeddings(_) | Self::Passthrough => Dialect::OpenAi,
        }
    }

    /// Its name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat(Dialect::OpenAi) => "chat.completions",
            Self::Chat(Dialect::Anthropic) => "messages",
            Self::Chat(Dialect::Responses) => "responses",
            Self::Chat(Dialect::Gemini) => "generateContent",
            Self::Chat(Dialect::Bedrock) => "converse",
            Self::Count(_) => "count_tokens",
            Self::Embeddings(_) => "embeddings",
            Self::Passthrough => "passthrough",
        }
    }

    /// The dialect of the bodies of an endpoint by its name in the log.
    pub fn dialect_of(name: &str) -> Dialect {
        let name = name.strip_prefix(SHADOW).or_else(|| name.strip_prefix(PLAYGROUND)).unwrap_or(name);
        let known = [Dialect::Anthropic, Dialect::Responses, Dialect::Gemini];
        known.into_iter().find(|dialect| Self::Chat(*dialect).name() == name).unwrap_or(Dialect::OpenAi)
    }
}

/// What the name of a copy for a shadow variant begins with.
const SHADOW: &str = "shadow.";
/// What the name of a call from the playground begins with.
const PLAYGROUND: &str = "playground.";

/// Every endpoint whose name is shared.
const ALL: [Endpoint; 7] = [
    Endpoint::Chat(Dialect::OpenAi),
    Endpoint::Chat(Dialect::Anthropic),
    Endpoint::Chat(Dialect::Responses),
    Endpoint::Chat(Dialect::Gemini),
    Endpoint::Count(Dialect::Anthropic),
    Endpoint::Embeddings(EmbeddingDialect::OpenAi),
    Endpoint::Passthrough,
];

/// An endpoint's names, made once.
struct Names {
    known: &'static str,
    plain: SharedText,
    shadow: SharedText,
}

/// Names made once, to be shared with log records.
pub(crate) struct Endpoints(Vec<Names>);

impl Default for Endpoints {
    fn default() -> Self {
        let names = |known: &'static str| Names { known, plain: known.into(), shadow: format!("{SHADOW}{known}").into() };
        Self(ALL.into_iter().map(Endpoint::name).map(names).collect())
    }
}

impl Endpoints {
    /// Its name.
    pub fn name(&self, endpoint: Endpoint) -> Arc<str> {
        self.find(endpoint).map_or_else(|| endpoint.name().into(), |names| names.plain.shared())
    }

    /// The name of a copy of a call to it.
    pub fn shadow(&self, endpoint: Endpoint) -> Arc<str> {
        self.find(endpoint).map_or_else(|| format!("{SHADOW}{}", endpoint.name()).into(), |names| names.shadow.shared())
    }

    /// The name of a call from the playground.
    pub fn playground(endpoint: Endpoint) -> Arc<str> {
        format!("{PLAYGROUND}{}", endpoint.name()).into()
    }

    fn find(&self, endpoint: Endpoint) -> Option<&Names> {
        let name = endpoint.name();
        self.0.iter().find(|names| std::ptr::eq(names.known, name) || names.known == name)
    }
}
