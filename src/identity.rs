//! People, roles, sessions, API keys and the audit log: who may do what, and who did.

#[cfg(feature = "server")]
mod actor;
#[cfg(feature = "server")]
pub mod audit;
#[cfg(feature = "server")]
pub(crate) mod crypto;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod locks;
pub mod model;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub(crate) mod store;
#[cfg(feature = "server")]
mod throttle;

#[cfg(feature = "server")]
pub use self::{actor::Actor, crypto::MasterKey, http::SignedIn, throttle::LoginThrottle};
