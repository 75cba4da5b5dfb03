//! Feedback from elsewhere: support tickets, e-mail, mentions, store reviews, notes of stakeholders. As rows of JSON, as CSV, or as signed webhooks whose
//! fields are mapped to ours.

use super::{NewFeedback, Subject, announce, check, entry};
use crate::feedback::model::{Flag, Rating};
use crate::feedback::store::{self, channels};
use crate::identity::Actor;
use crate::identity::model::{Permission, Scope};
use crate::identity::service::{Change, note};
use crate::notify::signature;
use crate::server::App;
use crate::types::{Fault, Id, Instant};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most rows of one import.
const MOST_ROWS: usize = 20_000;
/// Rows of a transaction.
const PIECE: usize = 250;
/// So many new pieces are told live; more would only push each other away.
const TOLD: usize = 50;
/// Our fields that others map to.
pub const FIELDS: [&str; 13] = [
    "external_id",
    "created_at",
    "rating",
    "stars",
    "score",
    "comment",
    "correction",
    "categories",
    "flag",
    "user",
    "request_id",
    "session_id",
    "metadata",
];

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its line in the file (with the line of names as 1), or its place in the list.
    pub line: u64,
    /// The field that is wrong.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Rows that are stored, new or again.
    pub accepted: usize,
    /// Of those, the ones that were not there before.
    pub new: usize,
    /// Rows that are not.
    pub rejected: Vec<Rejected>,
}

/// A row that can be stored.
#[derive(Clone, Debug)]
pub struct Row {
    /// What the other system calls it.
    pub external_id: String,
    /// When it was given.
    pub given_at: Option<Instant>,
    /// What it says.
    pub feedback: NewFeedback,
}

/// Rows as read: what can be stored, with its line, and what cannot.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// In order.
    pub good: Vec<(u64, Row)>,
    /// In order.
    pub bad: Vec<Rejected>,
}

/// A channel that other systems send to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Its name in the address.
    pub name: String,
    /// On screen.
    pub label: String,
    /// Whether deliveries may be signed with a secret of it, instead of coming with a key.
    pub signed: bool,
    /// Where our fields are found in what comes in: `comment` → `ticket.description`. Empty: they have our names.
    pub mapping: BTreeMap<String, String>,
    /// When it was set up.
    pub created_at: Instant,
}

/// What comes with a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The channel in the address.
    pub channel: &'a str,
    /// Whether the body is CSV.
    pub csv: bool,
    /// The body.
    pub body: &'a [u8],
    /// Its signature, if it has one.
    pub signed: Option<signature::Signed<'a>>,
}

/// Takes rows in: by a key of scope `feedback`, or signed with the channel's secret. The same external id again updates.
pub async fn take(app: &App, actor: Option<&Actor>, delivery: Delivery<'_>) -> Result<Taken, Fault> {
    check_name(delivery.channel)?;
    let channel = channels::get(app.db(), delivery.channel).await?;
    let reporter = match (actor, delivery.signed) {
        (Some(Actor::Key { name, scopes }), _) if scopes.contains(&Scope::Feedback) => format!("key:{name}"),
        (Some(_), _) => return Err(Fault::Forbidden("This key may not send feedback: it needs the scope `feedback`.".to_owned())),
        (None, Some(signed)) => {
            verify(app, delivery.channel, signed, delivery.body).await?;
            if channels::was_taken(app.db(), &delivery_id(delivery.channel, signed)).await? {
                // The sender did not hear our answer the last time, or somebody plays it again.
                return Ok(Taken::default());
            }
            format!("channel:{}", delivery.channel)
        }
        (None, None) => return Err(Fault::Unauthorised("Send a key of scope `feedback`, or sign with the channel’s secret.".to_owned())),
    };
    let mapping = channel.map(|c| c.mapping.0).unwrap_or_default();
    let rows = if delivery.csv { read_csv(delivery.body, &mapping)? } else { read_json(delivery.body, &mapping)? };
    let taken = put(app, delivery.channel, &reporter, rows).await?;
    if let (None, Some(signed)) = (actor, delivery.signed) {
        // Only now: what failed halfway must be taken when it comes again.
        channels::was_taken_now(app.db(), &delivery_id(delivery.channel, signed), app.now()).await?;
    }
    Ok(taken)
}

/// Whether this was signed with the secret of that channel, not long ago.
pub(crate) async fn verify(app: &App, channel: &str, signed: signature::Signed<'_>, body: &[u8]) -> Result<(), Fault> {
    let refused = || Fault::Unauthorised("The signature is not one of this channel’s secret, or is too old.".to_owned());
    let sealed = channels::get(app.db(), channel).await?.and_then(|c| c.secret_sealed).ok_or_else(refused)?;
    let secret = app.master_key().open(&context(channel), &sealed).map_err(|_| refused())?;
    signed.verify(&secret, body, app.now()).map_err(|_| refused())
}

fn delivery_id(channel: &str, signed: signature::Signed<'_>) -> String {
    crate::identity::crypto::digest_text(&format!("{channel}\0{}", signed.id()))
}

/// Imports CSV that a person uploaded.
pub async fn import(app: &App, actor: &Actor, channel: &str, csv: &[u8]) -> Result<Taken, Fault> {
    actor.require(Permission::Triage)?;
    check_name(channel)?;
    let rows = read(app, channel, csv).await?;
    let taken = put(app, channel, &actor.name(), rows).await?;
    let mut tx = app.db().begin().await?;
    let numbers = serde_json::json!({ "accepted": taken.accepted, "new": taken.new, "rejected": taken.rejected.len() });
    note(app, &mut tx, actor, Change::new("feedback.import", channel).after(&numbers)).await?;
    tx.commit().await?;
    Ok(taken)
}

/// What an import would do, without doing it.
pub async fn preview(app: &App, actor: &Actor, channel: &str, csv: &[u8]) -> Result<Rows, Fault> {
    actor.require(Permission::Triage)?;
    check_name(channel)?;
    read(app, channel, csv).await
}

async fn read(app: &App, channel: &str, csv: &[u8]) -> Result<Rows, Fault> {
    let mapping = channels::get(app.db(), channel).await?.map(|c| c.mapping.0).unwrap_or_default();
    read_csv(csv, &mapping)
}

fn check_name(name: &str) -> Result<(), Fault> {
    let safe = !name.is_empty() && name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let ours = ["widget", "api", "survey"].contains(&name);
    if safe && !ours {
        Ok(())
    } else {
        Err(Fault::field("channel", "must be 1 to 40 letters, digits, `-` or `_`, and not `widget`, `api` or `survey`"))
    }
}

fn context(channel: &str) -> String {
    format!("intake:{channel}")
}

async fn put(app: &App, channel: &str, reporter: &str, rows: Rows) -> Result<Taken, Fault> {
    let mut taken = Taken { accepted: rows.good.len(), new: 0, rejected: rows.bad };
    let mut told = Vec::new();
    for piece in rows.good.chunks(PIECE) {
        let mut tx = app.db().begin().await?;
        for (_, row) in piece {
            let subject = Subject {
                request: None,
                channel: channel.to_owned(),
                reporter: reporter.to_owned(),
                repeat: Some(format!("intake\0{channel}\0{}", row.external_id)),
            };
            let id = Id::new();
            let mut entry = entry(app, &id, subject, row.feedback.clone(), row.given_at);
            if let Some(request_id) = &entry.request_id {
                entry.request = crate::telemetry::store::id_of(&mut tx, request_id).await?;
            }
            let stored = store::upsert(&mut tx, &entry).await?;
            taken.new += usize::from(stored == id);
            if told.len() < TOLD {
                told.push((stored.clone(), stored == id));
            }
        }
        tx.commit().await?;
    }
    for (id, new) in told {
        store::link(app.db(), Instant(0), Some(&id), 0).await?;
        if let Some(feedback) = store::get(app.db(), &id).await? {
            announce(app, feedback, new).await?;
        }
    }
    Ok(taken)
}

fn read_json(body: &[u8], mapping: &BTreeMap<String, String>) -> Result<Rows, Fault> {
    let value: Value = serde_json::from_slice(body).map_err(|e| Fault::field("body", format!("is not JSON: {e}")))?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) if mapping.is_empty() && object.get("rows").is_some_and(Value::is_array) => match object.remove("rows") {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        },
        Value::Object(object) => vec![Value::Object(object)],
        _ => return Err(Fault::field("body", "must be a list of rows, or one row")),
    };
    if list.len() > MOST_ROWS {
        return Err(Fault::field("body", format!("may have at most {MOST_ROWS} rows")));
    }
    let mut rows = Rows::default();
    for (line, value) in (1..).zip(list) {
        match value {
            Value::Object(object) => rows.add(line, mapped(object, mapping)),
            _ => rows.bad.push(Rejected { line, field: "row".to_owned(), reason: "is not an object".to_owned() }),
        }
    }
    Ok(rows)
}

fn read_csv(body: &[u8], mapping: &BTreeMap<String, String>) -> Result<Rows, Fault> {
    // Spreadsheets put a byte order mark in front.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let delimiter = delimiter(body);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(body);
    let headers = reader.byte_headers().map_err(|e| Fault::field("body", format!("is not CSV: {e}")))?;
    let names: Vec<String> = headers.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let id = mapping.get("external_id").map_or("external_id", String::as_str);
    if !names.iter().any(|name| name == id) {
        let why = format!("its first line must name the columns, `{id}` among them; it has: {}", names.join(", "));
        return Err(Fault::field("body", why.chars().take(300).collect::<String>()));
    }
    let mut rows = Rows::default();
    for record in reader.byte_records() {
        let record = record.map_err(|e| Fault::field("body", format!("is not CSV: {e}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        if rows.good.len() + rows.bad.len() >= MOST_ROWS {
            return Err(Fault::field("body", format!("may have at most {MOST_ROWS} rows")));
        }
        if record.len() != names.len() {
            let reason = format!("has {} fields where the first line has {}", record.len(), names.len());
            rows.bad.push(Rejected { line, field: "row".to_owned(), reason });
            continue;
        }
        let mut object = Map::new();
        let mut broken = None;
        for (name, value) in names.iter().zip(&record) {
            match std::str::from_utf8(value) {
                Ok("") => {}
                Ok(text) => drop(object.insert(name.clone(), Value::String(text.to_owned()))),
                Err(_) => broken = Some(name.clone()),
            }
        }
        match broken {
            Some(field) => rows.bad.push(Rejected { line, field, reason: "is not UTF-8".to_owned() }),
            None => rows.add(line, mapped(object, mapping)),
        }
    }
    Ok(rows)
}

/// A semicolon where the first line has more of them than commas: what spreadsheets write in half of Europe.
fn delimiter(body: &[u8]) -> u8 {
    let first = body.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| memchr::memchr_iter(wanted, first).count();
    if count(b';') > count(b',') { b';' } else { b',' }
}

/// Our fields out of theirs. Without a mapping they have our names; with one, only what it names is taken.
fn mapped(object: Map<String, Value>, mapping: &BTreeMap<String, String>) -> Map<String, Value> {
    if mapping.is_empty() {
        return object;
    }
    let whole = Value::Object(object);
    let find = |path: &str| {
        // A column of a spreadsheet may have a dot in its name.
        whole
            .get(path)
            .or_else(|| path.split('.').try_fold(&whole, |at, part| at.get(part).or_else(|| at.get(part.parse::<usize>().ok()?))))
    };
    mapping.iter().filter_map(|(ours, theirs)| Some((ours.clone(), find(theirs).filter(|v| !v.is_null())?.clone()))).collect()
}

impl Rows {
    fn add(&mut self, line: u64, object: Map<String, Value>) {
        match row(object) {
            Ok(row) => self.good.push((line, row)),
            Err(Fault::Invalid(fields)) => {
                self.bad.extend(fields.into_iter().map(|(field, reason)| Rejected { line, field, reason }));
            }
            Err(other) => self.bad.push(Rejected { line, field: "row".to_owned(), reason: other.to_string() }),
        }
    }
}

fn text(object: &mut Map<String, Value>, field: &str) -> Result<Option<String>, Fault> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|t| !t.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Fault::field(field, "must be text")),
    }
}

fn row(mut object: Map<String, Value>) -> Result<Row, Fault> {
    let take = &mut object;
    let external_id = text(take, "external_id")?.ok_or_else(|| Fault::field("external_id", "is missing"))?;
    if external_id.chars().count() > 256 {
        return Err(Fault::field("external_id", "must have at most 256 characters"));
    }
    let given_at = text(take, "created_at")?.map(|t| read_time(&t)).transpose()?;
    let mut feedback = NewFeedback {
        comment: text(take, "comment")?,
        correction: text(take, "correction")?,
        user: text(take, "user")?,
        request_id: text(take, "request_id")?,
        session_id: text(take, "session_id")?,
        ..NewFeedback::default()
    };
    if let Some(word) = text(take, "rating")? {
        read_rating(&word, &mut feedback)?;
    }
    if let Some(word) = text(take, "stars")? {
        feedback.stars = Some(word.parse().map_err(|_| Fault::field("stars", format!("must be 1 to 5, not `{word}`")))?);
    }
    if let Some(word) = text(take, "score")? {
        feedback.score = Some(word.parse().map_err(|_| Fault::field("score", format!("must be 0 to 1, not `{word}`")))?);
    }
    if let Some(word) = text(take, "flag")? {
        let known = Flag::ALL.into_iter().find(|flag| flag.as_str() == word);
        let refused = || Fault::field("flag", format!("must be wrong, biased, harmful, private_data or other, not `{word}`"));
        feedback.flag = Some(known.ok_or_else(refused)?);
    }
    let categories = match take.remove("categories").or_else(|| take.remove("category")) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        Some(Value::String(words)) => words.split([',', ';', '|']).map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect(),
        Some(_) => return Err(Fault::field("categories", "must be a list of words")),
    };
    // An empty cell of a file brought in again takes nothing back, as with its words.
    feedback.categories = Some(categories).filter(|list| !list.is_empty());
    let more = take.remove("metadata");
    let mut metadata = std::mem::take(take);
    match more {
        Some(Value::Object(more)) => metadata.extend(more),
        Some(other) if !other.is_null() => drop(metadata.insert("metadata".to_owned(), other)),
        _ => {}
    }
    metadata.insert("external_id".to_owned(), Value::String(external_id.clone()));
    feedback.metadata = Some(metadata);
    check(&feedback)?;
    Ok(Row { external_id, given_at, feedback })
}

/// `up`, `down`, or a number of stars.
fn read_rating(word: &str, feedback: &mut NewFeedback) -> Result<(), Fault> {
    match word.to_lowercase().as_str() {
        "up" | "good" | "positive" | "thumbs_up" => feedback.rating = Some(Rating::Up),
        "down" | "bad" | "negative" | "thumbs_down" => feedback.rating = Some(Rating::Down),
        number => match number.parse::<f64>() {
            // Store reviews come as 4.0.
            #[expect(clippy::cast_possible_truncation, reason = "a whole number from 1 to 5")]
            Ok(n) if (1.0..=5.0).contains(&n) && n.fract() == 0.0 => feedback.stars = Some(n as i64),
            _ => return Err(Fault::field("rating", format!("must be up, down, or 1 to 5, not `{word}`"))),
        },
    }
    Ok(())
}

fn read_time(text: &str) -> Result<Instant, Fault> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(Instant(at.timestamp_micros()));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let read = forms.into_iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok());
    let read = read.or_else(|| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0)));
    let refused = || Fault::field("created_at", format!("must be a time like 2026-11-24T08:30:00Z, not `{text}`"));
    read.map(|at| Instant(at.and_utc().timestamp_micros())).ok_or_else(refused)
}

/// Channels that were set up, by name.
pub async fn channels(app: &App, actor: &Actor) -> Result<Vec<Channel>, Fault> {
    actor.require(Permission::Triage)?;
    let rows = channels::list(app.db()).await?;
    Ok(rows.into_iter().map(|c| c.channel()).collect())
}

/// Sets a channel up, or changes it. An empty secret leaves the one it has; a new channel without one takes only keys.
pub async fn save_channel(
    app: &App,
    actor: &Actor,
    name: &str,
    label: &str,
    secret: &str,
    mapping: BTreeMap<String, String>,
) -> Result<Channel, Fault> {
    actor.require(Permission::ManageChannels)?;
    check_name(name)?;
    let mut wrong = BTreeMap::new();
    if label.chars().count() > 80 {
        wrong.insert("label".to_owned(), "must have at most 80 characters".to_owned());
    }
    if !secret.is_empty() && secret.len() < 16 {
        wrong.insert("secret".to_owned(), "must have at least 16 characters".to_owned());
    }
    if let Some(field) = mapping.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        wrong.insert("mapping".to_owned(), format!("has no field `{field}`; there are {}", FIELDS.join(", ")));
    } else if !mapping.is_empty() && !mapping.contains_key("external_id") {
        wrong.insert("mapping".to_owned(), "must say where `external_id` is found".to_owned());
    }
    Fault::check(wrong)?;
    let before = channels::get(app.db(), name).await?;
    let secret_sealed = match secret {
        "" => before.as_ref().and_then(|b| b.secret_sealed.clone()),
        secret => Some(app.master_key().seal(&context(name), &signature::key_of(secret))?),
    };
    let row = channels::ChannelRow {
        name: name.to_owned(),
        label: if label.trim().is_empty() { name.to_owned() } else { label.trim().to_owned() },
        secret_sealed,
        mapping: sqlx::types::Json(mapping),
        created_at: before.as_ref().map_or_else(|| app.now(), |b| b.created_at),
    };
    let mut tx = app.db().begin().await?;
    channels::put(&mut tx, &row).await?;
    let after = row.channel();
    let before = before.map(|c| c.channel());
    note(app, &mut tx, actor, Change::new("feedback.channel.save", name).before(&before).after(&after)).await?;
    tx.commit().await?;
    Ok(after)
}

/// Deletes a channel. What came in by it stays.
pub async fn delete_channel(app: &App, actor: &Actor, name: &str) -> Result<(), Fault> {
    actor.require(Permission::ManageChannels)?;
    let before = channels::get(app.db(), name).await?.ok_or_else(|| Fault::NotFound(format!("There is no channel `{name}`.")))?;
    let mut tx = app.db().begin().await?;
    channels::delete(&mut tx, name).await?;
    note(app, &mut tx, actor, Change::new("feedback.channel.delete", name).before(&before.channel())).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_rows_are_read_and_bad_ones_named_by_line_and_field() {
        let csv = "external_id,created_at,rating,comment,user,shop\n\
            T-1,2026-11-20T10:00:00Z,down,\"It forgot,\nmy order\",ann,berlin\n\
            ,2026-11-20,up,hello,bob,\n\
            T-3,yesterday,up,hello,bob,\n\
            T-4,2026-11-20,7,hello,bob,\n\
            T-5,2026-11-20,,,bob,\n\
            T-6,2026-11-20,4\n\
            T-7,2026-11-20 09:30,4.0,Fine,eve,\n";
        let rows = read_csv(csv.as_bytes(), &BTreeMap::new()).expect("CSV");
        let good: Vec<_> = rows.good.iter().map(|(line, row)| (*line, row.external_id.as_str())).collect();
        assert_eq!(good, [(2, "T-1"), (9, "T-7")], "lines count as an editor counts them");
        assert_eq!(rows.good[0].1.feedback.comment.as_deref(), Some("It forgot,\nmy order"));
        assert_eq!(rows.good[1].1.feedback.stars, Some(4));
        assert_eq!(rows.good[0].1.feedback.metadata.as_ref().map(|m| m["shop"].clone()), Some(Value::String("berlin".to_owned())));
        let bad: Vec<_> = rows.bad.iter().map(|r| (r.line, r.field.as_str())).collect();
        assert_eq!(bad, [(4, "external_id"), (5, "created_at"), (6, "rating"), (7, "rating"), (8, "row")]);
    }

    #[test]
    fn semicolons_and_a_byte_order_mark_are_what_spreadsheets_write() {
        let rows = read_csv("\u{feff}external_id;rating\r\nA;up\r\n".as_bytes(), &BTreeMap::new()).expect("CSV");
        assert_eq!((rows.good.len(), rows.bad.len()), (1, 0));
        let refused = read_csv(b"a,b\n1,2\n", &BTreeMap::new()).expect_err("no id");
        assert!(refused.to_string().contains("external_id"), "{refused}");
    }

    #[test]
    fn a_mapping_finds_our_fields_in_what_others_send() {
        let mapping = BTreeMap::from([
            ("external_id".to_owned(), "ticket.id".to_owned()),
            ("comment".to_owned(), "ticket.comments.0.body".to_owned()),
            ("user".to_owned(), "requester".to_owned()),
        ]);
        let body = br#"{"ticket": {"id": 981, "comments": [{"body": "Chat sends me in circles."}]}, "requester": "eve", "secret": "x"}"#;
        let rows = read_json(body, &mapping).expect("JSON");
        let row = &rows.good[0].1;
        assert_eq!((row.external_id.as_str(), row.feedback.user.as_deref()), ("981", Some("eve")));
        assert_eq!(row.feedback.comment.as_deref(), Some("Chat sends me in circles."));
        assert!(!row.feedback.metadata.as_ref().expect("id").contains_key("secret"), "only what is named is taken");
    }
}
