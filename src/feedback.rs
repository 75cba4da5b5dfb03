//! What people say about answers, tied to the exact request.

#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub(crate) mod jobs;
#[cfg(feature = "server")]
pub(crate) mod limit;
pub mod model;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
#[cfg(feature = "server")]
pub mod token;
