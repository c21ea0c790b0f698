//! Who is let in at which step.

use model::labels::Labels;
use model::storage::{SampleRefusal, SeriesGate};
use promql::ParserOptions;
use queries::Room;
use rules::{GroupSpec, RecordingSpec, RuleSpec};

use super::*;

fn budget() -> MemoryBudget {
    // More than the test uses, so that looks change nothing.
    let budget = MemoryBudget::new(MemoryLimit::new(MemoryBudgetOption::Bytes(1 << 50)));
    let rule = RuleSpec::Recording(RecordingSpec {
        record: "r".to_owned(),
        expr: "sum(needed)".to_owned(),
        labels: model::Pairs::empty(),
    });
    let group = GroupSpec {
        name: "g".to_owned(),
        file: "f".to_owned(),
        interval: model::Duration::from_secs(1),
        query_offset: model::Duration::ZERO,
        limit: 0,
        rules: vec![rule],
        stages: Vec::new(),
    };
    budget.set_needed(Needed::of(&[group], &ParserOptions::default()));
    budget
}

fn series(name: &str, instance: &str, namespace: &str) -> Labels {
    Labels::from_pairs([
        ("__name__", name),
        ("instance", instance),
        ("job", "j"),
        ("namespace", namespace),
    ])
}

#[test]
fn steps_refuse_more_and_more_and_what_rules_read_last() {
    let budget = budget();
    for _ in 0..10 {
        budget.growth.lock().note(&series("x", "bomb", "shop"));
    }
    *budget.offender.write() = budget.growth.lock().largest();
    let all = [
        series("x", "bomb", "shop"),
        series("x", "other", "shop"),
        series("x", "other", "else"),
        series("needed", "bomb", "shop"),
        series("needed", "other", "shop"),
        series("up", "bomb", "shop"),
        series("r", "", ""),
    ];
    for (step, expected) in [
        (Step::None, [true, true, true, true, true, true, true]),
        (
            Step::CompactEarly,
            [true, true, true, true, true, true, true],
        ),
        (
            Step::RefuseOffender,
            [false, true, true, true, true, true, true],
        ),
        (
            Step::RefuseNamespace,
            [false, false, true, true, true, true, true],
        ),
        (
            Step::RefuseNew,
            [false, false, false, true, true, true, true],
        ),
        (
            Step::RefuseNeeded,
            [false, false, false, false, true, false, true],
        ),
    ] {
        let admitted = all
            .each_ref()
            .map(|labels| budget.is_admitted(labels, step));
        assert_eq!(admitted, expected, "{step:?}");
    }
}

#[test]
fn what_is_refused_is_counted_and_who_asked_is_known() {
    // Everything is too much.
    let budget = MemoryBudget::new(MemoryLimit::new(MemoryBudgetOption::Bytes(1)));
    assert_eq!(budget.step(), Step::RefuseNeeded);
    let labels = series("x", "bomb", "shop");
    assert_eq!(budget.admit(&labels), Err(SampleRefusal::SeriesLimit));
    assert_eq!(budget.refused(), 1);
    budget.look();
    assert!(
        budget
            .offender
            .read()
            .as_ref()
            .unwrap()
            .is_target_of(&labels)
    );
    assert_eq!(budget.for_query().unwrap_err().budget, 1);
    assert!(budget.is_exhausted());
}

#[test]
fn a_query_may_take_half_of_what_is_left() {
    let budget = budget();
    let room = budget.for_query().unwrap() as u64;
    assert!(room <= (1 << 49) && room > (1 << 48), "{room}");
    assert!(!budget.is_exhausted());
}
