//! Keyset pages.

use serde::{Deserialize, Serialize};

/// One page of a list, newest first, and where the next one starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Pass it as `cursor` for the following page; absent on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts `rows` (fetched with one row more than `limit`) to a page; `key` names the cursor of a row.
    pub fn cut(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(key) } else { None };
        Self { items: rows, next_cursor }
    }

    /// The same page with every row changed by `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

/// Which page is asked for: `?limit=&cursor=`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Rows wanted, 1 to 500; 50 when absent.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The number of rows to give, between 1 and 500.
    pub fn rows(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, 500) as usize
    }
}
