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
    let corrupt = |error: snap::Error| SnappyError::Corrupt(error.to_string());
    let size = snap::raw::decompress_len(body).map_err(corrupt)?;
    if size > limit {
        return Err(SnappyError::TooLarge { size, limit });
    }
    snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(corrupt)
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
        assert!(matches!(
            decompress(b"\xff\xff", 10),
            Err(SnappyError::Corrupt(_))
        ));
    }
}
