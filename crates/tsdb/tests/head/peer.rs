//! The peer's own tool reads what we wrote. Runs where `promtool` is installed.

use std::process::Command;
use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::storage::{HistogramSample, SampleBatch, SampleWriter};
use model::time::Timestamp;
use tsdb::log::Compression;
use tsdb::{Head, OpenOptions, RealDisk};

use super::support::*;

fn promtool_dump(data: &std::path::Path) -> Option<Vec<String>> {
    let output = Command::new("promtool")
        .args(["tsdb", "dump"])
        .arg(data)
        .output()
        .ok()?;
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let mut lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
    lines.sort();
    Some(lines)
}

#[test]
fn promtool_reads_our_log() {
    for compression in [Compression::None, Compression::Snappy] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut options = OpenOptions::new(&data, Arc::new(RealDisk));
        options.log.compression = compression;
        options.log.segment_bytes = 64 * 1024;
        let (head, _) = Head::open(options.clone()).unwrap();
        let mut expected = Vec::new();
        let base = 1_700_000_000_000i64;
        let truncated = base + 10_000_000;
        for step in 0..1500 {
            let time = base + step * 15_000;
            let mut batch = SampleBatch::new();
            for n in 0..20 {
                let value = step as f64 + f64::from(n) / 4.0;
                batch.push(resolve(&head, &format!("m n={n}")), Timestamp(time), value);
                if time >= truncated {
                    let text = format!("{{__name__=\"m\", n=\"{n}\"}} {value} {time}");
                    expected.push(text);
                }
            }
            // Makes this a commit of several records, with our mark before them.
            let histogram = FloatHistogram {
                count: 1.0,
                ..FloatHistogram::default()
            };
            let sample = HistogramSample::Float(Arc::new(histogram));
            batch.push_histogram(resolve(&head, "h"), Timestamp(time), sample);
            head.commit(&batch).unwrap();
        }
        // With a checkpoint, and without being closed.
        let report = head.truncate(Timestamp(truncated)).unwrap();
        assert!(report.checkpoint.is_some());
        let Some(lines) = promtool_dump(&data) else {
            println!("promtool is not installed, nothing checked");
            return;
        };
        let lines: Vec<String> = lines
            .into_iter()
            .filter(|line| line.starts_with("{__name__=\"m\""))
            .filter(|line| {
                let time = line.rsplit(' ').next().unwrap();
                time.parse::<i64>().unwrap() >= truncated
            })
            .collect();
        expected.sort();
        assert_eq!(lines.len(), expected.len());
        assert_eq!(lines, expected);
    }
}
