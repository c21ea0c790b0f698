//! One series in an index: its labels as symbols, and its chunks.

use super::CHECKSUM;
use crate::bytes::{Bytes, Malformed, checksum, put_u32, put_uvarint, put_varint};

/// Times are those of the first and the last sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkPlace {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Number of the segment in the upper 32 bits, offset in it in the lower.
    pub(crate) reference: u64,
}

/// Meant to be reused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeriesEntry {
    /// Name and value, in the order of the names.
    pub(crate) labels: Vec<(u32, u32)>,
    /// In the order of time.
    pub(crate) chunks: Vec<ChunkPlace>,
}

/// Reads the entry at the start of `file`; an error says what is wrong with it.
pub(super) fn read(file: &[u8], entry: &mut SeriesEntry) -> Result<(), &'static str> {
    const TOO_LONG: &str = "the series runs over the end of the file";
    let mut bytes = Bytes(file);
    let length = bytes.count().map_err(|_| TOO_LONG)?;
    let (body, rest) = bytes.0.split_at_checked(length).ok_or(TOO_LONG)?;
    let sum = rest.first_chunk::<CHECKSUM>().ok_or(TOO_LONG)?;
    if checksum(body) != u32::from_be_bytes(*sum) {
        return Err("the checksum of the series does not match");
    }
    entry.labels.clear();
    entry.chunks.clear();
    let mut body = Bytes(body);
    labels(&mut body, &mut entry.labels).map_err(|_| "the series has malformed labels")?;
    chunks(&mut body, &mut entry.chunks).map_err(|_| "the series has malformed chunks")
}

fn labels(body: &mut Bytes<'_>, labels: &mut Vec<(u32, u32)>) -> Result<(), Malformed> {
    for _ in 0..body.count()? {
        labels.push((body.uvarint32()?, body.uvarint32()?));
    }
    Ok(())
}

fn chunks(body: &mut Bytes<'_>, chunks: &mut Vec<ChunkPlace>) -> Result<(), Malformed> {
    let mut last: Option<ChunkPlace> = None;
    for _ in 0..body.count()? {
        let start = match last {
            None => body.varint()?,
            Some(last) => last
                .end
                .checked_add_unsigned(body.uvarint()?)
                .ok_or(Malformed)?,
        };
        let end = start
            .checked_add_unsigned(body.uvarint()?)
            .ok_or(Malformed)?;
        let reference = match last {
            None => body.uvarint()?,
            Some(last) => last
                .reference
                .checked_add_signed(body.varint()?)
                .ok_or(Malformed)?,
        };
        let place = ChunkPlace {
            start,
            end,
            reference,
        };
        chunks.push(place);
        last = Some(place);
    }
    Ok(())
}

/// Appends the entry; `body` is working memory. Chunks must be in the order of time.
pub(super) fn write(
    out: &mut Vec<u8>,
    body: &mut Vec<u8>,
    labels: &[(u32, u32)],
    chunks: &[ChunkPlace],
) {
    body.clear();
    put_uvarint(body, labels.len() as u64);
    for (name, value) in labels {
        put_uvarint(body, u64::from(*name));
        put_uvarint(body, u64::from(*value));
    }
    put_uvarint(body, chunks.len() as u64);
    let mut last: Option<ChunkPlace> = None;
    for chunk in chunks {
        match last {
            None => put_varint(body, chunk.start),
            // Wraps for no times that are in order.
            Some(last) => put_uvarint(body, chunk.start.wrapping_sub(last.end) as u64),
        }
        put_uvarint(body, chunk.end.wrapping_sub(chunk.start) as u64);
        match last {
            None => put_uvarint(body, chunk.reference),
            Some(last) => put_varint(body, chunk.reference.wrapping_sub(last.reference) as i64),
        }
        last = Some(*chunk);
    }
    put_uvarint(out, body.len() as u64);
    out.extend_from_slice(body);
    put_u32(out, checksum(body));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_and_damage_is_noticed() {
        let entry = SeriesEntry {
            labels: vec![(1, 2), (300, 70_000)],
            chunks: [(-5, 7, 8), (8, 8, 900), (i64::MAX - 1, i64::MAX, 1 << 32)]
                .map(|(start, end, reference)| ChunkPlace {
                    start,
                    end,
                    reference,
                })
                .to_vec(),
        };
        let mut bytes = Vec::new();
        write(&mut bytes, &mut Vec::new(), &entry.labels, &entry.chunks);
        let mut found = SeriesEntry::default();
        read(&bytes, &mut found).unwrap();
        assert_eq!(found, entry);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x04;
            assert!(read(&damaged, &mut found).is_err(), "byte {at}");
            assert!(read(&bytes[..at], &mut found).is_err(), "up to {at}");
        }
    }
}
