//! One group of alerts at one route, which is notified about together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::alert::{Alert, EndKind, Fingerprint, compare_for_notification};
use crate::delivery::NotifiedAlert;
use crate::event::GroupRef;
use crate::reason::NotNotified;
use crate::recorder::{RecordedGroup, Uuid};
use crate::time::Time;

/// A group. It exists from its first alert until everybody knows that all its alerts are resolved.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) about: Arc<GroupRef>,
    /// Position of the route in the tree.
    pub(crate) route: usize,
    pub(crate) labels: Labels,
    pub(crate) members: BTreeMap<Fingerprint, Member>,
    /// Alerts of which a flush has seen that they ended without anybody saying so.
    timed_out: BTreeSet<Fingerprint>,
    /// When the next flush is due; may be past while one is running.
    pub(crate) flush_at: Timestamp,
    /// The flush that must end before the next can start.
    pub(crate) running: Option<u64>,
    /// The intervals that muted the last flush.
    pub(crate) muted_by: Vec<String>,
    /// Of the event recorder.
    pub(crate) uuid: Uuid,
    /// How many flushes there were.
    pub(crate) flushes: u64,
    /// The last reason not to notify, by integration, so that the journal gets changes only.
    pub(crate) quiet: BTreeMap<Option<usize>, &'static str>,
}

/// An alert in a group. Small: there may be hundreds of thousands.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) alert: Arc<Alert>,
    /// Why the last flush left it out.
    pub(crate) suppressed_by: Option<Box<NotNotified>>,
}

impl Group {
    pub(crate) fn new(
        about: Arc<GroupRef>,
        route: usize,
        labels: Labels,
        flush_at: Timestamp,
    ) -> Self {
        Self {
            about,
            route,
            labels,
            members: BTreeMap::new(),
            timed_out: BTreeSet::new(),
            flush_at,
            running: None,
            muted_by: Vec::new(),
            uuid: Uuid::default(),
            flushes: 0,
            quiet: BTreeMap::new(),
        }
    }

    pub(crate) fn recorded(&self) -> RecordedGroup {
        RecordedGroup {
            about: self.about.clone(),
            labels: self.labels.clone(),
        }
    }

    /// Adds or replaces an alert. Returns whether it is new here.
    pub(crate) fn insert(&mut self, alert: &Arc<Alert>) -> bool {
        match self.members.get_mut(&alert.fingerprint) {
            Some(member) => {
                member.alert = alert.clone();
                self.timed_out.remove(&alert.fingerprint);
                false
            }
            None => {
                let member = Member {
                    alert: alert.clone(),
                    suppressed_by: None,
                };
                self.members.insert(alert.fingerprint, member);
                true
            }
        }
    }

    /// The alerts as they stand now, in the order of notifications.
    pub(crate) fn snapshot(&self, now: Timestamp) -> Vec<NotifiedAlert> {
        let now = Time::from(now);
        let mut alerts: Vec<NotifiedAlert> = self
            .members
            .values()
            .map(|member| NotifiedAlert {
                alert: member.alert.clone(),
                is_resolved: member.alert.is_resolved_at(now),
            })
            .collect();
        alerts.sort_by(|a, b| compare_for_notification(&a.alert.labels, &b.alert.labels));
        alerts
    }

    /// The alerts of an earlier snapshot as they stand now; those that the group no longer has stay as they were.
    pub(crate) fn as_of(&self, now: Timestamp, earlier: &[NotifiedAlert]) -> Arc<[NotifiedAlert]> {
        let now = Time::from(now);
        let current = |old: &NotifiedAlert| match self.members.get(&old.alert.fingerprint) {
            Some(member) => NotifiedAlert {
                alert: member.alert.clone(),
                is_resolved: member.alert.is_resolved_at(now),
            },
            None => old.clone(),
        };
        earlier.iter().map(current).collect()
    }

    /// The alerts that have ended by timeout since this was last asked.
    pub(crate) fn newly_timed_out(&mut self, now: Timestamp) -> Vec<Arc<Alert>> {
        let now = Time::from(now);
        let mut found = Vec::new();
        for member in self.members.values() {
            let has_timed_out =
                member.alert.end_kind == EndKind::Timeout && member.alert.is_resolved_at(now);
            if has_timed_out && self.timed_out.insert(member.alert.fingerprint) {
                found.push(member.alert.clone());
            }
        }
        found
    }

    /// Removes the alerts that were resolved in the snapshot, but for those received again since.
    pub(crate) fn remove_resolved(&mut self, snapshot: &[NotifiedAlert]) {
        for notified in snapshot.iter().filter(|notified| notified.is_resolved) {
            let fingerprint = notified.alert.fingerprint;
            let unchanged = self
                .members
                .get(&fingerprint)
                .is_some_and(|member| member.alert.updated_at == notified.alert.updated_at);
            if unchanged {
                self.members.remove(&fingerprint);
                self.timed_out.remove(&fingerprint);
            }
        }
    }

    /// Notes why nobody, or not this integration, is notified. Returns whether that is news.
    pub(crate) fn note_quiet(&mut self, integration: Option<usize>, code: &'static str) -> bool {
        self.quiet.insert(integration, code) != Some(code)
    }
}
