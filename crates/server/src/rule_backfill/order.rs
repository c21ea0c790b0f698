//! In which order rules are filled: those that others read come first.

use std::collections::{HashMap, HashSet};

use model::MatchOp;
use model::labels::METRIC_NAME;
use promql::{ParserOptions, Query};

use super::rule::Progress;

/// Sorts the rules so that each comes behind those whose records it reads; otherwise, and where they go in circles, they
/// stay as they are.
pub(super) fn sort(rules: &mut Vec<Progress>, parser: &ParserOptions) {
    let mut by_record: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, progress) in rules.iter().enumerate() {
        by_record.entry(&progress.rule.record).or_default().push(at);
    }
    let reads = rules.iter().enumerate().map(|(at, progress)| {
        let mut read = read_by(&progress.rule.expr, &by_record, parser);
        read.remove(&at);
        read
    });
    let reads: Vec<HashSet<usize>> = reads.collect();
    let mut order = Vec::with_capacity(rules.len());
    let mut is_placed = vec![false; rules.len()];
    // Depth first, with a stack of its own: a chain may be as long as there are rules.
    for root in 0..rules.len() {
        let mut stack = vec![(root, false)];
        while let Some((at, are_read_placed)) = stack.pop() {
            if are_read_placed {
                order.push(at);
            } else if let Some(placed) = is_placed.get_mut(at).filter(|placed| !**placed) {
                *placed = true;
                stack.push((at, true));
                let mut read: Vec<usize> = reads.get(at).into_iter().flatten().copied().collect();
                read.sort_unstable_by(|a, b| b.cmp(a));
                stack.extend(read.into_iter().map(|at| (at, false)));
            }
        }
    }
    let mut unsorted: Vec<Option<Progress>> = rules.drain(..).map(Some).collect();
    let sorted = order.into_iter();
    *rules = sorted
        .filter_map(|at| unsorted.get_mut(at)?.take())
        .collect();
}

/// The rules whose records a query may select.
fn read_by(
    expr: &str,
    by_record: &HashMap<&str, Vec<usize>>,
    parser: &ParserOptions,
) -> HashSet<usize> {
    let mut read = HashSet::new();
    // What cannot be read fails when it is asked.
    let Ok(query) = Query::parse(expr, parser) else {
        return read;
    };
    query.expr().for_each_selector(&mut |selector| {
        let mut matchers = selector.matchers.iter();
        let name = matchers.find(|matcher| matcher.name() == METRIC_NAME);
        match name.map(|name| (name.op(), name)) {
            Some((MatchOp::Equal, name)) => {
                read.extend(by_record.get(name.value()).into_iter().flatten());
            }
            name => {
                let is_selected = |record: &&str| name.is_none_or(|(_, name)| name.matches(record));
                let records = by_record.iter().filter(|(record, _)| is_selected(record));
                read.extend(records.flat_map(|(_, rules)| rules));
            }
        }
    });
    read
}
