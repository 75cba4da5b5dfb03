//! One story, two databases: every store test runs on both engines.

use super::Db;
use crate::types::Id;
use sqlx::Executor as _;

/// A database of its own for one test, gone (`SQLite`) or left to the throw-away server (`PostgreSQL`) afterwards.
pub struct TestDb {
    /// The migrated database.
    pub db: Db,
    _dir: Option<tempfile::TempDir>,
}

/// The databases at hand: always `SQLite`; `PostgreSQL` when `HYPERCARE_TEST_POSTGRES` names a server (`cargo xtask test` starts one).
pub async fn databases() -> Vec<TestDb> {
    let dir = tempfile::tempdir().expect("temporary folder");
    let url = format!("sqlite://{}", dir.path().join("test.db").display());
    let mut all = vec![TestDb { db: Db::open(&url).await.expect("SQLite"), _dir: Some(dir) }];
    if let Ok(server) = std::env::var("HYPERCARE_TEST_POSTGRES") {
        all.push(TestDb { db: postgres(&server).await, _dir: None });
    }
    all
}

async fn postgres(server: &str) -> Db {
    let name = format!("t{}", Id::new().as_str().replace('-', ""));
    let Db::Postgres(admin) = Db::connect(server).await.expect("PostgreSQL") else { panic!("HYPERCARE_TEST_POSTGRES is not PostgreSQL") };
    admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("create database");
    admin.close().await;
    let (base, query) = server.split_once('?').map_or((server, String::new()), |(base, query)| (base, format!("?{query}")));
    let (root, _) = base.rsplit_once('/').expect("a database name in HYPERCARE_TEST_POSTGRES");
    Db::open(&format!("{root}/{name}{query}")).await.expect("PostgreSQL database")
}
