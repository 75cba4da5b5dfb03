//! The bare proxy: the same HTTP libraries as the gateway's, and nothing but forwarding. What the gateway costs is measured against it.

use super::serve_until_orphaned;
use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use axum::http::uri::{Authority, Scheme};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use clap::Args;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Where to forward to.
#[derive(Args)]
pub struct Options {
    /// Host and port of the upstream
    upstream: Authority,
}

#[derive(Clone)]
struct Forward {
    client: Client<HttpConnector, Body>,
    upstream: Authority,
}

/// Serves until the program that started it is gone.
pub fn serve(options: &Options) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    serve_until_orphaned(
        tokio::runtime::Builder::new_multi_thread(),
        Router::new().fallback(forward).with_state(Forward { client, upstream: options.upstream.clone() }),
    )
}

/// Sends the request on and the answer back; both bodies pass through unread.
async fn forward(State(forward): State<Forward>, mut request: Request) -> Response {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(forward.upstream);
    let Ok(uri) = Uri::from_parts(parts) else { return StatusCode::BAD_REQUEST.into_response() };
    *request.uri_mut() = uri;
    request.headers_mut().remove(HOST);
    request.headers_mut().remove(CONNECTION);
    match forward.client.request(request).await {
        Ok(mut response) => {
            response.headers_mut().remove(CONNECTION);
            response.headers_mut().remove(TRANSFER_ENCODING);
            response.map(Body::new)
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
