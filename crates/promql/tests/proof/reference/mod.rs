//! A second evaluator of PromQL, to check the engine against: small, slow, and written to be seen to be right.
//!
//! It walks the syntax tree, one operator at a time, and every operator works on one instant at a time, over
//! plain lists of samples. It knows no plan, no columns, no batches and no sliding windows, and shares none
//! of the engine's code: only the syntax tree, label sets and the arithmetic of native histograms, which
//! have tests of their own. Where the language leaves the order of additions open, the order of the
//! intermediate series can be chosen ([`Order`]), to find out whether a result depends on it.
//!
//! In reading order: `value`, `steps`, `eval` (one node), `selector`, `window` (functions of ranges),
//! `over_time`, `rate`, `transitions`, `instant` (other functions), `histograms`, `labels`, `dates`, `info`,
//! `binary`, `matching`, `aggregate`, `choose`, `invariant`, `durations`.
//!
//! The behaviour is that of Prometheus 3.14 with delayed name removal off, from its documentation and its
//! evaluator. Warnings and infos are not modelled.

mod aggregate;
mod binary;
mod choose;
mod dates;
mod durations;
mod eval;
mod histograms;
mod info;
mod instant;
mod invariant;
mod labels;
mod matching;
mod over_time;
mod rate;
mod selector;
mod steps;
mod transitions;
mod value;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Timestamp;
use model::storage::{Projection, SelectRequest, SeriesBatch, SeriesReader, TimeRange};
use promql::ast::Expr;

use eval::{Buckets, Reference};
pub(crate) use eval::{Order, Settings};
use steps::Steps;
pub(crate) use value::{Outcome, Point, Sample, Stored, Value};

/// The times of a query. An instant query has the same start and end, and no step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) step: i64,
}

/// All series of a reader with all their samples, staleness markers included.
pub(crate) fn everything(reader: &dyn SeriesReader) -> Vec<Stored> {
    let request = SelectRequest {
        range: TimeRange::new(Timestamp(i64::MIN), Timestamp(i64::MAX)),
        matchers: &[],
        projection: Projection::All,
    };
    let list = reader.select(&request).expect("memory can be read");
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch)
        .expect("memory can be read");
    (0..list.len())
        .map(|row| {
            let mut histograms: BTreeMap<usize, _> =
                batch.histograms_of(row).iter().cloned().collect();
            let samples = batch.positions(row).map(|at| Sample {
                time: batch.times[at],
                start: batch.start_times.get(at).copied().unwrap_or(0),
                point: match histograms.remove(&at) {
                    Some(histogram) => Point::Histogram(histogram),
                    None => Point::Float(batch.values[at]),
                },
            });
            Stored {
                labels: list.labels(row),
                samples: samples.collect(),
            }
        })
        .collect()
}

/// The result of a query. Of a range vector asked at an instant: its samples at their own times.
pub(crate) fn evaluate(
    expr: &Expr,
    data: &[Stored],
    settings: Settings,
    times: Times,
) -> Outcome<Value> {
    let reference = Reference {
        data,
        settings,
        query: times,
    };
    let steps = Steps {
        start: times.start,
        end: times.end,
        interval: times.step.max(1),
    };
    durations::check_all(expr, times)?;
    match expr.without_parens() {
        Expr::Matrix(matrix) => Ok(Value::Vector(reference.raw_range(matrix, steps.start)?)),
        Expr::Subquery(subquery) => {
            let (_, series) = reference.subquery(subquery, steps)?;
            Ok(Value::Vector(series))
        }
        _ => reference.eval(expr, steps, Buckets::Unknown),
    }
}

/// Shared, so that copies are cheap.
pub(crate) type SharedHistogram = Arc<model::FloatHistogram>;
