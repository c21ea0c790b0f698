//! `alerts`, `alertmanagers`.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Value;
use model::format::float_exponent;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::respond::success;
use crate::sources::Api;
use crate::time::rfc3339;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RuleAlert")]
pub(crate) struct AlertTwin {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    state: &'static str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

impl AlertTwin {
    pub(crate) fn of(alert: &rules::Alert) -> Self {
        Self {
            labels: alert.labels.to_map(),
            annotations: alert.annotations.to_map(),
            state: alert.state.as_str(),
            active_at: rfc3339(Some(alert.active_at)),
            keep_firing_since: alert.keep_firing_since.map(|since| rfc3339(Some(since))),
            value: match &alert.value {
                Value::Float(value) => float_exponent(*value),
                // A number in any case, as in the peer; templates have the histogram.
                Value::Histogram(_) => float_exponent(0.0),
            },
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RuleAlerts")]
pub(crate) struct AlertsTwin {
    alerts: Vec<AlertTwin>,
}

pub(crate) async fn alerts(State(api): State<Arc<Api>>) -> Response {
    let groups = api.rules.all();
    let alerts = groups
        .iter()
        .flat_map(|group| group.rules.iter())
        .flat_map(|rule| rule.alerts.iter());
    success(&AlertsTwin {
        alerts: alerts.map(AlertTwin::of).collect(),
    })
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertmanagerUrl")]
pub(crate) struct UrlTwin {
    url: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Alertmanagers")]
pub(crate) struct AlertmanagersTwin {
    active_alertmanagers: Vec<UrlTwin>,
    dropped_alertmanagers: Vec<UrlTwin>,
}

pub(crate) async fn alertmanagers(State(api): State<Arc<Api>>) -> Response {
    let view = api.config.alertmanagers();
    let twins = |urls: Vec<String>| urls.into_iter().map(|url| UrlTwin { url }).collect();
    success(&AlertmanagersTwin {
        active_alertmanagers: twins(view.active),
        dropped_alertmanagers: twins(view.dropped),
    })
}
