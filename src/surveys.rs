//! Short questions to users of an application: who is asked what and when, what they answer, and what the answers add up to.

#[cfg(feature = "server")]
pub mod http;
pub mod model;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
#[cfg(feature = "server")]
pub mod ticket;
