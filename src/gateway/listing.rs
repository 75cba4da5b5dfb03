//! Gemini's streams as a JSON list that arrives element by element: how Google answers `streamGenerateContent` to whoever does not ask for events
//! (`alt=sse`). Source: <https://cloud.google.com/apis/docs/system-parameters>, parameter `alt`.

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use futures_util::{StreamExt as _, stream};
use hypercare_wire::sse::Decoder;

/// A stream of events as a list; any other answer as it is.
pub(super) fn listed(response: Response<Body>) -> Response<Body> {
    let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let listing = Listing { events: Some(body.into_data_stream()), decoder: Decoder::new(), any: false };
    let body = stream::unfold(listing, |mut listing| async move { Some((listing.next().await?, listing)) });
    Response::from_parts(parts, Body::from_stream(body))
}

struct Listing {
    /// None when all was said.
    events: Option<BodyDataStream>,
    decoder: Decoder,
    /// Whether the list has begun.
    any: bool,
}

impl Listing {
    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        let piece = match self.events.as_mut()?.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(e)) => return Some(Err(e)),
            None => {
                self.events = None;
                return Some(Ok(Bytes::from_static(if self.any { b"\n]" } else { b"[]" })));
            }
        };
        self.decoder.push(&piece);
        let mut out = Vec::with_capacity(piece.len());
        loop {
            match self.decoder.next_event() {
                Ok(Some(event)) if event.data.is_empty() => {}
                Ok(Some(event)) => {
                    out.extend_from_slice(if self.any { b",\r\n" } else { b"[" });
                    out.extend_from_slice(&event.data);
                    self.any = true;
                }
                Ok(None) => break,
                Err(e) => return Some(Err(axum::Error::new(e))),
            }
        }
        // What keeps a stream awake is white space in a list.
        Some(Ok(if out.is_empty() { Bytes::from_static(b"\n") } else { out.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn list(pieces: &[&'static str]) -> String {
        let body = Body::from_stream(stream::iter(pieces.to_vec()).map(|piece| Ok::<_, axum::Error>(Bytes::from(piece))));
        let response = Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).expect("a response");
        let body = axum::body::to_bytes(listed(response).into_body(), usize::MAX).await.expect("a body");
        String::from_utf8(body.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn events_become_elements_wherever_they_are_cut() {
        let read = async |pieces: &[&'static str]| serde_json::from_str::<serde_json::Value>(&list(pieces).await).expect("JSON");
        let both = serde_json::json!([{ "a": 1 }, { "b": 2 }]);
        assert_eq!(read(&["data: {\"a\":1}\n\ndata: {\"b\":2}\n\n"]).await, both);
        assert_eq!(read(&["data: {\"a\"", ":1}\r\n\r\n: ping\n\nda", "ta: {\"b\":2}\n\n"]).await, both);
        assert_eq!(read(&[]).await, serde_json::json!([]));
    }
}
