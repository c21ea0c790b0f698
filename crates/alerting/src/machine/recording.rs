//! What the machine tells the event recorder, at the places where the peer does. Without a recorder nothing is made.

use std::sync::Arc;

use super::Machine;
use super::sending::Underway;
use crate::delivery::NotifiedAlert;
use crate::flush::Flush;
use crate::io::Action;
use crate::reason::NotNotified;
use crate::recorder::{MutedAlert, Notification, Recorded};
use crate::silence::Silence;

impl Machine {
    pub(super) fn tell_recorder(
        &self,
        actions: &mut Vec<Action>,
        event: impl FnOnce() -> Recorded,
    ) {
        if self.settings.records_events {
            actions.push(Action::Record(event()));
        }
    }

    /// A silence was made, or, under the same id, changed.
    pub(super) fn record_silence(
        &self,
        silence: &Arc<Silence>,
        is_new: bool,
        actions: &mut Vec<Action>,
    ) {
        self.tell_recorder(actions, || {
            let silence = silence.clone();
            if is_new {
                Recorded::SilenceCreated { silence }
            } else {
                Recorded::SilenceUpdated { silence }
            }
        });
    }

    /// What a flush leaves out, and why. Returns the hashes of what silences or inhibition left out.
    pub(super) fn record_verdicts(
        &self,
        flush: &Flush,
        verdicts: &[Option<NotNotified>],
        actions: &mut Vec<Action>,
    ) -> Vec<u64> {
        if !self.settings.records_events {
            return Vec::new();
        }
        let mut hashes = Vec::new();
        for (notified, verdict) in flush.snapshot.iter().zip(verdicts) {
            let alert = &notified.alert;
            let muted = || MutedAlert {
                labels: alert.labels.clone(),
                fingerprint: alert.fingerprint,
            };
            match verdict {
                Some(NotNotified::Inhibited(inhibition)) => {
                    hashes.push(alert.log_hash());
                    // The inhibitor has the rules of the configuration in use.
                    let rule = self.compiled.config.inhibit_rules.get(inhibition.rule);
                    actions.extend(rule.map(|rule| {
                        Action::Record(Recorded::InhibitionMutedAlert {
                            rule: Box::new(rule.clone()),
                            alert: muted(),
                            source: inhibition.source,
                        })
                    }));
                }
                Some(NotNotified::Silenced(ids)) => {
                    hashes.push(alert.log_hash());
                    let silences = ids.iter().filter_map(|id| self.silences.get(id));
                    actions.extend(silences.map(|silence| {
                        Action::Record(Recorded::SilenceMutedAlert {
                            silence: silence.clone(),
                            alert: muted(),
                        })
                    }));
                }
                _ => {}
            }
        }
        hashes
    }

    /// An integration took its notification.
    pub(super) fn record_notification(&self, delivery: u64, actions: &mut Vec<Action>) {
        if !self.settings.records_events {
            return;
        }
        let Some(Underway {
            flush,
            route,
            log_receiver,
            sending,
        }) = self.underway(delivery)
        else {
            return;
        };
        let notification = Notification {
            alerts: sending.alerts.clone(),
            firing: sending.firing.clone(),
            resolved: sending.resolved.clone(),
            muted: flush.muted.clone(),
            group: flush.recorded_group(),
            matchers: route.matchers.clone(),
            group_uuid: flush.uuid,
            repeat_interval: route.options.repeat_interval,
            reason: sending.reason,
            flush_id: flush.id,
            integration: log_receiver.integration.clone(),
            integration_index: log_receiver.index,
        };
        actions.push(Action::Record(Recorded::Notification(Box::new(
            notification,
        ))));
    }

    /// Nothing went wrong with a flush: its group lets go of what has ended.
    pub(super) fn record_resolved(&self, flush: &Flush, actions: &mut Vec<Action>) {
        if !self.settings.records_events {
            return;
        }
        let resolved = flush.snapshot.iter().filter(|one| one.is_resolved);
        actions.extend(resolved.map(|notified: &NotifiedAlert| {
            Action::Record(Recorded::AlertResolved {
                alert: notified.clone(),
                group: flush.recorded_group(),
            })
        }));
    }
}
