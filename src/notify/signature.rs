//! Signatures of webhooks, going out and coming in.
//!
//! Standard Webhooks (standardwebhooks.com, v1): HMAC-SHA-256 over `id.timestamp.body`, base64, with a secret that begins with `whsec_`. Coming in, the form of
//! GitHub and Jira is understood as well (`x-hub-signature-256`: HMAC-SHA-256 over the body, hexadecimal), and Linear's (`linear-signature`, the same).

use crate::types::{Duration, Instant};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// How far the clock of a sender may be off.
const TOLERANCE: Duration = Duration(5 * 60 * 1_000_000);

/// The bytes of a secret: base64 behind `whsec_`, else the text itself.
pub fn key_of(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn hmac_of(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

/// The value of `webhook-signature`.
pub fn sign(key: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let tag = hmac::sign(&hmac_of(key), format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// The signature of something that came in.
#[derive(Clone, Copy, Debug)]
pub enum Signed<'a> {
    /// Standard Webhooks: id, timestamp, signatures.
    Standard {
        /// `webhook-id`.
        id: &'a str,
        /// `webhook-timestamp`, seconds since 1970.
        timestamp: &'a str,
        /// `webhook-signature`: one or more, separated by spaces.
        signatures: &'a str,
    },
    /// Over the body alone, in hexadecimal.
    Body {
        /// What tells deliveries apart.
        id: &'a str,
        /// Hexadecimal.
        signature: &'a str,
    },
}

/// The signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not hold")]
pub struct BadSignature;

impl<'a> Signed<'a> {
    /// The signature among the headers of a request, if there is one.
    pub fn of(headers: &'a HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        if let (Some(id), Some(timestamp), Some(signatures)) = (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature")) {
            return Some(Self::Standard { id, timestamp, signatures });
        }
        let signature = text("x-hub-signature-256").or_else(|| text("x-hub-signature")).and_then(|v| v.strip_prefix("sha256="));
        let signature = signature.or_else(|| text("linear-signature"))?;
        let id = ["x-github-delivery", "x-atlassian-webhook-identifier", "linear-delivery"].into_iter().find_map(text).unwrap_or(signature);
        Some(Self::Body { id, signature })
    }

    /// What tells this delivery from others.
    pub const fn id(self) -> &'a str {
        match self {
            Self::Standard { id, .. } | Self::Body { id, .. } => id,
        }
    }

    /// Whether it was made with this key, over this body, not long ago.
    pub fn verify(self, key: &[u8], body: &[u8], now: Instant) -> Result<(), BadSignature> {
        let key = hmac_of(key);
        match self {
            Self::Standard { id, timestamp, signatures } => {
                let at: i64 = timestamp.parse().map_err(|_| BadSignature)?;
                if (now.0 / 1_000_000 - at).abs() > TOLERANCE.0 / 1_000_000 {
                    return Err(BadSignature);
                }
                let mut signed = format!("{id}.{timestamp}.").into_bytes();
                signed.extend_from_slice(body);
                let mut given = signatures.split(' ').filter_map(|s| STANDARD.decode(s.strip_prefix("v1,")?).ok());
                given.any(|tag| hmac::verify(&key, &signed, &tag).is_ok()).then_some(()).ok_or(BadSignature)
            }
            Self::Body { signature, .. } => {
                let tag = unhex(signature).ok_or(BadSignature)?;
                hmac::verify(&key, body, &tag).map_err(|_| BadSignature)
            }
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    if !digits.remainder().is_empty() {
        return None;
    }
    digits.map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_specification_signs_we_sign() {
        // The example of the Standard Webhooks specification.
        let key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn githubs_example_holds_and_nothing_else() {
        // From GitHub's documentation, "Testing the webhook payload validation".
        let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signed = Signed::Body { id: "1", signature };
        assert_eq!(signed.verify(b"It's a Secret to Everybody", b"Hello, World!", Instant(0)), Ok(()));
        assert_eq!(signed.verify(b"another secret", b"Hello, World!", Instant(0)), Err(BadSignature));
        assert_eq!(signed.verify(b"It's a Secret to Everybody", b"Hello, World", Instant(0)), Err(BadSignature));
        assert_eq!(Signed::Body { id: "1", signature: "zz€" }.verify(b"k", b"", Instant(0)), Err(BadSignature));
    }

    #[test]
    fn an_old_delivery_is_refused() {
        let (key, at) = (key_of("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), 1_790_000_000);
        let (signatures, timestamp) = (sign(&key, "m", at, "{}"), at.to_string());
        let signed = Signed::Standard { id: "m", timestamp: &timestamp, signatures: &signatures };
        assert_eq!(signed.verify(&key, b"{}", Instant((at + 200) * 1_000_000)), Ok(()));
        assert_eq!(signed.verify(&key, b"{}", Instant((at + 400) * 1_000_000)), Err(BadSignature));
        assert_eq!(signed.verify(&key, b"{ }", Instant(at * 1_000_000)), Err(BadSignature));
    }
}
