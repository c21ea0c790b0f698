//! Cutting records into the fragments of pages.

use super::{FRAGMENT_HEADER, PAGE};
pub(super) use crate::bytes::checksum;

pub(super) const TYPE_MASK: u8 = 0x07;
pub(super) const PAGE_END: u8 = 0;
pub(super) const FULL: u8 = 1;
pub(super) const FIRST: u8 = 2;
pub(super) const MIDDLE: u8 = 3;
pub(super) const LAST: u8 = 4;

/// How many bytes of zeros end the page at this offset, if no further fragment fits into it.
fn closing(offset: usize) -> usize {
    let left = PAGE - offset % PAGE;
    if left < FRAGMENT_HEADER { left } else { 0 }
}

/// Appends the fragments of a record to `out`, which will be written at `offset` of the segment (minus
/// what `out` holds already). Pages without room for a further fragment are closed.
pub(super) fn write(out: &mut Vec<u8>, start: u64, flags: u8, record: &[u8]) {
    // The remainder fits: pages are 32 KiB.
    let page_offset = (start % PAGE as u64) as usize;
    let mut rest = record;
    let mut is_first = true;
    loop {
        let at = page_offset + out.len();
        let room = PAGE - at % PAGE - FRAGMENT_HEADER;
        let (part, after) = rest.split_at(rest.len().min(room));
        rest = after;
        let kind = match (is_first, rest.is_empty()) {
            (true, true) => FULL,
            (true, false) => FIRST,
            (false, true) => LAST,
            (false, false) => MIDDLE,
        };
        is_first = false;
        out.push(kind | flags);
        // A part is shorter than a page.
        out.extend_from_slice(&(part.len() as u16).to_be_bytes());
        out.extend_from_slice(&checksum(part).to_be_bytes());
        out.extend_from_slice(part);
        out.resize(out.len() + closing(page_offset + out.len()), 0);
        if rest.is_empty() {
            return;
        }
    }
}
