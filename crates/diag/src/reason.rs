//! Why something was refused: an enum value with a stable code, counted and kept.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use parking_lot::Mutex;
use serde::Serialize;

/// A refusal as a value. Each crate has its own enum; `Display` is the sentence for people, with the
/// evidence in it, and `code` is what scripts and metrics see.
pub trait Reason: fmt::Display {
    /// Stable, kebab-case, prefixed with the area: `target-dropped-by-relabelling`.
    fn code(&self) -> &'static str;

    /// What the user can do about it, if anything.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// One kept refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonEntry {
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    pub code: &'static str,
    /// What it happened to: a target's address, a series, an object's `kind ns/name`.
    pub subject: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Counts refusals by code and keeps the newest few of each code, so that one noisy reason cannot push
/// out a rare one. Memory is bounded by codes × `keep_per_code`.
#[derive(Debug)]
pub struct ReasonBook {
    keep_per_code: usize,
    shelves: Mutex<BTreeMap<&'static str, Shelf>>,
}

#[derive(Debug, Default)]
struct Shelf {
    count: u64,
    newest: VecDeque<ReasonEntry>,
}

impl ReasonBook {
    pub fn new(keep_per_code: usize) -> Self {
        Self {
            keep_per_code,
            shelves: Mutex::default(),
        }
    }

    /// Counts the refusal and keeps it as evidence. The same subject refused again for the same reason
    /// replaces its older entry.
    pub fn record(&self, time_ms: i64, subject: &str, reason: &dyn Reason) {
        let code = reason.code();
        let mut shelves = self.shelves.lock();
        let shelf = shelves.entry(code).or_default();
        shelf.count += 1;
        shelf.newest.retain(|entry| entry.subject != subject);
        if shelf.newest.len() >= self.keep_per_code {
            shelf.newest.pop_front();
        }
        let entry = ReasonEntry {
            time_ms,
            code,
            subject: subject.to_owned(),
            message: reason.to_string(),
            hint: reason.hint(),
        };
        shelf.newest.push_back(entry);
    }

    /// Counts `n` refusals without keeping evidence, for refusals by the thousand.
    pub fn count(&self, code: &'static str, n: u64) {
        self.shelves.lock().entry(code).or_default().count += n;
    }

    /// How often each code occurred since the start.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        self.shelves
            .lock()
            .iter()
            .map(|(code, shelf)| (*code, shelf.count))
            .collect()
    }

    /// Kept entries, newest first; only those of `code` if one is given.
    pub fn entries(&self, code: Option<&str>) -> Vec<ReasonEntry> {
        let shelves = self.shelves.lock();
        let mut entries: Vec<ReasonEntry> = shelves
            .iter()
            .filter(|(shelf_code, _)| code.is_none_or(|wanted| wanted == **shelf_code))
            .flat_map(|(_, shelf)| shelf.newest.iter().cloned())
            .collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.time_ms));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct TooLate(u64);

    impl fmt::Display for TooLate {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} ms too late", self.0)
        }
    }

    impl Reason for TooLate {
        fn code(&self) -> &'static str {
            "sample-too-late"
        }
    }

    #[test]
    fn counts_all_and_keeps_the_newest() {
        let book = ReasonBook::new(2);
        for n in 0..5 {
            book.record(n, &format!("series {n}"), &TooLate(7));
        }
        assert_eq!(book.counts(), [("sample-too-late", 5)]);
        let subjects: Vec<_> = book
            .entries(None)
            .into_iter()
            .map(|entry| entry.subject)
            .collect();
        assert_eq!(subjects, ["series 4", "series 3"]);
        assert!(book.entries(Some("other")).is_empty());
    }
}
