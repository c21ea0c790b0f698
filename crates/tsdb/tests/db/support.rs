//! A database with samples of all kinds, and everything in it as text.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use model::clock::ManualClock;
use model::disk::Disk;
use model::histogram::{FloatHistogram, Histogram};
use model::labels::Labels;
use model::matcher::{MatchOp, Matcher};
use model::storage::{
    HistogramSample, Projection, SampleBatch, SampleWriter, SelectRequest, SeriesBatch,
    SeriesReader, TimeRange,
};
use model::time::{Duration, Timestamp};
use tsdb::block::UlidSource;
use tsdb::{Db, DbOptions, OpenOptions};

pub(crate) const HOUR: i64 = 3_600_000;
/// A multiple of all lengths of blocks that occur here.
pub(crate) const BASE: i64 = 1_700_006_400_000 / (54 * HOUR) * (54 * HOUR);

pub(crate) fn options(dir: impl AsRef<Path>, disk: Arc<dyn Disk>, seed: u64) -> DbOptions {
    let mut head = OpenOptions::new(dir.as_ref(), disk);
    head.replay_workers = 0;
    let clock = Arc::new(ManualClock::new(Timestamp(BASE)));
    let mut options = DbOptions::new(head, UlidSource::new(clock, seed));
    options.block_range_max = Duration(54 * HOUR);
    options
}

pub(crate) fn open(options: &DbOptions) -> Db {
    let (db, report) = Db::open(options.clone()).unwrap();
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
    assert!(report.replay.repairs.is_empty(), "{:?}", report.replay);
    db
}

pub(crate) fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(Timestamp(start), Timestamp(end))
}

/// `name a=1 b=2`
pub(crate) fn labels(text: &str) -> Labels {
    let mut words = text.split_whitespace();
    let name = words.next().map(|name| ("__name__", name));
    let pairs = words.map(|word| word.split_once('=').unwrap());
    Labels::from_pairs(name.into_iter().chain(pairs))
}

/// `a=1 b!=1 c=~x d!~x`
pub(crate) fn matchers(text: &str) -> Vec<Matcher> {
    let matcher = |text: &str| {
        let signs = [
            ("!=", MatchOp::NotEqual),
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
            ("=", MatchOp::Equal),
        ];
        let found = signs
            .iter()
            .find_map(|(sign, op)| Some((*op, text.split_once(sign)?)));
        let (op, (name, value)) = found.unwrap_or_else(|| panic!("no matcher: {text}"));
        Matcher::new(op, name, value).unwrap()
    };
    text.split_whitespace().map(matcher).collect()
}

/// Commits one round of samples at a time: floats that are constant, counting and at random, integer
/// and float histograms; every third series lives only now and then.
pub(crate) fn commit_round(db: &Db, time: i64) {
    let step = time.div_euclid(60_000);
    let mut batch = SampleBatch::new();
    for n in 0..12i64 {
        if n % 3 == 2 && (step / 90) % 4 == n % 4 {
            continue;
        }
        let value = match n % 3 {
            0 => 1.0,
            1 => (step * (n + 1)) as f64,
            _ => (step as f64 * 0.37 + n as f64).sin(),
        };
        let text = format!("floats n={n} kind=k{} job=a", n % 3);
        let series = db.resolve(&labels(&text)).unwrap();
        batch.push(series, Timestamp(time), value);
    }
    for n in 0..3u64 {
        let count = step as u64 % 500 + n;
        let histogram = Histogram {
            count,
            zero_count: count,
            sum: count as f64 / 2.0,
            ..Histogram::default()
        };
        let series = db
            .resolve(&labels(&format!("integers n={n} job=b")))
            .unwrap();
        let sample = HistogramSample::Integer(Arc::new(histogram));
        batch.push_histogram(series, Timestamp(time), sample);
    }
    let histogram = FloatHistogram {
        count: step as f64,
        zero_count: step as f64,
        sum: 1.5,
        ..FloatHistogram::default()
    };
    let series = db.resolve(&labels("halves job=b")).unwrap();
    let sample = HistogramSample::Float(Arc::new(histogram));
    batch.push_histogram(series, Timestamp(time), sample);
    let report = db.commit(&batch).unwrap();
    assert!(report.refused.is_empty(), "{:?}", report.refused);
}

/// A round every so many minutes.
pub(crate) fn fill(db: &Db, start: i64, end: i64, minutes: i64) {
    for time in (start..end).step_by((minutes * 60_000) as usize) {
        commit_round(db, time);
    }
}

/// All samples by series, as text.
pub(crate) type Dump = BTreeMap<String, Vec<String>>;

pub(crate) fn dump(reader: &dyn SeriesReader, range: TimeRange, selector: &str) -> Dump {
    try_dump(reader, range, selector).unwrap()
}

pub(crate) fn try_dump(
    reader: &dyn SeriesReader,
    range: TimeRange,
    selector: &str,
) -> Result<Dump, model::storage::ReadError> {
    let list = reader.select(&SelectRequest {
        range,
        matchers: &matchers(selector),
        projection: Projection::All,
    })?;
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch)?;
    let mut newest = SeriesBatch::new();
    list.read_newest(0..list.len(), &mut newest)?;
    let mut found = Dump::new();
    for row in 0..list.len() {
        let samples = samples_of(&batch, row);
        assert_eq!(samples.last(), samples_of(&newest, row).last());
        if samples.is_empty() {
            continue;
        }
        let labels = list.labels(row).to_string();
        assert!(
            found.insert(labels, samples).is_none(),
            "a series is there twice"
        );
    }
    let groups = list.groups(Projection::All);
    for (row, group) in groups.of_row.iter().enumerate() {
        assert_eq!(groups.labels[*group as usize], list.labels(row));
    }
    Ok(found)
}

fn samples_of(batch: &SeriesBatch, row: usize) -> Vec<String> {
    let first = batch.positions(row).start;
    let (times, values) = batch.floats(row);
    assert!(times.is_sorted_by(|a, b| a < b), "times do not grow");
    let text = |(at, time): (usize, &i64)| {
        let position = first + at;
        let histograms = batch.histograms_of(row);
        let start = match batch.start_times.get(position) {
            Some(start) if *start != 0 => format!(" since {start}"),
            _ => String::new(),
        };
        match histograms.binary_search_by_key(&position, |(at, _)| *at) {
            Ok(found) => {
                let histogram = &histograms[found].1;
                format!("{{{} {}}}@{time}{start}", histogram.count, histogram.sum)
            }
            Err(_) => format!("{}@{time}{start}", values[at]),
        }
    };
    times.iter().enumerate().map(text).collect()
}

pub(crate) fn all(db: &Db) -> Dump {
    dump(db, TimeRange::ALL, "")
}

/// Whether an entry of the data folder belongs to the head.
pub(crate) fn is_of_head(name: &Path) -> bool {
    name.starts_with("wal")
        || name.starts_with("chunks_head")
        || name.to_string_lossy().starts_with("chunk_snapshot.")
}
