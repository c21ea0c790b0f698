//! What goes, and above all what stays.

use std::path::Path;

use testkit::disk::FaultDisk;
use tsdb::agent::Cut;

use super::support::*;

const NOTHING_EXPIRED: i64 = i64::MIN;

#[test]
fn what_was_not_sent_stays_until_it_is_too_old() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    let mut cut = Cut {
        time_min: 0,
        expired_before: NOTHING_EXPIRED,
        unsent_from: Some(0),
    };
    // A segment each.
    for time in [10, 20, 30] {
        commit(&agent, &[("a", time)]);
        agent.truncate(&cut).unwrap();
    }
    let times = || content(&disk, Path::new(DIR)).samples["{__name__=\"a\"}"].clone();
    cut.time_min = 25;
    assert_eq!(agent.truncate(&cut).unwrap().checkpoint, None);
    assert_eq!(times(), [10, 20, 30]);
    cut.unsent_from = Some(1);
    assert_eq!(agent.truncate(&cut).unwrap().checkpoint, Some(0));
    assert_eq!(times(), [20, 30]);
    cut.expired_before = 21;
    assert_eq!(agent.truncate(&cut).unwrap().checkpoint, Some(1));
    assert_eq!(times(), [30]);
    // All is sent, but it is to be kept.
    cut.unsent_from = None;
    assert_eq!(agent.truncate(&cut).unwrap().checkpoint, None);
    assert_eq!(times(), [30]);
    assert_eq!(agent.stats().checkpoints, 2);
}

#[test]
fn silent_series_go_and_come_back_under_another_reference() {
    let disk = FaultDisk::new(1);
    let (agent, _) = open(&disk);
    commit(&agent, &[("silent", 10), ("busy", 10)]);
    let (silent, busy) = (resolve(&agent, "silent"), resolve(&agent, "busy"));
    let cut = Cut {
        time_min: 20,
        expired_before: NOTHING_EXPIRED,
        unsent_from: Some(0),
    };
    agent.truncate(&cut).unwrap();
    // The first truncation spares whom it has not seen before.
    assert_eq!(agent.stats().series, 2);
    commit(&agent, &[("busy", 30)]);
    assert_eq!(agent.truncate(&cut).unwrap().series_dropped, 1);
    let stats = agent.stats();
    assert_eq!((stats.series, stats.series_deleted), (1, 1));
    // What the log has of it still has its name, also after another start.
    drop(agent);
    let (agent, _) = open(&disk);
    assert_eq!(content(&disk, Path::new(DIR)).samples.len(), 2);
    assert_eq!(resolve(&agent, "busy"), busy);
    agent.truncate(&cut).unwrap();
    let sent = Cut {
        unsent_from: None,
        ..cut
    };
    let truncation = agent.truncate(&sent).unwrap();
    assert!(truncation.checkpoint.is_some(), "{truncation:?}");
    assert_ne!(resolve(&agent, "silent"), silent);
    commit(&agent, &[("silent", 40), ("busy", 40)]);
    let content = content(&disk, Path::new(DIR));
    assert_eq!(content.samples["{__name__=\"silent\"}"], [40]);
    assert_eq!(content.samples["{__name__=\"busy\"}"], [30, 40]);
}
