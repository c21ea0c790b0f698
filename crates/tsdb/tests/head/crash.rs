//! Random lives that end in the middle of a write: nothing acknowledged is lost, nothing half-written
//! is seen. `KEEPWATCH_SEED` repeats one run; failing seeds are printed.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::storage::{
    HistogramSample, SampleBatch, SampleWriter, SeriesBatch, SeriesList, TimeRange,
};
use model::time::Timestamp;
use testkit::disk::{Fault, FaultDisk, Random};
use tsdb::log::Compression;
use tsdb::{Head, OpenOptions};

use super::support::{options, resolve, select};

/// A commit: its time, and how many floats and histograms it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Commit {
    floats: usize,
    histograms: usize,
}

/// What the test knows of the head.
#[derive(Debug, Default)]
struct Model {
    acknowledged: BTreeMap<i64, Commit>,
    /// Given to `commit`, which did not come back.
    in_flight: BTreeMap<i64, Commit>,
    /// The newest acknowledged commit when the log was synced last.
    synced: i64,
    keep_from: i64,
    time: i64,
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    run(0..50, Ending::Kill);
}

#[test]
fn nothing_synced_is_lost_by_a_power_cut() {
    run(1000..1050, Ending::PowerCut);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Kill,
    PowerCut,
}

fn run(seeds: std::ops::Range<u64>, ending: Ending) {
    let only = std::env::var("KEEPWATCH_SEED").ok();
    let only: Option<u64> = only.and_then(|seed| seed.parse().ok());
    for seed in seeds {
        if only.is_some_and(|only| only != seed) {
            continue;
        }
        let result = std::panic::catch_unwind(|| lives(seed, ending));
        if let Err(panic) = result {
            println!("seed {seed} with {ending:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Several lives on one disk, each ended by a crash.
fn lives(seed: u64, ending: Ending) {
    let mut random = Random::new(seed);
    let mut disk = FaultDisk::new(seed);
    let mut model = Model::default();
    for life in 0..4 {
        let mut options = options(&disk);
        options.log.segment_bytes = 32 * 1024 * (1 + random.below(3));
        options.log.compression = if random.below(2) == 0 {
            Compression::Snappy
        } else {
            Compression::None
        };
        let crash_at = disk.writes() + 1 + random.below(120);
        disk.plan(Some(Fault::CrashAtWrite(crash_at)));
        live(options, &mut model, &mut random);
        disk = match ending {
            Ending::Kill => disk.after_kill(),
            Ending::PowerCut => disk.after_power_cut(),
        };
        let (head, report) = Head::open(self::options(&disk)).unwrap();
        // The log and the chunk files may each have a torn end.
        assert!(report.repairs.len() <= 2, "life {life}: {report:?}");
        verify(&head, &mut model, ending);
        // The head that was just opened ends here, without being closed.
        disk = disk.after_kill();
    }
}

/// Commits, truncates, syncs and reopens until the disk gives up.
fn live(options: OpenOptions, model: &mut Model, random: &mut Random) {
    let Ok((mut head, _)) = Head::open(options.clone()) else {
        return;
    };
    loop {
        let failed = match random.below(40) {
            0 => head.sync().map(|()| model.synced = model.time).is_err(),
            1 => {
                let keep_from = model.time - 60_000;
                let result = head.truncate(Timestamp(keep_from));
                // Even a truncation that failed may have dropped samples.
                model.keep_from = model.keep_from.max(keep_from);
                result.is_err()
            }
            2 => head.snapshot().is_err(),
            3 => {
                let _ = head.close();
                match Head::open(options.clone()) {
                    Ok((next, _)) => {
                        head = next;
                        false
                    }
                    Err(_) => true,
                }
            }
            _ => commit(&head, model, random).is_err(),
        };
        if failed {
            return;
        }
    }
}

fn commit(head: &Head, model: &mut Model, random: &mut Random) -> Result<(), ()> {
    model.time += 1000;
    let time = model.time;
    let shape = Commit {
        floats: random.below(60) as usize,
        histograms: (random.below(3) * random.below(4)) as usize,
    };
    let churn = random.below(8);
    let mut batch = SampleBatch::new();
    for n in 0..shape.floats {
        let series = resolve(head, &format!("float n={n} churn={churn}"));
        batch.push(series, Timestamp(time), time as f64);
    }
    for n in 0..shape.histograms {
        let series = resolve(head, &format!("histogram n={n}"));
        let histogram = FloatHistogram {
            count: time as f64,
            ..FloatHistogram::default()
        };
        let sample = HistogramSample::Float(Arc::new(histogram));
        batch.push_histogram(series, Timestamp(time), sample);
    }
    model.in_flight.insert(time, shape);
    let report = head.commit(&batch).map_err(drop)?;
    assert_eq!(report.appended, shape.floats + shape.histograms);
    model.in_flight.remove(&time);
    model.acknowledged.insert(time, shape);
    Ok(())
}

/// Commits that are in the head, by their time.
fn found(list: &dyn SeriesList) -> BTreeMap<i64, Commit> {
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch).unwrap();
    let mut found: BTreeMap<i64, Commit> = BTreeMap::new();
    let mut histograms = batch.histograms.iter().peekable();
    for (at, time) in batch.times.iter().enumerate() {
        let commit = found.entry(*time).or_insert(Commit {
            floats: 0,
            histograms: 0,
        });
        let value = match histograms.next_if(|(position, _)| *position == at) {
            Some((_, histogram)) => {
                commit.histograms += 1;
                histogram.count
            }
            None => {
                commit.floats += 1;
                batch.values[at]
            }
        };
        assert_eq!(value, *time as f64);
    }
    found
}

fn verify(head: &Head, model: &mut Model, ending: Ending) {
    let range = TimeRange::new(Timestamp(model.keep_from), Timestamp::MAX);
    let found = found(select(head, range, &[]).as_ref());
    for (time, commit) in &found {
        let expected = model
            .acknowledged
            .get(time)
            .or_else(|| model.in_flight.get(time));
        assert_eq!(Some(commit), expected, "half of the commit at {time}");
    }
    for (time, commit) in model.acknowledged.range(model.keep_from..) {
        let is_empty = commit.floats + commit.histograms == 0;
        let must_be_there = ending == Ending::Kill || *time <= model.synced;
        if must_be_there && !is_empty {
            assert!(found.contains_key(time), "the commit at {time} is lost");
        }
    }
    // What survived is what there is from now on.
    model.in_flight.clear();
    model.acknowledged = found;
    model.synced = model.acknowledged.keys().next_back().copied().unwrap_or(0);
}
