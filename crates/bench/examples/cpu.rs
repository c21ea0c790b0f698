//! CPU time of each query in milliseconds, all threads together: what a busy machine changes least.
//! `cargo run --release -p bench --example cpu -- [FILTER]`

#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;

use bench::cluster::{Cluster, Size};
use bench::corpus::{Asked, QUERIES};
use model::{Duration, Timestamp};
use promql::{Engine, EngineOptions, ParserOptions, Query, RangeTimes};
use rustix::time::{ClockId, clock_gettime};

const STEPS: i64 = 240;

/// Seconds of CPU that this process has used.
#[expect(clippy::cast_precision_loss, reason = "seconds since the start")]
fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

fn main() -> Result<(), Box<dyn Error>> {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let cluster = Cluster::new(Size::from_environment())?;
    let engine = Engine::new(EngineOptions::default());
    let seconds: f64 = std::env::var("KEEPWATCH_BENCH_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(0.5);
    for (name, asked, text) in QUERIES {
        if !name.contains(&filter) {
            continue;
        }
        let mut runs = Vec::new();
        let begun = cpu_seconds();
        while runs.len() < 3 || (cpu_seconds() - begun < seconds && runs.len() < 200) {
            let start = cpu_seconds();
            let query = Query::parse(*text, &ParserOptions::default())?;
            match asked {
                Asked::Instant => {
                    engine.instant(&cluster.head, query.expression(), cluster.end)?;
                }
                Asked::Range(minutes) => {
                    let length = minutes * 60_000;
                    let times = RangeTimes {
                        start: Timestamp(cluster.end.0 - length),
                        end: cluster.end,
                        step: Duration::from_millis(length / STEPS),
                    };
                    engine.range(&cluster.head, query.expression(), times)?;
                }
            }
            runs.push((cpu_seconds() - start) * 1e3);
        }
        runs.sort_by(f64::total_cmp);
        let median = runs.get(runs.len() / 2).copied().unwrap_or(f64::NAN);
        println!("{name:22} {median:9.3}");
    }
    Ok(())
}
