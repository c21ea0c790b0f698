//! The limit on samples that a query may hold in memory at once.

use super::error::QueryError;

/// Counts samples that are held: floats as 1, histograms by their size.
#[derive(Debug)]
pub(crate) struct Budget {
    samples_max: usize,
    current: usize,
    peak: usize,
    /// Samples looked at over all steps, as Prometheus counts them for its statistics.
    pub(crate) total: u64,
}

impl Budget {
    pub(crate) fn new(samples_max: usize) -> Self {
        Self {
            samples_max,
            current: 0,
            peak: 0,
            total: 0,
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

    pub(crate) fn count(&mut self, samples: usize) {
        self.total = self
            .total
            .saturating_add(u64::try_from(samples).unwrap_or(u64::MAX));
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak
    }
}
