//! What a search asks for. Limits, defaults and texts are the peer's.

use model::Matcher;
use model::format::go_quote;
use model::storage::TimeRange;
use model::{Duration, Timestamp};

use super::score::{Algorithm, Comparison};
use crate::params::Params;
use crate::prometheus::matchers;
use crate::prometheus::series::time_parameter;
use crate::respond::ApiError;

const RESULTS_DEFAULT: usize = 100;
const BATCH_DEFAULT: usize = 100;
/// Each term costs time for every name.
const TERMS_MAX: usize = 32;
/// How far back names are looked for if nothing is said.
const RANGE_DEFAULT: Duration = Duration(3_600_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    NameDown,
    Score,
}

#[derive(Clone, Debug)]
pub(super) struct SearchParams {
    pub(super) range: TimeRange,
    pub(super) selectors: Vec<Vec<Matcher>>,
    pub(super) terms: Vec<String>,
    pub(super) how: Comparison,
    pub(super) order: Order,
    pub(super) shows_score: bool,
    pub(super) limit: usize,
    pub(super) batch_size: usize,
}

impl SearchParams {
    /// `limit_max`: 0 for none. `endpoint`: its name in texts.
    pub(super) fn parse(
        params: &Params,
        now: Timestamp,
        limit_max: usize,
        endpoint: &str,
    ) -> Result<Self, ApiError> {
        let start = Timestamp(now.0.saturating_sub(RANGE_DEFAULT.0));
        let range = TimeRange::new(
            time_parameter(params, "start", start)?,
            time_parameter(params, "end", now)?,
        );
        if range.end < range.start {
            return Err(ApiError::bad_data(
                "end timestamp must not be before start timestamp",
            ));
        }
        let selectors = matchers::parse(params)?;
        let terms: Vec<String> = params.all("search[]").map(str::to_owned).collect();
        if terms.len() > TERMS_MAX {
            return Err(ApiError::bad_data(format!(
                "too many search[] terms: got {}, maximum is {TERMS_MAX}",
                terms.len()
            )));
        }
        let how = Comparison {
            threshold: threshold(params)?,
            algorithm: algorithm(params)?,
            folds_case: !boolean(params, "case_sensitive", true)?,
        };
        let shows_score = boolean(params, "include_score", false)?;
        let order = order(params, terms.is_empty(), endpoint)?;
        Ok(Self {
            range,
            selectors,
            terms,
            how,
            order,
            shows_score,
            limit: limit(params, limit_max)?,
            batch_size: positive(params, "batch_size")?.unwrap_or(BATCH_DEFAULT),
        })
    }
}

fn threshold(params: &Params) -> Result<u8, ApiError> {
    let Some(text) = params.some("fuzz_threshold") else {
        return Ok(0);
    };
    let number = text.parse().ok().filter(|number| *number <= 100);
    let problem = || {
        let text = go_quote(text);
        ApiError::bad_data(format!("invalid fuzz_threshold {text}: must be 0-100"))
    };
    number.ok_or_else(problem)
}

fn algorithm(params: &Params) -> Result<Algorithm, ApiError> {
    let Some(text) = params.some("fuzz_alg") else {
        return Ok(Algorithm::Subsequence);
    };
    let known = Algorithm::ALL.iter().find(|(name, _)| *name == text);
    let problem = || {
        let names: Vec<&str> = Algorithm::ALL.iter().map(|(name, _)| *name).collect();
        let (text, names) = (go_quote(text), names.join(" "));
        ApiError::bad_data(format!(
            "unsupported fuzz_alg {text}: must be one of [{names}]"
        ))
    };
    known.map(|(_, algorithm)| *algorithm).ok_or_else(problem)
}

fn order(params: &Params, is_without_terms: bool, endpoint: &str) -> Result<Order, ApiError> {
    let (by, direction) = (params.get("sort_by"), params.get("sort_dir"));
    let problem = |text: &str| Err(ApiError::bad_data(text));
    if !direction.is_empty() && by.is_empty() {
        return problem("sort_dir is only valid when sort_by is set");
    }
    if !direction.is_empty() && by == "score" {
        return problem("sort_dir is not supported for sort_by=score");
    }
    if !["", "asc", "dsc"].contains(&direction) {
        let direction = go_quote(direction);
        return problem(&format!(
            "invalid sort_dir {direction}: must be \"asc\" or \"dsc\""
        ));
    }
    if by == "score" && is_without_terms {
        return problem("sort_by=score requires search[] to be set");
    }
    match (by, direction) {
        ("score", _) => Ok(Order::Score),
        ("alpha", "dsc") => Ok(Order::NameDown),
        ("" | "alpha", _) => Ok(Order::Name),
        _ => problem(&format!(
            "invalid sort_by {} for {endpoint}: must be \"alpha\" or \"score\"",
            go_quote(by)
        )),
    }
}

fn limit(params: &Params, limit_max: usize) -> Result<usize, ApiError> {
    let Some(limit) = positive(params, "limit")? else {
        return Ok(match limit_max {
            0 => RESULTS_DEFAULT,
            max => RESULTS_DEFAULT.min(max),
        });
    };
    if limit_max > 0 && limit > limit_max {
        return Err(ApiError::bad_data(format!(
            "limit {limit} exceeds the configured maximum ({limit_max}, see --web.search.max-limit)"
        )));
    }
    Ok(limit)
}

fn positive(params: &Params, name: &str) -> Result<Option<usize>, ApiError> {
    let Some(text) = params.some(name) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|number| *number > 0);
    let problem = || {
        let text = go_quote(text);
        ApiError::bad_data(format!("invalid {name} {text}: must be a positive integer"))
    };
    number.map(Some).ok_or_else(problem)
}

pub(super) fn boolean(params: &Params, name: &str, default: bool) -> Result<bool, ApiError> {
    match params.get(name) {
        "" => Ok(default),
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(ApiError::bad_data(format!(
            "invalid {name} {}: must be boolean",
            go_quote(other)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told() {
        for (pairs, wanted) in [
            (
                &[("start", "2"), ("end", "1")][..],
                "end timestamp must not be before start timestamp",
            ),
            (
                &[("fuzz_threshold", "101")],
                "invalid fuzz_threshold \"101\": must be 0-100",
            ),
            (
                &[("fuzz_alg", "x")],
                "unsupported fuzz_alg \"x\": must be one of [subsequence jarowinkler]",
            ),
            (
                &[("case_sensitive", "maybe")],
                "invalid case_sensitive \"maybe\": must be boolean",
            ),
            (
                &[("sort_dir", "asc")],
                "sort_dir is only valid when sort_by is set",
            ),
            (
                &[("sort_by", "score")],
                "sort_by=score requires search[] to be set",
            ),
            (
                &[("sort_by", "x")],
                "invalid sort_by \"x\" for label_names: must be \"alpha\" or \"score\"",
            ),
            (
                &[("limit", "0")],
                "invalid limit \"0\": must be a positive integer",
            ),
            (
                &[("limit", "51")],
                "limit 51 exceeds the configured maximum (50, see --web.search.max-limit)",
            ),
        ] {
            let found = SearchParams::parse(&Params::of(pairs), Timestamp(0), 50, "label_names");
            assert_eq!(found.unwrap_err().message, wanted);
        }
        let found = SearchParams::parse(&Params::of(&[]), Timestamp(0), 50, "").unwrap();
        assert_eq!((found.limit, found.batch_size), (50, 100));
    }
}
