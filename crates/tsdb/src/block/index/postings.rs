//! Lists of series: looked at in the file as they are, and combined.

/// A sorted list in the file, 4 bytes big-endian each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostingsList<'a>(&'a [[u8; 4]]);

impl<'a> PostingsList<'a> {
    /// `None` if the section's body does not have as many series as it says.
    pub(super) fn new(body: &'a [u8]) -> Option<Self> {
        let (count, series) = body.split_first_chunk::<4>()?;
        let (series, rest) = series.as_chunks::<4>();
        let is_whole = rest.is_empty() && series.len() == u32::from_be_bytes(*count) as usize;
        is_whole.then_some(Self(series))
    }

    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    fn get(self, at: usize) -> Option<u32> {
        self.0.get(at).map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u32> + 'a {
        self.0.iter().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The first position from `at` on whose series is `series` or later; looks in growing steps, so
    /// that most of a long list is never touched.
    fn seek(self, at: usize, series: u32) -> usize {
        let rest = self.0.get(at..).unwrap_or_default();
        let mut step = 1;
        while rest
            .get(step)
            .is_some_and(|bytes| u32::from_be_bytes(*bytes) < series)
        {
            step *= 2;
        }
        let start = step / 2;
        let window = &rest[start.min(rest.len())..(step + 1).min(rest.len())];
        at + start + window.partition_point(|bytes| u32::from_be_bytes(*bytes) < series)
    }

    /// Keeps what is in the list too.
    pub(crate) fn intersect_into(self, set: &mut Vec<u32>) {
        let mut at = 0;
        set.retain(|series| {
            at = self.seek(at, *series);
            self.get(at) == Some(*series)
        });
    }

    /// Keeps what is not in the list.
    pub(crate) fn subtract_from(self, set: &mut Vec<u32>) {
        let mut at = 0;
        set.retain(|series| {
            at = self.seek(at, *series);
            self.get(at) != Some(*series)
        });
    }

    /// Whether any series is in both.
    pub(crate) fn meets(self, set: &[u32]) -> bool {
        // Going through the shorter one, looking it up in the longer one.
        if self.len() < set.len() {
            return self.iter().any(|series| set.binary_search(&series).is_ok());
        }
        let mut at = 0;
        set.iter().any(|series| {
            at = self.seek(at, *series);
            self.get(at) == Some(*series)
        })
    }
}

/// Keeps what is in both; both are sorted.
pub(crate) fn intersect(set: &mut Vec<u32>, other: &[u32]) {
    let mut rest = other;
    set.retain(|series| {
        rest = skip_below(rest, *series);
        rest.first() == Some(series)
    });
}

/// Keeps what is not in the other; both are sorted.
pub(crate) fn subtract(set: &mut Vec<u32>, other: &[u32]) {
    let mut rest = other;
    set.retain(|series| {
        rest = skip_below(rest, *series);
        rest.first() != Some(series)
    });
}

fn skip_below(sorted: &[u32], series: u32) -> &[u32] {
    let mut step = 1;
    while sorted.get(step).is_some_and(|other| *other < series) {
        step *= 2;
    }
    let start = (step / 2).min(sorted.len());
    let window = &sorted[start..(step + 1).min(sorted.len())];
    &sorted[start + window.partition_point(|other| *other < series)..]
}

/// All series of any of the lists, sorted.
pub(crate) fn union<'a>(lists: impl Iterator<Item = PostingsList<'a>>) -> Vec<u32> {
    let mut union = Vec::new();
    let mut count = 0;
    for list in lists {
        count += 1;
        union.extend(list.iter());
    }
    if count > 1 {
        // The stable sort finds the sorted runs and merges them.
        union.sort();
        union.dedup();
    }
    union
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn body(set: &BTreeSet<u32>) -> Vec<u8> {
        let count = (set.len() as u32).to_be_bytes();
        count
            .into_iter()
            .chain(set.iter().flat_map(|series| series.to_be_bytes()))
            .collect()
    }

    proptest! {
        #[test]
        fn lists_combine_like_sets(
            a in prop::collection::btree_set(0u32..300, 0..120),
            b in prop::collection::btree_set(0u32..300, 0..120),
        ) {
            let bytes = body(&b);
            let list = PostingsList::new(&bytes).unwrap();
            let sorted = |set: &BTreeSet<u32>| set.iter().copied().collect::<Vec<_>>();
            let (left, right) = (sorted(&a), sorted(&b));
            let both: Vec<u32> = a.intersection(&b).copied().collect();
            let only: Vec<u32> = a.difference(&b).copied().collect();

            let mut set = left.clone();
            list.intersect_into(&mut set);
            prop_assert_eq!(&set, &both);
            let mut set = left.clone();
            list.subtract_from(&mut set);
            prop_assert_eq!(&set, &only);
            let mut set = left.clone();
            intersect(&mut set, &right);
            prop_assert_eq!(&set, &both);
            let mut set = left.clone();
            subtract(&mut set, &right);
            prop_assert_eq!(&set, &only);
            prop_assert_eq!(list.meets(&left), !both.is_empty());
            let bytes = body(&a);
            let lists = [list, PostingsList::new(&bytes).unwrap()];
            let all: Vec<u32> = a.union(&b).copied().collect();
            prop_assert_eq!(union(lists.into_iter()), all);
        }
    }

    #[test]
    fn a_body_of_the_wrong_length_is_no_list() {
        assert!(PostingsList::new(&[0, 0, 0, 1, 0, 0, 0]).is_none());
        assert!(PostingsList::new(&[0, 0, 0, 2, 0, 0, 0, 9]).is_none());
        assert!(PostingsList::new(&[0, 0]).is_none());
        assert_eq!(PostingsList::new(&[0, 0, 0, 0]).unwrap().len(), 0);
    }
}
