//! Prompts: immutable versions, labels, and rendering on the hot path.

#[cfg(feature = "server")]
pub mod diff;
#[cfg(feature = "server")]
pub mod http;
pub mod model;
#[cfg(feature = "server")]
pub(crate) mod render;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
#[cfg(feature = "server")]
pub(crate) mod template;
