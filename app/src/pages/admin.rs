//! The admin pages: connect an app, providers, models, keys, people, audit.

mod audit;
mod channels;
mod connect;
mod keys;
mod models;
mod people;
mod providers;

use axum::Router;
use hypercare::server::App;

/// All of them.
pub fn router() -> Router<App> {
    Router::new()
        .merge(connect::router())
        .merge(providers::router())
        .merge(models::router())
        .merge(keys::router())
        .merge(people::router())
        .merge(channels::router())
        .merge(audit::router())
}
