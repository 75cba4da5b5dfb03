//! Keeps other sites from acting with a person's cookie.
//!
//! Browsers say where a request comes from (`Sec-Fetch-Site`, else `Origin`); a changing request from elsewhere is refused. This is the scheme of Go's
//! `http.CrossOriginProtection`: it needs no token in forms. Requests without a cookie (keys, tokens) carry their own authority and pass.

use super::{ApiError, App};
use crate::identity::http::{COOKIE, cookie};
use crate::types::Fault;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The layer.
pub async fn same_site_only(State(app): State<App>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let login = matches!(request.uri().path(), "/login" | "/setup" | "/api/v1/login");
    // What is said behind a link with a token is said with the token, whoever happens to be signed in. That page sends no referrer, so where browsers do
    // not send `Sec-Fetch-Site` (plain HTTP) its forms come with `Origin: null`.
    let by_token = request.uri().path().starts_with("/f/");
    let by_cookie = login || (!by_token && cookie(request.headers(), COOKIE).is_some());
    if !safe && by_cookie && !from_here(request.headers(), &app.settings().public_url()) {
        let why = "This form was sent from another site. Please open the page here and try again.";
        return ApiError(Fault::Forbidden(why.to_owned())).into_response();
    }
    next.run(request).await
}

fn from_here(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return true,
        Some(_) => return false,
        None => {}
    }
    // Neither header: not a browser of this decade, so nobody's cookie is being abused.
    let Some(origin) = text(ORIGIN.as_str()) else { return true };
    origin == public_url || origin.split_once("://").is_some_and(|(_, host)| Some(host) == text(HOST.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect()
    }

    #[test]
    fn only_our_own_pages_may_post() {
        let url = "https://ai.example.org";
        assert!(from_here(&headers(&[("sec-fetch-site", "same-origin")]), url));
        assert!(!from_here(&headers(&[("sec-fetch-site", "cross-site"), ("origin", "https://ai.example.org")]), url));
        assert!(!from_here(&headers(&[("sec-fetch-site", "same-site")]), url));
        assert!(from_here(&headers(&[("origin", "https://ai.example.org"), ("host", "internal")]), url));
        assert!(!from_here(&headers(&[("origin", "https://evil.example"), ("host", "ai.example.org")]), url));
        assert!(!from_here(&headers(&[("origin", "null"), ("host", "ai.example.org")]), url));
        assert!(from_here(&headers(&[]), url));
    }
}
