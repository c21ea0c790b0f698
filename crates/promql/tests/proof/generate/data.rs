//! Random series: gauges, counters with resets, native histograms of all kinds, classic histograms, info
//! series; with gaps, staleness markers, NaN and infinities.

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, CounterResetHint};
use model::sample::STALE_NAN;
use model::{FloatHistogram, Labels};

use super::Choices;
use crate::reference::{Point, Sample, Stored};

/// The time of the first sample, about.
pub(crate) const FIRST_MS: i64 = 1_000_000_000;
/// From one sample to the next, about.
pub(crate) const INTERVAL_MS: i64 = 10_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    All,
    /// For a peer of old: no native histograms, no sample on a whole or half second, where windows end,
    /// counters far from zero without resets, and values whose sums have no rounding error.
    Plain,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
    Bucket(usize),
    Info,
    Exponential,
    Custom,
    /// Floats and histograms in turn.
    Mixed,
}

const SERIES: &[(Kind, &str)] = &[
    (Kind::Gauge, "m a=1 b=x instance=i1 job=j"),
    (Kind::Gauge, "m a=2 b=x instance=i2 job=j"),
    (Kind::Gauge, "m a=10 b=y instance=i1 job=k"),
    (Kind::Gauge, "m a=2 b=y"),
    (Kind::Gauge, "m a=1 b=y c=z"),
    (Kind::Gauge, "n a=1 b=x"),
    (Kind::Gauge, "n a=2 b=x instance=i2 job=j"),
    (Kind::Gauge, "n a=10 b=y c=z"),
    (Kind::Gauge, "n b=x"),
    (Kind::Counter, "c_total a=1 __type__=counter"),
    (Kind::Counter, "c_total a=2"),
    (Kind::Counter, "c_total a=10 b=x instance=i1 job=j"),
    (Kind::Counter, "d_total a=1"),
    (Kind::Bucket(1), "r_bucket a=1 le=0.5"),
    (Kind::Bucket(2), "r_bucket a=1 le=1"),
    (Kind::Bucket(4), "r_bucket a=1 le=+Inf"),
    (Kind::Bucket(1), "r_bucket a=2 le=-1"),
    (Kind::Bucket(3), "r_bucket a=2 le=1e1"),
    (Kind::Bucket(3), "r_bucket a=2 le=10.0"),
    (Kind::Bucket(5), "r_bucket a=2 le=+Inf"),
    (Kind::Bucket(2), "r_bucket a=3 le=1"),
    (Kind::Bucket(2), "r_bucket a=3 le=bad"),
    (Kind::Info, "target_info instance=i1 job=j version=1"),
    (Kind::Info, "target_info instance=i2 job=j version=2 a=7"),
    (Kind::Info, "target_info instance=i1 job=j version=3"),
    (Kind::Info, "build_info instance=i1 job=j branch=main"),
    (Kind::Exponential, "h a=1"),
    (Kind::Exponential, "h a=2 b=x instance=i1 job=j"),
    (Kind::Exponential, "h a=10"),
    (Kind::Exponential, "m a=7 b=x"),
    (Kind::Custom, "g a=1"),
    (Kind::Custom, "g a=2"),
    (Kind::Custom, "h a=7"),
    (Kind::Mixed, "x a=1"),
    (Kind::Mixed, "x a=2"),
    (Kind::Custom, "r_bucket a=1"),
];

/// Most of the series above, in random order, each with up to 43 samples.
pub(crate) fn dataset(choices: &mut Choices, kinds: Kinds) -> Vec<Stored> {
    let mut result: Vec<Stored> = Vec::new();
    let is_regular = choices.chance(50);
    for (kind, text) in SERIES {
        let is_float = !matches!(kind, Kind::Exponential | Kind::Custom | Kind::Mixed);
        if kinds == Kinds::Plain && !is_float || !choices.chance(70) {
            continue;
        }
        let mut words = text.split(' ');
        let mut builder = Labels::empty().to_builder();
        builder.set("__name__", words.next().unwrap_or_default());
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            if name != "__type__" || kinds == Kinds::All {
                builder.set(name, value);
            }
        }
        let stored = Stored {
            labels: builder.build(),
            samples: samples(choices, *kind, kinds, is_regular),
        };
        let at = choices.below(result.len() + 1);
        result.insert(at, stored);
    }
    result
}

fn samples(choices: &mut Choices, kind: Kind, kinds: Kinds, is_regular: bool) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut value = Walk::new(choices, kinds);
    let (mut time, mut start) = (FIRST_MS + choices.below(40) as i64 * 1000, 0);
    let count = 4 + choices.below(40);
    let layout = Layout::new(choices);
    for _ in 0..count {
        time += if is_regular {
            INTERVAL_MS
        } else {
            INTERVAL_MS / 2 + choices.below(INTERVAL_MS as usize) as i64
        };
        if choices.chance(8) {
            time += choices.below(9) as i64 * INTERVAL_MS;
        }
        if kinds == Kinds::Plain && time % 500 == 0 {
            time += 123;
        }
        let is_reset = kinds == Kinds::All && choices.chance(8);
        if is_reset || choices.chance(5) {
            start = time - choices.below(12_000) as i64;
        }
        let is_histogram = match kind {
            Kind::Exponential | Kind::Custom => true,
            Kind::Mixed => choices.chance(50),
            _ => false,
        };
        let is_stale = choices.chance(4);
        let point = if is_histogram {
            value.step(choices, true, is_reset);
            let is_custom = kind == Kind::Custom;
            Point::histogram(layout.histogram(choices, &value, is_custom, is_stale))
        } else if is_stale {
            Point::Float(STALE_NAN)
        } else {
            Point::Float(match kind {
                Kind::Info => 1.0,
                Kind::Bucket(factor) => {
                    value.step(choices, true, is_reset);
                    value.total * factor as f64
                }
                Kind::Counter => {
                    value.step(choices, true, is_reset);
                    value.total
                }
                _ => value.step(choices, false, is_reset),
            })
        };
        samples.push(Sample { time, start, point });
    }
    samples
}

/// Values of one series, one after the other.
struct Walk {
    total: f64,
    /// Counts of buckets.
    counts: [f64; 5],
    is_odd: bool,
    is_plain: bool,
}

impl Walk {
    fn new(choices: &mut Choices, kinds: Kinds) -> Self {
        let is_plain = kinds == Kinds::Plain;
        Self {
            total: choices.below(20) as f64 + if is_plain { 1e6 } else { 0.0 },
            counts: [1.0, 0.0, 2.0, 0.0, 1.0],
            is_odd: choices.chance(30) && !is_plain,
            is_plain,
        }
    }

    /// The next value of a gauge; counters take `total`.
    fn step(&mut self, choices: &mut Choices, is_counter: bool, is_reset: bool) -> f64 {
        if is_reset {
            self.total = 0.0;
            self.counts = [0.0, 1.0, 0.0, 0.0, 0.0];
        }
        let growth = choices.below(8) as f64;
        self.total += if self.is_odd { growth / 3.0 } else { growth };
        let at = choices.below(self.counts.len());
        self.counts[at] += growth;
        if is_counter {
            return self.total;
        }
        match choices.below(24) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 if !self.is_plain => 1.5e308,
            // The messages of remote write have no negative zero.
            4 if !self.is_plain => -0.0,
            5..12 if self.is_odd => choices.below(1_000_003) as f64 / 977.0 - 300.0,
            12..16 => 0.0 - choices.below(5) as f64,
            _ => choices.below(6) as f64,
        }
    }
}

/// What stays the same from one histogram of a series to the next, mostly.
struct Layout {
    schema: i32,
    zero_threshold: f64,
    offset: i32,
    bounds: Vec<f64>,
    has_negative: bool,
    is_gauge: bool,
}

const SCHEMAS: [i32; 5] = [0, 1, -1, 3, 8];
const BOUNDS: [&[f64]; 4] = [
    &[1.0, 2.0, 5.0, 10.0],
    &[-2.0, 0.0, 3.0, 10.0],
    &[1.0, 3.0, 5.0, 20.0],
    &[0.5],
];

impl Layout {
    fn new(choices: &mut Choices) -> Self {
        Self {
            schema: choices.pick(&SCHEMAS),
            zero_threshold: choices.pick(&[0.001, 0.0, 1e-128, 0.5]),
            offset: choices.below(7) as i32 - 3,
            bounds: choices.pick(&BOUNDS).to_vec(),
            has_negative: choices.chance(30),
            is_gauge: choices.chance(15),
        }
    }

    fn histogram(
        &self,
        choices: &mut Choices,
        value: &Walk,
        is_custom: bool,
        is_stale: bool,
    ) -> FloatHistogram {
        if is_stale {
            return FloatHistogram {
                sum: STALE_NAN,
                ..FloatHistogram::default()
            };
        }
        let counts = value.counts;
        let mut histogram = FloatHistogram {
            sum: if choices.chance(3) {
                f64::NAN
            } else {
                value.total
            },
            ..FloatHistogram::default()
        };
        if self.is_gauge {
            histogram.counter_reset_hint = CounterResetHint::Gauge;
        }
        if is_custom {
            histogram.schema = CUSTOM_BUCKETS_SCHEMA;
            histogram.custom_values = if choices.chance(10) {
                choices.pick(&BOUNDS).to_vec()
            } else {
                self.bounds.clone()
            };
            let length = histogram.custom_values.len() + 1;
            histogram.positive_buckets = counts[..length].to_vec();
            histogram.positive_spans = vec![span(0, length)];
        } else {
            histogram.schema = if choices.chance(8) {
                choices.pick(&SCHEMAS)
            } else {
                self.schema
            };
            histogram.zero_threshold = if choices.chance(5) {
                2.0
            } else {
                self.zero_threshold
            };
            histogram.zero_count = counts[0];
            histogram.positive_buckets = counts[1..4].to_vec();
            histogram.positive_spans = vec![span(self.offset, 2), span(2, 1)];
            if self.has_negative {
                histogram.negative_buckets = counts[3..].to_vec();
                histogram.negative_spans = vec![span(0, 1), span(self.offset.max(0) + 1, 1)];
            }
        }
        let parts = [&histogram.positive_buckets, &histogram.negative_buckets];
        histogram.count = histogram.zero_count + parts.into_iter().flatten().sum::<f64>();
        if histogram.sum.is_nan() {
            // An observation that is NaN is in no bucket.
            histogram.count += 1.0;
        }
        histogram
    }
}

fn span(offset: i32, length: usize) -> BucketSpan {
    BucketSpan {
        offset,
        length: length as u32,
    }
}
