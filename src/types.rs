//! The few value types every room shares: ids, instants, money, pages of a list, and the error a person is shown.
//!
//! Everything here compiles to WASM; nothing here does I/O.

mod fault;
mod id;
mod money;
mod page;
mod time;
mod words;

pub use fault::Fault;
pub use id::Id;
pub use money::Nanodollars;
pub use page::{Page, PageRequest};
pub use time::{Duration, Instant};
pub(crate) use words::word_enum;
