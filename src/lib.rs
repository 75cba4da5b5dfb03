//! `hypercare`: an AI gateway that every model call passes through, with the feedback loop built in. The control room on top lives in `app/`.
//!
//! One room per capability; each has the same furniture (`model`, `store`, `service`, `http`, `jobs`). Without the feature `server` only the `model`
//! modules exist, so that the browser shares the types without the weight. `docs/ARCHITECTURE.md` is the map.

pub mod catalog;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod demo;
pub mod feedback;
#[cfg(feature = "server")]
pub mod gateway;
pub mod identity;
pub mod issues;
pub mod notify;
pub mod prompts;
pub mod providers;
pub mod routing;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub(crate) mod store;
pub mod surveys;
pub mod telemetry;
pub mod themes;
pub mod types;
