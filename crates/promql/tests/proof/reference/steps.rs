//! The times at which an expression is evaluated.

/// `start`, `start + interval`, … up to and including `end`; none if `end` is before `start`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) interval: i64,
}

impl Steps {
    pub(crate) fn times(self) -> Vec<i64> {
        let mut times = Vec::new();
        let mut time = self.start;
        while time <= self.end {
            times.push(time);
            time += self.interval;
        }
        times
    }

    pub(crate) fn last(self) -> i64 {
        self.start + (self.end - self.start) / self.interval * self.interval
    }

    pub(crate) fn is_empty(self) -> bool {
        self.end < self.start
    }

    pub(crate) fn is_single(self) -> bool {
        !self.is_empty() && self.last() == self.start
    }

    pub(crate) fn first_only(self) -> Self {
        Self {
            end: self.start.min(self.end),
            ..self
        }
    }
}
