//! The request log, roll-ups, and the live feed.
//!
//! A finished call is one `CallRecord`. At its end it is settled (tokens and text read off its bodies) and laid on a tray (`queue`), or, if settling
//! takes long, left to the packer (`jobs`), which empties the trays and compresses; the writer inserts what is packed and adds it to the roll-ups; while the
//! database is away it puts it into spool files and brings them in later.

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
mod queue;
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
    queue::LogQueue,
    record::{CallRecord, Captured, Tried},
    spool::Spool,
};
