//! Why an alert does or does not notify, route by route, as things stand.

use std::sync::Arc;

use model::{Labels, Timestamp};

use crate::alert::Fingerprint;
use crate::machine::Machine;
use crate::nflog::LogReceiver;
use crate::reason::NotNotified;
use crate::route::Route;
use crate::time::Time;

/// What happens to an alert at one of the routes that it ends at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteExplanation {
    pub route_id: Arc<str>,
    pub receiver: Arc<str>,
    pub group_key: String,
    /// When the alert's group is flushed next; `None` if the alert is in no group there.
    pub flush_at: Option<Timestamp>,
    /// Why a flush at this moment would leave the alert out.
    pub suppressed_by: Option<NotNotified>,
    pub integrations: Vec<IntegrationExplanation>,
}

/// What one integration knows of the alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationExplanation {
    pub name: Arc<str>,
    pub index: u32,
    /// When it was last told about the alert's group, whatever it was told.
    pub group_told_at: Option<Time>,
    /// What it was told about this alert then.
    pub told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Firing,
    Resolved,
}

impl Machine {
    /// For an alert with these labels, whether it exists or not. Empty if no route takes it.
    pub fn explain(&self, labels: &Labels, now: Timestamp) -> Vec<RouteExplanation> {
        let routes = self.routes().matching(labels);
        routes
            .into_iter()
            .map(|route| self.explain_at(route, labels, now))
            .collect()
    }

    fn explain_at(&self, route: &Route, labels: &Labels, now: Timestamp) -> RouteExplanation {
        let group_labels = route.group_labels(labels);
        let group_key = route.group_key(&group_labels);
        let fingerprint = Fingerprint(labels.fingerprint());
        let group = self
            .group_at(route.index, &group_labels)
            .filter(|group| group.members.contains_key(&fingerprint));
        let receiver = &route.options.receiver;
        let integrations = self
            .compiled
            .receiver(receiver)
            .map_or(&[][..], |receiver| &receiver.integrations);
        let shared_key: Arc<str> = group_key.as_str().into();
        let hash = labels.xxhash();
        RouteExplanation {
            route_id: route.id.clone(),
            receiver: receiver.clone(),
            flush_at: group.map(|group| group.flush_at.max(self.settings().dispatch_from)),
            suppressed_by: self.suppression(route, labels, now),
            integrations: integrations
                .iter()
                .map(|integration| {
                    let log_receiver = LogReceiver {
                        group_name: receiver.clone(),
                        integration: integration.name.clone(),
                        index: integration.index,
                    };
                    let entry = self.notification_log().get(&shared_key, &log_receiver);
                    IntegrationExplanation {
                        name: integration.name.clone(),
                        index: integration.index,
                        group_told_at: entry.map(|entry| entry.timestamp),
                        told: match entry {
                            Some(entry) if entry.firing.contains(&hash) => Told::Firing,
                            Some(entry) if entry.resolved.contains(&hash) => Told::Resolved,
                            _ => Told::Nothing,
                        },
                    }
                })
                .collect(),
            group_key,
        }
    }

    /// The first stage that would stop the alert, in the order of a flush.
    fn suppression(&self, route: &Route, labels: &Labels, now: Timestamp) -> Option<NotNotified> {
        if let Some(inhibition) = self.inhibitor.inhibition(labels, now.into()) {
            return Some(NotNotified::Inhibited(inhibition));
        }
        let intervals = &self.compiled.config.intervals;
        if let Some(muted) = route.options.muted_at(now, &**intervals) {
            return Some(muted);
        }
        let ids = self.silences.silencing(labels, now);
        if !ids.is_empty() {
            return Some(NotNotified::Silenced(ids));
        }
        self.compiled.without_integrations(route)
    }
}
