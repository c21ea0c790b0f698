//! Alerts as `POST /api/v2/alerts` takes them.

use std::collections::BTreeMap;

use rules::SentAlert;
use serde_json::json;

pub(super) fn message(alerts: &[SentAlert]) -> Vec<u8> {
    let one = |alert: &SentAlert| {
        let labels: BTreeMap<&str, &str> = alert.labels.iter().collect();
        let annotations: BTreeMap<&str, &str> = alert.annotations.iter().collect();
        let mut message = json!({
            "endsAt": api::rfc3339(Some(alert.ends_at)),
            "startsAt": api::rfc3339(Some(alert.starts_at)),
            "generatorURL": alert.generator_url,
            "labels": labels,
        });
        // As in the peer, there are none rather than an empty map of them.
        if !annotations.is_empty() {
            message["annotations"] = json!(annotations);
        }
        message
    };
    let list: serde_json::Value = alerts.iter().map(one).collect();
    list.to_string().into_bytes()
}
