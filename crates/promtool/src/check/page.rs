//! A page of metrics as families, the way the peers' linter and cardinality table see it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::format::go_quote;
use model::labels::{BUCKET, METRIC_NAME, QUANTILE};
use model::{Labels, MetricType};
use wire::{Entry, Exposition, Format, Options, Step};

/// Metrics of one name, with what the page says of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: MetricType,
    pub(super) has_help: bool,
    pub(super) metrics: Vec<Metric>,
}

/// One metric: all buckets of a histogram and all quantiles of a summary are one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    /// Without the name; of histograms without `le`, of summaries without `quantile`.
    pub(super) labels: Labels,
    /// Buckets or quantiles.
    pub(super) parts: usize,
}

/// Families with metrics, by name. The error names the line.
pub(super) fn families(page: &str) -> Result<Vec<Family>, String> {
    check_metadata(page)?;
    let mut families = Families::default();
    let mut scan = Exposition::new(page.as_bytes(), Format::PrometheusText, &Options::default());
    loop {
        let step = scan.advance(None);
        let step = step.map_err(|error| parsing_error(error.line, &error.message))?;
        if step == Step::End {
            break;
        }
        match scan.entry() {
            Entry::Type { name, metric_type } => families.of(&name).kind = metric_type,
            Entry::Help { name, .. } => families.of(&name).has_help = true,
            Entry::Series(_) => families.add(&scan.labels().map_err(|error| error.to_string())?),
            Entry::Histogram(_) | Entry::Unit { .. } | Entry::Comment(_) => {}
        }
    }
    let mut found: Vec<Family> = families
        .by_name
        .into_values()
        .map(|own| own.family)
        .collect();
    found.retain(|family| !family.metrics.is_empty());
    Ok(found)
}

fn parsing_error(line: usize, message: &str) -> String {
    format!("text format parsing error in line {line}: {message}")
}

/// Metadata stands once, and types stand before the samples.
fn check_metadata(page: &str) -> Result<(), String> {
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (at, line) in page.lines().enumerate() {
        let Some(comment) = line.trim_start().strip_prefix('#') else {
            let end = line.find(|c: char| c == '{' || c.is_whitespace());
            seen.insert((
                "sample",
                line.get(..end.unwrap_or(line.len())).unwrap_or(""),
            ));
            continue;
        };
        let mut words = comment.split_whitespace();
        let (Some(kind @ ("HELP" | "TYPE")), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        let is_late = kind == "TYPE" && seen.contains(&("sample", name));
        if !seen.insert((kind, name)) || is_late {
            let name = go_quote(name);
            let message = match kind {
                "HELP" => format!("second HELP line for metric name {name}"),
                _ => format!(
                    "second TYPE line for metric name {name}, or TYPE reported after samples"
                ),
            };
            return Err(parsing_error(at + 1, &message));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Families {
    by_name: BTreeMap<String, Own>,
}

struct Own {
    family: Family,
    /// Places in `metrics` of histograms and summaries.
    places: HashMap<Labels, usize>,
}

impl Families {
    fn of(&mut self, name: &str) -> &mut Family {
        let own = self.by_name.entry(name.to_owned()).or_insert_with(|| Own {
            family: Family {
                name: name.to_owned(),
                kind: MetricType::Unknown,
                has_help: false,
                metrics: Vec::new(),
            },
            places: HashMap::new(),
        });
        &mut own.family
    }

    /// The family that a sample of this name belongs to: of its own name, or of the histogram or summary.
    fn name_of(&self, sample: &str) -> String {
        let is_kind = |name: &str, kind: MetricType| {
            self.by_name
                .get(name)
                .is_some_and(|own| own.family.kind == kind)
        };
        if !self.by_name.contains_key(sample) {
            for suffix in ["_count", "_sum", "_bucket"] {
                let Some(name) = sample.strip_suffix(suffix) else {
                    continue;
                };
                let is_summary = suffix != "_bucket" && is_kind(name, MetricType::Summary);
                if is_summary || is_kind(name, MetricType::Histogram) {
                    return name.to_owned();
                }
            }
        }
        sample.to_owned()
    }

    fn add(&mut self, labels: &Labels) {
        let sample = labels.metric_name();
        let name = self.name_of(sample);
        let kind = self.of(&name).kind;
        let part = match kind {
            MetricType::Histogram => BUCKET,
            MetricType::Summary => QUANTILE,
            _ => "",
        };
        let own_labels = labels.filtered(|name| name != METRIC_NAME && name != part);
        let is_part = !part.is_empty() && labels.contains(part);
        let Some(own) = self.by_name.get_mut(&name) else {
            return;
        };
        let metrics = &mut own.family.metrics;
        let at = if part.is_empty() {
            metrics.len()
        } else {
            *own.places
                .entry(own_labels.clone())
                .or_insert(metrics.len())
        };
        if at == metrics.len() {
            metrics.push(Metric {
                labels: own_labels,
                parts: 0,
            });
        }
        if let Some(metric) = metrics.get_mut(at).filter(|_| is_part) {
            metric.parts += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_histograms_are_one_metric() {
        let page = "# TYPE h histogram\nh_bucket{a=\"b\",le=\"1\"} 1\nh_bucket{a=\"b\",le=\"+Inf\"} 2\n\
            h_sum{a=\"b\"} 3\nh_count{a=\"b\"} 2\n# HELP c text\nc 1\nc 2\n# TYPE e gauge\n";
        let families = families(page).unwrap();
        let shown: Vec<_> = families
            .iter()
            .map(|family| (family.name.as_str(), family.kind, family.metrics.len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("c", MetricType::Unknown, 2),
                ("h", MetricType::Histogram, 1)
            ]
        );
        assert_eq!(families[1].metrics[0].parts, 2);
        assert!(families[0].has_help && !families[1].has_help);
    }

    #[test]
    fn problems_name_their_line() {
        for (page, expected) in [
            ("a 1\nb x\n", "text format parsing error in line 2: "),
            (
                "# HELP a b\na 1\n# HELP a c\n",
                "text format parsing error in line 3: second HELP line for metric name \"a\"",
            ),
            (
                "a{b=\"c\"} 1\n# TYPE a gauge\n",
                "text format parsing error in line 2: second TYPE line",
            ),
        ] {
            let error = families(page).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
