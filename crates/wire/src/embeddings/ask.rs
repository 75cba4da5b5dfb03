//! What is asked for.

use super::{EmbeddingDialect, Encoding, Input};
use crate::chat::ParseError;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Extra, Loss, Untranslatable};
use serde::Deserialize;
use serde_json::Value;

/// A request for embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingRequest {
    dialect: EmbeddingDialect,
    /// The model asked for; Gemini's stands in the address.
    pub model: String,
    /// What to embed, in order.
    pub inputs: Vec<Input>,
    /// Length of the vectors.
    pub dimensions: Option<u64>,
    /// How the caller wants the vectors written.
    pub encoding: Encoding,
    /// The end user.
    pub user: Option<String>,
    /// What the vectors are for, in Gemini's words (`RETRIEVAL_DOCUMENT`, …).
    pub task: Option<String>,
    /// Further fields.
    pub extra: Extra,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OpenAiInput {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    Lists(Vec<Vec<u64>>),
}

impl EmbeddingRequest {
    /// Reads a body. `model` is what the address says, where it does.
    pub fn read(dialect: EmbeddingDialect, body: &[u8], model: Option<&str>) -> Result<Self, ParseError> {
        match dialect {
            EmbeddingDialect::Gemini => read_gemini(Object::body(body)?.camel()?, model.unwrap_or_default()),
            EmbeddingDialect::GeminiBatch => read_gemini_batch(body, model.unwrap_or_default()),
            EmbeddingDialect::OpenAi | EmbeddingDialect::Titan | EmbeddingDialect::Cohere => read_openai(body),
        }
    }

    /// Writes the body for a model of that dialect. What it cannot be told is refused by name, or left out when `drop_unsupported`.
    pub fn write(&self, dialect: EmbeddingDialect, model: &str, drop_unsupported: bool) -> Result<Vec<u8>, Untranslatable> {
        let mut loss = Loss::new(drop_unsupported);
        if dialect != self.dialect {
            for key in self.extra.keys() {
                loss.refuse(key.as_str(), "there is no such field")?;
            }
        }
        let body = match dialect {
            EmbeddingDialect::OpenAi => self.openai(model, &mut loss)?,
            EmbeddingDialect::Gemini => self.gemini_one(model)?,
            EmbeddingDialect::GeminiBatch => self.gemini(model)?,
            EmbeddingDialect::Titan => self.titan(model, &mut loss)?,
            EmbeddingDialect::Cohere => self.cohere(&mut loss)?,
        };
        Ok(body.into_bytes())
    }

    fn openai(&self, model: &str, loss: &mut Loss) -> Result<Json, Untranslatable> {
        if let Some(task) = &self.task {
            loss.refuse("taskType", &format!("there is no field for {task}"))?;
        }
        let mut body = Members::new().with("model", model);
        match &self.inputs[..] {
            [Input::Text(text)] => body.put("input", text),
            inputs => body.json("input", &Json::list(&inputs.iter().map(plain).collect::<Vec<_>>())),
        };
        body.some("dimensions", self.dimensions.as_ref());
        if self.encoding == Encoding::Base64 {
            body.put("encoding_format", "base64");
        }
        body.some("user", self.user.as_ref());
        Ok(body.extra(&self.extra, &[]).take())
    }

    fn gemini_one(&self, model: &str) -> Result<Json, Untranslatable> {
        match &self.inputs[..] {
            [one] => self.gemini_content(model, 0, one),
            _ => Err(Untranslatable::invalid("input", "must be one text: this method embeds one content")),
        }
    }

    fn gemini(&self, model: &str) -> Result<Json, Untranslatable> {
        let requests =
            self.inputs.iter().enumerate().map(|(i, input)| self.gemini_content(model, i, input)).collect::<Result<Vec<_>, _>>()?;
        Ok(Members::new().with_json("requests", &Json::list(&requests)).finish())
    }

    fn gemini_content(&self, model: &str, index: usize, input: &Input) -> Result<Json, Untranslatable> {
        let part = Members::new().with("text", text(index, input)?).finish();
        let content = Members::new().with_json("parts", &Json::list(&[part])).finish();
        let model = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
        let mut body = Members::new().with("model", &model).with_json("content", &content);
        body.some("taskType", self.task.as_ref()).some("outputDimensionality", self.dimensions.as_ref());
        Ok(body.extra(&self.extra, &[]).take())
    }

    fn titan(&self, model: &str, loss: &mut Loss) -> Result<Json, Untranslatable> {
        let [one] = &self.inputs[..] else {
            return Err(Untranslatable::invalid("input", "must be one text: this model embeds one text a call"));
        };
        if let Some(task) = &self.task {
            loss.refuse("taskType", &format!("there is no field for {task}"))?;
        }
        let mut body = Members::new().with("inputText", text(0, one)?);
        if model.contains(":v1") || model.contains("-v1") || model.contains("text-v1") {
            if self.dimensions.is_some() {
                loss.refuse("dimensions", "this model has one length only")?;
            }
        } else {
            body.some("dimensions", self.dimensions.as_ref());
        }
        Ok(body.finish())
    }

    fn cohere(&self, loss: &mut Loss) -> Result<Json, Untranslatable> {
        let texts = self.inputs.iter().enumerate().map(|(i, input)| text(i, input)).collect::<Result<Vec<_>, _>>()?;
        let purpose = match self.task.as_deref() {
            Some("RETRIEVAL_QUERY" | "QUESTION_ANSWERING") => "search_query",
            Some("CLASSIFICATION") => "classification",
            Some("CLUSTERING" | "SEMANTIC_SIMILARITY") => "clustering",
            _ => "search_document",
        };
        let mut body = Members::new().with("texts", &texts).with("input_type", purpose);
        if self.dimensions.is_some() {
            loss.refuse("dimensions", "this model has one length only")?;
        }
        body.json("embedding_types", &Json::list(&[Json::of("float")]));
        Ok(body.finish())
    }
}

fn plain(input: &Input) -> Json {
    match input {
        Input::Text(text) => Json::of(text),
        Input::Tokens(tokens) => Json::of(tokens),
    }
}

fn text(index: usize, input: &Input) -> Result<&str, Untranslatable> {
    match input {
        Input::Text(text) => Ok(text),
        Input::Tokens(_) => {
            Err(Untranslatable::Unsupported { param: format!("input[{index}]"), why: "it takes text, not tokens".to_owned() })
        }
    }
}

fn read_openai(body: &[u8]) -> Result<EmbeddingRequest, ParseError> {
    let mut fields = Object::body(body)?;
    let model = fields.need_text("model")?;
    let raw = fields.take("input").ok_or_else(|| fields.missing("input"))?;
    let wrong = || ParseError::field("input", "must be a text, a list of texts, or tokens");
    let inputs = match serde_json::from_str(raw.get()).map_err(|_| wrong())? {
        OpenAiInput::Text(text) => vec![Input::Text(text)],
        OpenAiInput::Texts(texts) => texts.into_iter().map(Input::Text).collect(),
        OpenAiInput::Tokens(tokens) => vec![Input::Tokens(tokens)],
        OpenAiInput::Lists(lists) => lists.into_iter().map(Input::Tokens).collect(),
    };
    if inputs.is_empty() {
        return Err(ParseError::field("input", "must not be empty"));
    }
    let encoding = match fields.text("encoding_format")?.as_deref() {
        None | Some("float") => Encoding::Float,
        Some("base64") => Encoding::Base64,
        Some(_) => return Err(ParseError::field("encoding_format", "must be `float` or `base64`")),
    };
    Ok(EmbeddingRequest {
        dialect: EmbeddingDialect::OpenAi,
        model,
        inputs,
        dimensions: fields.whole("dimensions")?,
        encoding,
        user: fields.text("user")?,
        task: None,
        extra: fields.rest(),
    })
}

fn read_gemini(mut fields: Object<'_>, model: &str) -> Result<EmbeddingRequest, ParseError> {
    // The address has said it.
    fields.take("model");
    let mut content = fields.need_object("content")?;
    let parts = content.list("parts")?.ok_or_else(|| content.missing("parts"))?;
    let mut text = String::new();
    for part in parts {
        let value: Value = serde_json::from_str(part.get()).unwrap_or_default();
        let said = value.get("text").and_then(Value::as_str);
        text.push_str(said.ok_or_else(|| ParseError::field("content.parts", "must be text"))?);
    }
    Ok(EmbeddingRequest {
        dialect: EmbeddingDialect::Gemini,
        model: model.to_owned(),
        inputs: vec![Input::Text(text)],
        dimensions: fields.whole("outputDimensionality")?,
        encoding: Encoding::Float,
        user: None,
        task: fields.text("taskType")?,
        extra: fields.rest(),
    })
}

fn read_gemini_batch(body: &[u8], model: &str) -> Result<EmbeddingRequest, ParseError> {
    let mut fields = Object::body(body)?.camel()?;
    let requests = fields.list("requests")?.ok_or_else(|| fields.missing("requests"))?;
    let mut all: Option<EmbeddingRequest> = None;
    for (i, raw) in requests.into_iter().enumerate() {
        let path = format!("requests[{i}]");
        let one = read_gemini(Object::at(&path, raw)?.camel()?, model)?;
        match &mut all {
            None => all = Some(EmbeddingRequest { dialect: EmbeddingDialect::GeminiBatch, ..one }),
            Some(all) if (all.dimensions, &all.task, &all.extra) == (one.dimensions, &one.task, &one.extra) => {
                all.inputs.extend(one.inputs);
            }
            Some(_) => return Err(ParseError::field(&path, "must ask for the same as the first one")),
        }
    }
    all.ok_or_else(|| ParseError::field("requests", "must not be empty"))
}
