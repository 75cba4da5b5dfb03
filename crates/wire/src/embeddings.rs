//! Embeddings: texts in, vectors out. OpenAI's form, Gemini's `embedContent` and `batchEmbedContents`, and what Amazon Titan and Cohere take on Bedrock.

mod answer;
mod ask;

pub use answer::{EmbeddingResponse, read_usage};
pub use ask::EmbeddingRequest;

/// How embeddings are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbeddingDialect {
    /// `POST /embeddings` of OpenAI and all that speak it.
    OpenAi,
    /// Gemini's `models/{model}:embedContent`: one content, one vector.
    Gemini,
    /// Gemini's `models/{model}:batchEmbedContents`.
    GeminiBatch,
    /// Amazon Titan text embeddings, through Bedrock's `InvokeModel`: one text a call.
    Titan,
    /// Cohere Embed, through Bedrock's `InvokeModel`.
    Cohere,
}

impl EmbeddingDialect {
    /// What a model on Bedrock speaks, by its id; `None` for one that embeds nothing we know of.
    pub fn on_bedrock(model: &str) -> Option<Self> {
        let has = |name: &str| model.contains(name);
        match () {
            () if has("amazon.titan-embed-text") => Some(Self::Titan),
            () if has("cohere.embed") => Some(Self::Cohere),
            () => None,
        }
    }
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As a list of numbers.
    #[default]
    Float,
    /// As base64 of little-endian 32-bit floats.
    Base64,
}

/// Something to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text(String),
    /// A text as tokens of the model's own tokenizer.
    Tokens(Vec<u64>),
}

#[cfg(test)]
mod tests;
