//! `alerts/drill`: a marked alert on the real way to its receivers, and what became of it.

use std::collections::BTreeMap;

use alerting::journal::{Record, detail};
use model::{Duration, Labels, Timestamp};
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::AlertingApi;
use crate::time::{parse_duration, rfc3339};

/// Longer than the usual pause of a group that is there already.
const WAIT_DEFAULT: Duration = Duration::from_secs(6 * 60);
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct DrillRequest {
    pub target: DrillTarget,
    /// For how long the alert fires at most; it ends as soon as everybody was told.
    pub wait: Duration,
}

#[derive(Clone, Debug)]
pub enum DrillTarget {
    /// All integrations of this receiver, whatever the routes say.
    Receiver(String),
    /// Whoever the routing tree chooses for these labels.
    Labels(Labels),
}

/// A drill under way. It ends whether somebody waits for it or not.
pub type Drill = oneshot::Receiver<DrillReport>;

/// Why there is no drill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrillRefusal {
    #[error("there is no receiver {name:?}; there are {known}")]
    NoReceiver { name: String, known: String },
    #[error("receiver {name:?} has no integration: nobody would be told")]
    NobodyToTell { name: String },
    #[error("the alert was refused: {0}")]
    Refused(String),
    #[error("{0} fire drills are under way, and no more are allowed; wait for them")]
    TooMany(usize),
}

/// How a drill went.
#[derive(Clone, Debug)]
pub struct DrillReport {
    pub id: String,
    pub labels: Labels,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub ends: Vec<DrillEnd>,
    /// What happened, in order.
    pub hops: Vec<Record>,
}

/// What came out at one integration, or at a group that told none.
#[derive(Clone, Debug)]
pub struct DrillEnd {
    pub receiver: String,
    pub integration: Option<String>,
    /// Otherwise it is about telling that the alert fires.
    pub is_resolved: bool,
    pub outcome: DrillOutcome,
    pub at: Timestamp,
    pub text: String,
    /// Of HTTP.
    pub status: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrillOutcome {
    Delivered,
    Failed,
    /// Silenced, inhibited, or not the time.
    Suppressed,
    /// The receiver has no integration, or no route took the alert.
    Nobody,
    /// Not told before the drill ended.
    Waiting,
}

impl DrillOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
            Self::Nobody => "nobody",
            Self::Waiting => "waiting",
        }
    }
}

impl DrillReport {
    /// The whole in one word, and in one sentence.
    fn verdict(&self) -> (&'static str, &'static str) {
        let has = |outcome| self.ends.iter().any(|end| end.outcome == outcome);
        if has(DrillOutcome::Failed) {
            ("failed", "Somebody could not be told.")
        } else if has(DrillOutcome::Waiting) {
            (
                "waiting",
                "Somebody was not told before the drill ended; let it wait for longer.",
            )
        } else if has(DrillOutcome::Suppressed) {
            ("suppressed", "Somebody was not told, on purpose.")
        } else if has(DrillOutcome::Delivered) {
            ("proven", "Everybody who had to be told was.")
        } else {
            ("nobody", "There is nobody who would be told.")
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DrillQuestion")]
pub(crate) struct QuestionTwin {
    /// All of its integrations are told, whatever the routes say. Either this or `labels`.
    #[schemars(skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    /// Whoever the routes choose is told.
    #[schemars(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    /// How long the alert fires at most, such as `2m`; 6m if left out, at most 1h.
    #[schemars(skip_serializing_if = "Option::is_none")]
    wait: Option<String>,
}

/// How a fire drill went.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Drill")]
pub(crate) struct DrillTwin {
    /// The value of the label `keepwatch_drill`.
    id: String,
    fingerprint: String,
    labels: BTreeMap<String, String>,
    /// `proven`, `failed`, `waiting`, `suppressed` or `nobody`.
    outcome: &'static str,
    /// One sentence for people.
    text: &'static str,
    /// RFC 3339, like all times here.
    started_at: String,
    ended_at: String,
    ends: Vec<DrillEndTwin>,
    /// What happened, the first first.
    hops: Vec<DrillHopTwin>,
}

/// What came out at one integration, or at a group that told none.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DrillEnd")]
pub(crate) struct DrillEndTwin {
    receiver: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<String>,
    /// Otherwise it is about telling that the alert fires.
    is_resolved: bool,
    /// `delivered`, `failed`, `suppressed`, `nobody` or `waiting`.
    outcome: &'static str,
    at: String,
    text: String,
    /// Of HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DrillHop")]
pub(crate) struct DrillHopTwin {
    at: String,
    /// Since the drill began.
    after_ms: i64,
    /// As in the journal.
    code: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// What the receiver answered, or why it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

impl DrillHopTwin {
    fn of(record: &Record, started_at: Timestamp) -> Self {
        let answer = [detail::STATUS, detail::MESSAGE].map(|name| record.detail(name));
        let answer = answer.into_iter().find(|text| !text.is_empty());
        Self {
            at: rfc3339(Some(record.at)),
            after_ms: record.at.since(started_at).millis(),
            code: record.code.clone(),
            text: record.sentence(),
            receiver: record
                .group
                .as_ref()
                .map(|group| group.receiver.to_string()),
            integration: record.integration.clone(),
            attempt: record.attempt,
            answer: answer.map(str::to_owned),
        }
    }
}

impl From<DrillReport> for DrillTwin {
    fn from(report: DrillReport) -> Self {
        let (outcome, text) = report.verdict();
        let ends = report.ends.into_iter().map(|end| DrillEndTwin {
            receiver: end.receiver,
            integration: end.integration,
            is_resolved: end.is_resolved,
            outcome: end.outcome.as_str(),
            at: rfc3339(Some(end.at)),
            text: end.text,
            status: end.status,
        });
        let hops = report.hops.iter();
        let hops = hops.map(|record| DrillHopTwin::of(record, report.started_at));
        Self {
            fingerprint: alerting::Fingerprint(report.labels.fingerprint()).to_string(),
            labels: report.labels.to_map(),
            outcome,
            text,
            started_at: rfc3339(Some(report.started_at)),
            ended_at: rfc3339(Some(report.ended_at)),
            ends: ends.collect(),
            hops: hops.collect(),
            id: report.id,
        }
    }
}

pub(crate) async fn drill(
    State(api): State<AlertingApi>,
    body: net::Bytes,
) -> Result<Response, ApiError> {
    let request = request(&body)?;
    let drill = api.alertmanager.drill(request);
    let drill = drill.map_err(|refusal| match refusal {
        DrillRefusal::NoReceiver { .. } => ApiError::new(ErrorKind::NotFound, refusal.to_string()),
        DrillRefusal::Refused(_) => ApiError::bad_data(refusal.to_string()),
        DrillRefusal::NobodyToTell { .. } | DrillRefusal::TooMany(_) => {
            ApiError::new(ErrorKind::Execution, refusal.to_string())
        }
    })?;
    let report = drill.await.map_err(|_| {
        let problem = "the drill broke off; the journal has what it did";
        ApiError::new(ErrorKind::Internal, problem)
    })?;
    Ok(success(&DrillTwin::from(report)))
}

fn request(body: &[u8]) -> Result<DrillRequest, ApiError> {
    let question: QuestionTwin = serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_data(format!("the body is not as described: {error}")))?;
    let target = match (question.receiver, question.labels) {
        (Some(receiver), None) => DrillTarget::Receiver(receiver),
        (None, Some(labels)) => DrillTarget::Labels(Labels::from_pairs(labels)),
        _ => {
            let problem =
                "give either `receiver`, whom to tell, or `labels`, which the routes are to see";
            return Err(ApiError::bad_data(problem));
        }
    };
    let wait = match question.wait.as_deref() {
        None | Some("") => WAIT_DEFAULT,
        Some(text) => parse_duration(text).map_err(|error| ApiError::parameter("wait", error))?,
    };
    if wait <= Duration::ZERO || wait > WAIT_MAX {
        let problem = format!("{wait} is not more than nothing and at most {WAIT_MAX}");
        return Err(ApiError::parameter("wait", problem));
    }
    Ok(DrillRequest { target, wait })
}
