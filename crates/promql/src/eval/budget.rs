//! The limit on samples that a query may hold in memory at once, and how many it looked at.

use super::error::QueryError;

/// Memory that a held sample is taken for: a float has 8 bytes, and operators hold input and result at the
/// same time; a histogram counts as one sample per 16 bytes.
const SAMPLE_BYTES: usize = 16;

/// What a query may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) samples_max: usize,
    pub(crate) bytes_max: usize,
    pub(crate) series_max: usize,
}

/// Counts samples that are held: floats as 1, histograms by their size. Also bytes, by an estimate, and the
/// series that selectors found.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    current: usize,
    peak: usize,
    label_bytes: usize,
    series: usize,
}

/// Samples as Prometheus counts them for its statistics: floats as 1, histograms by their size. By step of
/// the present grid where somebody will ask for that, else in one sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepCounts {
    /// Looked at; a sample in the windows of several steps counts for each. One slot per step, or one.
    total: Vec<u64>,
    /// Read from storage; counts once.
    read: Vec<u64>,
    is_by_step: bool,
}

fn add_at(counts: &mut Vec<u64>, at: usize, samples: u64) {
    if counts.len() <= at {
        counts.resize(at + 1, 0);
    }
    if let Some(count) = counts.get_mut(at) {
        *count = count.saturating_add(samples);
    }
}

fn sum(counts: &[u64]) -> u64 {
    counts
        .iter()
        .fold(0, |sum, count| sum.saturating_add(*count))
}

fn wide(samples: usize) -> u64 {
    u64::try_from(samples).unwrap_or(u64::MAX)
}

impl StepCounts {
    pub(crate) fn by_step() -> Self {
        Self {
            is_by_step: true,
            ..Self::default()
        }
    }

    /// Empty, of the same kind.
    pub(crate) fn like(&self) -> Self {
        Self {
            is_by_step: self.is_by_step,
            ..Self::default()
        }
    }

    pub(crate) fn is_by_step(&self) -> bool {
        self.is_by_step
    }

    fn slot(&self, step: usize) -> usize {
        if self.is_by_step { step } else { 0 }
    }

    pub(crate) fn add(&mut self, step: usize, samples: usize) {
        let slot = self.slot(step);
        add_at(&mut self.total, slot, wide(samples));
    }

    pub(crate) fn add_read(&mut self, step: usize, samples: usize) {
        let slot = self.slot(step);
        add_at(&mut self.read, slot, wide(samples));
    }

    pub(crate) fn total(&self) -> u64 {
        sum(&self.total)
    }

    pub(crate) fn read(&self) -> u64 {
        sum(&self.read)
    }

    /// `(looked at, read)` at a step.
    pub(crate) fn at(&self, step: usize) -> (u64, u64) {
        let get = |counts: &[u64]| counts.get(step).copied().unwrap_or(0);
        (get(&self.total), get(&self.read))
    }

    /// What was counted for other series on the same grid.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (at, samples) in other.total.iter().enumerate() {
            add_at(&mut self.total, at, *samples);
        }
        for (at, samples) in other.read.iter().enumerate() {
            add_at(&mut self.read, at, *samples);
        }
    }

    /// What was counted in a single evaluation that stands for all steps.
    pub(crate) fn merge_once(&mut self, once: &Self, steps: usize) {
        if self.is_by_step {
            for step in 0..steps {
                add_at(&mut self.total, step, once.total());
            }
        } else {
            add_at(&mut self.total, 0, once.total().saturating_mul(wide(steps)));
        }
        add_at(&mut self.read, 0, once.read());
    }

    /// What was read at a step of a subquery counts for the first outer step that looks at it. Subqueries
    /// are counted by step.
    pub(crate) fn merge_reads(
        &mut self,
        inner: &Self,
        outer_step_of: impl Fn(usize) -> Option<usize>,
    ) {
        for (step, read) in inner.read.iter().enumerate() {
            if let Some(outer) = outer_step_of(step) {
                let slot = self.slot(outer);
                add_at(&mut self.read, slot, *read);
            }
        }
    }
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            current: 0,
            peak: 0,
            label_bytes: 0,
            series: 0,
        }
    }

    pub(crate) fn charge(&mut self, samples: usize) -> Result<(), QueryError> {
        self.current = self.current.saturating_add(samples);
        self.peak = self.peak.max(self.current);
        if self.current > self.limits.samples_max {
            return Err(QueryError::TooManySamples);
        }
        self.check_bytes()
    }

    pub(crate) fn release(&mut self, samples: usize) {
        self.current = self.current.saturating_sub(samples);
    }

    /// Labels stay until the end of the query.
    pub(crate) fn charge_labels(&mut self, bytes: usize) -> Result<(), QueryError> {
        self.label_bytes = self.label_bytes.saturating_add(bytes);
        self.check_bytes()
    }

    /// Series that one selector found.
    pub(crate) fn charge_series(&mut self, series: usize) -> Result<(), QueryError> {
        self.series = self.series.saturating_add(series);
        if self.series > self.limits.series_max {
            return Err(QueryError::TooManySeries {
                found: self.series,
                limit: self.limits.series_max,
            });
        }
        Ok(())
    }

    /// An estimate of the memory that is held.
    pub(crate) fn bytes(&self) -> usize {
        let samples = self.current.saturating_mul(SAMPLE_BYTES);
        samples.saturating_add(self.label_bytes)
    }

    fn check_bytes(&self) -> Result<(), QueryError> {
        if self.bytes() > self.limits.bytes_max {
            return Err(QueryError::TooManyBytes {
                limit: self.limits.bytes_max,
            });
        }
        Ok(())
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}
