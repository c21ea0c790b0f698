//! Reading the log behind its writer.

use std::path::Path;
use std::sync::Arc;

use testkit::disk::{FaultDisk, Random};
use tsdb::Agent;
use tsdb::agent::Cut;
use tsdb::log::record::{Record, decode};
use tsdb::log::{Follower, Place, Step, segment_path};

use super::support::*;

fn wal() -> std::path::PathBuf {
    Path::new(DIR).join("wal")
}

fn follower(disk: &FaultDisk, place: Place) -> Follower {
    Follower::new(Arc::new(disk.clone()), wal(), place)
}

/// Times of all samples up to the end, and what else was met on the way.
fn read(follower: &mut Follower) -> (Vec<i64>, Vec<Step>) {
    let (mut times, mut others) = (Vec::new(), Vec::new());
    loop {
        match follower.step().unwrap() {
            Step::End => return (times, others),
            Step::Record => {
                if let Record::Samples(samples) = decode(follower.record()).unwrap() {
                    times.extend(samples.times);
                }
            }
            Step::NextSegment => {}
            other => others.push(other),
        }
    }
}

#[test]
fn everything_comes_once_and_in_order_however_often_one_looks() {
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let disk = FaultDisk::new(seed);
        let mut options = options(&disk);
        options.log.segment_bytes = 32 * 1024;
        let (mut agent, _) = Agent::open(options.clone()).unwrap();
        let mut reading = follower(&disk, Place::default());
        let (mut written, mut found) = (Vec::new(), Vec::new());
        for time in 0..400 {
            let name = format!("series_{}_{}", random.below(300), "x".repeat(200));
            let rows: Vec<(&str, i64)> = (0..random.below(40))
                .map(|n| (name.as_str(), time * 100 + n as i64))
                .collect();
            commit(&agent, &rows);
            written.extend(rows.iter().map(|(_, time)| *time));
            match random.below(20) {
                0 => {
                    agent.close().unwrap();
                    agent = Agent::open(options.clone()).unwrap().0;
                }
                // From a remembered place on.
                1 => reading = follower(&disk, reading.place()),
                2..5 => {
                    let (times, others) = read(&mut reading);
                    assert_eq!(others, [], "seed {seed}");
                    found.extend(times);
                }
                _ => {}
            }
        }
        found.extend(read(&mut reading).0);
        assert_eq!(found.len(), written.len(), "seed {seed}");
        assert!(found == written, "seed {seed}");
        assert!(reading.place().segment > 1);
    }
}

#[test]
fn what_was_removed_and_what_is_damaged_is_told_and_passed_over() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    let mut reading = follower(&disk, Place::default());
    assert!(read(&mut reading).0.is_empty());
    let cut = |expired_before| Cut {
        time_min: 0,
        expired_before,
        unsent_from: Some(0),
    };
    for time in [10, 20, 30, 40] {
        commit(&agent, &[("a", time)]);
        agent.truncate(&cut(0)).unwrap();
    }
    agent.truncate(&cut(15)).unwrap();
    disk.overwrite(&segment_path(&wal(), 2), |bytes| bytes[10] ^= 1)
        .unwrap();
    let (times, others) = read(&mut reading);
    assert_eq!(times, [20, 40]);
    assert_eq!(others[0], Step::Gone);
    assert!(matches!(&others[1], Step::Damaged(place) if place.path.ends_with("00000002")));
    // What is at the end may be on its way still.
    commit(&agent, &[("a", 50)]);
    let end = Follower::end_of(&disk, &wal()).unwrap();
    let whole = disk.clone();
    let path = segment_path(&wal(), end.segment);
    let mut last = Vec::new();
    whole
        .overwrite(&path, |bytes| last = bytes.split_off(bytes.len() - 3))
        .unwrap();
    assert_eq!(read(&mut reading), (vec![], vec![]));
    whole
        .overwrite(&path, |bytes| bytes.append(&mut last))
        .unwrap();
    assert_eq!(read(&mut reading), (vec![50], vec![]));
    assert_eq!(reading.place(), end);
}
