//! Functions of instant vectors and scalars.

use diag::Span;
use model::Labels;
use model::labels::METRIC_NAME;

use super::annotations::Note;
use super::column::{Column, PointRef, Series, Value, without_metadata};
use super::error::QueryError;
use super::evaluator::Evaluator;
use super::selector::Take;
use super::steps::Steps;
use crate::functions::{
    Direction, HistogramArgs, HistogramCall, Implementation, InstantFunction, absent_labels,
    date_part, evaluate_histograms, go_math, label_join, label_replace, math, sort_by_label,
    sort_by_value,
};
use crate::plan::{Call, Op, Plan, Text};

impl Evaluator<'_> {
    pub(crate) fn call(
        &mut self,
        call: &Call,
        plan: &Plan,
        steps: Steps,
    ) -> Result<Value, QueryError> {
        match call.implementation {
            Implementation::Range(function) => {
                let mut series = Vec::new();
                self.range_call(call, function, steps, &mut |_, one| {
                    series.push(one);
                    Ok(())
                })?;
                Ok(Value::Vector(series))
            }
            Implementation::AbsentOverTime => self.absent_over_time(call, steps).map(Value::Vector),
            Implementation::SampleTimestamp => self.sample_time(call, Take::Timestamp, steps),
            Implementation::SampleStartTimestamp => {
                self.sample_time(call, Take::StartTimestamp, steps)
            }
            Implementation::LabelReplace => self.relabel(call, label_replace, steps),
            Implementation::LabelJoin => self.relabel(call, label_join, steps),
            Implementation::Info => self.info(call, steps).map(Value::Vector),
            Implementation::Instant(function) => {
                let args = Args(
                    call.args
                        .iter()
                        .map(|arg| self.evaluate(arg, steps).map(Some))
                        .collect::<Result<_, _>>()?,
                );
                self.instant_call(function, (call, args), plan.span, steps)
            }
        }
    }

    /// The arguments are evaluated before, so that nested calls take little of the stack.
    fn instant_call(
        &mut self,
        function: InstantFunction,
        (call, mut args): (&Call, Args),
        span: Span,
        steps: Steps,
    ) -> Result<Value, QueryError> {
        use InstantFunction as F;
        Ok(match function {
            F::Map(f) => {
                let series = args.vector(0)?;
                Value::Vector(self.mapped(series, steps, |_, value| f(value))?)
            }
            F::MapHistogram(f) => {
                let series = args.vector(0)?;
                let mut results = Vec::with_capacity(series.len());
                for mut series in series {
                    let mut column = Column::absent(steps.count);
                    for step in 0..steps.count {
                        if let Some(PointRef::Histogram(histogram)) = series.column.get(step) {
                            column.set_float(step, f(histogram));
                        }
                    }
                    series.column = column;
                    if !series.column.is_absent() {
                        // Type and unit stay, unlike with functions of floats: so it is in the peer.
                        series.drop_name = true;
                        if !self.delays_names() {
                            series.labels = series.labels.filtered(|name| name != METRIC_NAME);
                        }
                        results.push(series);
                    }
                }
                Value::Vector(self.joined(results, steps)?)
            }
            F::Date(part) if call.args.is_empty() => {
                let seconds = |time: i64| math::float(time / 1000);
                let values = steps.times().map(|time| date_part(seconds(time), part));
                Value::Vector(vec![single(values.collect())])
            }
            F::Date(part) => {
                let series = args.vector(0)?;
                Value::Vector(self.mapped(series, steps, |_, value| date_part(value, part))?)
            }
            F::Clamp | F::ClampMax | F::ClampMin => {
                let series = args.vector(0)?;
                let first = args.scalar(1)?;
                let (min, max) = match function {
                    F::ClampMin => (first, vec![f64::INFINITY; steps.count]),
                    F::ClampMax => (vec![f64::NEG_INFINITY; steps.count], first),
                    _ => (first, args.scalar(2)?),
                };
                Value::Vector(self.clamped(series, &min, &max, steps)?)
            }
            F::Round => {
                let series = args.vector(0)?;
                let nearest = if call.args.len() > 1 {
                    args.scalar(1)?
                } else {
                    vec![1.0; steps.count]
                };
                Value::Vector(self.mapped(series, steps, |step, value| {
                    math::round_to(value, at(&nearest, step))
                })?)
            }
            F::Scalar => Value::Scalar(only_float(&args.vector(0)?, steps)),
            F::Vector => Value::Vector(vec![single(args.scalar(0)?)]),
            F::Time => Value::Scalar(steps.times().map(math::seconds).collect()),
            F::Pi => Value::Scalar(vec![std::f64::consts::PI; steps.count]),
            F::MinOf | F::MaxOf => {
                let lhs = args.scalar(0)?;
                let rhs = args.scalar(1)?;
                let pick = if matches!(function, F::MinOf) {
                    go_math::min
                } else {
                    go_math::max
                };
                Value::Scalar(lhs.iter().zip(&rhs).map(|(a, b)| pick(*a, *b)).collect())
            }
            F::Absent => {
                let labels = call.args.first().map_or_else(Labels::empty, absent_labels);
                Value::Vector(absent(&args.vector(0)?, labels, steps))
            }
            F::Sort | F::SortDesc | F::SortByLabel | F::SortByLabelDesc => {
                if !steps.is_single() {
                    self.note(Note::SortInRangeQuery, span);
                }
                Value::Vector(sorted(function, call, args.vector(0)?, steps))
            }
            F::Histogram(kind) => Value::Vector(self.histogram_call(kind, (call, args), steps)?),
            F::Timestamp => {
                let mut series = args.vector(0)?;
                for series in &mut series {
                    self.drop_name(series);
                    let mut column = Column::absent(steps.count);
                    for (step, time) in steps.times().enumerate() {
                        if series.column.is_present(step) {
                            column.set_float(step, math::seconds(time));
                        }
                    }
                    series.column = column;
                }
                Value::Vector(self.joined(series, steps)?)
            }
            F::StartTimestamp => {
                args.vector(0)?;
                Value::Vector(Vec::new())
            }
        })
    }

    /// Applies `f` to every float; series without floats go away.
    fn mapped(
        &mut self,
        series: Vec<Series>,
        steps: Steps,
        f: impl Fn(usize, f64) -> f64,
    ) -> Result<Vec<Series>, QueryError> {
        let mut results = Vec::with_capacity(series.len());
        for mut series in series {
            series.column.map_floats(&f);
            if !series.column.is_absent() {
                self.drop_name(&mut series);
                results.push(series);
            }
        }
        self.joined(results, steps)
    }

    fn clamped(
        &mut self,
        series: Vec<Series>,
        min: &[f64],
        max: &[f64],
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let mut results = Vec::with_capacity(series.len());
        for mut series in series {
            let mut column = Column::absent(steps.count);
            for step in 0..steps.count {
                let (min, max) = (at(min, step), at(max, step));
                // Limits the wrong way round let nothing through.
                if max < min {
                    continue;
                }
                if let Some(value) = series.column.float(step) {
                    column.set_float(step, go_math::max(min, go_math::min(max, value)));
                }
            }
            series.column = column;
            if !series.column.is_absent() {
                self.drop_name(&mut series);
                results.push(series);
            }
        }
        self.joined(results, steps)
    }

    fn relabel(
        &mut self,
        call: &Call,
        apply: fn(&mut [Series], &[&Text]) -> Result<(), QueryError>,
        steps: Steps,
    ) -> Result<Value, QueryError> {
        let texts = texts(call.args.get(1..));
        // Bad arguments are an error even if there is nothing to relabel.
        apply(&mut [], &texts)?;
        let mut series = match call.args.first() {
            Some(arg) => self.vector(arg, steps)?,
            None => return Err(QueryError::unexpected("missing argument")),
        };
        apply(&mut series, &texts)?;
        Ok(Value::Vector(super::merge::merge_same_labels(series)?))
    }

    fn histogram_call(
        &mut self,
        kind: HistogramCall,
        (call, args): (&Call, Args),
        steps: Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let mut input = Vec::new();
        let mut input_span = Span::default();
        let mut scalars = Vec::new();
        let mut label = "";
        for (arg, value) in call.args.iter().zip(args.0.into_iter().flatten()) {
            match (&arg.op, value) {
                (_, Value::Vector(series)) => {
                    input = series;
                    input_span = arg.span;
                }
                (_, Value::Scalar(values)) => scalars.push((values, arg.span)),
                (Op::Text(text), Value::Text(_)) => label = &text.value,
                (_, Value::Text(_)) => {}
            }
        }
        let args = HistogramArgs {
            input,
            input_span,
            scalars: &scalars,
            label,
            steps,
            names_metrics: self.delays_names(),
        };
        let mut results = evaluate_histograms(kind, args, &mut self.notes);
        for series in &mut results {
            if !self.delays_names() {
                series.labels = without_metadata(&series.labels);
            }
        }
        self.joined(results, steps)
    }

    /// `timestamp` and `start_timestamp` of a selector: of its samples, not of the steps.
    fn sample_time(&mut self, call: &Call, take: Take, steps: Steps) -> Result<Value, QueryError> {
        let Some(Op::Selector(selector)) = call.args.first().map(|arg| &arg.op) else {
            return Err(QueryError::unexpected("timestamp of something else"));
        };
        if take == Take::StartTimestamp && !self.shared.options.start_timestamps.is_on() {
            return Ok(Value::Vector(Vec::new()));
        }
        let mut selector = selector.clone();
        if selector.at.is_some() {
            // Prometheus forgets the offset here.
            selector.offset = 0;
        }
        let mut series = self.selected(&selector, take, steps)?;
        for series in &mut series {
            self.drop_name(series);
        }
        Ok(Value::Vector(self.joined(series, steps)?))
    }
}

/// Evaluated arguments, each to be taken once.
struct Args(Vec<Option<Value>>);

impl Args {
    fn take(&mut self, index: usize) -> Option<Value> {
        self.0.get_mut(index).and_then(Option::take)
    }

    fn vector(&mut self, index: usize) -> Result<Vec<Series>, QueryError> {
        match self.take(index) {
            Some(Value::Vector(series)) => Ok(series),
            _ => Err(QueryError::unexpected("argument is no instant vector")),
        }
    }

    fn scalar(&mut self, index: usize) -> Result<Vec<f64>, QueryError> {
        match self.take(index) {
            Some(Value::Scalar(values)) => Ok(values),
            _ => Err(QueryError::unexpected("argument is no scalar")),
        }
    }
}

fn absent(series: &[Series], labels: Labels, steps: Steps) -> Vec<Series> {
    let mut column = Column::absent(steps.count);
    for step in 0..steps.count {
        if !series.iter().any(|series| series.column.is_present(step)) {
            column.set_float(step, 1.0);
        }
    }
    if column.is_absent() {
        return Vec::new();
    }
    vec![Series {
        labels,
        drop_name: false,
        column,
    }]
}

fn sorted(
    function: InstantFunction,
    call: &Call,
    mut series: Vec<Series>,
    steps: Steps,
) -> Vec<Series> {
    let by_label = match function {
        InstantFunction::SortByLabel => Some(Direction::Ascending),
        InstantFunction::SortByLabelDesc => Some(Direction::Descending),
        _ => None,
    };
    if let Some(direction) = by_label {
        let names: Vec<&str> = texts(call.args.get(1..))
            .into_iter()
            .map(|text| text.value.as_str())
            .collect();
        sort_by_label(&mut series, &names, direction);
        return series;
    }
    if !steps.is_single() {
        // The order is lost, but histograms are left out all the same.
        for series in &mut series {
            series.column.map_floats(|_, value| value);
        }
        series.retain(|series| !series.column.is_absent());
        return series;
    }
    let direction = match function {
        InstantFunction::SortDesc => Direction::Descending,
        _ => Direction::Ascending,
    };
    sort_by_value(series, direction)
}

fn at(values: &[f64], step: usize) -> f64 {
    values.get(step).copied().unwrap_or(f64::NAN)
}

fn single(values: Vec<f64>) -> Series {
    Series {
        labels: Labels::empty(),
        drop_name: false,
        column: Column::from_floats(values),
    }
}

/// The literal strings among the arguments.
fn texts(args: Option<&[Plan]>) -> Vec<&Text> {
    args.unwrap_or(&[])
        .iter()
        .filter_map(|arg| match &arg.op {
            Op::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

/// The value at each step if there is exactly one float, else NaN.
fn only_float(series: &[Series], steps: Steps) -> Vec<f64> {
    let mut values = vec![f64::NAN; steps.count];
    let mut seen = vec![false; steps.count];
    for series in series {
        for (step, value) in series.column.floats() {
            if let (Some(slot), Some(seen)) = (values.get_mut(step), seen.get_mut(step)) {
                *slot = if *seen { f64::NAN } else { value };
                *seen = true;
            }
        }
    }
    values
}
