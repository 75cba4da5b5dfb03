//! SQL of people, sessions, keys and the audit log.

use super::locks::Lock;
use super::model::{AuditEntry, KeyLimits, KeySummary, Person, Role, Scope};
use crate::server::Replica;
use crate::store::{Db, Side, Tx, sql};
use crate::types::{Id, Instant};
use sqlx::QueryBuilder;
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

pub async fn setting(db: &Db, name: &str) -> Result<Option<String>> {
    let row = sql!(db.read(), fetch_optional::<(String,)>, "SELECT value FROM settings WHERE name = $1", name)?;
    Ok(row.map(|(value,)| value))
}

pub async fn put_setting(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value
    )?;
    Ok(())
}

pub async fn delete_setting(tx: &mut Tx, name: &str) -> Result<u64> {
    sql!(tx.on(), execute, "DELETE FROM settings WHERE name = $1", name)
}

pub async fn count_admins(db: &Db) -> Result<i64> {
    Ok(sql!(db.read(), fetch_one::<(i64,)>, "SELECT COUNT(*) FROM people WHERE role = 'admin' AND disabled_at IS NULL")?.0)
}

pub async fn count_active_admins(tx: &mut Tx) -> Result<i64> {
    Ok(sql!(tx.on(), fetch_one::<(i64,)>, "SELECT COUNT(*) FROM people WHERE role = 'admin' AND disabled_at IS NULL")?.0)
}

pub async fn people(db: &Db) -> Result<Vec<Person>> {
    const SQL: &str = "SELECT id, email, role, safety, created_at, last_login_at, disabled_at FROM people ORDER BY email";
    sql!(db.read(), fetch_all::<Person>, SQL)
}

pub async fn person(tx: &mut Tx, id: &Id) -> Result<Option<Person>> {
    const SQL: &str = "SELECT id, email, role, safety, created_at, last_login_at, disabled_at FROM people WHERE id = $1";
    sql!(tx.on(), fetch_optional::<Person>, SQL, id)
}

pub async fn person_by_email(tx: &mut Tx, email: &str) -> Result<Option<Person>> {
    const SQL: &str = "SELECT id, email, role, safety, created_at, last_login_at, disabled_at FROM people WHERE email = $1";
    sql!(tx.on(), fetch_optional::<Person>, SQL, email)
}

pub async fn password_hash(db: &Db, email: &str) -> Result<Option<String>> {
    let row =
        sql!(db.read(), fetch_optional::<(String,)>, "SELECT password_hash FROM people WHERE email = $1 AND disabled_at IS NULL", email)?;
    Ok(row.map(|(hash,)| hash))
}

pub async fn insert_person(tx: &mut Tx, person: &Person, password_hash: &str) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO people (id, email, role, safety, password_hash, created_at) VALUES ($1, $2, $3, FALSE, $4, $5)",
        &person.id,
        &person.email,
        person.role,
        password_hash,
        person.created_at
    )?;
    Ok(())
}

pub async fn update_password(tx: &mut Tx, id: &Id, password_hash: &str) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE people SET password_hash = $2 WHERE id = $1", id, password_hash)?;
    Ok(())
}

pub async fn update_role(tx: &mut Tx, id: &Id, role: Role) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE people SET role = $2 WHERE id = $1", id, role)?;
    Ok(())
}

pub async fn update_safety(tx: &mut Tx, id: &Id, safety: bool) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE people SET safety = $2 WHERE id = $1", id, safety)?;
    Ok(())
}

/// The addresses of everyone who may sign in, in order.
pub async fn active_emails(db: &Db) -> Result<Vec<(String, Role)>> {
    sql!(db.read(), fetch_all::<(String, Role)>, "SELECT email, role FROM people WHERE disabled_at IS NULL ORDER BY email")
}

pub async fn update_disabled(tx: &mut Tx, id: &Id, at: Option<Instant>) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE people SET disabled_at = $2 WHERE id = $1", id, at)?;
    Ok(())
}

pub async fn touch_login(tx: &mut Tx, id: &Id, at: Instant) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE people SET last_login_at = $2 WHERE id = $1", id, at)?;
    Ok(())
}

pub async fn insert_session(tx: &mut Tx, token_hash: &str, person: &Id, now: Instant, expires: Instant) -> Result<()> {
    sql!(tx.on(), execute, "DELETE FROM sessions WHERE expires_at < $1", now)?;
    sql!(
        tx.on(),
        execute,
        "INSERT INTO sessions (token_hash, person_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        token_hash,
        person,
        now,
        expires
    )?;
    Ok(())
}

pub async fn delete_session(db: &Db, token_hash: &str) -> Result<()> {
    sql!(db.write(), execute, "DELETE FROM sessions WHERE token_hash = $1", token_hash)?;
    Ok(())
}

pub async fn delete_sessions_of(tx: &mut Tx, person: &Id) -> Result<()> {
    sql!(tx.on(), execute, "DELETE FROM sessions WHERE person_id = $1", person)?;
    Ok(())
}

pub async fn person_of_session(db: &Db, token_hash: &str, now: Instant) -> Result<Option<Person>> {
    const SQL: &str = "SELECT p.id, p.email, p.role, p.safety, p.created_at, p.last_login_at, p.disabled_at FROM sessions s
        JOIN people p ON p.id = s.person_id WHERE s.token_hash = $1 AND s.expires_at > $2 AND p.disabled_at IS NULL";
    sql!(db.read(), fetch_optional::<Person>, SQL, token_hash, now)
}

#[derive(sqlx::FromRow)]
pub struct KeyRow {
    id: Id,
    name: String,
    hint: String,
    pub secret_hash: String,
    scopes: Json<Vec<Scope>>,
    routes: Json<Vec<String>>,
    limits: Json<KeyLimits>,
    created_at: Instant,
    revoked_at: Option<Instant>,
}

impl KeyRow {
    pub fn summary(self) -> KeySummary {
        KeySummary {
            id: self.id,
            name: self.name,
            hint: self.hint,
            scopes: self.scopes.0,
            routes: self.routes.0,
            limits: self.limits.0,
            created_at: self.created_at,
            revoked_at: self.revoked_at,
        }
    }
}

pub async fn keys(db: &Db) -> Result<Vec<KeyRow>> {
    sql!(
        db.read(),
        fetch_all::<KeyRow>,
        "SELECT id, name, hint, secret_hash, scopes, routes, limits, created_at, revoked_at FROM api_keys ORDER BY name"
    )
}

pub async fn key_by_name(tx: &mut Tx, name: &str) -> Result<Option<KeyRow>> {
    sql!(
        tx.on(),
        fetch_optional::<KeyRow>,
        "SELECT id, name, hint, secret_hash, scopes, routes, limits, created_at, revoked_at FROM api_keys WHERE name = $1",
        name
    )
}

pub async fn upsert_key(tx: &mut Tx, key: &KeySummary, secret_hash: &str) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO api_keys (id, name, hint, secret_hash, scopes, routes, limits, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (name) DO UPDATE SET hint = excluded.hint, secret_hash = excluded.secret_hash, scopes = excluded.scopes, routes = excluded.routes,
           limits = excluded.limits, revoked_at = excluded.revoked_at",
        &key.id,
        &key.name,
        &key.hint,
        secret_hash,
        Json(&key.scopes),
        Json(&key.routes),
        Json(&key.limits),
        key.created_at,
        key.revoked_at
    )?;
    Ok(())
}

pub async fn revoke_key(tx: &mut Tx, id: &Id, at: Instant) -> Result<Option<String>> {
    let row = sql!(
        tx.on(),
        fetch_optional::<(String,)>,
        "UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING name",
        id,
        at
    )?;
    Ok(row.map(|(name,)| name))
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    id: Id,
    at: Instant,
    actor: String,
    action: String,
    object: String,
    reason: String,
    before: Option<Json<serde_json::Value>>,
    after: Option<Json<serde_json::Value>>,
}

pub async fn audit(db: &Db, wanted: &AuditWanted<'_>, before_id: Option<&str>, limit: i64) -> Result<Vec<AuditEntry>> {
    // Put together, so that the planner can use the index of what is asked for.
    macro_rules! build {
        ($db:ty, $on:expr) => {{
            let mut q = QueryBuilder::<$db>::new("SELECT id, at, actor, action, object, reason, before, after FROM audit WHERE 1 = 1");
            if let Some(before) = before_id {
                q.push(" AND id < ").push_bind(before.to_owned());
            }
            if let Some(actor) = wanted.actor {
                q.push(" AND actor = ").push_bind(actor.to_owned());
            }
            if let Some(action) = wanted.action {
                let whole = !action.ends_with('.');
                q.push(if whole { " AND action = " } else { " AND SUBSTR(action, 1, LENGTH(" }).push_bind(action.to_owned());
                if !whole {
                    q.push(")) = ").push_bind(action.to_owned());
                }
            }
            if let Some(object) = wanted.object {
                q.push(" AND LOWER(object) LIKE ").push_bind(format!("%{}%", object.to_lowercase().replace(['%', '_'], "")));
            }
            if let Some(since) = wanted.since {
                q.push(" AND at >= ").push_bind(since);
            }
            if let Some(until) = wanted.until {
                q.push(" AND at < ").push_bind(until);
            }
            q.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            q.build_query_as::<AuditRow>().fetch_all($on).await
        }};
    }
    let rows = match db.read() {
        Side::Sqlite(on) => build!(sqlx::Sqlite, on),
        Side::Postgres(on) => build!(sqlx::Postgres, on),
    }?;
    Ok(rows.into_iter().map(AuditRow::entry).collect())
}

/// What this transaction wrote so far: lines of that name behind that id, oldest first.
pub async fn audit_since(tx: &mut Tx, after: &Id, actor: &str) -> Result<Vec<AuditEntry>> {
    const SQL: &str = "SELECT id, at, actor, action, object, reason, before, after FROM audit WHERE id > $1 AND actor = $2 ORDER BY id";
    Ok(sql!(tx.on(), fetch_all::<AuditRow>, SQL, after, actor)?.into_iter().map(AuditRow::entry).collect())
}

/// Which lines are wanted, with times read.
#[derive(Default)]
pub struct AuditWanted<'w> {
    pub actor: Option<&'w str>,
    pub action: Option<&'w str>,
    pub object: Option<&'w str>,
    pub since: Option<Instant>,
    pub until: Option<Instant>,
}

impl AuditRow {
    fn entry(self) -> AuditEntry {
        AuditEntry {
            id: self.id,
            at: self.at,
            actor: self.actor,
            action: self.action,
            object: self.object,
            reason: self.reason,
            before: self.before.map(|j| j.0),
            after: self.after.map(|j| j.0),
        }
    }
}

pub async fn insert_audit(tx: &mut Tx, entry: &AuditEntry) -> Result<()> {
    sql!(
        tx.on(),
        execute,
        "INSERT INTO audit (id, at, actor, action, object, reason, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &entry.id,
        entry.at,
        &entry.actor,
        &entry.action,
        &entry.object,
        &entry.reason,
        entry.before.as_ref().map(Json),
        entry.after.as_ref().map(Json)
    )?;
    Ok(())
}

/// Grows with every audited change; replicas watch it.
pub async fn config_version(db: &Db) -> Result<i64> {
    Ok(sql!(db.read(), fetch_one::<(i64,)>, "SELECT version FROM config_version")?.0)
}

/// Marks the configuration as changed, within the transaction that changes it.
pub async fn bump_config_version(tx: &mut Tx) -> Result<()> {
    sql!(tx.on(), execute, "UPDATE config_version SET version = version + 1")?;
    Ok(())
}

const LOCK: &str = "SELECT kind, name, reason, at FROM locks WHERE kind = $1 AND name = $2";

pub async fn lock(db: &Db, kind: &str, name: &str) -> Result<Option<Lock>> {
    sql!(db.read(), fetch_optional::<Lock>, LOCK, kind, name)
}

pub async fn lock_in(tx: &mut Tx, kind: &str, name: &str) -> Result<Option<Lock>> {
    sql!(tx.on(), fetch_optional::<Lock>, LOCK, kind, name)
}

/// Puts a lock, or takes it away when there is no reason.
pub async fn put_lock(tx: &mut Tx, kind: &str, name: &str, reason: Option<&str>, at: Instant) -> Result<()> {
    match reason {
        None => sql!(tx.on(), execute, "DELETE FROM locks WHERE kind = $1 AND name = $2", kind, name)?,
        Some(reason) => sql!(
            tx.on(),
            execute,
            "INSERT INTO locks (kind, name, reason, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (kind, name) DO UPDATE SET reason = excluded.reason, at = excluded.at",
            kind,
            name,
            reason,
            at
        )?,
    };
    Ok(())
}

/// Puts down what a replica has in force, and lets go of those not heard of since `gone`.
pub async fn put_replica(db: &Db, replica: &Replica, gone: Instant) -> Result<()> {
    let mut tx = db.begin().await?;
    sql!(tx.on(), execute, "DELETE FROM replicas WHERE seen_at < $1", gone)?;
    sql!(
        tx.on(),
        execute,
        "INSERT INTO replicas (name, address, version, started_at, seen_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at",
        &replica.name,
        &replica.address,
        replica.version,
        replica.started_at,
        replica.seen_at
    )?;
    tx.commit().await
}

/// Replicas heard of since then, the oldest first.
pub async fn replicas(db: &Db, since: Instant) -> Result<Vec<Replica>> {
    const SQL: &str = "SELECT name, address, version, started_at, seen_at FROM replicas WHERE seen_at >= $1 ORDER BY started_at, name";
    sql!(db.read(), fetch_all::<Replica>, SQL, since)
}

/// A replica that ends says so.
pub async fn remove_replica(db: &Db, name: &str) -> Result<()> {
    sql!(db.write(), execute, "DELETE FROM replicas WHERE name = $1", name)?;
    Ok(())
}
