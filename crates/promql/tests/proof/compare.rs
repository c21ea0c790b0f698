//! One case through the engine and through the reference, and whether both say the same.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use model::sample::Value as Stored;
use model::{Duration, FloatHistogram, Labels, Timestamp};
use promql::testing::memory::MemoryStorage;
use promql::{
    Engine, EngineOptions, Feature, ParserOptions, Query, QueryResult, QueryValue, RangeTimes,
};

use crate::generate::Case;
use crate::reference::{self, Order, Point, Settings, SharedHistogram, Value};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The same values.
    Same,
    /// Both have nothing.
    SameNothing,
    /// Both refuse.
    SameFailure,
    /// The result depends on the order of series, which the language leaves open, and the engine has chosen
    /// another order than those that were tried.
    OpenOrder,
    /// What differs.
    Different(String),
}

/// A result in one form: values by labels and time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) cells: BTreeMap<(Labels, i64), Cell>,
    /// Label sets as they stand in the result.
    order: Vec<Labels>,
    pub(crate) text: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Float(f64),
    Histogram(SharedHistogram),
}

/// Relative; only where the order of additions is open.
const ERROR_MAX: f64 = 1e-12;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Precision {
    Bits,
    /// Up to rounding.
    Rounded,
}

pub(crate) fn storage(case: &Case) -> MemoryStorage {
    let mut storage = MemoryStorage::new();
    for series in &case.data {
        for sample in &series.samples {
            let value = match &sample.point {
                Point::Float(value) => Stored::Float(*value),
                Point::Histogram(histogram) => Stored::Histogram(histogram.clone()),
            };
            storage.add_with_start(&series.labels, sample.time, sample.start, value);
        }
    }
    storage
}

pub(crate) fn judge(case: &Case) -> Verdict {
    let query = match Query::parse(case.text.as_str(), &ParserOptions::ALL) {
        Ok(query) => query,
        Err(errors) => return Verdict::Different(format!("does not parse: {errors}")),
    };
    let storage = storage(case);
    let data = reference::everything(&storage);
    let run = |threads| catch_unwind(AssertUnwindSafe(|| engine(case, &query, &storage, threads)));
    let (Ok(ours), Ok(parallel)) = (run(1), run(3)) else {
        return Verdict::Different("the engine panics".to_owned());
    };
    if !same_outcome(&ours, &parallel, Precision::Bits) {
        let difference = difference(&ours, &parallel);
        return Verdict::Different(format!("not the same on three threads: {difference}"));
    }
    let expected = |order: Order| {
        let settings = Settings {
            lookback: case.lookback,
            subquery_step_default: case.subquery_step_default,
            uses_starts: case.uses_starts,
            order,
        };
        let value = reference::evaluate(query.expr(), &data, settings, case.times);
        value.map(table_of_value).map_err(|failure| failure.0)
    };
    let natural = expected(Order::Natural);
    if same_outcome(&ours, &natural, Precision::Bits) {
        if let (Ok(ours), Ok(natural)) = (&ours, &natural)
            && let Err(difference) = same_order(&query, case, ours, natural)
        {
            return Verdict::Different(difference);
        }
        return match &ours {
            Err(_) => Verdict::SameFailure,
            Ok(table) if table.cells.is_empty() && table.text.is_none() => Verdict::SameNothing,
            Ok(_) => Verdict::Same,
        };
    }
    let mut is_open = false;
    let mut orders = vec![Order::Reversed, Order::ByLabels];
    orders.extend((1..7).map(Order::Shuffled));
    for order in orders {
        let other = expected(order);
        if !same_outcome(&natural, &other, Precision::Bits) {
            is_open = true;
            let is_same = |expected| same_outcome(&ours, expected, Precision::Rounded);
            if is_same(&other) || is_same(&natural) {
                return Verdict::Same;
            }
        }
    }
    if is_open {
        return Verdict::OpenOrder;
    }
    Verdict::Different(difference(&ours, &natural))
}

pub(crate) fn engine(
    case: &Case,
    query: &Query,
    storage: &MemoryStorage,
    threads: usize,
) -> Result<Table, String> {
    let engine = Engine::new(EngineOptions {
        lookback_delta: Duration::from_millis(case.lookback),
        subquery_step_default: Duration::from_millis(case.subquery_step_default),
        start_timestamps: if case.uses_starts {
            Feature::On
        } else {
            Feature::Off
        },
        threads,
        ..EngineOptions::default()
    });
    let times = case.times;
    let is_instant = times.step == 0;
    let result = if is_instant {
        engine.instant(storage, query.expression(), Timestamp(times.start))
    } else {
        let times = RangeTimes {
            start: Timestamp(times.start),
            end: Timestamp(times.end),
            step: Duration::from_millis(times.step),
        };
        engine.range(storage, query.expression(), times)
    };
    match result {
        Ok(result) => table_of_result(result),
        Err(error) => Err(error.to_string()),
    }
}

fn table_of_result(result: QueryResult) -> Result<Table, String> {
    let mut table = Table::default();
    match result.value {
        QueryValue::Scalar { time, value } => table.add(&Labels::empty(), time, Cell::Float(value)),
        QueryValue::String { value, .. } => table.text = Some(value),
        QueryValue::Vector(samples) => {
            for sample in samples {
                let cell = match sample.histogram {
                    Some(histogram) => Cell::Histogram(histogram),
                    None => Cell::Float(sample.value),
                };
                table.add(&sample.labels, sample.time, cell);
            }
        }
        QueryValue::Matrix(series) => {
            let is_sorted = series.is_sorted_by(|a, b| a.labels < b.labels);
            assert!(
                is_sorted,
                "a matrix must be sorted by labels, without duplicates"
            );
            for series in series {
                for (time, value) in series.times.iter().zip(&series.values) {
                    table.add(&series.labels, *time, Cell::Float(*value));
                }
                for (time, histogram) in &series.histograms {
                    table.add(&series.labels, *time, Cell::Histogram(histogram.clone()));
                }
            }
        }
    }
    Ok(table)
}

fn table_of_value(value: Value) -> Table {
    let mut table = Table::default();
    match value {
        Value::Text(text) => table.text = Some(text),
        Value::Scalar(values) => {
            for (time, value) in values {
                table.add(&Labels::empty(), time, Cell::Float(value));
            }
        }
        Value::Vector(series) => {
            for series in series {
                for (time, point) in series.points {
                    let cell = match point {
                        Point::Float(value) => Cell::Float(value),
                        Point::Histogram(histogram) => Cell::Histogram(histogram),
                    };
                    table.add(&series.labels, time, cell);
                }
            }
        }
    }
    table
}

impl Table {
    pub(crate) fn add(&mut self, labels: &Labels, time: i64, cell: Cell) {
        if self.order.last() != Some(labels) {
            self.order.push(labels.clone());
        }
        let known = self.cells.insert((labels.clone(), time), cell);
        assert!(known.is_none(), "{labels} has two points at {time}");
    }
}

pub(crate) type TableOrError = Result<Table, String>;

fn same_outcome(ours: &TableOrError, theirs: &TableOrError, precision: Precision) -> bool {
    match (ours, theirs) {
        (Err(_), Err(_)) => true,
        (Ok(ours), Ok(theirs)) => {
            ours.text == theirs.text
                && ours.cells.len() == theirs.cells.len()
                && ours
                    .cells
                    .iter()
                    .zip(&theirs.cells)
                    .all(|(a, b)| a.0 == b.0 && same_cell(a.1, b.1, precision))
        }
        _ => false,
    }
}

pub(crate) fn same_cell_bits(a: &Cell, b: &Cell) -> bool {
    same_cell(a, b, Precision::Bits)
}

fn same_cell(a: &Cell, b: &Cell, precision: Precision) -> bool {
    match (a, b) {
        (Cell::Float(a), Cell::Float(b)) => same_float(*a, *b, precision),
        (Cell::Histogram(a), Cell::Histogram(b)) => same_histogram(a, b, precision),
        _ => false,
    }
}

/// One NaN is as good as another.
fn same_float(a: f64, b: f64, precision: Precision) -> bool {
    if a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() {
        return true;
    }
    precision == Precision::Rounded && (a == b || (a - b).abs() <= ERROR_MAX * a.abs().max(b.abs()))
}

fn same_histogram(a: &FloatHistogram, b: &FloatHistogram, precision: Precision) -> bool {
    let compact = |histogram: &FloatHistogram| {
        let mut histogram = histogram.clone();
        histogram.compact();
        histogram
    };
    let (a, b) = (compact(a), compact(b));
    let same = |a: f64, b: f64| same_float(a, b, precision);
    let all =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(*a, *b));
    a.schema == b.schema
        && a.counter_reset_hint == b.counter_reset_hint
        && same(a.zero_threshold, b.zero_threshold)
        && same(a.zero_count, b.zero_count)
        && same(a.count, b.count)
        && same(a.sum, b.sum)
        && a.positive_spans == b.positive_spans
        && a.negative_spans == b.negative_spans
        && all(&a.positive_buckets, &b.positive_buckets)
        && all(&a.negative_buckets, &b.negative_buckets)
        && all(&a.custom_values, &b.custom_values)
}

/// Functions that sort give an order, at one time. Equal values may stand in any order.
fn same_order(query: &Query, case: &Case, ours: &Table, theirs: &Table) -> Result<(), String> {
    let promql::Expr::Call(call) = query.expr().without_parens() else {
        return Ok(());
    };
    if case.times.step != 0 {
        return Ok(());
    }
    let keys = |table: &Table| -> Vec<String> {
        let key = |labels: &Labels| match &table.cells[&(labels.clone(), case.times.start)] {
            Cell::Float(value) if !call.function.name.contains("label") => format!("{value:?}"),
            _ => labels.to_string(),
        };
        table.order.iter().map(key).collect()
    };
    if call.function.name.starts_with("sort") && keys(ours) != keys(theirs) {
        return Err(format!(
            "other order: engine {:?}, reference {:?}",
            keys(ours),
            keys(theirs)
        ));
    }
    Ok(())
}

fn difference(ours: &TableOrError, theirs: &TableOrError) -> String {
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(error), Ok(_)) => return format!("only the engine fails: {error}"),
        (Ok(_), Err(error)) => return format!("only the reference fails: {error}"),
        (Err(_), Err(_)) => return String::new(),
    };
    let mut lines = Vec::new();
    let keys: HashSet<_> = ours.cells.keys().chain(theirs.cells.keys()).collect();
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort();
    for key in keys {
        let (our, their) = (ours.cells.get(key), theirs.cells.get(key));
        let is_same =
            matches!((our, their), (Some(a), Some(b)) if same_cell(a, b, Precision::Bits));
        if !is_same && lines.len() < 4 {
            lines.push(format!(
                "{} at {}: engine {our:?}, reference {their:?}",
                key.0, key.1
            ));
        }
    }
    format!(
        "{} {}",
        lines.join("\n  "),
        match (&ours.text, &theirs.text) {
            (a, b) if a == b => String::new(),
            (a, b) => format!("texts {a:?} and {b:?}"),
        }
    )
}
