//! Reading chunks from the segments of a block.
//!
//! Segments are read in pieces, not mapped: chunks of neighbouring series lie side by side, so that a
//! query reads a few long pieces, and what it read does not stay in the memory of the process.

use std::io;
use std::path::{Path, PathBuf};

use model::disk::{Disk, DiskReader};

use super::{CHECKSUM, HEADER, MAGIC, VERSION};
use crate::block::damage::{BlockError, Damage};
use crate::block::window::Window;
use crate::bytes::{Bytes, checksum};
use crate::chunk::Encoding;

/// No chunk that anybody wrote in earnest is longer.
const DATA_MAX: u64 = 16 << 20;
/// A chunk has some hundred bytes; so many are read at once where its length is not known.
const USUAL: u64 = 1024;
/// Bytes of neighbouring chunks that are read at once.
const RUN_MAX: u64 = 1 << 20;
const LENGTH_MAX: usize = 5;

#[derive(Debug, Default)]
pub(crate) struct ChunkFiles {
    segments: Vec<Segment>,
    length: u64,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: Box<dyn DiskReader>,
}

/// A chunk as it is in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawChunk<'a> {
    pub(crate) encoding: Encoding,
    pub(crate) data: &'a [u8],
}

impl ChunkFiles {
    /// Opens all segments in `dir`, by their numbers.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, BlockError> {
        let (files, problems) = Self::open_readable(disk, dir)?;
        match problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(files),
        }
    }

    /// As [`Self::open`], with what is wrong with segments beside those that can be read.
    pub(crate) fn open_readable(
        disk: &dyn Disk,
        dir: &Path,
    ) -> Result<(Self, Vec<BlockError>), BlockError> {
        let names = disk
            .list(dir)
            .map_err(|error| BlockError::read(dir, error))?;
        let mut numbered: Vec<(u64, PathBuf)> = names
            .into_iter()
            .filter_map(|name| Some((name.to_str()?.parse().ok()?, dir.join(name))))
            .collect();
        numbered.sort();
        let mut files = Self::default();
        let mut problems = Vec::new();
        for (_, path) in numbered {
            let file = match files.open_segment(disk, &path) {
                Ok((file, None)) => file,
                // Its chunks have checksums of their own.
                Ok((file, Some(damage))) => {
                    problems.push(damage.into());
                    file
                }
                Err(error) => {
                    problems.push(BlockError::read(&path, error));
                    // Chunks find their segment by its place in the list.
                    Box::new(Vec::new())
                }
            };
            files.segments.push(Segment { path, file });
        }
        Ok((files, problems))
    }

    fn open_segment(
        &mut self,
        disk: &dyn Disk,
        path: &Path,
    ) -> io::Result<(Box<dyn DiskReader>, Option<Damage>)> {
        let file = disk.open_reader(path)?;
        self.length += disk.length(path)?;
        let mut head = [0; HEADER];
        let problem = if file.read_at(0, &mut head)? < HEADER {
            Some((0, "the segment is too short"))
        } else if head[..4] != MAGIC {
            Some((0, "this is not a segment of chunks"))
        } else if head[4] != VERSION {
            Some((4, "the version is not known"))
        } else {
            None
        };
        let damage = problem.map(|(offset, problem)| Damage::new(path, offset, problem));
        Ok((file, damage))
    }

    /// Bytes of all segments.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

/// Reads chunks of one block one after the other.
#[derive(Debug)]
pub(crate) struct ChunkWindow<'a> {
    files: &'a ChunkFiles,
    window: Window,
    segment: u64,
}

impl<'a> ChunkWindow<'a> {
    pub(crate) fn new(files: &'a ChunkFiles) -> Self {
        Self {
            files,
            window: Window::new(),
            segment: 0,
        }
    }

    /// The chunk at a reference. `last` is the reference of the last chunk that will be read right
    /// after it.
    pub(crate) fn read(&mut self, reference: u64, last: u64) -> Result<RawChunk<'_>, BlockError> {
        let (number, offset) = (reference >> 32, reference & u64::from(u32::MAX));
        let segment = usize::try_from(number)
            .ok()
            .and_then(|number| self.files.segments.get(number));
        let Some(Segment { path, file }) = segment else {
            let dir = self.files.segments.first().map(|segment| &segment.path);
            let problem = format!("a series refers to segment {number}, which is not there");
            let path = dir.and_then(|path| path.parent()).unwrap_or(Path::new(""));
            return Err(Damage::new(path, 0, problem).into());
        };
        if self.segment != number {
            self.window.clear();
            self.segment = number;
        }
        let damage = |problem: &str| BlockError::from(Damage::new(path, offset, problem));
        let fail = |error| BlockError::read(path, error);
        let run = if last >> 32 == number {
            (last & u64::from(u32::MAX)).saturating_sub(offset)
        } else {
            0
        };
        // At most a MiB.
        let run = run.saturating_add(USUAL).min(RUN_MAX) as usize;
        let bytes = self.window.get(&**file, offset, run).map_err(fail)?;
        let mut head = Bytes(bytes.get(..LENGTH_MAX).unwrap_or(bytes));
        let before = head.left();
        let data_length = head
            .uvarint()
            .map_err(|_| damage("the chunk has no valid length"))?;
        if offset < HEADER as u64 || data_length > DATA_MAX {
            return Err(damage("no chunk starts here"));
        }
        let start = before - head.left();
        // At most 16 MiB.
        let length = start + 1 + data_length as usize + CHECKSUM;
        let bytes = self.window.get(&**file, offset, length).map_err(fail)?;
        let content = bytes
            .get(start..)
            .filter(|_| bytes.len() == length)
            .ok_or_else(|| damage("the chunk runs over the end of the segment"))?;
        let (content, sum) = content.split_at(content.len() - CHECKSUM);
        if sum != checksum(content).to_be_bytes() {
            return Err(damage("the checksum of the chunk does not match"));
        }
        let (encoding, data) = content
            .split_first()
            .ok_or_else(|| damage("the chunk is empty"))?;
        let encoding = Encoding::from_byte(*encoding)
            .ok_or_else(|| damage("the encoding of the chunk is not known"))?;
        Ok(RawChunk { encoding, data })
    }

    /// What is wrong with a chunk that was read.
    pub(crate) fn damage(&self, reference: u64, problem: impl Into<String>) -> Damage {
        let path = usize::try_from(reference >> 32)
            .ok()
            .and_then(|number| self.files.segments.get(number))
            .map_or(Path::new(""), |segment| &segment.path);
        Damage::new(path, reference & u64::from(u32::MAX), problem)
    }
}
