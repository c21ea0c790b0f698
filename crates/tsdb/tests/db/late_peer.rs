//! A folder with samples out of order, used in turn by us and by Debian's Prometheus: log, chunk files, and
//! blocks. Runs where it is installed.

use std::path::Path;

use model::storage::{SampleBatch, SampleWriter};
use model::time::{Duration, Timestamp};
use testkit::process::{is_installed, post_bytes};
use tsdb::{Db, DbOptions};

use super::peer::{Prometheus, options_in};
use super::support::*;

const CONFIG: &str = "storage: {tsdb: {out_of_order_time_window: 1d}}\n";
const SERIES: i64 = 5;
const MINUTE: i64 = 60_000;

fn with_window(data: &Path) -> DbOptions {
    let options = options_in(data);
    options.head.out_of_order.set(Duration(24 * HOUR));
    options
}

fn start_peer(data: &Path) -> Prometheus {
    Prometheus::configured(data, CONFIG, &["--web.enable-remote-write-receiver"])
}

fn value(n: i64, time: i64) -> f64 {
    (time / 1000 % 7919 + n) as f64 / 8.0
}

/// Times of all series.
fn commit(db: &Db, times: &[i64]) {
    let mut batch = SampleBatch::new();
    for time in times {
        for n in 0..SERIES {
            let series = db.resolve(&labels(&format!("m n={n}"))).unwrap();
            batch.push(series, Timestamp(*time), value(n, *time));
        }
    }
    let report = db.commit(&batch).unwrap();
    assert_eq!((report.appended, report.refused.len()), (batch.len(), 0));
}

/// The same by remote write, each series with all of its samples.
fn send(peer: &Prometheus, times: &[i64]) {
    let mut message = Vec::new();
    for n in 0..SERIES {
        let mut series = Vec::new();
        for (name, value) in [("__name__", "m"), ("n", &n.to_string())] {
            let mut label = Vec::new();
            put_field(&mut label, 1, name.as_bytes());
            put_field(&mut label, 2, value.as_bytes());
            put_field(&mut series, 1, &label);
        }
        for time in times {
            let mut sample = vec![1 << 3 | 1];
            sample.extend_from_slice(&value(n, *time).to_le_bytes());
            sample.push(2 << 3);
            put_varint(&mut sample, *time as u64);
            put_field(&mut series, 2, &sample);
        }
        put_field(&mut message, 1, &series);
    }
    let body = snap::raw::Encoder::new().compress_vec(&message).unwrap();
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    let (_, answer) = post_bytes(&peer.0.address, "/api/v1/write", &headers, &body);
    assert_eq!(answer.status, 204, "{}", answer.body);
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A field with a length.
fn put_field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn expected(times: &[i64]) -> Dump {
    let mut times = times.to_vec();
    times.sort_unstable();
    let samples = |n| {
        times
            .iter()
            .map(move |time| format!("{}@{time}", value(n, *time)))
    };
    (0..SERIES)
        .map(|n| {
            (
                labels(&format!("m n={n}")).to_string(),
                samples(n).collect(),
            )
        })
        .collect()
}

fn ask(peer: &Prometheus) -> Dump {
    peer.samples("m%5B100h%5D", BASE + 20 * HOUR)
}

/// What it says of its storage, if there is something wrong.
fn complaints(peer: Prometheus) -> Vec<String> {
    let said = peer.0.stop().stderr;
    let is_bad = |line: &&str| {
        line.contains("level=error") || (line.contains("level=warn") && line.contains("tsdb"))
    };
    said.lines().filter(is_bad).map(str::to_owned).collect()
}

#[test]
fn late_samples_go_back_and_forth() {
    if !is_installed("prometheus") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut times = Vec::new();
    let db = open(&with_window(&data));
    let mut put = |db: &Db, new: &[i64]| {
        commit(db, new);
        times.extend_from_slice(new);
    };
    for minute in 0..100 {
        put(&db, &[BASE + 10 * HOUR + minute * MINUTE]);
    }
    // One by one, so that chunks are closed at 32, and many in one commit together with others.
    for step in 0..75 {
        put(&db, &[BASE + 8 * HOUR - step * MINUTE]);
    }
    let mut both: Vec<i64> = (0..90)
        .map(|step| BASE + 5 * HOUR - step * 7 * 1000)
        .collect();
    both.push(BASE + 12 * HOUR);
    put(&db, &both);
    put(&db, &[BASE + 9 * HOUR]);
    assert_eq!(all(&db), expected(&times));
    // Not closed: this is a kill.
    drop(db);
    let peer = start_peer(&data);
    assert_eq!(ask(&peer), expected(&times));

    // Now it adds some, and closes chunks of its own.
    for step in 0..40 {
        let new = [BASE + 8 * HOUR + 1 + step * 1000];
        send(&peer, &new);
        times.extend_from_slice(&new);
    }
    let new: Vec<i64> = (0..100).map(|step| BASE + 2 * HOUR + step * 5000).collect();
    send(&peer, &new);
    times.extend_from_slice(&new);
    assert_eq!(ask(&peer), expected(&times));
    assert_eq!(complaints(peer), Vec::<String>::new());
    let db = open(&with_window(&data));
    assert_eq!(all(&db), expected(&times));

    // And through blocks of ours.
    for minute in 1..130 {
        let new = [BASE + 12 * HOUR + minute * MINUTE];
        commit(&db, &new);
        times.extend_from_slice(&new);
    }
    db.compact().unwrap();
    let new = [BASE + 3 * HOUR, BASE + 13 * HOUR + 1];
    commit(&db, &new);
    times.extend_from_slice(&new);
    assert!(db.blocks().len() > 3, "{:?}", db.blocks().len());
    assert_eq!(all(&db), expected(&times));
    db.close().unwrap();
    let whole = all(&db);
    drop(db);
    let peer = start_peer(&data);
    assert_eq!(ask(&peer), whole);
    assert_eq!(complaints(peer), Vec::<String>::new());
    let db = open(&with_window(&data));
    assert_eq!(all(&db), expected(&times));
}
