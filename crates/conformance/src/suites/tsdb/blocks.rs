//! What the reference server finds in each block, and the old formats of indices.

#![allow(
    clippy::unwrap_used,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::fs;
use std::path::Path;

use model::matcher::Matcher;
use model::storage::{Projection, SelectRequest, SeriesBatch, SeriesReader, TimeRange};
use serde_json::Value;
use tsdb::RealDisk;
use tsdb::block::{Block, BlockError, ChunkInfo};
use tsdb::chunk::Encoding;

use super::super::notation::{expect_equal, int};
use super::{copy_dir, labels};

/// Every block of a data folder, against its `block_<id>.json`.
pub(super) fn all(folder: &Path) -> Result<(), String> {
    let mut count = 0;
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let Some(ulid) = name.and_then(|name| name.strip_prefix("block_")) else {
            continue;
        };
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        let expected: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let dir = folder.join("data").join(ulid);
        let block = Block::open(&RealDisk, &dir).map_err(|error| error.to_string())?;
        compare(&block, &expected).map_err(|error| format!("block {ulid}: {error}"))?;
        count += 1;
    }
    expect_equal("blocks", count, 2)
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

fn compare(block: &Block, expected: &Value) -> Result<(), String> {
    let meta = serde_json::to_value(block.meta()).map_err(|error| error.to_string())?;
    expect_equal("meta.json", &meta, &expected["meta"])?;
    expect_equal("symbols", block.symbols(), texts(&expected["symbols"]))?;
    let values = expected["label_values"].as_object().unwrap();
    let names: Vec<String> = values.keys().cloned().collect();
    expect_equal("label names", block.names(), names)?;
    let mut pairs = 0;
    for (name, values) in values {
        let postings = block.postings(name).map_err(|error| error.to_string())?;
        let found: Vec<String> = postings.iter().map(|(value, _)| value.clone()).collect();
        expect_equal(&format!("values of {name}"), found, texts(values))?;
        for (value, series) in postings {
            let pair = format!("{name}={value}");
            let expected: Vec<u32> = serde_json::from_value(expected["postings"][&pair].clone())
                .map_err(|error| error.to_string())?;
            expect_equal(&pair, series, expected)?;
            pairs += 1;
        }
    }
    let expected_pairs = expected["postings"].as_object().unwrap();
    let without_all = expected_pairs.keys().filter(|pair| *pair != "=").count();
    expect_equal("pairs", pairs, without_all)?;

    let mut expected_series = expected["series"].as_array().unwrap().iter();
    block
        .for_each_series(|series| {
            let line = expected_series.next().ok_or("more series than expected")?;
            expect_equal("labels", &series.labels, &labels(&line["labels"]))?;
            expect_equal("reference", i64::from(series.reference), int(&line["ref"]))?;
            let chunks = line["chunks"].as_array().unwrap();
            let found: Vec<String> = series.chunks.iter().map(text_of_chunk).collect();
            let expected: Vec<String> = chunks
                .iter()
                .map(|chunk| {
                    let [start, end, reference, samples] =
                        ["mint", "maxt", "ref", "num_samples"].map(|name| int(&chunk[name]));
                    let encoding = chunk["encoding"].as_str().unwrap();
                    format!("{encoding} {start} {end} {reference} {samples}")
                })
                .collect();
            expect_equal("chunks", found, expected)?;
            Ok(())
        })
        .map_err(|Problem(problem)| problem)?;
    expect_equal("series left over", expected_series.count(), 0)
}

struct Problem(String);

impl From<BlockError> for Problem {
    fn from(error: BlockError) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self(problem)
    }
}

impl From<&str> for Problem {
    fn from(problem: &str) -> Self {
        Self(problem.to_owned())
    }
}

fn text_of_chunk(chunk: &ChunkInfo) -> String {
    let encoding = match chunk.encoding {
        Encoding::Xor => "XOR",
        Encoding::Histogram => "histogram",
        Encoding::FloatHistogram => "floathistogram",
        Encoding::Xor2 => "XOR2",
        Encoding::HistogramSt => "histogramST",
        Encoding::FloatHistogramSt => "floathistogramST",
    };
    let ChunkInfo {
        start,
        end,
        reference,
        samples,
        ..
    } = chunk;
    format!("{encoding} {start} {end} {reference} {samples}")
}

/// The peer's own test: `foo=bar` and `bar=n` for 100 values of n, and more; one sample each.
pub(super) fn index_version_1(folder: &Path) -> Result<(), String> {
    let block = Block::open(&RealDisk, folder).map_err(|error| error.to_string())?;
    let meta = block.meta();
    let read = |matchers: &[Matcher]| {
        let request = SelectRequest {
            range: TimeRange::ALL,
            matchers,
            projection: Projection::All,
        };
        let list = block.select(&request).map_err(|error| error.to_string())?;
        let mut batch = SeriesBatch::new();
        list.read(0..list.len(), &mut batch)
            .map_err(|error| error.to_string())?;
        Ok::<_, String>((list, batch))
    };
    let (list, batch) = read(&[])?;
    expect_equal("series", list.len() as u64, meta.stats.num_series)?;
    expect_equal("samples", batch.times.len() as u64, meta.stats.num_samples)?;
    for row in 0..list.len() {
        let own = list.labels(row);
        let matchers: Vec<Matcher> = own
            .iter()
            .map(|(name, value)| Matcher::equal(name, value))
            .collect();
        let (found, _) = read(&matchers)?;
        if !(0..found.len()).any(|row| found.labels(row) == own) {
            return Err(format!("{own} is not found by its own labels"));
        }
    }
    let mut values = block
        .names()
        .iter()
        .map(|name| block.label_values(name, TimeRange::ALL, &[]))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    values.retain(|values| !values.is_sorted());
    expect_equal("unsorted values", values, Vec::new())
}

/// A block of Prometheus 2.1: the header says version 1, the rest of the file is version 2.
pub(super) fn wrong_version(folder: &Path) -> Result<(), String> {
    const BLOCK: &str = "01BZJ9WJQPWHGNC2W4J9TA62KC";
    let temp = tempfile::tempdir().map_err(|error| error.to_string())?;
    copy_dir(folder, temp.path()).map_err(|error| error.to_string())?;
    let dir = temp.path().join(BLOCK);
    fs::create_dir_all(dir.join("chunks")).map_err(|error| error.to_string())?;
    let block = Block::open(&RealDisk, &dir).map_err(|error| error.to_string())?;
    expect_equal("names", block.names(), vec!["b".to_owned()])?;
    let list = block
        .select(&SelectRequest {
            range: TimeRange::ALL,
            matchers: &[Matcher::equal("b", "1")],
            projection: Projection::All,
        })
        .map_err(|error| error.to_string())?;
    let found: Vec<String> = (0..list.len())
        .map(|row| list.labels(row).to_string())
        .collect();
    expect_equal(
        "series",
        found,
        vec![
            r#"{a="1", b="1"}"#.to_owned(),
            r#"{a="2", b="1"}"#.to_owned(),
        ],
    )
}
