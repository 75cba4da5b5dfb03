//! People, roles, sessions, API keys and the audit log: who may do what, and who did.

pub mod model;
