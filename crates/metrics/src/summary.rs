//! A summary: quantiles of what was observed in the last ten minutes, sum and count of everything.
//!
//! Values fall into buckets that grow by 4 %, so a quantile is off by 2 % at most; the window is five
//! parts of two minutes, of which the oldest is forgotten whole (the peers' window and parts). A summary
//! takes at most 30 KB, and an observation some tens of nanoseconds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

const GROWTH: f64 = 1.04;
/// From a nanosecond to about 30 years, if values are seconds.
const SMALLEST: f64 = 1e-9;
const BUCKETS: usize = 1056;
const PARTS: usize = 5;
const PART_LENGTH: Duration = Duration::from_secs(120);

/// Cloning shares the summary.
#[derive(Clone, Debug, Default)]
pub struct Summary(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The newest last.
    parts: VecDeque<Part>,
    sum: f64,
    count: u64,
}

#[derive(Debug)]
struct Part {
    since: Instant,
    counts: Vec<u32>,
}

impl Summary {
    pub fn observe(&self, value: f64) {
        self.observe_at(value, Instant::now());
    }

    fn observe_at(&self, value: f64, now: Instant) {
        let mut state = self.0.lock();
        state.forget(now);
        let is_fresh = state
            .parts
            .back()
            .is_some_and(|part| now.saturating_duration_since(part.since) < PART_LENGTH);
        if !is_fresh {
            state.parts.push_back(Part {
                since: now,
                counts: vec![0; BUCKETS],
            });
        }
        if let Some(count) = state
            .parts
            .back_mut()
            .and_then(|part| part.counts.get_mut(bucket(value)))
        {
            *count = count.saturating_add(1);
        }
        state.sum += value;
        state.count += 1;
    }

    /// The values at these quantiles (NaN where nothing was observed of late), the sum and the count.
    pub(crate) fn snapshot(&self, quantiles: &[f64]) -> (Vec<(f64, f64)>, f64, u64) {
        self.snapshot_at(quantiles, Instant::now())
    }

    fn snapshot_at(&self, quantiles: &[f64], now: Instant) -> (Vec<(f64, f64)>, f64, u64) {
        let mut state = self.0.lock();
        state.forget(now);
        let values = quantiles
            .iter()
            .map(|quantile| (*quantile, state.quantile(*quantile)));
        (values.collect(), state.sum, state.count)
    }
}

impl State {
    fn forget(&mut self, now: Instant) {
        let window = PART_LENGTH * u32::try_from(PARTS).unwrap_or(u32::MAX);
        while self.parts.len() > PARTS
            || self
                .parts
                .front()
                .is_some_and(|part| now.saturating_duration_since(part.since) >= window)
        {
            self.parts.pop_front();
        }
    }

    fn quantile(&self, quantile: f64) -> f64 {
        let counts = (0..BUCKETS).map(|bucket| {
            self.parts
                .iter()
                .filter_map(|part| part.counts.get(bucket))
                .map(|count| u64::from(*count))
                .sum::<u64>()
        });
        let counts: Vec<u64> = counts.collect();
        let total: u64 = counts.iter().sum();
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of ten minutes are below 2^53"
        )]
        let wanted = quantile * total as f64;
        let mut seen = 0;
        for (bucket, count) in counts.iter().enumerate() {
            seen += count;
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            if *count > 0 && seen as f64 >= wanted {
                return middle(bucket);
            }
        }
        f64::NAN
    }
}

/// Values out of range count in the first or the last bucket.
fn bucket(value: f64) -> usize {
    let steps = ((value / SMALLEST).ln() / GROWTH.ln()).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and makes NaN zero"
    )]
    let steps = steps as usize;
    steps.min(BUCKETS - 1)
}

/// The value that is off by the same factor from both ends of the bucket.
fn middle(bucket: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let steps = bucket as f64;
    SMALLEST * GROWTH.powf(steps) * 2.0 / (GROWTH + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(summary: &Summary, now: Instant) -> Vec<f64> {
        let (values, ..) = summary.snapshot_at(&[0.5, 0.9, 0.99], now);
        values.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn quantiles_are_close() {
        let (summary, now) = (Summary::default(), Instant::now());
        for thousandth in 1..=1000 {
            summary.observe_at(f64::from(thousandth) / 1000.0, now);
        }
        for (found, expected) in values(&summary, now).iter().zip([0.5, 0.9, 0.99]) {
            assert!((found / expected - 1.0).abs() < 0.021, "{found} {expected}");
        }
        let (_, sum, count) = summary.snapshot_at(&[], now);
        assert!((sum - 500.5).abs() < 1e-6 && count == 1000, "{sum} {count}");
    }

    #[test]
    fn what_is_old_is_forgotten_and_still_counted() {
        let (summary, start) = (Summary::default(), Instant::now());
        summary.observe_at(100.0, start);
        summary.observe_at(1.0, start + Duration::from_secs(500));
        let late = start + Duration::from_secs(601);
        assert!(values(&summary, late).iter().all(|value| *value < 1.1));
        let silent = start + Duration::from_secs(2000);
        assert!(values(&summary, silent).iter().all(|value| value.is_nan()));
        let (_, sum, count) = summary.snapshot_at(&[], silent);
        assert_eq!((sum, count), (101.0, 2));
    }

    #[test]
    fn odd_values_have_a_bucket() {
        let now = Instant::now();
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            let summary = Summary::default();
            summary.observe_at(value, now);
            assert!(values(&summary, now).iter().all(|value| !value.is_nan()));
        }
    }
}
