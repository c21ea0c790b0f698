//! The streamed answer of remote read: frames with a `prometheus.ChunkedReadResponse` each.
//!
//! A frame is the length of the message (a varint), its CRC-32C (big endian) and the message. It has chunks
//! of one series; a series with many goes into several frames, one after the other.

use model::{Labels, Timestamp};

use crate::error::LabelsError;
use crate::proto::reader::{Fields, ProtoError};
use crate::proto::writer::{Message, push_varint};
use crate::remote::message::{encode_labels, labels_of, push_bounded, push_label};

/// A chunk as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Of the first and the last sample.
    pub start: Timestamp,
    pub end: Timestamp,
    /// The number of its format.
    pub encoding: u8,
    pub data: &'a [u8],
}

/// Puts the chunks of one series into frames.
#[derive(Debug)]
pub struct SeriesFrames {
    /// The labels, as the message has them.
    labels: Message,
    query: u64,
    /// What chunks may take in a frame. The last one may go beyond it, as in the peer.
    chunk_bytes_max: usize,
    chunk_bytes: usize,
    message: Message,
}

impl SeriesFrames {
    /// `query`: which one of the request; `frame_bytes_max`: without the last chunk.
    pub fn new(labels: &Labels, query: usize, frame_bytes_max: usize) -> Self {
        let mut message = Message::new();
        encode_labels(&mut message, 1, labels);
        Self {
            chunk_bytes_max: frame_bytes_max.saturating_sub(message.len()),
            labels: message.clone(),
            query: query as u64,
            chunk_bytes: 0,
            message,
        }
    }

    /// Adds a chunk; gives the frame if it is full.
    pub fn push(&mut self, chunk: &Chunk<'_>) -> Option<Vec<u8>> {
        let mut inner = Message::new();
        inner.signed(1, chunk.start.0);
        inner.signed(2, chunk.end.0);
        inner.unsigned(3, u64::from(chunk.encoding));
        if !chunk.data.is_empty() {
            inner.present_bytes(4, chunk.data);
        }
        self.chunk_bytes += inner.len();
        self.message.message(2, &inner);
        if self.chunk_bytes < self.chunk_bytes_max {
            return None;
        }
        self.finish()
    }

    /// The frame with the chunks since the last one, if there are any.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        if self.chunk_bytes == 0 {
            return None;
        }
        self.chunk_bytes = 0;
        let series = std::mem::replace(&mut self.message, self.labels.clone());
        let mut response = Message::new();
        response.message(1, &series);
        response.unsigned(2, self.query);
        Some(frame(&response.into_bytes()))
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 14);
    push_varint(&mut frame, message.len() as u64);
    frame.extend_from_slice(&checksum(message).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// CRC-32C.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a 32-bit checksum in a 64-bit result"
)]
fn checksum(message: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, message) as u32
}

/// Chunks of one series, out of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSeries<'a> {
    pub query: u64,
    pub labels: Labels,
    pub chunks: Vec<Chunk<'a>>,
}

/// Why frames cannot be read. Texts as the peer has them, where it has any.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("unexpected EOF")]
    Truncated,
    #[error("chunkedReader: message size exceeded the limit {limit} bytes; got: {size} bytes")]
    TooLarge { size: u64, limit: usize },
    #[error("chunkedReader: corrupted frame; checksum mismatch")]
    Checksum,
    #[error(transparent)]
    Proto(#[from] ProtoError),
    #[error(transparent)]
    Labels(#[from] LabelsError),
}

/// Takes the first frame from `stream`, which may have any number of them; `None` at the end. A frame may
/// have several series.
pub fn next_frame<'a>(
    stream: &mut &'a [u8],
    limit: usize,
) -> Result<Option<Vec<FrameSeries<'a>>>, FrameError> {
    if stream.is_empty() {
        return Ok(None);
    }
    let mut fields = Fields::new(stream);
    let size = fields.varint().map_err(|_| FrameError::Truncated)?;
    let start = stream.len() - fields.remaining();
    let rest = stream.get(start..).unwrap_or_default();
    let length = usize::try_from(size).ok().filter(|size| *size <= limit);
    let length = length.ok_or(FrameError::TooLarge { size, limit })?;
    let (expected, rest) = rest.split_first_chunk::<4>().ok_or(FrameError::Truncated)?;
    let (message, rest) = rest.split_at_checked(length).ok_or(FrameError::Truncated)?;
    if checksum(message) != u32::from_be_bytes(*expected) {
        return Err(FrameError::Checksum);
    }
    *stream = rest;
    decode(message).map(Some)
}

fn decode(message: &[u8]) -> Result<Vec<FrameSeries<'_>>, FrameError> {
    let mut all = Vec::new();
    let mut query = 0;
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => push_bounded(&mut all, decode_series(field.bytes()?)?)?,
            2 => query = field.unsigned()?,
            _ => {}
        }
    }
    for series in &mut all {
        series.query = query;
    }
    Ok(all)
}

fn decode_series(message: &[u8]) -> Result<FrameSeries<'_>, FrameError> {
    let (mut label_bytes, mut chunks) = (Vec::new(), Vec::new());
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => {
                let (name, value) = crate::remote::message::decode_label(field.bytes()?)?;
                push_label(&mut label_bytes, name, value);
            }
            2 => push_bounded(&mut chunks, decode_chunk(field.bytes()?)?)?,
            _ => {}
        }
    }
    Ok(FrameSeries {
        query: 0,
        labels: labels_of(&label_bytes)??,
        chunks,
    })
}

fn decode_chunk(message: &[u8]) -> Result<Chunk<'_>, ProtoError> {
    let mut chunk = Chunk {
        start: Timestamp(0),
        end: Timestamp(0),
        encoding: 0,
        data: &[],
    };
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => chunk.start = Timestamp(field.signed()?),
            2 => chunk.end = Timestamp(field.signed()?),
            3 => {
                let number = field.unsigned()?;
                chunk.encoding = u8::try_from(number).map_err(|_| ProtoError::UnknownValue(3))?;
            }
            4 => chunk.data = field.bytes()?,
            _ => {}
        }
    }
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(start: i64, data: &[u8]) -> Chunk<'_> {
        Chunk {
            start: Timestamp(start),
            end: Timestamp(start + 9),
            encoding: 1,
            data,
        }
    }

    #[test]
    fn a_series_goes_over_frames() {
        let labels = Labels::from_pairs([("__name__", "m"), ("a", "1")]);
        let data = [7; 100];
        let mut frames = SeriesFrames::new(&labels, 3, 250);
        let mut stream = Vec::new();
        let mut count = 0;
        for start in [10, 20, 30, 40, 50] {
            let full = frames.push(&chunk(start, &data));
            count += usize::from(full.is_some());
            stream.extend(full.unwrap_or_default());
        }
        let last = frames.finish().unwrap();
        assert_eq!(count, 1, "frames hold three chunks");
        stream.extend(last);
        assert_eq!(frames.finish(), None);
        let mut rest = &stream[..];
        let mut starts = Vec::new();
        while let Some(all) = next_frame(&mut rest, 1000).unwrap() {
            for series in all {
                assert_eq!((series.query, &series.labels), (3, &labels));
                starts.extend(series.chunks.iter().map(|found| {
                    assert_eq!(*found, chunk(found.start.0, &data));
                    found.start.0
                }));
            }
        }
        assert_eq!(starts, [10, 20, 30, 40, 50]);
    }

    #[test]
    fn damage_is_seen() {
        let mut frames = SeriesFrames::new(&Labels::from_name("m"), 0, 1);
        let frame = frames.push(&chunk(1, b"data")).unwrap();
        let read = |mut stream: &[u8]| next_frame(&mut stream, 100).map(|found| found.is_some());
        assert_eq!(read(&frame), Ok(true));
        assert_eq!(read(&frame[..frame.len() - 1]), Err(FrameError::Truncated));
        for at in 1..frame.len() {
            let mut damaged = frame.clone();
            damaged[at] ^= 1;
            assert_eq!(read(&damaged), Err(FrameError::Checksum), "byte {at}");
        }
        let large = [0xff, 0xff, 0x7f, 0, 0, 0, 0];
        let limit = FrameError::TooLarge {
            size: 2_097_151,
            limit: 100,
        };
        assert_eq!(read(&large), Err(limit));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(stream in proptest::collection::vec(proptest::num::u8::ANY, 0..128)) {
            let mut rest = &stream[..];
            while let Ok(Some(_)) = next_frame(&mut rest, 1000) {}
            let _ = decode(&stream);
        }
    }
}
