//! Inhibition: firing source alerts that keep target alerts quiet.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use model::{Labels, Matcher};

use crate::alert::{Alert, Fingerprint};
use crate::config::InhibitRuleSpec;
use crate::time::Time;

/// Which source of which rule inhibits an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inhibition {
    pub source: Fingerprint,
    pub source_labels: Labels,
    /// Position of the rule in the configuration.
    pub rule: usize,
    /// The rule's name, or "".
    pub rule_name: Arc<str>,
}

/// All inhibition rules with the source alerts that each knows.
#[derive(Debug, Default)]
pub struct Inhibitor {
    rules: Vec<Rule>,
}

impl Inhibitor {
    pub fn new(specs: &[InhibitRuleSpec]) -> Self {
        Self {
            rules: specs.iter().map(Rule::new).collect(),
        }
    }

    /// Learns of an alert that was received or changed.
    pub fn observe(&mut self, alert: &Arc<Alert>) {
        for rule in &mut self.rules {
            if all_match(&rule.source_matchers, &alert.labels) {
                rule.set(alert);
            }
        }
    }

    /// The first rule that inhibits an alert with these labels.
    pub fn inhibition(&self, labels: &Labels, now: Time) -> Option<Inhibition> {
        self.inhibitions(labels, now).next()
    }

    /// All rules that inhibit an alert with these labels, in order, each with one source.
    pub fn inhibitions(&self, labels: &Labels, now: Time) -> impl Iterator<Item = Inhibition> {
        self.rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| all_match(&rule.target_matchers, labels))
            .filter_map(move |(index, rule)| {
                let source = rule.source_for(labels, now)?;
                Some(Inhibition {
                    source: source.fingerprint,
                    source_labels: source.labels.clone(),
                    rule: index,
                    rule_name: rule.name.clone(),
                })
            })
    }

    /// Forgets sources that have ended.
    pub fn collect_garbage(&mut self, now: Time) {
        for rule in &mut self.rules {
            rule.collect_garbage(now);
        }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers
        .iter()
        .all(|matcher| matcher.matches_labels(labels))
}

#[derive(Debug)]
struct Rule {
    name: Arc<str>,
    source_matchers: Vec<Matcher>,
    target_matchers: Vec<Matcher>,
    equal: Vec<String>,
    sources: HashMap<Fingerprint, Arc<Alert>, FixedState>,
    /// Sources by the labels that must be equal; absent and empty are the same there.
    buckets: HashMap<Labels, Bucket, FixedState>,
}

/// The sources that agree on the `equal` labels.
#[derive(Debug)]
struct Bucket {
    /// The one that is asked: as in the peer, the one that ends last when it was stored. A source that
    /// matches both sides can therefore hide one that would count.
    asked: Fingerprint,
    members: BTreeSet<Fingerprint>,
}

impl Rule {
    fn new(spec: &InhibitRuleSpec) -> Self {
        Self {
            name: spec.name.as_str().into(),
            source_matchers: spec.source_matchers.clone(),
            target_matchers: spec.target_matchers.clone(),
            equal: spec.equal.clone(),
            sources: HashMap::default(),
            buckets: HashMap::default(),
        }
    }

    fn set(&mut self, alert: &Arc<Alert>) {
        let fingerprint = alert.fingerprint;
        self.sources.insert(fingerprint, alert.clone());
        let bucket = self
            .buckets
            .entry(alert.labels.keep(&self.equal))
            .or_insert_with(|| Bucket {
                asked: fingerprint,
                members: BTreeSet::new(),
            });
        bucket.members.insert(fingerprint);
        let replaces = self
            .sources
            .get(&bucket.asked)
            .is_none_or(|asked| asked.is_resolved_at(alert.ends_at));
        if replaces {
            bucket.asked = fingerprint;
        }
    }

    fn source_for(&self, labels: &Labels, now: Time) -> Option<&Arc<Alert>> {
        let bucket = self.buckets.get(&labels.keep(&self.equal))?;
        let source = self.firing_source(bucket, now)?;
        // Where the alert itself could be a source, sources that could be targets do not count, so that
        // neither an alert nor a pair of alerts silences itself.
        let is_two_sided = all_match(&self.source_matchers, labels)
            && all_match(&self.target_matchers, &source.labels);
        (!is_two_sided).then_some(source)
    }

    /// The bucket's source, or, when it has ended, the other one that ends last. The peer notices the
    /// other one only when it is received again.
    fn firing_source(&self, bucket: &Bucket, now: Time) -> Option<&Arc<Alert>> {
        let asked = self.sources.get(&bucket.asked)?;
        if !asked.is_resolved_at(now) {
            return Some(asked);
        }
        bucket
            .members
            .iter()
            .filter_map(|member| self.sources.get(member))
            .filter(|source| !source.is_resolved_at(now))
            .max_by_key(|source| (source.ends_at, source.fingerprint))
    }

    fn collect_garbage(&mut self, now: Time) {
        self.sources.retain(|_, source| !source.is_resolved_at(now));
        let sources = &self.sources;
        self.buckets.retain(|_, bucket| {
            bucket.members.retain(|member| sources.contains_key(member));
            if !sources.contains_key(&bucket.asked) {
                let last = bucket
                    .members
                    .iter()
                    .filter_map(|member| sources.get(member))
                    .max_by_key(|source| (source.ends_at, source.fingerprint));
                match last {
                    Some(last) => bucket.asked = last.fingerprint,
                    None => return false,
                }
            }
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use model::name::NameScheme;
    use model::{Duration, Labels};

    use super::*;
    use crate::alert::PostedAlert;

    fn source(pairs: &[(&str, &str)], ends_at: i64) -> Arc<Alert> {
        let posted = PostedAlert {
            starts_at: Some(Time::new(0, 0)),
            ends_at: Some(Time::new(ends_at, 0)),
            ..PostedAlert::from_labels(Labels::from_pairs(pairs.iter().copied()))
        };
        Arc::new(
            Alert::from_posted(&posted, Time::new(1, 0), Duration::ZERO, NameScheme::Utf8).unwrap(),
        )
    }

    fn severity_rule() -> Inhibitor {
        Inhibitor::new(&[InhibitRuleSpec {
            name: "cascade".to_owned(),
            source_matchers: vec![Matcher::equal("severity", "critical")],
            target_matchers: vec![Matcher::not_equal("severity", "none")],
            equal: vec!["cluster".to_owned()],
        }])
    }

    fn is_inhibited(inhibitor: &Inhibitor, pairs: &[(&str, &str)], now: i64) -> bool {
        let labels = Labels::from_pairs(pairs.iter().copied());
        inhibitor.inhibition(&labels, Time::new(now, 0)).is_some()
    }

    #[test]
    fn equal_labels_and_end_time_count() {
        let mut inhibitor = severity_rule();
        inhibitor.observe(&source(&[("severity", "critical"), ("cluster", "a")], 100));
        let warning_a = [("severity", "warning"), ("cluster", "a")];
        assert!(is_inhibited(&inhibitor, &warning_a, 99));
        assert!(!is_inhibited(&inhibitor, &warning_a, 100));
        assert!(!is_inhibited(&inhibitor, &[("severity", "warning")], 99));
        // A critical alert matches both sides, and so does the only source.
        assert!(!is_inhibited(
            &inhibitor,
            &[("severity", "critical"), ("cluster", "a"), ("i", "2")],
            99
        ));
    }

    #[test]
    fn another_source_takes_over_when_the_last_one_ends_early() {
        let mut inhibitor = severity_rule();
        inhibitor.observe(&source(&[("severity", "critical"), ("i", "1")], 200));
        inhibitor.observe(&source(&[("severity", "critical"), ("i", "2")], 100));
        inhibitor.observe(&source(&[("severity", "critical"), ("i", "1")], 10));
        assert!(is_inhibited(&inhibitor, &[("severity", "warning")], 50));
        inhibitor.collect_garbage(Time::new(50, 0));
        assert!(is_inhibited(&inhibitor, &[("severity", "warning")], 50));
        inhibitor.collect_garbage(Time::new(100, 0));
        assert!(!is_inhibited(&inhibitor, &[("severity", "warning")], 50));
    }
}
