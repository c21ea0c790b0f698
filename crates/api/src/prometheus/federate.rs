//! `/federate`: the newest samples of the series that selectors find, as a page for another server to scrape.
//!
//! As in the peer: a series whose newest sample within the lookback is a staleness marker is left out; no
//! types are known; external labels are added where a series has no such label, and an empty `instance`, so
//! that the scraping server does not add its own. Text cannot tell native histograms, but those with custom
//! buckets, which become the classic ones that they come from; protobuf tells all.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::labels::METRIC_NAME;
use model::sample::is_stale;
use model::storage::{Projection, ReadError, SelectRequest, SeriesBatch, SeriesReader, TimeRange};
use model::{FloatHistogram, Labels, Matcher, Timestamp};
use net::axum::extract::State;
use net::axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use net::axum::response::Response;
use net::parts::body_in_parts;
use tokio::runtime::Handle;
use wire::negotiate::negotiate_federation;

use super::federate_page::Page;
use crate::params::Params;
use crate::respond::plain_error;
use crate::sources::Api;

/// Series whose samples are read together.
const ROWS_AT_ONCE: usize = 1024;
/// Parts of a page that wait for a slow reader.
const PARTS_WAITING_MAX: usize = 4;

/// The newest sample of a series.
#[derive(Clone, Debug)]
pub(super) struct Newest {
    pub(super) labels: Labels,
    pub(super) time: Timestamp,
    pub(super) value: NewestValue,
}

#[derive(Clone, Debug)]
pub(super) enum NewestValue {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

pub(crate) async fn federate(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    params: Params,
) -> Response {
    let selectors: Result<Vec<Vec<Matcher>>, _> = params
        .all("match[]")
        .map(promql::parse_metric_selector)
        .collect();
    let selectors = match selectors {
        Ok(selectors) => selectors,
        Err(errors) => return plain_error(StatusCode::BAD_REQUEST, &errors.to_string()),
    };
    let settings = api.queries.settings();
    let now = api.clock.now();
    let start = Timestamp(now.0.saturating_sub(settings.engine.lookback_delta.0));
    let range = TimeRange::new(start, now);
    let series_max = settings.limits.samples_max.unwrap_or(usize::MAX);
    let reader = Arc::clone(api.queries.reader());
    let found =
        tokio::task::spawn_blocking(move || collect(&*reader, range, &selectors, series_max));
    let failed = |problem: &str| {
        api.federation_errors.increment();
        plain_error(StatusCode::INTERNAL_SERVER_ERROR, problem)
    };
    let found = match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return failed(&error.to_string()),
        Err(error) => return failed(&error.to_string()),
    };
    let accept: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let format = negotiate_federation(&accept.join(","));
    let external = api.config.external_labels();
    let (parts, body) = body_in_parts(PARTS_WAITING_MAX);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut page = Page::new(format, &external);
        for newest in found {
            // A reader that is gone needs no page.
            if let Some(part) = page.add(&newest)
                && parts.send_blocking(&runtime, part).is_err()
            {
                return;
            }
        }
        let last = parts.send_blocking(&runtime, page.finish());
        if last.is_ok() {
            parts.finish_blocking(&runtime);
        }
    });
    let mut response = Response::new(body);
    if let Ok(value) = HeaderValue::from_str(&format.content_type()) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

/// The newest samples by the names of their metrics, then by their labels.
fn collect(
    reader: &dyn SeriesReader,
    range: TimeRange,
    selectors: &[Vec<Matcher>],
    series_max: usize,
) -> Result<Vec<Newest>, ReadError> {
    let mut found: BTreeMap<(String, Labels), (Timestamp, NewestValue)> = BTreeMap::new();
    let mut batch = SeriesBatch::new();
    for matchers in selectors {
        let list = reader.select(&SelectRequest {
            range,
            matchers,
            projection: Projection::All,
        })?;
        for first in (0..list.len()).step_by(ROWS_AT_ONCE) {
            let rows = first..(first + ROWS_AT_ONCE).min(list.len());
            batch.clear();
            list.read_newest(rows.clone(), &mut batch)?;
            for (entry, row) in rows.enumerate() {
                let Some(newest) = newest_of(&batch, entry) else {
                    continue;
                };
                let labels = list.labels(row);
                found.insert((labels.metric_name().to_owned(), labels), newest);
                if found.len() > series_max {
                    return Err(ReadError::Failed(format!(
                        "more than {series_max} series are asked for (--query.max-samples)"
                    )));
                }
            }
        }
    }
    let newest = |((_, labels), (time, value))| Newest {
        labels,
        time,
        value,
    };
    Ok(found
        .into_iter()
        // Who has no name cannot be told.
        .filter(|((name, _), _)| !name.is_empty())
        .map(newest)
        .collect())
}

fn newest_of(batch: &SeriesBatch, entry: usize) -> Option<(Timestamp, NewestValue)> {
    let last = batch.positions(entry).last()?;
    let time = Timestamp(*batch.times.get(last)?);
    let value = match batch.histograms_of(entry).last() {
        Some((at, histogram)) if *at == last => {
            if is_stale(histogram.sum) {
                return None;
            }
            NewestValue::Histogram(Arc::clone(histogram))
        }
        _ => {
            let value = *batch.values.get(last)?;
            if is_stale(value) {
                return None;
            }
            NewestValue::Float(value)
        }
    };
    Some((time, value))
}

/// The labels of a series, then the external ones that it has not; an empty `instance` if nothing else gives
/// one.
pub(super) fn printed_labels<'a>(own: &'a Labels, external: &'a Labels) -> Vec<(&'a str, &'a str)> {
    let mut labels: Vec<(&str, &str)> = own
        .iter()
        .filter(|(name, _)| *name != METRIC_NAME)
        .collect();
    let mut added: Vec<(&str, &str)> = external.iter().collect();
    if !external.contains("instance") {
        added.push(("instance", ""));
        added.sort_unstable();
    }
    added.retain(|(name, _)| !own.contains(name));
    labels.append(&mut added);
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_completed() {
        let own = Labels::from_pairs([("__name__", "up"), ("job", "a"), ("zone", "z")]);
        let external = Labels::from_pairs([("cluster", "c"), ("job", "outer"), ("region", "r")]);
        assert_eq!(
            printed_labels(&own, &external),
            [
                ("job", "a"),
                ("zone", "z"),
                ("cluster", "c"),
                ("instance", ""),
                ("region", "r")
            ]
        );
        let own = Labels::from_pairs([("__name__", "up"), ("instance", "i")]);
        assert_eq!(printed_labels(&own, &Labels::empty()), [("instance", "i")]);
        let external = Labels::from_pairs([("instance", "me")]);
        assert_eq!(
            printed_labels(&Labels::from_name("up"), &external),
            [("instance", "me")]
        );
    }
}
