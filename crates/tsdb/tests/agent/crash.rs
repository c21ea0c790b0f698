//! Random lives that end in the middle of a write: nothing acknowledged is lost. `KEEPWATCH_SEED` repeats one
//! run; failing seeds are printed.

use std::collections::BTreeMap;
use std::path::Path;

use model::storage::{SampleBatch, SampleWriter};
use model::time::Timestamp;
use testkit::disk::{Fault, FaultDisk, Random};
use tsdb::Agent;
use tsdb::agent::{AgentOptions, Cut};
use tsdb::log::Compression;

use super::support::{DIR, content, options, resolve};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Kill,
    PowerCut,
}

/// What the test knows of the storage.
#[derive(Debug, Default)]
struct Model {
    /// Samples of each acknowledged commit, by time.
    acknowledged: BTreeMap<i64, usize>,
    /// The newest acknowledged commit when the log was synced last.
    synced: i64,
    expired_before: i64,
    time: i64,
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    run(0..60, Ending::Kill);
}

#[test]
fn nothing_synced_is_lost_by_a_power_cut() {
    run(1000..1060, Ending::PowerCut);
}

fn run(seeds: std::ops::Range<u64>, ending: Ending) {
    let only = std::env::var("KEEPWATCH_SEED").ok();
    let only: Option<u64> = only.and_then(|seed| seed.parse().ok());
    for seed in seeds {
        if only.is_some_and(|only| only != seed) {
            continue;
        }
        let result = std::panic::catch_unwind(|| lives(seed, ending));
        if let Err(panic) = result {
            println!("seed {seed} with {ending:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Several lives on one disk, each ended by a crash.
fn lives(seed: u64, ending: Ending) {
    let mut random = Random::new(seed);
    let mut disk = FaultDisk::new(seed);
    let mut model = Model::default();
    for _ in 0..4 {
        let mut options = options(&disk);
        options.log.segment_bytes = 32 * 1024 * (1 + random.below(2));
        if random.below(2) == 0 {
            options.log.compression = Compression::None;
        }
        let crash_at = disk.writes() + 1 + random.below(150);
        disk.plan(Some(Fault::CrashAtWrite(crash_at)));
        live(options, &mut model, &mut random);
        disk = match ending {
            Ending::Kill => disk.after_kill(),
            Ending::PowerCut => disk.after_power_cut(),
        };
        let (agent, _) = Agent::open(self::options(&disk)).unwrap();
        verify(&disk, &mut model, ending);
        drop(agent);
        disk = disk.after_kill();
    }
}

/// Commits, truncates, syncs and reopens until the disk gives up.
fn live(options: AgentOptions, model: &mut Model, random: &mut Random) {
    let Ok((mut agent, _)) = Agent::open(options.clone()) else {
        return;
    };
    loop {
        let failed = match random.below(30) {
            0 => agent.sync().map(|()| model.synced = model.time).is_err(),
            1 => {
                // Also of a truncation that fails, some of it may be done.
                model.expired_before = model.expired_before.max(model.time - 60_000);
                let cut = Cut {
                    time_min: model.time,
                    expired_before: model.expired_before,
                    unsent_from: Some(0),
                };
                agent.truncate(&cut).is_err()
            }
            2 => {
                let _ = agent.close();
                match Agent::open(options.clone()) {
                    Ok((next, _)) => {
                        agent = next;
                        false
                    }
                    Err(_) => true,
                }
            }
            _ => commit(&agent, model, random).is_err(),
        };
        if failed {
            return;
        }
    }
}

fn commit(agent: &Agent, model: &mut Model, random: &mut Random) -> Result<(), ()> {
    model.time += 1000;
    let samples = random.below(80) as usize;
    let churn = random.below(6);
    let mut batch = SampleBatch::new();
    for n in 0..samples {
        let series = resolve(agent, &format!("series_{n}_{churn}"));
        batch.push(series, Timestamp(model.time), 1.0);
    }
    let report = agent.commit(&batch).map_err(drop)?;
    assert_eq!(report.appended, samples);
    model.acknowledged.insert(model.time, samples);
    Ok(())
}

fn verify(disk: &FaultDisk, model: &mut Model, ending: Ending) {
    let mut found: BTreeMap<i64, usize> = BTreeMap::new();
    for times in content(disk, Path::new(DIR)).samples.values() {
        for time in times {
            *found.entry(*time).or_default() += 1;
        }
    }
    for (time, samples) in model.acknowledged.range(model.expired_before..) {
        let must_be_there = ending == Ending::Kill || *time <= model.synced;
        if must_be_there && *samples > 0 {
            assert_eq!(found.get(time), Some(samples), "of the commit at {time}");
        }
    }
    // What a power cut took is gone for good.
    model
        .acknowledged
        .retain(|time, _| found.contains_key(time));
    model.acknowledged = found;
    model.synced = model.time;
}
