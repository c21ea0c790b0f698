//! Samples and staleness.

use std::sync::Arc;

use crate::histogram::FloatHistogram;
use crate::time::Timestamp;

/// The NaN that marks the end of a series; its bits are part of the storage format.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;
/// The NaN that stands for "not a number" everywhere else.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;
/// The staleness marker as a value.
pub const STALE_NAN: f64 = f64::from_bits(STALE_NAN_BITS);
/// The one NaN that calculations store.
pub const NORMAL_NAN: f64 = f64::from_bits(NORMAL_NAN_BITS);

/// Whether the value is the staleness marker (no other NaN is).
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// What a series holds at one time.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl Value {
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Float(value) => is_stale(*value),
            Self::Histogram(histogram) => is_stale(histogram.sum),
        }
    }

    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Histogram(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub time: Timestamp,
    pub value: Value,
}
