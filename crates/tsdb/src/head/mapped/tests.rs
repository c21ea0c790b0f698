//! Files of chunks: written, read back, damaged, and cut at their ends.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::disk::Disk;
use proptest::prelude::*;
use testkit::disk::{Fault, FaultDisk, Random};

use super::cursor::{Cursor, CursorError};
use super::files::{ChunkFiles, Written, file_path};
use super::format::{Found, NewChunk, encode, parse};
use super::scan::{FoundChunk, ScanReport, scan};
use super::{ChunkHead, Position};
use crate::chunk::Encoding;

const DIR: &str = "chunks_head";

fn files(disk: &FaultDisk) -> ChunkFiles {
    let mut files = ChunkFiles::new(Arc::new(disk.clone()), PathBuf::from(DIR));
    files.file_bytes_max = 2000;
    files
}

/// Chunk number `n`, of one of 16 series.
fn chunk(n: u64, data: &[u8]) -> NewChunk<'_> {
    let start = n as i64 * 1000;
    NewChunk {
        series: 1 + n % 16,
        head: ChunkHead {
            start,
            end: start + 900,
            samples: u16::from_be_bytes([data[0], data[1]]),
            encoding: Encoding::Xor,
        },
        is_out_of_order: false,
        data,
    }
}

fn data(n: u64) -> Vec<u8> {
    let mut random = Random::new(n);
    (0..40 + random.below(100))
        .map(|_| random.draw() as u8)
        .collect()
}

fn write(files: &ChunkFiles, numbers: std::ops::Range<u64>) -> Written {
    let datas: Vec<_> = numbers.clone().map(data).collect();
    files.write(numbers.zip(&datas).map(|(n, data)| chunk(n, data)))
}

fn scan_all(disk: &FaultDisk) -> io::Result<(ChunkFiles, Vec<FoundChunk>, ScanReport)> {
    let files = files(disk);
    let mut found = Vec::new();
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = scan(&disk, Path::new(DIR), &files, |chunk| {
        found.push(chunk);
        ControlFlow::Continue(())
    })?;
    Ok((files, found, report))
}

#[test]
fn chunks_are_read_where_they_were_written() {
    let disk = FaultDisk::new(1);
    let files = files(&disk);
    let mut positions = Vec::new();
    for start in (0..300).step_by(10) {
        let written = write(&files, start..start + 10);
        assert!(written.error.is_none());
        positions.extend(written.positions);
    }
    assert_eq!(positions.len(), 300);
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
    let (again, found, report) = scan_all(&disk).unwrap();
    assert_eq!((report.chunks, report.series_max), (300, 16));
    assert!(report.repair.is_none());
    let found: Vec<Position> = found.iter().map(|found| found.chunk.position).collect();
    assert_eq!(found, positions);
    for files in [&files, &again] {
        let mut cursor = Cursor::default();
        // Forwards, and in the order of series, where each has chunks in many files.
        for stride in [1, 16, 37] {
            for n in (0..300 * stride).step_by(stride as usize).map(|n| n % 300) {
                let read = cursor.data(files, positions[n as usize], 1 + n % 16);
                assert_eq!(read.unwrap(), data(n), "chunk {n}");
            }
        }
        let error = cursor.data(files, positions[3], 9).unwrap_err();
        assert!(matches!(error, CursorError::Corrupt(_)));
    }
    // New chunks go to a new file, behind the last.
    let written = write(&again, 300..301);
    assert!(written.positions[0].file > positions[299].file);
}

/// A full file is ended when that takes no time: soon after a sync; at twice its length at the latest.
#[test]
fn a_full_file_waits_for_a_sync() {
    const PART: usize = 512 * 1024;
    let files_after = |synced_after: Option<u64>| {
        let mut files = ChunkFiles::new(Arc::new(FaultDisk::new(1)), PathBuf::from(DIR));
        files.file_bytes_max = 8 * PART as u32;
        let data = vec![7; PART - 1024];
        for n in 0.. {
            let written = files.write(std::iter::once(chunk(n, &data)));
            assert!(written.error.is_none());
            if written.positions[0].file > 1 {
                return n;
            }
            if synced_after == Some(n) {
                files.sync_if_full().unwrap();
            }
        }
        0
    };
    assert_eq!(files_after(None), 16);
    assert_eq!(files_after(Some(10)), 11);
    // It is not full then, so nothing is synced.
    assert_eq!(files_after(Some(4)), 16);
}

#[test]
fn old_files_go_from_the_front() {
    let disk = FaultDisk::new(1);
    let files = files(&disk);
    write(&files, 0..100);
    let before = disk.bytes_in_all();
    assert_eq!(files.remove_before(0, u32::MAX).unwrap(), 0);
    assert!(files.remove_before(50_000, u32::MAX).unwrap() > 2);
    assert!(disk.bytes_in_all() < before * 3 / 4);
    let (_, found, _) = scan_all(&disk).unwrap();
    assert!(found.len() > 50 && found.iter().all(|found| found.chunk.start > 30_000));
    // The newest is ended first, and goes next time.
    files.remove_before(i64::MAX, u32::MAX).unwrap();
    assert!(disk.bytes_in_all() > 0);
    write(&files, 100..101);
    files.remove_before(100_000, u32::MAX).unwrap();
    let (_, found, report) = scan_all(&disk).unwrap();
    assert_eq!(found.len(), 1);
    assert!(report.repair.is_none());
}

/// Whatever write fails, the chunks that were said to be written are there, each once.
#[test]
fn a_failed_write_leaves_nothing() {
    for failing in 0..60 {
        let disk = FaultDisk::new(failing);
        let files = files(&disk);
        disk.plan(Some(Fault::FailWrite(failing)));
        let mut expected = Vec::new();
        let mut start = 0;
        while start < 120 {
            let written = write(&files, start..(start + 30).min(120));
            start += written.positions.len() as u64;
            expected.extend(written.positions);
        }
        let (_, found, report) = scan_all(&disk.after_kill()).unwrap();
        assert!(report.repair.is_none(), "{:?}", report.repair);
        let found: Vec<Position> = found.iter().map(|found| found.chunk.position).collect();
        assert_eq!(found, expected);
    }
}

/// Files with flipped, cut off and overwritten bytes: what is before the damage is read, the rest is
/// gone after the scan, and the next scan is content.
#[test]
fn damage_is_cut_off() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let disk = FaultDisk::new(seed);
        write(&files(&disk), 0..100);
        let (_, all, _) = scan_all(&disk).unwrap();
        let last = all.last().unwrap().chunk.position.file;
        // Ends of files are lost in the newest only, as older ones are synced before it is made.
        let kind = random.below(4);
        let number = match kind {
            0 | 1 => 1 + random.below(u64::from(last)) as u32,
            _ => last,
        };
        let path = file_path(Path::new(DIR), number);
        disk.overwrite(&path, |bytes| {
            let at = random.below(bytes.len() as u64) as usize;
            match kind {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at..].fill(0xff),
                2 => bytes[at..].fill(0),
                _ => bytes.truncate(at),
            }
        })
        .unwrap();
        let (_, found, report) = scan_all(&disk).unwrap();
        assert!(found.len() <= all.len());
        for (found, all) in found.iter().zip(&all) {
            assert_eq!(found.chunk, all.chunk);
        }
        let lost = all.len() - found.len();
        // Cut exactly between two chunks, or zeros at the end: nothing can tell.
        let (files, again, clean) = scan_all(&disk).unwrap();
        assert!(clean.repair.is_none(), "seed {seed}: {:?}", clean.repair);
        assert_eq!(again.len(), found.len());
        if let Some((_, repair)) = report.repair {
            assert!(lost > 0 || repair.bytes_cut > 0, "{repair}");
            assert!(repair.to_string().contains(DIR));
        }
        // Later chunks are read back as ever.
        let written = write(&files, 1000..1010);
        let mut cursor = Cursor::default();
        let read = cursor.data(&files, written.positions[5], 1 + 1005 % 16);
        assert_eq!(read.unwrap(), data(1005));
    }
}

proptest! {
    #[test]
    fn any_bytes_can_be_parsed(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Found::Chunk(chunk) = parse(&bytes) {
            prop_assert!(chunk.length <= bytes.len());
        }
    }

    #[test]
    fn changed_chunks_are_noticed(n in 0u64..1000, at in 0usize..60, flip in 1u8..=255) {
        let data = data(n);
        let mut bytes = Vec::new();
        encode(&mut bytes, &chunk(n, &data));
        let whole = parse(&bytes);
        prop_assert!(matches!(whole, Found::Chunk(found) if found.data == data));
        bytes[at] ^= flip;
        prop_assert!(!matches!(parse(&bytes), Found::Chunk(_)));
    }
}
