//! `silences/preview`: which alerts a silence with some matchers would hide now. It also reads the text of
//! matchers for the web UI, so that there is one parser.

use alerting::view::{AlertFilter, AlertView};
use config::alertmanager::matchers::parse_list;
use model::{MatchOp, Matcher};
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::alerts::AlertTwin;
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::AlertingApi;

/// Each is compared with each alert.
const MATCHERS_MAX: usize = 50;
const BYTES_MAX: usize = 50_000;
const LIMIT_MAX: usize = 500;
const LIMIT_DEFAULT: usize = 20;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PreviewMatcher")]
pub(crate) struct MatcherTwin {
    name: String,
    value: String,
    is_regex: bool,
    is_equal: bool,
    /// Alerts that this one alone matches.
    matched: usize,
}

/// What a silence would do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SilencePreview")]
pub(crate) struct PreviewTwin {
    matchers: Vec<MatcherTwin>,
    /// Alerts that all matchers match; without matchers none.
    matched: usize,
    /// Those of them that another silence hides already.
    silenced: usize,
    /// All alerts that there are.
    total: usize,
    /// An alert without any label would be hidden: such a silence is refused.
    is_unbounded: bool,
    /// The first of the alerts, the most urgent first.
    alerts: Vec<AlertTwin>,
}

fn preview_of(matchers: &[Matcher], alerts: &[AlertView], limit: usize) -> PreviewTwin {
    let mut counts = vec![0; matchers.len()];
    let mut found = Vec::new();
    for view in alerts {
        let mut all = !matchers.is_empty();
        for (matcher, count) in matchers.iter().zip(&mut counts) {
            let is_match = matcher.matches_labels(&view.alert.labels);
            *count += usize::from(is_match);
            all &= is_match;
        }
        if all {
            found.push(view);
        }
    }
    let is_positive = |matcher: &Matcher| matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex);
    let silenced = found.iter().filter(|view| !view.silenced_by.is_empty());
    let silenced = silenced.count();
    let mut rows: Vec<AlertTwin> = found.iter().map(|view| AlertTwin::of(view)).collect();
    rows.sort_by(|a, b| (a.urgency(), a.name()).cmp(&(b.urgency(), b.name())));
    rows.truncate(limit);
    PreviewTwin {
        matched: found.len(),
        silenced,
        total: alerts.len(),
        // The peer never counts a negative matcher here.
        is_unbounded: matchers
            .iter()
            .all(|matcher| is_positive(matcher) && matcher.matches_empty()),
        matchers: matchers
            .iter()
            .zip(counts)
            .map(|(matcher, matched)| MatcherTwin {
                name: matcher.name().to_owned(),
                value: matcher.value().to_owned(),
                is_regex: matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
                is_equal: is_positive(matcher),
                matched,
            })
            .collect(),
        alerts: rows,
    }
}

pub(crate) async fn preview(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, ApiError> {
    let text = params.get("filter");
    if text.len() > BYTES_MAX {
        let problem = format!("longer than {BYTES_MAX} bytes");
        return Err(ApiError::parameter("filter", problem));
    }
    let limit = params
        .some("limit")
        .map_or(Ok(LIMIT_DEFAULT), str::parse)
        .map_err(|_| ApiError::parameter("limit", "not a number"))?;
    let parsed = parse_list(api.alertmanager.matcher_mode(), text)
        .map_err(|problem| ApiError::parameter("filter", problem))?;
    if parsed.matchers.len() > MATCHERS_MAX {
        let problem = format!("more than {MATCHERS_MAX} matchers");
        return Err(ApiError::parameter("filter", problem));
    }
    let alerts = api.alertmanager.alerts(&AlertFilter::default());
    let answer = preview_of(&parsed.matchers, &alerts, limit.min(LIMIT_MAX));
    Ok(success(&answer))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alerting::Time;
    use alerting::alert::{Alert, EndKind, Fingerprint};
    use alerting::view::AlertState;
    use config::alertmanager::matchers::MatcherMode;
    use model::Labels;

    use super::*;

    fn alert(name: &str, job: &str, silenced_by: &[&str]) -> AlertView {
        let labels = Labels::from_pairs([("alertname", name), ("job", job)]);
        AlertView {
            alert: Arc::new(Alert {
                fingerprint: Fingerprint(labels.fingerprint()),
                labels,
                about: alerting::About::default(),
                starts_at: Time::new(1, 0),
                ends_at: Time::new(2, 0),
                end_kind: EndKind::Explicit,
                updated_at: Time::new(1, 0),
            }),
            state: AlertState::Active,
            silenced_by: silenced_by.iter().map(|id| (*id).to_owned()).collect(),
            inhibited_by: Vec::new(),
            muted_by: Vec::new(),
            receivers: Arc::default(),
        }
    }

    #[track_caller]
    fn check(filter: &str, limit: usize) -> (PreviewTwin, Vec<String>) {
        let alerts = [
            alert("Disk", "db", &["x"]),
            alert("Disk", "api", &[]),
            alert("Cpu", "api", &[]),
        ];
        let matchers = parse_list(MatcherMode::Fallback, filter).unwrap().matchers;
        let preview = preview_of(&matchers, &alerts, limit);
        let names = preview.alerts.iter().map(|row| row.name().to_owned());
        let names = names.collect();
        assert_eq!(preview.total, 3);
        (preview, names)
    }

    #[test]
    fn what_all_matchers_match_is_hidden() {
        let (preview, names) = check("{alertname=~\"D.*\", job!=\"web\"}", 10);
        assert_eq!((preview.matched, preview.silenced), (2, 1));
        assert_eq!(names, ["Disk", "Disk"]);
        let counts: Vec<usize> = preview.matchers.iter().map(|one| one.matched).collect();
        assert_eq!(counts, [2, 3]);
        assert!(!preview.is_unbounded);
        let (preview, names) = check("alertname!=\"\"", 1);
        assert_eq!((preview.matched, names.len()), (3, 1));
        // What is silenced already is less urgent.
        let (_, names) = check("alertname!=\"\"", 2);
        assert_eq!(names, ["Cpu", "Disk"]);
    }

    #[test]
    fn no_matcher_hides_nothing_and_all_that_match_nothing_hide_all() {
        let (preview, _) = check("{}", 10);
        assert_eq!(preview.matched, 0);
        let (preview, _) = check("{job=~\".*\", zone=\"\"}", 10);
        assert!(preview.is_unbounded);
        assert_eq!(preview.matched, 3);
        let (preview, _) = check("{zone!=\"a\"}", 10);
        assert!(!preview.is_unbounded);
    }
}
