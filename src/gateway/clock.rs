//! The time as the data plane needs it: to compare with a provider's own dates and to let breakers forget.

/// Microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "compared with the provider's own clock, and far below the App")]
pub(super) fn micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
