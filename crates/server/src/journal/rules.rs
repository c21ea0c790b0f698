//! What evaluations of rules change, as the beginning of the chain that ends at a receiver.

use alerting::journal::{Draft, Kind, Subject, detail};
use model::format::float_general;
use model::{Timestamp, Value};
use rules::{AlertChange, AlertingSpec, ChangeKind, GroupSpec};

use crate::outgoing::Outgoing;

/// What is written of it. The alert has the labels with which it is sent, so that what happens to it later is about
/// the same alert.
pub(crate) fn draft(
    at: Timestamp,
    (group, rule): (&GroupSpec, &AlertingSpec),
    change: &AlertChange,
    outgoing: &Outgoing,
) -> Draft {
    let sent = outgoing.labels(&change.labels);
    let code = match change.kind {
        ChangeKind::Pending => "rule-alert-pending",
        ChangeKind::Gone => "rule-alert-gone",
        ChangeKind::Firing if sent.is_none() => "rule-alert-relabelled-away",
        ChangeKind::Firing => "rule-alert-firing",
        ChangeKind::Resolved => "rule-alert-resolved",
    };
    let value = match &change.value {
        Value::Float(value) => float_general(*value),
        Value::Histogram(histogram) => histogram.to_string(),
    };
    Draft::new(at, Kind::Rule, code)
        .about(Subject::of_labels(
            sent.unwrap_or_else(|| change.labels.clone()),
        ))
        .with(detail::VALUE, value)
        .with_time(detail::ACTIVE_AT, change.active_at)
        .with(detail::HOLD, rule.hold)
        .with(detail::RULE, &rule.alert)
        .with(detail::RULE_GROUP, &group.name)
        .with(detail::RULE_FILE, &group.file)
        .with(detail::EXPR, &rule.expr)
}
