//! The notification log: what each integration of each group was last told, so that nothing is told
//! twice, neither after a restart nor by another member of a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Duration, Timestamp};

use crate::measure::{Asked, QueryMeter, Stopwatch, Taken};
use crate::stats::LogStats;
use crate::time::Time;

/// One integration of one receiver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogReceiver {
    pub group_name: Arc<str>,
    pub integration: Arc<str>,
    pub index: u32,
}

/// A value that an integration keeps from one notification of a group to the next, such as the thread
/// that a chat message started.
#[derive(Clone, Debug, PartialEq)]
pub enum ReceiverValue {
    Text(String),
    Int(i64),
    Float(f64),
}

/// Shared, because it travels with deliveries.
pub type ReceiverData = Arc<BTreeMap<String, ReceiverValue>>;

/// What was last told, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    pub group_key: Arc<str>,
    pub receiver: LogReceiver,
    pub timestamp: Time,
    /// Hashes of the alerts that were firing, see [`Alert::log_hash`](crate::Alert::log_hash).
    pub firing: Vec<u64>,
    pub resolved: Vec<u64>,
    pub receiver_data: ReceiverData,
}

/// An entry with the time at which it may be forgotten: the unit of snapshots and gossip messages.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEntry {
    pub entry: LogEntry,
    pub expires_at: Time,
}

/// A new entry, without the times that the log itself gives it.
#[derive(Clone, Debug)]
pub struct NewEntry {
    pub group_key: Arc<str>,
    pub receiver: LogReceiver,
    pub firing: Vec<u64>,
    pub resolved: Vec<u64>,
    pub receiver_data: ReceiverData,
    pub repeat_interval: Duration,
}

/// The entries, at most one for each group and integration.
#[derive(Debug, Default)]
pub struct NotificationLog {
    entries: BTreeMap<(Arc<str>, LogReceiver), StoredEntry>,
    queries: QueryMeter,
    garbage: Taken,
}

impl NotificationLog {
    pub(crate) fn measure_with(&mut self, stopwatch: Stopwatch) {
        self.queries.stopwatch = stopwatch;
    }

    pub(crate) fn stats(&self) -> LogStats {
        LogStats {
            queries: self.queries.counts(),
            garbage: self.garbage,
        }
    }

    /// [`Self::get`] for the sake of a notification, which is counted.
    pub(crate) fn query(&self, group_key: &Arc<str>, receiver: &LogReceiver) -> Option<&LogEntry> {
        self.queries.measure(|| {
            let found = self.get(group_key, receiver);
            let asked = Asked {
                has_failed: found.is_none(),
                ..Asked::default()
            };
            (found, asked)
        })
    }

    /// Takes over a snapshot.
    pub fn restore(&mut self, entries: impl IntoIterator<Item = StoredEntry>) {
        for stored in entries {
            self.insert(stored);
        }
    }

    fn insert(&mut self, stored: StoredEntry) {
        let key = (
            stored.entry.group_key.clone(),
            stored.entry.receiver.clone(),
        );
        self.entries.insert(key, stored);
    }

    pub fn get(&self, group_key: &Arc<str>, receiver: &LogReceiver) -> Option<&LogEntry> {
        self.entries
            .get(&(group_key.clone(), receiver.clone()))
            .map(|stored| &stored.entry)
    }

    /// Records a notification. It is always newer than the last one, which another member may have told by a
    /// clock that is before ours; Alertmanager leaves out such a record, and then members notify again and again
    /// until their clocks are past it. An entry is kept for twice its repeat interval, at most for `retention`.
    pub fn record(&mut self, new: NewEntry, now: Timestamp, retention: Duration) -> StoredEntry {
        let mut timestamp = Time::from(now);
        if let Some(old) = self.get(&new.group_key, &new.receiver) {
            timestamp = timestamp.max(old.timestamp.next());
        }
        let twice = Duration(new.repeat_interval.0.saturating_mul(2));
        let kept_for = if twice.0 > 0 {
            retention.min(twice)
        } else {
            retention
        };
        let stored = StoredEntry {
            expires_at: timestamp + kept_for,
            entry: LogEntry {
                group_key: new.group_key,
                receiver: new.receiver,
                timestamp,
                firing: new.firing,
                resolved: new.resolved,
                receiver_data: new.receiver_data,
            },
        };
        self.insert(stored.clone());
        stored
    }

    /// Takes over an entry of another cluster member if it is news. Returns whether it was.
    pub fn merge(&mut self, stored: StoredEntry, now: Timestamp) -> bool {
        let is_news = stored.expires_at >= Time::from(now)
            && self
                .get(&stored.entry.group_key, &stored.entry.receiver)
                .is_none_or(|old| old.timestamp < stored.entry.timestamp);
        if is_news {
            self.insert(stored);
        }
        is_news
    }

    /// Forgets entries whose time is over. Returns how many.
    pub fn collect_garbage(&mut self, now: Timestamp) -> usize {
        let start = self.queries.stopwatch.read();
        let before = self.entries.len();
        let now = Time::from(now);
        self.entries.retain(|_, stored| stored.expires_at > now);
        self.garbage.add(self.queries.stopwatch.since(start));
        before - self.entries.len()
    }

    /// In order of group key and receiver.
    pub fn iter(&self) -> impl Iterator<Item = &StoredEntry> {
        self.entries.values()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_entry(firing: Vec<u64>, repeat_interval: Duration) -> NewEntry {
        NewEntry {
            group_key: "{}:{}".into(),
            receiver: LogReceiver {
                group_name: "team".into(),
                integration: "webhook".into(),
                index: 0,
            },
            firing,
            resolved: Vec::new(),
            receiver_data: ReceiverData::default(),
            repeat_interval,
        }
    }

    #[test]
    fn entries_live_for_twice_the_repeat_interval_at_most_for_the_retention() {
        let mut log = NotificationLog::default();
        let hour = Duration::from_secs(3600);
        let day = Duration::from_secs(86_400);
        let stored = log.record(new_entry(vec![1], hour), Timestamp(0), day);
        assert_eq!(stored.expires_at, Time::new(7200, 0));
        let stored = log.record(new_entry(vec![1], day), Timestamp(1), day);
        assert_eq!(stored.expires_at.timestamp(), Timestamp(86_400_001));
        assert_eq!(log.collect_garbage(Timestamp(86_400_000)), 0);
        assert_eq!(log.collect_garbage(Timestamp(86_400_001)), 1);
    }

    #[test]
    fn newer_entries_win() {
        let mut log = NotificationLog::default();
        let hour = Duration::from_secs(3600);
        let first = log.record(new_entry(vec![1], hour), Timestamp(10), hour);
        // Two records in one millisecond are still told apart.
        let second = log.record(new_entry(vec![2], hour), Timestamp(10), hour);
        assert!(!log.merge(first.clone(), Timestamp(10)));
        let mut other = NotificationLog::default();
        assert!(other.merge(first, Timestamp(10)));
        assert!(other.merge(second, Timestamp(10)));
        // The clock of this member is behind; its record is the newest all the same.
        let third = other.record(new_entry(vec![3], hour), Timestamp(9), hour);
        assert!(log.merge(third, Timestamp(9)));
    }
}
