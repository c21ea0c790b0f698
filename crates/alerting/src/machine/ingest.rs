//! Alerts into the store, past the inhibitor, into the groups of their routes; and again after a reload.

use std::sync::Arc;

use model::Timestamp;
use model::labels::ALERT_NAME;

use super::{Compiled, Machine, Timer, journal};
use crate::alert::{Alert, Fingerprint, PostedAlert, Receipt};
use crate::config::Config;
use crate::event::{Event, GroupRef};
use crate::group::Group;
use crate::inhibit::Inhibitor;
use crate::io::Action;
use crate::recorder::{Recorded, Uuid};
use crate::stats::is_drill;
use crate::store::{AlertStore, Stored};
use crate::time::Time;

impl Machine {
    /// Takes what is valid; each refused alert is answered on its own.
    pub(super) fn post(
        &mut self,
        now: Timestamp,
        posted: &[PostedAlert],
        actions: &mut Vec<Action>,
    ) {
        let at = Time::from(now);
        let receipt = Receipt {
            now: at,
            resolve_timeout: self.compiled.config.resolve_timeout,
            names: self.settings.names,
        };
        for posted in posted {
            let is_drill = is_drill(&posted.labels);
            match receipt.ends_at(posted) > at {
                _ if is_drill => {}
                true => self.stats.received_firing += 1,
                false => self.stats.received_resolved += 1,
            }
            // A repeated alert takes no new memory for what it says again.
            let fingerprint = Fingerprint(posted.labels.fingerprint());
            let known = self.alerts.get(fingerprint);
            let labels = match known {
                Some(known) if known.labels == posted.labels => known.labels.clone(),
                _ => posted.labels.clone(),
            };
            let about = self.commons.about(
                &posted.annotations,
                &posted.generator_url,
                known.map(|known| &known.about),
            );
            match receipt.alert(posted, fingerprint, labels, about) {
                Ok(alert) => self.put(now, alert, actions),
                Err(error) => {
                    self.stats.invalid += u64::from(!is_drill);
                    let labels = posted.labels.clone();
                    journal(
                        actions,
                        Event::AlertRefused {
                            labels,
                            error: error.clone(),
                        },
                    );
                    actions.push(Action::AlertRefused(error));
                }
            }
        }
    }

    fn put(&mut self, now: Timestamp, alert: Alert, actions: &mut Vec<Action>) {
        let is_new = self.alerts.get(alert.fingerprint).is_none();
        let alert = match self.alerts.put(alert, Time::from(now)) {
            Stored::OverLimit(labels) => {
                self.stats
                    .count_limited(labels.get(ALERT_NAME).unwrap_or_default());
                let max = self.settings.alerts_per_name_max;
                journal(actions, Event::AlertOverLimit { labels, max });
                return;
            }
            Stored::Fired(alert) => {
                let event = Event::AlertFired {
                    alert: alert.clone(),
                };
                journal(actions, event);
                alert
            }
            Stored::Resolved(alert) => {
                let event = Event::AlertResolved {
                    alert: alert.clone(),
                };
                journal(actions, event);
                alert
            }
            Stored::Repeated(alert) => alert,
        };
        self.stats.stored += u64::from(!is_drill(&alert.labels));
        self.inhibitor.observe(&alert);
        if is_new {
            self.tell_recorder(actions, || Recorded::AlertCreated {
                alert: alert.clone(),
            });
        }
        self.group_alert(now, &alert, actions);
    }

    /// Puts the alert into one group for each route that it ends at.
    fn group_alert(&mut self, now: Timestamp, alert: &Arc<Alert>, actions: &mut Vec<Action>) {
        let start = self.stopwatch.read();
        self.route_alert(now, alert, actions);
        self.stats.dispatching.add(self.stopwatch.since(start));
    }

    fn route_alert(&mut self, now: Timestamp, alert: &Arc<Alert>, actions: &mut Vec<Action>) {
        let compiled = self.compiled.clone();
        let routes = compiled.tree.matching(&alert.labels);
        if routes.is_empty() {
            let alert = alert.clone();
            journal(actions, Event::AlertUnrouted { alert });
        }
        for route in routes {
            let labels = route.group_labels(&alert.labels);
            let known = self.group_numbers.get(&(route.index, labels.clone()));
            let number = match known {
                Some(number) => *number,
                None => {
                    // Only the first alert of a group can make it flush at once.
                    let wait = route.options.group_wait;
                    let is_old = alert.starts_at + wait < Time::from(now);
                    let flush_at = if is_old { now } else { now + wait };
                    let about = Arc::new(GroupRef {
                        key: route.group_key(&labels).into(),
                        receiver: route.options.receiver.clone(),
                        route_id: route.id.clone(),
                    });
                    let group = Group::new(about, route.index, labels.clone(), flush_at);
                    self.add_group(group, alert, actions)
                }
            };
            let Some(group) = self.groups.get_mut(&number) else {
                continue;
            };
            if group.insert(alert) {
                let event = Event::AlertRouted {
                    alert: alert.clone(),
                    group: group.about.clone(),
                    flush_at: group.flush_at.max(self.settings.dispatch_from),
                };
                journal(actions, event);
            }
            if self.settings.records_events {
                actions.push(Action::Record(Recorded::AlertGrouped {
                    alert: alert.clone(),
                    group: group.recorded(),
                }));
            }
        }
    }

    fn add_group(
        &mut self,
        mut group: Group,
        alert: &Arc<Alert>,
        actions: &mut Vec<Action>,
    ) -> u64 {
        let number = self.number();
        if self.settings.records_events {
            let (high, low) = (self.identities.next(), self.identities.next());
            group.uuid = Uuid::new(u128::from(high) << 64 | u128::from(low));
        }
        // A flush that outlived a reload may still be telling about this group.
        let key = (group.about.receiver.clone(), group.about.key.clone());
        group.running = self.replaced.get(&key).copied();
        if let Some(flush) = group.running {
            self.waiting.entry(flush).or_default().push(number);
        }
        let flush_at = group.flush_at.max(self.settings.dispatch_from);
        if group.running.is_none() {
            self.arm(flush_at, Timer::Group(number));
        }
        let event = Event::GroupCreated {
            alert: alert.clone(),
            group: group.about.clone(),
            flush_at,
        };
        journal(actions, event);
        self.group_numbers
            .insert((group.route, group.labels.clone()), number);
        self.groups.insert(number, group);
        number
    }

    /// Replaces routes, receivers, rules and intervals, and sorts all alerts into new groups, whose timers
    /// start again. Notifications on their way are finished but not retried.
    pub(super) fn replace_config(
        &mut self,
        now: Timestamp,
        config: Arc<Config>,
        actions: &mut Vec<Action>,
    ) {
        journal(actions, Event::ConfigReplaced);
        self.inhibitor = Inhibitor::new(&config.inhibit_rules);
        self.stats.forget_receivers(&config);
        self.compiled = Arc::new(Compiled::new(config));
        self.groups.clear();
        self.group_numbers.clear();
        self.timers
            .retain(|(_, timer)| !matches!(timer, Timer::Group(_)));
        for flush in self.flushes.values_mut() {
            flush.group = None;
        }
        self.waiting.clear();
        self.cancel_idle_deliveries(now, actions);
        self.replaced = self
            .flushes
            .iter()
            .map(|(number, flush)| {
                let key = (flush.about.receiver.clone(), flush.about.key.clone());
                (key, *number)
            })
            .collect();
        let alerts: Vec<Arc<Alert>> = self.alerts.iter().cloned().collect();
        for alert in &alerts {
            self.inhibitor.observe(alert);
        }
        for alert in &alerts {
            self.group_alert(now, alert, actions);
        }
    }

    pub(super) fn collect_alerts(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        for alert in AlertStore::collect_garbage(&mut self.alerts, Time::from(now)) {
            journal(actions, Event::AlertForgotten { alert });
        }
    }
}
