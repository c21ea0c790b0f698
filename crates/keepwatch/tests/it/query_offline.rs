//! Data folders asked without a server: the answers of a server, and nothing in the folder changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use model::{Labels, Timestamp};
use testkit::process::{Finished, Signal, finish, post_bytes};
use wire::remote::write1::{self, SeriesContent};
use wire::remote::{WrittenSample, compress};

use crate::support::{BOUND, Server, keepwatch, serve};

const TIME: i64 = 1_704_067_200_000;
const STEPS: i64 = 40;

fn start(dir: &Path) -> Server {
    fs::write(dir.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
    let flags = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        "--log.level=error",
        "--web.enable-remote-write-receiver",
    ];
    serve(dir, &flags)
}

fn write(server: &Server, name: &str) {
    let samples: Vec<WrittenSample> = (0..STEPS)
        .map(|step| WrittenSample {
            time: Timestamp(TIME + step * 15_000),
            value: step as f64,
            start_time: None,
        })
        .collect();
    let mut writer = write1::Writer::new();
    for job in ["a", "b"] {
        writer.series(&SeriesContent {
            labels: &Labels::from_pairs([("__name__", name), ("job", job)]),
            samples: &samples,
            histograms: &[],
            exemplars: &[],
        });
    }
    let body = compress(&writer.finish()).unwrap();
    let (_, answer) = post_bytes(&server.address, "/api/v1/write", &[], &body);
    assert_eq!(answer.status, 204, "{answer:?}");
}

/// Every file with its length, its time of change and its bytes.
fn files(dir: &Path) -> BTreeMap<String, (SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let changed = fs::metadata(&path).unwrap().modified().unwrap();
            found.insert(
                path.display().to_string(),
                (changed, fs::read(&path).unwrap()),
            );
        }
    }
    found
}

fn query(dir: &Path, arguments: &[&str]) -> Finished {
    let mut command = keepwatch(dir);
    command.arg("query").args(arguments);
    finish("keepwatch query", command, BOUND)
}

const QUESTIONS: [&[&str]; 6] = [
    &["instant", "sum by (job) (rate(up_total[5m]))"],
    &["instant", "-o", "json", "up_total"],
    &["range", "up_total * 2", "--step", "45s"],
    &["series", "--match", "{job=\"a\"}"],
    &["labels", "job"],
    &["explain", "sum(up_total)"],
];

#[test]
fn a_folder_answers_as_its_server_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Some(start(dir.path()));
    let running = server.as_ref().unwrap();
    write(running, "up_total");
    let url = format!("--url=http://{}", running.address);
    let newest = ((TIME + (STEPS - 1) * 15_000) / 1000).to_string();
    let answers: Vec<String> = QUESTIONS
        .iter()
        .map(|question| {
            // A folder knows no other time than that of its samples.
            let now: &[&str] = match question[0] {
                "instant" | "explain" => &["--time", &newest],
                "range" => &["--end", &newest],
                _ => &["--start", "0"],
            };
            let asked = query(dir.path(), &[*question, now, &[&url]].concat());
            assert_eq!(asked.code, Some(0), "{question:?}: {}", asked.stderr);
            asked.stdout
        })
        .collect();
    assert!(answers[0].contains("{job=\"a\"} => "), "{}", answers[0]);
    // Beside the server, after a crash, and with a log that ends in the middle of a record.
    for stage in 0..3 {
        match stage {
            1 => {
                let program = server.take().unwrap().program;
                program.signal(Signal::Kill);
                program.wait(BOUND);
            }
            2 => {
                let log = dir.path().join("data/wal/00000000");
                let bytes = fs::read(&log).unwrap();
                fs::write(&log, [&bytes[..], &[1, 0, 9, 1, 2, 3, 4, 5]].concat()).unwrap();
            }
            _ => {}
        }
        let before = files(&dir.path().join("data"));
        for (question, expected) in QUESTIONS.iter().zip(&answers) {
            let asked = query(dir.path(), &[*question, &["--data-dir=data"]].concat());
            assert_eq!(asked.code, Some(0), "{question:?}: {}", asked.stderr);
            assert_eq!(asked.stdout, *expected, "{question:?} at stage {stage}");
            let note = [
                "a server uses the folder",
                "",
                "the log has a damaged place",
            ][stage];
            assert!(asked.stderr.contains(note), "{}", asked.stderr);
            assert_eq!(asked.stderr.is_empty(), note.is_empty(), "{}", asked.stderr);
        }
        // The server that runs beside may have synced its log, but not written to it.
        assert!(files(&dir.path().join("data")) == before, "stage {stage}");
        if let Some(server) = &server {
            assert_eq!(server.get("/-/ready").status, 200);
        }
    }
}

#[test]
fn blocks_of_prometheus_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut page = String::from("# TYPE x gauge\n");
    for step in 0..STEPS {
        let time = TIME / 1000 + step * 15;
        page += &format!("x{{job=\"a\"}} {step} {time}\n");
    }
    fs::write(dir.path().join("page"), page + "# EOF\n").unwrap();
    let mut promtool = Command::new("promtool");
    promtool.current_dir(dir.path()).args([
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "page",
        "data",
    ]);
    let made = finish("promtool", promtool, BOUND);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let before = files(&dir.path().join("data"));
    let asked = query(
        dir.path(),
        &["instant", "sum_over_time(x[10m])", "--data-dir=data"],
    );
    assert_eq!(
        asked.stdout, "{job=\"a\"} => 780 @[1704067785]\n",
        "{}",
        asked.stderr
    );
    // A block that cannot be read is named, and changes nothing either.
    let index = before.keys().find(|path| path.ends_with("/index")).unwrap();
    fs::write(index, "nothing").unwrap();
    let asked = query(dir.path(), &["instant", "x", "--data-dir=data"]);
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(0), "\n"));
    assert!(
        asked.stderr.contains("the block is left out"),
        "{}",
        asked.stderr
    );
    assert!(
        asked.stderr.contains("no samples in data"),
        "{}",
        asked.stderr
    );
}

#[test]
fn what_is_no_folder_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let asked = query(dir.path(), &["instant", "x", "--data-dir=nowhere"]);
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("nowhere"), "{}", asked.stderr);
    assert!(!dir.path().join("nowhere").exists());
    let both = ["instant", "x", "--data-dir=.", "--url=http://localhost:1"];
    assert_eq!(query(dir.path(), &both).code, Some(2));
}
