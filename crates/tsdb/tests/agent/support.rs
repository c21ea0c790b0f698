//! Short forms for tests, and a look into the log.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use model::disk::Disk;
use model::labels::Labels;
use model::storage::{CommitReport, SampleBatch, SampleWriter, SeriesRef};
use model::time::Timestamp;
use testkit::disk::FaultDisk;
use tsdb::Agent;
use tsdb::agent::{AgentOptions, AgentReplayReport};
use tsdb::log::record::{Record, decode};
use tsdb::log::{SegmentReader, last_checkpoint, list_segments, segment_path};

pub(crate) const DIR: &str = "agent";

pub(crate) fn options(disk: &FaultDisk) -> AgentOptions {
    AgentOptions::new(DIR, Arc::new(disk.clone()))
}

pub(crate) fn open(disk: &FaultDisk) -> (Agent, AgentReplayReport) {
    Agent::open(options(disk)).unwrap()
}

pub(crate) fn resolve(agent: &Agent, name: &str) -> SeriesRef {
    agent.resolve(&Labels::from_name(name)).unwrap()
}

/// Commits `(series, time)` rows; values are the times.
pub(crate) fn commit(agent: &Agent, rows: &[(&str, i64)]) -> CommitReport {
    let mut batch = SampleBatch::new();
    for (name, time) in rows {
        batch.push(resolve(agent, name), Timestamp(*time), *time as f64);
    }
    agent.commit(&batch).unwrap()
}

/// What a log has.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// Times of the samples, by the labels of their series.
    pub(crate) samples: BTreeMap<String, Vec<i64>>,
    pub(crate) exemplars: usize,
    pub(crate) segments: Vec<u64>,
}

/// Reads checkpoint and segments as one who sends them does; every sample must have its series before it.
pub(crate) fn content(disk: &dyn Disk, dir: &Path) -> Content {
    let dir = dir.join("wal");
    let mut content = Content::default();
    let mut series = HashMap::new();
    let mut paths = Vec::new();
    if let Some(checkpoint) = last_checkpoint(disk, &dir).unwrap() {
        for number in list_segments(disk, &checkpoint.dir).unwrap() {
            paths.push(segment_path(&checkpoint.dir, number));
        }
    }
    content.segments = list_segments(disk, &dir).unwrap();
    for number in &content.segments {
        paths.push(segment_path(&dir, *number));
    }
    for path in paths {
        let mut reader = SegmentReader::open(disk, &path).unwrap();
        while let Some(bytes) = reader.next_record().unwrap() {
            let mut add = |reference: u64, time: i64| {
                let labels: &String = series.get(&reference).expect("a sample without its series");
                let times = content.samples.entry(labels.clone()).or_default();
                times.push(time);
            };
            match decode(bytes).unwrap() {
                Record::Series(entries) => {
                    for entry in entries {
                        series.insert(entry.series, entry.to_labels().to_string());
                    }
                }
                Record::Samples(samples) => {
                    for (row, reference) in samples.series.iter().enumerate() {
                        add(*reference, samples.times[row]);
                    }
                }
                Record::Histograms(entries) => {
                    for entry in entries {
                        add(entry.series, entry.time);
                    }
                }
                Record::Exemplars(entries) => content.exemplars += entries.len(),
                other => panic!("the peer does not read {other:?}"),
            }
        }
    }
    content
}
