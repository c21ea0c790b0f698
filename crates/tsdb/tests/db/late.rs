//! Samples that come out of order, on their way through head and blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::storage::{SampleBatch, SampleWriter};
use model::time::{Duration, Timestamp};
use testkit::disk::{FaultDisk, Random};
use tsdb::{Db, DbOptions};

use super::support::*;

const MINUTE: i64 = 60_000;
const SEEDS: u64 = 4;
const STEPS: usize = 90;

fn with_window(disk: &FaultDisk, seed: u64) -> DbOptions {
    let options = options("data", Arc::new(disk.clone()), seed);
    options.head.out_of_order.set(Duration(24 * HOUR));
    options
}

/// What must be there: by series, value by time.
#[derive(Clone, Default)]
struct Model(BTreeMap<String, BTreeMap<i64, String>>);

impl Model {
    fn dump(&self) -> Dump {
        let text = |(time, value): (&i64, &String)| format!("{value}@{time}");
        let samples = |samples: &BTreeMap<i64, String>| samples.iter().map(text).collect();
        let series = self.0.iter().filter(|(_, own)| !own.is_empty());
        series
            .map(|(labels, own)| (labels.clone(), samples(own)))
            .collect()
    }

    fn delete(&mut self, labels: &str, start: i64, end: i64) {
        if let Some(own) = self.0.get_mut(labels) {
            own.retain(|time, _| *time < start || end < *time);
        }
    }
}

/// Says what differs, not everything.
fn assert_same(found: &Dump, expected: &Dump, when: &str) {
    let keys = |dump: &Dump| dump.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(found), keys(expected), "{when}");
    for (labels, expected) in expected {
        let found = &found[labels];
        let missing: Vec<_> = expected.iter().filter(|s| !found.contains(s)).collect();
        let extra: Vec<_> = found.iter().filter(|s| !expected.contains(s)).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{when}, {labels}: missing {missing:?}, not expected {extra:?}"
        );
    }
}

/// A value that a series has at a time, whoever writes it.
fn value(series: usize, time: i64) -> f64 {
    ((time / 1000) % 9973 + series as i64) as f64 / 4.0
}

fn name(series: usize) -> String {
    format!("m n={series}")
}

/// Commits samples, of which none is refused.
fn commit(db: &Db, model: &mut Model, rows: &[(usize, i64)]) {
    let mut batch = SampleBatch::new();
    for (series, time) in rows {
        let labels = labels(&name(*series));
        let value = value(*series, *time);
        batch.push(db.resolve(&labels).unwrap(), Timestamp(*time), value);
        let own = model.0.entry(labels.to_string()).or_default();
        own.insert(*time, value.to_string());
    }
    let report = db.commit(&batch).unwrap();
    assert!(report.refused.is_empty(), "{:?}", report.refused);
}

/// Commits, compactions, deletions and ends of any kind, at random. After each of them every sample is there
/// once, through blocks and head.
#[test]
fn no_sample_is_lost_on_any_way() {
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let mut disk = FaultDisk::new(seed);
        let mut model = Model::default();
        let mut now = BASE;
        let mut db = open(&with_window(&disk, random.draw()));
        let mut late_blocks = 0;
        for step in 0..STEPS {
            match random.below(12) {
                0 => db.compact().unwrap(),
                1 => {
                    drop(db);
                    disk = disk.after_kill();
                    db = open(&with_window(&disk, random.draw()));
                }
                2 => {
                    db.close().unwrap();
                    db = open(&with_window(&disk, random.draw()));
                }
                3 => {
                    db.head().snapshot().unwrap();
                }
                4 if random.below(4) == 0 => {
                    let series = random.below(6) as usize;
                    let start = now - random.below(10 * HOUR as u64) as i64;
                    let end = start + random.below(HOUR as u64) as i64;
                    let matcher = matchers(&format!("n={series}"));
                    db.delete(range(start, end), &matcher).unwrap();
                    let labels = labels(&name(series)).to_string();
                    model.delete(&labels, start, end);
                }
                5..=7 => {
                    let count = 1 + random.below(60) as usize;
                    let mut rows = Vec::new();
                    for _ in 0..count {
                        let series = random.below(8) as usize;
                        let time = now - random.below(20 * HOUR as u64) as i64;
                        rows.push((series, time / MINUTE * MINUTE + 7));
                    }
                    commit(&db, &mut model, &rows);
                }
                _ => {
                    for _ in 0..random.below(30) {
                        now += MINUTE;
                        let series = (0..6).filter(|_| random.below(5) > 0);
                        let rows: Vec<_> = series.map(|series| (series, now)).collect();
                        commit(&db, &mut model, &rows);
                    }
                }
            }
            let blocks = db.blocks();
            let is_late =
                |block: &&tsdb::block::Block| block.meta().compaction.has_hint("from-out-of-order");
            late_blocks += blocks.iter().filter(is_late).count();
            if step % 5 == 0 || step == STEPS - 1 {
                assert_same(
                    &all(&db),
                    &model.dump(),
                    &format!("seed {seed}, step {step}"),
                );
            }
        }
        assert!(late_blocks > 0, "seed {seed}");
    }
}
