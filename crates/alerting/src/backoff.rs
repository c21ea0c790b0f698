//! When to try again after a failure that may pass.

use model::Duration;

const FIRST_MS: i64 = 500;
const MAX_MS: i64 = 60_000;

/// Exponential backoff: 0.5 s, then 1.5 times as long after each attempt up to a minute, each spread evenly
/// over ±50 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    interval_ms: i64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            interval_ms: FIRST_MS,
        }
    }
}

impl Backoff {
    /// The pause from the start of this attempt to the start of the next. `random` is any number; equal
    /// numbers give equal pauses.
    pub fn next_pause(&mut self, random: u64) -> Duration {
        let half = self.interval_ms / 2;
        let spread = u64::try_from(2 * half + 1).unwrap_or(1);
        let jitter = i64::try_from(random % spread).unwrap_or(0);
        let pause = self.interval_ms - half + jitter;
        self.interval_ms = (self.interval_ms * 3 / 2).min(MAX_MS);
        Duration::from_millis(pause)
    }
}

/// A stream of numbers from a seed, for jitter and choices of no secrecy (SplitMix64, public domain, by
/// Sebastiano Vigna).
#[derive(Clone, Copy, Debug)]
pub struct RandomNumbers(u64);

impl RandomNumbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so that there is no option"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_stay_within_half() {
        let mut low = Backoff::default();
        let mut high = Backoff::default();
        let mut lows = Vec::new();
        for _ in 0..20 {
            let pause = low.next_pause(0);
            let most = high.next_pause(u64::MAX).millis();
            assert!(pause.millis() <= most && most <= 90_000, "{pause} {most}");
            lows.push(pause.millis());
        }
        assert_eq!(lows[..4], [250, 375, 563, 844]);
        assert_eq!(lows[19], 30_000);
    }
}
