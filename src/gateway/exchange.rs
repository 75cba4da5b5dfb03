//! One call: read, planned, sent, answered.

use super::admission::Admitted;
use super::answer::{Answer, Head};
use super::call::{Call, Presence};
use super::clock::{meanwhile, within};
use super::continuation;
use super::endpoint::Endpoint;
use super::error::GatewayError;
use super::http::Gateway;
use super::keep::{alone, beside_others, unpinned, written};
use super::leftovers::leave;
use super::plan::{Plan, Wanted};
use super::request::{CallContext, caller_id};
use super::snapshot::{KeyEntry, Snapshot, TargetEntry};
use super::translate;
use super::tries::Tries;
use super::upstream::Operation;
use crate::prompts::render::{RenderError, Variables};
use crate::routing::model::OnHangUp;
use crate::server::App;
use crate::telemetry::model::Outcome;
use crate::telemetry::{CallRecord, Captured, Names};
use crate::types::{Id, Instant};
use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Either};
use hyper::body::Incoming;
use hypercare_wire::chat::{ChatRequest, Edit, ParseError};
use hypercare_wire::dialect::Dialect;
use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant as Tick;

/// A call's body: as it comes off a lane's connection, or from a router.
pub(super) type CallBody = Either<Incoming, Body>;

/// Who asks, and where it lands.
#[derive(Clone)]
pub(super) struct Exchange {
    pub gateway: Gateway,
    pub snapshot: Arc<Snapshot>,
    pub key: Arc<KeyEntry>,
    /// What is asked for.
    pub endpoint: Endpoint,
    /// The model and whether a stream is asked for, where the address says so and not the body.
    pub addressed: Option<(String, bool)>,
    pub headers: HeaderMap,
    pub peer: Option<IpAddr>,
    /// When it began.
    pub now: Instant,
}

impl Exchange {
    /// The answer, or why there is none.
    pub async fn answer(
        self,
        place: Admitted,
        id: &Id,
        began: Tick,
        body: CallBody,
        presence: Option<Arc<Presence>>,
    ) -> Result<Response<Body>, GatewayError> {
        let app = &self.gateway.app;
        let mut record = self.new_record(id);
        let read = read_body(app, body).await;
        record.request_body = read.clone().unwrap_or_default();
        let mut call = Call::new(app.clone(), began, record, presence, Some(place));
        let result = match read {
            Ok(bytes) => match self.endpoint {
                Endpoint::Chat(_) | Endpoint::Passthrough => self.chat(&bytes, &mut call).await,
                Endpoint::Count(_) => super::count::answer(&self, &bytes, &mut call).await,
                Endpoint::Embeddings(dialect) => super::embeddings::answer(&self, dialect, &bytes, &mut call).await,
            },
            Err(error) => Err(error),
        };
        match result {
            Ok(answer) => {
                let (response, whole) = answer.respond(call);
                if let Some(whole) = whole {
                    leave((whole, self));
                }
                Ok(response)
            }
            Err(error) => {
                call.failed(&error, Captured::Nothing);
                Err(error)
            }
        }
    }

    pub fn new_record(&self, id: &Id) -> CallRecord {
        CallRecord {
            id: id.clone(),
            caller_id: caller_id(&self.headers).map(str::to_owned),
            started_at: self.now,
            names: Names {
                endpoint: self.snapshot.endpoints().name(self.endpoint),
                key: self.key.shared_name.shared(),
                route: None,
                variant: None,
                provider: None,
                model: None,
                prompt: None,
            },
            status: 0,
            outcome: Outcome::Error,
            error_code: None,
            error_message: None,
            streamed: false,
            user_id: None,
            session_id: None,
            source_ip: self.peer,
            user_agent: None,
            metadata: None,
            shadow_of: None,
            attempts: Vec::with_capacity(1),
            duration_us: 0,
            first_token_us: None,
            overhead_us: 0,
            price: None,
            keep_bodies: true,
            request_body: Bytes::new(),
            rendered_prompt: None,
            captured: Captured::Nothing,
        }
    }

    /// The dialect its caller speaks.
    pub fn dialect(&self) -> Dialect {
        self.endpoint.dialect()
    }

    pub fn parse<'b>(&'b self, body: &'b [u8]) -> Result<ChatRequest<'b>, GatewayError> {
        let read = match &self.addressed {
            Some((model, stream)) => ChatRequest::parse_addressed(body, model, *stream),
            None => ChatRequest::parse(self.dialect(), body),
        };
        read.map_err(|e| not_read(&e))
    }

    async fn chat(&self, body: &Bytes, call: &mut Call) -> Result<Answer, GatewayError> {
        let chat = self.parse(body)?;
        let mut context = CallContext::read(&self.headers, chat.user.as_deref(), &chat.metadata)?;
        let plan = self.plan(&chat.model, body.len(), chat.stream, &mut context, call)?;
        if let (Some(route), Some(variant)) = (plan.route, plan.variant)
            && !route.shadow.is_empty()
        {
            super::shadow::copy(self, route, variant, &context.variables, call);
        }
        let expanded = match chat.text_field("previous_response_id") {
            Some(earlier) if self.forgets(&plan) => Some(continuation::expand(self, body, &earlier).await?),
            _ => None,
        };
        let Some(body) = expanded else {
            return self.send(&plan, &chat, &context.variables, call).await;
        };
        if let Some(record) = call.record() {
            // Whoever goes on from this answer finds all of it.
            record.request_body = body.clone();
        }
        let chat = self.parse(&body)?;
        self.send(&plan, &chat, &context.variables, call).await
    }

    /// Whether the first target does not remember the answers it gave.
    fn forgets(&self, plan: &Plan<'_>) -> bool {
        plan.targets().next().is_some_and(|target| target.provider.dialect(self.dialect()) != Dialect::Responses)
    }

    /// Where the call may go; the log learns who calls and which way it takes.
    pub fn plan(
        &self,
        model: &str,
        size: usize,
        stream: bool,
        context: &mut CallContext,
        call: &mut Call,
    ) -> Result<Plan<'_>, GatewayError> {
        let wanted = Wanted { model, context, size, stream, now: self.now };
        let plan = Plan::new(&self.snapshot, &self.key, &wanted);
        if let Some(record) = call.record() {
            record.streamed = stream;
            if stream {
                record.request_body = alone(&record.request_body);
            }
            record.user_id = context.user.take();
            record.session_id = context.session.take();
            record.user_agent = context.user_agent.take();
            record.metadata = context.metadata.take();
        }
        let plan = plan?;
        if let (Some(route), Some(variant)) = (plan.route, plan.variant) {
            call.routed(route, variant);
            if route.on_hang_up == OnHangUp::Finish {
                call.finish_anyway();
            }
        }
        Ok(plan)
    }

    /// Renders the variant's prompt and tries the plan's targets.
    pub async fn send(
        &self,
        plan: &Plan<'_>,
        chat: &ChatRequest<'_>,
        variables: &Variables,
        call: &mut Call,
    ) -> Result<Answer, GatewayError> {
        let (rendered, parameters) = match plan.variant.and_then(|v| v.prompt.as_ref()) {
            Some((prompt, _)) => {
                let rendered = prompt.render(variables).map_err(|e| not_rendered(&e))?;
                (rendered, prompt.settings(self.dialect()))
            }
            None => (Cow::Borrowed(""), &[][..]),
        };
        let edit = Edit { model: "", prompt_messages: &rendered, parameters };
        // Conversations go on from the ids of answers, so those that we write are ours.
        let answer_id = call.record().filter(|_| self.dialect() == Dialect::Responses).map(|record| continuation::answer_id(&record.id));
        let tries = Tries { include_usage: chat.include_usage, answer_id, ..self.tries(Operation::Chat { stream: chat.stream }) };
        let drop_unsupported = plan.route.is_some_and(|route| route.drop_unsupported);
        let body_for = |target: &TargetEntry| {
            let body = written(|out| chat.rewrite_to(&Edit { model: &target.model.text, ..edit }, out));
            translate::request(self.dialect(), target, body, chat.stream, drop_unsupported)
        };
        let answer = self.ask(&tries, plan, body_for, call).await;
        if let Some(record) = call.record()
            && !rendered.is_empty()
        {
            record.rendered_prompt = Some(beside_others(rendered.as_bytes()));
        }
        answer
    }
}

impl Exchange {
    /// Tries the plan's targets; the answer's head is put together while they are waited for.
    pub async fn ask(
        &self,
        tries: &Tries<'_>,
        plan: &Plan<'_>,
        body_for: impl Fn(&TargetEntry) -> Result<Bytes, GatewayError>,
        call: &mut Call,
    ) -> Result<Answer, GatewayError> {
        let id = call.record().map(|record| record.id.clone());
        let (answered, head) = meanwhile(pin!(tries.run(plan, body_for, call)), || Head::new(self, plan, id)).await;
        let (ready, target) = answered?;
        Ok(Answer::new(ready, head, target))
    }

    /// Tries of that kind.
    pub fn tries(&self, operation: Operation) -> Tries<'_> {
        Tries {
            upstreams: &self.gateway.upstreams,
            dialect: self.dialect(),
            operation,
            include_usage: false,
            convert: None,
            answer_id: None,
            headers: &self.headers,
            now: self.now,
        }
    }
}

/// Why the route's prompt cannot be filled in for a call.
#[cold]
pub(super) fn not_rendered(e: &RenderError) -> GatewayError {
    match e {
        RenderError::Variable { name, .. } => {
            GatewayError::bad_request("prompt_variable", &format!("prompt_variables.{name}"), e.to_string())
        }
        RenderError::Engine { .. } => GatewayError::bad_request("prompt_not_rendered", "prompt_variables", e.to_string()),
    }
}

/// Why a body is not what the endpoint takes.
#[cold]
pub(super) fn not_read(e: &ParseError) -> GatewayError {
    match e.param() {
        Some(param) => GatewayError::bad_request(e.code(), param, e.to_string()),
        None => GatewayError::new(StatusCode::BAD_REQUEST, e.code(), e.to_string()),
    }
}

/// The whole body, as long as it is not too large and its pieces follow each other.
pub(super) async fn read_body(app: &App, mut body: CallBody) -> Result<Bytes, GatewayError> {
    let (most, idle) = (app.settings().max_body_bytes, app.settings().request_idle);
    let (mut first, mut whole) = (Bytes::new(), Vec::new());
    loop {
        let frame = match within(|| idle, body.frame()).await {
            Ok(None) if whole.is_empty() => return Ok(unpinned(first)),
            Ok(None) => return Ok(whole.into()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                return Err(GatewayError::new(StatusCode::BAD_REQUEST, "body_incomplete", "The body ended too early."));
            }
            Err(_) => {
                let why = format!("Nothing more of the body came for {} ms.", idle.as_millis());
                return Err(GatewayError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", why));
            }
        };
        let Ok(piece) = frame.into_data() else { continue };
        if first.len().max(whole.len()) + piece.len() > most {
            let why = format!("The body is larger than the {most} bytes taken here.");
            return Err(GatewayError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", why));
        }
        // Most bodies are one piece.
        if first.is_empty() {
            first = piece;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&piece);
        }
    }
}
