//! A range query has at each step what an instant query has at that time.

use std::collections::BTreeMap;

use crate::compare::{Cell, Table, engine, same_cell_bits, storage};
use crate::generate::{Case, Choices, Kinds, case, dataset};
use crate::reference::Times;
use model::Labels;
use promql::{ParserOptions, Query};

const CASES: u64 = 4000;
const CASES_PER_DATASET: u64 = 20;
const SEED: u64 = 4_242_026;
/// Steps of each range that are asked alone.
const PROBES: i64 = 4;

/// What looks at the whole range of the query is another query at one time.
fn depends_on_range(text: &str) -> bool {
    ["start()", "end()", "range()", "step()"]
        .iter()
        .any(|word| text.replace(' ', "").contains(word))
}

fn at(table: &Table, time: i64) -> BTreeMap<&Labels, &Cell> {
    let cells = table.cells.iter();
    cells
        .filter(|((_, known), _)| *known == time)
        .map(|((labels, _), cell)| (labels, cell))
        .collect()
}

fn same(range: &BTreeMap<&Labels, &Cell>, instant: &BTreeMap<&Labels, &Cell>) -> bool {
    range.len() == instant.len()
        && range
            .iter()
            .zip(instant)
            .all(|(a, b)| a.0 == b.0 && same_cell_bits(a.1, b.1))
}

/// `topk(scalar(x), y @ 100)`: the peer takes what is fixed in time once, with the parameter of the first step.
/// The reference follows it, and the other test compares with the reference.
fn has_fixed_input(text: &str) -> bool {
    text.contains('@')
}

#[test]
fn a_range_is_its_instants() {
    let mut compared = 0;
    let mut with_values = 0;
    for number in 0..CASES {
        let mut of_data = Choices::seeded(SEED ^ 0x00da_7a5e, number / CASES_PER_DATASET);
        let data = dataset(&mut of_data, Kinds::All);
        let case = case(&mut Choices::seeded(SEED, number), data);
        let Times { start, end, step } = case.times;
        if step == 0 || depends_on_range(&case.text) || has_fixed_input(&case.text) {
            continue;
        }
        let query = Query::parse(case.text.as_str(), &ParserOptions::ALL).unwrap();
        let storage = storage(&case);
        // A range fails as a whole if one of its steps does.
        let Ok(range) = engine(&case, &query, &storage, 1) else {
            continue;
        };
        let last = (end - start) / step;
        for probe in 0..=last.min(PROBES - 1) {
            let time = start + step * (last * probe / (PROBES - 1).min(last).max(1));
            let alone = Case {
                times: Times {
                    start: time,
                    end: time,
                    step: 0,
                },
                ..case.clone()
            };
            let instant = engine(&alone, &query, &storage, 1);
            let instant = instant.unwrap_or_else(|error| {
                panic!(
                    "case {number}: {} fails at {time} alone: {error}",
                    case.text
                )
            });
            let (ours, theirs) = (at(&range, time), at(&instant, time));
            assert!(
                same(&ours, &theirs),
                "case {number}: {} at {time} of {:?}\nin the range {ours:?}\nalone {theirs:?}",
                case.text,
                case.times
            );
            compared += 1;
            with_values += usize::from(!ours.is_empty());
        }
    }
    println!("{compared} steps compared, {with_values} of them with values");
    assert!(with_values > 1500, "only {with_values} steps have values");
}
