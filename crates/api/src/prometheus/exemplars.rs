//! `query_exemplars`: exemplars of the series that a query selects.

use std::sync::Arc;

use model::storage::TimeRange;
use model::{Exemplar, Labels, Timestamp};
use net::axum::extract::State;
use net::axum::response::Response;

use super::series::time_parameter;
use crate::json::{write_labels, write_time, write_value};
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, json_text};
use crate::sources::Api;

pub(crate) async fn exemplars(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let start = time_parameter(&params, "start", Timestamp::MIN)?;
    let end = time_parameter(&params, "end", Timestamp::MAX)?;
    if end < start {
        return Err(ApiError::bad_data(
            "end timestamp must not be before start timestamp",
        ));
    }
    let expr = promql::parse(params.get("query"), &api.queries.settings().parser)
        .map_err(|errors| ApiError::bad_data(errors.to_string()))?;
    let mut selectors = Vec::new();
    expr.for_each_selector(&mut |selector| selectors.push(selector.matchers.clone()));
    let source = Arc::clone(&api.tsdb);
    let range = TimeRange::new(start, end);
    let found = tokio::task::spawn_blocking(move || source.exemplars(range, &selectors)).await;
    let found = found.map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))?;
    Ok(json_text(text(&found)))
}

/// `[{"seriesLabels":…,"exemplars":[{"labels":…,"value":…,"timestamp":…},…]},…]`.
fn text(found: &[(Labels, Vec<Exemplar>)]) -> String {
    let mut out = String::from("{\"status\":\"success\",\"data\":[");
    for (index, (labels, exemplars)) in found.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str("{\"seriesLabels\":");
        write_labels(&mut out, labels);
        out.push_str(",\"exemplars\":[");
        for (index, exemplar) in exemplars.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str("{\"labels\":");
            write_labels(&mut out, &exemplar.labels);
            out.push_str(",\"value\":");
            write_value(&mut out, exemplar.value);
            out.push_str(",\"timestamp\":");
            // Storage gives a time to each exemplar that it keeps.
            write_time(&mut out, exemplar.time.unwrap_or_default().millis());
            out.push('}');
        }
        out.push_str("]}");
    }
    out.push_str("]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_form_of_the_peer() {
        let exemplar = |trace: &str, time| Exemplar {
            labels: Labels::from_pairs([("trace_id", trace)]),
            value: 6e-9,
            time: Some(Timestamp(time)),
        };
        let labels = Labels::from_pairs([("__name__", "requests"), ("job", "a")]);
        let found = [
            (
                labels,
                vec![exemplar("EpTxMJ40fUus7aGY", 1_600_096_945_479)],
            ),
            (Labels::empty(), vec![exemplar("a", 0), exemplar("b", 1)]),
        ];
        assert_eq!(
            text(&found),
            "{\"status\":\"success\",\"data\":[{\"seriesLabels\":{\"__name__\":\"requests\",\"job\":\"a\"},\
             \"exemplars\":[{\"labels\":{\"trace_id\":\"EpTxMJ40fUus7aGY\"},\"value\":\"6e-09\",\
             \"timestamp\":1600096945.479}]},{\"seriesLabels\":{},\"exemplars\":[\
             {\"labels\":{\"trace_id\":\"a\"},\"value\":\"6e-09\",\"timestamp\":0},\
             {\"labels\":{\"trace_id\":\"b\"},\"value\":\"6e-09\",\"timestamp\":0.001}]}]}"
        );
        assert_eq!(text(&[]), "{\"status\":\"success\",\"data\":[]}");
    }
}
