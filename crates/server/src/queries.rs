//! Queries of rules and templates: the query service as a [`rules::QuerySource`].

use std::collections::HashSet;
use std::sync::Arc;

use model::Timestamp;
use promql::{Query, QueryGroup, QueryValue};
use queries::{Limits, Origin, QueryRequest, QueryService, StatsDetail, When};
use rules::environment::ResultSample;
use rules::{GroupSpec, RuleSpec};

/// Evaluates on the caller's thread, which is the rule group's own.
#[derive(Clone)]
pub(crate) struct RuleQueries {
    pub(crate) service: QueryService,
    pub(crate) file: String,
    pub(crate) group: String,
    /// The queries of the group's rules.
    pub(crate) known: Option<Arc<QueryGroup>>,
}

impl rules::QuerySource for RuleQueries {
    fn instant(&self, expr: &str, time: Timestamp) -> Result<Vec<ResultSample>, String> {
        let request = QueryRequest {
            text: expr.to_owned(),
            when: When::At(time),
            origin: Origin::Rule {
                file: self.file.clone(),
                group: self.group.clone(),
            },
            lookback_delta: None,
            timeout: None,
            limits: Limits::default(),
            stats: StatsDetail::Totals,
        };
        let answer = match &self.known {
            Some(known) => self.service.run_in_group(request, known),
            None => self.service.run_now(request),
        };
        let answer = answer.map_err(|failure| failure.to_string())?;
        samples(answer.result.value)
    }

    fn for_group(&self, spec: &GroupSpec) -> Option<Arc<dyn rules::QuerySource>> {
        let parser = &self.service.settings().parser;
        // What cannot be read is refused when it is asked.
        let readable = spec
            .rules
            .iter()
            .filter_map(|rule| Query::parse(rule.expr(), parser).ok());
        // Looked at once for each selector.
        let written: HashSet<&str> = spec.rules.iter().flat_map(RuleSpec::writes).collect();
        let known = QueryGroup::new(readable.collect(), |metric| written.contains(metric));
        Some(Arc::new(Self {
            service: self.service.clone(),
            file: spec.file.clone(),
            group: spec.name.clone(),
            known: Some(Arc::new(known)),
        }))
    }
}

/// The result of a query as rules take it: a vector, or a scalar as a sample without labels.
pub fn samples(value: QueryValue) -> Result<Vec<ResultSample>, String> {
    match value {
        QueryValue::Vector(samples) => Ok(samples
            .into_iter()
            .map(|sample| ResultSample {
                labels: sample.labels,
                value: match sample.histogram {
                    Some(histogram) => model::Value::Histogram(histogram),
                    None => model::Value::Float(sample.value),
                },
            })
            .collect()),
        QueryValue::Scalar { value, .. } => Ok(vec![ResultSample {
            labels: model::Labels::empty(),
            value: model::Value::Float(value),
        }]),
        QueryValue::String { .. } | QueryValue::Matrix(_) => {
            Err("rule result is not a vector or scalar".to_owned())
        }
    }
}
