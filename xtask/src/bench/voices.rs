//! `cargo xtask bench --feedback N`: an inbox that is full, how soon a new piece is seen in it, themes of a day's comments, and a flood of posts beside model calls.

use super::{KEY, ROUTE, Totals, load};
use crate::gateway::Gateway;
use crate::postgres::Postgres;
use crate::progress::took;
use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Rows of one import.
const PIECE: usize = 10_000;
/// How often each address is asked for.
const TIMES: usize = 20;
/// What a page or filter may take at the server.
const AIM: Duration = Duration::from_millis(50);
/// How soon a new piece must be seen, and how many are sent.
const VISIBLE: Duration = Duration::from_secs(1);
const NEWCOMERS: usize = 10;
/// What finding themes of ten thousand comments may take.
const THEMES_AIM: Duration = Duration::from_secs(10);
/// Posts a second of the flood, and how long it lasts.
const FLOOD: u64 = 10_000;
const FLOOD_SECONDS: u64 = 8;
/// Connections of the model calls that must not notice.
const CALLERS: usize = 4;
/// What people look at.
const READS: [(&str, &str); 10] = [
    ("the inbox", "/api/v1/feedback?state=new&limit=50"),
    ("everything, the newest", "/api/v1/feedback?limit=50"),
    ("thumbs down of a day", "/api/v1/feedback?kind=down&since=24h&limit=50"),
    ("a rare category", "/api/v1/feedback?category=tone&limit=50"),
    ("a rare word", "/api/v1/feedback?q=zeppelin&limit=50"),
    ("a word nobody wrote", "/api/v1/feedback?q=quagga&limit=50"),
    ("one person's", "/api/v1/feedback?user=user-77&limit=50"),
    ("unhappy ones of a channel", "/api/v1/feedback?channel=bench&mood=negative&limit=50"),
    ("themes of a week", "/api/v1/themes?since=7d"),
    ("the verdict", "/api/v1/feedback/experience?range=24h"),
];
/// Pages as the browser gets them.
const PAGES: [(&str, &str); 4] = [
    ("page: inbox", "/feedback"),
    ("page: inbox, a word", "/feedback?state=&q=zeppelin"),
    ("page: themes", "/themes"),
    ("page: overview", "/"),
];

/// Fills, reads, finds themes, floods.
pub fn run(pieces: usize, runtime: &tokio::runtime::Runtime, gateway: &Gateway, database: Option<&Postgres>) -> Result<Totals> {
    let mut totals = Totals::default();
    let filled = Instant::now();
    runtime.block_on(async {
        let mut client = Client::new(gateway.address).await?;
        for start in (0..pieces).step_by(PIECE) {
            let answer = client.send("POST", "/v1/intake/bench", "text/csv", Some(KEY), rows(start, PIECE.min(pieces - start))).await?;
            if answer.0 != 200 {
                bail!("the import was answered {}: {}", answer.0, answer.1);
            }
        }
        Ok(())
    })?;
    println!("\n{pieces} pieces of feedback imported in {}", took(filled.elapsed()));
    runtime.block_on(themes(gateway, &mut totals))?;
    if let Some(database) = database {
        database.settle()?;
    }
    runtime.block_on(reads(gateway, &mut totals))?;
    runtime.block_on(newcomers(gateway, &mut totals))?;
    runtime.block_on(flood(gateway, &mut totals))?;
    Ok(totals)
}

/// Comments of twelve kinds in words that differ, over thirty days; one in five thousand has a rare word.
fn rows(start: usize, n: usize) -> Bytes {
    const SAID: [(&str, &str); 12] = [
        ("It forgot my order number", "forgot_context"),
        ("I had to repeat my address", "forgot_context"),
        ("The answer was about opening hours instead of returns", "irrelevant"),
        ("It recommends lamps that are sold out", "inaccurate"),
        ("The price it names is wrong", "inaccurate"),
        ("Waited a minute for two sentences", "too_slow"),
        ("Does not understand Swedish", "unhelpful"),
        ("The link to the manual is dead", "unhelpful"),
        ("Talks to me like to a child", "tone"),
        ("Could not cancel the subscription", "unhelpful"),
        ("Sends me from one form to the next", "unhelpful"),
        ("Invoices come without the tax number", "inaccurate"),
    ];
    const ENDS: [&str; 7] = ["again", "today", "since the update", "on my phone", "twice", "as always", "in the chat"];
    #[expect(clippy::disallowed_methods, reason = "the server compares with its own clock")]
    let now = chrono::Utc::now();
    let mut csv = String::from("external_id,created_at,rating,comment,categories,user\n");
    for i in start..start + n {
        // The last ten thousand are today's.
        let (said, category) = SAID[(i * 7 + i / 13) % SAID.len()];
        let at = now - chrono::Duration::seconds(i64::try_from((i * 7919) % (30 * 86_400)).unwrap_or_default());
        let rare = if i % 5_000 == 0 { " zeppelin" } else { "" };
        // `tone` is one of twelve; as a category it is given by few.
        let category = if category == "tone" && i % 50 != 0 { "other" } else { category };
        let _ = writeln!(csv, "b-{i},{},down,{said} {} {i}{rare},{category},user-{}", at.to_rfc3339(), ENDS[i % ENDS.len()], i % 4_000);
    }
    Bytes::from(csv)
}

/// A connection that is kept.
struct Client {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    cookie: Option<String>,
    /// What the last model call may be judged with.
    token: Option<String>,
}

impl Client {
    async fn new(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.context("cannot connect")?;
        tokio::spawn(connection);
        Ok(Self { address, sender, cookie: None, token: None })
    }

    async fn send(&mut self, method: &str, path: &str, kind: &str, key: Option<&str>, body: Bytes) -> Result<(u16, String)> {
        let (status, body) = self.begin(method, path, kind, key, body).await?;
        let body = body.collect().await.context("the answer broke")?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Sends, and leaves the answer's body to be read.
    async fn begin(&mut self, method: &str, path: &str, kind: &str, key: Option<&str>, body: Bytes) -> Result<(u16, Incoming)> {
        let mut request = Request::builder().method(method).uri(path).header("host", self.address.to_string()).header("content-type", kind);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(body))?).await.context("no answer")?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        if let Some(cookie) = header("set-cookie") {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        self.token = header("x-hypercare-feedback-token").or(self.token.take());
        Ok((status, response.into_body()))
    }

    async fn sign_in(&mut self) -> Result<()> {
        let body = serde_json::json!({ "email": crate::gateway::ADMIN.0, "password": crate::gateway::ADMIN.1 }).to_string();
        let (status, text) = self.send("POST", "/api/v1/login", "application/json", None, Bytes::from(body)).await?;
        if status != 200 {
            bail!("the log-in was answered {status}: {text}");
        }
        Ok(())
    }
}

/// Ten thousand of the newest comments; calls go on beside.
async fn themes(gateway: &Gateway, totals: &mut Totals) -> Result<()> {
    let shape = Arc::new(load::Shape::new(ROUTE, KEY, false)?);
    let before = load::run(gateway.address, &shape, CALLERS, Duration::from_secs(3)).await;
    let mut client = Client::new(gateway.address).await?;
    client.sign_in().await?;
    let began = Instant::now();
    let looking = client.send("POST", "/api/v1/themes/refresh", "application/json", None, Bytes::from_static(b"{}"));
    let (answer, beside) = tokio::join!(looking, load::run(gateway.address, &shape, CALLERS, Duration::from_secs(3)));
    let (status, text) = answer?;
    let elapsed = began.elapsed();
    println!("themes of the newest comments: answered {status} {text}");
    println!("  with calls beside for 3 s: {} (aim: {})", took(elapsed), took(THEMES_AIM));
    compare("  calls while themes are found", &before, &beside);
    totals.through_gateway += before.answered + beside.answered;
    if status != 200 || elapsed > THEMES_AIM {
        totals.complaints.push(format!("finding themes took {} and was answered {status}", took(elapsed)));
    }
    Ok(())
}

fn compare(what: &str, before: &load::Sample, beside: &load::Sample) {
    let p = |sample: &load::Sample, share| took(load::percentile(&sample.total, share));
    println!(
        "{what}: {:.0}/s → {:.0}/s, p50 {} → {}, p99 {} → {}",
        before.rate(),
        beside.rate(),
        p(before, 0.5),
        p(beside, 0.5),
        p(before, 0.99),
        p(beside, 0.99)
    );
}

async fn reads(gateway: &Gateway, totals: &mut Totals) -> Result<()> {
    let mut client = Client::new(gateway.address).await?;
    client.sign_in().await?;
    for (what, path) in READS.into_iter().chain(PAGES) {
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let began = Instant::now();
            let (status, text) = client.send("GET", path, "application/json", None, Bytes::new()).await?;
            times.push(began.elapsed());
            if status != 200 {
                bail!("GET {path} was answered {status}: {text}");
            }
        }
        let first = times[0];
        times.sort();
        let (median, worst) = (times[TIMES / 2], times[TIMES - 1]);
        println!("  {what}: median {}, first {}, worst of {TIMES} {}", took(median), took(first), took(worst));
        if median > AIM {
            totals.complaints.push(format!("{what} takes {}", took(median)));
        }
    }
    Ok(())
}

/// New pieces, one after the other: until whoever looks at the inbox hears of it, and until a list asked for then has it.
async fn newcomers(gateway: &Gateway, totals: &mut Totals) -> Result<()> {
    let (mut application, mut reader, mut listener) =
        (Client::new(gateway.address).await?, Client::new(gateway.address).await?, Client::new(gateway.address).await?);
    reader.sign_in().await?;
    listener.sign_in().await?;
    let (status, mut feed) = listener.begin("GET", "/api/v1/live", "text/event-stream", None, Bytes::new()).await?;
    if status != 200 {
        bail!("the live feed was answered {status}");
    }
    let (mut heard, mut listed) = (Vec::with_capacity(NEWCOMERS), Vec::with_capacity(NEWCOMERS));
    for number in 0..NEWCOMERS {
        let asked = format!(r#"{{"model":"{ROUTE}","messages":[{{"role":"user","content":"Hello"}}],"user":"new-{number}"}}"#);
        application.send("POST", "/v1/chat/completions", "application/json", Some(KEY), Bytes::from(asked)).await?;
        let token = application.token.take().context("the answer has no feedback token")?;
        let word = format!("newcomer-{number}");
        let post = serde_json::json!({ "token": token, "rating": "down", "comment": word }).to_string();
        let began = Instant::now();
        let (status, text) = application.send("POST", "/v1/feedback", "application/json", None, Bytes::from(post)).await?;
        if status != 201 {
            bail!("feedback was answered {status}: {text}");
        }
        let mut said = String::new();
        while !said.contains(&word) {
            let frame = tokio::time::timeout(10 * VISIBLE, feed.frame()).await.context("nobody heard of new feedback")?;
            let piece = frame.context("the live feed ended")??;
            said.push_str(&String::from_utf8_lossy(piece.data_ref().map_or(&[][..], |data| data)));
        }
        heard.push(began.elapsed());
        let (_, list) = reader.send("GET", "/api/v1/feedback?state=new&limit=50", "application/json", None, Bytes::new()).await?;
        if !list.contains(&word) {
            bail!("the inbox does not list what was just said");
        }
        listed.push(began.elapsed());
        totals.through_gateway += 1;
    }
    for (what, times) in [("heard", &mut heard), ("listed", &mut listed)] {
        times.sort();
        let (median, worst) = (times[NEWCOMERS / 2], times[NEWCOMERS - 1]);
        println!("a new piece is {what} after {} (median), {} at worst of {NEWCOMERS} (aim: {})", took(median), took(worst), took(VISIBLE));
        if worst > VISIBLE {
            totals.complaints.push(format!("a new piece is {what} after {} only", took(worst)));
        }
    }
    Ok(())
}

/// Posts of somebody who means no good, at a fixed rate, while applications call models.
async fn flood(gateway: &Gateway, totals: &mut Totals) -> Result<()> {
    let shape = Arc::new(load::Shape::new(ROUTE, KEY, false)?);
    let calls = Duration::from_secs(FLOOD_SECONDS - 2);
    let before = load::run(gateway.address, &shape, CALLERS, calls).await;
    let (sent, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut posters = tokio::task::JoinSet::new();
    for poster in 0..16 {
        posters.spawn(post(gateway.address, poster, sent.clone(), refused.clone()));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let beside = load::run(gateway.address, &shape, CALLERS, calls).await;
    while let Some(done) = posters.join_next().await {
        done??;
    }
    let (sent, refused) = (sent.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    println!("flood: {} posts a second, {refused} of {sent} refused at the door", sent / FLOOD_SECONDS);
    compare("  calls before and during", &before, &beside);
    totals.through_gateway += before.answered + beside.answered;
    for (error, count) in before.errors.iter().chain(&beside.errors) {
        totals.complaints.push(format!("{count} × calls beside the flood: {error}"));
    }
    Ok(())
}

async fn post(address: SocketAddr, poster: u64, sent: Arc<AtomicU64>, refused: Arc<AtomicU64>) -> Result<()> {
    let mut client = Client::new(address).await?;
    let each = Duration::from_micros(16 * 1_000_000 / FLOOD);
    let began = Instant::now();
    let mut number = 0_u32;
    while began.elapsed() < Duration::from_secs(FLOOD_SECONDS) {
        let body = format!(r#"{{"token":"forged-{poster}-{number}","rating":"down","comment":"flood"}}"#);
        let (status, _) = client.send("POST", "/v1/feedback", "application/json", None, Bytes::from(body)).await?;
        sent.fetch_add(1, Ordering::Relaxed);
        refused.fetch_add(u64::from(status == 429 || status == 401), Ordering::Relaxed);
        number += 1;
        tokio::time::sleep_until((began + each * number).into()).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_csv_of_distinct_ids_with_rare_words_and_categories() {
        let text = String::from_utf8(rows(0, 10_000).to_vec()).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10_001);
        assert!(lines.iter().all(|line| line.split(',').count() == 6), "six columns");
        assert_eq!(lines.iter().filter(|line| line.contains("zeppelin")).count(), 2);
        assert!(lines.iter().filter(|line| line.contains(",tone,")).count() < 100);
    }
}
