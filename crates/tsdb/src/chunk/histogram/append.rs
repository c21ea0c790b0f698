//! The encoder of histogram chunks.
//!
//! A sample joins the open chunk if it has the same schema, zero threshold and bounds, and, for
//! counters, if nothing was reset. New buckets make the chunk be written again with the wider layout;
//! buckets that the sample lacks are added to it as empty ones. A staleness marker has no buckets, and
//! after it only further markers may follow in the chunk.

use model::histogram::{BucketSpan, CounterResetHint};
use model::sample::is_stale;

use super::buckets::{Difference, Side, bucket_count, compare, spans_of, spread};
use super::count::Count;
use super::layout::Layout;
use super::{HEADER, HistogramPoint, HistogramValue, read};
use crate::chunk::Encoding;
use crate::chunk::bits::BitWriter;
use crate::chunk::start_time::{StartOf, StartState, StartTimes};
use crate::chunk::varbit::write_int;
use crate::chunk::xor::XorField;

/// What appending did to the open chunk.
#[derive(Debug)]
pub enum Appended<C: Count> {
    /// The sample was added at the end.
    InPlace,
    /// All samples were written again with more buckets.
    Recoded,
    /// The sample started a new chunk; this is the one before.
    NewChunk(Box<OpenChunk<C>>),
}

/// What a chunk says about a counter reset before its first sample; the two highest bits of a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResetHeader {
    Unknown = 0,
    NotReset = 0x40,
    Reset = 0x80,
    Gauge = 0xc0,
}

/// A chunk that can still be appended to.
#[derive(Clone, Debug)]
pub struct OpenChunk<C: Count> {
    data: Vec<u8>,
    free: u8,
    samples: u16,
    layout: Layout,
    header: ResetHeader,
    time: i64,
    time_delta: i64,
    sum: XorField,
    count: Option<C::Field>,
    zero_count: Option<C::Field>,
    positive: Vec<C::Field>,
    negative: Vec<C::Field>,
    /// `None` for encodings without start times.
    starts: Option<StartState>,
}

/// A sample brought to a layout.
struct Laid<C> {
    layout: Layout,
    point: HistogramPoint<C>,
}

impl<C: Count> OpenChunk<C> {
    pub fn new(start_times: StartTimes) -> Self {
        Self {
            data: vec![0; HEADER],
            free: 0,
            samples: 0,
            layout: Layout::default(),
            header: ResetHeader::Unknown,
            time: 0,
            time_delta: 0,
            sum: XorField::NEW,
            count: None,
            zero_count: None,
            positive: Vec::new(),
            negative: Vec::new(),
            starts: match start_times {
                StartTimes::Without => None,
                StartTimes::With => Some(StartState::default()),
            },
        }
    }

    /// The bytes so far; valid as a chunk after every sample.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    pub fn samples(&self) -> u16 {
        self.samples
    }

    fn start_times(&self) -> StartTimes {
        match self.starts {
            Some(_) => StartTimes::With,
            None => StartTimes::Without,
        }
    }

    fn is_stale(&self) -> bool {
        is_stale(f64::from_bits(self.sum.bits))
    }

    /// Appends a sample whose time is after the last one's. `previous` is the full chunk before this
    /// one, if this one is empty and continues it.
    pub fn append(
        &mut self,
        start_time: i64,
        time: i64,
        histogram: &C::Histogram,
        previous: Option<&Self>,
    ) -> Appended<C> {
        let mut laid = Laid {
            layout: C::layout(histogram),
            point: C::point(histogram),
        };
        let is_gauge = laid.point.hint == CounterResetHint::Gauge;
        if self.samples == 0 {
            self.header = if is_gauge {
                ResetHeader::Gauge
            } else if laid.point.hint == CounterResetHint::Reset {
                ResetHeader::Reset
            } else {
                previous.map_or(ResetHeader::Unknown, |before| {
                    before.check(&laid).header::<C>()
                })
            };
            self.push(start_time, time, &laid);
            return Appended::InPlace;
        }
        let check = self.check(&laid);
        let Check::Fits { positive, negative } = check else {
            let mut next = Self::new(self.start_times());
            next.header = if is_gauge {
                ResetHeader::Gauge
            } else {
                check.new_chunk_header::<C>()
            };
            next.push(start_time, time, &laid);
            return Appended::NewChunk(Box::new(std::mem::replace(self, next)));
        };
        let needs_recode = positive.only_right || negative.only_right;
        self.widen(&mut laid, positive, negative);
        if needs_recode {
            self.recode(&laid.layout);
        }
        self.push(start_time, time, &laid);
        if needs_recode {
            Appended::Recoded
        } else {
            Appended::InPlace
        }
    }

    /// Adds the buckets to a sample that only the chunk has.
    fn widen(&self, laid: &mut Laid<C>, positive: Difference, negative: Difference) {
        if !positive.only_left && !negative.only_left {
            return;
        }
        let is_gauge = self.header == ResetHeader::Gauge;
        let only_chunk_has_more = !positive.only_right && !negative.only_right;
        let widen = |spans: &mut Vec<BucketSpan>,
                     counts: &mut Vec<C>,
                     own: &[BucketSpan],
                     difference: Difference| {
            let wide = if !is_gauge && only_chunk_has_more {
                own.to_vec()
            } else if is_gauge || difference.only_left {
                spans_of(difference.union.into_iter())
            } else {
                return;
            };
            *counts = spread(Side { spans, counts }, &wide);
            *spans = wide;
        };
        let Laid { layout, point } = laid;
        widen(
            &mut layout.positive_spans,
            &mut point.positive,
            &self.layout.positive_spans,
            positive,
        );
        widen(
            &mut layout.negative_spans,
            &mut point.negative,
            &self.layout.negative_spans,
            negative,
        );
    }

    /// Writes all samples again with the spans of `layout`, which has all of the chunk's buckets.
    fn recode(&mut self, layout: &Layout) {
        let mut wide = Self::new(self.start_times());
        wide.header = self.header;
        let encoding = self.encoding();
        // Cannot fail: the data was written by this encoder.
        let _ = read::decode_points::<C>(encoding, &self.data, usize::MAX, |old, sample| {
            let mut point = sample.point;
            point.positive = spread(
                Side {
                    spans: &old.positive_spans,
                    counts: &point.positive,
                },
                &layout.positive_spans,
            );
            point.negative = spread(
                Side {
                    spans: &old.negative_spans,
                    counts: &point.negative,
                },
                &layout.negative_spans,
            );
            let laid = Laid {
                layout: layout.clone(),
                point,
            };
            wide.push(sample.start_time, sample.time, &laid);
            true
        });
        *self = wide;
    }

    pub fn encoding(&self) -> Encoding {
        match (C::IS_FLOAT, self.start_times()) {
            (false, StartTimes::Without) => Encoding::Histogram,
            (false, StartTimes::With) => Encoding::HistogramSt,
            (true, StartTimes::Without) => Encoding::FloatHistogram,
            (true, StartTimes::With) => Encoding::FloatHistogramSt,
        }
    }

    /// Whether a sample can join, in the order in which the peer asks.
    fn check(&self, laid: &Laid<C>) -> Check {
        let Laid { layout, point } = laid;
        let is_gauge = point.hint == CounterResetHint::Gauge;
        if is_gauge != (self.header == ResetHeader::Gauge) {
            return Check::OtherKind;
        }
        if !is_gauge && point.hint == CounterResetHint::Reset {
            return Check::Reset;
        }
        if is_stale(point.sum) {
            return Check::Fits {
                positive: Difference::default(),
                negative: Difference::default(),
            };
        }
        if self.is_stale() {
            return Check::OtherLayout;
        }
        let total = |field: &Option<C::Field>| field.as_ref().map_or_else(C::default, C::of);
        if !is_gauge && point.count < total(&self.count) {
            return Check::Reset;
        }
        if layout.schema != self.layout.schema
            || layout.zero_threshold != self.layout.zero_threshold
        {
            return Check::OtherLayout;
        }
        if layout.has_custom_buckets() && layout.custom_values != self.layout.custom_values {
            return Check::Reset;
        }
        if !is_gauge && point.zero_count < total(&self.zero_count) {
            return Check::Reset;
        }
        let compare_side = |own: &[BucketSpan], fields: &[C::Field], spans: &[_], counts: &[C]| {
            let own_counts = C::from_stored(fields.iter().map(C::of));
            let left = Side {
                spans: own,
                counts: &own_counts,
            };
            compare(left, Side { spans, counts })
        };
        let positive = compare_side(
            &self.layout.positive_spans,
            &self.positive,
            &layout.positive_spans,
            &point.positive,
        );
        let negative = compare_side(
            &self.layout.negative_spans,
            &self.negative,
            &layout.negative_spans,
            &point.negative,
        );
        if !is_gauge && (positive.has_reset || negative.has_reset) {
            return Check::Reset;
        }
        Check::Fits { positive, negative }
    }

    /// Writes the sample, which has the chunk's layout or is the first one.
    fn push(&mut self, start_time: i64, time: i64, laid: &Laid<C>) {
        let stale_layout = Layout::default();
        let stale = is_stale(laid.point.sum);
        let stale_point = empty_point::<C>(laid.point.sum);
        let (layout, point) = if stale {
            (&stale_layout, &stale_point)
        } else {
            (&laid.layout, &laid.point)
        };
        let mut data = std::mem::take(&mut self.data);
        let mut writer = BitWriter::new(&mut data, self.free);
        let positive = C::to_stored(&point.positive);
        let negative = C::to_stored(&point.negative);
        let time_before = self.time;
        if self.samples == 0 {
            layout.write(&mut writer);
            self.layout = layout.clone();
            write_int(&mut writer, time);
            self.count = Some(C::write_first_total(&mut writer, point.count));
            self.zero_count = Some(C::write_first_total(&mut writer, point.zero_count));
            writer.bits(point.sum.to_bits(), 64);
            self.sum = XorField::with_bits(point.sum.to_bits());
            let mut first = |value: C| C::write_first_bucket(&mut writer, value);
            self.positive = positive.into_iter().map(&mut first).collect();
            self.negative = negative.into_iter().map(&mut first).collect();
        } else {
            let delta = time.wrapping_sub(self.time);
            write_int(&mut writer, delta.wrapping_sub(self.time_delta));
            self.time_delta = delta;
            for (field, total) in [
                (&mut self.count, point.count),
                (&mut self.zero_count, point.zero_count),
            ] {
                if let Some(field) = field {
                    if stale {
                        C::write_stale(&mut writer, field);
                    } else {
                        C::write_next(&mut writer, field, total);
                    }
                }
            }
            self.sum.write(&mut writer, point.sum.to_bits());
            for (field, value) in self.positive.iter_mut().zip(positive) {
                C::write_next(&mut writer, field, value);
            }
            for (field, value) in self.negative.iter_mut().zip(negative) {
                C::write_next(&mut writer, field, value);
            }
        }
        if let Some(starts) = &mut self.starts {
            let start = StartOf {
                index: self.samples,
                time,
                time_before,
                start_time,
            };
            starts.write(&mut writer, start);
        }
        self.free = writer.free();
        self.data = data;
        self.time = time;
        self.samples = self.samples.saturating_add(1);
        self.write_header();
    }

    fn write_header(&mut self) {
        let [high, low] = self.samples.to_be_bytes();
        let reset = self.header as u8;
        let header = match &self.starts {
            None => [high, low, reset],
            Some(starts) => [(high & 0x3f) | reset, low, starts.header],
        };
        if let Some(bytes) = self.data.first_chunk_mut::<HEADER>() {
            *bytes = header;
        }
    }

    /// The last sample; nothing is decoded for it.
    pub fn last(&self) -> Option<HistogramValue> {
        if self.samples == 0 {
            return None;
        }
        let sum = f64::from_bits(self.sum.bits);
        if is_stale(sum) {
            return Some(C::value(&Layout::default(), empty_point(sum)));
        }
        let total = |field: &Option<C::Field>| field.as_ref().map_or_else(C::default, C::of);
        let point = HistogramPoint {
            hint: match self.header {
                ResetHeader::Gauge => CounterResetHint::Gauge,
                _ => CounterResetHint::Unknown,
            },
            sum,
            count: total(&self.count),
            zero_count: total(&self.zero_count),
            positive: C::from_stored(self.positive.iter().map(C::of)),
            negative: C::from_stored(self.negative.iter().map(C::of)),
        };
        Some(C::value(&self.layout, point))
    }
}

fn empty_point<C: Count>(sum: f64) -> HistogramPoint<C> {
    HistogramPoint {
        hint: CounterResetHint::Unknown,
        sum,
        count: C::default(),
        zero_count: C::default(),
        positive: Vec::new(),
        negative: Vec::new(),
    }
}

/// Whether a sample can join a chunk.
enum Check {
    Fits {
        positive: Difference,
        negative: Difference,
    },
    /// A counter was reset.
    Reset,
    /// Schema or threshold differ, or the chunk ended with a staleness marker.
    OtherLayout,
    /// A gauge after a counter or the other way round.
    OtherKind,
}

impl Check {
    /// The header of a chunk that continues a full one.
    fn header<C: Count>(&self) -> ResetHeader {
        match self {
            Self::Fits { .. } | Self::OtherKind => ResetHeader::NotReset,
            Self::Reset => ResetHeader::Reset,
            Self::OtherLayout if C::IS_FLOAT => ResetHeader::NotReset,
            Self::OtherLayout => ResetHeader::Unknown,
        }
    }

    /// The header of a chunk that was started because of this.
    fn new_chunk_header<C: Count>(&self) -> ResetHeader {
        match self {
            Self::Reset => ResetHeader::Reset,
            // The peer's integer chunks say so after a gauge, its float chunks say nothing.
            Self::OtherKind if !C::IS_FLOAT => ResetHeader::NotReset,
            _ => ResetHeader::Unknown,
        }
    }
}

/// Whether the bucket numbers of two histograms agree with their layout; used by the decoder.
pub(super) fn buckets_of(layout: &Layout) -> (u64, u64) {
    (
        bucket_count(&layout.positive_spans),
        bucket_count(&layout.negative_spans),
    )
}
