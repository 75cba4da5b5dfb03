//! Upstream providers: what they are, where they answer, and with which credentials.

#[cfg(feature = "server")]
pub mod aws;
#[cfg(feature = "server")]
pub mod http;
pub mod model;
pub mod presets;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
