//! What names and labels of metrics should look like: the rules and the texts of the peers' linter.

use std::collections::HashSet;

use model::{Labels, MetricType};

use super::page::Family;

/// Units that names may end with, and the base unit that is to be used instead.
const UNITS: [(&str, &str); 24] = [
    ("amperes", "amperes"),
    ("bytes", "bytes"),
    ("celsius", "celsius"),
    ("grams", "grams"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("kelvins", "kelvin"),
    ("fahrenheit", "celsius"),
    ("rankine", "celsius"),
    ("inches", "meters"),
    ("yards", "meters"),
    ("miles", "meters"),
    ("bits", "bytes"),
    ("calories", "joules"),
    ("pounds", "grams"),
    ("ounces", "grams"),
];

/// The peer has no `mebi` and spells it `mibi`; so it is here.
const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega",
    "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
];

const ABBREVIATIONS: [&str; 14] = [
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
];

/// `(metric, problem)`, sorted.
pub(super) fn lint(families: &[Family]) -> Vec<(String, String)> {
    let mut problems: Vec<(String, String)> = families
        .iter()
        .flat_map(|family| {
            let texts = family_problems(family).into_iter();
            texts.map(|text| (family.name.clone(), text))
        })
        .collect();
    problems.sort();
    problems
}

fn family_problems(family: &Family) -> Vec<String> {
    let mut problems: Vec<String> = Vec::new();
    let mut note = |text: &str| problems.push(text.to_owned());
    let name = family.name.as_str();
    let is_untyped = family.kind == MetricType::Unknown;
    let is_counter = family.kind == MetricType::Counter;
    if !family.has_help {
        note("no help text");
    }
    if let Some((unit, base)) = unit_of(name)
        && unit != base
    {
        note(&format!("use base unit \"{base}\" instead of \"{unit}\""));
    }
    let has_total = name.ends_with("_total");
    if is_counter && !has_total {
        note("counter metrics should have \"_total\" suffix");
    }
    if !is_untyped && !is_counter && has_total {
        note("non-counter metrics should not have \"_total\" suffix");
    }
    let lower = name.to_lowercase();
    let has_word =
        |word: &str| lower.contains(&format!("_{word}_")) || lower.ends_with(&format!("_{word}"));
    let kind = family.kind.as_str();
    if !is_untyped && has_word(kind) {
        note(&format!("metric name should not include type '{kind}'"));
    }
    if name.contains(':') {
        note("metric names should not contain ':'");
    }
    if is_camel_case(name) {
        note("metric names should be written in 'snake_case' not 'camelCase'");
    }
    for _ in ABBREVIATIONS.iter().filter(|short| has_word(short)) {
        note("metric names should not contain abbreviated units");
    }
    let labels = family.metrics.iter().flat_map(|metric| &metric.labels);
    for _ in labels.filter(|(name, _)| is_camel_case(name)) {
        note("label names should be written in 'snake_case' not 'camelCase'");
    }
    problems.extend(reserved(family));
    let mut seen: HashSet<&Labels> = HashSet::new();
    for _ in family
        .metrics
        .iter()
        .filter(|metric| !seen.insert(&metric.labels))
    {
        problems.push("metric not unique".to_owned());
    }
    problems
}

/// Names and labels that only histograms and summaries have.
fn reserved(family: &Family) -> Vec<String> {
    let mut problems = Vec::new();
    let is_histogram = family.kind == MetricType::Histogram;
    let is_summary = family.kind == MetricType::Summary;
    if family.kind == MetricType::Unknown {
        return problems;
    }
    if !is_histogram && family.name.ends_with("_bucket") {
        problems.push("non-histogram metrics should not have \"_bucket\" suffix".to_owned());
    }
    for suffix in ["_count", "_sum"] {
        if !is_histogram && !is_summary && family.name.ends_with(suffix) {
            problems.push(format!(
                "non-histogram and non-summary metrics should not have \"{suffix}\" suffix"
            ));
        }
    }
    for (name, _) in family.metrics.iter().flat_map(|metric| &metric.labels) {
        if !is_histogram && name == "le" {
            problems.push("non-histogram metrics should not have \"le\" label".to_owned());
        }
        if !is_summary && name == "quantile" {
            problems.push("non-summary metrics should not have \"quantile\" label".to_owned());
        }
    }
    problems
}

/// The first unit in the name, as written there, and its base unit.
fn unit_of(name: &str) -> Option<(&str, &'static str)> {
    let base = |unit: &str| {
        let found = UNITS.iter().find(|(known, _)| *known == unit);
        found.map(|(_, base)| *base)
    };
    name.split('_').find_map(|word| {
        let plain = base(word);
        let mut prefixes = PREFIXES.iter();
        let found = plain.or_else(|| prefixes.find_map(|prefix| base(word.strip_prefix(prefix)?)));
        found.map(|base| (word, base))
    })
}

fn is_camel_case(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::super::page::families;
    use super::*;

    fn problems(page: &str) -> Vec<String> {
        let found = lint(&families(page).unwrap());
        found
            .into_iter()
            .map(|(name, text)| format!("{name} {text}"))
            .collect()
    }

    /// What promtool 2.42 prints for the same page.
    #[test]
    fn texts_are_the_peers() {
        let page = "# HELP a_minutes_total x\n# TYPE a_minutes_total gauge\na_minutes_total 1\n\
            # TYPE requestCount counter\nrequestCount{userName=\"x\"} 1\nrequestCount{userName=\"x\"} 1\n\
            # HELP b_gauge_ms x\n# TYPE b_gauge_ms gauge\nb_gauge_ms{le=\"1\"} 1\n\
            # HELP c:x_count x\n# TYPE c:x_count gauge\nc:x_count 1\nfree_bucket{quantile=\"1\"} 1\n";
        assert_eq!(
            problems(page),
            [
                "a_minutes_total non-counter metrics should not have \"_total\" suffix",
                "a_minutes_total use base unit \"seconds\" instead of \"minutes\"",
                "b_gauge_ms metric name should not include type 'gauge'",
                "b_gauge_ms metric names should not contain abbreviated units",
                "b_gauge_ms non-histogram metrics should not have \"le\" label",
                "c:x_count metric names should not contain ':'",
                "c:x_count non-histogram and non-summary metrics should not have \"_count\" suffix",
                "free_bucket no help text",
                "requestCount counter metrics should have \"_total\" suffix",
                "requestCount label names should be written in 'snake_case' not 'camelCase'",
                "requestCount label names should be written in 'snake_case' not 'camelCase'",
                "requestCount metric names should be written in 'snake_case' not 'camelCase'",
                "requestCount metric not unique",
                "requestCount no help text",
            ]
        );
    }
}
