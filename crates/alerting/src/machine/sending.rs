//! One integration's part of a flush: wait for peers, compare with the log, send, try again, record.

use std::sync::Arc;

use model::{Duration, Timestamp};

use super::{Machine, Timer, journal};
use crate::backoff::Backoff;
use crate::dedup::{GroupNow, NotifyReason, Quiet, decide};
use crate::delivery::{Delivery, DeliveryId, FailureReason, NotifiedAlert, Outcome, Retry};
use crate::event::Event;
use crate::flush::{Flush, Pending, Sending, Stage};
use crate::io::Action;
use crate::nflog::{LogReceiver, NewEntry, ReceiverData};
use crate::reason::NotNotified;
use crate::route::Route;
use crate::stats::is_counted;

/// How long after its deadline an attempt is given up for lost if nobody reports its end.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// What is told, to whom, and by which route.
pub(super) struct Underway<'m> {
    pub(super) flush: &'m Flush,
    pub(super) route: &'m Route,
    pub(super) log_receiver: &'m LogReceiver,
    pub(super) sending: &'m Sending,
}

impl Machine {
    /// A delivery's timer went off.
    pub(super) fn delivery_due(&mut self, now: Timestamp, id: u64, actions: &mut Vec<Action>) {
        let Some(pending) = self.pending.get(&id) else {
            return;
        };
        let Some(flush) = self.flushes.get(&pending.flush) else {
            self.pending.remove(&id);
            return;
        };
        let is_over = now >= flush.deadline;
        match &pending.stage {
            Stage::WaitingForPeers if is_over => self.give_up(now, id, actions),
            Stage::WaitingForPeers => self.compare_with_log(now, id, actions),
            Stage::Sending(sending) if sending.is_in_flight || is_over => {
                self.give_up(now, id, actions);
            }
            Stage::Sending(_) => self.start_attempt(now, id, actions),
        }
    }

    fn compare_with_log(&mut self, now: Timestamp, id: u64, actions: &mut Vec<Action>) {
        if let Some(pending) = self.pending.get(&id) {
            self.refresh_alerts(now, pending.flush);
        }
        let Some((pending, flush)) = self
            .pending
            .get(&id)
            .and_then(|pending| Some((pending, self.flushes.get(&pending.flush)?)))
        else {
            return;
        };
        let (flush_number, index) = (pending.flush, pending.integration);
        let Some((route, integration)) = flush.config.tree.route(flush.route).zip(
            flush
                .config
                .receiver(&flush.about.receiver)
                .and_then(|receiver| receiver.integrations.get(index)),
        ) else {
            return;
        };
        let sends_resolved = integration.sends_resolved;
        let (firing, resolved) = hashes(&flush.alerts);
        let last = self.log.query(&flush.about.key, &pending.log_receiver);
        let decision = decide(
            last,
            GroupNow {
                firing: &firing,
                resolved: &resolved,
                sends_resolved,
                repeat_interval: route.options.repeat_interval,
                now: flush.due,
            },
        );
        let reason = match decision {
            Ok(reason) => reason,
            Err(quiet) => {
                let reason = match quiet {
                    Quiet::NeverTold => NotNotified::ResolvedBeforeNotified,
                    Quiet::NothingNew { repeats_after } => {
                        NotNotified::AlreadyNotified { repeats_after }
                    }
                };
                self.note_quiet(flush_number, Some(index), reason, actions);
                self.finish_delivery(now, id, false, actions);
                return;
            }
        };
        let receiver_data = match last {
            Some(last) if reason != NotifyReason::FirstNotification => last.receiver_data.clone(),
            _ => ReceiverData::default(),
        };
        let alerts: Arc<[NotifiedAlert]> = if sends_resolved {
            flush.alerts.clone()
        } else {
            let firing = flush.alerts.iter().filter(|alert| !alert.is_resolved);
            firing.cloned().collect::<Vec<_>>().into()
        };
        let told = if alerts.is_empty() {
            &flush.alerts
        } else {
            &alerts
        };
        let is_counted = is_counted(told);
        if is_counted {
            self.stats.integration(&pending.log_receiver).notifications += 1;
        }
        if let Some(group) = flush.group.and_then(|group| self.groups.get_mut(&group)) {
            group.quiet.remove(&Some(index));
        }
        let has_nothing_to_send = alerts.is_empty();
        let sending = Sending {
            reason,
            alerts,
            firing,
            resolved,
            receiver_data,
            attempt: 0,
            attempt_started: now,
            is_in_flight: false,
            is_counted,
            backoff: Backoff::default(),
            last_failure: None,
        };
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.stage = Stage::Sending(sending);
        }
        if has_nothing_to_send {
            // The log must learn that the alerts are over all the same.
            let reason = NotNotified::ResolvedNotSent;
            self.note_quiet(flush_number, Some(index), reason, actions);
            self.record(now, id, None, actions);
            self.finish_delivery(now, id, false, actions);
        } else {
            self.start_attempt(now, id, actions);
        }
    }

    fn start_attempt(&mut self, now: Timestamp, id: u64, actions: &mut Vec<Action>) {
        let Some(Pending {
            flush: flush_number,
            integration: index,
            stage: Stage::Sending(sending),
            log_receiver,
            timer_at,
        }) = self.pending.get_mut(&id)
        else {
            return;
        };
        let Some(flush) = self.flushes.get(flush_number) else {
            return;
        };
        let Some(route) = flush.config.tree.route(flush.route) else {
            return;
        };
        sending.attempt += 1;
        sending.attempt_started = now;
        sending.is_in_flight = true;
        let integration = log_receiver.integration.clone();
        let event = Event::DeliveryStarted {
            delivery: DeliveryId(id),
            group: flush.about.clone(),
            integration: integration.clone(),
            attempt: sending.attempt,
            reason: sending.reason,
            alerts: sending.alerts.clone(),
        };
        journal(actions, event);
        actions.push(Action::Deliver(Box::new(Delivery {
            id: DeliveryId(id),
            attempt: sending.attempt,
            receiver: flush.about.receiver.clone(),
            integration: *index,
            integration_name: integration,
            group_key: flush.about.key.clone(),
            group_labels: flush.group_labels.clone(),
            route_labels: route.options.labels.clone(),
            alerts: sending.alerts.clone(),
            group_alerts: flush.snapshot.clone(),
            reason: sending.reason,
            receiver_data: sending.receiver_data.clone(),
            deadline: flush.deadline,
        })));
        *timer_at = flush.deadline + LOST_AFTER;
        let timer_at = *timer_at;
        self.arm(timer_at, Timer::Delivery(id));
    }

    /// An attempt has ended. Reports of deliveries that were given up, or that are not under way, change
    /// nothing.
    pub(super) fn delivered(
        &mut self,
        now: Timestamp,
        delivery: DeliveryId,
        outcome: Outcome,
        actions: &mut Vec<Action>,
    ) {
        let id = delivery.0;
        let random = self.jitter.next();
        let Some(Pending {
            flush: flush_number,
            stage: Stage::Sending(sending),
            log_receiver,
            timer_at,
            ..
        }) = self.pending.get_mut(&id)
        else {
            return;
        };
        let Some(flush) = self
            .flushes
            .get(flush_number)
            .filter(|_| sending.is_in_flight)
        else {
            return;
        };
        sending.is_in_flight = false;
        self.timers.remove(&(*timer_at, Timer::Delivery(id)));
        let has_failed = matches!(outcome, Outcome::Failed { .. });
        if sending.is_counted {
            let stats = self.stats.integration(log_receiver);
            stats.requests += 1;
            stats.requests_failed += u64::from(has_failed);
        }
        let (retry, failure, message) = match outcome {
            Outcome::Delivered {
                receiver_data,
                answer,
            } => {
                let route = flush.config.tree.route(flush.route);
                let repeats = route.map(|route| route.options.repeat_interval);
                let event = Event::DeliverySucceeded {
                    delivery,
                    group: flush.about.clone(),
                    integration: log_receiver.integration.clone(),
                    attempts: sending.attempt,
                    alerts: sending.alerts.clone(),
                    answer,
                    repeats_after: Some(now + repeats.unwrap_or_default()),
                };
                journal(actions, event);
                self.record_notification(id, actions);
                self.record(now, id, receiver_data, actions);
                self.finish_delivery(now, id, false, actions);
                return;
            }
            Outcome::Failed {
                retry,
                failure,
                message,
            } => (retry, failure, message),
        };
        sending.last_failure = Some((failure, message.clone()));
        let was_replaced = flush.group.is_none();
        if retry == Retry::Never || was_replaced || now >= flush.deadline {
            self.give_up(now, id, actions);
            return;
        }
        let pause = sending.backoff.next_pause(random);
        // Never in this very moment, so that a failure without any delay cannot spin.
        let asked = match retry {
            Retry::After(pause) => pause,
            Retry::Later | Retry::Never => Duration::ZERO,
        };
        let earliest = now + asked.max(Duration::from_millis(1));
        let next_at = (sending.attempt_started + pause)
            .max(earliest)
            .min(flush.deadline);
        let event = Event::DeliveryRetried {
            delivery,
            group: flush.about.clone(),
            integration: log_receiver.integration.clone(),
            attempt: sending.attempt,
            alerts: sending.alerts.clone(),
            failure,
            message,
            next_at,
        };
        journal(actions, event);
        *timer_at = next_at;
        self.arm(next_at, Timer::Delivery(id));
    }

    /// Writes down what the integration was told.
    fn record(
        &mut self,
        now: Timestamp,
        id: u64,
        receiver_data: Option<ReceiverData>,
        actions: &mut Vec<Action>,
    ) {
        let Some(Underway {
            flush,
            route,
            log_receiver,
            sending,
        }) = self.underway(id)
        else {
            return;
        };
        let new = NewEntry {
            group_key: flush.about.key.clone(),
            receiver: log_receiver.clone(),
            firing: sending.firing.clone(),
            resolved: sending.resolved.clone(),
            receiver_data: receiver_data.unwrap_or_else(|| sending.receiver_data.clone()),
            repeat_interval: route.options.repeat_interval,
        };
        let stored = self.log.record(new, now, self.settings.retention);
        actions.push(Action::BroadcastLogEntry(stored));
    }

    /// What a delivery that goes on is about.
    pub(super) fn underway(&self, delivery: u64) -> Option<Underway<'_>> {
        let pending = self.pending.get(&delivery)?;
        let Stage::Sending(sending) = &pending.stage else {
            return None;
        };
        let flush = self.flushes.get(&pending.flush)?;
        Some(Underway {
            flush,
            route: flush.config.tree.route(flush.route)?,
            log_receiver: &pending.log_receiver,
            sending,
        })
    }

    fn give_up(&mut self, now: Timestamp, id: u64, actions: &mut Vec<Action>) {
        let Some(pending) = self.pending.get(&id) else {
            return;
        };
        let was_replaced = self
            .flushes
            .get(&pending.flush)
            .is_some_and(|flush| flush.group.is_none());
        let (last_failure, attempts) = match &pending.stage {
            Stage::WaitingForPeers => (None, 0),
            Stage::Sending(sending) => (sending.last_failure.clone(), sending.attempt),
        };
        let (failure, message) = last_failure.unwrap_or_else(|| {
            if was_replaced {
                let message = "the configuration was replaced".to_owned();
                (FailureReason::ContextCanceled, message)
            } else {
                let message = "the time of the flush was over".to_owned();
                (FailureReason::ContextDeadlineExceeded, message)
            }
        });
        // As with the peer, a notification begins after the wait for other members.
        if matches!(&pending.stage, Stage::Sending(sending) if sending.is_counted) {
            let stats = self.stats.integration(&pending.log_receiver);
            *stats.failed.entry(failure).or_default() += 1;
        }
        let reason = NotNotified::DeliveryFailed {
            failure,
            message,
            attempts,
        };
        let (flush, integration) = (pending.flush, pending.integration);
        self.note_quiet(flush, Some(integration), reason, actions);
        self.finish_delivery(now, id, true, actions);
    }

    fn finish_delivery(
        &mut self,
        now: Timestamp,
        id: u64,
        has_failed: bool,
        actions: &mut Vec<Action>,
    ) {
        let Some(pending) = self.pending.remove(&id) else {
            return;
        };
        self.timers.remove(&(pending.timer_at, Timer::Delivery(id)));
        let Some(flush) = self.flushes.get_mut(&pending.flush) else {
            return;
        };
        flush.has_failed |= has_failed;
        flush.open = flush.open.saturating_sub(1);
        if flush.open == 0 {
            self.finish_flush(now, pending.flush, false, actions);
        }
    }

    /// After a reload: what is not on the wire is dropped; what is will be recorded when it arrives. Flushes
    /// that waited for the cluster end as well.
    pub(super) fn cancel_idle_deliveries(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        let is_idle = |pending: &Pending| match &pending.stage {
            Stage::WaitingForPeers => true,
            Stage::Sending(sending) => !sending.is_in_flight,
        };
        let idle: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| is_idle(pending))
            .map(|(id, _)| *id)
            .collect();
        for id in idle {
            self.give_up(now, id, actions);
        }
        let without_deliveries: Vec<u64> = self
            .flushes
            .iter()
            .filter(|(_, flush)| flush.open == 0)
            .map(|(number, _)| *number)
            .collect();
        for number in without_deliveries {
            if let Some(flush) = self.flushes.get(&number) {
                self.timers.remove(&(flush.deadline, Timer::Flush(number)));
            }
            self.finish_flush(now, number, true, actions);
        }
    }
}

/// Hashes of the firing and of the resolved alerts.
fn hashes(alerts: &[NotifiedAlert]) -> (Vec<u64>, Vec<u64>) {
    let mut firing = Vec::new();
    let mut resolved = Vec::new();
    for notified in alerts {
        let hash = notified.alert.log_hash();
        if notified.is_resolved {
            resolved.push(hash);
        } else {
            firing.push(hash);
        }
    }
    (firing, resolved)
}
