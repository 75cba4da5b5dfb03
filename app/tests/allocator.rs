//! What no line of Rust says, and what a change of linker or features could undo without a word.
#![cfg(all(feature = "ssr", target_os = "linux"))]

use std::process::Command;

#[test]
fn the_server_allocates_with_mimalloc() -> std::io::Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_hypercare")).arg("--version").env("MIMALLOC_SHOW_STATS", "1").output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let pages = said.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim() == "pages");
    let most = pages.and_then(|(_, numbers)| numbers.split_whitespace().next()?.parse::<u32>().ok());
    // One for each size that was asked for, by no C yet: reading the command line takes two dozen.
    assert!(most.is_some_and(|pages| pages > 10), "{said}");
    Ok(())
}
