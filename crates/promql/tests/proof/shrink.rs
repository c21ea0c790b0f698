//! A failing case made small: fewer series, fewer samples, parts of the expression, fewer steps.

use promql::{Expr, ParserOptions, Query};

use crate::generate::Case;

/// How many smaller cases are tried.
const TRIES_MAX: usize = 3000;

/// The smallest case found that still fails.
pub(crate) fn shrink(case: Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut best = case;
    let mut tries = 0;
    'again: loop {
        for candidate in smaller(&best) {
            tries += 1;
            if tries > TRIES_MAX {
                return best;
            }
            if fails(&candidate) {
                best = candidate;
                continue 'again;
            }
        }
        return best;
    }
}

fn smaller(case: &Case) -> Vec<Case> {
    let mut cases = Vec::new();
    let with = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        smaller
    };
    for text in smaller_expressions(&case.text) {
        cases.push(with(&|case| case.text.clone_from(&text)));
    }
    let times = case.times;
    if times.step != 0 && times.end > times.start {
        cases.push(with(&|case| case.times.end = times.start));
        cases.push(with(&|case| case.times.start += times.step));
        cases.push(with(&|case| {
            case.times.end -= times.step.min(times.end - times.start)
        }));
    }
    for at in 0..case.data.len() {
        cases.push(with(&|case| {
            case.data.remove(at);
        }));
    }
    for at in 0..case.data.len() {
        let count = case.data[at].samples.len();
        if count < 2 {
            continue;
        }
        cases.push(with(&|case| {
            case.data[at].samples.truncate(count / 2);
        }));
        cases.push(with(&|case| {
            case.data[at].samples.drain(..count / 2);
        }));
        if count <= 12 {
            for sample in 0..count {
                cases.push(with(&|case| {
                    case.data[at].samples.remove(sample);
                }));
            }
        }
    }
    cases
}

/// Every part of the expression alone, and the expression with one part replaced by a part of it.
fn smaller_expressions(text: &str) -> Vec<String> {
    let Ok(query) = Query::parse(text, &ParserOptions::ALL) else {
        return Vec::new();
    };
    let expr = query.expr();
    let mut trees: Vec<Expr> = Vec::new();
    replaced(expr, &mut trees);
    let mut texts: Vec<String> = trees.iter().map(ToString::to_string).collect();
    texts.retain(|smaller| smaller.len() < text.len());
    texts.sort_by_key(String::len);
    texts.dedup();
    texts.retain(|text| Query::parse(text.as_str(), &ParserOptions::ALL).is_ok());
    texts
}

/// All trees that come of putting a node's child in the node's place. Types are checked by the caller.
fn replaced(expr: &Expr, trees: &mut Vec<Expr>) {
    trees.extend(expr.children().cloned());
    let count = expr.children().count();
    for at in 0..count {
        let mut below = Vec::new();
        if let Some(child) = expr.children().nth(at) {
            replaced(child, &mut below);
        }
        for child in below {
            let mut tree = expr.clone();
            for (index, place) in tree.children_mut().enumerate() {
                if index == at {
                    *place = child;
                    break;
                }
            }
            trees.push(tree);
        }
    }
}
