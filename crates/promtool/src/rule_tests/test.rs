//! One test: its series are stored step by step, rules are evaluated at every step, and alerts and queries are
//! compared with what is expected.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use config::GoDuration;
use config::prometheus::Global;
use config::rule_tests::{AlertTest, QueryTest, RuleTest};
use diag::Source;
use model::format::go_quote;
use model::{Duration, Labels, LabelsBuilder, Timestamp, Value};
use parking_lot::Mutex;
use promql::syntax::SequenceValue;
use promql::{Engine, EngineOptions, ParserOptions, Query, QueryValue};
use rules::environment::{ResultSample, Settings};
use rules::{AlertSink, AlertState, Environment, Group, QuerySource, SentAlert};

use super::diff::diff;
use super::expected::{
    AlertLabels, Precision, SampleText, alerts_text, expected_alerts, indented, same_samples,
    samples_text,
};
use super::run::TestOptions;
use super::store::Store;
use crate::check::rules::{Wanted, inspect_rules};
use crate::console::{Console, read_text};

/// As many samples as a query of a test may hold, as in the peer.
const QUERY_SAMPLES_MAX: usize = 10_000;
/// A test with more evaluations would take hours.
const EVALUATIONS_MAX: i64 = 5_000_000;

/// What a test is run with, besides its own text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub(super) options: &'a TestOptions,
    pub(super) rule_files: &'a [String],
    /// Between two evaluations.
    pub(super) interval: Duration,
    /// Between two samples of the series.
    pub(super) series_interval: Duration,
    /// Names of groups, those to be evaluated first.
    pub(super) order: &'a [String],
    pub(super) fuzzy: Precision,
}

/// Everything that was not as expected, in the peer's words.
pub(super) fn run_test(
    console: &mut Console<'_>,
    test: &RuleTest,
    setting: &Setting<'_>,
) -> Vec<String> {
    let mut run = match Run::new(test, setting) {
        Ok(run) => run,
        Err(errors) => return errors,
    };
    let mut failures = Vec::new();
    if run.evaluate(&mut failures).is_err() {
        return failures;
    }
    for query in &test.queries {
        failures.extend(run.check_query(query).err());
    }
    if setting.options.debug == Wanted::Yes {
        run.dump(console);
    }
    failures
}

struct Run<'a> {
    test: &'a RuleTest,
    setting: &'a Setting<'a>,
    start: Timestamp,
    /// Samples that are not stored yet, newest first.
    pending: BTreeMap<Labels, Vec<(i64, Value)>>,
    store: Arc<Store>,
    queries: Arc<TestQueries>,
    environment: Environment,
    groups: Vec<Group>,
}

/// Evaluating went wrong, and the test ends.
struct Ended;

impl<'a> Run<'a> {
    fn new(test: &'a RuleTest, setting: &'a Setting<'a>) -> Result<Self, Vec<String>> {
        let start = test.start.map_or(Timestamp(0), |start| start.0);
        let pending = samples(test, start, setting.series_interval).map_err(|error| vec![error])?;
        let store = Arc::new(Store::default());
        let queries = Arc::new(TestQueries {
            store: Arc::clone(&store),
            engine: EngineOptions {
                samples_max: QUERY_SAMPLES_MAX,
                subquery_step_default: setting.interval,
                delayed_name_removal: setting.options.delayed_name_removal,
                threads: 1,
                ..EngineOptions::default()
            },
            parser: setting.options.parser,
            known: Mutex::default(),
        });
        let mut external_labels = LabelsBuilder::new();
        for (name, value) in &test.external_labels.0 {
            external_labels.set(name.as_str(), value.as_str());
        }
        let environment = Environment {
            queries: Arc::clone(&queries) as Arc<dyn QuerySource>,
            reader: Arc::clone(&store) as _,
            writer: Arc::clone(&store) as _,
            alerts: Arc::new(Nobody),
            settings: Settings {
                external_labels: external_labels.build(),
                external_url: test.external_url.clone(),
                has_page: false,
                ..Settings::default()
            },
        };
        Ok(Self {
            test,
            setting,
            start,
            pending,
            store,
            queries,
            environment,
            groups: groups(setting)?,
        })
    }

    /// The last time that a test asks for, after the start.
    fn end(&self) -> Duration {
        let alerts = self.test.alerts.iter().map(|test| test.time);
        let queries = self.test.queries.iter().map(|test| test.time);
        alerts.chain(queries).max().unwrap_or(Duration::ZERO)
    }

    /// Goes through all evaluation times, checking alerts on the way.
    fn evaluate(&mut self, failures: &mut Vec<String>) -> Result<(), Ended> {
        let mut due: Vec<&AlertTest> = Vec::new();
        for test in &self.test.alerts {
            if test.alertname.is_empty() {
                let place = match self.test.name.as_str() {
                    "" => String::new(),
                    name => format!(" (in TestGroup {name})"),
                };
                failures.push(format!(
                    "an item under alert_rule_test misses required attribute alertname at eval_time {}{place}",
                    test.time
                ));
                return Err(Ended);
            }
            due.push(test);
        }
        // The stable sort keeps tests of one time in the order of the file.
        due.sort_by_key(|test| test.time);
        let mut due = due.into_iter().peekable();
        let interval = self.setting.interval.millis().max(1);
        let last = self.end().millis() / interval;
        if last > EVALUATIONS_MAX {
            failures.push(format!(
                "    {last} evaluations are too many: raise evaluation_interval or ask for earlier times"
            ));
            return Err(Ended);
        }
        for step in 0..=last {
            let offset = Duration::from_millis(step * interval);
            let time = self.start + offset;
            self.store_until(time, failures)?;
            if self.has_nameless(time) {
                // As in the peer, which tries again at the next step.
                failures.push("empty labelset: invalid sample".to_owned());
            } else {
                self.evaluate_rules(time, failures)?;
            }
            let next = offset + self.setting.interval;
            while let Some(test) = due.next_if(|test| test.time < next) {
                failures.extend(self.check_alerts(test).err());
            }
        }
        Ok(())
    }

    /// Whether there is a sample by now of a series without labels, which no server takes.
    fn has_nameless(&self, time: Timestamp) -> bool {
        let samples = self.pending.get(&Labels::empty());
        let next = samples.and_then(|samples| samples.last());
        next.is_some_and(|(at, _)| *at <= time.millis())
    }

    fn store_until(&mut self, time: Timestamp, failures: &mut Vec<String>) -> Result<(), Ended> {
        let pending = self.pending.iter_mut();
        for (labels, samples) in pending.filter(|(labels, _)| !labels.is_empty()) {
            while let Some((at, value)) = samples.pop_if(|(at, _)| *at <= time.millis()) {
                if let Err(refusal) = self.store.append(labels, at, value) {
                    failures.push(format!(
                        "    series: {labels}, time: {at} ms, err: {refusal}"
                    ));
                    return Err(Ended);
                }
            }
        }
        self.pending.retain(|_, samples| !samples.is_empty());
        Ok(())
    }

    fn evaluate_rules(&mut self, time: Timestamp, failures: &mut Vec<String>) -> Result<(), Ended> {
        let before = failures.len();
        for group in &mut self.groups {
            let counts = group.evaluate(&self.environment, time);
            if counts.failures + counts.refused == 0 {
                continue;
            }
            for rule in group.view().rules {
                if let Some(refusal) = rule.refusal {
                    let name = rule.spec.name();
                    let time = GoDuration(time.millis().saturating_mul(1_000_000));
                    failures.push(format!("    rule: {name}, time: {time}, err: {refusal}"));
                }
            }
        }
        if failures.len() > before {
            return Err(Ended);
        }
        Ok(())
    }

    fn check_alerts(&self, test: &AlertTest) -> Result<(), String> {
        let mut found = Vec::new();
        for group in &self.groups {
            let rules = group.view().rules.into_iter();
            let rules = rules.filter(|rule| rule.spec.name() == test.alertname);
            for alert in rules.flat_map(|rule| rule.alerts) {
                if alert.state == AlertState::Firing {
                    found.push(AlertLabels {
                        labels: alert.labels.to_map(),
                        annotations: alert.annotations.to_map(),
                    });
                }
            }
        }
        found.sort();
        let expected = expected_alerts(test);
        if expected == found {
            return Ok(());
        }
        let name = match self.test.name.as_str() {
            "" => String::new(),
            name => format!("    name: {name},\n"),
        };
        let head = format!(
            "{name}    alertname: {}, time: {}, ",
            test.alertname, test.time
        );
        let indent = " ".repeat(12);
        if self.setting.options.diff == Wanted::No {
            let expected = indented(&alerts_text(&expected), &indent);
            let found = indented(&alerts_text(&found), &indent);
            return Err(format!(
                "{head}\n        exp:{expected}, \n        got:{found}"
            ));
        }
        let or_nothing = |alerts: Vec<AlertLabels>| match alerts.as_slice() {
            // The peer shows an alert without labels where there is none.
            [] => vec![AlertLabels::default()],
            _ => alerts,
        };
        let text = diff(&or_nothing(expected), &or_nothing(found));
        Err(format!(
            "{head}\n        diff: {}",
            indented(&text, &indent)
        ))
    }

    fn check_query(&self, test: &QueryTest) -> Result<(), String> {
        let head = format!("    expr: {}, time: {},", go_quote(&test.expr), test.time);
        let failed = |problem: String| format!("{head} err: {problem}");
        let vector = self.queries.instant(&test.expr, self.start + test.time);
        let mut found: Vec<SampleText> = vector
            .map_err(failed)?
            .into_iter()
            .map(sample_text)
            .collect();
        let mut expected = Vec::with_capacity(test.expected.len());
        for sample in &test.expected {
            let labels = go_quote(&sample.labels);
            let read = SampleText::parse(sample);
            expected.push(read.map_err(|problem| failed(format!("labels {labels}: {problem}")))?);
        }
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        expected.sort_by(|a, b| a.labels.cmp(&b.labels));
        if same_samples(&expected, &found, self.setting.fuzzy) {
            return Ok(());
        }
        Err(format!(
            "{head}\n        exp: {}\n        got: {}",
            samples_text(&expected),
            samples_text(&found)
        ))
    }

    /// All samples, those of rules too.
    fn dump(&self, console: &mut Console<'_>) {
        // Up to a whole second, as queries cannot ask for parts of them.
        let end = Duration::from_secs((self.end().millis() + 1000) / 1000);
        let shown = GoDuration(end.millis().saturating_mul(1_000_000));
        let expr = format!("{{__name__=~\".+\"}}[{end}]");
        match self.queries.run(&expr, self.start + end) {
            Ok(QueryValue::Matrix(series)) => {
                console.problem(format_args!(
                    "DEBUG: Dump of all data (input_series and rules) at {shown}:"
                ));
                for one in series {
                    console.problem(format_args!("{} =>", one.labels));
                    for (time, value) in one.times.iter().zip(&one.values) {
                        let value = model::format::float_general(*value);
                        console.problem(format_args!("{value} @[{time}]"));
                    }
                    for (time, histogram) in &one.histograms {
                        console.problem(format_args!("{histogram} @[{time}]"));
                    }
                }
            }
            Ok(_) => {}
            Err(problem) => console.problem(format_args!(
                "DEBUG: Failed querying, expr: {}, err: {problem}",
                go_quote(&expr)
            )),
        }
    }
}

/// The series of the test, newest samples first. Of series that are there twice the last one counts.
fn samples(
    test: &RuleTest,
    start: Timestamp,
    interval: Duration,
) -> Result<BTreeMap<Labels, Vec<(i64, Value)>>, String> {
    let mut all = BTreeMap::new();
    for (at, input) in test.input_series.iter().enumerate() {
        let text = format!("{} {}", input.series, input.values);
        let series = promql::parse_series_description(&text).map_err(|errors| {
            // The peer's file begins with the line `load INTERVAL`.
            let message = errors.to_string();
            match message.split_once(':') {
                Some((line, rest)) if line.parse::<usize>().is_ok() => {
                    let line = line.parse::<usize>().unwrap_or(1) + at + 1;
                    format!("{line}:{rest}")
                }
                _ => message,
            }
        })?;
        let mut samples = Vec::new();
        let mut time = start;
        for value in series.values {
            match value {
                SequenceValue::Omitted => {}
                SequenceValue::Float(value) => samples.push((time.millis(), Value::Float(value))),
                SequenceValue::Histogram { histogram, .. } => {
                    samples.push((time.millis(), Value::Histogram(histogram)));
                }
            }
            time += interval;
        }
        samples.reverse();
        all.insert(series.labels, samples);
    }
    Ok(all)
}

/// The groups of all rule files, in the order in which they are evaluated.
fn groups(setting: &Setting<'_>) -> Result<Vec<Group>, Vec<String>> {
    let global = Global {
        evaluation_interval: setting.series_interval,
        ..Global::prometheus_default()
    };
    let mut specs = Vec::new();
    for file in setting.rule_files {
        let text = read_text(file).map_err(|error| vec![format!("{file}: {error}")])?;
        let source = Source::new(file.as_str(), text);
        let inspected = inspect_rules(
            &source,
            setting.options.unknown_fields,
            &setting.options.parser,
        );
        if !inspected.peer_errors.is_empty() {
            let errors = inspected.peer_errors.iter();
            return Err(errors.map(|error| format!("{file}: {error}")).collect());
        }
        specs.extend(server::pieces::groups(
            &inspected.file,
            file,
            &global,
            &setting.options.parser,
        ));
    }
    // As in the peer, groups that are not named come with the first one. The stable sort keeps their order.
    specs.sort_by_key(|spec| {
        let place = setting.order.iter().position(|name| *name == spec.name);
        place.unwrap_or(0)
    });
    let start = |spec| {
        let mut group = Group::new(spec);
        group.skip_restoring();
        group
    };
    Ok(specs.into_iter().map(start).collect())
}

fn sample_text(sample: ResultSample) -> SampleText {
    let (value, histogram) = match sample.value {
        Value::Float(value) => (value, String::new()),
        Value::Histogram(histogram) => {
            (0.0, promql::syntax::series::histogram_notation(&histogram))
        }
    };
    SampleText {
        labels: sample.labels,
        value,
        histogram,
    }
}

/// Answers the queries of rules, of templates and of the test itself.
struct TestQueries {
    store: Arc<Store>,
    engine: EngineOptions,
    parser: ParserOptions,
    /// Queries that were read already.
    known: Mutex<HashMap<String, Arc<Query>>>,
}

impl TestQueries {
    fn parsed(&self, text: &str) -> Result<Arc<Query>, String> {
        let mut known = self.known.lock();
        if let Some(query) = known.get(text) {
            return Ok(Arc::clone(query));
        }
        let query = Query::parse(text, &self.parser).map_err(|errors| errors.to_string())?;
        let query = Arc::new(query);
        known.insert(text.to_owned(), Arc::clone(&query));
        Ok(query)
    }

    fn run(&self, text: &str, time: Timestamp) -> Result<QueryValue, String> {
        let query = self.parsed(text)?;
        let engine = Engine::new(self.engine.clone());
        let result = engine.instant(&*self.store, query.expression(), time);
        Ok(result.map_err(|error| error.to_string())?.value)
    }
}

impl QuerySource for TestQueries {
    fn instant(&self, expr: &str, time: Timestamp) -> Result<Vec<ResultSample>, String> {
        server::pieces::samples(self.run(expr, time)?)
    }
}

/// Alerts of tests are looked at, not sent.
struct Nobody;

impl AlertSink for Nobody {
    fn send(&self, _: Vec<SentAlert>) {}
}
