//! SQL of the channels that feedback comes in by.

use crate::feedback::service::intake::Channel;
use crate::store::{Db, Tx, sql};
use crate::types::{Duration, Instant};
use sqlx::types::Json;
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A channel as it is kept.
#[derive(sqlx::FromRow)]
pub struct ChannelRow {
    pub name: String,
    pub label: String,
    pub secret_sealed: Option<Vec<u8>>,
    pub mapping: Json<BTreeMap<String, String>>,
    pub created_at: Instant,
}

impl ChannelRow {
    /// Without its secret.
    pub fn channel(&self) -> Channel {
        Channel {
            name: self.name.clone(),
            label: self.label.clone(),
            signed: self.secret_sealed.is_some(),
            mapping: self.mapping.0.clone(),
            created_at: self.created_at,
        }
    }
}

pub async fn list(db: &Db) -> Result<Vec<ChannelRow>> {
    sql!(db.read(), fetch_all::<ChannelRow>, "SELECT name, label, secret_sealed, mapping, created_at FROM intake_channels ORDER BY name")
}

pub async fn get(db: &Db, name: &str) -> Result<Option<ChannelRow>> {
    const SQL: &str = "SELECT name, label, secret_sealed, mapping, created_at FROM intake_channels WHERE name = $1";
    sql!(db.read(), fetch_optional::<ChannelRow>, SQL, name)
}

pub async fn put(tx: &mut Tx, row: &ChannelRow) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO intake_channels (name, label, secret_sealed, mapping, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET label = excluded.label, secret_sealed = excluded.secret_sealed, mapping = excluded.mapping",
        &row.name,
        &row.label,
        row.secret_sealed.as_deref(),
        Json(&row.mapping.0),
        row.created_at
    )?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, name: &str) -> Result<()> {
    sql!(tx.on(), execute, "DELETE FROM intake_channels WHERE name = $1", name)?;
    Ok(())
}

/// Whether a delivery of that id was taken within a day.
pub async fn was_taken(db: &Db, id: &str) -> Result<bool> {
    Ok(sql!(db.read(), fetch_optional::<(String,)>, "SELECT id FROM intake_deliveries WHERE id = $1", id)?.is_some())
}

/// Remembers that it was.
pub async fn was_taken_now(db: &Db, id: &str, now: Instant) -> Result<()> {
    sql!(db.write(), execute, "DELETE FROM intake_deliveries WHERE at < $1", now.minus(Duration::DAY))?;
    sql!(db.write(), execute, "INSERT INTO intake_deliveries (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, now)?;
    Ok(())
}
