//! A provider that does as it is told, byte for byte.

use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the provider does with one call; afterwards it closes the connection.
#[derive(Clone, Debug, Default)]
pub struct Say(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Until the other side hangs up.
    Stall,
}

impl Say {
    /// Any answer with a body of known length.
    pub fn status(status: u16, headers: &str, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
            body.len()
        );
        Self(vec![Step::Send(format!("{head}{body}").into_bytes())])
    }

    /// An error in OpenAI's envelope.
    pub fn error(status: u16, message: &str) -> Self {
        Self::status(status, "", &json!({ "error": { "message": message, "type": "t", "param": null, "code": "c" } }).to_string())
    }

    /// A whole answer.
    pub fn answer(text: &str) -> Self {
        Self::status(200, "", &answer_body(text).to_string())
    }

    /// The head of a stream; pieces follow.
    pub fn stream() -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
        Self(vec![Step::Send(head.into())])
    }

    /// A complete stream of these words.
    pub fn streamed(words: &[&str]) -> Self {
        Self::stream().piece(&role()).words(words).piece(&finish()).piece(&usage_chunk()).piece("data: [DONE]\n\n").end()
    }

    /// Bytes of the stream's body, as one chunk.
    #[must_use]
    pub fn piece(mut self, bytes: &str) -> Self {
        self.0.push(Step::Send(format!("{:x}\r\n{bytes}\r\n", bytes.len()).into_bytes()));
        self
    }

    /// Any bytes of the stream's body, as one chunk.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.push(Step::Send([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()));
        self
    }

    /// The same with another type of content.
    #[must_use]
    pub fn of_type(mut self, kind: &str) -> Self {
        if let Some(Step::Send(head)) = self.0.first_mut() {
            let text = String::from_utf8_lossy(head).replace("text/event-stream", kind).replace("application/json", kind);
            *head = text.into_bytes();
        }
        self
    }

    /// One content event per word.
    #[must_use]
    pub fn words(self, words: &[&str]) -> Self {
        words.iter().fold(self, |say, word| say.piece(&content(word)))
    }

    #[must_use]
    pub fn wait(mut self, ms: u64) -> Self {
        self.0.push(Step::Wait(Duration::from_millis(ms)));
        self
    }

    /// The same, but not at once.
    #[must_use]
    pub fn late(mut self, ms: u64) -> Self {
        self.0.insert(0, Step::Wait(Duration::from_millis(ms)));
        self
    }

    /// Says nothing more and keeps the line open.
    #[must_use]
    pub fn stall(mut self) -> Self {
        self.0.push(Step::Stall);
        self
    }

    /// The proper end of a stream's body.
    #[must_use]
    pub fn end(mut self) -> Self {
        self.0.push(Step::Send(b"0\r\n\r\n".to_vec()));
        self
    }

    /// Bytes that are not even HTTP.
    pub fn garbage() -> Self {
        Self(vec![Step::Send(b"\x16\x03\x01 no HTTP at all\r\n\r\n".to_vec())])
    }

    /// Closes without a word.
    pub fn hang_up() -> Self {
        Self::default()
    }
}

/// 1,000 tokens in (400 of them cached), 200 out.
pub fn usage() -> Value {
    json!({ "prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200, "prompt_tokens_details": { "cached_tokens": 400 } })
}

pub fn answer_body(text: &str) -> Value {
    json!({
        "id": "chatcmpl-up", "object": "chat.completion", "created": 1, "model": "mock-1", "system_fingerprint": "fp_kept",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": usage(),
    })
}

fn chunk(choices: &Value, usage: &Value) -> String {
    format!(
        "data: {}\n\n",
        json!({ "id": "chatcmpl-s", "object": "chat.completion.chunk", "model": "mock-1", "choices": choices, "usage": usage, "x_vendor": "kept" })
    )
}

pub fn role() -> String {
    chunk(&json!([{ "index": 0, "delta": { "role": "assistant", "content": "" }, "finish_reason": null }]), &Value::Null)
}

pub fn content(word: &str) -> String {
    chunk(&json!([{ "index": 0, "delta": { "content": word }, "finish_reason": null }]), &Value::Null)
}

pub fn finish() -> String {
    chunk(&json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]), &Value::Null)
}

pub fn usage_chunk() -> String {
    chunk(&json!([]), &usage())
}

/// One call as the provider saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub raw: String,
}

impl Seen {
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.raw).expect("the provider got JSON")
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Say>,
    otherwise: Say,
    seen: Vec<Seen>,
    hung_up: usize,
    /// Bytes of answers that the other side took.
    taken: usize,
}

/// A listening provider.
#[derive(Clone)]
pub struct Upstream {
    /// Its base address, with `/v1`.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Upstream {
    /// Answers every call with `Say::answer("hello")` unless told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("address"));
        let state = Arc::new(Mutex::new(State { otherwise: Say::answer("hello"), ..State::default() }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, shared.clone()));
            }
        });
        Self { url, state }
    }

    /// The next call that is not spoken for is answered so.
    pub fn then(&self, say: Say) -> &Self {
        self.state.lock().expect("state").queue.push_back(say);
        self
    }

    /// All calls that are not spoken for are answered so.
    pub fn always(&self, say: Say) -> &Self {
        self.state.lock().expect("state").otherwise = say;
        self
    }

    pub fn calls(&self) -> usize {
        self.state.lock().expect("state").seen.len()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().expect("state").seen.clone()
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a call")
    }

    /// Bytes of answers that the gateway took so far.
    pub fn taken(&self) -> usize {
        self.state.lock().expect("state").taken
    }

    /// How often the gateway closed the line while this provider stalled.
    pub fn hung_up(&self) -> usize {
        self.state.lock().expect("state").hung_up
    }
}

async fn serve(mut socket: TcpStream, state: Arc<Mutex<State>>) {
    let Some(seen) = read_call(&mut socket).await else { return };
    let say = {
        let mut state = state.lock().expect("state");
        state.seen.push(seen);
        state.queue.pop_front().unwrap_or_else(|| state.otherwise.clone())
    };
    let _ = socket.set_nodelay(true);
    for step in say.0 {
        let gone = match step {
            Step::Send(bytes) => {
                let sent = socket.write_all(&bytes).await;
                state.lock().expect("state").taken += bytes.len();
                sent.is_err()
            }
            Step::Wait(time) => {
                tokio::time::sleep(time).await;
                false
            }
            Step::Stall => !matches!(socket.read(&mut [0; 16]).await, Ok(n) if n > 0),
        };
        if gone {
            state.lock().expect("state").hung_up += 1;
            return;
        }
    }
    let _ = socket.shutdown().await;
}

async fn read_call(socket: &mut TcpStream) -> Option<Seen> {
    let mut buffer = Vec::new();
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let mut lines = text.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    for (name, value) in lines.filter_map(|l| l.split_once(':')) {
        // Two lengths are how requests are smuggled (RFC 9112, section 6.3); no other header of ours has a second value either.
        let earlier = headers.insert(name.to_lowercase(), value.trim().to_owned());
        assert!(earlier.is_none(), "the request says {name} twice: {text}");
    }
    let length: usize = headers.get("content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    while buffer.len() < head + 4 + length {
        if socket.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { path, headers, raw: String::from_utf8_lossy(&buffer[head + 4..]).into_owned() })
}
