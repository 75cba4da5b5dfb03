//! How fast one sender may send feedback: a flood must not delay the model calls beside it.

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::num::NonZeroU32;

/// From one address with tokens of answers: an office behind one address votes less often.
const BY_ADDRESS: (NonZeroU32, NonZeroU32) = (per_second(50), per_second(200));
/// By one key: an application's server that passes votes on.
const BY_KEY: (NonZeroU32, NonZeroU32) = (per_second(500), per_second(2_000));
/// Senders remembered before those at rest are forgotten.
const REMEMBERED: usize = 10_000;

const fn per_second(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'a> {
    /// Somebody with the token of an answer.
    Address(IpAddr),
    /// An application, by the name of its key.
    Key(&'a str),
}

/// Remembers how much each sender sent: GCRA, as the crate `governor` does it.
#[derive(Debug)]
pub struct IntakeLimit {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    keys: DefaultKeyedRateLimiter<u64>,
}

impl Default for IntakeLimit {
    fn default() -> Self {
        let quota = |(rate, burst): (NonZeroU32, NonZeroU32)| Quota::per_second(rate).allow_burst(burst);
        Self { addresses: DefaultKeyedRateLimiter::keyed(quota(BY_ADDRESS)), keys: DefaultKeyedRateLimiter::keyed(quota(BY_KEY)) }
    }
}

impl IntakeLimit {
    /// Counts one more; when it is too many, gives the whole seconds to wait.
    pub fn check(&self, sender: Sender<'_>) -> Result<(), u64> {
        let held = match sender {
            Sender::Address(address) => {
                if self.addresses.len() > REMEMBERED {
                    self.addresses.retain_recent();
                }
                self.addresses.check_key(&address)
            }
            Sender::Key(name) => {
                let mut hasher = DefaultHasher::new();
                name.hash(&mut hasher);
                self.keys.check_key(&hasher.finish())
            }
        };
        held.map_err(|held| held.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_sender_is_held_and_others_are_not() {
        let limit = IntakeLimit::default();
        let (one, other) = (Sender::Address(IpAddr::from([192, 0, 2, 1])), Sender::Address(IpAddr::from([192, 0, 2, 2])));
        let taken = (0..1_000).filter(|_| limit.check(one).is_ok()).count();
        assert!((200..300).contains(&taken), "a burst, then fifty a second: {taken}");
        assert_eq!(limit.check(one), Err(1));
        assert_eq!(limit.check(other), Ok(()));
        assert_eq!(limit.check(Sender::Key("app")), Ok(()));
    }
}
