//! Which rules of a group may be evaluated at once: those of which none reads or writes what another one writes.
//!
//! The result is that of an evaluation one after another. Prometheus asks only what a rule reads of those before it
//! (`concurrent-rule-eval`); here a rule also waits for those before it that read what it writes, for they are to see
//! the value of the last evaluation.

use std::collections::HashMap;

use model::labels::{ALERT_NAME, METRIC_NAME};
use model::{MatchOp, Matcher, Pairs};
use promql::Expr;
use rules::{ALERT_METRICS, AlertingSpec, RuleSpec};

/// A text with this in a template may ask for anything.
const QUERY_FUNCTION: &str = "query";
const TEMPLATE: &str = "{{";

/// What a rule looks at.
enum Reads {
    Everything,
    /// Series that one of these selects.
    Selected(Vec<Selector>),
}

/// The matchers of a selector that say which rule may have written its series.
struct Selector {
    name: Matcher,
    alert_name: Option<Matcher>,
}

/// Places in `rules` by stage, each as early as it can be. `exprs` are the expressions of the rules; of one that cannot
/// be read nothing is known.
pub(crate) fn stages(rules: &[RuleSpec], exprs: &[Option<Expr>]) -> Vec<Vec<usize>> {
    let reads: Vec<Reads> = rules
        .iter()
        .zip(exprs)
        .map(|(rule, expr)| reads(rule, expr.as_ref()))
        .collect();
    let mut before = Before::default();
    let mut stages: Vec<Vec<usize>> = Vec::new();
    for (at, (rule, reads)) in rules.iter().zip(&reads).enumerate() {
        let stage = before.first_stage(rule, reads);
        before.add(rule, reads, stage);
        if stages.len() <= stage {
            stages.resize_with(stage + 1, Vec::new);
        }
        if let Some(stage) = stages.get_mut(stage) {
            stage.push(at);
        }
    }
    stages
}

fn reads(rule: &RuleSpec, expr: Option<&Expr>) -> Reads {
    let Some(expr) = expr else {
        return Reads::Everything;
    };
    if let RuleSpec::Alerting(alerting) = rule {
        let texts = alerting.labels.iter().chain(&alerting.annotations);
        let asks = |text: &str| text.contains(TEMPLATE) && text.contains(QUERY_FUNCTION);
        if texts.into_iter().any(|(_, text)| asks(text)) {
            return Reads::Everything;
        }
    }
    let mut selectors = Some(Vec::new());
    expr.for_each_selector(&mut |selector| {
        let named = |name: &str| selector.matchers.iter().find(|one| one.name() == name);
        let selector = named(METRIC_NAME).map(|name| Selector {
            name: name.clone(),
            alert_name: named(ALERT_NAME).cloned(),
        });
        match (selector, &mut selectors) {
            (Some(selector), Some(list)) => list.push(selector),
            _ => selectors = None,
        }
    });
    selectors.map_or(Reads::Everything, Reads::Selected)
}

/// The rules before one, with the first stage that is behind each: large groups need not compare all with all.
#[derive(Default)]
struct Before<'a> {
    /// Behind all of them.
    end: usize,
    /// Behind those that read everything.
    end_of_everything: usize,
    /// By metric of recording rules.
    records: HashMap<&'a str, usize>,
    alerts: Vec<(&'a AlertingSpec, usize)>,
    /// By metric that selectors name.
    readers: HashMap<&'a str, usize>,
    /// Selectors that may select series of several metrics, or of alerts.
    loose: Vec<(&'a Selector, usize)>,
    by_name: HashMap<&'a str, Vec<(&'a RuleSpec, usize)>>,
}

impl<'a> Before<'a> {
    fn first_stage(&self, rule: &RuleSpec, reads: &Reads) -> usize {
        let mut stage = self.end_of_everything;
        let mut wait = |end: usize| stage = stage.max(end);
        match reads {
            Reads::Everything => wait(self.end),
            Reads::Selected(selectors) => {
                for selector in selectors {
                    self.writers(selector).for_each(&mut wait);
                }
            }
        }
        match rule {
            RuleSpec::Recording(rule) => {
                let record = rule.record.as_str();
                self.readers
                    .get(record)
                    .copied()
                    .into_iter()
                    .for_each(&mut wait);
                let loose = self.loose.iter();
                let loose = loose.filter(|(selector, _)| selector.name.matches(record));
                loose.for_each(|(_, end)| wait(*end));
            }
            RuleSpec::Alerting(rule) => {
                let loose = self.loose.iter();
                let loose = loose.filter(|(selector, _)| selector.takes(rule));
                loose.for_each(|(_, end)| wait(*end));
            }
        }
        let namesakes = self.by_name.get(rule.name()).into_iter().flatten();
        for (other, end) in namesakes {
            if stage < *end && may_clash(other, rule) {
                stage = *end;
            }
        }
        stage
    }

    /// Of series that the selector may select: the stages behind their rules.
    fn writers(&self, selector: &Selector) -> impl Iterator<Item = usize> {
        let (exact, any) = match selector.name.op() {
            MatchOp::Equal => (self.records.get(selector.name.value()), None),
            _ => (None, Some(self.records.iter())),
        };
        let any = any.into_iter().flatten();
        let any = any.filter(|(record, _)| selector.name.matches(record));
        let alerts: &[_] = if selector.selects_alerts() {
            &self.alerts
        } else {
            &[]
        };
        let alerts = alerts.iter().filter(|(alert, _)| selector.takes(alert));
        exact
            .into_iter()
            .chain(any.map(|(_, end)| end))
            .chain(alerts.map(|(_, end)| end))
            .copied()
    }

    fn add(&mut self, rule: &'a RuleSpec, reads: &'a Reads, stage: usize) {
        let end = stage + 1;
        let raise = |known: &mut usize| *known = end.max(*known);
        raise(&mut self.end);
        match reads {
            Reads::Everything => raise(&mut self.end_of_everything),
            Reads::Selected(selectors) => {
                for selector in selectors {
                    if selector.name.op() == MatchOp::Equal && !selector.selects_alerts() {
                        raise(self.readers.entry(selector.name.value()).or_default());
                    } else {
                        self.loose.push((selector, end));
                    }
                }
            }
        }
        match rule {
            RuleSpec::Recording(rule) => raise(self.records.entry(&rule.record).or_default()),
            RuleSpec::Alerting(rule) => self.alerts.push((rule, end)),
        }
        let namesakes = self.by_name.entry(rule.name()).or_default();
        namesakes.push((rule, end));
    }
}

impl Selector {
    fn selects_alerts(&self) -> bool {
        ALERT_METRICS.iter().any(|metric| self.name.matches(metric))
    }

    /// Whether it may select series that tell of alerts of this rule.
    fn takes(&self, rule: &AlertingSpec) -> bool {
        let is_wanted = self.alert_name.as_ref();
        self.selects_alerts() && is_wanted.is_none_or(|wanted| wanted.matches(&rule.alert))
    }
}

/// Whether two rules of one name may write the same series, of which the first one is to win.
fn may_clash(a: &RuleSpec, b: &RuleSpec) -> bool {
    let differ = |a: &Pairs, b: &Pairs| {
        a.iter().any(|(name, value)| {
            let other = b.get(name);
            let is_plain = |text: &str| !text.contains(TEMPLATE);
            other.is_some_and(|other| other != value && is_plain(other) && is_plain(value))
        })
    };
    match (a, b) {
        (RuleSpec::Recording(a), RuleSpec::Recording(b)) => !differ(&a.labels, &b.labels),
        (RuleSpec::Alerting(a), RuleSpec::Alerting(b)) => !differ(&a.labels, &b.labels),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use promql::ParserOptions;
    use rules::RecordingSpec;

    use super::*;

    /// The stages of rules, each of which is `record = expr` or `ALERT: expr`.
    fn staged(lines: &[&str]) -> Vec<Vec<usize>> {
        let rule = |line: &&str| match line.split_once(" = ") {
            Some((record, expr)) => RuleSpec::Recording(RecordingSpec {
                record: record.split('@').next().unwrap().to_owned(),
                expr: expr.to_owned(),
                labels: record
                    .split_once('@')
                    .map(|pair| ("l", pair.1))
                    .into_iter()
                    .collect(),
            }),
            None => {
                let (alert, expr) = line.split_once(": ").unwrap();
                let (expr, text) = expr.split_once(" # ").unwrap_or((expr, ""));
                RuleSpec::Alerting(AlertingSpec {
                    alert: alert.to_owned(),
                    expr: expr.to_owned(),
                    hold: model::Duration::ZERO,
                    keep_firing_for: model::Duration::ZERO,
                    labels: Pairs::empty(),
                    annotations: [("text", text)].into_iter().collect(),
                })
            }
        };
        let rules: Vec<RuleSpec> = lines.iter().map(rule).collect();
        let options = ParserOptions::default();
        let exprs: Vec<Option<Expr>> = rules
            .iter()
            .map(|rule| promql::parse(rule.expr(), &options).ok())
            .collect();
        stages(&rules, &exprs)
    }

    #[test]
    fn rules_wait_for_what_they_read() {
        let stages = staged(&["a = x", "b = y", "c = a + 1", "d = sum(c) / b", "e = z"]);
        assert_eq!(stages, [vec![0, 1, 4], vec![2], vec![3]]);
        let stages = staged(&[
            "a = x",
            "b = y",
            "r = {__name__=~\"a|c\"}",
            "s = {job=\"j\"}",
        ]);
        assert_eq!(stages, [vec![0, 1], vec![2], vec![3]]);
    }

    #[test]
    fn rules_wait_for_those_that_read_the_value_before() {
        let stages = staged(&[
            "old = a offset 1m",
            "a = x",
            "n = {__name__!=\"q\"}",
            "b = y",
        ]);
        assert_eq!(stages, [vec![0], vec![1], vec![2], vec![3]]);
    }

    #[test]
    fn alerts_are_read_as_series_and_in_templates() {
        let stages = staged(&[
            "A: x",
            "B: y",
            "a = ALERTS{alertname=\"A\"}",
            "all = count(ALERTS_FOR_STATE)",
            "C: z # {{ query \"a\" }}",
            "D: z # plain query",
        ]);
        assert_eq!(stages, [vec![0, 1], vec![2, 3], vec![4], vec![5]]);
    }

    #[test]
    fn of_the_same_series_the_first_one_wins() {
        let stages = staged(&["a = x", "a = y", "a@1 = x", "a@2 = y", "A: x", "A: y"]);
        assert_eq!(stages, [vec![0, 4], vec![1, 5], vec![2, 3]]);
    }
}
