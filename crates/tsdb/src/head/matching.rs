//! From matchers to series, through postings.
//!
//! Matchers that an absent label does not satisfy narrow the set down, the selective kinds first;
//! those that it does satisfy then take away the series whose value does not match. Where few series
//! are left and a label has many values, the label is looked up per series instead.

use hashbrown::HashMap;
use model::matcher::{MatchOp, Matcher};
use roaring::RoaringBitmap;

use super::index::{Index, LabelIndex};
use super::page::Pages;
use super::postings::{Postings, union};
use super::symbols::Symbol;

pub(super) struct Matching<'a> {
    pub(super) index: &'a Index,
    pub(super) pages: &'a Pages,
}

impl Matching<'_> {
    /// All series that satisfy all matchers.
    pub(super) fn series(&self, matchers: &[Matcher]) -> RoaringBitmap {
        let (mut removing, mut narrowing): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|matcher| matcher.matches_empty());
        narrowing.sort_by_key(|matcher| self.cost(matcher));
        removing.sort_by_key(|matcher| self.cost(matcher));
        let mut found: Option<RoaringBitmap> = None;
        for matcher in narrowing {
            found = Some(match found {
                None => self.matching(matcher),
                Some(set) if set.is_empty() => return set,
                Some(set) => self.narrow(set, matcher),
            });
        }
        let mut set = found.unwrap_or_else(|| self.index.all.clone());
        for matcher in removing {
            if set.is_empty() {
                break;
            }
            set = self.remove(set, matcher);
        }
        set
    }

    /// Values to look at, roughly.
    fn cost(&self, matcher: &Matcher) -> usize {
        match (
            matcher.op(),
            matcher.pattern().and_then(|pattern| pattern.literals()),
        ) {
            (MatchOp::Equal | MatchOp::NotEqual, _) if !matcher.value().is_empty() => 0,
            (MatchOp::Regex | MatchOp::NotRegex, Some(literals)) => literals.len(),
            _ => {
                1 + self
                    .index
                    .label(matcher.name())
                    .map_or(0, |label| label.values.len())
            }
        }
    }

    fn postings<'l>(&self, label: &'l LabelIndex, value: &str) -> Option<&'l Postings> {
        let symbol = self.index.symbols.get(value)?;
        label.values.get(&symbol)
    }

    /// Series whose value, which they have, matches.
    fn matching(&self, matcher: &Matcher) -> RoaringBitmap {
        let Some(label) = self.index.label(matcher.name()) else {
            return RoaringBitmap::new();
        };
        if matcher.op() == MatchOp::Equal {
            return self
                .postings(label, matcher.value())
                .map_or_else(RoaringBitmap::new, Postings::to_bitmap);
        }
        let values = self.values(label, matcher, |value| matcher.matches(value));
        union(values.iter().filter_map(|value| label.values.get(value)))
    }

    fn narrow(&self, mut set: RoaringBitmap, matcher: &Matcher) -> RoaringBitmap {
        let Some(label) = self.index.label(matcher.name()) else {
            return RoaringBitmap::new();
        };
        if matcher.op() == MatchOp::Equal {
            match self.postings(label, matcher.value()) {
                Some(postings) => postings.intersect_into(&mut set),
                None => set.clear(),
            }
            return set;
        }
        if self.is_cheaper_by_series(&set, matcher) {
            return self.filter(set, matcher);
        }
        set &= self.matching(matcher);
        set
    }

    fn remove(&self, mut set: RoaringBitmap, matcher: &Matcher) -> RoaringBitmap {
        let Some(label) = self.index.label(matcher.name()) else {
            return set;
        };
        if matcher.op() == MatchOp::NotEqual && !matcher.value().is_empty() {
            if let Some(postings) = self.postings(label, matcher.value()) {
                postings.subtract_from(&mut set);
            }
            return set;
        }
        if self.is_cheaper_by_series(&set, matcher) {
            return self.filter(set, matcher);
        }
        let values = self.values(label, matcher, |value| !matcher.matches(value));
        set -= union(values.iter().filter_map(|value| label.values.get(value)));
        set
    }

    fn is_cheaper_by_series(&self, set: &RoaringBitmap, matcher: &Matcher) -> bool {
        // A lookup of a series' labels costs about as much as trying two values.
        set.len() * 2 < self.cost(matcher) as u64
    }

    /// Tries the matcher on each series, once per value.
    fn filter(&self, set: RoaringBitmap, matcher: &Matcher) -> RoaringBitmap {
        let symbols = &self.index.symbols;
        let Some(name) = symbols.get(matcher.name()) else {
            return if matcher.matches_empty() {
                set
            } else {
                RoaringBitmap::new()
            };
        };
        let mut known: HashMap<Option<Symbol>, bool> = HashMap::new();
        set.iter()
            .filter(|series| {
                let value = self
                    .pages
                    .with(*series, |view| view.value_of(name))
                    .flatten();
                *known.entry(value).or_insert_with(|| {
                    matcher.matches(value.map_or("", |value| symbols.text(value)))
                })
            })
            .collect()
    }

    /// The values of a label that satisfy `wanted`, which says the same as the matcher or the opposite.
    fn values(
        &self,
        label: &LabelIndex,
        matcher: &Matcher,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<Symbol> {
        let symbols = &self.index.symbols;
        let pattern = matcher.pattern();
        let wants_pattern = |text: &str| wanted(text);
        // Literals and prefixes bound the values that the pattern matches, not those it does not.
        let follows_pattern = match matcher.op() {
            MatchOp::Regex => !matcher.matches_empty(),
            MatchOp::NotRegex => matcher.matches_empty(),
            _ => false,
        };
        if follows_pattern {
            if let Some(literals) = pattern.and_then(|pattern| pattern.literals()) {
                return literals
                    .iter()
                    .filter(|literal| !literal.is_empty())
                    .filter_map(|literal| symbols.get(literal))
                    .filter(|value| label.values.contains_key(value))
                    .collect();
            }
            if let Some(prefix) = pattern.and_then(|pattern| pattern.prefix()) {
                let sorted = label.sorted(symbols);
                let start = sorted.partition_point(|value| symbols.text(*value) < prefix);
                return sorted[start..]
                    .iter()
                    .take_while(|value| symbols.text(**value).starts_with(prefix))
                    .filter(|value| wants_pattern(symbols.text(**value)))
                    .copied()
                    .collect();
            }
        }
        label
            .values
            .keys()
            .filter(|value| wants_pattern(symbols.text(**value)))
            .copied()
            .collect()
    }
}
