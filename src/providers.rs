//! Upstream providers: adapters, credentials, the attempt at a call.

pub mod model;
