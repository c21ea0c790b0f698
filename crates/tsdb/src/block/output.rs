//! Writing a file front to back: buffered, counted, with checksums of parts.

use std::io;
use std::path::{Path, PathBuf};

use model::disk::{Disk, DiskFile};

/// Why a block could not be written. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum WriteBlockError {
    #[error("writing {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("writing {}: {problem}", path.display())]
    Content { path: PathBuf, problem: String },
}

impl WriteBlockError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }
}

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    /// Bytes so far, those in the buffer too.
    position: u64,
    sum: crc_fast::Digest,
}

impl Output {
    pub(crate) fn create(disk: &dyn Disk, path: &Path) -> Result<Self, WriteBlockError> {
        Ok(Self {
            file: disk.create(path).map_err(WriteBlockError::io(path))?,
            path: path.to_path_buf(),
            buffer: Vec::new(),
            position: 0,
            sum: new_sum(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), WriteBlockError> {
        self.position += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() > BUFFER {
            let result = self.file.append(bytes);
            return result.map_err(WriteBlockError::io(&self.path));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Zeros up to the next multiple of `align`.
    pub(crate) fn align(&mut self, align: u64) -> Result<(), WriteBlockError> {
        const ZEROS: [u8; 16] = [0; 16];
        let missing = self.position.next_multiple_of(align) - self.position;
        // Alignments are at most 16.
        self.write(ZEROS.get(..missing as usize).unwrap_or(&ZEROS))
    }

    /// Begins a part with a checksum.
    pub(crate) fn start_sum(&mut self) {
        self.sum = new_sum();
    }

    /// Writes bytes of the part.
    pub(crate) fn write_summed(&mut self, bytes: &[u8]) -> Result<(), WriteBlockError> {
        self.sum.update(bytes);
        self.write(bytes)
    }

    /// Ends the part with its checksum.
    pub(crate) fn write_sum(&mut self) -> Result<(), WriteBlockError> {
        // A 32-bit checksum in a 64-bit result.
        let sum = self.sum.finalize() as u32;
        self.write(&sum.to_be_bytes())
    }

    pub(crate) fn flush(&mut self) -> Result<(), WriteBlockError> {
        if !self.buffer.is_empty() {
            let result = self.file.append(&self.buffer);
            result.map_err(WriteBlockError::io(&self.path))?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Returns when everything survives a power cut.
    pub(crate) fn finish(mut self) -> Result<u64, WriteBlockError> {
        self.flush()?;
        self.file.sync().map_err(WriteBlockError::io(&self.path))?;
        Ok(self.position)
    }

    pub(crate) fn content_error(&self, problem: impl Into<String>) -> WriteBlockError {
        WriteBlockError::Content {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }
}

fn new_sum() -> crc_fast::Digest {
    crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi)
}
