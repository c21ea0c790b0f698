//! Random queries against a program that nobody here wrote: Debian's Prometheus 2.42, filled by remote
//! write.
//!
//! Our windows are those of Prometheus 3, so some queries have other results in 2.42. They are not asked:
//!
//! | not asked | because in 2.42 |
//! |---|---|
//! | samples and inner steps of subqueries on the edge of a window; subqueries in subqueries | the left edge belongs to the window |
//! | experimental functions and aggregations, `first_over_time`, `fill`, `anchored`, `smoothed`, duration expressions | there are none |
//! | functions of native histograms | they are another, experimental format |
//! | `atan2` of vectors | keeps the metric name |
//! | `group_left (__name__)` | `bool` drops the included name again |
//! | `stddev`, `stdvar` | one NaN or infinity has the deviation 0 |
//! | `rate`, `increase` of what may be near zero | the zero point is taken before the gap at the start is judged |
//! | `@` on the range of `predict_linear` and `quantile_over_time` | the window moves with the steps |
//! | `quantile` with a parameter that changes | other limits |
//! | `topk`, `bottomk` | which of equal elements are picked depends on the order of the store |
//! | `count_values` of computed values | rounding errors become labels |
//! | the labels `__type__` and `__unit__` | they are not dropped with the name |
//! | (asked, but may fail here) comparisons that filter | pairs that do not pass do not count as matches, so fewer are ambiguous |
//! | sums that round | not compensated in aggregations, so that comparisons after them differ |

use std::process::Command;

use model::{Labels, Timestamp};
use promql::{ParserOptions, Query};
use serde_json::Value;
use testkit::process::{Peer, is_installed, percent_encoded, post_bytes};
use wire::remote::{WrittenSample, compress, write1};

use crate::compare::{Cell, Table, TableOrError, engine, storage};
use crate::generate::{Case, Choices, FIRST_MS, Kinds, dataset, plain_case};
use crate::reference::{Point, Stored};

const PROMETHEUS: &str = "prometheus";
const DATASETS: u64 = 24;
const QUERIES_PER_DATASET: u64 = 50;
/// From one set of data to the next: nothing looks back that far.
const DISTANCE_MS: i64 = 3_600_000;
/// Relative, or of 1 for what is near zero: powers and logarithms come from other libraries.
const ERROR_MAX: f64 = 1e-9;

#[test]
fn the_engine_agrees_with_prometheus() {
    if !is_installed(PROMETHEUS) {
        return;
    }
    let seed = std::env::var("PROMQL_SEED").map_or(20_261_126, |seed| seed.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let peer = start(dir.path());
    let mut differences = Vec::new();
    let (mut same, mut nothing) = (0, 0);
    for set in 0..DATASETS {
        let distance = DISTANCE_MS * set as i64;
        let data = shifted(
            dataset(&mut Choices::seeded(seed, set), Kinds::Plain),
            distance,
        );
        write(&peer.address, &data);
        for number in 0..QUERIES_PER_DATASET {
            let mut choices = Choices::seeded(!seed, set * QUERIES_PER_DATASET + number);
            let case = plain_case(&mut choices, data.clone(), FIRST_MS + distance);
            let query = Query::parse(case.text.as_str(), &ParserOptions::default())
                .unwrap_or_else(|errors| panic!("{}: {errors}", case.text));
            let ours = engine(&case, &query, &storage(&case), 1);
            let theirs = ask(&peer.address, &case);
            match compared(&case.text, &ours, &theirs) {
                Ok(0) => nothing += 1,
                Ok(_) => same += 1,
                Err(difference) => differences.push(format!(
                    "seed {seed}, set {set}, query {number}: {} at {:?}\n  {difference}",
                    case.text, case.times
                )),
            }
        }
    }
    println!("seed {seed}: {same} same, {nothing} with no result");
    let report = differences.join("\n");
    assert!(
        differences.is_empty(),
        "{} differ:\n{report}",
        differences.len()
    );
    assert!(same > 400, "only {same} queries have a result");
}

fn start(dir: &std::path::Path) -> Peer {
    std::fs::write(dir.join("prometheus.yml"), "").unwrap();
    let mut command = Command::new(PROMETHEUS);
    command.current_dir(dir).args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--web.listen-address=127.0.0.1:0",
        "--web.enable-remote-write-receiver",
        // Everything stays in the head: nothing is rewritten while it is asked.
        "--storage.tsdb.min-block-duration=30d",
        "--storage.tsdb.max-block-duration=30d",
    ]);
    Peer::start(PROMETHEUS, command)
}

fn shifted(mut data: Vec<Stored>, by: i64) -> Vec<Stored> {
    for series in &mut data {
        for sample in &mut series.samples {
            sample.time += by;
        }
    }
    data
}

fn write(address: &str, data: &[Stored]) {
    let mut writer = write1::Writer::new();
    for series in data {
        let samples: Vec<WrittenSample> = series
            .samples
            .iter()
            .map(|sample| WrittenSample {
                time: Timestamp(sample.time),
                value: match &sample.point {
                    Point::Float(value) => *value,
                    Point::Histogram(_) => panic!("a histogram"),
                },
                start_time: None,
            })
            .collect();
        writer.series(&write1::SeriesContent {
            labels: &series.labels,
            samples: &samples,
            histograms: &[],
            exemplars: &[],
        });
    }
    let body = compress(&writer.finish()).unwrap();
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    let (_, answer) = post_bytes(address, "/api/v1/write", &headers, &body);
    assert!(matches!(answer.status, 200 | 204), "{answer:?}");
}

/// Milliseconds as the API takes them.
fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

fn ask(address: &str, case: &Case) -> TableOrError {
    let query = percent_encoded(&case.text);
    let times = case.times;
    let path = if times.step == 0 {
        format!("/api/v1/query?query={query}&time={}", seconds(times.start))
    } else {
        let (start, end, step) = (seconds(times.start), seconds(times.end), times.step / 1000);
        format!("/api/v1/query_range?query={query}&start={start}&end={end}&step={step}")
    };
    let answer = testkit::process::get(address, &path);
    let json: Value = serde_json::from_str(&answer.body).unwrap();
    if json["status"] != "success" {
        return Err(json["error"].to_string());
    }
    let mut table = Table::default();
    let result = &json["data"]["result"];
    if json["data"]["resultType"] == "scalar" {
        add(&mut table, &Labels::empty(), result);
        return Ok(table);
    }
    for series in result.as_array().unwrap() {
        let labels = series["metric"].as_object().unwrap();
        let pairs = labels
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap()));
        let labels = Labels::from_pairs(pairs);
        let one = std::slice::from_ref(&series["value"]);
        let values = series["values"].as_array().map_or(one, Vec::as_slice);
        for value in values {
            add(&mut table, &labels, value);
        }
    }
    Ok(table)
}

/// `[time, "value"]`
fn add(table: &mut Table, labels: &Labels, pair: &Value) {
    let time = Timestamp::from_seconds(pair[0].as_f64().unwrap());
    let value = pair[1].as_str().unwrap().parse().unwrap();
    table.add(labels, time.millis(), Cell::Float(value));
}

/// How many values are the same, or what is not.
fn compared(text: &str, ours: &TableOrError, theirs: &TableOrError) -> Result<usize, String> {
    let filters = text.contains(['<', '>']) || text.contains("== ") || text.contains("!= ");
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(_), Err(_)) => return Ok(0),
        // See the table above.
        (Err(error), Ok(_)) if error.starts_with("multiple matches for labels") && filters => {
            return Ok(0);
        }
        (Err(error), Ok(_)) => return Err(format!("only we fail: {error}")),
        (Ok(_), Err(error)) => return Err(format!("only Prometheus fails: {error}")),
    };
    for (key, cell) in &ours.cells {
        let (Cell::Float(our), Some(Cell::Float(their))) = (cell, theirs.cells.get(key)) else {
            return Err(format!("{} at {}: only we have {cell:?}", key.0, key.1));
        };
        let is_close = our == their
            || our.is_nan() && their.is_nan()
            || (our - their).abs() <= ERROR_MAX * our.abs().max(their.abs()).max(1.0);
        if !is_close {
            return Err(format!("{} at {}: {our}, Prometheus {their}", key.0, key.1));
        }
    }
    match theirs
        .cells
        .keys()
        .find(|key| !ours.cells.contains_key(*key))
    {
        Some(key) => Err(format!(
            "{} at {}: only Prometheus has a value",
            key.0, key.1
        )),
        None => Ok(ours.cells.len()),
    }
}
