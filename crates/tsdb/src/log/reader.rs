//! Reading the records of one segment.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use model::disk::{Disk, DiskReader};

use super::compression::{self, SNAPPY, ZSTD};
use super::frame::{FIRST, FULL, LAST, MIDDLE, PAGE_END, TYPE_MASK, checksum};
use super::{FRAGMENT_HEADER, PAGE};

/// A place from which on a segment cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corruption {
    pub path: PathBuf,
    /// Where the last good record ends.
    pub offset: u64,
    pub reason: String,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            offset,
            reason,
        } = self;
        write!(f, "{} at byte {offset}: {reason}", path.display())
    }
}

/// Why there is no next record.
#[derive(Debug)]
pub enum SegmentError {
    Corrupt(Corruption),
    /// The disk failed; says nothing about the content.
    Io(io::Error),
}

/// Reads one segment page by page. A last page that ends early is as good as one filled up with
/// zeros: the writer was stopped between two records.
pub struct SegmentReader {
    path: PathBuf,
    source: Box<dyn DiskReader>,
    page: Vec<u8>,
    /// Offset of `page` in the file.
    page_start: u64,
    /// Next fragment in `page`.
    at: usize,
    is_last_page: bool,
    record_end: u64,
    packed: Vec<u8>,
    record: Vec<u8>,
}

impl fmt::Debug for SegmentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentReader({})", self.path.display())
    }
}

impl SegmentReader {
    pub fn open(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        Self::open_at(disk, path, 0)
    }

    /// From the record at `offset` on.
    pub fn open_at(disk: &dyn Disk, path: &Path, offset: u64) -> io::Result<Self> {
        let within = offset % PAGE as u64;
        let mut reader = Self {
            path: path.to_path_buf(),
            source: disk.open_reader(path)?,
            page: Vec::new(),
            page_start: offset - within,
            at: 0,
            is_last_page: false,
            record_end: offset,
            packed: Vec::new(),
            record: Vec::new(),
        };
        if within > 0 {
            // The remainder is below a page. An error comes again when the first record is read.
            if reader.next_page().is_ok() {
                reader.at = reader.page.len().min(within as usize);
            }
        }
        Ok(reader)
    }

    /// Where the last record that was returned ends.
    pub fn record_end(&self) -> u64 {
        self.record_end
    }

    /// The record that was returned last.
    pub(super) fn last_record(&self) -> &[u8] {
        &self.record
    }

    /// Whether the next record, if there is one, has to be read from the disk.
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.page.len()
    }

    /// Whether there was no further page when the current one was read.
    pub(super) fn is_last_page(&self) -> bool {
        self.is_last_page
    }

    fn corrupt(&self, reason: impl Into<String>) -> SegmentError {
        SegmentError::Corrupt(Corruption {
            path: self.path.clone(),
            offset: self.record_end,
            reason: reason.into(),
        })
    }

    /// The next record, unpacked; `None` at the end.
    pub fn next_record(&mut self) -> Result<Option<&[u8]>, SegmentError> {
        self.packed.clear();
        let mut is_inside = false;
        loop {
            if self.at >= self.page.len() && !self.next_page()? {
                if is_inside {
                    return Err(self.corrupt("the last record is torn"));
                }
                return Ok(None);
            }
            let head = self.page[self.at];
            let kind = head & TYPE_MASK;
            if kind == PAGE_END {
                if self.page[self.at..].iter().any(|byte| *byte != 0) {
                    return Err(self.corrupt("unexpected non-zero byte in padded page"));
                }
                if is_inside && self.is_last_page {
                    return Err(self.corrupt("the last record is torn"));
                }
                self.at = self.page.len();
                continue;
            }
            let flags = head & (SNAPPY | ZSTD);
            self.take_fragment()?;
            match (kind, is_inside) {
                (FIRST, false) | (MIDDLE, true) => is_inside = true,
                (FULL, false) | (LAST, true) => {
                    let unpacked = compression::unpack(flags, &self.packed, &mut self.record);
                    if let Err(reason) = unpacked {
                        return Err(self.corrupt(reason));
                    }
                    self.record_end = self.page_start + self.at as u64;
                    return Ok(Some(&self.record));
                }
                _ => return Err(self.corrupt(format!("unexpected fragment of type {kind}"))),
            }
        }
    }

    /// Checks the fragment at the current place, adds its bytes to `packed` and moves behind it.
    fn take_fragment(&mut self) -> Result<(), SegmentError> {
        let fragment = self.page.get(self.at..).unwrap_or_default();
        let Some((head, rest)) = fragment.split_first_chunk::<FRAGMENT_HEADER>() else {
            return Err(self.corrupt("a fragment header is cut off"));
        };
        let [_, length_high, length_low, crc @ ..] = *head;
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let Some(bytes) = rest.get(..length) else {
            return Err(self.corrupt(format!("a fragment of {length} bytes is cut off")));
        };
        let expected = u32::from_be_bytes(crc);
        let found = checksum(bytes);
        if found != expected {
            let reason = format!("unexpected checksum {found:x}, expected {expected:x}");
            return Err(self.corrupt(reason));
        }
        self.packed.extend_from_slice(bytes);
        self.at += FRAGMENT_HEADER + length;
        Ok(())
    }

    fn next_page(&mut self) -> Result<bool, SegmentError> {
        if self.is_last_page {
            return Ok(false);
        }
        self.page_start += self.page.len() as u64;
        self.at = 0;
        if self.page.len() < PAGE {
            self.page = vec![0; PAGE];
        }
        let filled = match self.source.read_at(self.page_start, &mut self.page) {
            Ok(filled) => filled,
            Err(error) => {
                self.page.clear();
                return Err(SegmentError::Io(error));
            }
        };
        self.page.truncate(filled);
        self.is_last_page = filled < PAGE;
        Ok(filled > 0)
    }
}
