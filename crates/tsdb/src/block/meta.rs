//! `meta.json`: what a block says about itself.

use std::io;
use std::path::Path;

use model::disk::Disk;
use model::storage::TimeRange;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::damage::{BlockError, Damage};
use super::ulid::Ulid;

pub(crate) const META_FILE: &str = "meta.json";
/// A file that is far longer than any that was written in earnest.
const LENGTH_MAX: u64 = 64 << 20;

/// Fields and their order are the peer's, so that the file of either reads like that of the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockMeta {
    pub ulid: Ulid,
    /// All samples lie in `min_time <= t < max_time`, milliseconds.
    pub min_time: i64,
    pub max_time: i64,
    #[serde(default)]
    pub stats: BlockStats,
    #[serde(default)]
    pub compaction: Compaction,
    #[serde(default)]
    pub version: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockStats {
    #[serde(skip_serializing_if = "is_zero")]
    pub num_samples: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_float_samples: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_histogram_samples: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_series: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_chunks: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_tombstones: u64,
}

/// Where a block comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compaction {
    /// 1 for a block of the head; one more than the highest of its parents otherwise.
    pub level: u64,
    /// Blocks of the head that went into it, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Ulid>,
    /// It turned out to be empty and can go.
    #[serde(skip_serializing_if = "is_false")]
    pub deletable: bool,
    /// The blocks that it was made of; they can go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// Compacting it failed; it is left alone.
    #[serde(skip_serializing_if = "is_false")]
    pub failed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    pub ulid: Ulid,
    pub min_time: i64,
    pub max_time: i64,
}

/// Made of samples that came out of order: says nothing about how far the head was written out.
pub(crate) const HINT_OUT_OF_ORDER: &str = "from-out-of-order";
/// Made of some series of the head only.
pub(crate) const HINT_STALE_SERIES: &str = "from-stale-series";
pub(crate) const HINT_SELECTED_SERIES: &str = "from-selected-series";

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Compaction {
    pub fn has_hint(&self, hint: &str) -> bool {
        self.hints.iter().any(|own| own == hint)
    }

    pub(crate) fn set_hint(&mut self, hint: &str) {
        if !self.has_hint(hint) {
            self.hints.push(hint.to_owned());
            self.hints.sort();
        }
    }

    /// Whether the head may hold more of the block's time than the block does.
    pub fn is_partial(&self) -> bool {
        [HINT_OUT_OF_ORDER, HINT_STALE_SERIES, HINT_SELECTED_SERIES]
            .iter()
            .any(|hint| self.has_hint(hint))
    }
}

impl BlockMeta {
    pub fn overlaps(&self, range: TimeRange) -> bool {
        self.min_time <= range.end.0 && range.start.0 < self.max_time
    }

    /// The times that samples can have.
    pub fn range(&self) -> TimeRange {
        TimeRange::new(
            Timestamp(self.min_time),
            Timestamp(self.max_time.saturating_sub(1)),
        )
    }

    pub(crate) fn to_parent(&self) -> Parent {
        Parent {
            ulid: self.ulid,
            min_time: self.min_time,
            max_time: self.max_time,
        }
    }
}

/// Reads the file of the block in `dir`; also gives its length. A version of 2, which one old release
/// of the peer wrote, is for the caller to deal with.
pub(crate) fn read_meta(disk: &dyn Disk, dir: &Path) -> Result<(BlockMeta, u64), BlockError> {
    let path = dir.join(META_FILE);
    let fail = |source| BlockError::read(&path, source);
    let length = disk.length(&path).map_err(fail)?;
    if length > LENGTH_MAX {
        return Err(Damage::new(&path, 0, format!("{length} bytes are too many")).into());
    }
    let bytes = disk.read(&path).map_err(fail)?;
    let meta: BlockMeta = serde_json::from_slice(&bytes).map_err(|error| {
        let offset = offset_of(&bytes, error.line(), error.column());
        Damage::new(&path, offset, error.to_string())
    })?;
    if meta.version != 1 && meta.version != 2 {
        let problem = format!("version {} is not known", meta.version);
        return Err(Damage::new(&path, 0, problem).into());
    }
    if meta.min_time > meta.max_time {
        let problem = format!(
            "minTime {} is after maxTime {}",
            meta.min_time, meta.max_time
        );
        return Err(Damage::new(&path, 0, problem).into());
    }
    Ok((meta, length))
}

fn offset_of(bytes: &[u8], line: usize, column: usize) -> u64 {
    let before: usize = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (before + column.saturating_sub(1)) as u64
}

/// Replaces the file of the block in `dir`, so that a crash leaves the old one or the new one.
pub(crate) fn write_meta(disk: &dyn Disk, dir: &Path, meta: &BlockMeta) -> io::Result<u64> {
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, indent);
    meta.serialize(&mut serializer).map_err(io::Error::from)?;
    replace_file(disk, &dir.join(META_FILE), &bytes)
}

/// Writes a file beside the place and moves it there.
pub(super) fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<u64> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let unfinished = Path::new(&name);
    let result = (|| {
        let mut file = disk.create(unfinished)?;
        file.append(bytes)?;
        file.sync()
    })();
    if let Err(error) = result {
        // The disk may be full: give back what this attempt took.
        let _ = disk.remove_file(unfinished);
        return Err(error);
    }
    disk.rename(unfinished, path)?;
    if let Some(dir) = path.parent() {
        disk.sync_dir(dir)?;
    }
    Ok(bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use testkit::disk::FaultDisk;

    use super::*;

    #[test]
    fn what_is_written_reads_like_the_peers() {
        let disk = FaultDisk::new(1);
        let ulid = Ulid::parse("01M7Y4PJQ4AHXA8XTXNWG3Z1ZZ").unwrap();
        let meta = BlockMeta {
            ulid,
            min_time: 0,
            max_time: 7_200_000,
            stats: BlockStats {
                num_samples: 3,
                ..BlockStats::default()
            },
            compaction: Compaction {
                level: 1,
                sources: vec![ulid],
                ..Compaction::default()
            },
            version: 1,
        };
        disk.create_dir_all(Path::new("b")).unwrap();
        write_meta(&disk, Path::new("b"), &meta).unwrap();
        let text = String::from_utf8(disk.read(Path::new("b/meta.json")).unwrap()).unwrap();
        let expected = "{\n\t\"ulid\": \"01M7Y4PJQ4AHXA8XTXNWG3Z1ZZ\",\n\t\"minTime\": 0,\n\t\
            \"maxTime\": 7200000,\n\t\"stats\": {\n\t\t\"numSamples\": 3\n\t},\n\t\"compaction\": \
            {\n\t\t\"level\": 1,\n\t\t\"sources\": [\n\t\t\t\"01M7Y4PJQ4AHXA8XTXNWG3Z1ZZ\"\n\t\t]\n\t},\n\t\
            \"version\": 1\n}";
        assert_eq!(text, expected);
        assert_eq!(read_meta(&disk, Path::new("b")).unwrap().0, meta);
    }

    #[test]
    fn problems_have_a_place() {
        let disk = FaultDisk::new(1);
        disk.create_dir_all(Path::new("b")).unwrap();
        let read = |text: &str| {
            disk.create(Path::new("b/meta.json"))
                .unwrap()
                .append(text.as_bytes())
                .unwrap();
            read_meta(&disk, Path::new("b")).unwrap_err().to_string()
        };
        let error = read("{\n \"ulid\": 3}");
        assert!(error.starts_with("b/meta.json at byte "), "{error}");
        let ulid = "01M7Y4PJQ4AHXA8XTXNWG3Z1ZZ";
        let error = read(&format!(
            r#"{{"ulid":"{ulid}","minTime":5,"maxTime":4,"version":1}}"#
        ));
        assert!(error.contains("minTime 5 is after maxTime 4"), "{error}");
        let error = read(&format!(
            r#"{{"ulid":"{ulid}","minTime":5,"maxTime":6,"version":9}}"#
        ));
        assert!(error.contains("version 9 is not known"), "{error}");
    }
}
