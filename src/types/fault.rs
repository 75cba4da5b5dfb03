//! What a service answers when it cannot do what was asked.

use std::collections::BTreeMap;

/// Why a service refused or failed, in words for the person who asked. The rooms behind the control plane share it, because their ways of failing are
/// the same few; the data plane has errors of its own (`gateway::GatewayError`).
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Nobody is signed in, or the key is unknown.
    #[error("{0}")]
    Unauthorised(String),
    /// Known, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or this person may not know of it.
    #[error("{0}")]
    NotFound(String),
    /// Some fields do not hold; the key is the field's name, the value a sentence.
    #[error("{}", sentence(.0))]
    Invalid(BTreeMap<String, String>),
    /// Somebody else changed it meanwhile, or it exists already.
    #[error("{0}")]
    Conflict(String),
    /// Too many tries; the number is the seconds to wait.
    #[error("Too many tries. Please wait {0} seconds.")]
    Throttled(u64),
    /// Our own trouble. The cause goes to the log only.
    #[error("Something went wrong here. It has been logged; please try again.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn sentence(fields: &BTreeMap<String, String>) -> String {
    fields.iter().map(|(field, why)| format!("{field}: {why}")).collect::<Vec<_>>().join("; ")
}

impl Fault {
    /// One field that does not hold.
    pub fn field(name: &str, why: impl Into<String>) -> Self {
        Self::Invalid(BTreeMap::from([(name.to_owned(), why.into())]))
    }

    /// Fails with every field collected in `fields`, or passes when there is none.
    pub fn check(fields: BTreeMap<String, String>) -> Result<(), Self> {
        if fields.is_empty() { Ok(()) } else { Err(Self::Invalid(fields)) }
    }

    /// The same of a part: its fields are named from the whole.
    #[must_use]
    pub fn within(self, part: &str) -> Self {
        match self {
            Self::Invalid(fields) => Self::Invalid(fields.into_iter().map(|(field, why)| (format!("{part}.{field}"), why)).collect()),
            other => other,
        }
    }

    /// Our own trouble with this cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The stable code that scripts match on; also the metric label.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthorised(_) => "unauthorised",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::Throttled(_) => "throttled",
            Self::Internal(_) => "internal",
        }
    }

    /// The HTTP status it is answered with.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthorised(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::Invalid(_) => 422,
            Self::Conflict(_) => 409,
            Self::Throttled(_) => 429,
            Self::Internal(_) => 500,
        }
    }

    /// The fields that do not hold; empty for every other kind.
    pub fn fields(&self) -> BTreeMap<String, String> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            _ => BTreeMap::new(),
        }
    }
}

#[cfg(feature = "server")]
impl From<sqlx::Error> for Fault {
    fn from(e: sqlx::Error) -> Self {
        Self::internal(e)
    }
}
