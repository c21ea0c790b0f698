//! Packets: `[244 length label] [12 checksum] message`, where the message may be compressed or compound.

use super::message::kind;
use super::msgpack::{Known, Reader, Writer};
use super::{Message, WireError, lzw};

/// What one packet may decompress to, all its parts together. Honest ones are below 64 KiB.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 20;
/// Messages in messages; honest ones are compressed, then compound.
const DEPTH_MAX: u8 = 4;
/// What is shorter never gets smaller: 13 bytes are around it, and for this many bytes LZW needs 9 codes of 9 bits.
pub(super) const COMPRESSIBLE_BYTES_MIN: usize = 25;
/// The most messages that a compound one counts.
pub(crate) const COMPOUND_MAX: usize = 255;

/// What a packet held: every part that could be read, and the problems of the others.
#[derive(Debug, Default)]
pub struct Opened {
    pub messages: Vec<Message>,
    pub problems: Vec<WireError>,
}

/// Reads a packet that was sent to a member with this label.
pub fn open_packet(bytes: &[u8], label: &str) -> Result<Opened, WireError> {
    let (found, mut rest) = split_label(bytes)?;
    check_label(found, label)?;
    if let Some((&kind::CHECKSUM, after)) = rest.split_first() {
        let (sum, body) = after.split_first_chunk().ok_or(WireError::Truncated)?;
        if crc32(body) != u32::from_be_bytes(*sum) {
            return Err(WireError::Checksum);
        }
        rest = body;
    }
    let mut opened = Opened::default();
    let mut budget = DECOMPRESSED_BYTES_MAX;
    open(rest, 0, &mut budget, &mut opened);
    Ok(opened)
}

fn open(bytes: &[u8], depth: u8, budget: &mut usize, opened: &mut Opened) {
    if let Err(problem) = try_open(bytes, depth, budget, opened) {
        opened.problems.push(problem);
    }
}

fn try_open(
    bytes: &[u8],
    depth: u8,
    budget: &mut usize,
    opened: &mut Opened,
) -> Result<(), WireError> {
    if depth > DEPTH_MAX {
        return Err(WireError::Depth);
    }
    let (kind, body) = bytes.split_first().ok_or(WireError::Empty)?;
    match *kind {
        kind::COMPOUND => {
            let (count, rest) = body.split_first().ok_or(WireError::Truncated)?;
            let (lengths, mut rest) = rest
                .split_at_checked(2 * usize::from(*count))
                .ok_or(WireError::Truncated)?;
            for length in lengths.as_chunks().0 {
                let length = usize::from(u16::from_be_bytes(*length));
                let (part, after) = rest.split_at_checked(length).ok_or(WireError::Truncated)?;
                rest = after;
                open(part, depth + 1, budget, opened);
            }
        }
        kind::COMPRESSED => {
            let payload = read_compressed(&mut Reader::new(body))?;
            let plain = lzw::decompress(payload, *budget)?;
            *budget -= plain.len();
            open(&plain, depth + 1, budget, opened);
        }
        kind => opened.messages.push(Message::decode(kind, body)?),
    }
    Ok(())
}

/// Several encoded messages, at most 255, as one.
pub(crate) fn compound(messages: &[Vec<u8>]) -> Vec<u8> {
    let count = messages.len().min(COMPOUND_MAX);
    let mut out = vec![kind::COMPOUND, u8::try_from(count).unwrap_or(u8::MAX)];
    let messages = &messages[..count];
    for message in messages {
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        out.extend(length.to_be_bytes());
    }
    out.extend(messages.iter().flatten());
    out
}

/// Whether the receiver of a packet checks sums: those that speak protocol 5, if we know that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    Written,
    LeftOut,
}

/// A packet of one encoded message, compressed if that makes it smaller.
pub fn seal_packet(message: Vec<u8>, checksum: Checksum, label: &str) -> Vec<u8> {
    let compressed = (message.len() >= COMPRESSIBLE_BYTES_MIN).then(|| compressed(&message));
    let body = match compressed {
        Some(compressed) if compressed.len() < message.len() => compressed,
        _ => message,
    };
    let mut out = Vec::with_capacity(body.len() + 5 + label_overhead(label));
    write_label(&mut out, label);
    if checksum == Checksum::Written {
        out.push(kind::CHECKSUM);
        out.extend(crc32(&body).to_be_bytes());
    }
    out.extend(body);
    out
}

/// A compressed message around a message.
pub(crate) fn compressed(message: &[u8]) -> Vec<u8> {
    let payload = lzw::compress(message);
    let mut out = Vec::with_capacity(payload.len() + 16);
    out.push(kind::COMPRESSED);
    Writer::new(&mut out, 2)
        .number("Algo", 0)
        .bytes("Buf", &payload);
    out
}

/// The payload of a compressed message, still compressed.
pub(crate) fn read_compressed<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let (mut algorithm, mut payload) = (0u8, &[][..]);
    reader.fields(|name, reader| {
        match name {
            b"Algo" => algorithm = reader.number()?,
            b"Buf" => payload = reader.bytes()?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    if algorithm != 0 {
        return Err(WireError::Algorithm(algorithm));
    }
    Ok(payload)
}

/// The label before a packet or stream, empty if there is none, and what follows it.
pub(crate) fn split_label(bytes: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let Some((&kind::LABEL, after)) = bytes.split_first() else {
        return Ok((&[], bytes));
    };
    let (length, rest) = after.split_first().ok_or(WireError::Truncated)?;
    if *length == 0 {
        return Err(WireError::Label(String::new()));
    }
    rest.split_at_checked(usize::from(*length))
        .ok_or(WireError::Truncated)
}

pub(crate) fn check_label(found: &[u8], label: &str) -> Result<(), WireError> {
    if found == label.as_bytes() {
        return Ok(());
    }
    Err(WireError::Label(
        String::from_utf8_lossy(found).into_owned(),
    ))
}

/// `label` has at most 255 bytes; flags are checked for that.
pub(crate) fn write_label(out: &mut Vec<u8>, label: &str) {
    if let Ok(length @ 1..) = u8::try_from(label.len()) {
        out.extend([kind::LABEL, length]);
        out.extend_from_slice(label.as_bytes());
    }
}

pub(crate) fn label_overhead(label: &str) -> usize {
    if label.is_empty() { 0 } else { 2 + label.len() }
}

/// CRC-32 as Ethernet and zip have it.
#[expect(clippy::cast_possible_truncation, reason = "a sum of 32 bits")]
fn crc32(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, bytes) as u32
}
