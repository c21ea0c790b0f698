//! Series that rules read or write. They are let in when others are not.

use std::collections::{HashMap, HashSet};

use model::labels::{Labels, METRIC_NAME};
use model::matcher::{MatchOp, Matcher};
use promql::{ParserOptions, Query};
use rules::GroupSpec;

/// What a scrape says about itself begins with this, except for [`UP`].
const REPORT_PREFIX: &str = "scrape_";
const UP: &str = "up";

/// Selectors by the metric that they name, and the others.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    by_metric: HashMap<String, Vec<Vec<Matcher>>>,
    of_any_metric: Vec<Vec<Matcher>>,
    written: HashSet<String>,
}

impl Needed {
    pub(crate) fn of(groups: &[GroupSpec], parser: &ParserOptions) -> Self {
        let mut needed = Self::default();
        for rule in groups.iter().flat_map(|group| &group.rules) {
            needed.written.extend(rule.writes().map(str::to_owned));
            // A rule that cannot be read is refused elsewhere.
            let Ok(query) = Query::parse(rule.expr(), parser) else {
                continue;
            };
            query
                .expr()
                .for_each_selector(&mut |selector| needed.add(&selector.matchers));
        }
        needed
    }

    fn add(&mut self, matchers: &[Matcher]) {
        let is_name =
            |matcher: &&Matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal;
        let name = matchers.iter().find(is_name);
        let list = match name {
            Some(name) => self.by_metric.entry(name.value().to_owned()).or_default(),
            None => &mut self.of_any_metric,
        };
        if !list.iter().any(|known| known == matchers) {
            list.push(matchers.to_vec());
        }
    }

    pub(crate) fn contains(&self, labels: &Labels) -> bool {
        let metric = labels.get(METRIC_NAME).unwrap_or_default();
        if metric == UP || metric.starts_with(REPORT_PREFIX) || self.written.contains(metric) {
            return true;
        }
        let of_metric = self.by_metric.get(metric).into_iter().flatten();
        let mut selectors = of_metric.chain(&self.of_any_metric);
        selectors.any(|matchers| matchers.iter().all(|m| m.matches_labels(labels)))
    }
}

#[cfg(test)]
mod tests {
    use model::Pairs;
    use rules::{AlertingSpec, RecordingSpec, RuleSpec};

    use super::*;

    #[test]
    fn what_rules_read_and_write() {
        let recording = RuleSpec::Recording(RecordingSpec {
            record: "job:a:rate5m".to_owned(),
            expr: r#"sum(rate(a{x!="1"}[5m])) / on() b offset 5m"#.to_owned(),
            labels: Pairs::empty(),
        });
        let alerting = RuleSpec::Alerting(AlertingSpec {
            alert: "Down".to_owned(),
            expr: r#"{__name__=~"c.+", y="1"} > 0"#.to_owned(),
            hold: model::Duration::ZERO,
            keep_firing_for: model::Duration::ZERO,
            labels: Pairs::empty(),
            annotations: Pairs::empty(),
        });
        let group = GroupSpec {
            name: "g".to_owned(),
            file: "f".to_owned(),
            interval: model::Duration::from_secs(1),
            query_offset: model::Duration::ZERO,
            limit: 0,
            rules: vec![recording, alerting],
            stages: Vec::new(),
        };
        let needed = Needed::of(&[group], &ParserOptions::default());
        for (name, label, expected) in [
            ("a", ("x", "2"), true),
            ("a", ("x", "1"), false),
            ("b", ("x", "1"), true),
            ("cc", ("y", "1"), true),
            ("cc", ("y", "2"), false),
            ("c", ("y", "1"), false),
            ("job:a:rate5m", ("x", ""), true),
            ("ALERTS", ("alertname", "Down"), true),
            ("ALERTS_FOR_STATE", ("alertname", "Down"), true),
            ("up", ("job", "j"), true),
            ("scrape_samples_scraped", ("job", "j"), true),
            ("other", ("x", "2"), false),
        ] {
            let labels = Labels::from_pairs([("__name__", name), label]);
            assert_eq!(needed.contains(&labels), expected, "{labels}");
        }
    }
}
