//! Retention rules: some series are kept for less time than the others, and nothing younger is touched.

use std::sync::Arc;

use model::clock::ManualClock;
use model::storage::{SampleBatch, SampleWriter};
use model::time::{Duration, Timestamp};
use testkit::disk::{Fault, FaultDisk};
use tsdb::block::UlidSource;
use tsdb::db::RetentionRule;
use tsdb::{Db, DbOptions};

use super::support::*;

const MINUTE: i64 = 60_000;

fn rule(selector: &str, hours: i64) -> RetentionRule {
    RetentionRule {
        name: format!("{selector} {hours}h"),
        matchers: matchers(selector),
        keep: Duration(hours * HOUR),
    }
}

fn options_with(
    disk: &FaultDisk,
    (clock, seed): (&Arc<ManualClock>, u64),
    rules: &[RetentionRule],
) -> DbOptions {
    let mut options = options("data", Arc::new(disk.clone()), seed);
    options.ulids = UlidSource::new(clock.clone(), seed);
    options.retention_rules = rules.to_vec();
    options
}

fn compact(db: &Db) {
    db.compact().unwrap();
    for _ in 0..100 {
        if !db.is_compaction_due() {
            return;
        }
        db.compact().unwrap();
    }
    panic!("there is no end to it");
}

fn time_of(sample: &str) -> i64 {
    sample.rsplit('@').next().unwrap().parse().unwrap()
}

/// What is left of the samples of some series begins at this time; the others have all of theirs.
fn begin(found: &Dump, whole: &Dump, is_of_rule: impl Fn(&str) -> bool) -> i64 {
    let mut begin = i64::MAX;
    let mut gone = i64::MIN;
    for (labels, samples) in whole {
        let left = found.get(labels).cloned().unwrap_or_default();
        if !is_of_rule(labels) {
            assert_eq!(&left, samples, "{labels}");
            continue;
        }
        assert!(samples.ends_with(&left), "{labels} misses some in between");
        begin = begin.min(left.first().map_or(i64::MAX, |first| time_of(first)));
        if let Some(last_gone) = samples.len().checked_sub(left.len() + 1) {
            gone = gone.max(time_of(&samples[last_gone]));
        }
    }
    assert!(gone < begin);
    begin
}

fn count(dump: &Dump) -> u64 {
    dump.values().map(|samples| samples.len() as u64).sum()
}

#[test]
fn samples_of_a_rule_stay_as_long_as_it_says_and_not_much_longer() {
    const KEEP: i64 = 4;
    let clock = Arc::new(ManualClock::new(Timestamp(BASE)));
    let disk = FaultDisk::new(1);
    let rules = [rule("job=b", KEEP)];
    let mut db = open(&options_with(&disk, (&clock, 1), &rules));
    let all_of_it = open(&options_with(&FaultDisk::new(2), (&clock, 2), &[]));
    let is_of_rule = |labels: &str| labels.contains("job=\"b\"");
    let mut rewritten = 0;
    for hour in 0..60 {
        let (start, end) = (BASE + hour * HOUR, BASE + (hour + 1) * HOUR);
        fill(&db, start, end, 10);
        fill(&all_of_it, start, end, 10);
        clock.set(Timestamp(end));
        let before = db.blocks().len();
        compact(&db);
        all_of_it.compact().unwrap();
        rewritten += usize::from(db.blocks().len() < before);
        let newest = end - 10 * MINUTE;
        let begin = begin(&all(&db), &all(&all_of_it), is_of_rule);
        assert!(
            begin <= newest - KEEP * HOUR || begin <= BASE,
            "hour {hour}: too much is gone"
        );
        // The head has up to three hours, blocks twice as much as the rule says.
        let oldest = newest - (2 * KEEP + 3) * HOUR;
        assert!(
            begin >= oldest,
            "hour {hour}: {} is left",
            (newest - begin) / MINUTE
        );
        if hour % 20 == 7 {
            db.close().unwrap();
            drop(db);
            db = open(&options_with(&disk, (&clock, 10 + hour as u64), &rules));
        }
    }
    assert!(rewritten > 2, "{rewritten}");
    let found = all(&db);
    // A start forgets what was counted before it.
    let dropped = db.retention_rules();
    assert_eq!(dropped[0].name, "job=b 4h");
    assert!(dropped[0].samples_dropped > 100);
    assert!(dropped[0].samples_dropped <= count(&all(&all_of_it)) - count(&found));
}

#[test]
fn what_rules_drop_is_counted_by_the_one_that_drops_it() {
    let clock = Arc::new(ManualClock::new(Timestamp(BASE)));
    let rules = [
        rule("kind=k0", 20),
        rule("kind=~k(0|1) n!=3", 6),
        rule("nobody=x", 1),
    ];
    let disk = FaultDisk::new(1);
    let db = open(&options_with(&disk, (&clock, 1), &[]));
    fill(&db, BASE, BASE + 50 * HOUR, 10);
    compact(&db);
    let whole = all(&db);
    drop(db);
    // The rules are new to the folder. One block of all times is cut where it must be.
    clock.set(Timestamp(BASE + 50 * HOUR));
    let db = open(&options_with(&disk.after_kill(), (&clock, 2), &rules));
    compact(&db);
    let found = all(&db);
    let of = |dump: &Dump, wanted: &[&str]| -> u64 {
        let series = dump
            .iter()
            .filter(|(labels, _)| wanted.iter().any(|w| labels.contains(w)));
        series.map(|(_, samples)| samples.len() as u64).sum()
    };
    let long = ["kind=\"k0\", n=\"3\""];
    let gone = |series: &[&str]| of(&whole, series) - of(&found, series);
    let dropped: Vec<u64> = db
        .retention_rules()
        .iter()
        .map(|rule| rule.samples_dropped)
        .collect();
    let both = gone(&["kind=\"k0\"", "kind=\"k1\""]);
    assert!(gone(&long) > 50 && both > 1000, "{dropped:?}");
    assert_eq!(dropped, [gone(&long), both - gone(&long), 0]);
    assert_eq!(count(&whole) - count(&found), both);
}

/// Neither a clock that is ahead nor samples from the future make anything go too early.
#[test]
fn wrong_times_drop_nothing_young() {
    for (clock_days, sample_days) in [(400, 0), (0, 400)] {
        let clock = Arc::new(ManualClock::new(Timestamp(BASE)));
        let disk = FaultDisk::new(1);
        let db = open(&options_with(&disk, (&clock, 1), &[rule("job=~.+", 12)]));
        fill(&db, BASE, BASE + 10 * HOUR, 10);
        clock.set(Timestamp(BASE + 10 * HOUR + clock_days * 24 * HOUR));
        let mut whole = all(&db);
        if sample_days > 0 {
            let mut batch = SampleBatch::new();
            let series = db.resolve(&labels("future job=a")).unwrap();
            let time = BASE + sample_days * 24 * HOUR;
            batch.push(series, Timestamp(time), 1.0);
            db.commit(&batch).unwrap();
            whole = all(&db);
        }
        compact(&db);
        assert!(db.blocks().len() > 1);
        assert_eq!(all(&db), whole, "{clock_days} {sample_days}");
    }
}

/// Everything fails, or ends, at each single change.
#[test]
fn a_crash_drops_nothing_else() {
    let clock = Arc::new(ManualClock::new(Timestamp(BASE + 11 * HOUR)));
    let prepared = FaultDisk::new(7);
    let db = open(&options_with(&prepared, (&clock, 1), &[]));
    fill(&db, BASE, BASE + 11 * HOUR, 60);
    compact(&db);
    // Deletions and samples of one block that all go.
    db.delete(range(BASE + HOUR, BASE + 3 * HOUR), &matchers("n=3"))
        .unwrap();
    let whole = all(&db);
    let blocks = db.blocks().len();
    drop(db);
    let prepared = prepared.after_kill();
    let rules = [rule("job=b", 2), rule("kind=k1", 4)];
    let is_of_rule = |labels: &str| labels.contains("job=\"b\"") || labels.contains("kind=\"k1\"");
    let run = |disk: &FaultDisk, seed: u64| -> Db {
        let (db, report) = Db::open(options_with(disk, (&clock, seed), &rules)).unwrap();
        assert!(report.rejected.is_empty(), "{:?}", report.rejected);
        db
    };
    let (changes, after) = {
        let disk = prepared.after_kill();
        let db = run(&disk, 2);
        let before = disk.writes();
        compact(&db);
        (disk.writes() - before, all(&db))
    };
    assert!(changes > 30 && blocks > 1, "{changes} {blocks}");
    let check = |found: &Dump, when: &str| {
        for (labels, samples) in &whole {
            let left = found.get(labels).cloned().unwrap_or_default();
            let must = if is_of_rule(labels) {
                after.get(labels).cloned().unwrap_or_default()
            } else {
                samples.clone()
            };
            assert!(
                samples.ends_with(&left) && left.ends_with(&must),
                "{when}: {labels}"
            );
        }
    };
    for at in 0..changes {
        for ending in ["kill", "power cut", "failure"] {
            let when = format!("change {at}, {ending}");
            let disk = prepared.after_kill();
            let db = run(&disk, 2);
            let fault = match ending {
                "failure" => Fault::FailWrite(disk.writes() + at),
                _ => Fault::CrashAtWrite(disk.writes() + at),
            };
            disk.plan(Some(fault));
            // What fails here is seen below.
            while db.compact().is_ok() && db.is_compaction_due() {}
            let disk = match ending {
                "kill" => disk.after_kill(),
                "power cut" => disk.after_power_cut(),
                _ => {
                    disk.plan(None);
                    check(&all(&db), &format!("{when}, still running"));
                    disk
                }
            };
            drop(db);
            let db = run(&disk, 3);
            check(&all(&db), &when);
            compact(&db);
            assert_eq!(all(&db), after, "{when}, to its end");
        }
    }
}

#[test]
fn a_block_of_which_nothing_is_left_goes() {
    let clock = Arc::new(ManualClock::new(Timestamp(BASE)));
    let disk = FaultDisk::new(1);
    let db = open(&options_with(&disk, (&clock, 1), &[rule("job=~.+", 5)]));
    fill(&db, BASE, BASE + 30 * HOUR, 10);
    clock.set(Timestamp(BASE + 30 * HOUR));
    compact(&db);
    let first = db.blocks()[0].meta().min_time;
    assert!(first >= BASE + 18 * HOUR, "{}", (first - BASE) / HOUR);
    assert!(db.retention_rules()[0].samples_dropped > 1000);
}
