//! What many calls have in common.

use crate::server::threads;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// The names of a call that charts and filters use.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Names {
    pub endpoint: Arc<str>,
    pub key: Arc<str>,
    pub route: Option<Arc<str>>,
    pub variant: Option<Arc<str>>,
    pub provider: Option<Arc<str>>,
    pub model: Option<Arc<str>>,
    pub prompt: Option<Arc<str>>,
}

/// A combination of names and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kind {
    pub id: i64,
    pub names: Names,
}

impl Kind {
    /// The id follows from the names, so that replicas agree without asking each other: 63 bits of SHA-256 over their JSON.
    fn new(names: Names) -> Self {
        let Names { endpoint, key, route, variant, provider, model, prompt } = &names;
        let text = serde_json::json!([endpoint, key, route, variant, provider, model, prompt]).to_string();
        let hash = digest(&SHA256, text.as_bytes());
        let first = hash.as_ref().iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        Self { id: i64::try_from(first >> 1).unwrap_or(i64::MAX), names }
    }
}

/// The kinds seen lately. Bounded: keys for direct use name models as they like, and a busy configuration makes many over the months.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    known: HashMap<Names, Arc<Kind>>,
    /// The last few, in no order: most calls are like one of them, and comparing shared names is less work than hashing them.
    recent: [Option<Arc<Kind>>; RECENT],
    next: usize,
}

const RECENT: usize = 4;

/// Kinds remembered by all threads before one's memory is cleared and begins again.
const REMEMBERED: usize = 10_000;

impl Kinds {
    /// The kind of these names.
    pub fn of(&mut self, names: Names) -> Arc<Kind> {
        if let Some(kind) = self.recent.iter().flatten().find(|kind| kind.names == names) {
            return kind.clone();
        }
        let kind = self.look_up(names);
        self.recent[self.next] = Some(kind.clone());
        self.next = (self.next + 1) % RECENT;
        kind
    }

    fn look_up(&mut self, names: Names) -> Arc<Kind> {
        if let Some(kind) = self.known.get(&names) {
            return kind.clone();
        }
        if self.known.len() >= REMEMBERED / threads::places() {
            self.known.clear();
        }
        let kind = Arc::new(Kind::new(names.clone()));
        self.known.insert(names, kind.clone());
        kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(route: Option<&str>, variant: Option<&str>) -> Names {
        Names {
            endpoint: "chat.completions".into(),
            key: "web".into(),
            route: route.map(Into::into),
            variant: variant.map(Into::into),
            provider: None,
            model: None,
            prompt: None,
        }
    }

    #[test]
    fn the_same_names_have_the_same_id_everywhere_and_others_another() {
        let (mut here, mut there) = (Kinds::default(), Kinds::default());
        let a = here.of(names(Some("support"), Some("control")));
        assert_eq!(a.id, there.of(names(Some("support"), Some("control"))).id);
        assert!(a.id >= 0);
        // An absent name is not an empty one, and names do not run into each other.
        assert_ne!(here.of(names(None, Some("x"))).id, here.of(names(Some("x"), None)).id);
        assert_ne!(here.of(names(Some(""), None)).id, here.of(names(None, None)).id);
    }
}
