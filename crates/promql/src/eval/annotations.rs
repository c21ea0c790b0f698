//! Warnings and infos about a query, with the peers' wording and the place in the query.
//!
//! Each text is kept once; of equal texts the place of the last one is shown, as Prometheus does.

use std::collections::HashMap;
use std::fmt::Write as _;

use diag::Span;
use model::format::{float_shortest, go_quote};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Addition,
    Subtraction,
    Aggregation,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// What can be said about a query. Names are metric names, empty if unknown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    InvalidQuantile(f64),
    InvalidRatio {
        got: f64,
        cap: f64,
    },
    BadBucketLabel {
        name: String,
        label: String,
    },
    MixedFloatsHistograms {
        name: String,
    },
    MixedFloatsHistogramsInAggregation,
    MixedClassicNative {
        name: String,
    },
    NotACounter {
        name: String,
    },
    NotAGauge {
        name: String,
    },
    MixedExponentialCustom {
        name: String,
    },
    IncompatibleBucketLayout {
        op: &'static str,
    },
    SortInRangeQuery,
    ResetCollision(Operation),
    StartTimeOverlap {
        name: String,
    },
    PossiblyNotACounter {
        name: String,
    },
    PossiblyNotACounterByLabel {
        name: String,
        label: String,
    },
    ForcedMonotonicity(ForcedMonotonicity),
    IncompatibleTypes {
        lhs: &'static str,
        op: &'static str,
        rhs: &'static str,
    },
    IgnoredInAggregation(&'static str),
    IgnoredInMixedRange {
        name: String,
    },
    QuantileNan {
        name: String,
    },
    QuantileSkewed {
        name: String,
    },
    FractionNan {
        name: String,
    },
    MismatchedCustomBuckets(Operation),
}

/// Classic buckets whose counts went down from one bound to a higher one, and were raised.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ForcedMonotonicity {
    pub(crate) name: String,
    pub(crate) time_min_ms: i64,
    pub(crate) time_max_ms: i64,
    pub(crate) bucket_min: f64,
    pub(crate) bucket_max: f64,
    pub(crate) difference_max: f64,
    /// How many histograms beyond the first.
    pub(crate) more: usize,
}

impl Note {
    fn is_info(&self) -> bool {
        matches!(
            self,
            Self::PossiblyNotACounter { .. }
                | Self::PossiblyNotACounterByLabel { .. }
                | Self::ForcedMonotonicity(_)
                | Self::IncompatibleTypes { .. }
                | Self::IgnoredInAggregation(_)
                | Self::IgnoredInMixedRange { .. }
                | Self::QuantileNan { .. }
                | Self::QuantileSkewed { .. }
                | Self::FractionNan { .. }
                | Self::MismatchedCustomBuckets(_)
        )
    }

    fn text(&self) -> String {
        let for_name = |text: &str, name: &str| {
            if name.is_empty() {
                text.to_owned()
            } else {
                format!("{text} for metric name {}", go_quote(name))
            }
        };
        match self {
            Self::InvalidQuantile(q) => format!(
                "quantile value should be between 0 and 1, got {}",
                float_shortest(*q)
            ),
            Self::InvalidRatio { got, cap } => format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                float_shortest(*got),
                float_shortest(*cap)
            ),
            Self::BadBucketLabel { name, label } => for_name(
                &format!(
                    "bucket label \"le\" is missing or has a malformed value of {}",
                    go_quote(label)
                ),
                name,
            ),
            Self::MixedFloatsHistograms { name } => format!(
                "encountered a mix of histograms and floats for metric name {}",
                go_quote(name)
            ),
            Self::MixedFloatsHistogramsInAggregation => {
                "encountered a mix of histograms and floats for aggregation".to_owned()
            }
            Self::MixedClassicNative { name } => for_name(
                "vector contains a mix of classic and native histograms",
                name,
            ),
            Self::NotACounter { name } => format!(
                "this native histogram metric is not a counter: {}",
                go_quote(name)
            ),
            Self::NotAGauge { name } => format!(
                "this native histogram metric is not a gauge: {}",
                go_quote(name)
            ),
            Self::MixedExponentialCustom { name } => format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
                go_quote(name)
            ),
            Self::IncompatibleBucketLayout { op } => {
                format!("incompatible bucket layout encountered for binary operator {op}")
            }
            Self::SortInRangeQuery => {
                "sort is ineffective for range queries since results are always ordered by labels"
                    .to_owned()
            }
            Self::ResetCollision(operation) => format!(
                "conflicting counter resets during histogram {}",
                operation.as_str()
            ),
            Self::StartTimeOverlap { name } => format!(
                "sample has start time that overlaps with previous sample timestamp for metric {}",
                go_quote(name)
            ),
            Self::PossiblyNotACounter { name } => format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                go_quote(name)
            ),
            Self::PossiblyNotACounterByLabel { name, label } => format!(
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                go_quote(label),
                go_quote(name)
            ),
            Self::ForcedMonotonicity(forced) => for_name(
                "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
                &forced.name,
            ),
            Self::IncompatibleTypes { lhs, op, rhs } => format!(
                "incompatible sample types encountered for binary operator {}: {lhs} {op} {rhs}",
                go_quote(op)
            ),
            Self::IgnoredInAggregation(aggregation) => {
                format!("ignored histogram in {aggregation} aggregation")
            }
            Self::IgnoredInMixedRange { name } => format!(
                "ignored histograms in a range containing both floats and histograms for metric name {}",
                go_quote(name)
            ),
            Self::QuantileNan { name } => for_name(
                "input to histogram_quantile has NaN observations, result is NaN",
                name,
            ),
            Self::QuantileSkewed { name } => for_name(
                "input to histogram_quantile has NaN observations, result is skewed higher",
                name,
            ),
            Self::FractionNan { name } => for_name(
                "input to histogram_fraction has NaN observations, which are excluded from all fractions",
                name,
            ),
            Self::MismatchedCustomBuckets(operation) => format!(
                "mismatched custom buckets were reconciled during {}",
                operation.as_str()
            ),
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    note: Note,
    text: String,
    span: Span,
    /// How often it was added.
    count: usize,
}

/// The notes of one query, in the order in which they first came up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Annotations {
    entries: Vec<Entry>,
    by_text: HashMap<String, usize>,
}

impl Annotations {
    pub(crate) fn add(&mut self, note: Note, span: Span) {
        let text = note.text();
        self.add_entry(Entry {
            note,
            text,
            span,
            count: 1,
        });
    }

    /// Adds what was noted elsewhere, as if it came now.
    pub(crate) fn merge(&mut self, other: &Self) {
        for entry in &other.entries {
            self.add_entry(entry.clone());
        }
    }

    /// As [`Self::merge`], of a text that started at byte `from` of its query and starts at `to` of this one.
    pub(crate) fn merge_moved(&mut self, other: &Self, from: usize, to: usize) {
        for entry in &other.entries {
            let mut entry = entry.clone();
            let moved = |position: usize| Some(to + position.checked_sub(from)?);
            // What is before the text is no place in it.
            if let (Some(start), Some(end)) = (moved(entry.span.start), moved(entry.span.end)) {
                entry.span = Span::new(start, end);
            }
            self.add_entry(entry);
        }
    }

    fn add_entry(&mut self, new: Entry) {
        if let Some(entry) = self
            .by_text
            .get(&new.text)
            .and_then(|at| self.entries.get_mut(*at))
        {
            entry.span = new.span;
            entry.count += new.count;
            if let (Note::ForcedMonotonicity(known), Note::ForcedMonotonicity(new)) =
                (&mut entry.note, new.note)
            {
                known.merge(&new);
            }
            return;
        }
        self.by_text.insert(new.text.clone(), self.entries.len());
        self.entries.push(new);
    }

    /// `(warnings, infos)` with the places in `query`.
    pub(crate) fn render(&self, query: &str) -> (Vec<String>, Vec<String>) {
        let mut warnings = Vec::new();
        let mut infos = Vec::new();
        for entry in &self.entries {
            let (kind, list) = if entry.note.is_info() {
                ("info", &mut infos)
            } else {
                ("warning", &mut warnings)
            };
            let mut text = format!("PromQL {kind}: {}", entry.text);
            // Writing to a string cannot fail.
            match &entry.note {
                Note::ForcedMonotonicity(forced) => text.push_str(&forced.details()),
                Note::StartTimeOverlap { .. } if entry.count > 1 => {
                    let _ = write!(text, " ({} occurrences)", entry.count);
                }
                _ => {}
            }
            let _ = write!(text, " ({})", place(query, entry.span.start));
            list.push(text);
        }
        (warnings, infos)
    }
}

impl ForcedMonotonicity {
    fn merge(&mut self, other: &Self) {
        self.time_min_ms = self.time_min_ms.min(other.time_min_ms);
        self.time_max_ms = self.time_max_ms.max(other.time_max_ms);
        self.bucket_min = self.bucket_min.min(other.bucket_min);
        self.bucket_max = self.bucket_max.max(other.bucket_max);
        self.difference_max = self.difference_max.max(other.difference_max);
        self.more += other.more + 1;
    }

    fn details(&self) -> String {
        format!(
            ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
            float_shortest(self.bucket_min),
            float_shortest(self.bucket_max),
            two_digits(self.difference_max),
            self.more + 1,
            super::calendar::rfc3339(self.time_min_ms.div_euclid(1000)),
            super::calendar::rfc3339(self.time_max_ms.div_euclid(1000)),
        )
    }
}

/// Go's `%.2g`: two significant digits.
fn two_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return float_shortest(value);
    }
    let scientific = format!("{value:.1e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..2).contains(&exponent) {
        let decimals = usize::try_from(1 - exponent).unwrap_or(0);
        let fixed = format!("{value:.decimals$}");
        return if fixed.contains('.') {
            fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            fixed
        };
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `line:column`, both from 1; columns count bytes, as the peers do.
fn place(query: &str, position: usize) -> String {
    let Some(before) = query.as_bytes().get(..position) else {
        return "invalid position".to_owned();
    };
    if query.is_empty() {
        return "unknown position".to_owned();
    }
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    format!("{line}:{}", position - line_start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_kept_once_with_the_last_place() {
        let mut notes = Annotations::default();
        notes.add(Note::InvalidQuantile(1.5), Span::new(0, 1));
        notes.add(Note::InvalidQuantile(1.5), Span::new(3, 4));
        notes.add(Note::IgnoredInAggregation("min"), Span::new(1, 2));
        let (warnings, infos) = notes.render("a\nbcd");
        assert_eq!(
            warnings,
            ["PromQL warning: quantile value should be between 0 and 1, got 1.5 (2:2)"]
        );
        assert_eq!(
            infos,
            ["PromQL info: ignored histogram in min aggregation (1:2)"]
        );
    }

    #[test]
    fn two_significant_digits() {
        assert_eq!(two_digits(0.123), "0.12");
        assert_eq!(two_digits(12.3), "12");
        assert_eq!(two_digits(1234.0), "1.2e+03");
        assert_eq!(two_digits(0.00001), "1e-05");
        assert_eq!(two_digits(2.0), "2");
    }
}
