//! What comes with a request, read so that what is wrong with it is said by the name of the field.

use super::{ApiError, App};
use crate::types::Fault;
use axum::body::Body as Stream;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

/// A JSON body whose errors name the field and are shaped like every other error.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// Largest body of the control plane and of feedback, and largest form of a page, in bytes.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        let bytes = whole_body(request.into_body(), MAX_BODY).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|e| ApiError(unreadable(&e)))
    }
}

/// What stands behind the `?` of an address of the API.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(Self(pairs(parts.uri.query().unwrap_or_default().as_bytes())?))
    }
}

/// All of a body of at most so many bytes.
pub async fn whole_body(body: Stream, most: usize) -> Result<Bytes, Fault> {
    match Limited::new(body, most).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(e) if e.is::<LengthLimitError>() => Err(Fault::field("body", format!("is longer than {most} bytes, the most that is taken"))),
        Err(e) => Err(Fault::field("body", format!("did not arrive whole: {e}"))),
    }
}

/// What is wrong with JSON, by the field it is about.
pub fn unreadable(error: &serde_json::Error) -> Fault {
    let why = error.to_string();
    // serde names the field between backticks; without one the body itself is not JSON.
    let field = quoted(&why).filter(|_| error.is_data()).unwrap_or("body").to_owned();
    Fault::field(&field, why)
}

/// Names and values as in a query or a form (`application/x-www-form-urlencoded`).
pub fn pairs<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    let read = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(form_urlencoded::parse(text)));
    read.map_err(|e: serde_path_to_error::Error<serde_urlencoded::de::Error>| {
        let (path, why) = (e.path().to_string(), e.inner().to_string());
        // Of a field that is missing or there twice, no path is known.
        let field = if path == "." { quoted(&why).unwrap_or("query") } else { &path };
        Fault::field(field, plain(&why))
    })
}

/// What serde and the standard library say of a value, in words for who typed it.
fn plain(why: &str) -> String {
    match why {
        "invalid digit found in string" | "cannot parse integer from empty string" => "is not a whole number".to_owned(),
        "number too large to fit in target type" => "is too large".to_owned(),
        "provided string was not `true` or `false`" => "is neither true nor false".to_owned(),
        _ if why.starts_with("missing field") => "is missing".to_owned(),
        _ if why.starts_with("duplicate field") => "is there twice".to_owned(),
        _ => why.to_owned(),
    }
}

/// What an error of serde names between backticks.
fn quoted(why: &str) -> Option<&str> {
    why.split('`').nth(1)
}

#[cfg(test)]
mod tests {
    use super::pairs;
    use crate::types::{Fault, PageRequest};
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Between {
        from: u32,
        again: Option<bool>,
    }

    fn wrong(read: Result<impl std::fmt::Debug, Fault>) -> Vec<(String, String)> {
        read.expect_err("does not hold").fields().into_iter().collect()
    }

    #[test]
    fn what_is_wrong_has_the_name_of_its_field() {
        assert_eq!(pairs::<PageRequest>(b"limit=7&cursor=a%20b").expect("read").cursor.as_deref(), Some("a b"));
        for (text, field, why) in [
            ("limit=many", "limit", "is not a whole number"),
            ("limit=-1", "limit", "is not a whole number"),
            ("limit=", "limit", "is not a whole number"),
            ("limit=99999999999", "limit", "is too large"),
            ("cursor=a&cursor=b", "cursor", "is there twice"),
        ] {
            assert_eq!(wrong(pairs::<PageRequest>(text.as_bytes())), [(field.to_owned(), why.to_owned())], "{text}");
        }
        assert_eq!(pairs::<Between>(b"from=3&again=true").expect("read"), Between { from: 3, again: Some(true) });
        assert_eq!(wrong(pairs::<Between>(b"to=3")), [("from".to_owned(), "is missing".to_owned())]);
        assert_eq!(wrong(pairs::<Between>(b"from=3&again=maybe")), [("again".to_owned(), "is neither true nor false".to_owned())]);
    }
}
