//! Instants and durations.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point in time: microseconds since 1970-01-01 UTC. An integer in both databases, so that bucketing is integer arithmetic; RFC 3339 in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(transparent))]
pub struct Instant(pub i64);

/// A span of time in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(pub i64);

impl Duration {
    /// One second.
    pub const SECOND: Self = Self(1_000_000);
    /// One minute.
    pub const MINUTE: Self = Self(60 * 1_000_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600 * 1_000_000);
    /// One day of 24 hours.
    pub const DAY: Self = Self(86_400 * 1_000_000);

    /// This span `n` times.
    #[must_use]
    pub const fn times(self, n: i64) -> Self {
        Self(self.0 * n)
    }
}

impl Instant {
    /// The instant as a calendar time, `None` when it is out of the calendar's range.
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// The exact instant for machines and for a `title`: RFC 3339 with milliseconds, UTC.
    pub fn rfc3339(self) -> String {
        self.to_utc().map_or_else(|| self.0.to_string(), |t| t.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// The start of the minute this instant lies in.
    #[must_use]
    pub const fn minute(self) -> Self {
        self.floor(Duration::MINUTE)
    }

    /// The start of the span of length `step` (counted from 1970) this instant lies in.
    #[must_use]
    pub const fn floor(self, step: Duration) -> Self {
        Self(self.0 - self.0.rem_euclid(step.0))
    }

    /// The time from `earlier` to this instant; negative when it lies after.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0 - earlier.0)
    }

    /// This instant moved into the future.
    #[must_use]
    pub const fn plus(self, d: Duration) -> Self {
        Self(self.0 + d.0)
    }

    /// This instant moved into the past.
    #[must_use]
    pub const fn minus(self, d: Duration) -> Self {
        Self(self.0 - d.0)
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(t: DateTime<Utc>) -> Self {
        Self(t.timestamp_micros())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.to_utc() {
            Some(t) => s.serialize_str(&t.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => s.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        DateTime::parse_from_rfc3339(&text).map(|t| Self(t.timestamp_micros())).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_json_to_the_microsecond() {
        let t = Instant(1_790_000_000_123_456);
        let json = serde_json::to_string(&t).expect("serialise");
        assert_eq!(json, "\"2026-09-21T14:13:20.123456Z\"");
        assert_eq!(serde_json::from_str::<Instant>(&json).expect("parse"), t);
    }

    #[test]
    fn instants_before_1970_fall_into_the_right_minute() {
        assert_eq!(Instant(-1).minute(), Instant(-60_000_000));
    }
}
