//! People, roles, and the keys of applications.

use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};

/// What a person is here for. Each role sees its own screens and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Role {
    /// Adjusts routing, prompts, keys and people.
    Admin,
    /// Product manager: reads feedback and traffic, decides, writes prompts.
    Product,
    /// Labels outputs in queues; sees queues only.
    Annotator,
    /// Looks, changes nothing.
    Viewer,
}

/// One thing a role may or may not do. Services ask for these, never for a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Charts, requests and their bodies.
    ReadTraffic,
    /// The feedback inbox.
    ReadFeedback,
    /// Prompts, routes, providers and models.
    ReadConfig,
    /// Create prompt versions and move unprotected labels.
    WritePrompts,
    /// Change splits and routes.
    WriteRoutes,
    /// Providers and models.
    WriteProviders,
    /// API keys: see, create, revoke.
    ManageKeys,
    /// People and their roles.
    ManagePeople,
    /// The audit log.
    ReadAudit,
}

impl Role {
    /// Every role, in the order a form offers them.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Product, Self::Annotator, Self::Viewer];

    /// Whether the role may do it.
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Admin => true,
            Self::Product => matches!(permission, P::ReadTraffic | P::ReadFeedback | P::ReadConfig | P::WritePrompts),
            Self::Viewer => matches!(permission, P::ReadTraffic | P::ReadFeedback | P::ReadConfig),
            Self::Annotator => false,
        }
    }

    /// The stable word in files, forms and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Product => "product",
            Self::Annotator => "annotator",
            Self::Viewer => "viewer",
        }
    }

    /// The word on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Product => "Product manager",
            Self::Annotator => "Annotator",
            Self::Viewer => "Viewer",
        }
    }

    /// The role of that stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Person {
    /// Id.
    pub id: Id,
    /// Address they sign in with, lower case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    pub created_at: Instant,
    /// When they last signed in.
    pub last_login_at: Option<Instant>,
    /// Set when they may no longer sign in.
    pub disabled_at: Option<Instant>,
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Model calls.
    Gateway,
    /// Send feedback.
    Feedback,
    /// Read the control plane.
    Read,
    /// Change the control plane.
    Admin,
}

impl Scope {
    /// Every scope, in the order a form offers them.
    pub const ALL: [Self; 4] = [Self::Gateway, Self::Feedback, Self::Read, Self::Admin];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Feedback => "feedback",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The scope of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// Limits of a key. Stored and shown; enforced by the limits room.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLimits {
    /// Calls per minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute, input and output together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// US dollars per day (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_per_day: Option<f64>,
}

/// A key as lists show it: never the secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeySummary {
    /// Id.
    pub id: Id,
    /// Unique name.
    pub name: String,
    /// The first characters of the secret, to recognise it by.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Routes it may call; empty means all, and `provider/model` directly.
    pub routes: Vec<String>,
    /// Its limits.
    pub limits: KeyLimits,
    /// When it was made.
    pub created_at: Instant,
    /// When it stopped working.
    pub revoked_at: Option<Instant>,
}

/// One line of the audit log. Nobody can edit it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Id.
    pub id: Id,
    /// When.
    pub at: Instant,
    /// Who: an e-mail address, `key:<name>` or `command line`.
    pub actor: String,
    /// What was done, `room.entity.verb`.
    pub action: String,
    /// To what: its name.
    pub object: String,
    /// Why, in the person's words.
    pub reason: String,
    /// Before, as JSON; absent for something new.
    pub before: Option<serde_json::Value>,
    /// After, as JSON; absent for something removed.
    pub after: Option<serde_json::Value>,
}
