//! From the caller's dialect to the provider's, and back.

use super::error::GatewayError;
use super::snapshot::{Snapshot, TargetEntry};
use super::upstream::Provider;
use axum::http::StatusCode;
use bytes::Bytes;
use hypercare_wire::chat::ResponseSummary;
use hypercare_wire::dialect::{Dialect, anthropic, bedrock, gemini, openai, responses};
use hypercare_wire::form::Untranslatable;
use hypercare_wire::passage::summary_of;

/// The body for the target: as it is when it speaks the caller's dialect. What the target cannot be told is refused, or left out if that is wanted.
pub(crate) fn request(
    caller: Dialect,
    target: &TargetEntry,
    body: Bytes,
    stream: bool,
    drop_unsupported: bool,
) -> Result<Bytes, GatewayError> {
    let provider = &target.provider;
    let dialect = provider.dialect(caller);
    if dialect == caller {
        return Ok(body);
    }
    let mut request = caller.read_request(&body).map_err(|e| match e.param() {
        Some(param) => GatewayError::bad_request(e.code(), param, e.to_string()),
        None => GatewayError::new(StatusCode::BAD_REQUEST, e.code(), e.to_string()),
    })?;
    // Where the address said it, the body does not.
    request.model = target.model.text.to_string();
    request.stream = stream;
    // The caller's labels are in our log; `store` asks the provider to keep a copy, which we do.
    for ours in ["metadata", "store"] {
        request.extra.remove(ours);
    }
    // Usage is always asked for: the log needs it, whoever else does.
    request.include_usage = request.stream;
    let written = match dialect {
        Dialect::Anthropic => {
            let thinking = anthropic::Thinking::of_model(&target.model.text);
            anthropic::write_request(
                &request,
                anthropic::Options { drop_unsupported, default_max_tokens: target.max_output_tokens, thinking },
            )
        }
        Dialect::OpenAi => {
            let modern = provider.speaks_modern_openai();
            openai::write_request(&request, openai::Options { drop_unsupported, old_max_tokens: !modern, extensions: !modern })
        }
        Dialect::Gemini => {
            let model = &target.model.text;
            let thinking = gemini::Thinking::of_model(model);
            // From version 3 on; what is not named by version is taken for new.
            let unproven_calls = thinking != gemini::Thinking::Budget;
            gemini::write_request(&request, gemini::Options { drop_unsupported, thinking, unproven_calls })
        }
        Dialect::Responses => responses::write_request(&request, responses::Options { drop_unsupported }),
        Dialect::Bedrock => {
            let family = bedrock::Family::of_model(&target.model.text);
            bedrock::write_request(&request, bedrock::Options { drop_unsupported, family })
        }
    };
    written.map(|written| written.body.into()).map_err(|e| refused(&e, provider))
}

#[cold]
fn refused(e: &Untranslatable, provider: &Provider) -> GatewayError {
    GatewayError::bad_request(e.code(), e.param(), format!("{e} (provider `{}`)", provider.label.text))
}

/// A whole answer in the caller's dialect, under that id if one is given, and what the log keeps of it.
pub(crate) fn response(
    caller: Dialect,
    provider: Dialect,
    body: &[u8],
    created: u64,
    id: Option<&str>,
    (known_id, known_model): (&str, &str),
) -> Option<(Bytes, ResponseSummary)> {
    let mut response = provider.read_response(body).ok()?;
    // Amazon says neither in the body.
    for (said, known) in [(&mut response.id, known_id), (&mut response.model, known_model)] {
        if said.is_empty() {
            known.clone_into(said);
        }
    }
    let summary = summary_of(&response);
    if let Some(id) = id {
        id.clone_into(&mut response.id);
    }
    Some((caller.write_response(&response, created).into(), summary))
}

/// The body as that provider gets it, as far as it is still known here; `None` when the provider is gone or the body does not translate.
pub(crate) fn as_sent(snapshot: &Snapshot, caller: Dialect, provider: &str, model: &str, body: Vec<u8>, stream: bool) -> Option<Vec<u8>> {
    let target = snapshot.named(provider, model)?;
    request(caller, &target, body.into(), stream, true).ok().map(|body| body.to_vec())
}
