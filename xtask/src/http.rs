//! The smallest HTTP client that does: for readiness, counters and nothing that is measured.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// `GET path`, optionally with a bearer token: the status and the body.
pub fn get(address: SocketAddr, path: &str, bearer: Option<&str>) -> Result<(u16, String)> {
    let mut stream =
        TcpStream::connect_timeout(&address, Duration::from_secs(2)).with_context(|| format!("nothing listens on {address}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let authorization = bearer.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    // HTTP/1.0: the answer comes in one piece and the connection ends with it.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n{authorization}\r\n").as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status in the answer")?;
    Ok((status, body.to_owned()))
}

/// Waits until `GET path` answers 200. `alive` says whether the program is still there to wait for.
pub fn wait_until_ready(address: SocketAddr, path: &str, limit: Duration, mut alive: impl FnMut() -> bool) -> Result<()> {
    let started = Instant::now();
    loop {
        let answer = get(address, path, None);
        if matches!(answer, Ok((200, _))) {
            return Ok(());
        }
        if !alive() {
            bail!("it ended before http://{address}{path} answered");
        }
        if started.elapsed() > limit {
            let last = answer.map_or_else(|error| format!("{error:#}"), |(status, body)| format!("status {status}: {body}"));
            bail!("http://{address}{path} is not ready after {} s ({last})", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// An address on loopback that was free a moment ago.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on loopback")?;
    Ok(listener.local_addr()?)
}
