//! Waiting for a condition of the outside world.

use std::time::{Duration, Instant};

const LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// Looks until `look` gives `Ok`. After `bound` the test fails with `what` and the last look's `Err`,
/// which says what was missing.
pub fn until<T>(what: &str, bound: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(missing) if start.elapsed() > bound => {
                panic!("waited {bound:?} for {what}; last seen: {missing}")
            }
            Err(_) => std::thread::sleep(LOOK_INTERVAL),
        }
    }
}
