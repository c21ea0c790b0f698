//! Groups with their alerts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use model::{Labels, Timestamp};

use super::names::NameLists;
use super::{AlertFilter, AlertState, AlertView};
use crate::alert::{Fingerprint, compare_for_notification};
use crate::delivery::NotifiedAlert;
use crate::machine::Machine;
use crate::text::compare_label_sets;

/// One group as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub labels: Labels,
    pub receiver: Arc<str>,
    pub group_key: Arc<str>,
    pub route_id: Arc<str>,
    /// As configured: templates, not yet rendered.
    pub route_labels: Arc<BTreeMap<String, String>>,
    /// All alerts of the group, filtered or not, for rendering the route labels; empty if there are none.
    pub members: Vec<NotifiedAlert>,
    /// Never empty; by job, instance, labels.
    pub alerts: Vec<AlertView>,
    /// When the next flush is due.
    pub flush_at: Timestamp,
}

impl Machine {
    /// The groups that have wanted alerts, by labels and then receiver.
    pub fn group_views(&self, now: Timestamp, filter: &AlertFilter) -> Vec<GroupView> {
        let mut lists = NameLists::default();
        let mut receivers: HashMap<Fingerprint, usize, FixedState> = HashMap::default();
        let mut views = Vec::new();
        for group in self.groups.values() {
            let Some(route) = self.routes().route(group.route) else {
                continue;
            };
            let receiver = &route.options.receiver;
            let is_wanted = filter
                .receiver
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(receiver))
                && (filter.receiver_labels.is_empty()
                    || self.receiver_has_labels(receiver, &filter.receiver_labels));
            if !is_wanted {
                continue;
            }
            let mut alerts: Vec<AlertView> = group
                .members
                .values()
                .filter_map(|member| self.view_of(&member.alert, now, filter))
                .collect();
            for view in &mut alerts {
                let list = receivers.entry(view.alert.fingerprint).or_default();
                *list = lists.with(*list, receiver);
                if !group.muted_by.is_empty() {
                    view.state = AlertState::Suppressed;
                    view.muted_by.clone_from(&group.muted_by);
                }
            }
            let is_hidden = filter.muted.hides(!group.muted_by.is_empty());
            if alerts.is_empty() || is_hidden {
                continue;
            }
            alerts.sort_by(|a, b| compare_for_notification(&a.alert.labels, &b.alert.labels));
            views.push(GroupView {
                labels: group.labels.clone(),
                receiver: receiver.clone(),
                group_key: group.about.key.clone(),
                route_id: route.id.clone(),
                route_labels: route.options.labels.clone(),
                members: if route.options.labels.is_empty() {
                    Vec::new()
                } else {
                    group.snapshot(now)
                },
                alerts,
                flush_at: group.flush_at.max(self.settings().dispatch_from),
            });
        }
        views.sort_by(|a, b| {
            compare_label_sets(&a.labels, &b.labels).then_with(|| a.receiver.cmp(&b.receiver))
        });
        for view in views.iter_mut().flat_map(|group| &mut group.alerts) {
            if let Some(list) = receivers.get(&view.alert.fingerprint) {
                view.receivers = lists.get(*list);
            }
        }
        views
    }
}
