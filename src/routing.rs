//! Routes, variants, the split between them and who sticks to what.

#[cfg(feature = "server")]
pub(crate) mod allocation;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub(crate) mod jobs;
pub mod model;
#[cfg(feature = "server")]
pub(crate) mod rules;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
