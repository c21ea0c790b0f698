//! From rules to the dispatcher: external labels, then `alert_relabel_configs`.

use std::sync::Arc;

use model::{Labels, relabel};
use parking_lot::RwLock;
use rules::{AlertChange, AlertSink, AlertingSpec, GroupSpec, SentAlert};

use crate::alertmanager::RuleAlerts;
use crate::alertmanagers::Alertmanagers;
use crate::journal;

/// What is done to alerts between rules and Alertmanager.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) external_labels: Labels,
    pub(crate) relabel: Vec<relabel::RelabelConfig>,
}

impl Outgoing {
    /// `None` if relabelling drops the alert.
    pub(crate) fn labels(&self, own: &Labels) -> Option<Labels> {
        let mut labels = own.to_builder();
        for (name, value) in &self.external_labels {
            // An alert's own label wins.
            if !labels.contains(name) {
                labels.set(name, value);
            }
        }
        relabel::apply(&self.relabel, &labels.build())
    }
}

/// External labels and relabelling, then the dispatcher.
pub(crate) struct OutgoingAlerts {
    pub(crate) outgoing: Arc<RwLock<Outgoing>>,
    pub(crate) next: RuleAlerts,
    /// Those outside.
    pub(crate) alertmanagers: Arc<Alertmanagers>,
}

impl AlertSink for OutgoingAlerts {
    fn send(&self, alerts: Vec<SentAlert>) {
        let outgoing = self.outgoing.read().clone();
        let prepared = alerts.into_iter().filter_map(|mut alert| {
            alert.labels = outgoing.labels(&alert.labels)?;
            Some(alert)
        });
        let prepared: Vec<SentAlert> = prepared.collect();
        self.alertmanagers.send(&prepared);
        self.next.send(prepared);
    }

    fn changed(&self, group: &GroupSpec, rule: &AlertingSpec, changes: Vec<AlertChange>) {
        let outgoing = self.outgoing.read().clone();
        let alertmanager = &self.next.0;
        let at = alertmanager.now();
        let drafts = changes
            .iter()
            .map(|change| journal::rules::draft(at, (group, rule), change, &outgoing));
        alertmanager.journal.put_drafts(drafts);
    }
}
