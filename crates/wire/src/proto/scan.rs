//! Metric families as entries, in the order in which the text format has them.

use std::borrow::Cow;

use model::histogram::CounterResetHint;
use model::labels::{BUCKET, METRIC_NAME, QUANTILE};
use model::storage::HistogramSample;
use model::{Exemplar, Labels, MetricType, Timestamp};

use crate::error::{LabelsError, ParseError};
use crate::exposition::{Entry, HistogramEntry, Options, SeriesEntry, Step};
use crate::float::format_float_openmetrics;
use crate::proto::metrics::{Family, Metric, exemplar};
use crate::proto::reader::Fields;
use crate::text::assemble;

/// Separates names and values in raw series bytes; no UTF-8 text has it.
const SEPARATOR: u8 = 0xff;

/// Where in a family the cursor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before the next family.
    Family,
    Help,
    Unit,
    Type,
    /// In the items of a metric.
    Metric,
}

/// One entry of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Single,
    Count,
    Sum,
    Quantile(usize),
    Bucket(usize),
    /// The `+Inf` bucket, where the message has none.
    LastBucket,
    Native,
    Custom,
}

#[derive(Debug)]
pub(crate) struct ProtoScan<'a> {
    fields: Fields<'a>,
    length: usize,
    options: Options,
    stage: Stage,
    family: Family<'a>,
    metric_type: MetricType,
    next_metric: usize,
    metric: Metric<'a>,
    items: Vec<Item>,
    next_item: usize,
    /// Labels of the current item, sorted by name.
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    raw: Vec<u8>,
    value: f64,
    histogram: Option<HistogramSample>,
}

impl<'a> ProtoScan<'a> {
    pub(crate) fn new(body: &'a [u8], options: &Options) -> Self {
        Self {
            fields: Fields::new(body),
            length: body.len(),
            options: options.clone(),
            stage: Stage::Family,
            family: Family::default(),
            metric_type: MetricType::Unknown,
            next_metric: 0,
            metric: Metric::default(),
            items: Vec::new(),
            next_item: 0,
            pairs: Vec::new(),
            raw: Vec::new(),
            value: 0.0,
            histogram: None,
        }
    }

    #[cold]
    fn error(&self, message: String) -> ParseError {
        ParseError {
            message,
            offset: self.length - self.fields.remaining(),
            line: 0,
        }
    }

    pub(crate) fn advance(&mut self) -> Result<Step, ParseError> {
        match self.stage {
            Stage::Family => return self.open_family(),
            Stage::Help if !self.family.unit.is_empty() => self.stage = Stage::Unit,
            Stage::Help | Stage::Unit => self.stage = Stage::Type,
            Stage::Type => {
                self.stage = Stage::Metric;
                return self.next_item();
            }
            Stage::Metric => return self.next_item(),
        }
        Ok(Step::Entry)
    }

    /// Goes to the next family that has metrics.
    fn open_family(&mut self) -> Result<Step, ParseError> {
        loop {
            let message = match self.fields.delimited() {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(Step::End),
                Err(error) => return Err(self.error(format!("reading a metric family: {error}"))),
            };
            self.family = Family::decode(message)
                .map_err(|error| self.error(format!("reading a metric family: {error}")))?;
            if !self.family.metrics.is_empty() {
                break;
            }
        }
        if self.family.name.is_empty() {
            return Err(self.error("invalid metric name: ".to_owned()));
        }
        let Some(metric_type) = self.family.metric_type() else {
            let (name, number) = (self.family.name, self.family.type_number);
            return Err(self.error(format!("unknown metric type for metric {name:?}: {number}")));
        };
        self.metric_type = metric_type;
        self.next_metric = 0;
        self.items.clear();
        self.next_item = 0;
        self.stage = Stage::Help;
        Ok(Step::Entry)
    }

    fn next_item(&mut self) -> Result<Step, ParseError> {
        loop {
            if let Some(item) = self.items.get(self.next_item).copied() {
                self.next_item += 1;
                self.load(item)?;
                return Ok(Step::Entry);
            }
            let Some(message) = self.family.metrics.get(self.next_metric).copied() else {
                return self.open_family();
            };
            self.next_metric += 1;
            self.metric
                .decode(message, self.metric_type)
                .map_err(|error| {
                    let name = self.family.name;
                    self.error(format!("reading metric {name:?}: {error}"))
                })?;
            if let Some((name, _)) = self.metric.labels.iter().find(|(name, _)| name.is_empty()) {
                return Err(self.error(format!("invalid label name: {name}")));
            }
            self.plan();
        }
    }

    /// What entries the metric gives, in order.
    fn plan(&mut self) {
        self.items.clear();
        self.next_item = 0;
        match self.metric_type {
            MetricType::Summary => {
                self.items.extend([Item::Count, Item::Sum]);
                self.items
                    .extend((0..self.metric.quantiles.len()).map(Item::Quantile));
            }
            MetricType::Histogram | MetricType::GaugeHistogram => self.plan_histogram(),
            _ => self.items.push(Item::Single),
        }
    }

    fn plan_histogram(&mut self) {
        let is_native = !self.options.ignore_native_histograms && self.metric.histogram.is_native();
        if is_native {
            self.items.push(Item::Native);
            if self.options.keep_classic && !self.metric.histogram.buckets.is_empty() {
                self.plan_classic();
            }
        } else if self.options.convert_classic_to_nhcb {
            if self.options.keep_classic {
                self.plan_classic();
            }
            self.items.push(Item::Custom);
        } else {
            self.plan_classic();
        }
    }

    fn plan_classic(&mut self) {
        self.items.extend([Item::Count, Item::Sum]);
        for (index, bucket) in self.metric.histogram.buckets.iter().enumerate() {
            self.items.push(Item::Bucket(index));
            if bucket.upper_bound == f64::INFINITY {
                return;
            }
        }
        self.items.push(Item::LastBucket);
    }

    /// Makes the item the current entry.
    fn load(&mut self, item: Item) -> Result<(), ParseError> {
        let histogram = &self.metric.histogram;
        let hint = if self.metric_type == MetricType::GaugeHistogram {
            CounterResetHint::Gauge
        } else {
            CounterResetHint::Unknown
        };
        self.histogram = None;
        let (mut suffix, mut magic) = ("", None);
        match item {
            Item::Single => self.value = self.metric.value,
            Item::Count => {
                suffix = "_count";
                self.value = histogram.total();
            }
            Item::Sum => {
                suffix = "_sum";
                self.value = histogram.sum;
            }
            Item::Quantile(index) => {
                let (quantile, value) = self
                    .metric
                    .quantiles
                    .get(index)
                    .copied()
                    .unwrap_or_default();
                magic = Some((QUANTILE, format_float_openmetrics(quantile)));
                self.value = value;
            }
            Item::Bucket(index) => {
                suffix = "_bucket";
                let bucket = histogram.buckets.get(index).copied().unwrap_or_default();
                magic = Some((BUCKET, format_float_openmetrics(bucket.upper_bound)));
                self.value = bucket.cumulative_count();
            }
            Item::LastBucket => {
                suffix = "_bucket";
                magic = Some((BUCKET, "+Inf".to_owned()));
                self.value = histogram.total();
            }
            Item::Native => {
                let native = histogram.native(hint).map_err(|problem| {
                    self.error(format!("histogram {:?}: {problem}", self.family.name))
                })?;
                self.histogram = Some(native);
            }
            Item::Custom => {
                let custom = histogram
                    .custom(hint)
                    .map_err(|problem| self.error(problem.to_string()))?;
                self.histogram = Some(custom);
            }
        }
        self.load_labels(suffix, magic);
        Ok(())
    }

    fn load_labels(&mut self, suffix: &str, magic: Option<(&'static str, String)>) {
        let with_metadata = self.options.type_and_unit_labels;
        let metric_type =
            (with_metadata && self.metric_type != MetricType::Unknown).then_some(self.metric_type);
        let unit = Some(self.family.unit).filter(|unit| with_metadata && !unit.is_empty());
        self.pairs.clear();
        for (name, value) in &self.metric.labels {
            let is_replaced = match *name {
                "__type__" => metric_type.is_some(),
                "__unit__" => unit.is_some(),
                METRIC_NAME => with_metadata,
                _ => false,
            };
            if !is_replaced {
                self.pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
            }
        }
        let name = if suffix.is_empty() {
            Cow::Borrowed(self.family.name)
        } else {
            Cow::Owned(format!("{}{suffix}", self.family.name))
        };
        self.pairs.push((Cow::Borrowed(METRIC_NAME), name));
        if let Some(metric_type) = metric_type {
            self.pairs.push((
                Cow::Borrowed("__type__"),
                Cow::Borrowed(metric_type.as_str()),
            ));
        }
        if let Some(unit) = unit {
            self.pairs
                .push((Cow::Borrowed("__unit__"), Cow::Borrowed(unit)));
        }
        if let Some((name, value)) = magic {
            self.pairs.push((Cow::Borrowed(name), Cow::Owned(value)));
        }
        self.pairs
            .sort_by(|(left, _), (right, _)| left.as_bytes().cmp(right.as_bytes()));

        self.raw.clear();
        for (name, value) in &self.pairs {
            if name != METRIC_NAME {
                self.raw.push(SEPARATOR);
                self.raw.extend_from_slice(name.as_bytes());
                self.raw.push(SEPARATOR);
            }
            self.raw.extend_from_slice(value.as_bytes());
        }
    }

    fn current(&self) -> Option<Item> {
        self.items.get(self.next_item.checked_sub(1)?).copied()
    }

    fn time(&self) -> Option<Timestamp> {
        // The format cannot tell "no timestamp" from 0.
        Some(Timestamp(self.metric.time_ms)).filter(|time| time.0 != 0)
    }

    pub(crate) fn entry(&self) -> Entry<'_> {
        let name = Cow::Borrowed(self.family.name);
        match self.stage {
            Stage::Metric => match &self.histogram {
                Some(histogram) => Entry::Histogram(HistogramEntry {
                    raw: &self.raw,
                    time: self.time(),
                    histogram,
                }),
                None => Entry::Series(SeriesEntry {
                    raw: &self.raw,
                    value: self.value,
                    time: self.time(),
                }),
            },
            Stage::Family | Stage::Help => Entry::Help {
                name,
                help: Cow::Borrowed(self.family.help),
            },
            Stage::Unit => Entry::Unit {
                name,
                unit: Cow::Borrowed(self.family.unit),
            },
            Stage::Type => Entry::Type {
                name,
                metric_type: self.metric_type,
            },
        }
    }

    pub(crate) fn labels(&self) -> Result<Labels, LabelsError> {
        assemble(&mut self.pairs.clone())
    }

    pub(crate) fn exemplars(&self, out: &mut Vec<Exemplar>) {
        match self.current() {
            Some(Item::Native | Item::Custom) => self.metric.histogram.native_exemplars(out),
            Some(Item::Bucket(index)) => {
                let bucket = self.metric.histogram.buckets.get(index);
                out.extend(bucket.and_then(|bucket| exemplar(bucket.exemplar?)));
            }
            Some(Item::Single) if self.metric_type == MetricType::Counter => {
                out.extend(self.metric.exemplar.and_then(exemplar));
            }
            _ => {}
        }
    }

    pub(crate) fn start_time(&self) -> Option<Timestamp> {
        self.metric.start_time.filter(|time| time.0 != 0)
    }
}
