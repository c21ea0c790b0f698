//! Aggregations that add one series after the other to its group: `sum`, `avg`, `min`, `max`, `count`,
//! `group`, `stddev`, `stdvar`.
//!
//! Memory is groups × steps: series are gone once they are added. Which group a series is in is known
//! before its samples are read, so that labels are made per group and not per series. The order of
//! additions at a step is the order of the series, whatever the number of threads: those share the steps.

use std::collections::HashMap;
use std::ops::Range;

use diag::Span;
use model::Labels;
use model::labels::METRIC_NAME;
use model::storage::{Projection, RowGroups, SeriesList};
use rayon::prelude::*;

use super::aggregate::group_labels;
use super::annotations::Note;
use super::blocks::{Block, RowOperator, RowResult};
use super::budget::StepCounts;
use super::column::{Column, METADATA, Series, is_metadata, without_metadata};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::fold::Fold;
use super::range_input::Rows;
use super::sampled::LabelUse;
use super::selector::Take;
use super::steps::Steps;
use super::window::Windowed;
use crate::ast::{AggregateOp, Boundary};
use crate::functions::Implementation;
use crate::plan::{Aggregate, Op};

/// Threads share the steps only if each has at least so many.
const STEPS_MIN: usize = 32;
/// Rows that are worth the way to other threads.
const PARALLEL_ROWS_MIN: usize = 64;

/// Gives the metric name of a row, for notes.
type NameOf<'a> = &'a (dyn Fn(usize) -> String + Sync);

/// All groups of one aggregation.
struct Folding {
    op: AggregateOp,
    span: Span,
    steps: usize,
    groups: RowGroups,
    /// By group: whether a series of it loses its name at the end.
    drop_name: Vec<bool>,
    is_touched: Vec<bool>,
    /// Groups in the order in which points first came.
    order: Vec<u32>,
    parts: Vec<Part>,
    /// What the added series counted for the sample limit: until the end, as in Prometheus.
    held: usize,
}

/// Some of the steps, of all groups.
struct Part {
    steps: Range<usize>,
    /// By group; none before the first point.
    folds: Vec<Option<Fold>>,
    notes: Vec<Note>,
}

impl Folding {
    fn new(op: AggregateOp, span: Span, groups: RowGroups, steps: Steps, threads: usize) -> Self {
        let count = groups.labels.len();
        let parts = (steps.count / STEPS_MIN).clamp(1, threads.max(1));
        let length = steps.count.div_ceil(parts);
        let part = |number: usize| Part {
            steps: number * length..steps.count.min((number + 1) * length),
            folds: std::iter::repeat_with(|| None).take(count).collect(),
            notes: Vec::new(),
        };
        Self {
            op,
            span,
            steps: steps.count,
            groups,
            drop_name: vec![false; count],
            is_touched: vec![false; count],
            order: Vec::new(),
            parts: (0..parts).map(part).collect(),
            held: 0,
        }
    }

    fn group_of(&self, row: usize) -> u32 {
        self.groups.of_row.get(row).copied().unwrap_or(0)
    }

    /// Adds the columns of some rows, in order.
    fn add(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        blocks: &[Block],
        name_of: NameOf<'_>,
    ) -> Result<(), QueryError> {
        let rows: Vec<(&RowResult, &Column)> = blocks
            .iter()
            .flat_map(|block| &block.rows)
            .filter_map(|row| Some((row, row.column.as_ref()?)))
            .collect();
        for row in blocks.iter().flat_map(|block| &block.rows) {
            evaluator.budget.charge(row.held)?;
            evaluator.budget.release(row.held);
        }
        for (row, column) in &rows {
            let weight = column.weight();
            evaluator.budget.charge(weight)?;
            self.held += weight;
            self.touch(self.group_of(row.row), row.drop_name);
        }
        let (op, of_row) = (self.op, &self.groups.of_row);
        let add = |part: &mut Part| {
            for (row, column) in &rows {
                let group = of_row.get(row.row).map_or(0, |group| *group as usize);
                let Some(fold) = part.folds.get_mut(group) else {
                    continue;
                };
                let fold = fold.get_or_insert_with(|| Fold::new(op));
                let notes = &mut part.notes;
                let mut note = |note| notes.push(note);
                fold.add(column, &part.steps, &|| name_of(row.row), &mut note);
            }
        };
        if self.parts.len() > 1 && rows.len() >= PARALLEL_ROWS_MIN {
            self.parts.par_iter_mut().for_each(add);
        } else {
            self.parts.iter_mut().for_each(add);
        }
        for part in &mut self.parts {
            for note in part.notes.drain(..) {
                evaluator.notes.add(note, self.span);
            }
        }
        Ok(())
    }

    fn touch(&mut self, group: u32, drop_name: bool) {
        let at = group as usize;
        if let (Some(is_touched), Some(drops)) =
            (self.is_touched.get_mut(at), self.drop_name.get_mut(at))
        {
            *drops |= drop_name;
            if !std::mem::replace(is_touched, true) {
                self.order.push(group);
            }
        }
    }

    fn finish(mut self, evaluator: &mut Evaluator<'_>) -> Result<Vec<Series>, QueryError> {
        evaluator.budget.release(self.held);
        let mut results = Vec::with_capacity(self.order.len());
        for group in std::mem::take(&mut self.order) {
            let at = group as usize;
            let mut note = |note| evaluator.notes.add(note, self.span);
            let columns = self
                .parts
                .iter_mut()
                .filter_map(|part| part.folds.get_mut(at)?.take())
                .map(|fold| fold.finish(self.steps, &mut note))
                .collect();
            let column = Column::joined(columns, self.steps);
            if column.is_absent() {
                continue;
            }
            evaluator.budget.charge(column.weight())?;
            results.push(Series {
                labels: self.groups.labels.get(at).cloned().unwrap_or_default(),
                drop_name: self.drop_name.get(at).copied().unwrap_or(false),
                column,
            });
        }
        Ok(results)
    }
}

impl Evaluator<'_> {
    /// Adds series to their groups as they come, so that only groups are held.
    pub(super) fn folded(
        &mut self,
        aggregate: &Aggregate,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        match &aggregate.input.op {
            Op::Selector(selector) if selector.boundary != Boundary::Smoothed => {
                let sampled = self.sampled(selector, Take::Value, steps, LabelUse::None)?;
                let Some(sampled) = sampled else {
                    return Ok(Vec::new());
                };
                let list = sampled.list.as_ref();
                let groups = Groups {
                    groups: list_groups(list, aggregate, Names::Kept),
                    apart: None,
                };
                let name_of = |row: usize| list.labels(row).metric_name().to_owned();
                self.fold_rows(aggregate, &sampled, groups, &name_of, steps)
            }
            Op::Call(call) => match call.implementation {
                Implementation::Range(function) => {
                    let windowed = self.windowed(call, function, steps, LabelUse::None)?;
                    let Some(windowed) = windowed else {
                        return Ok(Vec::new());
                    };
                    self.fold_windowed(aggregate, &windowed, steps)
                }
                _ => self.fold_series(aggregate, steps),
            },
            _ => self.fold_series(aggregate, steps),
        }
    }

    fn fold_windowed(
        &mut self,
        aggregate: &Aggregate,
        windowed: &Windowed<'_>,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let names = if windowed.drops_name() && !self.delays_names() {
            Names::Dropped
        } else {
            Names::Kept
        };
        let labels_of = |row: usize| {
            let (labels, drop_name) = windowed.input.labels(row);
            if (windowed.drops_name() || drop_name) && !self.shared.delays_names() {
                without_metadata(&labels)
            } else {
                labels
            }
        };
        let groups = match &windowed.input.rows {
            Rows::Stored(list) => list_groups(list.as_ref(), aggregate, names),
            Rows::Evaluated { series, .. } => {
                label_groups((0..series.len()).map(|row| group_labels(&labels_of(row), aggregate)))
            }
        };
        let shared = self.shared;
        let name_of = |row: usize| {
            let (labels, drop_name) = windowed.input.labels(row);
            if (windowed.drops_name() || drop_name) && !shared.delays_names() {
                String::new()
            } else {
                labels.metric_name().to_owned()
            }
        };
        let is_unique = self.delays_names() || windowed.keeps_labels_apart();
        let apart = (!is_unique).then(|| match &windowed.input.rows {
            Rows::Stored(list) => list.groups(Projection::AllBut(&metadata_names())),
            Rows::Evaluated { series, .. } => label_groups((0..series.len()).map(labels_of)),
        });
        let groups = Groups { groups, apart };
        let result = self.fold_rows(aggregate, windowed, groups, &name_of, steps);
        self.budget.release(windowed.input.weight);
        result
    }

    fn fold_rows(
        &mut self,
        aggregate: &Aggregate,
        operator: &dyn RowOperator,
        Groups { groups, apart }: Groups,
        name_of: NameOf<'_>,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let span = aggregate.input.span;
        let mut folding = Folding::new(
            aggregate.op,
            span,
            groups,
            steps,
            self.shared.options.threads,
        );
        let mut seen = Vec::new();
        let rows = self.run_rows(operator, steps, &mut |evaluator, blocks| {
            if let Some(apart) = &apart {
                check_apart(apart, &blocks, &mut seen)?;
            }
            folding.add(evaluator, &blocks, name_of)
        })?;
        let source = match &aggregate.input.op {
            Op::Call(call) => call.range_arg(),
            _ => None,
        };
        self.measure_rows(Some(&aggregate.input), source, rows);
        folding.finish(self)
    }

    /// Of an input that is there as a whole.
    fn fold_series(
        &mut self,
        aggregate: &Aggregate,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let input = self.vector(&aggregate.input, steps)?;
        let labels = input
            .iter()
            .map(|series| group_labels(&series.labels, aggregate));
        let groups = label_groups(labels);
        let span = aggregate.input.span;
        let mut folding = Folding::new(
            aggregate.op,
            span,
            groups,
            steps,
            self.shared.options.threads,
        );
        let names: Vec<Labels> = input.iter().map(|series| series.labels.clone()).collect();
        let name_of = |row: usize| {
            names
                .get(row)
                .map(|labels| labels.metric_name().to_owned())
                .unwrap_or_default()
        };
        let rows = input
            .into_iter()
            .enumerate()
            .map(|(row, series)| RowResult {
                row,
                labels: None,
                drop_name: series.drop_name,
                held: 0,
                column: Some(series.column),
            });
        let block = Block {
            rows: rows.collect(),
            counts: StepCounts::default(),
            notes: super::annotations::Annotations::default(),
            read_seconds: 0.0,
        };
        // The operator below has charged its series already.
        let charged: usize = block
            .rows
            .iter()
            .filter_map(|row| row.column.as_ref())
            .map(Column::weight)
            .sum();
        self.budget.release(charged);
        folding.add(self, &[block], &name_of)?;
        folding.finish(self)
    }
}

/// Which rows belong together.
struct Groups {
    groups: RowGroups,
    /// By all labels but the name, if rows might not differ in those.
    apart: Option<RowGroups>,
}

/// What the input of an aggregation does to metric names before labels are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Kept,
    Dropped,
}

fn metadata_names() -> Vec<String> {
    METADATA.map(str::to_owned).to_vec()
}

/// The groups of stored series.
pub(super) fn list_groups(list: &dyn SeriesList, aggregate: &Aggregate, names: Names) -> RowGroups {
    if aggregate.is_without {
        let mut unwanted = aggregate.grouping.clone();
        match names {
            Names::Kept => unwanted.push(METRIC_NAME.to_owned()),
            Names::Dropped => unwanted.extend(metadata_names()),
        }
        return list.groups(Projection::AllBut(&unwanted));
    }
    let mut wanted = aggregate.grouping.clone();
    if names == Names::Dropped {
        wanted.retain(|name| !is_metadata(name));
    }
    list.groups(Projection::Only(&wanted))
}

fn label_groups(labels: impl Iterator<Item = Labels>) -> RowGroups {
    let mut groups = RowGroups::default();
    let mut known: HashMap<Labels, u32> = HashMap::new();
    for labels in labels {
        let group = match known.get(&labels) {
            Some(group) => *group,
            None => {
                let group = u32::try_from(groups.labels.len()).unwrap_or(u32::MAX);
                known.insert(labels.clone(), group);
                groups.labels.push(labels);
                group
            }
        };
        groups.of_row.push(group);
    }
    groups
}

/// Refuses two rows with points whose labels are the same once the name is gone; `seen` is by group of
/// equal labels.
fn check_apart(
    apart: &RowGroups,
    blocks: &[Block],
    seen: &mut Vec<bool>,
) -> Result<(), QueryError> {
    seen.resize(apart.labels.len(), false);
    let rows = blocks.iter().flat_map(|block| &block.rows);
    for row in rows.filter(|row| row.column.is_some()) {
        let group = apart.of_row.get(row.row).map(|group| *group as usize);
        let Some(is_seen) = group.and_then(|group| seen.get_mut(group)) else {
            continue;
        };
        if std::mem::replace(is_seen, true) {
            return Err(QueryError::same_labelset());
        }
    }
    Ok(())
}
