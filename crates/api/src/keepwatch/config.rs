//! `config`: what runs, and what the files would make now.

use std::sync::Arc;

use net::axum::extract::State;
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::{Api, LifecycleRequest, ProblemView};
use crate::time::rfc3339;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConfigPart")]
pub(crate) struct PartTwin {
    /// In use, printed in full, secrets left out.
    running: String,
    /// What a reload would put in place; absent if it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ConfigComparison")]
pub(crate) struct ComparisonTwin {
    prometheus: PartTwin,
    alertmanager: PartTwin,
    /// RFC 3339.
    loaded_at: String,
    is_last_reload_ok: bool,
    /// What is wrong with the files as they are now, warnings and notes included.
    problems: Vec<ProblemView>,
    /// What could not even be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

pub(crate) async fn compare(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
    let (answer, answered) = oneshot::channel();
    let gone = || ApiError::new(ErrorKind::Internal, "the server is stopping");
    let request = LifecycleRequest::Compare(answer);
    api.lifecycle
        .requests
        .send(request)
        .await
        .map_err(|_| gone())?;
    let files = answered.await.map_err(|_| gone())?;
    let (is_last_reload_ok, loaded_at) = api.config.last_reload();
    let (prometheus, alertmanager) = files.texts.unzip();
    Ok(success(&ComparisonTwin {
        prometheus: PartTwin {
            running: api.config.yaml(),
            files: prometheus,
        },
        alertmanager: PartTwin {
            running: api.alertmanager.config_text(),
            files: alertmanager,
        },
        loaded_at: rfc3339(Some(loaded_at)),
        is_last_reload_ok,
        problems: files.problems,
        failure: files.failure,
    }))
}
