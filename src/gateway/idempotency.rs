//! `Idempotency-Key`: the same key and body while the first call is under way joins it, and for a day afterwards gets the stored answer
//! (as in draft-ietf-httpapi-idempotency-key-header). Only good answers are kept: after a failure the next call tries again.

use super::error::GatewayError;
use super::store::{self, AnswerRow};
use crate::server::App;
use crate::types::Duration;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body::Frame;
use ring::digest::{Context, SHA256};
use sqlx::types::Json;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Polled, Poll};
use tokio::sync::watch;

/// How long an answer is replayed.
pub(super) const KEPT: Duration = Duration::DAY;
/// Longest key.
const MAX_KEY: usize = 255;
/// Longest answer that is kept.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How long a database that is there may take: a busy one must not make a call twice.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The caller's key of the call.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<&str>, GatewayError> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= MAX_KEY);
    let refused =
        || GatewayError::bad_request("invalid_request", KEY.as_str(), format!("must have 1 to {MAX_KEY} visible ASCII characters"));
    text.map(Some).ok_or_else(refused)
}

fn hash(parts: &[&[u8]]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // The length keeps parts from running into each other.
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().iter().fold(String::with_capacity(64), |mut out, byte| {
        out.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')));
        out
    })
}

/// Which call it is: whose, where, and what is asked.
pub(super) struct Asked {
    id: String,
    request_hash: String,
}

impl Asked {
    /// A call of that API key at that address.
    pub fn new(api_key: &str, path: &str, key: &str, body: &[u8]) -> Self {
        Self { id: hash(&[api_key.as_bytes(), path.as_bytes(), key.as_bytes()]), request_hash: hash(&[body]) }
    }
}

/// What comes of a call under way: nothing yet, or its end, with an answer if it was a good one.
type Outcome = Option<Option<Arc<AnswerRow>>>;

/// Calls under way, by id: the hash of what is asked, and what comes of it.
type UnderWay = HashMap<String, (String, watch::Receiver<Outcome>)>;

/// Calls under way.
#[derive(Default)]
pub(crate) struct Replays(Arc<Mutex<UnderWay>>);

/// What a call finds.
pub(super) enum Found {
    /// It is the first: it makes the answer.
    First(Making),
    /// The answer is there.
    Answer(Response<Body>),
}

/// The first call; whoever joins waits for its end.
pub(super) struct Making {
    app: App,
    asked: Asked,
    replays: Replays,
    outcome: watch::Sender<Outcome>,
}

impl Replays {
    /// Waits for the same call under way, or finds its stored answer; the first one gets to make it.
    pub async fn find(app: &App, asked: Asked) -> Result<Found, GatewayError> {
        let mut asked = asked;
        loop {
            match app.background().replays().enter(app, asked) {
                Entered::Makes(making) => {
                    return match making.stored().await {
                        Some(row) if row.request_hash == making.asked.request_hash => Ok(Found::Answer(respond(&row))),
                        Some(_) => Err(reused()),
                        None => Ok(Found::First(making)),
                    };
                }
                Entered::OtherBody => return Err(reused()),
                Entered::Waits(again, mut outcome) => {
                    // The first one's end, or that it is gone without one.
                    let ended = outcome.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone().flatten());
                    if let Some(row) = ended {
                        return Ok(Found::Answer(respond(&row)));
                    }
                    asked = again;
                }
            }
        }
    }

    fn enter(&self, app: &App, asked: Asked) -> Entered {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match under_way.get(&asked.id) {
            Some((request, _)) if *request != asked.request_hash => Entered::OtherBody,
            Some((_, outcome)) => Entered::Waits(asked, outcome.clone()),
            None => {
                let (sender, receiver) = watch::channel(None);
                under_way.insert(asked.id.clone(), (asked.request_hash.clone(), receiver));
                Entered::Makes(Making { app: app.clone(), asked, replays: Self(self.0.clone()), outcome: sender })
            }
        }
    }
}

enum Entered {
    Makes(Making),
    Waits(Asked, watch::Receiver<Outcome>),
    OtherBody,
}

fn reused() -> GatewayError {
    let why = "This Idempotency-Key was used for another body. Please use a new key for a new call.";
    let mut error = GatewayError::bad_request("idempotency_key_reused", KEY.as_str(), why);
    error.status = StatusCode::UNPROCESSABLE_ENTITY;
    error
}

impl Making {
    /// What an earlier call left. Without a database nothing is known of one; the call is then made, as it would be without a key.
    async fn stored(&self) -> Option<AnswerRow> {
        if !self.app.database_away() {
            let (app, id) = (self.app.clone(), self.asked.id.clone());
            let since = app.now().minus(KEPT);
            let look = async move { tokio::time::timeout(PATIENCE, store::answer(app.db(), &id, since)).await };
            match self.app.background().spawn(look).await {
                Ok(Ok(Ok(row))) => return row,
                Ok(Ok(Err(error))) => tracing::warn!(%error, "stored answers cannot be looked up"),
                Ok(Err(_)) | Err(_) => tracing::warn!("stored answers could not be looked up in time"),
            }
        }
        tracing::warn!("the database does not tell whether an Idempotency-Key is known: the call is made");
        None
    }

    /// The answer on its way to the caller; it is kept when it is good and came to its end.
    pub fn keep(self, response: Response<Body>) -> Response<Body> {
        if !response.status().is_success() {
            return response;
        }
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        let row = AnswerRow {
            request_hash: self.asked.request_hash.clone(),
            status: i64::from(parts.status.as_u16()),
            headers: Json(headers.collect()),
            body: Vec::new(),
        };
        // A whole answer is complete when it ends; a stream tells.
        let complete = parts.extensions.get::<Complete>().cloned();
        let copied = Copied { body, copy: BytesMut::new(), too_long: false, complete, kept: Some((self, row)) };
        Response::from_parts(parts, Body::new(copied))
    }

    async fn store(self, row: AnswerRow) {
        match tokio::time::timeout(PATIENCE, store::keep_answer(self.app.db(), &self.asked.id, &row, self.app.now())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "an answer could not be kept for its Idempotency-Key"),
            Err(_) => tracing::warn!("an answer could not be kept for its Idempotency-Key in time"),
        }
        self.outcome.send_replace(Some(Some(Arc::new(row))));
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.replays.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.asked.id);
        self.outcome.send_if_modified(|outcome| outcome.is_none() && outcome.replace(None).is_none());
    }
}

/// Whether a stream came to its proper end; travels with the response.
#[derive(Clone, Debug, Default)]
pub(super) struct Complete(Arc<AtomicBool>);

impl Complete {
    /// It did.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A body that is copied as it passes.
struct Copied {
    body: Body,
    copy: BytesMut,
    too_long: bool,
    complete: Option<Complete>,
    kept: Option<(Making, AnswerRow)>,
}

impl Copied {
    fn ended(&mut self) {
        let Some((making, mut row)) = self.kept.take() else { return };
        let complete = self.complete.as_ref().is_none_or(|complete| complete.0.load(Ordering::Relaxed));
        if complete && !self.too_long {
            row.body = self.copy.split().to_vec();
            making.app.clone().background().spawn(making.store(row));
        }
    }
}

impl http_body::Body for Copied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Polled<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.too_long |= self.copy.len() + data.len() > MAX_ANSWER;
                    if !self.too_long {
                        self.copy.extend_from_slice(data);
                    }
                }
                // Of a body of known length nobody asks for the end.
                if self.body.is_end_stream() {
                    self.ended();
                }
            }
            Poll::Ready(None) => self.ended(),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// A stored answer, marked as such.
fn respond(row: &AnswerRow) -> Response<Body> {
    let mut response = Response::new(Body::from(row.body.clone()));
    *response.status_mut() = u16::try_from(row.status).ok().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    for (name, value) in &row.headers.0 {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
