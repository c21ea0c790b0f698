//! Queries of a group give what each gives alone, and what they share is read once.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::sample::Value;
use model::storage::{ReadError, SelectRequest, SeriesList, SeriesReader, TimeRange};
use model::{Labels, Matcher, Timestamp};
use promql::testing::memory::MemoryStorage;
use promql::{Engine, EngineOptions, ParserOptions, Query, QueryGroup, QueryResult};

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for number in 0..40u32 {
        for name in ["a_total", "b_total", "c", "d_bucket"] {
            let labels = Labels::from_pairs([
                ("__name__".to_owned(), name.to_owned()),
                ("group".to_owned(), (number % 3).to_string()),
                ("le".to_owned(), (number % 5).to_string()),
                ("instance".to_owned(), number.to_string()),
            ]);
            for at in 0..60 {
                let value = f64::from(number) * f64::from(u32::try_from(at).unwrap_or(0)).sin();
                storage.add(&labels, at * 15_000, Value::Float(value));
            }
        }
    }
    storage
}

/// Counts how often series were asked for.
struct Counting(MemoryStorage, AtomicUsize);

impl SeriesReader for Counting {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.select(request)
    }

    fn label_names(&self, range: TimeRange, m: &[Matcher]) -> Result<Vec<String>, ReadError> {
        self.0.label_names(range, m)
    }

    fn label_values(
        &self,
        name: &str,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<Vec<String>, ReadError> {
        self.0.label_values(name, range, matchers)
    }
}

fn query(text: &str) -> Result<Query, Box<dyn Error>> {
    Ok(Query::parse(text, &ParserOptions::ALL)?)
}

fn engine() -> Engine<'static> {
    Engine::new(EngineOptions::default())
}

/// Everything that a user could see; two NaN differ, so texts are compared.
fn shown(result: &QueryResult) -> String {
    let stats = (result.stats.samples_total, result.stats.samples_read);
    let QueryResult {
        value,
        warnings,
        infos,
        ..
    } = result;
    format!("{value:?} {warnings:?} {infos:?} {stats:?}")
}

#[test]
fn a_group_gives_what_each_query_gives_alone() -> Result<(), Box<dyn Error>> {
    let storage = storage();
    let shared = "sum by (le, group) (rate(d_bucket[5m]))";
    let texts = [
        // One subexpression in several queries, at different places, with notes that name the place.
        format!("histogram_quantile(0.5, {shared})"),
        format!("1 + histogram_quantile(2, {shared})"),
        format!("histogram_quantile(0.99, {shared}) > -1"),
        // In one query twice, within others that are shared themselves.
        format!("{shared} / on (le, group) ({shared} + 1)"),
        format!("sum({shared} / on (le, group) ({shared} + 1))"),
        format!("sum({shared} / on (le, group) ({shared} + 1)) + 1"),
        // The same query again, and one that is part of it.
        format!("1 + histogram_quantile(2, {shared})"),
        shared.to_owned(),
        // Within subqueries, at other times, with bounds of the query.
        format!("max_over_time({shared}[5m:1m])"),
        format!("avg_over_time({shared}[5m:1m]) + on (le, group) {shared}"),
        "rate(a_total[2m] @ start())".to_owned(),
        "rate(a_total[2m] @ start()) + 1".to_owned(),
        // Notes: a gauge taken for a counter.
        "sum(rate(c[5m]))".to_owned(),
        "\n\n   sum(rate(c[5m])) * 2".to_owned(),
        "topk by (group) (1, max by (group, instance) (c)) + 1".to_owned(),
        "c * on (group, instance) topk by (group) (1, max by (group, instance) (c))".to_owned(),
        // Metadata of functions that need only parts of histograms.
        "histogram_count(sum(c))".to_owned(),
        "histogram_quantile(0.5, sum(c))".to_owned(),
    ];
    let queries: Result<Vec<Query>, _> = texts.iter().map(|text| query(text)).collect();
    let group = QueryGroup::new(queries?, |_| false);
    assert!(group.common() >= 5, "{}", group.common());
    for time in [300_000, 300_000, 450_000, 885_000, 1_000_000] {
        let time = Timestamp(time);
        for text in &texts {
            let alone = engine().instant(&storage, query(text)?.expression(), time)?;
            let known = group.query(text).ok_or("not in the group")?;
            let together = engine().instant_in_group(&storage, &group, known.expression(), time)?;
            assert_eq!(shown(&alone), shown(&together), "{text} at {time:?}");
        }
    }
    Ok(())
}

/// How often series are asked for when the queries are asked once each.
fn selects(texts: &[&str], is_written: impl Fn(&str) -> bool) -> Result<usize, Box<dyn Error>> {
    let storage = Counting(storage(), AtomicUsize::new(0));
    let queries: Result<Vec<Query>, _> = texts.iter().map(|text| query(text)).collect();
    let group = QueryGroup::new(queries?, is_written);
    for text in texts {
        let known = group.query(text).ok_or("not in the group")?;
        engine().instant_in_group(&storage, &group, known.expression(), Timestamp(600_000))?;
    }
    Ok(storage.1.load(Ordering::Relaxed))
}

#[test]
fn what_is_shared_is_read_once() -> Result<(), Box<dyn Error>> {
    let texts = ["sum(rate(a_total[5m])) + 1", "sum(rate(a_total[5m])) + 2"];
    assert_eq!(selects(&texts, |_| false)?, 1);
    assert_eq!(selects(&["sum(a_total)", "sum(a_total)"], |_| false)?, 1);
    // Not what the queries themselves may change, what has no name, or what `info` adds.
    assert_eq!(selects(&texts, |metric| metric == "a_total")?, 2);
    let unnamed = [r#"sum({group="1"}) + 1"#, r#"sum({group="1"}) + 2"#];
    assert_eq!(selects(&unnamed, |_| false)?, 2);
    let alone = selects(&["sum(info(c)) + 1"], |_| false)?;
    let info = ["sum(info(c)) + 1", "sum(info(c)) + 2"];
    assert_eq!(selects(&info, |_| false)?, 2 * alone);
    Ok(())
}

#[test]
fn a_group_forgets_at_another_time() -> Result<(), Box<dyn Error>> {
    let storage = Counting(storage(), AtomicUsize::new(0));
    let texts = ["sum(a_total) + 1", "sum(a_total) + 2"];
    let group = QueryGroup::new(vec![query(texts[0])?, query(texts[1])?], |_| false);
    // Only the first is asked; its result must not be there at the next time.
    for time in [300_000, 315_000, 300_000] {
        let first = query(texts[0])?;
        let time = Timestamp(time);
        let together = engine().instant_in_group(&storage, &group, first.expression(), time)?;
        let alone = engine().instant(&storage, first.expression(), time)?;
        assert_eq!(shown(&together), shown(&alone));
    }
    assert_eq!(storage.1.load(Ordering::Relaxed), 6);
    Ok(())
}
