//! One series: its chunks, and what appending and reading need to know.
//!
//! Chunks from old to new: mapped ones in files, fresh ones that are about to go there, the open one.
//! [`append`]: where chunks end. [`closed`]: from fresh to mapped to dropped. [`read`]: noting what a
//! reader wants. [`restored`]: open chunks from a snapshot. [`late`]: samples that came out of order, which
//! are kept apart.

mod append;
mod closed;
mod late;
mod read;
mod restored;
mod stale;

use std::sync::Arc;

use model::histogram::{FloatHistogram, Histogram};
use model::sample::is_stale;
use model::storage::{HistogramSample, TimeRange};

use super::mapped::MappedChunk;
use crate::chunk::histogram::{self, HistogramValue, OpenChunk};
use crate::chunk::xor::FloatState;
use crate::chunk::{Encoding, StartState, StartTimes};

pub(super) use closed::{FreshChunk, check_order};
pub(super) use late::{LATE_SAMPLES_MAX, LateSamples};
pub(super) use read::{ChunkList, ListedChunk, Place};
pub(super) use restored::SavedChunk;

use append::{even_end, next_multiple};

/// Samples that a chunk is meant to hold; times decide, so that chunks of a range come out even.
const CHUNK_SAMPLES: u16 = 120;
const CHUNK_SAMPLES_MAX: u16 = 2 * CHUNK_SAMPLES;

/// 160 bytes, and an open chunk of some 50–250 in an allocation of its own.
#[derive(Debug)]
pub(super) struct Series {
    /// Encoder of floats; its time is the time of the last sample of any kind.
    state: FloatState,
    /// The open float chunk; keeps its memory from chunk to chunk.
    open: Vec<u8>,
    /// The open histogram chunk, if the series has histograms now.
    histogram: Option<Box<OpenHistogram>>,
    mapped: Vec<MappedChunk>,
    /// 8 bytes of each record, and nearly always none.
    rare: Option<Box<Rare>>,
    open_start: i64,
    /// A sample from here on starts a new chunk.
    cut_at: i64,
    /// The last commit that added samples, and the one before it.
    commit: u64,
    commit_before: u64,
    /// Samples ever added, and how many of them there were before `commit`.
    samples: u32,
    samples_before: u32,
    /// How many of `samples` were dropped from the front since.
    dropped: u32,
    pub(super) labels_at: u32,
    /// Samples in the open float chunk; its header does not have the number yet.
    open_samples: u16,
    open_encoding: Encoding,
    last: Last,
}

/// What few series have.
#[derive(Debug, Default)]
struct Rare {
    /// On their way to files: see [`mapping`](super::mapping).
    fresh: Vec<FreshChunk>,
    late: Option<Arc<LateSamples>>,
    /// Of the open float chunk, if any of its samples has a start time.
    starts: Option<StartState>,
}

/// What is known of the last sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// It is what the encoder compares the next one with.
    Value,
    Stale,
    /// It is in a file, and nobody looked there.
    Unknown,
}

impl Last {
    fn of(value: f64) -> Self {
        if is_stale(value) {
            Self::Stale
        } else {
            Self::Value
        }
    }
}

#[derive(Debug)]
pub(super) enum OpenHistogram {
    Integer(OpenChunk<i64>),
    Float(OpenChunk<f64>),
    /// From a snapshot; the next sample starts a new chunk.
    Restored {
        encoding: Encoding,
        data: Box<[u8]>,
        samples: u16,
    },
}

impl OpenHistogram {
    pub(super) fn encoding(&self) -> Encoding {
        match self {
            Self::Integer(open) => open.encoding(),
            Self::Float(open) => open.encoding(),
            Self::Restored { encoding, .. } => *encoding,
        }
    }

    pub(super) fn data(&self) -> &[u8] {
        match self {
            Self::Integer(open) => open.data(),
            Self::Float(open) => open.data(),
            Self::Restored { data, .. } => data,
        }
    }

    pub(super) fn samples(&self) -> u16 {
        match self {
            Self::Integer(open) => open.samples(),
            Self::Float(open) => open.samples(),
            Self::Restored { samples, .. } => *samples,
        }
    }

    fn is_integer(&self) -> bool {
        matches!(self.encoding(), Encoding::Histogram | Encoding::HistogramSt)
    }

    /// The last sample; `None` also where the bytes make no sense.
    pub(super) fn last(&self) -> Option<HistogramValue> {
        let mut last = None;
        histogram::decode(self.encoding(), self.data(), usize::MAX, |sample| {
            last = Some(sample.value);
            true
        })
        .ok()?;
        last
    }
}

/// How to encode and where to cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cutting {
    pub(super) floats: Encoding,
    pub(super) histograms: StartTimes,
    /// Milliseconds; chunks do not cross its multiples.
    pub(super) block_range: i64,
}

/// The times of a sample, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) time: i64,
    /// Since when it has counted; 0: unknown.
    pub(super) start_time: i64,
}

#[cfg(test)]
impl At {
    fn time(time: i64) -> Self {
        Self {
            time,
            start_time: 0,
        }
    }
}

/// Which samples of a series a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visible {
    /// The first so many of all that were ever added.
    First(u32),
    /// More than one later commit has been here: look again with a newer snapshot.
    Unclear,
}

impl Series {
    pub(super) fn new() -> Self {
        Self {
            state: FloatState::NEW,
            open: Vec::new(),
            histogram: None,
            mapped: Vec::new(),
            rare: None,
            open_start: 0,
            cut_at: i64::MIN,
            commit: 0,
            commit_before: 0,
            samples: 0,
            samples_before: 0,
            dropped: 0,
            labels_at: 0,
            open_samples: 0,
            open_encoding: Encoding::Xor,
            last: Last::Value,
        }
    }

    /// Time of the last sample, visible or not.
    pub(super) fn last_time(&self) -> Option<i64> {
        (self.samples > 0).then_some(self.state.time)
    }

    pub(super) fn first_time(&self) -> i64 {
        if let Some(chunk) = self.mapped.first() {
            return chunk.start;
        }
        let fresh = self.fresh().first();
        fresh.map_or(self.open_start, |chunk| chunk.head.start)
    }

    /// Whether samples may lie in the range.
    pub(super) fn overlaps(&self, range: TimeRange) -> bool {
        self.samples > 0 && self.first_time() <= range.end.0 && self.state.time >= range.start.0
    }

    fn has_open(&self) -> bool {
        self.open_samples > 0 || self.histogram.is_some()
    }

    /// Whether the last sample is this float.
    pub(super) fn last_is_float(&self, value: f64) -> bool {
        match self.last {
            Last::Unknown => false,
            Last::Stale => is_stale(value),
            Last::Value => self.histogram.is_none() && self.state.value.bits == value.to_bits(),
        }
    }

    /// Whether the last sample is this histogram, counter reset hints aside.
    pub(super) fn last_is_histogram(&self, sample: &HistogramSample) -> bool {
        let last = self.histogram.as_deref().and_then(OpenHistogram::last);
        match (last, sample) {
            (Some(HistogramValue::Integer(last)), HistogramSample::Integer(new)) => {
                same_integer(&last, new)
            }
            (Some(HistogramValue::Float(last)), HistogramSample::Float(new)) => {
                same_float(&last, new)
            }
            _ => false,
        }
    }

    /// What a reader of the state after commit `snapshot` sees.
    pub(super) fn visible_at(&self, snapshot: u64) -> Visible {
        if self.commit <= snapshot {
            Visible::First(self.samples)
        } else if self.commit_before <= snapshot {
            Visible::First(self.samples_before)
        } else {
            Visible::Unclear
        }
    }

    /// Samples ever added.
    pub(super) fn samples(&self) -> usize {
        self.samples as usize
    }

    pub(super) fn is_without_samples(&self) -> bool {
        self.samples == 0 && self.late().is_none()
    }

    /// Frees the memory of what the series does not have any more.
    fn tidy_rare(&mut self) {
        let is_empty =
            |rare: &Rare| rare.fresh.is_empty() && rare.late.is_none() && rare.starts.is_none();
        if self.rare.as_deref().is_some_and(is_empty) {
            self.rare = None;
        }
    }

    /// Looks at the end of the open chunk, so that it is in the cache when the sample is appended.
    #[inline]
    pub(super) fn warm(&self) -> u8 {
        self.open.last().copied().unwrap_or(0)
    }

    pub(super) fn chunks(&self) -> usize {
        let late = self.late().map_or(0, |late| late.chunks());
        self.mapped.len() + self.fresh().len() + usize::from(self.has_open()) + late
    }

    /// Bytes beside the record itself.
    pub(super) fn bytes(&self) -> usize {
        let fresh = self.fresh().iter();
        let fresh: usize = fresh
            .map(|chunk| chunk.data.len() + size_of::<FreshChunk>())
            .sum();
        let histogram = self.histogram.as_deref();
        let late = self.late().map_or(0, |late| late.bytes());
        fresh
            + late
            + self.mapped.capacity() * size_of::<MappedChunk>()
            + self.open.capacity()
            + histogram.map_or(0, |open| open.data().len() + size_of::<OpenHistogram>())
    }
}

fn same_integer(a: &Arc<Histogram>, b: &Arc<Histogram>) -> bool {
    let mut b = (**b).clone();
    b.counter_reset_hint = a.counter_reset_hint;
    (is_stale(a.sum) && is_stale(b.sum)) || **a == b
}

fn same_float(a: &Arc<FloatHistogram>, b: &Arc<FloatHistogram>) -> bool {
    let mut b = (**b).clone();
    b.counter_reset_hint = a.counter_reset_hint;
    (is_stale(a.sum) && is_stale(b.sum)) || **a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in the head's documentation counts on it.
    #[test]
    fn the_record_stays_small() {
        assert!(size_of::<Series>() <= 160, "{}", size_of::<Series>());
    }

    #[test]
    fn chunks_divide_the_range_evenly() {
        let cutting = Cutting {
            floats: Encoding::Xor,
            histograms: StartTimes::Without,
            block_range: 7_200_000,
        };
        let mut series = Series::new();
        for step in 0..960 {
            series.append_float(1, cutting, At::time(step * 15_000), step as f64);
        }
        let samples: Vec<u16> = series
            .fresh()
            .iter()
            .map(|chunk| chunk.head.samples)
            .collect();
        assert_eq!(samples, [120; 7]);
    }

    /// A series that goes on from a snapshot makes the chunks that it would have made without a
    /// restart, wherever that was.
    #[test]
    fn restored_series_go_on_as_if_nothing_had_happened() {
        let cutting = Cutting {
            floats: Encoding::Xor,
            histograms: StartTimes::Without,
            block_range: 7_200_000,
        };
        let append = |series: &mut Series, step: i64| {
            let value = (step * step % 97) as f64 / 8.0;
            series.append_float(1, cutting, At::time(1000 + step * 15_000), value);
        };
        let mut whole = Series::new();
        for step in 0..300 {
            append(&mut whole, step);
        }
        for restart in [1, 2, 29, 30, 31, 60, 119, 120, 121, 200] {
            let mut before = Series::new();
            for step in 0..restart {
                append(&mut before, step);
            }
            let mut series = Series::new();
            let (head, data) = before.open_chunk().unwrap();
            let mut data = data.to_vec();
            data[..2].copy_from_slice(&head.samples.to_be_bytes());
            series.restore(&SavedChunk {
                start: head.start,
                end: head.end,
                encoding: head.encoding,
                data: &data,
                last_value: f64::from_bits(before.state.value.bits),
            });
            assert_eq!(series.last_time(), before.last_time());
            for step in restart..300 {
                append(&mut series, step);
            }
            let skipped = whole.fresh().len() - series.fresh().len();
            for (a, b) in whole.fresh()[skipped..].iter().zip(series.fresh()) {
                assert_eq!((a.head, &a.data), (b.head, &b.data), "restart at {restart}");
            }
            assert_eq!(whole.open_chunk(), series.open_chunk());
        }
    }
}
