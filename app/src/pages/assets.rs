//! Files embedded in the binary: style sheet, browser half, widget, icon.

use super::asked::Query;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hypercare::server::App;
use rust_embed::RustEmbed;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "$HYPERCARE_SITE_DIR"]
struct Site;

/// Changes with the style sheet and the browser half: part of their addresses, so that they can be kept for ever.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut version = String::new();
    for name in ["pkg/hypercare.css", "pkg/hypercare_bg.wasm"] {
        if let Some(file) = Site::get(name) {
            version.push_str(&short_hash(&file.metadata.sha256_hash()));
        }
    }
    version
});

/// Whether the browser half is there; without it pages work as with JavaScript off.
pub fn has_scripts() -> bool {
    Site::get("pkg/hypercare.js").is_some()
}

fn short_hash(hash: &[u8]) -> String {
    hash.iter().take(6).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

fn file(name: &str, headers: &HeaderMap, versioned: bool) -> Response {
    let Some(found) = Site::get(name).filter(|_| std::path::Path::new(name).extension().is_none_or(|extension| extension != "br")) else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    let tag = format!("\"{}\"", short_hash(&found.metadata.sha256_hash()));
    let accepts_brotli =
        headers.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).is_some_and(|v| v.split(',').any(|e| e.trim().starts_with("br")));
    let packed = if accepts_brotli { Site::get(&format!("{name}.br")) } else { None };
    let same = headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|v| v == tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else if let Some(packed) = packed {
        ([(CONTENT_ENCODING, "br")], Body::from(packed.data.into_owned())).into_response()
    } else {
        Body::from(found.data.into_owned()).into_response()
    };
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static(if versioned { "public, max-age=31536000, immutable" } else { "public, no-cache" }));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(ETAG, tag);
    }
    response
}

async fn package(Path(name): Path<String>, Query(query): Query<HashMap<String, String>>, headers: HeaderMap) -> Response {
    file(&format!("pkg/{name}"), &headers, query.contains_key("v"))
}

/// Applications load these from their own pages.
fn open_to_pages(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn widget(headers: HeaderMap) -> Response {
    open_to_pages(file("widget.js", &headers, false))
}

async fn survey(headers: HeaderMap) -> Response {
    open_to_pages(file("survey.js", &headers, false))
}

/// The widget's words in a language: `de.json`.
async fn widget_words(Path(name): Path<String>, headers: HeaderMap) -> Response {
    open_to_pages(file(&format!("widget/{name}"), &headers, false))
}

async fn icon(headers: HeaderMap) -> Response {
    file("favicon.svg", &headers, false)
}

/// The files.
pub fn router() -> Router<App> {
    Router::new()
        .route("/pkg/{*name}", get(package))
        .route("/widget.js", get(widget))
        .route("/survey.js", get(survey))
        .route("/widget/{name}", get(widget_words))
        .route("/favicon.svg", get(icon))
        .route("/favicon.ico", get(icon))
}
