//! `queries`: those that wait or run, an end to them, and what has been asked since the start.

use std::sync::Arc;

use ::queries::{ActiveQuery, Origin, Tally, UnfinishedQuery};
use model::Timestamp;
use net::axum::extract::{Path, State};
use net::axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::list::filter::{Row, contains};
use super::list::page::{ListKind, Page};
use crate::params::Params;
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

/// What a client has asked, as often as it did.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RecentQuery")]
pub(crate) struct RecentTwin {
    /// Cut to 4 KiB.
    query: String,
    /// `instant` or `range`.
    kind: &'static str,
    client: String,
    path: String,
    count: u64,
    /// Those of them that failed, were ended, or found no place.
    failed: u64,
    /// From arrival to result, of all together.
    seconds_total: f64,
    seconds_max: f64,
    /// Samples looked at, of all together.
    samples_total: u64,
    samples_max: u64,
    /// RFC 3339.
    last_at: String,
    /// Of the newest one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// Of the one that took longest: first and last time in milliseconds, and the step.
    slowest_start_ms: i64,
    slowest_end_ms: i64,
    slowest_step_ms: i64,
}

pub(crate) type RecentQueriesTwin = Page<RecentTwin>;

impl RecentTwin {
    fn of(tally: Tally) -> Self {
        let (start, end, step) = tally.slowest;
        Self {
            query: tally.text,
            kind: tally.kind.as_str(),
            client: tally.client,
            path: tally.path,
            count: tally.count,
            failed: tally.failed,
            seconds_total: tally.seconds_total,
            seconds_max: tally.seconds_max,
            samples_total: tally.samples_total,
            samples_max: tally.samples_max,
            last_at: rfc3339(Some(tally.last_at)),
            last_error: tally.last_error,
            slowest_start_ms: start.millis(),
            slowest_end_ms: end.millis(),
            slowest_step_ms: step,
        }
    }

    fn outcome(&self) -> &'static str {
        if self.failed > 0 { "failed" } else { "ok" }
    }
}

impl Row for RecentTwin {
    fn has_word(&self, word: &str) -> bool {
        let error = self.last_error.as_deref().unwrap_or_default();
        [&self.query, &self.client, &self.path, error]
            .iter()
            .any(|text| contains(text, word))
    }

    fn label(&self, _: &str) -> Option<&str> {
        None
    }

    fn facet(&self, key: &str) -> Vec<&str> {
        match key {
            "kind" => vec![self.kind],
            "client" => vec![&self.client],
            "outcome" => vec![self.outcome()],
            _ => Vec::new(),
        }
    }
}

const RECENT: ListKind<RecentTwin> = ListKind {
    keys: &["kind", "client", "outcome"],
    counted: &["kind", "client", "outcome"],
    orders: &[
        ("total", |a, b| a.seconds_total.total_cmp(&b.seconds_total)),
        ("slowest", |a, b| a.seconds_max.total_cmp(&b.seconds_max)),
        ("samples", |a, b| a.samples_max.cmp(&b.samples_max)),
        ("count", |a, b| a.count.cmp(&b.count)),
        ("failed", |a, b| a.failed.cmp(&b.failed)),
        ("last", |a, b| a.last_at.cmp(&b.last_at)),
        ("query", |a, b| a.query.cmp(&b.query)),
    ],
};

/// `queries/recent`: what clients have asked since the start, added up by query.
pub(crate) async fn recent(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let mut rows: Vec<RecentTwin> = api
        .queries
        .recent()
        .into_iter()
        .map(RecentTwin::of)
        .collect();
    // Those that compare equal have the order of their texts.
    rows.sort_by(|a, b| (&a.query, &a.client, a.kind).cmp(&(&b.query, &b.client, b.kind)));
    Ok(success(&RECENT.page(rows, &params)?))
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
