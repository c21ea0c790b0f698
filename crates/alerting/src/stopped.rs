//! How many alerts each silence has kept from being told, in bounded memory: an alert counts when a flush of one of its
//! groups leaves it out because of the silence, once for each silence.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use crate::alert::Fingerprint;

/// Alerts that are told apart, of one silence and of all, 8 bytes each and as much again for finding them.
const PER_SILENCE_MAX: usize = 10_000;
const ALL_MAX: usize = 500_000;

/// The alerts that a silence has kept from being told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoppedAlerts {
    pub count: usize,
    /// There were more, which are not told apart.
    pub is_least: bool,
}

#[derive(Debug, Default)]
struct Entry {
    alerts: HashSet<Fingerprint, FixedState>,
    is_least: bool,
}

/// Of all silences, by id.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    by_silence: HashMap<String, Entry, FixedState>,
    /// Alerts of all entries.
    held: usize,
}

impl Stopped {
    pub(crate) fn add(&mut self, silence: &str, alert: Fingerprint) {
        if !self.by_silence.contains_key(silence) {
            self.by_silence.insert(silence.to_owned(), Entry::default());
        }
        let Some(entry) = self.by_silence.get_mut(silence) else {
            return;
        };
        if entry.alerts.contains(&alert) {
            return;
        }
        if entry.alerts.len() >= PER_SILENCE_MAX || self.held >= ALL_MAX {
            entry.is_least = true;
            return;
        }
        entry.alerts.insert(alert);
        self.held += 1;
    }

    pub(crate) fn of(&self, silence: &str) -> StoppedAlerts {
        let entry = self.by_silence.get(silence);
        entry.map_or_else(StoppedAlerts::default, |entry| StoppedAlerts {
            count: entry.alerts.len(),
            is_least: entry.is_least,
        })
    }

    /// Forgets silences that are not there any more.
    pub(crate) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        let held = &mut self.held;
        self.by_silence.retain(|silence, entry| {
            let keep = is_there(silence);
            if !keep {
                *held -= entry.alerts.len();
            }
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(count: usize, is_least: bool) -> StoppedAlerts {
        StoppedAlerts { count, is_least }
    }

    #[test]
    fn each_alert_counts_once_for_each_silence() {
        let mut all = Stopped::default();
        for alert in [1, 2, 1] {
            all.add("a", Fingerprint(alert));
        }
        all.add("b", Fingerprint(1));
        assert_eq!(all.of("a"), stopped(2, false));
        assert_eq!(all.of("b"), stopped(1, false));
        assert_eq!(all.of("c"), stopped(0, false));
        all.retain(|silence| silence == "b");
        assert_eq!((all.of("a").count, all.of("b").count, all.held), (0, 1, 1));
    }

    #[test]
    fn what_is_beyond_the_bounds_is_said() {
        let mut all = Stopped::default();
        let max = u64::try_from(PER_SILENCE_MAX).unwrap();
        for alert in 0..max {
            all.add("a", Fingerprint(alert));
        }
        assert_eq!(all.of("a"), stopped(PER_SILENCE_MAX, false));
        // A known one is not more.
        all.add("a", Fingerprint(0));
        assert_eq!(all.of("a"), stopped(PER_SILENCE_MAX, false));
        all.add("a", Fingerprint(max));
        assert_eq!(all.of("a"), stopped(PER_SILENCE_MAX, true));
        for silence in 1..=ALL_MAX / PER_SILENCE_MAX {
            for alert in 0..max {
                all.add(&silence.to_string(), Fingerprint(alert));
            }
        }
        assert_eq!(all.held, ALL_MAX);
        all.add("late", Fingerprint(1));
        assert_eq!(all.of("late"), stopped(0, true));
    }
}
