//! Short forms for tests: series as text, samples as text.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use model::labels::Labels;
use model::matcher::{MatchOp, Matcher};
use model::storage::{
    CommitReport, Projection, SampleBatch, SampleWriter, SelectRequest, SeriesBatch, SeriesList,
    SeriesReader, SeriesRef, TimeRange,
};
use model::time::Timestamp;
use testkit::disk::FaultDisk;
use tsdb::{Head, OpenOptions, ReplayReport};

pub(crate) const DIR: &str = "data";

pub(crate) fn options(disk: &FaultDisk) -> OpenOptions {
    OpenOptions::new(DIR, Arc::new(disk.clone()))
}

pub(crate) fn open(disk: &FaultDisk) -> (Head, ReplayReport) {
    Head::open(options(disk)).unwrap()
}

pub(crate) fn wal(name: &str) -> std::path::PathBuf {
    Path::new(DIR).join("wal").join(name)
}

/// `name a=1 b=2`
pub(crate) fn labels(text: &str) -> Labels {
    let mut words = text.split_whitespace();
    let name = words.next().map(|name| ("__name__", name));
    let pairs = words.map(|word| word.split_once('=').unwrap());
    Labels::from_pairs(name.into_iter().chain(pairs))
}

/// `a=1`, `a!=1`, `a=~x`, `a!~x`
pub(crate) fn matcher(text: &str) -> Matcher {
    for (sign, op) in [
        ("!=", MatchOp::NotEqual),
        ("=~", MatchOp::Regex),
        ("!~", MatchOp::NotRegex),
        ("=", MatchOp::Equal),
    ] {
        if let Some((name, value)) = text.split_once(sign) {
            return Matcher::new(op, name, value).unwrap();
        }
    }
    panic!("no matcher: {text}");
}

pub(crate) fn matchers(text: &str) -> Vec<Matcher> {
    text.split_whitespace().map(matcher).collect()
}

pub(crate) fn resolve(head: &Head, text: &str) -> SeriesRef {
    head.resolve(&labels(text)).unwrap()
}

/// Commits `(series, time, value)` rows.
pub(crate) fn commit(head: &Head, rows: &[(&str, i64, f64)]) -> CommitReport {
    let mut batch = SampleBatch::new();
    for (series, time, value) in rows {
        batch.push(resolve(head, series), Timestamp(*time), *value);
    }
    head.commit(&batch).unwrap()
}

pub(crate) fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(Timestamp(start), Timestamp(end))
}

pub(crate) fn select(head: &Head, range: TimeRange, matchers: &[Matcher]) -> Arc<dyn SeriesList> {
    let request = SelectRequest {
        range,
        matchers,
        projection: Projection::All,
    };
    head.select(&request).unwrap()
}

/// One line per series: labels, then `value@time`; histograms as `{count sum}@time`.
pub(crate) fn dump_list(list: &dyn SeriesList) -> String {
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch).unwrap();
    let mut out = String::new();
    for row in 0..list.len() {
        write!(out, "{}", list.labels(row)).unwrap();
        let (times, values) = batch.floats(row);
        let first = batch.positions(row).start;
        let histograms = batch.histograms_of(row);
        for (at, time) in times.iter().enumerate() {
            let histogram = histograms
                .iter()
                .find(|(position, _)| *position == first + at);
            match histogram {
                Some((_, h)) => write!(out, " {{{} {}}}@{time}", h.count, h.sum).unwrap(),
                None if model::sample::is_stale(values[at]) => {
                    write!(out, " stale@{time}").unwrap();
                }
                None => write!(out, " {}@{time}", values[at]).unwrap(),
            }
        }
        out.push('\n');
    }
    out
}

pub(crate) fn dump(head: &Head, selector: &str) -> String {
    dump_list(select(head, TimeRange::ALL, &matchers(selector)).as_ref())
}
