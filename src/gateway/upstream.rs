//! Providers in force.

use super::failure::Failure;
use super::vitals::Vitals;
use crate::providers::aws;
use crate::providers::model::{ProviderKind, Timeouts};
use crate::providers::presets::Preset;
use crate::providers::store::ProviderRow;
use crate::routing::model::FailoverOn;
use crate::types::Fault;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::Full;
use hypercare_wire::dialect::{Dialect, bedrock, gemini};
use hypercare_wire::embeddings::EmbeddingDialect;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Targets of one provider whose vitals are kept.
const MOST_TARGETS: usize = 1_000;

/// Seconds a provider may keep us away at once: a wrong date must not do it for years.
const LONGEST_PAUSE: u64 = 3_600;

/// What is asked of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// An answer to a conversation.
    Chat { stream: bool },
    /// Embeddings, of one text or of many.
    Embeddings { many: bool },
    /// A count of tokens.
    Count,
}

/// A provider in force.
pub(crate) struct Provider {
    pub label: super::snapshot::Label,
    pub updated_at: crate::types::Instant,
    pub timeouts: Timeouts,
    /// Whether it gets no new calls.
    pub draining: bool,
    kind: ProviderKind,
    /// Whose models it serves, in the built-in list.
    pub vendor: Option<&'static str>,
    /// Whether it serves OpenAI's Responses itself.
    responses_api: bool,
    base: Base,
    /// Where most calls go, made once: where the model is part of the address, it is made for each.
    usual: Uri,
    keys: Vec<Key>,
    next_key: AtomicUsize,
    /// Until when the provider asked us not to call, µs since 1970; zero when it did not.
    closed_until: AtomicI64,
    pub in_flight: Arc<Semaphore>,
    /// One for each model, kept while the provider's settings do not change.
    targets: Mutex<HashMap<String, Arc<Vitals>>>,
}

/// What proves who we are.
enum Key {
    /// Sent as it is.
    Sent(HeaderValue),
    /// Signs every call.
    Signs(Box<aws::Signer>),
}

/// The region of addresses that name none: a mock, or a way of one's own to Amazon.
const USUAL_REGION: &str = "us-east-1";

impl Key {
    fn of_amazon(text: &str, base_url: &str) -> Result<Self, Fault> {
        match aws::Credential::parse(text).map_err(Fault::internal)? {
            aws::Credential::AccessKey(key) => {
                let region = aws::region_of(base_url).unwrap_or(USUAL_REGION);
                let signer = aws::Signer::new(key, region).ok_or_else(|| Fault::internal(std::io::Error::other("no region")))?;
                Ok(Self::Signs(Box::new(signer)))
            }
            bearer @ aws::Credential::Bearer(_) => {
                bearer.bearer().map(Self::Sent).ok_or_else(|| Fault::internal(std::io::Error::other("no key")))
            }
        }
    }
}

/// An address without its end: what stands before the path of a call, and the query behind it.
struct Base {
    path: String,
    query: Option<String>,
}

impl Base {
    fn new(url: &str) -> Self {
        let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query.to_owned())));
        Self { path: path.trim_end_matches('/').to_owned(), query }
    }

    fn with(&self, path: &str) -> String {
        let Self { path: base, query } = self;
        let Some(query) = query else { return format!("{base}/{path}") };
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{base}/{path}{joint}{query}")
    }
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const AZURE_KEY: HeaderName = HeaderName::from_static("api-key");
const GOOGLE_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

impl Provider {
    /// Makes a stored provider ready.
    pub fn new(row: &ProviderRow, keys: &[String]) -> Result<Self, Fault> {
        let base = Base::new(&row.base_url);
        let usual = match row.kind {
            ProviderKind::OpenAi | ProviderKind::Azure => "chat/completions",
            ProviderKind::Anthropic => "messages",
            ProviderKind::Gemini => "models",
            ProviderKind::Bedrock => "model",
        };
        let bearer = row.kind == ProviderKind::OpenAi;
        let keys = keys.iter().map(|key| {
            if row.kind == ProviderKind::Bedrock {
                return Key::of_amazon(key, &row.base_url);
            }
            let text = if bearer { format!("Bearer {key}") } else { key.clone() };
            let mut value = HeaderValue::from_str(&text).map_err(Fault::internal)?;
            value.set_sensitive(true);
            Ok(Key::Sent(value))
        });
        Ok(Self {
            label: super::snapshot::Label::new(&row.name),
            updated_at: row.updated_at,
            timeouts: row.timeouts.0,
            draining: row.draining,
            kind: row.kind,
            vendor: row.preset.as_deref().and_then(Preset::named).or_else(|| Preset::at(&row.base_url)).map(|preset| preset.vendor),
            responses_api: row.responses_api,
            usual: base.with(usual).parse().map_err(Fault::internal)?,
            base,
            keys: keys.collect::<Result<_, Fault>>()?,
            next_key: AtomicUsize::new(0),
            closed_until: AtomicI64::new(0),
            in_flight: Arc::new(Semaphore::new(usize::try_from(row.max_in_flight).unwrap_or(1).min(Semaphore::MAX_PERMITS))),
            targets: Mutex::default(),
        })
    }

    /// The dialect in which it is asked by a caller of that dialect.
    pub fn dialect(&self, caller: Dialect) -> Dialect {
        match self.kind {
            ProviderKind::OpenAi | ProviderKind::Azure if self.responses_api && caller == Dialect::Responses => Dialect::Responses,
            ProviderKind::OpenAi | ProviderKind::Azure => Dialect::OpenAi,
            ProviderKind::Bedrock => Dialect::Bedrock,
            ProviderKind::Anthropic => Dialect::Anthropic,
            ProviderKind::Gemini => Dialect::Gemini,
        }
    }

    /// What is known of one of its models. Routes look it up when a snapshot is made; callers who name a model themselves can name any, so beyond
    /// [`MOST_TARGETS`] the others share one.
    pub fn vitals(&self, model: &str) -> Arc<Vitals> {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = targets.get(model) {
            return known.clone();
        }
        let name = if targets.len() < MOST_TARGETS { model } else { "" };
        targets.entry(name.to_owned()).or_default().clone()
    }

    /// Whether it knows OpenAI's newer names (`max_completion_tokens`) and none of the fields others agreed on: OpenAI itself.
    pub fn speaks_modern_openai(&self) -> bool {
        self.kind == ProviderKind::Azure || self.usual.host().is_some_and(|host| host.ends_with("openai.com"))
    }

    /// Where a call of that model goes, asked in that dialect.
    #[expect(clippy::result_large_err, reason = "an error ends the attempt; it is not passed up through many calls")]
    pub(super) fn address(&self, operation: Operation, dialect: Dialect, model: &str) -> Result<Uri, Failure> {
        let deployment = |end: &str| format!("deployments/{}/{end}", encoded(model));
        let path = match (operation, dialect) {
            (Operation::Chat { stream }, Dialect::Gemini) => gemini::path(model, stream),
            (Operation::Chat { stream }, Dialect::Bedrock) => bedrock::path(model, stream),
            (Operation::Chat { .. }, Dialect::Responses) => "responses".to_owned(),
            (Operation::Chat { .. }, Dialect::OpenAi) if self.by_deployment() => deployment("chat/completions"),
            (Operation::Chat { .. }, Dialect::OpenAi | Dialect::Anthropic) => return Ok(self.usual.clone()),
            (Operation::Embeddings { .. }, _) if self.by_deployment() => deployment("embeddings"),
            (Operation::Embeddings { many }, _) => match self.kind {
                ProviderKind::Gemini => {
                    let method = if many { ":batchEmbedContents" } else { ":embedContent" };
                    gemini::path(model, false).replace(":generateContent", method)
                }
                ProviderKind::Bedrock => bedrock::path(model, false).replace("/converse", "/invoke"),
                ProviderKind::OpenAi | ProviderKind::Azure | ProviderKind::Anthropic => "embeddings".to_owned(),
            },
            (Operation::Count, Dialect::Gemini) => gemini::path(model, false).replace(":generateContent", ":countTokens"),
            (Operation::Count, Dialect::Responses) => "responses/input_tokens".to_owned(),
            (Operation::Count, Dialect::Bedrock) => bedrock::count_path(model),
            (Operation::Count, Dialect::OpenAi | Dialect::Anthropic) => "messages/count_tokens".to_owned(),
        };
        self.parse(&path, || format!("The provider `{}` has no address for the model `{model}`.", self.label.text))
    }

    /// One of its own addresses.
    #[expect(clippy::result_large_err, reason = "an error ends the attempt; it is not passed up through many calls")]
    pub(super) fn own_address(&self, path: &str) -> Result<Uri, Failure> {
        self.parse(path, || format!("This is no address of the provider `{}`.", self.label.text))
    }

    #[expect(clippy::result_large_err, reason = "an error ends the attempt; it is not passed up through many calls")]
    fn parse(&self, path: &str, why: impl FnOnce() -> String) -> Result<Uri, Failure> {
        let no_address = |_| Failure::new(StatusCode::BAD_GATEWAY, "provider_unreachable", why(), FailoverOn::Connect);
        self.base.with(path).parse().map_err(no_address)
    }

    /// How one of its models is asked for embeddings; `None` where there are none.
    pub(super) fn embeddings(&self, model: &str, many: bool) -> Option<EmbeddingDialect> {
        match self.kind {
            ProviderKind::OpenAi | ProviderKind::Azure => Some(EmbeddingDialect::OpenAi),
            ProviderKind::Gemini if many => Some(EmbeddingDialect::GeminiBatch),
            ProviderKind::Gemini => Some(EmbeddingDialect::Gemini),
            ProviderKind::Bedrock => EmbeddingDialect::on_bedrock(model),
            ProviderKind::Anthropic => None,
        }
    }

    /// Whether it counts tokens for a caller of that dialect.
    pub(super) fn counts(&self, caller: Dialect) -> bool {
        match self.kind {
            ProviderKind::Anthropic | ProviderKind::Gemini | ProviderKind::Bedrock => true,
            ProviderKind::OpenAi => self.dialect(caller) == Dialect::Responses,
            ProviderKind::Azure => false,
        }
    }

    /// Azure's older addresses name the deployment, and are told by the version of the API that they need.
    fn by_deployment(&self) -> bool {
        self.kind == ProviderKind::Azure && self.base.query.is_some()
    }

    /// Whether something takes connections at its address.
    pub(super) async fn can_be_reached(&self) -> bool {
        let Some(host) = self.usual.host() else { return false };
        let port = self.usual.port_u16().unwrap_or(if self.usual.scheme_str() == Some("http") { 80 } else { 443 });
        let connecting = tokio::net::TcpStream::connect((host.trim_matches(['[', ']']), port));
        tokio::time::timeout(Duration::from_millis(self.timeouts.connect_ms), connecting).await.is_ok_and(|connected| connected.is_ok())
    }

    /// Puts in what proves who we are: a key, or a signature of the whole.
    pub(super) fn prove(&self, request: &mut Request<Full<Bytes>>, body: &Bytes) {
        let n = self.keys.len();
        if n == 0 {
            return;
        }
        match &self.keys[self.next_key.load(Ordering::Relaxed) % n] {
            Key::Sent(value) => {
                request.headers_mut().insert(self.key_header(), value.clone());
            }
            Key::Signs(signer) => {
                let address = request.uri();
                let host = address.authority().map_or("", |authority| authority.as_str());
                let call = aws::Call { host, path: address.path(), body };
                let proof = signer.sign(call, crate::types::Instant(super::clock::micros())).unwrap_or_default();
                request.headers_mut().extend(proof);
            }
        }
    }

    fn key_header(&self) -> HeaderName {
        match self.kind {
            ProviderKind::OpenAi | ProviderKind::Bedrock => AUTHORIZATION,
            ProviderKind::Azure => AZURE_KEY,
            ProviderKind::Anthropic => API_KEY,
            ProviderKind::Gemini => GOOGLE_KEY,
        }
    }

    /// The provider refused the key in use: the next call takes the next one.
    pub(super) fn rotate_key(&self) {
        self.next_key.fetch_add(1, Ordering::Relaxed);
    }

    /// How many keys there are to try.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// The provider asked for a pause: nobody calls it before it is over, nor longer than [`LONGEST_PAUSE`].
    pub(super) fn pause(&self, seconds: u64) {
        let until = super::clock::micros() + i64::try_from(seconds.min(LONGEST_PAUSE)).unwrap_or(0) * 1_000_000;
        self.closed_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Seconds left of the pause the provider asked for, rounded up.
    pub(super) fn paused(&self) -> Option<u64> {
        let until = self.closed_until.load(Ordering::Relaxed);
        if until == 0 {
            return None;
        }
        let left = until - super::clock::micros();
        u64::try_from(left).ok().filter(|left| *left > 0).map(|left| left.div_ceil(1_000_000))
    }
}

/// A name as part of a path.
fn encoded(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' => out.push(char::from(byte)),
            // Writing into text cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::types::Json;

    fn provider(kind: ProviderKind, base_url: &str) -> Provider {
        let row = ProviderRow {
            id: crate::types::Id::from_text("p"),
            name: "p".to_owned(),
            kind,
            preset: None,
            base_url: base_url.to_owned(),
            keys_sealed: Vec::new(),
            key_hints: Json(Vec::new()),
            timeouts: Json(Timeouts::default()),
            max_in_flight: 1,
            sample: false,
            draining: false,
            responses_api: false,
            updated_at: crate::types::Instant(0),
        };
        Provider::new(&row, &["k".to_owned()]).expect("a provider")
    }

    #[test]
    fn callers_who_make_up_models_cannot_fill_the_memory_with_vitals() {
        let provider = provider(ProviderKind::OpenAi, "http://127.0.0.1:1/v1");
        let first = provider.vitals("model-0");
        for i in 0..5_000 {
            provider.vitals(&format!("model-{i}"));
        }
        assert!(provider.targets.lock().expect("unpoisoned").len() <= MOST_TARGETS + 1);
        assert!(Arc::ptr_eq(&first, &provider.vitals("model-0")), "a known model keeps its own");
        assert!(Arc::ptr_eq(&provider.vitals("new-1"), &provider.vitals("new-2")), "the rest share one");
    }

    #[test]
    fn azure_has_two_kinds_of_addresses() {
        // https://learn.microsoft.com/azure/ai-services/openai/reference and …/api-version-lifecycle.
        let chat = |base: &str| {
            let provider = provider(ProviderKind::Azure, base);
            let address = provider.address(Operation::Chat { stream: false }, Dialect::OpenAi, "my gpt");
            address.expect("an address").to_string()
        };
        assert_eq!(chat("https://r.openai.azure.com/openai/v1/"), "https://r.openai.azure.com/openai/v1/chat/completions");
        assert_eq!(
            chat("https://r.openai.azure.com/openai?api-version=2024-10-21"),
            "https://r.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
        );
        assert_eq!(provider(ProviderKind::Azure, "https://r.openai.azure.com/openai/v1").key_header(), "api-key");
    }
}
