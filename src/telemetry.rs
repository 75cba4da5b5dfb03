//! The request log, roll-ups, and the live feed.
//!
//! A finished call hands one `CallRecord` to a bounded queue. The packer (`jobs`) reads tokens and text off the bodies (off the hot path) and packs them; the
//! writer inserts what is packed and adds it to the roll-ups; while the database is away it puts it into spool files and brings them in later.

#[cfg(feature = "server")]
mod batch;
#[cfg(feature = "server")]
mod block;
#[cfg(feature = "server")]
mod counters;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub(crate) mod jobs;
#[cfg(feature = "server")]
mod kind;
#[cfg(feature = "server")]
mod live;
pub mod model;
#[cfg(feature = "server")]
pub(crate) mod prometheus;
#[cfg(feature = "server")]
mod record;
#[cfg(feature = "server")]
mod rollup;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
mod spool;
#[cfg(feature = "server")]
pub(crate) mod store;

#[cfg(feature = "server")]
pub use self::live::{LiveEvent, LiveFeed};
#[cfg(feature = "server")]
pub(crate) use self::service::turn;
#[cfg(feature = "server")]
pub(crate) use self::{
    counters::Counters,
    kind::Names,
    record::{CallRecord, Captured, LogQueue, Tried},
    spool::Spool,
};
