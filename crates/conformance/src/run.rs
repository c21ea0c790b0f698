//! Runs suites side by side and prints the table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

use crate::suite::Suite;

#[derive(Debug)]
pub(crate) struct SuiteResult {
    pub(crate) name: &'static str,
    pub(crate) passed: usize,
    /// Case id and reason.
    pub(crate) failures: Vec<(String, String)>,
}

pub(crate) fn run(suites: &[Suite], dir: &Path) -> anyhow::Result<Vec<SuiteResult>> {
    // A panic in a case is a failure of that case; its text is kept there.
    std::panic::set_hook(Box::new(|_| {}));
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, anyhow::Result<SuiteResult>)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            // Deeply nested inputs are among the cases: give them the stack of a main thread.
            let worker = std::thread::Builder::new().stack_size(8 << 20);
            let spawned = worker.spawn_scoped(scope, || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(suite) = suites.get(index) else {
                        break;
                    };
                    let result = run_suite(suite, dir);
                    results
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((index, result));
                }
            });
            if spawned.is_err() {
                break;
            }
        }
    });
    drop(std::panic::take_hook());
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn run_suite(suite: &Suite, dir: &Path) -> anyhow::Result<SuiteResult> {
    let cases = (suite.load)(dir).with_context(|| format!("loading suite {}", suite.name))?;
    let mut result = SuiteResult {
        name: suite.name,
        passed: 0,
        failures: Vec::new(),
    };
    for case in cases {
        let outcome = catch_unwind(AssertUnwindSafe(case.run)).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default();
            Err(format!("panicked: {text}"))
        });
        match outcome {
            Ok(()) => result.passed += 1,
            Err(reason) => result.failures.push((case.id, reason)),
        }
    }
    Ok(result)
}

pub(crate) fn print_table(results: &[SuiteResult], list_failures: bool) {
    println!(
        "{:<32} {:>6} {:>7} {:>7} {:>8}",
        "suite", "cases", "passed", "failed", "percent"
    );
    for result in results {
        let failed = result.failures.len();
        let cases = result.passed + failed;
        // Rounded down, so that 100.0 means all.
        let percent = (result.passed * 1000).checked_div(cases).map_or_else(
            || "-".to_owned(),
            |tenths| format!("{}.{}", tenths / 10, tenths % 10),
        );
        println!(
            "{:<32} {cases:>6} {:>7} {failed:>7} {percent:>8}",
            result.name, result.passed
        );
    }
    if list_failures {
        for result in results {
            for (id, reason) in &result.failures {
                println!("FAILED {} {id}: {reason}", result.name);
            }
        }
    }
}
