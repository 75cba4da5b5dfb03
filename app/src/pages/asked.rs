//! What comes with a request for a page. What cannot be read is answered with a page in plain words, which says of which field.

use super::shell::{Ctx, Look, document, log_and_status};
use super::sign_in::panel;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::Response;
use hypercare::server::{App, MAX_BODY, pairs, whole_body};
use hypercare::types::Fault;
use leptos::prelude::*;
use serde::de::DeserializeOwned;

const UNREADABLE: &str = "This could not be read";

/// What stands behind the `?` of a page's address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match pairs(parts.uri.query().unwrap_or_default().as_bytes()) {
            Ok(asked) => Ok(Self(asked)),
            Err(fault) => Err(refused(parts, app, &fault).await),
        }
    }
}

/// What somebody filled in.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<App> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        match read_form(&parts, body).await {
            Ok(typed) => Ok(Self(typed)),
            Err(fault) => Err(refused(&mut parts, app, &fault).await),
        }
    }
}

/// The fields of a form, for who answers in words of their own when they do not come.
pub async fn read_form<T: DeserializeOwned>(parts: &Parts, body: axum::body::Body) -> Result<T, Fault> {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Fault::field("form", "was not sent as browsers send forms"));
    }
    let bytes = whole_body(body, MAX_BODY).await.map_err(|fault| match fault {
        Fault::Invalid(mut fields) => Fault::field("form", fields.remove("body").unwrap_or_default()),
        other => other,
    })?;
    pairs(&bytes)
}

/// The page for somebody whose request could not be read; who is signed in keeps the navigation.
async fn refused(parts: &mut Parts, app: &App, fault: &Fault) -> Response {
    let (status, words) = (log_and_status(fault), fault.to_string());
    let said = move || {
        view! { <section class="card stack"><p>{words}</p><p>"Nothing was changed. Go back, and what you typed is still there."</p></section> }.into_any()
    };
    match Ctx::from_request_parts(parts, app).await {
        Ok(ctx) => {
            let body = move || view! { <div class="page-head"><h1>{UNREADABLE}</h1></div>{said()} }.into_any();
            ctx.page_with(status, UNREADABLE, "", Box::new(body))
        }
        Err(_) => document(status, UNREADABLE, &Look::of(parts), Box::new(move || panel(UNREADABLE, said()))),
    }
}
