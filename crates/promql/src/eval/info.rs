//! `info`: adds the labels of info series (such as `target_info`) to the series that they describe.
//!
//! An info series describes a series if both agree in `instance` and `job`. Of several info series of one
//! name the one with the newest sample counts.

use std::collections::{HashMap, HashSet};

use model::labels::{INSTANCE, JOB, METRIC_NAME};
use model::{Labels, MatchOp, Matcher};

use super::column::{Column, Series};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::merge::merge_same_labels;
use super::selector::Take;
use super::steps::Steps;
use crate::ast::Boundary;
use crate::plan::{Call, Op, Plan, Selector};

const IDENTIFYING: [&str; 2] = [INSTANCE, JOB];

/// What the second argument asks for.
struct Wanted {
    /// Which series are info series.
    names: Vec<Matcher>,
    /// Conditions on the labels that are added; if there is any, only the labels named here are added.
    data: Vec<Matcher>,
}

impl Wanted {
    fn new(arg: Option<&Plan>) -> Result<Self, QueryError> {
        let matchers: &[Matcher] = match arg.map(|arg| &arg.op) {
            None => &[],
            Some(Op::Selector(selector)) => &selector.matchers,
            Some(_) => return Err(QueryError::unexpected("second argument of info")),
        };
        let (mut names, data): (Vec<Matcher>, Vec<Matcher>) = matchers
            .iter()
            .cloned()
            .partition(|matcher| matcher.name() == METRIC_NAME);
        let is_positive =
            |matcher: &Matcher| matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex);
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, "target_info"));
        } else if !names.iter().any(is_positive) {
            // Only exclusions: from what is an info metric by convention.
            if let Ok(matcher) = Matcher::new(MatchOp::Regex, METRIC_NAME, ".+_info") {
                names.insert(0, matcher);
            }
        }
        Ok(Self { names, data })
    }

    fn is_info(&self, labels: &Labels) -> bool {
        let name = labels.metric_name();
        self.names.iter().all(|matcher| matcher.matches(name))
    }

    fn takes(&self, label: &str) -> bool {
        self.data.is_empty() || self.data.iter().any(|matcher| matcher.name() == label)
    }
}

impl Evaluator<'_> {
    pub(crate) fn info(&mut self, call: &Call, steps: Steps) -> Result<Vec<Series>, QueryError> {
        let Some(arg) = call.args.first() else {
            return Err(QueryError::unexpected("info without argument"));
        };
        let base = self.vector(arg, steps)?;
        let wanted = Wanted::new(call.args.get(1))?;
        let infos = self.info_series(&base, &wanted, reference(arg), steps)?;
        let mut results: Vec<Series> = Vec::with_capacity(base.len());
        let by_identity = by_identity(&infos);
        for series in base {
            if wanted.is_info(&series.labels) {
                results.push(series);
                continue;
            }
            enrich(&series, &by_identity, &wanted, steps, &mut results)?;
        }
        merge_same_labels(results)
    }

    /// Info series that may describe one of `base`; values are the times of their samples.
    fn info_series(
        &mut self,
        base: &[Series],
        wanted: &Wanted,
        (at, offset): (Option<i64>, i64),
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let mut matchers: Vec<Matcher> = wanted.names.clone();
        matchers.extend(wanted.data.iter().cloned());
        let mut has_identity = false;
        for label in IDENTIFYING {
            let mut values: Vec<&str> = base
                .iter()
                .filter(|series| !wanted.is_info(&series.labels))
                .filter_map(|series| series.labels.get(label))
                .collect();
            values.sort_unstable();
            values.dedup();
            if values.is_empty() {
                continue;
            }
            has_identity = true;
            let quoted: Vec<String> = values.iter().map(|value| quote(value)).collect();
            let matcher = Matcher::new(MatchOp::Regex, label, quoted.join("|"))
                .map_err(|error| QueryError::Evaluation(error.to_string()))?;
            matchers.push(matcher);
        }
        if !has_identity {
            return Ok(Vec::new());
        }
        let selector = Selector {
            matchers,
            offset,
            at,
            boundary: Boundary::Plain,
            has_sign: false,
            skips_buckets: false,
        };
        self.selected(&selector, Take::InfoTimestamp, steps)
    }
}

/// Escapes what has a meaning in regular expressions.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// `@` and offset of the first selector in the argument: info series are taken at the same times.
fn reference(plan: &Plan) -> (Option<i64>, i64) {
    first_selector(plan).unwrap_or((None, 0))
}

fn first_selector(plan: &Plan) -> Option<(Option<i64>, i64)> {
    match &plan.op {
        Op::Number(_) | Op::Text(_) => None,
        Op::Selector(selector) => Some((selector.at, selector.offset)),
        Op::Range(range) => Some((range.selector.at, range.selector.offset)),
        Op::Subquery(subquery) => {
            let (at, offset) = first_selector(&subquery.plan)?;
            Some(if at.is_some() {
                (at, offset)
            } else {
                (subquery.at, offset.saturating_add(subquery.offset))
            })
        }
        Op::Call(call) => call.args.iter().find_map(first_selector),
        Op::Aggregate(aggregate) => first_selector(&aggregate.input),
        Op::Binary(binary) => first_selector(&binary.lhs).or_else(|| first_selector(&binary.rhs)),
        Op::Negate(inner) | Op::Once(inner) => first_selector(inner),
    }
}

/// What identifies the described series.
fn identity(labels: &Labels) -> Labels {
    labels.keep(&IDENTIFYING)
}

/// The info series of one identity, by metric name.
type ByIdentity<'a> = HashMap<Labels, Vec<(&'a str, Vec<&'a Series>)>>;

fn by_identity(infos: &[Series]) -> ByIdentity<'_> {
    let mut groups: ByIdentity<'_> = HashMap::new();
    for series in infos {
        let name = series.labels.metric_name();
        let names = groups.entry(identity(&series.labels)).or_default();
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, list)) => list.push(series),
            None => names.push((name, vec![series])),
        }
    }
    groups
}

/// The series with the newest sample at a step.
fn newest<'a>(list: &[&'a Series], step: usize) -> Result<Option<&'a Series>, QueryError> {
    let mut best: Option<(f64, &Series)> = None;
    for series in list {
        let Some(time) = series.column.float(step) else {
            continue;
        };
        match best {
            Some((known, existing)) if known == time => {
                return Err(QueryError::Evaluation(format!(
                    "found duplicate series for info metric: existing {} @ {known}, new {} @ {time}",
                    existing.labels, series.labels
                )));
            }
            Some((known, _)) if known > time => {}
            _ => best = Some((time, series)),
        }
    }
    Ok(best.map(|(_, series)| series))
}

/// Adds the series with the labels that describe it, which may change from step to step.
fn enrich(
    series: &Series,
    infos: &ByIdentity<'_>,
    wanted: &Wanted,
    steps: Steps,
    results: &mut Vec<Series>,
) -> Result<(), QueryError> {
    let own: HashSet<&str> = series.labels.iter().map(|(name, _)| name).collect();
    let candidates = infos.get(&identity(&series.labels));
    let passes_empty = wanted.data.iter().all(Matcher::matches_empty);
    let mut parts: Vec<(Labels, usize)> = Vec::new();
    for step in 0..steps.count {
        let Some(point) = series.column.get(step) else {
            continue;
        };
        let mut added = model::LabelsBuilder::new();
        let mut is_described = false;
        for (_, list) in candidates.map_or(&[][..], Vec::as_slice) {
            let Some(info) = newest(list, step)? else {
                continue;
            };
            is_described = true;
            for (name, value) in &info.labels {
                if name == METRIC_NAME || !wanted.takes(name) {
                    continue;
                }
                let known = added.get(name);
                if !known.is_empty() && known != value {
                    return Err(QueryError::Evaluation(format!("conflicting label: {name}")));
                }
                if !own.contains(name) {
                    added.set(name, value);
                }
            }
        }
        if !is_described && !passes_empty {
            continue;
        }
        let mut builder = series.labels.to_builder();
        for (name, value) in added.iter() {
            builder.set(name, value);
        }
        let labels = builder.build();
        let known = parts.iter().find(|(known, _)| *known == labels);
        let at = match known {
            Some((_, at)) => *at,
            None => {
                parts.push((labels.clone(), results.len()));
                results.push(Series {
                    labels,
                    drop_name: series.drop_name,
                    column: Column::absent(steps.count),
                });
                results.len() - 1
            }
        };
        if let Some(result) = results.get_mut(at) {
            result.column.set(step, point.to_owned());
        }
    }
    Ok(())
}
