//! Alerts and receivers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use model::Timestamp;

use super::names::Names;
use super::{AlertFilter, AlertState, AlertView, LabelFilter};
use crate::alert::{Alert, Fingerprint};
use crate::config::ReceiverSpec;
use crate::inhibit::Inhibition;
use crate::machine::Machine;
use crate::time::Time;

impl Machine {
    /// All alerts that have not ended, by fingerprint.
    pub fn alert_views(&self, now: Timestamp, filter: &AlertFilter) -> Vec<AlertView> {
        // By the routes that an alert ends at: their receivers, in the order of the routes, if they are wanted.
        let mut known: HashMap<Vec<usize>, Option<Names>, FixedState> = HashMap::default();
        let mut routes = Vec::new();
        self.alerts
            .iter()
            .filter_map(|alert| {
                let matching = self.routes().matching(&alert.labels);
                routes.clear();
                routes.extend(matching.iter().map(|route| route.index));
                if !known.contains_key(&*routes) {
                    let names = matching.iter().map(|route| route.options.receiver.clone());
                    let names: Names = names.collect();
                    let is_wanted = self.any_receiver_is_wanted(&names, filter);
                    known.insert(routes.clone(), is_wanted.then_some(names));
                }
                let receivers = known.get(&*routes)?.clone()?;
                let mut view = self.view_of(alert, now, filter)?;
                view.receivers = receivers;
                Some(view)
            })
            .collect()
    }

    /// An alert by its fingerprint, ended or not, until it is forgotten.
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<&Arc<Alert>> {
        self.alerts.get(fingerprint)
    }

    /// Alerts that have not ended, in order of fingerprints; nothing else is worked out.
    pub fn firing_alerts(&self, now: Timestamp) -> Vec<Arc<Alert>> {
        let alerts = self.alerts.iter();
        let firing = alerts.filter(|alert| !alert.is_resolved_at(now.into()));
        firing.cloned().collect()
    }

    /// How many alerts are kept, ended ones included.
    pub fn alert_count(&self) -> usize {
        self.alerts.len()
    }

    /// How many alerts that have not ended are active, and how many suppressed.
    pub fn alert_counts(&self, now: Timestamp) -> (usize, usize) {
        self.count(self.alerts.iter(), now)
    }

    /// The same by the key of the group; groups of several routes may have one key.
    pub fn alert_counts_by_group(&self, now: Timestamp) -> BTreeMap<Arc<str>, (usize, usize)> {
        let mut counts = BTreeMap::new();
        for group in self.groups.values() {
            let members = group.members.values();
            let (active, suppressed) = self.count(members.map(|member| &member.alert), now);
            let sum: &mut (usize, usize) = counts.entry(group.about.key.clone()).or_default();
            *sum = (sum.0 + active, sum.1 + suppressed);
        }
        counts
    }

    /// Nobody asks for the alerts themselves, so that this counts as no query of silences.
    fn count<'a>(
        &self,
        alerts: impl Iterator<Item = &'a Arc<Alert>>,
        now: Timestamp,
    ) -> (usize, usize) {
        let at = Time::from(now);
        let is_suppressed = |alert: &Arc<Alert>| {
            self.inhibitor.inhibition(&alert.labels, at).is_some()
                || !self
                    .silences
                    .find_silencing(&alert.labels, now)
                    .1
                    .is_empty()
        };
        let firing = alerts.filter(|alert| alert.ends_at >= at);
        firing.fold((0, 0), |(active, suppressed), alert| {
            match is_suppressed(alert) {
                true => (active, suppressed + 1),
                false => (active + 1, suppressed),
            }
        })
    }

    /// The receivers in the order of the configuration.
    pub fn receiver_views(&self, filter: &LabelFilter) -> Vec<&ReceiverSpec> {
        self.compiled
            .config
            .receivers
            .iter()
            .filter(|receiver| filter.accepts_map(&receiver.labels))
            .collect()
    }

    fn any_receiver_is_wanted(&self, names: &[Arc<str>], filter: &AlertFilter) -> bool {
        let by_name = filter
            .receiver
            .as_ref()
            .is_none_or(|pattern| names.iter().any(|name| pattern.is_match(name)));
        let by_labels = filter.receiver_labels.is_empty()
            || names
                .iter()
                .any(|name| self.receiver_has_labels(name, &filter.receiver_labels));
        by_name && by_labels
    }

    pub(super) fn receiver_has_labels(&self, name: &str, filter: &LabelFilter) -> bool {
        self.compiled
            .receiver(name)
            .is_some_and(|receiver| filter.accepts_map(&receiver.labels))
    }

    /// The alert as it stands, if it has not ended and the filter wants it; without receivers.
    pub(super) fn view_of(
        &self,
        alert: &Arc<Alert>,
        now: Timestamp,
        filter: &AlertFilter,
    ) -> Option<AlertView> {
        if alert.ends_at < Time::from(now) || !filter.labels.accepts(&alert.labels) {
            return None;
        }
        let inhibition: Option<Inhibition> = self.inhibitor.inhibition(&alert.labels, now.into());
        let silenced_by = self.silences.silencing(&alert.labels, now);
        let is_suppressed = inhibition.is_some() || !silenced_by.is_empty();
        let is_hidden = filter.active.hides(!is_suppressed)
            || filter.silenced.hides(!silenced_by.is_empty())
            || filter.inhibited.hides(inhibition.is_some());
        (!is_hidden).then(|| AlertView {
            alert: alert.clone(),
            state: if is_suppressed {
                AlertState::Suppressed
            } else {
                AlertState::Active
            },
            silenced_by,
            inhibited_by: inhibition
                .into_iter()
                .map(|inhibition| inhibition.source)
                .collect(),
            muted_by: Vec::new(),
            receivers: Arc::default(),
        })
    }
}
