//! Calls from the playground: the real way of a call (translation, breaker, log, price), to one target, with a prompt version that need not be in force
//! anywhere. The log calls them `playground.…`; charts count their cost only.

use super::answer::Answer;
use super::call::Call;
use super::endpoint::{Endpoint, Endpoints};
use super::error::GatewayError;
use super::exchange::Exchange;
use super::http::Gateway;
use super::plan::Plan;
use super::request::CallContext;
use super::snapshot::{KeyEntry, Label, VariantEntry};
use crate::identity::model::KeyLimits;
use crate::prompts::render::{CompiledPrompt, Variables};
use crate::server::App;
use crate::telemetry::Captured;
use crate::types::{Id, Nanodollars};
use axum::body::Body;
use axum::http::{HeaderMap, Response};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected};
use hypercare_wire::chat::summarise_response;
use hypercare_wire::dialect::Dialect;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant as Tick;

/// Longest answer that is read here, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Where a try goes.
pub(crate) enum Aim {
    /// To one model of one provider, with this prompt.
    Target {
        /// The provider's name.
        provider: String,
        /// Its model.
        model: String,
        /// The version.
        prompt: Option<Box<CompiledPrompt>>,
    },
    /// The way of any call of a route.
    Route(String),
}

/// What is tried.
pub(crate) struct Try {
    pub aim: Aim,
    /// The caller's messages.
    pub messages: Vec<Value>,
    pub variables: BTreeMap<String, Value>,
    pub stream: bool,
}

/// An answer read to its end.
#[derive(Debug)]
pub(crate) struct Tried {
    /// The call in the log.
    pub id: Id,
    /// What the model said, or wants to do.
    pub text: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub duration_ms: u64,
    /// By the price in force; none without one.
    pub cost: Option<Nanodollars>,
}

fn key() -> Arc<KeyEntry> {
    Arc::new(KeyEntry {
        name: "playground".to_owned(),
        shared_name: "playground".into(),
        scopes: Vec::new(),
        routes: BTreeSet::default(),
        limits: KeyLimits::default(),
    })
}

/// Makes the call; the answer is in the dialect of OpenAI's chat completions.
pub(crate) async fn call(app: &App, asked: Try) -> (Id, Result<Response<Body>, GatewayError>) {
    let id = Id::new();
    let began = Tick::now();
    let mut body = json!({ "model": "playground", "messages": asked.messages, "stream": asked.stream });
    if asked.stream {
        body["stream_options"] = json!({ "include_usage": true });
    }
    if let Aim::Route(route) = &asked.aim {
        body["model"] = json!(route);
    }
    let body = Bytes::from(body.to_string());
    let exchange = Exchange {
        gateway: Gateway::on(app.clone(), app.background().upstreams().clone()),
        snapshot: app.snapshot().clone(),
        key: key(),
        endpoint: Endpoint::Chat(Dialect::OpenAi),
        addressed: None,
        headers: HeaderMap::new(),
        peer: None,
        now: app.now(),
    };
    let mut record = exchange.new_record(&id);
    record.names.endpoint = Endpoints::playground(exchange.endpoint);
    record.request_body = body.clone();
    record.streamed = asked.stream;
    let mut call = Call::new(app.clone(), began, record, None, None);
    let answered = answer(&exchange, asked, &body, &mut call).await;
    let response = match answered {
        Ok(answer) => Ok(answer.respond(call).0),
        Err(error) => {
            call.failed(&error, Captured::Nothing);
            Err(error)
        }
    };
    (id, response)
}

/// A plan borrows what it goes by, so the answer is finished in here.
async fn answer(exchange: &Exchange, asked: Try, body: &Bytes, call: &mut Call) -> Result<Answer, GatewayError> {
    let chat = exchange.parse(body)?;
    let variables: Variables = asked.variables.into_iter().collect();
    match asked.aim {
        Aim::Route(route) => {
            let mut context = CallContext::default();
            let plan = exchange.plan(&route, body.len(), asked.stream, &mut context, call)?;
            exchange.send(&plan, &chat, &variables, call).await
        }
        Aim::Target { provider, model, prompt } => {
            let target = exchange.snapshot.named(&provider, &model);
            let target = target.ok_or_else(|| GatewayError::model_not_found(&format!("{provider}/{model}"), &[]))?;
            let prompt = prompt.map(|prompt| {
                let label = Label::new(&prompt.reference);
                (Arc::new(*prompt), label)
            });
            if let (Some(record), Some((_, label))) = (call.record(), &prompt) {
                record.names.prompt = Some(label.text.shared());
            }
            let variant = VariantEntry { label: Label::new("playground"), weight: 0.0, target, prompt };
            let plan = Plan::shadow(&variant);
            exchange.send(&plan, &chat, &variables, call).await
        }
    }
}

/// [`call`], and the answer read to its end.
pub(crate) async fn ask(app: &App, asked: Try) -> (Id, Result<Tried, GatewayError>) {
    let began = Tick::now();
    let price = match &asked.aim {
        Aim::Target { provider, model, .. } => app.snapshot().named(provider, model).and_then(|target| target.price),
        Aim::Route(_) => None,
    };
    let (id, answered) = call(app, asked).await;
    let response = match answered {
        Ok(response) => response,
        Err(error) => return (id, Err(error)),
    };
    let malformed = || GatewayError::new(axum::http::StatusCode::BAD_GATEWAY, "provider_malformed", "The answer could not be read.");
    let read = http_body_util::Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = read.map(Collected::to_bytes).unwrap_or_default();
    let Ok(answer) = serde_json::from_slice::<Value>(&body) else { return (id, Err(malformed())) };
    let usage = summarise_response(&body).usage.unwrap_or_default();
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let tried = Tried {
        id: id.clone(),
        text: said(&answer["choices"][0]["message"]),
        input_tokens: usage.input,
        output_tokens: usage.output,
        duration_ms,
        cost: price.map(|price| price.cost(usage)),
    };
    (id, Ok(tried))
}

/// What a message says: its text, or the calls of tools it asks for.
fn said(message: &Value) -> String {
    if let Some(text) = message["content"].as_str().filter(|text| !text.is_empty()) {
        return text.to_owned();
    }
    let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    let call = |call: &Value| {
        let (name, arguments) = (&call["function"]["name"], &call["function"]["arguments"]);
        format!("{}({})", name.as_str().unwrap_or_default(), arguments.as_str().unwrap_or_default())
    };
    calls.iter().map(call).collect::<Vec<_>>().join("\n")
}
