//! The threads that calls run on.
//!
//! One thread with a runtime of its own for each processor, a lane. A connection stays on its lane, and so do the connections to providers its calls use: a call
//! is never moved between processors, and never wakes a second thread to look for work that is not there (with a runtime shared by all threads that was
//! two futile switches a call, more processor time than the gateway itself takes). Everything but calls is handed to the shared runtime, so that a page
//! that takes long, or the log's writer, never stands in a call's way. See docs/adr/0006-calls-run-in-lanes.md.

use super::patience::{Head, Watched, close_overdue};
use super::{App, api};
use crate::gateway::{self, Gateway, Joined, round};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{BoxError, Router};
use futures_util::FutureExt as _;
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

/// How long the last answers may take after the server was told to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(20);
/// After a failure to accept (too many open files, say) others may close meanwhile.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A lane always has a timer that is due this soon. A runtime that sleeps until a later one (or none) interrupts its own sleep for every timeout that is set
/// meanwhile: two system calls a call. Timeouts of calls are longer than this.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// A connection on its way to a lane.
struct Arrived {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    /// Counts the lane's connections by its clones.
    place: Arc<()>,
}

/// The accepting side of a lane.
struct Lane {
    connections: mpsc::UnboundedSender<Arrived>,
    places: Arc<()>,
    ended: oneshot::Receiver<()>,
}

/// Serves until the app is told to stop and the last answers are given; answers that take too long then are cut.
pub async fn serve(app: &App, listener: TcpListener, pages: Router<App>) -> io::Result<()> {
    let shared = api::router(app.clone(), pages);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let lanes = (0..processors).map(|number| open_lane(number, app, &shared)).collect::<io::Result<Vec<_>>>()?;
    tokio::select! {
        () = accept(&listener, &lanes) => {}
        () = app.stopping() => {}
    }
    // Nobody new; the lanes see that no more connections come and finish those they have.
    drop(listener);
    let finished = async {
        for lane in lanes {
            drop(lane.connections);
            let _ = lane.ended.await;
        }
    };
    if tokio::time::timeout(LAST_ANSWERS, finished).await.is_err() {
        tracing::warn!("some answers were still running and are cut");
    }
    Ok(())
}

async fn accept(listener: &TcpListener, lanes: &[Lane]) {
    loop {
        let accepted = listener.accept().await.and_then(|(stream, peer)| {
            // Small writes go out at once: tokens must not wait for an acknowledgement (Nagle's algorithm).
            stream.set_nodelay(true)?;
            Ok((stream.into_std()?, peer))
        });
        match accepted {
            Ok((stream, peer)) => {
                // The emptiest lane.
                if let Some(lane) = lanes.iter().min_by_key(|lane| Arc::strong_count(&lane.places)) {
                    let _ = lane.connections.send(Arrived { stream, peer, place: lane.places.clone() });
                }
            }
            Err(e) => {
                tracing::warn!(error = %e, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn open_lane(number: usize, app: &App, shared: &Router) -> io::Result<Lane> {
    let (connections, arrivals) = mpsc::unbounded_channel();
    let (end, ended) = oneshot::channel();
    let elsewhere = Elsewhere { runtime: Handle::current(), router: shared.clone() };
    let (app, gateway) = (app.clone(), Gateway::new(app.clone()));
    let calls = gateway::http::calls().with_state(gateway.clone()).fallback_service(axum::routing::any(hand_over).with_state(elsewhere));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(format!("calls-{number}")).spawn(move || {
        runtime.block_on(run_lane(arrivals, app, gateway, calls));
        let _ = end.send(());
    })?;
    Ok(Lane { connections, places: Arc::new(()), ended })
}

async fn run_lane(mut arrivals: mpsc::UnboundedReceiver<Arrived>, app: App, gateway: Gateway, router: Router) {
    let open = GracefulShutdown::new();
    tokio::spawn(async {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            heartbeat.tick().await;
        }
    });
    let (opened, connections) = mpsc::unbounded_channel();
    tokio::spawn(close_overdue(connections, app.settings().request_idle));
    while let Some(Arrived { stream, peer, place }) = arrivals.recv().await {
        let Ok(stream) = TcpStream::from_std(stream) else { continue };
        let (gateway, router) = (gateway.clone(), router.clone());
        let head = Head::new();
        let (of_calls, of_connection) = (head.clone(), Arc::downgrade(&head));
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            of_calls.called();
            let head = of_calls.clone();
            let answer = match gateway::http::direct(&gateway, peer, request) {
                Ok(call) => Either::Left(call.map(Ok)),
                Err(mut request) => {
                    request.extensions_mut().insert(ConnectInfo(peer));
                    Either::Right(router.clone().oneshot(request.map(Body::new)))
                }
            };
            answer.inspect(move |_| head.answered())
        });
        let (watcher, stopping) = (open.watcher(), app.stopping());
        let task = tokio::spawn(async move {
            let first = tokio::select! {
                first = speaks_http2(&stream) => first.map_err(Into::into),
                () = stopping => return,
            };
            let served = match first {
                Ok(false) => {
                    let connection = http1::Builder::new().serve_connection(Joined(TokioIo::new(Watched { stream, head })), service);
                    let mut served = pin!(watcher.watch(connection));
                    poll_fn(|context| round(|| served.as_mut().poll(context))).await.map_err(Into::into)
                }
                Ok(true) => {
                    let server = http2::Builder::new(TokioExecutor::new());
                    // In a box: few speak it, and all would be given the room for it.
                    Box::pin(watcher.watch(server.serve_connection(TokioIo::new(stream), service))).await.map_err(Into::into)
                }
                Err(e) => Err(e),
            };
            // A connection that breaks is the caller's business; what it asked for is in the log.
            if let Err::<(), BoxError>(e) = served {
                tracing::debug!(error = %e, "a connection broke");
            }
            drop(place);
        });
        let _ = opened.send((of_connection, task.abort_handle()));
    }
    open.shutdown().await;
}

/// Whether the other side begins as HTTP/2 does (RFC 9113, section 3.4), told without taking anything off the stream. Until then a connection takes next to no
/// memory, and when its first bytes are read they all come at once, into a buffer that does not have to grow.
async fn speaks_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; 4];
    let n = stream.peek(&mut first).await?;
    Ok(first[..n] == *b"PRI ")
}

/// Where everything but calls runs.
#[derive(Clone)]
struct Elsewhere {
    runtime: Handle,
    router: Router,
}

async fn hand_over(State(elsewhere): State<Elsewhere>, request: Request) -> Result<Response, Infallible> {
    let answer = elsewhere.runtime.spawn(elsewhere.router.oneshot(request));
    Ok(AbortOnDropHandle::new(answer).await.map_or_else(
        |e| {
            tracing::error!(error = %e, "a handler panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        },
        |answered| answered.unwrap_or_else(|never| match never {}),
    ))
}
