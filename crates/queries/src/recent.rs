//! What clients have asked, added up by query: how often, how long it took, how much it read.
//!
//! It is kept in memory and bounded: [`TALLIES_MAX`] queries, those that were asked last. Rules are not in it, as each
//! tells its own duration. Called by `service` at the end of a query.

use std::collections::HashMap;

use model::Timestamp;
use parking_lot::Mutex;
use promql::QueryStats;

use crate::active::{Kind, cut};
use crate::request::{Origin, When};

/// Queries that are remembered. With texts of at most 4 KiB they take 2 MiB at the most.
pub const TALLIES_MAX: usize = 500;
const TEXT_BYTES_MAX: usize = 4096;
const ERROR_BYTES_MAX: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    text: String,
    kind: Kind,
    client: String,
    path: String,
}

/// One query of one client, as often as it was asked.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Cut to 4 KiB.
    pub text: String,
    pub kind: Kind,
    /// Address, without its port.
    pub client: String,
    pub path: String,
    pub count: u64,
    /// Those of them that failed, were ended, or found no place.
    pub failed: u64,
    /// From arrival to result, of all together.
    pub seconds_total: f64,
    pub seconds_max: f64,
    /// Samples looked at, of all together.
    pub samples_total: u64,
    pub samples_max: u64,
    /// When the newest one ended.
    pub last_at: Timestamp,
    /// Of the newest one that failed; cut to 500 bytes.
    pub last_error: Option<String>,
    /// First time, last time and step in milliseconds of the one that took longest.
    pub slowest: (Timestamp, Timestamp, i64),
}

/// How one query ended.
pub(crate) struct Ended<'a> {
    pub(crate) text: &'a str,
    pub(crate) when: When,
    pub(crate) origin: &'a Origin,
    pub(crate) seconds: f64,
    pub(crate) stats: &'a QueryStats,
    pub(crate) error: Option<String>,
    pub(crate) now: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<HashMap<Key, Tally>>);

impl Recent {
    pub(crate) fn add(&self, ended: Ended<'_>) {
        let Origin::Http { client, path, .. } = ended.origin else {
            return;
        };
        let key = Key {
            text: cut(ended.text, TEXT_BYTES_MAX).to_owned(),
            kind: match ended.when {
                When::At(_) => Kind::Instant,
                When::Over(_) => Kind::Range,
            },
            client: client.clone(),
            path: path.clone(),
        };
        let mut tallies = self.0.lock();
        if tallies.len() >= TALLIES_MAX && !tallies.contains_key(&key) {
            forget_the_oldest(&mut tallies);
        }
        let tally = tallies
            .entry(key)
            .or_insert_with_key(|key| Tally::nothing(key, ended.when));
        tally.add(ended);
    }

    pub(crate) fn list(&self) -> Vec<Tally> {
        self.0.lock().values().cloned().collect()
    }
}

fn forget_the_oldest(tallies: &mut HashMap<Key, Tally>) {
    let oldest = tallies
        .iter()
        .min_by_key(|(_, tally)| tally.last_at)
        .map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        tallies.remove(&oldest);
    }
}

impl Tally {
    fn nothing(key: &Key, when: When) -> Self {
        let (start, end, step) = when.times();
        Self {
            text: key.text.clone(),
            kind: key.kind,
            client: key.client.clone(),
            path: key.path.clone(),
            count: 0,
            failed: 0,
            seconds_total: 0.0,
            seconds_max: 0.0,
            samples_total: 0,
            samples_max: 0,
            last_at: Timestamp(0),
            last_error: None,
            slowest: (start, end, step.millis()),
        }
    }

    fn add(&mut self, ended: Ended<'_>) {
        let samples = ended.stats.samples_total;
        self.count = self.count.saturating_add(1);
        self.seconds_total += ended.seconds;
        self.samples_total = self.samples_total.saturating_add(samples);
        self.samples_max = self.samples_max.max(samples);
        self.last_at = ended.now;
        if ended.seconds >= self.seconds_max {
            self.seconds_max = ended.seconds;
            let (start, end, step) = ended.when.times();
            self.slowest = (start, end, step.millis());
        }
        if let Some(error) = ended.error {
            self.failed = self.failed.saturating_add(1);
            self.last_error = Some(cut(&error, ERROR_BYTES_MAX).to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(recent: &Recent, text: &str, seconds: f64, now: i64, error: Option<&str>) {
        let origin = Origin::Http {
            client: "10.0.0.1".to_owned(),
            method: "GET".to_owned(),
            path: "/api/v1/query".to_owned(),
        };
        let stats = QueryStats {
            samples_total: 10,
            ..QueryStats::default()
        };
        recent.add(Ended {
            text,
            when: When::At(Timestamp(now)),
            origin: &origin,
            seconds,
            stats: &stats,
            error: error.map(str::to_owned),
            now: Timestamp(now),
        });
    }

    #[test]
    fn one_query_is_added_up() {
        let recent = Recent::default();
        add(&recent, "up", 0.5, 1, None);
        add(&recent, "up", 2.0, 2, Some("it took too long"));
        add(&recent, "up", 1.0, 3, None);
        let [tally] = &recent.list()[..] else {
            panic!("one query");
        };
        assert_eq!((tally.count, tally.failed, tally.samples_total), (3, 1, 30));
        assert_eq!((tally.seconds_total, tally.seconds_max), (3.5, 2.0));
        assert_eq!(tally.slowest.0, Timestamp(2));
        assert_eq!(tally.last_at, Timestamp(3));
        assert_eq!(tally.last_error.as_deref(), Some("it took too long"));
    }

    #[test]
    fn what_was_not_asked_for_long_is_forgotten() {
        let recent = Recent::default();
        let max = i64::try_from(TALLIES_MAX).unwrap();
        for at in 0..max {
            add(&recent, &format!("q{at}"), 1.0, at, None);
        }
        add(&recent, "q0", 1.0, max, None);
        add(&recent, "new", 1.0, max + 1, None);
        let list = recent.list();
        assert_eq!(list.len(), TALLIES_MAX);
        let has = |text: &str| list.iter().any(|tally| tally.text == text);
        assert!(has("q0") && has("new") && !has("q1"));
    }

    #[test]
    fn long_texts_are_cut_and_rules_left_out() {
        let recent = Recent::default();
        add(&recent, &"é".repeat(4000), 1.0, 1, Some(&"e".repeat(4000)));
        let origin = Origin::Rule {
            file: String::new(),
            group: String::new(),
        };
        recent.add(Ended {
            text: "rule",
            when: When::At(Timestamp(0)),
            origin: &origin,
            seconds: 1.0,
            stats: &QueryStats::default(),
            error: None,
            now: Timestamp(0),
        });
        let [tally] = &recent.list()[..] else {
            panic!("one query");
        };
        assert_eq!(tally.text.len(), 4096);
        assert_eq!(tally.last_error.as_ref().map(String::len), Some(500));
    }
}
