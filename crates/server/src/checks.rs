//! Checkers of expressions and templates, for the readers of rule files and manifests.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::rules::Finding;
use diag::{Diagnostic, Severity, Source};
use gotemplate::data::prometheus::{AlertData, Sample};
use gotemplate::functions::prometheus::{Context, Query, RULE_PREAMBLE, functions};
use gotemplate::{Flavour, FunctionTable, Options, TemplateSet, Value};
use promql::ParserOptions;

/// What is wrong with a PromQL expression.
pub fn expression(text: &str, options: &ParserOptions) -> Vec<Finding> {
    match promql::parse(text, options) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            let messages = errors.errors().iter().map(|error| errors.describe(error));
            let diagnostics = errors.to_diagnostics("expression").into_vec();
            messages
                .zip(diagnostics)
                .map(|(message, diagnostic)| finding(message, &diagnostic, 0))
                .collect()
        }
    }
}

/// What is wrong with the template of a label or an annotation.
pub fn template(text: &str) -> Vec<Finding> {
    if !text.contains("{{") {
        return Vec::new();
    }
    // The names that the preamble declares are known, and places count from the user's text.
    let source = Source::new("template", format!("{RULE_PREAMBLE}{text}"));
    let set = TemplateSet::new(Flavour::Text, rule_functions(), Options::default());
    // A sample's value may be a float or a histogram.
    let data = AlertData {
        labels: BTreeMap::new(),
        external_labels: BTreeMap::new(),
        external_url: String::new(),
        value: Value::Nil,
    };
    let problems = set.check(&source, &data.into_value()).into_iter();
    problems
        .map(|problem| finding(problem.message.clone(), &problem, RULE_PREAMBLE.len()))
        .collect()
}

fn finding(message: String, diagnostic: &Diagnostic, offset: usize) -> Finding {
    let range = diagnostic.places.first().and_then(|place| {
        let start = place.span.start.checked_sub(offset)?;
        Some(start..place.span.end.saturating_sub(offset).max(start))
    });
    Finding {
        message,
        range,
        hints: diagnostic.hints.clone(),
        is_warning: diagnostic.severity != Severity::Error,
    }
}

fn rule_functions() -> FunctionTable {
    functions(&Context {
        name: "check".to_owned(),
        time_ms: 0,
        external_url: Some(String::new()),
        query: Arc::new(NoQuery),
        options: Options::default(),
    })
}

/// Checking runs no queries.
#[derive(Debug)]
struct NoQuery;

impl Query for NoQuery {
    fn query(&self, _: &str) -> Result<Vec<Sample>, String> {
        Err("no queries while checking".to_owned())
    }
}
