//! Records and segments from outside: anything that was written comes back, anything else is refused.

use std::path::Path;
use std::sync::Arc;

use model::disk::Disk;
use proptest::prelude::*;
use testkit::disk::FaultDisk;

use super::reader::SegmentError;
use super::{
    Compression, Ending, LogOptions, LogWriter, PAGE, SegmentReader, list_segments, record,
    segment_path,
};

const DIR: &str = "wal";

fn read_all(disk: &dyn Disk) -> Vec<Vec<u8>> {
    let dir = Path::new(DIR);
    let mut records = Vec::new();
    for number in list_segments(disk, dir).unwrap() {
        let mut reader = SegmentReader::open(disk, &segment_path(dir, number)).unwrap();
        while let Some(record) = reader.next_record().unwrap() {
            records.push(record.to_vec());
        }
    }
    records
}

/// Records of all lengths that matter: tiny, and around one and several pages.
fn record_bytes() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        0..40usize,
        PAGE - 20..PAGE + 20,
        2 * PAGE - 30..2 * PAGE + 10,
        0..4 * PAGE
    ];
    (length, any::<u8>(), any::<bool>()).prop_map(|(length, seed, packs_well)| {
        let byte = |at: usize| {
            let mixed = (at as u32 ^ u32::from(seed)).wrapping_mul(2_654_435_761) >> 13;
            if packs_well {
                seed
            } else {
                mixed.to_le_bytes()[0]
            }
        };
        (0..length).map(byte).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn records_come_back(
        batches in prop::collection::vec(prop::collection::vec(record_bytes(), 1..4), 1..12),
        compression in prop_oneof![
            Just(Compression::None),
            Just(Compression::Snappy),
            Just(Compression::Zstd)
        ],
        pages in 1..8u64,
    ) {
        let disk: Arc<dyn Disk> = Arc::new(FaultDisk::new(1));
        let options = LogOptions {
            segment_bytes: pages * PAGE as u64,
            compression,
        };
        let mut writer = LogWriter::open(disk.clone(), Path::new(DIR), options).unwrap();
        for (number, batch) in batches.iter().enumerate() {
            let records: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
            writer.append(&records).unwrap();
            if number == 5 {
                writer = LogWriter::open(disk.clone(), Path::new(DIR), options).unwrap();
            }
        }
        prop_assert_eq!(read_all(disk.as_ref()), batches.concat());
        writer.close().unwrap();
        prop_assert_eq!(read_all(disk.as_ref()), batches.concat());
    }

    /// Any cut and any flipped bit is noticed, or does not matter; what is read is a prefix.
    #[test]
    fn damage_is_noticed(at in 0..70_000usize, bit in 0..9u32) {
        let disk = FaultDisk::new(1);
        let dir = Path::new(DIR);
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let options = LogOptions { compression: Compression::None, ..LogOptions::default() };
        let mut writer = LogWriter::open(shared, dir, options).unwrap();
        let records: Vec<Vec<u8>> = (0..40u8).map(|n| vec![n; 100 + 50 * usize::from(n)]).collect();
        for record in &records {
            writer.append(&[record]).unwrap();
        }
        let path = segment_path(dir, 0);
        disk.overwrite(&path, |bytes| match bytes.get_mut(at) {
            Some(byte) if bit < 8 => *byte ^= 1 << bit,
            _ => bytes.truncate(at),
        }).unwrap();
        let mut reader = SegmentReader::open(&disk, &path).unwrap();
        let mut found = Vec::new();
        loop {
            match reader.next_record() {
                Ok(Some(record)) => found.push(record.to_vec()),
                Ok(None) => break,
                Err(SegmentError::Corrupt(corruption)) => {
                    prop_assert_eq!(corruption.offset, reader.record_end());
                    break;
                }
                Err(SegmentError::Io(error)) => panic!("{error}"),
            }
        }
        prop_assert!(records.starts_with(&found));
    }

    #[test]
    fn any_record_is_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..16u8) {
        let _ = record::decode(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        let _ = record::decode(&bytes);
    }
}

/// A full segment is ended when that takes no time: soon after a sync; at twice its length at the latest.
#[test]
fn a_full_segment_waits_for_a_sync() {
    const PART: u64 = 512 * 1024;
    let options = LogOptions {
        segment_bytes: 8 * PART,
        compression: Compression::None,
    };
    let dir = Path::new(DIR);
    let disk: Arc<dyn Disk> = Arc::new(FaultDisk::new(1));
    disk.create_dir_all(dir).unwrap();
    let record = vec![7; PART as usize - 4096];
    let segments_after = |ending, synced_after: Option<usize>| {
        let mut log = LogWriter::open(disk.clone(), dir, options).unwrap();
        log.set_ending(ending);
        let first = log.segment();
        for at in 0.. {
            log.append(&[record.as_slice()]).unwrap();
            if log.segment() > first {
                return at;
            }
            if synced_after == Some(at) {
                let place = (log.segment(), log.length());
                log.sync_handle()
                    .unwrap()
                    .map_or(Ok(()), |h| h.sync())
                    .unwrap();
                log.note_synced(place.0, place.1);
            }
        }
        0
    };
    assert_eq!(segments_after(Ending::AtOnce, None), 8);
    assert_eq!(segments_after(Ending::WhenSynced, None), 16);
    assert_eq!(segments_after(Ending::WhenSynced, Some(10)), 11);
    // Too much was written since.
    assert_eq!(segments_after(Ending::WhenSynced, Some(4)), 16);
    assert_eq!(read_all(disk.as_ref()).len(), 9 + 17 + 12 + 17);
}
