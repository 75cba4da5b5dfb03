//! The whole: state, routers, layers, background jobs, and the command line.

mod api;
mod apply;
pub mod command;
mod csrf;
mod export;
mod lanes;
pub mod openapi;
mod patience;
pub mod replicas;
mod state;
pub(crate) mod threads;

pub(crate) use api::unreadable;
pub use api::{ApiError, Body, whole_body};
pub use apply::{Applied, ApplyError, File as DeclarativeFile, apply};
pub use export::config as export_config;
pub use lanes::serve;
pub use replicas::{Replica, Replicas};
pub use state::{App, Jobs, StartError};
