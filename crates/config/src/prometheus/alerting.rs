//! `alerting`: where alerts are sent.

use model::Duration;
use model::name::NameScheme;
use yaml::MapReader;

use super::refusals::Refusals;
use super::sd::Discoveries;
use crate::SigV4;
use crate::http::HttpClient;
use crate::relabel::RelabelRules;

section! {
    pub struct Alerting: "config.plain" {
        ["alert_relabel_configs", unless_default] pub alert_relabel_configs: RelabelRules,
        ["alertmanagers", omit] pub alertmanagers: Vec<AlertmanagerClient>,
    }
}

section! {
    /// One group of Alertmanagers.
    pub struct AlertmanagerClient: "config.AlertmanagerConfig", checked {
        [inline] pub http: HttpClient,
        ["sigv4", some] pub sigv4: Option<SigV4>,
        ["scheme", omit] pub scheme: String = "http".to_owned(),
        ["path_prefix", omit] pub path_prefix: String,
        ["timeout", unless_default] pub timeout: Duration = Duration::from_secs(10),
        ["api_version", some] pub api_version: Option<AlertmanagerVersion> = Some(AlertmanagerVersion::V2),
        ["relabel_configs", unless_default] pub relabel_configs: RelabelRules,
        ["alert_relabel_configs", unless_default] pub alert_relabel_configs: RelabelRules,
        [inline] pub discoveries: Discoveries,
    }
}

/// The interface that is spoken; version 1 is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertmanagerVersion {
    #[default]
    V2,
}

impl AlertmanagerVersion {
    pub fn as_str(self) -> &'static str {
        "v2"
    }
}

impl crate::section::Field for AlertmanagerVersion {
    fn read(node: &yaml::Node, reading: &mut yaml::Reading) -> Option<Self> {
        let text = <String as crate::section::Field>::read(node, reading)?;
        if text == "v2" {
            return Some(Self::V2);
        }
        let message = format!("expected Alertmanager api version to be one of [v2] but got {text}");
        let hint = "remove `api_version`; every Alertmanager since 0.16 speaks v2";
        reading.refuse_with_hint(node.span, "alertmanager-version", message, hint);
        None
    }

    fn go_type() -> String {
        "config.AlertmanagerAPIVersion".to_owned()
    }

    fn to_value(&self) -> yaml::Value {
        self.as_str().into()
    }
}

impl AlertmanagerClient {
    fn validate(&mut self, map: &mut MapReader<'_, '_>) {
        self.http.validate(map);
        let has_credentials = self.http.basic_auth.is_some()
            || self.http.authorization.is_some()
            || self.http.oauth2.is_some();
        if self.sigv4.is_some() && has_credentials {
            let message =
                "at most one of basic_auth, authorization, oauth2, or sigv4 must be configured";
            map.refuse_with_hint("sigv4", "http-client-conflict", message, "keep one of them");
        }
        // Relabelling may turn them into addresses.
        if self.relabel_configs == RelabelRules::default() {
            self.discoveries.validate_targets(map);
        }
    }
}

impl Alerting {
    pub(super) fn complete(&mut self, scheme: NameScheme, refusals: &mut Refusals<'_>) {
        self.alert_relabel_configs
            .validate(scheme, "alert relabeling rule", refusals);
        for client in &mut self.alertmanagers {
            client.alert_relabel_configs.validate(
                scheme,
                "Alertmanager alert relabeling rule",
                refusals,
            );
            client.relabel_configs.validate(
                scheme,
                "Alertmanager target relabeling rule",
                refusals,
            );
        }
    }

    /// Whether anything is configured.
    pub fn is_empty(&self) -> bool {
        self.alertmanagers.is_empty() && self.alert_relabel_configs.is_empty()
    }
}
