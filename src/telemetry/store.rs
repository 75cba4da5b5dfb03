//! SQL of the request log and its roll-ups.

use super::model::{Attempt, RequestFilter, RequestSummary};
use super::record::LogLine;
use super::rollup::{Rollup, RollupKey};
use crate::store::{Db, Side, Tx, sql};
use crate::types::{Id, Instant, Nanodollars};
use sqlx::QueryBuilder;
use sqlx::types::Json;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Rows per INSERT: 34 columns each, below `SQLite`'s 32,766 and `PostgreSQL`'s 65,535 parameters, and few different texts to prepare.
const CHUNK: usize = 250;

/// The same pushes for either driver.
macro_rules! insert_rows {
    ($on:expr, $db:ty, $head:expr, $rows:expr, $tail:expr, |$row:ident, $b:ident| $push:block) => {{
        let mut query = QueryBuilder::<$db>::new($head);
        query.push_values($rows, |mut $b, $row| $push);
        query.push($tail);
        query.build().execute($on).await?;
    }};
}

macro_rules! on_both {
    ($tx:expr, $head:expr, $rows:expr, $tail:expr, |$row:ident, $b:ident| $push:block) => {
        match $tx.on() {
            Side::Sqlite(on) => insert_rows!(on, sqlx::Sqlite, $head, $rows, $tail, |$row, $b| $push),
            Side::Postgres(on) => insert_rows!(on, sqlx::Postgres, $head, $rows, $tail, |$row, $b| $push),
        }
    };
}

/// Inserts a batch, facts and bodies, in one transaction. A line that is there already (brought in again after a crash) is skipped.
pub async fn insert(db: &Db, lines: &[LogLine]) -> Result<()> {
    let mut tx = db.begin().await?;
    for chunk in lines.chunks(CHUNK) {
        insert_facts(&mut tx, chunk).await?;
        insert_bodies(&mut tx, chunk).await?;
    }
    tx.commit().await
}

#[expect(clippy::too_many_lines, reason = "one line a column")]
async fn insert_facts(tx: &mut Tx, lines: &[LogLine]) -> Result<()> {
    const HEAD: &str = "INSERT INTO requests (id, request_id, started_at, endpoint, key_name, route, variant, provider, model, prompt, status, outcome,
        error_code, error_message, streamed, user_id, session_id, source_ip, user_agent, metadata, attempts, duration_us, first_token_us, overhead_us,
        input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, usage_missing, cost, finish_reason, confidence, upstream_id, preview) ";
    on_both!(tx, HEAD, lines, " ON CONFLICT (id) DO NOTHING", |line, row| {
        row.push_bind(&line.id)
            .push_bind(&line.request_id)
            .push_bind(line.started_at)
            .push_bind(&line.endpoint)
            .push_bind(&line.key_name)
            .push_bind(&line.route)
            .push_bind(&line.variant)
            .push_bind(&line.provider)
            .push_bind(&line.model)
            .push_bind(&line.prompt)
            .push_bind(line.status)
            .push_bind(line.outcome)
            .push_bind(&line.error_code)
            .push_bind(&line.error_message)
            .push_bind(line.streamed)
            .push_bind(&line.user_id)
            .push_bind(&line.session_id)
            .push_bind(&line.source_ip)
            .push_bind(&line.user_agent)
            .push_bind(line.metadata.as_ref().map(Json))
            .push_bind(Json(&line.attempts))
            .push_bind(line.duration_us)
            .push_bind(line.first_token_us)
            .push_bind(line.overhead_us)
            .push_bind(count(line.tokens.input))
            .push_bind(count(line.tokens.cached_input))
            .push_bind(count(line.tokens.output))
            .push_bind(count(line.tokens.reasoning))
            .push_bind(line.usage_missing)
            .push_bind(line.cost)
            .push_bind(&line.finish_reason)
            .push_bind(line.confidence)
            .push_bind(&line.upstream_id)
            .push_bind(&line.preview);
    });
    Ok(())
}

async fn insert_bodies(tx: &mut Tx, lines: &[LogLine]) -> Result<()> {
    const HEAD: &str = "INSERT INTO request_bodies (id, request_body, rendered_prompt, response_body, response_text) ";
    on_both!(tx, HEAD, lines, " ON CONFLICT (id) DO NOTHING", |line, row| {
        row.push_bind(&line.id)
            .push_bind(&line.request_body)
            .push_bind(&line.rendered_prompt)
            .push_bind(&line.response_body)
            .push_bind(&line.response_text);
    });
    Ok(())
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Writes this replica's roll-up rows as they now are.
pub async fn put_rollups(db: &Db, replica: &str, rows: &[(RollupKey, Rollup)]) -> Result<()> {
    const HEAD: &str =
        "INSERT INTO traffic_minutes (minute, replica, route, variant, provider, model, prompt, requests, errors, input_tokens,
        output_tokens, cost, latency, first_token) ";
    const TAIL: &str = " ON CONFLICT (minute, replica, route, variant, provider, model, prompt) DO UPDATE SET requests = excluded.requests,
        errors = excluded.errors, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, cost = excluded.cost,
        latency = excluded.latency, first_token = excluded.first_token";
    let mut tx = db.begin().await?;
    for chunk in rows.chunks(CHUNK) {
        on_both!(tx, HEAD, chunk, TAIL, |pair, row| {
            let (key, sums) = pair;
            row.push_bind(key.minute)
                .push_bind(replica.to_owned())
                .push_bind(&key.route)
                .push_bind(&key.variant)
                .push_bind(&key.provider)
                .push_bind(&key.model)
                .push_bind(&key.prompt)
                .push_bind(sums.requests)
                .push_bind(sums.errors)
                .push_bind(sums.input_tokens)
                .push_bind(sums.output_tokens)
                .push_bind(sums.cost)
                .push_bind(sums.latency.to_bytes())
                .push_bind(sums.first_token.to_bytes());
        });
    }
    tx.commit().await
}

/// A roll-up row as charts read it.
#[derive(sqlx::FromRow)]
pub struct MinuteRow {
    pub minute: Instant,
    pub route: String,
    pub variant: String,
    pub requests: i64,
    pub errors: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost: Nanodollars,
    pub latency: Vec<u8>,
    pub first_token: Vec<u8>,
}

/// Roll-ups from `from` (inclusive) to `to` (exclusive), oldest first.
pub async fn minutes(db: &Db, from: Instant, to: Instant, route: Option<&str>) -> Result<Vec<MinuteRow>> {
    sql!(
        db.read(),
        fetch_all::<MinuteRow>,
        "SELECT minute, route, variant, requests, errors, input_tokens, output_tokens, cost, latency, first_token FROM traffic_minutes
         WHERE minute >= $1 AND minute < $2 AND ($3 IS NULL OR route = $3) ORDER BY minute",
        from,
        to,
        route
    )
}

/// The newest requests that pass the filter, below the cursor.
pub async fn list(db: &Db, filter: &RequestFilter, cursor: Option<&str>, limit: i64) -> Result<Vec<RequestSummary>> {
    // Each filter has an index of its own that ends in the id; planners cannot use them through `$1 IS NULL OR`, so the text is put together.
    macro_rules! build {
        ($db:ty, $on:expr) => {{
            let mut q = QueryBuilder::<$db>::new(
                "SELECT id, request_id, started_at, endpoint, route, variant, provider, model, prompt, status, outcome, error_code, streamed, user_id,
                 session_id, duration_us, first_token_us, input_tokens, output_tokens, cost, preview FROM requests WHERE 1 = 1",
            );
            if let Some(cursor) = cursor {
                q.push(" AND id < ").push_bind(cursor);
            }
            for (column, value) in [
                ("route", &filter.route),
                ("variant", &filter.variant),
                ("user_id", &filter.user),
                ("session_id", &filter.session),
                ("prompt", &filter.prompt),
            ] {
                if let Some(value) = value.as_deref().filter(|v| !v.is_empty()) {
                    q.push(" AND ").push(column).push(" = ").push_bind(value);
                }
            }
            if let Some(id) = filter.id.as_deref().filter(|v| !v.is_empty()) {
                q.push(" AND (request_id = ").push_bind(id).push(" OR id = ").push_bind(id).push(")");
            }
            match filter.status.as_deref() {
                Some("ok") => q.push(" AND outcome = 'ok'"),
                Some("error") => q.push(" AND outcome <> 'ok'"),
                _ => &mut q,
            };
            q.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            q.build_query_as::<RequestSummary>().fetch_all($on).await
        }};
    }
    match db.read() {
        Side::Sqlite(on) => build!(sqlx::Sqlite, on),
        Side::Postgres(on) => build!(sqlx::Postgres, on),
    }
}

/// Everything stored about one call.
#[derive(sqlx::FromRow)]
pub struct DetailRow {
    #[sqlx(flatten)]
    pub summary: RequestSummary,
    pub key_name: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub metadata: Option<Json<serde_json::Value>>,
    pub error_message: Option<String>,
    pub attempts: Json<Vec<Attempt>>,
    pub overhead_us: i64,
    pub cached_input_tokens: i64,
    pub reasoning_tokens: i64,
    pub usage_missing: bool,
    pub finish_reason: Option<String>,
    pub confidence: Option<f64>,
    pub upstream_id: Option<String>,
    pub request_body: Option<Vec<u8>>,
    pub rendered_prompt: Option<String>,
    pub response_body: Option<Vec<u8>>,
    pub response_text: Option<String>,
}

/// One call by our id, or else the newest with the caller's id.
pub async fn detail(db: &Db, id: &str) -> Result<Option<DetailRow>> {
    sql!(
        db.read(),
        fetch_optional::<DetailRow>,
        "SELECT r.*, b.request_body, b.rendered_prompt, b.response_body, b.response_text FROM requests r LEFT JOIN request_bodies b ON b.id = r.id
         WHERE r.id = $1 OR r.request_id = $1 ORDER BY CASE WHEN r.id = $1 THEN 0 ELSE 1 END, r.id DESC LIMIT 1",
        id
    )
}

/// Our id of the newest call with the caller's id.
pub async fn id_of(tx: &mut Tx, request_id: &str) -> Result<Option<Id>> {
    const SQL: &str = "SELECT id FROM requests WHERE request_id = $1 ORDER BY id DESC LIMIT 1";
    Ok(sql!(tx.on(), fetch_optional::<(Id,)>, SQL, request_id)?.map(|(id,)| id))
}

/// Calls logged, for health and tests.
pub async fn count_all(db: &Db) -> Result<i64> {
    Ok(sql!(db.read(), fetch_one::<(i64,)>, "SELECT COUNT(*) FROM requests")?.0)
}
