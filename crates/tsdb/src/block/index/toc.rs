//! The table of contents at the end of an index, and the sections that it points to.

use super::CHECKSUM;
use crate::bytes::{Bytes, checksum, put_u32, put_u64};

/// Where sections start; 0: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Toc {
    pub(super) symbols: u64,
    pub(super) series: u64,
    pub(super) label_indices: u64,
    pub(super) label_indices_table: u64,
    pub(super) postings: u64,
    pub(super) postings_table: u64,
}

pub(super) const LENGTH: usize = 6 * 8 + CHECKSUM;

impl Toc {
    /// From the last bytes of a file; `Err` says what is wrong with them.
    pub(super) fn read(file: &[u8]) -> Result<Self, &'static str> {
        let start = file
            .len()
            .checked_sub(LENGTH)
            .ok_or("the file is too short")?;
        let (body, sum) = file[start..].split_at(LENGTH - CHECKSUM);
        if sum != checksum(body).to_be_bytes() {
            return Err("the checksum of the table of contents does not match");
        }
        let mut bytes = Bytes(body);
        // The length was checked above.
        let mut next = || bytes.u64().unwrap_or_default();
        Ok(Self {
            symbols: next(),
            series: next(),
            label_indices: next(),
            label_indices_table: next(),
            postings: next(),
            postings_table: next(),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        for place in [
            self.symbols,
            self.series,
            self.label_indices,
            self.label_indices_table,
            self.postings,
            self.postings_table,
        ] {
            put_u64(out, place);
        }
        let sum = checksum(&out[start..]);
        put_u32(out, sum);
    }
}

/// The body of the section at `offset`, without its length and checksum; the checksum is the caller's.
pub(super) fn section(file: &[u8], offset: u64) -> Result<Section<'_>, &'static str> {
    let start = usize::try_from(offset).map_err(|_| "the section is beyond the end of the file")?;
    let mut bytes = Bytes(
        file.get(start..)
            .ok_or("the section is beyond the end of the file")?,
    );
    let length = bytes.u32().map_err(|_| "the section has no length")? as usize;
    let (body, rest) = bytes
        .0
        .split_at_checked(length)
        .ok_or("the section is longer than the file")?;
    let sum = rest
        .first_chunk::<CHECKSUM>()
        .ok_or("the section has no checksum")?;
    Ok(Section {
        body,
        sum: u32::from_be_bytes(*sum),
    })
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    pub(super) body: &'a [u8],
    sum: u32,
}

impl<'a> Section<'a> {
    pub(super) fn verified(self) -> Result<&'a [u8], &'static str> {
        if checksum(self.body) != self.sum {
            return Err("the checksum of the section does not match");
        }
        Ok(self.body)
    }
}
