//! `tombstones`: which samples of a block are deleted but still in its chunks.
//!
//! Format: magic `0130BA30`, version 1, then per deletion the series' reference, first and last time as
//! varints, and a CRC-32C of the deletions. Source: Prometheus, `tsdb/docs/format/tombstones.md`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use model::disk::Disk;
use model::storage::TimeRange;
use model::time::Timestamp;

use super::damage::{BlockError, Damage};
use super::meta::replace_file;
use crate::bytes::{Bytes, checksum, put_uvarint, put_varint};

pub(crate) const TOMBSTONES_FILE: &str = "tombstones";
const MAGIC: [u8; 4] = [0x01, 0x30, 0xba, 0x30];
const VERSION: u8 = 1;
const HEADER: usize = 5;
const CHECKSUM: usize = 4;

/// Deleted times by series; ranges of a series are sorted and do not touch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tombstones(BTreeMap<u64, Vec<TimeRange>>);

impl Tombstones {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ranges there are.
    pub fn len(&self) -> u64 {
        self.0.values().map(|ranges| ranges.len() as u64).sum()
    }

    pub fn of(&self, series: u64) -> &[TimeRange] {
        self.0.get(&series).map_or(&[], Vec::as_slice)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u64, &[TimeRange])> {
        self.0
            .iter()
            .map(|(series, ranges)| (*series, ranges.as_slice()))
    }

    /// Adds a range, and joins it with those that it overlaps or touches.
    pub fn add(&mut self, series: u64, range: TimeRange) {
        if range.start > range.end {
            return;
        }
        let ranges = self.0.entry(series).or_default();
        let first = ranges.partition_point(|own| own.end.0 < range.start.0.saturating_sub(1));
        let last = ranges.partition_point(|own| own.start.0 <= range.end.0.saturating_add(1));
        let joined = ranges[first..last].iter().fold(range, |joined, own| {
            TimeRange::new(joined.start.min(own.start), joined.end.max(own.end))
        });
        ranges.splice(first..last, [joined]);
    }

    /// A block without the file has no deletions. Also gives the length of the file.
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<(Self, u64), BlockError> {
        let path = dir.join(TOMBSTONES_FILE);
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            Err(error) => return Err(BlockError::read(&path, error)),
        };
        let damage = |offset, problem: &str| Damage::new(&path, offset as u64, problem);
        if bytes.len() < HEADER + CHECKSUM {
            return Err(damage(0, "the file is too short").into());
        }
        if bytes[..4] != MAGIC {
            return Err(damage(0, "this is not a file of tombstones").into());
        }
        if bytes[4] != VERSION {
            return Err(damage(4, "the version is not known").into());
        }
        let end = bytes.len() - CHECKSUM;
        let body = &bytes[HEADER..end];
        if bytes[end..] != checksum(body).to_be_bytes() {
            return Err(damage(HEADER, "the checksum does not match").into());
        }
        let mut tombstones = Self::default();
        let mut rest = Bytes(body);
        while !rest.is_empty() {
            let offset = end - rest.left();
            let entry = (|| Ok((rest.uvarint()?, rest.varint()?, rest.varint()?)))();
            let (series, start, last) = entry
                .map_err(|error: crate::bytes::Malformed| damage(offset, &error.to_string()))?;
            tombstones.add(series, TimeRange::new(Timestamp(start), Timestamp(last)));
        }
        Ok((tombstones, bytes.len() as u64))
    }

    /// Replaces the file; gives its length.
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> io::Result<u64> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        for (series, ranges) in self.iter() {
            for range in ranges {
                put_uvarint(&mut bytes, series);
                put_varint(&mut bytes, range.start.0);
                put_varint(&mut bytes, range.end.0);
            }
        }
        let sum = checksum(&bytes[HEADER..]);
        bytes.extend_from_slice(&sum.to_be_bytes());
        replace_file(disk, &dir.join(TOMBSTONES_FILE), &bytes)
    }
}

#[cfg(test)]
mod tests {
    use testkit::disk::FaultDisk;

    use super::*;

    fn range(start: i64, end: i64) -> TimeRange {
        TimeRange::new(Timestamp(start), Timestamp(end))
    }

    #[test]
    fn ranges_are_joined() {
        let mut tombstones = Tombstones::default();
        for (start, end) in [(10, 20), (40, 50), (60, 70), (21, 30), (5, 3), (45, 61)] {
            tombstones.add(1, range(start, end));
        }
        assert_eq!(tombstones.of(1), [range(10, 30), range(40, 70)]);
        tombstones.add(1, range(i64::MIN, i64::MAX));
        assert_eq!(tombstones.of(1), [range(i64::MIN, i64::MAX)]);
        assert_eq!(tombstones.of(2), []);
    }

    #[test]
    fn what_is_written_comes_back_and_damage_is_noticed() {
        let disk = FaultDisk::new(1);
        let dir = Path::new("b");
        disk.create_dir_all(dir).unwrap();
        assert_eq!(
            Tombstones::read(&disk, dir).unwrap().0,
            Tombstones::default()
        );
        let mut tombstones = Tombstones::default();
        tombstones.add(7, range(-5, 5));
        tombstones.add(u64::MAX, range(i64::MIN, 0));
        let length = tombstones.write(&disk, dir).unwrap();
        assert_eq!(Tombstones::read(&disk, dir).unwrap(), (tombstones, length));
        for at in 0..length as usize {
            let path = dir.join(TOMBSTONES_FILE);
            disk.overwrite(&path, |bytes| bytes[at] ^= 0x10).unwrap();
            let error = Tombstones::read(&disk, dir).unwrap_err().to_string();
            assert!(error.starts_with("b/tombstones at byte "), "{error}");
            disk.overwrite(&path, |bytes| bytes[at] ^= 0x10).unwrap();
        }
    }
}
