//! The ticket that lets whoever was shown a survey answer it, and nobody else: the id of that showing (which knows survey and person), signed like the token
//! of an answer but with a key of its own, so that neither passes for the other.

use crate::feedback::token::{self, TokenError};
use crate::types::{Fault, Id, Instant};
use ring::hmac;

/// How long an answer is taken.
const LIFE_HOURS: i64 = 7 * 24;

/// Signs a ticket for one showing.
pub fn sign(key: &hmac::Key, showing: &Id, now: Instant) -> Result<String, Fault> {
    token::sign_for(key, showing, now, LIFE_HOURS).ok_or_else(|| Fault::internal("an id is not a UUID"))
}

/// The showing a ticket stands for.
pub fn verify(key: &hmac::Key, ticket: &str, now: Instant) -> Result<Id, Fault> {
    token::verify(key, ticket, now).map_err(|why| {
        Fault::Unauthorised(match why {
            TokenError::Invalid => "This ticket is not valid: send the one that came with the survey.".to_owned(),
            TokenError::Expired => "This ticket has expired: answers are taken for 7 days.".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::MasterKey;
    use crate::types::Duration;

    #[test]
    fn a_ticket_holds_for_seven_days_and_only_where_it_was_signed() {
        let (ours, theirs) = (MasterKey::new(&[7; 32]).expect("key"), MasterKey::new(&[8; 32]).expect("key"));
        let (id, now) = (Id::new(), Instant(1_790_000_000_000_000));
        let ticket = sign(ours.tickets(), &id, now).expect("a ticket");
        assert_eq!(verify(ours.tickets(), &ticket, now.plus(Duration::DAY.times(7))).expect("holds"), id);
        let late = verify(ours.tickets(), &ticket, now.plus(Duration::DAY.times(7)).plus(Duration::HOUR.times(2)));
        assert!(late.expect_err("too late").to_string().contains("expired"));
        assert_eq!(verify(theirs.tickets(), &ticket, now).expect_err("foreign").status(), 401);
        let token = token::sign(ours.feedback(), &id, now).expect("a token");
        assert_eq!(verify(ours.tickets(), &token, now).expect_err("a token is no ticket").status(), 401);
        assert!(token::verify(ours.feedback(), &ticket, now).is_err(), "and a ticket is no token");
        for at in 0..ticket.len() {
            let mut forged = ticket.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("ASCII");
            assert!(verify(ours.tickets(), &forged, now).is_err(), "{at}");
        }
    }

    #[test]
    fn people_are_told_apart_and_not_found_out() {
        let key = MasterKey::new(&[7; 32]).expect("key");
        assert_eq!(key.person("user\0ann"), key.person("user\0ann"));
        assert_ne!(key.person("user\0ann"), key.person("session\0ann"));
        assert_ne!(key.person("user\0ann"), MasterKey::new(&[8; 32]).expect("key").person("user\0ann"), "another key, another hash");
        assert!(!key.person("user\0ann").contains("ann"));
    }
}
