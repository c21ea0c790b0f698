//! The numbers under which a segment knows things, in bounded memory.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::FixedState;

/// Things in the order in which a segment defined them. What has not been used for long is forgotten; it is defined
/// anew, under a new number, when it is used again. A reader sees no difference.
#[derive(Debug)]
pub(super) struct Numbers<K> {
    recent: HashMap<K, u64, FixedState>,
    /// What was not used since `recent` began.
    older: HashMap<K, u64, FixedState>,
    last: u64,
    recent_weight: usize,
    weight_max: usize,
}

impl<K: Eq + Hash> Numbers<K> {
    /// Two times `weight_max` is kept at most.
    pub(super) fn new(weight_max: usize) -> Self {
        Self {
            recent: HashMap::default(),
            older: HashMap::default(),
            last: 0,
            recent_weight: 0,
            weight_max,
        }
    }

    /// The number of a thing that is known, whose weight is `weight`.
    pub(super) fn get<Q>(&mut self, key: &Q, weight: usize) -> Option<u64>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(number) = self.recent.get(key) {
            return Some(*number);
        }
        let (key, number) = self.older.remove_entry(key)?;
        self.keep(key, number, weight);
        Some(number)
    }

    /// The number of a thing that is not known.
    pub(super) fn define(&mut self, key: K, weight: usize) -> u64 {
        self.last += 1;
        self.keep(key, self.last, weight);
        self.last
    }

    fn keep(&mut self, key: K, number: u64, weight: usize) {
        self.recent_weight += weight;
        if self.recent_weight > self.weight_max {
            self.older = std::mem::take(&mut self.recent);
            self.recent_weight = weight;
        }
        self.recent.insert(key, number);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_stays_and_the_rest_is_bounded() {
        let mut numbers: Numbers<u32> = Numbers::new(10);
        let mut number_of = |key: u32| {
            let known = numbers.get(&key, 1);
            let number = known.unwrap_or_else(|| numbers.define(key, 1));
            assert!(numbers.len() <= 20);
            (number, known.is_some())
        };
        assert_eq!(number_of(0), (1, false));
        for key in 1..100 {
            assert_eq!(number_of(key), (u64::from(key) + 1, false));
            // Whatever else there is, this one is in use.
            assert_eq!(number_of(0), (1, true));
        }
        assert_eq!(number_of(1), (101, false));
    }
}
