//! Snappy's block format.

/// Why a body cannot be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnappyError {
    #[error("snappy: corrupt input: {0}")]
    Corrupt(String),
    #[error("snappy: decoded block of {size} bytes is too large, the limit is {limit}")]
    TooLarge { size: usize, limit: usize },
}

/// The content, unless it is larger than `limit` bytes: the size stands at the start, so nothing large
/// is ever allocated for a lie.
pub fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, SnappyError> {
    let mut content = Vec::new();
    let size = decompress_into(body, limit, &mut content)?.len();
    content.truncate(size);
    Ok(content)
}

/// As [`decompress`], into memory that is used again: `buffer` only grows, up to `limit`.
pub fn decompress_into<'b>(
    body: &[u8],
    limit: usize,
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8], SnappyError> {
    let corrupt = |error: snap::Error| SnappyError::Corrupt(error.to_string());
    let size = snap::raw::decompress_len(body).map_err(corrupt)?;
    if size > limit {
        return Err(SnappyError::TooLarge { size, limit });
    }
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
    let written = snap::raw::Decoder::new()
        .decompress(body, buffer.get_mut(..size).unwrap_or_default())
        .map_err(corrupt)?;
    Ok(buffer.get(..written).unwrap_or_default())
}

/// Compressed as a block.
pub fn compress(content: &[u8]) -> Result<Vec<u8>, SnappyError> {
    snap::raw::Encoder::new()
        .compress_vec(content)
        .map_err(|error| SnappyError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_before_anything_is_decompressed() {
        let body = compress(&[7; 1000]).unwrap();
        assert_eq!(decompress(&body, 1000).unwrap(), [7; 1000]);
        assert!(matches!(
            decompress(&body, 999),
            Err(SnappyError::TooLarge { size: 1000, .. })
        ));
        for broken in [&b"\xff\xff"[..], b"", &body[..body.len() - 1]] {
            let outcome = decompress(broken, 1000);
            assert!(
                matches!(outcome, Err(SnappyError::Corrupt(_))),
                "{broken:?}"
            );
        }
    }

    #[test]
    fn memory_is_used_again() {
        let mut buffer = Vec::new();
        for content in [&[7; 1000][..], &[8; 10], &[]] {
            let body = compress(content).unwrap();
            assert_eq!(decompress_into(&body, 1000, &mut buffer), Ok(content));
            assert_eq!(buffer.len(), 1000);
        }
    }
}
