//! `query analyze --type=histogram`: how many buckets of histograms are in use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use config::GoDuration;
use model::format::go_quote;
use serde_json::Value;

use crate::console::Console;
use crate::http::{Parameters, Server};

const HEADER: &str = "Bucket stats for each histogram series over time
------------------------------------------------
First the min, avg, and max number of populated buckets, followed by the total
number of buckets (only if different from the max number of populated buckets
which is typical for classic but not native histograms).";
const FOOTER: &str = "Aggregated bucket stats
-----------------------
Each line shows min/avg/max over the series above.";

/// What is analyzed.
#[derive(Clone, Debug)]
pub struct Analysis<'a> {
    pub kind: &'a str,
    pub duration: GoDuration,
    /// Seconds since 1970.
    pub time: String,
    pub selectors: Vec<&'a str>,
}

/// Asks the server and prints a line per histogram.
pub fn analyze(
    console: &mut Console<'_>,
    server: &Server,
    analysis: &Analysis<'_>,
) -> Result<(), String> {
    if analysis.kind != "histogram" {
        return Err(format!(
            "analyze type is {}, must be 'histogram'",
            analysis.kind
        ));
    }
    console.line(format_args!("{HEADER}\n"));
    let (mut native, mut classic) = (Totals::default(), Totals::default());
    for selector in &analysis.selectors {
        let parameters: Parameters = vec![
            ("query", format!("{selector}[{}]", analysis.duration)),
            ("time", analysis.time.clone()),
        ];
        let answer = server.ask("/api/v1/query", &parameters)?;
        if answer["data"]["resultType"] != "matrix" {
            return Err("query of buckets resulted in non-Matrix".to_owned());
        }
        let mut buckets: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for series in answer["data"]["result"].as_array().into_iter().flatten() {
            match classic_name(series) {
                Classic::Bucket(name) => buckets.entry(name).or_default().push(series),
                Classic::Other => {}
                Classic::None => {
                    if let Some(counts) = native_counts(series) {
                        let name = metric(&series["metric"], &[]);
                        console.line(format_args!("- {name} (native): {counts}"));
                        native.add(&counts);
                    }
                }
            }
        }
        for (name, series) in buckets {
            if let Some(counts) = classic_counts(series)? {
                console.line(format_args!("- {name} (classic): {counts}"));
                classic.add(&counts);
            }
        }
    }
    console.line(format_args!("\n{FOOTER}"));
    for (name, totals) in [("Native", native), ("Classic", classic)] {
        if totals.count > 0 {
            console.line(format_args!("\n{name} {totals}"));
        }
    }
    Ok(())
}

/// What a series with floats is.
enum Classic {
    /// A bucket of the histogram of this name and these labels.
    Bucket(String),
    /// A float series that is no bucket.
    Other,
    /// It has histograms, or nothing.
    None,
}

fn classic_name(series: &Value) -> Classic {
    if series["values"].as_array().is_none_or(Vec::is_empty) {
        return Classic::None;
    }
    let name = series["metric"]["__name__"].as_str().unwrap_or_default();
    if series["metric"]["le"].is_string() && name.ends_with("_bucket") {
        Classic::Bucket(metric(&series["metric"], &["le"]))
    } else {
        Classic::Other
    }
}

/// `name{a="b", c="d"}` without some labels.
fn metric(metric: &Value, without: &[&str]) -> String {
    let labels = metric.as_object().into_iter().flatten();
    let mut pairs: Vec<String> = labels
        .filter(|(name, _)| *name != "__name__" && !without.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", go_quote(value.as_str().unwrap_or_default())))
        .collect();
    pairs.sort();
    let name = metric["__name__"].as_str().unwrap_or_default();
    format!("{name}{{{}}}", pairs.join(", "))
}

/// Populated buckets over time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counts {
    least: usize,
    average: f64,
    most: usize,
    total: usize,
}

impl Counts {
    fn of(populated: &[usize], total: usize) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "counts of buckets")]
        let average = populated.iter().sum::<usize>() as f64 / populated.len() as f64;
        Some(Self {
            least: populated.iter().copied().min()?,
            average,
            most: populated.iter().copied().max()?,
            total,
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:.3}/{}", self.least, self.average, self.most)?;
        if self.most != self.total {
            write!(f, "/{}", self.total)?;
        }
        Ok(())
    }
}

fn native_counts(series: &Value) -> Option<Counts> {
    let samples = series["histograms"]
        .as_array()
        .filter(|samples| samples.len() > 1)?;
    let mut all: BTreeSet<String> = BTreeSet::new();
    let mut populated = Vec::new();
    for sample in samples {
        let buckets = sample[1]["buckets"].as_array();
        populated.push(buckets.map_or(0, Vec::len));
        for bucket in buckets.into_iter().flatten() {
            // What tells buckets apart: which ends belong to them, and the ends.
            all.insert(format!("{} {} {}", bucket[0], bucket[1], bucket[2]));
        }
    }
    Counts::of(&populated, all.len())
}

fn classic_counts(mut series: Vec<&Value>) -> Result<Option<Counts>, String> {
    let bound = |series: &&Value| {
        let text = series["metric"]["le"].as_str().unwrap_or_default();
        wire::parse_float(text.as_bytes()).unwrap_or(0.0)
    };
    series.sort_by(|a, b| bound(a).total_cmp(&bound(b)));
    let points = |series: &Value| -> Vec<(f64, f64)> {
        let values = series["values"].as_array().into_iter().flatten();
        values
            .map(|point| {
                let value = point[1].as_str().unwrap_or_default();
                let value = wire::parse_float(value.as_bytes()).unwrap_or(f64::NAN);
                (point[0].as_f64().unwrap_or_default(), value)
            })
            .collect()
    };
    let rows: Vec<Vec<(f64, f64)>> = series.iter().map(|series| points(series)).collect();
    let Some(first) = rows.first().filter(|row| row.len() > 1) else {
        return Ok(None);
    };
    let mut populated = Vec::new();
    for at in 0..first.len() {
        let mut count = 0;
        let mut before: Option<(f64, f64)> = None;
        for row in &rows {
            // A bucket that has no sample at this time: what is known so far is told.
            let Some((time, value)) = row.get(at).copied() else {
                break;
            };
            if before.is_some_and(|(other, _)| other != time) {
                return Err("matrix result is not time aligned".to_owned());
            }
            let own = value - before.map_or(0.0, |(_, value)| value);
            count += usize::from(own.trunc() != 0.0);
            before = Some((time, value));
        }
        populated.push(count);
    }
    Ok(Counts::of(&populated, rows.len()))
}

/// Of all histograms of a kind.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    count: usize,
    least: Spread,
    average: Spread,
    most: Spread,
    total: Spread,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread {
    count: usize,
    least: usize,
    most: usize,
    sum: usize,
}

impl Spread {
    fn add(&mut self, number: usize) {
        self.least = if self.count == 0 {
            number
        } else {
            self.least.min(number)
        };
        self.most = self.most.max(number);
        self.sum += number;
        self.count += 1;
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "counts of buckets")]
        let average = self.sum as f64 / self.count.max(1) as f64;
        write!(f, "{}/{average:.3}/{}", self.least, self.most)
    }
}

impl Totals {
    fn add(&mut self, counts: &Counts) {
        self.count += 1;
        self.least.add(counts.least);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the peer rounds down, too"
        )]
        self.average.add(counts.average as usize);
        self.most.add(counts.most);
        self.total.add(counts.total);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "histogram series ({} in total):\n- min populated: {}\n- avg populated: {}\n- max populated: {}",
            self.count, self.least, self.average, self.most
        )?;
        if self.most != self.total {
            write!(f, "\n- total: {}", self.total)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn classic_buckets_are_counted() {
        let bucket = |le: &str, values: [&str; 2]| {
            json!({"metric": {"__name__": "h_bucket", "le": le, "job": "a"},
                "values": [[1.0, values[0]], [2.0, values[1]]]})
        };
        let series = [
            bucket("+Inf", ["3", "9"]),
            bucket("1", ["0", "4"]),
            bucket("2", ["3", "9"]),
        ];
        let Classic::Bucket(name) = classic_name(&series[0]) else {
            panic!("no bucket");
        };
        assert_eq!(name, "h_bucket{job=\"a\"}");
        let counts = classic_counts(series.iter().collect()).unwrap().unwrap();
        assert_eq!(counts.to_string(), "1/1.500/2/3");
        let mut totals = Totals::default();
        totals.add(&counts);
        assert_eq!(
            totals.to_string(),
            "histogram series (1 in total):\n- min populated: 1/1.000/1\n- avg populated: 1/1.000/1\n\
             - max populated: 2/2.000/2\n- total: 3/3.000/3"
        );
    }

    #[test]
    fn native_buckets_are_counted() {
        let sample = |buckets: Value| json!([1.0, {"count": "3", "buckets": buckets}]);
        let one = json!([0, "1", "2", "3"]);
        let two = json!([0, "2", "4", "3"]);
        let series =
            json!({"metric": {}, "histograms": [sample(json!([one])), sample(json!([one, two]))]});
        assert_eq!(native_counts(&series).unwrap().to_string(), "1/1.500/2");
        assert_eq!(
            native_counts(&json!({"histograms": [sample(json!([]))]})),
            None
        );
    }
}
