//! Whole queries over a head in memory, from the text to the result.

#![allow(
    clippy::panic,
    missing_docs,
    reason = "a benchmark that cannot run has nothing to give back"
)]

use std::hint::black_box;

use bench::cluster::{Cluster, Size};
use bench::corpus::{Asked, QUERIES};
use criterion::{Criterion, criterion_group, criterion_main};
use model::{Duration, Timestamp};
use promql::{Engine, EngineOptions, ParserOptions, Query, RangeTimes};

const STEPS: i64 = 240;

fn queries(criterion: &mut Criterion) {
    let cluster = match Cluster::new(Size::from_environment()) {
        Ok(cluster) => cluster,
        Err(error) => panic!("filling the head: {error}"),
    };
    let engine = Engine::new(EngineOptions::default());
    let mut group = criterion.benchmark_group("query");
    group.sample_size(20);
    for (name, asked, text) in QUERIES {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let query = Query::parse(*text, &ParserOptions::default());
                let Ok(query) = black_box(query) else {
                    panic!("{text} is not valid");
                };
                let result = match asked {
                    Asked::Instant => {
                        engine.instant(&cluster.head, query.expression(), cluster.end)
                    }
                    Asked::Range(minutes) => {
                        let length = minutes * 60_000;
                        let times = RangeTimes {
                            start: Timestamp(cluster.end.0 - length),
                            end: cluster.end,
                            step: Duration::from_millis(length / STEPS),
                        };
                        engine.range(&cluster.head, query.expression(), times)
                    }
                };
                match result {
                    Ok(result) => black_box(result),
                    Err(error) => panic!("{text}: {error}"),
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, queries);
criterion_main!(benches);
