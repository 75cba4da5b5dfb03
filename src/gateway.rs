//! The data plane: every model call passes through here, and no call touches the database.
//!
//! `http` extracts → [`Snapshot`] knows keys, routes, prompts and prices → the variant is picked → the prompt rendered → `attempt` calls the provider,
//! again and elsewhere if need be → the answer passes through `relay` → one `Call` settles the log entry, on the end or on drop.

mod attempt;
mod breaker;
mod call;
mod error;
pub mod http;
mod relay;
mod request;
mod snapshot;
mod translate;

pub(crate) use self::translate::as_sent;
pub use self::{
    breaker::Health,
    error::GatewayError,
    http::Gateway,
    snapshot::{KeyEntry, Snapshot},
};
