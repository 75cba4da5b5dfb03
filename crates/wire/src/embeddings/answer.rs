//! What comes back.

use super::{EmbeddingDialect, Encoding};
use crate::chat::ParseError;
use crate::dialect::json::{Json, Members};
use crate::usage::Usage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Vectors, and what they cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingResponse {
    /// One for each input, in order.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens, when the provider gave them.
    pub usage: Option<Usage>,
}

#[derive(Deserialize)]
struct OpenAi {
    data: Vec<OpenAiVector>,
    usage: Option<OpenAiCount>,
}

#[derive(Deserialize)]
struct OpenAiVector {
    #[serde(default)]
    index: usize,
    embedding: Vector,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

#[derive(Deserialize)]
struct OpenAiCount {
    #[serde(default)]
    prompt_tokens: u64,
}

#[derive(Deserialize)]
struct Gemini {
    embedding: Option<GeminiVector>,
    #[serde(default)]
    embeddings: Vec<GeminiVector>,
    #[serde(rename = "usageMetadata")]
    usage: Option<GeminiCount>,
}

#[derive(Deserialize)]
struct GeminiVector {
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct GeminiCount {
    #[serde(rename = "promptTokenCount")]
    prompt: Option<u64>,
}

#[derive(Deserialize)]
struct Titan {
    embedding: Vec<f32>,
    #[serde(rename = "inputTextTokenCount")]
    tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Cohere {
    embeddings: CohereVectors,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CohereVectors {
    Plain(Vec<Vec<f32>>),
    ByType { float: Vec<Vec<f32>> },
}

fn input(tokens: u64) -> Usage {
    Usage { input: tokens, ..Usage::default() }
}

/// Tokens of an answer in OpenAI's form, without reading its vectors.
pub fn read_usage(body: &[u8]) -> Option<Usage> {
    #[derive(Deserialize)]
    struct Counted {
        usage: Option<OpenAiCount>,
    }
    serde_json::from_slice::<Counted>(body).ok()?.usage.map(|count| input(count.prompt_tokens))
}

impl EmbeddingResponse {
    /// Reads a body.
    pub fn read(dialect: EmbeddingDialect, body: &[u8]) -> Result<Self, ParseError> {
        let wrong = |e: serde_json::Error| ParseError::field("body", &e.to_string());
        let read = match dialect {
            EmbeddingDialect::OpenAi => {
                let OpenAi { mut data, usage } = serde_json::from_slice(body).map_err(wrong)?;
                data.sort_by_key(|vector| vector.index);
                let vectors = data.into_iter().map(|vector| vector.embedding.numbers()).collect::<Result<_, _>>()?;
                Self { vectors, usage: usage.map(|count| input(count.prompt_tokens)) }
            }
            EmbeddingDialect::Gemini | EmbeddingDialect::GeminiBatch => {
                let Gemini { embedding, embeddings, usage } = serde_json::from_slice(body).map_err(wrong)?;
                let vectors = embedding.into_iter().chain(embeddings).map(|vector| vector.values).collect();
                Self { vectors, usage: usage.and_then(|count| count.prompt).map(input) }
            }
            EmbeddingDialect::Titan => {
                let Titan { embedding, tokens } = serde_json::from_slice(body).map_err(wrong)?;
                Self { vectors: vec![embedding], usage: tokens.map(input) }
            }
            EmbeddingDialect::Cohere => {
                let Cohere { embeddings } = serde_json::from_slice(body).map_err(wrong)?;
                let (CohereVectors::Plain(vectors) | CohereVectors::ByType { float: vectors }) = embeddings;
                Self { vectors, usage: None }
            }
        };
        // JSON has no words for what is no number, nor for what no 32 bits can hold (found by the fuzzer): no caller could read it.
        if read.vectors.iter().flatten().any(|number| !number.is_finite()) {
            return Err(ParseError::field("embedding", "must hold finite numbers of 32 bits"));
        }
        Ok(read)
    }

    /// Writes a body for a caller who asked in that dialect.
    pub fn write(&self, dialect: EmbeddingDialect, model: &str, encoding: Encoding) -> Vec<u8> {
        let values = |vector: &Vec<f32>| Members::new().with("values", vector).finish();
        let body = match dialect {
            EmbeddingDialect::Gemini => {
                let first = self.vectors.first().map_or_else(|| Json::of(&()), values);
                Members::new().with_json("embedding", &first)
            }
            EmbeddingDialect::GeminiBatch => {
                Members::new().with_json("embeddings", &Json::list(&self.vectors.iter().map(values).collect::<Vec<_>>()))
            }
            EmbeddingDialect::OpenAi | EmbeddingDialect::Titan | EmbeddingDialect::Cohere => self.openai(model, encoding),
        };
        body.finish().into_bytes()
    }

    fn openai(&self, model: &str, encoding: Encoding) -> Members {
        let data = self.vectors.iter().enumerate().map(|(index, vector)| {
            let one = Members::new().with("object", "embedding").with("index", &index);
            match encoding {
                Encoding::Float => one.with("embedding", vector),
                Encoding::Base64 => one.with("embedding", &to_base64(vector)),
            }
            .finish()
        });
        let tokens = self.usage.map_or(0, |usage| usage.input);
        let usage = Members::new().with("prompt_tokens", &tokens).with("total_tokens", &tokens).finish();
        let body = Members::new().with("object", "list").with_json("data", &Json::list(&data.collect::<Vec<_>>()));
        body.with("model", model).with_json("usage", &usage)
    }
}

impl Vector {
    fn numbers(self) -> Result<Vec<f32>, ParseError> {
        let text = match self {
            Self::Numbers(numbers) => return Ok(numbers),
            Self::Base64(text) => text,
        };
        let wrong = || ParseError::field("data.embedding", "must be base64 of 32-bit floats");
        let bytes = STANDARD.decode(text).map_err(|_| wrong())?;
        let (floats, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(wrong());
        }
        Ok(floats.iter().map(|four| f32::from_le_bytes(*four)).collect())
    }
}

fn to_base64(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}
