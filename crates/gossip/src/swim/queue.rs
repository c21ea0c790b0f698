//! News that wait to be sent, each a limited number of times. Those sent least often go first, and of those the
//! longest that fits: memberlist's order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Times sent, length, and number in order of arrival; newest first.
type Key = (u32, Reverse<usize>, Reverse<u64>);

#[derive(Debug, Default)]
pub(crate) struct Queue {
    items: BTreeMap<Key, Item>,
    /// News about the same thing replace each other.
    by_subject: HashMap<String, Key>,
    last_number: u64,
}

#[derive(Debug)]
struct Item {
    bytes: Vec<u8>,
    subject: Option<String>,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn push(&mut self, bytes: Vec<u8>, subject: Option<&str>) {
        if let Some(old) = subject.and_then(|subject| self.by_subject.remove(subject)) {
            self.items.remove(&old);
        }
        self.last_number += 1;
        let key = (0, Reverse(bytes.len()), Reverse(self.last_number));
        let subject = subject.map(str::to_owned);
        self.insert(key, Item { bytes, subject });
    }

    fn insert(&mut self, key: Key, item: Item) {
        if let Some(subject) = &item.subject {
            self.by_subject.insert(subject.clone(), key);
        }
        self.items.insert(key, item);
    }

    fn remove(&mut self, key: Key) -> Option<Item> {
        let item = self.items.remove(&key)?;
        if let Some(subject) = &item.subject {
            self.by_subject.remove(subject);
        }
        Some(item)
    }

    /// News for one packet: `overhead` bytes are counted for each beside its own, and all together stay within
    /// `room`. What was sent `limit` times is dropped.
    pub(crate) fn take(&mut self, overhead: usize, room: usize, limit: u32) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        let mut sent = Vec::new();
        let mut used = 0;
        let mut tier = 0;
        while let Some(free) = room.checked_sub(used + overhead).filter(|free| *free > 0) {
            let from = (tier, Reverse(free), Reverse(u64::MAX));
            let Some(key) = self.items.range(from..).next().map(|(key, _)| *key) else {
                break;
            };
            let (times, Reverse(length), number) = key;
            if times > tier {
                // Nothing of this tier fits; the next one starts with its longest.
                tier = times;
                if length > free {
                    continue;
                }
            }
            let Some(item) = self.remove(key) else { break };
            used += overhead + length;
            taken.push(item.bytes.clone());
            if times + 1 < limit {
                sent.push(((times + 1, Reverse(length), number), item));
            }
        }
        for (key, item) in sent {
            self.insert(key, item);
        }
        taken
    }

    /// Drops what was sent most often until `count` are left. Returns how many were dropped.
    pub(crate) fn prune(&mut self, count: usize) -> usize {
        let surplus = self.items.len().saturating_sub(count);
        for _ in 0..surplus {
            let Some(key) = self.items.keys().next_back().copied() else {
                break;
            };
            self.remove(key);
        }
        surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(lengths: &[usize]) -> Queue {
        let mut queue = Queue::default();
        for length in lengths {
            queue.push(vec![0; *length], None);
        }
        queue
    }

    fn lengths(taken: &[Vec<u8>]) -> Vec<usize> {
        taken.iter().map(Vec::len).collect()
    }

    #[test]
    fn fresh_ones_first_then_the_longest_that_fit() {
        let mut queue = queue(&[10, 40, 20]);
        assert_eq!(lengths(&queue.take(2, 50, 2)), [40]);
        // The long one was sent once, so that the others go before it.
        assert_eq!(lengths(&queue.take(2, 80, 2)), [20, 10, 40]);
        assert_eq!(lengths(&queue.take(2, 80, 2)), [20, 10]);
        assert!(queue.is_empty());
    }

    #[test]
    fn one_packet_holds_each_once() {
        let mut queue = queue(&[1, 1, 1]);
        assert_eq!(queue.take(2, 1000, 5).len(), 3);
        assert_eq!(queue.len(), 3);
    }

    #[test]
    fn what_is_about_the_same_is_replaced() {
        let mut queue = Queue::default();
        queue.push(vec![1], Some("a"));
        queue.push(vec![2], Some("b"));
        assert_eq!(queue.take(0, 100, 3).len(), 2);
        queue.push(vec![3, 3], Some("a"));
        assert_eq!(queue.take(0, 100, 3), [vec![3, 3], vec![2]]);
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn pruning_keeps_the_fresh() {
        let mut queue = queue(&[5, 6]);
        assert_eq!(lengths(&queue.take(0, 6, 9)), [6]);
        queue.push(vec![0; 7], None);
        assert_eq!(queue.prune(2), 1);
        assert_eq!(lengths(&queue.take(0, 100, 9)), [7, 5]);
    }
}
