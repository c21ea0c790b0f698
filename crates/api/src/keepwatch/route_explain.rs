//! `route/explain`: where an alert would go, and why, at any time; by the configuration in use, or by another one, which
//! is read as for a reload and not put in place.

pub(crate) mod answer;

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::{Machine, Settings};
use model::Labels;
use net::axum::body::to_bytes;
use net::axum::extract::{Request, State};
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use self::answer::AnswerTwin;
use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::TrialApi;
use crate::time::parse_time;

const CONFIG_BYTES_MAX: usize = 4 << 20;
/// YAML within JSON may need twice its length.
const BODY_BYTES_MAX: usize = 2 * CONFIG_BYTES_MAX + (1 << 20);

/// Reading a configuration takes a core and some memory, so few are read at a time.
static TURNS: Semaphore = Semaphore::const_new(2);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RouteQuestion")]
pub(crate) struct QuestionTwin {
    labels: BTreeMap<String, String>,
    /// RFC 3339 or seconds; now if left out.
    #[schemars(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// A configuration of alerting, in YAML, instead of the one in use: there are no alerts, groups and silences then.
    #[schemars(skip_serializing_if = "Option::is_none")]
    config: Option<String>,
}

pub(crate) async fn explain(
    State(api): State<TrialApi>,
    request: Request,
) -> Result<Response, ApiError> {
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    let body = body.map_err(|error| {
        let problem = format!("reading the body, of at most {BODY_BYTES_MAX} bytes: {error}");
        ApiError::bad_data(problem)
    })?;
    let question: QuestionTwin = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_data(format!("the body is not as described: {error}")))?;
    let broken = |_| ApiError::new(ErrorKind::Internal, "the explanation broke off");
    let _turn = TURNS.acquire().await.map_err(|_| broken(()))?;
    let explained = tokio::task::spawn_blocking(move || answer(&api, question)).await;
    Ok(success(&explained.map_err(|_| broken(()))??))
}

fn answer(api: &TrialApi, question: QuestionTwin) -> Result<AnswerTwin, ApiError> {
    let now = api.clock.now();
    let at = match question.at.as_deref() {
        None | Some("") => now,
        Some(text) => parse_time(text).map_err(|error| ApiError::parameter("at", error))?,
    };
    let labels = Labels::from_pairs(question.labels);
    let Some(text) = question.config else {
        let explanation = api.trials.explain(&labels, at).ok_or_else(|| {
            ApiError::bad_data("no configuration is in use: give one as `config`")
        })?;
        return Ok(AnswerTwin::of(&explanation, &labels, at));
    };
    if text.len() > CONFIG_BYTES_MAX {
        let problem = format!("longer than {CONFIG_BYTES_MAX} bytes");
        return Err(ApiError::parameter("config", problem));
    }
    let read = api.trials.read("config", &text);
    let read = read.map_err(ApiError::bad_data)?;
    // A machine that has seen nothing yet.
    let machine = Machine::new(Settings::default(), Arc::clone(&read.config), now);
    let mut answer = AnswerTwin::of(&machine.explain(&labels, at, now), &labels, at);
    answer.warnings = read.warnings;
    Ok(answer)
}
