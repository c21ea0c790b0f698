//! Our own pages: the text formats, written.
//!
//! [`PageWriter`] is given families and samples in order; it knows escaping, number forms, which suffixes
//! go where, and the end marker. Source: the format descriptions of Prometheus and OpenMetrics.

use model::format::float_general;
use model::labels::METRIC_NAME;
use model::name::{is_legacy_label_name, is_legacy_metric_name};
use model::{Exemplar, MetricType, Timestamp};

use crate::float::format_float_openmetrics;
use crate::negotiate::{Answer, Syntax};

/// What is said about a family before its samples.
#[derive(Clone, Copy, Debug)]
pub struct FamilyHead<'a> {
    /// With the `_total` that counters have in the Prometheus format.
    pub name: &'a str,
    pub metric_type: MetricType,
    /// Left out if empty.
    pub help: &'a str,
    pub unit: &'a str,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct SampleLine<'a> {
    /// With suffix.
    pub name: &'a str,
    /// In the order in which they are to be printed; a label named `__name__` is left out.
    pub labels: &'a [(&'a str, &'a str)],
    pub value: f64,
    pub time: Option<Timestamp>,
    /// Printed in OpenMetrics only.
    pub exemplar: Option<&'a Exemplar>,
}

/// Writes one page.
#[derive(Debug)]
pub struct PageWriter {
    out: String,
    answer: Answer,
}

impl PageWriter {
    pub fn new(answer: Answer) -> Self {
        Self {
            out: String::new(),
            answer,
        }
    }

    fn is_openmetrics(&self) -> bool {
        matches!(
            self.answer.syntax,
            Syntax::OpenMetrics0_0_1 | Syntax::OpenMetrics1_0_0
        )
    }

    /// The `HELP`, `TYPE` and `UNIT` lines.
    pub fn family(&mut self, head: &FamilyHead<'_>) {
        let mut name = self.answer.escaping.escape(head.name);
        if self.is_openmetrics() && head.metric_type == MetricType::Counter {
            // OpenMetrics names the family without the suffix that its samples have.
            name.truncate(name.strip_suffix("_total").unwrap_or(&name).len());
        }
        if !is_legacy_metric_name(&name) {
            name = quoted(&name);
        }
        if !head.help.is_empty() {
            self.out.push_str(&format!("# HELP {name} "));
            let quotes = self.is_openmetrics();
            escape(&mut self.out, head.help, quotes);
            self.out.push('\n');
        }
        let metric_type = match head.metric_type {
            MetricType::Unknown if !self.is_openmetrics() => "untyped",
            // The Prometheus format has fewer types.
            MetricType::GaugeHistogram if !self.is_openmetrics() => "histogram",
            MetricType::Info | MetricType::StateSet if !self.is_openmetrics() => "gauge",
            other => other.as_str(),
        };
        self.out.push_str(&format!("# TYPE {name} {metric_type}\n"));
        if self.is_openmetrics() && !head.unit.is_empty() {
            self.out.push_str(&format!("# UNIT {name} {}\n", head.unit));
        }
    }

    /// One sample. Native histograms have no text form; the caller leaves them out.
    pub fn sample(&mut self, line: &SampleLine<'_>) {
        let name = self.answer.escaping.escape(line.name);
        let is_plain_name = is_legacy_metric_name(&name);
        let mut separator = '{';
        if is_plain_name {
            self.out.push_str(&name);
        } else {
            self.out.push('{');
            self.out.push_str(&quoted(&name));
            separator = ',';
        }
        for (label, value) in line.labels {
            if *label == METRIC_NAME {
                continue;
            }
            self.out.push(separator);
            separator = ',';
            self.label(label, value);
        }
        if separator == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
        self.value(line.value);
        if let Some(time) = line.time {
            self.out.push(' ');
            self.time(time);
        }
        if let Some(exemplar) = line.exemplar.filter(|_| self.is_openmetrics()) {
            self.exemplar(exemplar);
        }
        self.out.push('\n');
    }

    fn label(&mut self, label: &str, value: &str) {
        let label = self.answer.escaping.escape_label(label);
        if is_legacy_label_name(&label) {
            self.out.push_str(&label);
        } else {
            self.out.push_str(&quoted(&label));
        }
        self.out.push_str("=\"");
        escape(&mut self.out, value, true);
        self.out.push('"');
    }

    fn value(&mut self, value: f64) {
        let text = if self.is_openmetrics() {
            format_float_openmetrics(value)
        } else {
            float_general(value)
        };
        self.out.push_str(&text);
    }

    fn time(&mut self, time: Timestamp) {
        if self.is_openmetrics() {
            self.out
                .push_str(&model::format::float_plain(time.seconds()));
        } else {
            self.out.push_str(itoa::Buffer::new().format(time.0));
        }
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        self.out.push_str(" # {");
        for (at, (name, value)) in exemplar.labels.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.label(name, value);
        }
        self.out.push_str("} ");
        self.value(exemplar.value);
        if let Some(time) = exemplar.time {
            self.out.push(' ');
            self.time(time);
        }
    }

    /// What was written since the last time: for pages that are sent while they are made.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    /// Bytes that were not taken yet.
    pub fn waiting(&self) -> usize {
        self.out.len()
    }

    /// The page. OpenMetrics pages end with their end marker.
    pub fn finish(mut self) -> String {
        if self.is_openmetrics() {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

fn quoted(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    out.push('"');
    escape(&mut out, name, true);
    out.push('"');
    out
}

/// Escapes backslashes and line ends, and quotes where the text stands between quotes.
fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::negotiate::Escaping;
    use crate::{Entry, Exposition, Format, Options, Step};
    use model::Labels;

    fn page(syntax: Syntax, escaping: Escaping) -> String {
        let mut writer = PageWriter::new(Answer { syntax, escaping });
        writer.family(&FamilyHead {
            name: "requests_total",
            metric_type: MetricType::Counter,
            help: "All \"requests\"\\",
            unit: "",
        });
        let exemplar = Exemplar {
            labels: Labels::from_pairs([("trace_id", "abc")]),
            value: 1.0,
            time: None,
        };
        writer.sample(&SampleLine {
            name: "requests_total",
            labels: &[("code", "2\"\n"), ("my.label", "x")],
            value: 3.0,
            time: Some(Timestamp(1500)),
            exemplar: Some(&exemplar),
        });
        writer.family(&FamilyHead {
            name: "my.gauge",
            metric_type: MetricType::Unknown,
            help: "",
            unit: "",
        });
        writer.sample(&SampleLine {
            name: "my.gauge",
            labels: &[],
            value: f64::INFINITY,
            time: None,
            exemplar: None,
        });
        writer.finish()
    }

    #[test]
    fn both_formats() {
        assert_eq!(
            page(Syntax::Prometheus0_0_4, Escaping::Underscores),
            "# HELP requests_total All \"requests\"\\\\\n# TYPE requests_total counter\n\
             requests_total{code=\"2\\\"\\n\",my_label=\"x\"} 3 1500\n\
             # TYPE my_gauge untyped\nmy_gauge +Inf\n"
        );
        assert_eq!(
            page(Syntax::OpenMetrics1_0_0, Escaping::AllowUtf8),
            "# HELP requests All \\\"requests\\\"\\\\\n# TYPE requests counter\n\
             requests_total{code=\"2\\\"\\n\",\"my.label\"=\"x\"} 3.0 1.5 # {trace_id=\"abc\"} 1.0\n\
             # TYPE \"my.gauge\" unknown\n{\"my.gauge\"} +Inf\n# EOF\n"
        );
    }

    #[test]
    fn what_is_written_can_be_read() {
        for (syntax, format) in [
            (Syntax::Prometheus1_0_0, Format::PrometheusText),
            (Syntax::OpenMetrics1_0_0, Format::OpenMetricsText),
        ] {
            let page = page(syntax, Escaping::AllowUtf8);
            let mut scan = Exposition::new(page.as_bytes(), format, &Options::default());
            let mut series = Vec::new();
            while scan.advance(None).unwrap() != Step::End {
                if let Entry::Series(entry) = scan.entry() {
                    series.push((scan.labels().unwrap().to_string(), entry.value, entry.time));
                }
            }
            assert_eq!(
                series,
                [
                    (
                        r#"{__name__="requests_total", code="2\"\n", "my.label"="x"}"#.to_owned(),
                        3.0,
                        Some(Timestamp(1500))
                    ),
                    (r#"{__name__="my.gauge"}"#.to_owned(), f64::INFINITY, None),
                ]
            );
        }
    }
}
