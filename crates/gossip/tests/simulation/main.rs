//! Whole clusters on simulated time and a simulated network: several alerting machines, joined by the mesh, with
//! partitions, delay, loss, duplication, clocks that are minutes apart, kills and restarts, all from one seed.
//!
//! What must hold: every alert is notified, and its end too; twice only if those who notify could not know of each
//! other. `verdict` says exactly when that is.
//!
//! `KEEPWATCH_SIMULATION_SEEDS=100000 cargo test -p gossip --test simulation` runs more seeds,
//! `KEEPWATCH_SIMULATION_SEED=7` one of them with everything that happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod node;
mod plan;
mod verdict;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use plan::Plan;
use verdict::Tally;
use world::World;

const SEEDS: u64 = 1000;

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

fn run(seed: u64, is_traced: bool) -> Result<Tally, String> {
    let plan = Plan::from_seed(seed);
    if is_traced {
        println!("{plan:#?}");
    }
    let outcome = World::new(plan, is_traced).run();
    outcome.judge()
}

#[test]
fn seeds_hold() {
    if let Some(seed) = setting("KEEPWATCH_SIMULATION_SEED") {
        println!("{:?}", run(seed, true));
        run(seed, false).unwrap();
        return;
    }
    let count = setting("KEEPWATCH_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let total = Mutex::new(Tally::default());
    let problems = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        return;
                    }
                    match run(seed, false) {
                        Ok(tally) => total.lock().unwrap().add(&tally),
                        Err(problem) => problems.lock().unwrap().push((seed, problem)),
                    }
                }
            });
        }
    });
    let mut problems = problems.into_inner().unwrap();
    problems.sort_unstable();
    let total = total.into_inner().unwrap();
    println!("{count} seeds: {total:?}");
    let shown: Vec<String> = problems
        .iter()
        .take(20)
        .map(|(seed, problem)| format!("seed {seed}: {problem}"))
        .collect();
    assert!(
        problems.is_empty(),
        "{} of {count} seeds:\n{}",
        problems.len(),
        shown.join("\n")
    );
    total.check(count);
}

#[test]
fn one_seed_is_one_history() {
    let history = |seed| World::new(Plan::from_seed(seed), false).run().notifications;
    let first = history(3);
    assert!(!first.is_empty());
    assert_eq!(first, history(3));
}
