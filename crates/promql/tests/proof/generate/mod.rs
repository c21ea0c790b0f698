//! Random data and well-typed random expressions, from a seed or from the bytes of a fuzzer.
//!
//! `choices` is where the randomness comes from, `data` makes series, `expr` makes expressions with
//! `selectors`, `calls` and `operators`; [`case`] puts a query together.

mod calls;
mod choices;
mod data;
mod expr;
mod operators;
mod selectors;

use crate::reference::{Stored, Times};

pub(crate) use choices::Choices;
pub(crate) use data::{FIRST_MS, INTERVAL_MS, Kinds, dataset};
pub(crate) use expr::{Dialect, Generator};

/// What the engine and the reference are to agree on.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) data: Vec<Stored>,
    pub(crate) times: Times,
    pub(crate) lookback: i64,
    pub(crate) subquery_step_default: i64,
    pub(crate) uses_starts: bool,
}

/// A query over `data`, at one time or over a range.
pub(crate) fn case(choices: &mut Choices, data: Vec<Stored>) -> Case {
    let times = times(choices);
    let mut generator = Generator::new(choices, Dialect::Ours);
    let text = if times.step == 0 {
        generator.query()
    } else {
        generator.range_query()
    };
    Case {
        text,
        data,
        times,
        lookback: choices.pick(&[60_000, 30_000, 300_000, 12_345]),
        subquery_step_default: choices.pick(&[20_000, 60_000, 7_000]),
        uses_starts: choices.chance(20),
    }
}

/// The data several times over, told apart by a label: enough for the engine to share the work among
/// threads.
pub(crate) fn wide(data: &[Stored], copies: usize) -> Vec<Stored> {
    let mut result = Vec::new();
    for copy in 0..copies {
        for stored in data {
            let mut builder = stored.labels.to_builder();
            builder.set("z", copy.to_string());
            let mut samples = stored.samples.clone();
            samples.truncate(12);
            for sample in &mut samples {
                sample.time += copy as i64 * 1000;
            }
            result.push(Stored {
                labels: builder.build(),
                samples,
            });
        }
    }
    result
}

/// A query that Prometheus 2.42 understands and answers as we do, over data that begins at `origin_ms`.
pub(crate) fn plain_case(choices: &mut Choices, data: Vec<Stored>, origin_ms: i64) -> Case {
    let text = Generator::new(choices, Dialect::Prometheus242)
        .since(origin_ms)
        .range_query();
    let start = origin_ms + choices.below(400) as i64 * 1000 + 500;
    let step = if choices.chance(50) {
        0
    } else {
        choices.pick(&[10_000, 20_000, 1000, 15_000, 60_000])
    };
    Case {
        text,
        data,
        times: Times {
            start,
            end: start + step * choices.below(12) as i64,
            step,
        },
        lookback: 300_000,
        subquery_step_default: 60_000,
        uses_starts: false,
    }
}

/// Around the samples of the data, which begin at [`FIRST_MS`].
fn times(choices: &mut Choices) -> Times {
    let start = FIRST_MS - 20_000 + choices.below(400) as i64 * 1000 + choices.odd_millis();
    if choices.chance(40) {
        return Times {
            start,
            end: start,
            step: 0,
        };
    }
    let step = choices.pick(&[
        INTERVAL_MS,
        20_000,
        1000,
        15_000,
        60_000,
        7_777,
        300_000,
        INTERVAL_MS - 1,
    ]);
    let count = choices.pick(&[5, 1, 2, 12, 25, 8]);
    Times {
        start,
        end: start + step * (count - 1) + choices.below(3) as i64 * step / 3,
        step,
    }
}
