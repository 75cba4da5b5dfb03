//! What is wrong and what is done about it, from the first complaint to the proof that it is gone.

#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub(crate) mod jobs;
pub mod model;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
