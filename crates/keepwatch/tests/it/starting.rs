//! A server whose data folder takes long to read: what it answers, and what it does meanwhile.
//!
//! Reading is held up by a pipe in the place of a block's `meta.json`, until somebody writes to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::process::{Page, PageServer, Program, Signal, until};

use crate::support::*;

/// A data folder that cannot be read further until something is written to the pipe.
fn held_folder(dir: &Path) -> PathBuf {
    let block = dir.join("data/01ARZ3NDEKTSV4RRFFQ69G5FAV");
    std::fs::create_dir_all(&block).unwrap();
    let pipe = block.join("meta.json");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    pipe
}

/// Lets the reader go on; whoever reads later finds a file.
fn release(pipe: &Path) {
    // Returns when the reader is there.
    let mut writer = std::fs::OpenOptions::new().write(true).open(pipe).unwrap();
    let file = pipe.with_extension("new");
    std::fs::write(&file, "no block").unwrap();
    std::fs::rename(&file, pipe).unwrap();
    writer.write_all(b"no block").unwrap();
}

/// `keepwatch serve` as soon as it listens.
fn listening(dir: &Path, arguments: &[&str]) -> Server {
    let mut command = keepwatch(dir);
    command
        .arg("serve")
        .args(arguments)
        .arg("--web.listen-address=127.0.0.1:0");
    let mut program = Program::start("keepwatch serve", command);
    let address = program.wait_for_line("its address", BOUND, |line| {
        line.strip_prefix("listening on http://").map(str::to_owned)
    });
    Server { program, address }
}

#[test]
fn it_answers_and_scrapes_while_it_reads() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = held_folder(dir.path());
    let scrapes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&scrapes);
    let target = PageServer::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Page::metrics("early 7\n")
    });
    let config = format!(
        "global: {{scrape_interval: 100ms}}\n\
         scrape_configs:\n- job_name: early\n  static_configs: [{{targets: ['{}']}}]\n",
        target.address()
    );
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let server = listening(dir.path(), &["--config.file=prometheus.yml"]);

    for (path, status) in [
        ("/-/healthy", 200),
        ("/-/ready", 503),
        ("/metrics", 200),
        ("/api/v1/status/walreplay", 200),
        ("/api/keepwatch/v1/boot", 200),
        ("/api/v2/status", 200),
        ("/alertmanager/-/ready", 200),
        ("/alertmanager/api/v2/alerts", 200),
        ("/api/v1/query?query=up", 503),
        ("/api/v1/labels", 503),
        ("/api/v1/targets", 503),
        ("/api/keepwatch/v1/reasons", 503),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    assert_eq!(
        server.get("/api/v1/query?query=up").body,
        "Service Unavailable"
    );
    assert_eq!(server.metric("prometheus_ready"), Some(0.0));
    until("a scrape", BOUND, || match scrapes.load(Ordering::SeqCst) {
        0 => Err("none yet".to_owned()),
        _ => Ok(()),
    });

    let released = now();
    release(&pipe);
    until("readiness", BOUND, || {
        let answer = server.get("/-/ready");
        (answer.status == 200)
            .then_some(())
            .ok_or(format!("{answer:?}"))
    });
    assert_eq!(server.metric("prometheus_ready"), Some(1.0));
    // What was scraped before is there, under the time at which it was scraped.
    let samples = until("the early sample", BOUND, || {
        let result = server.query("early[5m]");
        let values = result[0]["values"].as_array().cloned();
        values.ok_or_else(|| result.to_string())
    });
    let first = samples.first().and_then(|sample| sample[0].as_f64());
    assert!(first.unwrap() < released, "{samples:?}, {released}");
    until("the reason of the bad block", BOUND, || {
        let reasons = server.json("/api/keepwatch/v1/reasons").to_string();
        let is_told = reasons.contains("01ARZ3NDEKTSV4RRFFQ69G5FAV");
        is_told.then_some(()).ok_or(reasons)
    });
}

#[test]
fn a_folder_that_cannot_be_read_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = held_folder(dir.path());
    let server = listening(dir.path(), &[]);
    // The log is read after the blocks.
    let log = dir.path().join("data/wal");
    std::fs::write(&log, "a file, not a folder").unwrap();
    release(&pipe);
    let finished = server.program.wait(BOUND);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let said = format!("{finished:?}");
    assert!(said.contains("data/wal"), "{said}");
}

#[test]
fn a_log_that_was_cut_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let ready = |server: &Server| {
        until("the server to be ready", BOUND, || {
            let answer = server.get("/-/ready");
            (answer.status == 200).then_some(()).ok_or(answer.body)
        });
    };
    let server = listening(dir.path(), &[]);
    ready(&server);
    server.program.signal(Signal::Kill);
    server.program.wait(BOUND);
    // Behind what is there.
    let log = dir.path().join("data/wal/00000000");
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(&[0x5a; 300]).unwrap();

    let server = listening(dir.path(), &[]);
    ready(&server);
    let reasons = server.json("/api/keepwatch/v1/reasons").to_string();
    assert!(reasons.contains("folder-repaired"), "{reasons}");
    assert!(reasons.contains("data/wal/00000000"), "{reasons}");
    let output = server.program.output();
    let told = "a file of the data folder ends early now";
    assert!(output.contains(told), "{output}");
}
