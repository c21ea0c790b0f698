//! The streamed answer: frames with chunks as they are stored.

use std::ops::ControlFlow;

use model::{Labels, Timestamp};
use tsdb::Db;
use tsdb::db::StoredChunk;
use wire::remote::chunked::{Chunk, SeriesFrames};

use super::query::{Query, with_external};
use super::refusal::ReadRefusal;

/// What is asked, and how it is to be cut.
#[derive(Debug)]
pub struct ChunkStream {
    pub(super) db: Db,
    pub(super) queries: Vec<Query>,
    pub(super) external: Labels,
    pub(super) frame_bytes_max: usize,
}

impl ChunkStream {
    /// Gives the frames one after the other, until `send` breaks. Reads from disk: not for async threads.
    pub fn send(
        &self,
        send: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
    ) -> Result<(), ReadRefusal> {
        for (number, query) in self.queries.iter().enumerate() {
            let mut is_over = false;
            let each = |labels: &Labels, chunks: &[StoredChunk]| {
                let labels = with_external(labels, &self.external);
                let mut frames = SeriesFrames::new(&labels, number, self.frame_bytes_max);
                let sent = send_series(&mut frames, chunks, send);
                is_over = sent.is_break();
                sent
            };
            self.db
                .for_each_series(query.range, &query.matchers, each)?;
            if is_over {
                break;
            }
        }
        Ok(())
    }
}

fn send_series(
    frames: &mut SeriesFrames,
    chunks: &[StoredChunk],
    send: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for stored in chunks {
        let full = frames.push(&Chunk {
            start: Timestamp(stored.start),
            end: Timestamp(stored.end),
            encoding: stored.encoding as u8,
            data: &stored.data,
        });
        if let Some(frame) = full {
            send(frame)?;
        }
    }
    match frames.finish() {
        Some(frame) => send(frame),
        None => ControlFlow::Continue(()),
    }
}
