//! One series: its chunks, and what appending and reading need to know.

use std::mem;
use std::sync::Arc;

use model::histogram::{FloatHistogram, Histogram};
use model::sample::{STALE_NAN, is_stale};
use model::storage::{HistogramSample, SeriesBatch, TimeRange};
use model::time::Timestamp;

use crate::chunk::histogram::{Appended, HistogramValue, OpenChunk};
use crate::chunk::xor::{self, FloatState};
use crate::chunk::xor2::{self, StartedSample};
use crate::chunk::{self, ChunkError, Encoding, StartTimes};

/// Samples that a chunk is meant to hold; times decide, so that chunks of a range come out even.
const CHUNK_SAMPLES: u16 = 120;
const CHUNK_SAMPLES_MAX: u16 = 2 * CHUNK_SAMPLES;
/// An XOR chunk with more bytes is closed before the next sample.
const FLOAT_CHUNK_BYTES_MAX: usize = 1005;
const HISTOGRAM_CHUNK_BYTES: usize = 1024;
const HISTOGRAM_CHUNK_SAMPLES_MIN: u16 = 10;

/// About 150 bytes, and an open chunk of some 50–250 in an allocation of its own.
#[derive(Debug)]
pub(super) struct Series {
    /// Encoder of floats; its time is the time of the last sample of any kind.
    state: FloatState,
    /// The open float chunk; keeps its memory from chunk to chunk.
    open: Vec<u8>,
    /// The open histogram chunk, if the series has histograms now.
    histogram: Option<Box<OpenHistogram>>,
    closed: Vec<ClosedChunk>,
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
    last_is_stale: bool,
}

#[derive(Debug)]
pub(super) enum OpenHistogram {
    Integer(OpenChunk<i64>),
    Float(OpenChunk<f64>),
}

#[derive(Debug)]
struct ClosedChunk {
    data: Box<[u8]>,
    start: i64,
    end: i64,
    samples: u16,
    encoding: Encoding,
}

/// How to encode and where to cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cutting {
    pub(super) floats: Encoding,
    /// Milliseconds; chunks do not cross its multiples.
    pub(super) block_range: i64,
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
    pub(super) fn new(labels_at: u32) -> Self {
        Self {
            state: FloatState::NEW,
            open: Vec::new(),
            histogram: None,
            closed: Vec::new(),
            open_start: 0,
            cut_at: i64::MIN,
            commit: 0,
            commit_before: 0,
            samples: 0,
            samples_before: 0,
            dropped: 0,
            labels_at,
            open_samples: 0,
            open_encoding: Encoding::Xor,
            last_is_stale: false,
        }
    }

    /// Time of the last sample, visible or not.
    pub(super) fn last_time(&self) -> Option<i64> {
        (self.samples > 0).then_some(self.state.time)
    }

    fn first_time(&self) -> i64 {
        self.closed
            .first()
            .map_or(self.open_start, |chunk| chunk.start)
    }

    /// Whether samples may lie in the range.
    pub(super) fn overlaps(&self, range: TimeRange) -> bool {
        self.samples > 0 && self.first_time() <= range.end.0 && self.state.time >= range.start.0
    }

    /// Whether the last sample is this float.
    pub(super) fn last_is_float(&self, value: f64) -> bool {
        if self.last_is_stale || is_stale(value) {
            return self.last_is_stale && is_stale(value);
        }
        self.histogram.is_none() && self.state.value.bits == value.to_bits()
    }

    /// Whether the last sample is this histogram, counter reset hints aside.
    pub(super) fn last_is_histogram(&self, sample: &HistogramSample) -> bool {
        let last = match self.histogram.as_deref() {
            Some(OpenHistogram::Integer(open)) => open.last(),
            Some(OpenHistogram::Float(open)) => open.last(),
            None => return false,
        };
        let Ok(Some(last)) = last else {
            return false;
        };
        match (last.value, sample) {
            (HistogramValue::Integer(last), HistogramSample::Integer(new)) => {
                same_integer(&last, new)
            }
            (HistogramValue::Float(last), HistogramSample::Float(new)) => same_float(&last, new),
            _ => false,
        }
    }

    /// Notes that samples of `commit` follow.
    fn touch(&mut self, commit: u64) {
        if self.commit != commit {
            self.commit_before = mem::replace(&mut self.commit, commit);
            self.samples_before = self.samples;
        }
        self.samples = self.samples.saturating_add(1);
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

    pub(super) fn is_without_samples(&self) -> bool {
        self.samples == 0
    }

    /// Appends a float; its time is after the last one. The staleness marker of a series of histograms
    /// becomes a histogram itself, as with the peer, so that no chunk has to be cut for it.
    pub(super) fn append_float(&mut self, commit: u64, cutting: Cutting, time: i64, value: f64) {
        if let Some(open) = self.histogram.as_deref() {
            if is_stale(value) {
                let marker = stale_histogram(open);
                return self.append_histogram(commit, cutting, time, &marker);
            }
            self.close_open();
        }
        let mut count = self.open_samples;
        if count == CHUNK_SAMPLES / 4 {
            self.cut_at = even_end(self.open_start, self.state.time, self.cut_at, 4);
        }
        let is_full = time >= self.cut_at
            || count >= CHUNK_SAMPLES_MAX
            || self.open.len() > FLOAT_CHUNK_BYTES_MAX
            || self.open_encoding != cutting.floats;
        if count > 0 && is_full {
            self.close_open();
            count = 0;
        }
        if count == 0 {
            self.start_chunk(time, cutting);
            self.open_encoding = cutting.floats;
        }
        grow(&mut self.open);
        match self.open_encoding {
            Encoding::Xor2 => {
                let mut starts = xor2::unknown_start_state(&self.open, &self.state);
                let sample = StartedSample {
                    start_time: 0,
                    time,
                    value,
                };
                xor2::append_at(&mut self.open, &mut self.state, &mut starts, count, sample);
            }
            _ => xor::append_at(&mut self.open, &mut self.state, count, time, value),
        }
        self.open_samples = count + 1;
        self.last_is_stale = is_stale(value);
        self.touch(commit);
    }

    /// Appends a histogram; its time is after the last one, and it is well-formed.
    pub(super) fn append_histogram(
        &mut self,
        commit: u64,
        cutting: Cutting,
        time: i64,
        sample: &HistogramSample,
    ) {
        let fits = matches!(
            (self.histogram.as_deref(), sample),
            (Some(OpenHistogram::Integer(_)), HistogramSample::Integer(_))
                | (Some(OpenHistogram::Float(_)), HistogramSample::Float(_))
        );
        let mut before = None;
        if !fits {
            self.close_open();
        } else if self.histogram_is_full(time) {
            before = self.close_open();
        }
        if self.histogram.is_none() {
            self.start_chunk(time, cutting);
            self.histogram = Some(Box::new(match sample {
                HistogramSample::Integer(_) => {
                    OpenHistogram::Integer(OpenChunk::new(StartTimes::Without))
                }
                HistogramSample::Float(_) => {
                    OpenHistogram::Float(OpenChunk::new(StartTimes::Without))
                }
            }));
        }
        let end = self.state.time;
        let replaced = match (self.histogram.as_deref_mut(), sample) {
            (Some(OpenHistogram::Integer(open)), HistogramSample::Integer(histogram)) => {
                let previous = match before.as_deref() {
                    Some(OpenHistogram::Integer(previous)) => Some(previous),
                    _ => None,
                };
                match open.append(0, time, histogram, previous) {
                    Appended::NewChunk(full) => Some(closed_histogram(*full, self.open_start, end)),
                    _ => None,
                }
            }
            (Some(OpenHistogram::Float(open)), HistogramSample::Float(histogram)) => {
                let previous = match before.as_deref() {
                    Some(OpenHistogram::Float(previous)) => Some(previous),
                    _ => None,
                };
                match open.append(0, time, histogram, previous) {
                    Appended::NewChunk(full) => Some(closed_histogram(*full, self.open_start, end)),
                    _ => None,
                }
            }
            // The open chunk was made for this kind of sample above.
            _ => None,
        };
        if let Some(full) = replaced {
            self.closed.push(full);
            self.open_start = time;
        }
        self.state.time = time;
        self.last_is_stale = match sample {
            HistogramSample::Integer(histogram) => is_stale(histogram.sum),
            HistogramSample::Float(histogram) => is_stale(histogram.sum),
        };
        self.touch(commit);
    }

    fn histogram_is_full(&self, time: i64) -> bool {
        let (samples, bytes) = match self.histogram.as_deref() {
            Some(OpenHistogram::Integer(open)) => (open.samples(), open.data().len()),
            Some(OpenHistogram::Float(open)) => (open.samples(), open.data().len()),
            None => return false,
        };
        time >= self.cut_at
            || samples >= CHUNK_SAMPLES_MAX
            || (bytes >= HISTOGRAM_CHUNK_BYTES && samples >= HISTOGRAM_CHUNK_SAMPLES_MIN)
    }

    fn start_chunk(&mut self, time: i64, cutting: Cutting) {
        self.open_start = time;
        self.cut_at = next_multiple(time, cutting.block_range);
        // The time stays: it is the last sample's until the next one is in.
        self.state = FloatState {
            time: self.state.time,
            ..FloatState::NEW
        };
    }

    /// Moves the open chunk, if there is one, to the closed ones. Gives back a histogram chunk, which
    /// the next chunk may want to compare with.
    fn close_open(&mut self) -> Option<Box<OpenHistogram>> {
        let end = self.state.time;
        if !self.open.is_empty() {
            xor::write_count(&mut self.open, self.open_samples);
            self.closed.push(ClosedChunk {
                samples: self.open_samples,
                data: self.open.as_slice().into(),
                start: self.open_start,
                end,
                encoding: self.open_encoding,
            });
            self.open.clear();
            self.open_samples = 0;
        }
        let histogram = self.histogram.take()?;
        let (data, samples, encoding) = match &*histogram {
            OpenHistogram::Integer(open) => (open.data(), open.samples(), open.encoding()),
            OpenHistogram::Float(open) => (open.data(), open.samples(), open.encoding()),
        };
        self.closed.push(ClosedChunk {
            data: data.into(),
            start: self.open_start,
            end,
            samples,
            encoding,
        });
        Some(histogram)
    }

    /// Appends the samples in the range, of the first `visible` ever added, to the batch.
    pub(super) fn read(
        &self,
        visible: u32,
        range: TimeRange,
        batch: &mut SeriesBatch,
    ) -> Result<(), ChunkError> {
        let mut left = self.visible_samples(visible);
        for chunk in self.all_chunks() {
            let samples_max = chunk.samples.min(left);
            left -= samples_max;
            if samples_max == 0 || chunk.end < range.start.0 || chunk.start > range.end.0 {
                continue;
            }
            chunk::decode_counted(chunk.encoding, chunk.data, samples_max, range, batch)?;
        }
        Ok(())
    }

    /// The last sample, if it is a float and lies in the range and all samples are visible: no chunk needs
    /// to be decoded for it.
    pub(super) fn newest_float(&self, visible: u32, range: TimeRange) -> Option<(i64, f64)> {
        let is_last = visible == self.samples
            && self.open_samples > 0
            && range.contains(Timestamp(self.state.time));
        // The other encoding has a sign of its own for the staleness marker.
        let value = || match self.last_is_stale {
            true => STALE_NAN,
            false => f64::from_bits(self.state.value.bits),
        };
        is_last.then(|| (self.state.time, value()))
    }

    /// How many of the samples that are left the first `visible` ever added are.
    pub(super) fn visible_samples(&self, visible: u32) -> usize {
        visible.saturating_sub(self.dropped) as usize
    }

    /// In the order of time; the open chunk comes last.
    pub(super) fn all_chunks(&self) -> impl Iterator<Item = ChunkRef<'_>> {
        let closed = self.closed.iter().map(|chunk| ChunkRef {
            encoding: chunk.encoding,
            data: &chunk.data,
            samples: usize::from(chunk.samples),
            start: chunk.start,
            end: chunk.end,
        });
        let (encoding, data, samples) = match self.histogram.as_deref() {
            Some(OpenHistogram::Integer(open)) => (open.encoding(), open.data(), open.samples()),
            Some(OpenHistogram::Float(open)) => (open.encoding(), open.data(), open.samples()),
            None => (self.open_encoding, self.open.as_slice(), self.open_samples),
        };
        closed.chain([ChunkRef {
            encoding,
            data,
            samples: usize::from(samples),
            start: self.open_start,
            end: self.state.time,
        }])
    }

    /// Looks at the end of the open chunk, so that it is in the cache when the sample is appended.
    #[inline]
    pub(super) fn warm(&self) -> u8 {
        self.open.last().copied().unwrap_or(0)
    }

    /// Drops closed chunks that end before `time`; says whether nothing from `time` on is left.
    pub(super) fn drop_before(&mut self, time: i64) -> bool {
        let old = self.closed.partition_point(|chunk| chunk.end < time);
        let dropped: u32 = self
            .closed
            .drain(..old)
            .map(|chunk| u32::from(chunk.samples))
            .sum();
        self.dropped = self.dropped.saturating_add(dropped);
        if self.closed.is_empty() {
            self.closed.shrink_to(2);
        }
        self.samples > 0 && self.closed.is_empty() && self.state.time < time
    }

    pub(super) fn chunks(&self) -> usize {
        let has_open = !self.open.is_empty() || self.histogram.is_some();
        self.closed.len() + usize::from(has_open)
    }

    /// Bytes beside the record itself.
    pub(super) fn bytes(&self) -> usize {
        let closed: usize = self.closed.iter().map(|chunk| chunk.data.len()).sum();
        let histogram = match self.histogram.as_deref() {
            Some(OpenHistogram::Integer(open)) => open.data().len() + size_of::<OpenChunk<i64>>(),
            Some(OpenHistogram::Float(open)) => open.data().len() + size_of::<OpenChunk<f64>>(),
            None => 0,
        };
        closed
            + self.closed.capacity() * size_of::<ClosedChunk>()
            + self.open.capacity()
            + histogram
    }
}

/// A staleness marker of the kind that the chunk holds.
fn stale_histogram(open: &OpenHistogram) -> HistogramSample {
    match open {
        OpenHistogram::Integer(_) => HistogramSample::Integer(Arc::new(Histogram {
            sum: STALE_NAN,
            ..Histogram::default()
        })),
        OpenHistogram::Float(_) => HistogramSample::Float(Arc::new(FloatHistogram {
            sum: STALE_NAN,
            ..FloatHistogram::default()
        })),
    }
}

pub(super) struct ChunkRef<'a> {
    pub(super) encoding: Encoding,
    pub(super) data: &'a [u8],
    pub(super) samples: usize,
    pub(super) start: i64,
    pub(super) end: i64,
}

fn closed_histogram<C: chunk::histogram::Count>(
    full: OpenChunk<C>,
    start: i64,
    end: i64,
) -> ClosedChunk {
    ClosedChunk {
        samples: full.samples(),
        encoding: full.encoding(),
        data: full.into_data().into(),
        start,
        end,
    }
}

/// Room for a usual sample without doubling: open chunks are a large part of all memory.
fn grow(open: &mut Vec<u8>) {
    const SAMPLE_BYTES_MAX: usize = 24;
    if open.capacity() - open.len() < SAMPLE_BYTES_MAX {
        open.reserve_exact(if open.is_empty() { 48 } else { 64 });
    }
}

/// The end of the range of this length that `time` lies in.
fn next_multiple(time: i64, range: i64) -> i64 {
    let range = range.max(1);
    time.div_euclid(range)
        .saturating_add(1)
        .saturating_mul(range)
}

/// Where to end a chunk so that the rest of the range, up to `end`, is divided evenly. `ratio` is by
/// how much the chunk may still grow.
fn even_end(start: i64, now: i64, end: i64, ratio: i64) -> i64 {
    let span = now
        .saturating_sub(start)
        .saturating_add(1)
        .saturating_mul(ratio)
        .max(1);
    let rest = end.saturating_sub(start);
    match rest / span {
        0 | 1 => end,
        parts => start.saturating_add(rest / parts),
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
        assert!(size_of::<Series>() <= 152, "{}", size_of::<Series>());
    }

    #[test]
    fn chunks_divide_the_range_evenly() {
        let cutting = Cutting {
            floats: Encoding::Xor,
            block_range: 7_200_000,
        };
        let mut series = Series::new(0);
        for step in 0..960 {
            series.append_float(1, cutting, step * 15_000, step as f64);
        }
        let samples: Vec<u16> = series.closed.iter().map(|chunk| chunk.samples).collect();
        assert_eq!(samples, [120; 7]);
    }
}
