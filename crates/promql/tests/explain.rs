//! What a query costs, operator by operator.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use model::sample::Value;
use model::{Duration, Labels, Timestamp};
use promql::testing::memory::MemoryStorage;
use promql::{Engine, EngineOptions, Evaluation, ExplainedNode, ParserOptions, Query, RangeTimes};

fn storage() -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for number in 0..200 {
        let labels = Labels::from_pairs([
            ("__name__", "requests_total"),
            ("group", if number % 2 == 0 { "even" } else { "odd" }),
            ("instance", &number.to_string()),
        ]);
        for at in 0..41 {
            storage.add(&labels, at * 15_000, Value::Float(f64::from(number)));
        }
    }
    storage
}

/// `op detail: estimated series/samples, measured series/samples`, indented.
fn tree(node: &ExplainedNode, depth: usize, out: &mut String) {
    let (estimated, measured) = (node.estimated, node.measured);
    let measured = measured.map_or("-".to_owned(), |measured| {
        format!("{}/{}", measured.cost.series, measured.cost.samples)
    });
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{:indent$}{} {}: {}/{}, {measured}",
        "",
        node.op,
        node.detail,
        estimated.series,
        estimated.samples,
        indent = 2 * depth,
    );
    for child in &node.children {
        tree(child, depth + 1, out);
    }
}

fn explained(text: &str, is_run: bool) -> Result<String, Box<dyn Error>> {
    let query = Query::parse(text, &ParserOptions::default())?;
    let engine = Engine::new(EngineOptions::default());
    let times = Evaluation::Range(RangeTimes {
        start: Timestamp(300_000),
        end: Timestamp(600_000),
        step: Duration::from_secs(60),
    });
    // A clock that goes on by a second whenever it is looked at.
    let ticks = AtomicU32::new(0);
    let timer = || f64::from(ticks.fetch_add(1, Ordering::Relaxed));
    let timer: Option<promql::Timer<'_>> = if is_run { Some(&timer) } else { None };
    let explanation = engine.explain(&storage(), query.expression(), times, timer)?;
    assert_eq!(explanation.result.is_some(), is_run);
    if is_run {
        let measured = explanation.root.measured.ok_or("the root is measured")?;
        assert!(measured.seconds > 0.0);
    }
    let mut out = String::new();
    tree(&explanation.root, 0, &mut out);
    Ok(out)
}

#[test]
fn estimates_look_up_but_do_not_run() -> Result<(), Box<dyn Error>> {
    let expected = "\
aggregation sum by (group): 2/12, -
  function rate(): 200/1200, -
    range selector requests_total[2m]: 200/5600, -
";
    assert_eq!(
        explained("sum by (group) (rate(requests_total[2m]))", false)?,
        expected
    );
    Ok(())
}

#[test]
fn measurements_stand_beside_estimates() -> Result<(), Box<dyn Error>> {
    let expected = "\
operator / on (): 2/12, 2/12
  aggregation sum by (group): 2/12, 2/12
    function rate(): 200/1200, 200/1200
      range selector requests_total[2m]: 200/5600, 200/5600
  aggregation count: 1/6, 1/6
    selector requests_total: 200/1200, 200/1200
";
    let text =
        "sum by (group) (rate(requests_total[2m])) / on () group_left () count(requests_total)";
    assert_eq!(explained(text, true)?, expected);
    Ok(())
}
