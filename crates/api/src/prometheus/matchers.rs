//! `match[]` parameters: lists of selectors.

use model::Matcher;

use crate::params::Params;
use crate::respond::ApiError;

/// The matchers of each selector. Each must have one that does not match the empty value.
pub(crate) fn parse(params: &Params) -> Result<Vec<Vec<Matcher>>, ApiError> {
    params
        .all("match[]")
        .map(|text| {
            let matchers = promql::parse_metric_selector(text)
                .map_err(|errors| ApiError::bad_data(errors.to_string()))?;
            if matchers.iter().all(Matcher::matches_empty) {
                let problem = "match[] must contain at least one non-empty matcher";
                return Err(ApiError::parameter("match[]", problem));
            }
            Ok(matchers)
        })
        .collect()
}
