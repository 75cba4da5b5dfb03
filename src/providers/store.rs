//! SQL of providers.

use super::model::{ProviderKind, Timeouts};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProviderRow {
    pub id: Id,
    pub name: String,
    pub kind: ProviderKind,
    pub preset: Option<String>,
    pub base_url: String,
    pub keys_sealed: Vec<u8>,
    pub key_hints: Json<Vec<String>>,
    pub timeouts: Json<Timeouts>,
    pub max_in_flight: i64,
    pub sample: bool,
    pub draining: bool,
    pub responses_api: bool,
    pub updated_at: Instant,
}

pub async fn all(db: &Db) -> Result<Vec<ProviderRow>> {
    sql!(
        db.read(),
        fetch_all::<ProviderRow>,
        "SELECT id, name, kind, preset, base_url, keys_sealed, key_hints, timeouts, max_in_flight, sample, draining, responses_api, updated_at FROM providers ORDER BY name"
    )
}

pub async fn by_name(tx: &mut Tx, name: &str) -> Result<Option<ProviderRow>> {
    sql!(
        tx.on(),
        fetch_optional::<ProviderRow>,
        "SELECT id, name, kind, preset, base_url, keys_sealed, key_hints, timeouts, max_in_flight, sample, draining, responses_api, updated_at FROM providers WHERE name = $1",
        name
    )
}

pub async fn upsert(tx: &mut Tx, row: &ProviderRow) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO providers (id, name, kind, preset, base_url, keys_sealed, key_hints, timeouts, max_in_flight, sample, draining,
           responses_api, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, preset = excluded.preset, base_url = excluded.base_url, keys_sealed = excluded.keys_sealed,
           key_hints = excluded.key_hints, timeouts = excluded.timeouts, max_in_flight = excluded.max_in_flight, sample = excluded.sample,
           draining = excluded.draining, responses_api = excluded.responses_api,
           updated_at = excluded.updated_at",
        &row.id,
        &row.name,
        row.kind,
        &row.preset,
        &row.base_url,
        &row.keys_sealed,
        &row.key_hints,
        &row.timeouts,
        row.max_in_flight,
        row.sample,
        row.draining,
        row.responses_api,
        row.updated_at
    )?;
    Ok(())
}
