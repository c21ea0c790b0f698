//! An output to a file: a line of JSON for each event, appended. A file that was moved away or removed, as logrotate
//! does it, is made anew.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

#[derive(Debug)]
pub(super) struct FileOutput {
    path: PathBuf,
    file: File,
    /// Device and inode of the file that is open.
    identity: (u64, u64),
    /// Whether a line was written in part only.
    is_torn: bool,
}

impl FileOutput {
    pub(super) fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let (file, identity) = append_to(&path)?;
        Ok(Self {
            path,
            file,
            identity,
            is_torn: false,
        })
    }

    /// Opens the file anew if it is no longer the one at its path.
    pub(super) fn follow_rotation(&mut self) -> io::Result<()> {
        let found = std::fs::metadata(&self.path).map(|found| (found.dev(), found.ino()));
        if found.is_ok_and(|found| found == self.identity) {
            return Ok(());
        }
        (self.file, self.identity) = append_to(&self.path)?;
        self.is_torn = false;
        Ok(())
    }

    /// Returns the number of bytes.
    pub(super) fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        self.follow_rotation()?;
        let mut line = Vec::with_capacity(json.len() + 2);
        if self.is_torn {
            line.push(b'\n');
        }
        line.extend_from_slice(json);
        line.push(b'\n');
        // The disk may be full in the middle of it.
        self.is_torn = true;
        self.file.write_all(&line)?;
        self.is_torn = false;
        Ok(line.len())
    }
}

fn append_to(path: &PathBuf) -> io::Result<(File, (u64, u64))> {
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true).mode(0o644).open(path)?;
    let found = file.metadata()?;
    Ok((file, (found.dev(), found.ino())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_appended_and_a_rotated_file_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("e.jsonl"), dir.path().join("e.jsonl.1"));
        fs::write(&path, "before\n").unwrap();
        let mut output = FileOutput::open(&path).unwrap();
        assert_eq!(output.write(b"{1}").unwrap(), 4);
        fs::rename(&path, &old).unwrap();
        output.follow_rotation().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        output.write(b"{2}").unwrap();
        fs::remove_file(&path).unwrap();
        output.write(b"{3}").unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "before\n{1}\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{3}\n");
    }

    #[test]
    fn a_line_that_was_torn_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.jsonl");
        let mut output = FileOutput::open(&path).unwrap();
        fs::write(&path, "{half").unwrap();
        output.is_torn = true;
        output.write(b"{1}").unwrap();
        output.write(b"{2}").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{half\n{1}\n{2}\n");
    }
}
