//! The page in the text format 0.0.4, built family by family.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::format::{float_general, float_plain};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

#[derive(Debug)]
struct Family {
    kind: Kind,
    help: String,
    lines: String,
}

/// Families in name order; samples in the order in which they were added.
#[derive(Debug, Default)]
pub struct Page {
    families: BTreeMap<String, Family>,
}

impl Page {
    /// Adds one sample; the family is made with its first one. Labels are printed in the given order.
    pub fn sample(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        self.suffixed(kind, name, "", help, labels, value);
    }

    /// Announces a family that has no sample yet.
    pub fn family(&mut self, kind: Kind, name: &str, help: &str) {
        self.entry(kind, name, help);
    }

    fn entry(&mut self, kind: Kind, name: &str, help: &str) -> &mut Family {
        self.families
            .entry(name.to_owned())
            .or_insert_with(|| Family {
                kind,
                help: help.to_owned(),
                lines: String::new(),
            })
    }

    pub(crate) fn suffixed(
        &mut self,
        kind: Kind,
        name: &str,
        suffix: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        let family = self.entry(kind, name, help);
        family.lines.push_str(name);
        family.lines.push_str(suffix);
        if !labels.is_empty() {
            family.lines.push('{');
            for (index, (label, text)) in labels.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                // Writing to a String cannot fail.
                let _ = write!(family.lines, "{comma}{label}=\"{}\"", escape(text));
            }
            family.lines.push('}');
        }
        let _ = writeln!(family.lines, " {}", number(value));
    }

    /// A summary with quantiles (quantile, value), sum and count.
    pub fn summary(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        quantiles: &[(f64, f64)],
        sum: f64,
        count: f64,
    ) {
        for (quantile, value) in quantiles {
            let quantile = float_plain(*quantile);
            let mut with_quantile = labels.to_vec();
            with_quantile.push(("quantile", &quantile));
            self.suffixed(Kind::Summary, name, "", help, &with_quantile, *value);
        }
        self.suffixed(Kind::Summary, name, "_sum", help, labels, sum);
        self.suffixed(Kind::Summary, name, "_count", help, labels, count);
    }

    pub(crate) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        histogram: &crate::Histogram,
    ) {
        let (buckets, count, sum) = histogram.snapshot();
        self.buckets(name, help, labels, &buckets, (count, sum));
    }

    /// A histogram that is counted elsewhere: buckets (upper bound, count of what is not above it), then
    /// count and sum of everything.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts are floats in the text format"
    )]
    pub fn buckets(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        buckets: &[(f64, u64)],
        (count, sum): (u64, f64),
    ) {
        let bounds = buckets
            .iter()
            .map(|(bound, count)| (float_plain(*bound), *count));
        for (bound, count) in bounds.chain([("+Inf".to_owned(), count)]) {
            let mut with_bound = labels.to_vec();
            with_bound.push(("le", &bound));
            self.suffixed(
                Kind::Histogram,
                name,
                "_bucket",
                help,
                &with_bound,
                count as f64,
            );
        }
        self.suffixed(Kind::Histogram, name, "_sum", help, labels, sum);
        self.suffixed(Kind::Histogram, name, "_count", help, labels, count as f64);
    }

    /// The whole page.
    pub fn into_text(self) -> String {
        let mut text = String::new();
        for (name, family) in &self.families {
            let _ = writeln!(
                text,
                "# HELP {name} {}",
                family.help.replace('\\', "\\\\").replace('\n', "\\n")
            );
            let _ = writeln!(text, "# TYPE {name} {}", family.kind.as_str());
            text.push_str(&family.lines);
        }
        text
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// As Go's client prints values.
fn number(value: f64) -> String {
    if value.abs() < 1e21 && value.fract() == 0.0 {
        float_plain(value)
    } else {
        float_general(value)
    }
}
