//! The same samples for several servers, by remote write; and the peer to compare with.

use std::fs;
use std::path::Path;
use std::process::Command;

use model::histogram::BucketSpan;
use model::storage::HistogramSample;
use model::{FloatHistogram, Histogram, Labels, Timestamp};
use testkit::process::{Peer, post_bytes};
use wire::remote::write1::{SeriesContent, Writer};
use wire::remote::{WrittenHistogram, WrittenSample, compress};

use crate::support::{Server, serve};

pub(crate) const PROMETHEUS: &str = "prometheus";
/// From the first sample to the last.
pub(crate) const SPAN: i64 = 90 * 60_000;
pub(crate) const STEP: i64 = 15_000;

/// Samples of one series.
pub(crate) struct Sent {
    pub(crate) labels: Labels,
    pub(crate) samples: Vec<WrittenSample>,
    pub(crate) histograms: Vec<WrittenHistogram>,
}

/// Floats of several shapes, a stale series, and histograms of both kinds, with resets.
pub(crate) fn series(end: i64) -> Vec<Sent> {
    let times = || (end - SPAN..=end).step_by(STEP as usize).enumerate();
    let floats = |name: &str, value: &dyn Fn(usize) -> f64| Sent {
        labels: Labels::from_pairs([("__name__", name), ("job", "sent"), ("zone", "")]),
        samples: times()
            .map(|(at, time)| WrittenSample {
                time: Timestamp(time),
                value: value(at),
                start_time: None,
            })
            .collect(),
        histograms: Vec::new(),
    };
    let histograms = |name: &str, make: &dyn Fn(u64) -> HistogramSample| Sent {
        labels: Labels::from_pairs([("__name__", name), ("job", "sent")]),
        samples: Vec::new(),
        histograms: times()
            .map(|(at, time)| WrittenHistogram {
                time: Timestamp(time),
                histogram: make(at as u64 % 150),
                start_time: None,
            })
            .collect(),
    };
    let mut stale = floats("stale", &|at| at as f64);
    stale.samples.truncate(100);
    stale.samples[99].value = f64::from_bits(0x7ff0_0000_0000_0002);
    vec![
        floats("constant", &|_| 7.5),
        floats("counter_total", &|at| (at * at) as f64),
        floats("wild", &|at| (at as f64 * 0.7).sin() * 1e9),
        floats("special", &|at| {
            [f64::NAN, f64::INFINITY, -0.0, 1e-300][at % 4]
        }),
        stale,
        histograms("integers", &|at| {
            HistogramSample::Integer(
                Histogram {
                    schema: 2,
                    count: 3 * at + 6,
                    sum: at as f64 / 2.0,
                    zero_threshold: 1e-128,
                    zero_count: at,
                    positive_spans: vec![BucketSpan {
                        offset: -1,
                        length: 2,
                    }],
                    positive_deltas: vec![at as i64 + 2, 2],
                    ..Histogram::default()
                }
                .into(),
            )
        }),
        histograms("floats", &|at| {
            HistogramSample::Float(
                FloatHistogram {
                    schema: 0,
                    count: at as f64 * 1.5 + 4.0,
                    sum: -1.0,
                    zero_threshold: 0.01,
                    zero_count: at as f64 / 2.0,
                    negative_spans: vec![BucketSpan {
                        offset: 3,
                        length: 1,
                    }],
                    negative_buckets: vec![at as f64 + 4.0],
                    ..FloatHistogram::default()
                }
                .into(),
            )
        }),
    ]
}

/// Keepwatch, which takes samples. Its configuration is `keepwatch.yml`.
pub(crate) fn receiver(dir: &Path, config: &str, flags: &[&str]) -> Server {
    fs::write(dir.join("keepwatch.yml"), config).unwrap();
    let common = [
        "--config.file=keepwatch.yml",
        "--storage.tsdb.path=keepwatch",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
    ];
    serve(dir, &[&common, flags].concat())
}

/// Sends all of it in one request.
pub(crate) fn send(address: &str, all: &[Sent]) {
    let mut writer = Writer::new();
    for sent in all {
        writer.series(&SeriesContent {
            labels: &sent.labels,
            samples: &sent.samples,
            histograms: &sent.histograms,
            exemplars: &[],
        });
    }
    let body = compress(&writer.finish()).unwrap();
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    let (_, answer) = post_bytes(address, "/api/v1/write", &headers, &body);
    assert_eq!(answer.status, 204, "{answer:?}");
}

/// Debian's Prometheus, with a configuration and a folder of this name.
pub(crate) fn prometheus(dir: &Path, name: &str, config: &str, flags: &[&str]) -> Peer {
    let file = format!("{name}.yml");
    fs::write(dir.join(&file), config).unwrap();
    let mut command = Command::new(PROMETHEUS);
    command.current_dir(dir).args([
        &format!("--config.file={file}"),
        &format!("--storage.tsdb.path={name}"),
        "--web.listen-address=127.0.0.1:0",
    ]);
    command.args(flags);
    Peer::start(PROMETHEUS, command)
}

/// The time of the newest sample: near now, as Prometheus takes no others.
pub(crate) fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    since.as_millis() as i64 / STEP * STEP
}
