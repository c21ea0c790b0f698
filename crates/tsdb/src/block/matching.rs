//! From matchers to the series of a block.
//!
//! As in the head: matchers that an absent label does not satisfy narrow the set down, the selective
//! kinds first; the others take series away. Of long lists only what is looked for is touched. Where
//! few series are left and a label has many values, the series are asked instead of the values.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::matcher::{MatchOp, Matcher};

use super::damage::Damage;
use super::index::postings::{PostingsList, intersect, subtract, union};
use super::index::{IndexReader, SeriesEntry};

pub(super) struct Matching<'a> {
    pub(super) index: &'a IndexReader,
}

impl Matching<'_> {
    /// The series that satisfy all matchers, sorted.
    pub(super) fn series(&self, matchers: &[Matcher]) -> Result<Vec<u32>, Damage> {
        let (mut removing, narrowing): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|matcher| matcher.matches_empty());
        let (exact, mut others): (Vec<&Matcher>, Vec<&Matcher>) = narrowing
            .into_iter()
            .partition(|matcher| matcher.op() == MatchOp::Equal);
        let mut lists = Vec::with_capacity(exact.len());
        for matcher in exact {
            match self.index.find(matcher.name(), matcher.value())? {
                Some(list) => lists.push(list),
                None => return Ok(Vec::new()),
            }
        }
        lists.sort_by_key(|list| list.len());
        let mut lists = lists.into_iter();
        let mut found: Option<Vec<u32>> = lists.next().map(|first| first.iter().collect());
        if let Some(set) = &mut found {
            for list in lists {
                list.intersect_into(set);
            }
        }
        others.sort_by_key(|matcher| self.cost(matcher));
        for matcher in others {
            found = Some(match found {
                None => self.matching(matcher)?,
                Some(set) if set.is_empty() => return Ok(set),
                Some(set) => self.narrow(set, matcher)?,
            });
        }
        let mut set = match found {
            Some(set) => set,
            None => self
                .index
                .all_series()?
                .map_or_else(Vec::new, |all| all.iter().collect()),
        };
        removing.sort_by_key(|matcher| self.cost(matcher));
        for matcher in removing {
            if set.is_empty() {
                break;
            }
            set = self.remove(set, matcher)?;
        }
        Ok(set)
    }

    /// Values to look at, roughly.
    fn cost(&self, matcher: &Matcher) -> usize {
        let literals = matcher.pattern().and_then(|pattern| pattern.literals());
        match (matcher.op(), literals) {
            (MatchOp::Equal | MatchOp::NotEqual, _) if !matcher.value().is_empty() => 0,
            (MatchOp::Regex | MatchOp::NotRegex, Some(literals)) => literals.len(),
            _ => 1 + self.index.value_count(matcher.name()),
        }
    }

    fn is_cheaper_by_series(&self, set: &[u32], matcher: &Matcher) -> bool {
        // Looking up the label of a series costs about as much as trying four values.
        set.len().saturating_mul(4) < self.cost(matcher)
    }

    /// Series whose value, which they have, matches.
    fn matching(&self, matcher: &Matcher) -> Result<Vec<u32>, Damage> {
        self.union(self.places(matcher, |value| matcher.matches(value)))
    }

    fn union(&self, places: Vec<u64>) -> Result<Vec<u32>, Damage> {
        let lists: Result<Vec<PostingsList<'_>>, Damage> = places
            .into_iter()
            .map(|place| self.index.postings(place))
            .collect();
        Ok(union(lists?.into_iter()))
    }

    fn narrow(&self, mut set: Vec<u32>, matcher: &Matcher) -> Result<Vec<u32>, Damage> {
        if self.is_cheaper_by_series(&set, matcher) {
            return self.filter(set, matcher);
        }
        intersect(&mut set, &self.matching(matcher)?);
        Ok(set)
    }

    fn remove(&self, mut set: Vec<u32>, matcher: &Matcher) -> Result<Vec<u32>, Damage> {
        if matcher.op() == MatchOp::NotEqual && !matcher.value().is_empty() {
            if let Some(list) = self.index.find(matcher.name(), matcher.value())? {
                list.subtract_from(&mut set);
            }
            return Ok(set);
        }
        if self.is_cheaper_by_series(&set, matcher) {
            return self.filter(set, matcher);
        }
        let unwanted = self.union(self.places(matcher, |value| !matcher.matches(value)))?;
        subtract(&mut set, &unwanted);
        Ok(set)
    }

    /// Tries the matcher on each series, once per value.
    fn filter(&self, set: Vec<u32>, matcher: &Matcher) -> Result<Vec<u32>, Damage> {
        let mut entry = SeriesEntry::default();
        let mut names: HashMap<u32, bool, RandomState> = HashMap::default();
        let mut values: HashMap<u32, bool, RandomState> = HashMap::default();
        let mut kept = Vec::with_capacity(set.len());
        for series in set {
            self.index.series(series, &mut entry)?;
            let mut matches = None;
            for (name, value) in &entry.labels {
                let is_wanted = match names.get(name) {
                    Some(is_wanted) => *is_wanted,
                    None => {
                        let text = self.index.symbol(*name)?;
                        let is_wanted = text == matcher.name().as_bytes();
                        names.insert(*name, is_wanted);
                        is_wanted
                    }
                };
                if !is_wanted {
                    continue;
                }
                matches = Some(match values.get(value) {
                    Some(matches) => *matches,
                    None => {
                        let text = self.index.symbol(*value)?;
                        let matches = matcher.matches(&String::from_utf8_lossy(text));
                        values.insert(*value, matches);
                        matches
                    }
                });
                break;
            }
            if matches.unwrap_or_else(|| matcher.matches_empty()) {
                kept.push(series);
            }
        }
        Ok(kept)
    }

    /// Places of the postings of values that satisfy `wanted`, which says the same as the matcher or
    /// the opposite.
    fn places(&self, matcher: &Matcher, wanted: impl Fn(&str) -> bool) -> Vec<u64> {
        let name = matcher.name();
        let pattern = matcher.pattern();
        // Literals and prefixes bound the values that the pattern matches, not those it does not.
        let follows_pattern = match matcher.op() {
            MatchOp::Regex => !matcher.matches_empty(),
            MatchOp::NotRegex => matcher.matches_empty(),
            _ => false,
        };
        if follows_pattern && let Some(literals) = pattern.and_then(|pattern| pattern.literals()) {
            return literals
                .iter()
                .filter(|literal| !literal.is_empty())
                .filter_map(|literal| {
                    let (value, place) = self.index.values_from(name, literal.as_bytes()).next()?;
                    (value == literal.as_bytes()).then_some(place)
                })
                .collect();
        }
        let prefix = pattern
            .filter(|_| follows_pattern)
            .and_then(|pattern| pattern.prefix())
            .unwrap_or_default()
            .as_bytes();
        self.index
            .values_from(name, prefix)
            .take_while(|(value, _)| value.starts_with(prefix))
            .filter(|(value, _)| wanted(&String::from_utf8_lossy(value)))
            .map(|(_, place)| place)
            .collect()
    }
}
