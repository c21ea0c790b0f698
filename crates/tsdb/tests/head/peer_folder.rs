//! One data folder, used in turn by us and by the real Prometheus, with log, checkpoint, closed chunks
//! and snapshot. Runs where `prometheus` is installed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use model::histogram::{BucketSpan, Histogram};
use model::labels::Labels;
use model::storage::{HistogramSample, SampleBatch, SampleWriter, SeriesBatch, TimeRange};
use model::time::Timestamp;
use serde_json::Value;
use testkit::process::{Peer, get, is_installed, percent_encoded};
use tsdb::{Head, OpenOptions, RealDisk};

use super::support::*;

const BASE: i64 = 1_700_000_000_000 / 7_200_000 * 7_200_000;
const STEP: i64 = 15_000;

/// Floats of a folder, by series: `value@time`.
type Content = BTreeMap<String, Vec<String>>;

struct Prometheus(Peer);

impl Prometheus {
    fn start(dir: &Path, feature: &str) -> Self {
        std::fs::write(dir.join("prometheus.yml"), "{}\n").unwrap();
        let mut command = Command::new("prometheus");
        command.current_dir(dir).args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=100y",
            "--web.listen-address=127.0.0.1:0",
            &format!("--enable-feature={feature}"),
        ]);
        Self(Peer::start("prometheus", command))
    }

    /// All floats up to a time, and how many histograms there are.
    fn content(&self, until: i64) -> (Content, usize) {
        let seconds = until / 1000 + 1;
        let query = percent_encoded("{__name__=~\".+\"}[1d]");
        let path = format!("/api/v1/query?query={query}&time={seconds}");
        let answer = get(&self.0.address, &path);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        let mut content = Content::new();
        let mut histograms = 0;
        for series in answer["data"]["result"].as_array().unwrap() {
            let pairs = series["metric"].as_object().unwrap().iter();
            let labels = Labels::from_pairs(pairs.map(|(name, v)| (&**name, v.as_str().unwrap())));
            let values = series["values"].as_array().cloned().unwrap_or_default();
            let text = |sample: &Value| {
                let time = (sample[0].as_f64().unwrap() * 1000.0).round();
                let value: f64 = sample[1].as_str().unwrap().parse().unwrap();
                format!("{value}@{time}")
            };
            content.insert(labels.to_string(), values.iter().map(text).collect());
            histograms += series["histograms"].as_array().map_or(0, Vec::len);
        }
        content.retain(|_, values| !values.is_empty());
        (content, histograms)
    }
}

fn our_content(head: &Head) -> (Content, usize) {
    let list = select(head, TimeRange::ALL, &[]);
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch).unwrap();
    let mut content = Content::new();
    for row in 0..list.len() {
        let (times, values) = batch.floats(row);
        if !batch.histograms_of(row).is_empty() {
            continue;
        }
        let values = times.iter().zip(values);
        let values = values.map(|(time, value)| format!("{value}@{time}"));
        content.insert(list.labels(row).to_string(), values.collect());
    }
    content.retain(|_, values| !values.is_empty());
    (content, batch.histograms.len())
}

fn commit_step(head: &Head, step: i64) {
    let time = Timestamp(BASE + step * STEP);
    let mut batch = SampleBatch::new();
    for n in 0..40 {
        let generation = if n < 30 { 0 } else { step / 90 };
        let series = resolve(head, &format!("m n={n} generation={generation}"));
        batch.push(series, time, (step * (n + 1)) as f64 / 8.0);
    }
    let count = step as u64 + 2;
    let histogram = Histogram {
        count,
        sum: step as f64,
        positive_spans: vec![BucketSpan {
            offset: 0,
            length: 1,
        }],
        positive_deltas: vec![count as i64],
        ..Histogram::default()
    };
    let sample = HistogramSample::Integer(Arc::new(histogram));
    batch.push_histogram(resolve(head, "h"), time, sample);
    let report = head.commit(&batch).unwrap();
    assert!(report.refused.is_empty());
}

#[test]
fn a_folder_goes_back_and_forth() {
    if !is_installed("prometheus") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut options = OpenOptions::new(&data, Arc::new(RealDisk));
    options.log.segment_bytes = 64 * 1024;
    let (head, _) = Head::open(options.clone()).unwrap();
    let mut checkpoints = 0;
    for step in 0..250 {
        commit_step(&head, step);
        if step % 50 == 0 {
            let report = head.truncate(Timestamp(BASE)).unwrap();
            checkpoints += usize::from(report.checkpoint.is_some());
        }
    }
    assert!(checkpoints > 0);
    assert!(head.snapshot().unwrap().series > 40);
    for step in 250..300 {
        commit_step(&head, step);
    }
    let ours = our_content(&head);
    // Not closed: this is a kill. The peer starts from our snapshot.
    drop(head);
    let snapshots = "memory-snapshot-on-shutdown";
    let peer = Prometheus::start(dir.path(), snapshots);
    assert_eq!(peer.content(BASE + 300 * STEP), ours);
    let said = peer.0.stop().stderr;
    assert!(said.contains("chunk snapshot loaded"), "{said}");
    assert!(
        !said.contains("level=error") && !said.contains("level=warn component=tsdb"),
        "{said}"
    );

    // We start from its snapshot.
    let (head, report) = Head::open(options.clone()).unwrap();
    assert!(report.repairs.is_empty(), "{:?}", report.repairs);
    assert!(
        report.snapshot.is_some() && report.samples == 0,
        "{report:?}"
    );
    assert_eq!(our_content(&head), ours);
    for step in 300..400 {
        commit_step(&head, step);
    }
    head.close().unwrap();
    let ours = our_content(&head);
    drop(head);

    // From the snapshot of our clean end, and then from the log alone.
    for feature in [snapshots, "native-histograms"] {
        let peer = Prometheus::start(dir.path(), feature);
        assert_eq!(peer.content(BASE + 400 * STEP), ours, "{feature}");
        let said = peer.0.stop().stderr;
        assert_eq!(said.contains("chunk snapshot loaded"), feature == snapshots);
        assert!(
            !said.contains("level=error") && !said.contains("level=warn component=tsdb"),
            "{said}"
        );
    }
    let (head, report) = Head::open(options).unwrap();
    assert!(report.repairs.is_empty(), "{:?}", report.repairs);
    assert_eq!(our_content(&head), ours);
}
