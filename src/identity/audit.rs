//! Reading the audit log: filters, pages, export. It is written in [`service::record`](super::service::record), with every change.

use super::Actor;
use super::model::{AuditEntry, AuditFilter, Permission};
use super::store::{self, AuditWanted};
use crate::server::App;
use crate::types::{Duration, Fault, Instant, Page, PageRequest};
use futures_util::{Stream, stream};

/// Lines read at once for an export.
const PIECE: u32 = 500;

/// The lines that pass the filter, newest first.
pub async fn list(app: &App, actor: &Actor, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditEntry>, Fault> {
    actor.require(Permission::ReadAudit)?;
    let now = app.now();
    let given = |text: &'_ Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (who, what, which) = (given(&filter.actor), given(&filter.action), given(&filter.object));
    let wanted = AuditWanted {
        actor: who.as_deref(),
        action: what.as_deref(),
        object: which.as_deref(),
        since: given(&filter.since).map(|text| read_time("since", &text, now)).transpose()?,
        until: given(&filter.until).map(|text| read_time("until", &text, now)).transpose()?,
    };
    let rows = page.rows();
    let entries = store::audit(app.db(), &wanted, page.cursor.as_deref(), i64::try_from(rows + 1).unwrap_or(i64::MAX)).await?;
    Ok(Page::cut(entries, rows, |e| e.id.to_string()))
}

/// RFC 3339, a date with or without a time in UTC, or so long ago: `90s`, `5m`, `24h`, `7d`.
fn read_time(field: &str, text: &str, now: Instant) -> Result<Instant, Fault> {
    let refused = || Fault::field(field, "must be a date and time like 2026-11-24T08:30, or 1h, 24h or 7d ago");
    if let Some(unit) = text.chars().last().filter(char::is_ascii_lowercase) {
        let unit = match unit {
            's' => Duration::SECOND,
            'm' => Duration::MINUTE,
            'h' => Duration::HOUR,
            'd' => Duration::DAY,
            _ => return Err(refused()),
        };
        let n: i64 = text[..text.len() - 1].parse().map_err(|_| refused())?;
        return if (0..=100_000).contains(&n) { Ok(now.minus(unit.times(n))) } else { Err(refused()) };
    }
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(Instant(at.timestamp_micros()));
    }
    let local = text.trim_end_matches('Z').replace(' ', "T");
    let whole = if local.contains('T') { local } else { format!("{local}T00:00") };
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let read = forms.into_iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(&whole, form).ok());
    read.map(|at| Instant(at.and_utc().timestamp_micros())).ok_or_else(refused)
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a line of names first.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

/// All lines that pass the filter, newest first, in pieces of text; nothing is held but the piece at hand. The first piece is read before anything is
/// handed out, so that a filter that does not hold is refused.
pub async fn export(
    app: &App,
    actor: &Actor,
    filter: AuditFilter,
    format: Format,
) -> Result<impl Stream<Item = Result<String, Fault>> + Send + use<>, Fault> {
    let first = list(app, actor, &filter, &PageRequest { limit: Some(PIECE), cursor: None }).await?;
    let (app, actor) = (app.clone(), actor.clone());
    let head = if format == Format::Csv { "at,actor,action,object,reason,before,after\n" } else { "" };
    let state = Some((first, head.to_owned()));
    Ok(stream::unfold(state, move |state| {
        let (app, actor, filter) = (app.clone(), actor.clone(), filter.clone());
        async move {
            let (page, head) = state?;
            let text = page.items.iter().map(|entry| line(entry, format)).collect::<Result<String, Fault>>();
            let next = match page.next_cursor {
                None => Ok(None),
                cursor => list(&app, &actor, &filter, &PageRequest { limit: Some(PIECE), cursor }).await.map(Some),
            };
            match (text, next) {
                (Ok(text), Ok(next)) => Some((Ok(head + &text), next.map(|page| (page, String::new())))),
                (Err(fault), _) | (_, Err(fault)) => Some((Err(fault), None)),
            }
        }
    }))
}

fn line(entry: &AuditEntry, format: Format) -> Result<String, Fault> {
    if format == Format::Ndjson {
        return serde_json::to_string(entry).map(|json| json + "\n").map_err(Fault::internal);
    }
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let (before, after) = (json(&entry.before), json(&entry.after));
    let at = entry.at.rfc3339();
    let fields = [&at, &entry.actor, &entry.action, &entry.object, &entry.reason, &before, &after];
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields.map(|field| harmless(field))).map_err(Fault::internal)?;
    let bytes = writer.into_inner().map_err(|e| Fault::internal(e.to_string()))?;
    String::from_utf8(bytes).map_err(Fault::internal)
}

/// A spreadsheet takes a field that begins so for a formula (OWASP, CSV injection).
fn harmless(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_way_a_person_types_them() {
        let now = Instant(1_000_000_000_000);
        let read = |text: &str| read_time("since", text, now).map(|at| at.0);
        assert_eq!(read("2026-11-24T08:30").expect("a time"), 1_795_509_000_000_000);
        assert_eq!(read("2026-11-24T09:30:00+01:00").expect("a time"), 1_795_509_000_000_000);
        assert_eq!(read("2026-11-24").expect("a day"), 1_795_478_400_000_000);
        assert_eq!(read("1h").expect("an hour ago"), now.0 - 3_600_000_000);
        assert!(["yesterday", "-1h", "1y", "2026-13-01"].iter().all(|text| read(text).is_err()));
    }

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        assert_eq!(harmless("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(harmless("ann@example.org"), "ann@example.org");
    }
}
