//! One stretch of the past of one rule: evaluated, and made a block that is taken in.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;
use model::labels::METRIC_NAME;
use model::sample::STALE_NAN;
use model::storage::{Projection, SelectRequest, SeriesBatch, SeriesReader, TimeRange};
use model::{Duration, Labels, Matcher, Timestamp};
use promql::{MatrixSeries, QueryValue, RangeTimes};
use queries::{Limits, Origin, QueryFailure, QueryRequest, QueryService, StatsDetail, When};
use rules::schedule::first_time;
use rules::{GroupSpec, RecordingSpec};
use tsdb::block::BlockBuilder;
use tsdb::db::AdoptError;
use tsdb::{Db, RealDisk};

use crate::pieces::ulids;

/// Times of one query; it takes some milliseconds for each, of a rule that is quick.
const STEPS_MAX: i64 = 500;
/// Series that are looked at at once.
const ROWS: usize = 1000;
/// Results that wait to be a block may take so much memory; with more a stretch is shorter.
pub(super) const MEMORY_MAX: usize = 64 << 20;
/// A merge of blocks is waited for so long.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Why a stretch was not filled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// There is something else to do first; the stretch begins anew behind that.
    #[error("interrupted")]
    Interrupted,
    /// It waits for somebody else, for as long as that takes.
    #[error("{0}")]
    Busy(String),
    /// It may go well later.
    #[error("{0}")]
    Later(String),
    /// It lies beyond the retention.
    #[error("{0}")]
    TooOld(String),
    #[error("{0}")]
    Final(String),
}

/// What is asked and where it goes.
pub(super) struct Ground<'a> {
    pub(super) db: &'a Db,
    pub(super) dir: &'a Path,
    pub(super) queries: &'a QueryService,
    pub(super) now: Timestamp,
    /// Of results; bytes.
    pub(super) memory_max: usize,
    /// Called behind each query with the time that it took; says whether to go on.
    pub(super) rest: &'a dyn Fn(std::time::Duration) -> bool,
}

/// Series that had a sample at the last time that was evaluated, for their staleness markers.
pub(super) type Open = HashSet<Labels>;

/// What came of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// Up to and without this time it is filled, and shown, as one block: it is done as a whole or not at all.
    pub(super) reached: i64,
    pub(super) samples: u64,
}

/// Fills the times from `start` on, up to and without `end` at most, milliseconds.
pub(super) fn fill(
    ground: &Ground<'_>,
    (group, rule): (&GroupSpec, &RecordingSpec),
    (start, end): (i64, i64),
    open: &mut Open,
) -> Result<Filled, Failure> {
    let mut filling = Filling {
        ground,
        group,
        rule,
        first: HashMap::new(),
        builder: BlockBuilder::new(),
        samples: 0,
    };
    let offset = group.query_offset;
    let step = group.interval.millis().max(1);
    let mut at = (first_time(group, Timestamp(start) + offset) - offset).millis();
    while at < end {
        let last = end - 1 - (end - 1 - at).rem_euclid(step);
        let last = last.min(at.saturating_add(step.saturating_mul(STEPS_MAX - 1)));
        let times = RangeTimes {
            start: Timestamp(at),
            end: Timestamp(last),
            step: Duration(step),
        };
        let began = std::time::Instant::now();
        // For each part anew: behind a crash, what the last attempt showed of a stretch ends its first parts only. From
        // behind the evaluation before it on: who records at other moments may have done so since.
        let since = at.saturating_sub(step).saturating_add(1);
        filling.first = first_samples(ground.db, rule, (since, last.saturating_add(1)))?;
        let series = filling.ask(times)?;
        filling.put(series, times, open)?;
        at = last.saturating_add(step);
        let is_full = filling.builder.memory() > ground.memory_max;
        if !(ground.rest)(began.elapsed()) {
            return Err(Failure::Interrupted);
        }
        if is_full {
            break;
        }
    }
    filling.write()?;
    Ok(Filled {
        reached: at.min(end),
        samples: filling.samples,
    })
}

struct Filling<'a> {
    ground: &'a Ground<'a>,
    group: &'a GroupSpec,
    rule: &'a RecordingSpec,
    /// When series that exist have their first sample in the part of the stretch that is asked for.
    first: HashMap<Labels, i64>,
    builder: BlockBuilder,
    samples: u64,
}

impl Filling<'_> {
    fn ask(&self, times: RangeTimes) -> Result<Vec<MatrixSeries>, Failure> {
        let request = QueryRequest {
            text: self.rule.expr.clone(),
            when: When::Over(times),
            origin: Origin::Rule {
                file: self.group.file.clone(),
                group: self.group.name.clone(),
            },
            lookback_delta: None,
            timeout: None,
            limits: Limits::default(),
            stats: StatsDetail::Totals,
        };
        let answer = self.ground.queries.run_now(request).map_err(|failure| {
            let text = failure.to_string();
            match failure {
                QueryFailure::NoRoom(_) => Failure::Busy(text),
                QueryFailure::OutOfRoom => Failure::Later(text),
                _ => Failure::Final(text),
            }
        })?;
        match answer.result.value {
            QueryValue::Matrix(series) => Ok(series),
            _ => Err(Failure::Final(
                "the result is no range of samples".to_owned(),
            )),
        }
    }

    /// Takes what the rule would have recorded.
    fn put(
        &mut self,
        series: Vec<MatrixSeries>,
        times: RangeTimes,
        open: &mut Open,
    ) -> Result<(), Failure> {
        let over = self.over_limit(&series);
        let mut next_open = Open::with_capacity(series.len());
        let mut seen = HashSet::with_capacity(series.len());
        for mut one in series {
            let labels = self.labels(&one.labels);
            if !seen.insert(labels.clone()) {
                let problem = "two results differ only in labels that the rule overwrites";
                return Err(Failure::Final(problem.to_owned()));
            }
            let until = self.first.get(&labels).copied().unwrap_or(i64::MAX);
            let is_wanted = |time: i64| time < until && !over.contains(&time);
            one.histograms.retain(|(time, _)| is_wanted(*time));
            let floats = one.times.iter().copied().zip(one.values.iter().copied());
            let floats: Vec<(i64, f64)> = floats.filter(|(time, _)| is_wanted(*time)).collect();
            let mut has: Vec<i64> = floats.iter().map(|(time, _)| *time).collect();
            has.extend(one.histograms.iter().map(|(time, _)| *time));
            has.sort_unstable();
            self.samples += has.len() as u64;
            for (time, value) in floats {
                self.builder.add(&labels, time, value);
            }
            for (time, histogram) in one.histograms {
                self.builder.add_histogram(&labels, time, histogram);
            }
            // As a rule marks a series that its result has no more.
            let (step, last) = (times.step.millis(), times.end.millis());
            let before = open.remove(&labels).then(|| times.start.millis() - step);
            let mut previous = before;
            for time in has.iter().copied().chain([i64::MAX]) {
                let marked = previous.map_or(i64::MAX, |previous| previous.saturating_add(step));
                if marked < time && marked <= last && marked < until {
                    self.builder.add(&labels, marked, STALE_NAN);
                }
                previous = Some(time);
            }
            if has.last() == Some(&last) {
                next_open.insert(labels);
            }
        }
        for labels in open.drain() {
            let until = self.first.get(&labels).copied().unwrap_or(i64::MAX);
            if times.start.millis() < until {
                self.builder.add(&labels, times.start.millis(), STALE_NAN);
            }
        }
        *open = next_open;
        Ok(())
    }

    /// Times at which the rule makes more series than its group allows: then it makes none.
    fn over_limit(&self, series: &[MatrixSeries]) -> HashSet<i64> {
        if self.group.limit == 0 {
            return HashSet::new();
        }
        let mut counts: HashMap<i64, usize> = HashMap::new();
        for one in series {
            let histograms = one.histograms.iter().map(|(time, _)| *time);
            for time in one.times.iter().copied().chain(histograms) {
                *counts.entry(time).or_default() += 1;
            }
        }
        let limit = self.group.limit;
        let over = counts.into_iter().filter(|(_, count)| *count > limit);
        over.map(|(time, _)| time).collect()
    }

    fn labels(&self, labels: &Labels) -> Labels {
        let mut labels = labels.to_builder();
        labels.set(METRIC_NAME, self.rule.record.as_str());
        for (name, value) in &self.rule.labels {
            labels.set(name, value);
        }
        labels.build()
    }

    /// Makes a block of what there is, and shows it.
    fn write(&mut self) -> Result<(), Failure> {
        let builder = std::mem::take(&mut self.builder);
        let spool = Spool::new(self.ground.dir)?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let built = builder
            .write(&disk, &spool.blocks(), ulids().make())
            .map_err(|error| Failure::Later(error.to_string()))?;
        if built.is_none() {
            return Ok(());
        }
        let Ground { db, now, .. } = self.ground;
        let adopted = db.adopt(&spool.blocks(), *now, PATIENCE);
        adopted.map(drop).map_err(|error| {
            let text = error.to_string();
            match error {
                AdoptError::TooOld { .. } => Failure::TooOld(text),
                AdoptError::Busy => Failure::Busy(text),
                AdoptError::Io { .. } | AdoptError::Shown(_) => Failure::Later(text),
                _ => Failure::Final(text),
            }
        })
    }
}

/// When series of the rule that exist have their first sample in the range.
fn first_samples(
    db: &Db,
    rule: &RecordingSpec,
    (start, end): (i64, i64),
) -> Result<HashMap<Labels, i64>, Failure> {
    let fail = |error: model::storage::ReadError| Failure::Later(error.to_string());
    let mut matchers = vec![Matcher::equal(METRIC_NAME, rule.record.as_str())];
    let labels = rule.labels.iter();
    matchers.extend(labels.map(|(name, value)| Matcher::equal(name, value)));
    let list = db
        .select(&SelectRequest {
            range: TimeRange::new(Timestamp(start), Timestamp(end - 1)),
            matchers: &matchers,
            projection: Projection::All,
        })
        .map_err(fail)?;
    let mut first = HashMap::new();
    for begin in (0..list.len()).step_by(ROWS) {
        let rows = begin..list.len().min(begin + ROWS);
        let mut batch = SeriesBatch::new();
        list.read(rows.clone(), &mut batch).map_err(fail)?;
        for (entry, row) in rows.enumerate() {
            let positions = batch.positions(entry);
            if let Some(time) = batch.times.get(positions).and_then(<[i64]>::first) {
                first.insert(list.labels(row), *time);
            }
        }
    }
    Ok(first)
}

/// A folder of an unfinished block, which a start would remove.
struct Spool(PathBuf);

impl Spool {
    fn new(dir: &Path) -> Result<Self, Failure> {
        let spool = Self(dir.join(format!("{}.tmp-for-creation", ulids().make())));
        std::fs::create_dir_all(spool.blocks()).map_err(|error| {
            let path = spool.0.display();
            Failure::Later(format!("making {path}: {error}"))
        })?;
        Ok(spool)
    }

    fn blocks(&self) -> PathBuf {
        self.0.join("blocks")
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
