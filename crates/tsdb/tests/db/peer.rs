//! Debian's Prometheus on folders of ours, and the other way round. Runs where it is installed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::storage::TimeRange;
use testkit::process::{Peer, get, is_installed};
use tsdb::db::HeadPart;
use tsdb::{Db, DbOptions, RealDisk};

use super::support::*;

fn promtool(arguments: &[&str], data: &Path) -> String {
    let output = Command::new("promtool")
        .arg("tsdb")
        .args(arguments)
        .arg(data)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Names of blocks must not come again on one folder, as those of parents mean that it can go.
pub(crate) fn options_in(dir: &Path) -> DbOptions {
    static SEED: AtomicU64 = AtomicU64::new(1);
    options(
        dir,
        Arc::new(RealDisk),
        SEED.fetch_add(1, Ordering::Relaxed),
    )
}

/// Blocks of two levels, a deletion in one, and a log behind them.
fn folder(dir: &Path) -> Db {
    let db = open(&options_in(dir));
    for start in (0..14).step_by(2) {
        fill(&db, BASE + start * HOUR, BASE + (start + 2) * HOUR, 1);
        db.compact().unwrap();
    }
    db.delete(range(BASE + 2 * HOUR, BASE + 11 * HOUR), &matchers("n=4"))
        .unwrap();
    assert!(db.blocks().len() >= 3);
    db
}

/// The lines of a dump, sorted, with numbers as we print them.
fn dump_lines(arguments: &[&str], data: &Path) -> Vec<String> {
    let text = promtool(arguments, data);
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let mut words = line.rsplitn(3, ' ');
            let mut next = || words.next().unwrap();
            let (time, value, labels) = (next(), next(), next());
            let value: f64 = value.parse().unwrap();
            format!("{labels} {value} {time}")
        })
        .collect();
    lines.sort();
    lines
}

/// `{labels} value time`, as the tool prints floats.
fn float_lines(found: &Dump) -> Vec<String> {
    let mut lines: Vec<String> = found
        .iter()
        .filter(|(labels, _)| labels.contains("floats"))
        .flat_map(|(labels, samples)| {
            samples.iter().map(move |sample| {
                let (value, time) = sample.split_once('@').unwrap();
                format!("{labels} {value} {time}")
            })
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn promtool_reads_our_blocks() {
    if !is_installed("promtool") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let db = folder(&data);
    let whole = all(&db);
    let blocks = db.blocks();
    db.close().unwrap();

    let list = promtool(&["list"], &data);
    assert_eq!(list.lines().count(), 1 + blocks.len(), "{list}");
    for (line, block) in list.lines().skip(1).zip(&blocks) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let meta = block.meta();
        let expected = [
            meta.ulid.to_string(),
            meta.min_time.to_string(),
            meta.max_time.to_string(),
        ];
        assert_eq!(words[..3], expected);
        assert_eq!(words[4], meta.stats.num_samples.to_string(), "{line}");
        assert_eq!(words[5], meta.stats.num_chunks.to_string(), "{line}");
        assert_eq!(words[6], meta.stats.num_series.to_string(), "{line}");
    }
    // Opens every block anew and goes through all of its index.
    for block in &blocks {
        let output = Command::new("promtool")
            .args(["tsdb", "analyze"])
            .arg(&data)
            .arg(block.meta().ulid.to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        for expected in ["Series: 16", "Label names: 4"] {
            assert!(text.contains(expected), "{text}");
        }
    }
    let lines = dump_lines(&["dump", "--match={__name__=\"floats\"}"], &data);
    let expected = float_lines(&whole);
    assert!(expected.len() > 7_000);
    assert_eq!(lines.len(), expected.len());
    assert_eq!(lines, expected);
}

#[test]
fn blocks_of_promtool_are_read() {
    if !is_installed("promtool") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("# TYPE floats gauge\n");
    let mut expected = Vec::new();
    for step in 0..1000i64 {
        for n in 0..4 {
            let value = (step as f64 + f64::from(n)) / 7.0;
            let time = BASE / 1000 + step * 30;
            text += &format!("floats{{n=\"{n}\",long=\"ünïcödé {n}\"}} {value} {time}\n");
            let labels = format!(r#"{{__name__="floats", long="ünïcödé {n}", n="{n}"}}"#);
            expected.push(format!("{labels} {value} {time}000"));
        }
    }
    text += "# EOF\n";
    let input = dir.path().join("input");
    fs::write(&input, text).unwrap();
    let data = dir.path().join("data");
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&input, &data])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let db = open(&options_in(&data));
    assert!(db.blocks().len() > 3);
    expected.sort();
    assert_eq!(float_lines(&all(&db)), expected);
    // And merged by us, the tool still reads them.
    db.compact().unwrap();
    assert!(db.blocks().len() < 4);
    assert_eq!(float_lines(&all(&db)), expected);
    let lines = dump_lines(&["dump"], &data);
    assert_eq!(lines, expected);
}

/// A server on the folder; it is stopped when this is dropped.
pub(crate) struct Prometheus(pub(crate) Peer);

impl Prometheus {
    fn start(data: &Path) -> Self {
        Self::configured(data, "scrape_configs: []\n", &[])
    }

    pub(crate) fn configured(data: &Path, text: &str, arguments: &[&str]) -> Self {
        let config = data.join("../prometheus.yml");
        fs::write(&config, text).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .args([
                "--storage.tsdb.retention.time=100y",
                "--web.listen-address=127.0.0.1:0",
            ])
            .args(arguments);
        Self(Peer::start("prometheus", command))
    }

    /// Samples of a selector up to a time, as the dumps here have them.
    pub(crate) fn samples(&self, query: &str, time: i64) -> Dump {
        let path = format!("/api/v1/query?query={query}&time={}", time / 1000);
        let answer = get(&self.0.address, &path);
        let value: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(value["status"], "success", "{}", answer.body);
        let mut found = Dump::new();
        for series in value["data"]["result"].as_array().unwrap() {
            let metric = series["metric"].as_object().unwrap();
            let labels = model::Labels::from_pairs(
                metric
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str().unwrap())),
            );
            let text = |pair: &serde_json::Value, value: String| {
                let time = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
                format!("{value}@{time}")
            };
            let floats = series["values"].as_array().into_iter().flatten();
            let mut samples: Vec<String> = floats
                .map(|pair| {
                    let value: f64 = pair[1].as_str().unwrap().parse().unwrap();
                    text(pair, value.to_string())
                })
                .collect();
            let histograms = series["histograms"].as_array().into_iter().flatten();
            samples.extend(histograms.map(|pair| {
                let number =
                    |name: &str| -> f64 { pair[1][name].as_str().unwrap().parse().unwrap() };
                text(pair, format!("{{{} {}}}", number("count"), number("sum")))
            }));
            found.insert(labels.to_string(), samples);
        }
        found
    }
}

#[test]
fn prometheus_serves_our_folder_and_we_serve_what_it_left() {
    if !is_installed("prometheus") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let db = folder(&data);
    let whole = all(&db);
    db.close().unwrap();
    drop(db);

    let prometheus = Prometheus::start(&data);
    let time = BASE + 14 * HOUR;
    for name in ["floats", "integers", "halves"] {
        let expected: Dump = whole
            .iter()
            .filter(|(labels, _)| labels.contains(name))
            .map(|(labels, samples)| (labels.clone(), samples.clone()))
            .collect();
        assert_eq!(prometheus.samples(&format!("{name}[100h]"), time), expected);
    }
    prometheus.0.stop();

    let db = open(&options_in(&data));
    assert_eq!(all(&db), whole);
    // A snapshot of ours is a folder for it too.
    let copy = dir.path().join("copy");
    db.snapshot(&copy, HeadPart::Include).unwrap();
    let prometheus = Prometheus::start(&copy);
    let expected = dump(&db, TimeRange::ALL, "__name__=floats n=~1.*");
    let query = "floats%7Bn%3D~%221.*%22%7D%5B100h%5D";
    assert_eq!(prometheus.samples(query, time), expected);
}
