//! Servers on the same database, and whether each has the newest configuration in force.

use super::App;
use crate::identity::Actor;
use crate::identity::model::Permission;
use crate::identity::store;
use crate::types::{Duration, Fault, Instant};
use serde::Serialize;

/// Who has not been heard of for so long is gone.
const GONE: Duration = Duration(20_000_000);

/// A server on this database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Replica {
    /// Its name, new at every start.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// The configuration it has in force.
    pub version: i64,
    /// When it started.
    pub started_at: Instant,
    /// When it was last heard of.
    pub seen_at: Instant,
}

/// All servers there are, and the configuration they should have in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replicas {
    /// The newest configuration.
    pub version: i64,
    /// The servers, the oldest first.
    pub items: Vec<Replica>,
}

impl Replicas {
    /// How many have the newest configuration in force.
    pub fn in_force(&self) -> usize {
        self.items.iter().filter(|replica| replica.version >= self.version).count()
    }
}

/// Says which configuration is in force here.
pub(super) async fn tell(app: &App, version: i64) -> Result<(), Fault> {
    let now = app.now();
    let here = Replica {
        name: app.replica().to_owned(),
        address: app.settings().listen.to_string(),
        version,
        started_at: app.started_at(),
        seen_at: now,
    };
    Ok(store::put_replica(app.db(), &here, now.minus(Duration::HOUR)).await?)
}

/// The servers there are.
pub async fn list(app: &App, actor: &Actor) -> Result<Replicas, Fault> {
    actor.require(Permission::ReadConfig)?;
    let version = store::config_version(app.db()).await?;
    let mut items = store::replicas(app.db(), app.now().minus(GONE)).await?;
    for here in items.iter_mut().filter(|replica| replica.name == app.replica()) {
        // What the table says of this one may be half a second old.
        here.version = app.snapshot().version();
    }
    Ok(Replicas { version, items })
}
