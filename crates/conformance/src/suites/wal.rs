//! `wal`: records of all types, and segments whose records cross pages.

#![allow(
    clippy::unwrap_used,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::path::Path;
use std::sync::Arc;

use model::metadata::MetricType;
use serde_json::Value;
use testkit::disk::FaultDisk;
use tsdb::RealDisk;
use tsdb::log::record::{self, HistogramForm, Record};
use tsdb::log::{Compression, LogOptions, LogWriter, SegmentReader, list_segments, segment_path};

use super::notation::{exact, expect_equal, float, hex, histogram, int, json_values, to_hex};
use crate::suite::{Case, json_lines};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("wal");
    let mut cases = Vec::new();
    for (_, line) in json_lines(&dir.join("records.jsonl"))? {
        let id = format!("records/{}", line["name"].as_str().unwrap());
        cases.push(Case::new(id, move || one_record(&line)));
    }
    for form in ["none", "snappy", "zstd"] {
        let name = format!("wal_paging_{form}");
        let index = json_values(&dir.join(format!("{name}.jsonl"))).map_err(anyhow::Error::msg)?;
        let segments = dir.join(&name);
        if segments.is_dir() {
            let read = segments.clone();
            let lines = index.clone();
            cases.push(Case::new(format!("{name}/read"), move || {
                read_paged(&read, &lines).map(drop)
            }));
            // Other programs' compressors are free to choose other bytes.
            if form == "none" {
                cases.push(Case::new(format!("{name}/write"), move || {
                    write_paged(&segments, &index)
                }));
            }
        }
    }
    Ok(cases)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn labels(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_object().unwrap();
    let mut labels: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (name.clone(), text(value).to_owned()))
        .collect();
    labels.sort();
    labels
}

fn owned(
    labels: &[(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)],
) -> Vec<(String, String)> {
    labels
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

fn one_record(line: &Value) -> Result<(), String> {
    let golden = hex(&line["hex"]);
    let expected = line["decoded"].as_array().unwrap();
    let decoded = record::decode(&golden).map_err(|error| error.to_string())?;
    let mut encoded = Vec::new();
    let reference = |value: &Value| value["ref"].as_u64().unwrap();
    match &decoded {
        Record::Series(entries) => {
            let found: Vec<_> = entries
                .iter()
                .map(|e| (e.series, owned(&e.labels)))
                .collect();
            let wanted: Vec<_> = expected
                .iter()
                .map(|value| (reference(value), labels(&value["labels"])))
                .collect();
            expect_equal("series", found, wanted)?;
            for entry in entries {
                let pairs = entry.labels.iter().map(|(n, v)| (&**n, &**v));
                record::encode_series(&mut encoded, entry.series, pairs);
            }
        }
        Record::Samples(samples) => {
            let has_starts = golden[0] == 11;
            let found: Vec<_> = (0..samples.len())
                .map(|row| {
                    let start = samples.start_times.get(row).copied().unwrap_or(0);
                    let bits = samples.values[row].to_bits();
                    (samples.series[row], samples.times[row], start, bits)
                })
                .collect();
            let wanted: Vec<_> = expected
                .iter()
                .map(|v| {
                    (
                        reference(v),
                        int(&v["t"]),
                        int(&v["st"]),
                        float(&v["v"]).to_bits(),
                    )
                })
                .collect();
            expect_equal("samples", found, wanted)?;
            if has_starts {
                record::encode_samples_v2(&mut encoded, samples);
            } else {
                record::encode_samples(&mut encoded, samples);
            }
        }
        Record::Tombstones(entries) => {
            let found: Vec<_> = entries.iter().map(|e| (e.series, e.start, e.end)).collect();
            let wanted: Vec<_> = expected
                .iter()
                .map(|value| (reference(value), int(&value["mint"]), int(&value["maxt"])))
                .collect();
            expect_equal("tombstones", found, wanted)?;
            record::encode_tombstones(&mut encoded, entries);
        }
        Record::Exemplars(entries) => {
            let found: Vec<_> = entries
                .iter()
                .map(|e| (e.series, e.time, e.value.to_bits(), owned(&e.labels)))
                .collect();
            let wanted: Vec<_> = expected
                .iter()
                .map(|v| {
                    let bits = float(&v["v"]).to_bits();
                    (reference(v), int(&v["t"]), bits, labels(&v["labels"]))
                })
                .collect();
            expect_equal("exemplars", found, wanted)?;
            record::encode_exemplars(&mut encoded, entries);
        }
        Record::MmapMarkers(markers) => {
            let found: Vec<_> = markers.iter().map(|m| (m.series, m.chunk)).collect();
            let wanted: Vec<_> = expected
                .iter()
                .map(|value| (reference(value), value["mmap_ref"].as_u64().unwrap()))
                .collect();
            expect_equal("markers", found, wanted)?;
            record::encode_mmap_markers(&mut encoded, markers);
        }
        Record::Metadata(entries) => {
            const TYPES: [MetricType; 4] = [
                MetricType::Unknown,
                MetricType::Counter,
                MetricType::Gauge,
                MetricType::Histogram,
            ];
            let found: Vec<_> = entries
                .iter()
                .map(|e| {
                    (
                        e.series,
                        e.metric_type,
                        e.unit.to_string(),
                        e.help.to_string(),
                    )
                })
                .collect();
            let wanted: Vec<_> = expected
                .iter()
                .map(|value| {
                    let kind = TYPES[usize::try_from(int(&value["type"])).unwrap()];
                    let unit = text(&value["unit"]).to_owned();
                    (
                        reference(value),
                        kind,
                        unit,
                        text(&value["help"]).to_owned(),
                    )
                })
                .collect();
            expect_equal("metadata", found, wanted)?;
            record::encode_metadata(&mut encoded, entries);
        }
        Record::Histograms(entries) => {
            let found: Vec<_> = entries
                .iter()
                .map(|e| (e.series, e.time, e.start_time, exact(&e.value)))
                .collect();
            let wanted: Vec<_> = expected
                .iter()
                .map(|v| {
                    let value = exact(&histogram(&v["h"]));
                    (reference(v), int(&v["t"]), int(&v["st"]), value)
                })
                .collect();
            expect_equal("histograms", found, wanted)?;
            let form = if golden[0] >= 12 {
                HistogramForm::V2
            } else {
                HistogramForm::V1
            };
            encoded = record::encode_histograms(entries, form).concat();
        }
        other => return Err(format!("decoded as {other:?}")),
    }
    expect_equal("bytes", to_hex(&encoded), to_hex(&golden))
}

/// All records, each with the number of its segment.
fn read_paged(dir: &Path, index: &[Value]) -> Result<Vec<(u64, Vec<u8>)>, String> {
    let mut records = Vec::new();
    for number in list_segments(&RealDisk, dir).map_err(|error| error.to_string())? {
        let path = segment_path(dir, number);
        let mut reader = SegmentReader::open(&RealDisk, &path).map_err(|e| e.to_string())?;
        while let Some(record) = reader.next_record().map_err(|error| format!("{error:?}"))? {
            records.push((number, record.to_vec()));
        }
    }
    expect_equal("number of records", records.len(), index.len())?;
    for ((_, record), line) in records.iter().zip(index) {
        let Record::Samples(samples) = record::decode(record).map_err(|e| e.to_string())? else {
            return Err("not a samples record".to_owned());
        };
        let found = (
            record.len() as i64,
            samples.len() as i64,
            samples.times[0],
            samples.values[0],
            *samples.values.last().unwrap(),
            samples.values.iter().sum::<f64>(),
        );
        let wanted = (
            int(&line["len"]),
            int(&line["samples"]),
            int(&line["t"]),
            float(&line["first_value"]),
            float(&line["last_value"]),
            float(&line["sum_values"]),
        );
        expect_equal("record", found, wanted)?;
    }
    Ok(records)
}

/// The same records, written with the same segment length, give the same files.
fn write_paged(dir: &Path, index: &[Value]) -> Result<(), String> {
    let records = read_paged(dir, index)?;
    let numbers = list_segments(&RealDisk, dir).map_err(|error| error.to_string())?;
    let golden: Vec<Vec<u8>> = numbers
        .iter()
        .map(|number| std::fs::read(segment_path(dir, *number)).unwrap())
        .collect();
    let disk: Arc<dyn model::disk::Disk> = Arc::new(FaultDisk::new(1));
    let segment_bytes = golden.iter().map(Vec::len).max().unwrap_or(0) as u64;
    let options = LogOptions {
        segment_bytes,
        compression: Compression::None,
    };
    let out = Path::new("wal");
    let mut writer = LogWriter::open(disk.clone(), out, options).map_err(|e| e.to_string())?;
    for (number, record) in &records {
        // The reference was stopped and started once: a segment that ends before it is full.
        let is_short = |segment: u64| {
            let position = numbers.iter().position(|other| *other == segment);
            position.is_some_and(|at| (golden[at].len() as u64) < segment_bytes)
        };
        if writer.segment() < *number && is_short(writer.segment()) {
            writer.next_segment().map_err(|error| error.to_string())?;
        }
        writer
            .append(&[record])
            .map_err(|error| error.to_string())?;
        expect_equal("segment of a record", writer.segment(), *number)?;
    }
    writer.close().map_err(|error| error.to_string())?;
    for (number, golden) in numbers.iter().zip(&golden) {
        let found = disk
            .read(&segment_path(out, *number))
            .map_err(|e| e.to_string())?;
        if found != *golden {
            let at = found.iter().zip(golden).position(|(a, b)| a != b);
            return Err(format!(
                "segment {number}: {} bytes, expected {}; first difference at {at:?}",
                found.len(),
                golden.len()
            ));
        }
    }
    Ok(())
}
