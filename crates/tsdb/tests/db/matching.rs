//! Matchers find the same series in the head, in a block, and in both together.

use std::sync::Arc;

use model::storage::{SeriesReader, TimeRange};
use testkit::disk::FaultDisk;

use super::support::*;

const SELECTORS: &[&str] = &[
    "",
    "__name__=floats",
    "__name__=floats n=3",
    "__name__=floats n!=3",
    "n=~1.*",
    "n=~1|2|nothing",
    "n!~1|2",
    "n=~.+ job=b",
    "n=~.* job=b",
    "n!~.+",
    "n=",
    "n!=",
    "kind=~k[12] n!~1.",
    "kind!=k1 kind!=k2",
    "absent=",
    "absent!=",
    "absent=~x",
    "absent!~x job=a",
    "job=b __name__=~in.*",
    "__name__=~(integers|halves)",
    "n=~(1|2|3|4|5|6|7|8|9|10|11)",
    "job=none",
];

#[test]
fn matchers_say_the_same_everywhere() {
    let disk = FaultDisk::new(1);
    let db = open(&options("data", Arc::new(disk.clone()), 1));
    fill(&db, BASE, BASE + 4 * HOUR, 5);
    let part = range(BASE, BASE + 2 * HOUR - 1);
    let head: Vec<Dump> = SELECTORS
        .iter()
        .map(|selector| dump(&db, part, selector))
        .collect();
    assert!(head.iter().filter(|found| !found.is_empty()).count() > 15);
    let texts = |names: &mut Vec<Vec<String>>| {
        for selector in SELECTORS {
            let matchers = matchers(selector);
            names.push(db.label_names(part, &matchers).unwrap());
            for name in ["__name__", "n", "kind", "absent"] {
                names.push(db.label_values(name, part, &matchers).unwrap());
            }
        }
    };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    texts(&mut before);
    db.compact().unwrap();
    assert_eq!(db.blocks().len(), 1);
    texts(&mut after);
    assert_eq!(before, after);
    for (selector, expected) in SELECTORS.iter().zip(&head) {
        assert_eq!(dump(&db, part, selector), *expected, "{selector}");
        assert_eq!(
            dump(&db.blocks()[0], part, selector),
            *expected,
            "{selector}"
        );
        // Both together: the labels of the series are right for what is found.
        let matchers = matchers(selector);
        for labels in dump(&db, TimeRange::ALL, selector).keys() {
            assert!(
                expected.contains_key(labels) || !matchers.is_empty(),
                "{labels}"
            );
        }
    }
}
