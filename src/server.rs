//! The whole: state, routers, layers, background jobs, and the command line.

mod api;
mod apply;
pub mod command;
mod csrf;
mod export;
mod lanes;
pub mod openapi;
mod patience;
mod read;
pub mod replicas;
mod state;
pub(crate) mod threads;

pub use api::ApiError;
pub use apply::{Applied, ApplyError, File as DeclarativeFile, apply};
pub use export::config as export_config;
pub use lanes::serve;
pub(crate) use read::unreadable;
pub use read::{Body, MAX_BODY, Query, pairs, whole_body};
pub use replicas::{Replica, Replicas};
pub use state::{App, Jobs, StartError};
