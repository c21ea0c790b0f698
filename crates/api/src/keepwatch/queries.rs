//! `queries`: those that wait or run, and an end to them.

use std::sync::Arc;

use ::queries::{ActiveQuery, Origin, UnfinishedQuery};
use model::Timestamp;
use net::axum::extract::{Path, State};
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::respond::{ApiError, ErrorKind, success};
use crate::sources::Api;
use crate::time::rfc3339;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Queries")]
pub(crate) struct QueriesTwin {
    active: Vec<ActiveTwin>,
    /// What ran when the process before this one died.
    unfinished: Vec<UnfinishedTwin>,
    concurrent_max: usize,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ActiveQuery")]
pub(crate) struct ActiveTwin {
    id: u64,
    query: String,
    kind: &'static str,
    stage: &'static str,
    started_at: String,
    elapsed_seconds: f64,
    #[serde(flatten)]
    origin: OriginTwin,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "QueryOrigin")]
pub(crate) enum OriginTwin {
    #[serde(rename_all = "camelCase")]
    Http {
        client: String,
        method: String,
        path: String,
    },
    #[serde(rename_all = "camelCase")]
    Rule {
        rule_file: String,
        rule_group: String,
    },
}

impl ActiveTwin {
    fn of(query: ActiveQuery) -> Self {
        Self {
            id: query.id,
            query: query.text,
            kind: query.kind.as_str(),
            stage: query.stage.as_str(),
            started_at: rfc3339(Some(query.started_at)),
            elapsed_seconds: query.elapsed_seconds,
            origin: match query.origin {
                Origin::Http {
                    client,
                    method,
                    path,
                } => OriginTwin::Http {
                    client,
                    method,
                    path,
                },
                Origin::Rule { file, group } => OriginTwin::Rule {
                    rule_file: file,
                    rule_group: group,
                },
            },
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "UnfinishedQuery")]
pub(crate) struct UnfinishedTwin {
    query: String,
    started_at: String,
}

impl UnfinishedTwin {
    fn of(query: &UnfinishedQuery) -> Self {
        let started_at = Timestamp(query.timestamp_sec.saturating_mul(1000));
        Self {
            query: query.query.clone(),
            started_at: rfc3339(Some(started_at)),
        }
    }
}

pub(crate) async fn list(State(api): State<Arc<Api>>) -> Response {
    let service = &api.queries;
    success(&QueriesTwin {
        active: service.active().into_iter().map(ActiveTwin::of).collect(),
        unfinished: service
            .unfinished()
            .iter()
            .map(UnfinishedTwin::of)
            .collect(),
        concurrent_max: service.settings().concurrent_max,
    })
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KilledQuery")]
pub(crate) struct KilledTwin {
    killed: u64,
}

/// The query ends at its next check; its client is told that an operator killed it.
pub(crate) async fn kill(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let number = id
        .parse::<u64>()
        .map_err(|_| ApiError::parameter("id", format!("\"{id}\" is not the number of a query")))?;
    if !api.queries.kill(number) {
        let problem = format!("no query {number} waits or runs; it may have ended by itself");
        return Err(ApiError::new(ErrorKind::NotFound, problem));
    }
    Ok(success(&KilledTwin { killed: number }))
}
