//! `chunks`: golden bytes of all chunk encodings.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::path::Path;

use model::storage::{HistogramSample, SeriesBatch};
use serde_json::Value;
use tsdb::chunk::histogram::{Appended, Count, HistogramValue, OpenChunk};
use tsdb::chunk::xor::{self, FloatState};
use tsdb::chunk::xor2::{self, StartedSample};
use tsdb::chunk::{self, Encoding, StartState, StartTimes, Wanted};

use super::notation::{exact, expect_equal, float, hex, histogram, int, to_hex};
use crate::suite::{Case, json_lines};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    let dir = dir.join("chunks");
    let mut cases = Vec::new();
    for (_, line) in json_lines(&dir.join("float_chunks.jsonl"))? {
        let id = format!(
            "float/{}/{}",
            line["encoding"].as_str().unwrap(),
            name(&line)
        );
        cases.push(Case::new(id, move || float_chunk(&line)));
    }
    for (_, line) in json_lines(&dir.join("histogram_chunks.jsonl"))? {
        let id = format!("histogram/{}", name(&line));
        cases.push(Case::new(id, move || histogram_chunks(&line)));
    }
    Ok(cases)
}

fn name(line: &Value) -> String {
    line["name"].as_str().unwrap().to_owned()
}

fn encoding_of(value: &Value) -> Result<Encoding, String> {
    let byte = u8::try_from(int(&value["encoding_byte"])).unwrap();
    Encoding::from_byte(byte).ok_or(format!("unknown encoding {byte}"))
}

fn float_chunk(line: &Value) -> Result<(), String> {
    let encoding = encoding_of(line)?;
    let golden = hex(&line["hex"]);
    let samples = line["samples"].as_array().unwrap();

    let mut batch = SeriesBatch::new();
    chunk::decode(encoding, &golden, Wanted::ALL, &mut batch).map_err(|e| e.to_string())?;
    chunk::align_start_times(&mut batch);
    let times: Vec<i64> = samples.iter().map(|sample| int(&sample["t"])).collect();
    let bits: Vec<u64> = samples.iter().map(|s| float(&s["v"]).to_bits()).collect();
    let starts: Vec<i64> = samples.iter().map(|sample| int(&sample["st"])).collect();
    expect_equal("times", &batch.times, &times)?;
    let decoded: Vec<u64> = batch.values.iter().map(|value| value.to_bits()).collect();
    expect_equal("values", decoded, bits)?;
    if starts.iter().any(|start| *start != 0) {
        expect_equal("start times", &batch.start_times, &starts)?;
    }

    let mut data = Vec::new();
    let mut state = FloatState::NEW;
    let mut start_state = StartState::default();
    for sample in samples {
        let (time, value) = (int(&sample["t"]), float(&sample["v"]));
        let start_time = int(&sample["st"]);
        if encoding == Encoding::Xor {
            xor::append(&mut data, &mut state, time, value);
        } else {
            let sample = StartedSample {
                start_time,
                time,
                value,
            };
            xor2::append(&mut data, &mut state, &mut start_state, sample);
        }
    }
    expect_equal("bytes", to_hex(&data), to_hex(&golden))
}

fn histogram_chunks(line: &Value) -> Result<(), String> {
    let chunks = line["chunks"].as_array().unwrap();
    match encoding_of(&chunks[0])? {
        Encoding::Histogram => encode::<i64>(line, StartTimes::Without, integer)?,
        Encoding::HistogramSt => encode::<i64>(line, StartTimes::With, integer)?,
        Encoding::FloatHistogram => encode::<f64>(line, StartTimes::Without, floating)?,
        Encoding::FloatHistogramSt => encode::<f64>(line, StartTimes::With, floating)?,
        other => return Err(format!("{other:?} is no histogram encoding")),
    }
    for chunk in chunks {
        let mut found = Vec::new();
        let encoding = encoding_of(chunk)?;
        chunk::histogram::decode(encoding, &hex(&chunk["hex"]), usize::MAX, |sample| {
            let value = match sample.value {
                HistogramValue::Integer(histogram) => HistogramSample::Integer(histogram),
                HistogramValue::Float(histogram) => HistogramSample::Float(histogram),
            };
            found.push((sample.time, sample.start_time, exact(&value)));
            true
        })
        .map_err(|error| error.to_string())?;
        let expected: Vec<_> = chunk["samples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sample| {
                let value = exact(&histogram(&sample["h"]));
                (int(&sample["t"]), int(&sample["st"]), value)
            })
            .collect();
        expect_equal("samples", found, expected)?;
    }
    Ok(())
}

fn integer(sample: HistogramSample) -> model::Histogram {
    match sample {
        HistogramSample::Integer(histogram) => (*histogram).clone(),
        HistogramSample::Float(_) => panic!("a float histogram in an integer case"),
    }
}

fn floating(sample: HistogramSample) -> model::FloatHistogram {
    match sample {
        HistogramSample::Float(histogram) => (*histogram).clone(),
        HistogramSample::Integer(_) => panic!("an integer histogram in a float case"),
    }
}

fn encode<C: Count>(
    line: &Value,
    start_times: StartTimes,
    convert: fn(HistogramSample) -> C::Histogram,
) -> Result<(), String> {
    let mut open = OpenChunk::<C>::new(start_times);
    let (mut ops, mut done) = (Vec::new(), Vec::new());
    for sample in line["input"].as_array().unwrap() {
        let value = convert(histogram(&sample["h"]));
        let outcome = open.append(int(&sample["st"]), int(&sample["t"]), &value, None);
        ops.push(match outcome {
            Appended::InPlace => "append",
            Appended::Recoded => "recode",
            Appended::NewChunk(before) => {
                done.push(to_hex(before.data()));
                "new_chunk"
            }
        });
    }
    done.push(to_hex(open.data()));
    let expected_ops: Vec<_> = line["ops"]
        .as_array()
        .unwrap()
        .iter()
        .map(|op| op.as_str().unwrap())
        .collect();
    expect_equal("operations", ops, expected_ops)?;
    let golden: Vec<String> = line["chunks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chunk| chunk["hex"].as_str().unwrap().to_owned())
        .collect();
    expect_equal("bytes", done, golden)
}
