//! The demo.

use crate::server::{App, StartError, command::DemoArgs};
use std::net::SocketAddr;

/// Starts it.
pub(crate) async fn start(_app: App, _address: SocketAddr, _args: DemoArgs) -> Result<(), StartError> {
    Ok(())
}
