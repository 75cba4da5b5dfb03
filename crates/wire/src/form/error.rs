//! What cannot be said in a dialect, and what providers say went wrong.

/// Why a request cannot be written in a dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untranslatable {
    /// The target has no such thing. A route that drops what is unsupported goes on without it.
    #[error("`{param}` is not supported by this model's provider: {why}")]
    Unsupported {
        /// The caller's parameter.
        param: String,
        /// What the target lacks.
        why: String,
    },
    /// Without it, or with this value, there is no request.
    #[error("`{param}` {why}")]
    Invalid {
        /// The caller's parameter.
        param: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Untranslatable {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "unsupported_parameter",
            Self::Invalid { .. } => "invalid_request",
        }
    }

    /// The parameter it is about.
    pub fn param(&self) -> &str {
        match self {
            Self::Unsupported { param, .. } | Self::Invalid { param, .. } => param,
        }
    }

    pub(crate) fn invalid(param: impl Into<String>, why: &str) -> Self {
        Self::Invalid { param: param.into(), why: why.to_owned() }
    }
}

/// Something the target did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The caller's parameter.
    pub param: String,
    /// What the target lacks.
    pub why: String,
}

/// A body in the target's dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The body.
    pub body: Vec<u8>,
    /// What was left out: hints that change no answer, and whatever else when the route drops what is unsupported.
    pub lost: Vec<Lost>,
}

/// Keeps account of what is left out, or refuses to.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    drop: bool,
    lost: Vec<Lost>,
}

impl Loss {
    pub(crate) const fn new(drop: bool) -> Self {
        Self { drop, lost: Vec::new() }
    }

    /// The target cannot say this.
    pub(crate) fn refuse(&mut self, param: impl Into<String>, why: &str) -> Result<(), Untranslatable> {
        let param = param.into();
        if self.drop {
            self.note(param, why);
            return Ok(());
        }
        Err(Untranslatable::Unsupported { param, why: why.to_owned() })
    }

    /// The target needs no such hint: the answer is the same without it.
    pub(crate) fn note(&mut self, param: impl Into<String>, why: &str) {
        self.lost.push(Lost { param: param.into(), why: why.to_owned() });
    }

    pub(crate) fn written(self, body: Vec<u8>) -> Written {
        Written { body, lost: self.lost }
    }
}

/// The kind of a provider's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong.
    InvalidRequest,
    /// The key is wrong.
    Authentication,
    /// Nobody paid.
    Billing,
    /// The key may not.
    Permission,
    /// No such model or thing.
    NotFound,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// Too many calls.
    RateLimit,
    /// The provider broke.
    Api,
    /// The provider took too long.
    Timeout,
    /// The provider is overloaded.
    Overloaded,
}

/// Kind, name on the wire, HTTP status. Anthropic's names; this gateway uses them in OpenAI's envelope too.
const KINDS: [(ErrorKind, &str, u16); 11] = [
    (ErrorKind::InvalidRequest, "invalid_request_error", 400),
    (ErrorKind::Authentication, "authentication_error", 401),
    (ErrorKind::Billing, "billing_error", 402),
    (ErrorKind::Permission, "permission_error", 403),
    (ErrorKind::NotFound, "not_found_error", 404),
    (ErrorKind::Conflict, "conflict_error", 409),
    (ErrorKind::TooLarge, "request_too_large", 413),
    (ErrorKind::RateLimit, "rate_limit_error", 429),
    (ErrorKind::Api, "api_error", 500),
    (ErrorKind::Timeout, "timeout_error", 504),
    (ErrorKind::Overloaded, "overloaded_error", 529),
];

impl ErrorKind {
    /// The name in an envelope.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("api_error", |(_, name, _)| name)
    }

    /// The HTTP status Anthropic sends with it.
    pub fn status(self) -> u16 {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or(500, |(.., status)| *status)
    }

    /// The kind of an HTTP status.
    pub fn of_status(status: u16) -> Self {
        match status {
            408 => Self::Timeout,
            503 => Self::Overloaded,
            _ => KINDS
                .iter()
                .find(|(.., s)| *s == status)
                .map_or(if (400..500).contains(&status) { Self::InvalidRequest } else { Self::Api }, |(kind, ..)| *kind),
        }
    }

    /// The kind of a name on the wire: Anthropic's, or one of those OpenAI uses.
    pub fn of_name(name: &str) -> Option<Self> {
        let own = KINDS.iter().find(|(_, n, _)| *n == name).map(|(kind, ..)| *kind);
        own.or(match name {
            "insufficient_quota" => Some(Self::Billing),
            "rate_limit_exceeded" | "requests" | "tokens" => Some(Self::RateLimit),
            "server_error" | "internal_error" => Some(Self::Api),
            "invalid_api_key" => Some(Self::Authentication),
            "model_not_found" => Some(Self::NotFound),
            "timeout" => Some(Self::Timeout),
            "service_unavailable" | "server_overloaded" => Some(Self::Overloaded),
            _ => None,
        })
    }
}

/// What a provider's error body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of error.
    pub kind: ErrorKind,
    /// Its sentence.
    pub message: String,
    /// Its code, where the dialect has one.
    pub code: Option<String>,
    /// The parameter it names, where the dialect has one.
    pub param: Option<String>,
    /// The provider's id of the call.
    pub request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_status_and_name() {
        for (kind, name, status) in KINDS {
            assert_eq!(ErrorKind::of_status(status), kind);
            assert_eq!(ErrorKind::of_name(name), Some(kind));
            assert_eq!((kind.name(), kind.status()), (name, status));
        }
        assert_eq!(ErrorKind::of_status(422), ErrorKind::InvalidRequest);
        assert_eq!(ErrorKind::of_status(502), ErrorKind::Api);
        assert_eq!(ErrorKind::of_status(503), ErrorKind::Overloaded);
        assert_eq!(ErrorKind::of_name("insufficient_quota"), Some(ErrorKind::Billing));
    }
}
