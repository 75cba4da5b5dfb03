//! What happens, as it happens, to whoever listens.

use super::model::LiveMetrics;
use crate::feedback::model::Feedback;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// Events a listener may fall behind before the oldest are skipped.
const BACKLOG: usize = 256;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum LiveEvent {
    /// The numbers of this second.
    Metrics(Arc<LiveMetrics>),
    /// Feedback came in or changed.
    Feedback(Arc<Feedback>),
    /// Configuration changed: kind (`route`, `prompt`, …) and name.
    Config {
        /// What kind of thing.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Somebody should look now.
    Alert {
        /// In a line.
        title: String,
        /// Where to look, within the control room.
        link: String,
    },
    /// An issue was opened or changed.
    Issue {
        /// Its number.
        number: i64,
        /// In a line.
        title: String,
        /// Where it stands.
        state: crate::issues::model::State,
    },
}

/// An event with its place in the sequence of this process.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// 1, 2, 3 …
    pub number: u64,
    /// What happened.
    pub event: LiveEvent,
}

/// The feed: anyone may publish, anyone may listen, and a listener who lost the connection catches up.
#[derive(Clone, Debug)]
pub struct LiveFeed {
    sender: broadcast::Sender<Numbered>,
    recent: Arc<Mutex<(u64, VecDeque<Numbered>)>>,
}

impl Default for LiveFeed {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, recent: Arc::default() }
    }
}

impl LiveFeed {
    /// Tells everyone. Metrics are not kept for those who come back: the next ones are a second away.
    pub fn publish(&self, event: LiveEvent) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.0 += 1;
        let numbered = Numbered { number: recent.0, event };
        if !matches!(numbered.event, LiveEvent::Metrics(_)) {
            if recent.1.len() == BACKLOG {
                recent.1.pop_front();
            }
            recent.1.push_back(numbered.clone());
        }
        // Nobody listening is no failure. Sent under the lock, so that a new listener misses nothing and gets nothing twice.
        let _ = self.sender.send(numbered);
    }

    /// Listens from now on; first come the kept events after `last_seen`, when one is given.
    pub fn listen(&self, last_seen: Option<u64>) -> (Vec<Numbered>, broadcast::Receiver<Numbered>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        // A number beyond ours comes from before a restart; then everything kept is news.
        let missed =
            last_seen.map_or_else(Vec::new, |seen| recent.1.iter().filter(|kept| kept.number > seen || seen > recent.0).cloned().collect());
        (missed, self.sender.subscribe())
    }

    /// Whether anyone listens.
    pub fn has_listeners(&self) -> bool {
        self.sender.receiver_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str) -> LiveEvent {
        LiveEvent::Config { kind: "route", name: name.to_owned() }
    }

    #[test]
    fn who_comes_back_gets_what_was_missed_and_nothing_twice() {
        let feed = LiveFeed::default();
        for name in ["a", "b", "c"] {
            feed.publish(config(name));
        }
        let (missed, _) = feed.listen(Some(1));
        assert_eq!(missed.iter().map(|n| n.number).collect::<Vec<_>>(), [2, 3]);
        let (new, mut receiver) = feed.listen(None);
        assert!(new.is_empty(), "a first visit needs no history");
        feed.publish(config("d"));
        assert_eq!(receiver.try_recv().expect("an event").number, 4);
        let (after_restart, _) = feed.listen(Some(900));
        assert_eq!(after_restart.len(), 4);
    }
}
