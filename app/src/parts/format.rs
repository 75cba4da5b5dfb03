//! Numbers, money and time as people read them.

use hypercare::types::{Duration, Instant, Nanodollars};

/// How old something is that has just happened.
pub const NOW: &str = "now";
/// The sign for "nothing to show".
pub const NONE: &str = "–";

/// `999`, `1,234`, `41.2k`, `3.4M`.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub fn count(n: i64) -> String {
    let size = n.unsigned_abs();
    match size {
        0..10_000 => grouped(n),
        10_000..1_000_000 => format!("{:.1}k", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1}M", n as f64 / 1e6),
        _ => format!("{:.1}G", n as f64 / 1e9),
    }
}

/// `1,234,567`.
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if n < 0 { format!("−{out}") } else { out }
}

/// A share from 0 to 1 as percent, without the sign: `0.21`, `4.5`, `71.4`, `100`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent == 0.0 || percent >= 99.95 {
        0
    } else if percent < 1.0 {
        2
    } else {
        1
    };
    format!("{percent:.digits$}")
}

/// A share in percent as it was set: `90`, `12.5`, `0.01`.
pub fn share(percent: f64) -> String {
    let text = format!("{percent:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reads percent as people type it: `12.5`, `12,5`, `12.5 %`.
pub fn parse_percent(text: &str) -> Option<f64> {
    text.trim().trim_end_matches('%').trim().replace(',', ".").parse().ok().filter(|n: &f64| n.is_finite())
}

/// Value and unit of a span in microseconds: `("410", "ms")`, `("1.84", "s")`.
pub fn duration_parts(us: f64) -> (String, &'static str) {
    if us < 1_000.0 {
        (format!("{us:.0}"), "µs")
    } else if us < 10_000.0 {
        (format!("{:.1}", us / 1e3), "ms")
    } else if us < 1_000_000.0 {
        (format!("{:.0}", us / 1e3), "ms")
    } else if us < 100_000_000.0 {
        (format!("{:.2}", us / 1e6), "s")
    } else {
        (format!("{:.0}", us / 1e6), "s")
    }
}

/// `410 ms`, `1.84 s`.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub fn duration(us: i64) -> String {
    let (value, unit) = duration_parts(us as f64);
    format!("{value} {unit}")
}

/// US dollars without the unit: `86.10`, `0.0011`, `0`.
pub fn usd(amount: Nanodollars) -> String {
    let dollars = amount.usd();
    if amount.0 == 0 {
        "0".to_owned()
    } else if dollars.abs() >= 0.1 {
        format!("{dollars:.2}")
    } else {
        let text = format!("{dollars:.6}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// How long ago: `now`, `12 s`, `5 min`, `3 h`, `2 d`.
pub fn age(then: Instant, now: Instant) -> String {
    let Duration(us) = now.since(then);
    let seconds = us / 1_000_000;
    match seconds {
        ..2 => NOW.to_owned(),
        2..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `2026-11-23 18:54:01 UTC`, for where no script turns it into local time.
pub fn utc(at: Instant) -> String {
    at.to_utc().map_or_else(|| at.0.to_string(), |t| t.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The instant of a date and time in UTC as browsers send them: `2026-11-24T08:30`, with or without seconds.
pub fn parse_utc(text: &str) -> Option<Instant> {
    let text = text.trim().trim_end_matches('Z').replace(' ', "T");
    let read = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].into_iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(&text, form).ok());
    read.map(|at| Instant(at.and_utc().timestamp_micros()))
}

/// `18:54`, in UTC.
pub fn clock(at: Instant) -> String {
    at.to_utc().map_or_else(String::new, |t| t.format("%H:%M").to_string())
}

/// Change from `before` to `now` in percent with its sign, `None` when there was nothing before.
pub fn change(now: f64, before: f64) -> Option<String> {
    if before <= 0.0 {
        return None;
    }
    let percent = (now - before) / before * 100.0;
    let sign = if percent < -0.5 {
        "−"
    } else if percent >= 0.5 {
        "+"
    } else {
        "±"
    };
    Some(format!("{sign}{:.0} %", percent.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        assert_eq!(count(9_999), "9,999");
        assert_eq!(count(41_234), "41.2k");
        assert_eq!(grouped(-1_234_567), "−1,234,567");
        assert_eq!((percent(0.0021), percent(0.714), percent(1.0), percent(0.0)), ("0.21".into(), "71.4".into(), "100".into(), "0".into()));
        assert_eq!((share(90.0), share(12.5), share(0.01)), ("90".into(), "12.5".into(), "0.01".into()));
        assert_eq!(
            (parse_percent(" 12,5 % "), parse_percent("12.5"), parse_percent("half"), parse_percent("inf")),
            (Some(12.5), Some(12.5), None, None)
        );
        assert_eq!((duration(410_000), duration(1_840_000), duration(350)), ("410 ms".into(), "1.84 s".into(), "350 µs".into()));
        assert_eq!(
            (usd(Nanodollars(86_100_000_000)), usd(Nanodollars(1_100_000)), usd(Nanodollars(0))),
            ("86.10".into(), "0.0011".into(), "0".into())
        );
    }

    #[test]
    fn ages_and_changes_read_like_speech() {
        let now = Instant(1_000_000_000_000);
        assert_eq!(age(now.minus(Duration::SECOND.times(12)), now), "12 s");
        assert_eq!(age(now.minus(Duration::HOUR.times(3)), now), "3 h");
        assert_eq!(age(now.plus(Duration::SECOND), now), "now", "clocks differ a little");
        assert_eq!(change(106.0, 100.0).as_deref(), Some("+6 %"));
        assert_eq!(change(94.0, 100.0).as_deref(), Some("−6 %"));
        assert_eq!(change(1.0, 0.0), None);
    }
}
