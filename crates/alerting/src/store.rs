//! All alerts that were received and have not been forgotten, by fingerprint.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use model::Labels;

use crate::alert::{Alert, Fingerprint};
use crate::time::Time;

/// The alerts, in memory only: clients repeat the firing ones.
#[derive(Debug, Default)]
pub(crate) struct AlertStore {
    alerts: BTreeMap<Fingerprint, Arc<Alert>>,
    /// The most alerts of one name that are kept; 0 is no limit.
    per_name_max: usize,
    /// Only kept up to date when there is a limit: who takes the places of a name, and until when.
    places: HashMap<String, HashMap<Fingerprint, Time, FixedState>, FixedState>,
}

/// What storing an alert changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// There was none with these labels, or it had ended.
    Fired(Arc<Alert>),
    /// A known alert was repeated.
    Repeated(Arc<Alert>),
    /// A firing alert, or one never seen, came in with an end that is not in the future.
    Resolved(Arc<Alert>),
    /// The alerts of this name have used up their places.
    OverLimit(Labels),
}

impl AlertStore {
    pub(crate) fn new(per_name_max: usize) -> Self {
        Self {
            per_name_max,
            ..Self::default()
        }
    }

    pub(crate) fn put(&mut self, alert: Alert, now: Time) -> Stored {
        let old = self.alerts.get(&alert.fingerprint);
        let was_firing = old.is_some_and(|old| !old.is_resolved_at(now));
        let known = old.is_some();
        let alert = match old {
            Some(old) if old.overlaps(&alert) => old.merge(&alert, now),
            _ => alert,
        };
        if !self.takes_place(&alert, now) {
            return Stored::OverLimit(alert.labels);
        }
        let alert = Arc::new(alert);
        self.alerts.insert(alert.fingerprint, alert.clone());
        match (was_firing, alert.is_resolved_at(now)) {
            (true, false) => Stored::Repeated(alert),
            (false, false) => Stored::Fired(alert),
            (false, true) if known => Stored::Repeated(alert),
            (_, true) => Stored::Resolved(alert),
        }
    }

    /// Whether the alert has a place among those of its name; a full name gives away the place of the
    /// alert that ended first.
    fn takes_place(&mut self, alert: &Alert, now: Time) -> bool {
        if self.per_name_max == 0 {
            return true;
        }
        let places = self.places.entry(alert.name().to_owned()).or_default();
        if !places.contains_key(&alert.fingerprint) && places.len() >= self.per_name_max {
            let first_ended = places
                .iter()
                .map(|(fingerprint, ends_at)| (*ends_at, *fingerprint))
                .min();
            match first_ended {
                Some((ends_at, fingerprint)) if ends_at < now => places.remove(&fingerprint),
                _ => return false,
            };
        }
        places.insert(alert.fingerprint, alert.ends_at);
        true
    }

    /// Forgets alerts that have ended; groups that still have to notify about them keep their own copy.
    pub(crate) fn collect_garbage(&mut self, now: Time) -> Vec<Arc<Alert>> {
        let mut forgotten = Vec::new();
        self.alerts.retain(|_, alert| {
            let keep = !alert.is_resolved_at(now);
            if !keep {
                forgotten.push(alert.clone());
            }
            keep
        });
        self.places.retain(|_, places| {
            places.retain(|_, ends_at| *ends_at >= now);
            !places.is_empty()
        });
        forgotten
    }

    /// In order of fingerprints.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Alert>> {
        self.alerts.values()
    }

    pub(crate) fn get(&self, fingerprint: Fingerprint) -> Option<&Arc<Alert>> {
        self.alerts.get(&fingerprint)
    }

    pub(crate) fn len(&self) -> usize {
        self.alerts.len()
    }
}

#[cfg(test)]
mod tests {
    use model::name::NameScheme;

    use super::*;
    use crate::alert::PostedAlert;

    fn alert(i: &str, ends_at: i64, now: i64) -> Alert {
        let posted = PostedAlert {
            starts_at: Some(Time::new(0, 0)),
            ends_at: Some(Time::new(ends_at, 0)),
            ..PostedAlert::from_labels(Labels::from_pairs([("alertname", "L"), ("i", i)]))
        };
        let now = Time::new(now, 0);
        Alert::from_posted(&posted, now, model::Duration::ZERO, NameScheme::Utf8).unwrap()
    }

    #[test]
    fn a_full_name_keeps_the_alerts_that_came_first() {
        let mut store = AlertStore::new(2);
        let now = Time::new(10, 0);
        assert!(matches!(
            store.put(alert("0", 100, 10), now),
            Stored::Fired(_)
        ));
        assert!(matches!(
            store.put(alert("1", 50, 10), now),
            Stored::Fired(_)
        ));
        let is_over = |stored| matches!(stored, Stored::OverLimit(_));
        assert!(is_over(store.put(alert("2", 100, 10), now)));
        assert!(matches!(
            store.put(alert("0", 100, 10), now),
            Stored::Repeated(_)
        ));
        // When one has ended, its place is free.
        let later = Time::new(60, 0);
        assert!(matches!(
            store.put(alert("2", 100, 60), later),
            Stored::Fired(_)
        ));
        assert!(is_over(store.put(alert("3", 100, 60), later)));
        assert_eq!(store.collect_garbage(later).len(), 1);
        assert_eq!(store.len(), 2);
    }
}
