//! The database: pools, transactions, migrations, and the [`sql!`](crate::store::sql) macro.
//!
//! One SQL text, two native drivers. `SQLite` has one writer connection and many readers (WAL); `PostgreSQL` has one pool. Statements use `$1` placeholders
//! and what both dialects share; what they do not share has a named function here and nowhere else.

mod db;
mod macros;

pub use db::{Db, OpenError, Side, Tx};
pub(crate) use macros::sql;
