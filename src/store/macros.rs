//! The `sql!` macro.

/// Runs one SQL text on whichever database is behind `$on` (what [`Db::read`](super::Db::read), [`Db::write`](super::Db::write) or [`Tx::on`](super::Tx::on)
/// give) with its native driver:
///
/// - `sql!(db.read(), fetch_all::<Row>, "SELECT … WHERE a = $1", a)` → `Result<Vec<Row>, sqlx::Error>`; also `fetch_optional`, `fetch_one`.
/// - `sql!(tx.on(), execute, "UPDATE …", a, b)` → `Result<u64, sqlx::Error>`: the rows touched.
macro_rules! sql {
    ($on:expr, execute, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $on {
            $crate::store::Side::Sqlite(on) => sqlx::query::<sqlx::Sqlite>($sql)$(.bind($bind))*.execute(on).await.map(|done| done.rows_affected()),
            $crate::store::Side::Postgres(on) => sqlx::query::<sqlx::Postgres>($sql)$(.bind($bind))*.execute(on).await.map(|done| done.rows_affected()),
        }
    };
    ($on:expr, $fetch:ident :: <$row:ty>, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $on {
            $crate::store::Side::Sqlite(on) => sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind($bind))*.$fetch(on).await,
            $crate::store::Side::Postgres(on) => sqlx::query_as::<sqlx::Postgres, $row>($sql)$(.bind($bind))*.$fetch(on).await,
        }
    };
}

pub(crate) use sql;
