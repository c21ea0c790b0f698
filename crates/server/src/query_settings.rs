//! What queries are run with, of flags and features.

use promql::EngineOptions;

use crate::features::Features;
use crate::options::QueryOptions;

pub(crate) fn query_settings(
    query: &QueryOptions,
    features: Features,
    rules_concurrent_max: usize,
) -> queries::Settings {
    let mut engine = EngineOptions {
        lookback_delta: query.lookback_delta,
        ..EngineOptions::default()
    };
    features.apply(&mut engine);
    queries::Settings {
        engine,
        parser: features.parser(),
        limits: queries::Limits {
            samples_max: Some(query.samples_max),
            bytes_max: query.bytes_max,
            series_max: query.series_max,
        },
        timeout: query.timeout,
        concurrent_max: query.concurrent_max,
        room: None,
        rules_concurrent_max,
    }
}
