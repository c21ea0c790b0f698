//! Damaged blocks: a right answer, or an error that names the file; never a panic, and never less than
//! everything else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::Reason;
use model::disk::Disk;
use model::storage::TimeRange;
use testkit::disk::{FaultDisk, Random};
use tsdb::Db;
use tsdb::block::Block;

use super::support::*;

/// A database with one block that has deletions, and its disk.
fn prepared() -> (FaultDisk, PathBuf, Dump, Dump) {
    let disk = FaultDisk::new(3);
    let db = open(&options("data", Arc::new(disk.clone()), 1));
    fill(&db, BASE, BASE + 4 * HOUR, 10);
    db.compact().unwrap();
    db.delete(range(BASE + HOUR, BASE + 90 * 60_000), &matchers("kind=k2"))
        .unwrap();
    let block = db.blocks()[0].dir().to_path_buf();
    let own = dump(&db.blocks()[0], TimeRange::ALL, "");
    let rest = dump(db.head(), TimeRange::ALL, "");
    drop(db);
    (disk.after_kill(), block, own, rest)
}

/// Reads everything there is to read; an error must name a file of the block.
fn read_all(disk: &FaultDisk, dir: &Path, expected: &Dump) -> Result<(), String> {
    let check = |problem: String| {
        assert!(problem.contains(&dir.display().to_string()), "{problem}");
        problem
    };
    let block = match Block::open(disk, dir) {
        Ok(block) => block,
        Err(error) => return Err(check(error.to_string())),
    };
    for selector in ["", "kind=~k.*", "n!=3 job=a", "job!~b"] {
        let found = try_dump(&block, TimeRange::ALL, selector);
        match found {
            Ok(found) if selector.is_empty() => assert_eq!(found, *expected),
            Ok(_) => {}
            Err(error) => return Err(check(error.to_string())),
        }
    }
    use model::storage::SeriesReader;
    for names in [
        block.label_names(TimeRange::ALL, &matchers("job=a")),
        block.label_values("n", TimeRange::ALL, &matchers("job=a")),
        block.label_values("n", TimeRange::ALL, &[]),
    ] {
        names.map_err(|error| check(error.to_string()))?;
    }
    Ok(())
}

#[test]
fn every_kind_of_damage_is_an_error_or_does_not_matter() {
    let (prepared, dir, own, _) = prepared();
    let mut random = Random::new(11);
    for name in ["index", "chunks/000001", "tombstones", "meta.json"] {
        let path = dir.join(name);
        let length = prepared.length(&path).unwrap();
        let mut errors = 0;
        for round in 0..400 {
            let disk = prepared.after_kill();
            let at = random.below(length) as usize;
            disk.overwrite(&path, |bytes| match round % 4 {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes.truncate(at),
                2 => {
                    for byte in bytes.iter_mut().skip(at).take(8) {
                        *byte = random.below(256) as u8;
                    }
                }
                _ => bytes.resize(bytes.len() + at, 0xff),
            })
            .unwrap();
            // Numbers in meta.json may change and still be numbers: then another answer is right.
            if name == "meta.json" {
                let _ = Block::open(&disk, &dir).map(|block| {
                    let _ = try_dump(&block, TimeRange::ALL, "");
                });
                continue;
            }
            errors += usize::from(read_all(&disk, &dir, &own).is_err());
        }
        assert!(name == "meta.json" || errors > 200, "{name}: {errors}");
    }
}

/// Damage that the checksums do not show, as only malice makes it.
#[test]
fn wrong_content_under_right_checksums_is_an_error_too() {
    let (prepared, dir, _, _) = prepared();
    let path = dir.join("index");
    let bytes = prepared.read(&path).unwrap();
    let mut random = Random::new(5);
    let mut sections = 0;
    for _ in 0..3000 {
        let disk = prepared.after_kill();
        let mut bytes = bytes.clone();
        // Any place that looks like a section: a length, a body, and the checksum of the body.
        let start = random.below(bytes.len() as u64 - 12) as usize;
        let at = |bytes: &[u8], at: usize| {
            u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
        };
        let (varint, fixed) = (bytes[start] as usize, at(&bytes, start));
        let crc = |body: &[u8]| crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body) as u32;
        let body = [(start + 1, varint), (start + 4, fixed)]
            .into_iter()
            .find(|(body, length)| {
                let end = body + length;
                *length > 0
                    && end + 4 <= bytes.len()
                    && at(&bytes, end) == crc(&bytes[*body..end]) as usize
            });
        let Some((body, length)) = body else { continue };
        sections += 1;
        for _ in 0..3 {
            let place = body + random.below(length as u64) as usize;
            bytes[place] = random.below(256) as u8;
        }
        let sum = crc(&bytes[body..body + length]).to_be_bytes();
        bytes[body + length..body + length + 4].copy_from_slice(&sum);
        disk.overwrite(&path, |old| *old = bytes).unwrap();
        let Ok(block) = Block::open(&disk, &dir) else {
            continue;
        };
        // Whatever it answers, it answers.
        for selector in ["", "kind=~k.*", "n!=3 job=a"] {
            let _ = std::hint::black_box(read_samples(&block, selector));
        }
    }
    assert!(sections > 50, "{sections}");
}

/// Like `try_dump`, without its assertions on what a block of ours looks like.
fn read_samples(block: &Block, selector: &str) -> Result<usize, model::storage::ReadError> {
    use model::storage::{Projection, SelectRequest, SeriesBatch, SeriesReader};
    let list = block.select(&SelectRequest {
        range: TimeRange::ALL,
        matchers: &matchers(selector),
        projection: Projection::All,
    })?;
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch)?;
    for row in 0..list.len() {
        list.labels(row);
    }
    list.groups(Projection::AllBut(&["n".to_owned()]));
    Ok(batch.times.len())
}

#[test]
fn a_bad_block_is_set_aside_with_a_reason() {
    let (prepared, dir, own, rest) = prepared();
    for (name, code) in [
        ("index", "block-damaged"),
        ("meta.json", "block-damaged"),
        ("chunks/000001", "block-damaged"),
        ("tombstones", "block-damaged"),
    ] {
        let disk = prepared.after_kill();
        disk.overwrite(&dir.join(name), |bytes| bytes.truncate(3))
            .unwrap();
        let (db, report) = Db::open(options("data", Arc::new(disk.clone()), 2)).unwrap();
        assert_eq!(report.rejected.len(), 1);
        assert_eq!(report.rejected[0].code(), code);
        assert!(report.rejected[0].hint().is_some());
        assert!(
            report.rejected[0].to_string().contains(name),
            "{}",
            report.rejected[0]
        );
        // The rest works: what the log has, and compacting that.
        let found = all(&db);
        for (labels, samples) in &rest {
            assert!(found[labels].ends_with(samples), "{name}: {labels}");
        }
        fill(&db, BASE + 4 * HOUR, BASE + 8 * HOUR, 10);
        db.compact().unwrap();
        assert_eq!(db.rejected().len(), 1);
        assert!(disk.exists(&dir), "it is left where it is");
    }
    // A missing file is a trouble of the disk, and heals when the file is back.
    let disk = prepared.after_kill();
    let index = disk.read(&dir.join("index")).unwrap();
    disk.remove_file(&dir.join("index")).unwrap();
    let (db, report) = Db::open(options("data", Arc::new(disk.clone()), 2)).unwrap();
    assert_eq!(report.rejected[0].code(), "block-unreadable");
    let mut file = disk.create(&dir.join("index")).unwrap();
    file.append(&index).unwrap();
    db.reload().unwrap();
    assert!(db.rejected().is_empty());
    assert_eq!(dump(&db.blocks()[0], TimeRange::ALL, ""), own);
}

/// One damaged chunk spoils the queries that want it, and one merge; nothing else.
#[test]
fn a_block_that_cannot_be_merged_is_left_alone() {
    let disk = FaultDisk::new(3);
    let db = open(&options("data", Arc::new(disk.clone()), 1));
    fill(&db, BASE, BASE + 7 * HOUR, 10);
    db.compact().unwrap();
    let dir = db.blocks()[0].dir().join("chunks/000001");
    disk.overwrite(&dir, |bytes| bytes[40] ^= 0xff).unwrap();
    drop(db);
    let options = options("data", Arc::new(disk.clone()), 2);
    let db = open(&options);
    fill(&db, BASE + 7 * HOUR, BASE + 11 * HOUR, 10);
    let error = db.compact().unwrap_err().to_string();
    assert!(error.contains("chunks/000001 at byte "), "{error}");
    assert!(db.blocks()[0].meta().compaction.failed);
    assert_eq!(db.blocks().len(), 4);
    // The second time it is not tried again.
    db.compact().unwrap();
    let healthy = range(BASE + 2 * HOUR, BASE + 11 * HOUR);
    assert_eq!(dump(&db, healthy, "").len(), 16);
    assert!(try_dump(&db, TimeRange::ALL, "").is_err());
}
