//! Where a server under test keeps its data.

use hypercare::config::Settings;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// A folder and a database of its own; the folder goes away with it and the last server on it.
pub struct Place {
    pub dir: Arc<TempDir>,
    /// `None`: an `SQLite` file in the folder.
    pub postgres: Option<Postgres>,
}

/// A database on the server of `HYPERCARE_TEST_POSTGRES`.
#[derive(Clone)]
pub struct Postgres {
    pub server: String,
    pub name: String,
}

impl Postgres {
    async fn make(server: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("story_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = Self { server, name };
        made.admin(&format!("DROP DATABASE IF EXISTS {0} WITH (FORCE)", made.name)).await;
        made.admin(&format!("CREATE DATABASE {}", made.name)).await;
        made
    }

    /// Runs a statement beside the database, on the server's own one.
    pub async fn admin(&self, sql: &str) {
        let mut admin = PgConnection::connect(&self.server).await.expect("HYPERCARE_TEST_POSTGRES answers");
        admin.execute(AssertSqlSafe(sql.to_owned())).await.expect("statement of the administrator");
    }

    /// The address of the database.
    pub fn url(&self) -> String {
        let (base, query) = self.server.split_once('?').map_or((&*self.server, String::new()), |(base, query)| (base, format!("?{query}")));
        let (root, _) = base.rsplit_once('/').expect("a database name in HYPERCARE_TEST_POSTGRES");
        format!("{root}/{}{query}", self.name)
    }

    /// Cuts every connection and lets no new one in.
    pub async fn take_away(&self) {
        self.admin(&format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", self.name)).await;
        self.admin(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", self.name)).await;
    }

    /// Undoes [`Postgres::take_away`].
    pub async fn bring_back(&self) {
        self.admin(&format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", self.name)).await;
    }
}

impl Place {
    pub fn sqlite() -> Self {
        Self { dir: Arc::new(tempfile::tempdir().expect("temporary folder")), postgres: None }
    }

    pub fn settings(&self) -> Settings {
        let mut settings = Settings::in_folder(self.dir.path());
        if let Some(postgres) = &self.postgres {
            settings.database_url = postgres.url();
        }
        settings
    }

    /// Settings of another replica: a folder of its own, the same database and master key.
    pub fn settings_of_replica(&self, folder: &TempDir) -> Settings {
        std::fs::copy(self.dir.path().join("master.key"), folder.path().join("master.key")).expect("copy of the master key");
        let mut settings = Settings::in_folder(folder.path());
        settings.database_url = self.settings().database_url;
        settings
    }

    /// Runs a statement on the data, past the program.
    pub async fn tamper(&self, sql: &str) -> Result<(), String> {
        let url = self.settings().database_url;
        let done = if self.is_sqlite() {
            let mut db = sqlx::SqliteConnection::connect(&url).await.map_err(|e| e.to_string())?;
            db.execute(AssertSqlSafe(sql.to_owned())).await.map(drop)
        } else {
            let mut db = PgConnection::connect(&url).await.map_err(|e| e.to_string())?;
            db.execute(AssertSqlSafe(sql.to_owned())).await.map(drop)
        };
        done.map_err(|e| e.to_string())
    }

    pub fn is_sqlite(&self) -> bool {
        self.postgres.is_none()
    }
}

/// The databases at hand.
pub async fn places() -> Vec<Place> {
    let mut all = vec![Place::sqlite()];
    if let Ok(server) = std::env::var("HYPERCARE_TEST_POSTGRES") {
        all.push(Place { postgres: Some(Postgres::make(server).await), ..Place::sqlite() });
    }
    all
}
