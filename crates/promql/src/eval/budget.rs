//! The limit on samples that a query may hold in memory at once, and how many it looked at.

use super::error::QueryError;

/// Counts samples that are held: floats as 1, histograms by their size.
#[derive(Debug)]
pub(crate) struct Budget {
    samples_max: usize,
    current: usize,
    peak: usize,
}

/// Samples per step of the present grid, as Prometheus counts them for its statistics: floats as 1,
/// histograms by their size.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepCounts {
    /// Looked at; a sample in the windows of several steps counts for each.
    total: Vec<u64>,
    /// Read from storage; counts once.
    read: Vec<u64>,
}

fn add_at(counts: &mut Vec<u64>, step: usize, samples: u64) {
    if counts.len() <= step {
        counts.resize(step + 1, 0);
    }
    if let Some(count) = counts.get_mut(step) {
        *count = count.saturating_add(samples);
    }
}

fn sum(counts: &[u64]) -> u64 {
    counts
        .iter()
        .fold(0, |sum, count| sum.saturating_add(*count))
}

impl StepCounts {
    pub(crate) fn add(&mut self, step: usize, samples: usize) {
        add_at(
            &mut self.total,
            step,
            u64::try_from(samples).unwrap_or(u64::MAX),
        );
    }

    pub(crate) fn add_read(&mut self, step: usize, samples: usize) {
        add_at(
            &mut self.read,
            step,
            u64::try_from(samples).unwrap_or(u64::MAX),
        );
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

    /// What was counted in a single evaluation that stands for all steps.
    pub(crate) fn merge_once(&mut self, once: &Self, steps: usize) {
        for step in 0..steps {
            add_at(&mut self.total, step, once.total());
        }
        add_at(&mut self.read, 0, once.read());
    }

    /// What was read at a step of a subquery counts for the first outer step that looks at it.
    pub(crate) fn merge_reads(
        &mut self,
        inner: &Self,
        outer_step_of: impl Fn(usize) -> Option<usize>,
    ) {
        for (step, read) in inner.read.iter().enumerate() {
            if let Some(outer) = outer_step_of(step) {
                add_at(&mut self.read, outer, *read);
            }
        }
    }
}

impl Budget {
    pub(crate) fn new(samples_max: usize) -> Self {
        Self {
            samples_max,
            current: 0,
            peak: 0,
        }
    }

    pub(crate) fn charge(&mut self, samples: usize) -> Result<(), QueryError> {
        self.current = self.current.saturating_add(samples);
        self.peak = self.peak.max(self.current);
        if self.current > self.samples_max {
            return Err(QueryError::TooManySamples);
        }
        Ok(())
    }

    pub(crate) fn release(&mut self, samples: usize) {
        self.current = self.current.saturating_sub(samples);
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}
