//! Secrets: random tokens, hashes of them, passwords, sealed values and signed tokens. All primitives come from `ring` and `argon2`.

use crate::types::Fault;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{aead, digest, hkdf, hmac};

/// A random token with `bytes` bytes of entropy, base64url without padding.
pub fn random_token(bytes: usize) -> Result<String, Fault> {
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).map_err(|_| Fault::internal("the system gives no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

/// SHA-256 of a high-entropy secret: what we store instead of it. (Passwords go through [`hash_password`].)
pub fn digest(secret: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    out
}

/// [`digest`] as text.
pub fn digest_text(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(secret))
}

/// The digest that text stands for.
pub fn digest_from_text(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Argon2id hash of a password with the OWASP-recommended defaults of the crate (19 MiB, 2 passes). Takes tens of milliseconds: off the async threads.
pub async fn hash_password(password: String) -> Result<String, Fault> {
    tokio::task::spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
        .await
        .map_err(Fault::internal)?
        .map_err(|e| Fault::internal(e.to_string()))
}

/// Whether the password is the one behind the hash. A hash that cannot be read matches nothing.
pub async fn verify_password(password: String, hash: String) -> Result<bool, Fault> {
    tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    })
    .await
    .map_err(Fault::internal)
}

/// The key all stored secrets and signatures derive from: 32 bytes, outside the database.
pub struct MasterKey {
    seal: aead::LessSafeKey,
    feedback: hmac::Key,
    tickets: hmac::Key,
    people: hmac::Key,
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl MasterKey {
    /// Derives the working keys (HKDF-SHA-256, RFC 5869), one per purpose.
    pub fn new(secret: &[u8; 32]) -> Result<Self, Fault> {
        let derive = |purpose: &[u8]| -> Result<[u8; 32], Fault> {
            let mut out = [0; 32];
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"hypercare")
                .extract(secret)
                .expand(&[purpose], Length(32))
                .and_then(|okm| okm.fill(&mut out))
                .map_err(|_| Fault::internal("key derivation failed"))?;
            Ok(out)
        };
        let seal = aead::UnboundKey::new(&aead::AES_256_GCM, &derive(b"seal/1")?).map_err(|_| Fault::internal("key derivation failed"))?;
        let sign = |purpose: &[u8]| Ok::<_, Fault>(hmac::Key::new(hmac::HMAC_SHA256, &derive(purpose)?));
        Ok(Self {
            seal: aead::LessSafeKey::new(seal),
            feedback: sign(b"feedback-token/1")?,
            tickets: sign(b"survey-ticket/1")?,
            people: sign(b"survey-person/1")?,
        })
    }

    /// The key that signs feedback tokens.
    pub fn feedback(&self) -> &hmac::Key {
        &self.feedback
    }

    /// The key that signs tickets of surveys.
    pub fn tickets(&self) -> &hmac::Key {
        &self.tickets
    }

    /// What is stored instead of somebody’s name where only telling people apart matters: nobody finds the name from it without the key, however few names
    /// there may be to try.
    pub fn person(&self, name: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.people, name.as_bytes()))
    }

    /// Encrypts for storage: AES-256-GCM, random nonce in front, bound to `context` (so a value cannot be moved to another row).
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; aead::NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| Fault::internal("the system gives no randomness"))?;
        let mut sealed = plain.to_vec();
        self.seal
            .seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::from(context.as_bytes()), &mut sealed)
            .map_err(|_| Fault::internal("encryption failed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Decrypts what [`MasterKey::seal`] made for the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let wrong = || Fault::internal("a stored secret does not open: was the master key changed?");
        let (nonce, body) = sealed.split_at_checked(aead::NONCE_LEN).ok_or_else(wrong)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut body = body.to_vec();
        let plain = self.seal.open_in_place(nonce, aead::Aad::from(context.as_bytes()), &mut body).map_err(|_| wrong())?;
        Ok(plain.to_vec())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_in_its_place_and_with_its_key() {
        let key = MasterKey::new(&[7; 32]).expect("key");
        let sealed = key.seal("providers/1", b"sk-secret").expect("seal");
        assert!(!sealed.windows(9).any(|w| w == b"sk-secret"));
        assert_eq!(key.open("providers/1", &sealed).expect("open"), b"sk-secret");
        assert!(key.open("providers/2", &sealed).is_err());
        assert!(MasterKey::new(&[8; 32]).expect("key").open("providers/1", &sealed).is_err());
        assert!(key.open("providers/1", &sealed[..5]).is_err());
    }

    #[tokio::test]
    async fn passwords_are_salted_and_verified() {
        let one = hash_password("correct horse".into()).await.expect("hash");
        let two = hash_password("correct horse".into()).await.expect("hash");
        assert_ne!(one, two);
        assert!(one.starts_with("$argon2id$"));
        assert!(verify_password("correct horse".into(), one.clone()).await.expect("verify"));
        assert!(!verify_password("wrong horse".into(), one).await.expect("verify"));
        assert!(!verify_password("x".into(), "not a hash".into()).await.expect("verify"));
    }
}
