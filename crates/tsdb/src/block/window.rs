//! Reading a file in pieces that lie close together: one buffer, which grows when reading goes on
//! where it ended.

use std::io;

use model::disk::DiskReader;

/// Bytes that are read around a place nobody was near before.
const FIRST: usize = 8 << 10;
/// Bytes that are read ahead at most.
const AHEAD_MAX: usize = 256 << 10;

/// A part of one file in memory.
#[derive(Debug)]
pub(crate) struct Window {
    start: u64,
    bytes: Vec<u8>,
    ahead: usize,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            start: 0,
            bytes: Vec::new(),
            ahead: FIRST,
        }
    }

    /// Forgets everything: another file follows.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ahead = FIRST;
    }

    /// The bytes from `offset` on: `length` of them, or fewer if the file ends.
    pub(crate) fn get(
        &mut self,
        file: &dyn DiskReader,
        offset: u64,
        length: usize,
    ) -> io::Result<&[u8]> {
        let end = self.start + self.bytes.len() as u64;
        if offset < self.start || offset.saturating_add(length as u64) > end {
            let is_near =
                !self.bytes.is_empty() && (self.start..=end + self.ahead as u64).contains(&offset);
            self.ahead = if is_near {
                (self.ahead * 2).min(AHEAD_MAX)
            } else {
                FIRST
            };
            self.bytes.resize(length.max(self.ahead), 0);
            self.start = offset;
            match file.read_at(offset, &mut self.bytes) {
                Ok(read) => self.bytes.truncate(read),
                Err(error) => {
                    self.bytes.clear();
                    return Err(error);
                }
            }
        }
        // `offset` is inside of the window, or at its end, now.
        let at = (offset - self.start) as usize;
        let bytes = self.bytes.get(at..).unwrap_or_default();
        Ok(bytes.get(..length).unwrap_or(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_file_wherever_one_looks() {
        let file: Vec<u8> = (0..1_000_000u32).map(|at| (at % 253) as u8).collect();
        let mut window = Window::new();
        let mut at = 1u64;
        for step in 0..5_000u64 {
            at = (at * 48_271 + step) % 1_100_000;
            let length = (at % 3_000) as usize;
            let start = (at as usize).min(file.len());
            let expected = &file[start..(start + length).min(file.len())];
            assert_eq!(window.get(&file, at, length).unwrap(), expected);
        }
        let mut at = 0;
        while at < file.len() {
            let found = window.get(&file, at as u64, 700).unwrap();
            assert_eq!(found, &file[at..(at + 700).min(file.len())]);
            at += 640;
        }
    }
}
