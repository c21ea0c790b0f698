//! Whether a series has ended.

use model::sample::is_stale;

use super::{Last, OpenHistogram, Series};
use crate::chunk::histogram::HistogramValue;

impl Series {
    /// Whether the last sample that came in order is a staleness marker. Says no where nobody knows it: it may
    /// be in a file after a start.
    pub(in crate::head) fn is_stale(&self) -> bool {
        match (self.last, self.histogram.as_deref()) {
            (Last::Stale, _) => true,
            // What a snapshot brought back was not looked at.
            (Last::Value, Some(open @ OpenHistogram::Restored { .. })) => match open.last() {
                Some(HistogramValue::Integer(last)) => is_stale(last.sum),
                Some(HistogramValue::Float(last)) => is_stale(last.sum),
                None => false,
            },
            _ => false,
        }
    }
}
