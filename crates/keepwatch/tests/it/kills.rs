//! Samples are sent from several sides, in order, late and in new series, while blocks of seconds are written
//! and merged; the process is killed at 50 random moments. What was acknowledged is there, once, and what was
//! not is there as a whole or not at all.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use model::{Labels, Timestamp};
use testkit::disk::Random;
use testkit::process::{Signal, try_post_bytes, until};
use wire::remote::write1::{self, SeriesContent};
use wire::remote::{WrittenSample, compress};

use crate::support::{BOUND, Server, serve};

const KILLS: usize = 50;
const WRITERS: usize = 3;
/// Series of each writer, which a batch has one sample each of.
const SERIES: usize = 12;
/// Batches that are acknowledged in one life at most, over all writers.
const BATCHES_MAX: u64 = 60;

/// What one request has sent: the same time and number in some series of a writer.
#[derive(Clone, Debug)]
struct Batch {
    series: Vec<String>,
    time: i64,
    number: u32,
    is_acknowledged: bool,
}

#[derive(Debug)]
struct Sender {
    writer: usize,
    random: Random,
    newest: i64,
    times: BTreeSet<i64>,
    sent: Vec<Batch>,
}

#[allow(clippy::disallowed_methods, reason = "the server runs on real time")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

impl Sender {
    fn new(writer: usize, seed: u64) -> Self {
        Self {
            writer,
            random: Random::new(seed),
            newest: 0,
            times: BTreeSet::new(),
            sent: Vec::new(),
        }
    }

    /// Three of four are in order.
    fn next(&mut self, life: usize) -> Batch {
        let number = u32::try_from(self.sent.len()).unwrap() + 1;
        let writer = self.writer;
        let is_late = self.random.below(4) == 0 && self.newest > 0;
        let mut time = now().max(self.newest + 1);
        if is_late {
            time = self.newest - i64::try_from(self.random.below(20_000)).unwrap();
            while self.times.contains(&time) {
                time -= 1;
            }
        } else {
            self.newest = time;
        }
        self.times.insert(time);
        let mut series: Vec<String> = (0..SERIES).map(|n| format!("{writer}-{n}")).collect();
        if !is_late {
            series.push(format!("{writer}-in-life-{life}-{}", number % 3));
        }
        Batch {
            series,
            time,
            number,
            is_acknowledged: false,
        }
    }
}

impl Batch {
    fn body(&self) -> Vec<u8> {
        let mut writer = write1::Writer::new();
        for series in &self.series {
            writer.series(&SeriesContent {
                labels: &Labels::from_pairs([("__name__", "sent"), ("series", series)]),
                samples: &[WrittenSample {
                    time: Timestamp(self.time),
                    value: f64::from(self.number),
                    start_time: None,
                }],
                histograms: &[],
                exemplars: &[],
            });
        }
        compress(&writer.finish()).unwrap()
    }
}

/// Sends until the server is gone.
fn send(sender: &mut Sender, address: &str, life: usize, count: &AtomicUsize, end: &AtomicBool) {
    while !end.load(Ordering::SeqCst) {
        let mut batch = sender.next(life);
        let answer = try_post_bytes(address, "/api/v1/write", &batch.body());
        if let Ok(answer) = &answer {
            assert_eq!(answer.status, 204, "{}", answer.body);
            batch.is_acknowledged = true;
            count.fetch_add(1, Ordering::SeqCst);
        }
        sender.sent.push(batch);
        if answer.is_err() {
            return;
        }
    }
}

/// Samples by series: time and number.
fn stored(server: &Server) -> BTreeMap<String, BTreeMap<i64, u32>> {
    let result = server.query("sent[1h]");
    let mut found = BTreeMap::new();
    for series in result.as_array().unwrap() {
        let name = series["metric"]["series"].as_str().unwrap().to_owned();
        let mut samples = BTreeMap::new();
        for pair in series["values"].as_array().unwrap() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "milliseconds of this century"
            )]
            let time = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
            let number = pair[1].as_str().unwrap().parse().unwrap();
            assert_eq!(samples.insert(time, number), None, "{name} at {time} twice");
        }
        found.insert(name, samples);
    }
    found
}

fn check(server: &Server, senders: &[Sender], when: &str) {
    let found = stored(server);
    let mut expected = 0;
    for batch in senders.iter().flat_map(|sender| &sender.sent) {
        let is_there = |series: &&String| {
            let number = found
                .get(*series)
                .and_then(|samples| samples.get(&batch.time));
            number == Some(&batch.number)
        };
        let there = batch.series.iter().filter(is_there).count();
        let is_whole = there == batch.series.len();
        let may_be_missing = !batch.is_acknowledged && there == 0;
        assert!(
            is_whole || may_be_missing,
            "{when}: {there} of {} samples of {batch:?}",
            batch.series.len()
        );
        expected += there;
    }
    let in_all: usize = found.values().map(BTreeMap::len).sum();
    assert_eq!(in_all, expected, "{when}: samples that nobody sent");
}

fn start(dir: &Path) -> Server {
    let flags = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.min-block-duration=2s",
        "--storage.tsdb.max-block-duration=20s",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
    ];
    serve(dir, &flags)
}

#[test]
fn what_was_acknowledged_survives_50_kills() {
    let seed = match std::env::var("KEEPWATCH_TEST_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("KEEPWATCH_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("prometheus.yml"),
        "storage:\n  tsdb:\n    out_of_order_time_window: 1h\n",
    )
    .unwrap();
    let mut senders: Vec<Sender> = (0..WRITERS)
        .map(|writer| Sender::new(writer, random.below(u64::MAX)))
        .collect();
    let mut blocks = 0.0;
    for life in 1..=KILLS {
        let server = start(dir.path());
        check(&server, &senders, &format!("life {life}"));
        let wanted = 1 + usize::try_from(random.below(BATCHES_MAX)).unwrap();
        let (count, end) = (AtomicUsize::new(0), AtomicBool::new(false));
        let address = server.address.clone();
        thread::scope(|scope| {
            for sender in &mut senders {
                let (address, count, end) = (&address, &count, &end);
                scope.spawn(move || send(sender, address, life, count, end));
            }
            until("enough batches", BOUND, || {
                let count = count.load(Ordering::SeqCst);
                (count >= wanted).then_some(()).ok_or(count.to_string())
            });
            blocks += server.metric("prometheus_tsdb_compactions_total").unwrap();
            server.program.signal(Signal::Kill);
            assert_eq!(server.program.wait(BOUND).signal, Some(9));
            end.store(true, Ordering::SeqCst);
        });
    }
    let server = start(dir.path());
    check(&server, &senders, "at the end");
    let sent = senders
        .iter()
        .map(|sender| sender.sent.len())
        .sum::<usize>();
    println!("{sent} batches, {blocks} compactions");
    assert!(blocks > 0.0, "no block was ever written");
}
