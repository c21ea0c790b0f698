//! `--storage.tsdb.delay-compact-file.path`: blocks that somebody uploads stay as they are until that is done.
//!
//! The file is the uploader's, `thanos.shipper.json` of a Thanos sidecar. As in Prometheus only blocks that were made of the
//! head wait, what the file says counts for a minute, and nothing waits where it cannot be read: merging must not end
//! for ever because an uploader is gone.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use net::small_file::small_file;
use parking_lot::Mutex;
use serde_json::Value;
use tsdb::block::BlockMeta;
use tsdb::db::HeldBlocks;

const KNOWN_FOR: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct PendingUploads {
    file: PathBuf,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    since: Instant,
    /// Names of the blocks that are uploaded, or why nobody knows.
    uploaded: Result<HashSet<String>, String>,
}

impl PendingUploads {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self {
            file,
            known: Mutex::default(),
        }
    }

    fn is_pending(&self, meta: &BlockMeta, now: Instant) -> bool {
        if meta.compaction.level > 1 {
            return false;
        }
        let mut known = self.known.lock();
        let is_recent = |known: &&Known| now.saturating_duration_since(known.since) < KNOWN_FOR;
        if known.as_ref().filter(is_recent).is_none() {
            let uploaded = small_file(&self.file)
                .map_err(|error| error.to_string())
                .and_then(|text| uploaded(&text));
            let before = known
                .as_ref()
                .and_then(|known| known.uploaded.as_ref().err());
            if let Err(problem) = &uploaded
                && before != Some(problem)
            {
                tracing::warn!(
                    file = %self.file.display(), problem,
                    "nobody knows which blocks are uploaded; they are merged without waiting"
                );
            }
            let since = now;
            *known = Some(Known { since, uploaded });
        }
        match known.as_ref().map(|known| &known.uploaded) {
            Some(Ok(uploaded)) => !uploaded.contains(&meta.ulid.to_string()),
            Some(Err(_)) | None => false,
        }
    }
}

impl HeldBlocks for PendingUploads {
    fn is_held(&self, meta: &BlockMeta) -> bool {
        self.is_pending(meta, Instant::now())
    }
}

/// `{"version": 1, "uploaded": ["01H…"]}`
fn uploaded(text: &str) -> Result<HashSet<String>, String> {
    let read: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !read.is_object() {
        return Err("not an object of JSON".to_owned());
    }
    let names = match &read["uploaded"] {
        Value::Null => return Ok(HashSet::new()),
        Value::Array(names) => names,
        _ => return Err("`uploaded` is not a list".to_owned()),
    };
    let name = |name: &Value| name.as_str().map(str::to_owned);
    let names: Option<HashSet<String>> = names.iter().map(name).collect();
    names.ok_or_else(|| "`uploaded` has something else than names of blocks in it".to_owned())
}

#[cfg(test)]
mod tests {
    use tsdb::block::{BlockStats, Compaction, Ulid};

    use super::*;

    fn meta(number: u128, level: u64) -> BlockMeta {
        let compaction = Compaction {
            level,
            ..Compaction::default()
        };
        BlockMeta {
            ulid: Ulid(number),
            min_time: 0,
            max_time: 1,
            stats: BlockStats::default(),
            compaction,
            version: 1,
        }
    }

    #[test]
    fn blocks_wait_until_the_file_names_them() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("thanos.shipper.json");
        let pending = PendingUploads::new(file.clone());
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        // Without a file nothing waits; nor is it asked for again within the minute.
        assert!(!pending.is_pending(&meta(1, 1), at(0)));
        write(&format!(r#"{{"version": 1, "uploaded": ["{}"]}}"#, Ulid(1)));
        assert!(!pending.is_pending(&meta(2, 1), at(59)));
        assert!(pending.is_pending(&meta(2, 1), at(60)));
        assert!(!pending.is_pending(&meta(1, 1), at(60)));
        assert!(!pending.is_pending(&meta(2, 2), at(60)));
        write(r#"{"version": 1}"#);
        assert!(!pending.is_pending(&meta(1, 1), at(119)));
        assert!(pending.is_pending(&meta(1, 1), at(120)));
        for (minute, broken) in
            (3..).zip(["", "[]", r#"{"uploaded": "x"}"#, r#"{"uploaded": [1]}"#])
        {
            write(broken);
            assert!(
                !pending.is_pending(&meta(3, 1), at(minute * 60)),
                "{broken}"
            );
        }
    }
}
