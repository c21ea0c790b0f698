//! Appending replayed samples, on several threads.
//!
//! All workers get all work and take from it the rows of their own pages: nothing is sorted or copied
//! on the way, and the order of a series' samples is that of the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::Inner;
use super::commit::REPLAYED;
use super::mapping::map_fresh;
use super::page::{PageData, page_of};
use super::replay::ReplayReport;
use super::series::{At, Cutting, Series};
use crate::log::record::HistogramEntry;

/// Stands for a reference that cannot be a series of this head.
pub(super) const NO_SERIES: u32 = u32::MAX;
/// Records that may wait for a worker.
const QUEUE: usize = 64;

/// The samples of one record.
#[derive(Debug)]
pub(super) enum Work {
    Floats {
        series: Vec<u32>,
        times: Vec<i64>,
        values: Vec<f64>,
        /// Empty, or as long as the others.
        start_times: Vec<i64>,
    },
    Histograms(Vec<(u32, HistogramEntry)>),
}

/// Where work goes: to the workers, or, without any, to the caller's own thread.
#[derive(Debug)]
pub(super) struct Appliers<'a> {
    inner: &'a Inner,
    queues: Vec<SyncSender<Arc<Work>>>,
    own: Share,
}

impl Appliers<'_> {
    /// Runs `feed` with workers behind it, and adds up what they did.
    pub(super) fn run<E>(
        inner: &Inner,
        workers: usize,
        report: &mut ReplayReport,
        feed: impl FnOnce(&mut Appliers<'_>, &mut ReplayReport) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut shares = Vec::new();
        let result = thread::scope(|scope| {
            let mut queues = Vec::new();
            let mut handles = Vec::new();
            for number in 0..workers {
                let (queue, work) = sync_channel::<Arc<Work>>(QUEUE);
                let share = Share::new(number, workers);
                let spawned = thread::Builder::new()
                    .name(format!("replay-{number}"))
                    .spawn_scoped(scope, move || {
                        let mut share = share;
                        for work in work {
                            share.apply(inner, &work);
                        }
                        share
                    });
                if let Ok(handle) = spawned {
                    queues.push(queue);
                    handles.push(handle);
                }
            }
            let all_spawned = queues.len() == workers;
            if !all_spawned {
                // Shares would be missing: let the caller's thread do everything.
                queues.clear();
            }
            let mut appliers = Appliers {
                inner,
                queues,
                own: Share::new(0, 1),
            };
            let result = feed(&mut appliers, report);
            shares.push(appliers.own);
            // The end of the queues is the end of the workers.
            drop(appliers.queues);
            for handle in handles {
                match handle.join() {
                    Ok(share) => shares.push(share),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            result
        });
        for share in shares {
            share.finish(inner, report);
        }
        result
    }

    pub(super) fn send(&mut self, work: Work) {
        if self.queues.is_empty() {
            self.own.apply(self.inner, &work);
            return;
        }
        let work = Arc::new(work);
        for queue in &self.queues {
            // A worker ends early only by a panic, which is passed on when it is joined.
            let _ = queue.send(work.clone());
        }
    }
}

/// What one worker does and has done.
#[derive(Debug)]
struct Share {
    number: u32,
    of: u32,
    samples: usize,
    without_series: usize,
    skipped: usize,
    old: usize,
    /// Series with closed chunks that are not in files yet.
    fresh: Vec<u32>,
    /// Of the oldest and the newest sample.
    times: (i64, i64),
}

/// Series whose closed chunks are written at a time.
const FRESH_MAX: usize = 1024;

impl Share {
    fn new(number: usize, of: usize) -> Self {
        // Workers are counted in tens at most.
        Self {
            number: number as u32,
            of: of as u32,
            samples: 0,
            without_series: 0,
            skipped: 0,
            old: 0,
            fresh: Vec::new(),
            times: (i64::MAX, i64::MIN),
        }
    }

    fn finish(mut self, inner: &Inner, report: &mut ReplayReport) {
        self.map_fresh(inner, 1);
        inner.writer.lock().fresh.append(&mut self.fresh);
        if self.times.0 <= self.times.1 {
            inner.note_times(self.times.0, self.times.1);
        }
        report.samples += self.samples;
        report.samples_without_series += self.without_series;
        report.samples_skipped += self.skipped;
        report.samples_old += self.old;
    }

    fn is_mine(&self, series: u32) -> bool {
        self.of == 1 || page_of(series) % self.of == self.number
    }

    fn apply(&mut self, inner: &Inner, work: &Work) {
        match work {
            Work::Floats {
                series,
                times,
                values,
                start_times,
            } => self.floats(inner, series, (times, start_times), values),
            Work::Histograms(entries) => self.histograms(inner, entries),
        }
        self.map_fresh(inner, FRESH_MAX);
    }

    fn floats(
        &mut self,
        inner: &Inner,
        series: &[u32],
        (times, start_times): (&[i64], &[i64]),
        values: &[f64],
    ) {
        let cutting = inner.cutting();
        let mut row = 0;
        while let Some(&first) = series.get(row) {
            let number = page_of(first);
            let run = series[row..]
                .iter()
                .take_while(|other| page_of(**other) == number);
            let rows = row..row + run.count();
            row = rows.end;
            if !self.is_mine(first) {
                continue;
            }
            let page = inner.pages.get(number);
            let mut data = page.as_deref().map(|page| page.write());
            if let Some(data) = data.as_deref() {
                // The chunks lie scattered in memory. Here the loads of many rows overlap, when appending
                // they would be waited for one by one.
                let records = series[rows.clone()].iter().filter_map(|s| data.get(*s));
                std::hint::black_box(records.fold(0, |warmth, record| warmth ^ record.warm()));
            }
            for row in rows {
                let append = |record: &mut Series| {
                    let at = At {
                        time: times[row],
                        start_time: start_times.get(row).copied().unwrap_or(0),
                    };
                    record.append_float(0, cutting, at, values[row]);
                };
                self.append(
                    inner,
                    data.as_deref_mut(),
                    (series[row], times[row]),
                    append,
                );
            }
        }
    }

    fn histograms(&mut self, inner: &Inner, entries: &[(u32, HistogramEntry)]) {
        let cutting: Cutting = inner.cutting();
        for (series, entry) in entries {
            if !self.is_mine(*series) {
                continue;
            }
            if !entry.is_well_formed() {
                self.skipped += 1;
                continue;
            }
            let page = inner.pages.get(page_of(*series));
            let mut data = page.as_deref().map(|page| page.write());
            let append = |record: &mut Series| {
                let at = At {
                    time: entry.time,
                    start_time: entry.start_time,
                };
                record.append_histogram(0, cutting, at, &entry.value);
            };
            self.append(inner, data.as_deref_mut(), (*series, entry.time), append);
        }
    }

    /// Appends one sample, if it is wanted and new.
    fn append(
        &mut self,
        inner: &Inner,
        page: Option<&mut PageData>,
        (series, time): (u32, i64),
        append: impl FnOnce(&mut Series),
    ) {
        if time < inner.options.valid_from.0 {
            self.old += 1;
            return;
        }
        let Some(record) = page.and_then(|page| page.get_mut(series)) else {
            self.without_series += 1;
            return;
        };
        match record.last_time() {
            Some(last) if time <= last => {
                self.skipped += 1;
                return;
            }
            Some(_) => {}
            None => {
                if record.is_without_samples() {
                    inner.without_samples.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
        append(record);
        self.samples += 1;
        if record.has_fresh() {
            self.fresh.push(series);
        }
        self.times = (self.times.0.min(time), self.times.1.max(time));
    }

    /// Moves closed chunks to files, if there are many. What cannot be written stays in memory, as in
    /// normal operation.
    fn map_fresh(&mut self, inner: &Inner, at_least: usize) {
        if self.fresh.len() >= at_least {
            // What is read here is durable: see the start of the replay.
            let _ = map_fresh(inner, &mut self.fresh, REPLAYED);
        }
    }
}
