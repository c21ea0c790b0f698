//! When a target is scraped: at a fixed place in each interval, without drift.

use model::{Duration, Timestamp};

/// Timestamps this close to the schedule are put on it, because equal distances compress better.
const ALIGNMENT_TOLERANCE: Duration = Duration::from_millis(2);

/// Time until the next scrape of a target. The place within the interval depends only on the target and
/// on the seed of the server, so it survives restarts and differs between replicas.
pub(crate) fn first_offset(now: Timestamp, interval: Duration, hash: u64, seed: u64) -> Duration {
    const NANOS: u64 = 1_000_000;
    let interval_ms = interval.millis().max(1);
    // The remainder is taken of nanoseconds, as in the peer, so that both scrape at the same time.
    let interval_ns = interval_ms.unsigned_abs().saturating_mul(NANOS);
    let place_ns = (hash ^ seed) % interval_ns;
    let place = i64::try_from(place_ns / NANOS).unwrap_or(0);
    let base = interval_ms - now.millis().rem_euclid(interval_ms);
    let next = base + place;
    Duration::from_millis(if next > interval_ms {
        next - interval_ms
    } else {
        next
    })
}

/// The tick to run after one that began as `tick` and ended `elapsed` after tick 0: the next one, or the
/// last one that is due already. Also says how many were missed.
pub(crate) fn next_tick(tick: u64, elapsed: Duration, interval: Duration) -> (u64, u64) {
    let due = elapsed.millis().max(0) / interval.millis().max(1);
    let next = due.unsigned_abs().max(tick + 1);
    (next, next - tick - 1)
}

/// The timestamp for the samples of a scrape that began at `now` and was planned for `planned`.
pub(crate) fn aligned(now: Timestamp, planned: Timestamp, interval: Duration) -> Timestamp {
    let tolerance = ALIGNMENT_TOLERANCE
        .millis()
        .min(interval.millis().max(0) / 100);
    let is_close = now.since(planned).millis().abs() <= tolerance;
    if is_close { planned } else { now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_stable_and_within_the_interval() {
        let interval = Duration::from_secs(15);
        let at = |now| Timestamp(now) + first_offset(Timestamp(now), interval, 0xdead_beef, 7);
        let first = at(1_700_000_000_123);
        for now in [1_700_000_000_124, 1_700_000_003_000, 1_700_000_014_000] {
            assert_eq!((at(now).0 - first.0) % 15_000, 0, "{now}");
            let offset = first_offset(Timestamp(now), interval, 0xdead_beef, 7);
            assert!((0..=15_000).contains(&offset.0));
        }
    }

    #[test]
    fn late_scrapes_run_at_once_and_count_what_they_missed() {
        let interval = Duration::from_secs(10);
        assert_eq!(next_tick(0, Duration::from_millis(500), interval), (1, 0));
        assert_eq!(
            next_tick(0, Duration::from_millis(10_005), interval),
            (1, 0)
        );
        assert_eq!(
            next_tick(3, Duration::from_millis(65_000), interval),
            (6, 2)
        );
    }

    #[test]
    fn small_delays_do_not_show_in_timestamps() {
        let interval = Duration::from_secs(15);
        assert_eq!(
            aligned(Timestamp(1002), Timestamp(1000), interval),
            Timestamp(1000)
        );
        assert_eq!(
            aligned(Timestamp(1003), Timestamp(1000), interval),
            Timestamp(1003)
        );
        assert_eq!(
            aligned(Timestamp(1002), Timestamp(1000), Duration::from_millis(100)),
            Timestamp(1002)
        );
    }
}
