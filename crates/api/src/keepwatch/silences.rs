//! `silences`: a list of all silences, with how many alerts each hides now.

use std::collections::{BTreeMap, HashMap};

use alerting::silence::SilenceState;
use alerting::view::{AlertFilter, SilenceFilter, SilenceView};
use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Row, contains};
use super::list::page::{ListKind, Page};
use crate::alertmanager::silences::MatcherTwin;
use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::AlertingApi;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SilenceRow")]
pub(crate) struct SilenceTwin {
    id: String,
    /// `active`, `pending` or `expired`.
    state: &'static str,
    /// All matchers of one set must match. There is one set, but for silences of other programs in the mesh.
    matcher_sets: Vec<Vec<MatcherTwin>>,
    comment: String,
    created_by: String,
    /// RFC 3339, as the other times.
    starts_at: String,
    ends_at: String,
    updated_at: String,
    annotations: BTreeMap<String, String>,
    /// Alerts that it hides now.
    affects: usize,
    /// Alerts that it has kept from being told so far.
    stopped: usize,
    /// There were more than `stopped`, which are not told apart.
    stopped_is_least: bool,
    #[serde(skip)]
    order: (SilenceState, i64),
}

pub(crate) type SilencesTwin = Page<SilenceTwin>;

impl SilenceTwin {
    fn of(view: &SilenceView, affects: usize) -> Self {
        let silence = &view.silence;
        let sets = silence.matcher_sets.iter();
        // What comes next is first: the end, the start; and what ended last.
        let moment = match view.state {
            SilenceState::Active => silence.ends_at.seconds(),
            SilenceState::Pending => silence.starts_at.seconds(),
            SilenceState::Expired => silence.ends_at.seconds().saturating_neg(),
        };
        Self {
            id: silence.id.clone(),
            state: view.state.as_str(),
            matcher_sets: sets
                .map(|set| set.iter().map(MatcherTwin::of).collect())
                .collect(),
            comment: silence.comment.clone(),
            created_by: silence.created_by.clone(),
            starts_at: silence.starts_at.to_api_text(),
            ends_at: silence.ends_at.to_api_text(),
            updated_at: silence.updated_at.to_api_text(),
            annotations: silence.annotations.clone(),
            affects,
            stopped: view.stopped.count,
            stopped_is_least: view.stopped.is_least,
            order: (view.state, moment),
        }
    }

    fn matchers(&self) -> impl Iterator<Item = &MatcherTwin> {
        self.matcher_sets.iter().flatten()
    }
}

/// Its labels are what its matchers ask for, so that `job="api"` finds silences about that job.
impl Row for SilenceTwin {
    fn has_word(&self, word: &str) -> bool {
        let annotations = self.annotations.iter();
        [&self.comment, &self.created_by, &self.id]
            .into_iter()
            .chain(annotations.flat_map(|(name, value)| [name, value]))
            .any(|text| contains(text, word))
            || self
                .matchers()
                .any(|matcher| contains(&matcher.name, word) || contains(&matcher.value, word))
    }

    fn label(&self, name: &str) -> Option<&str> {
        let mut matchers = self.matchers();
        let found = matchers.find(|matcher| matcher.name == name && matcher.is_equal);
        found.map(|matcher| matcher.value.as_str())
    }

    fn facet(&self, key: &str) -> Vec<&str> {
        match key {
            "state" => vec![self.state],
            "creator" => vec![&self.created_by],
            "id" => vec![&self.id],
            _ => Vec::new(),
        }
    }
}

const LIST: ListKind<SilenceTwin> = ListKind {
    keys: &["state", "creator", "id"],
    counted: &["state", "creator"],
    orders: &[
        ("state", |a, b| a.order.cmp(&b.order)),
        ("starts", |a, b| a.starts_at.cmp(&b.starts_at)),
        ("ends", |a, b| a.ends_at.cmp(&b.ends_at)),
        ("updated", |a, b| a.updated_at.cmp(&b.updated_at)),
        ("creator", |a, b| a.created_by.cmp(&b.created_by)),
        ("affects", |a, b| a.affects.cmp(&b.affects)),
        ("stopped", |a, b| a.stopped.cmp(&b.stopped)),
    ],
};

fn rows(api: &AlertingApi) -> Vec<SilenceTwin> {
    let mut affects: HashMap<String, usize> = HashMap::new();
    for alert in api.alertmanager.alerts(&AlertFilter::default()) {
        for id in alert.silenced_by {
            *affects.entry(id).or_default() += 1;
        }
    }
    let silences = api.alertmanager.silences(&SilenceFilter::default());
    silences
        .iter()
        .map(|view| {
            let affected = affects.get(&view.silence.id).copied();
            SilenceTwin::of(view, affected.unwrap_or(0))
        })
        .collect()
}

pub(crate) async fn list(
    State(api): State<AlertingApi>,
    params: Params,
) -> Result<Response, ApiError> {
    Ok(success(&LIST.page(rows(&api), &params)?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alerting::silence::SilenceMatcher;
    use alerting::stopped::StoppedAlerts;
    use alerting::{Silence, Time};
    use model::MatchOp;

    use super::*;

    fn row(id: &str, state: SilenceState, ends_at: i64, affects: usize) -> SilenceTwin {
        let matcher = |op, name: &str, pattern: &str| SilenceMatcher {
            op,
            name: name.to_owned(),
            pattern: pattern.to_owned(),
        };
        let silence = Arc::new(Silence {
            id: id.to_owned(),
            matcher_sets: vec![vec![
                matcher(MatchOp::NotEqual, "job", "db"),
                matcher(MatchOp::Regex, "job", format!("{id}.*").as_str()),
            ]],
            starts_at: Time::new(1, 0),
            ends_at: Time::new(ends_at, 0),
            comment: "Works on the Roof".to_owned(),
            created_by: format!("{id}@example.org"),
            annotations: [("ticket".to_owned(), format!("OPS-{id}"))].into(),
            ..Silence::default()
        });
        let stopped = StoppedAlerts {
            count: affects * 10,
            is_least: false,
        };
        let view = SilenceView {
            silence,
            state,
            stopped,
        };
        SilenceTwin::of(&view, affects)
    }

    #[track_caller]
    fn check(query: &[(&str, &str)], expected: &[&str]) {
        let rows = vec![
            row("old", SilenceState::Expired, 20, 0),
            row("older", SilenceState::Expired, 10, 0),
            row("late", SilenceState::Active, 90, 3),
            row("soon", SilenceState::Active, 80, 1),
            row("next", SilenceState::Pending, 70, 0),
        ];
        let page = LIST.page(rows, &Params::of(query)).unwrap();
        let ids: Vec<&str> = page.rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, expected, "{query:?}");
    }

    #[test]
    fn what_comes_next_is_first_and_all_that_is_shown_can_be_asked_for() {
        check(&[], &["soon", "late", "next", "old", "older"]);
        check(
            &[("sort", "-affects")],
            &["late", "soon", "old", "older", "next"],
        );
        check(
            &[("sort", "-ends"), ("q", "@state:active")],
            &["late", "soon"],
        );
        check(&[("q", "roof @creator:next@example.org")], &["next"]);
        check(&[("q", "job=\"soon.*\"")], &["soon"]);
        check(&[("q", "job=~\"old.*\"")], &["old", "older"]);
        check(&[("q", "@id:late,soon")], &["soon", "late"]);
        check(&[("q", "ops-late")], &["late"]);
        check(
            &[("sort", "-stopped"), ("q", "@state:active")],
            &["late", "soon"],
        );
        check(&[("q", "cellar")], &[]);
    }
}
