//! Label sets: sorted name-value pairs in one shared allocation.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::pairs::{Packed, Pairs, PairsIter};

/// The label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";
pub const BUCKET: &str = "le";
pub const QUANTILE: &str = "quantile";
pub const ALERT_NAME: &str = "alertname";
pub const INSTANCE: &str = "instance";
pub const JOB: &str = "job";

/// A set of labels, sorted by name bytes, without empty values and without duplicate names.
///
/// One packed text, [`Pairs`]: cloning copies a pointer; equality and hashing look at the bytes once. Lookups walk
/// the pairs, which for the usual 5–20 labels is faster than any index.
#[derive(Clone)]
pub struct Labels(Pairs);

impl Labels {
    pub fn empty() -> Self {
        Self(Pairs::empty())
    }

    /// From pairs in any order. Empty values are dropped; of equal names the last one wins.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name, value);
        }
        builder.build()
    }

    /// From pairs already sorted by name, unique, without empty values. Checked in debug builds.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut packed = Packed::default();
        let mut last: Option<&str> = None;
        for (name, value) in pairs {
            debug_assert!(
                last.is_none_or(|last| last < name),
                "label names must be sorted and unique"
            );
            debug_assert!(
                !value.is_empty(),
                "an empty value means that the label is absent"
            );
            last = Some(name);
            packed.push(name, value);
        }
        Self(packed.build())
    }

    /// Only a metric name.
    pub fn from_name(name: &str) -> Self {
        Self::from_sorted([(METRIC_NAME, name)])
    }

    /// The value of `name`, if the label is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        // Names are sorted, so the walk ends as soon as it has passed the wanted one.
        for (candidate, value) in self {
            match candidate.cmp(name) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Some(value),
                std::cmp::Ordering::Greater => return None,
            }
        }
        None
    }

    /// The value of `name`, or "" as PromQL sees an absent label.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The metric name, or "".
    pub fn metric_name(&self) -> &str {
        self.value(METRIC_NAME)
    }

    pub fn iter(&self) -> PairsIter<'_> {
        self.0.iter()
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The packed form, the same for equal sets; a key for maps and logs.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The same names and values as a plain list; shares the memory.
    pub fn as_pairs(&self) -> &Pairs {
        &self.0
    }

    /// A copy without the metric name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        if self.contains(METRIC_NAME) {
            self.filtered(|name| name != METRIC_NAME)
        } else {
            self.clone()
        }
    }

    /// A copy with only the labels whose name is accepted.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self::from_sorted(self.iter().filter(|(name, _)| keep(name)))
    }

    /// Only the labels named in `names`: PromQL's `by` and `on`.
    #[must_use]
    pub fn keep<S: AsRef<str>>(&self, names: &[S]) -> Self {
        self.filtered(|name| names.iter().any(|wanted| wanted.as_ref() == name))
    }

    /// All labels but those in `names`, and but the metric name: PromQL's `without` and `ignoring`.
    #[must_use]
    pub fn drop<S: AsRef<str>>(&self, names: &[S]) -> Self {
        self.filtered(|name| {
            name != METRIC_NAME && !names.iter().any(|unwanted| unwanted.as_ref() == name)
        })
    }

    /// Names to values, for templates and for answers that are maps.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder {
            pairs: self
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// A fast hash of the packed form; stable within one version of the program, not a peer's hash.
    pub fn fast_hash(&self) -> u64 {
        use std::hash::BuildHasher;
        foldhash::fast::FixedState::with_seed(0).hash_one(self.as_bytes())
    }

    /// Prometheus' `Labels.Hash` in its slice form: xxhash64 over `name 0xFF value 0xFF` per label.
    pub fn xxhash(&self) -> u64 {
        let mut bytes = Vec::with_capacity(self.as_bytes().len() + 8);
        for (name, value) in self {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0xff);
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0xff);
        }
        twox_hash::XxHash64::oneshot(0, &bytes)
    }

    /// Alertmanager's fingerprint of a label set (`LabelSet.Fingerprint` of prometheus/common):
    /// 64-bit FNV-1a over `name 0xFF value 0xFF` in name order.
    pub fn fingerprint(&self) -> u64 {
        const PRIME: u64 = 1_099_511_628_211;
        let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        let mut hash: u64 = 14_695_981_039_346_656_037;
        for (name, value) in self {
            hash = add(name.bytes().fold(hash, add), 0xff);
            hash = add(value.bytes().fold(hash, add), 0xff);
        }
        hash
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = PairsIter<'a>;

    fn into_iter(self) -> PairsIter<'a> {
        self.iter()
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same_allocation(&other.0) || self.0 == other.0
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// By pairs in name order, as Prometheus sorts series.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// `{a="b", c="d"}`, with names quoted where the classic syntax needs it: `Labels.String` of Prometheus.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Builds or changes a label set. Setting an empty value removes the label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelsBuilder {
    /// Sorted by name, unique, values not empty.
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.pairs
            .binary_search_by(|(candidate, _)| candidate.as_str().cmp(name))
    }

    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        let (name, value) = (name.into(), value.into());
        match (self.find(&name), value.is_empty()) {
            (Ok(at), true) => {
                self.pairs.remove(at);
            }
            (Ok(at), false) => self.pairs[at].1 = value,
            (Err(_), true) => {}
            (Err(at), false) => self.pairs.insert(at, (name, value)),
        }
        self
    }

    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.find(name).ok().map(|at| self.pairs.remove(at).1)
    }

    /// The value of `name`, or "".
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |at| self.pairs[at].1.as_str())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Removes all labels whose name is not accepted.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.pairs.retain(|(name, _)| keep(name));
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn build(&self) -> Labels {
        Labels::from_sorted(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_unique_without_empty_values() {
        let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", ""), ("b", "3")]);
        assert_eq!(labels.to_string(), r#"{a="1", b="3"}"#);
        assert_eq!(labels.get("b"), Some("3"));
        assert_eq!(labels.get("c"), None);
        assert_eq!(labels.value("zz"), "");
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn long_values_survive_packing() {
        let long = "x".repeat(70_000);
        let labels = Labels::from_pairs([("long", long.as_str()), ("z", "1")]);
        assert_eq!(labels.get("long"), Some(long.as_str()));
        assert_eq!(labels.get("z"), Some("1"));
    }

    #[test]
    fn by_and_without() {
        let labels = Labels::from_pairs([("__name__", "m"), ("a", "1"), ("b", "2")]);
        assert_eq!(labels.keep(&["a"]).to_string(), r#"{a="1"}"#);
        assert_eq!(labels.drop(&["a"]).to_string(), r#"{b="2"}"#);
        assert_eq!(labels.without_name().to_string(), r#"{a="1", b="2"}"#);
    }

    #[test]
    fn order_is_by_pairs() {
        let a = Labels::from_pairs([("a", "1")]);
        let ab = Labels::from_pairs([("a", "1"), ("b", "1")]);
        let b = Labels::from_pairs([("b", "1")]);
        assert!(a < ab && ab < b);
    }

    #[test]
    fn fingerprint_of_the_empty_set_is_the_fnv_offset() {
        assert_eq!(Labels::empty().fingerprint(), 14_695_981_039_346_656_037);
    }
}
