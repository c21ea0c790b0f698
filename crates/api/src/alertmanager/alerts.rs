//! `alerts`: list and post.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::view::{AlertFilter, AlertView, LabelFilter, Shown};
use alerting::{PostedAlert, Time};
use config::alertmanager::matchers::{MatcherMode, parse_one};
use model::Labels;
use model::pattern::Pattern;
use net::axum::extract::State;
use net::axum::http::StatusCode;
use net::axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::params::Params;
use crate::respond::{json_text, to_json};
use crate::sources::Api;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NotifiedAlert")]
pub(crate) struct AlertTwin {
    annotations: BTreeMap<String, String>,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<ReceiverTwin>,
    starts_at: String,
    status: StatusTwin,
    updated_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "String::is_empty")]
    generator_url: String,
    labels: BTreeMap<String, String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Receiver")]
pub(crate) struct ReceiverTwin {
    pub(crate) name: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertStatus")]
pub(crate) struct StatusTwin {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

impl AlertTwin {
    pub(crate) fn of(view: AlertView) -> Self {
        let alert = &view.alert;
        Self {
            annotations: (*alert.annotations).clone(),
            ends_at: alert.ends_at.to_api_text(),
            fingerprint: alert.fingerprint.to_string(),
            receivers: view
                .receivers
                .iter()
                .map(|name| ReceiverTwin {
                    name: name.to_string(),
                })
                .collect(),
            starts_at: alert.starts_at.to_api_text(),
            status: StatusTwin {
                inhibited_by: view.inhibited_by.iter().map(ToString::to_string).collect(),
                muted_by: view.muted_by.clone(),
                silenced_by: view.silenced_by.clone(),
                state: view.state.as_str(),
            },
            updated_at: alert.updated_at.to_api_text(),
            generator_url: alert.generator_url.clone(),
            labels: alert.labels.to_map(),
        }
    }
}

/// Parameters `filter`, `receiver`, `active`, `silenced`, `inhibited`, `muted`.
pub(crate) fn parse_filter(params: &Params) -> Result<AlertFilter, Error> {
    let matchers = params
        .all("filter")
        .map(|text| parse_one(MatcherMode::Fallback, text).map_err(Error::bad_request))
        .collect::<Result<Vec<_>, _>>()?;
    let receiver = params
        .some("receiver")
        .map(|text| {
            Pattern::new(text).map_err(|error| {
                Error::bad_request(format!("failed to parse receiver param: {error}"))
            })
        })
        .transpose()?;
    // An absent flag means yes; anything that is no boolean means no.
    let shown = |name: &str| {
        let is_true = matches!(
            params.get(name),
            "" | "1" | "t" | "T" | "true" | "TRUE" | "True"
        );
        Shown::from(is_true)
    };
    Ok(AlertFilter {
        labels: LabelFilter { matchers },
        receiver,
        receiver_labels: LabelFilter::default(),
        active: shown("active"),
        silenced: shown("silenced"),
        inhibited: shown("inhibited"),
        muted: shown("muted"),
    })
}

pub(crate) async fn list(State(api): State<Arc<Api>>, params: Params) -> Result<Response, Error> {
    let filter = parse_filter(&params)?;
    let alerts: Vec<AlertTwin> = api
        .alertmanager
        .alerts(&filter)
        .into_iter()
        .map(AlertTwin::of)
        .collect();
    Ok(json_text(to_json(&alerts)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PostedAlert")]
pub(crate) struct PostedTwin {
    #[serde(default)]
    #[schemars(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    #[schemars(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    #[schemars(skip_serializing_if = "Option::is_none")]
    starts_at: Option<String>,
    #[serde(default)]
    #[schemars(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    #[schemars(skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

impl PostedTwin {
    fn into_posted(self) -> Result<PostedAlert, Error> {
        let time = |name: &str, text: Option<String>| {
            text.filter(|text| !text.is_empty())
                .map(|text| {
                    Time::parse(&text)
                        .map_err(|error| Error::bad_body(format!("parsing {name}: {error}")))
                })
                .transpose()
                // Go's zero time means "not given".
                .map(|time| time.filter(|time| !time.is_unset()))
        };
        Ok(PostedAlert {
            labels: Labels::from_pairs(self.labels.unwrap_or_default()),
            annotations: Arc::new(self.annotations.unwrap_or_default()),
            starts_at: time("startsAt", self.starts_at)?,
            ends_at: time("endsAt", self.ends_at)?,
            generator_url: self.generator_url.unwrap_or_default(),
        })
    }
}

/// Takes a list of alerts. Valid ones are stored even if others are refused.
pub(crate) async fn post(State(api): State<Arc<Api>>, body: net::Bytes) -> Result<Response, Error> {
    // Reads one value; what follows it does not matter, as in the peer.
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let posted = Option::<Vec<PostedTwin>>::deserialize(&mut reader).map_err(|error| {
        Error::bad_body(format!(
            "parsing alerts body from \"\" failed, because {error}"
        ))
    })?;
    let alerts = posted
        .unwrap_or_default()
        .into_iter()
        .map(PostedTwin::into_posted)
        .collect::<Result<Vec<_>, _>>()?;
    let refused = api.alertmanager.post(alerts);
    if refused.is_empty() {
        return Ok(StatusCode::OK.into_response());
    }
    Err(Error::bad_request(refused.join("\n")))
}
