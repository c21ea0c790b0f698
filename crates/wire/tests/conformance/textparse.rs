//! Exposition formats.

use serde_json::{Value, json};
use wire::{Entry, Expected, Exposition, Format, Options, Step};

use crate::show::{exemplar_object, histogram_object, label_object, number};
use crate::{folder, run_files};

const FILES: [&str; 4] = [
    "prometheus_text",
    "openmetrics_text",
    "protobuf",
    "nhcb_conversion",
];

#[test]
fn textparse() {
    if let Some(dir) = folder("textparse") {
        run_files(&dir, &FILES, run_case);
    }
}

fn run_case(case: &Value) -> Result<(), String> {
    let body = input(case);
    let option = |name: &str| case["options"][name].as_bool().unwrap_or_default();
    let format = case["format"].as_str().unwrap_or_default();
    let options = Options {
        type_and_unit_labels: option("type_and_unit_labels"),
        skip_created_series: option("skip_created_series"),
        ignore_native_histograms: option("ignore_native_histograms"),
        convert_classic_to_nhcb: option("convert_classic_to_nhcb") || format.starts_with("nhcb:"),
        keep_classic: option("keep_classic"),
    };
    let format = match format {
        "prometheus-text" | "nhcb:text/plain" => Format::PrometheusText,
        "openmetrics-text" | "nhcb:application/openmetrics-text" => Format::OpenMetricsText,
        "protobuf" => Format::Protobuf,
        other => return Err(format!("unknown format {other}")),
    };
    let mut scan = Exposition::new(&body, format, &options);
    let mut entries = Vec::new();
    let error = loop {
        match scan.advance(None) {
            Ok(Step::End) => break None,
            Ok(_) => entries.push(printed(&mut scan)?),
            Err(error) => break Some(error.to_string()),
        }
    };
    for (at, (got, wanted)) in entries
        .iter()
        .zip(case["entries"].as_array().unwrap())
        .enumerate()
    {
        let wanted = normalised(wanted);
        if *got != wanted {
            return Err(format!("entry {at}:\n  got    {got}\n  wanted {wanted}"));
        }
    }
    let wanted = case["entries"].as_array().map_or(0, Vec::len);
    if entries.len() != wanted {
        return Err(format!(
            "{} entries, wanted {wanted}; error {error:?}",
            entries.len()
        ));
    }
    if error.as_deref() != case["error"].as_str() {
        return Err(format!("error {error:?}, wanted {}", case["error"]));
    }
    run_again_expecting(&body, format, &options, &entries)
}

/// Recognising lines by what came last time must give the same entries as parsing them.
fn run_again_expecting(
    body: &[u8],
    format: Format,
    options: &Options,
    entries: &[Value],
) -> Result<(), String> {
    let mut scan = Exposition::new(body, format, options);
    let mut previous: &[u8] = &[];
    for (at, wanted) in entries.iter().enumerate() {
        let raw = wanted["raw"].as_str().map(str::as_bytes);
        let expected = raw.map(|raw| {
            let same = |(left, right): &(&u8, &u8)| left == right;
            let shared = raw.iter().zip(previous).take_while(same).count();
            Expected {
                shared,
                tail: &raw[shared..],
            }
        });
        previous = raw.unwrap_or(previous);
        let step = scan.advance(expected).map_err(|error| error.to_string())?;
        if step == Step::End {
            return Err(format!("entry {at}: ended early when recognising"));
        }
        let got = printed(&mut scan)?;
        if got != *wanted {
            return Err(format!(
                "entry {at}, recognised:\n  got    {got}\n  wanted {wanted}"
            ));
        }
    }
    Ok(())
}

fn input(case: &Value) -> Vec<u8> {
    match case["input_base64"].as_str() {
        Some(text) => base64(text),
        None => case["input"].as_str().unwrap_or_default().into(),
    }
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = ALPHABET.iter().position(|letter| *letter == byte).unwrap();
        bits = (bits << 6) | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    bytes
}

/// Labels with empty values are no labels here.
fn normalised(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(labels) = entry.get_mut("labels").and_then(Value::as_object_mut) {
        labels.retain(|_, value| value != "");
    }
    if let Some(histogram) = entry.get_mut("histogram").and_then(Value::as_object_mut) {
        for (_, value) in histogram.iter_mut() {
            if value.is_null() {
                *value = json!([]);
            }
        }
    }
    entry
}

fn printed(scan: &mut Exposition<'_>) -> Result<Value, String> {
    let start_time = match scan.entry() {
        Entry::Series(_) | Entry::Histogram(_) => scan.start_time(),
        _ => None,
    };
    let mut object = match scan.entry() {
        Entry::Series(series) => json!({
            "entry": "series", "raw": String::from_utf8_lossy(series.raw),
            "value": number(series.value), "t_ms": series.time.map(|time| time.0),
        }),
        Entry::Histogram(histogram) => json!({
            "entry": "histogram", "raw": String::from_utf8_lossy(histogram.raw),
            "histogram": histogram_object(histogram.histogram),
            "t_ms": histogram.time.map(|time| time.0),
        }),
        Entry::Type { name, metric_type } => {
            return Ok(json!({"entry": "type", "name": name, "type": metric_type.as_str()}));
        }
        Entry::Help { name, help } => {
            return Ok(json!({"entry": "help", "name": name, "help": help}));
        }
        Entry::Unit { name, unit } => {
            return Ok(json!({"entry": "unit", "name": name, "unit": unit}));
        }
        Entry::Comment(text) => {
            return Ok(json!({"entry": "comment", "text": String::from_utf8_lossy(text)}));
        }
    };
    object["start_t_ms"] = json!(start_time.map(|time| time.0));
    let labels = scan.labels().map_err(|error| error.to_string())?;
    object["labels"] = label_object(&labels);
    let mut exemplars = Vec::new();
    scan.exemplars(&mut exemplars);
    if !exemplars.is_empty() {
        object["exemplars"] = exemplars.iter().map(exemplar_object).collect();
    }
    if let Some(object) = object.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    Ok(object)
}

/// The larger pages are all well formed, and give each series once.
#[test]
fn larger_pages() {
    let Some(dir) = folder("textparse/files") else {
        return;
    };
    let files = std::fs::read_dir(dir).unwrap();
    for file in files {
        let path = file.unwrap().path();
        let body = std::fs::read(&path).unwrap();
        let format = if path.to_string_lossy().contains(".om.") {
            Format::OpenMetricsText
        } else {
            Format::PrometheusText
        };
        let mut scan = Exposition::new(&body, format, &Options::default());
        let mut raws = std::collections::BTreeSet::new();
        loop {
            match scan.advance(None) {
                Ok(Step::End) => break,
                Ok(_) => {
                    if let Entry::Series(series) = scan.entry() {
                        raws.insert(series.raw.to_vec());
                        assert!(!scan.labels().unwrap().metric_name().is_empty());
                    }
                }
                Err(error) => panic!("{}: line {}: {error}", path.display(), error.line),
            }
        }
        println!("{}: {} series", path.display(), raws.len());
        assert!(!raws.is_empty());
    }
}
