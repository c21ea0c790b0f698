//! `check metrics`: names and metadata of a page, and how many series its metrics make.

use model::MetricType;

use super::lint::lint;
use super::page::{Family, families};
use super::rules::Wanted;
use crate::console::{Console, Outcome};
use crate::table::{Columns, Last, layout};

const COLUMNS: Columns = Columns {
    width_min: 4,
    padding: 4,
};

/// What is printed about a page.
#[derive(Clone, Copy, Debug)]
pub struct MetricChecks {
    pub lint: Wanted,
    pub cardinality: Wanted,
}

/// Checks a page in Prometheus' text format.
pub fn check_metrics(console: &mut Console<'_>, page: &str, checks: MetricChecks) -> Outcome {
    if checks.lint == Wanted::No && checks.cardinality == Wanted::No {
        console.problem("error: at least one of --extended or linting must be enabled");
        console.problem(
            "Use --extended for cardinality analysis, or remove --lint=none to enable linting",
        );
        return Outcome::Failed;
    }
    let families = match families(page) {
        Ok(families) => families,
        Err(problem) => {
            let doing = match checks.lint {
                Wanted::Yes => "error while linting:",
                Wanted::No => "error while parsing text to metric families:",
            };
            console.problem(format_args!("{doing} {problem}"));
            return Outcome::Failed;
        }
    };
    let problems = match checks.lint {
        Wanted::Yes => lint(&families),
        Wanted::No => Vec::new(),
    };
    for (metric, problem) in &problems {
        console.problem(format_args!("{metric} {problem}"));
    }
    if checks.cardinality == Wanted::Yes {
        let _ = console.out.write_all(cardinality(&families).as_bytes());
    }
    if problems.is_empty() {
        Outcome::Success
    } else {
        Outcome::Lint
    }
}

/// A row per metric, the largest first.
fn cardinality(families: &[Family]) -> String {
    let mut counts: Vec<(&str, usize)> = families
        .iter()
        .map(|family| (family.name.as_str(), series_of(family)))
        .collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let mut rows = vec![
        ["Metric", "Cardinality", "Percentage"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (name, count) in counts {
        #[expect(clippy::cast_precision_loss, reason = "counts of lines of a page")]
        let share = 100.0 * count as f64 / total as f64;
        rows.push(vec![
            name.to_owned(),
            count.to_string(),
            format!("{share:.2}%"),
        ]);
    }
    rows.push(vec![
        "Total".to_owned(),
        total.to_string(),
        "100%".to_owned(),
    ]);
    layout(&rows, COLUMNS, Last::Padded)
}

/// As the peer counts: with the buckets or quantiles that the first metric has, sum and count.
fn series_of(family: &Family) -> usize {
    let parts = family.metrics.first().map_or(0, |metric| metric.parts);
    match family.kind {
        MetricType::Histogram | MetricType::Summary => family.metrics.len() * (2 + parts),
        _ => family.metrics.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, checks: MetricChecks) -> (Outcome, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console {
            out: &mut out,
            err: &mut err,
        };
        let outcome = check_metrics(&mut console, page, checks);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (outcome, text(out), text(err))
    }

    #[test]
    fn a_page_that_cannot_be_read_is_an_error_with_its_line() {
        let checks = MetricChecks {
            lint: Wanted::Yes,
            cardinality: Wanted::Yes,
        };
        let (outcome, out, err) = check("up 1\nup{ 2\n", checks);
        assert_eq!(outcome, Outcome::Failed);
        assert_eq!(out, "");
        assert!(
            err.starts_with("error while linting: text format parsing error in line 2: "),
            "{err}"
        );
    }

    #[test]
    fn problems_are_lints_and_the_table_needs_no_linting() {
        let page = "b 1\na{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\n";
        let mut checks = MetricChecks {
            lint: Wanted::Yes,
            cardinality: Wanted::No,
        };
        let (outcome, _, err) = check(page, checks);
        assert_eq!(
            (outcome, err.as_str()),
            (Outcome::Lint, "a no help text\nb no help text\n")
        );
        checks = MetricChecks {
            lint: Wanted::No,
            cardinality: Wanted::Yes,
        };
        let (outcome, out, err) = check(page, checks);
        assert_eq!((outcome, err.as_str()), (Outcome::Success, ""));
        assert_eq!(
            out,
            "Metric    Cardinality    Percentage    \na         3              75.00%        \n\
             b         1              25.00%        \nTotal     4              100%          \n"
        );
        checks.cardinality = Wanted::No;
        assert_eq!(check(page, checks).0, Outcome::Failed);
    }
}
