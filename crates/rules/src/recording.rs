//! One recording rule: a query whose result becomes series.

use std::collections::HashSet;

use model::labels::METRIC_NAME;
use model::{Labels, Timestamp};

use crate::environment::{Environment, ResultSample};
use crate::refusal::RuleRefusal;
use crate::spec::RecordingSpec;

/// The series that the rule makes at `time`.
pub(crate) fn evaluate(
    rule: &RecordingSpec,
    limit: usize,
    environment: &Environment,
    time: Timestamp,
) -> Result<Vec<ResultSample>, RuleRefusal> {
    let samples = environment
        .queries
        .instant(&rule.expr, time)
        .map_err(RuleRefusal::Query)?;
    if limit > 0 && samples.len() > limit {
        return Err(RuleRefusal::Limit {
            limit,
            count: samples.len(),
            what: "series",
        });
    }
    let mut seen: HashSet<Labels> = HashSet::with_capacity(samples.len());
    let mut series = Vec::with_capacity(samples.len());
    for sample in samples {
        let mut labels = sample.labels.to_builder();
        labels.set(METRIC_NAME, rule.record.as_str());
        for (name, value) in &rule.labels {
            labels.set(name, value);
        }
        let labels = labels.build();
        if !seen.insert(labels.clone()) {
            return Err(RuleRefusal::SameLabels { kind: "rule" });
        }
        series.push(ResultSample {
            labels,
            value: sample.value,
        });
    }
    Ok(series)
}
