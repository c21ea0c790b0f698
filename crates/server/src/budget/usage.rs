//! How much memory the process has of its own.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Pages that are no file's: index files that are mapped can be dropped by the system at any time.
#[derive(Debug)]
pub(super) struct Usage {
    /// Counts of pages; each read gives those of now. `None` on systems without it.
    counts: Option<File>,
    page_bytes: u64,
}

impl Usage {
    pub(super) fn open() -> Self {
        Self {
            counts: File::open("/proc/self/statm").ok(),
            page_bytes: u64::try_from(rustix::param::page_size()).unwrap_or(4096),
        }
    }

    /// `None` if the system does not tell.
    pub(super) fn bytes(&self) -> Option<u64> {
        let mut text = [0; 128];
        let length = self.counts.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        let mut counts = text.split_ascii_whitespace().skip(1);
        let resident: u64 = counts.next()?.parse().ok()?;
        let of_files: u64 = counts.next()?.parse().ok()?;
        resident
            .saturating_sub(of_files)
            .checked_mul(self.page_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_shows() {
        let usage = Usage::open();
        let before = usage.bytes().unwrap();
        let filled = vec![1u8; 256 << 20];
        let with = usage.bytes().unwrap();
        assert!(with >= before + (200 << 20), "{before} {with}");
        drop(filled);
    }
}
