//! How many requests are let in: a bucket of tokens, as with the peers.

use std::time::{Duration, Instant};

use config::web::RateLimit;
use parking_lot::Mutex;

/// One token for each request; full at the start, and one more comes each interval.
#[derive(Debug)]
pub(super) struct Rate {
    limit: RateLimit,
    interval: Duration,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    counted_at: Instant,
}

impl Rate {
    /// `None` for no limit: there is no interval, or a negative one, for which tokens come at once.
    pub(super) fn new(limit: &RateLimit, now: Instant) -> Option<Self> {
        let interval = limit.interval.to_std();
        (!interval.is_zero()).then(|| Self {
            limit: limit.clone(),
            interval,
            bucket: Mutex::new(Bucket {
                tokens: limit.burst.max(0) as f64,
                counted_at: now,
            }),
        })
    }

    pub(super) fn limit(&self) -> &RateLimit {
        &self.limit
    }

    /// Whether one more request is let in now.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock();
        let passed = now
            .saturating_duration_since(bucket.counted_at)
            .as_secs_f64();
        let came = passed / self.interval.as_secs_f64();
        bucket.tokens = (bucket.tokens + came).min(self.limit.burst.max(0) as f64);
        bucket.counted_at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use config::GoDuration;

    use super::*;

    fn rate(burst: isize, interval_ms: i64, now: Instant) -> Option<Rate> {
        let interval = GoDuration(interval_ms * 1_000_000);
        Rate::new(&RateLimit { burst, interval }, now)
    }

    #[test]
    fn a_burst_and_then_one_each_interval() {
        let start = Instant::now();
        let rate = rate(2, 100, start).unwrap();
        let at = |ms| rate.admits(start + Duration::from_millis(ms));
        assert_eq!([0, 0, 0, 99].map(at), [true, true, false, false]);
        assert_eq!([100, 100].map(at), [true, false]);
        // No more than the burst is saved up.
        assert_eq!([9000, 9000, 9000].map(at), [true, true, false]);
    }

    #[test]
    fn what_makes_no_sense_is_as_with_the_peers() {
        let start = Instant::now();
        assert!(rate(0, 0, start).is_none());
        assert!(rate(5, -1, start).is_none());
        for burst in [0, -1] {
            let rate = rate(burst, 100, start).unwrap();
            assert!(!rate.admits(start + Duration::from_secs(100)));
        }
    }
}
