//! Whether the mesh has settled: before that, nobody should notify about what a member may have told already.

use std::time::Duration;

/// Polls in a row that must see the same number of members.
const EQUAL_POLLS: u32 = 3;

/// Looks at the number of members again and again until it stays the same, or the time is over.
#[derive(Debug)]
pub(crate) struct Settling {
    interval: Duration,
    next_poll_at: Duration,
    gives_up_at: Duration,
    last_count: usize,
    equal: u32,
}

/// How a poll went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The number of members stayed the same.
    Yes,
    /// It did not, but the time is over.
    TimedOut,
}

impl Settling {
    pub(crate) fn new(now: Duration, interval: Duration, timeout: Duration) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        Self {
            interval,
            next_poll_at: now + interval,
            gives_up_at: now + timeout,
            last_count: 0,
            equal: 0,
        }
    }

    pub(crate) fn wake_at(&self) -> Duration {
        self.next_poll_at.min(self.gives_up_at)
    }

    pub(crate) fn poll(&mut self, now: Duration, count: usize) -> Option<Settled> {
        if self.next_poll_at <= now {
            self.next_poll_at = now + self.interval;
            if self.equal >= EQUAL_POLLS {
                return Some(Settled::Yes);
            }
            self.equal = if count == self.last_count {
                self.equal + 1
            } else {
                0
            };
            self.last_count = count;
        }
        (self.gives_up_at <= now).then_some(Settled::TimedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(counts: &[usize], timeout: u64) -> (usize, Option<Settled>) {
        let second = Duration::from_secs(1);
        let mut settling = Settling::new(Duration::ZERO, second, Duration::from_secs(timeout));
        for (poll, count) in counts.iter().enumerate() {
            let now = settling.wake_at();
            if let Some(settled) = settling.poll(now, *count) {
                return (poll + 1, Some(settled));
            }
        }
        (counts.len(), None)
    }

    #[test]
    fn three_equal_counts_after_the_first_and_one_poll_more() {
        assert_eq!(run(&[1; 9], 60), (5, Some(Settled::Yes)));
        assert_eq!(run(&[1, 2, 3, 3, 3, 3, 3], 60), (7, Some(Settled::Yes)));
        assert_eq!(run(&[1, 2, 1, 2, 1, 2, 1, 2], 60), (8, None));
        assert_eq!(
            run(&[1, 2, 1, 2, 1, 2, 1, 2], 5),
            (5, Some(Settled::TimedOut))
        );
    }
}
