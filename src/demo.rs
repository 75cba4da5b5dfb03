//! `hypercare demo`: a made-up shop with a support bot, so that every screen shows life within a minute.
//!
//! Nothing here is special to the rest of the program. The sample provider is an upstream like any other, the traffic only uses the public surface, and
//! the set-up is a declarative file as anybody would write it.

pub mod config;
mod dice;
pub mod people;
pub mod sample;
mod topics;
pub mod traffic;
mod words;

use crate::server::{App, StartError, command::DemoArgs};
use std::net::SocketAddr;

/// Starts it.
pub(crate) async fn start(_app: App, _address: SocketAddr, _args: DemoArgs) -> Result<(), StartError> {
    Ok(())
}
