//! A flush through its stages: wait for the cluster, inhibition, active intervals, mute intervals, silences,
//! then every integration of the receiver on its own.

use std::sync::Arc;

use diag::Reason;
use model::{Duration, Timestamp};

use super::{Machine, Timer, journal};
use crate::delivery::NotifiedAlert;
use crate::event::Event;
use crate::flush::{Flush, Pending, Stage};
use crate::io::Action;
use crate::nflog::LogReceiver;
use crate::reason::NotNotified;

/// The least time that a flush gets.
const TIMEOUT_MIN: Duration = Duration::from_secs(10);

impl Machine {
    /// A group's timer went off. While a flush is running, the next one waits for its end.
    pub(super) fn flush_due(&mut self, now: Timestamp, number: u64, actions: &mut Vec<Action>) {
        let flush_number = self.last_number + 1;
        let compiled = self.compiled.clone();
        let Some(group) = self.groups.get_mut(&number) else {
            return;
        };
        let Some(route) = compiled.tree.route(group.route) else {
            return;
        };
        if group.running.is_some() {
            return;
        }
        let interval = route.options.group_interval;
        let due = group.flush_at.max(self.settings.dispatch_from).min(now);
        // A zero interval would flush without end; the configuration refuses it.
        group.flush_at = now + interval.max(Duration::from_millis(1));
        group.running = Some(flush_number);
        group.flushes += 1;
        let snapshot: Arc<[NotifiedAlert]> = group.snapshot(now).into();
        let event = Event::FlushStarted {
            group: group.about.clone(),
            alerts: snapshot.clone(),
        };
        journal(actions, event);
        for alert in group.newly_timed_out(now) {
            let group = group.about.clone();
            journal(actions, Event::AlertTimedOut { alert, group });
        }
        let flush = Flush {
            group: Some(number),
            about: group.about.clone(),
            group_labels: group.labels.clone(),
            route: group.route,
            due,
            deadline: now + interval.max(TIMEOUT_MIN) + self.peer_wait,
            snapshot_at: now,
            alerts: snapshot.clone(),
            snapshot,
            muted: Vec::new(),
            uuid: group.uuid,
            id: group.flushes,
            open: 0,
            has_failed: false,
            config: compiled,
        };
        let deadline = flush.deadline;
        let flush_at = group.flush_at;
        self.last_number = flush_number;
        self.flushes.insert(flush_number, flush);
        self.arm(flush_at, Timer::Group(number));
        if self.has_settled {
            self.run_stages(now, flush_number, actions);
        } else {
            self.arm(deadline, Timer::Flush(flush_number));
        }
    }

    pub(super) fn cluster_settled(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        if self.has_settled {
            return;
        }
        self.has_settled = true;
        self.timers
            .retain(|(_, timer)| !matches!(timer, Timer::Flush(_)));
        let waiting: Vec<u64> = self.flushes.keys().copied().collect();
        for flush in waiting {
            self.run_stages(now, flush, actions);
        }
    }

    fn run_stages(&mut self, now: Timestamp, number: u64, actions: &mut Vec<Action>) {
        let alerts = self.unmuted_alerts(now, number, actions);
        let Some(flush) = self.flushes.get_mut(&number) else {
            return;
        };
        if alerts.is_empty() {
            self.finish_flush(now, number, false, actions);
            return;
        }
        flush.alerts = alerts.into();
        let receiver = flush.config.receiver(&flush.about.receiver);
        let integrations = receiver.map_or(&[][..], |receiver| &receiver.integrations);
        let log_receivers: Vec<LogReceiver> = integrations
            .iter()
            .map(|integration| LogReceiver {
                group_name: flush.about.receiver.clone(),
                integration: integration.name.clone(),
                index: integration.index,
            })
            .collect();
        flush.open = log_receivers.len();
        if log_receivers.is_empty() {
            let route = flush.config.tree.route(flush.route);
            if let Some(reason) = route.and_then(|route| flush.config.without_integrations(route)) {
                self.note_quiet(number, None, reason, actions);
            }
            self.finish_flush(now, number, false, actions);
            return;
        }
        let mut started = Vec::new();
        for (integration, log_receiver) in log_receivers.into_iter().enumerate() {
            let delivery = self.number();
            let timer_at = now + self.peer_wait;
            self.pending.insert(
                delivery,
                Pending {
                    flush: number,
                    integration,
                    log_receiver,
                    stage: Stage::WaitingForPeers,
                    timer_at,
                },
            );
            self.arm(timer_at, Timer::Delivery(delivery));
            started.push(delivery);
        }
        if self.peer_wait.is_zero() {
            // In the order of the integrations, and now: the answers of this step depend on it.
            for delivery in started {
                self.timers.remove(&(now, Timer::Delivery(delivery)));
                self.delivery_due(now, delivery, actions);
            }
        }
    }

    /// After a wait for the cluster, what has ended or begun again since the flush started. A member that waited for
    /// longer must not call something firing whose end an earlier one has told.
    pub(super) fn refresh_alerts(&mut self, now: Timestamp, number: u64) {
        let Some(flush) = self.flushes.get_mut(&number) else {
            return;
        };
        let group = flush.group.and_then(|group| self.groups.get(&group));
        let Some(group) = group.filter(|_| flush.snapshot_at < now) else {
            return;
        };
        flush.snapshot_at = now;
        flush.alerts = group.as_of(now, &flush.alerts);
        flush.snapshot = group.as_of(now, &flush.snapshot);
    }

    /// The alerts that nothing mutes. Journals what changed since the group's last flush.
    fn unmuted_alerts(
        &mut self,
        now: Timestamp,
        number: u64,
        actions: &mut Vec<Action>,
    ) -> Vec<NotifiedAlert> {
        let Some(flush) = self.flushes.get(&number) else {
            return Vec::new();
        };
        let mut verdicts: Vec<Option<NotNotified>> = Vec::with_capacity(flush.snapshot.len());
        for notified in flush.snapshot.iter() {
            let inhibition = self
                .inhibitor
                .inhibition(&notified.alert.labels, now.into());
            verdicts.push(inhibition.map(NotNotified::Inhibited));
        }
        let inhibited = verdicts.iter().flatten().count();
        let uninhibited = verdicts.len() - inhibited;
        self.stats.suppressed_by_inhibition += count(inhibited);
        if uninhibited > 0 {
            let muted = flush.config.tree.route(flush.route).and_then(|route| {
                let intervals = &flush.config.config.intervals;
                route.options.muted_at(flush.due, &**intervals)
            });
            match &muted {
                Some(NotNotified::MutedByInterval(_)) => {
                    self.stats.suppressed_by_mute_interval += count(uninhibited);
                }
                Some(_) => self.stats.suppressed_by_active_interval += count(uninhibited),
                None => {
                    for (notified, verdict) in flush.snapshot.iter().zip(&mut verdicts) {
                        if verdict.is_some() {
                            continue;
                        }
                        let ids = self.silences.silencing(&notified.alert.labels, now);
                        if !ids.is_empty() {
                            self.stats.suppressed_by_silence += 1;
                            for id in &ids {
                                self.stopped.add(id, notified.alert.fingerprint);
                            }
                            *verdict = Some(NotNotified::Silenced(ids));
                        }
                    }
                }
            }
            if let Some(group) = flush.group.and_then(|group| self.groups.get_mut(&group)) {
                group.muted_by = match &muted {
                    Some(
                        NotNotified::MutedByInterval(names)
                        | NotNotified::OutsideActiveIntervals(names),
                    ) => names.clone(),
                    _ => Vec::new(),
                };
            }
            if let Some(muted) = muted {
                for verdict in verdicts.iter_mut().filter(|verdict| verdict.is_none()) {
                    *verdict = Some(muted.clone());
                }
            }
        }
        let unmuted = flush
            .snapshot
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| verdict.is_none())
            .map(|(notified, _)| notified.clone())
            .collect();
        let muted = self.record_verdicts(flush, &verdicts, actions);
        if let Some(flush) = self.flushes.get_mut(&number) {
            flush.muted = muted;
        }
        self.journal_verdicts(number, verdicts, actions);
        unmuted
    }

    fn journal_verdicts(
        &mut self,
        number: u64,
        verdicts: Vec<Option<NotNotified>>,
        actions: &mut Vec<Action>,
    ) {
        let Some(flush) = self.flushes.get(&number) else {
            return;
        };
        let Some(group) = flush.group.and_then(|group| self.groups.get_mut(&group)) else {
            return;
        };
        for (notified, verdict) in flush.snapshot.iter().zip(verdicts) {
            let fingerprint = notified.alert.fingerprint;
            let Some(member) = group.members.get_mut(&fingerprint) else {
                continue;
            };
            if member.suppressed_by.as_deref() == verdict.as_ref() {
                continue;
            }
            let event = match &verdict {
                Some(reason) => Event::AlertSuppressed {
                    alert: notified.alert.clone(),
                    group: group.about.clone(),
                    reason: reason.clone(),
                },
                None => Event::AlertUnsuppressed {
                    alert: notified.alert.clone(),
                    group: group.about.clone(),
                },
            };
            journal(actions, event);
            member.suppressed_by = verdict.map(Box::new);
        }
    }

    /// Journals why the flush, or one integration of it, tells nobody, if the last flush had another reason.
    pub(super) fn note_quiet(
        &mut self,
        number: u64,
        integration: Option<usize>,
        reason: NotNotified,
        actions: &mut Vec<Action>,
    ) {
        let Some(flush) = self.flushes.get(&number) else {
            return;
        };
        let group = flush.group.and_then(|group| self.groups.get_mut(&group));
        if group.is_none_or(|group| group.note_quiet(integration, reason.code())) {
            let name = integration
                .zip(flush.config.receiver(&flush.about.receiver))
                .and_then(|(integration, receiver)| receiver.integrations.get(integration))
                .map(|integration| integration.name.clone());
            let event = Event::NotNotified {
                group: flush.about.clone(),
                integration: name,
                reason,
                alerts: flush.alerts.clone(),
            };
            journal(actions, event);
        }
    }

    /// The flush has ended. If everybody was told, the group forgets its resolved alerts, and without alerts
    /// it ends; otherwise they stay for the next flush.
    pub(super) fn finish_flush(
        &mut self,
        now: Timestamp,
        number: u64,
        has_failed: bool,
        actions: &mut Vec<Action>,
    ) {
        let Some(flush) = self.flushes.remove(&number) else {
            return;
        };
        let has_failed = has_failed || flush.has_failed;
        if flush.group.is_some() && !has_failed {
            self.record_resolved(&flush, actions);
        }
        let waiting: Vec<u64> = match flush.group {
            Some(group) => vec![group],
            // Groups of the new configuration that had to wait for this one.
            None => {
                let key = (flush.about.receiver.clone(), flush.about.key.clone());
                if self.replaced.get(&key) == Some(&number) {
                    self.replaced.remove(&key);
                }
                self.waiting.remove(&number).unwrap_or_default()
            }
        };
        for group_number in waiting {
            let Some(group) = self.groups.get_mut(&group_number) else {
                continue;
            };
            group.running = None;
            if flush.group.is_some() && !has_failed {
                group.remove_resolved(&flush.snapshot);
            }
            let flush_at = group.flush_at.max(self.settings.dispatch_from);
            if !group.members.is_empty() {
                // The timer may have gone off in the meantime.
                self.arm(flush_at.max(now), Timer::Group(group_number));
                if flush_at < now {
                    self.timers.remove(&(flush_at, Timer::Group(group_number)));
                }
                continue;
            }
            self.timers.remove(&(flush_at, Timer::Group(group_number)));
            if let Some(group) = self.groups.remove(&group_number) {
                self.group_numbers.remove(&(group.route, group.labels));
                journal(actions, Event::GroupRemoved { group: group.about });
            }
        }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
