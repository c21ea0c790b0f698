//! `tsdb`: whole data folders of a reference server, and what it finds in them.

#![allow(
    clippy::unwrap_used,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::clock::ManualClock;
use model::labels::Labels;
use model::matcher::Matcher;
use model::sample::is_stale;
use model::storage::{
    HistogramSample, Projection, SelectRequest, SeriesBatch, SeriesReader, TimeRange,
};
use model::time::Timestamp;
use serde_json::Value;
use tsdb::block::UlidSource;
use tsdb::log::record::{self, Record};
use tsdb::log::{SegmentReader, list_segments, segment_path};
use tsdb::{Db, DbOptions, OpenOptions, RealDisk};

mod blocks;

use super::notation::{expect_equal, float, histogram, int, json_values};
use crate::suite::Case;

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("tsdb");
    let mut cases = Vec::new();
    for name in ["basic", "snappy_snapshot", "start_timestamps"] {
        let folder = dir.join(name);
        if !folder.is_dir() {
            continue;
        }
        let mut case = |what: &str, run: fn(&Path) -> Result<(), String>| {
            let folder = folder.clone();
            cases.push(Case::new(format!("{name}/{what}"), move || run(&folder)));
        };
        case("wal_records", |folder| {
            records(folder, "wal", "wal_records")
        });
        case("wbl_records", |folder| {
            records(folder, "wbl", "wbl_records")
        });
        case("checkpoint_records", checkpoint_records);
        case("log_replay", log_replay);
        case("head", head_counts);
        case("series", all_series);
        case("exemplars", all_exemplars);
        case("blocks", blocks::all);
    }
    let mut old = |name: &str, run: fn(&Path) -> Result<(), String>| {
        let folder = dir.join(name);
        if folder.is_dir() {
            cases.push(Case::new(name, move || run(&folder)));
        }
    };
    old("index_v1_block", blocks::index_version_1);
    old("repair_index_version", blocks::wrong_version);
    Ok(cases)
}

/// What the index of records says of each, from our decoder.
fn summary(record: &Record<'_>) -> Vec<String> {
    match record {
        Record::Series(entries) => entries
            .iter()
            .map(|entry| format!("{} {}", entry.series, entry.to_labels()))
            .collect(),
        Record::Samples(samples) => (0..samples.len())
            .map(|row| {
                let start = samples.start_times.get(row).copied().unwrap_or(0);
                let bits = samples.values[row].to_bits();
                format!(
                    "{} {} {bits:x} {start}",
                    samples.series[row], samples.times[row]
                )
            })
            .collect(),
        Record::Histograms(entries) => entries
            .iter()
            .map(|entry| {
                let (count, sum) = match &entry.value {
                    HistogramSample::Integer(histogram) => (histogram.count as f64, histogram.sum),
                    HistogramSample::Float(histogram) => (histogram.count, histogram.sum),
                };
                let (series, start, time) = (entry.series, entry.start_time, entry.time);
                format!("{series} {start} {time} {count} {:x}", sum.to_bits())
            })
            .collect(),
        Record::Exemplars(entries) => entries
            .iter()
            .map(|entry| {
                let labels = entry.to_labels();
                format!("{} {} {} {labels}", entry.series, entry.time, entry.value)
            })
            .collect(),
        Record::Metadata(entries) => {
            let mut found: Vec<String> = entries
                .iter()
                .map(|entry| format!("{} {} {}", entry.series, entry.unit, entry.help))
                .collect();
            found.sort();
            found
        }
        Record::Tombstones(entries) => entries
            .iter()
            .map(|entry| format!("{} {} {}", entry.series, entry.start, entry.end))
            .collect(),
        Record::MmapMarkers(markers) => markers
            .iter()
            .map(|marker| format!("{} {}", marker.series, marker.chunk))
            .collect(),
        Record::Group(count) => vec![format!("group of {count}")],
        Record::Across(across) => vec![format!("{across:?}")],
        Record::InBlocks(last) => vec![format!("{last:?}")],
        Record::Unknown(kind) => vec![format!("unknown {kind}")],
    }
}

fn expected_summary(line: &Value) -> Vec<String> {
    let entry = |value: &Value| match line["type"].as_str().unwrap() {
        "series" => format!("{} {}", value["ref"], labels(&value["labels"])),
        "samples" | "samples_v2" => {
            let bits = float(&value[2]).to_bits();
            format!("{} {} {bits:x} {}", value[0], value[1], int(&value[3]))
        }
        "exemplars" => {
            let labels = labels(&value["labels"]);
            format!(
                "{} {} {} {labels}",
                value["ref"],
                value["t"],
                float(&value["v"])
            )
        }
        "metadata" => {
            let text = |name: &str| value[name].as_str().unwrap().to_owned();
            format!("{} {} {}", value["ref"], text("unit"), text("help"))
        }
        "tombstones" => format!("{} {} {}", value[0], value[1], value[2]),
        "mmapmarkers" => format!("{} {}", value[0], value[1]),
        _ => {
            let sum = float(&value["sum"]).to_bits();
            let (series, start, time) = (&value["ref"], int(&value["st"]), &value["t"]);
            format!("{series} {start} {time} {} {sum:x}", float(&value["count"]))
        }
    };
    let mut entries: Vec<String> = line["decoded"]
        .as_array()
        .unwrap()
        .iter()
        .map(entry)
        .collect();
    if line["type"] == "metadata" {
        entries.sort();
    }
    entries
}

fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().unwrap();
    Labels::from_pairs(
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap())),
    )
}

/// The records of the segments in `data/{log}` are those of the index.
fn records(folder: &Path, log: &str, index: &str) -> Result<(), String> {
    let dir = folder.join("data").join(log);
    let mut found = Vec::new();
    for number in list_segments(&RealDisk, &dir).map_err(|error| error.to_string())? {
        let path = segment_path(&dir, number);
        let mut reader = SegmentReader::open(&RealDisk, &path).map_err(|e| e.to_string())?;
        while let Some(bytes) = reader.next_record().map_err(|error| format!("{error:?}"))? {
            let record = record::decode(bytes).map_err(|error| error.to_string())?;
            found.push(summary(&record));
        }
    }
    let lines = json_values(&folder.join(format!("{index}.jsonl")))?;
    expect_equal("number of records", found.len(), lines.len())?;
    for (found, line) in found.iter().zip(&lines) {
        expect_equal("record", found, &expected_summary(line))?;
    }
    Ok(())
}

fn checkpoint_records(folder: &Path) -> Result<(), String> {
    let name = entries(&folder.join("data/wal"))?
        .into_iter()
        .find(|name| name.starts_with("checkpoint."))
        .ok_or("no checkpoint")?;
    records(folder, &format!("wal/{name}"), &format!("{name}_records"))
}

fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// A copy of the folder's data, which may be written to.
fn copy(folder: &Path) -> Result<(tempfile::TempDir, PathBuf), String> {
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    let data = temp.path().join("data");
    copy_dir(&folder.join("data"), &data).map_err(|error| error.to_string())?;
    Ok((temp, data))
}

fn open(data: &Path) -> Result<Db, String> {
    let head = OpenOptions::new(data, Arc::new(RealDisk));
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let options = DbOptions::new(head, UlidSource::new(clock, 1));
    let (db, report) = Db::open(options).map_err(|error| error.to_string())?;
    if !report.replay.repairs.is_empty() {
        return Err(format!(
            "repaired an intact log: {:?}",
            report.replay.repairs
        ));
    }
    if let Some(block) = report.rejected.first() {
        return Err(block.to_string());
    }
    Ok(db)
}

/// Every sample, by series: `value@time`, histograms by count and sum.
fn dump(
    reader: &dyn SeriesReader,
    range: TimeRange,
) -> Result<BTreeMap<Labels, Vec<String>>, String> {
    let request = SelectRequest {
        range,
        matchers: &[],
        projection: Projection::All,
    };
    let list = reader.select(&request).map_err(|error| error.to_string())?;
    let mut batch = SeriesBatch::new();
    list.read(0..list.len(), &mut batch)
        .map_err(|error| error.to_string())?;
    let mut found = BTreeMap::new();
    for row in 0..list.len() {
        let first = batch.positions(row).start;
        let histograms = batch.histograms_of(row);
        let (times, values) = batch.floats(row);
        let texts = times.iter().enumerate().map(|(at, time)| {
            let histogram = histograms
                .iter()
                .find(|(position, _)| *position == first + at);
            match histogram {
                Some((_, h)) => text_of_histogram(h.count, h.sum, *time),
                None => text_of_float(values[at], *time),
            }
        });
        found.insert(list.labels(row), texts.collect());
    }
    Ok(found)
}

fn text_of_float(value: f64, time: i64) -> String {
    format!("{:x}@{time}", value.to_bits())
}

fn text_of_histogram(count: f64, sum: f64, time: i64) -> String {
    if is_stale(sum) {
        return format!("stale histogram@{time}");
    }
    format!("{count} {:x}@{time}", sum.to_bits())
}

fn expected_samples(line: &Value) -> Vec<String> {
    let samples = line["samples"].as_array().unwrap();
    samples
        .iter()
        .map(|sample| match sample.as_array() {
            Some(pair) => text_of_float(float(&pair[1]), int(&pair[0])),
            None => {
                let (count, sum) = match histogram(&sample["h"]) {
                    HistogramSample::Integer(h) => (h.count as f64, h.sum),
                    HistogramSample::Float(h) => (h.count, h.sum),
                };
                text_of_histogram(count, sum, int(&sample["t"]))
            }
        })
        .collect()
}

/// The samples that only the log has: from the newest block's end on, those of the head, without what
/// came out of order. All of ours must be among the expected ones, and the newest of each series too.
fn log_replay(folder: &Path) -> Result<(), String> {
    let (_temp, data) = copy(folder)?;
    let found = dump(open(&data)?.head(), TimeRange::ALL)?;
    if found.len() < 50 {
        return Err(format!("only {} series came back", found.len()));
    }
    for line in json_values(&folder.join("expected_series.jsonl"))? {
        let labels = labels(&line["labels"]);
        let expected = expected_samples(&line);
        let Some(found) = found.get(&labels) else {
            continue;
        };
        let mut rest = expected.iter();
        for sample in found {
            if !rest.any(|other| other == sample) {
                return Err(format!("{labels}: {sample} is not in the reference"));
            }
        }
    }
    Ok(())
}

fn head_counts(folder: &Path) -> Result<(), String> {
    let (_temp, data) = copy(folder)?;
    let db = open(&data)?;
    let head = db.head();
    let text = fs::read_to_string(folder.join("expected_head.json")).map_err(|e| e.to_string())?;
    let expected: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let range = head.time_range().ok_or("no samples")?;
    expect_equal(
        "series",
        head.stats(1).series,
        expected["head_num_series"].as_u64().unwrap(),
    )?;
    expect_equal("newest", range.end.0, int(&expected["head_maxt"]))?;
    expect_equal("oldest", range.start.0, int(&expected["head_mint"]))
}

fn all_series(folder: &Path) -> Result<(), String> {
    let (_temp, data) = copy(folder)?;
    let found = dump(&open(&data)?, TimeRange::ALL)?;
    for line in json_values(&folder.join("expected_series.jsonl"))? {
        let labels = labels(&line["labels"]);
        let expected = expected_samples(&line);
        let found = found.get(&labels).cloned().unwrap_or_default();
        if found != expected {
            return Err(format!(
                "{labels}: {} samples, expected {}",
                found.len(),
                expected.len()
            ));
        }
    }
    Ok(())
}

/// The reference was still running when its exemplars were written down. Those of which a checkpoint had
/// dropped the records by then are nowhere in the folder; all others must be found, and no more. A chunk
/// snapshot has all of them.
fn all_exemplars(folder: &Path) -> Result<(), String> {
    let in_logs = exemplars_in_logs(folder)?;
    let (_temp, data) = copy(folder)?;
    let has_snapshot = entries(&data)?
        .iter()
        .any(|name| name.starts_with("chunk_snapshot."));
    let db = open(&data)?;
    let mut found_in_all = 0;
    for line in json_values(&folder.join("expected_exemplars.jsonl"))? {
        let own = line
            .get("labels")
            .or(line.get("series"))
            .ok_or("no labels")?;
        let matchers: Vec<Matcher> = labels(own)
            .iter()
            .map(|(name, value)| Matcher::equal(name, value))
            .collect();
        let found: Vec<String> = db
            .head()
            .exemplars(TimeRange::ALL, &[matchers])
            .into_iter()
            .flat_map(|(_, exemplars)| exemplars)
            .map(|exemplar| {
                let time = exemplar.time.map_or(0, |time| time.0);
                format!("{} {} {time}", exemplar.labels, exemplar.value)
            })
            .collect();
        let expected: Vec<String> = line["exemplars"]
            .as_array()
            .unwrap()
            .iter()
            .map(text_of_exemplar)
            .filter(|exemplar| has_snapshot || in_logs.contains(exemplar))
            .collect();
        found_in_all += found.len();
        expect_equal("exemplars", found, expected)?;
    }
    // Their identifiers are unique, so none was counted twice.
    expect_equal(
        "exemplars in the logs are found",
        found_in_all >= in_logs.len(),
        true,
    )
}

fn text_of_exemplar(value: &Value) -> String {
    let labels = labels(&value["labels"]);
    format!("{labels} {} {}", float(&value["v"]), int(&value["t"]))
}

/// What the reference's own decoder found in log and checkpoint.
fn exemplars_in_logs(folder: &Path) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for name in entries(folder)? {
        if name != "wal_records.jsonl" && !name.starts_with("checkpoint.") {
            continue;
        }
        for line in json_values(&folder.join(name))? {
            if line["type"] == "exemplars" {
                found.extend(
                    line["decoded"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(text_of_exemplar),
                );
            }
        }
    }
    Ok(found)
}

fn entries(dir: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(dir).map_err(|error| error.to_string())?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect())
}
