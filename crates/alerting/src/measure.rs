//! How often the machine does what it does, and how long that takes, as plain data. For its metrics only: nothing that
//! the machine decides depends on a measurement.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time since any fixed moment, from a clock that never goes back. Stands still where nobody gives one, so that
/// simulations take no time.
#[derive(Clone, Copy)]
pub struct Stopwatch(fn() -> Duration);

impl Stopwatch {
    pub fn new(read: fn() -> Duration) -> Self {
        Self(read)
    }

    pub(crate) fn read(self) -> Duration {
        (self.0)()
    }

    pub(crate) fn since(self, start: Duration) -> Duration {
        self.read().saturating_sub(start)
    }
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self(|| Duration::ZERO)
    }
}

impl fmt::Debug for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopwatch")
    }
}

/// How often something was done, and how long that took in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub count: u64,
    pub time: Duration,
}

impl Taken {
    pub fn add(&mut self, time: Duration) {
        self.count += 1;
        self.time += time;
    }
}

/// Upper bounds of [`Queries::within`] in microseconds: the default buckets of the peer's metrics library.
pub const QUERY_MICROS: [u32; 11] = [
    5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// Queries of the silences or of the notification log since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queries {
    pub taken: Taken,
    /// Of these, how many found nothing where something was asked for.
    pub failed: u64,
    /// How many took no longer than the bound of [`QUERY_MICROS`] at the same place.
    pub within: [u64; QUERY_MICROS.len()],
    /// Entries that were looked at.
    pub scanned: u64,
    /// Entries that an index said need no look.
    pub skipped: u64,
}

/// What counts [`Queries`], also where the machine is only read.
#[derive(Debug, Default)]
pub(crate) struct QueryMeter {
    pub(crate) stopwatch: Stopwatch,
    count: AtomicU64,
    failed: AtomicU64,
    nanos: AtomicU64,
    within: [AtomicU64; QUERY_MICROS.len()],
    scanned: AtomicU64,
    skipped: AtomicU64,
}

/// What one query came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) has_failed: bool,
    pub(crate) scanned: usize,
    pub(crate) skipped: usize,
}

impl QueryMeter {
    /// Does one query, which says what it came to.
    pub(crate) fn measure<T>(&self, query: impl FnOnce() -> (T, Asked)) -> T {
        let start = self.stopwatch.read();
        let (found, asked) = query();
        let time = self.stopwatch.since(start);
        add(&self.count, 1);
        add(&self.failed, u64::from(asked.has_failed));
        add(
            &self.nanos,
            u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
        );
        for (bound, count) in QUERY_MICROS.iter().zip(&self.within) {
            if time <= Duration::from_micros(u64::from(*bound)) {
                add(count, 1);
            }
        }
        add(
            &self.scanned,
            u64::try_from(asked.scanned).unwrap_or(u64::MAX),
        );
        add(
            &self.skipped,
            u64::try_from(asked.skipped).unwrap_or(u64::MAX),
        );
        found
    }

    pub(crate) fn counts(&self) -> Queries {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Queries {
            taken: Taken {
                count: read(&self.count),
                time: Duration::from_nanos(read(&self.nanos)),
            },
            failed: read(&self.failed),
            within: std::array::from_fn(|index| self.within.get(index).map_or(0, read)),
            scanned: read(&self.scanned),
            skipped: read(&self.skipped),
        }
    }
}

fn add(cell: &AtomicU64, amount: u64) {
    cell.fetch_add(amount, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    static NOW_MICROS: AtomicU64 = AtomicU64::new(0);

    fn now() -> Duration {
        Duration::from_micros(NOW_MICROS.load(Ordering::Relaxed))
    }

    #[test]
    fn queries_fall_into_the_buckets_of_their_time() {
        let meter = QueryMeter {
            stopwatch: Stopwatch::new(now),
            ..QueryMeter::default()
        };
        for (micros, has_failed) in [(5_000, false), (5_001, true), (20_000_000, false)] {
            meter.measure(|| {
                NOW_MICROS.fetch_add(micros, Ordering::Relaxed);
                let asked = Asked {
                    has_failed,
                    scanned: 2,
                    skipped: 3,
                };
                ((), asked)
            });
        }
        let counts = meter.counts();
        let time = Duration::from_micros(20_010_001);
        assert_eq!(counts.taken, Taken { count: 3, time });
        assert_eq!((counts.failed, counts.scanned, counts.skipped), (1, 6, 9));
        assert_eq!(counts.within, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    }
}
