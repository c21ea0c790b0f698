//! The parser: queries of about 130 characters are what dashboards and rules have.

use std::hint::black_box;

use bench::corpus::QUERIES;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use promql::ParserOptions;

const TYPICAL: &str = r#"sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{job="cadvisor", namespace="team-1", container!=""}[5m])) > 0.5 * 3"#;

fn parser(criterion: &mut Criterion) {
    let options = ParserOptions::default();
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(TYPICAL.len() as u64));
    group.bench_function("130-characters", |bencher| {
        bencher.iter(|| promql::parse(black_box(TYPICAL), &options));
    });
    let all: usize = QUERIES.iter().map(|(_, _, text)| text.len()).sum();
    group.throughput(Throughput::Bytes(all as u64));
    group.bench_function("dashboards", |bencher| {
        bencher.iter(|| {
            for (_, _, text) in QUERIES {
                let _ = black_box(promql::parse(black_box(text), &options));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, parser);
criterion_main!(benches);
