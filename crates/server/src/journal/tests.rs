//! The ring on a disk that fails, and the thread in front of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alerting::journal::{Draft, Kind, Order, Query, Record, Request, detail};
use diag::ReasonBook;
use metrics::Registry;
use model::{Clock, Duration, Timestamp};
use testkit::disk::{Fault, FaultDisk};

use super::ring::{JournalLimits, Ring};
use super::{Counters, Journal, Opened};

const DIR: &str = "data/journal";

fn ring(disk: &FaultDisk, limits: JournalLimits) -> Ring {
    let (ring, _) = Ring::open(Arc::new(disk.clone()), DIR.into(), limits).unwrap();
    ring
}

fn draft(number: i64) -> Draft {
    let draft = Draft::new(Timestamp(number * 1000), Kind::Config, "test");
    draft.with(detail::MESSAGE, number)
}

/// The numbers of all drafts that can be read, in their order.
fn numbers(ring: &Ring) -> Vec<i64> {
    let mut request = Request {
        query: Query::default(),
        order: Order::OldestFirst,
        cursor: None,
        limit: 1000,
    };
    let mut numbers = Vec::new();
    loop {
        let page = ring.reader().read(&request);
        let is_gap = |record: &Record| record.code == "journal-events-dropped";
        let records = page.records.iter().map(|(_, record)| record);
        for record in records.filter(|record| !is_gap(record)) {
            let number: i64 = record.detail(detail::MESSAGE).parse().unwrap();
            assert_eq!(record.at, Timestamp(number * 1000));
            numbers.push(number);
        }
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => return numbers,
        }
    }
}

/// Writes two records at a time, syncs after each third write. Gives the last number that was synced.
fn write_until_it_crashes(disk: &FaultDisk) -> i64 {
    let limits = JournalLimits {
        bytes: 400_000,
        ..JournalLimits::default()
    };
    let Ok((mut ring, _)) = Ring::open(Arc::new(disk.clone()), DIR.into(), limits) else {
        return -1;
    };
    let mut synced = -1;
    for step in 0..30 {
        if ring
            .append(&[draft(step * 2), draft(step * 2 + 1)])
            .is_err()
        {
            return synced;
        }
        if step % 3 == 2 {
            if ring.sync().is_err() {
                return synced;
            }
            synced = step * 2 + 1;
        }
    }
    synced
}

/// Nothing torn is ever shown, and nothing that was synced is ever lost, wherever the disk stops.
#[test]
fn a_crash_at_each_write() {
    let disk = FaultDisk::new(1);
    assert_eq!(write_until_it_crashes(&disk), 59);
    let writes = disk.writes();
    assert!(writes > 30, "{writes}");
    for at in 0..writes {
        for seed in 0..4 {
            let disk = FaultDisk::new(seed);
            disk.plan(Some(Fault::CrashAtWrite(at)));
            let synced = write_until_it_crashes(&disk);
            for (how, after) in [
                ("kill", disk.after_kill()),
                ("power cut", disk.after_power_cut()),
            ] {
                let mut ring = ring(&after, JournalLimits::default());
                let found = numbers(&ring);
                let expected: Vec<i64> = (0..).take(found.len()).collect();
                assert_eq!(found, expected, "{how} at {at}");
                assert!(
                    found.len() as i64 > synced,
                    "{how} at {at}: {found:?}, {synced}"
                );
                // The next life goes on.
                ring.append(&[draft(1000)]).unwrap();
                assert_eq!(numbers(&ring).last(), Some(&1000));
            }
        }
    }
}

#[test]
fn a_failed_write_begins_a_new_segment_and_loses_nothing() {
    let disk = FaultDisk::new(3);
    write_until_it_crashes(&disk);
    for at in 1..disk.writes() {
        let disk = FaultDisk::new(at);
        disk.plan(Some(Fault::FailWrite(at)));
        let Ok((mut ring, _)) =
            Ring::open(Arc::new(disk.clone()), DIR.into(), JournalLimits::default())
        else {
            continue;
        };
        for number in 0..60 {
            let draft = [draft(number)];
            if ring.append(&draft).is_err() {
                ring.append(&draft).unwrap();
            }
        }
        assert_eq!(numbers(&ring), (0..60).collect::<Vec<i64>>(), "at {at}");
    }
}

#[test]
fn the_oldest_go_by_bytes_and_by_age() {
    let disk = FaultDisk::new(5);
    let limits = JournalLimits {
        age: Duration::from_secs(10_000),
        bytes: 100_000,
    };
    let mut ring = ring(&disk, limits);
    for number in 0..20_000 {
        ring.append(&[draft(number)]).unwrap();
        ring.expire(Timestamp(number * 1000)).unwrap();
    }
    let found = numbers(&ring);
    let bytes = disk.bytes_in_all();
    assert!(bytes <= 110_000, "{bytes}");
    assert_eq!(found.last(), Some(&19_999));
    assert!(found.len() > 500 && found.len() < 10_500, "{}", found.len());
    let consecutive = found.windows(2).all(|two| two[0] + 1 == two[1]);
    assert!(consecutive);
    // The segment that is open stays, the others are too old by then.
    ring.expire(Timestamp(40_000_000)).unwrap();
    let left = numbers(&ring);
    assert!(left.len() < found.len() && left.last() == Some(&19_999));
}

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(43_200_000)
    }
}

#[test]
fn what_is_put_in_can_be_read_and_gaps_are_told() {
    let disk = FaultDisk::new(7);
    let registry = Registry::new();
    let reasons = Arc::new(ReasonBook::new(10));
    let open = || {
        let limits = JournalLimits::default();
        let opened = Opened::open(Arc::new(disk.clone()), Path::new("data"), limits).unwrap();
        let counters = Counters::new(&registry);
        Journal::start(opened, Arc::new(Noon), Arc::clone(&reasons), counters)
    };
    let journal = open();
    journal.put_drafts((0..10_000).map(draft));
    let newest = Request::newest(Query::default(), 1);
    let page = journal.read(&newest);
    assert_eq!(page.records[0].1.detail(detail::MESSAGE), "9999");
    assert_eq!(page.kept_since, Some(Timestamp(0)));
    // The disk stops: what follows is missing, and that is told.
    disk.plan(Some(Fault::FullAt(disk.bytes_in_all())));
    journal.put_drafts([draft(10_000)]);
    let page = journal.read(&newest);
    assert_eq!(page.records[0].1.detail(detail::MESSAGE), "9999");
    let counts: Vec<_> = reasons.counts();
    assert_eq!(counts, [("journal-not-written", 1)]);
    assert_eq!(page.damage.len(), 1, "{:?}", page.damage);
    let damage = &page.damage[0];
    assert!(
        damage.starts_with("1 events since 1970-01-01T12:00:00Z could not be written: "),
        "{damage}"
    );
    disk.plan(None);
    journal.put_drafts([draft(10_001)]);
    let page = journal.read(&Request::newest(Query::default(), 2));
    assert!(page.damage.is_empty());
    let gap = &page.records[1].1;
    assert_eq!(gap.code, "journal-events-dropped");
    assert_eq!(gap.detail(detail::DROPPED), "1");
    journal.close();
    // Everything is there after a power cut.
    let after = disk.after_power_cut();
    let ring = ring(&after, JournalLimits::default());
    let found = numbers(&ring);
    assert_eq!(found.len(), 10_001);
    assert_eq!(found.last(), Some(&10_001));
    let text = registry.render();
    assert!(
        text.contains("keepwatch_journal_events_dropped_total 1\n"),
        "{text}"
    );
}

/// Panics when it is first asked for the time, which the thread that writes does when it looks for old segments.
#[derive(Debug, Default)]
struct Stumbling(AtomicBool);

impl Clock for Stumbling {
    fn now(&self) -> Timestamp {
        assert!(self.0.swap(true, Ordering::SeqCst), "the clock stumbles");
        Timestamp(1)
    }
}

#[test]
fn a_thread_that_panicked_is_told_of_and_keeps_nobody_waiting() {
    let registry = Registry::new();
    let reasons = Arc::new(ReasonBook::new(10));
    let limits = JournalLimits::default();
    let disk = Arc::new(FaultDisk::new(9));
    let opened = Opened::open(disk, Path::new("data"), limits).unwrap();
    let journal = Journal::start(
        opened,
        Arc::new(Stumbling::default()),
        Arc::clone(&reasons),
        Counters::new(&registry),
    );
    journal.put_drafts([draft(0)]);
    journal.close();
    journal.put_drafts([draft(1)]);
    let page = journal.read(&Request::newest(Query::default(), 10));
    assert_eq!(page.records.len(), 1);
    assert_eq!(reasons.counts(), [("journal-stopped", 1)]);
    let text = registry.render();
    assert!(
        text.contains("keepwatch_journal_events_dropped_total 1\n"),
        "{text}"
    );
}

#[test]
fn a_disk_that_does_not_sync_is_told_of() {
    let disk = FaultDisk::new(11);
    let reasons = Arc::new(ReasonBook::new(10));
    let opened = Opened::open(
        Arc::new(disk.clone()),
        Path::new("data"),
        JournalLimits::default(),
    )
    .unwrap();
    let counters = Counters::new(&Registry::new());
    let journal = Journal::start(opened, Arc::new(Noon), Arc::clone(&reasons), counters);
    journal.put_drafts([draft(0)]);
    journal.read(&Request::newest(Query::default(), 1));
    disk.plan(Some(Fault::CrashAtWrite(disk.writes())));
    journal.put_drafts([draft(1)]);
    journal.close();
    let codes: Vec<&str> = reasons.counts().iter().map(|(code, _)| *code).collect();
    assert!(codes.contains(&"journal-not-written"), "{codes:?}");
    assert!(codes.contains(&"journal-not-synced"), "{codes:?}");
}
