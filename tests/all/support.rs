//! What every story needs: a server, a provider that does as it is told, and a database.

pub mod place;
pub mod server;
pub mod upstream;

pub use place::{Place, places};
pub use server::{ADMIN, APP, PASSWORD, Server, eventually};
pub use upstream::{Say, Upstream};
