//! `alerts/{fingerprint}/timeline`: what one alert was and when, and what was said about it.

use std::collections::BTreeMap;

use alerting::journal::timeline::{BREAKS, Mark, Span, Timeline};
use alerting::journal::{Id, Query, Record, Request};
use model::{Duration, Timestamp};
use net::axum::extract::{Path, State};
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::journal::{LIMIT_MAX, fingerprint, read, time};
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::JournalApi;
use crate::time::rfc3339;

const RANGE_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// Pages of the journal that one answer reads at most.
const PAGES_MAX: usize = 8;
/// Events before the range that tell what the alert was when it began.
const EARLIER: usize = 100;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertTimeline")]
pub(crate) struct TimelineTwin {
    fingerprint: String,
    /// Empty if the journal does not know the alert.
    labels: BTreeMap<String, String>,
    /// RFC 3339.
    from: String,
    /// RFC 3339.
    to: String,
    spans: Vec<SpanTwin>,
    marks: Vec<MarkTwin>,
    /// Otherwise there were too many events, and the oldest of them are missing.
    is_complete: bool,
}

/// What the alert was for some time. Spans overlap: while it fires, some receivers may not be told.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertSpan")]
pub(crate) struct SpanTwin {
    /// `pending`, `firing` or `suppressed`.
    state: &'static str,
    /// RFC 3339.
    from: String,
    /// RFC 3339; the end of the range if it lasts for longer.
    to: String,
    /// It lasted at the end of the range.
    is_open: bool,
    /// Who is not told, of `suppressed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    /// Why, of `suppressed`: `alert-silenced`, `alert-inhibited`, `alert-muted-by-interval`,
    /// `alert-outside-active-interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same in words, with evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Something that was said about the alert, or was not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AlertMark")]
pub(crate) struct MarkTwin {
    /// Of the event in the journal.
    id: String,
    /// RFC 3339.
    at: String,
    /// `notified`, `retried`, `failed` or `not-notified`.
    kind: &'static str,
    code: String,
    /// One sentence for people.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<String>,
}

pub(crate) async fn timeline(
    State(api): State<JournalApi>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let fingerprint = fingerprint(&name)?;
    let to = time(&params, "to")?.unwrap_or_else(|| api.clock.now());
    let from = time(&params, "from")?.unwrap_or(to - RANGE_DEFAULT);
    let query = Query {
        fingerprint: Some(fingerprint),
        also: BREAKS.to_vec(),
        from,
        to,
        ..Query::default()
    };
    let (mut records, is_complete) = all(&api, Request::newest(query.clone(), LIMIT_MAX)).await?;
    if is_complete {
        let before = Query {
            from: Timestamp::MIN,
            to: from - Duration::from_millis(1),
            ..query
        };
        let earlier = read(&api, Request::newest(before, EARLIER)).await?;
        records.extend(earlier.records);
    }
    let labels = records.iter().find_map(|(_, record)| {
        let mentioned = record.alerts.iter().map(|mention| &mention.subject);
        let mut subjects = record.subject.iter().chain(mentioned);
        subjects.find(|subject| subject.fingerprint == fingerprint)
    });
    let labels = labels.map(|subject| subject.labels.to_map());
    records.reverse();
    let mut timeline = Timeline::of(records);
    timeline.cut(from, to);
    Ok(success(&TimelineTwin {
        fingerprint: fingerprint.to_string(),
        labels: labels.unwrap_or_default(),
        from: rfc3339(Some(from)),
        to: rfc3339(Some(to)),
        spans: timeline
            .spans
            .iter()
            .map(|span| span_twin(span, to))
            .collect(),
        marks: timeline.marks.iter().map(mark_twin).collect(),
        is_complete,
    }))
}

/// Newest first; and whether these are all.
async fn all(
    api: &JournalApi,
    mut request: Request,
) -> Result<(Vec<(Id, Record)>, bool), ApiError> {
    let mut records = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = read(api, request.clone()).await?;
        records.extend(page.records);
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => return Ok((records, true)),
        }
    }
    Ok((records, false))
}

fn span_twin(span: &Span, end: Timestamp) -> SpanTwin {
    let why = span.suppression.as_ref();
    SpanTwin {
        state: span.state.as_str(),
        from: rfc3339(Some(span.from)),
        to: rfc3339(Some(span.to.unwrap_or(end))),
        is_open: span.to.is_none(),
        receiver: why.map(|why| why.receiver.clone()),
        code: why.map(|why| why.code.clone()),
        reason: why.map(|why| why.reason.clone()),
    }
}

fn mark_twin(mark: &Mark) -> MarkTwin {
    let record = &mark.record;
    let group = record.group.as_ref();
    MarkTwin {
        id: mark.id.to_string(),
        at: rfc3339(Some(record.at)),
        kind: mark.kind.as_str(),
        code: record.code.clone(),
        text: record.sentence(),
        receiver: group.map(|group| group.receiver.to_string()),
        integration: record.integration.clone(),
    }
}
