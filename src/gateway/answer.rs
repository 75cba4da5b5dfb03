//! The answer to the caller: body, and the headers that say where it comes from.

use super::call::{Call, Whole};
use super::exchange::Exchange;
use super::idempotency::Complete;
use super::keep::unpinned;
use super::plan::Plan;
use super::snapshot::TargetEntry;
use super::tables::{self, number};
use super::tries::Ready;
use crate::feedback::token;
use crate::telemetry::Captured;
use crate::types::Id;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};

/// What an answer's headers say whoever gives it.
pub(super) struct Head(HeaderMap);

impl Head {
    /// Of a call on its way along that plan.
    pub fn new(exchange: &Exchange, plan: &Plan<'_>, id: Option<Id>) -> Self {
        let mut headers = tables::take();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(names::CACHE, HeaderValue::from_static("off"));
        let prompt = plan.variant.and_then(|v| v.prompt.as_ref()).map(|(_, label)| label);
        let labels =
            [(names::ROUTE, plan.route.map(|r| &r.label)), (names::VARIANT, plan.variant.map(|v| &v.label)), (names::PROMPT, prompt)];
        for (name, label) in labels {
            if let Some(label) = label {
                headers.insert(name, label.header());
            }
        }
        let signed = id.and_then(|id| token::sign(exchange.gateway.app.master_key().feedback(), &id, exchange.now));
        if let Some(value) = signed.and_then(|t| HeaderValue::try_from(t).ok()) {
            headers.insert(names::FEEDBACK_TOKEN, value);
        }
        Self(headers)
    }
}

/// An answer and where it comes from.
pub(super) struct Answer {
    ready: Ready,
    head: Head,
    provider: HeaderValue,
    model: HeaderValue,
    estimated: bool,
}

impl Answer {
    pub fn new(ready: Ready, head: Head, target: &TargetEntry) -> Self {
        let (provider, model) = (target.provider.label.header(), target.model.header());
        Self { ready, head, provider, model, estimated: false }
    }

    /// With a number in it that is ours, not the provider's.
    pub fn estimated(self) -> Self {
        Self { estimated: true, ..self }
    }

    /// What a copy that nobody waits for came to.
    pub fn into_ready(self) -> Ready {
        self.ready
    }

    /// The response, and what settles the call when it is let go of; a stream settles its call when it ends.
    pub fn respond(self, mut call: Call) -> (Response<Body>, Option<Whole>) {
        let attempts = call.attempts();
        let overhead = call.answering(200);
        let mut complete = None;
        let json = HeaderValue::from_static("application/json");
        let (body, content_type, whole) = match self.ready {
            Ready::Whole { pieces, content_type, dialect } => {
                let body = match &pieces[..] {
                    [one] => Body::from(one.clone()),
                    many => Body::from(many.concat()),
                };
                // What the log does not keep is let go of as soon as the answer is out, and needs no copy until then.
                let keeps = call.record().is_some_and(|record| record.keep_bodies);
                let captured = Captured::whole(dialect, pieces.into_iter().map(|piece| if keeps { unpinned(piece) } else { piece }));
                (body, content_type.unwrap_or(json), Some(Whole::new(call, captured)))
            }
            Ready::Translated { body, summary } => {
                let captured = Captured::Read(summary, body.clone());
                (Body::from(body), json, Some(Whole::new(call, captured)))
            }
            Ready::Read { body, summary } => (Body::from(body), json, Some(Whole::new(call, Captured::Stream(summary)))),
            Ready::Stream(relay) => {
                call.first_token();
                let complete = complete.insert(Complete::default());
                (relay.into_body(call, complete.clone()), HeaderValue::from_static("text/event-stream"), None)
            }
        };
        let mut response = Response::new(body);
        if let Some(complete) = complete {
            response.extensions_mut().insert(complete);
        }
        let mut headers = self.head.0;
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(names::PROVIDER, self.provider);
        headers.insert(names::MODEL, self.model);
        headers.insert(names::ATTEMPTS, if attempts == 1 { HeaderValue::from_static("1") } else { HeaderValue::from(attempts) });
        headers.insert(names::OVERHEAD, number(overhead.unsigned_abs()));
        if self.estimated {
            headers.insert(names::ESTIMATED, HeaderValue::from_static("true"));
        }
        *response.headers_mut() = headers;
        (response, whole)
    }
}

/// Marks what a provider answered to a call that was only handed on.
pub(super) fn passed(headers: &mut HeaderMap, target: &TargetEntry, overhead: i64) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(names::PROVIDER, target.provider.label.header());
    headers.insert(names::ATTEMPTS, HeaderValue::from(1));
    headers.insert(names::CACHE, HeaderValue::from_static("off"));
    headers.insert(names::OVERHEAD, number(overhead.unsigned_abs()));
}

/// Names of our headers, made once.
pub(super) mod names {
    use axum::http::HeaderName;

    pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    pub const ROUTE: HeaderName = HeaderName::from_static("x-hypercare-route");
    pub const VARIANT: HeaderName = HeaderName::from_static("x-hypercare-variant");
    pub const PROMPT: HeaderName = HeaderName::from_static("x-hypercare-prompt");
    pub const PROVIDER: HeaderName = HeaderName::from_static("x-hypercare-provider");
    pub const MODEL: HeaderName = HeaderName::from_static("x-hypercare-model");
    pub const ATTEMPTS: HeaderName = HeaderName::from_static("x-hypercare-attempts");
    pub const CACHE: HeaderName = HeaderName::from_static("x-hypercare-cache");
    pub const OVERHEAD: HeaderName = HeaderName::from_static("x-hypercare-overhead-us");
    pub const ESTIMATED: HeaderName = HeaderName::from_static("x-hypercare-estimated");
    pub const FEEDBACK_TOKEN: HeaderName = HeaderName::from_static("x-hypercare-feedback-token");
}
