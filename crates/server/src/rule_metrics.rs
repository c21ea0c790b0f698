//! Metrics of rule groups, under Prometheus' names.

use std::collections::HashSet;
use std::sync::Arc;

use metrics::{Counter, Histogram, Kind, Page, Registry, Summary, Vector};
use model::Timestamp;
use rules::GroupView;
use rules::group::EvaluationCounts;
use rules::schedule::Views;

use crate::self_metrics::{float, float_of};

/// Seconds, of the histograms.
const BOUNDS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];
/// Of the durations of groups; those of rules have the usual ones.
const GROUP_QUANTILES: &[f64] = &[0.01, 0.05, 0.5, 0.9, 0.99];

/// What is counted after each evaluation.
#[derive(Clone, Debug)]
pub(crate) struct RuleCounters {
    evaluations: Vector<Counter>,
    failures: Vector<Counter>,
    rule_seconds: Duration,
    group_seconds: Duration,
}

/// One duration, in both forms that the peer has.
#[derive(Clone, Debug)]
struct Duration {
    summary: Summary,
    histogram: Histogram,
}

impl Duration {
    fn observe(&self, seconds: f64) {
        self.summary.observe(seconds);
        self.histogram.observe(seconds);
    }
}

impl RuleCounters {
    pub(crate) fn new(registry: &Registry) -> Self {
        let of_rules = "The duration for a rule to execute.";
        let of_groups = "The duration of rule group evaluations.";
        Self {
            evaluations: registry.counters(
                "prometheus_rule_evaluations_total",
                "The total number of rule evaluations.",
                &["rule_group"],
            ),
            failures: registry.counters(
                "prometheus_rule_evaluation_failures_total",
                "The total number of rule evaluation failures.",
                &["rule_group"],
            ),
            rule_seconds: Duration {
                summary: registry
                    .summaries("prometheus_rule_evaluation_duration_seconds", of_rules, &[])
                    .with(&[]),
                histogram: registry.histogram(
                    "prometheus_rule_evaluation_duration_histogram_seconds",
                    of_rules,
                    &BOUNDS,
                ),
            },
            group_seconds: Duration {
                summary: registry
                    .summaries_at(
                        "prometheus_rule_group_duration_seconds",
                        of_groups,
                        &[],
                        GROUP_QUANTILES,
                    )
                    .with(&[]),
                histogram: registry.histogram(
                    "prometheus_rule_group_duration_histogram_seconds",
                    of_groups,
                    &BOUNDS,
                ),
            },
        }
    }

    /// Shows what `views` have, and forgets the counts of groups that are gone.
    pub(crate) fn show(&self, registry: &Registry, views: Views) {
        let counters = self.clone();
        registry.on_render(move |page| {
            let views = views.all();
            groups(page, &views);
            let names: HashSet<String> = views.iter().map(|view| group_name(view)).collect();
            for counts in [&counters.evaluations, &counters.failures] {
                counts.retain(|values| values.iter().all(|name| names.contains(name)));
            }
        });
    }

    pub(crate) fn observe(&self, view: &GroupView, counts: EvaluationCounts) {
        let group = group_name(view);
        self.evaluations
            .with(&[&group])
            .add_count(counts.evaluations);
        self.failures.with(&[&group]).add_count(counts.failures);
        for rule in &view.rules {
            self.rule_seconds.observe(rule.evaluation_seconds);
        }
        self.group_seconds.observe(view.evaluation_seconds);
    }
}

/// `file;group`, as the peer names groups.
fn group_name(view: &GroupView) -> String {
    format!("{};{}", view.spec.file, view.spec.name)
}

fn groups(page: &mut Page, groups: &[Arc<GroupView>]) {
    for view in groups {
        let group = group_name(view);
        let labels = [("rule_group", group.as_str())];
        for (kind, name, help, value) in [
            (
                Kind::Gauge,
                "prometheus_rule_group_interval_seconds",
                "The interval of a rule group.",
                view.spec.interval.seconds(),
            ),
            (
                Kind::Gauge,
                "prometheus_rule_group_rules",
                "The number of rules.",
                float_of(view.rules.len()),
            ),
            (
                Kind::Gauge,
                "prometheus_rule_group_last_duration_seconds",
                "The duration of the last rule group evaluation.",
                view.evaluation_seconds,
            ),
            (
                Kind::Gauge,
                "prometheus_rule_group_last_rule_duration_sum_seconds",
                "The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. This should be higher than the group duration if rules are evaluated concurrently.",
                view.rules.iter().map(|rule| rule.evaluation_seconds).sum(),
            ),
            (
                Kind::Gauge,
                "prometheus_rule_group_last_evaluation_samples",
                "The number of samples returned during the last rule group evaluation.",
                float_of(view.samples),
            ),
            (
                Kind::Counter,
                "prometheus_rule_group_iterations_total",
                "The total number of scheduled rule group evaluations, whether executed or missed.",
                float(view.iterations + view.missed),
            ),
            (
                Kind::Counter,
                "prometheus_rule_group_iterations_missed_total",
                "The total number of rule group evaluations missed due to slow rule group evaluation.",
                float(view.missed),
            ),
        ] {
            page.sample(kind, name, help, &labels, value);
        }
        if let Some(seconds) = view.restore_seconds {
            let help = "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.";
            let name = "prometheus_rule_group_last_restore_duration_seconds";
            page.sample(Kind::Gauge, name, help, &labels, seconds);
        }
        let seconds = view.last_evaluation.map_or(0.0, Timestamp::seconds);
        let help = "The timestamp of the last rule group evaluation in seconds.";
        page.sample(
            Kind::Gauge,
            "prometheus_rule_group_last_evaluation_timestamp_seconds",
            help,
            &labels,
            seconds,
        );
    }
}
