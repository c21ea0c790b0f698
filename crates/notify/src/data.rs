//! The data of notification templates, and with it the core of the webhook's payload.

use std::collections::BTreeMap;

use alerting::{NotifiedAlert, Time};
use gotemplate::data::alertmanager::{Alert, Data, Kv};
use model::Labels;

/// What the data is made from.
#[derive(Clone, Copy, Debug)]
pub struct DataInput<'a> {
    pub receiver: &'a str,
    pub group_labels: &'a Labels,
    pub route_labels: &'a BTreeMap<String, String>,
    /// Why the notification is sent, in the peer's words.
    pub reason: &'a str,
    pub external_url: &'a str,
    pub alerts: &'a [NotifiedAlert],
}

/// Puts the data together. The route labels are taken as they are.
pub fn assemble(input: &DataInput<'_>) -> Data {
    let is_firing = input.alerts.iter().any(|notified| !notified.is_resolved);
    Data {
        receiver: quote_meta(input.receiver),
        status: status(!is_firing),
        alerts: Some(input.alerts.iter().map(alert).collect()),
        notification_reason: input.reason.to_owned(),
        group_labels: Kv::new(map(input.group_labels)),
        common_labels: Kv::new(common(input.alerts, |notified| map(&notified.alert.labels))),
        common_annotations: Kv::new(common(input.alerts, |notified| {
            notified.alert.about.annotation_map()
        })),
        route_labels: Kv::new(input.route_labels.clone()),
        external_url: input.external_url.to_owned(),
        route_labels_rendered: false,
    }
}

fn alert(notified: &NotifiedAlert) -> Alert {
    let alert = &notified.alert;
    Alert {
        status: status(notified.is_resolved),
        labels: Kv::new(map(&alert.labels)),
        annotations: Kv::new(alert.about.annotation_map()),
        starts_at: time(alert.starts_at),
        // While it fires, the end is only a guess.
        ends_at: if notified.is_resolved {
            time(alert.ends_at)
        } else {
            gotemplate::Time::ZERO
        },
        generator_url: alert.about.generator_url().to_owned(),
        fingerprint: alert.fingerprint.to_string(),
    }
}

fn status(is_resolved: bool) -> String {
    if is_resolved { "resolved" } else { "firing" }.to_owned()
}

/// With the zone that the alert was posted with.
fn time(time: Time) -> gotemplate::Time {
    gotemplate::Time::parse_rfc3339(&time.to_rfc3339())
        .unwrap_or_else(|_| gotemplate::Time::from_unix_ms(time.timestamp().millis()))
}

fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The pairs that all alerts share. An absent value is an empty one, as in Go.
fn common(
    alerts: &[NotifiedAlert],
    pairs: impl Fn(&NotifiedAlert) -> BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let Some((first, rest)) = alerts.split_first() else {
        return BTreeMap::new();
    };
    let mut common = pairs(first);
    for notified in rest {
        if common.is_empty() {
            break;
        }
        let own = pairs(notified);
        common.retain(|name, value| own.get(name).map_or("", String::as_str) == value);
    }
    common
}

/// Go's `regexp.QuoteMeta`: the receiver's name is meant for links with a pattern in them.
pub fn quote_meta(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}
