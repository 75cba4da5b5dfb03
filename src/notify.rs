//! News to other systems: signed webhooks, delivered at least once, from rows that survive a restart.

#[cfg(feature = "server")]
mod address;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub(crate) mod jobs;
#[cfg(feature = "server")]
mod mail;
pub mod model;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub mod signature;
#[cfg(feature = "server")]
pub(crate) mod store;
