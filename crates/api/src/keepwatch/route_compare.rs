//! `route/compare`: which alerts would go elsewhere with another configuration. It is read as for a reload, and
//! nothing of it is put in place.

pub(crate) mod answer;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use alerting::journal::SightedRequest;
use alerting::trial::Trial;
use alerting::{Alert, PostedAlert};
use model::name::NameScheme;
use model::{Duration, Labels, Timestamp};
use net::axum::body::to_bytes;
use net::axum::extract::{Request, State};
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use self::answer::{Asked, Candidates, ComparisonTwin};
use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::{TrialApi, TrialConfig};
use crate::time::parse_time;

const BODY_BYTES_MAX: usize = 32 << 20;
/// Of one configuration.
const CONFIG_BYTES_MAX: usize = 4 << 20;
/// Label sets of one comparison; more are left out, and the answer says so.
const LABEL_SETS_MAX: usize = 200_000;
/// What is read of the journal.
const JOURNAL_BYTES_MAX: u64 = 512 << 20;
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// Comparisons take a core and some memory, so one is made at a time.
static TURN: Semaphore = Semaphore::const_new(1);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RouteComparisonQuestion")]
pub(crate) struct QuestionTwin {
    /// The new configuration of alerting, in YAML.
    config: String,
    /// What it is compared with; the one in use if left out.
    #[schemars(skip_serializing_if = "Option::is_none")]
    old: Option<String>,
    /// These instead of the alerts that there are now. Where there is no server, they are taken to fire together, so that
    /// they may inhibit each other.
    #[schemars(skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<BTreeMap<String, String>>>,
    /// Also the alerts that the journal mentions from here on: RFC 3339, seconds, or time before now as in 24h.
    #[schemars(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// When intervals mute: RFC 3339 or seconds; now if left out.
    #[schemars(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// Alerts of the answer, those that change first: 100 if left out, at most 1000.
    #[schemars(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

pub(crate) async fn compare(
    State(api): State<TrialApi>,
    request: Request,
) -> Result<Response, ApiError> {
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    let body = body.map_err(|error| {
        let problem = format!("reading the body, of at most {BODY_BYTES_MAX} bytes: {error}");
        ApiError::bad_data(problem)
    })?;
    let broken = |_| ApiError::new(ErrorKind::Internal, "the comparison broke off");
    let _turn = TURN.acquire().await.map_err(|_| broken(()))?;
    let compared = tokio::task::spawn_blocking(move || answer(&api, &body)).await;
    Ok(success(&compared.map_err(|_| broken(()))??))
}

fn answer(api: &TrialApi, body: &[u8]) -> Result<ComparisonTwin, ApiError> {
    let question: QuestionTwin = serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_data(format!("the body is not as described: {error}")))?;
    let now = api.clock.now();
    let at = match question.at.as_deref() {
        None | Some("") => now,
        Some(text) => parse_time(text).map_err(|error| ApiError::parameter("at", error))?,
    };
    let since = match question.since.as_deref() {
        None | Some("") => None,
        Some(text) => Some(since(text, now)?),
    };
    let new = read(api, "config", &question.config)?;
    let old = match &question.old {
        Some(text) => read(api, "old", text)?,
        None => TrialConfig {
            config: api.trials.in_use().ok_or_else(|| {
                ApiError::bad_data("no configuration is in use: give the other one as `old`")
            })?,
            warnings: Vec::new(),
        },
    };
    let mut firing = api.trials.alerts();
    let is_offline = api.trials.in_use().is_none();
    let mut candidates = Candidates::default();
    let mut warnings: Vec<String> = old.warnings;
    warnings.extend(new.warnings);
    let mut chosen = Chosen::default();
    match question.labels {
        Some(sets) => {
            candidates.given = sets.len();
            chosen.add(sets.into_iter().map(Labels::from_pairs));
            if is_offline {
                firing = chosen.firing(now);
            }
        }
        None => {
            candidates.current = firing.len();
            chosen.add(firing.iter().map(|alert| alert.labels.clone()));
        }
    }
    if let Some(from) = since {
        let journal = api.journal.as_ref().ok_or_else(|| {
            ApiError::bad_data("there is no journal that could say which alerts there were")
        })?;
        let sighted = journal.sighted(&SightedRequest {
            from,
            to: Timestamp::MAX,
            labels_max: LABEL_SETS_MAX,
            bytes_max: JOURNAL_BYTES_MAX,
        });
        candidates.journalled = sighted.labels.len();
        warnings.extend(sighted.damage);
        chosen.add(sighted.labels.into_iter());
        if sighted.is_cut {
            warnings.push(
                "the journal mentions more alerts than are compared: older ones are left out"
                    .to_owned(),
            );
        }
    }
    if chosen.left_out > 0 {
        warnings.push(format!(
            "{} alerts are left out: at most {LABEL_SETS_MAX} are compared",
            chosen.left_out
        ));
    }
    let old = Trial::new(old.config, &firing);
    let new = Trial::new(new.config, &firing);
    let asked = Asked {
        at,
        now,
        limit: question.limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX),
    };
    let mut answer = ComparisonTwin::of((&old, &new), &chosen.sets, asked);
    answer.candidates = candidates;
    answer.warnings = warnings;
    Ok(answer)
}

/// Label sets, each once, in the order in which they came.
#[derive(Default)]
struct Chosen {
    sets: Vec<Labels>,
    known: HashSet<Labels>,
    left_out: usize,
}

impl Chosen {
    /// Alerts with these labels that began now. What could be no alert inhibits nobody.
    fn firing(&self, now: Timestamp) -> Vec<Arc<Alert>> {
        let alert = |labels: &Labels| {
            let posted = PostedAlert::from_labels(labels.clone());
            let (now, end) = (now.into(), Duration::from_secs(1));
            let alert = Alert::from_posted(&posted, now, end, NameScheme::Utf8);
            alert.ok().map(Arc::new)
        };
        self.sets.iter().filter_map(alert).collect()
    }

    fn add(&mut self, sets: impl Iterator<Item = Labels>) {
        for labels in sets {
            if self.known.contains(&labels) {
                continue;
            }
            if self.sets.len() >= LABEL_SETS_MAX {
                self.left_out += 1;
                continue;
            }
            self.known.insert(labels.clone());
            self.sets.push(labels);
        }
    }
}

fn read(api: &TrialApi, name: &str, text: &str) -> Result<TrialConfig, ApiError> {
    if text.len() > CONFIG_BYTES_MAX {
        let problem = format!("longer than {CONFIG_BYTES_MAX} bytes");
        return Err(ApiError::parameter(name, problem));
    }
    api.trials.read(name, text).map_err(ApiError::bad_data)
}

fn since(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    if let Ok(at) = parse_time(text) {
        return Ok(at);
    }
    let before = Duration::parse(text).map_err(|_| {
        let problem =
            format!("{text:?} is no time; write it like 2026-11-27T10:00:00Z, 1795773600 or 24h");
        ApiError::parameter("since", problem)
    })?;
    Ok(now - before)
}
