//! The texts of all labels: finding one in a mapped file, and a list of them to write.

use super::{HEADER, SAMPLE_STEP, Version};
use crate::bytes::Bytes;

/// Where the symbols of a mapped file are. In version 2 a symbol is named by its position in the table,
/// in version 1 by its offset in the file.
#[derive(Debug)]
pub(super) struct SymbolTable {
    version: Version,
    /// Of the first symbol, in the file.
    start: usize,
    end: usize,
    count: u32,
    /// Of every 8th symbol, from `start` on.
    samples: Vec<u32>,
}

impl SymbolTable {
    /// Walks the section whose body, checked already, is `body` and starts at `offset`. Gives the
    /// position in the body of what is wrong.
    pub(super) fn read(body: &[u8], offset: usize, version: Version) -> Result<Self, usize> {
        let mut bytes = Bytes(body);
        let count = bytes.u32().map_err(|_| 0usize)?;
        let start = body.len() - bytes.left();
        // Each takes at least a byte.
        if count as usize > bytes.left() {
            return Err(0);
        }
        let mut samples = Vec::with_capacity(count.div_ceil(SAMPLE_STEP) as usize);
        for number in 0..count {
            let at = body.len() - bytes.left();
            if number % SAMPLE_STEP == 0 {
                // A section's length has 32 bits.
                samples.push((at - start) as u32);
            }
            bytes.raw_text().map_err(|_| at)?;
        }
        Ok(Self {
            version,
            start: offset + start,
            end: offset + body.len() - bytes.left(),
            count,
            samples,
        })
    }

    pub(super) fn get<'a>(&self, file: &'a [u8], symbol: u32) -> Option<&'a [u8]> {
        match self.version {
            Version::V1 => {
                let at = symbol as usize;
                let is_inside = at >= self.start.max(HEADER) && at < self.end;
                let mut bytes = Bytes(file.get(at..self.end).filter(|_| is_inside)?);
                bytes.raw_text().ok()
            }
            Version::V2 => {
                if symbol >= self.count {
                    return None;
                }
                let sample = *self.samples.get((symbol / SAMPLE_STEP) as usize)?;
                let mut bytes = Bytes(file.get(self.start + sample as usize..self.end)?);
                for _ in 0..symbol % SAMPLE_STEP {
                    bytes.raw_text().ok()?;
                }
                bytes.raw_text().ok()
            }
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.count
    }

    /// Names and texts, in the order of the file.
    pub(super) fn iter<'a>(
        &self,
        file: &'a [u8],
    ) -> impl Iterator<Item = (u32, &'a [u8])> + use<'a> {
        let (version, start) = (self.version, self.start);
        let table = file.get(start..self.end).unwrap_or_default();
        let mut bytes = Bytes(table);
        (0..self.count).map_while(move |number| {
            let at = start + table.len() - bytes.left();
            let text = bytes.raw_text().ok()?;
            let symbol = match version {
                Version::V1 => at as u32,
                Version::V2 => number,
            };
            Some((symbol, text))
        })
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.samples.capacity() * size_of::<u32>()
    }
}

/// Sorted, unique texts in one piece of memory, named by their position.
#[derive(Clone, Debug, Default)]
pub(crate) struct SymbolList {
    texts: Vec<u8>,
    ends: Vec<u32>,
}

/// A text that is not after the one before it, or the list would be too long for the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAfter;

impl SymbolList {
    pub(crate) fn push(&mut self, text: &[u8]) -> Result<u32, NotAfter> {
        if !self.ends.is_empty() && self.last() >= text {
            return Err(NotAfter);
        }
        let number = u32::try_from(self.ends.len()).map_err(|_| NotAfter)?;
        let end = u32::try_from(self.texts.len() + text.len()).map_err(|_| NotAfter)?;
        self.texts.extend_from_slice(text);
        self.ends.push(end);
        Ok(number)
    }

    pub(crate) fn last(&self) -> &[u8] {
        self.ends
            .len()
            .checked_sub(1)
            .map_or(&[], |last| self.get(last as u32))
    }

    /// Empty if there is no such symbol.
    pub(crate) fn get(&self, symbol: u32) -> &[u8] {
        let at = symbol as usize;
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.texts
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len() as u32).map(|symbol| self.get(symbol))
    }
}
