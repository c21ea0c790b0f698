//! Alerts and samples that are expected and found: compared, and shown as the peer shows them.

use std::collections::BTreeMap;

use config::rule_tests::{AlertTest, ExpectedSample};
use model::format::float_exponent;
use model::labels::ALERT_NAME;
use model::{Labels, Pairs};
use promql::syntax::SequenceValue;
use promql::syntax::series::histogram_notation;
use promql::{parse_metric, parse_series_description};

/// Names and values, also empty ones: as the peer, a test tells an empty value from none.
pub(super) type Texts = BTreeMap<String, String>;

/// What tells alerts of one name apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AlertLabels {
    pub(super) labels: Texts,
    pub(super) annotations: Texts,
}

/// Sorted.
pub(super) fn expected_alerts(test: &AlertTest) -> Vec<AlertLabels> {
    let mut alerts: Vec<AlertLabels> = test
        .expected
        .iter()
        .map(|alert| {
            let mut labels = alert.labels.clone();
            // Users give only the labels that the rule has.
            labels.insert(ALERT_NAME.to_owned(), test.alertname.clone());
            AlertLabels {
                labels,
                annotations: alert.annotations.clone(),
            }
        })
        .collect();
    alerts.sort();
    alerts
}

/// A list over several lines.
pub(super) fn alerts_text(alerts: &[AlertLabels]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let items: Vec<String> = alerts
        .iter()
        .enumerate()
        .map(|(at, alert)| {
            let labels = Pairs::from(&alert.labels);
            let annotations = Pairs::from(&alert.annotations);
            format!("{at}:\n  Labels:{labels}\n  Annotations:{annotations}")
        })
        .collect();
    format!("[\n{}\n]", items.join(",\n"))
}

/// All lines but the first moved in.
pub(super) fn indented(text: &str, indent: &str) -> String {
    text.replace('\n', &format!("\n{indent}"))
}

/// One sample of a vector.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SampleText {
    pub(super) labels: Labels,
    pub(super) value: f64,
    /// In the notation of tests; empty for floats.
    pub(super) histogram: String,
}

impl SampleText {
    /// Reads what a test expects.
    pub(super) fn parse(expected: &ExpectedSample) -> Result<Self, String> {
        let labels = match expected.labels.trim() {
            "" => Labels::empty(),
            text => parse_metric(text).map_err(|errors| errors.to_string())?,
        };
        let histogram = match expected.histogram.as_str() {
            "" => String::new(),
            text => {
                let series = parse_series_description(&format!("{{}} {text}"));
                let series = series.map_err(|errors| errors.to_string())?;
                match series.values.as_slice() {
                    [SequenceValue::Histogram { histogram, .. }] => histogram_notation(histogram),
                    [other] => return Err(format!("expected histogram, got {other}")),
                    others => return Err(format!("expected 1 value, got {}", others.len())),
                }
            }
        };
        Ok(Self {
            labels,
            value: expected.value,
            histogram,
        })
    }

    fn text(&self) -> String {
        let value = match self.histogram.as_str() {
            "" => float_exponent(self.value).replace('e', "E"),
            histogram => histogram.to_owned(),
        };
        format!("{} {value}", self.labels)
    }
}

pub(super) fn samples_text(samples: &[SampleText]) -> String {
    if samples.is_empty() {
        return "nil".to_owned();
    }
    let texts: Vec<String> = samples.iter().map(SampleText::text).collect();
    texts.join(", ")
}

/// How equal two values must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Exact,
    /// Up to one step of the last bit.
    Fuzzy,
}

impl From<bool> for Precision {
    fn from(is_fuzzy: bool) -> Self {
        if is_fuzzy { Self::Fuzzy } else { Self::Exact }
    }
}

/// Whether two sorted vectors are the same. As in the peer, NaN equals nothing.
pub(super) fn same_samples(a: &[SampleText], b: &[SampleText], precision: Precision) -> bool {
    let same_value = |x: f64, y: f64| {
        x == y || precision == Precision::Fuzzy && (x.next_up() == y || x.next_down() == y)
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.labels == b.labels && a.histogram == b.histogram && same_value(a.value, b.value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_stand_in_one_form() {
        let expected = ExpectedSample {
            labels: "h{a=\"b\"}".to_owned(),
            value: 0.0,
            histogram: "{{buckets:[2] count:2 sum:3}}".to_owned(),
        };
        let sample = SampleText::parse(&expected).unwrap();
        assert_eq!(
            samples_text(&[sample]),
            "{__name__=\"h\", a=\"b\"} {{count:2 sum:3 buckets:[2]}}"
        );
        for (histogram, problem) in [
            ("1", "expected histogram, got 1"),
            ("1 2", "expected 1 value, got 2"),
        ] {
            let wrong = ExpectedSample {
                histogram: histogram.to_owned(),
                ..expected.clone()
            };
            assert_eq!(SampleText::parse(&wrong).unwrap_err(), problem);
        }
    }

    #[test]
    fn fuzzy_is_one_bit() {
        let sample = |value| {
            vec![SampleText {
                labels: Labels::empty(),
                value,
                histogram: String::new(),
            }]
        };
        let (a, near, far) = (
            sample(3.0),
            sample(3.0_f64.next_up()),
            sample(3.0_f64.next_up().next_up()),
        );
        assert!(!same_samples(&a, &near, Precision::Exact));
        assert!(same_samples(&a, &near, Precision::Fuzzy));
        assert!(!same_samples(&a, &far, Precision::Fuzzy));
        assert!(!same_samples(&a, &[], Precision::Fuzzy));
    }
}
