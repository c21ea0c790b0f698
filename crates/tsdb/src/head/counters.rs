//! What became of samples, counted since the head was opened.

use std::sync::atomic::{AtomicU64, Ordering};

use model::storage::SampleRefusal;

/// Of one kind of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// Stored, those that came out of order included.
    pub appended: u64,
    pub out_of_order_appended: u64,
    pub out_of_order: u64,
    pub too_old: u64,
    pub out_of_bounds: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleCounts {
    pub floats: KindCounts,
    pub histograms: KindCounts,
}

/// Which kind a sample is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleKind {
    Float,
    Histogram,
}

#[derive(Debug, Default)]
struct Counters {
    appended: AtomicU64,
    out_of_order_appended: AtomicU64,
    out_of_order: AtomicU64,
    too_old: AtomicU64,
    out_of_bounds: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct SampleCounters {
    floats: Counters,
    histograms: Counters,
}

impl SampleCounters {
    fn of(&self, kind: SampleKind) -> &Counters {
        match kind {
            SampleKind::Float => &self.floats,
            SampleKind::Histogram => &self.histograms,
        }
    }

    pub(super) fn appended(&self, kind: SampleKind, count: usize) {
        add(&self.of(kind).appended, count);
    }

    pub(super) fn out_of_order_appended(&self, kind: SampleKind) {
        add(&self.of(kind).out_of_order_appended, 1);
    }

    pub(super) fn refused(&self, kind: SampleKind, refusal: SampleRefusal) {
        let counters = self.of(kind);
        let counter = match refusal {
            SampleRefusal::OutOfOrder => &counters.out_of_order,
            SampleRefusal::TooOld => &counters.too_old,
            SampleRefusal::OutOfBounds => &counters.out_of_bounds,
            SampleRefusal::DuplicateTimestamp
            | SampleRefusal::UnknownSeries
            | SampleRefusal::SeriesLimit
            | SampleRefusal::Malformed => return,
        };
        add(counter, 1);
    }

    pub(super) fn get(&self) -> SampleCounts {
        let of = |counters: &Counters| {
            let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            KindCounts {
                appended: get(&counters.appended),
                out_of_order_appended: get(&counters.out_of_order_appended),
                out_of_order: get(&counters.out_of_order),
                too_old: get(&counters.too_old),
                out_of_bounds: get(&counters.out_of_bounds),
            }
        };
        SampleCounts {
            floats: of(&self.floats),
            histograms: of(&self.histograms),
        }
    }
}

fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}
