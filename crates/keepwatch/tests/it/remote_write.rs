//! Remote write over HTTP: statuses, texts and headers as Prometheus 3.14 gives them; what is stored; what a
//! restart keeps. That a real Prometheus can send to us is in `differential`.

use std::fs;
use std::path::Path;

use model::storage::HistogramSample;
use model::{Exemplar, FloatHistogram, Labels, Metadata, Timestamp};
use testkit::process::{Answer, Signal, post_bytes, until};
use wire::remote::write1::{self, SeriesContent};
use wire::remote::{WrittenHistogram, WrittenSample, compress, write2};

use crate::support::{BOUND, Server, serve};

const WRITE: &str = "/api/v1/write";
const V2: (&str, &str) = (
    "Content-Type",
    "application/x-protobuf;proto=io.prometheus.write.v2.Request",
);
const TIME: i64 = 1_704_067_200_000;

fn start(dir: &Path, flags: &[&str]) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let common = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        "--log.level=error",
    ];
    serve(dir, &[&common, flags].concat())
}

fn receiver(dir: &Path) -> Server {
    start(
        dir,
        &[
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
        ],
    )
}

fn send(server: &Server, header: (&str, &str), body: &[u8]) -> (Vec<String>, Answer) {
    post_bytes(&server.address, WRITE, &[header], body)
}

/// Status and body.
fn told(status: u16, text: &str) -> Answer {
    Answer {
        status,
        body: text.to_owned(),
    }
}

fn sample(time: i64, value: f64) -> WrittenSample {
    WrittenSample {
        time: Timestamp(TIME + time),
        value,
        start_time: None,
    }
}

fn v1(name: &str, samples: &[WrittenSample]) -> Vec<u8> {
    let mut writer = write1::Writer::new();
    writer.series(&SeriesContent {
        labels: &Labels::from_pairs([("__name__", name), ("job", "a")]),
        samples,
        histograms: &[],
        exemplars: &[],
    });
    compress(&writer.finish()).unwrap()
}

/// A histogram, a sample and an exemplar in two series.
fn v2() -> Vec<u8> {
    let mut writer = write2::Writer::new();
    let exemplar = Exemplar {
        labels: Labels::from_pairs([("trace_id", "abc")]),
        value: 1.25,
        time: Some(Timestamp(TIME)),
    };
    writer.series(
        &SeriesContent {
            labels: &Labels::from_name("sent_total"),
            samples: &[sample(0, 1.0), sample(15_000, 3.0)],
            histograms: &[],
            exemplars: &[exemplar],
        },
        &Metadata::default(),
    );
    let histogram = FloatHistogram {
        count: 3.0,
        sum: 7.0,
        zero_count: 3.0,
        ..FloatHistogram::default()
    };
    writer.series(
        &SeriesContent {
            labels: &Labels::from_name("sent_seconds"),
            samples: &[],
            histograms: &[WrittenHistogram {
                time: Timestamp(TIME),
                histogram: HistogramSample::Float(histogram.into()),
                start_time: None,
            }],
            exemplars: &[],
        },
        &Metadata::default(),
    );
    compress(&writer.finish()).unwrap()
}

fn value_at(server: &Server, expression: &str, time: i64) -> String {
    let path = format!(
        "/api/v1/query?time={}&query={}",
        (TIME + time) / 1000,
        testkit::process::percent_encoded(expression)
    );
    let result = server.json(&path)["data"]["result"].clone();
    result[0]["value"][1]
        .as_str()
        .unwrap_or("nothing")
        .to_owned()
}

#[test]
fn what_was_acknowledged_is_answered_and_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let server = receiver(dir.path());
    let snappy = ("Content-Encoding", "snappy");
    let (_, answer) = send(&server, snappy, &v1("pushed", &[sample(0, 1.5)]));
    assert_eq!(answer, told(204, ""));
    let (head, answer) = send(&server, V2, &v2());
    assert_eq!(answer, told(204, ""));
    for written in [
        "x-prometheus-remote-write-samples-written: 2",
        "x-prometheus-remote-write-histograms-written: 1",
        "x-prometheus-remote-write-exemplars-written: 1",
    ] {
        assert!(head.iter().any(|line| line == written), "{head:?}");
    }
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    let server = receiver(dir.path());
    assert_eq!(value_at(&server, "pushed", 1000), "1.5");
    assert_eq!(value_at(&server, "increase(sent_total[1m])", 15_000), "3");
    assert_eq!(value_at(&server, "histogram_sum(sent_seconds)", 1000), "7");
    // The cache is empty now, and the series is known to storage.
    let (_, answer) = send(&server, snappy, &v1("pushed", &[sample(1000, 2.5)]));
    assert_eq!(answer, told(204, ""));
    assert_eq!(value_at(&server, "pushed", 1000), "2.5");
}

#[test]
fn refusals_in_the_words_of_the_peer() {
    let dir = tempfile::tempdir().unwrap();
    let server = receiver(dir.path());
    let plain = ("Content-Type", "application/x-protobuf");
    let gzip = ("Content-Encoding", "gzip");
    let text = ("Content-Type", "text/plain");
    let good = v1("pushed", &[sample(0, 1.0), sample(1000, 2.0)]);
    assert_eq!(send(&server, plain, &good).1.status, 204);
    let large = vec![0; (32 << 20) + 1];
    for (header, body, answer) in [
        (
            gzip,
            &good[..],
            told(
                415,
                "gzip encoding (compression) is not accepted by this server; only snappy is acceptable\n",
            ),
        ),
        (text, b"", told(400, "s2: corrupt input\n")),
        (
            text,
            &good,
            told(
                415,
                "expected application/x-protobuf as the first (media) part, got text/plain content-type\n",
            ),
        ),
        (plain, b"", told(400, "s2: corrupt input\n")),
        (
            plain,
            &large,
            told(413, "request body exceeds the 33554432 bytes limit\n"),
        ),
        (
            plain,
            &v1("pushed", &[sample(500, 2.0)]),
            told(400, "out of order sample\n"),
        ),
        (
            plain,
            &v1("pushed", &[sample(1000, 7.0)]),
            told(
                400,
                "duplicate sample for timestamp 1704067201000; overrides not allowed: existing 2, new value 7\n",
            ),
        ),
        (
            plain,
            &v1("ahead", &[sample(1 << 50, 7.0)]),
            told(400, "out of bounds: timestamp is too far in the future\n"),
        ),
    ] {
        let (head, given) = send(&server, header, body);
        assert_eq!(given, answer);
        let plain_text = "content-type: text/plain; charset=utf-8";
        assert!(head.iter().any(|line| line == plain_text), "{head:?}");
    }
    let reasons = server.json("/api/keepwatch/v1/reasons")["data"]["counts"].clone();
    assert_eq!(reasons["sample-out-of-order"], 1, "{reasons}");
    assert_eq!(reasons["remote-write-corrupt"], 2, "{reasons}");
}

#[test]
fn switched_off_and_limited() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    let off = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n";
    assert_eq!(server.post(WRITE), told(404, off));
    for path in ["delete_series?match[]=up", "clean_tombstones", "snapshot"] {
        let path = format!("/api/v1/admin/tsdb/{path}");
        let answer =
            r#"{"status":"error","errorType":"unavailable","error":"admin APIs disabled"}"#;
        assert_eq!(server.post(&path), told(500, answer), "{path}");
    }
    server.program.signal(Signal::Terminate);
    server.program.wait(BOUND);
    let server = start(
        dir.path(),
        &[
            "--web.enable-remote-write-receiver",
            "--web.remote-write-receiver.accepted-protobuf-messages=prometheus.WriteRequest",
        ],
    );
    let refused = "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only accepts prometheus.WriteRequest\n";
    assert_eq!(send(&server, V2, &v2()).1, told(415, refused));
}

#[test]
fn series_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let server = receiver(dir.path());
    let plain = ("Content-Type", "application/x-protobuf");
    for name in ["gone", "kept"] {
        let body = v1(name, &[sample(0, 1.0)]);
        assert_eq!(send(&server, plain, &body).1.status, 204);
    }
    let delete = "/api/v1/admin/tsdb/delete_series";
    let problem =
        |text: &str| format!(r#"{{"status":"error","errorType":"bad_data","error":"{text}"}}"#);
    let none = problem("no match[] parameter provided");
    assert_eq!(server.post(delete), told(400, &none));
    assert_eq!(
        server.post(&format!("{delete}?match[]=gone")),
        told(204, "")
    );
    assert_eq!(value_at(&server, "gone", 1000), "nothing");
    assert_eq!(value_at(&server, "kept", 1000), "1");
    let (_, answer) = post_bytes(
        &server.address,
        delete,
        &[("Content-Type", "application/x-www-form-urlencoded")],
        b"match[]=kept&start=1704067201",
    );
    assert_eq!(answer, told(204, ""));
    assert_eq!(value_at(&server, "kept", 1000), "1", "outside of the range");
}

/// Eight hours become blocks; what is deleted leaves them; a copy is a data folder by itself.
#[test]
fn blocks_are_cleaned_and_copied() {
    let dir = tempfile::tempdir().unwrap();
    let server = receiver(dir.path());
    let plain = ("Content-Type", "application/x-protobuf");
    let minute = 60_000;
    for time in (0..8 * 60).step_by(10) {
        for name in ["gone", "kept"] {
            let body = v1(name, &[sample(time * minute, time as f64)]);
            assert_eq!(send(&server, plain, &body).1.status, 204);
        }
    }
    let blocks = |count: usize| {
        until("blocks", BOUND, || {
            let found = server.json("/api/v1/status/tsdb/blocks")["data"]["blocks"].clone();
            let found = found.as_array().unwrap().clone();
            if found.len() == count {
                Ok(found)
            } else {
                Err(format!("{found:?}"))
            }
        })
    };
    let before = blocks(3);
    let admin = "/api/v1/admin/tsdb";
    let count = |server: &Server, name: &str| {
        value_at(
            server,
            &format!("count_over_time({name}[100h])"),
            480 * minute,
        )
    };
    assert_eq!(count(&server, "gone"), "48");
    let delete = format!("{admin}/delete_series?match[]=gone");
    assert_eq!(server.post(&delete), told(204, ""));
    assert_eq!(count(&server, "gone"), "nothing");
    let clean = format!("{admin}/clean_tombstones");
    assert_eq!(server.post(&clean), told(204, ""));
    for (old, new) in before.iter().zip(blocks(3)) {
        assert_eq!(new["stats"]["numSeries"], 1, "{new}");
        assert_eq!(new["compaction"]["parents"][0]["ulid"], old["ulid"]);
    }
    let mut names = Vec::new();
    for path in ["snapshot", "snapshot?skip_head=true"] {
        let answer = server.post(&format!("{admin}/{path}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        names.push(answer["data"]["name"].as_str().unwrap().to_owned());
    }
    let answer = server.post(&format!("{admin}/snapshot?skip_head=perhaps"));
    assert_eq!(answer.status, 400, "{}", answer.body);
    server.program.signal(Signal::Terminate);
    server.program.wait(BOUND);
    for (name, samples) in names.iter().zip(["48", "36"]) {
        let copy = dir.path().join(name);
        fs::create_dir(&copy).unwrap();
        let from = dir.path().join("data/snapshots").join(name);
        fs::rename(from, copy.join("data")).unwrap();
        let server = receiver(&copy);
        assert_eq!(count(&server, "kept"), samples);
        assert_eq!(count(&server, "gone"), "nothing");
    }
}

/// A reload opens the window for samples that come out of order; what came through it is answered after a
/// kill, also when the window is closed again.
#[test]
fn late_samples_are_let_in_by_a_reload() {
    let dir = tempfile::tempdir().unwrap();
    let flags = [
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
    ];
    let server = start(dir.path(), &flags);
    let plain = ("Content-Type", "application/x-protobuf");
    let minute = 60_000;
    let at = |server: &Server, minutes: i64| {
        let body = v1("pushed", &[sample(minutes * minute, minutes as f64)]);
        send(server, plain, &body).1
    };
    let refused = |text: &str| told(400, &format!("{text}\n"));
    assert_eq!(at(&server, 300), told(204, ""));
    assert_eq!(at(&server, 290), refused("out of order sample"));
    assert_eq!(at(&server, 100), refused("out of bounds"));
    let config = dir.path().join("prometheus.yml");
    fs::write(config, "storage: {tsdb: {out_of_order_time_window: 1h}}\n").unwrap();
    assert_eq!(server.post("/-/reload").status, 200);
    assert_eq!(at(&server, 290), told(204, ""));
    assert_eq!(at(&server, 245), told(204, ""));
    assert_eq!(at(&server, 239), refused("too old sample"));
    let check = |server: &Server| {
        assert_eq!(value_at(server, "pushed", 247 * minute), "245");
        assert_eq!(value_at(server, "pushed", 292 * minute), "290");
        assert_eq!(
            value_at(server, "sum_over_time(pushed[2h])", 300 * minute),
            "835"
        );
    };
    check(&server);
    for (name, value) in [
        (
            "prometheus_tsdb_head_out_of_order_samples_appended_total",
            2.0,
        ),
        ("prometheus_tsdb_head_samples_appended_total", 3.0),
        ("prometheus_tsdb_out_of_order_samples_total", 1.0),
        ("prometheus_tsdb_out_of_bound_samples_total", 1.0),
        ("prometheus_tsdb_too_old_samples_total", 1.0),
    ] {
        let series = format!("{name}{{type=\"float\"}}");
        assert_eq!(server.metric(&series), Some(value), "{series}");
    }
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    // This writes the configuration without the window.
    let server = start(dir.path(), &flags);
    check(&server);
    assert_eq!(at(&server, 250), refused("out of order sample"));
}
