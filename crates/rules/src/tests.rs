//! Evaluations of groups against scripted query answers, on simulated time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::sample::is_stale;
use model::storage::{
    CommitReport, ReadError, SampleBatch, SampleRefusal, SampleWriter, SelectRequest, SeriesBatch,
    SeriesList, SeriesReader, SeriesRef, TimeRange, WriteError,
};
use model::{Duration, Labels, Matcher, Pairs, Timestamp, Value};
use parking_lot::Mutex;

use crate::alert::{AlertChange, AlertState};
use crate::environment::{AlertSink, Environment, QuerySource, ResultSample, SentAlert, Settings};
use crate::group::{Group, Health};
use crate::refusal::RuleRefusal;
use crate::spec::{AlertingSpec, GroupSpec, RecordingSpec, RuleSpec};

/// Answers from a table, keeps what is written and sent.
#[derive(Default)]
struct World {
    /// Expression and time in seconds to samples.
    answers: Mutex<BTreeMap<(String, i64), Vec<ResultSample>>>,
    names: Mutex<Vec<Labels>>,
    written: Mutex<Vec<(String, i64, f64)>>,
    /// Series that are no longer known, by reference.
    dropped: Mutex<Vec<u64>>,
    /// Series that have another sample already.
    taken: Mutex<Vec<String>>,
    /// Every query fails.
    failing: AtomicBool,
    sent: Mutex<Vec<SentAlert>>,
    changes: Mutex<Vec<String>>,
}

impl World {
    fn answer(&self, expr: &str, seconds: i64, samples: &[(&[(&str, &str)], f64)]) {
        let sample = |(labels, value): &(&[(&str, &str)], f64)| ResultSample {
            labels: Labels::from_pairs(labels.iter().copied()),
            value: Value::Float(*value),
        };
        self.answers.lock().insert(
            (expr.to_owned(), seconds),
            samples.iter().map(sample).collect(),
        );
    }

    fn take_written(&self) -> Vec<String> {
        let text = |(labels, time, value): (String, i64, f64)| {
            let value = if is_stale(value) {
                "stale".to_owned()
            } else {
                value.to_string()
            };
            format!("{labels} {value} @{time}")
        };
        std::mem::take(&mut *self.written.lock())
            .into_iter()
            .map(text)
            .collect()
    }
}

impl QuerySource for World {
    fn instant(&self, expr: &str, time: Timestamp) -> Result<Vec<ResultSample>, String> {
        if expr == "broken" || self.failing.load(Ordering::Relaxed) {
            return Err("it is broken".to_owned());
        }
        Ok(self
            .answers
            .lock()
            .get(&(expr.to_owned(), time.millis() / 1000))
            .cloned()
            .unwrap_or_default())
    }
}

impl SampleWriter for World {
    fn resolve(&self, labels: &Labels) -> Result<SeriesRef, SampleRefusal> {
        let mut names = self.names.lock();
        let at = names
            .iter()
            .rposition(|known| known == labels)
            .filter(|at| !self.dropped.lock().contains(&(*at as u64)))
            .unwrap_or_else(|| {
                names.push(labels.clone());
                names.len() - 1
            });
        Ok(SeriesRef(at as u64))
    }

    fn commit(&self, batch: &SampleBatch) -> Result<CommitReport, WriteError> {
        let names = self.names.lock();
        let dropped = self.dropped.lock();
        let mut refused = Vec::new();
        for row in 0..batch.len() {
            if dropped.contains(&batch.series[row].0) {
                refused.push((row, SampleRefusal::UnknownSeries));
                continue;
            }
            let labels = names[batch.series[row].0 as usize].to_string();
            if self.taken.lock().contains(&labels) {
                refused.push((row, SampleRefusal::DuplicateTimestamp));
                continue;
            }
            self.written
                .lock()
                .push((labels, batch.times[row] / 1000, batch.values[row]));
        }
        Ok(CommitReport {
            appended: batch.len() - refused.len(),
            refused,
        })
    }
}

impl AlertSink for World {
    fn send(&self, alerts: Vec<SentAlert>) {
        self.sent.lock().extend(alerts);
    }

    fn changed(&self, group: &GroupSpec, rule: &AlertingSpec, changes: Vec<AlertChange>) {
        for change in changes {
            let since = change.active_at.seconds();
            let text = format!(
                "{}/{} {:?} since {since}",
                group.name, rule.alert, change.kind
            );
            self.changes.lock().push(text);
        }
    }
}

/// What was written, as the storage after a restart.
struct Stored(Vec<(Labels, Vec<(i64, f64)>)>);

impl SeriesReader for Stored {
    fn select(&self, request: &SelectRequest<'_>) -> Result<Arc<dyn SeriesList>, ReadError> {
        let is_wanted = |labels: &Labels| {
            request
                .matchers
                .iter()
                .all(|matcher| matcher.matches_labels(labels))
        };
        let rows = self
            .0
            .iter()
            .filter(|(labels, _)| is_wanted(labels))
            .cloned()
            .collect();
        Ok(Arc::new(Rows(rows)))
    }

    fn label_names(&self, _: TimeRange, _: &[Matcher]) -> Result<Vec<String>, ReadError> {
        Ok(Vec::new())
    }

    fn label_values(&self, _: &str, _: TimeRange, _: &[Matcher]) -> Result<Vec<String>, ReadError> {
        Ok(Vec::new())
    }
}

struct Rows(Vec<(Labels, Vec<(i64, f64)>)>);

impl SeriesList for Rows {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, row: usize) -> Labels {
        self.0[row].0.clone()
    }

    fn read(&self, rows: std::ops::Range<usize>, batch: &mut SeriesBatch) -> Result<(), ReadError> {
        for (_, samples) in &self.0[rows] {
            for (time, value) in samples {
                batch.push_float(*time, *value);
            }
            batch.finish_series();
        }
        Ok(())
    }
}

fn environment(world: &Arc<World>, stored: Vec<(Labels, Vec<(i64, f64)>)>) -> Environment {
    Environment {
        queries: world.clone(),
        reader: Arc::new(Stored(stored)),
        writer: world.clone(),
        alerts: world.clone(),
        settings: Settings {
            external_url: "http://kw".to_owned(),
            ..Settings::default()
        },
    }
}

fn alerting(hold_seconds: i64, keep_seconds: i64) -> AlertingSpec {
    AlertingSpec {
        alert: "Down".to_owned(),
        expr: "up == 0".to_owned(),
        hold: Duration::from_secs(hold_seconds),
        keep_firing_for: Duration::from_secs(keep_seconds),
        labels: pairs(&[("namespace", "kasten-io"), ("severity", "critical")]),
        annotations: pairs(&[("description", "{{ $labels.service}} is {{ $value }}.")]),
    }
}

fn pairs(pairs: &[(&'static str, &'static str)]) -> Pairs {
    pairs.iter().copied().collect()
}

fn group(rules: Vec<RuleSpec>) -> Group {
    Group::new(GroupSpec {
        name: "g".to_owned(),
        file: "f".to_owned(),
        interval: Duration::from_secs(10),
        query_offset: Duration::ZERO,
        limit: 2,
        rules,
        stages: Vec::new(),
    })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1000)
}

const DOWN: &[(&[(&str, &str)], f64)] = &[(
    &[
        ("__name__", "up"),
        ("service", "metering"),
        ("namespace", "own"),
    ],
    0.0,
)];

#[test]
fn changes_of_state_are_told_once() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let mut group = group(vec![RuleSpec::Alerting(alerting(20, 0))]);
    for seconds in [100, 120, 130, 140, 150, 170] {
        world.answer("up == 0", seconds, DOWN);
    }
    let mut told = Vec::new();
    for seconds in [100, 110, 120, 130, 140, 150, 160, 170] {
        group.evaluate(&environment, at(seconds));
        let changes = std::mem::take(&mut *world.changes.lock());
        told.extend(
            changes
                .into_iter()
                .map(|change| format!("{seconds}: {change}")),
        );
    }
    assert_eq!(
        told,
        [
            "100: g/Down Pending since 100",
            "110: g/Down Gone since 100",
            "120: g/Down Pending since 120",
            "140: g/Down Firing since 120",
            "160: g/Down Resolved since 120",
            "170: g/Down Pending since 170",
        ]
    );
}

#[test]
fn pending_firing_resolved() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let mut group = group(vec![RuleSpec::Alerting(alerting(20, 0))]);
    for seconds in [100, 110, 120, 130] {
        world.answer("up == 0", seconds, DOWN);
    }
    group.evaluate(&environment, at(80));
    group.evaluate(&environment, at(90));
    group.evaluate(&environment, at(100));
    assert_eq!(group.view().rules[0].state, Some(AlertState::Pending));
    assert!(world.sent.lock().is_empty(), "a pending alert is not sent");
    let written = world.take_written();
    let labels = r#"alertname="Down""#;
    let rest = r#"namespace="kasten-io", service="metering", severity="critical"}"#;
    assert_eq!(
        written,
        [
            format!(r#"{{__name__="ALERTS", {labels}, alertstate="pending", {rest} 1 @100"#),
            format!(r#"{{__name__="ALERTS_FOR_STATE", {labels}, {rest} 100 @100"#),
        ]
    );
    group.evaluate(&environment, at(110));
    group.evaluate(&environment, at(120));
    let sent = std::mem::take(&mut *world.sent.lock());
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].labels.get("namespace"),
        Some("kasten-io"),
        "the rule's label wins over the series' own"
    );
    assert_eq!(
        sent[0].annotations.get("description"),
        Some("metering is 0.")
    );
    assert_eq!(
        sent[0].generator_url,
        "http://kw/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
    );
    assert_eq!(
        (sent[0].starts_at, sent[0].ends_at),
        (at(120), at(120 + 240))
    );
    world.take_written();
    group.evaluate(&environment, at(130));
    assert!(world.sent.lock().is_empty(), "not before the resend delay");
    group.evaluate(&environment, at(140));
    let sent = std::mem::take(&mut *world.sent.lock());
    assert_eq!(sent[0].ends_at, at(140));
    let ended: Vec<String> = world
        .take_written()
        .into_iter()
        .filter(|line| line.contains("stale"))
        .collect();
    assert_eq!(ended.len(), 2, "ALERTS and ALERTS_FOR_STATE end: {ended:?}");
    assert!(group.view().rules[0].alerts.is_empty());
}

#[test]
fn keeps_firing_through_short_gaps() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let mut group = group(vec![RuleSpec::Alerting(alerting(0, 20))]);
    world.answer("up == 0", 100, DOWN);
    for (seconds, state) in [
        (100, AlertState::Firing),
        (110, AlertState::Firing),
        (120, AlertState::Firing),
        (130, AlertState::Inactive),
    ] {
        group.evaluate(&environment, at(seconds));
        assert_eq!(group.view().rules[0].state, Some(state), "at {seconds}");
    }
}

/// Since when an alert is active that comes back at 2800, two evaluations after a restart.
fn restored(stored: &[(i64, f64)]) -> Timestamp {
    let world = Arc::new(World::default());
    let labels = Labels::from_pairs([
        ("__name__", "ALERTS_FOR_STATE"),
        ("alertname", "Down"),
        ("namespace", "kasten-io"),
        ("service", "metering"),
        ("severity", "critical"),
    ]);
    let environment = environment(&world, vec![(labels, stored.to_vec())]);
    let mut group = group(vec![RuleSpec::Alerting(alerting(3000, 0))]);
    world.answer("up == 0", 2800, DOWN);
    // Nothing is scraped yet.
    group.evaluate(&environment, at(2790));
    group.evaluate(&environment, at(2800));
    group.view().rules[0].alerts[0].active_at
}

#[test]
fn for_state_survives_a_restart() {
    // Active since 1000, last seen at 2500.
    assert_eq!(
        restored(&[(2_500_000, 1000.0)]),
        at(1300),
        "the 300 s of outage do not count"
    );
}

#[test]
fn an_alert_that_was_over_before_a_restart_is_not_restored() {
    let stored = [(2_500_000, 1000.0), (2_510_000, model::sample::STALE_NAN)];
    assert_eq!(restored(&stored), at(2800));
}

#[test]
fn groups_that_come_with_a_reload_restore_nothing() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let mut group = group(vec![RuleSpec::Alerting(alerting(20, 0))]);
    group.skip_restoring();
    world.answer("up == 0", 100, DOWN);
    group.evaluate(&environment, at(100));
    assert_eq!(
        world.take_written().len(),
        2,
        "its series are there at once"
    );
}

#[test]
fn a_longer_for_makes_alerts_wait_again() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let mut old = group(vec![RuleSpec::Alerting(alerting(0, 0))]);
    for seconds in [100, 110, 120] {
        world.answer("up == 0", seconds, DOWN);
    }
    old.evaluate(&environment, at(100));
    assert_eq!(world.sent.lock().len(), 1);
    let mut group = group(vec![RuleSpec::Alerting(alerting(20, 0))]);
    group.adopt(old);
    let mut states = Vec::new();
    for seconds in [110, 120] {
        group.evaluate(&environment, at(seconds));
        states.extend(group.view().rules[0].state);
    }
    assert_eq!(states, [AlertState::Pending, AlertState::Firing]);
    let starts: Vec<_> = world
        .sent
        .lock()
        .iter()
        .map(|sent| sent.starts_at)
        .collect();
    assert_eq!(starts, [at(100), at(120)], "it fires anew");
}

#[test]
fn nothing_is_told_where_the_evaluation_failed() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let mut group = group(vec![RuleSpec::Alerting(alerting(0, 0))]);
    world.answer("up == 0", 100, DOWN);
    group.evaluate(&environment, at(100));
    world.failing.store(true, Ordering::Relaxed);
    // Long after the resend delay: whether it still holds nobody knows.
    group.evaluate(&environment, at(300));
    assert_eq!(world.sent.lock().len(), 1);
    let rule = &group.view().rules[0];
    assert_eq!((rule.health, rule.alerts.len()), (Health::Failed, 1));
    world.failing.store(false, Ordering::Relaxed);
    world.answer("up == 0", 310, DOWN);
    group.evaluate(&environment, at(310));
    assert_eq!(world.sent.lock().len(), 2);
}

#[test]
fn empty_labels_take_labels_away_and_empty_annotations_stay() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let rule = AlertingSpec {
        labels: pairs(&[("namespace", ""), ("service", "{{ if false }}x{{ end }}")]),
        annotations: pairs(&[("a", ""), ("b", "{{ if false }}x{{ end }}"), ("c", "y")]),
        ..alerting(0, 0)
    };
    let record = RecordingSpec {
        record: "r".to_owned(),
        expr: "up == 0".to_owned(),
        labels: pairs(&[("namespace", "")]),
    };
    let mut group = group(vec![RuleSpec::Alerting(rule), RuleSpec::Recording(record)]);
    world.answer("up == 0", 100, DOWN);
    group.evaluate(&environment, at(100));
    let sent = &world.sent.lock()[0];
    assert_eq!(sent.labels.to_string(), r#"{alertname="Down"}"#);
    assert_eq!(sent.annotations, pairs(&[("a", ""), ("b", ""), ("c", "y")]));
    let written = world.take_written();
    assert_eq!(
        written.last().map(String::as_str),
        Some(r#"{__name__="r", service="metering"} 0 @100"#)
    );
}

#[test]
fn results_that_the_store_refuses_make_a_rule_unhealthy() {
    let world = Arc::new(World::default());
    let stored = Labels::from_pairs([("__name__", "a:b"), ("l", "2")]);
    let environment = environment(&world, vec![(stored, vec![(100_000, 7.5)])]);
    let rule = RecordingSpec {
        record: "a:b".to_owned(),
        expr: "b".to_owned(),
        labels: Pairs::empty(),
    };
    let mut group = group(vec![RuleSpec::Recording(rule)]);
    let both: &[(&[(&str, &str)], f64)] = &[(&[("l", "1")], 1.0), (&[("l", "2")], 2.0)];
    world.answer("b", 100, both);
    world
        .taken
        .lock()
        .push(r#"{__name__="a:b", l="2"}"#.to_owned());
    let counts = group.evaluate(&environment, at(100));
    assert_eq!((counts.failures, counts.refused, counts.samples), (0, 1, 2));
    let view = group.view();
    assert_eq!(view.rules[0].health, Health::Failed);
    let error = view.rules[0].refusal.as_ref().map(ToString::to_string);
    assert_eq!(
        error.as_deref(),
        Some(
            "duplicate sample for timestamp 100000; overrides not allowed: existing 7.5, new value 2"
        )
    );
    world.take_written();
    // What it never wrote is not its to end.
    group.evaluate(&environment, at(110));
    assert_eq!(
        world.take_written(),
        [r#"{__name__="a:b", l="1"} stale @110"#]
    );
    assert_eq!(group.view().rules[0].health, Health::Ok);
}

/// Answers once two queries wait.
struct Meeting(std::sync::Barrier);

impl QuerySource for Meeting {
    fn instant(&self, _: &str, _: Timestamp) -> Result<Vec<ResultSample>, String> {
        self.0.wait();
        Ok(Vec::new())
    }
}

#[test]
fn rules_of_a_stage_are_evaluated_at_once() {
    let world = Arc::new(World::default());
    let mut environment = environment(&world, Vec::new());
    environment.queries = Arc::new(Meeting(std::sync::Barrier::new(2)));
    let rules = ["a", "b"].map(|record| {
        RuleSpec::Recording(RecordingSpec {
            record: record.to_owned(),
            expr: "x".to_owned(),
            labels: Pairs::empty(),
        })
    });
    let mut group = group(rules.into());
    group.spec.stages = vec![vec![0, 1]];
    let places = tokio::sync::Semaphore::new(1);
    let counts = group.evaluate_at_once(&environment, at(10), Some(&places));
    assert_eq!((counts.evaluations, counts.failures), (2, 0));
    assert_eq!(places.available_permits(), 1);
}

#[test]
fn recording_rules_write_and_end_series() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let rule = RecordingSpec {
        record: "job:up:sum".to_owned(),
        expr: "sum by (job) (up)".to_owned(),
        labels: pairs(&[("team", "a")]),
    };
    let mut group = group(vec![RuleSpec::Recording(rule)]);
    world.answer(
        "sum by (job) (up)",
        10,
        &[(&[("job", "x")], 3.0), (&[("job", "y")], 4.0)],
    );
    world.answer("sum by (job) (up)", 20, &[(&[("job", "x")], 2.0)]);
    group.evaluate(&environment, at(10));
    world.take_written();
    group.evaluate(&environment, at(20));
    assert_eq!(
        world.take_written(),
        [
            r#"{__name__="job:up:sum", job="x", team="a"} 2 @20"#,
            r#"{__name__="job:up:sum", job="y", team="a"} stale @20"#,
        ]
    );
}

#[test]
fn failures_have_reasons_and_end_nothing_but_their_rule() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let recording = |expr: &str| {
        RuleSpec::Recording(RecordingSpec {
            record: "r".to_owned(),
            expr: expr.to_owned(),
            labels: Pairs::empty(),
        })
    };
    let same = RuleSpec::Recording(RecordingSpec {
        record: "r".to_owned(),
        expr: "two".to_owned(),
        labels: pairs(&[("job", "same")]),
    });
    let mut group = group(vec![
        recording("broken"),
        same,
        recording("many"),
        recording("fine"),
    ]);
    world.answer("two", 10, &[(&[("job", "x")], 1.0), (&[("job", "y")], 1.0)]);
    let many: Vec<String> = (0..3).map(|n| n.to_string()).collect();
    let pairs: Vec<[(&str, &str); 1]> = many.iter().map(|n| [("n", n.as_str())]).collect();
    let rows: Vec<(&[(&str, &str)], f64)> =
        pairs.iter().map(|pair| (pair.as_slice(), 1.0)).collect();
    world.answer("many", 10, &rows);
    let counts = group.evaluate(&environment, at(10));
    assert_eq!((counts.evaluations, counts.failures), (4, 3));
    let view = group.view();
    let refusals: Vec<Option<RuleRefusal>> =
        view.rules.iter().map(|rule| rule.refusal.clone()).collect();
    assert_eq!(
        refusals,
        [
            Some(RuleRefusal::Query("it is broken".to_owned())),
            Some(RuleRefusal::SameLabels { kind: "rule" }),
            Some(RuleRefusal::Limit {
                limit: 2,
                count: 3,
                what: "series"
            }),
            None,
        ]
    );
    assert_eq!(view.rules[3].health, Health::Ok);
}

#[test]
fn series_that_the_store_dropped_are_looked_up_again() {
    let world = Arc::new(World::default());
    let environment = environment(&world, Vec::new());
    let rule = RecordingSpec {
        record: "a:b".to_owned(),
        expr: "b".to_owned(),
        labels: Pairs::empty(),
    };
    let mut group = group(vec![RuleSpec::Recording(rule)]);
    let both: &[(&[(&str, &str)], f64)] = &[(&[("l", "1")], 1.0), (&[("l", "2")], 2.0)];
    world.answer("b", 100, both);
    world.answer("b", 110, both);
    world.answer("b", 120, &both[..1]);
    world.answer("b", 130, &both[..1]);
    group.evaluate(&environment, at(100));
    world.take_written();
    // The second series goes on under a new reference.
    world.dropped.lock().push(1);
    group.evaluate(&environment, at(110));
    let [one, two] = [1, 2].map(|l| format!(r#"{{__name__="a:b", l="{l}"}}"#));
    assert_eq!(
        world.take_written(),
        [format!("{one} 1 @110"), format!("{two} 2 @110")]
    );
    assert_eq!(world.names.lock().len(), 3);
    // It is dropped again and does not come again: nothing is left to end.
    world.dropped.lock().push(2);
    group.evaluate(&environment, at(120));
    group.evaluate(&environment, at(130));
    assert_eq!(
        world.take_written(),
        [format!("{one} 1 @120"), format!("{one} 1 @130")]
    );
    assert_eq!(group.view().rules[0].health, Health::Ok);
}
