//! Appending samples, and where chunks end.

use std::mem;
use std::sync::Arc;

use model::histogram::{FloatHistogram, Histogram};
use model::sample::{STALE_NAN, is_stale};
use model::storage::HistogramSample;

use super::{At, CHUNK_SAMPLES, CHUNK_SAMPLES_MAX, Cutting, Last, OpenHistogram, Series};
use crate::chunk::Encoding;
use crate::chunk::histogram::{Appended, Count, OpenChunk};
use crate::chunk::xor::{self, FloatState};
use crate::chunk::xor2::{self, StartedSample};
use crate::head::mapped::SPAN_MAX;

/// An XOR chunk with more bytes is closed before the next sample.
const FLOAT_CHUNK_BYTES_MAX: usize = 1005;
const HISTOGRAM_CHUNK_BYTES: usize = 1024;
const HISTOGRAM_CHUNK_SAMPLES_MIN: u16 = 10;

impl Series {
    /// Notes that samples of `commit` follow.
    fn touch(&mut self, commit: u64) {
        if self.commit != commit {
            self.commit_before = mem::replace(&mut self.commit, commit);
            self.samples_before = self.samples;
        }
        self.samples = self.samples.saturating_add(1);
    }

    /// Appends a float; its time is after the last one. The staleness marker of a series of histograms
    /// becomes a histogram itself, as with the peer, so that no chunk has to be cut for it.
    pub(in crate::head) fn append_float(
        &mut self,
        commit: u64,
        cutting: Cutting,
        at: At,
        value: f64,
    ) {
        let At { time, start_time } = at;
        if let Some(open) = self.histogram.as_deref() {
            if is_stale(value) {
                let marker = stale_histogram(open);
                return self.append_histogram(commit, cutting, at, &marker);
            }
            self.close_open();
        }
        if self.is_restored() {
            self.resume(cutting);
        }
        let mut count = self.open_samples;
        if count == CHUNK_SAMPLES / 4 {
            self.cut_at = even_end(self.open_start, self.state.time, self.cut_at, 4);
        }
        let is_full = self.ends_before(time)
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
                let sample = StartedSample {
                    start_time,
                    time,
                    value,
                };
                self.append_started(count, sample);
            }
            _ => xor::append_at(&mut self.open, &mut self.state, count, time, value),
        }
        self.open_samples = count + 1;
        self.last = Last::of(value);
        self.touch(commit);
    }

    /// Series without start times have no state for them.
    fn append_started(&mut self, count: u16, sample: StartedSample) {
        let known = self.rare.as_deref().and_then(|rare| rare.starts);
        let mut starts =
            known.unwrap_or_else(|| xor2::unknown_start_state(&self.open, &self.state));
        xor2::append_at(&mut self.open, &mut self.state, &mut starts, count, sample);
        if known.is_some() || sample.start_time != 0 {
            self.rare.get_or_insert_default().starts = Some(starts);
        }
    }

    /// Appends a histogram; its time is after the last one, and it is well-formed.
    pub(in crate::head) fn append_histogram(
        &mut self,
        commit: u64,
        cutting: Cutting,
        at: At,
        sample: &HistogramSample,
    ) {
        let At { time, start_time } = at;
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
                    OpenHistogram::Integer(OpenChunk::new(cutting.histograms))
                }
                HistogramSample::Float(_) => {
                    OpenHistogram::Float(OpenChunk::new(cutting.histograms))
                }
            }));
        }
        let replaced = match (self.histogram.as_deref_mut(), sample) {
            (Some(OpenHistogram::Integer(open)), HistogramSample::Integer(histogram)) => {
                let previous = match before.as_deref() {
                    Some(OpenHistogram::Integer(previous)) => Some(previous),
                    _ => None,
                };
                full(open.append(start_time, time, histogram, previous))
            }
            (Some(OpenHistogram::Float(open)), HistogramSample::Float(histogram)) => {
                let previous = match before.as_deref() {
                    Some(OpenHistogram::Float(previous)) => Some(previous),
                    _ => None,
                };
                full(open.append(start_time, time, histogram, previous))
            }
            // The open chunk was made for this kind of sample above.
            _ => None,
        };
        if let Some((data, encoding, samples)) = replaced {
            let times = (self.open_start, self.state.time);
            self.push_fresh(data, encoding, samples, times);
            self.open_start = time;
        }
        self.state.time = time;
        self.last = Last::of(match sample {
            HistogramSample::Integer(histogram) => histogram.sum,
            HistogramSample::Float(histogram) => histogram.sum,
        });
        self.touch(commit);
    }

    fn histogram_is_full(&self, time: i64) -> bool {
        let Some(open) = self.histogram.as_deref() else {
            return false;
        };
        let (samples, bytes) = (open.samples(), open.data().len());
        self.ends_before(time)
            || samples >= CHUNK_SAMPLES_MAX
            || (bytes >= HISTOGRAM_CHUNK_BYTES && samples >= HISTOGRAM_CHUNK_SAMPLES_MIN)
    }

    /// Whether the time is too late for the open chunk.
    fn ends_before(&self, time: i64) -> bool {
        time >= self.cut_at || time.saturating_sub(self.open_start) > SPAN_MAX
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

    /// Moves the open chunk, if there is one, to the fresh ones. Gives back a histogram chunk, which
    /// the next chunk may want to compare with.
    pub(super) fn close_open(&mut self) -> Option<Box<OpenHistogram>> {
        let times = (self.open_start, self.state.time);
        if self.open_samples > 0 {
            xor::write_count(&mut self.open, self.open_samples);
            let data = self.open.as_slice().into();
            self.push_fresh(data, self.open_encoding, self.open_samples, times);
            self.open.clear();
            self.open_samples = 0;
            if let Some(rare) = self.rare.as_deref_mut() {
                rare.starts = None;
            }
        }
        let histogram = self.histogram.take()?;
        let data = histogram.data().into();
        self.push_fresh(data, histogram.encoding(), histogram.samples(), times);
        Some(histogram)
    }
}

/// The chunk that an appended sample replaced.
fn full<C: Count>(appended: Appended<C>) -> Option<(Box<[u8]>, Encoding, u16)> {
    match appended {
        Appended::NewChunk(full) => {
            let (encoding, samples) = (full.encoding(), full.samples());
            Some((full.into_data().into(), encoding, samples))
        }
        Appended::InPlace | Appended::Recoded => None,
    }
}

impl Series {
    /// A staleness marker of the kind of the series' histograms; `None` if it has floats.
    pub(in crate::head) fn stale_marker(&self) -> Option<HistogramSample> {
        self.histogram.as_deref().map(stale_histogram)
    }
}

/// A staleness marker of the kind that the chunk holds.
fn stale_histogram(open: &OpenHistogram) -> HistogramSample {
    if open.is_integer() {
        HistogramSample::Integer(Arc::new(Histogram {
            sum: STALE_NAN,
            ..Histogram::default()
        }))
    } else {
        HistogramSample::Float(Arc::new(FloatHistogram {
            sum: STALE_NAN,
            ..FloatHistogram::default()
        }))
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
pub(super) fn next_multiple(time: i64, range: i64) -> i64 {
    let range = range.max(1);
    time.div_euclid(range)
        .saturating_add(1)
        .saturating_mul(range)
}

/// Where to end a chunk so that the rest of the range, up to `end`, is divided evenly. `ratio` is by
/// how much the chunk may still grow.
pub(super) fn even_end(start: i64, now: i64, end: i64, ratio: i64) -> i64 {
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
