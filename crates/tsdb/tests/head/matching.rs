//! Matchers through postings say the same as matchers on labels.

use std::collections::BTreeSet;

use model::labels::Labels;
use model::matcher::Matcher;
use model::storage::{SeriesReader, TimeRange};
use proptest::prelude::*;
use testkit::disk::FaultDisk;

use super::support::*;

fn series_text() -> impl Strategy<Value = String> {
    let value = prop_oneof!["[ab]{1,2}", "pod-[0-9]{1,2}", "é"];
    let label = prop_oneof![Just("a"), Just("b"), Just("c")];
    (
        prop_oneof![Just("m"), Just("n")],
        prop::collection::vec((label, value), 0..4),
    )
        .prop_map(|(name, labels)| {
            let labels = labels
                .iter()
                .map(|(name, value)| format!(" {name}={value}"));
            name.to_owned() + &labels.collect::<String>()
        })
}

/// Each kind of condition on each kind of label, alone and with a second one.
fn fixed_selectors() -> Vec<Vec<Matcher>> {
    let conditions = [
        "=a",
        "!=a",
        "=",
        "!=",
        "=~a|b|m",
        "=~a|",
        "!~a|b",
        "!~a|",
        "=~pod-.*",
        "=~pod-.+",
        "!~pod-.*",
        "=~.*",
        "=~.+",
        "!~.+",
        "!~.*",
        "=~.*b",
        "=~pod-[12].?",
        "!~(a|b)+",
        "=~",
        "!~",
        "=nothing",
        "!=nothing",
        "=~é|x",
    ];
    let mut selectors = Vec::new();
    for name in ["a", "b", "__name__", "zz"] {
        for first in conditions {
            selectors.push(matchers(&format!("{name}{first}")));
            for second in ["c=~.+", "__name__=m", "a!=", "b=", "c!~pod-.*"] {
                selectors.push(matchers(&format!("{name}{first} {second}")));
            }
        }
    }
    selectors
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn postings_agree_with_labels(texts in prop::collection::vec(series_text(), 1..60)) {
        let disk = FaultDisk::new(1);
        let (head, _) = open(&disk);
        let all: BTreeSet<Labels> = texts.iter().map(|text| labels(text)).collect();
        for text in &texts {
            commit(&head, &[(text, 1, 1.0)]);
        }
        for matchers in fixed_selectors() {
            let list = select(&head, TimeRange::ALL, &matchers);
            let found: BTreeSet<Labels> = (0..list.len()).map(|row| list.labels(row)).collect();
            prop_assert_eq!(found.len(), list.len());
            let expected: BTreeSet<Labels> = all
                .iter()
                .filter(|labels| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
                .cloned()
                .collect();
            prop_assert_eq!(&found, &expected, "{:?}", matchers);
            let values: BTreeSet<&str> = expected.iter().filter_map(|labels| labels.get("c")).collect();
            let values: Vec<&str> = values.into_iter().collect();
            prop_assert_eq!(head.label_values("c", TimeRange::ALL, &matchers).unwrap(), values);
            let names: BTreeSet<&str> = expected
                .iter()
                .flat_map(|labels| labels.iter().map(|(name, _)| name))
                .collect();
            let names: Vec<&str> = names.into_iter().collect();
            prop_assert_eq!(head.label_names(TimeRange::ALL, &matchers).unwrap(), names);
        }
    }
}
