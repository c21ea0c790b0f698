//! Exemplars: a trace reference beside a sample.

use crate::labels::Labels;
use crate::time::Timestamp;

/// The most characters that the labels of one exemplar may have in all (OpenMetrics).
pub const LABELS_CHARS_MAX: usize = 128;

#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub labels: Labels,
    pub value: f64,
    /// `None` where the exposition gave none; storage then takes the sample's.
    pub time: Option<Timestamp>,
}
