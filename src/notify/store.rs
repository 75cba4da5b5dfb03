//! SQL of channels and deliveries.

use super::model::{Channel, ChannelKind, Delivery};
use crate::store::{Db, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A channel as it is kept.
#[derive(sqlx::FromRow)]
pub struct ChannelRow {
    pub name: String,
    pub kind: ChannelKind,
    /// Of a webhook its URL, of e-mail the recipients with spaces between.
    pub address: String,
    pub secret_sealed: Option<Vec<u8>>,
    pub allow_private: bool,
    pub events: Json<Vec<String>>,
    pub disabled: Option<String>,
    pub created_at: Instant,
}

impl ChannelRow {
    /// Without its secret.
    pub fn channel(&self) -> Channel {
        let (url, to) = match self.kind {
            ChannelKind::Webhook => (self.address.clone(), Vec::new()),
            ChannelKind::Email => (String::new(), self.recipients()),
        };
        Channel {
            name: self.name.clone(),
            kind: self.kind,
            url,
            to,
            allow_private: self.allow_private,
            events: self.events.0.clone(),
            disabled: self.disabled.clone(),
            created_at: self.created_at,
        }
    }

    /// Of e-mail: who gets it.
    pub fn recipients(&self) -> Vec<String> {
        self.address.split_whitespace().map(str::to_owned).collect()
    }
}

pub async fn channels(db: &Db) -> Result<Vec<ChannelRow>> {
    const SQL: &str = "SELECT name, kind, address, secret_sealed, allow_private, events, disabled, created_at FROM channels ORDER BY name";
    sql!(db.read(), fetch_all::<ChannelRow>, SQL)
}

const ONE: &str = "SELECT name, kind, address, secret_sealed, allow_private, events, disabled, created_at FROM channels WHERE name = $1";

pub async fn channel(db: &Db, name: &str) -> Result<Option<ChannelRow>> {
    sql!(db.read(), fetch_optional::<ChannelRow>, ONE, name)
}

/// The same within a transaction.
pub async fn channel_in(tx: &mut Tx, name: &str) -> Result<Option<ChannelRow>> {
    sql!(tx.on(), fetch_optional::<ChannelRow>, ONE, name)
}

pub async fn put_channel(tx: &mut Tx, row: &ChannelRow) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO channels (name, kind, address, secret_sealed, allow_private, events, disabled, created_at) VALUES ($1, $7, $2, $3, $4, $5, NULL, $6)
         ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, address = excluded.address, secret_sealed = excluded.secret_sealed, allow_private = excluded.allow_private,
           events = excluded.events, disabled = NULL",
        &row.name,
        &row.address,
        row.secret_sealed.as_deref(),
        row.allow_private,
        Json(&row.events.0),
        row.created_at,
        row.kind
    )?;
    Ok(())
}

pub async fn delete_channel(tx: &mut Tx, name: &str) -> Result<()> {
    sql!(tx.on(), execute, "DELETE FROM channels WHERE name = $1", name)?;
    Ok(())
}

pub async fn disable(db: &Db, name: &str, why: &str) -> Result<()> {
    sql!(db.write(), execute, "UPDATE channels SET disabled = $2 WHERE name = $1", name, why)?;
    sql!(db.write(), execute, "UPDATE deliveries SET next_at = NULL WHERE channel = $1", name)?;
    Ok(())
}

pub async fn enqueue(db: &Db, channel: &str, event: &str, content: &serde_json::Value, now: Instant) -> Result<()> {
    sql!(
        db.write(),
        execute,
        "INSERT INTO deliveries (id, channel, event, content, created_at, next_at, attempts, answer) VALUES ($1, $2, $3, $4, $5, $5, 0, '')",
        Id::new(),
        channel,
        event,
        Json(content),
        now
    )?;
    Ok(())
}

/// A delivery that is due.
#[derive(sqlx::FromRow)]
pub struct Due {
    pub id: Id,
    pub channel: String,
    pub event: String,
    pub content: Json<serde_json::Value>,
    pub created_at: Instant,
    pub attempts: i64,
}

/// Whether anything is due. Asked twice a second: it must not take the turn of who writes.
pub async fn anything_due(db: &Db, now: Instant) -> Result<bool> {
    Ok(sql!(db.read(), fetch_optional::<(Id,)>, "SELECT id FROM deliveries WHERE next_at <= $1 LIMIT 1", now)?.is_some())
}

/// Takes deliveries that are due; until `again` no other replica takes them.
pub async fn take_due(db: &Db, now: Instant, again: Instant) -> Result<Vec<Due>> {
    sql!(
        db.write(),
        fetch_all::<Due>,
        "UPDATE deliveries SET next_at = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM deliveries WHERE next_at <= $1 ORDER BY next_at LIMIT 20)
           AND next_at <= $1 RETURNING id, channel, event, content, created_at, attempts",
        now,
        again
    )
}

pub async fn settle(db: &Db, id: &Id, next: Option<Instant>, answer: &str, delivered: Option<Instant>) -> Result<()> {
    const SQL: &str = "UPDATE deliveries SET next_at = $2, answer = $3, delivered_at = $4 WHERE id = $1";
    sql!(db.write(), execute, SQL, id, next, answer, delivered)?;
    Ok(())
}

/// The newest deliveries to a channel.
pub async fn deliveries(db: &Db, channel: &str) -> Result<Vec<Delivery>> {
    const SQL: &str = "SELECT id, channel, event, created_at, next_at, attempts, answer, delivered_at FROM deliveries
        WHERE channel = $1 ORDER BY id DESC LIMIT 20";
    sql!(db.read(), fetch_all::<Delivery>, SQL, channel)
}
