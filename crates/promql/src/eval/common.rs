//! Queries that are asked for the same time, one after the other or at once, such as those of a rule group: what
//! several of them have in common is evaluated once.
//!
//! Which subexpressions those are is found once, from the texts ([`QueryGroup::new`]). Their results are kept
//! until the last query that has them has used them, or until the group is asked at another time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diag::Span;
use model::labels::METRIC_NAME;
use model::{MatchOp, Timestamp};
use parking_lot::{Condvar, Mutex};

use super::annotations::Annotations;
use super::budget::StepCounts;
use super::column::Value;
use super::engine::Query;
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::steps::Steps;
use crate::ast::{Expr, ValueType, VectorSelector};
use crate::plan::{Op, Plan};

/// Functions that need less than their arguments' whole histograms: what is below them is not what the same
/// text is elsewhere.
const NEEDS_LESS: [&str; 3] = ["histogram_avg", "histogram_count", "histogram_sum"];

/// Queries that are asked together, with the results that they share.
#[derive(Debug)]
pub struct QueryGroup {
    members: HashMap<String, Member>,
    /// By subexpression: in how many places it stands.
    places: Vec<usize>,
    results: Mutex<Results>,
    /// A result is known now, or will not be.
    settled: Condvar,
}

#[derive(Debug)]
struct Member {
    query: Arc<Query>,
    marks: Vec<Mark>,
}

/// One place of a subexpression that several places have in common.
#[derive(Clone, Copy, Debug)]
struct Mark {
    span: Span,
    subexpression: usize,
}

#[derive(Debug, Default)]
struct Results {
    time: i64,
    known: HashMap<usize, Known>,
    /// What is being evaluated. Who needs it waits; as it only waits for what is within its own subexpression, nobody
    /// waits in a circle.
    running: HashSet<usize>,
}

#[derive(Debug)]
struct Known {
    value: Value,
    counts: StepCounts,
    notes: Annotations,
    /// Where the subexpression started in the query that was evaluated.
    start: usize,
    uses_left: usize,
}

impl QueryGroup {
    /// `is_written` tells metrics whose series may change between the queries, such as those that the rules of
    /// the group record: what reads them is evaluated anew each time.
    pub fn new(queries: Vec<Query>, is_written: impl Fn(&str) -> bool) -> Self {
        let mut finder = Finder {
            is_written: &is_written,
            found: HashMap::new(),
        };
        for (number, query) in queries.iter().enumerate() {
            finder.visit(number, query.text(), query.expr());
        }
        let mut common: Vec<_> = finder.found.into_values().collect();
        common.retain(|places| places.len() > 1);
        // Numbers that do not depend on the order of a hash map.
        common.sort_unstable();
        let mut marks: Vec<Vec<Mark>> = vec![Vec::new(); queries.len()];
        for (subexpression, places) in common.iter().enumerate() {
            for (query, start, end) in places {
                if let Some(marks) = marks.get_mut(*query) {
                    marks.push(Mark {
                        span: Span::new(*start, *end),
                        subexpression,
                    });
                }
            }
        }
        let mut members: HashMap<String, Member> = HashMap::with_capacity(queries.len());
        for (query, marks) in queries.into_iter().zip(marks) {
            let text = query.text().to_owned();
            let member = members.entry(text).or_insert_with(|| Member {
                query: Arc::new(query),
                marks: Vec::new(),
            });
            member.marks.extend(marks);
        }
        Self {
            members,
            places: common.iter().map(Vec::len).collect(),
            results: Mutex::default(),
            settled: Condvar::new(),
        }
    }

    /// The query of this text, if it belongs to the group.
    pub fn query(&self, text: &str) -> Option<&Arc<Query>> {
        self.members.get(text).map(|member| &member.query)
    }

    /// How many subexpressions stand in several places.
    pub fn common(&self) -> usize {
        self.places.len()
    }

    /// For the evaluation of one of its queries.
    pub(super) fn sharing(&self, text: &str, time: Timestamp, steps: Steps) -> Option<Sharing<'_>> {
        let member = self.members.get(text)?;
        if member.marks.is_empty() {
            return None;
        }
        let mut results = self.results.lock();
        if results.time != time.millis() {
            results.known.clear();
            results.running.clear();
            results.time = time.millis();
            self.settled.notify_all();
        }
        drop(results);
        Some(Sharing {
            group: self,
            marks: &member.marks,
            steps,
        })
    }
}

/// Finds subexpressions of the same text. Of each only the first place is looked into: what is below is
/// evaluated there alone.
struct Finder<'f> {
    is_written: &'f dyn Fn(&str) -> bool,
    /// By text: the places, as query, start and end.
    found: HashMap<String, Vec<(usize, usize, usize)>>,
}

impl Finder<'_> {
    fn visit(&mut self, query: usize, text: &str, expr: &Expr) {
        let span = expr.span();
        if self.is_worth_sharing(expr)
            && let Some(own) = text.get(span.start..span.end)
        {
            // Texts with comments or other spaces are taken for different ones. The printed form tells apart
            // what the bytes of a span do not, which may end with one token too many.
            let places = self.found.entry(format!("{own}\0{expr}")).or_default();
            places.push((query, span.start, span.end));
            if places.len() > 1 {
                return;
            }
        }
        if let Expr::Call(call) = expr
            && NEEDS_LESS.contains(&call.function.name)
        {
            return;
        }
        for child in expr.children() {
            self.visit(query, text, child);
        }
    }

    /// Plain selectors are cheap to read again, and cheaper where what is around them works on them directly.
    fn is_worth_sharing(&self, expr: &Expr) -> bool {
        let has_work = matches!(expr, Expr::Call(_) | Expr::Aggregate(_) | Expr::Binary(_));
        if !has_work || expr.value_type() != ValueType::Vector || has_info(expr) {
            return false;
        }
        let mut selectors = 0;
        let mut is_stable = true;
        expr.for_each_selector(&mut |selector| {
            selectors += 1;
            is_stable &= self.is_stable(selector);
        });
        selectors > 0 && is_stable
    }

    fn is_stable(&self, selector: &VectorSelector) -> bool {
        selector.matchers.iter().any(|matcher| {
            matcher.name() == METRIC_NAME
                && matcher.op() == MatchOp::Equal
                && !(self.is_written)(matcher.value())
        })
    }
}

/// `info` reads metrics that it does not name.
fn has_info(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if call.function.name == "info")
        || expr.children().any(has_info)
}

/// What one evaluation shares with others.
#[derive(Clone, Copy)]
pub(super) struct Sharing<'g> {
    group: &'g QueryGroup,
    marks: &'g [Mark],
    /// Of the query: within subqueries nothing is shared.
    steps: Steps,
}

impl Sharing<'_> {
    /// The subexpression that the plan is, if it is shared.
    pub(super) fn subexpression(&self, plan: &Plan, steps: Steps) -> Option<usize> {
        // What is evaluated once at all steps stands for what it wraps, and for the same text.
        let is_candidate = matches!(plan.op, Op::Call(_) | Op::Aggregate(_) | Op::Binary(_));
        if !is_candidate || steps != self.steps {
            return None;
        }
        let mark = self.marks.iter().find(|mark| mark.span == plan.span)?;
        Some(mark.subexpression)
    }

    /// The result, if it is known or about to be; it is forgotten with its last use. Without one the caller is who
    /// evaluates it, until it drops what it gets instead.
    fn take(&self, subexpression: usize) -> Result<Known, Running<'_>> {
        let mut results = self.group.results.lock();
        // Results of another time are not for this one, nor the other way round.
        while results.time == self.steps.start {
            if let Some(known) = results.use_once(subexpression) {
                return Ok(known);
            }
            if results.running.insert(subexpression) {
                break;
            }
            self.group.settled.wait(&mut results);
        }
        Err(Running {
            group: self.group,
            subexpression,
        })
    }

    fn keep(&self, subexpression: usize, known: impl FnOnce(usize) -> Known) {
        let places = self.group.places.get(subexpression).copied().unwrap_or(0);
        let mut results = self.group.results.lock();
        if places > 1
            && results.time == self.steps.start
            && let Entry::Vacant(entry) = results.known.entry(subexpression)
        {
            entry.insert(known(places - 1));
        }
    }
}

/// Somebody evaluates this subexpression.
struct Running<'g> {
    group: &'g QueryGroup,
    subexpression: usize,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.group
            .results
            .lock()
            .running
            .remove(&self.subexpression);
        self.group.settled.notify_all();
    }
}

impl Results {
    fn use_once(&mut self, subexpression: usize) -> Option<Known> {
        let known = self.known.get_mut(&subexpression)?;
        known.uses_left = known.uses_left.saturating_sub(1);
        if known.uses_left == 0 {
            return self.known.remove(&subexpression);
        }
        Some(Known {
            value: known.value.clone(),
            counts: known.counts.clone(),
            notes: known.notes.clone(),
            ..*known
        })
    }
}

impl Evaluator<'_> {
    /// The result of a shared subexpression: known, or evaluated and kept for the others.
    pub(super) fn evaluate_shared(
        &mut self,
        sharing: Sharing<'_>,
        subexpression: usize,
        plan: &Plan,
        steps: Steps,
    ) -> Result<Value, QueryError> {
        let running = sharing.take(subexpression);
        if let Ok(known) = running {
            self.budget.charge(known.value.weight())?;
            self.counts.merge(&known.counts);
            self.notes
                .merge_moved(&known.notes, known.start, plan.span.start);
            return Ok(known.value);
        }
        let alike = self.counts.like();
        let outer_counts = std::mem::replace(&mut self.counts, alike);
        let outer_notes = std::mem::take(&mut self.notes);
        let value = self.evaluate_op(plan, steps);
        let counts = std::mem::replace(&mut self.counts, outer_counts);
        let notes = std::mem::replace(&mut self.notes, outer_notes);
        self.counts.merge(&counts);
        self.notes.merge(&notes);
        let value = value?;
        sharing.keep(subexpression, |uses_left| Known {
            value: value.clone(),
            counts,
            notes,
            start: plan.span.start,
            uses_left,
        });
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParserOptions;

    #[test]
    fn who_comes_second_waits_for_the_first() {
        let queries = ["sum(a) + 1", "sum(a) + 2"];
        let queries = queries.map(|text| Query::parse(text, &ParserOptions::default()).unwrap());
        let group = QueryGroup::new(queries.into(), |_| false);
        assert_eq!(group.common(), 1);
        let steps = Steps::new(10, 10, 1);
        let sharing = group.sharing("sum(a) + 1", Timestamp(10), steps).unwrap();
        let running = sharing.take(0).err();
        assert!(running.is_some(), "nobody has evaluated it");
        std::thread::scope(|threads| {
            let second = threads.spawn(|| sharing.take(0).is_ok());
            // Most of the time the other one waits by now; the result is the same if it does not.
            std::thread::yield_now();
            sharing.keep(0, |uses_left| Known {
                value: Value::Scalar(vec![1.0]),
                counts: StepCounts::default(),
                notes: Annotations::default(),
                start: 0,
                uses_left,
            });
            drop(running);
            assert!(second.join().unwrap(), "it takes the result");
        });
        // It was the last use. If its evaluation fails, the next one tries.
        assert!(sharing.take(0).is_err());
        assert!(sharing.take(0).is_err());
    }
}
