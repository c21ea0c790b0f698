//! Start timestamps from page and sender to answer, under the peer's switches.

use std::fs;
use std::path::Path;

use model::{Labels, Metadata, Timestamp};
use testkit::process::{Page, PageServer, Signal, finish, post_bytes, until};
use wire::remote::write1::SeriesContent;
use wire::remote::{WrittenSample, compress, write2};

use crate::support::{BOUND, Server, keepwatch, serve};

/// 2024-01-01, in seconds and milliseconds.
const START: i64 = 1_704_067_200;
const START_MS: i64 = START * 1000;
const SENT: (&str, &str) = (
    "Content-Type",
    "application/x-protobuf;proto=io.prometheus.write.v2.Request",
);

fn configure(dir: &Path, target: &PageServer, storage: &str) {
    let text = format!(
        "global:\n  scrape_interval: 200ms\n{storage}scrape_configs:\n- job_name: counted\n  \
         static_configs:\n  - targets: ['{}']\n",
        target.address()
    );
    fs::write(dir.join("prometheus.yml"), text).unwrap();
}

fn start(dir: &Path, features: &str) -> Server {
    let feature_flag = format!("--enable-feature=promql-experimental-functions,{features}");
    let flags = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
        "--log.level=error",
        &feature_flag,
    ];
    serve(dir, &flags)
}

/// A counter that says since when it counts.
fn page() -> Page {
    Page::ok(
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        format!(
            "# TYPE done counter\ndone_total{{a=\"b\"}} 7\ndone_created{{a=\"b\"}} {START}.5\n# EOF\n"
        ),
    )
}

fn value(server: &Server, expression: &str) -> Option<String> {
    let result = server.query(expression);
    result[0]["value"][1].as_str().map(str::to_owned)
}

fn wait_for_value(server: &Server, expression: &str, wanted: &str) {
    until(expression, BOUND, || {
        let found = value(server, expression);
        (found.as_deref() == Some(wanted))
            .then_some(())
            .ok_or(format!("{found:?}"))
    });
}

/// As seconds since [`START`]: two samples of a series that has started there.
fn sent(times: [i64; 2]) -> Vec<u8> {
    let sample = |time: i64| WrittenSample {
        time: Timestamp(START_MS + time * 1000),
        value: 100.0 + time as f64,
        start_time: Some(Timestamp(START_MS)),
    };
    let mut writer = write2::Writer::new();
    writer.series(
        &SeriesContent {
            labels: &Labels::from_name("sent_total"),
            samples: &times.map(sample),
            histograms: &[],
            exemplars: &[],
        },
        &Metadata::default(),
    );
    compress(&writer.finish()).unwrap()
}

fn at(server: &Server, expression: &str, time: i64) -> String {
    let expression = testkit::process::percent_encoded(expression);
    let path = format!("/api/v1/query?time={}&query={expression}", START + time);
    let result = server.json(&path)["data"]["result"].clone();
    result[0]["value"][1]
        .as_str()
        .unwrap_or("nothing")
        .to_owned()
}

#[test]
fn they_are_stored_and_answered() {
    let dir = tempfile::tempdir().unwrap();
    let target = PageServer::start(|_| page());
    // What is sent is years older than what is scraped.
    let storage = "storage:\n  tsdb:\n    chunk_encoding: {floats: xor2}\n    out_of_order_time_window: 100y\n";
    configure(dir.path(), &target, storage);
    let features = "st-storage,use-start-timestamps";
    let server = start(dir.path(), features);
    wait_for_value(&server, "start_timestamp(done_total)", "1704067200.5");
    assert_eq!(value(&server, "done_created"), None, "it is no series");
    // Sent ones too, and a kill leaves both.
    let (_, answer) = post_bytes(&server.address, "/api/v1/write", &[SENT], &sent([10, 20]));
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(at(&server, "start_timestamp(sent_total)", 20), "1704067200");
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    let server = start(dir.path(), features);
    assert_eq!(at(&server, "start_timestamp(sent_total)", 20), "1704067200");
    wait_for_value(&server, "start_timestamp(done_total)", "1704067200.5");
    // A configuration under which they would be lost is refused, and nothing changes.
    configure(dir.path(), &target, "");
    let answer = server.post("/-/reload");
    assert_eq!(answer.status, 500);
    assert!(
        answer
            .body
            .contains("incompatible with start-timestamp storage"),
        "{}",
        answer.body
    );
    let mut command = keepwatch(dir.path());
    command.args([
        "serve",
        "--config.file=prometheus.yml",
        "--enable-feature=st-storage",
    ]);
    command.args([
        "--storage.tsdb.path=other",
        "--web.listen-address=127.0.0.1:0",
    ]);
    let finished = finish("a start that is refused", command, BOUND);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.contains("chunk_encoding.floats"),
        "{}",
        finished.stderr
    );
}

#[test]
fn zeros_are_added_where_counters_began() {
    let dir = tempfile::tempdir().unwrap();
    let target = PageServer::start(|_| page());
    configure(dir.path(), &target, "");
    let server = start(dir.path(), "created-timestamp-zero-ingestion");
    wait_for_value(&server, "done_total", "7");
    let (_, answer) = post_bytes(&server.address, "/api/v1/write", &[SENT], &sent([10, 20]));
    assert_eq!(
        answer.status, 400,
        "too old, now that there is a newer scrape: {}",
        answer.body
    );

    let dir = tempfile::tempdir().unwrap();
    configure(
        dir.path(),
        &PageServer::start(|_| Page::ok("text/plain", "")),
        "",
    );
    fs::write(dir.path().join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let server = start(dir.path(), "created-timestamp-zero-ingestion");
    for times in [[10, 20], [30, 40]] {
        let (head, answer) = post_bytes(&server.address, "/api/v1/write", &[SENT], &sent(times));
        assert_eq!(answer.status, 204, "{}", answer.body);
        let line = "x-prometheus-remote-write-samples-written: 2";
        assert!(head.iter().any(|found| found == line), "{head:?}");
    }
    assert_eq!(at(&server, "count_over_time(sent_total[1m])", 40), "5");
    assert_eq!(at(&server, "sent_total", 0), "0");
    assert_eq!(at(&server, "sent_total", 40), "140");
}
