//! What a query will cost, by an estimate before it runs, and what it did cost, operator by operator.
//!
//! Estimates look series up but read only a few of them. Measurements belong to the nodes of the plan; where
//! operators run fused (an aggregation takes series as they come), time is measured at their borders.

use std::collections::HashMap;

use diag::Span;
use model::Timestamp;
use model::storage::{SeriesBatch, SeriesList, SeriesReader};

use super::column::Value;
use super::engine::{Engine, Expression, RangeTimes};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::result::QueryResult;
use super::steps::Steps;
use crate::ast::{AggregateOp, BinaryOp, Cardinality, ValueType};
use crate::plan::{Aggregate, Binary, Op, Plan, Selector};

/// The time or the times that a query is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation {
    Instant(Timestamp),
    Range(RangeTimes),
}

/// Gives seconds since some moment.
pub type Timer<'t> = &'t (dyn Fn() -> f64 + Send + Sync);

/// The operators of a query with their costs.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub root: ExplainedNode,
    /// If the query was run.
    pub result: Option<QueryResult>,
}

/// One operator.
#[derive(Clone, Debug)]
pub struct ExplainedNode {
    /// Its kind: `aggregation`, `function`, `operator`, `selector`, `range selector`, `subquery`, `number`, ….
    pub op: &'static str,
    /// What it does, in a few words of the language.
    pub detail: String,
    /// Its place in the query; empty if it has none of its own.
    pub span: Span,
    pub estimated: Cost,
    pub measured: Option<MeasuredCost>,
    pub children: Vec<ExplainedNode>,
}

/// What an operator gives on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    pub series: usize,
    /// At all steps; of selectors those that are read.
    pub samples: usize,
    pub bytes: usize,
}

/// What an operator gave on, and how long it took with all operators below it. Work of several threads is
/// counted once per thread where operators run fused.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuredCost {
    pub cost: Cost,
    pub seconds: f64,
}

/// Bytes of a sample as it is read: time and value.
const READ_SAMPLE_BYTES: usize = 16;
/// Bytes of a point between operators.
const POINT_BYTES: usize = 8;
/// Series that are read to guess how many samples one has.
const PROBES: usize = 8;

/// Costs by the address of the plan's node, which stays where it is while the plan is evaluated.
#[derive(Default)]
pub(super) struct Profile {
    by_node: HashMap<usize, MeasuredCost>,
}

fn key(plan: &Plan) -> usize {
    std::ptr::from_ref(plan).addr()
}

/// What running over rows came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowsCost {
    pub(super) rows: usize,
    pub(super) read: u64,
    pub(super) results: Cost,
    pub(super) seconds: f64,
    pub(super) read_seconds: f64,
}

impl Evaluator<'_> {
    /// Seconds by the caller's timer, if somebody wants to know.
    pub(super) fn time(&self) -> Option<f64> {
        self.shared.timer.map(|timer| timer())
    }

    pub(super) fn measure_value(&mut self, plan: &Plan, value: &Value, started: f64) {
        let seconds = self.time().map_or(0.0, |now| now - started);
        let samples = value.weight();
        let series = match value {
            Value::Vector(series) => series.len(),
            Value::Scalar(_) | Value::Text(_) => 0,
        };
        let cost = Cost {
            series,
            samples,
            bytes: samples.saturating_mul(POINT_BYTES),
        };
        self.profile.add(plan, MeasuredCost { cost, seconds });
    }

    /// `operator` worked on rows that `source` selected. The operator is none if its own cost is measured
    /// as that of a value.
    pub(super) fn measure_rows(
        &mut self,
        operator: Option<&Plan>,
        source: Option<&Plan>,
        rows: RowsCost,
    ) {
        if self.shared.timer.is_none() {
            return;
        }
        let measured = |cost, seconds| MeasuredCost { cost, seconds };
        if let Some(operator) = operator {
            self.profile
                .add(operator, measured(rows.results, rows.seconds));
        }
        if let Some(source) = source.filter(|source| matches!(source.op, Op::Range(_))) {
            let samples = usize::try_from(rows.read).unwrap_or(usize::MAX);
            let cost = Cost {
                series: rows.rows,
                samples,
                bytes: samples.saturating_mul(READ_SAMPLE_BYTES),
            };
            self.profile.add(source, measured(cost, rows.read_seconds));
        }
    }
}

impl Profile {
    fn add(&mut self, plan: &Plan, measured: MeasuredCost) {
        let known = self.by_node.entry(key(plan)).or_default();
        known.cost.series = known.cost.series.max(measured.cost.series);
        known.cost.samples = known.cost.samples.saturating_add(measured.cost.samples);
        known.cost.bytes = known.cost.bytes.saturating_add(measured.cost.bytes);
        known.seconds += measured.seconds;
    }
}

impl Engine<'_> {
    /// Explains a query; with a timer it is run, and measured.
    pub fn explain(
        &self,
        reader: &dyn SeriesReader,
        query: Expression<'_>,
        evaluation: Evaluation,
        timer: Option<Timer<'_>>,
    ) -> Result<Explanation, QueryError> {
        let (plan, steps) = self.planned(query, evaluation)?;
        let mut estimator = Estimator {
            evaluator: self.evaluator(reader, None),
        };
        let mut root = estimator.node(&plan, query.text, steps)?;
        let mut result = None;
        if let Some(timer) = timer {
            let mut evaluator = self.evaluator(reader, Some(timer));
            let value = super::engine::evaluated(&mut evaluator, &plan, steps, evaluation)?;
            attach(&mut root, &plan, &evaluator.profile);
            result = Some(super::engine::finished(evaluator, query.text, steps, value));
        }
        Ok(Explanation { root, result })
    }
}

fn attach(node: &mut ExplainedNode, plan: &Plan, profile: &Profile) {
    let plan = visible(plan);
    node.measured = profile.by_node.get(&key(plan)).copied();
    for (child, plan) in node.children.iter_mut().zip(children(plan)) {
        attach(child, plan, profile);
    }
}

/// Without the mark that something is evaluated once.
fn visible(plan: &Plan) -> &Plan {
    match &plan.op {
        Op::Once(inner) => visible(inner),
        _ => plan,
    }
}

fn children(plan: &Plan) -> Vec<&Plan> {
    match &plan.op {
        Op::Number(_) | Op::Text(_) | Op::Selector(_) | Op::Range(_) => Vec::new(),
        Op::Subquery(subquery) => vec![&subquery.plan],
        Op::Call(call) => call.args.iter().collect(),
        Op::Aggregate(aggregate) => {
            let param = aggregate.param.iter();
            param.chain([&aggregate.input]).collect()
        }
        Op::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Op::Negate(inner) | Op::Once(inner) => vec![inner],
    }
}

struct Estimator<'e> {
    evaluator: Evaluator<'e>,
}

impl Estimator<'_> {
    fn node(&mut self, plan: &Plan, text: &str, steps: Steps) -> Result<ExplainedNode, QueryError> {
        self.evaluator.interrupted()?;
        let plan = visible(plan);
        let inner_steps = match &plan.op {
            Op::Subquery(subquery) => self.evaluator.child_steps(subquery, steps),
            _ => steps,
        };
        let mut nodes = Vec::new();
        for child in children(plan) {
            nodes.push(self.node(child, text, inner_steps)?);
        }
        let costs: Vec<Cost> = nodes.iter().map(|node| node.estimated).collect();
        let estimated = self.estimate(plan, &costs, steps)?;
        Ok(ExplainedNode {
            op: kind(plan),
            detail: detail(plan, text),
            span: plan.span,
            estimated,
            measured: None,
            children: nodes,
        })
    }

    fn estimate(&mut self, plan: &Plan, inner: &[Cost], steps: Steps) -> Result<Cost, QueryError> {
        let points = |series: usize| Cost {
            series,
            samples: series.saturating_mul(steps.count),
            bytes: series
                .saturating_mul(steps.count)
                .saturating_mul(POINT_BYTES),
        };
        let first = inner.first().copied().unwrap_or_default();
        let last = inner.last().copied().unwrap_or_default();
        let is_vector = plan.value_type == ValueType::Vector;
        Ok(match &plan.op {
            Op::Number(_) | Op::Text(_) => Cost {
                samples: steps.count,
                bytes: steps.count.saturating_mul(POINT_BYTES),
                ..Cost::default()
            },
            Op::Selector(selector) => {
                let list = self.list(selector, self.evaluator.lookback(), steps)?;
                points(list.len())
            }
            Op::Range(range) => {
                let list = self.list(&range.selector, range.range, steps)?;
                read_cost(list.as_ref())?
            }
            Op::Subquery(_) | Op::Negate(_) | Op::Once(_) => first,
            Op::Call(_) if !is_vector => points(1),
            Op::Call(_) => points(
                inner
                    .iter()
                    .map(|cost| cost.series)
                    .max()
                    .unwrap_or(1)
                    .max(1),
            ),
            Op::Aggregate(aggregate) => points(self.groups(aggregate, last, steps)?),
            Op::Binary(_) if !is_vector => points(1),
            Op::Binary(binary) => points(pairs(binary, first.series, last.series)),
        })
    }

    fn list(
        &mut self,
        selector: &Selector,
        range: i64,
        steps: Steps,
    ) -> Result<std::sync::Arc<dyn SeriesList>, QueryError> {
        let start = selector
            .reference(steps.start)
            .saturating_sub(range)
            .saturating_add(1);
        let end = selector.reference(steps.last());
        self.evaluator.stored(&selector.matchers, start, end)
    }

    /// How many series an aggregation gives.
    fn groups(
        &mut self,
        aggregate: &Aggregate,
        input: Cost,
        steps: Steps,
    ) -> Result<usize, QueryError> {
        let groups = match source(&aggregate.input) {
            _ if aggregate.grouping.is_empty() && !aggregate.is_without => input.series.min(1),
            Some((selector, range)) => {
                let range = range.unwrap_or(self.evaluator.lookback());
                let list = self.list(selector, range, steps)?;
                let names = super::folding::Names::Dropped;
                super::folding::list_groups(list.as_ref(), aggregate, names)
                    .labels
                    .len()
            }
            None => input.series,
        };
        let several = match aggregate.op {
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => {
                match aggregate.param.as_ref().map(|param| &param.op) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "an estimate"
                    )]
                    Some(Op::Number(k)) => k.max(0.0) as usize,
                    _ => 1,
                }
            }
            AggregateOp::LimitRatio | AggregateOp::CountValues => input.series,
            _ => 1,
        };
        Ok(groups.saturating_mul(several).min(input.series))
    }
}

/// The stored series that a vector is made of, one to one, with their range.
fn source(plan: &Plan) -> Option<(&Selector, Option<i64>)> {
    match &visible(plan).op {
        Op::Selector(selector) => Some((selector, None)),
        Op::Call(call) => call.args.iter().find_map(|arg| match &arg.op {
            Op::Range(range) => Some((&range.selector, Some(range.range))),
            _ => None,
        }),
        _ => None,
    }
}

fn pairs(binary: &Binary, lhs: usize, rhs: usize) -> usize {
    let cardinality = binary
        .matching
        .as_ref()
        .map(|matching| matching.cardinality);
    match (binary.op, cardinality) {
        // One side is a scalar.
        (_, None) => lhs.max(rhs),
        (BinaryOp::Or, _) => lhs.saturating_add(rhs),
        (BinaryOp::Unless, _) | (_, Some(Cardinality::ManyToOne)) => lhs,
        (_, Some(Cardinality::OneToMany)) => rhs,
        _ => lhs.min(rhs),
    }
}

/// Some series are read; the others are taken to be like them.
fn read_cost(list: &dyn SeriesList) -> Result<Cost, QueryError> {
    let series = list.len();
    let probes = series.min(PROBES);
    let mut batch = SeriesBatch::new();
    for probe in 0..probes {
        let row = probe * series / probes;
        list.read(row..row + 1, &mut batch)?;
    }
    let samples = (batch.times.len() * series)
        .checked_div(probes)
        .unwrap_or(0);
    Ok(Cost {
        series,
        samples,
        bytes: samples.saturating_mul(READ_SAMPLE_BYTES),
    })
}

fn kind(plan: &Plan) -> &'static str {
    match &plan.op {
        Op::Number(_) => "number",
        Op::Text(_) => "string",
        Op::Selector(_) => "selector",
        Op::Range(_) => "range selector",
        Op::Subquery(_) => "subquery",
        Op::Call(_) => "function",
        Op::Aggregate(_) => "aggregation",
        Op::Binary(_) => "operator",
        Op::Negate(_) => "sign",
        Op::Once(_) => "once",
    }
}

/// What the operator does, without what is below it.
fn detail(plan: &Plan, text: &str) -> String {
    let own_text = || {
        text.get(plan.span.start..plan.span.end)
            .unwrap_or_default()
            .to_owned()
    };
    match &plan.op {
        Op::Call(call) => format!("{}()", call.name),
        Op::Aggregate(aggregate) => {
            let keyword = if aggregate.is_without {
                "without"
            } else {
                "by"
            };
            let name = aggregate.op.as_str();
            if aggregate.grouping.is_empty() && !aggregate.is_without {
                name.to_owned()
            } else {
                format!("{name} {keyword} ({})", aggregate.grouping.join(", "))
            }
        }
        Op::Binary(binary) => match &binary.matching {
            Some(matching) if matching.is_on || !matching.labels.is_empty() => {
                let keyword = if matching.is_on { "on" } else { "ignoring" };
                let labels = matching.labels.join(", ");
                format!("{} {keyword} ({labels})", binary.op.as_str())
            }
            _ => binary.op.as_str().to_owned(),
        },
        Op::Negate(_) => "-".to_owned(),
        Op::Number(value) => model::format::float_shortest(*value),
        Op::Text(text) => text.quoted.clone(),
        Op::Selector(_) | Op::Range(_) | Op::Subquery(_) | Op::Once(_) => own_text(),
    }
}
