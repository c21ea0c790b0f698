//! Writing chunks into segments.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;

use super::{CHECKSUM, HEADER, MAGIC, VERSION};
use crate::block::output::{Output, WriteBlockError};
use crate::bytes::put_uvarint;
use crate::chunk::Encoding;

#[derive(Debug)]
pub(crate) struct ChunkWriter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segment_bytes: u64,
    current: Option<Output>,
    /// Segments so far, the current one too.
    segments: u64,
    head: Vec<u8>,
}

impl ChunkWriter {
    /// Makes the folder.
    pub(crate) fn create(
        disk: Arc<dyn Disk>,
        dir: &Path,
        segment_bytes: u64,
    ) -> Result<Self, WriteBlockError> {
        disk.create_dir_all(dir).map_err(WriteBlockError::io(dir))?;
        Ok(Self {
            disk,
            dir: dir.to_path_buf(),
            // Offsets have 32 bits.
            segment_bytes: segment_bytes.min(u64::from(u32::MAX)),
            current: None,
            segments: 0,
            head: Vec::new(),
        })
    }

    /// Writes one chunk; gives its reference.
    pub(crate) fn write(
        &mut self,
        encoding: Encoding,
        data: &[u8],
    ) -> Result<u64, WriteBlockError> {
        self.head.clear();
        put_uvarint(&mut self.head, data.len() as u64);
        let length = (self.head.len() + 1 + data.len() + CHECKSUM) as u64;
        let is_full = |current: &Output| {
            let position = current.position();
            position > HEADER as u64 && position + length > self.segment_bytes
        };
        let mut current = match self.current.take() {
            Some(current) if is_full(&current) => {
                current.finish()?;
                self.next_segment()?
            }
            Some(current) => current,
            None => self.next_segment()?,
        };
        let reference = (self.segments - 1) << 32 | current.position();
        current.write(&self.head)?;
        current.start_sum();
        current.write_summed(&[encoding as u8])?;
        current.write_summed(data)?;
        current.write_sum()?;
        self.current = Some(current);
        Ok(reference)
    }

    fn next_segment(&mut self) -> Result<Output, WriteBlockError> {
        self.segments += 1;
        let path = self.dir.join(format!("{:06}", self.segments));
        let mut output = Output::create(self.disk.as_ref(), &path)?;
        output.write(&MAGIC)?;
        output.write(&[VERSION, 0, 0, 0])?;
        Ok(output)
    }

    /// Returns when everything survives a power cut.
    pub(crate) fn finish(mut self) -> Result<(), WriteBlockError> {
        if let Some(current) = self.current.take() {
            current.finish()?;
        }
        let dir = &self.dir;
        self.disk.sync_dir(dir).map_err(WriteBlockError::io(dir))
    }
}
