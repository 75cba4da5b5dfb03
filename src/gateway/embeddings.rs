//! Embeddings: from the caller's form to the provider's, and back.

use super::answer::Answer;
use super::call::Call;
use super::error::GatewayError;
use super::exchange::{Exchange, not_read};
use super::request::CallContext;
use super::snapshot::TargetEntry;
use super::tries::Tries;
use super::upstream::Operation;
use bytes::Bytes;
use hypercare_wire::chat::ResponseSummary;
use hypercare_wire::embeddings::{EmbeddingDialect, EmbeddingRequest, EmbeddingResponse, read_usage};

/// The answer to a call for embeddings. A route's prompt has no part in it.
pub(super) async fn answer(exchange: &Exchange, caller: EmbeddingDialect, body: &Bytes, call: &mut Call) -> Result<Answer, GatewayError> {
    let addressed = exchange.addressed.as_ref().map(|(model, _)| model.as_str());
    let asked = EmbeddingRequest::read(caller, body, addressed).map_err(|e| not_read(&e))?;
    let mut context = CallContext::read(&exchange.headers, asked.user.as_deref(), &[])?;
    let plan = exchange.plan(&asked.model, body.len(), false, &mut context, call)?;
    let many = asked.inputs.len() > 1;
    let drop_unsupported = plan.route.is_some_and(|route| route.drop_unsupported);
    let body_for = |target: &TargetEntry| {
        let provider = &target.provider;
        let name = &provider.label.text;
        let dialect = provider.embeddings(&target.model.text, many).ok_or_else(|| {
            let why = format!("The provider `{name}` has no embeddings by the model `{}`.", target.model.text);
            GatewayError::bad_request("unsupported_parameter", "model", why)
        })?;
        let written = asked.write(dialect, &target.model.text, drop_unsupported);
        written.map(Bytes::from).map_err(|e| GatewayError::bad_request(e.code(), e.param(), format!("{e} (provider `{name}`)")))
    };
    let convert = |target: &TargetEntry, body: &[u8]| {
        let dialect = target.provider.embeddings(&target.model.text, many)?;
        if dialect == EmbeddingDialect::OpenAi && caller == EmbeddingDialect::OpenAi {
            // The vectors pass as they are.
            return Some((Bytes::copy_from_slice(body), ResponseSummary { usage: read_usage(body), ..ResponseSummary::default() }));
        }
        let read = EmbeddingResponse::read(dialect, body).ok()?;
        let summary = ResponseSummary { usage: read.usage, ..ResponseSummary::default() };
        Some((read.write(caller, &target.model.text, asked.encoding).into(), summary))
    };
    let tries = Tries { convert: Some(&convert), ..exchange.tries(Operation::Embeddings { many }) };
    exchange.ask(&tries, &plan, body_for, call).await
}
