//! `remote`: remote write and remote read messages.

#![allow(
    clippy::unwrap_used,
    reason = "a case that is not of its format fails, and the runner says so"
)]

use std::path::Path;

use model::storage::HistogramSample;
use model::{Exemplar, Labels, MatchOp, Metadata};
use serde_json::{Value, json};
use wire::LabelsError;
use wire::remote::read::{self, ResponseType, ResponseWriter};
use wire::remote::write1::{self, SeriesContent};
use wire::remote::{WrittenHistogram, WrittenSample, compress, decompress, label_pairs_of, write2};

use super::show::{histogram_object, number};
use crate::suite::{Case, json_line_cases};

pub(super) fn load(dir: &Path) -> anyhow::Result<Vec<Case>> {
    json_line_cases(&dir.join("remote/payloads.jsonl"), run_case)
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap_or_default().as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap();
    hex.chunks(2)
        .map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap())
        .collect()
}

fn run_case(case: &Value) -> Result<(), String> {
    let proto = bytes(&case["proto_hex"]);
    let content =
        decompress(&bytes(&case["snappy_hex"]), 1 << 20).map_err(|error| error.to_string())?;
    if content != proto {
        return Err("decompressed content differs".to_owned());
    }
    let again = compress(&content).and_then(|body| decompress(&body, 1 << 20));
    if again.as_deref() != Ok(&content) {
        return Err("compressing and decompressing changes the content".to_owned());
    }
    let name = case["name"].as_str().unwrap_or_default();
    let (shown, encoded) = match name.split('_').next() {
        Some("v1") => version_1(&content)?,
        Some("v2") => match version_2(&content) {
            Err(_) if case["decoded"].is_null() => return Ok(()),
            other => other?,
        },
        _ if name.contains("request") => read_request(&content)?,
        _ => read_response(&content)?,
    };
    let wanted = without_nulls(&case["decoded"]);
    let shown = without_nulls(&shown);
    if shown != wanted {
        return Err(format!("\n  got    {shown}\n  wanted {wanted}"));
    }
    match encoded {
        Some(encoded) if encoded != content => Err("encoding gives other bytes".to_owned()),
        _ => Ok(()),
    }
}

/// The data has `null` and empty lists for the same.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .iter()
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .filter(|(_, value)| !value.is_null() && *value != json!([]))
                .collect(),
        ),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn sorted_pairs(labels: &Labels) -> Value {
    labels
        .iter()
        .map(|(name, value)| json!([name, value]))
        .collect()
}

fn histogram(written: &WrittenHistogram) -> Value {
    let mut shown = histogram_object(&written.histogram);
    let hint = match &written.histogram {
        HistogramSample::Integer(h) => h.counter_reset_hint,
        HistogramSample::Float(h) => h.counter_reset_hint,
    };
    shown["counter_reset_hint"] = json!(format!("{hint:?}").to_lowercase());
    shown
}

/// Decoded, and encoded again where the order of labels allows the same bytes.
type Outcome = Result<(Value, Option<Vec<u8>>), String>;

fn version_1(content: &[u8]) -> Outcome {
    let problem = |error: wire::remote::ProtoError| error.to_string();
    let mut reader = write1::Reader::new(content);
    let mut series = write1::Series::default();
    let mut writer = write1::Writer::new();
    let (mut all, mut metadata) = (Vec::new(), Vec::new());
    let mut is_canonical = true;
    loop {
        match reader.next(&mut series).map_err(problem)? {
            write1::Item::End => break,
            write1::Item::Metadata(entry) => {
                writer.metadata(&entry);
                metadata.push(json!({
                    "family": entry.family, "help": entry.metadata.help, "unit": entry.metadata.unit,
                    "type": entry.metadata.metric_type.as_str().to_uppercase(),
                }));
            }
            write1::Item::Series => {
                let mut spare = Vec::new();
                let label_bytes = series.label_bytes(&mut spare).map_err(problem)?;
                let mut pairs = Vec::new();
                for pair in label_pairs_of(label_bytes) {
                    let (name, value) = pair.map_err(problem)?;
                    let text = String::from_utf8_lossy;
                    pairs.push((text(name), text(value)));
                }
                is_canonical &= pairs.is_sorted();
                let labels = match series.labels().map_err(problem)? {
                    Ok(labels) => labels,
                    // Receivers drop the series; the data shows it as it came.
                    Err(LabelsError::Duplicate(_)) => {
                        is_canonical = false;
                        Labels::empty()
                    }
                    Err(error) => return Err(error.to_string()),
                };
                let histograms: Vec<_> = series
                    .histograms()
                    .collect::<Result<_, _>>()
                    .map_err(problem)?;
                let exemplars: Vec<Exemplar> = series
                    .exemplars()
                    .collect::<Result<_, _>>()
                    .map_err(problem)?;
                writer.series(&SeriesContent {
                    labels: &labels,
                    samples: &series.samples,
                    histograms: &histograms,
                    exemplars: &exemplars,
                });
                let shown = |sample: &WrittenSample| json!([sample.time.0, number(sample.value)]);
                all.push(json!({
                    "labels": pairs.iter().map(|(name, value)| json!([name, value])).collect::<Value>(),
                    "samples": series.samples.iter().map(shown).collect::<Value>(),
                    "histograms": histograms.iter().map(|written| json!({"h": histogram(written), "t": written.time.0})).collect::<Value>(),
                    "exemplars": exemplars.iter().map(|exemplar| json!({
                        "labels": sorted_pairs(&exemplar.labels), "v": number(exemplar.value),
                        "t": exemplar.time.map(|time| time.0),
                    })).collect::<Value>(),
                }));
            }
        }
    }
    Ok((
        json!({"metadata": metadata, "timeseries": all}),
        is_canonical.then(|| writer.finish()),
    ))
}

fn version_2(content: &[u8]) -> Outcome {
    let problem = |error: wire::remote::ProtoError| error.to_string();
    let request = write2::Request::decode(content).map_err(problem)?;
    let mut series = write2::Series::default();
    let mut writer = write2::Writer::new();
    let mut all = Vec::new();
    for index in 0..request.len() {
        request.read(index, &mut series).map_err(problem)?;
        let labels = request
            .labels(&series.label_refs)
            .map_err(|error| error.to_string())?;
        let metadata: Metadata = request
            .metadata(&series)
            .map_err(|error| error.to_string())?;
        let histograms: Vec<_> = series
            .histograms()
            .collect::<Result<_, _>>()
            .map_err(problem)?;
        let mut exemplars = Vec::new();
        for exemplar in request.exemplars(&series) {
            exemplars.push(
                exemplar
                    .map_err(problem)?
                    .map_err(|error| error.to_string())?,
            );
        }
        writer.series(
            &SeriesContent {
                labels: &labels,
                samples: &series.samples,
                histograms: &histograms,
                exemplars: &exemplars,
            },
            &metadata,
        );
        let reference = |text: &str| request.symbols().iter().position(|symbol| *symbol == text);
        let refs = |labels: &Labels| -> Value {
            labels
                .iter()
                .flat_map(|(name, value)| [json!(reference(name)), json!(reference(value))])
                .collect()
        };
        let start = |time: Option<model::Timestamp>| time.map_or(0, |time| time.0);
        all.push(json!({
            "labels_refs": series.label_refs,
            "samples": series.samples.iter().map(|sample| json!({
                "st": start(sample.start_time), "t": sample.time.0, "v": number(sample.value),
            })).collect::<Value>(),
            "histograms": histograms.iter().map(|written| json!({
                "h": histogram(written), "st": start(written.start_time), "t": written.time.0,
            })).collect::<Value>(),
            "exemplars": exemplars.iter().map(|exemplar| json!({
                "labels_refs": refs(&exemplar.labels), "v": number(exemplar.value),
                "t": exemplar.time.map(|time| time.0),
            })).collect::<Value>(),
            "metadata": {
                "help_ref": reference(&metadata.help), "unit_ref": reference(&metadata.unit),
                "type": format!("METRIC_TYPE_{}", metadata.metric_type.as_str().to_uppercase()),
            },
        }));
    }
    let shown = json!({"symbols": request.symbols(), "timeseries": all});
    Ok((shown, Some(writer.finish())))
}

fn read_request(content: &[u8]) -> Outcome {
    let request = read::Request::decode(content).map_err(|error| error.to_string())?;
    let queries: Vec<Value> = request
        .queries
        .iter()
        .map(|query| {
            let matchers: Vec<Value> = query
                .matchers
                .iter()
                .map(|matcher| {
                    let mut shown = json!({"name": matcher.name, "value": matcher.value});
                    let number = match matcher.op {
                        Some(MatchOp::Equal) => return shown,
                        Some(MatchOp::NotEqual) => 1,
                        Some(MatchOp::Regex) => 2,
                        Some(MatchOp::NotRegex) => 3,
                        None => 4,
                    };
                    shown["type"] = json!(number);
                    shown
                })
                .collect();
            let hints = query.hints.as_ref().map(|hints| {
                json!({
                    "step_ms": hints.step.0, "func": hints.function, "start_ms": hints.start.0,
                    "end_ms": hints.end.0, "grouping": hints.grouping, "by": hints.is_by,
                    "range_ms": hints.range.0,
                })
            });
            json!({
                "start_timestamp_ms": query.range.start.0, "end_timestamp_ms": query.range.end.0,
                "matchers": matchers, "hints": hints,
            })
        })
        .collect();
    let accepted: Vec<u32> = request
        .accepted
        .iter()
        .map(|wanted| match wanted {
            ResponseType::Samples => 0,
            ResponseType::StreamedXorChunks => 1,
            ResponseType::Unknown(number) => *number,
        })
        .collect();
    let shown = json!({"queries": queries, "accepted_response_types": accepted});
    Ok((shown, Some(request.encode())))
}

fn read_response(content: &[u8]) -> Outcome {
    let results = read::decode_response(content).map_err(|error| error.to_string())?;
    let problem = |error: wire::remote::SnappyError| error.to_string();
    let mut writer = ResponseWriter::new();
    let mut shown = Vec::new();
    for result in &results {
        let mut all = Vec::new();
        for series in result {
            writer
                .series(&SeriesContent {
                    labels: &series.labels,
                    samples: &series.samples,
                    histograms: &series.histograms,
                    exemplars: &[],
                })
                .map_err(problem)?;
            let label = |(name, value)| json!({"name": name, "value": value});
            // The data has sample values of this message as numbers.
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers in the data")]
            let sample = |sample: &WrittenSample| json!({"value": sample.value as i64, "timestamp": sample.time.0});
            all.push(json!({
                "labels": series.labels.iter().map(label).collect::<Value>(),
                "samples": series.samples.iter().map(sample).collect::<Value>(),
            }));
        }
        writer.end_result().map_err(problem)?;
        shown.push(json!({"timeseries": all}));
    }
    let body = writer.finish().map_err(problem)?.concat();
    let written = decompress(&body, 1 << 20).map_err(problem)?;
    Ok((json!({"results": shown}), Some(written)))
}
