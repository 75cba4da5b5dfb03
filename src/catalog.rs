//! Models and what they cost.

#[cfg(feature = "server")]
pub mod builtin;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod model;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
#[cfg(feature = "server")]
pub(crate) mod tokens;
