//! Files with unit tests of rules, as `promtool test rules` reads them.

use std::collections::BTreeMap;

use diag::Source;
use model::{Duration, Timestamp};
use yaml::{Node, Reading, Value};

use crate::files::LoadError;
use crate::prometheus::ExternalLabels;
use crate::section::{Field, read_section};

section! {
    /// One file.
    pub struct RuleTests: "main.unitTestFile" {
        /// Patterns; relative ones start at the file's folder.
        ["rule_files", omit] pub rule_files: Vec<String>,
        ["evaluation_interval", unless_default] pub evaluation_interval: Duration,
        /// Names of groups; those named first are evaluated first.
        ["group_eval_order", omit] pub group_eval_order: Vec<String>,
        ["tests", omit] pub tests: Vec<RuleTest>,
        /// Values may differ in their last bit.
        ["fuzzy_compare", omit] pub fuzzy_compare: bool,
    }
}

section! {
    /// Series, and what rules and queries are to make of them.
    pub struct RuleTest: "main.testGroup" {
        ["interval", unless_default] pub interval: Duration,
        ["input_series", omit] pub input_series: Vec<InputSeries>,
        ["alert_rule_test", omit] pub alerts: Vec<AlertTest>,
        ["promql_expr_test", omit] pub queries: Vec<QueryTest>,
        ["external_labels", omit] pub external_labels: ExternalLabels,
        ["external_url", omit] pub external_url: String,
        ["name", omit] pub name: String,
        /// Of the first samples and evaluations; without it 1970.
        ["start_timestamp", some] pub start: Option<StartTime>,
    }
}

section! {
    /// A series and its values, both in the notation of tests.
    pub struct InputSeries: "main.series" {
        ["series", omit] pub series: String,
        ["values", omit] pub values: String,
    }
}

section! {
    /// Alerts of a name that are to fire at a time.
    pub struct AlertTest: "main.alertTestCase" {
        ["eval_time", unless_default] pub time: Duration,
        ["alertname", omit] pub alertname: String,
        ["exp_alerts", omit] pub expected: Vec<ExpectedAlert>,
    }
}

section! {
    pub struct ExpectedAlert: "main.alert" {
        ["exp_labels", omit] pub labels: BTreeMap<String, String>,
        ["exp_annotations", omit] pub annotations: BTreeMap<String, String>,
    }
}

section! {
    /// What a query is to give at a time.
    pub struct QueryTest: "main.promqlTestCase" {
        ["expr", omit] pub expr: String,
        ["eval_time", unless_default] pub time: Duration,
        ["exp_samples", omit] pub expected: Vec<ExpectedSample>,
    }
}

section! {
    pub struct ExpectedSample: "main.sample" {
        ["labels", omit] pub labels: String,
        ["value", omit] pub value: f64,
        /// In the notation of tests; the value does not count then.
        ["histogram", omit] pub histogram: String,
    }
}

/// A time as seconds since 1970 or in RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartTime(pub Timestamp);

impl StartTime {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(seconds) = text.parse::<f64>() {
            return seconds
                .is_finite()
                .then(|| Self(Timestamp::from_seconds(seconds)));
        }
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(Self(Timestamp(time.as_millisecond())))
    }
}

impl Field for StartTime {
    fn read(node: &Node, reading: &mut Reading) -> Option<Self> {
        let text = <String as Field>::read(node, reading)?;
        let time = Self::parse(&text);
        if time.is_none() {
            let message = format!(
                "cannot parse {} to a valid timestamp",
                crate::quote::quote(&text)
            );
            let hint = "seconds since 1970, or a time as in `2024-01-31T12:00:00Z`";
            reading.refuse_with_hint(node.span, "bad-start-timestamp", message, hint);
        }
        time
    }

    fn go_type() -> String {
        "main.testStartTimestamp".to_owned()
    }

    fn to_value(&self) -> Value {
        self.0.seconds().to_string().into()
    }
}

/// Reads a file with tests.
pub fn load(source: &Source) -> Result<RuleTests, LoadError> {
    let mut diagnostics = diag::Diagnostics::new();
    let Some(node) = yaml::parse(source, &mut diagnostics) else {
        return Err(LoadError { diagnostics });
    };
    let mut reading = Reading::new(source);
    let tests = if node.is_null() {
        Some(RuleTests::default())
    } else {
        read_section(&node, &mut reading)
    };
    diagnostics.extend(reading.finish());
    match tests {
        Some(tests) if !diagnostics.has_errors() => Ok(tests),
        _ => Err(LoadError { diagnostics }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read() {
        let text = "rule_files: [a.yml]\nevaluation_interval: 1m\ntests:\n- interval: 30s\n  \
            start_timestamp: 2024-01-01T00:00:00Z\n  input_series: [{series: up, values: 1}]\n  \
            promql_expr_test: [{expr: up, eval_time: 0, exp_samples: [{labels: up, value: 1}]}]\n  \
            alert_rule_test: [{eval_time: 1d, alertname: A, exp_alerts: [{}]}]\n";
        let tests = load(&Source::new("t.yml", text)).unwrap();
        let test = &tests.tests[0];
        assert_eq!(test.start, Some(StartTime(Timestamp(1_704_067_200_000))));
        assert_eq!(test.input_series[0].values, "1");
        assert_eq!(test.queries[0].expected[0].value, 1.0);
        assert_eq!(test.alerts[0].expected.len(), 1);
    }

    #[test]
    fn problems_are_the_peers() {
        let problem = |text: &str| load(&Source::new("t.yml", text)).unwrap_err().peer_text();
        assert_eq!(
            problem("tests:\n- intervall: 1m\n"),
            "yaml: unmarshal errors:\n  line 2: field intervall not found in type main.testGroup"
        );
        assert_eq!(
            problem("tests:\n- start_timestamp: soon\n"),
            "cannot parse \"soon\" to a valid timestamp"
        );
    }
}
