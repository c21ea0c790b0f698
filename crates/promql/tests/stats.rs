//! What a query says about the samples it looked at.

use std::error::Error;

use model::sample::Value;
use model::{Duration, Labels, Timestamp};
use promql::testing::memory::MemoryStorage;
use promql::{
    Engine, EngineOptions, Feature, Interruption, ParserOptions, Query, QueryError, QueryStats,
    RangeTimes,
};

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for instance in ["a", "b"] {
        let labels = Labels::from_pairs([("__name__", "up"), ("instance", instance)]);
        for at in 0..60 {
            storage.add(&labels, at * 15_000, Value::Float(1.0));
        }
    }
    storage
}

fn range(text: &str, options: EngineOptions) -> Result<QueryStats, Box<dyn Error>> {
    let query = Query::parse(text, &ParserOptions::default())?;
    let times = RangeTimes {
        start: Timestamp(0),
        end: Timestamp(600_000),
        step: Duration::from_secs(120),
    };
    let result = Engine::new(options).range(&storage(), query.expression(), times)?;
    Ok(result.stats)
}

#[test]
fn selectors_count_one_sample_per_series_and_step() -> Result<(), Box<dyn Error>> {
    let options = EngineOptions {
        per_step_stats: Feature::On,
        ..EngineOptions::default()
    };
    let stats = range("sum(up)", options)?;
    assert_eq!((stats.samples_total, stats.samples_read), (12, 12));
    assert_eq!(stats.samples_peak, 12);
    assert_eq!(stats.per_step.len(), 6);
    assert!(stats.per_step.iter().all(|step| step.total == 2));
    assert_eq!(stats.per_step[1].time, 120_000);
    Ok(())
}

#[test]
fn overlapping_windows_count_again_but_are_read_once() -> Result<(), Box<dyn Error>> {
    let stats = range("count_over_time(up[4m])", EngineOptions::default())?;
    // 1 sample at the first step, 9 at the second, 16 at the other four, for two series.
    assert_eq!(stats.samples_total, 2 * (1 + 9 + 4 * 16));
    assert_eq!(stats.samples_read, 2 * (1 + 5 * 8));
    Ok(())
}

#[test]
fn what_is_fixed_in_time_is_read_once() -> Result<(), Box<dyn Error>> {
    let stats = range("sum(up @ 60)", EngineOptions::default())?;
    assert_eq!((stats.samples_total, stats.samples_read), (12, 2));
    Ok(())
}

#[test]
fn subqueries_count_their_windows_and_read_their_samples() -> Result<(), Box<dyn Error>> {
    let stats = range("max_over_time(up[2m:1m])", EngineOptions::default())?;
    // The subquery has one point at the first step and two at each other one.
    assert_eq!(stats.samples_total, 2 * (1 + 5 * 2));
    assert_eq!(stats.samples_read, 2 * (1 + 5 * 2));
    Ok(())
}

#[test]
fn too_many_samples_are_refused() {
    let options = EngineOptions {
        samples_max: 11,
        ..EngineOptions::default()
    };
    let error = range("sum(up)", options).map_err(|error| error.to_string());
    let expected = "query processing would load too many samples into memory in query execution";
    assert_eq!(error, Err(expected.to_owned()));
}

#[test]
fn series_and_bytes_have_limits_of_their_own() {
    let limited = |series_max, bytes_max| EngineOptions {
        series_max,
        bytes_max,
        ..EngineOptions::default()
    };
    let both = "count(up) + count(up offset 1m)";
    let refused = |options| range(both, options).map(|_| ()).map_err(|e| e.to_string());
    assert_eq!(refused(limited(4, 1000)), Ok(()));
    let error = refused(limited(3, 1000)).err().unwrap_or_default();
    assert!(
        error.contains("selects 4 series or more, and 3 are allowed"),
        "{error}"
    );
    let error = refused(limited(4, 100)).err().unwrap_or_default();
    assert!(error.contains("more than the 100 bytes allowed"), "{error}");
}

#[test]
fn the_caller_can_stop_a_query() -> Result<(), Box<dyn Error>> {
    let query = Query::parse("sum(up)", &ParserOptions::default())?;
    for (interruption, expected) in [
        (Interruption::Timeout, QueryError::Timeout),
        (Interruption::Canceled, QueryError::Canceled),
    ] {
        let engine =
            Engine::new(EngineOptions::default()).interruptible(move || Some(interruption));
        let result = engine.instant(&storage(), query.expression(), Timestamp(0));
        assert_eq!(result.map(|_| ()), Err(expected));
    }
    Ok(())
}
