//! Histogram chunks (encodings 2, 3, 5, 6): one bucket layout for all samples of a chunk.
//!
//! [`layout`]: what the chunk fixes (schema, zero threshold, spans, custom bounds). [`count`]: how
//! integer and float counts are stored; the only difference between the two kinds. [`buckets`]: bringing
//! a sample and a chunk to the same layout. [`append`]: the encoder, which decides between appending,
//! recoding and a new chunk. [`read`]: the decoder.

mod append;
mod buckets;
mod count;
mod layout;
mod read;

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, Histogram};

use super::{ChunkError, Encoding, Go};

pub use append::{Appended, OpenChunk};
pub use buckets::is_well_formed;
pub use count::Count;
pub use layout::Layout;

/// Number of samples and, without start times, flags; with them, the start time header.
const HEADER: usize = 3;

/// One sample, its bucket counts absolute.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramPoint<C> {
    pub(crate) hint: CounterResetHint,
    pub(crate) sum: f64,
    pub(crate) count: C,
    pub(crate) zero_count: C,
    pub(crate) positive: Vec<C>,
    pub(crate) negative: Vec<C>,
}

/// A decoded sample; 0 stands for an unknown start time.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedHistogram {
    pub time: i64,
    pub start_time: i64,
    pub value: HistogramValue,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HistogramValue {
    Integer(Arc<Histogram>),
    Float(Arc<FloatHistogram>),
}

impl DecodedHistogram {
    /// With float counts, as queries use it.
    pub fn to_float(&self) -> Arc<FloatHistogram> {
        match &self.value {
            HistogramValue::Integer(histogram) => Arc::new(histogram.to_float()),
            HistogramValue::Float(histogram) => histogram.clone(),
        }
    }
}

/// Gives the first `samples_max` samples to `sink`, until that returns `false`.
pub fn decode(
    encoding: Encoding,
    data: &[u8],
    samples_max: usize,
    sink: impl FnMut(DecodedHistogram) -> Go,
) -> Result<(), ChunkError> {
    match encoding {
        Encoding::Histogram | Encoding::HistogramSt => {
            read::decode::<i64>(encoding, data, samples_max, sink)
        }
        Encoding::FloatHistogram | Encoding::FloatHistogramSt => {
            read::decode::<f64>(encoding, data, samples_max, sink)
        }
        Encoding::Xor | Encoding::Xor2 => Err(ChunkError::Malformed("not a histogram chunk")),
    }
}
