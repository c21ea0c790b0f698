//! What Alertmanager's API says, in the types and the order of fields in which the peer prints it. Times stay
//! texts: they are printed with the zone that they came with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

type Pairs = BTreeMap<String, String>;

/// An alert.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    pub annotations: Pairs,
    pub ends_at: String,
    pub fingerprint: String,
    pub receivers: Vec<Receiver>,
    pub starts_at: String,
    pub status: AlertStatus,
    pub updated_at: String,
    #[serde(
        rename = "generatorURL",
        default,
        skip_serializing_if = "String::is_empty"
    )]
    pub generator_url: String,
    pub labels: Pairs,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Receiver {
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub labels: Pairs,
    pub name: String,
}

/// Older servers do not say `mutedBy`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertStatus {
    pub inhibited_by: Option<Vec<String>>,
    pub muted_by: Option<Vec<String>>,
    pub silenced_by: Option<Vec<String>>,
    pub state: String,
}

/// A silence as it is shown.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    pub id: String,
    pub status: SilenceStatus,
    pub updated_at: String,
    #[serde(flatten)]
    pub content: SilenceContent,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SilenceStatus {
    pub state: String,
}

/// What users say of a silence. What is not given is left to the server to refuse.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SilenceContent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Pairs>,
    pub comment: Option<String>,
    pub created_by: Option<String>,
    pub ends_at: Option<String>,
    pub matchers: Option<Vec<Matcher>>,
    pub starts_at: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matcher {
    /// Not said by servers that know no negation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_equal: Option<bool>,
    pub is_regex: bool,
    pub name: String,
    pub value: String,
}

/// A silence as it is posted; with an id it replaces that one.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PostedSilence {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(flatten)]
    pub content: SilenceContent,
}

/// An alert as it is posted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PostedAlert {
    pub annotations: Pairs,
    pub ends_at: String,
    pub starts_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "String::is_empty")]
    pub generator_url: String,
    pub labels: Pairs,
}

/// The server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub cluster: Cluster,
    pub config: Config,
    pub uptime: String,
    pub version_info: VersionInfo,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Cluster {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default)]
    pub peers: Vec<Peer>,
    pub status: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Peer {
    pub address: String,
    pub name: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Config {
    pub original: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    pub branch: String,
    pub build_date: String,
    pub build_user: String,
    pub go_version: String,
    pub revision: String,
    pub version: String,
}
