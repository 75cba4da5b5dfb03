//! The answer to the caller: body, and the headers that say where it comes from.

use super::call::Call;
use super::idempotency::Complete;
use super::keep::unpinned;
use super::plan::Plan;
use super::snapshot::{Label, TargetEntry};
use super::tries::Ready;
use crate::feedback::token;
use crate::server::App;
use crate::telemetry::Captured;
use crate::types::Id;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};

/// The names that go into response headers.
struct Labels {
    route: Option<HeaderValue>,
    variant: Option<HeaderValue>,
    prompt: Option<HeaderValue>,
    provider: HeaderValue,
    model: HeaderValue,
}

impl Labels {
    fn of(plan: &Plan<'_>, target: &TargetEntry) -> Self {
        let header = |label: &Label| label.header.clone();
        Self {
            route: plan.route.map(|r| header(&r.label)),
            variant: plan.variant.map(|v| header(&v.label)),
            prompt: plan.variant.and_then(|v| v.prompt.as_ref()).map(|(_, label)| header(label)),
            provider: header(&target.provider.label),
            model: header(&target.model),
        }
    }

    fn put(self, headers: &mut HeaderMap) {
        for (name, value) in [(names::ROUTE, self.route), (names::VARIANT, self.variant), (names::PROMPT, self.prompt)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        headers.insert(names::PROVIDER, self.provider);
        headers.insert(names::MODEL, self.model);
    }
}

/// An answer and where it comes from.
pub(super) struct Answer {
    ready: Ready,
    labels: Labels,
    estimated: bool,
}

impl Answer {
    pub fn new(ready: Ready, plan: &Plan<'_>, target: &TargetEntry) -> Self {
        Self { ready, labels: Labels::of(plan, target), estimated: false }
    }

    /// With a number in it that is ours, not the provider's.
    pub fn estimated(self) -> Self {
        Self { estimated: true, ..self }
    }

    /// The response; the call is settled now, or when its stream ends.
    pub fn respond(self, app: &App, id: &Id, mut call: Call) -> Response<Body> {
        let attempts = call.attempts();
        let overhead = call.answering(200);
        let now = call.record().map_or_else(|| app.now(), |record| record.started_at);
        let mut complete = None;
        let (body, content_type) = match self.ready {
            Ready::Whole { pieces, content_type, dialect } => {
                let body = match &pieces[..] {
                    [one] => Body::from(one.clone()),
                    many => Body::from(many.concat()),
                };
                call.completed(Captured::whole(dialect, pieces.into_iter().map(unpinned)));
                (body, content_type.unwrap_or(HeaderValue::from_static("application/json")))
            }
            Ready::Translated { body, summary } => {
                call.completed(Captured::Read(summary, body.clone()));
                (Body::from(body), HeaderValue::from_static("application/json"))
            }
            Ready::Read { body, summary } => {
                call.completed(Captured::Stream(summary));
                (Body::from(body), HeaderValue::from_static("application/json"))
            }
            Ready::Stream(relay) => {
                call.first_token();
                let complete = complete.insert(Complete::default());
                (relay.into_body(call, complete.clone()), HeaderValue::from_static("text/event-stream"))
            }
        };
        let mut response = Response::new(body);
        if let Some(complete) = complete {
            response.extensions_mut().insert(complete);
        }
        let headers = response.headers_mut();
        headers.reserve(MOST_HEADERS);
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.labels.put(headers);
        headers.insert(names::ATTEMPTS, if attempts == 1 { HeaderValue::from_static("1") } else { HeaderValue::from(attempts) });
        headers.insert(names::CACHE, HeaderValue::from_static("off"));
        if let Ok(overhead) = HeaderValue::try_from(overhead.to_string()) {
            headers.insert(names::OVERHEAD, overhead);
        }
        if self.estimated {
            headers.insert(names::ESTIMATED, HeaderValue::from_static("true"));
        }
        let signed = token::sign(app.master_key().feedback(), id, now);
        if let Some(value) = signed.and_then(|t| HeaderValue::try_from(t).ok()) {
            headers.insert(names::FEEDBACK_TOKEN, value);
        }
        response
    }
}

/// Marks what a provider answered to a call that was only handed on.
pub(super) fn passed(headers: &mut HeaderMap, target: &TargetEntry, overhead: i64) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(names::PROVIDER, target.provider.label.header.clone());
    headers.insert(names::ATTEMPTS, HeaderValue::from(1));
    headers.insert(names::CACHE, HeaderValue::from_static("off"));
    headers.insert(names::OVERHEAD, HeaderValue::from(overhead));
}

/// Room for the headers of an answer: a few more fit into the table that is made for so many.
const MOST_HEADERS: usize = 12;

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
