//! Slows down guessing of passwords.

use crate::types::{Duration, Fault, Instant};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const WINDOW: Duration = Duration::MINUTE.times(15);
const PER_ADDRESS: u32 = 5;
const PER_MACHINE: u32 = 20;
/// Beyond this many tracked names old ones are swept, so that a flood of made-up addresses cannot eat memory.
const TRACKED: usize = 10_000;

/// Counts wrong tries per e-mail address and per machine within fifteen minutes.
#[derive(Debug, Default)]
pub struct LoginThrottle {
    tries: Mutex<HashMap<String, (Instant, u32)>>,
}

impl LoginThrottle {
    /// Refuses while there were too many wrong tries.
    pub fn check(&self, email: &str, ip: Option<IpAddr>, now: Instant) -> Result<(), Fault> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, limit) in keys(email, ip) {
            if let Some((since, count)) = tries.get(&key)
                && *count >= limit
                && now.since(*since) < WINDOW
            {
                let wait = (WINDOW.0 - now.since(*since).0) / 1_000_000;
                return Err(Fault::Throttled(u64::try_from(wait).unwrap_or(0).max(1)));
            }
        }
        Ok(())
    }

    /// Counts a wrong try.
    pub fn failed(&self, email: &str, ip: Option<IpAddr>, now: Instant) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() > TRACKED {
            tries.retain(|_, (since, _)| now.since(*since) < WINDOW);
        }
        for (key, _) in keys(email, ip) {
            let entry = tries.entry(key).or_insert((now, 0));
            if now.since(entry.0) >= WINDOW {
                *entry = (now, 0);
            }
            entry.1 += 1;
        }
    }

    /// Forgets the address after a right try (the machine's count stays: one right password must not buy more guesses).
    pub fn succeeded(&self, email: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(email);
    }
}

fn keys(email: &str, ip: Option<IpAddr>) -> Vec<(String, u32)> {
    let mut keys = vec![(email.to_owned(), PER_ADDRESS)];
    keys.extend(ip.map(|ip| (ip.to_string(), PER_MACHINE)));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_tries_lock_the_address_for_a_quarter_of_an_hour() {
        let throttle = LoginThrottle::default();
        let start = Instant(0);
        for _ in 0..5 {
            throttle.check("a@b", None, start).expect("still free");
            throttle.failed("a@b", None, start);
        }
        assert!(matches!(throttle.check("a@b", None, start.plus(Duration::MINUTE)), Err(Fault::Throttled(840))));
        throttle.check("c@d", None, start).expect("others are not hit");
        throttle.check("a@b", None, start.plus(WINDOW)).expect("free again");
    }
}
