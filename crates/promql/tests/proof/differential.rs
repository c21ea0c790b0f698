//! Ten thousand random queries: the engine says what the reference says, bit by bit.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use promql::ast::AggregateOp;
use promql::syntax::FUNCTIONS;

use crate::compare::{Verdict, judge};
use crate::generate::{Case, Choices, Kinds, case, dataset, wide};
use crate::shrink::shrink;

const CASES: u64 = 10_000;
/// Queries over the same data.
const CASES_PER_DATASET: u64 = 20;
const SEED_DEFAULT: u64 = 20_261_126;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn generated(seed: u64, number: u64) -> Case {
    let mut of_data = Choices::seeded(seed ^ 0x00da_7a5e, number / CASES_PER_DATASET);
    let data = dataset(&mut of_data, Kinds::All);
    case(&mut Choices::seeded(seed, number), data)
}

const WIDE_CASES: u64 = 200;

/// With so many series the engine shares its work among threads: `judge` compares one thread and three.
#[test]
fn the_engine_agrees_with_the_reference_on_many_series() {
    let seed = number("PROMQL_SEED").unwrap_or(SEED_DEFAULT);
    for number in 0..number("PROMQL_WIDE_CASES").unwrap_or(WIDE_CASES) {
        let mut case = generated(!seed, number * CASES_PER_DATASET);
        let copies = 400 / case.data.len().max(1);
        case.data = wide(&case.data, copies);
        let verdict = judge(&case);
        let is_same = !matches!(verdict, Verdict::Different(_));
        assert!(
            is_same,
            "wide case {number} of seed {seed}: {}\n{verdict:?}",
            case.text
        );
    }
}

/// `PROMQL_SEED` chooses other queries, `PROMQL_CASE` only one of them.
#[test]
fn the_engine_agrees_with_the_reference() {
    let seed = number("PROMQL_SEED").unwrap_or(SEED_DEFAULT);
    if let Some(only) = number("PROMQL_CASE") {
        let case = generated(seed, only);
        let verdict = judge(&case);
        println!("{}\n{verdict:?}", described(&case));
        assert!(!matches!(verdict, Verdict::Different(_)));
        return;
    }
    let count = number("PROMQL_CASES").unwrap_or(CASES);
    let next = AtomicU64::new(0);
    let tally = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || tally.lock().unwrap().failures.len() >= 5 {
                        return;
                    }
                    let case = generated(seed, number);
                    let verdict = judge(&case);
                    tally.lock().unwrap().count(number, case, verdict);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!(
        "seed {seed}: {} same, {} with no result, {} refused, {} open",
        tally.same, tally.nothing, tally.refused, tally.open
    );
    let reports: Vec<String> = tally
        .failures
        .into_iter()
        .map(|(number, case)| report(seed, number, case))
        .collect();
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
    if count >= CASES {
        tally.seen.assert_complete();
        // Cases that say little must stay few.
        assert!(tally.open * 100 < count, "{} open", tally.open);
        assert!(tally.same * 100 > count * 45, "only {} agree", tally.same);
    }
}

#[derive(Default)]
struct Tally {
    same: u64,
    nothing: u64,
    refused: u64,
    open: u64,
    failures: Vec<(u64, Case)>,
    seen: Seen,
}

impl Tally {
    fn count(&mut self, number: u64, case: Case, verdict: Verdict) {
        match verdict {
            Verdict::Same => {
                self.same += 1;
                self.seen.add(&case.text);
            }
            Verdict::SameNothing => self.nothing += 1,
            Verdict::SameFailure => self.refused += 1,
            Verdict::OpenOrder => self.open += 1,
            Verdict::Different(_) => self.failures.push((number, case)),
        }
    }
}

/// Which parts of the language took part in queries that have a result.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

const SYNTAX: [&str; 38] = [
    " + ",
    " - ",
    " * ",
    " / ",
    " % ",
    " ^ ",
    " atan2 ",
    " == ",
    " != ",
    " < ",
    " <= ",
    " > ",
    " >= ",
    " </ ",
    " >/ ",
    " and ",
    " or ",
    " unless ",
    " bool ",
    " on (",
    " ignoring (",
    "group_left",
    "group_right",
    "fill (",
    "fill_left (",
    "fill_right (",
    " by (",
    " without (",
    " offset ",
    " offset -",
    "@ start()",
    "@ end()",
    "@ 1",
    " anchored",
    " smoothed",
    ":]",
    "step()",
    "__name__=~",
];

impl Seen {
    fn expected() -> impl Iterator<Item = &'static str> {
        let functions = FUNCTIONS.iter().map(|function| function.name);
        let aggregations = AggregateOp::ALL.into_iter().map(AggregateOp::as_str);
        functions.chain(aggregations).chain(SYNTAX)
    }

    fn add(&mut self, text: &str) {
        let words: BTreeSet<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .collect();
        for part in Self::expected() {
            let is_word = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if if is_word {
                words.contains(part)
            } else {
                text.contains(part)
            } {
                self.0.insert(part);
            }
        }
    }

    fn assert_complete(&self) {
        let missing: Vec<&str> = Self::expected().filter(|p| !self.0.contains(p)).collect();
        assert!(
            missing.is_empty(),
            "never in a query with a result: {missing:?}"
        );
    }
}

fn report(seed: u64, number: u64, case: Case) -> String {
    let text = case.text.clone();
    let small = shrink(case, |case| matches!(judge(case), Verdict::Different(_)));
    let verdict = judge(&small);
    format!(
        "case {number} of seed {seed}: {text}\n  replay: PROMQL_SEED={seed} PROMQL_CASE={number} cargo test -p promql --test proof \
         the_engine_agrees_with_the_reference -- --nocapture\n  smallest: {}\n  {verdict:?}",
        described(&small)
    )
}

fn described(case: &Case) -> String {
    let mut lines = vec![format!(
        "{}\n  {:?}, lookback {}, default step {}, starts {}",
        case.text, case.times, case.lookback, case.subquery_step_default, case.uses_starts
    )];
    for series in &case.data {
        let samples: Vec<String> = series
            .samples
            .iter()
            .map(|sample| match &sample.point {
                crate::reference::Point::Float(value) => format!("{}: {value:?}", sample.time),
                crate::reference::Point::Histogram(h) => format!("{}: {h:?}", sample.time),
            })
            .collect();
        lines.push(format!("    {} {}", series.labels, samples.join(", ")));
    }
    lines.join("\n")
}
