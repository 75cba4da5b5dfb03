//! `cargo xtask bench`: what the gateway costs, against a proxy of the same libraries that does nothing but forward.
//!
//! Four processes on loopback: the load generator (this one), a mock upstream that answers at once, the bare proxy, and `hypercare serve`
//! with a prompt, a split and its request log on. The two that are compared take turns, round by round, so that whatever else the machine
//! does disturbs both alike; the ratio is the median over neighbouring rounds. Every answer must be complete and 200, and every call must
//! be in the log afterwards.

mod endurance;
mod load;
pub mod proxy;
mod report;
pub mod slow;
mod training;
pub mod upstream;
mod voices;

use crate::gateway::Gateway;
use crate::postgres::Postgres;
use crate::progress::took;
use crate::repo::{Profile, Repo};
use crate::shell::{self, Background};
use crate::{build, http, machine};
use anyhow::{Context, Result, bail};
use axum::Router;
use axum::serve::ListenerExt;
use clap::Args;
use load::Shape;
use report::Round;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
pub use training::run as train;

const KEY: &str = "hypercare-bench-key-0123456789abcdef";
const ROUTE: &str = "bench";
/// The same without bodies in the log.
const LEAN: &str = "bench-lean";
/// The same by way of the quiet upstream: the end of a route's name.
const QUIET: &str = "-quiet";
/// How long the request log may lag behind the last answer.
const LOG_LIMIT: Duration = Duration::from_secs(2);

/// How to measure.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Options {
    /// Seconds per round and target
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Rounds: each measures the bare proxy and the gateway once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Numbers of connections to measure with
    #[arg(long, value_delimiter = ',', default_value = "1,32", value_parser = clap::value_parser!(u16).range(1..))]
    connections: Vec<u16>,
    /// Measure streamed answers too
    #[arg(long)]
    streams: bool,
    /// Measure without bodies in the request log
    #[arg(long)]
    no_bodies: bool,
    /// Load the gateway for so many minutes, and measure before and after
    #[arg(long, conflicts_with = "proxy_only")]
    minutes: Option<u64>,
    /// Requests come from so many people in no order; without it each is from somebody new
    #[arg(long)]
    people: Option<u64>,
    /// Hold so many slow streams open at once (two open files each: see `ulimit -n`)
    #[arg(long, conflicts_with = "proxy_only")]
    slow_streams: Option<usize>,
    /// Fill the inbox with so many pieces of feedback, read it, find themes, and flood it beside model calls
    #[arg(long, conflicts_with_all = ["proxy_only", "slow_streams", "minutes"])]
    feedback: Option<usize>,
    /// Keep everything in PostgreSQL (installed and started for this) instead of SQLite
    #[arg(long, conflicts_with = "proxy_only")]
    postgres: bool,
    /// Measure the bare proxy alone, without building or starting hypercare
    #[arg(long)]
    proxy_only: bool,
    /// Measure the binary that is there instead of building first
    #[arg(long, conflicts_with = "proxy_only")]
    no_build: bool,
}

/// A helper process of this program's own, and where it listens.
struct Helper {
    address: SocketAddr,
    process: Background,
}

impl Helper {
    /// Starts this program again with a hidden subcommand; it prints its address and ends when our end of its standard input closes.
    fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut process = Background::start(Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let line = process.first_line()?;
        let address = line.parse().with_context(|| format!("`{}` printed {line:?} instead of its address", arguments.join(" ")))?;
        Ok(Self { address, process })
    }
}

/// A mock upstream and the bare proxy in front of it.
struct Upstream {
    itself: Helper,
    proxy: Helper,
}

impl Upstream {
    /// With so many threads; `0` for one on each processor.
    fn start(helpers: &Path, threads: &str) -> Result<Self> {
        let itself = Helper::start(helpers, &["mock-upstream", "--threads", threads])?;
        let proxy = Helper::start(helpers, &["bare-proxy", &itself.address.to_string()])?;
        Ok(Self { itself, proxy })
    }

    fn behind_proxy(&self) -> Target {
        Target { address: self.proxy.address, process: self.proxy.process.id() }
    }
}

/// What is compared: an address to load and a process to watch.
#[derive(Clone, Copy)]
struct Target {
    address: SocketAddr,
    process: u32,
}

/// Measures, prints, and fails when an answer or a log entry is missing.
pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    if !options.proxy_only && !options.no_build {
        build::run(repo, build::Options::default())?;
    }
    let helpers = helpers(repo, options)?;
    let upstreams = [Upstream::start(&helpers, "0")?, Upstream::start(&helpers, "1")?];
    let [many, quiet] = &upstreams;
    let database = if options.postgres { Some(Postgres::start()?) } else { None };
    let url = database.as_ref().map(|database| &*database.url);
    let gateway = if options.proxy_only {
        None
    } else {
        Some(Gateway::start(&repo.binary(Profile::Release), &configuration(many.itself.address, quiet.itself.address), url)?)
    };

    println!("machine: {}", machine::describe());
    let bare = many.behind_proxy();
    let ours = gateway.as_ref().map(|gateway| Target { address: gateway.address, process: gateway.process() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = match (&gateway, options.slow_streams, options.minutes) {
        (Some(gateway), ..) if let Some(pieces) = options.feedback => voices::run(pieces, &runtime, gateway, database.as_ref())?,
        (Some(gateway), Some(streams), _) => slow::run(streams, &runtime, gateway)?,
        (Some(gateway), None, Some(_)) => endurance::run(options, &runtime, bare, gateway)?,
        _ => cases(options, &runtime, [bare, quiet.behind_proxy()], ours)?,
    };
    finish(gateway, measured)
}

/// Every case, whole answers and streams. One connection needs one thread upstream: a second one is woken for nothing with every answer, and where that wakes the
/// processor on which the load generator sleeps, it comes at just the right time for the one of the two and too late for the other, which is worth 20 µs.
fn cases(options: &Options, runtime: &tokio::runtime::Runtime, [many, quiet]: [Target; 2], ours: Option<Target>) -> Result<Totals> {
    let mut measured = Totals::default();
    let route = if options.no_bodies { LEAN } else { ROUTE };
    for streamed in if options.streams { vec![false, true] } else { vec![false] } {
        for &connections in &options.connections {
            let (bare, end) = if connections == 1 { (quiet, QUIET) } else { (many, "") };
            let shape = Arc::new(Shape::new(&format!("{route}{end}"), KEY, streamed)?.among(options.people));
            runtime.block_on(case(options, &shape, usize::from(connections), bare, ours, &mut measured));
        }
    }
    Ok(measured)
}

/// Checks the log and ends the gateway; fails when an answer or an entry is missing.
fn finish(gateway: Option<Gateway>, measured: Totals) -> Result<()> {
    let mut complaints = measured.complaints;
    if let Some(gateway) = gateway {
        println!("\n{} answers through hypercare, peak memory {} MiB", measured.through_gateway, gateway.peak_memory().unwrap_or(0));
        if let Err(error) = check_log(gateway.address, measured.through_gateway) {
            complaints.push(format!("{error:#}"));
        }
        if !complaints.is_empty() {
            println!("hypercare's log ends:\n{}", gateway.log_tail());
        }
        gateway.stop();
    }
    if !complaints.is_empty() {
        bail!("the measurement is not valid:\n  {}", complaints.join("\n  "));
    }
    Ok(())
}

/// The program that plays upstream and proxy: this one, compiled for release as the gateway is, but without a profile of its own (docs/PERFORMANCE.md says what one would change).
fn helpers(repo: &Repo, options: &Options) -> Result<PathBuf> {
    if options.proxy_only {
        return std::env::current_exe().context("this program does not know where it is");
    }
    println!("compiling the bare proxy (release, without a profile) …");
    shell::run(repo.cargo("build").args(["--release", "--quiet", "--package", "xtask"]))?;
    Ok(repo.target.join("release/xtask"))
}

/// What all cases add up to.
#[derive(Default)]
pub struct Totals {
    through_gateway: u64,
    complaints: Vec<String>,
}

/// One case: a warm-up, then the rounds, each target first in every other round.
async fn case(options: &Options, shape: &Arc<Shape>, connections: usize, bare: Target, ours: Option<Target>, totals: &mut Totals) {
    let duration = Duration::from_secs(options.seconds);
    let warm_up = Duration::from_secs(1).min(duration);
    let (mut proxy, mut gateway) = (Vec::new(), Vec::new());
    let mut warm = vec![measure(bare, shape, connections, warm_up).await];
    if let Some(ours) = ours {
        let round = measure(ours, shape, connections, warm_up).await;
        totals.through_gateway += report::totals(std::slice::from_ref(&round)).0;
        warm.push(round);
    }
    for number in 0..options.rounds {
        if let Some(ours) = ours.filter(|_| number % 2 == 1) {
            gateway.push(measure(ours, shape, connections, duration).await);
        }
        proxy.push(measure(bare, shape, connections, duration).await);
        if let Some(ours) = ours.filter(|_| number % 2 == 0) {
            gateway.push(measure(ours, shape, connections, duration).await);
        }
    }
    let kind = if shape.streamed { "streamed answers" } else { "whole answers" };
    let plural = if connections == 1 { "connection" } else { "connections" };
    report::print(&format!("{connections} {plural}, {kind}"), &proxy, &gateway);
    totals.through_gateway += report::totals(&gateway).0;
    for (who, rounds) in [("warm-up", &warm), ("bare proxy", &proxy), ("hypercare", &gateway)] {
        for (error, count) in report::totals(rounds).1 {
            totals.complaints.push(format!("{count} × {who}, {connections} {plural}, {kind}: {error}"));
        }
    }
}

async fn measure(target: Target, shape: &Arc<Shape>, connections: usize, duration: Duration) -> Round {
    let before = machine::cpu_micros(target.process);
    let sample = load::run(target.address, shape, connections, duration).await;
    let used = machine::cpu_micros(target.process).zip(before).map(|(after, before)| after.saturating_sub(before));
    Round::new(sample, used)
}

/// The gateway as an application would have it: a prompt with a variable, two variants that stick to a user, a key with scopes.
fn configuration(upstream: SocketAddr, quiet: SocketAddr) -> String {
    let providers = [provider("mock", upstream), provider("quiet", quiet)].concat();
    let bodies = |end: &str, provider: &str| split_route(&format!("{ROUTE}{end}"), provider, "log_bodies = true");
    let lean = |end: &str, provider: &str| split_route(&format!("{LEAN}{end}"), provider, "log_bodies = false");
    let (routes, slow) = ([bodies("", "mock"), lean("", "mock"), bodies(QUIET, "quiet"), lean(QUIET, "quiet")].concat(), slow::MODEL);
    format!(
        r#"
{providers}
[[prompts]]
name = "support"
[[prompts.versions]]
note = "first"
messages = [{{ role = "system", content = "You help customers of {{{{ shop }}}}. Answer in two or three friendly sentences." }}]
labels = ["production"]
{routes}
[[routes]]
name = "{slow}"
[[routes.variants]]
name = "only"
weight = 1
provider = "mock"
model = "{slow}"

[[keys]]
name = "bench"
secret = "{KEY}"
scopes = ["gateway", "feedback", "read"]
"#
    )
}

/// A provider and the price of its model.
fn provider(name: &str, upstream: SocketAddr) -> String {
    format!(
        r#"
[[providers]]
name = "{name}"
kind = "openai"
base_url = "http://{upstream}/v1"
api_keys = ["bench-upstream-key"]
max_in_flight = 100000

[[models]]
provider = "{name}"
name = "mock"
context_window = 8192
price = {{ input = 0.15, output = 0.60 }}
"#
    )
}

/// A route with two variants that stick to a user.
fn split_route(name: &str, provider: &str, option: &str) -> String {
    let variant = |name: &str, weight: u32, prompt: &str| {
        format!(
            "[[routes.variants]]\nname = \"{name}\"\nweight = {weight}\nprovider = \"{provider}\"\nmodel = \"mock\"\nprompt = \"support@{prompt}\"\n"
        )
    };
    let variants = [variant("control", 90, "production"), variant("candidate", 10, "1")].concat();
    format!("\n[[routes]]\nname = \"{name}\"\nsticky_by = \"user\"\n{option}\n{variants}")
}

/// Waits until every call that was answered is in the database, and that none was dropped from the log.
fn check_log(address: SocketAddr, answered: u64) -> Result<()> {
    let started = Instant::now();
    loop {
        let (counted, dropped) = logged(address)?;
        let lag = started.elapsed();
        if counted >= answered && dropped == 0 {
            println!("request log: {counted} calls in the database, 0 dropped, {} after the last answer", took(lag));
            return Ok(());
        }
        if lag > LOG_LIMIT {
            bail!("{answered} calls were answered, but {counted} are in the database and {dropped} were dropped from the log");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How many calls the gateway says it stored and dropped, by its public counters.
fn logged(address: SocketAddr) -> Result<(u64, u64)> {
    let (status, text) = http::get(address, "/metrics", Some(KEY))?;
    if status != 200 {
        bail!("GET /metrics answered {status}: {text}");
    }
    Ok((sum_of(&text, "hypercare_log_stored_total"), sum_of(&text, "hypercare_log_dropped_total")))
}

/// The sum over all labels of a counter in Prometheus' text.
fn sum_of(text: &str, series: &str) -> u64 {
    let lines = text.lines().filter_map(|line| line.strip_prefix(series)).filter(|rest| rest.starts_with(['{', ' ']));
    let values = lines.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter: whole and never negative")]
    let sum = values.sum::<f64>() as u64;
    sum
}

/// Serves on a free port of loopback, prints the address, and ends when standard input does: with the program that started it.
fn serve_until_orphaned(mut runtime: tokio::runtime::Builder, router: Router) -> Result<()> {
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("no free port on loopback")?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let (gone, orphaned) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            drop(std::io::stdin().read_to_end(&mut Vec::new()));
            drop(gone);
        });
        tokio::select! {
            result = axum::serve(listener, router) => result.context("the server ended"),
            _ = orphaned => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_a_counter_over_its_labels() {
        let text = "# TYPE hypercare_requests_total counter\nhypercare_requests_total{route=\"a b\",status=\"200\"} 40\n\
            hypercare_requests_total{route=\"c\"} 2\nhypercare_requests_total_other 9\nhypercare_log_dropped_total 1\n";
        assert_eq!(sum_of(text, "hypercare_requests_total"), 42);
        assert_eq!(sum_of(text, "hypercare_log_dropped_total"), 1);
    }

    #[test]
    fn the_configuration_keeps_its_template() {
        let upstream = SocketAddr::from(([127, 0, 0, 1], 9));
        let text = configuration(upstream, upstream);
        assert!(text.contains("customers of {{ shop }}."));
        assert!(text.contains("price = { input"));
    }
}
