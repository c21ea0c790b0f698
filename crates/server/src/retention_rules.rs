//! `--storage.tsdb.retention.rule`: which series are kept for less time than the others. What the rules do is
//! in `tsdb::db`.

use diag::{Reason, ReasonBook};
use model::{Clock, Duration};
use tsdb::db::{RetentionRule, RuleStats};

use crate::retention::Limits;

/// Each rule costs a look at every block.
const RULES_MAX: usize = 100;
/// Rules name the lines of a metric.
const RULE_BYTES_MAX: usize = 1000;

/// The rules of the command line.
#[derive(Clone, Debug, Default)]
pub struct RetentionRules(pub(crate) Vec<RetentionRule>);

/// Why rules were not taken, all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}; write it as '{{namespace=\"dev\"}}=2d'", .0.join("; "))]
pub struct RetentionRulesError(Vec<String>);

impl RetentionRules {
    /// Reads rules: a selector, `=` and a duration each.
    pub fn parse<'t>(
        texts: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, RetentionRulesError> {
        let mut rules: Vec<RetentionRule> = Vec::new();
        let mut problems = Vec::new();
        for text in texts {
            match parse(text) {
                Ok(rule) => rules.push(rule),
                Err(problem) => problems.push(format!("{}: {problem}", shown(text))),
            }
        }
        if rules.len() > RULES_MAX {
            let count = rules.len();
            problems.push(format!("there are {count} rules, and {RULES_MAX} at most"));
        }
        for (at, rule) in rules.iter().enumerate() {
            let is_same = |other: &RetentionRule| other.matchers == rule.matchers;
            if rules.iter().take(at).any(is_same) {
                let name = shown(&rule.name);
                problems.push(format!("{name}: another rule has the same selector"));
            }
        }
        if !problems.is_empty() {
            return Err(RetentionRulesError(problems));
        }
        Ok(Self(rules))
    }

    /// Tells of rules that change nothing: the retention drops their series before they do.
    pub(crate) fn tell_idle(&self, limits: Limits, reasons: &ReasonBook, clock: &dyn Clock) {
        for rule in &self.0 {
            if limits.time.is_zero() || rule.keep < limits.time {
                continue;
            }
            let idle = IdleRule {
                keep: rule.keep,
                retention: limits.time,
            };
            let subject = format!("retention rule {}", rule.name);
            reasons.record(clock.now().millis(), &subject, &idle);
            tracing::warn!(rule = rule.name, code = idle.code(), "{idle}");
        }
    }
}

/// The beginning of a text that may be long.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 120;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn parse(text: &str) -> Result<RetentionRule, String> {
    if text.len() > RULE_BYTES_MAX {
        return Err(format!("it is longer than {RULE_BYTES_MAX} bytes"));
    }
    // Durations have no `=`.
    let Some((selector, keep)) = text.rsplit_once('=') else {
        return Err("`=` and a duration are missing".to_owned());
    };
    let matchers = promql::parse_metric_selector(selector.trim())
        .map_err(|error| format!("the selector: {error}"))?;
    if matchers.iter().all(model::Matcher::matches_empty) {
        return Err("the selector must contain at least one non-empty matcher".to_owned());
    }
    let keep = Duration::parse(keep.trim()).map_err(|error| format!("the duration: {error}"))?;
    if keep <= Duration::ZERO {
        return Err("the duration must be longer than 0s".to_owned());
    }
    Ok(RetentionRule {
        name: text.to_owned(),
        matchers,
        keep,
    })
}

/// A rule that changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct IdleRule {
    keep: Duration,
    retention: Duration,
}

impl std::fmt::Display for IdleRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { keep, retention } = self;
        write!(
            f,
            "the rule has no effect: it keeps samples for {keep}, and the retention for {retention} at most"
        )
    }
}

impl Reason for IdleRule {
    fn code(&self) -> &'static str {
        "retention-rule-without-effect"
    }

    fn hint(&self) -> Option<String> {
        Some("a rule can keep series for less time than the others, not for more: raise the retention, and write rules for what need not stay so long".to_owned())
    }
}

/// Says what rules have dropped since `before`.
pub(crate) fn tell_dropped(before: &[RuleStats], after: &[RuleStats]) {
    for (before, after) in before.iter().zip(after) {
        let samples = after.samples_dropped - before.samples_dropped;
        if samples > 0 {
            tracing::info!(
                rule = after.name,
                samples,
                "samples dropped by a retention rule"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(texts: &[&str]) -> String {
        RetentionRules::parse(texts.iter().copied())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn rules_are_selectors_and_durations() {
        let rules = RetentionRules::parse([
            r#"{namespace="dev"}=2d"#,
            r#"debug_info = 1h30m"#,
            r#"http_requests_total{le=~"a=b|",code!="=5d"}=36h"#,
        ])
        .unwrap();
        let keep: Vec<String> = rules.0.iter().map(|rule| rule.keep.to_string()).collect();
        assert_eq!(
            keep,
            ["2d", "1h30m", "36h"].map(|text| { Duration::parse(text).unwrap().to_string() })
        );
        assert_eq!(rules.0[2].matchers.len(), 3);
        assert_eq!(rules.0[0].name, r#"{namespace="dev"}=2d"#);
    }

    #[test]
    fn bad_rules_are_named_all_at_once() {
        let text = problem(&[
            "up",
            "up=soon",
            "{a=}=2d",
            "{a=\"\"}=2d",
            "up=0s",
            "{a=~\"(\"}=1d",
        ]);
        for expected in [
            "up: `=` and a duration are missing",
            "up=soon: the duration: ",
            "{a=}=2d: the selector: ",
            "{a=\"\"}=2d: the selector must contain at least one non-empty matcher",
            "up=0s: the duration must be longer than 0s",
            "{a=~\"(\"}=1d: the selector: ",
            "write it as '{namespace=\"dev\"}=2d'",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(problem(&["up=1d", "up=2d"]).contains("the same selector"));
        let long = format!("up{{a=\"{}\"}}=1d", "x".repeat(2000));
        let text = problem(&[&long]);
        assert!(
            text.contains("longer than 1000 bytes") && text.len() < 400,
            "{text}"
        );
        let many: Vec<String> = (0..101).map(|n| format!("m{n}=1d")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(problem(&many).contains("101 rules"));
    }

    #[test]
    fn a_rule_longer_than_the_retention_is_told() {
        let rules = RetentionRules::parse(["a=1d", "b=15d", "c=40d"]).unwrap();
        let reasons = ReasonBook::new(10);
        let clock = model::clock::ManualClock::new(model::Timestamp(0));
        let limits = Limits {
            time: Duration::parse("15d").unwrap(),
            ..Limits::default()
        };
        rules.tell_idle(limits, &reasons, &clock);
        let told = || -> Vec<String> {
            let mut entries = reasons.entries(Some("retention-rule-without-effect"));
            entries.sort_by(|a, b| a.subject.cmp(&b.subject));
            entries.into_iter().map(|entry| entry.subject).collect()
        };
        assert_eq!(told(), ["retention rule b=15d", "retention rule c=40d"]);
        rules.tell_idle(Limits::default(), &reasons, &clock);
        assert_eq!(told().len(), 2);
    }
}
