//! Label names and values, each stored once and named by a 32-bit number.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Symbol(pub(super) u32);

/// About 16 bytes per symbol beside its text, and one more allocation. A symbol lives as long as the
/// label index uses it; numbers of dead symbols are given out again.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    entries: Vec<Entry>,
    free: Vec<u32>,
    lookup: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Entry {
    text: Box<str>,
    uses: u32,
}

impl Symbols {
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        self.entries
            .get(symbol.0 as usize)
            .map_or("", |entry| &entry.text)
    }

    pub(super) fn get(&self, text: &str) -> Option<Symbol> {
        self.lookup
            .find(self.hasher.hash_one(text), |at| {
                &*self.entries[*at as usize].text == text
            })
            .map(|at| Symbol(*at))
    }

    /// The symbol of a text, made if it is new; it has no use yet. `None` once there are 2^32.
    pub(super) fn intern(&mut self, text: &str) -> Option<Symbol> {
        if let Some(symbol) = self.get(text) {
            return Some(symbol);
        }
        let entry = Entry {
            text: text.into(),
            uses: 0,
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = entry;
                number
            }
            None => {
                let number = u32::try_from(self.entries.len()).ok()?;
                self.entries.push(entry);
                number
            }
        };
        let Self {
            entries,
            lookup,
            hasher,
            ..
        } = self;
        lookup.insert_unique(hasher.hash_one(text), number, |at| {
            hasher.hash_one(&*entries[*at as usize].text)
        });
        Some(Symbol(number))
    }

    pub(super) fn add_use(&mut self, symbol: Symbol) {
        if let Some(entry) = self.entries.get_mut(symbol.0 as usize) {
            entry.uses += 1;
        }
    }

    pub(super) fn drop_use(&mut self, symbol: Symbol) {
        let Some(entry) = self.entries.get_mut(symbol.0 as usize) else {
            return;
        };
        entry.uses = entry.uses.saturating_sub(1);
        if entry.uses > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&*entry.text);
        if let Ok(found) = self.lookup.find_entry(hash, |at| *at == symbol.0) {
            found.remove();
            entry.text = Box::default();
            self.free.push(symbol.0);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lookup.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_numbers_come_back() {
        let mut symbols = Symbols::default();
        let a = symbols.intern("a").unwrap();
        let b = symbols.intern("b").unwrap();
        symbols.add_use(a);
        symbols.add_use(b);
        symbols.drop_use(a);
        assert_eq!(symbols.get("a"), None);
        assert_eq!(symbols.intern("c"), Some(a));
        assert_eq!((symbols.text(a), symbols.text(b)), ("c", "b"));
        assert_eq!(symbols.len(), 2);
    }
}
