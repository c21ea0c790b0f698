//! `query/explain`: the operators of a query, with what they are estimated to cost and what they did cost.

use ::queries::{Analysis, When};
use net::axum::extract::State;
use net::axum::response::Response;
use promql::{Cost, ExplainedNode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::caller::Caller;
use crate::params::Params;
use crate::prometheus::query::{failed, range_times, request};
use crate::prometheus::series::time_parameter;
use crate::respond::{ApiError, success};
use crate::sources::QueryApi;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExplainedNode")]
pub(crate) struct NodeTwin {
    op: &'static str,
    detail: String,
    span: SpanTwin,
    estimated: CostTwin,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<MeasuredTwin>,
    children: Vec<Self>,
}

/// Bytes of the query, the end not included.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExplainedSpan")]
pub(crate) struct SpanTwin {
    start: usize,
    end: usize,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExplainedCost")]
pub(crate) struct CostTwin {
    series: usize,
    samples: usize,
    bytes: usize,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MeasuredCost")]
pub(crate) struct MeasuredTwin {
    #[serde(flatten)]
    cost: CostTwin,
    /// With all operators below.
    seconds: f64,
}

impl CostTwin {
    fn of(cost: Cost) -> Self {
        Self {
            series: cost.series,
            samples: cost.samples,
            bytes: cost.bytes,
        }
    }
}

impl NodeTwin {
    /// The depth is that of the query, which its reader bounds.
    fn of(node: ExplainedNode) -> Self {
        Self {
            op: node.op,
            detail: node.detail,
            span: SpanTwin {
                start: node.span.start,
                end: node.span.end,
            },
            estimated: CostTwin::of(node.estimated),
            measured: node.measured.map(|measured| MeasuredTwin {
                cost: CostTwin::of(measured.cost),
                seconds: measured.seconds,
            }),
            children: node.children.into_iter().map(Self::of).collect(),
        }
    }
}

/// The parameters of `query` or of `query_range` (which it is, `start` decides); `analyze=true` runs it.
pub(crate) async fn explain(
    State(api): State<QueryApi>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let when = if params.some("start").is_some() {
        When::Over(range_times(&params)?)
    } else {
        When::At(time_parameter(&params, "time", api.clock.now())?)
    };
    let analysis = match params.get("analyze") {
        "" | "false" => Analysis::Estimated,
        "true" => Analysis::Measured,
        other => {
            let problem = format!("\"{other}\" is neither true nor false");
            return Err(ApiError::parameter("analyze", problem));
        }
    };
    let request = request(&params, when, caller)?;
    let explained = api.queries.explain(request, analysis).await;
    let explained = explained.map_err(|failure| failed(&failure))?;
    Ok(success(&NodeTwin::of(explained.root)))
}
