//! Why a try at a provider did not work.

use super::breaker::Refused;
use super::error::GatewayError;
use super::upstream::Provider;
use crate::routing::model::FailoverOn;
use axum::http::StatusCode;

/// Why a try did not work.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller is told when no other try works.
    pub error: GatewayError,
    /// The provider's status, when it answered.
    pub status: Option<u16>,
    /// What kind of failure, for the route's `failover.on`; `None` never fails over.
    pub cause: Option<FailoverOn>,
    /// Whether another of our keys may help.
    pub other_key: bool,
}

impl Failure {
    #[cold]
    pub fn new(status: StatusCode, code: &'static str, message: String, cause: FailoverOn) -> Self {
        Self { error: GatewayError::new(status, code, message), status: None, cause: Some(cause), other_key: false }
    }

    #[cold]
    pub fn timed_out(code: &'static str, provider: &Provider, what: &str, ms: u64) -> Self {
        let message = format!("The provider `{}` {what} within {ms} ms.", provider.label.text);
        Self::new(StatusCode::GATEWAY_TIMEOUT, code, message, FailoverOn::Timeout)
    }

    /// A stream that ended before it said anything.
    #[cold]
    pub fn empty_stream(provider: &Provider, why: &str) -> Self {
        let message = format!("The provider `{}` {why} before the first token.", provider.label.text);
        Self::new(StatusCode::BAD_GATEWAY, "provider_stream_failed", message, FailoverOn::StreamBeforeFirstToken)
    }

    /// Nothing was tried: the target failed too often just now.
    #[cold]
    pub fn circuit_open(provider: &Provider, refused: Refused) -> Self {
        let seconds = u64::try_from(refused.wait).unwrap_or(0).div_ceil(1_000_000).max(1);
        let message = format!("The provider `{}` failed too often; it is tried again in {seconds} s.", provider.label.text);
        let mut failure = Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider_circuit_open", message, refused.cause);
        failure.error.retry_after = Some(seconds);
        failure
    }

    /// Nothing was tried: an admin takes the provider out of service.
    #[cold]
    pub fn draining(provider: &Provider) -> Self {
        let message = format!("The provider `{}` is being drained: it gets no new calls.", provider.label.text);
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider_draining", message, FailoverOn::Connect)
    }

    /// Whether the provider was not even asked, so that there is nothing to wait for before another try elsewhere.
    pub fn not_asked(&self) -> bool {
        matches!(self.error.code, "provider_circuit_open" | "provider_draining")
    }

    /// Whether it says that the target is in trouble, rather than busy, misconfigured or of another opinion.
    pub fn is_trouble(&self) -> Option<FailoverOn> {
        self.cause.filter(|cause| *cause != FailoverOn::RateLimited && self.error.code != "provider_credentials_rejected")
    }

    /// Whether the same target may do better a moment later: a rate limit, a refused key or an open breaker is not.
    pub fn worth_the_same(&self) -> bool {
        !self.not_asked() && !matches!(self.error.code, "provider_rate_limited" | "provider_credentials_rejected" | "provider_busy")
    }

    /// An answer that cannot be read.
    #[cold]
    pub fn unreadable(provider: &Provider) -> Self {
        let message = format!("The provider `{}` sent an answer that is not in its own dialect.", provider.label.text);
        Self::new(StatusCode::BAD_GATEWAY, "provider_malformed", message, FailoverOn::ServerError)
    }

    /// A whole answer where a stream was asked for.
    #[cold]
    pub fn no_stream(provider: &Provider) -> Self {
        let message = format!("The provider `{}` was asked for a stream and sent none.", provider.label.text);
        Self::new(StatusCode::BAD_GATEWAY, "provider_malformed", message, FailoverOn::ServerError)
    }

    /// An answer that broke off or stood still.
    #[cold]
    pub fn broken(provider: &Provider, broken: &Broken) -> Self {
        match broken {
            Broken::Idle => Self::timed_out("provider_idle_timeout", provider, "stood still and sent nothing", provider.timeouts.idle_ms),
            Broken::Cut(why) => {
                let message = format!("The provider `{}` cut the answer short: {why}.", provider.label.text);
                Self::new(StatusCode::BAD_GATEWAY, "provider_cut", message, FailoverOn::ServerError)
            }
            Broken::Total => Self::timed_out("provider_total_timeout", provider, "was not done", provider.timeouts.total_ms),
            Broken::TooLarge => {
                let message = format!("The answer of the provider `{}` is too large.", provider.label.text);
                Self { cause: None, ..Self::new(StatusCode::BAD_GATEWAY, "provider_answer_too_large", message, FailoverOn::ServerError) }
            }
        }
    }
}

/// How an answer can break.
#[derive(Debug)]
pub(super) enum Broken {
    /// No byte within the idle timeout.
    Idle,
    /// Not done within the time for the whole attempt.
    Total,
    /// The connection ended too early.
    Cut(String),
    /// Longer than we take.
    TooLarge,
}
