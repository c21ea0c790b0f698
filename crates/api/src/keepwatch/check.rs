//! `query/check`: what is wrong with a query, all of it, with places and what to do; nothing is evaluated.

use net::axum::extract::State;
use net::axum::response::Response;
use promql::{ParseError, Query};
use schemars::JsonSchema;
use serde::Serialize;

use crate::params::Params;
use crate::respond::{ApiError, success};
use crate::sources::QueryApi;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QueryCheck")]
pub(crate) struct CheckTwin {
    /// None for a query that can be run; at most 100.
    problems: Vec<ProblemTwin>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QueryProblem")]
pub(crate) struct ProblemTwin {
    code: &'static str,
    /// In Prometheus' words.
    message: String,
    /// What to do, if there is a good guess.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Bytes of the query, the end not included.
    start: usize,
    end: usize,
}

impl ProblemTwin {
    /// Places may lie beyond the text that they are about.
    fn of(error: &ParseError, query: &str) -> Self {
        let end = error.span.end.min(query.len());
        Self {
            code: error.kind.code(),
            message: error.message.clone(),
            hint: error.hint.clone(),
            start: error.span.start.min(end),
            end,
        }
    }
}

pub(crate) async fn check(
    State(api): State<QueryApi>,
    params: Params,
) -> Result<Response, ApiError> {
    let text = params.get("query");
    let problems = match Query::parse(text, &api.queries.settings().parser) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            let errors = errors.errors().iter();
            errors.map(|error| ProblemTwin::of(error, text)).collect()
        }
    };
    Ok(success(&CheckTwin { problems }))
}
