//! The data plane: every model call passes through here, and no call touches the database.
//!
//! `http` extracts → `exchange` reads → [`Snapshot`] knows keys, routes, prompts and prices → `plan` says where it may go → the prompt is rendered → `tries`
//! asks target after target, each try an `attempt` at an `upstream` that its `vitals` let through → `answer` and `relay` hand out what comes → one `Call` settles
//! the log entry, on the end or on drop.

mod admission;
mod answer;
mod attempt;
mod background;
mod breaker;
mod call;
mod clock;
mod continuation;
mod count;
mod embeddings;
mod endpoint;
mod error;
mod exchange;
mod failure;
pub mod http;
mod idempotency;
pub(crate) mod jobs;
mod joined;
mod keep;
mod leftovers;
mod listing;
mod passthrough;
mod plan;
pub(crate) mod playground;
mod pool;
mod probe;
mod relay;
mod request;
mod shadow;
mod snapshot;
mod store;
mod tables;
mod translate;
mod tries;
mod upstream;
mod vitals;

pub(crate) use self::{
    admission::InFlight, background::Background, endpoint::Endpoint, joined::Joined, leftovers::round, probe::probe, translate::as_sent,
};
pub use self::{
    breaker::Health,
    error::GatewayError,
    http::Gateway,
    probe::Probe,
    snapshot::{KeyEntry, Snapshot, TargetHealth},
};
