//! Who signs in to the demo.

use crate::identity::model::Role;

/// The password all of them share. The demo listens on this machine only and holds nothing but made-up data.
pub const PASSWORD: &str = "launch-week-demo";

/// Somebody to sign in as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persona {
    /// The address.
    pub email: &'static str,
    /// The role.
    pub role: Role,
    /// What this person is here for, for the list the demo prints.
    pub purpose: &'static str,
}

/// One persona per role.
pub const PEOPLE: [Persona; 4] = [
    Persona { email: "admin@demo.example", role: Role::Admin, purpose: "moves traffic, prompts, keys and people" },
    Persona { email: "product@demo.example", role: Role::Product, purpose: "reads feedback, decides, writes prompts" },
    Persona { email: "annotator@demo.example", role: Role::Annotator, purpose: "labels answers" },
    Persona { email: "viewer@demo.example", role: Role::Viewer, purpose: "looks, changes nothing" },
];

/// Their tables in the declarative file.
pub fn declarative() -> String {
    let table = |p: &Persona| format!("[[users]]\nemail = \"{}\"\nrole = \"{}\"\npassword = \"{PASSWORD}\"\n\n", p.email, p.role.as_str());
    PEOPLE.iter().map(table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_persona() {
        assert_eq!(PEOPLE.map(|p| p.role), Role::ALL);
        assert!(crate::server::DeclarativeFile::parse("people.toml", &declarative()).is_ok());
    }
}
