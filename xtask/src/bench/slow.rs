//! `cargo xtask bench --slow-streams N`: so many streams open at once, each a token a second, as when people read along. What counts is memory, and that tokens are
//! not late.

use super::{KEY, Totals};
use crate::gateway::Gateway;
use crate::machine;
use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;

/// The model that answers slowly.
pub const MODEL: &str = "slow";
/// Tokens of a stream, one a second.
pub const TOKENS: usize = 20;
/// Memory the gateway may take, in MiB.
const AIM: u64 = 600;
/// Connections are opened so many at a time, so that no queue of new ones overflows.
const AT_ONCE: usize = 100;

/// Microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "two processes of one machine compare their clocks")]
pub fn micros() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}

#[derive(Default)]
struct Seen {
    complete: AtomicU64,
    tokens: AtomicU64,
    late_micros: AtomicU64,
    latest: AtomicU64,
}

/// Opens the streams, reads them to their ends, and says what they cost.
pub fn run(streams: usize, runtime: &tokio::runtime::Runtime, gateway: &Gateway) -> Result<Totals> {
    let before = machine::memory(gateway.process()).context("the gateway is gone")?;
    let processor = machine::cpu_micros(gateway.process()).unwrap_or_default();
    println!("\n{streams} streams of {TOKENS} tokens, one a second each (memory before: {before} MiB)");
    let seen = Arc::new(Seen::default());
    let errors = runtime.block_on(all(streams, gateway.address, &seen));
    let used = machine::cpu_micros(gateway.process()).unwrap_or_default().saturating_sub(processor);
    let peak = gateway.peak_memory().unwrap_or(0);
    let (complete, tokens) = (seen.complete.load(Ordering::Relaxed), seen.tokens.load(Ordering::Relaxed).max(1));
    println!("  complete: {complete} of {streams}");
    println!("  memory at the peak: {peak} MiB (aim: below {AIM}), after: {} MiB", machine::memory(gateway.process()).unwrap_or(0));
    println!(
        "  a token arrives {} µs after it was sent (mean), {} ms at worst",
        seen.late_micros.load(Ordering::Relaxed) / tokens,
        seen.latest.load(Ordering::Relaxed) / 1_000
    );
    println!("  processor per token: {} µs", used / tokens);
    let mut totals = Totals { through_gateway: complete, complaints: Vec::new() };
    if complete != streams as u64 {
        totals.complaints.push(format!("only {complete} of {streams} streams ended complete: {}", errors.join("; ")));
    }
    if peak >= AIM {
        totals.complaints.push(format!("{peak} MiB are more than {AIM}"));
    }
    Ok(totals)
}

async fn all(streams: usize, address: SocketAddr, seen: &Arc<Seen>) -> Vec<String> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..streams {
        tasks.spawn(one(address, number, seen.clone()));
        if number % AT_ONCE == AT_ONCE - 1 {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }
    let mut errors = Vec::new();
    while let Some(result) = tasks.join_next().await {
        if let Ok(Err(error)) = result
            && errors.len() < 5
        {
            errors.push(format!("{error:#}"));
        }
    }
    errors
}

async fn one(address: SocketAddr, number: usize, seen: Arc<Seen>) -> Result<()> {
    let stream = TcpStream::connect(address).await.context("cannot connect")?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.context("cannot connect")?;
    tokio::spawn(connection);
    let body =
        format!(r#"{{"model":"{MODEL}","stream":true,"user":"user-{number}","messages":[{{"role":"user","content":"Slowly, please."}}]}}"#);
    let request = Request::post("/v1/chat/completions")
        .header("host", address.to_string())
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {KEY}"))
        .body(Full::new(Bytes::from(body)))?;
    let response = sender.send_request(request).await.context("no answer")?;
    if response.status() != 200 {
        bail!("status {}", response.status());
    }
    let mut body = response.into_body();
    let mut last = Bytes::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.context("the stream broke")?.into_data() {
            if let Some(sent) = sent_at(&data) {
                let late = micros().saturating_sub(sent);
                seen.tokens.fetch_add(1, Ordering::Relaxed);
                seen.late_micros.fetch_add(late, Ordering::Relaxed);
                seen.latest.fetch_max(late, Ordering::Relaxed);
            }
            last = data;
        }
    }
    if !last.ends_with(b"data: [DONE]\n\n") {
        bail!("a stream without its end");
    }
    seen.complete.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// When a token was sent: it says so, as `at=1700000000000000`.
fn sent_at(data: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(data).ok()?;
    let (_, rest) = text.split_once("at=")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
