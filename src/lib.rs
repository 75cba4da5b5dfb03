//! `hypercare`: an AI gateway that every model call passes through, with the feedback loop built in. The control room on top lives in `app/`.
//!
//! One room per capability; each has the same furniture (`model`, `store`, `service`, `http`, `jobs`). Without the feature `server` only the `model`
//! modules exist, so that the browser shares the types without the weight. `docs/ARCHITECTURE.md` is the map.

pub mod catalog;
pub mod feedback;
pub mod identity;
pub mod prompts;
pub mod providers;
pub mod routing;
pub mod telemetry;
pub mod types;
