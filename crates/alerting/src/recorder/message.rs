//! Which fields an event has: numbers and names of the peer's schema, for JSON and protobuf alike.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::{Labels, MatchOp, Matcher};
use sha2::{Digest, Sha256};

use super::encode::{Message, Value};
use super::{Envelope, MutedAlert, Notification, Recorded, RecordedGroup};
use crate::alert::Alert;
use crate::config::InhibitRuleSpec;
use crate::dedup::NotifyReason;
use crate::delivery::NotifiedAlert;
use crate::silence::{Silence, SilenceMatcher};
use crate::text;
use crate::time::Time;

pub(super) fn envelope(envelope: &Envelope) -> Message<'_> {
    let data = data(&envelope.event, envelope.at);
    Message::default()
        .with(1, "@timestamp", Value::Time(envelope.at))
        .with_text(2, "instance", &*envelope.instance)
        .with(3, "data", Value::Message(data))
        .with(4, "clusterPosition", Value::U32(envelope.position))
}

fn data(event: &Recorded, at: Time) -> Message<'_> {
    let (number, name, inner) = match event {
        Recorded::Startup {
            version,
            build_context,
        } => {
            let startup = Message::default()
                .with_text(1, "version", version)
                .with_text(2, "buildContext", build_context);
            (1, "alertmanagerStartupEvent", startup)
        }
        Recorded::Shutdown => (2, "alertmanagerShutdownEvent", Message::default()),
        Recorded::AlertCreated { alert } => {
            let alert = Value::Message(alert_as_kept(alert, at));
            let created = Message::default().with(1, "alert", alert);
            (3, "alertCreated", created)
        }
        Recorded::AlertResolved { alert, group } => {
            let details = alert_as_told(alert);
            let resolved = in_group(alert.alert.log_hash(), details, group);
            (4, "alertResolved", resolved)
        }
        Recorded::AlertGrouped { alert, group } => {
            let details = alert_as_kept(alert, at);
            let grouped = in_group(alert.log_hash(), details, group);
            (5, "alertGrouped", grouped)
        }
        Recorded::Notification(one) => (6, "notification", notification(one)),
        Recorded::SilenceCreated { silence } => (7, "silenceCreated", about_silence(silence)),
        Recorded::SilenceUpdated { silence } => (8, "silenceUpdated", about_silence(silence)),
        Recorded::SilenceMutedAlert { silence, alert } => {
            let muted = about_silence(silence).with(2, "mutedAlert", muted(alert));
            (9, "silenceMutedAlert", muted)
        }
        Recorded::InhibitionMutedAlert {
            rule,
            alert,
            source,
        } => {
            let muted = Message::default()
                .with(1, "inhibitRules", Value::Messages(vec![inhibit_rule(rule)]))
                .with(2, "mutedAlert", muted(alert))
                .with(3, "inhibitingFingerprints", Value::U64s(vec![source.0]));
            (10, "inhibitionMutedAlert", muted)
        }
    };
    Message::default().with(number, name, Value::Message(inner))
}

fn labels(labels: &Labels) -> Value<'_> {
    label_set(labels.iter())
}

/// In the order of names.
fn label_set<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value<'a> {
    let pair = |(name, value): (&'a str, &'a str)| {
        Message::default()
            .with_text(1, "key", name)
            .with_text(2, "value", value)
    };
    let pairs = Value::Messages(pairs.map(pair).collect());
    Value::Message(Message::default().with(1, "labels", pairs))
}

/// With the end that it will have if nothing more is heard of it.
fn alert_as_kept(alert: &Alert, at: Time) -> Message<'_> {
    about_alert(alert, alert.ends_at, alert.is_resolved_at(at))
}

/// What fires has no end.
fn alert_as_told(notified: &NotifiedAlert) -> Message<'_> {
    let ends_at = if notified.is_resolved {
        notified.alert.ends_at
    } else {
        Time::UNSET
    };
    about_alert(&notified.alert, ends_at, notified.is_resolved)
}

fn about_alert(alert: &Alert, ends_at: Time, is_resolved: bool) -> Message<'_> {
    Message::default()
        .with(1, "fingerprint", Value::U64(alert.fingerprint.0))
        .with_text(2, "name", alert.name())
        .with(3, "labels", labels(&alert.labels))
        .with(4, "annotations", label_set(alert.about.annotations()))
        .with(5, "startsAt", Value::Time(alert.starts_at))
        .with(6, "endsAt", Value::Time(ends_at))
        .with(7, "resolved", Value::Bool(is_resolved))
}

fn hashed(hash: u64) -> Message<'static> {
    Message::default().with(1, "hash", Value::U64(hash))
}

fn in_group<'a>(hash: u64, details: Message<'a>, group: &'a RecordedGroup) -> Message<'a> {
    let alert = hashed(hash).with(2, "details", Value::Message(details));
    Message::default()
        .with(1, "alert", Value::Message(alert))
        .with(2, "groupInfo", Value::Message(group_info(group)))
}

/// The digest of the key, as 64 hexadecimal digits.
fn group_id(key: &str) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(key.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// As with the peer, only notifications say more than that of their group.
fn group_info(group: &RecordedGroup) -> Message<'_> {
    let key = &*group.about.key;
    Message::default()
        .with_text(1, "groupKey", key)
        .with(2, "groupLabels", labels(&group.labels))
        .with_text(3, "groupId", group_id(key))
        .with_text(4, "receiverName", &*group.about.receiver)
}

fn notification(one: &Notification) -> Message<'_> {
    let hashes = |hashes: &[u64]| Value::Messages(hashes.iter().copied().map(hashed).collect());
    let alerts = one.alerts.iter().map(|notified| {
        let details = Value::Message(alert_as_told(notified));
        hashed(notified.alert.log_hash()).with(2, "details", details)
    });
    let group = group_info(&one.group)
        .with(5, "matchers", matchers(&one.matchers))
        .with_text(6, "groupUuid", one.group_uuid.to_string());
    let (reason, reason_name) = match one.reason {
        NotifyReason::Unknown => (0, "NOTIFY_REASON_UNSPECIFIED"),
        NotifyReason::FirstNotification => (1, "NOTIFY_REASON_FIRST_NOTIFICATION"),
        NotifyReason::NewAlerts => (2, "NOTIFY_REASON_NEW_ALERTS_IN_GROUP"),
        NotifyReason::SomeResolved => (3, "NOTIFY_REASON_NEW_RESOLVED_ALERTS"),
        NotifyReason::AllResolved => (4, "NOTIFY_REASON_ALL_ALERTS_RESOLVED"),
        NotifyReason::RepeatIntervalElapsed => (5, "NOTIFY_REASON_REPEAT_INTERVAL_ELAPSED"),
    };
    let integration = Message::default()
        .with_text(1, "name", &*one.integration)
        .with(2, "index", Value::I64(i64::from(one.integration_index)));
    Message::default()
        .with(1, "alerts", Value::Messages(alerts.collect()))
        .with(2, "firingAlerts", hashes(&one.firing))
        .with(3, "resolvedAlerts", hashes(&one.resolved))
        .with(4, "mutedAlerts", hashes(&one.muted))
        .with(5, "groupInfo", Value::Message(group))
        .with(6, "repeatInterval", Value::Duration(one.repeat_interval))
        .with(7, "reason", Value::Enum(reason, reason_name))
        .with(8, "flushId", Value::U64(one.flush_id))
        .with(9, "integration", Value::Message(integration))
}

/// The peer leaves out the silence's annotations.
fn about_silence(silence: &Silence) -> Message<'_> {
    let set = |set: &'_ [SilenceMatcher]| -> Vec<Message<'static>> {
        set.iter().map(silence_matcher).collect()
    };
    let first = silence.matcher_sets.first();
    let first = first.map_or_else(Vec::new, |first| set(first));
    let sets = silence.matcher_sets.iter().map(|one| {
        let matchers = Value::Messages(set(one));
        Message::default().with(1, "matchers", matchers)
    });
    let inner = Message::default()
        .with_text(1, "id", &silence.id)
        .with(2, "matchers", Value::Messages(first))
        .with(4, "startsAt", Value::Time(silence.starts_at))
        .with(5, "endsAt", Value::Time(silence.ends_at))
        .with(6, "updatedAt", Value::Time(silence.updated_at))
        .with_text(7, "createdBy", &silence.created_by)
        .with_text(8, "comment", &silence.comment)
        .with(9, "matcherSets", Value::Messages(sets.collect()));
    Message::default().with(1, "silence", Value::Message(inner))
}

fn matchers(matchers: &[Matcher]) -> Value<'_> {
    let one = |one: &Matcher| matcher((one.name(), one.op(), one.value()), text::matcher(one));
    Value::Messages(matchers.iter().map(one).collect())
}

/// Without its printed form if the pattern does not compile.
fn silence_matcher(one: &SilenceMatcher) -> Message<'static> {
    let rendered = match one.compile() {
        Ok(compiled) => text::matcher(&compiled),
        Err(_) => String::new(),
    };
    matcher((&one.name, one.op, &one.pattern), rendered)
}

fn matcher((name, op, pattern): (&str, MatchOp, &str), rendered: String) -> Message<'static> {
    let (number, kind) = match op {
        MatchOp::Equal => (1, "TYPE_EQUAL"),
        MatchOp::Regex => (2, "TYPE_REGEXP"),
        MatchOp::NotEqual => (3, "TYPE_NOT_EQUAL"),
        MatchOp::NotRegex => (4, "TYPE_NOT_REGEXP"),
    };
    Message::default()
        .with(1, "type", Value::Enum(number, kind))
        .with_text(2, "name", name.to_owned())
        .with_text(3, "pattern", pattern.to_owned())
        .with_text(4, "rendered", rendered)
}

fn inhibit_rule(rule: &InhibitRuleSpec) -> Message<'_> {
    let equal: BTreeSet<&str> = rule.equal.iter().map(String::as_str).collect();
    let equal = equal.into_iter().collect();
    Message::default()
        .with(1, "sourceMatchers", matchers(&rule.source_matchers))
        .with(2, "targetMatchers", matchers(&rule.target_matchers))
        .with(3, "equalLabels", Value::Texts(equal))
        .with_text(4, "name", &rule.name)
}

fn muted(alert: &MutedAlert) -> Value<'_> {
    let muted = Message::default()
        .with(1, "labels", labels(&alert.labels))
        .with(2, "fingerprint", Value::U64(alert.fingerprint.0));
    Value::Message(muted)
}
