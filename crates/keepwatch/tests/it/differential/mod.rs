//! The same answers as a program that nobody here wrote: Debian's Prometheus, fed by Debian's node
//! exporter with the same pages at the same times.
//!
//! `replay` records the exporter's pages and serves them with the time of recording on every sample, so
//! that both servers hold exactly the same samples. A second Keepwatch scrapes nothing: Prometheus sends it
//! by remote write all that it scrapes, so it has to answer the same too. `queries` holds what both are asked; `compare` says
//! where two answers differ.
//!
//! Random queries are compared with the same Prometheus in `crates/promql/tests/proof/peer.rs`.
//!
//! Prometheus 2.42 counts a sample on the left edge of a window in, today's rules do not. Samples stand at
//! even seconds and all questions are asked at half seconds, so no sample ever lies on an edge.

mod compare;
mod queries;
mod replay;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::process::{Peer, is_installed, percent_encoded, until};

use crate::support::{BOUND, json, serve};
use queries::Order;
use replay::{PAGES, Pages, Recording, Replay};

const PROMETHEUS: &str = "prometheus";
const EXPORTER: &str = "prometheus-node-exporter";

#[test]
fn the_same_answers_as_prometheus() {
    if ![PROMETHEUS, EXPORTER].into_iter().all(is_installed) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("receiver.yml"), "scrape_configs: []\n").unwrap();
    let pages = Pages::default();
    let replay = Replay::start(&pages);
    let receiver = serve(
        dir.path(),
        &[
            "--storage.tsdb.path=receiver",
            "--config.file=receiver.yml",
            "--web.enable-remote-write-receiver",
            "--log.level=warn",
        ],
    );
    let sends = format!(
        "remote_write:\n- url: http://{}/api/v1/write\n",
        receiver.address
    );
    let config_and_sends = config(&replay, PROMETHEUS) + &sends;
    let prometheus = prometheus(dir.path(), &config_and_sends);
    fs::write(
        dir.path().join("keepwatch.yml"),
        config(&replay, "keepwatch"),
    )
    .unwrap();
    let keepwatch = serve(
        dir.path(),
        &[
            "--config.file=keepwatch.yml",
            "--storage.tsdb.path=keepwatch",
            "--log.level=warn",
        ],
    );
    // Prometheus sends what is newer than its start.
    let span = Recording::start(dir.path(), &pages).finish();
    let servers = [&prometheus.address, &keepwatch.address, &receiver.address];
    for address in servers {
        wait_for_all_samples(address, span.last_ms);
    }
    // Prometheus sends in shards: that one series is complete says nothing of the others.
    let all = "{job=\"node\",__name__=~\"(node|go|process|promhttp|shop)_.+\"}[10m]";
    let time = replay::seconds(span.last_ms + 500);
    let path = format!("/api/v1/query?query={}&time={time}", percent_encoded(all));
    let sent = ask(&prometheus.address, &path);
    until("all samples at the receiver", BOUND, || {
        let received = ask(&receiver.address, &path);
        compare::answers(&sent, &received, Order::ByLabels)
    });
    let mut differences = Vec::new();
    for (path, order) in queries::paths(&span) {
        let [theirs, ours, received] = servers.map(|address| ask(address, &path));
        for (who, answer) in [("scraping", &ours), ("receiving", &received)] {
            if let Err(difference) = compare::answers(&theirs, answer, order) {
                differences.push(format!("{who}: {path}\n  {difference}"));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// The same job for both servers; only the path tells the replay who asks.
fn config(replay: &Replay, who: &str) -> String {
    format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n\
         scrape_configs:\n- job_name: node\n  honor_timestamps: true\n  metrics_path: /for/{who}\n  \
         static_configs:\n  - targets: ['{}']\n",
        replay.address()
    )
}

fn prometheus(dir: &Path, config: &str) -> Peer {
    fs::write(dir.join("prometheus.yml"), config).unwrap();
    let mut command = Command::new(PROMETHEUS);
    command.current_dir(dir).args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=prometheus",
        "--web.listen-address=127.0.0.1:0",
    ]);
    Peer::start(PROMETHEUS, command)
}

fn wait_for_all_samples(address: &str, last_ms: i64) {
    let time = replay::seconds(last_ms + 500);
    let path = format!(
        "/api/v1/query?query={}&time={time}",
        percent_encoded("count_over_time(node_load1[10m])")
    );
    let wanted = PAGES.to_string();
    until(
        &format!("{PAGES} samples at {address}"),
        Duration::from_secs(120),
        || {
            let result = json(address, &path)["data"]["result"].clone();
            if result[0]["value"][1].as_str() == Some(&wanted) {
                Ok(())
            } else {
                Err(result.to_string())
            }
        },
    );
}

/// The answer with its status code, errors included.
fn ask(address: &str, path: &str) -> (u16, Value) {
    let answer = testkit::process::get(address, path);
    let value = serde_json::from_str(&answer.body);
    (
        answer.status,
        value.unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.body)),
    )
}
