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
    /// The feedback inbox, themes and issues.
    ReadFeedback,
    /// What was reported as harmful or as private data, word for word.
    ReadSensitive,
    /// Decide about feedback, and keep themes, issues and surveys.
    Triage,
    /// Where feedback comes in from other systems, and where news go to.
    ManageChannels,
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
            Self::Product => matches!(permission, P::ReadTraffic | P::ReadFeedback | P::ReadConfig | P::WritePrompts | P::Triage),
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
    /// Whether they are of the safety team, who read what was reported as harmful or as private data. Admins always do.
    #[serde(default)]
    pub safety: bool,
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

/// Which lines of the audit log are wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// Who: the whole name.
    pub actor: Option<String>,
    /// What: an action, or how actions begin, as in `routing.`.
    pub action: Option<String>,
    /// To what: a part of the name.
    pub object: Option<String>,
    /// From then on: RFC 3339, a date and time in UTC, or `1h`, `24h`, `7d` ago.
    pub since: Option<String>,
    /// Before then, in the same ways.
    pub until: Option<String>,
}

/// What people did, in words, by its stable name; in the order of a form.
pub const ACTIONS: [(&str, &str); 38] = [
    ("routing.route.change", "changed a route"),
    ("routing.route.create", "made a route"),
    ("routing.route.delete", "deleted a route"),
    ("routing.schedule.create", "planned a change of a split"),
    ("routing.schedule.cancel", "called a planned change off"),
    ("prompts.version.create", "wrote a version of a prompt"),
    ("prompts.label.move", "moved a label"),
    ("prompts.approval.ask", "asked for a label to move"),
    ("prompts.approval.approve", "approved the move of a label"),
    ("prompts.approval.reject", "rejected the move of a label"),
    ("prompts.approval.withdraw", "took a request back"),
    ("prompts.prompt.protect", "changed the protection of labels"),
    ("prompts.case.save", "saved a case"),
    ("prompts.case.delete", "deleted a case"),
    ("providers.provider.create", "added a provider"),
    ("providers.provider.change", "changed a provider"),
    ("providers.provider.drain", "kept calls away from a provider"),
    ("providers.provider.resume", "let a provider work again"),
    ("catalog.model.put", "set a model's facts"),
    ("catalog.model.remove", "took a model's own facts away"),
    ("identity.key.create", "made a key"),
    ("identity.key.change", "changed a key"),
    ("identity.key.revoke", "revoked a key"),
    ("identity.person.set_up", "set hypercare up"),
    ("identity.person.add", "added a person"),
    ("identity.person.set_role", "changed a person's role"),
    ("identity.person.set_safety", "changed who is of the safety team"),
    ("feedback.channel.save", "set up a channel for feedback"),
    ("feedback.channel.delete", "deleted a channel for feedback"),
    ("feedback.import", "imported feedback"),
    ("themes.theme.rename", "renamed a theme"),
    ("themes.theme.merge", "merged themes"),
    ("themes.theme.split", "split a theme"),
    ("surveys.survey.save", "saved a survey"),
    ("surveys.survey.delete", "deleted a survey"),
    ("notify.channel.save", "set up where news go to"),
    ("notify.channel.delete", "took away where news went to"),
    ("identity.person.set_disabled", "took access away or gave it back"),
];

/// The words of an action; the stable name itself when it has none.
pub fn action_words(action: &str) -> &str {
    let known = ACTIONS.into_iter().find(|(name, _)| *name == action).map(|(_, words)| words);
    known.unwrap_or(if action == "identity.person.set_password" { "changed a password" } else { action })
}

/// A field that a change touched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where: `variants[1].weight`.
    pub path: String,
    /// Before; none when it is new.
    pub before: Option<serde_json::Value>,
    /// After; none when it is gone.
    pub after: Option<serde_json::Value>,
}

impl AuditEntry {
    /// What changed, field by field, fifty at most.
    pub fn changes(&self) -> Vec<FieldChange> {
        let mut out = Vec::new();
        compare("", self.before.as_ref(), self.after.as_ref(), &mut out);
        out.truncate(50);
        out
    }
}

fn compare(path: &str, before: Option<&serde_json::Value>, after: Option<&serde_json::Value>, out: &mut Vec<FieldChange>) {
    use serde_json::Value;
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(was)), Some(Value::Object(is))) => {
            let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            for (key, value) in was {
                compare(&join(key), Some(value), is.get(key), out);
            }
            for (key, value) in is.iter().filter(|(key, _)| !was.contains_key(*key)) {
                compare(&join(key), None, Some(value), out);
            }
        }
        (Some(Value::Array(was)), Some(Value::Array(is))) => {
            for i in 0..was.len().max(is.len()) {
                compare(&format!("{path}[{i}]"), was.get(i), is.get(i), out);
            }
        }
        // Of something new or gone its parts tell more than the whole.
        (None, Some(Value::Object(is))) if path.is_empty() => is.iter().for_each(|(key, value)| compare(key, None, Some(value), out)),
        (Some(Value::Object(was)), None) if path.is_empty() => was.iter().for_each(|(key, value)| compare(key, Some(value), None, out)),
        _ => out.push(FieldChange { path: path.to_owned(), before: before.cloned(), after: after.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_told_field_by_field() {
        let entry = AuditEntry {
            id: Id::from_text("a".to_owned()),
            at: Instant(0),
            actor: String::new(),
            action: String::new(),
            object: String::new(),
            reason: String::new(),
            before: Some(json!({ "same": 1, "variants": [{ "name": "a", "weight": 90 }], "gone": true })),
            after: Some(json!({ "same": 1, "variants": [{ "name": "a", "weight": 50 }, { "name": "b" }], "new": null })),
        };
        let told: Vec<_> = entry.changes().into_iter().map(|c| (c.path, c.before, c.after)).collect();
        assert_eq!(
            told,
            [
                ("gone".to_owned(), Some(json!(true)), None),
                ("variants[0].weight".to_owned(), Some(json!(90)), Some(json!(50))),
                ("variants[1]".to_owned(), None, Some(json!({ "name": "b" }))),
                ("new".to_owned(), None, Some(json!(null))),
            ]
        );
    }
}
