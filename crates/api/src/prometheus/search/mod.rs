//! `search/metric_names`, `search/label_names`, `search/label_values`: names for whoever is typing one.
//!
//! With `--enable-feature=search-api`. Answers are lines of JSON: batches of results, then one line that says
//! how it ended. `params` reads what is asked for, `score` says how well a name fits.

mod params;
mod score;

use std::fmt::Write as _;
use std::sync::Arc;

use model::labels::METRIC_NAME;
use model::storage::SeriesReader;
use net::axum::extract::State;
use net::axum::http::{HeaderValue, header};
use net::axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::metadata::{self, MetadataTwin};
use super::series::{blocking, union};
use crate::params::Params;
use crate::respond::{ApiError, ErrorKind, to_json};
use crate::sources::Api;
use params::{Order, SearchParams, boolean};
use score::Search;

/// `--web.search.max-limit`, where the feature is on.
#[derive(Clone, Copy, Debug)]
pub struct SearchLimits {
    /// Results of one search; 0 for no limit.
    pub results_max: usize,
}

/// What is searched.
#[derive(Clone, Debug)]
enum Among {
    LabelNames,
    ValuesOf(String),
}

/// A name that fits.
#[derive(Clone, Debug)]
struct Hit {
    name: String,
    score: f64,
}

pub(crate) async fn metric_names(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = asked(&api, &params, "metric_names")?;
    let families = if boolean(&params, "include_metadata", false)? {
        metadata::by_family(&api)
    } else {
        MetadataTwin::new()
    };
    let hits = search(&api, &asked, Among::ValuesOf(METRIC_NAME.to_owned())).await?;
    Ok(answer(hits, &asked, |hit, score| {
        let entry = families.get(&hit.name).and_then(|entries| entries.first());
        to_json(&MetricTwin {
            name: &hit.name,
            score,
            kind: entry.map_or("", |entry| &entry.kind),
            help: entry.map_or("", |entry| &entry.help),
            unit: entry.map_or("", |entry| &entry.unit),
        })
    }))
}

pub(crate) async fn label_names(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = asked(&api, &params, "label_names")?;
    let hits = search(&api, &asked, Among::LabelNames).await?;
    Ok(answer(hits, &asked, |hit, score| {
        to_json(&MetricTwin {
            score,
            ..MetricTwin::named(&hit.name)
        })
    }))
}

pub(crate) async fn label_values(
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = asked(&api, &params, "label_values")?;
    let missing = || ApiError::bad_data("missing required parameter \"label\"");
    let label = params.some("label").ok_or_else(missing)?;
    let hits = search(&api, &asked, Among::ValuesOf(label.to_owned())).await?;
    Ok(answer(hits, &asked, |hit, score| {
        to_json(&ValueTwin {
            value: &hit.name,
            score,
        })
    }))
}

fn asked(api: &Api, params: &Params, endpoint: &str) -> Result<SearchParams, ApiError> {
    let disabled = || ApiError::new(ErrorKind::Unavailable, "search API disabled");
    let limits = api.search.ok_or_else(disabled)?;
    SearchParams::parse(params, api.clock.now(), limits.results_max, endpoint)
}

/// The best hits in their order, and one more if there are more.
async fn search(api: &Api, asked: &SearchParams, among: Among) -> Result<Vec<Hit>, ApiError> {
    let asked = asked.clone();
    blocking(&api.queries, move |reader: &dyn SeriesReader| {
        let names = union(&asked.selectors, |matchers| match &among {
            Among::LabelNames => reader.label_names(asked.range, matchers),
            Among::ValuesOf(name) => reader.label_values(name, asked.range, matchers),
        })?;
        Ok(best(names, &asked))
    })
    .await
}

/// `names` are sorted.
fn best(names: Vec<String>, asked: &SearchParams) -> Vec<Hit> {
    let search = Search::new(asked.terms.iter().map(String::as_str), asked.how);
    let fits = |name: String| {
        let score = search.score(&name)?;
        Some(Hit { name, score })
    };
    let wanted = asked.limit.saturating_add(1);
    let names = names.into_iter();
    match asked.order {
        Order::Name => names.filter_map(fits).take(wanted).collect(),
        Order::NameDown => names.rev().filter_map(fits).take(wanted).collect(),
        Order::Score => {
            let mut hits: Vec<Hit> = names.filter_map(fits).collect();
            // The stable sort leaves equal scores in the order of the names.
            hits.sort_by(|a, b| b.score.total_cmp(&a.score));
            hits.truncate(wanted);
            hits
        }
    }
}

#[derive(Serialize)]
struct MetricTwin<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<serde_json::Number>,
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    help: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'a str,
}

impl<'a> MetricTwin<'a> {
    fn named(name: &'a str) -> Self {
        Self {
            name,
            score: None,
            kind: "",
            help: "",
            unit: "",
        }
    }
}

#[derive(Serialize)]
struct ValueTwin<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<serde_json::Number>,
}

/// Whole numbers have no fraction, as Go writes them.
fn number(score: f64) -> Option<serde_json::Number> {
    if score == 1.0 {
        return Some(1.into());
    }
    serde_json::Number::from_f64(score)
}

/// The first line is there even if it has no results.
fn answer(
    mut hits: Vec<Hit>,
    asked: &SearchParams,
    twin: impl Fn(&Hit, Option<serde_json::Number>) -> String,
) -> Response {
    let has_more = hits.len() > asked.limit;
    hits.truncate(asked.limit);
    let mut out = String::new();
    let mut batches = hits.chunks(asked.batch_size);
    let mut batch = batches.next().or(Some(&[]));
    while let Some(hits) = batch {
        let twins: Vec<String> = hits
            .iter()
            .map(|hit| twin(hit, asked.shows_score.then(|| number(hit.score)).flatten()))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{{\"results\":[{}]}}", twins.join(","));
        batch = batches.next();
    }
    let _ = writeln!(out, "{{\"status\":\"success\",\"has_more\":{has_more}}}");
    let mut response = out.into_response();
    let lines = HeaderValue::from_static("application/x-ndjson; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, lines);
    response
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn found(pairs: &[(&str, &str)]) -> Vec<String> {
        let asked = SearchParams::parse(&Params::of(pairs), Timestamp(0), 0, "").unwrap();
        let names = ["cpu_total", "http_total", "my_http", "up"].map(str::to_owned);
        let hits = best(names.to_vec(), &asked);
        hits.into_iter().map(|hit| hit.name).collect()
    }

    #[test]
    fn orders_and_limits() {
        assert_eq!(found(&[("search[]", "http")]), ["http_total", "my_http"]);
        let by_score = [
            ("search[]", "my"),
            ("search[]", "http"),
            ("sort_by", "score"),
        ];
        assert_eq!(found(&by_score), ["http_total", "my_http"]);
        assert_eq!(
            found(&[("search[]", "ht"), ("sort_by", "score"), ("limit", "1")]).len(),
            2
        );
        let down = [("sort_by", "alpha"), ("sort_dir", "dsc"), ("limit", "2")];
        assert_eq!(found(&down), ["up", "my_http", "http_total"]);
        assert!(found(&[("search[]", "nothing")]).is_empty());
    }
}
