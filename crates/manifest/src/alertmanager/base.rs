//! The base of an Alertmanager's configuration: a Secret, or a default.

use crate::assets::Assets;
use crate::decision::Outcome;
use crate::object::Object;

/// What the operator uses if there is no Secret: alerts go nowhere.
const OPERATOR_DEFAULT: &str = "\
route:
  receiver: 'null'
receivers:
- name: 'null'
";

/// What the Helm chart kube-prometheus-stack puts into the Secret unless it is told otherwise.
const CHART_DEFAULT: &str = "\
global:
  resolve_timeout: 5m
inhibit_rules:
- source_matchers: ['severity=\"critical\"']
  target_matchers: ['severity=~\"warning|info\"']
  equal: [namespace, alertname]
- source_matchers: ['severity=\"warning\"']
  target_matchers: ['severity=\"info\"']
  equal: [namespace, alertname]
- source_matchers: ['alertname=\"InfoInhibitor\"']
  target_matchers: ['severity=\"info\"']
  equal: [namespace]
- target_matchers: ['alertname=\"InfoInhibitor\"']
route:
  receiver: 'null'
  group_by: [namespace]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
  - receiver: 'null'
    matchers: ['alertname=\"Watchdog\"']
receivers:
- name: 'null'
templates:
- /etc/alertmanager/config/*.tmpl
";

const CONFIG_KEY: &str = "alertmanager.yaml";

/// A base configuration and where it comes from.
#[derive(Clone, Debug)]
pub struct Base {
    pub text: String,
    /// Other keys of the Secret, such as templates, by name.
    pub files: Vec<(String, Vec<u8>)>,
    pub(crate) outcome: Outcome,
}

/// The base configuration of an Alertmanager object.
///
/// Without a Secret the operator falls back to a configuration that only knows the receiver "null".
/// Objects of the chart kube-prometheus-stack come with a Secret that holds the chart's default; if such
/// an object is given alone, that default is used, so that a folder with the object behaves as the
/// installed chart. The decision says which one it was.
pub fn base(alertmanager: &Object, assets: &Assets) -> Base {
    let name = alertmanager.name();
    let own = alertmanager.spec().at("configSecret").filled();
    let secret = own.map_or_else(|| format!("alertmanager-{name}"), str::to_owned);
    let is_chart = is_of_chart(alertmanager);
    let built_in = |why: &'static str, files: Vec<(String, Vec<u8>)>, is_chart: bool| {
        let (text, which) = if is_chart {
            (
                CHART_DEFAULT,
                "of kube-prometheus-stack (everything to receiver \"null\", by namespace)",
            )
        } else {
            (
                OPERATOR_DEFAULT,
                "of the operator (everything to receiver \"null\")",
            )
        };
        let secret = format!("{}/{secret}", alertmanager.namespace());
        Base {
            text: text.to_owned(),
            files,
            outcome: Outcome::BaseBuiltIn { secret, why, which },
        }
    };
    let Some(data) = assets.secret(alertmanager.namespace(), &secret) else {
        return built_in("does not exist", Vec::new(), is_chart);
    };
    let files: Vec<(String, Vec<u8>)> = data
        .iter()
        .filter(|(key, _)| *key != CONFIG_KEY)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    match data.get(CONFIG_KEY) {
        None => built_in("has no key alertmanager.yaml", files, false),
        Some(text) if text.is_empty() => built_in("has an empty alertmanager.yaml", files, false),
        Some(text) => Base {
            text: String::from_utf8_lossy(text).into_owned(),
            files,
            outcome: Outcome::BaseFromSecret {
                secret: format!("{}/{secret}", alertmanager.namespace()),
            },
        },
    }
}

/// By the label that the chart sets, or by the name that it derives from its own.
fn is_of_chart(alertmanager: &Object) -> bool {
    let app = alertmanager.labels.get("app").map(String::as_str);
    app == Some("kube-prometheus-stack-alertmanager")
        || alertmanager
            .name()
            .ends_with("kube-prometheus-stack-alertmanager")
}
