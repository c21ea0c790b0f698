//! How much one query may take.

use std::fmt;

use promql::EngineOptions;

/// Limits of one query, besides its time. `None` is "no limit", or "as the server has it" in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Samples held at once, as Prometheus counts them.
    pub samples_max: Option<usize>,
    /// Bytes held at once: columns, labels, results.
    pub bytes_max: Option<usize>,
    /// Series that all selectors of the query may find together.
    pub series_max: Option<usize>,
}

/// The memory of the process, as far as queries of clients depend on it.
pub trait Room: Send + Sync + fmt::Debug {
    /// Bytes that a query may hold which starts now.
    fn for_query(&self) -> Result<usize, NoRoom>;

    /// Whether queries that run must end.
    fn is_exhausted(&self) -> bool;
}

/// Bytes in use, and how many may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    pub used: u64,
    pub budget: u64,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, budget) = (self.used >> 20, self.budget >> 20);
        write!(
            f,
            "{used} MiB of the {budget} MiB of --memory.budget are in use"
        )
    }
}

impl Limits {
    /// These, lowered where `asked` is lower. What is asked never raises a limit.
    #[must_use]
    pub fn lowered_by(self, asked: Self) -> Self {
        Self {
            samples_max: lower(self.samples_max, asked.samples_max),
            bytes_max: lower(self.bytes_max, asked.bytes_max),
            series_max: lower(self.series_max, asked.series_max),
        }
    }

    pub(crate) fn apply(self, options: &mut EngineOptions) {
        if let Some(samples_max) = self.samples_max {
            options.samples_max = samples_max;
        }
        if let Some(bytes_max) = self.bytes_max {
            options.bytes_max = bytes_max;
        }
        if let Some(series_max) = self.series_max {
            options.series_max = series_max;
        }
    }
}

fn lower(ours: Option<usize>, asked: Option<usize>) -> Option<usize> {
    match (ours, asked) {
        (Some(ours), Some(asked)) => Some(ours.min(asked)),
        (ours, asked) => ours.or(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_only_lower() {
        let server = Limits {
            samples_max: Some(100),
            bytes_max: Some(100),
            series_max: None,
        };
        let asked = Limits {
            samples_max: Some(1000),
            bytes_max: Some(10),
            series_max: Some(7),
        };
        let expected = Limits {
            samples_max: Some(100),
            bytes_max: Some(10),
            series_max: Some(7),
        };
        assert_eq!(server.lowered_by(asked), expected);
        assert_eq!(server.lowered_by(Limits::default()), server);
    }
}
