//! Compression of single records; each says itself how it is compressed.

use std::borrow::Cow;

/// What new records are compressed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    None,
    /// The peers' default.
    #[default]
    Snappy,
    /// Smaller, and dearer to write.
    Zstd,
}

/// The peers' zstd level.
const ZSTD_LEVEL: i32 = 3;

pub(super) const SNAPPY: u8 = 0x08;
pub(super) const ZSTD: u8 = 0x10;
/// A record may unpack to this many bytes; a damaged length must not take all memory.
const UNPACKED_MAX: usize = 1 << 30;

/// The bytes to write and the flag that goes with them. What does not get smaller stays as it is.
pub(super) fn pack<'a>(
    compression: Compression,
    record: &'a [u8],
    encoder: &mut snap::raw::Encoder,
) -> (u8, Cow<'a, [u8]>) {
    let (flag, packed) = match compression {
        Compression::None => return (0, Cow::Borrowed(record)),
        Compression::Snappy => (SNAPPY, encoder.compress_vec(record).ok()),
        Compression::Zstd => (ZSTD, zstd::bulk::compress(record, ZSTD_LEVEL).ok()),
    };
    match packed {
        Some(packed) if packed.len() < record.len() => (flag, Cow::Owned(packed)),
        _ => (0, Cow::Borrowed(record)),
    }
}

pub(super) fn unpack(flags: u8, packed: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    out.clear();
    if flags & SNAPPY != 0 {
        let length = snap::raw::decompress_len(packed).map_err(|error| error.to_string())?;
        // One input byte yields at most some 22 bytes.
        if length > UNPACKED_MAX || length > packed.len().saturating_mul(32) + 64 {
            return Err(format!("a record claims to unpack to {length} bytes"));
        }
        out.resize(length, 0);
        snap::raw::Decoder::new()
            .decompress(packed, out)
            .map_err(|error| error.to_string())?;
    } else if flags & ZSTD != 0 {
        use std::io::Read;
        let limit = UNPACKED_MAX as u64 + 1;
        zstd::stream::read::Decoder::new(packed)
            .and_then(|decoder| decoder.take(limit).read_to_end(out))
            .map_err(|error| error.to_string())?;
        if out.len() > UNPACKED_MAX {
            return Err("a record unpacks to too many bytes".to_owned());
        }
    } else {
        out.extend_from_slice(packed);
    }
    Ok(())
}
