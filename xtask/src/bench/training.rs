//! The load under which `cargo xtask pgo` has the server count: every case of the benchmark, and people who look at pages. How quickly it answers does not
//! matter there; that it answers does.

use super::{Helper, KEY, LEAN, ROUTE, configuration, load, voices};
use crate::gateway::Gateway;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Each case takes so long.
const CASE: Duration = Duration::from_secs(6);
/// Pieces of feedback in the inbox.
const PIECES: usize = 5_000;

/// Loads the program, in ways and numbers as the benchmark does, and ends it in an orderly way: only then does it write down what it counted.
pub fn run(binary: &Path) -> Result<()> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let upstream = Helper::start(&program, &["mock-upstream"])?;
    let gateway = Gateway::start(binary, &configuration(upstream.address, upstream.address), None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for route in [ROUTE, LEAN] {
        for streamed in [false, true] {
            let shape = Arc::new(load::Shape::new(route, KEY, streamed)?);
            for connections in [1, 32] {
                let sample = runtime.block_on(load::run(gateway.address, &shape, connections, CASE));
                println!("      {route}, {connections} connections, streamed: {streamed}: {} calls", sample.answered);
                if let Some((error, count)) = sample.errors.first_key_value() {
                    bail!("{count} × {error}");
                }
            }
        }
    }
    // Its aims are for a program that does not count.
    drop(voices::run(PIECES, &runtime, &gateway, None)?);
    if !gateway.stop() {
        bail!("the server did not end by itself, so what it counted is lost");
    }
    Ok(())
}
