//! Who acts.

use super::model::{Permission, Person, Scope};
use crate::types::Fault;

/// Who asks a service for something. The service asks back what they may do.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Somebody signed in.
    Person(Person),
    /// An application with a key.
    Key {
        /// The key's name.
        name: String,
        /// What it may do.
        scopes: Vec<Scope>,
    },
    /// The operator at the machine: the command line, the declarative file.
    Operator,
    /// The program itself, where it does what nobody asked for at that moment.
    Hypercare,
}

impl Actor {
    /// How the audit log names them.
    pub fn name(&self) -> String {
        match self {
            Self::Person(person) => person.email.clone(),
            Self::Key { name, .. } => format!("key:{name}"),
            Self::Operator => "command line".to_owned(),
            Self::Hypercare => "hypercare".to_owned(),
        }
    }

    /// Whether they may do it.
    pub fn may(&self, permission: Permission) -> bool {
        match self {
            Self::Person(person) => {
                let by_team = permission == Permission::ReadSensitive && person.safety && person.role.may(Permission::ReadFeedback);
                person.disabled_at.is_none() && (person.role.may(permission) || by_team)
            }
            Self::Key { scopes, .. } => {
                let reads = matches!(permission, Permission::ReadTraffic | Permission::ReadFeedback | Permission::ReadConfig);
                scopes.contains(&Scope::Admin) || (reads && scopes.contains(&Scope::Read))
            }
            Self::Operator | Self::Hypercare => true,
        }
    }

    /// Passes when they may do it, else a sentence that says who could.
    pub fn require(&self, permission: Permission) -> Result<(), Fault> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Fault::Forbidden(match self {
            Self::Key { .. } => "This key may not do that: it needs the scope `admin`, or `read` for reading.".to_owned(),
            _ => "Your role may not do that. An admin can.".to_owned(),
        }))
    }
}
