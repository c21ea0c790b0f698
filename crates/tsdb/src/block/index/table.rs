//! Where the postings of each label are: the table, walked in the mapped file from remembered places.

use std::collections::BTreeMap;

use super::{SAMPLE_STEP, Version};
use crate::bytes::{Bytes, Malformed};

/// The names of all labels, and of each where its values are in the table.
#[derive(Debug, Default)]
pub(super) struct PostingsTable {
    names: BTreeMap<Box<str>, Values>,
    /// Where the list of all series is.
    pub(super) all: Option<u64>,
    /// The entries, in the file.
    start: usize,
    end: usize,
}

/// The entries of one name, in the order of their values. In version 2 the file has that order and
/// every 8th place is remembered; in version 1 it may have any, and all are.
#[derive(Debug)]
struct Values {
    samples: Vec<u32>,
    step: u32,
    count: u32,
}

struct Entry<'a> {
    name: &'a [u8],
    value: &'a [u8],
    postings: u64,
}

fn entry<'a>(bytes: &mut Bytes<'a>) -> Result<Entry<'a>, Malformed> {
    if bytes.uvarint()? != 2 {
        return Err(Malformed);
    }
    Ok(Entry {
        name: bytes.raw_text()?,
        value: bytes.raw_text()?,
        postings: bytes.uvarint()?,
    })
}

/// What is wrong with a table, and where in its body.
pub(super) struct Problem {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

impl PostingsTable {
    /// Walks the section whose body, checked already, is `body` and starts at `offset` in the file.
    pub(super) fn read(body: &[u8], offset: usize, version: Version) -> Result<Self, Problem> {
        let mut bytes = Bytes(body);
        let problem = |at, what| Problem { at, what };
        let malformed = |at| problem(at, "the table has a malformed entry");
        let count = bytes.u32().map_err(|_| malformed(0))?;
        let first = body.len() - bytes.left();
        let mut table = Self {
            start: offset + first,
            end: offset + body.len(),
            ..Self::default()
        };
        let mut last: Option<(&[u8], &[u8])> = None;
        let mut values: Option<Values> = None;
        for _ in 0..count {
            let at = body.len() - bytes.left();
            let entry = entry(&mut bytes).map_err(|_| malformed(at))?;
            let is_sorted = last.is_none_or(|last| last < (entry.name, entry.value));
            if version == Version::V2 && !is_sorted {
                return Err(problem(at, "the table is not sorted"));
            }
            let is_same_name = last.is_some_and(|(name, _)| name == entry.name);
            if !is_same_name && let (Some((name, _)), Some(done)) = (last, values.take()) {
                table.add(name, done);
            }
            last = Some((entry.name, entry.value));
            if entry.name.is_empty() {
                table.all = Some(entry.postings);
                continue;
            }
            let values = values.get_or_insert_with(|| Values {
                samples: Vec::new(),
                step: match version {
                    Version::V1 => 1,
                    Version::V2 => SAMPLE_STEP,
                },
                count: 0,
            });
            if values.count.is_multiple_of(values.step) {
                // A section's length has 32 bits.
                values.samples.push((at - first) as u32);
            }
            values.count += 1;
        }
        if let (Some((name, _)), Some(done)) = (last, values.take()) {
            table.add(name, done);
        }
        if version == Version::V1 {
            table.sort(&body[first..]);
        }
        Ok(table)
    }

    fn add(&mut self, name: &[u8], mut values: Values) {
        let name = String::from_utf8_lossy(name).into_owned().into_boxed_str();
        match self.names.get_mut(&name) {
            // Only in version 1, where names may come apart.
            Some(known) => {
                known.samples.append(&mut values.samples);
                known.count += values.count;
            }
            None => {
                values.samples.shrink_to_fit();
                self.names.insert(name, values);
            }
        }
    }

    fn sort(&mut self, entries: &[u8]) {
        let value = |at: &u32| {
            let mut bytes = Bytes(entries.get(*at as usize..).unwrap_or_default());
            entry(&mut bytes).map_or(&[][..], |entry| entry.value)
        };
        for values in self.names.values_mut() {
            values.samples.sort_by(|a, b| value(a).cmp(value(b)));
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(AsRef::as_ref)
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.names
            .get(name)
            .map_or(0, |values| values.count as usize)
    }

    fn entries<'a>(&self, file: &'a [u8], sample: u32) -> Bytes<'a> {
        let start = self.start + sample as usize;
        Bytes(file.get(start..self.end).unwrap_or_default())
    }

    /// Where the postings of a label are.
    pub(super) fn find(&self, file: &[u8], name: &str, value: &[u8]) -> Option<u64> {
        self.values_from(file, name, value)
            .next()
            .filter(|(found, _)| *found == value)
            .map(|(_, postings)| postings)
    }

    /// The values of a name from `from` on with the places of their postings, sorted.
    pub(super) fn values_from<'a>(
        &'a self,
        file: &'a [u8],
        name: &str,
        from: &[u8],
    ) -> ValuesIter<'a> {
        let mut iter = ValuesIter {
            table: self,
            file,
            values: None,
            rest: Bytes(&[]),
            number: 0,
            pending: None,
        };
        let Some(values) = self.names.get(name) else {
            return iter;
        };
        iter.values = Some(values);
        let after = values.samples.partition_point(|sample| {
            entry(&mut self.entries(file, *sample)).is_ok_and(|entry| entry.value <= from)
        });
        iter.number = (after.saturating_sub(1) as u32).saturating_mul(values.step);
        if let Some(sample) = values.samples.get((iter.number / values.step) as usize) {
            iter.rest = self.entries(file, *sample);
        }
        // Fewer than a step lie before the wanted one.
        while let Some(entry) = iter.step() {
            if entry.0 >= from {
                iter.pending = Some(entry);
                break;
            }
        }
        iter
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.names
            .iter()
            .map(|(name, values)| name.len() + values.samples.capacity() * 4 + 64)
            .sum()
    }
}

pub(super) struct ValuesIter<'a> {
    table: &'a PostingsTable,
    file: &'a [u8],
    values: Option<&'a Values>,
    rest: Bytes<'a>,
    /// Of the next entry among those of the name.
    number: u32,
    pending: Option<(&'a [u8], u64)>,
}

impl<'a> ValuesIter<'a> {
    fn step(&mut self) -> Option<(&'a [u8], u64)> {
        let values = self.values?;
        if self.number >= values.count {
            return None;
        }
        if values.step == 1 {
            let sample = *values.samples.get(self.number as usize)?;
            self.rest = self.table.entries(self.file, sample);
        }
        // The whole table was walked when the file was opened.
        let entry = entry(&mut self.rest).ok()?;
        self.number += 1;
        Some((entry.value, entry.postings))
    }
}

impl<'a> Iterator for ValuesIter<'a> {
    type Item = (&'a [u8], u64);

    fn next(&mut self) -> Option<Self::Item> {
        self.pending.take().or_else(|| self.step())
    }
}
