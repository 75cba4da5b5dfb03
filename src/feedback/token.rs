//! The token that lets a browser give feedback on one answer and nothing else.
//!
//! 36 bytes, base64url: the id of the log entry (16), the hour it expires (4, big-endian, hours since 1970), and the first 16 bytes of HMAC-SHA-256 over
//! the 20 bytes before (truncation per RFC 2104 §5).

use crate::types::{Duration, Id, Instant};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// How long a token is good for.
const LIFE_HOURS: i64 = 30 * 24;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours, or altered.
    #[error("This feedback token is not valid.")]
    Invalid,
    /// Older than thirty days.
    #[error("This feedback token has expired: feedback is taken for 30 days.")]
    Expired,
}

/// Signs a token for the log entry `id` (a UUID).
pub fn sign(key: &hmac::Key, id: &Id, now: Instant) -> Option<String> {
    sign_for(key, id, now, LIFE_HOURS)
}

/// The same, good for so many hours.
pub(crate) fn sign_for(key: &hmac::Key, id: &Id, now: Instant, hours: i64) -> Option<String> {
    let mut token = [0_u8; 36];
    token[..16].copy_from_slice(uuid::Uuid::parse_str(id.as_str()).ok()?.as_bytes());
    let hour = u32::try_from(now.0 / Duration::HOUR.0 + 1 + hours).ok()?;
    token[16..20].copy_from_slice(&hour.to_be_bytes());
    let tag = hmac::sign(key, &token[..20]);
    token[20..].copy_from_slice(&tag.as_ref()[..16]);
    Some(URL_SAFE_NO_PAD.encode(token))
}

/// The log entry a token stands for.
pub fn verify(key: &hmac::Key, token: &str, now: Instant) -> Result<Id, TokenError> {
    let bytes: [u8; 36] = URL_SAFE_NO_PAD.decode(token.trim()).ok().and_then(|b| b.try_into().ok()).ok_or(TokenError::Invalid)?;
    let tag = hmac::sign(key, &bytes[..20]);
    // Compared without an early exit, so that the time taken tells nothing.
    let differs = tag.as_ref()[..16].iter().zip(&bytes[20..]).fold(0, |acc, (a, b)| acc | (a ^ b));
    if differs != 0 {
        return Err(TokenError::Invalid);
    }
    let hour = i64::from(u32::from_be_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]));
    if now.0 / Duration::HOUR.0 >= hour {
        return Err(TokenError::Expired);
    }
    let id: [u8; 16] = bytes[..16].try_into().map_err(|_| TokenError::Invalid)?;
    Ok(Id::from_text(uuid::Uuid::from_bytes(id).hyphenated().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_bound_to_its_request_its_time_and_its_key() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"one");
        let id = Id::new();
        let now = Instant(1_790_000_000_000_000);
        let token = sign(&key, &id, now).expect("signs");
        assert_eq!(verify(&key, &token, now), Ok(id.clone()));
        assert_eq!(verify(&key, &token, now.plus(Duration::DAY.times(29))), Ok(id));
        assert_eq!(verify(&key, &token, now.plus(Duration::DAY.times(31))), Err(TokenError::Expired));
        assert_eq!(verify(&hmac::Key::new(hmac::HMAC_SHA256, b"two"), &token, now), Err(TokenError::Invalid));
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("ASCII");
            assert_eq!(verify(&key, &forged, now), Err(TokenError::Invalid), "byte {at}");
        }
        assert_eq!(verify(&key, "", now), Err(TokenError::Invalid));
    }
}
