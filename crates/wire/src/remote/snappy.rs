//! Snappy's block format.

use crate::proto::writer::push_varint;

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

/// Bytes that the format's compressors look at together.
const PIECE: usize = 64 << 10;

/// Compresses content that comes bit by bit, some of it with its length before it, without ever holding
/// more of it than a piece. Only what is compressed is kept.
#[derive(Debug, Default)]
pub(crate) struct PiecewiseBlock {
    /// Content that makes no whole piece yet.
    pending: Vec<u8>,
    pieces: Vec<Vec<u8>>,
    size: usize,
    /// What stands before the first piece that was added since: its number, and the size then.
    mark: (usize, usize),
    scratch: Vec<u8>,
}

impl PiecewiseBlock {
    /// Bytes of content so far.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn push(&mut self, mut content: &[u8]) -> Result<(), SnappyError> {
        self.size += content.len();
        while !content.is_empty() {
            let room = PIECE - self.pending.len();
            let (now, later) = content.split_at(room.min(content.len()));
            self.pending.extend_from_slice(now);
            content = later;
            if self.pending.len() == PIECE {
                self.close_piece()?;
            }
        }
        Ok(())
    }

    fn close_piece(&mut self) -> Result<(), SnappyError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.scratch
            .resize(snap::raw::max_compress_len(self.pending.len()), 0);
        let length = snap::raw::Encoder::new()
            .compress(&self.pending, &mut self.scratch)
            .map_err(|error| SnappyError::Corrupt(error.to_string()))?;
        let block = self.scratch.get(..length).unwrap_or_default();
        // A block is its size, and elements that refer to nothing outside of them.
        let size = block.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        self.pieces
            .push(block.get(size..).unwrap_or_default().to_vec());
        self.pending.clear();
        Ok(())
    }

    /// From here on is what the next [`Self::prefix`] stands before.
    pub(crate) fn mark(&mut self) -> Result<(), SnappyError> {
        self.close_piece()?;
        self.mark = (self.pieces.len(), self.size);
        Ok(())
    }

    /// Content since the mark, in bytes.
    pub(crate) fn since_mark(&self) -> usize {
        self.size - self.mark.1
    }

    /// Puts at most 60 bytes before all that came since the mark.
    pub(crate) fn prefix(&mut self, content: &[u8]) -> Result<(), SnappyError> {
        self.close_piece()?;
        let Some(last) = content.len().checked_sub(1) else {
            return Ok(());
        };
        let tag = u8::try_from(last << 2).map_err(|_| SnappyError::TooLarge {
            size: content.len(),
            limit: 60,
        })?;
        let mut literal = vec![tag];
        literal.extend_from_slice(content);
        self.pieces.insert(self.mark.0, literal);
        self.size += content.len();
        Ok(())
    }

    /// The block, in pieces.
    pub(crate) fn finish(mut self) -> Result<Vec<Vec<u8>>, SnappyError> {
        self.close_piece()?;
        let mut size = Vec::new();
        push_varint(&mut size, self.size as u64);
        self.pieces.insert(0, size);
        Ok(self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_comes_bit_by_bit() {
        for size in [0usize, 1, 1000, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 77] {
            let content: Vec<u8> = (0..size).map(|at| (at % 16) as u8).collect();
            let mut block = PiecewiseBlock::default();
            let mut wanted = b"before".to_vec();
            block.push(b"before").unwrap();
            block.mark().unwrap();
            for part in content.chunks(1000) {
                block.push(part).unwrap();
            }
            assert_eq!(block.since_mark(), size);
            block.prefix(b"prefix").unwrap();
            block.push(b"after").unwrap();
            assert_eq!(block.size(), size + 17);
            wanted.extend([b"prefix", &content[..], b"after"].concat());
            let body = block.finish().unwrap().concat();
            assert_eq!(decompress(&body, 1 << 20).unwrap(), wanted);
            assert!(body.len() < size / 4 + 100, "{} of {size}", body.len());
        }
        let empty = PiecewiseBlock::default().finish().unwrap().concat();
        assert_eq!(decompress(&empty, 0).unwrap(), b"");
    }

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
