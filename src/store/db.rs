//! Pools and transactions.

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Postgres, Sqlite, Transaction};
use std::str::FromStr;
use std::time::Duration;

/// Bytes of a database file that readers map: the most `SQLite` allows unless compiled otherwise.
const MAPPED: &str = "2147418112";

/// Something that exists once per database dialect.
#[derive(Debug)]
pub enum Side<S, P> {
    /// For `SQLite`.
    Sqlite(S),
    /// For `PostgreSQL`.
    Postgres(P),
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// An `SQLite` file: readers never wait for the writer, writers take turns.
    Sqlite {
        /// Many connections that only read.
        read: SqlitePool,
        /// The one connection that writes.
        write: SqlitePool,
    },
    /// A `PostgreSQL` server.
    Postgres(PgPool),
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is not one of ours.
    #[error("database address must begin with sqlite:// or postgres://, not `{0}`")]
    Scheme(String),
    /// It does not open.
    #[error("cannot open the database: {0}")]
    Open(#[source] sqlx::Error),
    /// Its tables were made by other migrations of the same number.
    #[error(
        "this database was made by another build, before the first release, and its tables differ: move it away and start with a new one"
    )]
    OtherLayout,
    /// A migration failed.
    #[error("cannot bring the database up to date: {0}")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

impl Db {
    /// Opens `url` (`sqlite://path` or `postgres://…`), making an `SQLite` file when it is missing, and applies pending migrations.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let db = Self::connect(url).await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Opens without migrating.
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        if url.starts_with("sqlite:") {
            Self::open_sqlite(url).await.map_err(OpenError::Open)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(5)).connect(url).await;
            pool.map(Self::Postgres).map_err(OpenError::Open)
        } else {
            Err(OpenError::Scheme(url.split("://").next().unwrap_or_default().to_owned()))
        }
    }

    async fn open_sqlite(url: &str) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: what we have acknowledged (feedback above all) survives a power cut, not only a crash of ours.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // Set when the file is made; later it stays as it was.
            .page_size(8_192)
            .busy_timeout(Duration::from_secs(5));
        // The log writes large transactions: a cache that holds one (64 MiB), and a write-ahead log that is folded in every 32 MiB.
        let writing = options.clone().pragma("cache_size", "-65536").pragma("wal_autocheckpoint", "4000");
        let write = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(30)).connect_with(writing).await?;
        // What a reader keeps in its own cache is void as soon as the log is written, ten times a second: it reads pages where the system keeps them.
        let reading = options.read_only(true).create_if_missing(false).pragma("mmap_size", MAPPED);
        let read = SqlitePoolOptions::new().max_connections(8).connect_with(reading).await?;
        Ok(Self::Sqlite { read, write })
    }

    /// Applies pending migrations.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        match self {
            Self::Sqlite { write, .. } => sqlx::migrate!("migrations/sqlite").run(write).await,
            Self::Postgres(pool) => sqlx::migrate!("migrations/postgres").run(pool).await,
        }
        .map_err(|e| match e {
            sqlx::migrate::MigrateError::VersionMismatch(_) => OpenError::OtherLayout,
            other => OpenError::Migrate(other),
        })
    }

    /// For statements that only read.
    pub fn read(&self) -> Side<&SqlitePool, &PgPool> {
        match self {
            Self::Sqlite { read, .. } => Side::Sqlite(read),
            Self::Postgres(pool) => Side::Postgres(pool),
        }
    }

    /// For one statement that writes. More than one belong into [`Db::begin`].
    pub fn write(&self) -> Side<&SqlitePool, &PgPool> {
        match self {
            Self::Sqlite { write, .. } => Side::Sqlite(write),
            Self::Postgres(pool) => Side::Postgres(pool),
        }
    }

    /// Begins a transaction that may write.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(match self {
            // IMMEDIATE: takes its turn at once. A transaction that began by reading could not wait for another process that writes meanwhile.
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// The dialect's name, for logs and the system page.
    pub const fn dialect(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// Closes all connections; `SQLite` folds its write-ahead log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropped without [`Tx::commit`] it is rolled back.
#[derive(Debug)]
pub enum Tx {
    /// On `SQLite`.
    Sqlite(Transaction<'static, Sqlite>),
    /// On `PostgreSQL`.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// For the statements of this transaction.
    pub fn on(&mut self) -> Side<&mut SqliteConnection, &mut PgConnection> {
        match self {
            Self::Sqlite(tx) => Side::Sqlite(&mut *tx),
            Self::Postgres(tx) => Side::Postgres(&mut *tx),
        }
    }

    /// Makes it all true at once.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_of_another_layout_is_refused_in_plain_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("old.db").display());
        let db = Db::open(&url).await.expect("a new database");
        let Db::Sqlite { write, .. } = &db else { panic!("SQLite") };
        sqlx::query("UPDATE _sqlx_migrations SET checksum = x'00'").execute(write).await.expect("changed");
        db.close().await;
        let refused = Db::open(&url).await.expect_err("refused");
        assert!(refused.to_string().contains("move it away"), "{refused}");
    }
}
