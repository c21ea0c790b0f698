//! The text formats: Prometheus 0.0.4 / 1.0.0 and OpenMetrics.
//!
//! Two small state machines ([`prometheus_lexer`], [`openmetrics_lexer`]) feed two parsers that share
//! label lists and error texts. Nothing is allocated per sample: entries borrow from the page, labels
//! are read from the raw series bytes only when asked for.

mod cursor;
mod labels;
mod list;
mod openmetrics;
mod openmetrics_lexer;
mod prometheus;
mod prometheus_lexer;
mod token;

pub(crate) use labels::assemble;
pub(crate) use openmetrics::OpenMetricsText;
pub(crate) use prometheus::PrometheusText;

use model::{Exemplar, Labels, MetricType, Timestamp};

use crate::error::{LabelsError, ParseError};
use crate::exposition::{Entry, Expected, Options, Step};

/// A page in one of the text formats.
#[derive(Debug)]
pub(crate) enum TextScan<'a> {
    Prometheus(PrometheusText<'a>),
    OpenMetrics(OpenMetricsText<'a>),
}

impl<'a> TextScan<'a> {
    pub(crate) fn prometheus(body: &'a [u8], options: &Options) -> Self {
        Self::Prometheus(PrometheusText::new(body, options))
    }

    pub(crate) fn openmetrics(body: &'a [u8], options: &Options) -> Self {
        Self::OpenMetrics(OpenMetricsText::new(body, options))
    }

    #[inline]
    pub(crate) fn advance(&mut self, expected: Option<Expected<'_>>) -> Result<Step, ParseError> {
        match self {
            Self::Prometheus(scan) => scan.advance(expected),
            Self::OpenMetrics(scan) => scan.advance(expected),
        }
    }

    #[inline]
    pub(crate) fn entry(&self) -> Entry<'_> {
        match self {
            Self::Prometheus(scan) => scan.entry(),
            Self::OpenMetrics(scan) => scan.entry(),
        }
    }

    pub(crate) fn labels(&self) -> Result<Labels, LabelsError> {
        match self {
            Self::Prometheus(scan) => scan.labels(),
            Self::OpenMetrics(scan) => scan.labels(),
        }
    }

    pub(crate) fn exemplars(&self, out: &mut Vec<Exemplar>) {
        if let Self::OpenMetrics(scan) = self {
            out.extend(scan.exemplar());
        }
    }

    #[inline]
    pub(crate) fn has_exemplars(&self) -> bool {
        match self {
            Self::Prometheus(_) => false,
            Self::OpenMetrics(scan) => scan.has_exemplar(),
        }
    }

    pub(crate) fn start_time(&mut self) -> Option<Timestamp> {
        match self {
            Self::Prometheus(_) => None,
            Self::OpenMetrics(scan) => scan.start_time(),
        }
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        match self {
            Self::Prometheus(scan) => scan.metric_type(),
            Self::OpenMetrics(scan) => scan.metric_type(),
        }
    }
}
