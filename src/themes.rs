//! What many people say in their own words: found, named and followed over time.

#[cfg(feature = "server")]
mod find;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub(crate) mod jobs;
pub mod model;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
