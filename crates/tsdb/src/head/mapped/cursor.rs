//! Reading chunks back, with as few reads as the order of asking allows.
//!
//! Series of one target close their chunks together, so neighbouring series have neighbouring chunks,
//! once per round of chunks. A cursor keeps one window of the file for each round that it is in. The
//! first chunk of a window is read alone; the further the asking goes on, the more is read at once.

use std::io;
use std::sync::Arc;

use model::disk::DiskReader;

use super::Position;
use super::files::ChunkFiles;
use super::format::{Found, parse};

const WINDOWS_MAX: usize = 16;
const READ_MIN: usize = 512;
const READ_MAX: usize = 64 * 1024;
/// A chunk so far behind a window belongs to the same round.
const NEAR: u64 = 16 * 1024;

#[derive(Debug, Default)]
pub(in crate::head) struct Cursor {
    windows: Vec<Window>,
    uses: u64,
}

#[derive(Debug)]
struct Window {
    file: u32,
    reader: Arc<dyn DiskReader>,
    start: u64,
    bytes: Vec<u8>,
    /// How much to read next time.
    read_next: usize,
    used: u64,
}

/// Why a chunk cannot be had.
#[derive(Debug)]
pub(in crate::head) enum CursorError {
    Io(io::Error),
    /// What is wrong, with file and place.
    Corrupt(String),
}

impl Cursor {
    /// The data of the chunk of `series` at a place.
    pub(in crate::head) fn data(
        &mut self,
        files: &ChunkFiles,
        position: Position,
        series: u64,
    ) -> Result<&[u8], CursorError> {
        let corrupt = |reason: String| {
            CursorError::Corrupt(format!(
                "{} at byte {}: {reason}",
                files.path(position.file).display(),
                position.offset
            ))
        };
        let at = self.window(files, position).map_err(CursorError::Io)?;
        let Some(window) = at.and_then(|at| self.windows.get_mut(at)) else {
            return Err(corrupt("the file is gone".to_owned()));
        };
        let offset = u64::from(position.offset);
        let mut wanted = 1;
        let (found, data_at, length) = loop {
            let read = window.read(offset, wanted).map_err(CursorError::Io)?;
            match parse(window.from(offset)) {
                Found::Chunk(chunk) => break (chunk.series, chunk.data_at, chunk.data.len()),
                Found::More(more) if read >= wanted => wanted = more.max(wanted + 1),
                Found::Corrupt(reason) => return Err(corrupt(reason)),
                Found::End | Found::More(_) => {
                    return Err(corrupt("the file ends here".to_owned()));
                }
            }
        };
        if found != series {
            let reason = format!("the chunk is of series {found}, expected {series}");
            return Err(corrupt(reason));
        }
        Ok(&window.from(offset)[data_at..data_at + length])
    }

    /// The window of the chunk's round, moved to the chunk if need be; `None` if the file is gone.
    fn window(&mut self, files: &ChunkFiles, position: Position) -> io::Result<Option<usize>> {
        self.uses += 1;
        let offset = u64::from(position.offset);
        let is_near = |window: &Window| {
            let end = window.start + window.bytes.len() as u64;
            window.file == position.file && window.start <= offset && offset < end + NEAR
        };
        let at = match self.windows.iter().position(is_near) {
            Some(at) => at,
            None => {
                let Some(reader) = files.reader(position.file) else {
                    return Ok(None);
                };
                let mut bytes = Vec::new();
                if self.windows.len() >= WINDOWS_MAX {
                    let oldest = (0..self.windows.len()).min_by_key(|at| self.windows[*at].used);
                    bytes = self.windows.swap_remove(oldest.unwrap_or(0)).bytes;
                    bytes.clear();
                }
                self.windows.push(Window {
                    file: position.file,
                    reader,
                    start: offset,
                    bytes,
                    read_next: READ_MIN,
                    used: 0,
                });
                self.windows.len() - 1
            }
        };
        self.windows[at].used = self.uses;
        Ok(Some(at))
    }
}

impl Window {
    fn from(&self, offset: u64) -> &[u8] {
        let at = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Sees to it that `wanted` bytes from `offset` on are there; gives how many are.
    fn read(&mut self, offset: u64, wanted: usize) -> io::Result<usize> {
        let available = self.from(offset).len();
        if available >= wanted {
            return Ok(available);
        }
        let length = wanted.max(self.read_next);
        self.read_next = (self.read_next * 4).min(READ_MAX);
        self.bytes.clear();
        self.bytes.resize(length, 0);
        self.start = offset;
        let read = self.reader.read_at(offset, &mut self.bytes)?;
        self.bytes.truncate(read);
        Ok(read)
    }
}
