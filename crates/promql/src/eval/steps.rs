//! The times at which an expression is evaluated.

/// `start`, `start + interval`, … up to and including `end`, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) start: i64,
    pub(crate) interval: i64,
    pub(crate) count: usize,
}

impl Steps {
    /// No steps if `end` is before `start`.
    pub(crate) fn new(start: i64, end: i64, interval: i64) -> Self {
        let interval = interval.max(1);
        let count = if end < start {
            0
        } else {
            usize::try_from(end.saturating_sub(start) / interval)
                .unwrap_or(usize::MAX - 1)
                .saturating_add(1)
        };
        Self {
            start,
            interval,
            count,
        }
    }

    pub(crate) fn at(self, step: usize) -> i64 {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.start
            .saturating_add(step.saturating_mul(self.interval))
    }

    /// The last step; the start if there is none.
    pub(crate) fn last(self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }

    pub(crate) fn is_single(self) -> bool {
        self.count == 1
    }

    /// Only the first step.
    pub(crate) fn first_only(self) -> Self {
        Self {
            count: self.count.min(1),
            ..self
        }
    }

    pub(crate) fn times(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |step| self.at(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_at_or_before_the_end() {
        let steps = Steps::new(100, 195, 10);
        assert_eq!((steps.count, steps.last()), (10, 190));
        assert_eq!(steps.times().take(2).collect::<Vec<_>>(), [100, 110]);
        assert_eq!(Steps::new(10, 9, 1).count, 0);
        assert!(Steps::new(5, 5, 0).is_single());
    }
}
