//! Binary operators between two vectors.
//!
//! Series are matched once: those with the same signature (the labels that matching looks at) form a
//! group, and within a group the columns of each pair are walked. Which series exist changes from step to
//! step, so uniqueness is checked per step.

use std::collections::HashMap;

use diag::Span;
use model::Labels;

use super::column::{Column, Point, PointRef, Series, is_metadata};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::operators::{LastNotes, Outcome, between_points, changes_meaning};
use super::steps::Steps;
use crate::ast::{BinaryOp, Cardinality, VectorMatching};
use crate::plan::Binary;

/// What matching looks at.
fn signature(labels: &Labels, matching: &VectorMatching) -> Labels {
    if matching.is_on {
        labels.keep(&matching.labels)
    } else {
        labels.drop(&matching.labels)
    }
}

/// Rows of both sides with the same signature.
#[derive(Default)]
struct Group {
    lhs: Vec<usize>,
    rhs: Vec<usize>,
}

fn groups(matching: &VectorMatching, lhs: &[Series], rhs: &[Series]) -> (Vec<Group>, Vec<usize>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_signature: HashMap<Labels, usize> = HashMap::new();
    let mut group_of = |labels: &Labels, groups: &mut Vec<Group>| {
        *by_signature
            .entry(signature(labels, matching))
            .or_insert_with(|| {
                groups.push(Group::default());
                groups.len() - 1
            })
    };
    let mut lhs_groups = Vec::with_capacity(lhs.len());
    for (row, series) in lhs.iter().enumerate() {
        let at = group_of(&series.labels, &mut groups);
        lhs_groups.push(at);
        if let Some(group) = groups.get_mut(at) {
            group.lhs.push(row);
        }
    }
    for (row, series) in rhs.iter().enumerate() {
        let at = group_of(&series.labels, &mut groups);
        if let Some(group) = groups.get_mut(at) {
            group.rhs.push(row);
        }
    }
    (groups, lhs_groups)
}

/// At which steps any of the series has a point.
fn any_present<'a>(series: impl Iterator<Item = &'a Series>, steps: Steps) -> Vec<bool> {
    let mut present = vec![false; steps.count];
    for series in series {
        for (step, _) in series.column.points() {
            if let Some(present) = present.get_mut(step) {
                *present = true;
            }
        }
    }
    present
}

/// `and`, `or`, `unless`.
pub(crate) fn set_operation(
    op: BinaryOp,
    matching: &VectorMatching,
    (lhs, rhs): (Vec<Series>, Vec<Series>),
    steps: Steps,
) -> Vec<Series> {
    let (groups, lhs_groups) = groups(matching, &lhs, &rhs);
    let present = |rows: &[usize], side: &[Series]| {
        any_present(rows.iter().filter_map(|row| side.get(*row)), steps)
    };
    let keep = |series: Series, is_kept: &dyn Fn(usize) -> bool| -> Option<Series> {
        let mut column = Column::absent(steps.count);
        let mut is_any = false;
        for step in 0..steps.count {
            if let Some(point) = series.column.get(step)
                && is_kept(step)
            {
                column.set(step, point.to_owned());
                is_any = true;
            }
        }
        is_any.then_some(Series { column, ..series })
    };
    let is_set = |present: &[bool], step: usize| present.get(step).copied().unwrap_or(false);
    if op == BinaryOp::Or {
        let mut rhs_groups = vec![0; rhs.len()];
        for (at, group) in groups.iter().enumerate() {
            for row in &group.rhs {
                if let Some(slot) = rhs_groups.get_mut(*row) {
                    *slot = at;
                }
            }
        }
        let masked: Vec<Vec<bool>> = groups.iter().map(|g| present(&g.lhs, &lhs)).collect();
        let mut result = lhs;
        result.extend(
            rhs.into_iter()
                .zip(rhs_groups)
                .filter_map(|(series, group)| {
                    let masked = masked.get(group)?;
                    keep(series, &|step| !is_set(masked, step))
                }),
        );
        return result;
    }
    let others: Vec<Vec<bool>> = groups.iter().map(|g| present(&g.rhs, &rhs)).collect();
    let wanted = op == BinaryOp::And;
    lhs.into_iter()
        .zip(lhs_groups)
        .filter_map(|(series, group)| {
            let others = others.get(group)?;
            keep(series, &|step| is_set(others, step) == wanted)
        })
        .collect()
}

/// One operation between two vectors, with the "many" side (or the left one) as `many`.
struct Match<'a> {
    binary: &'a Binary,
    matching: &'a VectorMatching,
    many: &'a [Series],
    one: &'a [Series],
    /// The sides were exchanged (`group_right`).
    is_swapped: bool,
    drops_name_now: bool,
    steps: Steps,
    /// Steps at which both sides have something, or a fill value stands in for what is missing.
    is_active: Vec<bool>,
}

/// Results of one group by their labels.
#[derive(Default)]
struct Results {
    series: Vec<Series>,
    by_labels: HashMap<Labels, usize>,
    /// Per result, the steps at which a pair was evaluated, whether it passed a comparison or not.
    evaluated: Vec<Vec<bool>>,
}

impl Evaluator<'_> {
    pub(crate) fn matched(
        &mut self,
        binary: &Binary,
        matching: &VectorMatching,
        (lhs, rhs): (Vec<Series>, Vec<Series>),
        span: Span,
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let is_swapped = matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if is_swapped { (rhs, lhs) } else { (lhs, rhs) };
        let has_fill = matching.fill.lhs.is_some() || matching.fill.rhs.is_some();
        let is_active = if has_fill {
            vec![true; steps.count]
        } else {
            let many = any_present(many.iter(), steps);
            let one = any_present(one.iter(), steps);
            many.iter().zip(&one).map(|(a, b)| *a && *b).collect()
        };
        let (groups, _) = groups(matching, &many, &one);
        let operation = Match {
            binary,
            matching,
            many: &many,
            one: &one,
            is_swapped,
            drops_name_now: binary.returns_bool && !self.delays_names(),
            steps,
            is_active,
        };
        let mut notes = LastNotes::default();
        let mut all = Vec::new();
        for group in &groups {
            self.interrupted()?;
            operation.check_one_side(group)?;
            let results = operation.evaluate(group, &mut notes)?;
            all.extend(
                results
                    .series
                    .into_iter()
                    .filter(|series| !series.column.is_absent()),
            );
        }
        notes.add_to(&mut self.notes, span);
        Ok(all)
    }
}

impl Match<'_> {
    fn is_active(&self, step: usize) -> bool {
        self.is_active.get(step).copied().unwrap_or(false)
    }

    /// The "one" side must have one series per group at each step.
    fn check_one_side(&self, group: &Group) -> Result<(), QueryError> {
        if group.rhs.len() < 2 {
            return Ok(());
        }
        for step in (0..self.steps.count).filter(|step| self.is_active(*step)) {
            let mut present = group
                .rhs
                .iter()
                .filter_map(|row| self.one.get(*row))
                .filter(|series| series.column.is_present(step));
            if let (Some(first), Some(second)) = (present.next(), present.next()) {
                return Err(self.duplicate(&first.labels, &second.labels));
            }
        }
        Ok(())
    }

    fn duplicate(&self, first: &Labels, second: &Labels) -> QueryError {
        let side = if self.is_swapped { "left" } else { "right" };
        let matched = signature(first, self.matching);
        let mut names = [first.to_string(), second.to_string()];
        names.sort();
        QueryError::Evaluation(format!(
            "found duplicate series for the match group {matched} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
            names[0], names[1]
        ))
    }

    fn evaluate(&self, group: &Group, notes: &mut LastNotes) -> Result<Results, QueryError> {
        let mut results = Results::default();
        // At which steps the group had a result of any pair, for filling up what has no match.
        let mut matched = vec![false; self.steps.count];
        for row in &group.lhs {
            let Some(series) = self.many.get(*row) else {
                continue;
            };
            for other in group.rhs.iter().filter_map(|row| self.one.get(*row)) {
                let pair = Pair {
                    many: (&series.labels, &series.column),
                    one: (&other.labels, &other.column),
                    order: *row,
                    steps: None,
                };
                self.pair(&pair, &mut results, &mut matched, notes)?;
            }
            if let Some(fill) = self.matching.fill.rhs {
                let others = group.rhs.iter().filter_map(|row| self.one.get(*row));
                let mut missing = any_present(others, self.steps);
                for is_missing in &mut missing {
                    *is_missing = !*is_missing;
                }
                let labels = signature(&series.labels, self.matching);
                let pair = Pair {
                    many: (&series.labels, &series.column),
                    one: (&labels, &Column::from_floats(vec![fill; self.steps.count])),
                    order: *row,
                    steps: Some(&missing),
                };
                self.pair(&pair, &mut results, &mut matched, notes)?;
            }
        }
        if let Some(fill) = self.matching.fill.lhs {
            let unmatched: Vec<bool> = matched.iter().map(|matched| !matched).collect();
            for row in &group.rhs {
                let Some(series) = self.one.get(*row) else {
                    continue;
                };
                let labels = signature(&series.labels, self.matching);
                let pair = Pair {
                    many: (&labels, &Column::from_floats(vec![fill; self.steps.count])),
                    one: (&series.labels, &series.column),
                    order: self.many.len() + row,
                    steps: Some(&unmatched),
                };
                self.pair(&pair, &mut results, &mut matched, notes)?;
            }
        }
        Ok(results)
    }

    fn pair(
        &self,
        pair: &Pair<'_>,
        results: &mut Results,
        matched: &mut [bool],
        notes: &mut LastNotes,
    ) -> Result<(), QueryError> {
        let mut target = None;
        let (many, one) = (pair.many.1.stretch(), pair.one.1.stretch());
        for step in many.start.max(one.start)..many.end.min(one.end) {
            if !self.is_active(step)
                || pair
                    .steps
                    .is_some_and(|steps| !steps.get(step).copied().unwrap_or(false))
            {
                continue;
            }
            let (Some(many), Some(one)) = (pair.many.1.get(step), pair.one.1.get(step)) else {
                continue;
            };
            let (lhs, rhs) = if self.is_swapped {
                (one, many)
            } else {
                (many, one)
            };
            let Some((point, keep)) = self.point(lhs, rhs, (step, pair.order), notes) else {
                continue;
            };
            let at = *target.get_or_insert_with(|| {
                results.slot(self.result_labels(pair.many.0, pair.one.0), self)
            });
            if self.matching.cardinality == Cardinality::OneToOne {
                if let Some(matched) = matched.get_mut(step) {
                    if *matched {
                        return Err(QueryError::Evaluation("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".to_owned()));
                    }
                    *matched = true;
                }
            } else {
                let evaluated = results
                    .evaluated
                    .get_mut(at)
                    .and_then(|evaluated| evaluated.get_mut(step));
                if let Some(evaluated) = evaluated {
                    if *evaluated {
                        return Err(QueryError::Evaluation("multiple matches for labels: grouping labels must ensure unique matches".to_owned()));
                    }
                    *evaluated = true;
                }
                if let Some(matched) = matched.get_mut(step) {
                    *matched = true;
                }
            }
            if let Some(series) = results.series.get_mut(at)
                && keep
            {
                series.column.set(step, point);
            }
        }
        Ok(())
    }

    /// The result of a pair at a step and whether it is shown; none if the types do not fit.
    fn point(
        &self,
        lhs: PointRef<'_>,
        rhs: PointRef<'_>,
        (step, order): (usize, usize),
        notes: &mut LastNotes,
    ) -> Option<(Point, bool)> {
        match between_points(self.binary.op, lhs, rhs) {
            Outcome::Refused(note) => {
                notes.set(step, order, note);
                None
            }
            Outcome::Value { point, keep, note } => {
                let is_collision =
                    matches!(note, Some(super::annotations::Note::ResetCollision(_)));
                if let Some(note) = note {
                    notes.set(step, order, note);
                }
                if is_collision {
                    // Prometheus takes this warning for a failure of the pair.
                    return None;
                }
                if self.binary.returns_bool {
                    return Some((Point::Float(if keep { 1.0 } else { 0.0 }), true));
                }
                Some((point, keep))
            }
        }
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let mut builder = many.to_builder();
        if self.drops_name_now || changes_meaning(self.binary.op) {
            builder.retain(|name| !is_metadata(name));
        }
        if self.matching.cardinality == Cardinality::OneToOne {
            let is_named = |name: &str| self.matching.labels.iter().any(|label| label == name);
            builder.retain(|name| is_named(name) == self.matching.is_on);
        }
        for name in &self.matching.include {
            builder.set(name.as_str(), one.value(name));
        }
        builder.build()
    }
}

struct Pair<'a> {
    many: (&'a Labels, &'a Column),
    one: (&'a Labels, &'a Column),
    /// The place of the pair within a step, for notes.
    order: usize,
    /// Only these steps; none: all.
    steps: Option<&'a [bool]>,
}

impl Results {
    fn slot(&mut self, labels: Labels, operation: &Match<'_>) -> usize {
        if let Some(at) = self.by_labels.get(&labels) {
            return *at;
        }
        let at = self.series.len();
        self.by_labels.insert(labels.clone(), at);
        self.series.push(Series {
            labels,
            drop_name: operation.binary.returns_bool,
            column: Column::absent(operation.steps.count),
        });
        self.evaluated.push(vec![false; operation.steps.count]);
        at
    }
}
