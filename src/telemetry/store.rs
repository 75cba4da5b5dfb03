//! SQL of the request log and its roll-ups.

use super::batch::Batch;
use super::kind::Kind;
use super::model::{Outcome, RequestFilter, RequestSummary};
use super::record::Row;
use super::rollup::{Rollup, RollupKey, Span};
use crate::store::{Db, Side, Tx, sql};
use crate::types::{Id, Instant, Nanodollars};
use sqlx::{AssertSqlSafe, Database, Encode, QueryBuilder, Type};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Rows per INSERT at most: below the drivers' limits of parameters.
const CHUNK: usize = 256;

/// Bytes after which no further block goes into the same statement: a driver keeps them all in memory.
const BLOCKS_AT_ONCE: usize = 4 * 1024 * 1024;

/// `INSERT` texts for 1, 2, 4, … [`CHUNK`] rows: any number of rows takes few statements, and there are few texts to prepare.
///
/// For `SQLite` the placeholders have no numbers: it looks up every numbered one by its name, in time that grows with their square. And what fails there fails
/// as a transaction, not as a statement, for which it would keep a copy of every page it touches.
struct Inserts {
    sqlite: Texts,
    postgres: Texts,
}

type Texts = [Arc<str>; CHUNK.ilog2() as usize + 1];

impl Inserts {
    fn new(head: &str, columns: usize, tail: &str) -> Self {
        let texts = |insert: &str, placeholder: fn(&mut String, usize)| {
            std::array::from_fn(|power| {
                let mut text = format!("{insert} {head} VALUES ");
                for row in 0..1 << power {
                    text.push_str(if row == 0 { "(" } else { ", (" });
                    for column in 0..columns {
                        text.push_str(if column == 0 { "" } else { ", " });
                        placeholder(&mut text, row * columns + column + 1);
                    }
                    text.push(')');
                }
                text.push(' ');
                text.push_str(tail);
                text.into()
            })
        };
        Self {
            sqlite: texts("INSERT OR ROLLBACK", |text, _| text.push('?')),
            postgres: texts("INSERT", |text, n| {
                let _ = write!(text, "${n}");
            }),
        }
    }
}

/// How many of these rows one statement takes, as a power of two.
fn power(rows: usize) -> usize {
    rows.clamp(1, CHUNK).ilog2() as usize
}

/// Inserts all rows, with the same binds for either driver.
macro_rules! insert_all {
    ($tx:expr, $inserts:expr, $rows:expr, |$row:ident, $query:ident| $binds:expr) => {{
        let mut rest = $rows;
        while !rest.is_empty() {
            let power = power(rest.len());
            let (now, later) = rest.split_at(1 << power);
            match $tx.on() {
                Side::Sqlite(on) => {
                    let mut $query = sqlx::query::<sqlx::Sqlite>(AssertSqlSafe($inserts.sqlite[power].clone()));
                    for $row in now {
                        $query = $binds;
                    }
                    $query.execute(on).await?;
                }
                Side::Postgres(on) => {
                    let mut $query = sqlx::query::<sqlx::Postgres>(AssertSqlSafe($inserts.postgres[power].clone()));
                    for $row in now {
                        $query = $binds;
                    }
                    $query.execute(on).await?;
                }
            }
            rest = later;
        }
    }};
}

/// Inserts batches, rows and blocks, in one transaction, as calls of a segment. What is there already (brought in again after a crash) is skipped.
///
/// Calls of a segment have their own part of the indexes by user, session and caller's id. `PostgreSQL` has one segment: its other processes write what was
/// changed in its indexes, while `SQLite`'s one writer would, page by page, for every call.
pub async fn insert(db: &Db, batches: &[Batch], segment: i64) -> Result<()> {
    let mut tx = db.begin().await?;
    let segment = match &tx {
        Tx::Sqlite(_) => segment,
        Tx::Postgres(_) => 0,
    };
    sql!(tx.on(), execute, "INSERT INTO request_segments (id) VALUES ($1) ON CONFLICT (id) DO NOTHING", segment)?;
    insert_kinds(&mut tx, batches.iter().flat_map(|batch| &batch.rows).map(|row| &row.kind)).await?;
    insert_blocks(&mut tx, batches).await?;
    insert_rows(&mut tx, batches, segment).await?;
    tx.commit().await
}

async fn insert_kinds(tx: &mut Tx, kinds: impl Iterator<Item = &Arc<Kind>>) -> Result<()> {
    static INSERTS: LazyLock<Inserts> = LazyLock::new(|| {
        const HEAD: &str = "INTO request_kinds (id, endpoint, key_name, route, variant, provider, model, prompt)";
        Inserts::new(HEAD, 8, "ON CONFLICT (id) DO NOTHING")
    });
    let distinct: BTreeMap<i64, &Arc<Kind>> = kinds.map(|kind| (kind.id, kind)).collect();
    let kinds: Vec<_> = distinct.into_values().collect();
    insert_all!(tx, INSERTS, &kinds[..], |kind, query| {
        let names = &kind.names;
        query
            .bind(kind.id)
            .bind(&*names.endpoint)
            .bind(&*names.key)
            .bind(names.route.as_deref())
            .bind(names.variant.as_deref())
            .bind(names.provider.as_deref())
            .bind(names.model.as_deref())
            .bind(names.prompt.as_deref())
    });
    Ok(())
}

/// An outcome as its column has it; shared, so that a row takes no copy.
fn word(outcome: Outcome) -> Arc<str> {
    static WORDS: LazyLock<[Arc<str>; 3]> = LazyLock::new(|| ["ok", "error", "client_closed"].map(Arc::from));
    let [ok, error, client_closed] = &*WORDS;
    match outcome {
        Outcome::Ok => ok,
        Outcome::Error => error,
        Outcome::ClientClosed => client_closed,
    }
    .clone()
}

async fn insert_blocks(tx: &mut Tx, batches: &[Batch]) -> Result<()> {
    static INSERTS: LazyLock<Inserts> =
        LazyLock::new(|| Inserts::new("INTO request_blocks (id, content)", 2, "ON CONFLICT (id) DO NOTHING"));
    let mut rest = batches;
    while !rest.is_empty() {
        let (mut bytes, mut few) = (0, 0);
        while few < rest.len() && bytes < BLOCKS_AT_ONCE {
            bytes += rest[few].content.len();
            few += 1;
        }
        let (now, later) = rest.split_at(few);
        insert_all!(tx, INSERTS, now, |batch, query| query.bind(batch.block).bind(&batch.content[..]));
        rest = later;
    }
    Ok(())
}

async fn insert_rows(tx: &mut Tx, batches: &[Batch], segment: i64) -> Result<()> {
    static INSERTS: LazyLock<Inserts> = LazyLock::new(|| {
        const HEAD: &str =
            "INTO requests (id, caller_id, started_at, kind, status, outcome, error_code, streamed, user_id, session_id, duration_us,
            first_token_us, input_tokens, output_tokens, cost, preview, block, place, segment)";
        Inserts::new(HEAD, 19, "ON CONFLICT (id) DO NOTHING")
    });
    let places = |block: i64| (0_i64..).map(move |place| (block, place));
    let mut rows: Vec<((i64, i64), &Row)> = batches.iter().flat_map(|batch| places(batch.block).zip(&batch.rows)).collect();
    // Calls end in another order than they began. In the order of their ids they are appended to every index.
    rows.sort_unstable_by(|(_, one), (_, other)| one.id.cmp(&other.id));
    insert_all!(tx, INSERTS, &rows[..], |pair, query| {
        let ((block, place), row) = pair;
        query
            .bind(row.id.clone())
            .bind(row.caller_id.as_deref())
            .bind(row.started_at)
            .bind(row.kind.id)
            .bind(row.status)
            .bind(word(row.outcome))
            .bind(row.error_code.as_deref())
            .bind(row.streamed)
            .bind(row.user_id.clone())
            .bind(row.session_id.clone())
            .bind(row.duration_us)
            .bind(row.first_token_us)
            .bind(row.input_tokens)
            .bind(row.output_tokens)
            .bind(row.cost)
            .bind(row.preview.clone())
            .bind(block)
            .bind(place)
            .bind(segment)
    });
    Ok(())
}

/// Writes this replica's roll-up rows as they now are.
pub async fn put_rollups(db: &Db, replica: &str, rows: &[(RollupKey, Rollup)]) -> Result<()> {
    static INSERTS: LazyLock<Inserts> = LazyLock::new(|| {
        const HEAD: &str =
            "INTO traffic (span, start, replica, kind, requests, errors, input_tokens, output_tokens, cost, latency, first_token)";
        const TAIL: &str = "ON CONFLICT (span, start, replica, kind) DO UPDATE SET requests = excluded.requests, errors = excluded.errors,
            input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, cost = excluded.cost, latency = excluded.latency,
            first_token = excluded.first_token";
        Inserts::new(HEAD, 11, TAIL)
    });
    let mut tx = db.begin().await?;
    insert_all!(tx, INSERTS, rows, |pair, query| {
        let (key, sums) = pair;
        query
            .bind(key.span.minutes())
            .bind(key.start)
            .bind(replica)
            .bind(key.kind.id)
            .bind(sums.requests)
            .bind(sums.errors)
            .bind(sums.input_tokens)
            .bind(sums.output_tokens)
            .bind(sums.cost)
            .bind(sums.latency.to_bytes())
            .bind(sums.first_token.to_bytes())
    });
    tx.commit().await
}

/// A roll-up row as charts read it.
#[derive(sqlx::FromRow)]
pub struct TrafficRow {
    pub start: Instant,
    pub route: String,
    pub variant: String,
    /// Copies for a shadow variant, and what was tried out in the playground.
    pub aside: bool,
    pub requests: i64,
    pub errors: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost: Nanodollars,
    pub latency: Vec<u8>,
    pub first_token: Vec<u8>,
}

/// Roll-ups of one span from `from` (inclusive) to `to` (exclusive), oldest first.
pub async fn traffic(db: &Db, span: Span, from: Instant, to: Instant, route: Option<&str>) -> Result<Vec<TrafficRow>> {
    sql!(
        db.read(),
        fetch_all::<TrafficRow>,
        "SELECT t.start, COALESCE(k.route, '') AS route, COALESCE(k.variant, '') AS variant, (k.endpoint LIKE 'shadow.%' OR k.endpoint LIKE 'playground.%') AS aside, t.requests, t.errors, t.input_tokens, t.output_tokens,
           t.cost, t.latency, t.first_token
         FROM traffic t JOIN request_kinds k ON k.id = t.kind
         WHERE t.span = $1 AND t.start >= $2 AND t.start < $3 AND ($4 IS NULL OR k.route = $4) ORDER BY t.start",
        span.minutes(),
        from,
        to,
        route
    )
}

/// A roll-up row of a version of a prompt.
#[derive(sqlx::FromRow)]
pub struct VersionTrafficRow {
    pub prompt: String,
    #[sqlx(flatten)]
    pub traffic: TrafficRow,
}

/// Roll-ups of the versions of a prompt, oldest first; `start` is how their names begin (`name@`). Tries and copies are left out.
pub async fn version_traffic(db: &Db, span: Span, from: Instant, to: Instant, start: &str) -> Result<Vec<VersionTrafficRow>> {
    sql!(
        db.read(),
        fetch_all::<VersionTrafficRow>,
        "SELECT k.prompt, t.start, COALESCE(k.route, '') AS route, COALESCE(k.variant, '') AS variant, FALSE AS aside, t.requests, t.errors,
           t.input_tokens, t.output_tokens, t.cost, t.latency, t.first_token
         FROM traffic t JOIN request_kinds k ON k.id = t.kind
         WHERE t.span = $1 AND t.start >= $2 AND t.start < $3 AND SUBSTR(k.prompt, 1, $5) = $4
           AND k.endpoint NOT LIKE 'shadow.%' AND k.endpoint NOT LIKE 'playground.%' ORDER BY t.start",
        span.minutes(),
        from,
        to,
        start,
        i32::try_from(start.chars().count()).unwrap_or(i32::MAX)
    )
}

/// What a list shows, from `requests r` and its kind `k`.
const SUMMARY: &str = "SELECT r.id, COALESCE(r.caller_id, r.id) AS request_id, r.started_at, k.endpoint, k.route, k.variant, k.provider, k.model, k.prompt,
    r.status, r.outcome, r.error_code, r.streamed, r.user_id, r.session_id, r.duration_us, r.first_token_us, r.input_tokens, r.output_tokens, r.cost,
    r.preview";

/// The newest requests that pass the filter, below the cursor.
pub async fn list(db: &Db, filter: &RequestFilter, cursor: Option<&str>, limit: i64) -> Result<Vec<RequestSummary>> {
    match db.read() {
        Side::Sqlite(on) => listing::<sqlx::Sqlite>(filter, cursor, limit, true).build_query_as().fetch_all(on).await,
        Side::Postgres(on) => listing::<sqlx::Postgres>(filter, cursor, limit, false).build_query_as().fetch_all(on).await,
    }
}

fn given(value: Option<&String>) -> Option<String> {
    value.filter(|value| !value.is_empty()).cloned()
}

/// The statement of [`list`]. Each filter has an index of its own that ends in the id; planners cannot use them through `$1 IS NULL OR`, so the text is put
/// together. With `segments`, the indexes of persons and conversations are kept apart by segment.
fn listing<DB: Database>(filter: &RequestFilter, cursor: Option<&str>, limit: i64, segments: bool) -> QueryBuilder<DB>
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut q = QueryBuilder::new(SUMMARY);
    let names = [("route", &filter.route), ("variant", &filter.variant), ("prompt", &filter.prompt)];
    let names: Vec<_> = names.into_iter().filter_map(|(column, value)| Some((column, given(value.as_ref())?))).collect();
    if segments && (given(filter.user.as_ref()).is_some() || given(filter.session.as_ref()).is_some()) {
        // The newest of theirs in every segment, and of those the newest.
        q.push(" FROM request_segments s CROSS JOIN requests r ON r.id IN (SELECT x.id FROM requests x WHERE x.segment = s.id");
        narrow(&mut q, "x", filter, cursor);
        for (column, value) in names {
            q.push(" AND x.kind IN (SELECT f.id FROM request_kinds f WHERE f.").push(column).push(" = ").push_bind(value).push(")");
        }
        q.push(" ORDER BY x.id DESC LIMIT ").push_bind(limit).push(") LEFT JOIN request_kinds k ON k.id = r.kind");
    } else if names.is_empty() {
        // LEFT: so that the planner begins with the newest requests.
        q.push(" FROM requests r LEFT JOIN request_kinds k ON k.id = r.kind WHERE 1 = 1");
        narrow(&mut q, "r", filter, cursor);
    } else {
        // The newest of every kind that fits, each by its index, and of those the newest: a rare kind among millions is found as fast as a common one.
        q.push(" FROM request_kinds k JOIN requests r ON r.id IN (SELECT x.id FROM requests x WHERE x.kind = k.id");
        narrow(&mut q, "x", filter, cursor);
        q.push(" ORDER BY x.id DESC LIMIT ").push_bind(limit).push(") WHERE 1 = 1");
        for (column, value) in names {
            q.push(" AND k.").push(column).push(" = ").push_bind(value);
        }
    }
    q.push(" ORDER BY r.id DESC LIMIT ").push_bind(limit);
    q
}

/// The conditions on the row itself.
fn narrow<DB: Database>(q: &mut QueryBuilder<DB>, table: &str, filter: &RequestFilter, cursor: Option<&str>)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    if let Some(cursor) = cursor {
        q.push(format_args!(" AND {table}.id < ")).push_bind(cursor.to_owned());
    }
    for (column, value) in [("user_id", &filter.user), ("session_id", &filter.session)] {
        if let Some(value) = given(value.as_ref()) {
            q.push(format_args!(" AND {table}.{column} = ")).push_bind(value);
        }
    }
    if let Some(id) = given(filter.id.as_ref()) {
        q.push(format_args!(" AND {table}.id IN (SELECT CAST(")).push_bind(id.clone());
        q.push(" AS TEXT) UNION ALL SELECT c.id FROM request_segments t CROSS JOIN requests c WHERE c.segment = t.id AND c.caller_id = ");
        q.push_bind(id).push(")");
    }
    match filter.status.as_deref() {
        Some("ok") => q.push(format_args!(" AND {table}.outcome = 'ok'")),
        Some("error") => q.push(format_args!(" AND {table}.outcome <> 'ok'")),
        _ => q,
    };
}

/// One call's row, and where the rest of it lies.
#[derive(sqlx::FromRow)]
pub struct DetailRow {
    #[sqlx(flatten)]
    pub summary: RequestSummary,
    pub key_name: String,
    pub place: i64,
    /// Absent when bodies are no longer kept.
    pub content: Option<Vec<u8>>,
}

/// Our id of the newest call with the caller's id `$1`.
const NEWEST_OF_CALLER_ID: &str =
    "(SELECT MAX((SELECT c.id FROM requests c WHERE c.segment = t.id AND c.caller_id = $1 ORDER BY c.id DESC LIMIT 1))
     FROM request_segments t)";

/// One call by our id, or else the newest with the caller's id.
pub async fn detail(db: &Db, id: &str) -> Result<Option<DetailRow>> {
    static SQL: LazyLock<Arc<str>> = LazyLock::new(|| {
        let from = "FROM requests r JOIN request_kinds k ON k.id = r.kind LEFT JOIN request_blocks b ON b.id = r.block
            WHERE r.id = COALESCE((SELECT o.id FROM requests o WHERE o.id = $1), ";
        format!("{SUMMARY}, k.key_name, r.place, b.content {from}{NEWEST_OF_CALLER_ID})").into()
    });
    sql!(db.read(), fetch_optional::<DetailRow>, AssertSqlSafe(SQL.clone()), id)
}

/// Our id of the newest call with the caller's id, or with that id itself.
pub async fn id_of(tx: &mut Tx, request_id: &str) -> Result<Option<Id>> {
    static SQL: LazyLock<Arc<str>> =
        LazyLock::new(|| format!("SELECT COALESCE({NEWEST_OF_CALLER_ID}, (SELECT o.id FROM requests o WHERE o.id = $1))").into());
    Ok(sql!(tx.on(), fetch_one::<(Option<Id>,)>, AssertSqlSafe(SQL.clone()), request_id)?.0)
}

/// The oldest segment that may still be filled: a process fills one, and few write into one file.
pub async fn oldest_filling(db: &Db) -> Result<i64> {
    const SQL: &str = "SELECT COALESCE(MIN(id), 0) FROM (SELECT id FROM request_segments ORDER BY id DESC LIMIT 8) newest";
    Ok(sql!(db.read(), fetch_one::<(i64,)>, SQL)?.0)
}

/// Who made a call, and where it went.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Origin {
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    pub route: Option<String>,
    pub variant: Option<String>,
}

pub async fn origin(db: &Db, id: &Id) -> Result<Option<Origin>> {
    const SQL: &str =
        "SELECT r.user_id, r.session_id, k.route, k.variant FROM requests r LEFT JOIN request_kinds k ON k.id = r.kind WHERE r.id = $1";
    sql!(db.read(), fetch_optional::<Origin>, SQL, id)
}

/// How many calls somebody made, `most` at most; without copies and tries.
pub async fn calls_of(db: &Db, user: Option<&str>, session: Option<&str>, most: i64) -> Result<i64> {
    macro_rules! count {
        ($column:literal, $value:expr) => {
            sql!(
                db.read(),
                fetch_one::<(i64,)>,
                concat!(
                    "SELECT COUNT(*) FROM (SELECT 1 FROM request_segments s CROSS JOIN requests r JOIN request_kinds k ON k.id = r.kind
                     WHERE r.segment = s.id AND r.",
                    $column,
                    " = $1 AND k.endpoint NOT LIKE 'shadow.%' AND k.endpoint NOT LIKE 'playground.%' LIMIT $2) counted"
                ),
                $value,
                most
            )
            .map(|(n,)| n)
        };
    }
    match (user, session) {
        (Some(user), _) => count!("user_id", user),
        (None, Some(session)) => count!("session_id", session),
        (None, None) => Ok(0),
    }
}

/// Calls logged, for health and tests.
pub async fn count_all(db: &Db) -> Result<i64> {
    Ok(sql!(db.read(), fetch_one::<(i64,)>, "SELECT COUNT(*) FROM requests")?.0)
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kinds;
    use super::super::record::tests::call;
    use super::super::record::{CallRecord, Captured};
    use super::*;

    const SEGMENTS: i64 = 10;

    /// Three hundred calls of a few people and conversations; what came one after the other is spread over all segments.
    fn calls() -> Vec<Row> {
        let mut kinds = Kinds::default();
        let row = |n: usize| {
            let mut record = CallRecord { outcome: Outcome::Error, ..call(false, Captured::Nothing) };
            record.id = Id::from_text(format!("0199-{n:04}"));
            record.caller_id = n.is_multiple_of(2).then(|| format!("c{}", n % 40));
            record.user_id = (!n.is_multiple_of(7)).then(|| format!("u{}", n % 7).into());
            record.session_id = Some(format!("s{}", n % 5).into());
            record.names.route = Some(if n.is_multiple_of(3) { "a" } else { "b" }.into());
            record.settle(&mut kinds).row
        };
        (0..300).map(row).collect()
    }

    async fn filled(rows: &[Row]) -> (tempfile::TempDir, Db) {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&format!("sqlite://{}", folder.path().join("log.db").display())).await.expect("a database");
        for segment in 0..SEGMENTS {
            let rows = rows.iter().zip(0_i64..).filter(|(_, n)| n * 7 % SEGMENTS == segment).map(|(row, _)| row.clone()).collect();
            insert(&db, &[Batch { block: 100 + segment, rows, content: vec![1] }], segment).await.expect("inserted");
        }
        (folder, db)
    }

    #[tokio::test]
    async fn whoever_searches_finds_the_newest_of_all_segments() {
        let rows = calls();
        let (_folder, db) = filled(&rows).await;
        let given = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        for (user, session, route, id) in [
            ("u1", "", "", ""),
            ("u1", "s2", "", ""),
            ("", "s4", "", ""),
            ("u5", "", "a", ""),
            ("", "s0", "b", ""),
            ("", "", "a", ""),
            ("", "", "", ""),
            ("nobody", "", "", ""),
            ("", "", "", "c12"),
            ("", "", "", "0199-0017"),
            ("u3", "", "", "c10"),
        ] {
            let filter = RequestFilter {
                user: given(user),
                session: given(session),
                route: given(route),
                id: given(id),
                ..RequestFilter::default()
            };
            let fits = |row: &&Row| {
                (user.is_empty() || row.user_id.as_deref() == Some(user))
                    && (session.is_empty() || row.session_id.as_deref() == Some(session))
                    && (route.is_empty() || row.kind.names.route.as_deref() == Some(route))
                    && (id.is_empty() || row.caller_id.as_deref() == Some(id) || row.id.as_str() == id)
            };
            for cursor in [None, Some("0199-0150"), Some("0199-0000")] {
                let below = |row: &&Row| cursor.is_none_or(|cursor| row.id.as_str() < cursor);
                let expected: Vec<_> = rows.iter().rev().filter(fits).filter(below).take(20).map(|row| row.id.to_string()).collect();
                let found = list(&db, &filter, cursor, 20).await.expect("listed");
                let found: Vec<_> = found.iter().map(|summary| summary.id.to_string()).collect();
                assert_eq!(found, expected, "{filter:?} below {cursor:?}");
            }
        }
        assert_eq!(calls_of(&db, Some("u1"), None, 1_000).await.expect("counted"), 43);
        assert_eq!(calls_of(&db, Some("u1"), None, 10).await.expect("counted"), 10);
        assert_eq!(calls_of(&db, None, Some("s3"), 1_000).await.expect("counted"), 60);
    }

    #[tokio::test]
    async fn a_call_is_found_by_our_id_or_else_the_newest_by_the_caller_s() {
        let rows = calls();
        let (_folder, db) = filled(&rows).await;
        let mut tx = db.begin().await.expect("begun");
        for (asked, found) in [("c12", Some("0199-0292")), ("0199-0017", Some("0199-0017")), ("c1", None)] {
            let call = detail(&db, asked).await.expect("read").map(|row| row.summary.id.to_string());
            assert_eq!(call.as_deref(), found);
            assert_eq!(id_of(&mut tx, asked).await.expect("read").as_ref().map(Id::as_str), found);
        }
    }

    #[tokio::test]
    async fn a_list_of_a_person_a_conversation_or_a_caller_s_id_reads_their_part_of_each_segment() {
        let (_folder, db) = filled(&calls()).await;
        let Side::Sqlite(on) = db.read() else { panic!("SQLite") };
        let given = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let filter = |user, session, route, id| RequestFilter {
            user: given(user),
            session: given(session),
            route: given(route),
            id: given(id),
            ..RequestFilter::default()
        };
        for (index, filter) in [
            ("requests_by_user", filter("u1", "", "", "")),
            ("requests_by_user", filter("u1", "", "a", "")),
            ("requests_by_session", filter("", "s1", "", "")),
            ("requests_by_caller_id", filter("", "", "", "c12")),
        ] {
            for cursor in [None, Some("0199-0150")] {
                let text = format!("EXPLAIN QUERY PLAN {}", listing::<sqlx::Sqlite>(&filter, cursor, 50, true).sql().as_str());
                let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(AssertSqlSafe(text)).fetch_all(on).await.expect("a plan");
                assert!(plan.iter().any(|(.., step)| step.contains(index) && step.contains("segment=? AND")), "{filter:?}: {plan:?}");
                assert!(!plan.iter().any(|(.., step)| ["r", "x", "c"].iter().any(|table| step == &format!("SCAN {table}"))), "{plan:?}");
            }
        }
        let text = format!("EXPLAIN QUERY PLAN SELECT {NEWEST_OF_CALLER_ID}");
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(AssertSqlSafe(text)).fetch_all(on).await.expect("a plan");
        assert!(plan.iter().any(|(.., step)| step.contains("requests_by_caller_id (segment=? AND caller_id=?)")), "{plan:?}");
    }

    #[tokio::test]
    async fn the_last_eight_segments_may_still_be_filled() {
        let (_folder, db) = filled(&calls()).await;
        assert_eq!(oldest_filling(&db).await.expect("read"), SEGMENTS - 8);
        let folder = tempfile::tempdir().expect("a folder");
        let empty = Db::open(&format!("sqlite://{}", folder.path().join("log.db").display())).await.expect("a database");
        assert_eq!(oldest_filling(&empty).await.expect("read"), 0);
    }
}
