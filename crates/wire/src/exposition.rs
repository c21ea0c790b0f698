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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads all that can be read, using every method.
    fn read_all(body: &[u8], format: Format, options: &Options) {
        let mut scan = Exposition::new(body, format, options);
        let mut exemplars = Vec::new();
        let mut last = Vec::new();
        for _ in 0..=body.len() * 4 + 4 {
            let expected = Expected {
                shared: 0,
                tail: &last,
            };
            match scan.advance(Some(expected)) {
                Ok(Step::End) | Err(_) => return,
                Ok(_) => {}
            }
            if let Entry::Series(series) = scan.entry() {
                last = series.raw.to_vec();
            }
            let _ = (scan.labels(), scan.start_time());
            scan.exemplars(&mut exemplars);
        }
        panic!("the page does not end");
    }

    fn all_options() -> impl Strategy<Value = Options> {
        proptest::array::uniform5(any::<bool>()).prop_map(|[a, b, c, d, e]| Options {
            type_and_unit_labels: a,
            skip_created_series: b,
            ignore_native_histograms: c,
            convert_classic_to_nhcb: d,
            keep_classic: e,
        })
    }

    /// Bits of pages in any order, so that the readers get far into them.
    fn page() -> impl Strategy<Value = Vec<u8>> {
        let bits = [
            "# TYPE h histogram\n",
            "# TYPE c counter\n",
            "# UNIT c_seconds seconds\n",
            "# HELP h text\n",
            "h_bucket{le=\"1\"} 1",
            "h_bucket{le=\"+Inf\"} 2",
            "h_sum 3\n",
            "h_count 2\n",
            "c_total{a=\"b\"} 1",
            "c_created 5\n",
            "{\"a.b\",c=\"d\"} NaN",
            " # {x=\"y\"} 1",
            " 1700000000",
            "\n",
            "\0",
            "\"",
            "\\",
            "{",
            "}",
            " ",
            "# EOF\n",
            "é",
        ];
        proptest::collection::vec(prop::sample::select(bits.to_vec()), 0..30)
            .prop_map(|bits| bits.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn any_page_ends(body in page(), options in all_options()) {
            read_all(&body, Format::PrometheusText, &options);
            read_all(&body, Format::OpenMetricsText, &options);
        }

        #[test]
        fn any_bytes_end(body in proptest::collection::vec(any::<u8>(), 0..200), options in all_options()) {
            for format in [Format::PrometheusText, Format::OpenMetricsText, Format::Protobuf] {
                read_all(&body, format, &options);
            }
        }

        /// Valid framing around random fields gets further into the decoder than random bytes.
        #[test]
        fn any_message_ends(fields in proptest::collection::vec((1u8..17, 0u8..3, any::<[u8; 8]>()), 0..20), options in all_options()) {
            let mut metric = Vec::new();
            for (number, kind, bytes) in fields {
                match kind {
                    0 => metric.extend([number << 3, bytes[0] & 0x7f]),
                    1 => { metric.push((number << 3) | 1); metric.extend(bytes); }
                    _ => { metric.extend([(number << 3) | 2, 8]); metric.extend(bytes); }
                }
            }
            let frame = |tag: u8, inner: &[u8]| {
                let mut framed = vec![tag];
                let mut length = inner.len();
                while length >= 0x80 { framed.push((length & 0x7f) as u8 | 0x80); length >>= 7; }
                framed.push(length as u8);
                framed.extend(inner);
                framed
            };
            let histogram = frame(0x3a, &metric);
            let mut family = vec![0x0a, 1, b'h', 0x18, 4];
            family.extend(frame(0x22, &histogram));
            let body = frame(0, &family)[1..].to_vec();
            read_all(&body, Format::Protobuf, &options);
        }
    }
}
