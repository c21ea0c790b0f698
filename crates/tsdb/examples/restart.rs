//! How long a start takes: fills a data folder as a server that scrapes would, is killed, and opens it.
//!
//! `cargo run --release -p tsdb --example restart -- FOLDER [SERIES] [HOURS] [INTERVAL_S]`
//!
//! The folder must not exist. Series have 14 labels, 1,000 to a target; a third each of constants,
//! counters and noisy gauges, so that chunks have the size that they have in life.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement for developers, not part of the product"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::sync::Arc;
use std::time::Instant;

use model::labels::Labels;
use model::storage::{SampleBatch, SampleWriter, SeriesRef};
use model::time::Timestamp;
use tsdb::{Head, OpenOptions, RealDisk};

const PER_TARGET: usize = 1000;
const START: i64 = 1_700_000_000_000 / 7_200_000 * 7_200_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |at: usize, default: u64| -> u64 {
        let given = args.get(at).map(|text| text.parse().expect("a number"));
        given.unwrap_or(default)
    };
    let Some(dir) = args.get(1).map(PathBuf::from) else {
        println!("restart FOLDER [SERIES] [HOURS] [INTERVAL_S]");
        exit(2);
    };
    let series = number(2, 100_000) as usize;
    let hours = number(3, 2);
    let interval = number(4, 15);
    match args.get(5).map(String::as_str) {
        None => {
            // Each part in a process of its own, so that memory figures are those of that part.
            run_part(&args[0], &dir, (series, hours, interval), "fill");
            for part in ["open", "snapshot", "open"] {
                run_part(&args[0], &dir, (series, hours, interval), part);
            }
        }
        Some("fill") => fill(
            &dir,
            series,
            (hours * 3600 / interval) as i64,
            interval as i64,
        ),
        Some("snapshot") => snapshot(&dir),
        Some(_) => open(&dir),
    }
}

fn run_part(program: &str, dir: &Path, (series, hours, interval): (usize, u64, u64), part: &str) {
    let status = Command::new(program)
        .arg(dir)
        .args([series.to_string(), hours.to_string(), interval.to_string()])
        .arg(part)
        .status();
    assert!(status.is_ok_and(|status| status.success()), "{part} failed");
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0usize) * 4096
}

fn labels(target: usize, n: usize) -> Labels {
    let pod = format!("web-frontend-7d9f8b6c5-{:05x}", target * 7919 % 0xf_ffff);
    let n_text = format!("{:03}", n / 40);
    let pairs = [
        ("__name__", format!("container_metric_{:03}_total", n % 40)),
        ("cluster", "production-eu-west-1".to_owned()),
        ("container", format!("app-{}", n_text)),
        ("endpoint", "https-metrics".to_owned()),
        (
            "id",
            format!("/kubepods/burstable/pod{:08x}/{n_text}", target * 31),
        ),
        ("image", "registry.example.com/team/app:v1.2.3".to_owned()),
        (
            "instance",
            format!("10.0.{}.{}:10250", target / 250, target % 250),
        ),
        ("job", "kubelet".to_owned()),
        ("metrics_path", "/metrics/cadvisor".to_owned()),
        ("name", format!("{:016x}", target * 1000 + n / 40)),
        ("namespace", format!("team-{:02}", target % 40)),
        ("node", format!("node-{:04}", target)),
        ("pod", pod),
        ("service", "kubelet".to_owned()),
    ];
    Labels::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())))
}

fn fill(dir: &Path, series: usize, steps: i64, interval_s: i64) {
    assert!(!dir.exists(), "{} exists", dir.display());
    let (head, _) = Head::open(OpenOptions::new(dir, Arc::new(RealDisk))).unwrap();
    let began = Instant::now();
    let targets: Vec<Vec<SeriesRef>> = (0..series.div_ceil(PER_TARGET))
        .map(|target| {
            let count = PER_TARGET.min(series - target * PER_TARGET);
            (0..count)
                .map(|n| head.resolve(&labels(target, n)).unwrap())
                .collect()
        })
        .collect();
    println!("new series: {:.2} s", began.elapsed().as_secs_f64());
    let mut batch = SampleBatch::new();
    let mut random = 1u64;
    let mut slowest = 0.0f64;
    let began = Instant::now();
    for step in 0..steps {
        for (target, refs) in targets.iter().enumerate() {
            batch.clear();
            // Targets are scraped at their own offsets.
            let offset = target as i64 * 37 % (interval_s * 1000);
            let time = START + step * interval_s * 1000 + offset;
            for (n, reference) in refs.iter().enumerate() {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let value = match n % 3 {
                    0 => n as f64,
                    1 => (step * (n as i64 % 17 + 1)) as f64,
                    _ => ((random >> 40) % 1000) as f64 / 4.0,
                };
                batch.push(*reference, Timestamp(time), value);
            }
            let commit = Instant::now();
            head.commit(&batch).unwrap();
            head.snapshot_if_due().unwrap();
            slowest = slowest.max(commit.elapsed().as_secs_f64());
        }
    }
    let samples = series as f64 * steps as f64;
    println!(
        "filled with {samples} samples: {:.0} ns each, slowest commit {:.1} ms, {:.0} resident bytes per series",
        began.elapsed().as_secs_f64() * 1e9 / samples,
        slowest * 1e3,
        resident_bytes() as f64 / series as f64,
    );
    // Not closed: this is the kill.
    exit(0);
}

fn snapshot(dir: &Path) {
    let (head, _) = Head::open(OpenOptions::new(dir, Arc::new(RealDisk))).unwrap();
    let began = Instant::now();
    let report = head.snapshot().unwrap();
    println!(
        "snapshot of {} series taken in {:.3} s",
        report.series,
        began.elapsed().as_secs_f64()
    );
    exit(0);
}

fn open(dir: &Path) {
    let began = Instant::now();
    let (head, report) = Head::open(OpenOptions::new(dir, Arc::new(RealDisk))).unwrap();
    let took = began.elapsed().as_secs_f64();
    let stats = head.stats(1);
    println!(
        "opened in {took:.3} s from {:?}: {} series, {} samples from the log, {} chunks, {:.0} resident bytes per series",
        report.snapshot,
        stats.series,
        report.samples,
        stats.chunks,
        resident_bytes() as f64 / stats.series.max(1) as f64,
    );
    exit(0);
}
