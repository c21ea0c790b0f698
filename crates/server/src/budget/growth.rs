//! Who asks for new series, by target.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use model::labels::Labels;

/// Labels that tell targets apart, and the one that says whose they are.
const TARGET: [&str; 2] = ["job", "instance"];
const NAMESPACE: &str = "namespace";
/// Targets that are remembered at once. With more of them, those that ask for little are forgotten.
const TARGETS_MAX: usize = 20_000;

/// New series by target, in the current and in the last period.
#[derive(Debug, Default)]
pub(super) struct Growth {
    by_target: HashMap<u64, Asked>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Asked {
    offender: Offender,
    now: u64,
    before: u64,
}

/// The target that asked for most new series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offender {
    target: [String; 2],
    namespace: String,
}

impl Offender {
    fn of(labels: &Labels) -> Self {
        let text = |name| labels.get(name).unwrap_or_default().to_owned();
        Self {
            target: TARGET.map(text),
            namespace: text(NAMESPACE),
        }
    }

    pub(super) fn is_target_of(&self, labels: &Labels) -> bool {
        let mut pairs = TARGET.iter().zip(&self.target);
        pairs.all(|(name, value)| labels.get(name).unwrap_or_default() == value)
    }

    pub(super) fn is_namespace_of(&self, labels: &Labels) -> bool {
        !self.namespace.is_empty() && labels.get(NAMESPACE) == Some(&self.namespace)
    }
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [job, instance] = &self.target;
        write!(f, "job={job:?} instance={instance:?}")?;
        if self.namespace.is_empty() {
            return Ok(());
        }
        write!(f, " namespace={:?}", self.namespace)
    }
}

impl Growth {
    pub(super) fn note(&mut self, labels: &Labels) {
        let key = self
            .hasher
            .hash_one(TARGET.map(|name| labels.get(name).unwrap_or_default()));
        if let Some(asked) = self.by_target.get_mut(&key) {
            asked.now += 1;
            return;
        }
        if self.by_target.len() >= TARGETS_MAX {
            self.forget_small();
        }
        let asked = Asked {
            offender: Offender::of(labels),
            now: 1,
            before: 0,
        };
        self.by_target.insert(key, asked);
    }

    /// The smaller half, so that this happens seldom.
    fn forget_small(&mut self) {
        let mut counts: Vec<u64> = self.by_target.values().map(Asked::total).collect();
        let middle = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(middle);
        let median = *median;
        self.by_target.retain(|_, asked| asked.total() > median);
    }

    /// To be called every few minutes: what is older than two periods is forgotten.
    pub(super) fn next_period(&mut self) {
        self.by_target.retain(|_, asked| {
            asked.before = std::mem::take(&mut asked.now);
            asked.before > 0
        });
    }

    pub(super) fn largest(&self) -> Option<Offender> {
        let largest = self.by_target.values().max_by_key(|asked| asked.total());
        largest.map(|asked| asked.offender.clone())
    }
}

impl Asked {
    fn total(&self) -> u64 {
        self.now + self.before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(instance: &str, n: usize) -> Labels {
        let n = n.to_string();
        Labels::from_pairs([
            ("__name__", "x"),
            ("instance", instance),
            ("job", "j"),
            ("n", n.as_str()),
            ("namespace", "shop"),
        ])
    }

    #[test]
    fn the_one_that_asked_for_most_of_late() {
        let mut growth = Growth::default();
        assert_eq!(growth.largest(), None);
        for n in 0..10 {
            growth.note(&series("a", n));
        }
        growth.next_period();
        for n in 0..7 {
            growth.note(&series("b", n));
        }
        let offender = growth.largest().unwrap();
        assert_eq!(
            offender.to_string(),
            r#"job="j" instance="a" namespace="shop""#
        );
        assert!(offender.is_target_of(&series("a", 99)));
        assert!(!offender.is_target_of(&series("b", 99)));
        assert!(offender.is_namespace_of(&series("b", 99)));
        assert!(!offender.is_namespace_of(&Labels::empty()));
        growth.next_period();
        assert!(growth.largest().unwrap().is_target_of(&series("b", 0)));
        growth.next_period();
        assert_eq!(growth.largest(), None);
    }

    #[test]
    fn many_targets_take_bounded_memory() {
        let mut growth = Growth::default();
        for n in 0..3 {
            growth.note(&series("large", n));
        }
        for n in 0..3 * TARGETS_MAX {
            growth.note(&series(&n.to_string(), 0));
            assert!(growth.by_target.len() <= TARGETS_MAX);
        }
        assert!(growth.largest().unwrap().is_target_of(&series("large", 0)));
    }
}
