//! `tsdb bench write`: how fast samples are stored. Series of a file, or of our own making, get samples as if they were
//! scraped every 30 seconds; what that takes is told in stages.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use config::GoDuration;
use folder::progress::Progress;
use model::storage::{SampleBatch, SampleWriter, SeriesRef};
use model::{Labels, Timestamp};
use serde_json::Value;
use tsdb::{Db, DbOptions, OpenOptions, RealDisk};

use crate::console::Console;

/// Milliseconds between two scrapes.
const STEP: i64 = 30_000;
/// Series of one scrape.
const SCRAPE_SERIES: usize = 1000;
/// Scrapes of all series before any of them goes on: less than the head lets series fall behind.
const ROUND: usize = 100;

/// What is stored.
pub struct Bench<'a> {
    /// A line of JSON per series; without it series are made up.
    pub file: Option<&'a str>,
    pub series: usize,
    pub scrapes: usize,
    /// Replaced by what is written.
    pub out: &'a Path,
    pub progress: &'a dyn Progress,
}

impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench")
            .field("out", &self.out)
            .finish_non_exhaustive()
    }
}

/// Stores the samples and tells how long it took.
pub fn bench_write(console: &mut Console<'_>, bench: &Bench<'_>) -> Result<(), String> {
    let dir = bench.out.join("storage");
    if bench.out.exists() && !dir.exists() && is_filled(bench.out) {
        // The peer removes whatever is there.
        return Err(format!(
            "{} is not a folder of an earlier benchmark; name another one with --out",
            bench.out.display()
        ));
    }
    if dir.exists() {
        let removed = std::fs::remove_dir_all(&dir);
        removed.map_err(|error| format!("removing {}: {error}", dir.display()))?;
    }
    std::fs::create_dir_all(&dir).map_err(|error| format!("making {}: {error}", dir.display()))?;
    let options = DbOptions::new(
        OpenOptions::new(&dir, Arc::new(RealDisk)),
        server::pieces::ulids(),
    );
    let (db, _) = Db::open(options).map_err(|error| error.to_string())?;
    let (series, _) = stage(console, "readData", || series(bench))?;
    let (total, taken) = stage(console, "ingestScrapes", || ingest(&db, &series, bench))?;
    console.line("ingestion completed");
    console.line(format_args!(" > total samples: {total}"));
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = total as f64 / taken.as_secs_f64();
    console.line(format_args!(" > samples/sec: {rate}"));
    stage(console, "stopStorage", || {
        db.close().map_err(|error| error.to_string())
    })?;
    Ok(())
}

fn is_filled(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
}

fn stage<T>(
    console: &mut Console<'_>,
    name: &str,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<(T, Duration), String> {
    console.line(format_args!(">> start stage={name}"));
    let started = Instant::now();
    let result = work()?;
    let taken = started.elapsed();
    let nanos = GoDuration(i64::try_from(taken.as_nanos()).unwrap_or(i64::MAX));
    console.line(format_args!(">> completed stage={name} duration={nanos}"));
    Ok((result, taken))
}

fn series(bench: &Bench<'_>) -> Result<Vec<Labels>, String> {
    let mut all = match bench.file {
        Some(file) => read_series(file, bench.series)?,
        None => (0..bench.series).map(made_up).collect(),
    };
    all.sort();
    all.dedup();
    if all.is_empty() {
        return Err("there is no series to store".to_owned());
    }
    Ok(all)
}

fn read_series(file: &str, count: usize) -> Result<Vec<Labels>, String> {
    let text = crate::console::read_text(file)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        let fail = |problem: &str| format!("{file}:{}: {problem}", at + 1);
        let value: Value = serde_json::from_str(line).map_err(|error| fail(&error.to_string()))?;
        let object = value
            .as_object()
            .ok_or_else(|| fail("no JSON object of labels"))?;
        let pairs = object
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
        Ok(Labels::from_pairs(pairs))
    };
    lines.take(count).enumerate().map(read).collect()
}

/// Series like those of a cluster: a hundred metrics of each pod.
fn made_up(at: usize) -> Labels {
    let (metric, pod) = (at % 100, at / 100);
    Labels::from_pairs([
        ("__name__", format!("bench_metric_{metric:03}_total")),
        ("cluster", "bench".to_owned()),
        ("container", format!("app-{}", pod % 7)),
        ("instance", format!("10.0.{}.{}:9100", pod / 250, pod % 250)),
        ("job", format!("job-{}", pod % 20)),
        ("namespace", format!("namespace-{}", pod % 30)),
        ("pod", format!("app-{pod:05}")),
    ])
}

/// Commits all scrapes, with as many threads as there are processors; gives the number of samples.
fn ingest(db: &Db, series: &[Labels], bench: &Bench<'_>) -> Result<usize, String> {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let shards: Vec<&[Labels]> = series.chunks(SCRAPE_SERIES).collect();
    let rounds = bench.scrapes.div_ceil(ROUND);
    let progress = bench.progress;
    progress.begin("storing", (rounds * shards.len()) as u64);
    let mut total = 0;
    for round in 0..rounds {
        let scrapes = ROUND.min(bench.scrapes - round * ROUND);
        for group in shards.chunks(threads) {
            let stored = thread::scope(|scope| {
                let work: Vec<_> = group
                    .iter()
                    .map(|shard| scope.spawn(move || scrape(db, shard, round * ROUND, scrapes)))
                    .collect();
                let joined = work.into_iter().map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err("a thread of the benchmark panicked".to_owned()))
                });
                joined.sum::<Result<usize, String>>()
            });
            total += stored?;
            progress.advance(group.len() as u64);
        }
    }
    progress.end();
    Ok(total)
}

fn scrape(db: &Db, series: &[Labels], from: usize, scrapes: usize) -> Result<usize, String> {
    let references: Result<Vec<SeriesRef>, _> =
        series.iter().map(|labels| db.resolve(labels)).collect();
    let references = references.map_err(|error| error.to_string())?;
    let mut batch = SampleBatch::new();
    let mut total = 0;
    for scrape in from..from + scrapes {
        batch.clear();
        let number = i64::try_from(scrape).unwrap_or(i64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "a counter of a benchmark")]
        let value = (123_456_789 + 1000 * number) as f64;
        for reference in &references {
            batch.push(
                *reference,
                Timestamp(number.saturating_add(1).saturating_mul(STEP)),
                value,
            );
        }
        let report = db.commit(&batch).map_err(|error| error.to_string())?;
        if let Some((_, refusal)) = report.refused.first() {
            return Err(format!(
                "{} samples were refused: {refusal}",
                report.refused.len()
            ));
        }
        total += report.appended;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use folder::progress::Silent;

    use super::*;

    #[test]
    fn every_sample_is_stored() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        let file = root.path().join("series.json").display().to_string();
        std::fs::write(
            &file,
            "{\"__name__\":\"a\",\"b\":\"c\"}\n{\"__name__\":\"a\",\"b\":\"d\"}\n",
        )
        .unwrap();
        let mut bench = Bench {
            file: None,
            series: 2500,
            scrapes: 130,
            out: &out,
            progress: &Silent,
        };
        let run = |bench: &Bench<'_>| {
            let (mut printed, mut err) = (Vec::new(), Vec::new());
            let result = bench_write(
                &mut Console {
                    out: &mut printed,
                    err: &mut err,
                },
                bench,
            );
            (result, String::from_utf8(printed).unwrap())
        };
        let (result, printed) = run(&bench);
        assert_eq!(result, Ok(()));
        assert!(printed.contains(" > total samples: 325000\n"), "{printed}");
        bench.file = Some(&file);
        let (result, printed) = run(&bench);
        assert_eq!(result, Ok(()));
        assert!(printed.contains(" > total samples: 260\n"), "{printed}");
        // What is no folder of a benchmark is not removed.
        bench.out = root.path();
        assert!(
            run(&bench)
                .0
                .unwrap_err()
                .contains("is not a folder of an earlier benchmark")
        );
        bench.out = &out;
        std::fs::write(&file, "{\"__name__\":\"a\"}\n[]\n").unwrap();
        assert!(
            run(&bench)
                .0
                .unwrap_err()
                .contains("series.json:2: no JSON object")
        );
    }
}
