//! How Amazon Bedrock knows who calls: AWS Signature Version 4 of a POST, or a Bedrock API key.
//!
//! Written with `ring`, which is here anyway: `aws-sigv4` brings over a dozen crates along and derives the day's key anew for every call.

use crate::types::{Duration, Instant};
use arc_swap::ArcSwapOption;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};
use ring::hmac;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The service that is called, in the scope of a signature.
const SERVICE: &str = "bedrock";

/// The kind of signature.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// When it was signed.
const DATE: &str = "x-amz-date";

/// The token of a temporary key.
const TOKEN: &str = "x-amz-security-token";

/// What Bedrock API keys begin with: those of long and of short life.
const BEARERS: [&str; 2] = ["ABSK", "bedrock-api-key-"];

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Neither two parts nor three.
    #[error(
        "An AWS key is written `ACCESS_KEY_ID:SECRET` or `ACCESS_KEY_ID:SECRET:SESSION_TOKEN`; a Bedrock API key begins with `ABSK` or `bedrock-api-key-`."
    )]
    Form,
    /// The first part is no access key id.
    #[error("The access key id (before the first colon) must be letters and digits.")]
    Id,
    /// The second part is no secret.
    #[error("The secret (behind the first colon) is empty or has characters that no AWS secret has.")]
    Secret,
    /// The third part is no token.
    #[error("The session token (behind the second colon) is empty or has characters that no session token has.")]
    Token,
    /// A temporary key alone is worth nothing.
    #[error("This is a temporary key (`ASIA…`): it needs its session token as a third part.")]
    NoToken,
    /// A Bedrock API key with blanks or other characters that no header takes.
    #[error("The Bedrock API key has characters that no such key has.")]
    Bearer,
}

/// An access key of AWS.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Names it.
    pub id: String,
    /// Never sent.
    pub secret: String,
    /// Of a temporary key.
    pub session_token: Option<String>,
}

/// Without the secrets.
impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A key as it is configured.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Signs every call.
    AccessKey(AccessKey),
    /// A Bedrock API key: sent as it is.
    Bearer(String),
}

/// Without the secrets.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessKey(key) => key.fmt(f),
            Self::Bearer(_) => f.write_str("Bearer"),
        }
    }
}

impl Credential {
    /// Reads `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]` or a Bedrock API key.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        let visible = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic());
        if BEARERS.iter().any(|prefix| text.starts_with(prefix)) {
            return if visible(text) { Ok(Self::Bearer(text.to_owned())) } else { Err(BadKey::Bearer) };
        }
        let mut parts = text.split(':');
        let (Some(id), Some(secret), token, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Form);
        };
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(BadKey::Id);
        }
        if !visible(secret) {
            return Err(BadKey::Secret);
        }
        if token.is_some_and(|token| !visible(token)) {
            return Err(BadKey::Token);
        }
        if id.starts_with("ASIA") && token.is_none() {
            return Err(BadKey::NoToken);
        }
        Ok(Self::AccessKey(AccessKey { id: id.to_owned(), secret: secret.to_owned(), session_token: token.map(str::to_owned) }))
    }

    /// The `Authorization` of a Bedrock API key; `None` for an access key, which signs.
    pub fn bearer(&self) -> Option<HeaderValue> {
        match self {
            Self::Bearer(key) => Some(secret_value(&format!("Bearer {key}"))),
            Self::AccessKey(_) => None,
        }
    }
}

/// The region of an endpoint: `https://bedrock-runtime.<region>.amazonaws.com`, its FIPS kin, and private endpoints. `None` for other addresses.
pub fn region_of(base_url: &str) -> Option<&str> {
    let rest = base_url.strip_prefix("https://")?;
    let host = rest.split(['/', ':', '?', '#']).next()?;
    let amazon = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    let labels = amazon.iter().find_map(|suffix| host.strip_suffix(suffix))?;
    let mut labels = labels.split('.').skip_while(|label| !matches!(*label, "bedrock-runtime" | "bedrock-runtime-fips"));
    labels.nth(1).filter(|region| is_region(region))
}

fn is_region(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A call to be signed: a POST without a query.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The `Host` as it is sent.
    pub host: &'a str,
    /// The path as it is sent, already escaped.
    pub path: &'a str,
    /// The body as it is sent.
    pub body: &'a [u8],
}

/// What is derived from a secret for a day.
struct Day {
    /// Days since 1970.
    number: i64,
    key: hmac::Key,
}

/// Signs calls with one key for one region. The day's key is derived once.
pub struct Signer {
    key: AccessKey,
    region: String,
    service: &'static str,
    today: ArcSwapOption<Day>,
}

impl Signer {
    /// A signer for a region; `None` when that is no name of one.
    pub fn new(key: AccessKey, region: &str) -> Option<Self> {
        is_region(region).then(|| Self::of_service(key, region, SERVICE))
    }

    fn of_service(key: AccessKey, region: &str, service: &'static str) -> Self {
        Self { key, region: region.to_owned(), service, today: ArcSwapOption::empty() }
    }

    /// The headers to add: `authorization`, `x-amz-date`, and `x-amz-security-token` for a temporary key. Beside these `host` is signed. `None` when
    /// the instant is out of the calendar.
    pub fn sign(&self, call: Call<'_>, at: Instant) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let time = at.to_utc()?.format("%Y%m%dT%H%M%SZ").to_string();
        let scope = format!("{}/{}/{}/aws4_request", time.get(..8)?, self.region, self.service);
        let token = self.key.session_token.as_deref();
        let (canonical, signed) = canonical(call, &time, token);
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(digest(&SHA256, canonical.as_bytes()).as_ref()));
        let signature = hex(hmac::sign(&self.day(at, time.get(..8)?).key, text.as_bytes()).as_ref());
        let authorization = format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}", self.key.id);
        let mut headers = vec![(AUTHORIZATION, secret_value(&authorization)), (HeaderName::from_static(DATE), secret_value(&time))];
        headers.extend(token.map(|token| (HeaderName::from_static(TOKEN), secret_value(token))));
        Some(headers)
    }

    /// The day's key; calls of two days at midnight derive it a few times more.
    fn day(&self, at: Instant, date: &str) -> Arc<Day> {
        let number = at.0.div_euclid(Duration::DAY.0);
        if let Some(day) = self.today.load_full().filter(|day| day.number == number) {
            return day;
        }
        let step = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        let first = step(format!("AWS4{}", self.key.secret).as_bytes(), date);
        let last = [self.region.as_str(), self.service, "aws4_request"].iter().fold(first, |key, text| step(key.as_ref(), text));
        let day = Arc::new(Day { number, key: hmac::Key::new(hmac::HMAC_SHA256, last.as_ref()) });
        self.today.store(Some(day.clone()));
        day
    }
}

/// The canonical request, and the names of the headers in it.
fn canonical(call: Call<'_>, time: &str, token: Option<&str>) -> (String, String) {
    let mut headers = vec![("host", call.host), (DATE, time)];
    headers.extend(token.map(|token| (TOKEN, token)));
    let signed = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut out = format!("POST\n{}\n\n", canonical_path(call.path));
    for (name, value) in headers {
        out.extend([name, ":", value, "\n"]);
    }
    out.extend(["\n", &signed, "\n", &hex(digest(&SHA256, call.body).as_ref())]);
    (out, signed)
}

/// The path escaped once more, as every service but S3 wants it: a `:` that is sent as `%3A` is `%253A` here.
fn canonical_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    if !path.starts_with('/') {
        out.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(char::from(byte)),
            // Writing into text cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A header's value that is not shown. Its parts were checked when the key was read: all are visible ASCII.
fn secret_value(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests;
