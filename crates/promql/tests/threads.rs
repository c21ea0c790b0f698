//! The same query on the same data gives the same bits on any number of threads.

use std::error::Error;

use model::sample::Value;
use model::{Duration, Labels, Timestamp};
use promql::testing::memory::MemoryStorage;
use promql::{Engine, EngineOptions, ParserOptions, Query, QueryResult, RangeTimes};

/// More series than a block has, of unlike sizes, so that sums depend on the order of additions.
fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for number in 0..260u32 {
        let labels = Labels::from_pairs([
            ("__name__".to_owned(), format!("m{}_total", number % 3)),
            ("group".to_owned(), (number % 7).to_string()),
            ("instance".to_owned(), number.to_string()),
        ]);
        let scale = f64::from(number % 19) * 1e3 + 0.1;
        for at in (0..80).filter(|at| (at + i64::from(number)) % 11 != 0) {
            let value = scale * f64::from(u32::try_from(at).unwrap_or(0)).sin();
            storage.add(&labels, at * 15_000, Value::Float(value));
        }
    }
    storage
}

fn bits(result: &QueryResult) -> String {
    // Two NaN differ, so bits are compared, not values.
    format!("{:?} {:?} {:?}", result.value, result.infos, result.stats)
}

#[test]
fn any_number_of_threads_gives_the_same() -> Result<(), Box<dyn Error>> {
    let storage = storage();
    for text in [
        r#"sum by (group) (rate({__name__=~"m.*"}[5m]))"#,
        r#"sum(rate(m1_total[5m]))"#,
        r#"avg without (instance) (m2_total)"#,
        r#"stddev(m0_total)"#,
        r#"topk(3, increase(m0_total[3m]))"#,
        r#"max by (group) (quantile_over_time(0.3, m1_total[4m]))"#,
        r#"rate(m0_total[5m]) / on (instance) group_left () m0_total"#,
        r#"sum(max_over_time(sum by (group) (m1_total)[5m:30s]))"#,
    ] {
        let query = Query::parse(text, &ParserOptions::default())?;
        let times = RangeTimes {
            start: Timestamp(0),
            end: Timestamp(1_200_000),
            step: Duration::from_millis(7_000),
        };
        let mut seen: Option<(String, String)> = None;
        for threads in [1, 2, 3, 8] {
            let engine = Engine::new(EngineOptions {
                threads,
                ..EngineOptions::default()
            });
            let range = bits(&engine.range(&storage, query.expression(), times)?);
            let instant = bits(&engine.instant(&storage, query.expression(), times.end)?);
            assert!(range.contains("times"), "{text} has a result");
            let (range_before, instant_before) =
                seen.get_or_insert_with(|| (range.clone(), instant.clone()));
            assert_eq!(*range_before, range, "{text} on {threads} threads");
            assert_eq!(*instant_before, instant, "{text} on {threads} threads");
        }
    }
    Ok(())
}
