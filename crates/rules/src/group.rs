//! One group: the state of its rules, one evaluation, and the view that the API shows.

use std::time::Instant;

use model::Timestamp;
use tokio::sync::Semaphore;

use crate::alert::{Alert, AlertState};
use crate::alerting::AlertingState;
use crate::environment::Environment;
use crate::recording;
use crate::refusal::RuleRefusal;
use crate::restore::restore_for_state;
use crate::spec::{GroupSpec, RuleSpec};
use crate::written::Written;

/// How the newest evaluation of a rule went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Not evaluated yet.
    #[default]
    Unknown,
    Ok,
    Failed,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Failed => "err",
        }
    }
}

/// One rule and what is known of it now.
#[derive(Clone, Debug)]
pub struct RuleView {
    pub spec: RuleSpec,
    pub health: Health,
    pub refusal: Option<RuleRefusal>,
    pub last_evaluation: Option<Timestamp>,
    pub evaluation_seconds: f64,
    /// `None` for recording rules and before the first evaluation.
    pub state: Option<AlertState>,
    /// Pending and firing alerts, by labels.
    pub alerts: Vec<Alert>,
}

/// One group and what is known of it now; an immutable snapshot.
#[derive(Clone, Debug)]
pub struct GroupView {
    pub spec: GroupSpec,
    pub rules: Vec<RuleView>,
    pub last_evaluation: Option<Timestamp>,
    pub evaluation_seconds: f64,
    /// Series that the newest evaluation made.
    pub samples: usize,
    pub iterations: u64,
    pub missed: u64,
    /// How long restoring the `for` state took, if that was done.
    pub restore_seconds: Option<f64>,
}

#[derive(Debug, Default)]
struct RuleState {
    health: Health,
    refusal: Option<RuleRefusal>,
    last_evaluation: Option<Timestamp>,
    evaluation_seconds: f64,
    alerting: AlertingState,
    written: Written,
}

/// A group with the state of its rules. Owned by the task that evaluates it, or by whoever evaluates rules at
/// times of their own, such as tests of rules.
#[derive(Debug)]
pub struct Group {
    pub(crate) spec: GroupSpec,
    rules: Vec<RuleState>,
    last_evaluation: Option<Timestamp>,
    evaluation_seconds: f64,
    samples: usize,
    iterations: u64,
    missed: u64,
    restore_seconds: Option<f64>,
    needs_restore: bool,
    /// Series of rules that a reload removed; they end at the next evaluation.
    ended: Written,
}

/// What one evaluation did, for counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvaluationCounts {
    pub evaluations: usize,
    pub failures: usize,
    /// Rules of whose results the store refused some.
    pub refused: usize,
    pub samples: usize,
}

impl EvaluationCounts {
    fn add(&mut self, other: Self) {
        self.evaluations += other.evaluations;
        self.failures += other.failures;
        self.refused += other.refused;
        self.samples += other.samples;
    }
}

impl Group {
    pub fn new(spec: GroupSpec) -> Self {
        let rules = spec.rules.iter().map(|_| RuleState::default()).collect();
        Self {
            spec,
            rules,
            last_evaluation: None,
            evaluation_seconds: 0.0,
            samples: 0,
            iterations: 0,
            missed: 0,
            restore_seconds: None,
            needs_restore: true,
            ended: Written::default(),
        }
    }

    /// There was no earlier run: alerts start without a look at stored series.
    pub fn skip_restoring(&mut self) {
        self.needs_restore = false;
        for state in &mut self.rules {
            state.alerting.is_restored = true;
        }
    }

    /// Takes over what rules that did not change know: their alerts and series. Series of rules that are
    /// gone end with the next evaluation.
    pub(crate) fn adopt(&mut self, mut old: Self) {
        for (spec, state) in self.spec.rules.iter().zip(&mut self.rules) {
            let same = old
                .spec
                .rules
                .iter()
                .position(|candidate| is_same_rule(candidate, spec));
            if let Some(at) = same {
                old.spec.rules.remove(at);
                *state = old.rules.remove(at);
            }
        }
        self.ended = old.ended;
        for state in old.rules {
            self.ended.adopt(state.written);
        }
        self.last_evaluation = old.last_evaluation;
        self.needs_restore = old.needs_restore;
        // Rules that came with the reload have nothing to restore.
        for state in &mut self.rules {
            state.alerting.is_restored = !old.needs_restore;
        }
    }

    pub(crate) fn count_missed(&mut self, missed: i64) {
        self.missed += u64::try_from(missed).unwrap_or(0);
        let refusal = RuleRefusal::Missed { missed };
        tracing::warn!(group = self.spec.name, %refusal, "rule group is slow");
    }

    /// Evaluates all rules for `time`, one after another, writes their series and hands on their alerts.
    pub fn evaluate(&mut self, environment: &Environment, time: Timestamp) -> EvaluationCounts {
        self.evaluate_at_once(environment, time, None)
    }

    /// As [`Group::evaluate`]; rules of one stage are evaluated at the same time as far as there are places, each on a
    /// thread of its own.
    pub(crate) fn evaluate_at_once(
        &mut self,
        environment: &Environment,
        time: Timestamp,
        places: Option<&Semaphore>,
    ) -> EvaluationCounts {
        let started = Instant::now();
        let evaluation = Evaluation {
            group: &self.spec,
            environment,
            time,
        };
        let rules = self.spec.rules.iter().zip(&mut self.rules);
        let mut waiting: Vec<Option<Work<'_>>> = rules.map(Some).collect();
        let mut counts = EvaluationCounts::default();
        // Without places the order of the file is as good.
        if let Some(places) = places {
            for stage in &self.spec.stages {
                let taken = stage.iter().filter_map(|at| waiting.get_mut(*at)?.take());
                counts.add(evaluation.stage(taken.collect(), places));
            }
        }
        for work in waiting.into_iter().flatten() {
            counts.add(evaluation.rule(work));
        }
        self.end_series(environment, time - self.spec.query_offset);
        // Not after the first evaluation: not everything has been scraped by then, nor have all records been written
        // that alerts depend on.
        if self.needs_restore && self.iterations > 0 {
            self.needs_restore = false;
            self.restore(environment, time);
        }
        self.iterations += 1;
        self.last_evaluation = Some(time);
        self.samples = counts.samples;
        self.evaluation_seconds = started.elapsed().as_secs_f64();
        counts
    }

    fn restore(&mut self, environment: &Environment, now: Timestamp) {
        let started = Instant::now();
        for (spec, state) in self.spec.rules.iter().zip(&mut self.rules) {
            if let RuleSpec::Alerting(rule) = spec
                && let Err(error) = restore_for_state(&mut state.alerting, rule, environment, now)
            {
                tracing::warn!(rule = rule.alert, %error, "restoring the `for` state failed");
            }
        }
        self.restore_seconds = Some(started.elapsed().as_secs_f64());
    }

    /// Ends the series of removed rules.
    fn end_series(&mut self, environment: &Environment, time: Timestamp) {
        if self.ended.is_empty() {
            return;
        }
        let mut ended = std::mem::take(&mut self.ended);
        if let Err(error) = ended.write(&*environment.writer, time, &[]) {
            tracing::warn!(group = self.spec.name, %error, "ending the series of removed rules failed");
        }
    }

    /// Ends all series of the group, which was removed from the configuration at `time`. Those that something else has
    /// written to since then go on.
    pub(crate) fn end(mut self, environment: &Environment, time: Timestamp) {
        for rule in &mut self.rules {
            self.ended.adopt(std::mem::take(&mut rule.written));
        }
        self.end_series(environment, time);
    }

    pub fn view(&self) -> GroupView {
        let rules = self
            .spec
            .rules
            .iter()
            .zip(&self.rules)
            .map(|(spec, state)| {
                let is_alerting =
                    matches!(spec, RuleSpec::Alerting(_)) && state.last_evaluation.is_some();
                let living = state
                    .alerting
                    .active
                    .values()
                    .filter(|alert| alert.state != AlertState::Inactive);
                RuleView {
                    spec: spec.clone(),
                    health: state.health,
                    refusal: state.refusal.clone(),
                    last_evaluation: state.last_evaluation,
                    evaluation_seconds: state.evaluation_seconds,
                    state: is_alerting.then(|| state.alerting.worst()),
                    alerts: living.cloned().collect(),
                }
            });
        GroupView {
            spec: self.spec.clone(),
            rules: rules.collect(),
            last_evaluation: self.last_evaluation,
            evaluation_seconds: self.evaluation_seconds,
            samples: self.samples,
            iterations: self.iterations,
            missed: self.missed,
            restore_seconds: self.restore_seconds,
        }
    }
}

/// A rule and its state.
type Work<'a> = (&'a RuleSpec, &'a mut RuleState);

/// One evaluation of a group, as its rules see it.
#[derive(Clone, Copy)]
struct Evaluation<'a> {
    group: &'a GroupSpec,
    environment: &'a Environment,
    time: Timestamp,
}

impl Evaluation<'_> {
    /// Rules that do not depend on each other. Those for which there is no place right now are evaluated here.
    fn stage(&self, mut rules: Vec<Work<'_>>, places: &Semaphore) -> EvaluationCounts {
        let mut counts = EvaluationCounts::default();
        let last = rules.pop();
        std::thread::scope(|threads| {
            let mut started = Vec::new();
            for work in rules {
                if let Ok(place) = places.try_acquire() {
                    started.push(threads.spawn(move || {
                        let counts = self.rule(work);
                        drop(place);
                        counts
                    }));
                } else {
                    counts.add(self.rule(work));
                }
            }
            if let Some(work) = last {
                counts.add(self.rule(work));
            }
            for thread in started {
                match thread.join() {
                    Ok(own) => counts.add(own),
                    // It ends where the panic of a rule on this thread would end.
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        counts
    }

    fn rule(&self, (spec, state): Work<'_>) -> EvaluationCounts {
        let Self {
            group,
            environment,
            time,
        } = *self;
        let started = Instant::now();
        let sample_time = time - group.query_offset;
        state.last_evaluation = Some(time);
        let result = match spec {
            RuleSpec::Recording(rule) => {
                recording::evaluate(rule, group.limit, environment, sample_time)
            }
            RuleSpec::Alerting(rule) => {
                let alerting = &mut state.alerting;
                alerting.evaluate(rule, group.limit, environment, time, group.query_offset)
            }
        };
        // Alerts go on their way before their series are written: no full disk may hold them up. Where the evaluation
        // failed nothing is known of them, and nothing is told, as in the peer.
        if let (RuleSpec::Alerting(rule), Ok(_)) = (spec, &result) {
            let changes = state.alerting.take_changes();
            if !changes.is_empty() {
                environment.alerts.changed(group, rule, changes);
            }
            let due = state
                .alerting
                .take_due(rule, environment, time, group.interval);
            if !due.is_empty() {
                environment.alerts.send(due);
            }
        }
        let mut counts = EvaluationCounts {
            evaluations: 1,
            ..EvaluationCounts::default()
        };
        let written = result.and_then(|samples| {
            counts.samples = samples.len();
            let writer = &*environment.writer;
            state.written.write(writer, sample_time, &samples)
        });
        state.refusal = match written {
            Ok(refused) => {
                // They make a rule unhealthy, but its evaluation did not fail.
                counts.refused = usize::from(refused.is_some());
                refused.map(|refused| refused.reason(&*environment.reader))
            }
            Err(refusal) => {
                counts.failures = 1;
                Some(refusal)
            }
        };
        state.health = match &state.refusal {
            None => Health::Ok,
            Some(refusal) => {
                tracing::warn!(group = group.name, rule = spec.name(), %refusal, "evaluating a rule failed");
                Health::Failed
            }
        };
        state.evaluation_seconds = started.elapsed().as_secs_f64();
        counts
    }
}

fn is_same_rule(a: &RuleSpec, b: &RuleSpec) -> bool {
    match (a, b) {
        // Name and labels decide, as in the peer: a changed expression keeps the alerts that fire.
        (RuleSpec::Alerting(a), RuleSpec::Alerting(b)) => {
            a.alert == b.alert && a.labels == b.labels
        }
        (RuleSpec::Recording(a), RuleSpec::Recording(b)) => {
            a.record == b.record && a.labels == b.labels
        }
        _ => false,
    }
}
