//! The series that have a certain label, as a set of series numbers.

use roaring::RoaringBitmap;

/// Most label values have a handful of series, so small sets are plain lists; large ones are
/// compressed bitmaps, at 2 bytes a series or less.
#[derive(Clone, Debug)]
pub(super) enum Postings {
    One(u32),
    /// Ascending.
    Few(Vec<u32>),
    Many(Box<RoaringBitmap>),
}

const FEW_MAX: usize = 24;

impl Postings {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Few(list) => list.len() as u64,
            Self::Many(set) => set.len(),
        }
    }

    /// The set of these series, which ascend; `None` without any.
    pub(super) fn of(series: &[u32]) -> Option<Self> {
        let (first, rest) = series.split_first()?;
        let mut postings = Self::One(*first);
        postings.insert_all(rest);
        Some(postings)
    }

    pub(super) fn insert_all(&mut self, series: &[u32]) {
        if let Self::Many(set) = self {
            insert_all(set, series);
            return;
        }
        if self.len() + series.len() as u64 > FEW_MAX as u64 {
            let mut set = self.to_bitmap();
            insert_all(&mut set, series);
            *self = Self::Many(Box::new(set));
            return;
        }
        for series in series {
            self.insert(*series);
        }
    }

    /// Any of the series.
    pub(super) fn first(&self) -> Option<u32> {
        match self {
            Self::One(only) => Some(*only),
            Self::Few(list) => list.first().copied(),
            Self::Many(set) => set.min(),
        }
    }

    pub(super) fn insert(&mut self, series: u32) {
        match self {
            Self::One(only) if *only == series => {}
            Self::One(only) => {
                let (low, high) = ((*only).min(series), (*only).max(series));
                *self = Self::Few(vec![low, high]);
            }
            Self::Few(list) => {
                if let Err(at) = list.binary_search(&series) {
                    if list.len() < FEW_MAX {
                        list.reserve_exact(if list.len() < 4 { 2 } else { 4 });
                        list.insert(at, series);
                    } else {
                        let mut set: RoaringBitmap = list.iter().copied().collect();
                        set.insert(series);
                        *self = Self::Many(Box::new(set));
                    }
                }
            }
            Self::Many(set) => {
                set.insert(series);
            }
        }
    }

    /// Removes a series; says whether the set is empty now (it must then be thrown away).
    #[must_use]
    pub(super) fn remove(&mut self, series: u32) -> bool {
        match self {
            Self::One(only) => *only == series,
            Self::Few(list) => {
                list.retain(|other| *other != series);
                list.is_empty()
            }
            Self::Many(set) => {
                set.remove(series);
                set.is_empty()
            }
        }
    }

    pub(super) fn to_bitmap(&self) -> RoaringBitmap {
        match self {
            Self::One(only) => RoaringBitmap::from_iter([*only]),
            Self::Few(list) => list.iter().copied().collect(),
            Self::Many(set) => (**set).clone(),
        }
    }

    pub(super) fn intersect_into(&self, set: &mut RoaringBitmap) {
        match self {
            Self::Many(other) => *set &= &**other,
            small => *set &= small.to_bitmap(),
        }
    }

    pub(super) fn subtract_from(&self, set: &mut RoaringBitmap) {
        match self {
            Self::One(only) => {
                set.remove(*only);
            }
            Self::Few(list) => {
                for series in list {
                    set.remove(*series);
                }
            }
            Self::Many(other) => *set -= &**other,
        }
    }
}

/// Adds series. They nearly always follow one another, and a range is entered at once.
pub(super) fn insert_all(set: &mut RoaringBitmap, series: &[u32]) {
    for run in series.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        if let [first, .., last] = run {
            set.insert_range(*first..=*last);
        } else {
            set.extend(run);
        }
    }
}

/// All series of any of the sets.
pub(super) fn union<'p>(sets: impl Iterator<Item = &'p Postings>) -> RoaringBitmap {
    let mut singles = Vec::new();
    let mut union = RoaringBitmap::new();
    for set in sets {
        match set {
            Postings::One(only) => singles.push(*only),
            Postings::Few(list) => singles.extend_from_slice(list),
            Postings::Many(set) => union |= &**set,
        }
    }
    singles.sort_unstable();
    union.extend(singles);
    union
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_from_one_to_many() {
        let mut postings = Postings::One(7);
        for series in (0..100).rev() {
            postings.insert(series);
        }
        assert_eq!(postings.len(), 100);
        assert!(matches!(postings, Postings::Many(_)));
        let mut few = Postings::One(3);
        few.insert(1);
        assert_eq!(few.to_bitmap().iter().collect::<Vec<_>>(), [1, 3]);
        assert!(!few.remove(3));
        assert!(few.remove(1));
        assert_eq!(
            union([&postings, &Postings::One(500)].into_iter()).len(),
            101
        );
    }
}
