//! Remote read over HTTP: what other servers get is what they would get of Prometheus. The same samples are
//! sent to both by remote write, then both are asked the same. A third server, Debian's Prometheus again, has
//! ours as its only source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use model::histogram::BucketSpan;
use model::storage::{HistogramSample, SeriesBatch, TimeRange};
use model::{FloatHistogram, Histogram, Labels, MatchOp, Timestamp};
use serde_json::Value;
use testkit::process::{
    Peer, RawAnswer, is_installed, percent_encoded, post_bytes, post_for_bytes,
};
use tsdb::chunk::histogram::HistogramValue;
use tsdb::chunk::{Encoding, Wanted};
use wire::remote::chunked::next_frame;
use wire::remote::read::{Query, RawMatcher, Request, ResponseType, decode_response};
use wire::remote::write1::{SeriesContent, Writer};
use wire::remote::{WrittenHistogram, WrittenSample, compress, decompress};

use crate::support::{Server, json, serve};

const PROMETHEUS: &str = "prometheus";
/// The first sample's time: a whole number of blocks ago.
const SPAN: i64 = 90 * 60_000;
const STEP: i64 = 15_000;

/// Samples of one series.
struct Sent {
    labels: Labels,
    samples: Vec<WrittenSample>,
    histograms: Vec<WrittenHistogram>,
}

/// Floats of several shapes, a stale series, and histograms of both kinds, with resets.
fn series(end: i64) -> Vec<Sent> {
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

fn send(address: &str, all: &[Sent]) {
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

fn start(dir: &Path, flags: &[&str]) -> Server {
    fs::write(dir.join("keepwatch.yml"), CONFIG).unwrap();
    let common = [
        "--config.file=keepwatch.yml",
        "--storage.tsdb.path=keepwatch",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
    ];
    serve(dir, &[&common, flags].concat())
}

const CONFIG: &str = "global:\n  external_labels: {cluster: here, job: never}\n";

fn prometheus(dir: &Path, name: &str, config: &str, flags: &[&str]) -> Peer {
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

/// `name=value`, with all four operators.
fn query(start: i64, end: i64, matchers: &[(&str, MatchOp, &str)]) -> Query {
    let matchers = matchers.iter().map(|(name, op, value)| RawMatcher {
        name: (*name).to_owned(),
        op: Some(*op),
        value: (*value).to_owned(),
    });
    Query {
        range: TimeRange::new(Timestamp(start), Timestamp(end)),
        matchers: matchers.collect(),
        hints: None,
    }
}

fn ask(address: &str, queries: &[Query], accepted: &[ResponseType]) -> RawAnswer {
    let request = Request {
        queries: queries.to_vec(),
        accepted: accepted.to_vec(),
    };
    let body = compress(&request.encode()).unwrap();
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
    ];
    post_for_bytes(address, "/api/v1/read", &headers, &body)
}

/// Samples as text, by the number of the query and the labels.
type Found = BTreeMap<(usize, String), Vec<String>>;

/// Whether no reset is known or known not to be is left open: 2.42 does not tell at the start of a chunk.
fn shown(histogram: &HistogramSample, time: i64) -> String {
    format!("{histogram:?}@{time}").replace("NotReset", "Unknown")
}

fn of_samples(answer: &RawAnswer) -> Found {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    assert_eq!(answer.header("content-encoding"), "snappy");
    let content = decompress(&answer.body, 1 << 30).unwrap();
    let mut found = Found::new();
    for (number, result) in decode_response(&content).unwrap().into_iter().enumerate() {
        for series in result {
            let floats = series.samples.iter();
            let mut texts: Vec<String> = floats
                .map(|sample| format!("{:x}@{}", sample.value.to_bits(), sample.time.0))
                .collect();
            let histograms = series.histograms.iter();
            texts.extend(histograms.map(|written| shown(&written.histogram, written.time.0)));
            if !texts.is_empty() {
                found.insert((number, series.labels.to_string()), texts);
            }
        }
    }
    found
}

fn of_chunks(answer: &RawAnswer) -> Found {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(
        answer.header("content-type"),
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    );
    let mut stream = &answer.body[..];
    let mut found = Found::new();
    let mut last = None;
    while let Some(all) = next_frame(&mut stream, 2 << 20).unwrap() {
        for series in all {
            let key = (series.query as usize, series.labels.to_string());
            let texts = series.chunks.iter().flat_map(|chunk| {
                let encoding = Encoding::from_byte(chunk.encoding).unwrap();
                decoded(encoding, chunk.data)
            });
            let of_series = (series.query, series.labels.clone());
            assert!(
                last.as_ref() <= Some(&of_series),
                "{last:?} before {of_series:?}"
            );
            last = Some(of_series);
            found.entry(key).or_default().extend(texts);
        }
    }
    found
}

fn decoded(encoding: Encoding, data: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    if encoding.is_float() {
        let mut batch = SeriesBatch::new();
        tsdb::chunk::decode(encoding, data, Wanted::ALL, &mut batch).unwrap();
        let floats = batch.times.iter().zip(&batch.values);
        texts.extend(floats.map(|(time, value)| format!("{:x}@{time}", value.to_bits())));
    } else {
        tsdb::chunk::histogram::decode(encoding, data, usize::MAX, |sample| {
            let histogram = match sample.value {
                HistogramValue::Integer(histogram) => HistogramSample::Integer(histogram),
                HistogramValue::Float(histogram) => HistogramSample::Float(histogram),
            };
            texts.push(shown(&histogram, sample.time));
            true
        })
        .unwrap();
    }
    texts
}

fn assert_same(found: &Found, wanted: &Found) {
    for (key, texts) in found {
        let wanted = wanted
            .get(key)
            .unwrap_or_else(|| panic!("{key:?} is too much"));
        for (text, wanted) in texts.iter().zip(wanted) {
            assert_eq!(text, wanted, "{key:?}");
        }
        assert_eq!(texts.len(), wanted.len(), "{key:?}");
    }
    let missing = wanted.keys().find(|key| !found.contains_key(*key));
    assert_eq!(missing, None, "is missing");
}

/// The time of the newest sample: near now, as Prometheus takes no others.
fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    since.as_millis() as i64 / STEP * STEP
}

#[test]
fn the_same_answers_as_prometheus() {
    if !is_installed(PROMETHEUS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let flags = [
        "--web.enable-remote-write-receiver",
        "--enable-feature=native-histograms",
    ];
    let theirs = prometheus(dir.path(), "theirs", CONFIG, &flags);
    let ours = start(dir.path(), &[]);
    let end = now();
    for address in [&theirs.address, &ours.address] {
        send(address, &series(end));
    }
    let all = [("job", MatchOp::Equal, "sent")];
    let queries = [
        query(end - SPAN, end, &all),
        query(end - SPAN + 77_777, end - 1_234_567, &all),
        query(
            end - 100_000,
            end + 1_000_000,
            &[("__name__", MatchOp::Regex, "c.*|integers")],
        ),
        query(
            0,
            i64::MAX,
            &[
                ("__name__", MatchOp::NotRegex, "w.*"),
                ("job", MatchOp::NotEqual, ""),
            ],
        ),
        query(end, end, &[("cluster", MatchOp::Equal, "here")]),
        query(end, end, &[("cluster", MatchOp::Equal, "elsewhere")]),
        query(
            end,
            end,
            &[
                ("cluster", MatchOp::NotEqual, "elsewhere"),
                ("job", MatchOp::Equal, "sent"),
            ],
        ),
        query(end, end, &[("job", MatchOp::Equal, "never")]),
    ];
    let accepted = [
        &[][..],
        &[ResponseType::Samples, ResponseType::StreamedXorChunks],
        &[ResponseType::Unknown(9), ResponseType::Samples],
    ];
    for accepted in accepted {
        let [theirs, ours] = [&theirs.address, &ours.address]
            .map(|address| of_samples(&ask(address, &queries, accepted)));
        assert!(theirs.len() > 20, "{}", theirs.len());
        // Histograms are in its chunks, but not yet among its samples.
        let is_float = |text: &String| !text.contains("Histogram");
        let ours: Found = ours
            .into_iter()
            .filter(|(_, texts)| texts.iter().all(is_float))
            .collect();
        assert_same(&ours, &theirs);
    }
    let accepted = [ResponseType::StreamedXorChunks, ResponseType::Samples];
    let [their_answer, our_answer] =
        [&theirs.address, &ours.address].map(|address| ask(address, &queries, &accepted));
    let ours_in_chunks = of_chunks(&our_answer);
    assert_same(&ours_in_chunks, &of_chunks(&their_answer));
    let in_samples = ask(&ours.address, &queries, &[ResponseType::Samples]);
    assert_same(&of_samples(&in_samples), &ours_in_chunks);
    // What is no request is refused in the same words.
    let refused = |address: &str, body: &[u8]| {
        let answer = post_for_bytes(address, "/api/v1/read", &[], body);
        (
            answer.status,
            String::from_utf8_lossy(&answer.body).into_owned(),
        )
    };
    let unsupported = Request {
        queries: queries.to_vec(),
        accepted: vec![ResponseType::Unknown(7), ResponseType::Unknown(u32::MAX)],
    };
    let mut odd = query(0, 1, &[("job", MatchOp::Equal, "sent")]);
    odd.matchers[0].op = None;
    let odd = Request {
        queries: vec![odd],
        accepted: Vec::new(),
    };
    for body in [
        b"\xff\xff".to_vec(),
        compress(&unsupported.encode()).unwrap(),
        compress(&odd.encode()).unwrap(),
    ] {
        assert_eq!(
            refused(&ours.address, &body),
            refused(&theirs.address, &body)
        );
    }
}

/// Debian's Prometheus asks for samples; what it answers then is what it would answer if they were its own.
#[test]
fn a_prometheus_that_reads_from_us() {
    if !is_installed(PROMETHEUS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let ours = start(dir.path(), &[]);
    let flags = [
        "--web.enable-remote-write-receiver",
        "--enable-feature=native-histograms",
    ];
    let plain = prometheus(dir.path(), "plain", "global: {}\n", &flags);
    let config = format!(
        "global:\n  external_labels: {{cluster: here}}\nremote_read:\n- url: http://{}/api/v1/read\n  read_recent: true\n",
        ours.address
    );
    let reader = prometheus(dir.path(), "reader", &config, &flags[1..]);
    let end = now();
    for address in [&ours.address, &plain.address] {
        send(address, &series(end));
    }
    let time = (end - 1000) as f64 / 1000.0;
    for expression in [
        // It does not look for histograms among samples yet.
        "{job=\"sent\",__name__!~\"special|floats|integers\"}",
        "rate(counter_total[5m])",
        "sum by (job) (increase(wild[10m]))",
        "count_over_time(stale[90m])",
    ] {
        let path = format!(
            "/api/v1/query?time={time}&query={}",
            percent_encoded(expression)
        );
        let result = |address: &str| -> Value { json(address, &path)["data"]["result"].clone() };
        let [mut wanted, mut found] =
            [&plain.address, &reader.address].map(|address| result(address));
        for value in [&mut wanted, &mut found] {
            let rows = value.as_array_mut().unwrap();
            assert!(!rows.is_empty(), "{expression}");
            rows.sort_by_key(|row| row["metric"].to_string());
        }
        assert_eq!(found, wanted, "{expression}");
    }
}

#[test]
fn limits_hold() {
    let dir = tempfile::tempdir().unwrap();
    let ours = start(
        dir.path(),
        &[
            "--storage.remote.read-sample-limit=1e3",
            "--storage.remote.read-max-bytes-in-frame=200",
            "--storage.remote.read-concurrent-limit=1",
        ],
    );
    let end = now();
    send(&ours.address, &series(end));
    let all = [query(0, end, &[("job", MatchOp::Equal, "sent")])];
    let answer = ask(&ours.address, &all, &[]);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body, b"exceeded sample limit (1000)\n");
    assert_eq!(answer.header("content-encoding"), "");
    let reasons = ours.json("/api/keepwatch/v1/reasons?code=remote-read-limit");
    assert_eq!(
        reasons["data"]["entries"][0]["message"],
        "exceeded sample limit (1000)"
    );
    // Streamed answers have no limit but that of their frames.
    let answer = ask(&ours.address, &all, &[ResponseType::StreamedXorChunks]);
    let mut stream = &answer.body[..];
    let mut frames = 0;
    while next_frame(&mut stream, 2000).unwrap().is_some() {
        frames += 1;
    }
    assert!(frames > 20, "{frames}");
    assert_eq!(of_chunks(&answer).len(), series(end).len());
    assert_eq!(
        ours.metric("prometheus_remote_read_handler_queries"),
        Some(0.0)
    );
}
