//! The load generator: keep-alive connections that each send the next request when the last is answered. It parses nothing, so that the
//! processors belong to what is measured.

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A request that waits longer than this has failed.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
const PATH: &str = "/v1/chat/completions";
/// Stands where each request has its own user; of the same length, so that only these bytes differ.
const USER: &str = "user-000000000000";

/// What every request looks like.
pub struct Shape {
    before_user: Vec<u8>,
    after_user: Vec<u8>,
    authorization: HeaderValue,
    people: Option<u64>,
    /// Whether the answer is a stream.
    pub streamed: bool,
}

impl Shape {
    /// A conversation of about 1.2 KB with the route `model`, streamed or not.
    pub fn new(model: &str, key: &str, streamed: bool) -> Result<Self> {
        let question = "I ordered two lamps last week (order 4711-0815) and only one of them arrived today. The box looked as if somebody had opened it, \
            and the paper inside names both. Where is the second one, and what do I have to do now? I need it before the weekend, because \
            we have guests and the room is dark without it. ";
        let answer = "I am sorry about that. Could you tell me whether the label on the box says 1 of 2, and whether the seal was broken? Then I can \
            see at once which of the two parcels this was and where the other one is. ";
        let messages = serde_json::json!([
            { "role": "user", "content": question },
            { "role": "assistant", "content": answer.repeat(2) },
            { "role": "user", "content": "It says 1 of 2, and the seal was broken. I have photographs of the box, of the seal and of the paper, if they help." },
        ]);
        let body = format!(
            r#"{{"model":"{model}","messages":{messages},"temperature":0.2,"max_tokens":256,"stream":{streamed},"user":"{USER}","metadata":{{"session_id":"bench","prompt_variables":"{{\"shop\":\"Lamps and more\"}}"}}}}"#
        );
        let (before, after) = body.split_once(USER).context("the request has no user")?;
        let authorization = HeaderValue::try_from(format!("Bearer {key}")).context("the key does not fit into a header")?;
        Ok(Self { before_user: before.into(), after_user: after.into(), authorization, people: None, streamed })
    }

    /// From so many people, who come in no order; without a number each request is from somebody new.
    pub fn among(self, people: Option<u64>) -> Self {
        Self { people, ..self }
    }

    fn user(&self, number: u64) -> u64 {
        self.people.map_or(number, |people| scattered(number) % people.max(1))
    }

    fn request(&self, address: SocketAddr, number: u64) -> Result<Request<Full<Bytes>>> {
        let mut body = Vec::with_capacity(self.before_user.len() + USER.len() + self.after_user.len());
        body.extend_from_slice(&self.before_user);
        body.extend_from_slice(format!("user-{:012}", self.user(number)).as_bytes());
        body.extend_from_slice(&self.after_user);
        let request = Request::builder()
            .method(Method::POST)
            .uri(PATH)
            .header(HOST, address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, self.authorization.clone());
        request.body(Full::new(Bytes::from(body))).context("not a request")
    }
}

/// A number that looks like chance (the finaliser of `SplitMix64`, <https://doi.org/10.1145/2714064.2660195>), so that runs are alike.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What one run measured.
#[derive(Default)]
pub struct Sample {
    /// Requests answered completely, with 200.
    pub answered: u64,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
    /// How long the run was.
    pub elapsed: Duration,
    /// Time until the first byte of each answer's body, sorted.
    pub first_byte: Vec<Duration>,
    /// Time until each answer was complete, sorted.
    pub total: Vec<Duration>,
}

impl Sample {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        let answered = u32::try_from(self.answered).unwrap_or(u32::MAX);
        f64::from(answered) / self.elapsed.as_secs_f64()
    }

    fn absorb(&mut self, other: Self) {
        self.answered += other.answered;
        self.first_byte.extend(other.first_byte);
        self.total.extend(other.total);
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
    }
}

/// The value below which that share of a sorted list lies.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index, far below 2^52 and never negative"
    )]
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

/// Loads `address` over that many connections for that long.
pub async fn run(address: SocketAddr, shape: &Arc<Shape>, connections: usize, duration: Duration) -> Sample {
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(one_connection(address, Arc::clone(shape), started + duration));
    }
    let mut sample = Sample::default();
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(part) => sample.absorb(part),
            Err(error) => *sample.errors.entry(error.to_string()).or_default() += 1,
        }
    }
    sample.elapsed = started.elapsed();
    sample.first_byte.sort_unstable();
    sample.total.sort_unstable();
    sample
}

/// Sends one request after the other until the time is over; a connection that breaks is counted as an error and opened anew.
async fn one_connection(address: SocketAddr, shape: Arc<Shape>, end: Instant) -> Sample {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut sample = Sample::default();
    let mut connection = None;
    while Instant::now() < end {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let work = tokio::time::timeout(REQUEST_LIMIT, one_request(&mut connection, address, &shape, number));
        let outcome = work.await.unwrap_or_else(|_| bail!("no complete answer within {} s", REQUEST_LIMIT.as_secs()));
        match outcome {
            Ok((first_byte, total)) => {
                sample.answered += 1;
                sample.first_byte.push(first_byte);
                sample.total.push(total);
            }
            Err(error) => {
                connection = None;
                *sample.errors.entry(format!("{error:#}")).or_default() += 1;
                // A server that is gone refuses at once: do not spin.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    sample
}

type Connection = Option<SendRequest<Full<Bytes>>>;

/// One request on the connection at hand: the time to the first byte and to the last.
async fn one_request(connection: &mut Connection, address: SocketAddr, shape: &Shape, number: u64) -> Result<(Duration, Duration)> {
    let request = shape.request(address, number)?;
    let sender = match connection {
        Some(sender) => sender,
        None => connection.insert(connect(address).await?),
    };
    sender.ready().await.context("the connection broke")?;
    let started = Instant::now();
    let response = sender.send_request(request).await.context("no answer")?;
    let status = response.status();
    let mut body = response.into_body();
    let mut first_byte = None;
    let mut last = Bytes::new();
    while let Some(frame) = body.frame().await {
        first_byte.get_or_insert_with(|| started.elapsed());
        if let Ok(data) = frame.context("the answer broke off")?.into_data() {
            last = data;
        }
    }
    let total = started.elapsed();
    if status != StatusCode::OK {
        bail!("status {}: {}", status.as_u16(), String::from_utf8_lossy(&last));
    }
    let end: &[u8] = if shape.streamed { b"data: [DONE]\n\n" } else { b"}" };
    if !last.trim_ascii_end().ends_with(end.trim_ascii_end()) {
        bail!("an answer without its end");
    }
    Ok((first_byte.unwrap_or(total), total))
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.context("cannot connect")?;
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_json_of_the_promised_size_and_differ_in_their_user() -> Result<()> {
        let shape = Shape::new("bench", "key", true)?;
        let mut body = shape.before_user.clone();
        body.extend_from_slice(b"user-000000000042");
        body.extend_from_slice(&shape.after_user);
        let value: serde_json::Value = serde_json::from_slice(&body)?;
        assert_eq!(value["user"], "user-000000000042");
        assert!((1_100..1_500).contains(&body.len()), "{} bytes", body.len());
        Ok(())
    }

    #[test]
    fn people_come_in_no_order_and_are_as_many_as_asked_for() -> Result<()> {
        // The first numbers of SplitMix64 from seed 0, as its authors' program gives them.
        assert_eq!((scattered(0), scattered(0x9e37_79b9_7f4a_7c15)), (0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4));
        let shape = Shape::new("bench", "key", false)?.among(Some(100));
        let came: Vec<u64> = (0..2_000).map(|number| shape.user(number)).collect();
        assert_eq!(came.iter().collect::<std::collections::BTreeSet<_>>().len(), 100);
        assert!(came.iter().all(|user| *user < 100) && !came.is_sorted());
        Ok(())
    }

    #[test]
    fn percentiles_are_values_of_the_list() {
        let list: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&list, 0.0), Duration::from_millis(1));
        assert_eq!(percentile(&list, 0.99), Duration::from_millis(99));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
