//! `journal`: what happened to alerts, in events, a page at a time.

use std::collections::BTreeMap;

use alerting::Fingerprint;
use alerting::journal::{Id, Kind, Order, Page, Query, Record, Request};
use config::alertmanager::matchers::parse_one;
use model::Timestamp;
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::JournalApi;
use crate::time::{parse_time, rfc3339};

const LIMIT_DEFAULT: usize = 200;
pub(super) const LIMIT_MAX: usize = 1000;

/// Some events. A page may have fewer than were asked for, even none, although there are more: then it has `next`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Journal")]
pub(crate) struct JournalTwin {
    events: Vec<EventTwin>,
    /// For the parameter `cursor`; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Parts of the journal that could not be read, in words.
    damage: Vec<String>,
    /// RFC 3339; events before that are gone. Absent if there is none at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_since: Option<String>,
}

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalEvent")]
pub(crate) struct EventTwin {
    /// Names the event for as long as it is kept; also a `cursor`.
    id: String,
    /// RFC 3339.
    at: String,
    /// Stable, kebab-case.
    code: String,
    /// `alert`, `group`, `delivery`, `silence`, `config` or `rule`.
    kind: &'static str,
    /// One sentence for people.
    text: String,
    /// Of the alert that it is about, as `labels`; absent where there are many or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<EventGroupTwin>,
    /// Kind of the integration, such as `webhook`.
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<String>,
    /// Attempts of one delivery share the number. A restart begins to count anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<u64>,
    /// 1 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// Why it was told, or why not, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The first of the alerts that it is about, where these are many; those that were asked for come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<EventAlertTwin>,
    /// How many there are in all.
    #[serde(skip_serializing_if = "is_zero")]
    alert_count: usize,
    /// What else is known, such as `status`, `message`, `nextAt`, `silences`, `inhibitedBy`, `value`, `rule`.
    detail: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalGroup")]
pub(crate) struct EventGroupTwin {
    key: String,
    receiver: String,
    route_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalAlert")]
pub(crate) struct EventAlertTwin {
    fingerprint: String,
    labels: BTreeMap<String, String>,
    is_resolved: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl EventTwin {
    pub(super) fn of(id: Id, record: &Record) -> Self {
        let subject = record.subject.as_ref();
        let mut detail: BTreeMap<String, String> = record.details.iter().cloned().collect();
        let alerts = record.alerts.iter().map(|mention| EventAlertTwin {
            fingerprint: mention.subject.fingerprint.to_string(),
            labels: mention.subject.labels.to_map(),
            is_resolved: mention.is_resolved,
        });
        Self {
            id: id.to_string(),
            at: rfc3339(Some(record.at)),
            kind: record.kind.as_str(),
            text: record.sentence(),
            fingerprint: subject.map(|subject| subject.fingerprint.to_string()),
            labels: subject.map(|subject| subject.labels.to_map()),
            group: record.group.as_ref().map(|group| EventGroupTwin {
                key: group.key.to_string(),
                receiver: group.receiver.to_string(),
                route_id: group.route_id.to_string(),
            }),
            integration: record.integration.clone(),
            delivery: record.delivery,
            attempt: record.attempt,
            reason: detail.remove(alerting::journal::detail::REASON),
            alerts: alerts.collect(),
            alert_count: record.alert_count,
            detail,
            code: record.code.clone(),
        }
    }
}

pub(crate) async fn journal(
    State(api): State<JournalApi>,
    params: Params,
) -> Result<Response, ApiError> {
    let request = request(&params, &api)?;
    let page = read(&api, request).await?;
    let events = page.records.iter();
    Ok(success(&JournalTwin {
        events: events
            .map(|(id, record)| EventTwin::of(*id, record))
            .collect(),
        next: page.next.map(|id| id.to_string()),
        damage: page.damage,
        kept_since: page.kept_since.map(|at| rfc3339(Some(at))),
    }))
}

/// Reads away from the async threads.
pub(super) async fn read(api: &JournalApi, request: Request) -> Result<Page, ApiError> {
    let journal = std::sync::Arc::clone(&api.journal);
    tokio::task::spawn_blocking(move || journal.read(&request))
        .await
        .map_err(|error| {
            ApiError::new(ErrorKind::Internal, format!("reading the journal: {error}"))
        })
}

fn request(params: &Params, api: &JournalApi) -> Result<Request, ApiError> {
    let limit = params.some("limit").map_or(Ok(LIMIT_DEFAULT), |text| {
        text.parse()
            .map_err(|_| ApiError::parameter("limit", format!("not a number: {text:?}")))
    })?;
    let cursor = params.some("cursor").map(|text| {
        text.parse().map_err(|()| {
            ApiError::parameter("cursor", format!("{text:?} is no `next` of an answer"))
        })
    });
    let kinds = params.all("kind").filter(|text| !text.is_empty());
    let kinds = kinds.map(|text| {
        Kind::parse(text).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            let problem = format!("there is no kind {text:?}; there are {}", known.join(", "));
            ApiError::parameter("kind", problem)
        })
    });
    let codes = params.all("code").filter(|text| !text.is_empty());
    Ok(Request {
        query: Query {
            from: time(params, "from")?.unwrap_or(Timestamp::MIN),
            to: time(params, "to")?.unwrap_or(Timestamp::MAX),
            matchers: params
                .all("filter")
                .map(|text| parse_one(api.matcher_mode, text))
                .collect::<Result<_, _>>()
                .map_err(|error| ApiError::parameter("filter", error))?,
            fingerprint: params.some("fingerprint").map(fingerprint).transpose()?,
            receiver: params.some("receiver").map(str::to_owned),
            codes: codes.map(str::to_owned).collect(),
            kinds: kinds.collect::<Result<_, _>>()?,
            also: Vec::new(),
        },
        order: match params.get("order") {
            "" | "desc" => Order::NewestFirst,
            "asc" => Order::OldestFirst,
            other => {
                let problem = format!("there is no order {other:?}; there are desc and asc");
                return Err(ApiError::parameter("order", problem));
            }
        },
        cursor: cursor.transpose()?,
        limit: limit.clamp(1, LIMIT_MAX),
    })
}

pub(super) fn time(params: &Params, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let text = params.some(name);
    text.map(|text| parse_time(text).map_err(|error| ApiError::parameter(name, error)))
        .transpose()
}

pub(super) fn fingerprint(text: &str) -> Result<Fingerprint, ApiError> {
    match u64::from_str_radix(text, 16) {
        Ok(number) if text.len() == 16 => Ok(Fingerprint(number)),
        _ => Err(ApiError::parameter(
            "fingerprint",
            format!("{text:?} is not 16 hexadecimal digits"),
        )),
    }
}
