//! One cursor over a scraped page, whatever its format.
//!
//! ```text
//! while scan.advance(expected)? != Step::End { match scan.entry() { … } }
//! ```
//!
//! Cost in the steady state: the caller keeps the raw bytes of the series it saw last time, as what each
//! shares with the one before it and the rest, and passes them as `expected`; a line that starts with them
//! is recognised by comparing bytes, and only its number is read. Labels, exemplars and start times are
//! read when asked for.

use std::borrow::Cow;

use model::storage::HistogramSample;
use model::{Exemplar, Labels, MetricType, Timestamp};

use crate::error::{LabelsError, ParseError};
use crate::negotiate::Format;
use crate::nhcb::NhcbScan;
use crate::proto::ProtoScan;
use crate::text::TextScan;

/// How to read a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Add `__type__` and `__unit__` from the metadata to the labels.
    pub type_and_unit_labels: bool,
    /// Leave `_created` series of OpenMetrics out; they are start times.
    pub skip_created_series: bool,
    /// See only the classic part of histograms in protobuf.
    pub ignore_native_histograms: bool,
    /// Turn classic histograms into native ones with custom buckets.
    pub convert_classic_to_nhcb: bool,
    /// Give classic histograms also where a native one is given.
    pub keep_classic: bool,
}

/// The raw bytes of the series that is likely next: the first `shared` bytes of the last series of this
/// page, then `tail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    pub shared: usize,
    pub tail: &'a [u8],
}

impl Expected<'_> {
    /// If `rest` starts with these bytes, how many they are.
    #[inline]
    pub(crate) fn length_in(&self, rest: &[u8], previous: &[u8]) -> Option<usize> {
        let (head, after) = rest.split_at_checked(self.shared)?;
        let matches = previous.get(..self.shared)? == head && after.starts_with(self.tail);
        let length = self.shared + self.tail.len();
        (matches && length > 0).then_some(length)
    }
}

/// What [`Exposition::advance`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The page ended as it should.
    End,
    Entry,
    /// A series with exactly the expected raw bytes.
    Expected,
}

/// One entry; borrows from the page or from the cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    Series(SeriesEntry<'a>),
    Histogram(HistogramEntry<'a>),
    Type {
        name: Cow<'a, str>,
        metric_type: MetricType,
    },
    Help {
        name: Cow<'a, str>,
        help: Cow<'a, str>,
    },
    Unit {
        name: Cow<'a, str>,
        unit: Cow<'a, str>,
    },
    Comment(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesEntry<'a> {
    /// Unique for the series within its page, the same on every page: a key for caches.
    pub raw: &'a [u8],
    pub value: f64,
    pub time: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramEntry<'a> {
    pub raw: &'a [u8],
    pub time: Option<Timestamp>,
    pub histogram: &'a HistogramSample,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one per page; the usual case should not need a pointer"
)]
enum Scan<'a> {
    Text(TextScan<'a>),
    Nhcb(Box<NhcbScan<'a>>),
    Proto(Box<ProtoScan<'a>>),
}

/// A cursor over a page. Methods other than [`advance`](Self::advance) speak of the current entry.
#[derive(Debug)]
pub struct Exposition<'a>(Scan<'a>);

impl<'a> Exposition<'a> {
    pub fn new(body: &'a [u8], format: Format, options: &Options) -> Self {
        let text = match format {
            Format::Protobuf => {
                return Self(Scan::Proto(Box::new(ProtoScan::new(body, options))));
            }
            Format::PrometheusText => TextScan::prometheus(body, options),
            Format::OpenMetricsText => TextScan::openmetrics(body, options),
        };
        Self(if options.convert_classic_to_nhcb {
            Scan::Nhcb(Box::new(NhcbScan::new(text, options)))
        } else {
            Scan::Text(text)
        })
    }

    /// Moves to the next entry.
    #[inline]
    pub fn advance(&mut self, expected: Option<Expected<'_>>) -> Result<Step, ParseError> {
        match &mut self.0 {
            Scan::Text(scan) => scan.advance(expected),
            Scan::Nhcb(scan) => scan.advance(),
            Scan::Proto(scan) => scan.advance(),
        }
    }

    /// The entry that [`advance`](Self::advance) moved to.
    #[inline]
    pub fn entry(&self) -> Entry<'_> {
        match &self.0 {
            Scan::Text(scan) => scan.entry(),
            Scan::Nhcb(scan) => scan.entry(),
            Scan::Proto(scan) => scan.entry(),
        }
    }

    /// Labels of the current series or histogram, with its name.
    pub fn labels(&self) -> Result<Labels, LabelsError> {
        match &self.0 {
            Scan::Text(scan) => scan.labels(),
            Scan::Nhcb(scan) => scan.labels(),
            Scan::Proto(scan) => scan.labels(),
        }
    }

    /// Whether [`exemplars`](Self::exemplars) may give any; cheap.
    #[inline]
    pub fn has_exemplars(&self) -> bool {
        match &self.0 {
            Scan::Text(scan) => scan.has_exemplars(),
            Scan::Nhcb(_) | Scan::Proto(_) => true,
        }
    }

    /// Appends the exemplars of the current series or histogram.
    pub fn exemplars(&self, out: &mut Vec<Exemplar>) {
        match &self.0 {
            Scan::Text(scan) => scan.exemplars(out),
            Scan::Nhcb(scan) => scan.exemplars(out),
            Scan::Proto(scan) => scan.exemplars(out),
        }
    }

    /// When the current series or histogram started, where the page says so.
    pub fn start_time(&mut self) -> Option<Timestamp> {
        match &mut self.0 {
            Scan::Text(scan) => scan.start_time(),
            Scan::Nhcb(scan) => scan.start_time(),
            Scan::Proto(scan) => scan.start_time(),
        }
    }
}
