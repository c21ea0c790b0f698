//! What an alert says of itself to people: annotations and the URL that it came from. Most of it is the same for all
//! alerts of one rule, so they share it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::FixedState;
use model::Pairs;
use model::pairs::{Packed, PairsIter};

/// What is remembered for sharing; more begins anew.
const REMEMBERED_BYTES_MAX: usize = 4 << 20;

/// Annotations and generator URL of an alert. Annotations keep empty values, unlike labels, and are in order of their
/// names.
#[derive(Clone)]
pub struct About {
    common: Arc<Common>,
    /// Those of the annotations whose values are not the common ones.
    own: Pairs,
}

/// One allocation for many alerts.
#[derive(Debug, PartialEq, Eq)]
struct Common {
    annotations: Pairs,
    generator_url: Box<str>,
}

impl About {
    /// Shares nothing with other alerts. `annotations` are sorted by name, each name once.
    pub fn new(annotations: Pairs, generator_url: &str) -> Self {
        Self {
            common: Arc::new(Common {
                annotations,
                generator_url: generator_url.into(),
            }),
            own: Pairs::empty(),
        }
    }

    /// In order of names.
    pub fn annotations(&self) -> Annotations<'_> {
        Annotations {
            common: self.common.annotations.iter(),
            own: self.own.iter().peekable(),
        }
    }

    /// Names to values, for templates and for answers that are maps.
    pub fn annotation_map(&self) -> BTreeMap<String, String> {
        self.annotations()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Where the alert came from; may be empty.
    pub fn generator_url(&self) -> &str {
        &self.common.generator_url
    }

    fn says(&self, annotations: &Pairs, generator_url: &str) -> bool {
        self.generator_url() == generator_url && self.annotations().eq(annotations)
    }
}

impl Default for About {
    fn default() -> Self {
        Self::new(Pairs::empty(), "")
    }
}

impl PartialEq for About {
    fn eq(&self, other: &Self) -> bool {
        let is_shared = Arc::ptr_eq(&self.common, &other.common) && self.own == other.own;
        is_shared
            || (self.generator_url() == other.generator_url()
                && self.annotations().eq(other.annotations()))
    }
}

impl Eq for About {}

impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("About")
            .field("annotations", &self.annotations().collect::<Vec<_>>())
            .field("generator_url", &self.generator_url())
            .finish()
    }
}

/// Walks the annotations of an alert.
#[derive(Clone, Debug)]
pub struct Annotations<'a> {
    common: PairsIter<'a>,
    /// Its names are among the common ones and in the same order.
    own: std::iter::Peekable<PairsIter<'a>>,
}

impl<'a> Iterator for Annotations<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let common = self.common.next()?;
        Some(self.own.next_if(|own| own.0 == common.0).unwrap_or(common))
    }
}

/// Finds what alerts have in common while they come in. Bounded: it remembers the last alert of each rule.
#[derive(Debug, Default)]
pub(crate) struct Commons {
    /// By hash of generator URL and names of annotations, which is the same for alerts of one rule.
    rules: HashMap<u64, Rule, FixedState>,
    remembered_bytes: usize,
    own: Packed,
}

#[derive(Debug)]
struct Rule {
    common: Arc<Common>,
    /// Of the last alert, what was not common.
    last_own: Pairs,
}

impl Commons {
    /// What the alert says, sharing memory with `known`, its earlier self, or with other alerts where that is possible.
    pub(crate) fn about(
        &mut self,
        annotations: &Pairs,
        generator_url: &str,
        known: Option<&About>,
    ) -> About {
        if let Some(known) = known.filter(|known| known.says(annotations, generator_url)) {
            return known.clone();
        }
        let mut hasher = self.rules.hasher().build_hasher();
        generator_url.hash(&mut hasher);
        for (name, _) in annotations {
            name.hash(&mut hasher);
        }
        let key = hasher.finish();
        if let Some(rule) = self.rules.get_mut(&key)
            && rule.differences(annotations, generator_url, &mut self.own)
        {
            let own = self.own.build();
            if own.is_empty() || !have_a_pair_in_common(&own, &rule.last_own) {
                rule.last_own = own.clone();
                return About {
                    common: rule.common.clone(),
                    own,
                };
            }
        }
        // The first alert of a rule, or the second one that differs from the others in the same way: the next ones
        // will be like it.
        let about = About::new(annotations.clone(), generator_url);
        let size = annotations.as_bytes().len() + generator_url.len() + size_of::<Rule>();
        self.remembered_bytes += size;
        if self.remembered_bytes > REMEMBERED_BYTES_MAX {
            self.rules.clear();
            self.remembered_bytes = size;
        }
        let rule = Rule {
            common: about.common.clone(),
            last_own: Pairs::empty(),
        };
        self.rules.insert(key, rule);
        about
    }
}

impl Rule {
    /// Puts into `own` what is not common. Returns whether URL and names are.
    fn differences(&self, annotations: &Pairs, generator_url: &str, own: &mut Packed) -> bool {
        own.clear();
        let mut common = self.common.annotations.iter();
        for (name, value) in annotations {
            match common.next() {
                Some((same, _)) if same != name => return false,
                Some((_, same)) if same == value => {}
                Some(_) => own.push(name, value),
                None => return false,
            }
        }
        common.next().is_none() && *self.common.generator_url == *generator_url
    }
}

/// Both are in order of names.
fn have_a_pair_in_common(a: &Pairs, b: &Pairs) -> bool {
    let mut b = b.iter().peekable();
    a.iter().any(|pair| {
        while b.next_if(|other| other.0 < pair.0).is_some() {}
        b.peek() == Some(&pair)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(pairs: &[(&'static str, &str)]) -> Pairs {
        pairs.iter().copied().collect()
    }

    fn read(about: &About) -> Vec<(String, String)> {
        let pairs = about.annotations();
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn what_is_shared_reads_as_it_was_given() {
        let mut commons = Commons::default();
        let mut abouts = Vec::new();
        for number in 0..60 {
            // What differs from alert to alert, from ten to ten, never, and not even in its presence.
            let own = format!("pod {number}");
            let ten = format!("cluster {}", number / 10);
            let mut pairs = vec![("a", own.as_str()), ("b", ten.as_str()), ("c", "")];
            if number % 7 == 0 {
                pairs.push(("d", "now and then"));
            }
            let url = if number % 11 == 0 { "/b" } else { "/a" };
            let about = commons.about(&annotations(&pairs), url, None);
            assert_eq!(about, About::new(annotations(&pairs), url));
            abouts.push((about, annotations(&pairs), url));
        }
        // Later ones have not changed earlier ones.
        for (about, given, url) in &abouts {
            assert!(about.says(given, url));
            let given = given.iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
            assert_eq!(read(about), given.collect::<Vec<_>>());
        }
        let shared: std::collections::HashSet<*const Common> = abouts
            .iter()
            .map(|(about, ..)| Arc::as_ptr(&about.common))
            .collect();
        assert!(shared.len() < 30, "{}", shared.len());
    }

    #[test]
    fn a_repeated_alert_keeps_its_memory() {
        let mut commons = Commons::default();
        let given = annotations(&[("summary", "down")]);
        let first = commons.about(&given, "/g", None);
        let again = commons.about(&annotations(&[("summary", "down")]), "/g", Some(&first));
        assert!(Arc::ptr_eq(&first.common, &again.common));
        let changed = commons.about(&annotations(&[("summary", "up")]), "/g", Some(&first));
        assert_eq!(read(&changed), [("summary".to_owned(), "up".to_owned())]);
        assert_ne!(first, changed);
        assert_ne!(first, About::new(given, "/other"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut commons = Commons::default();
        for number in 0..100 {
            let long = "x".repeat(100_000);
            let url = format!("/{number}");
            commons.about(&annotations(&[("a", &long)]), &url, None);
            assert!(commons.remembered_bytes <= REMEMBERED_BYTES_MAX);
            assert!(commons.rules.len() <= REMEMBERED_BYTES_MAX / 100_000 + 1);
        }
    }
}
