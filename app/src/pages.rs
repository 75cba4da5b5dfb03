//! The pages: axum handlers that extract, call a service, and render.

mod admin;
mod asked;
mod assets;
mod docs;
mod feedback;
mod fields;
mod hosted;
mod issues;
mod overview;
mod prompts;
mod requests;
mod routes;
mod shell;
mod sign_in;
mod surveys;
mod themes;

use axum::Router;
use hypercare::server::App;

/// All pages, forms and files of the control room.
pub fn router() -> Router<App> {
    Router::new()
        .merge(overview::router())
        .merge(requests::router())
        .merge(feedback::router())
        .merge(hosted::router())
        .merge(themes::router())
        .merge(surveys::router())
        .merge(issues::router())
        .merge(prompts::router())
        .merge(routes::router())
        .merge(admin::router())
        .merge(sign_in::router())
        .merge(assets::router())
        .merge(docs::router())
        .fallback(shell::no_such_page)
}
