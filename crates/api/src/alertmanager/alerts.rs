//! `alerts`: list and post.

use std::collections::BTreeMap;

#[cfg(test)]
use alerting::view::AlertView;
use alerting::view::{AlertFilter, LabelFilter, Shown};
use alerting::{PostedAlert, Time};
use config::alertmanager::matchers::{MatcherMode, parse_one};
use model::pattern::Pattern;
use model::{Labels, Matcher, Pairs};
use net::axum::extract::State;
use net::axum::http::{HeaderMap, StatusCode};
use net::axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::body::{Body, Field, field, missing, unfit};
use super::error::Error;
use super::silences::{label_set, time};
use super::stream::{streamed, write_alert};
use super::usual;
use crate::params::Params;
use crate::sources::AlertingApi;

/// An alert in answers; `write_alert` writes it.
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

/// A receiver as alerts name it.
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

#[cfg(test)]
impl AlertTwin {
    pub(crate) fn of(view: AlertView) -> Self {
        let alert = &view.alert;
        Self {
            annotations: alert.about.annotation_map(),
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
            generator_url: alert.about.generator_url().to_owned(),
            labels: alert.labels.to_map(),
        }
    }
}

/// Matchers of a parameter that may be given many times.
pub(super) fn parse_matchers(
    params: &Params,
    name: &str,
    mode: MatcherMode,
) -> Result<Vec<Matcher>, Error> {
    let texts = params.all(name);
    texts
        .map(|text| parse_one(mode, text).map_err(|error| Error::bad_request(anchored(&error))))
        .collect()
}

/// What is wrong with a pattern, said of the anchored pattern that the peer compiles: its texts quote that.
fn anchored(error: &str) -> String {
    let parts = error
        .strip_prefix("error parsing regexp: ")
        .and_then(|rest| rest.strip_suffix('`')?.split_once(": `"));
    let Some((problem, pattern)) = parts else {
        return error.to_owned();
    };
    let quoted = match problem {
        "missing closing ]" => format!("{})$", unclosed_class(pattern)),
        "missing closing )" | "unexpected )" => format!("^(?:{pattern})$"),
        _ => return error.to_owned(),
    };
    format!("error parsing regexp: {problem}: `{quoted}`")
}

/// The pattern from the bracket on that nothing closes.
fn unclosed_class(pattern: &str) -> &str {
    let mut open = None;
    let mut characters = pattern.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '[' if open.is_none() => open = Some(at),
            // Right after its bracket, `]` is a member of the class.
            ']' if open.is_some_and(|open| !matches!(&pattern[open + 1..at], "" | "^")) => {
                open = None;
            }
            _ => {}
        }
    }
    &pattern[open.unwrap_or(0)..]
}

/// An absent flag means yes.
pub(super) fn is_shown(params: &Params, name: &str) -> Shown {
    let word = params.get(name);
    Shown::from(word.is_empty() || is_yes(word))
}

/// Anything that is none of these words means no. They are those of the peer's library.
fn is_yes(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "true" | "1" | "yes" | "ok" | "y" | "on" | "selected" | "checked" | "t" | "enabled"
    )
}

/// Matchers on the labels of receivers.
pub(super) fn receiver_labels(params: &Params, mode: MatcherMode) -> Result<LabelFilter, Error> {
    let matchers = params
        .all("receiver_matchers")
        .map(|text| parse_one(mode, text))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            let error = anchored(&error);
            Error::bad_request(format!("failed to parse receiver_matchers param: {error}"))
        })?;
    Ok(LabelFilter { matchers })
}

/// Parameters `filter`, `receiver`, `receiver_matchers`, `active`, `silenced`, `inhibited`, `muted`.
pub(crate) fn parse_filter(params: &Params, mode: MatcherMode) -> Result<AlertFilter, Error> {
    let matchers = parse_matchers(params, "filter", mode)?;
    let receiver = params
        .some("receiver")
        .map(|text| {
            Pattern::new(text).map_err(|error| {
                let error = anchored(&error.to_string());
                Error::bad_request(format!("failed to parse receiver param: {error}"))
            })
        })
        .transpose()?;
    Ok(AlertFilter {
        labels: LabelFilter { matchers },
        receiver,
        receiver_labels: receiver_labels(params, mode)?,
        active: is_shown(params, "active"),
        silenced: is_shown(params, "silenced"),
        inhibited: is_shown(params, "inhibited"),
        muted: is_shown(params, "muted"),
    })
}

pub(crate) async fn list(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, Error> {
    let filter = parse_filter(&params, api.alertmanager.matcher_mode())?;
    let alerts = api.alertmanager.alerts(&filter).into_iter();
    let pieces = alerts.map(Some).chain([None]);
    let mut separator = '[';
    Ok(streamed(pieces, move |out, alert| match alert {
        Some(view) => {
            out.push(separator);
            separator = ',';
            write_alert(out, &view);
        }
        None if separator == '[' => out.push_str("[]"),
        None => out.push(']'),
    }))
}

/// One alert of the body; described for the API's document.
#[derive(JsonSchema)]
#[schemars(rename = "PostedAlert", rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `read` reads")]
pub(crate) struct PostedTwin {
    labels: BTreeMap<String, String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    starts_at: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    #[schemars(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

const BODY: Body<'static> = Body { name: "alerts" };

/// Takes a list of alerts. Valid ones are stored even if others are refused.
pub(crate) async fn post(
    State(api): State<AlertingApi>,
    headers: HeaderMap,
    body: net::Bytes,
) -> Result<Response, Error> {
    BODY.check(&headers, &body)?;
    let posted = match usual::read(&body) {
        Some(posted) => posted,
        None => read(&BODY.read(&headers, &body)?)?,
    };
    let refused = api.alertmanager.post(posted);
    if refused.is_empty() {
        return Ok(StatusCode::OK.into_response());
    }
    Err(Error::bad_request(refused.join("\n")))
}

pub(super) fn read(value: &Value) -> Result<Vec<PostedAlert>, Error> {
    let whole = Field {
        place: "",
        go_type: "models.PostableAlerts",
    };
    let unreadable = |problem: String| BODY.unreadable(&problem);
    let items = whole.array(value).map_err(unreadable)?.unwrap_or_default();
    // Types of all alerts first, then the rules of the interface, as the peer does.
    let typed: Vec<Option<Typed<'_>>> = items
        .iter()
        .map(typed)
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    let mut posted = Vec::with_capacity(typed.len());
    for (index, alert) in typed.into_iter().enumerate() {
        // A null in the list is no alert.
        if let Some(alert) = alert {
            posted.push(alert.checked(index)?);
        }
    }
    Ok(posted)
}

/// An alert whose fields have the right types.
struct Typed<'v> {
    labels: Option<BTreeMap<String, String>>,
    annotations: BTreeMap<String, String>,
    starts_at: Option<Time>,
    ends_at: Option<Time>,
    generator_url: &'v str,
}

fn typed(value: &Value) -> Result<Option<Typed<'_>>, String> {
    let whole = Field {
        place: "",
        go_type: "struct { Annotations models.LabelSet \"json:\\\"annotations,omitempty\\\"\"; \
                  EndsAt strfmt.DateTime \"json:\\\"endsAt,omitempty\\\"\"; \
                  StartsAt strfmt.DateTime \"json:\\\"startsAt,omitempty\\\"\" }",
    };
    let Some(object) = whole.object(value)? else {
        return Ok(None);
    };
    let annotations = label_set(field(object, "annotations"), ".annotations")?;
    // Go's zero time means "not given".
    let given = |time: Option<Time>| time.filter(|time| !time.is_unset());
    let ends_at = given(time(object, "endsAt", ".endsAt")?);
    let starts_at = given(time(object, "startsAt", ".startsAt")?);
    let generator = Field {
        place: "Alert.generatorURL",
        go_type: "string",
    };
    let generator_url = generator.string(field(object, "generatorURL"))?;
    let labels = field(object, "labels");
    Ok(Some(Typed {
        labels: match labels {
            Value::Null => None,
            labels => Some(label_set(labels, "Alert.labels")?),
        },
        annotations,
        starts_at,
        ends_at,
        generator_url: generator_url.unwrap_or_default(),
    }))
}

impl Typed<'_> {
    fn checked(self, index: usize) -> Result<PostedAlert, Error> {
        let url = self.generator_url;
        if !url.is_empty() && !is_request_uri(url) {
            let quoted = model::format::go_quote(url);
            let message = format!("{index}.generatorURL in body must be of type uri: {quoted}");
            return Err(unfit(601, message));
        }
        let labels = self
            .labels
            .ok_or_else(|| missing(&format!("{index}.labels in body")))?;
        Ok(PostedAlert {
            labels: Labels::from_pairs(labels),
            annotations: Pairs::from(&self.annotations),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            generator_url: url.to_owned(),
        })
    }
}

/// Whether Go's `url.ParseRequestURI` takes it: a path, or something with a scheme.
pub(super) fn is_request_uri(text: &str) -> bool {
    let has_control = text.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
    if has_control || !escapes_are_complete(text) {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return text == "*";
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !is_scheme {
        return false;
    }
    let Some(authority) = rest.strip_prefix("//") else {
        return true;
    };
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = match host.rsplit_once(']') {
        Some((_, after)) => after.strip_prefix(':').unwrap_or(after),
        None => host.split_once(':').map_or("", |(_, port)| port),
    };
    !host.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}'])
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Every `%` of the path is followed by two hexadecimal digits; a query may hold anything.
fn escapes_are_complete(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    path.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_patterns_are_about_the_anchored_pattern() {
        let error =
            |problem: &str, pattern: &str| format!("error parsing regexp: {problem}: `{pattern}`");
        for (problem, pattern, quoted) in [
            ("missing closing ]", "[", "[)$"),
            ("missing closing ]", "a[bc]d[]e", "[]e)$"),
            ("missing closing )", "a(b", "^(?:a(b)$"),
            ("missing argument to repetition operator", "*", "*"),
        ] {
            assert_eq!(anchored(&error(problem, pattern)), error(problem, quoted));
        }
        assert_eq!(anchored("bad matcher format: x"), "bad matcher format: x");
    }

    #[test]
    fn words_for_yes() {
        for word in ["true", "T", "1", "Yes", "y", "ON", "ok", "enabled"] {
            assert!(is_yes(word), "{word}");
        }
        for word in ["false", "0", "no", "maybe", "2", " true"] {
            assert!(!is_yes(word), "{word}");
        }
    }

    #[test]
    fn generator_urls() {
        for (text, expected) in [
            ("http://prom:9090/graph?g0.expr=up&x=%", true),
            ("/x", true),
            ("http://[::1]:9090/", true),
            ("mailto:a@b", true),
            ("::::", false),
            ("x", false),
            ("http://host:port/", false),
            ("http://a b/", false),
            ("/%zz", false),
            ("/a\nb", false),
        ] {
            assert_eq!(is_request_uri(text), expected, "{text}");
        }
    }
}
