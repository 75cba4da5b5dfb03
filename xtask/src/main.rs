//! `cargo xtask <command>`: every developer command of this repository, in Rust, with nothing to install by hand.
//!
//! One file per command, named like the command. What the commands share: [`repo`] (where things are), [`shell`] (running programs),
//! [`cleanup`] (nothing stays behind), [`progress`] (what a person sees), [`apt`], [`python`] and [`http`] (the outside world).

mod apt;
mod bench;
mod build;
mod catalog;
mod cleanup;
mod demo;
mod e2e;
mod gateway;
mod http;
mod lint;
mod machine;
mod pgo;
mod postgres;
mod progress;
mod python;
mod real_model;
mod repo;
mod shell;
mod temp;
mod test;
mod themes;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Every developer command of this repository. Each works from a bare checkout and installs what it misses.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the browser half (WASM) and the server that embeds it: target/release/hypercare
    Build(build::Options),
    /// Build, then start a control room with sample data and live traffic
    Demo(demo::Options),
    /// Run every test: Rust on both databases, browser, official clients. Last line: `N passed, N failed`
    Test(test::Options),
    /// Formatting, clippy on both halves, documentation, and the checkers that are installed
    Lint,
    /// Build (debug) and run the browser tests only; what follows `--` goes to Playwright
    E2e(e2e::Options),
    /// Make the built-in list of models from LiteLLM's
    Catalog(catalog::Options),
    /// Measure the gateway against a bare proxy that only forwards
    Bench(bench::Options),
    /// Count which ways calls take, for the optimised build (after larger changes, and for a new compiler)
    Pgo,
    /// Run the tests against a real, small language model on this machine
    RealModel(real_model::Options),
    /// Score how well themes are found on public labelled texts, beside scikit-learn
    Themes,
    /// (bench) An OpenAI-compatible upstream that answers at once
    #[command(hide = true)]
    MockUpstream(bench::upstream::Options),
    /// (bench) A proxy that only forwards
    #[command(hide = true)]
    BareProxy(bench::proxy::Options),
}

fn main() -> ExitCode {
    cleanup::on_signal();
    let result = run(Cli::parse().command);
    cleanup::wait_if_interrupted();
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        // Its last line is the sum of all tests: no error message may follow it.
        Command::Test(options) => return Ok(test::run(&repo::Repo::find()?, &options)),
        Command::Build(options) => drop(build::run(&repo::Repo::find()?, options)?),
        Command::Demo(options) => demo::run(&repo::Repo::find()?, &options)?,
        Command::Lint => lint::run(&repo::Repo::find()?)?,
        Command::E2e(options) => e2e::run(&repo::Repo::find()?, &options)?,
        Command::Catalog(options) => catalog::run(&repo::Repo::find()?, &options)?,
        Command::Bench(options) => bench::run(&repo::Repo::find()?, &options)?,
        Command::Pgo => pgo::run(&repo::Repo::find()?)?,
        Command::RealModel(options) => real_model::run(&repo::Repo::find()?, &options)?,
        Command::Themes => themes::run(&repo::Repo::find()?)?,
        Command::MockUpstream(options) => bench::upstream::serve(&options)?,
        Command::BareProxy(options) => bench::proxy::serve(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}
