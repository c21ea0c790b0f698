//! `silences` and `silence/ID`: list, make, change, show and expire.

use std::collections::BTreeMap;

use alerting::silence::{SilenceError, SilenceMatcher};
use alerting::view::{SilenceFilter, SilenceView};
use alerting::{Silence, Time};
use model::MatchOp;
use net::axum::extract::{Path, State};
use net::axum::http::{HeaderMap, StatusCode};
use net::axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::alerts::{is_shown, parse_matchers};
use super::answer;
use super::body::{Body, Field, field, missing, no_time, unfit};
use super::error::Error;
use crate::params::Params;
use crate::respond::to_json;
use crate::sources::{AlertingApi, SilenceRefusal};

const BODY: Body<'static> = Body { name: "silence" };

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Silence")]
pub(crate) struct SilenceTwin {
    id: String,
    status: StateTwin,
    updated_at: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    comment: String,
    created_by: String,
    ends_at: String,
    matchers: Vec<MatcherTwin>,
    starts_at: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SilenceStatus")]
pub(crate) struct StateTwin {
    state: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SilenceMatcher")]
pub(crate) struct MatcherTwin {
    pub(crate) is_equal: bool,
    pub(crate) is_regex: bool,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// The body that makes or changes a silence; described for the API's document.
#[derive(JsonSchema)]
#[schemars(rename = "PostedSilence", rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `read` reads")]
pub(crate) struct PostedTwin {
    /// Of the silence that is changed.
    #[schemars(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    matchers: Vec<PostedMatcher>,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
    #[schemars(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(JsonSchema)]
#[schemars(rename = "PostedMatcher", rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `read` reads")]
pub(crate) struct PostedMatcher {
    name: String,
    value: String,
    is_regex: bool,
    /// True without.
    #[schemars(skip_serializing_if = "Option::is_none")]
    is_equal: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SilenceId")]
pub(crate) struct IdTwin {
    #[serde(rename = "silenceID")]
    silence_id: String,
}

impl SilenceTwin {
    fn of(view: &SilenceView) -> Self {
        let silence = &view.silence;
        let matchers = silence.matcher_sets.iter().flatten();
        Self {
            id: silence.id.clone(),
            status: StateTwin {
                state: view.state.as_str(),
            },
            updated_at: silence.updated_at.to_api_text(),
            annotations: silence.annotations.clone(),
            comment: silence.comment.clone(),
            created_by: silence.created_by.clone(),
            ends_at: silence.ends_at.to_api_text(),
            matchers: matchers.map(MatcherTwin::of).collect(),
            starts_at: silence.starts_at.to_api_text(),
        }
    }
}

impl MatcherTwin {
    pub(crate) fn of(matcher: &SilenceMatcher) -> Self {
        Self {
            is_equal: matches!(matcher.op, MatchOp::Equal | MatchOp::Regex),
            is_regex: matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex),
            name: matcher.name.clone(),
            value: matcher.pattern.clone(),
        }
    }
}

pub(crate) async fn list(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, Error> {
    let filter = SilenceFilter {
        matchers: parse_matchers(&params, "filter", api.alertmanager.matcher_mode())?,
        active: is_shown(&params, "active"),
        pending: is_shown(&params, "pending"),
        expired: is_shown(&params, "expired"),
    };
    let views = api.alertmanager.silences(&filter);
    let twins: Vec<SilenceTwin> = views.iter().map(SilenceTwin::of).collect();
    Ok(answer(to_json(&twins)))
}

pub(crate) async fn show(
    State(api): State<AlertingApi>,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    check_id(&id)?;
    Ok(match api.alertmanager.silence(&id) {
        Some(view) => answer(to_json(&SilenceTwin::of(&view))),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

pub(crate) async fn expire(
    State(api): State<AlertingApi>,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    check_id(&id)?;
    match changed(move || api.alertmanager.expire_silence(&id)).await {
        Ok(()) => Ok(StatusCode::OK.into_response()),
        Err(SilenceRefusal::Refused(SilenceError::NotFound)) => {
            Ok(StatusCode::NOT_FOUND.into_response())
        }
        Err(error) => Err(refused(&error)),
    }
}

/// Makes a silence, or changes the one of the `id`; the answer has the id that it has now.
pub(crate) async fn post(
    State(api): State<AlertingApi>,
    headers: HeaderMap,
    body: net::Bytes,
) -> Result<Response, Error> {
    let value = BODY.read(&headers, &body)?;
    let silence = read(&value)?;
    let silence_id = changed(move || api.alertmanager.set_silence(silence)).await;
    let silence_id = silence_id.map_err(|error| refused(&error))?;
    Ok(answer(to_json(&IdTwin { silence_id })))
}

/// A change waits for the disk: it runs away from the async threads.
async fn changed<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, SilenceRefusal> + Send + 'static,
) -> Result<T, SilenceRefusal> {
    tokio::task::spawn_blocking(change)
        .await
        .unwrap_or_else(|error| Err(SilenceRefusal::NotStored(error.to_string())))
}

fn refused(error: &SilenceRefusal) -> Error {
    let status = match error {
        SilenceRefusal::Refused(SilenceError::NotFound) => StatusCode::NOT_FOUND,
        SilenceRefusal::Refused(_) => StatusCode::BAD_REQUEST,
        SilenceRefusal::NotStored(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Error::Handler {
        status,
        message: error.to_string(),
    }
}

/// Ids in paths are UUIDs; that in the body may be anything.
fn check_id(id: &str) -> Result<(), Error> {
    if is_uuid(id) {
        return Ok(());
    }
    Err(unfit(
        601,
        format!(
            "silenceID in path must be of type uuid: {}",
            model::format::go_quote(id)
        ),
    ))
}

/// Whether it is one of the forms of a UUID that the peer takes: with dashes, these in braces or behind
/// `urn:uuid:`, or digits only. A silence is found by the first only.
fn is_uuid(id: &str) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let bytes = id.as_bytes();
    let digits = match bytes.len() {
        32 => return bytes.iter().all(u8::is_ascii_hexdigit),
        36 => bytes,
        38 => &bytes[1..37],
        45 if bytes[..9].eq_ignore_ascii_case(b"urn:uuid:") => &bytes[9..],
        _ => return false,
    };
    digits.iter().enumerate().all(|(at, byte)| {
        if DASHES.contains(&at) {
            *byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    })
}

/// What was posted, as far as types go.
#[derive(Default)]
struct Posted<'v> {
    id: Option<&'v str>,
    annotations: BTreeMap<String, String>,
    comment: Option<&'v str>,
    created_by: Option<&'v str>,
    starts_at: Option<Time>,
    ends_at: Option<Time>,
    matchers: Option<Vec<Matcher<'v>>>,
}

#[derive(Default)]
struct Matcher<'v> {
    name: Option<&'v str>,
    value: Option<&'v str>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

fn read(value: &Value) -> Result<Silence, Error> {
    let posted = typed(value).map_err(|problem| BODY.unreadable(&problem))?;
    // In the order of the peer, which is that of the alphabet.
    let needed = |name: &str| missing(&format!("{name} in body"));
    let comment = posted.comment.ok_or_else(|| needed("comment"))?;
    let created_by = posted.created_by.ok_or_else(|| needed("createdBy"))?;
    let ends_at = posted.ends_at.ok_or_else(|| needed("endsAt"))?;
    let matchers = posted.matchers.ok_or_else(|| needed("matchers"))?;
    if matchers.is_empty() {
        let message = "matchers in body should have at least 1 items";
        return Err(unfit(612, message.to_owned()));
    }
    let mut set = Vec::with_capacity(matchers.len());
    for (index, matcher) in matchers.iter().enumerate() {
        let needed = |name: &str| missing(&format!("matchers.{index}.{name} in body"));
        let is_regex = matcher.is_regex.ok_or_else(|| needed("isRegex"))?;
        let name = matcher.name.ok_or_else(|| needed("name"))?;
        let value = matcher.value.ok_or_else(|| needed("value"))?;
        set.push(SilenceMatcher {
            op: match (is_regex, matcher.is_equal.unwrap_or(true)) {
                (false, true) => MatchOp::Equal,
                (false, false) => MatchOp::NotEqual,
                (true, true) => MatchOp::Regex,
                (true, false) => MatchOp::NotRegex,
            },
            name: name.to_owned(),
            pattern: value.to_owned(),
        });
    }
    let starts_at = posted.starts_at.ok_or_else(|| needed("startsAt"))?;
    // Unlike alerts, silences lose the offset of their times: the peer keeps them without.
    Ok(Silence {
        id: posted.id.unwrap_or_default().to_owned(),
        matcher_sets: vec![set],
        starts_at: starts_at.in_utc(),
        ends_at: ends_at.in_utc(),
        created_by: created_by.to_owned(),
        comment: comment.to_owned(),
        annotations: posted.annotations,
        ..Silence::default()
    })
}

fn typed(value: &Value) -> Result<Posted<'_>, String> {
    let whole = Field {
        place: "",
        go_type: "struct { ID string \"json:\\\"id,omitempty\\\"\" }",
    };
    let Some(object) = whole.object(value)? else {
        return Ok(Posted::default());
    };
    Ok(Posted {
        id: text(object, "id", ".id")?,
        annotations: label_set(field(object, "annotations"), "Silence.annotations")?,
        comment: text(object, "comment", "Silence.comment")?,
        created_by: text(object, "createdBy", "Silence.createdBy")?,
        ends_at: time(object, "endsAt", "Silence.endsAt")?,
        matchers: matchers(field(object, "matchers"))?,
        starts_at: time(object, "startsAt", "Silence.startsAt")?,
    })
}

fn text<'v>(
    object: &'v Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<&'v str>, String> {
    let go_type = "string";
    Field { place, go_type }.string(field(object, name))
}

/// None if it is null or not there; an empty text is the beginning of 1970, as in the peer.
pub(super) fn time(
    object: &Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Option<Time>, String> {
    let Some(text) = text(object, name, place)? else {
        return Ok(None);
    };
    if text.is_empty() {
        return Ok(Some(Time::new(0, 0)));
    }
    let parsed = Time::parse(text);
    parsed.map(Some).map_err(|_| no_time(text))
}

/// Texts by name; null is the empty text.
pub(super) fn label_set(value: &Value, place: &str) -> Result<BTreeMap<String, String>, String> {
    let go_type = "models.LabelSet";
    let Some(object) = Field { place, go_type }.object(value)? else {
        return Ok(BTreeMap::new());
    };
    let go_type = "string";
    object
        .iter()
        .map(|(name, value)| {
            let text = Field { place, go_type }.string(value)?;
            Ok((name.clone(), text.unwrap_or_default().to_owned()))
        })
        .collect()
}

fn matchers(value: &Value) -> Result<Option<Vec<Matcher<'_>>>, String> {
    let list = Field {
        place: "Silence.matchers",
        go_type: "models.Matchers",
    };
    let Some(items) = list.array(value)? else {
        return Ok(None);
    };
    let matcher = |item| {
        let whole = Field {
            place: "Silence.matchers",
            go_type: "models.Matcher",
        };
        let Some(object) = whole.object(item)? else {
            return Ok(Matcher::default());
        };
        let flag = |name: &str, place: &'static str| {
            let go_type = "bool";
            Field { place, go_type }.bool(field(object, name))
        };
        Ok(Matcher {
            name: text(object, "name", "Matcher.matchers.name")?,
            value: text(object, "value", "Matcher.matchers.value")?,
            is_regex: flag("isRegex", "Matcher.matchers.isRegex")?,
            is_equal: flag("isEqual", "Matcher.matchers.isEqual")?,
        })
    };
    items
        .iter()
        .map(matcher)
        .collect::<Result<_, _>>()
        .map(Some)
}
