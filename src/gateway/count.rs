//! How many tokens a conversation brings: the provider's own count where it has one, else an estimate, marked as such.

use super::answer::{Answer, Head};
use super::call::Call;
use super::error::GatewayError;
use super::exchange::{Exchange, not_rendered};
use super::request::CallContext;
use super::snapshot::TargetEntry;
use super::translate;
use super::tries::{Ready, Tries};
use super::upstream::Operation;
use axum::http::StatusCode;
use bytes::Bytes;
use hypercare_wire::chat::{ChatRequest, Edit, ResponseSummary};
use hypercare_wire::count;
use hypercare_wire::usage::Usage;
use std::borrow::Cow;

/// The answer to a call that asks for a count. The route's prompt counts too.
pub(super) async fn answer(exchange: &Exchange, body: &Bytes, call: &mut Call) -> Result<Answer, GatewayError> {
    let caller = exchange.dialect();
    let body = count::conversation(caller, body).map_or_else(|| body.clone(), Bytes::from);
    let chat = exchange.parse(&body)?;
    let mut context = CallContext::read(&exchange.headers, chat.user.as_deref(), &chat.metadata)?;
    let plan = exchange.plan(&chat.model, body.len(), false, &mut context, call)?;
    let prompt = match plan.variant.and_then(|v| v.prompt.as_ref()) {
        Some((prompt, _)) => prompt.render(&context.variables),
        None => Ok(Cow::Borrowed("")),
    };
    let prompt = prompt.map_err(|e| not_rendered(&e))?;
    let rewritten = |model: &str| Bytes::from(chat.rewrite(&Edit { model, prompt_messages: &prompt, parameters: &[] }));
    let body_for = |target: &TargetEntry| {
        let model = &target.model.text;
        let body = translate::request(caller, target, rewritten(model), false, true)?;
        let question = count::question(target.provider.dialect(caller), &body, model);
        question.map(Bytes::from).ok_or_else(|| GatewayError::bad_request("unsupported_parameter", "model", "It cannot count."))
    };
    // Counting costs nothing: no usage, and no estimate of one.
    let summary = || ResponseSummary { usage: Some(Usage::default()), ..ResponseSummary::default() };
    let convert = |target: &TargetEntry, body: &[u8]| {
        let tokens = count::read(target.provider.dialect(caller), body)?;
        Some((count::write(caller, tokens).into(), summary()))
    };
    let tries = Tries { convert: Some(&convert), ..exchange.tries(Operation::Count) };
    let first = plan.targets().next().ok_or_else(GatewayError::no_target)?;
    if first.provider.counts(caller)
        && let Ok(answer) = exchange.ask(&tries, &plan, body_for, call).await
    {
        return Ok(answer);
    }
    call.targeted(first);
    let tokens = estimate(exchange, first, &chat, &rewritten(&first.model.text)).await?;
    let ready = Ready::Read { body: count::write(caller, tokens).into(), summary: Box::new(summary()) };
    let head = Head::new(exchange, &plan, call.record().map(|record| record.id.clone()));
    Ok(Answer::new(ready, head, first).estimated())
}

/// What OpenAI counts for each message beyond its text, and for a picture of the usual size: see its cookbook, "How to count tokens with tiktoken".
const PER_MESSAGE: u64 = 3;
const PER_IMAGE: u64 = 765;

async fn estimate(exchange: &Exchange, target: &TargetEntry, chat: &ChatRequest<'_>, body: &[u8]) -> Result<u64, GatewayError> {
    let refused = |e| super::exchange::not_read(&e);
    let mut request = exchange.dialect().read_request(body).map_err(refused)?;
    request.model = chat.model.clone().into_owned();
    let countable = count::countable(&request);
    let model = target.model.text.shared();
    // Takes a while for long texts: off the lane.
    let work = exchange.gateway.app.background().compute(move || {
        let texts: u64 = countable.texts.iter().map(|text| crate::catalog::tokens::estimate(&model, text)).sum();
        texts + (countable.messages as u64 + 1) * PER_MESSAGE + countable.images as u64 * PER_IMAGE
    });
    work.await.map_err(|_| GatewayError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here."))
}
