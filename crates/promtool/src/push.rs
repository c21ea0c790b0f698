//! `push metrics`: a page in Prometheus' text format, sent by remote write.

use std::collections::BTreeMap;

use model::format::{float_exponent, float_plain};
use model::labels::{BUCKET, QUANTILE};
use model::{Labels, Metadata, MetricType, Timestamp};
use wire::remote::write1::{self, FamilyMetadata, SeriesContent};
use wire::remote::{WrittenSample, compress, write2};
use wire::{Entry, Exposition, Format, Options, Step};

use crate::console::{Console, Outcome, read_text};
use crate::http::Server;

/// The form of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushMessage {
    V1,
    V2,
}

/// What is pushed and where to.
#[derive(Debug)]
pub struct Push<'a> {
    pub server: &'a Server,
    pub path: &'a str,
    pub message: PushMessage,
    /// Added to every series; labels of the page win.
    pub labels: &'a [(String, String)],
    pub now: Timestamp,
}

/// Pushes files.
pub fn push_files(console: &mut Console<'_>, files: &[String], push: &Push<'_>) -> Outcome {
    let mut outcome = Outcome::Success;
    for file in files {
        console.line(format_args!("Parsing metrics file {file}"));
        match read_text(file).and_then(|page| push_page(&page, push)) {
            Ok(()) => console.line(format_args!(
                "  SUCCESS: metrics file {file} pushed to remote write."
            )),
            Err(problem) => {
                console.problem(format_args!("  FAILED: {problem}"));
                outcome = Outcome::Failed;
            }
        }
    }
    outcome
}

/// Pushes what came on standard input.
pub fn push_text(console: &mut Console<'_>, page: &str, push: &Push<'_>) -> Outcome {
    console.line("Parsing standard input");
    match push_page(page, push) {
        Ok(()) => {
            console.line("  SUCCESS: metrics pushed to remote write.");
            Outcome::Success
        }
        Err(problem) => {
            console.problem(format_args!("  FAILED: {problem}"));
            Outcome::Failed
        }
    }
}

fn push_page(page: &str, push: &Push<'_>) -> Result<(), String> {
    let (series, metadata) = read(page, push)?;
    let (body, content_type, version) = match push.message {
        PushMessage::V1 => (
            message_v1(&series, &metadata),
            "application/x-protobuf",
            "0.1.0",
        ),
        PushMessage::V2 => (
            message_v2(&series, &metadata),
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            "2.0.0",
        ),
    };
    let body = compress(&body).map_err(|error| error.to_string())?;
    let headers = [
        ("content-type", content_type),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", version),
    ];
    let answer = push.server.post(push.path, &headers, body)?;
    if answer.status.is_success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&answer.body);
    let line = text.lines().next().unwrap_or_default();
    Err(format!(
        "server returned HTTP status {}: {line}",
        answer.status
    ))
}

type Series = Vec<(Labels, WrittenSample)>;
type Families = BTreeMap<String, Metadata>;

fn read(page: &str, push: &Push<'_>) -> Result<(Series, Families), String> {
    let (mut series, mut families) = (Series::new(), Families::new());
    let mut scan = Exposition::new(page.as_bytes(), Format::PrometheusText, &Options::default());
    loop {
        let step = scan.advance(None).map_err(|error| {
            format!("text format parsing error in line {}: {error}", error.line)
        })?;
        if step == Step::End {
            return Ok((series, families));
        }
        match scan.entry() {
            Entry::Type { name, metric_type } => {
                families.entry(name.into_owned()).or_default().metric_type = metric_type;
            }
            Entry::Help { name, help } => {
                families.entry(name.into_owned()).or_default().help = help.into_owned();
            }
            Entry::Series(sample) => {
                let labels = scan.labels().map_err(|error| error.to_string())?;
                let mut labels = labels.to_builder();
                for name in [BUCKET, QUANTILE] {
                    if labels.contains(name) {
                        let value = bound(labels.get(name));
                        labels.set(name, value);
                    }
                }
                for (name, value) in push.labels {
                    if !labels.contains(name) {
                        labels.set(name.as_str(), value.as_str());
                    }
                }
                let sample = WrittenSample {
                    time: sample.time.unwrap_or(push.now),
                    value: sample.value,
                    start_time: None,
                };
                series.push((labels.build(), sample));
            }
            Entry::Histogram(_) | Entry::Unit { .. } | Entry::Comment(_) => {}
        }
    }
}

/// Reading gives bounds a point (`1.0`), as scraping has it; the peer pushes them as Go prints numbers.
fn bound(text: &str) -> String {
    match wire::parse_float(text.as_bytes()) {
        Ok(value) if value == 0.0 || (1e-4..1e21).contains(&value.abs()) => float_plain(value),
        Ok(value) => float_exponent(value),
        Err(_) => text.to_owned(),
    }
}

fn content<'a>(labels: &'a Labels, sample: &'a WrittenSample) -> SeriesContent<'a> {
    SeriesContent {
        labels,
        samples: std::slice::from_ref(sample),
        histograms: &[],
        exemplars: &[],
    }
}

fn message_v1(series: &Series, families: &Families) -> Vec<u8> {
    let mut writer = write1::Writer::new();
    for (labels, sample) in series {
        writer.series(&content(labels, sample));
    }
    for (family, metadata) in families {
        writer.metadata(&FamilyMetadata {
            family: family.clone(),
            metadata: metadata.clone(),
        });
    }
    writer.finish()
}

fn message_v2(series: &Series, families: &Families) -> Vec<u8> {
    let mut writer = write2::Writer::new();
    let unknown = Metadata::default();
    for (labels, sample) in series {
        let name = labels.metric_name();
        let of_part = |suffix: &&str| {
            let family = families.get(name.strip_suffix(*suffix)?);
            let has_parts = |own: &&Metadata| {
                matches!(own.metric_type, MetricType::Histogram | MetricType::Summary)
            };
            family.filter(has_parts)
        };
        let mut suffixes = ["_bucket", "_sum", "_count"].iter();
        let metadata = families.get(name).or_else(|| suffixes.find_map(of_part));
        writer.series(&content(labels, sample), metadata.unwrap_or(&unknown));
    }
    writer.finish()
}
