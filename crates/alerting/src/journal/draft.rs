//! Events of the machine in the form that the journal writes.

use std::sync::Arc;

use diag::Reason;
use model::Timestamp;

use super::record::{Draft, Kind, Subject, detail};
use crate::alert::Alert;
use crate::delivery::NotifiedAlert;
use crate::event::{Event, GroupRef};
use crate::reason::NotNotified;
use crate::silence::Silence;
use crate::text;

impl Draft {
    /// What is written of an event that happened at `at`.
    pub fn of(at: Timestamp, event: &Event) -> Self {
        let new = |kind| Self::new(at, kind, event.code());
        match event {
            Event::AlertFired { alert } => {
                let draft = new(Kind::Alert).of_alert(alert);
                draft.with_time(detail::STARTS_AT, alert.starts_at.timestamp())
            }
            Event::AlertResolved { alert } => {
                let draft = new(Kind::Alert).of_alert(alert);
                let draft = draft.with_time(detail::STARTS_AT, alert.starts_at.timestamp());
                draft.with_time(detail::ENDS_AT, alert.ends_at.timestamp())
            }
            Event::AlertRefused { labels, error } => new(Kind::Alert)
                .about(Subject::of_labels(labels.clone()))
                .with(detail::MESSAGE, error),
            Event::AlertOverLimit { labels, max } => new(Kind::Alert)
                .about(Subject::of_labels(labels.clone()))
                .with_count(detail::LIMIT, *max),
            Event::AlertTimedOut { alert, group } => {
                new(Kind::Alert).of_alert(alert).in_group(group)
            }
            Event::AlertForgotten { alert } | Event::AlertUnrouted { alert } => {
                new(Kind::Alert).of_alert(alert)
            }
            Event::AlertRouted {
                alert,
                group,
                flush_at,
            } => {
                let draft = new(Kind::Alert).of_alert(alert).in_group(group);
                draft.with_time(detail::FLUSH_AT, *flush_at)
            }
            Event::AlertSuppressed {
                alert,
                group,
                reason,
            } => {
                let draft = new(Kind::Alert).of_alert(alert).in_group(group);
                draft.because(reason)
            }
            Event::AlertUnsuppressed { alert, group } => {
                new(Kind::Alert).of_alert(alert).in_group(group)
            }
            Event::GroupCreated {
                alert,
                group,
                flush_at,
            } => {
                let draft = new(Kind::Group).of_alert(alert).in_group(group);
                draft.with_time(detail::FLUSH_AT, *flush_at)
            }
            Event::GroupRemoved { group } => new(Kind::Group).in_group(group),
            Event::FlushStarted { group, alerts } => {
                new(Kind::Group).in_group(group).about_all(alerts)
            }
            Event::NotNotified {
                group,
                integration,
                reason,
                alerts,
            } => {
                let mut draft = new(Kind::Delivery).in_group(group).about_all(alerts);
                draft.integration = integration.clone();
                draft.because(reason)
            }
            Event::DeliveryStarted {
                delivery,
                group,
                integration,
                attempt,
                reason,
                alerts,
            } => {
                let mut draft = new(Kind::Delivery).in_group(group).about_all(alerts);
                draft.integration = Some(integration.clone());
                draft.delivery = Some(delivery.0);
                draft.attempt = Some(*attempt);
                draft.with(detail::REASON, reason.as_str())
            }
            Event::DeliverySucceeded {
                delivery,
                group,
                integration,
                attempts,
                alerts,
                answer,
                repeats_after,
            } => {
                let mut draft = new(Kind::Delivery).in_group(group).about_all(alerts);
                draft.integration = Some(integration.clone());
                draft.delivery = Some(delivery.0);
                draft.attempt = Some(*attempts);
                if let Some(status) = answer.status {
                    draft = draft.with_count(detail::STATUS, status.into());
                }
                match repeats_after {
                    Some(at) => draft.with_time(detail::REPEATS_AFTER, *at),
                    None => draft,
                }
            }
            Event::DeliveryRetried {
                delivery,
                group,
                integration,
                attempt,
                alerts,
                failure,
                message,
                next_at,
            } => {
                let mut draft = new(Kind::Delivery).in_group(group).about_all(alerts);
                draft.integration = Some(integration.clone());
                draft.delivery = Some(delivery.0);
                draft.attempt = Some(*attempt);
                draft
                    .with(detail::FAILURE, failure.as_str())
                    .with(detail::MESSAGE, message)
                    .with_time(detail::NEXT_AT, *next_at)
            }
            Event::SilenceStored { silence }
            | Event::SilenceExpired { silence }
            | Event::SilenceMerged { silence } => new(Kind::Silence).of_silence(silence),
            Event::SilenceRefused { error } => new(Kind::Silence).with(detail::MESSAGE, error),
            Event::ConfigReplaced => new(Kind::Config),
        }
    }

    fn of_alert(self, alert: &Arc<Alert>) -> Self {
        self.about(&**alert)
    }

    fn in_group(mut self, group: &Arc<GroupRef>) -> Self {
        self.group = Some(group.clone());
        self
    }

    fn about_all(mut self, alerts: &Arc<[NotifiedAlert]>) -> Self {
        let resolved = alerts.iter().filter(|alert| alert.is_resolved).count();
        self.alerts = Some(alerts.clone());
        self.with_count(detail::FIRING, alerts.len() - resolved)
            .with_count(detail::RESOLVED, resolved)
    }

    fn because(mut self, reason: &NotNotified) -> Self {
        match reason {
            NotNotified::Silenced(ids) => self = self.with(detail::SILENCES, ids.join(",")),
            NotNotified::Inhibited(inhibition) => {
                let rule = match &*inhibition.rule_name {
                    "" => (inhibition.rule + 1).to_string(),
                    name => name.to_owned(),
                };
                let labels = text::label_set(&inhibition.source_labels);
                self = self
                    .with(detail::INHIBITED_BY, inhibition.source)
                    .with(detail::INHIBITED_BY_LABELS, labels)
                    .with(detail::INHIBIT_RULE, rule);
            }
            NotNotified::MutedByInterval(names) | NotNotified::OutsideActiveIntervals(names) => {
                self = self.with(detail::INTERVALS, names.join(","));
            }
            NotNotified::AlreadyNotified { repeats_after } => {
                self = self.with_time(detail::REPEATS_AFTER, *repeats_after);
            }
            NotNotified::DeliveryFailed {
                failure,
                message,
                attempts,
            } => {
                self.attempt = Some(*attempts);
                self = self
                    .with(detail::FAILURE, failure.as_str())
                    .with(detail::MESSAGE, message);
            }
            NotNotified::ReceiverWithoutIntegrations { .. }
            | NotNotified::DefaultWithoutIntegrations { .. }
            | NotNotified::NoRoute
            | NotNotified::ResolvedBeforeNotified
            | NotNotified::ResolvedNotSent => {}
        }
        debug_assert_eq!(
            self.code,
            reason.code(),
            "the event has the code of its reason"
        );
        self.with(detail::REASON, reason)
    }

    fn of_silence(self, silence: &Silence) -> Self {
        let set = |set: &crate::silence::MatcherSet| {
            let matchers = set
                .iter()
                .map(|one| text::condition(&one.name, one.op, &one.pattern));
            format!("{{{}}}", matchers.collect::<Vec<_>>().join(","))
        };
        let sets: Vec<String> = silence.matcher_sets.iter().map(set).collect();
        self.with(detail::SILENCE, &silence.id)
            .with(detail::CREATED_BY, &silence.created_by)
            .with(detail::COMMENT, &silence.comment)
            .with(detail::MATCHERS, sets.join(" or "))
            .with_time(detail::STARTS_AT, silence.starts_at.timestamp())
            .with_time(detail::ENDS_AT, silence.ends_at.timestamp())
    }
}
