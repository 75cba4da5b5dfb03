//! Connections to providers, kept open between calls.
//!
//! A lane's own: one thread uses them, and each call asks for one and gives it back. A pool for many threads and both versions of HTTP copies itself for every
//! call, takes its lock three times and starts a task that waits for the connection to be free again. Nor has a connection a task of its own here: who waits for
//! an answer drives the connection it comes from. See docs/adr/0012-a-pool-of-our-own.md.

use super::joined::Joined;
use axum::BoxError;
use axum::http::header::HOST;
use axum::http::uri::{Authority, Parts, PathAndQuery, Scheme};
use axum::http::{HeaderValue, Request, Response, Uri};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hash::{Hash, Hasher};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant as Tick};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tower::Service;

/// How long a connection may lie idle.
const IDLE: Duration = Duration::from_mins(1);
/// Between two looks for those that lie idle for too long.
const SWEEP: Duration = Duration::from_secs(10);
/// Idle connections kept for one address by one lane: what a flood of slow streams leaves behind is closed.
const MOST_IDLE: usize = 512;

type Stream = Joined<MaybeHttpsStream<TokioIo<TcpStream>>>;
type Connector = Within<HttpsConnector<HttpConnector>>;

/// Why a request was not answered.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// There is no connection.
    NoConnection(BoxError),
    /// The connection broke.
    Broken(hyper::Error),
}

/// The connections of a lane, kept across changes of the configuration.
#[derive(Default)]
pub struct Upstreams {
    origins: RwLock<HashMap<Address, Arc<Origin>>>,
    /// By connect timeout, in ms.
    connectors: Mutex<HashMap<u64, Connector>>,
}

/// What makes one connection differ from another. Names of hosts are taken as they are written: hashing them letter by letter, as those who do not care about
/// capitals must, is a hundredth of a call.
#[derive(Clone)]
struct Address {
    connect_ms: u64,
    scheme: Scheme,
    authority: Authority,
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.connect_ms == other.connect_ms && self.scheme == other.scheme && self.authority.as_str() == other.authority.as_str()
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.connect_ms.hash(state);
        self.authority.as_str().hash(state);
    }
}

impl Upstreams {
    /// None yet. What takes long before the first one is done now, so that no call waits for it.
    pub(super) fn new() -> Self {
        tls();
        Self::default()
    }

    /// Sends a request; answers as soon as there is a status, whichever.
    pub(super) async fn request(&self, connect_ms: u64, mut request: Request<Full<Bytes>>) -> Result<Response<Received>, Unanswered> {
        let Parts { scheme, authority, path_and_query, .. } = std::mem::take(request.uri_mut()).into_parts();
        let (Some(scheme), Some(authority)) = (scheme, authority) else {
            return Err(Unanswered::NoConnection("the address has no host".into()));
        };
        let origin = self.origin(Address { connect_ms, scheme, authority });
        *request.uri_mut() = path_only(path_and_query);
        request.headers_mut().insert(HOST, origin.host.clone());
        loop {
            let mut line = match origin.take() {
                Some(line) => line,
                None => Box::pin(origin.whichever_is_free_first()).await?,
            };
            let used_before = std::mem::replace(&mut line.used, true);
            // Unconstrained: a task that had its share of work is told to come back by its waker, and this future is given one that wakes nobody.
            let mut answer = pin!(tokio::task::unconstrained(line.sender.try_send_request(request)));
            let answered = poll_fn(|context| {
                line.drive(context);
                answer.as_mut().poll(&mut after_driving())
            });
            match answered.await {
                Ok(response) => return Ok(response.map(|body| Received::new(body, line, origin))),
                Err(mut failed) => match failed.take_message() {
                    // The other side closed it while it lay idle, and nothing of the request was sent.
                    Some(unsent) if used_before => request = unsent,
                    _ => return Err(Unanswered::Broken(failed.into_error())),
                },
            }
        }
    }

    fn origin(&self, address: Address) -> Arc<Origin> {
        if let Some(origin) = self.origins.read().unwrap_or_else(PoisonError::into_inner).get(&address) {
            return origin.clone();
        }
        let connector = self.connector(address.connect_ms);
        let mut origins = self.origins.write().unwrap_or_else(PoisonError::into_inner);
        origins.entry(address.clone()).or_insert_with(|| Arc::new(Origin::new(address, connector))).clone()
    }

    fn connector(&self, connect_ms: u64) -> Connector {
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        connectors.entry(connect_ms).or_insert_with(|| connector(Duration::from_millis(connect_ms))).clone()
    }
}

/// What a request line says: the path and the query.
fn path_only(path: Option<PathAndQuery>) -> Uri {
    let mut parts = Parts::default();
    parts.path_and_query = path;
    Uri::from_parts(parts).unwrap_or_default()
}

/// A connection. What happens on it happens while it is driven.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// None when it is closed; who still waits for something from it is told by then.
    connection: Option<Box<Connection<Stream, Full<Bytes>>>>,
    /// Whether a request was sent on it.
    used: bool,
}

impl Line {
    /// Writes and reads what can be written and read now; the task is woken when there is more.
    fn drive(&mut self, context: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        if let Poll::Ready(ended) = Pin::new(connection).poll(context) {
            if let Err(e) = ended {
                tracing::debug!(error = %e, "a connection to a provider broke");
            }
            self.connection = None;
        }
    }

    /// Whether it can take a request.
    fn is_free(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }
}

/// For what comes out of a connection that was driven just now: it comes while that happens, so nobody needs to be woken for it.
fn after_driving() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// One address and the connections to it that nobody uses now.
struct Origin {
    address: Uri,
    host: HeaderValue,
    connector: Connector,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The one used last at the end.
    connections: Vec<(Line, Tick)>,
    /// Calls that wait for a connection, the first in front.
    waiting: VecDeque<oneshot::Sender<Line>>,
    /// Whether somebody looks for those that lie there for too long.
    swept: bool,
}

impl Origin {
    fn new(address: Address, connector: Connector) -> Self {
        let Address { scheme, authority, .. } = address;
        let usual_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = match authority.port_u16() {
            Some(port) if port != usual_port => format!("{}:{port}", authority.host()),
            _ => authority.host().to_owned(),
        };
        let mut parts = Parts::default();
        (parts.scheme, parts.authority, parts.path_and_query) = (Some(scheme), Some(authority), Some(PathAndQuery::from_static("/")));
        Self {
            address: Uri::from_parts(parts).unwrap_or_default(),
            host: HeaderValue::try_from(host).unwrap_or(HeaderValue::from_static("")),
            connector,
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last. Whether the other side closed it meanwhile the next call finds out.
    fn take(&self) -> Option<Line> {
        let (line, since) = self.idle().connections.pop()?;
        (since.elapsed() < IDLE).then_some(line)
    }

    /// A connection for a call when none is idle: a new one, or one that another call gives back before that is there. The new one is kept then.
    async fn whichever_is_free_first(self: &Arc<Self>) -> Result<Line, Unanswered> {
        let (give, given) = oneshot::channel();
        self.wait(give);
        let (report, opened) = oneshot::channel();
        let origin = self.clone();
        tokio::spawn(async move {
            if let Err(Ok(not_needed)) = report.send(origin.connect().await) {
                origin.keep(not_needed);
            }
        });
        tokio::select! {
            biased;
            Ok(line) = given => Ok(line),
            opened = opened => opened.unwrap_or_else(|_| Err(Unanswered::NoConnection("connecting was given up".into()))),
        }
    }

    fn wait(&self, call: oneshot::Sender<Line>) {
        let mut idle = self.idle();
        while idle.waiting.pop_front_if(|earlier| earlier.is_closed()).is_some() {}
        idle.waiting.push_back(call);
    }

    /// Keeps a connection for the next call, or gives it to one that waits, if it can take one.
    fn keep(self: &Arc<Self>, mut line: Line) {
        // From here on it wakes nobody: not the call that it served last.
        if !line.is_free() {
            return;
        }
        let mut idle = self.idle();
        while let Some(call) = idle.waiting.pop_front() {
            match call.send(line) {
                Ok(()) => return,
                Err(not_taken) => line = not_taken,
            }
        }
        if idle.connections.len() >= MOST_IDLE {
            return;
        }
        idle.connections.push((line, Tick::now()));
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Lets go of those that are closed or lie there for too long; tells whether any are left.
    fn tidy(&self) -> bool {
        let mut idle = self.idle();
        idle.connections.retain_mut(|(line, since)| since.elapsed() < IDLE && line.is_free());
        idle.swept = !idle.connections.is_empty();
        idle.swept
    }

    async fn connect(&self) -> Result<Line, Unanswered> {
        let mut connector = self.connector.clone();
        poll_fn(|context| connector.poll_ready(context)).await.map_err(Unanswered::NoConnection)?;
        let stream = connector.call(self.address.clone()).await.map_err(Unanswered::NoConnection)?;
        let (sender, connection) = handshake(Joined(stream)).await.map_err(Unanswered::Broken)?;
        Ok(Line { sender, connection: Some(Box::new(connection)), used: false })
    }
}

async fn sweep(origin: Weak<Origin>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if !origin.upgrade().is_some_and(|origin| origin.tidy()) {
            return;
        }
    }
}

/// An answer's body. When all of it is read the connection is free for the next call; when it is dropped before, the connection is closed.
pub(super) struct Received {
    body: Incoming,
    connection: Option<(Line, Arc<Origin>)>,
}

impl Received {
    fn new(body: Incoming, line: Line, origin: Arc<Origin>) -> Self {
        let mut received = Self { body, connection: Some((line, origin)) };
        received.give_back_at_end();
        received
    }

    fn give_back_at_end(&mut self) {
        if self.body.is_end_stream()
            && let Some((line, origin)) = self.connection.take()
        {
            origin.keep(line);
        }
    }

    fn next(&mut self) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(&mut after_driving())
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut next = self.next();
        if let (Poll::Pending, Some((line, _))) = (&next, &mut self.connection) {
            line.drive(context);
            next = self.next();
        }
        let Poll::Ready(frame) = next else { return Poll::Pending };
        match &frame {
            Some(Ok(_)) => self.give_back_at_end(),
            Some(Err(_)) => self.connection = None,
            None => {
                if let Some((line, origin)) = self.connection.take() {
                    origin.keep(line);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn connector(connect: Duration) -> Connector {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect));
    http.set_keepalive(Some(Duration::from_secs(30)));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls());
    Within { inner: builder.https_or_http().enable_http1().wrap_connector(http), limit: connect }
}

/// TLS as this process speaks it. The system's certificate authorities are read once, which takes longer than a call has time.
fn tls() -> ClientConfig {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    let config = TLS.get_or_init(|| match builder().with_native_roots() {
        Ok(builder) => builder.with_no_client_auth(),
        Err(e) => {
            // Without certificate authorities only plain addresses can be called; say so once and go on.
            tracing::error!(error = %e, "no certificate authorities found: https providers cannot be called");
            builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    });
    config.clone()
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    match config.with_safe_default_protocol_versions() {
        Ok(config) => config,
        Err(_) => unreachable!("ring supports the default protocol versions"),
    }
}

/// A connector that must be done within a time, TLS included.
#[derive(Clone)]
struct Within<C> {
    inner: C,
    limit: Duration,
}

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri, Error = BoxError> + Send,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(address), self.limit);
        Box::pin(async move {
            let too_slow = || std::io::Error::new(std::io::ErrorKind::TimedOut, "it took too long");
            tokio::time::timeout(limit, connecting).await.unwrap_or_else(|_| Err(too_slow().into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::time::timeout;

    /// Answers so often on each connection, then closes it without a word; counts connections.
    async fn server(answers: usize) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/v1", listener.local_addr().expect("address"));
        let opened = Arc::new(AtomicUsize::new(0));
        let counter = opened.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, answers));
            }
        });
        (address, opened)
    }

    async fn serve(mut stream: TcpStream, answers: usize) {
        for _ in 0..answers {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                if stream.read_buf(&mut asked).await.is_ok_and(|n| n == 0) {
                    return;
                }
            }
            let body = String::from_utf8_lossy(&asked).replace("\r\n", "|");
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    async fn ask(upstreams: &Upstreams, address: &str) -> Result<Response<Received>, Unanswered> {
        upstreams.request(1_000, Request::get(address).body(Full::default()).expect("a request")).await
    }

    async fn read(response: Response<Received>) -> String {
        String::from_utf8(response.into_body().collect().await.expect("all of it").to_bytes().to_vec()).expect("text")
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_the_request_names_host_and_path() {
        let (address, opened) = server(usize::MAX).await;
        let upstreams = Upstreams::default();
        let host = address.trim_start_matches("http://").trim_end_matches("/v1");
        for _ in 0..3 {
            let said = read(ask(&upstreams, &format!("{address}/models?x=1")).await.expect("an answer")).await;
            assert_eq!(said, format!("GET /v1/models?x=1 HTTP/1.1|host: {host}||"));
        }
        assert_eq!(opened.load(Ordering::Relaxed), 1);
        // Two at once need two.
        let (one, other) = tokio::join!(ask(&upstreams, &address), ask(&upstreams, &address));
        read(one.expect("an answer")).await;
        read(other.expect("an answer")).await;
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_while_it_lay_idle_is_no_fault() {
        let (address, opened) = server(1).await;
        let upstreams = Upstreams::default();
        for _ in 0..3 {
            assert!(read(ask(&upstreams, &address).await.expect("an answer")).await.starts_with("GET"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(opened.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn an_answer_that_is_not_read_to_its_end_costs_its_connection() {
        let (address, opened) = server(usize::MAX).await;
        let upstreams = Upstreams::default();
        for _ in 0..2 {
            drop(ask(&upstreams, &address).await.expect("an answer"));
        }
        assert_eq!(opened.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn connections_that_lie_idle_are_let_go() {
        let (address, _) = server(usize::MAX).await;
        let upstreams = Upstreams::default();
        read(ask(&upstreams, &address).await.expect("an answer")).await;
        let origin = upstreams.origins.read().expect("unpoisoned").values().next().expect("one").clone();
        assert!(origin.tidy(), "a fresh one stays");
        let long_ago = Tick::now().checked_sub(IDLE).expect("the machine runs for a minute");
        origin.idle().connections[0].1 = long_ago;
        assert!(origin.take().is_none(), "an old one is not used");
        assert!(!origin.tidy(), "and goes");
    }

    #[tokio::test]
    async fn who_waits_for_a_connection_takes_one_that_becomes_free() {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let listener = socket.listen(1).expect("listens");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("one");
            serve(stream, usize::MAX).await;
            drop(listener);
        });
        let (upstreams, url) = (Upstreams::default(), format!("http://{address}/v1"));
        let held = ask(&upstreams, &url).await.expect("an answer");
        // It takes nobody else, and the queue in front of it becomes full: connecting takes for ever now.
        let mut queue = Vec::new();
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await {
            queue.push(stream);
        }
        let gave_up = timeout(Duration::from_millis(20), ask(&upstreams, &url)).await;
        assert!(gave_up.is_err(), "there is no connection");
        let given_back = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            read(held).await
        };
        let (answer, _) = tokio::join!(ask(&upstreams, &url), given_back);
        assert!(read(answer.expect("the one that became free")).await.starts_with("GET"));
        assert!(read(ask(&upstreams, &url).await.expect("it again")).await.starts_with("GET"));
    }

    #[tokio::test]
    async fn nobody_there_and_nobody_who_speaks_differ() {
        let upstreams = Upstreams::default();
        assert!(matches!(ask(&upstreams, "http://127.0.0.1:1/v1").await, Err(Unanswered::NoConnection(_))));
        let (address, _) = server(0).await;
        assert!(matches!(ask(&upstreams, &address).await, Err(Unanswered::Broken(_))));
        assert!(matches!(ask(&upstreams, "/v1").await, Err(Unanswered::NoConnection(_))));
    }
}
